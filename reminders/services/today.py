"""Today's run as a page, the metrics and the demo show it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.services.remembered import Resting
from reminders.services.story import STATES
from reminders.store import counts, holds, lists
from reminders.store.engine import Record, Store
from reminders.store.types import instant_or_none, micros


@dataclass(frozen=True, slots=True)
class SourceLine:
    id: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class TaskLine:
    sentence: str
    subject: str
    number: int


@dataclass(frozen=True, slots=True)
class Today:
    """Counts of one civil day, its states in French words."""

    now: datetime
    states: Mapping[str, int]
    planned: int
    sent: int
    delivered: int
    failed: int
    held: int
    unknown: int
    overdue: int
    holds: Sequence[Record]
    tasks_open: int
    tasks: Sequence[TaskLine]
    sources: Sequence[SourceLine]
    replies: int
    confirmed: int
    cancelled: int
    to_handle: int  # answers that wait for a person, of whatever day


REST = 20  # of its own durations a count rests: it takes a twentieth of the time at most


class Census:
    """All messages there are by state. Counting reads every one of them: what was counted serves
    again for a while, the longer the more of them there are."""

    def __init__(self) -> None:
        self._counts = Resting[Mapping[str, int]](REST)

    def of(self, store: Store, now: Callable[[], datetime]) -> tuple[Mapping[str, int], timedelta]:
        """How many are in each state of the machine, and how long ago that was."""

        def count() -> Mapping[str, int]:
            with store.read() as connection:
                return counts.states(connection)

        found = self._counts.get("", count, now=now)
        return found.value, now() - found.at


LEFT = ("SENDING", "ACCEPTED", "DELIVERED", "UNDELIVERED", "UNKNOWN")


def today_of(store: Store, zone: ZoneInfo, *, now: datetime) -> Today:
    start = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    low, high = micros(start), micros(start + timedelta(days=1))
    with store.read() as connection:
        found = counts.by_state(connection, low, high)
        answers = counts.answers(connection, low, high)
        return Today(
            now=now.astimezone(zone),
            states={STATES.get(state, state): number for state, number in found.items()},
            planned=sum(found.get(s, 0) for s in ("PLANNED", "LEASED", "HELD", *LEFT)),
            sent=sum(found.get(state, 0) for state in LEFT),
            delivered=found.get("DELIVERED", 0),
            failed=sum(found.get(s, 0) for s in ("UNDELIVERED", "REFUSED", "QUARANTINED")),
            held=found.get("HELD", 0),
            unknown=found.get("UNKNOWN", 0),
            overdue=lists.overdue(connection, micros(now - timedelta(minutes=2))),
            holds=holds.active(connection),
            tasks_open=counts.open_tasks(connection),
            tasks=[
                TaskLine(row.sentence, row.kind, row.number)
                for row in counts.tasks_by_kind(connection)
            ],
            sources=[
                SourceLine(row.id, instant_or_none(row.last_as_of))
                for row in counts.sources(connection)
            ],
            replies=counts.replies(connection, low, high),
            confirmed=answers.get("confirmed", 0),
            cancelled=answers.get("cancelled", 0),
            to_handle=counts.answers_to_handle(connection),
        )
