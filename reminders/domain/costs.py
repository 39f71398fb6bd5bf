"""Unit costs over time: which one holds, and what months of a fee come to.

One truth. What somebody entered on the page of costs holds; where nobody entered anything, what
the settings say holds until then: a service's own `slot_cost_eur`, the senders' price of a
segment. Entries are only ever added: of two with the same day, the later one is the correction.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from reminders.domain.savings import Component, UnitCost

MICROS = 1_000_000  # in a euro
MOST_EUROS = 10_000_000
OF_SERVICE = "réglage du service"
OF_SENDERS = "prix des opérateurs, [[sms]] de la configuration"


@dataclass(frozen=True, slots=True)
class Entered:
    """One row as somebody entered it. `cost` None: from that day on there is none of its own."""

    id: int
    component: Component
    uf: str
    valid_from: date
    cost: UnitCost | None


def in_force(entered: Iterable[Entered], day: date) -> list[UnitCost]:
    """At most one for each component and service on a day, as people entered them."""
    last: dict[tuple[Component, str], Entered] = {}
    for one in entered:
        if one.valid_from > day:
            continue
        place = (one.component, one.uf)
        known = last.get(place)
        if known is None or (known.valid_from, known.id) < (one.valid_from, one.id):
            last[place] = one
    return [one.cost for one in last.values() if one.cost is not None]


def with_settings(
    costs: Sequence[UnitCost],
    slots: Mapping[str, float],
    segments: Sequence[float],
    day: date,
) -> tuple[UnitCost, ...]:
    """Those, and what the settings say wherever nobody entered anything.

    `slots`: service -> euros of a lost slot; `segments`: what each sender charges for one, the
    first one tried first. A configured value has no range but the senders' own.
    """
    entered = {(one.component, one.uf) for one in costs}
    found = list(costs)
    if (Component.SLOT, "") not in entered:
        found += [
            UnitCost(Component.SLOT, value, value, value, OF_SERVICE, day, uf, configured=True)
            for uf, value in sorted(slots.items())
            if (Component.SLOT, uf) not in entered
        ]
    if segments and (Component.SEGMENT, "") not in entered:
        low, high = min(segments), max(segments)
        found.append(
            UnitCost(Component.SEGMENT, segments[0], low, high, OF_SENDERS, day, configured=True)
        )
    return tuple(sorted(found, key=lambda one: (list(Component).index(one.component), one.uf)))


@dataclass(frozen=True, slots=True)
class Spent:
    """Euros of a period, and between what and what they may be. `known`: something was entered
    for each of its months; nothing entered is no 0 €."""

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    known: bool = True


def spent(entered: Sequence[Entered], component: Component, since: date, until: date) -> Spent:
    """A monthly cost over the civil days [since, until): each month at what held on its first
    counted day, a part of a month by its days."""
    total, day = Spent(), since
    while day < until:
        size = monthrange(day.year, day.month)[1]
        end = min(until, day.replace(day=1) + timedelta(days=size))
        found = [one for one in in_force(entered, day) if one.component is component]
        part = (end - day).days / size
        total = Spent(
            total.value + part * sum(one.value for one in found),
            total.low + part * sum(one.low for one in found),
            total.high + part * sum(one.high for one in found),
            total.known and bool(found),
        )
        day = end
    return total
