"""What the past tells: no-show rates by kind, where to start, and how long a comparison takes.

Rates are descriptions of what was; nothing here says what reminders change. What is supposed of
that is a hypothesis, and called one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.domain.baseline_count import (
    PARTS,
    SMALLEST,
    Counted,
    Split,
    hidden,
    margins_of,
)
from reminders.domain.baseline_quality import Finding, of_kept, within
from reminders.domain.outcome import Denominator, Outcome, Tally
from reminders.services.holdout import EXPECTED_DEFF
from reminders.statistics.design import power_units
from reminders.statistics.proportion import Interval, wilson_interval
from reminders.store import baseline as stored
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant

Ufs = frozenset[str] | None  # None: every service
MOST = 20_000  # lines of one table
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
    def months(self) -> float:
        """With appointments in them."""
        return max(self.weeks, 1) * 12 / WEEKS_A_YEAR


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
    cost: float | None  # euros of a slot
    low: float | None  # euros a year, hypothesis
    high: float | None
    needed: tuple[Needed, ...]  # empty: too few no-shows to say


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


def rates(store: Store, split: Split, *, ufs: Ufs = None, uf: str = "") -> list[Line]:
    """The kinds of a split, small ones hidden; `uf`: of one service."""
    with store.read() as connection:
        found = _counts(_rows(connection, split, ufs, uf))
    groups: dict[str, list[Counted]] = {}
    for one in found:
        groups.setdefault("" if split is Split.SERVICE else one.uf, []).append(one)
    lines: list[Line] = []
    for members in groups.values():
        out = hidden(members, margins_of(split) if split is not Split.SERVICE else ((),))
        lines += [Line(one, place in out) for place, one in enumerate(members)]
    return sorted(lines, key=lambda line: _place(line.counted, split))


def _rows(connection: Connection, split: Split, ufs: Ufs, uf: str) -> Sequence[Record]:
    chosen = None if ufs is None else sorted(ufs)
    return stored.counts(connection, split.value, chosen, uf, MOST)


def starts(store: Store, found: Kept, costs: Mapping[str, float], *, ufs: Ufs = None) -> Starts:
    """Where to begin, the service with most to avoid first.

    `costs`: euros of a slot by service. Same-day bookings are left out: nothing can remind of
    them. So are services too small to be told, which a sum would give away.
    """
    with store.read() as connection:
        counted = _counts(_rows(connection, Split.LEAD, ufs, ""))
    services = [line.counted.uf for line in rates(store, Split.SERVICE, ufs=ufs) if not line.hidden]
    parts: dict[str, list[Counted]] = {}
    for one in counted:
        if one.lead != SAME_DAY:
            parts.setdefault(one.uf, []).append(one)
    told = [_start(uf, parts[uf], found.weeks, costs.get(uf)) for uf in services if uf in parts]
    ranked = [one for one in told if not one.line.hidden]
    by_cost = any(one.cost is not None for one in ranked)
    ranked.sort(key=lambda one: (-(one.high or 0.0), -one.missed_a_year, one.uf))
    names = {one.uf for one in counted}
    return Starts(tuple(ranked), by_cost, len(names) - len(ranked))


def _start(uf: str, parts: Sequence[Counted], weeks: int, cost: float | None) -> Start:
    whole = _sum(uf, parts)
    line = Line(whole, whole.small)
    share = WEEKS_A_YEAR / max(weeks, 1)
    missed = whole.missed * share
    avoided = None if cost is None else missed * cost
    return Start(
        uf,
        line,
        whole.appointments * share,
        missed,
        cost,
        None if avoided is None else avoided * SUPPOSED_LOW,
        None if avoided is None else avoided * SUPPOSED_HIGH,
        needed(line.rate, whole, weeks),
    )


def needed(rate: float | None, whole: Counted, weeks: int) -> tuple[Needed, ...]:
    """For 80 % power at a two-sided 5 %, a tenth of the patients held out, appointments of one
    patient alike (design effect 1.3)."""
    if rate is None or not 0 < rate < 1 or whole.missed < LEAST_MISSED:
        return ()
    a_month = whole.appointments / max(weeks, 1) * WEEKS_A_YEAR / 12
    found = []
    for ratio in RATIOS:
        size = round(power_units(rate, rate * ratio, HELD) * EXPECTED_DEFF)
        found.append(Needed(ratio, size, size / a_month))
    return tuple(found)


def _sum(uf: str, parts: Sequence[Counted]) -> Counted:
    """Patients of several parts: at least as many as of the largest."""
    counts = {one: sum(part.tally[one] for part in parts) for one in Outcome}
    return Counted(uf, max(part.patients for part in parts), Tally(counts))


def _counts(found: Sequence[Record]) -> list[Counted]:
    return [
        Counted(
            row.uf,
            int(row.patients),
            Tally({one: int(getattr(row, one.value.replace("-", "_"))) for one in Outcome}),
            row.known,
            row.lead,
            row.weekday,
            row.hour,
            row.age,
        )
        for row in found
    ]


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


__all__ = [
    "HELD",
    "SMALLEST",
    "Kept",
    "Line",
    "Needed",
    "Start",
    "Starts",
    "kept",
    "needed",
    "rates",
    "starts",
]
