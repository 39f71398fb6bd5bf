"""Unit costs: entered with their range and source, corrected by another entry, never changed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from reminders.domain.costs import MICROS, MOST_EUROS, Entered, in_force, with_settings
from reminders.domain.marking import N_
from reminders.domain.savings import MONTHLY, Component, UnitCost
from reminders.errors import Problem, RepairNeeded
from reminders.services.rules import Rules
from reminders.store import costs as stored
from reminders.store import facts
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, micros

LONGEST_SOURCE = 200  # characters
FARTHEST_YEARS = 20
COMPONENTS: Mapping[Component, str] = {
    Component.SLOT: N_("Un créneau que personne n’a utilisé"),
    Component.SEGMENT: N_("Un SMS (une partie)"),
    Component.CALL: N_("Un appel téléphonique traité"),
    Component.TASK: N_("Une tâche faite par une personne"),
    Component.FEE: N_("L’abonnement au service, par mois"),
    Component.HOSTING: N_("L’hébergement, par mois"),
}


@dataclass(frozen=True, slots=True)
class CostForm:
    """As somebody typed it."""

    component: str = ""
    uf: str = ""
    value: str = ""
    low: str = ""
    high: str = ""
    source: str = ""
    valid_from: str = ""  # 2026-10-01 or 01/10/2026


FIELDS = tuple(CostForm.__slots__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    id: int
    component: Component
    uf: str
    cost: UnitCost | None  # None: withdrawn
    valid_from: date
    at: datetime
    author: str
    name: str  # of the author


@dataclass(frozen=True, slots=True)
class CostsPage:
    """`current` hold today, `coming` will; `history` newest first, `before`: where it goes on."""

    current: tuple[UnitCost, ...]
    coming: tuple[UnitCost, ...]
    missing: tuple[Component, ...]  # nobody entered nor configured any
    history: tuple[Entry, ...]
    before: int | None


def typed(form: Mapping[str, str]) -> CostForm:
    return CostForm(**{name: form.get(name, "").strip() for name in FIELDS})


def read(form: CostForm, rules: Rules, *, today: date) -> tuple[UnitCost | None, dict[str, str]]:
    """(the cost, nothing), or (None, field -> what is wrong in plain French)."""
    errors: dict[str, str] = {}
    component = next((one for one in Component if one.value == form.component), None)
    if component is None:
        errors["component"] = N_("Choisir dans la liste ce qui coûte.")
    if form.uf and component in MONTHLY:
        errors["uf"] = N_("Un abonnement ou un hébergement vaut pour tout l’établissement.")
    elif form.uf and form.uf not in rules.desks:
        errors["uf"] = N_("Choisir un service de la liste.")
    amounts = {name: euros(getattr(form, name)) for name in ("value", "low", "high")}
    for name, amount in amounts.items():
        if amount is None:
            errors[name] = N_("Écrire un montant en euros, par exemple 50 ou 52,50.")
    low, value, high = amounts["low"], amounts["value"], amounts["high"]
    if low is not None and value is not None and low > value:
        errors["low"] = N_("Le plus bas ne peut pas dépasser la valeur.")
    if high is not None and value is not None and high < value:
        errors["high"] = N_("Le plus haut ne peut pas être inférieur à la valeur.")
    if not form.source:
        errors["source"] = N_("Dire d’où vient ce montant : qui l’a établi, et quand.")
    elif len(form.source) > LONGEST_SOURCE:
        errors["source"] = N_("Abréger la source : 200 caractères au plus.")
    day = civil_day(form.valid_from)
    if day is None or abs(day.year - today.year) > FARTHEST_YEARS:
        errors["valid_from"] = N_("Écrire une date, par exemple 01/10/2026.")
    if errors or component is None or day is None:
        return None, errors
    assert low is not None
    assert value is not None
    assert high is not None
    return UnitCost(component, value, low, high, form.source, day, form.uf), {}


def euros(text: str) -> float | None:
    """« 1 052,50 € » -> 1052.5, to the millionth; None for what is no amount."""
    plain = re.sub(r"[\s\u00a0\u202f€]", "", text).replace(",", ".")
    if not re.fullmatch(r"\d{1,8}(\.\d{1,6})?", plain):
        return None
    try:
        found = Decimal(plain)
    except InvalidOperation:
        return None
    return float(found) if found <= MOST_EUROS else None


def civil_day(text: str) -> date | None:
    """2026-10-01 or 01/10/2026; None for anything else."""
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text.strip()):
        text = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


# --- writing -------------------------------------------------------------------------------------


def add(store: Store, costs: Sequence[UnitCost], *, actor: str, now: datetime) -> None:
    """Append them, each with a line of the audit. What they replace stays in the history."""
    with store.write() as connection:
        stored.add(connection, [_row(one, actor, now) for one in costs])
        for one in costs:
            _note(connection, "cost.set", one.component, one.uf, one.valid_from, actor, now)


def withdraw(
    store: Store, component: Component, uf: str, day: date, *, actor: str, now: datetime
) -> None:
    """From that day on the component has no cost of that service any more. Raises RepairNeeded
    where it had none."""
    with store.write() as connection:
        found = in_force(_entered(connection), day)
        if not any((one.component, one.uf) == (component, uf) for one in found):
            raise RepairNeeded(
                Problem(
                    f"coût « {component.value} »" + (f", UF {uf}" if uf else ""),
                    f"rien n'était saisi au {day:%d/%m/%Y}",
                    "voir reminders costs list",
                )
            )
        nothing = (component.value, uf, 0, 0, 0, "", day.isoformat(), 1, micros(now), actor)
        stored.add(connection, [nothing])
        _note(connection, "cost.withdraw", component, uf, day, actor, now)


def _note(
    connection: Connection, action: str, component: Component, uf: str, day: date, actor: str,
    now: datetime,
) -> None:  # fmt: skip
    facts.audit(
        connection, at=micros(now), actor=actor, action=action, subject=f"uf:{uf}" if uf else "",
        component=component.value, since=day.isoformat(),
    )  # fmt: skip


def _row(cost: UnitCost, actor: str, now: datetime) -> tuple[object, ...]:
    amounts = (round(n * MICROS) for n in (cost.value, cost.low, cost.high))
    return (
        cost.component.value, cost.uf, *amounts, cost.source, cost.valid_from.isoformat(), 0,
        micros(now), actor,
    )  # fmt: skip


# --- reading -------------------------------------------------------------------------------------


def entered(store: Store) -> list[Entered]:
    with store.read() as connection:
        return _entered(connection)


def _entered(connection: Connection) -> list[Entered]:
    return [
        Entered(row.id, Component(row.component), row.uf, date.fromisoformat(row.valid_from),
                _cost(row))
        for row in stored.everything(connection)
    ]  # fmt: skip


def costs_on(store: Store, rules: Rules, day: date) -> tuple[UnitCost, ...]:
    """What holds on a day, monthly costs among them: entered, else of the settings."""
    return resolved(entered(store), rules, day)


def resolved(those: Sequence[Entered], rules: Rules, day: date) -> tuple[UnitCost, ...]:
    segments = [table.price_per_segment_eur for table in rules.settings.sms]
    return with_settings(in_force(those, day), rules.book.slot_costs, segments, day)


def page(
    store: Store, rules: Rules, *, today: date, before: int | None = None, limit: int = 50
) -> CostsPage:
    with store.read() as connection:
        those = _entered(connection)
        found = stored.page(connection, before=before or 2**62, limit=limit + 1)
    current = resolved(those, rules, today)
    coming = [one.cost for one in those if one.valid_from > today and one.cost is not None]
    known = {one.component for one in current}
    return CostsPage(
        current,
        tuple(sorted(coming, key=lambda one: (one.valid_from, one.component, one.uf))),
        tuple(one for one in Component if one not in known),
        tuple(_entry(row) for row in found[:limit]),
        found[limit - 1].id if len(found) > limit else None,
    )


def _entry(row: Record) -> Entry:
    return Entry(
        row.id, Component(row.component), row.uf, _cost(row), date.fromisoformat(row.valid_from),
        instant(row.at), row.author, row.name,
    )  # fmt: skip


def _cost(row: Record) -> UnitCost | None:
    if row.withdrawn:
        return None
    value, low, high = (n / MICROS for n in (row.value_micros, row.low_micros, row.high_micros))
    return UnitCost(
        Component(row.component), value, low, high, row.source,
        date.fromisoformat(row.valid_from), row.uf,
    )  # fmt: skip
