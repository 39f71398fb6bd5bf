"""What the field's usual hypotheses would make of what was counted: never a measurement.

A projection takes counts and hypotheses only; nothing measured enters it, and it enters no saving
(services/money), no closed month and no export of figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reminders.domain.marking import N_
from reminders.domain.savings import HYPOTHESES, Projection, Supposed, project
from reminders.services.costs import euros

MOST = 10_000_000.0
WRITE = N_("Écrire des nombres, par exemple 30 et 50.")
NAMES: Mapping[Supposed, str] = {
    Supposed.NO_SHOWS: N_("Non-venues en moins"),
    Supposed.SLOT: N_("Prix d’un créneau perdu"),
    Supposed.CALLS: N_("Appels inutiles en moins"),
    Supposed.ERRORS: N_("Erreurs et transferts en moins"),
    Supposed.STAFF: N_("Temps de travail regagné"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One hypothesis on the form. Shares as percentages, as people write them."""

    name: Supposed
    unit: str
    chosen: bool
    low: str
    high: str
    counted: str  # "": what the month counts
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Projected:
    """`slots`: no-shows in less times the supposed price of a slot, where both are chosen."""

    choices: tuple[Choice, ...]
    rows: tuple[Projection, ...]
    slots: tuple[float, float] | None


def projected(query: Mapping[str, str], counted: Mapping[Supposed, float]) -> Projected:
    """The hypotheses an address chooses: `h-<name>=1`, `<name>-bas`, `<name>-haut`, `<name>-n`."""
    choices, rows = [], []
    for one in HYPOTHESES:
        choice, found = _choice(query, one.name, counted)
        choices.append(choice)
        if found is not None:
            rows.append(found)
    return Projected(tuple(choices), tuple(rows), _slots(rows))


def _choice(
    query: Mapping[str, str], name: Supposed, counted: Mapping[Supposed, float]
) -> tuple[Choice, Projection | None]:
    usual = next(one for one in HYPOTHESES if one.name is name)
    factor = 100.0 if usual.unit == "share" else 1.0
    low, high = sorted((abs(usual.low) * factor, abs(usual.high) * factor))
    choice = Choice(
        name, usual.unit, query.get(f"h-{name}") == "1",
        query.get(f"{name}-bas", "").strip() or f"{low:g}".replace(".", ","),
        query.get(f"{name}-haut", "").strip() or f"{high:g}".replace(".", ","),
        query.get(f"{name}-n", "").strip(),
    )  # fmt: skip
    if not choice.chosen:
        return choice, None
    bounds = [euros(choice.low.rstrip("% ")), euros(choice.high.rstrip("% "))]
    number = euros(choice.counted) if choice.counted else counted.get(name)
    if choice.counted and number is None:
        return replace(choice, problem=WRITE), None
    if name in (Supposed.SLOT, Supposed.STAFF):
        number = 1.0
    if number is None:
        problem = N_("Le mois ne dit pas combien : l’écrire, ou choisir un autre mois.")
        return replace(choice, problem=problem), None
    if None in bounds:
        return replace(choice, problem=WRITE), None
    least, most = sorted(one for one in bounds if one is not None)
    if usual.unit == "share" and most > 100:
        return replace(choice, problem=N_("Pas plus de 100 %.")), None
    sign = -1.0 if usual.unit == "share" else 1.0
    ends = sorted((sign * least / factor, sign * most / factor))
    return choice, project(replace(usual, low=ends[0], high=ends[1]), number)


def _slots(rows: list[Projection]) -> tuple[float, float] | None:
    found = {one.hypothesis.name: one for one in rows}
    missed, price = found.get(Supposed.NO_SHOWS), found.get(Supposed.SLOT)
    if missed is None or price is None:
        return None
    fewer = sorted((abs(missed.low), abs(missed.high)))
    return fewer[0] * price.low, fewer[1] * price.high
