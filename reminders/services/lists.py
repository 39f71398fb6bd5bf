"""The messages of a day by what became of them: a number of the first page and its list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.store import lists
from reminders.store.engine import Record, Store
from reminders.store.lists import FIRST, Place, Ufs
from reminders.store.types import instant, micros

PAGE = 50

WAITING = ("PLANNED", "LEASED")
LEFT = ("SENDING", "ACCEPTED", "DELIVERED", "UNDELIVERED", "UNKNOWN")
NOT_REACHED = ("UNDELIVERED", "REFUSED", "QUARANTINED")
# What each number counts. Every message of a day is in "planned" or was never to leave.
STATES: dict[str, tuple[str, ...]] = {
    "planned": (*WAITING, "HELD", *LEFT, "REFUSED", "QUARANTINED"),
    "coming": WAITING,
    "left": LEFT,
    "delivered": ("DELIVERED",),
    "failed": NOT_REACHED,
    "perhaps": ("UNKNOWN",),
    "held": ("HELD",),
}
NOT_SENT = "not-sent"


def bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """The first instant of a civil day, and of the next."""
    return (
        micros(datetime.combine(day, time(0), zone)),
        micros(datetime.combine(day + timedelta(days=1), time(0), zone)),
    )


@dataclass(frozen=True, slots=True)
class DayRun:
    """How many messages of a day are where; `reasons`: why what is not sent is not."""

    numbers: dict[str, int]
    reasons: tuple[tuple[str, int], ...]  # the most frequent first

    def __getitem__(self, name: str) -> int:
        return self.numbers[name]

    @property
    def nothing(self) -> bool:
        return not any(self.numbers.values())


def run_of(store: Store, ufs: Ufs, day: date, zone: ZoneInfo) -> DayRun:
    start, end = bounds(day, zone)
    with store.read() as connection:
        found = lists.counts(connection, ufs, start, end)
    states: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for row in found:
        if row.state == "SUPPRESSED" or row.reason:
            reasons[row.reason] = reasons.get(row.reason, 0) + row.number
        else:
            states[row.state] = states.get(row.state, 0) + row.number
    numbers = {name: sum(states.get(one, 0) for one in those) for name, those in STATES.items()}
    numbers[NOT_SENT] = sum(reasons.values())
    ranked = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return DayRun(numbers, tuple(ranked))


@dataclass(frozen=True, slots=True)
class About:
    """One appointment a line is about; `name` "" where there is none, or none to be seen."""

    appointment: int
    uf: str
    starts_at: datetime
    all_day: bool
    step: str
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """A message, or a decision not to write (`decision`); of several appointments `others`
    beyond the first, in the viewer's services, are not shown."""

    key: int
    decision: bool
    moment: datetime
    state: str
    reason: str
    channel: str
    purpose: str
    about: About | None
    others: int


@dataclass(frozen=True, slots=True)
class Listing:
    lines: Sequence[Line]
    after: Place | None  # where the next page begins; None: this is the last


def messages_of(
    store: Store,
    name: str,
    ufs: Ufs,
    named: Ufs,
    day: date,
    zone: ZoneInfo,
    *,
    reason: str = "",
    after: Place = FIRST,
) -> Listing:
    """A page of the list behind a number of `run_of`. `ufs`: the services whose messages are
    seen; `named`: those whose patients' names are. Raises KeyError for an unknown name."""
    start, end = bounds(day, zone)
    with store.read() as connection:
        if name == NOT_SENT:
            found = lists.not_sent(connection, ufs, reason, start, end, after=after, limit=PAGE + 1)
        else:
            states = STATES[name]
            found = lists.page(connection, ufs, states, start, end, after=after, limit=PAGE + 1)
        shown = found[:PAGE]
        people = lists.about_messages(connection, [row.id for row in shown if not row.what])
        decided = lists.about_decisions(connection, [row.id for row in shown if row.what])
    about: dict[tuple[int, int], list[About]] = {}
    for what, rows in ((0, people), (1, decided)):
        for row in rows:
            if ufs is None or row.uf in ufs:
                about.setdefault((what, row.id), []).append(_about(row, named))
    last = shown[-1] if len(found) > PAGE else None
    return Listing(
        [_line(row, about.get((row.what, row.id), [])) for row in shown],
        None if last is None else (last.opens_at, last.what, last.id),
    )


def _about(row: Record, named: Ufs) -> About:
    seen = named is None or row.uf in named
    return About(
        appointment=row.appointment_id,
        uf=row.uf,
        starts_at=instant(row.starts_at),
        all_day=bool(row.all_day),
        step=row.step,
        name=f"{row.given or ''} {row.family or ''}".strip() if seen else "",
    )


def _line(row: Record, about: Sequence[About]) -> Line:
    return Line(
        key=row.id,
        decision=bool(row.what),
        moment=instant(row.opens_at),
        state=row.state,
        reason=row.reason,
        channel=row.channel,
        purpose=row.purpose,
        about=about[0] if about else None,
        others=max(0, len(about) - 1),
    )


@dataclass(frozen=True, slots=True)
class Unreached:
    """A coming appointment whose patient no message reaches, and the task that says so."""

    task: int
    kind: str
    sentence: str
    problem: str
    about: About


@dataclass(frozen=True, slots=True)
class UnreachedListing:
    lines: Sequence[Unreached]
    after: tuple[int, int] | None
    patients: int  # of all pages
    visits: int


def unreached_of(
    store: Store, ufs: Ufs, named: Ufs, *, after: tuple[int, int] = (0, 0), now: datetime
) -> UnreachedListing:
    with store.read() as connection:
        found = lists.unreached(connection, ufs, micros(now), after=after, limit=PAGE + 1)
        number = lists.unreached_number(connection, ufs, micros(now))
    shown = found[:PAGE]
    last = shown[-1] if len(found) > PAGE else None
    return UnreachedListing(
        [_unreached(row, named) for row in shown],
        None if last is None else (last.starts_at, last.task_id),
        number.patients,
        number.visits,
    )


def _unreached(row: Record, named: Ufs) -> Unreached:
    seen = named is None or row.uf in named
    name = f"{row.given or ''} {row.family or ''}".strip() if seen else ""
    about = About(row.id, row.uf, instant(row.starts_at), False, "", name)
    return Unreached(row.task_id, row.kind, row.sentence, row.contact_problem or "", about)
