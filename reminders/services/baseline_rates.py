"""What the past tells: no-show rates by kind, where to start, and how long a comparison takes.

Rates are descriptions of what was; nothing here says what reminders change. What is supposed of
that is a hypothesis, and called one.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from reminders.domain.baseline_count import (
    PARTS,
    Counted,
    Split,
    hidden,
    margins_of,
)
from reminders.domain.baseline_quality import Finding, of_kept, within
from reminders.domain.outcome import Denominator, Outcome, Tally
from reminders.domain.savings import Component, UnitCost, cost_on
from reminders.services.costs import costs_on
from reminders.services.holdout import EXPECTED_DEFF
from reminders.services.rules import Rules
from reminders.statistics.design import power_units
from reminders.statistics.proportion import Interval, wilson_interval
from reminders.store import baseline as stored
from reminders.store.engine import Store
from reminders.store.types import instant

Ufs = frozenset[str] | None  # None: every service
MOST = 25_000  # lines of one reading: more than one service has kinds of appointments
SAME_DAY = "<1"  # booked the day itself: no reminder can be sent
HELD = 0.10  # of the patients, as proposed
# Relative reductions of no-shows one may suppose (EVIDENCE 0.1): another SMS where one leaves
# already gives some 10 %, reminders where there were none a third.
SUPPOSED_LOW, SUPPOSED_HIGH = 0.10, 0.34
RATIOS = (0.66, 0.80, 0.90)  # of the held-out arm's rate: what a comparison must see
WEEKS_A_YEAR = 52.0
LEAST_MISSED = 10  # no-shows below which no size of a comparison is told
ORDER = {"known": ("new", "known")}


@dataclass(frozen=True, slots=True)
class Kept:
    """The import that holds."""

    id: int
    imported_at: datetime
    imported_by: str
    origin: str
    content_hash: str
    first_at: datetime
    last_at: datetime
    weeks: int
    appointments: int
    findings: Sequence[Finding]

    @property
    def lasting(self) -> float:
        """Weeks with appointments in them, the first and the last one as far as they go."""
        days = (self.last_at - self.first_at) / timedelta(days=1) + 1
        return max(1.0, min(float(self.weeks), days / 7))


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of appointments. A hidden one tells its name only."""

    counted: Counted
    hidden: bool

    @property
    def rate(self) -> float | None:
        """No-shows among those whose outcome is known, cancelled ones included."""
        return None if self.hidden else self.counted.tally.rate(Denominator.ELIGIBLE)

    @property
    def expected_rate(self) -> float | None:
        """Among those who came or did not, as national figures count."""
        return None if self.hidden else self.counted.tally.rate(Denominator.EXPECTED)

    @property
    def interval(self) -> Interval | None:
        """Wilson's, 95 %, of appointments taken as independent."""
        if self.hidden or not self.counted.appointments:
            return None
        return wilson_interval(self.counted.missed, self.counted.appointments)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """If every unknown one had come, and if none had."""
        return None if self.hidden else self.counted.tally.bounds_of(Denominator.ELIGIBLE)


@dataclass(frozen=True, slots=True)
class Needed:
    """How large a comparison must be to see that the rate becomes `ratio` of what it is."""

    ratio: float
    appointments: int
    months: float  # at the present volume


@dataclass(frozen=True, slots=True)
class Start:
    """A service as a place to begin. `remindable`: not booked the day itself. A year's figures
    are the period's brought to 52 weeks. Money: None without a cost of its slots."""

    uf: str
    line: Line  # of what is remindable
    a_year: float  # remindable appointments
    missed_a_year: float
    cost: UnitCost | None  # of a slot
    needed: tuple[Needed, ...]  # empty: too few no-shows to say

    @property
    def wasted(self) -> float:
        """Euros a year of slots nobody came to; 0 without a cost."""
        return self.missed_a_year * self.cost.value if self.cost else 0.0

    @property
    def avoidable(self) -> tuple[float, float] | None:
        """Euros a year that could be avoided, from the least supposed of the cheapest slot to the
        most of the dearest: a hypothesis."""
        if self.cost is None:
            return None
        low, high = self.cost.low * SUPPOSED_LOW, self.cost.high * SUPPOSED_HIGH
        return self.missed_a_year * low, self.missed_a_year * high


@dataclass(frozen=True, slots=True)
class Starts:
    """`by_cost`: ranked by what could be avoided; else by no-shows, for want of any cost.
    `small`: services that are not told one by one."""

    ranked: tuple[Start, ...]
    by_cost: bool
    small: int


def kept(store: Store, *, ufs: Ufs = None) -> Kept | None:
    """The baseline there is, its findings those about these services."""
    with store.read() as connection:
        row = stored.latest(connection)
    if row is None:
        return None
    found = of_kept(json.loads(row.quality or "[]"))
    return Kept(
        row.id, instant(row.imported_at), row.imported_by, row.origin, row.content_hash,
        instant(row.first_at), instant(row.last_at), row.weeks, row.appointments,
        found if ufs is None else [within(one, ufs) for one in found],
    )  # fmt: skip


