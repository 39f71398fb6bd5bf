"""What a day's appointments and answers look like to the desk: who came, who said what."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.answers import CURRENT_ANSWER
from reminders.store.engine import Record, rows

UNDECIDED = "('proposed', 'waitlist', 'entered-in-error')"  # never were an appointment
MOST = 5_000

# An appointment's cancellation as the patient gave it, while it is about the hour that stands.
IN_FORCE = "w.undone_at IS NULL AND w.superseded_at IS NULL"


def mark(
    connection: Connection, source: str, number: str, attendance: str, *, at: int, by: str
) -> Sequence[Record]:
    """Mark an appointment that has begun; none if there is none of that number that has."""
    return rows(
        connection,
        "UPDATE appointment SET attendance = :attendance, attended_by = :by, "
        "attended_at = CASE WHEN :attendance = '' THEN NULL ELSE :at END "
        "WHERE source_id = :source AND external_id = :number AND starts_at <= :at "
        "RETURNING id, starts_at, status, uf",
        attendance=attendance,
        by=by,
        at=at,
        source=source,
        number=number,
    )


def known(connection: Connection, source: str, number: str) -> bool:
    found = rows(
        connection,
        "SELECT 1 FROM appointment WHERE source_id = :source AND external_id = :number",
        source=source,
        number=number,
    )
    return bool(found)


def of_day(connection: Connection, start: int, end: int) -> Sequence[Record]:
    """Appointments that start in [start, end), in the order of the day."""
    return rows(
        connection,
        "SELECT ap.source_id, ap.external_id, ap.uf, ap.starts_at, ap.status, ap.attendance, "
        f"ap.attended_at, ap.attended_by, {CURRENT_ANSWER} AS answer, ap.answered_at "
        "FROM appointment ap WHERE ap.starts_at >= :start AND ap.starts_at < :end "
        f"AND ap.status NOT IN {UNDECIDED} ORDER BY ap.starts_at, ap.uf, ap.external_id "
        "LIMIT :most",
        start=start,
        end=end,
        most=MOST,
    )


_ANSWERS = (
    "SELECT w.id, w.kind, w.channel, w.actor, w.given_at, w.effective_at, w.settled_at, w.cycle, "
    "ap.source_id, ap.external_id, ap.uf, ap.starts_at, ap.status, ap.cancelled_by, ap.version, "
    "COALESCE(b.state, '') AS written FROM answer w "
    "JOIN appointment ap ON ap.id = w.appointment_id LEFT JOIN write_back b ON b.answer_id = w.id "
    f"WHERE {IN_FORCE} AND "
)


def answers_given(connection: Connection, start: int, end: int) -> Sequence[Record]:
    """Answers in force that were given in [start, end), in their order."""
    return rows(
        connection,
        f"{_ANSWERS} w.given_at >= :start AND w.given_at < :end ORDER BY w.given_at, w.id "
        "LIMIT :most",
        start=start,
        end=end,
        most=MOST,
    )


def untreated(connection: Connection, *, now: int) -> Sequence[Record]:
    """Cancellations in force that the DPI does not show, whatever their day; the next
    appointment first, those already past last."""
    return rows(
        connection,
        f"{_ANSWERS} w.kind = 'cancelled' AND w.effective_at <= :now AND w.cycle = ap.version "
        "AND ap.status IN ('booked', 'pending', 'unknown', 'noshow') "
        "ORDER BY CASE WHEN ap.starts_at >= :now THEN 0 ELSE 1 END, ap.starts_at, w.id LIMIT :most",
        now=now,
        most=MOST,
    )
