"""The first page: the day's run, what holds it, what is missing, and how the month goes.

Four statements: the machine and the run of the day, what waits for people, and four weeks of
outcomes. The last three are remembered for a moment, and say of which.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.hiding import Group, enough, hidden_rows
from reminders.domain.outcome import EARLY, Attendance, Denominator, Outcome, Tally, outcome_of
from reminders.domain.report import HIDDEN_BELOW
from reminders.services.lists import DayRun, run_of
from reminders.services.money import Kept
from reminders.services.no_show_report import effect_of, rate_of
from reminders.services.remembered import Measured, Remembered
from reminders.services.rollup_table import ALL
from reminders.services.rules import Rules
from reminders.services.worklist import scope_of
from reminders.store import home as stored
from reminders.store.engine import Record, Store
from reminders.store.lists import Ufs
from reminders.store.types import MICROSECOND, instant, instant_or_none, micros

WEEKS = 4
OVERDUE = timedelta(minutes=2)
FEWEST = HIDDEN_BELOW  # among fewer appointments than this nothing is a rate


# --- what runs ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SourceState:
    """One feed of the DPI. `as_of` None: never read. `stale`: older than its limit."""

    id: str
    as_of: datetime | None
    limit: timedelta | None  # None: the configuration no longer names it
    stale: bool
    read_at: datetime | None
    status: str  # of the last reading: accepted | held | refused
    sentence: str
    rows: int


@dataclass(frozen=True, slots=True)
class HoldState:
    id: int
    source: str
    code: str
    sentence: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class RunState:
    at: datetime
    mode: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Machine:
    sources: tuple[SourceState, ...]
    holds: tuple[HoldState, ...]
    runs: tuple[RunState, ...]
    overdue: int
    unmapped: Mapping[str, int]  # UF -> coming appointments (at most stored.MANY)
    troubles: Mapping[str, tuple[str, int]]  # kind of task -> its sentence, how many
    texts: frozenset[tuple[str, str, str, str]]  # purpose, language, family, channel


def machine_of(
    store: Store, limits: Mapping[str, float], ufs: Ufs = None, *, now: datetime
) -> Machine:
    """`limits`: minutes after which each configured source's data is too old; `ufs`: whose
    messages are counted as overdue, None for all."""
    with store.read() as connection:
        found = stored.machine(connection, ufs, micros(now), micros(now - OVERDUE))
    lines: dict[str, list[Record]] = {}
    for row in found:
        lines.setdefault(row.what, []).append(row)
    reads = {row.name: row for row in lines.get("read", ())}
    known = {row.name: row for row in lines.get("source", ())}
    return Machine(
        sources=tuple(
            _source(name, known.get(name), reads.get(name), limits.get(name), now)
            for name in sorted(known.keys() | limits.keys())
        ),
        holds=tuple(
            HoldState(row.number, row.name, row.code, row.text, instant(row.at), row.by)
            for row in sorted(lines.get("hold", ()), key=lambda one: (one.at, one.number))
        ),
        runs=tuple(
            RunState(instant(row.at), row.name, row.number)
            for row in sorted(lines.get("run", ()), key=lambda one: -one.at)
        ),
        overdue=lines["overdue"][0].number,
        unmapped={row.name: row.number for row in lines.get("unmapped", ())},
        troubles={row.name: (row.text, row.number) for row in lines.get("gap", ())},
        texts=frozenset(
            (row.name, row.text, row.by, row.code) for row in lines.get("template", ())
        ),
    )


def _source(
    name: str, known: Record | None, read: Record | None, minutes: float | None, now: datetime
) -> SourceState:
    as_of = instant(known.at) if known is not None and known.at else None
    limit = None if minutes is None else timedelta(minutes=minutes)
    return SourceState(
        id=name,
        as_of=as_of,
        limit=limit,
        stale=as_of is not None and limit is not None and now - as_of > limit,
        read_at=None if read is None else instant(read.at),
        status="" if read is None else read.code,
        sentence="" if read is None else read.text,
        rows=0 if read is None else read.number,
    )


# --- figures --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """`events` among `among`, of services that may be told; `interval`: what chance allows."""

    events: int
    among: int
    interval: tuple[float, float] | None = field(default=None, compare=False)

    @property
    def share(self) -> float:
        return self.events / self.among


def rate(events: int, among: int) -> Rate | None:
    """None: there is nothing to measure, or too little to say so."""
    return Rate(events, among) if among >= FEWEST else None


# Over patients, of known outcomes: squares of appointments, products, squares of no-shows.
Squares = tuple[int, int, int]
_NONE: Squares = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class UnitMeasures:
    """What became of one service's appointments of the last weeks."""

    tally: Tally
    asked: int  # a text about their start may have reached the patient
    confirmed: int  # of those, who said before it that they would come
    people: Group = field(default_factory=lambda: Group(0))
    squares: Squares = _NONE


@dataclass(frozen=True, slots=True)
class Measures:
    """Appointments that started in [first, last], civil days both included."""

    first: date
    last: date
    units: Mapping[str, UnitMeasures]
    together: Squares = _NONE  # of the whole hospital

    @property
    def hidden(self) -> frozenset[str]:
        """Services that are not told, whoever looks (domain/hiding.py)."""
        return hidden_rows({uf: one.people for uf, one in self.units.items()})

    def of(self, ufs: Ufs) -> UnitMeasures:
        """Of the whole hospital, or of those of these services that may be told."""
        if ufs is None:
            found = [*self.units.values()] if enough(u.people for u in self.units.values()) else []
        else:
            found = [self.units[uf] for uf in sorted(ufs & self.units.keys() - self.hidden)]
        counts: Counter[Outcome] = Counter()
        for one in found:
            counts.update(one.tally.counts)
        first, second, third = (sum(one.squares[n] for one in found) for n in range(3))
        return UnitMeasures(
            Tally(counts),
            sum(one.asked for one in found),
            sum(one.confirmed for one in found),
            squares=self.together if ufs is None else (first, second, third),
        )