def rates(
    store: Store, splits: Sequence[Split], *, ufs: Ufs = None, uf: str = ""
) -> dict[Split, list[Line]]:
    """The kinds of these splits, small ones hidden; `uf`: of one service. One statement."""
    found: dict[Split, dict[str, list[Counted]]] = {split: {} for split in splits}
    for split, one in _counts(store, splits, ufs, uf):
        found[split].setdefault("" if split is Split.SERVICE else one.uf, []).append(one)
    return {
        split: sorted(
            (line for members in groups.values() for line in _lines(members, split)),
            key=lambda line: _place(line.counted, split),
        )
        for split, groups in found.items()
    }


def _lines(members: Sequence[Counted], split: Split) -> list[Line]:
    out = hidden(members, margins_of(split) or ((),))
    return [Line(one, place in out) for place, one in enumerate(members)]


def slot_costs(store: Store, rules: Rules, day: date) -> Callable[[str], UnitCost | None]:
    """What a slot of a service costs on a day: entered, else of the settings."""
    known = costs_on(store, rules, day)
    return lambda uf: cost_on(known, Component.SLOT, uf, day)


def starts(
    store: Store, found: Kept, cost_of: Callable[[str], UnitCost | None], *, ufs: Ufs = None
) -> Starts:
    """Where to begin, the service with most to avoid first.

    `cost_of`: of a service's slot. Same-day bookings are left out: nothing can remind of them. So
    are services too small to be told, which a sum would give away.
    """
    told = rates(store, (Split.SERVICE, Split.LEAD), ufs=ufs)
    parts: dict[str, list[Counted]] = {}
    for line in told[Split.LEAD]:
        if line.counted.lead != SAME_DAY:
            parts.setdefault(line.counted.uf, []).append(line.counted)
    shown = [line.counted.uf for line in told[Split.SERVICE] if not line.hidden]
    ranked = [_start(uf, parts[uf], found.lasting, cost_of(uf)) for uf in shown if uf in parts]
    ranked = [one for one in ranked if not one.line.hidden]
    by_cost = any(one.cost is not None for one in ranked)
    ranked.sort(key=lambda one: (-one.wasted, -one.missed_a_year, one.uf))
    return Starts(tuple(ranked), by_cost, len(told[Split.SERVICE]) - len(ranked))


def _start(uf: str, parts: Sequence[Counted], weeks: float, cost: UnitCost | None) -> Start:
    whole = _sum(uf, parts)
    line = Line(whole, whole.small)
    share = WEEKS_A_YEAR / weeks
    return Start(
        uf,
        line,
        whole.appointments * share,
        whole.missed * share,
        cost,
        needed(line.rate, whole, weeks),
    )


def needed(rate: float | None, whole: Counted, weeks: float) -> tuple[Needed, ...]:
    """For 80 % power at a two-sided 5 %, a tenth of the patients held out, appointments of one
    patient alike (design effect 1.3)."""
    if rate is None or not 0 < rate < 1 or whole.missed < LEAST_MISSED:
        return ()
    a_month = whole.appointments / weeks * WEEKS_A_YEAR / 12
    found = []
    for ratio in RATIOS:
        size = round(power_units(rate, rate * ratio, HELD) * EXPECTED_DEFF)
        found.append(Needed(ratio, size, size / a_month))
    return tuple(found)


def _sum(uf: str, parts: Sequence[Counted]) -> Counted:
    """Patients of several parts: at least as many as of the largest."""
    counts = {one: sum(part.tally[one] for part in parts) for one in Outcome}
    return Counted(uf, max(part.patients for part in parts), Tally(counts))


def _counts(
    store: Store, splits: Sequence[Split], ufs: Ufs, uf: str
) -> Iterator[tuple[Split, Counted]]:
    chosen = None if ufs is None else sorted(ufs)
    with store.read() as connection:
        found = stored.counts(connection, [one.value for one in splits], chosen, uf, MOST)
    for row in found:
        counts = {one: int(getattr(row, one.value.replace("-", "_"))) for one in Outcome}
        yield (
            Split(row.split),
            Counted(
                row.uf, int(row.patients), Tally(counts), row.known, row.lead, row.weekday,
                row.hour, row.age,
            ),
        )  # fmt: skip


def _place(one: Counted, split: Split) -> tuple[object, ...]:
    """Services by name; new ones first; bands by their lower end, unknown last."""
    parts = [_rank(name, getattr(one, name)) for name in PARTS[split]]
    return (one.uf, *parts)


def _rank(name: str, value: str) -> tuple[int, int]:
    if name in ORDER:
        return (0, ORDER[name].index(value)) if value in ORDER[name] else (1, 0)
    digits = value.lstrip("<").partition("-")[0].rstrip("+")
    if not digits.isdecimal():
        return 1, 0
    return 0, -1 if value.startswith("<") else int(digits)
