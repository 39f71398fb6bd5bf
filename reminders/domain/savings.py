"""What an appointment costs, and what may be supposed where nothing is measured.

One cost for each appointment as first booked, the same sum in both arms: the slot it wasted, the
messages, calls and staff time it took. A slot freed and taken again wasted nothing: refills are
inside this cost, never added beside it, so that nothing is counted twice. Source: EVIDENCE 3.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from reminders.domain.outcome import Outcome


class Component(StrEnum):
    """What costs something. The unit of its quantity in parentheses."""

    SLOT = "slot"  # (slots nobody used)
    SEGMENT = "segment"  # (SMS segments)
    CALL = "call"  # (telephone calls)
    TASK = "task"  # (tasks somebody did)
    FEE = "fee"  # (months of the service's own price)
    HOSTING = "hosting"  # (months of the machine it runs on)


class Value(StrEnum):
    """What a saving is made of. Most hospitals gain capacity, and little money."""

    CAPACITY = "capacity"  # slots and hours that serve again
    CASH = "cash"  # bills that become smaller


VALUE_OF = {
    Component.SLOT: Value.CAPACITY,
    Component.SEGMENT: Value.CASH,
    Component.CALL: Value.CAPACITY,
    Component.TASK: Value.CAPACITY,
    Component.FEE: Value.CASH,
    Component.HOSTING: Value.CASH,
}
MONTHLY = frozenset({Component.FEE, Component.HOSTING})  # of the whole hospital, not of one visit


@dataclass(frozen=True, slots=True)
class UnitCost:
    """Euros for one of a component: what is thought, and between what and what it may be."""

    component: Component
    value: float
    low: float
    high: float
    source: str  # who says so
    valid_from: date
    uf: str = ""  # "" = every service without one of its own
    configured: bool = False  # nobody entered it: what the service's settings say until then

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.value <= self.high:
            raise ValueError("a unit cost lies between its low and its high, none below 0")
        if not self.source.strip():
            raise ValueError("a unit cost names its source")
        if self.component in MONTHLY and self.uf:
            raise ValueError("fees and hosting are the whole hospital's")


def cost_on(costs: Iterable[UnitCost], component: Component, uf: str, day: date) -> UnitCost | None:
    """The one that holds for a service on a day: its own before everybody's, the latest first."""
    found = [
        one
        for one in costs
        if one.component is component and one.uf in ("", uf) and one.valid_from <= day
    ]
    return max(found, key=lambda one: (one.uf == uf, one.valid_from), default=None)


def slots_wasted(
    outcome: Outcome,
    *,
    freed: bool,
    refilled: bool,
    moved: bool = False,
    refilled_again: bool = False,
) -> int | None:
    """Slots that one appointment as first booked left empty; None: nobody knows.

    `freed`: its first slot was given back (called off, or moved); `refilled`: and somebody else
    used it; `moved`: it then stood at another hour. A moved one that is then missed or called off
    empties the second one too, whoever took the first, unless it was called off and somebody else
    used that one (`refilled_again`). What the hospital calls off, it empties itself: none.
    """
    if outcome is Outcome.UNKNOWN:
        return None
    if outcome is Outcome.CANCELLED_BY_HOSPITAL:
        return 0
    left = int(freed and not refilled)
    if outcome is Outcome.NO_SHOW:
        return 1 + left
    if outcome is Outcome.ATTENDED:
        return left
    return left + int(not refilled_again) if moved else int(not refilled)


# --- hypotheses ----------------------------------------------------------------------------------


class Supposed(StrEnum):
    """The field's usual hypotheses: chosen for a projection, never mixed with what is measured."""

    NO_SHOWS = "no-shows"
    SLOT = "slot"
    CALLS = "calls"
    ERRORS = "errors"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A range people in the field say, without a trial of ours behind it."""

    name: Supposed
    low: float
    high: float
    unit: str  # "share" of what there is, "euro", "fte"
    source: str


HYPOTHESES = (
    Hypothesis(Supposed.NO_SHOWS, -0.50, -0.30, "share", "usage du secteur"),
    Hypothesis(Supposed.SLOT, 50.0, 300.0, "euro", "usage du secteur"),
    Hypothesis(Supposed.CALLS, -0.40, -0.20, "share", "usage du secteur"),
    Hypothesis(Supposed.ERRORS, -0.30, -0.15, "share", "usage du secteur"),
    Hypothesis(Supposed.STAFF, 0.0, 1.0, "fte", "à remplacer par l'établissement"),
)
LABEL = "hypothèse"


@dataclass(frozen=True, slots=True)
class Projection:
    """What a hypothesis would make of a quantity that was counted. Always shown as one."""

    hypothesis: Hypothesis
    counted: float
    low: float
    high: float
    label: str = LABEL


def project(hypothesis: Hypothesis, counted: float) -> Projection:
    """`counted`: no-shows, slots, calls or errors of the period. Raises ValueError below 0."""
    if counted < 0:
        raise ValueError("nothing is counted below 0")
    one, other = counted * hypothesis.low, counted * hypothesis.high
    return Projection(hypothesis, counted, min(one, other), max(one, other))