def no_shows(found: UnitMeasures) -> Rate | None:
    """Among all of known outcome: the rate every report leads with, with its interval."""
    told = rate_of(found.tally, Denominator.ELIGIBLE, effect_of(found.tally, found.squares))
    if told is None or told.among < FEWEST:
        return None
    return Rate(told.missed, told.among, (told.low, told.high))


def confirmations(found: UnitMeasures) -> Rate | None:
    """Among the appointments whose present start a text may have told the patient."""
    return rate(found.confirmed, found.asked)


def early_cancellations(found: UnitMeasures) -> Rate | None:
    """Told 48 hours ahead or more, among all appointments the hospital did not call off."""
    tally = found.tally
    return rate(tally[Outcome.CANCELLED_EARLY], tally.total - tally[Outcome.CANCELLED_BY_HOSPITAL])


def measures_of(store: Store, zone: ZoneInfo, *, now: datetime) -> Measures:
    today = now.astimezone(zone).date()
    first = today - timedelta(weeks=WEEKS)
    start, end = (micros(datetime.combine(day, time(0), zone)) for day in (first, today))
    with store.read() as connection:
        found = stored.measures(connection, start, end, EARLY // MICROSECOND)
    counts: dict[str, Counter[Outcome]] = {}
    asked: dict[str, tuple[int, int]] = {}
    people: dict[str, Group] = {}
    squares: dict[str, Squares] = {}
    for row in found:
        if row.status == "asked":
            asked[row.uf] = (row.number, row.starts_at)
        elif row.status == "people":
            people[row.uf] = Group(row.number, waiting=0 if row.number else row.starts_at)
        elif row.status == "squares":
            squares[row.uf] = (row.number, row.starts_at, row.cancelled_at)
        elif (outcome := _outcome(row, now)) is not None:
            counts.setdefault(row.uf, Counter())[outcome] += row.number
    units = {
        uf: UnitMeasures(
            Tally(counts.get(uf, Counter())),
            *asked.get(uf, (0, 0)),
            people.get(uf, Group(0)),
            squares.get(uf, _NONE),
        )
        for uf in counts.keys() | asked.keys()
    }
    return Measures(first, today - timedelta(days=1), units, squares.get(ALL, _NONE))


def _outcome(row: Record, now: datetime) -> Outcome | None:
    return outcome_of(
        Status(row.status),
        instant(row.starts_at),
        instant_or_none(row.cancelled_at),
        CancelledBy(row.cancelled_by or "unknown"),
        now,
        asked_at=instant_or_none(row.asked_at),
        marked=Attendance(row.attendance),
    )


@dataclass(frozen=True, slots=True)
class Work:
    """What waits for people. `half`: within which half of the last weeks' answers were handled;
    None: fewer than half are, or there was none."""

    open: int
    late: int
    unreached: int
    answers: int
    waiting: int
    half: timedelta | None
    visits: int = 0  # of the patients who are not reached


def work_of(store: Store, rules: Rules, ufs: Ufs, *, now: datetime) -> Work:
    since = now - timedelta(weeks=WEEKS)
    with store.read() as connection:
        row = stored.work(connection, scope_of(rules, ufs), ufs, micros(now), micros(since))
    half = None if row.half is None else timedelta(microseconds=int(row.half))
    return Work(row.open, row.late, row.patients, row.answers, row.waiting, half, row.visits)


# --- the page -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Figures:
    """What a process remembers of the first page."""

    runs: Remembered[DayRun] = field(
        default_factory=lambda: Remembered[DayRun](timedelta(seconds=30))
    )
    work: Remembered[Work] = field(default_factory=lambda: Remembered[Work](timedelta(seconds=30)))
    measures: Remembered[Measures] = field(
        default_factory=lambda: Remembered[Measures](timedelta(minutes=5), timedelta(minutes=30))
    )

    estimates: Remembered[Kept] = field(  # computed once a day
        default_factory=lambda: Remembered[Kept](timedelta(hours=6))
    )

    def forget(self) -> None:
        """Somebody released, discarded, or asked for the newest figures of the day."""
        self.runs.forget()
        self.work.forget()
        self.estimates.forget()


@dataclass(frozen=True, slots=True)
class Home:
    machine: Machine
    run: Measured[DayRun]
    work: Work
    measures: Measured[Measures]
    ours: UnitMeasures


def home_of(
    store: Store,
    rules: Rules,
    figures: Figures,
    ufs: Ufs,
    zone: ZoneInfo,
    limits: Mapping[str, float],
    *,
    now: datetime,
) -> Home:
    """`ufs`: the services whose figures are shown, None for all."""
    today = now.astimezone(zone).date()
    run = figures.runs.get((ufs, today), lambda: run_of(store, ufs, today, zone), now=now)
    work = figures.work.get(ufs, lambda: work_of(store, rules, ufs, now=now), now=now)
    measures = figures.measures.get(today, lambda: measures_of(store, zone, now=now), now=now)
    return Home(
        machine=machine_of(store, limits, ufs, now=now),
        run=run,
        work=work.value,
        measures=measures,
        ours=measures.value.of(ufs),
    )
