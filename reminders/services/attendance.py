"""The day for the desk: what patients answered, who came, and what a person still has to say.

Nothing here decides that somebody did not come: an arrival nobody noted is a question to the
service, and stays one until the DPI or a person answers it (DESIGN R26).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import Status
from reminders.domain.calendar import to_utc
from reminders.domain.outcome import CAME, OPEN, Attendance
from reminders.errors import Problem, RepairNeeded
from reminders.services.rules import Rules
from reminders.store import attendance
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros


class Presence(StrEnum):
    """What is known of one appointment of the day."""

    CAME = "came"
    ABSENT = "absent"
    EXCUSED = "excused"
    CANCELLED = "cancelled"
    ASKED = "cancellation-asked"  # the patient called it off; the DPI does not say so
    EXPECTED = "expected"  # the service is still open
    TO_VALIDATE = "to-validate"  # it has closed and no arrival was noted: a person says


@dataclass(frozen=True, slots=True)
class Visit:
    """One line of the day. `told_by`: "dpi", a person, or "" for nobody."""

    source: str
    number: str
    uf: str
    starts_at: datetime
    presence: Presence
    told_by: str


class Agreement(StrEnum):
    """Does the DPI say what the patient said?"""

    YES = "yes"
    NO = "no"  # a cancellation it does not show: not treated
    UNDO = "undo"  # the patient may still take it back
    WRITING = "writing"  # being written into it
    AGAINST = "against"  # the patient comes, and the DPI says cancelled
    PAST = "past"  # about an hour that has changed since
    NOTHING = ""  # there is nothing to enter


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as the desk sees it."""

    source: str
    number: str
    uf: str
    starts_at: datetime
    answer: AnswerKind
    given_at: datetime
    channel: str
    agreement: Agreement


# --- marking the day ---------------------------------------------------------------------------


def mark(
    store: Store, source: str, number: str, word: Attendance, *, by: str, now: datetime
) -> None:
    """Keep what a person saw. Raises RepairNeeded: unknown, or still to come.

    The DPI's own last word counts more (domain/outcome.py), and the mark stays.
    """
    with store.write() as connection:
        if attendance.mark(connection, source, number, word.value, at=micros(now), by=by):
            return
        place = f"rendez-vous « {number} » de la source « {source} »"
        if attendance.known(connection, source, number):
            raise RepairNeeded(
                Problem(place, "il n'a pas encore commencé", "marquer la présence ensuite")
            )
        raise RepairNeeded(
            Problem(place, "inconnu", "vérifier la source et le numéro tel que le DPI l'écrit")
        )


def day_of(store: Store, rules: Rules, day: date, zone: ZoneInfo, *, now: datetime) -> list[Visit]:
    """The appointments of a civil day of `zone`, in their order."""
    start, end = bounds(day, zone)
    with store.read() as connection:
        found = attendance.of_day(connection, micros(start), micros(end))
    return [_visit(row, closing(rules, row.uf, day, end), now) for row in found]


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A civil day: [start, end)."""
    return to_utc(day, time(0), zone), to_utc(day + timedelta(days=1), time(0), zone)


def closing(rules: Rules, uf: str, day: date, end: datetime) -> datetime:
    """When the service's desk closes that day; midnight where nobody configured it."""
    office = rules.offices.get(uf)
    return end if office is None else to_utc(day, office.hours.closes, office.hours.zone)


def _visit(row: Record, closed: datetime, now: datetime) -> Visit:
    said, told_by = presence(row, closed, now)
    return Visit(row.source_id, row.external_id, row.uf, instant(row.starts_at), said, told_by)


def presence(row: Record, closed: datetime, now: datetime) -> tuple[Presence, str]:
    """What is known of an appointment whose service closed or closes then, and who told it."""
    status, marked = Status(row.status), Attendance(row.attendance)
    if status in CAME:
        return Presence.CAME, "dpi"
    if status is Status.CANCELLED:
        return Presence.CANCELLED, "dpi"
    asked = row.answer == AnswerKind.CANCELLED.value and row.answered_at < row.starts_at
    if asked and not (status in OPEN and marked is Attendance.CAME):
        return Presence.ASKED, "patient"
    if status is Status.NOSHOW:
        return Presence.ABSENT, "dpi"
    if marked is not Attendance.UNMARKED:
        return Presence(marked.value), row.attended_by
    begun = max(closed, instant(row.starts_at)) <= now
    return (Presence.TO_VALIDATE if begun else Presence.EXPECTED), ""


# --- what was answered -------------------------------------------------------------------------


def answers_of(store: Store, day: date, zone: ZoneInfo, *, now: datetime) -> list[Said]:
    """Every answer in force that was given on a civil day, in their order."""
    start, end = bounds(day, zone)
    with store.read() as connection:
        found = attendance.answers_given(connection, micros(start), micros(end))
    return [_said(row, now) for row in found]


def untreated(store: Store, *, now: datetime) -> list[Said]:
    """Every cancellation the DPI does not show, whatever its day; the next appointment first."""
    with store.read() as connection:
        return [_said(row, now) for row in attendance.untreated(connection, now=micros(now))]


def _said(row: Record, now: datetime) -> Said:
    return Said(
        row.source_id,
        row.external_id,
        row.uf,
        instant(row.starts_at),
        AnswerKind(row.kind),
        instant(row.given_at),
        row.channel,
        _agreement(row, now),
    )


def _agreement(row: Record, now: datetime) -> Agreement:
    kind = AnswerKind(row.kind)
    if kind not in (AnswerKind.CONFIRMED, AnswerKind.CANCELLED):
        return Agreement.NOTHING
    if row.cycle != row.version:
        return Agreement.PAST
    if row.status == Status.CANCELLED.value:
        return Agreement.YES if kind is AnswerKind.CANCELLED else Agreement.AGAINST
    if row.effective_at > micros(now):
        return Agreement.UNDO
    if row.written:
        return {"due": Agreement.WRITING, "done": Agreement.YES}.get(row.written, Agreement.NO)
    return Agreement.NO if kind is AnswerKind.CANCELLED else Agreement.NOTHING
