"""What a day's appointments and answers look like to the desk: who came, who said what."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.answers import CURRENT_ANSWER
from reminders.store.engine import Record, rows
from reminders.store.planning import among
from reminders.store.worklist import scoped

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


# --- the list that is filled in -------------------------------------------------------------------

_ASKED = f"({CURRENT_ANSWER} = 'cancelled' AND ap.answered_at < ap.starts_at)"
_OPEN = "('booked', 'pending', 'unknown')"
_SILENT = f"(ap.status IN {_OPEN} AND ap.attendance = '' AND NOT {_ASKED})"
_CAME = "('arrived', 'checked-in', 'fulfilled')"
_MARKED = "(ap.attendance = '{0}' AND ap.status IN ('booked', 'pending', 'unknown'))"
_OF_DAY = (
    "FROM appointment ap WHERE ap.starts_at >= :start AND ap.starts_at < :end "
    f"AND ap.status NOT IN {UNDECIDED}"
)
_LINE = (
    "ap.id, ap.source_id, ap.external_id, ap.uf, ap.agenda, ap.kind, ap.starts_at, ap.all_day, "
    f"ap.status, ap.attendance, ap.attended_at, ap.attended_by, "
    f"COALESCE(ac.name, ap.attended_by) AS marker, {CURRENT_ANSWER} AS answer, ap.answered_at, "
    "p.family, p.given, p.birth_date, p.identifier"
)
_PEOPLE = (
    "LEFT JOIN patient p ON p.id = ap.patient_id LEFT JOIN account ac ON ac.login = ap.attended_by"
)


def agendas(
    connection: Connection, start: int, end: int, ufs: frozenset[str] | None, *, now: int
) -> Sequence[Record]:
    """Each agenda of these services (None: all) in [start, end): how many appointments, how many
    of them came, were absent, excused or called off, and of how many that began nobody said."""
    counted = ", ".join(
        f"SUM(CASE WHEN {wanted} THEN 1 ELSE 0 END) AS {name}"
        for name, wanted in {
            "came": f"ap.status IN {_CAME} OR {_MARKED.format('came')}",
            "absent": f"NOT {_ASKED} AND (ap.status = 'noshow' OR {_MARKED.format('absent')})",
            "excused": f"NOT {_ASKED} AND {_MARKED.format('excused')}",
            "silent": f"{_SILENT} AND ap.starts_at <= :now",
        }.items()
    )
    return scoped(
        connection,
        f"SELECT ap.uf, ap.agenda, COUNT(*) AS number, {counted} {_OF_DAY}{_of(ufs)} "
        "GROUP BY ap.uf, ap.agenda ORDER BY ap.uf, ap.agenda",
        _ids(ufs),
        start=start,
        end=end,
        now=now,
    )


def lines(
    connection: Connection,
    start: int,
    end: int,
    ufs: frozenset[str] | None,
    *,
    agenda: str | None,
    silent_at: int | None,
    after: tuple[int, int],
    limit: int,
) -> Sequence[Record]:
    """The next appointments of [start, end) after (start, key), with their patients. `agenda`
    None: of every one. `silent_at`: only those that had begun then and of which nobody said."""
    wanted = ["(ap.starts_at, ap.id) > (:begun, :id)"]
    values: dict[str, object] = {"begun": after[0], "id": after[1]}
    if agenda is not None:
        wanted.append("ap.agenda = :agenda")
        values["agenda"] = agenda
    if silent_at is not None:
        wanted.append(f"{_SILENT} AND ap.starts_at <= :now")
        values["now"] = silent_at
    found = _OF_DAY.replace(" WHERE ", f" {_PEOPLE} WHERE ", 1)
    return scoped(
        connection,
        f"SELECT {_LINE} {found}{_of(ufs)} AND {' AND '.join(wanted)} "
        "ORDER BY ap.starts_at, ap.id LIMIT :limit",
        _ids(ufs),
        start=start,
        end=end,
        limit=limit,
        **values,
    )


def lines_of(connection: Connection, ids: Sequence[int], *, lock: bool = False) -> Sequence[Record]:
    """These appointments as lines; with `lock` kept as they are until the transaction ends."""
    kept = " FOR UPDATE OF ap" if lock and connection.dialect.name != "sqlite" else ""
    return among(
        connection,
        f"SELECT {_LINE} FROM appointment ap {_PEOPLE} WHERE ap.id IN :ids "
        f"ORDER BY ap.starts_at, ap.id{kept}",
        ids,
    )


def mark_lines(
    connection: Connection, ids: Sequence[int], attendance: str, *, at: int, by: str
) -> Sequence[int]:
    """Mark those of these appointments that have begun: which they were."""
    found = among(
        connection,
        "UPDATE appointment SET attendance = :attendance, attended_by = :by, "
        "attended_at = CASE WHEN :attendance = '' THEN NULL ELSE :at END "
        "WHERE id IN :ids AND starts_at <= :at RETURNING id",
        ids,
        attendance=attendance,
        by=by,
        at=at,
    )
    return [row.id for row in found]


def _of(ufs: frozenset[str] | None) -> str:
    return "" if ufs is None else " AND ap.uf IN :ids"


def _ids(ufs: frozenset[str] | None) -> list[str] | None:
    return None if ufs is None else sorted(ufs) or [""]
