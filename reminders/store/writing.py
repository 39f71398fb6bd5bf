"""What staff write themselves: whom a session has, one set-based insertion, what became of it.

A text of a writing is a message of kind `staff` with a decision of its own (step
`staff:{writing}`) for each appointment, so the intent asks what it asks of any other (R3, R4).
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from reminders.store.answers import CURRENT_ANSWER
from reminders.store.engine import Record, insert_rows, listed, many, rows, run
from reminders.store.holds import HOLDS
from reminders.store.outbox import FORBIDDEN_PATIENT, OBJECTED, WHY_FORBIDDEN
from reminders.store.planning import PATIENT_COLUMNS, among
from reminders.store.worklist import OPEN_AGAIN

WRITING_COLUMNS = (
    "id", "request", "kind", "purpose", "uf", "agenda", "starts_at", "ends_at", "patients", "calls",
    "segments", "price_eur", "created_at", "created_by", "late_minutes", "new_place",
)  # fmt: skip
LINE_COLUMNS = (
    "writing_id", "appointment_id", "cycle", "patient_id", "decision_id", "message_id", "reason",
    "task",
)  # fmt: skip

# What became of one line; the same words count and filter it.
OUTCOME = (
    "CASE WHEN l.reason IN ('called_back', 'replaced') THEN 'called_back' "
    "WHEN l.message_id = 0 OR m.id IS NULL THEN 'not_written' "
    "WHEN m.state = 'DELIVERED' THEN 'delivered' "
    "WHEN m.state IN ('PLANNED', 'LEASED') AND l.reason = '' THEN 'planned' "
    "WHEN m.state = 'HELD' AND l.reason = '' THEN 'held' "
    "WHEN m.state IN ('SENDING', 'ACCEPTED') THEN 'left' "
    "WHEN m.state = 'UNKNOWN' AND m.settled_at IS NULL THEN 'left' "
    "WHEN m.state = 'SUPPRESSED' AND m.reason IN ('rehearsal', 'test_mode') THEN 'rehearsed' "
    "ELSE 'failed' END"
)
OUTCOMES = (
    "planned", "held", "left", "delivered", "failed", "not_written", "called_back", "rehearsed",
)  # fmt: skip
_SHARED = (
    "CASE WHEN p.{0} <> '' AND (EXISTS (SELECT 1 FROM patient q WHERE q.phone = p.{0} "
    "AND q.id <> p.id) OR EXISTS (SELECT 1 FROM patient q WHERE q.proxy_phone = p.{0} "
    "AND q.id <> p.id)) THEN 1 ELSE 0 END"
)
ADDED = (
    "a.id AS appointment_id, a.version, a.starts_at, a.uf, a.agenda, a.kind, "
    "a.external_id, a.duration_minutes, a.all_day, "
    f"{CURRENT_ANSWER.replace('ap.', 'a.')} AS answer, "
    f"{_SHARED.format('phone')} AS phone_shared, {_SHARED.format('proxy_phone')} AS proxy_shared, "
    "(SELECT COUNT(*) FROM writing_line l JOIN writing w ON w.id = l.writing_id "
    "WHERE l.appointment_id = a.id AND l.cycle = a.version AND l.reason = '' "
    "AND w.purpose = :purpose AND w.late_minutes = :late AND w.new_place = :place "
    "AND w.kind = 'session' AND NOT EXISTS (SELECT 1 FROM writing_line c "
    "JOIN writing x ON x.id = c.writing_id WHERE c.appointment_id = a.id AND c.cycle = a.version "
    "AND c.reason = '' AND x.kind = 'session' AND x.purpose = w.purpose AND x.id > w.id)"
    ") AS written, "
    f"{HOLDS} AS holds"
)
ADDED_COUNT = 16  # columns after those planning reads of a patient: two names, then these


_WITH_PATIENT = (
    f"SELECT p.*, {ADDED} FROM appointment a "
    f"LEFT JOIN (SELECT {PATIENT_COLUMNS}, family, given FROM patient) p ON p.id = a.patient_id"
)


def one(connection: Connection, appointment: int) -> Record:
    """One appointment as `session` gives it."""
    nothing = {"purpose": "", "late": 0, "place": ""}
    return rows(connection, f"{_WITH_PATIENT} WHERE a.id = :id", id=appointment, **nothing)[0]


def in_hand(connection: Connection, appointment: int) -> bool:
    """Is a text staff asked for about it still on its way?"""
    return bool(
        rows(
            connection,
            "SELECT 1 FROM writing_line l JOIN message m ON m.id = l.message_id "
            "WHERE l.appointment_id = :id AND m.state IN ('PLANNED', 'HELD', 'LEASED', 'SENDING') "
            "LIMIT 1",
            id=appointment,
        )
    )


def session(
    connection: Connection,
    *,
    ufs: Collection[str] | None,
    agenda: str,
    start: int,
    end: int,
    purpose: str,
    late: int,
    place: str,
    limit: int,
) -> Sequence[Record]:
    """The booked appointments of a session in the order of the day, each with its patient, the
    patient's columns first, as planning reads them. `ufs` None: of every service; `written`: the
    last text with this purpose told just this."""
    wanted = "a.starts_at >= :start AND a.starts_at < :end AND a.status = 'booked'"
    values: dict[str, object] = {
        "start": start, "end": end, "purpose": purpose, "late": late, "place": place,
        "limit": limit,
    }  # fmt: skip
    if agenda:
        wanted += " AND a.agenda = :agenda"
        values["agenda"] = agenda
    sql = f"{_WITH_PATIENT} WHERE {wanted}"
    order = " ORDER BY a.starts_at, a.id LIMIT :limit"
    if ufs is None:
        return rows(connection, sql + order, **values)
    return among(connection, f"{sql} AND a.uf IN :ids{order}", sorted(ufs), **values)


def find_request(connection: Connection, request: str) -> Record | None:
    found = rows(connection, "SELECT * FROM writing WHERE request = :request", request=request)
    return found[0] if found else None


def find(connection: Connection, writing: int) -> Record | None:
    found = rows(connection, "SELECT * FROM writing WHERE id = :id", id=writing)
    return found[0] if found else None


def add(connection: Connection, writing: Mapping[str, object]) -> None:
    """Its request is new: who writes is alone (services.writing.one_at_a_time)."""
    names = ", ".join(WRITING_COLUMNS)
    marks = ", ".join(f":{name}" for name in WRITING_COLUMNS)
    values = {"late_minutes": 0, "new_place": ""} | dict(writing)
    run(connection, f"INSERT INTO writing ({names}) VALUES ({marks})", **values)


def add_lines(connection: Connection, lines: Sequence[Sequence[object]]) -> None:
    insert_rows(connection, "writing_line", LINE_COLUMNS, lines)


def recent(
    connection: Connection, *, ufs: Collection[str] | None, limit: int = 10
) -> Sequence[Record]:
    """The last sessions somebody wrote to, of these services and of agendas without one."""
    sql = "SELECT * FROM writing WHERE kind = 'session'"
    order = " ORDER BY created_at DESC, id DESC LIMIT :limit"
    if ufs is None:
        return rows(connection, sql + order, limit=limit)
    return among(connection, f"{sql} AND uf IN :ids{order}", sorted(ufs) or [""], limit=limit)


# --- reminders somebody stopped ------------------------------------------------------------------


def stop(connection: Connection, appointments: Sequence[int], *, why: str, by: str, at: int) -> int:
    """No more reminders of these appointments as they stand. Their patients are marked first."""
    if not appointments:
        return 0
    return listed(
        connection,
        "UPDATE appointment SET stopped_cycle = version, stopped_why = :why, stopped_at = :at, "
        "stopped_by = :by WHERE id IN :ids AND stopped_cycle <> version",
        appointments,
        why=why,
        by=by,
        at=at,
    ).rowcount


def resume(connection: Connection, appointments: Sequence[int], *, why: Sequence[str]) -> int:
    """Reminders come again where they were stopped for one of these reasons."""
    if not appointments:
        return 0
    reasons = ", ".join(f"'{one}'" for one in why)
    return listed(
        connection,
        "UPDATE appointment SET stopped_cycle = 0, stopped_why = '', stopped_at = NULL, "
        f"stopped_by = '' WHERE id IN :ids AND stopped_cycle = version "
        f"AND stopped_why IN ({reasons})",
        appointments,
    ).rowcount


# --- what became of it ---------------------------------------------------------------------------

_LINES = (
    "FROM writing_line l LEFT JOIN message m ON m.id = l.message_id WHERE l.writing_id = :writing"
)


def counts(connection: Connection, writing: int) -> dict[str, int]:
    """How many appointments there are of each outcome."""
    found = rows(
        connection,
        f"SELECT outcome, COUNT(*) AS number FROM (SELECT {OUTCOME} AS outcome {_LINES}) lines "
        "GROUP BY outcome",
        writing=writing,
    )
    return {row.outcome: row.number for row in found}


def page(
    connection: Connection,
    writing: int,
    *,
    outcome: str,
    after: tuple[int, int],
    limit: int,
    ufs: Collection[str] | None,
) -> Sequence[Record]:
    """The next lines after (start, appointment) with this outcome, "" for any."""
    sql = (
        f"SELECT * FROM (SELECT l.appointment_id, l.reason, l.task, {OUTCOME} AS outcome, "
        "m.state, m.reason AS message_reason, m.channel, m.recipient, m.opens_at, m.updated_at, "
        "ap.starts_at, ap.uf, ap.agenda, ap.status, ap.patient_id, p.family, p.given "
        "FROM writing_line l JOIN appointment ap ON ap.id = l.appointment_id "
        "LEFT JOIN message m ON m.id = l.message_id LEFT JOIN patient p ON p.id = ap.patient_id "
        "WHERE l.writing_id = :writing) lines "
        "WHERE (starts_at, appointment_id) > (:start, :id) "
        "AND (:outcome = '' OR outcome = :outcome)"
    )
    order = " ORDER BY starts_at, appointment_id LIMIT :limit"
    values: dict[str, object] = {
        "writing": writing, "start": after[0], "id": after[1], "outcome": outcome, "limit": limit,
    }  # fmt: skip
    if ufs is None:
        return rows(connection, sql + order, **values)
    return among(connection, f"{sql} AND uf IN :ids{order}", sorted(ufs) or [""], **values)


def patients_of(connection: Connection, writing: int) -> list[int]:
    found = rows(
        connection,
        "SELECT DISTINCT patient_id FROM writing_line WHERE writing_id = :writing "
        "AND patient_id <> 0",
        writing=writing,
    )
    return [row.patient_id for row in found]


# --- calling back --------------------------------------------------------------------------------


def call_back(connection: Connection, writing: int, *, by: str, at: int) -> Sequence[Record]:
    """Withdraw every text that has not left: the lines that are told nothing by it.

    One being prepared at this moment loses its decisions, so that its intent is refused. The
    patients are marked first: an intent and this wait for each other.
    """
    run(
        connection,
        "UPDATE writing SET withdrawn_at = :at, withdrawn_by = :by WHERE id = :writing "
        "AND withdrawn_at IS NULL",
        at=at,
        by=by,
        writing=writing,
    )
    run(
        connection,
        "UPDATE message SET state = 'CANCELLED', reason = 'called_back', updated_at = :at "
        "WHERE state IN ('PLANNED', 'HELD') AND id IN "
        "(SELECT message_id FROM writing_line WHERE writing_id = :writing)",
        at=at,
        writing=writing,
    )
    found = rows(
        connection,
        "UPDATE writing_line SET reason = 'called_back' WHERE writing_id = :writing "
        "AND reason <> 'called_back' AND (message_id = 0 OR message_id IN (SELECT id FROM message "
        "WHERE state = 'LEASED' OR (state = 'CANCELLED' AND reason = 'called_back'))) "
        "RETURNING appointment_id, decision_id, message_id, task",
        writing=writing,
    )
    _suppress(connection, [row.decision_id for row in found], "called_back", at)
    return found


def _suppress(connection: Connection, decisions: Sequence[int], reason: str, at: int) -> None:
    if decisions:
        listed(
            connection,
            "UPDATE decision SET state = 'SUPPRESSED', reason = :reason, decided_at = :at "
            "WHERE id IN :ids",
            decisions,
            reason=reason,
            at=at,
        )


# Sessions written to about line `l`'s appointment as it stood, with the purpose of writing `w`.
_BEFORE = (
    "SELECT 1 FROM writing_line b JOIN writing v ON v.id = b.writing_id "
    "WHERE b.appointment_id = l.appointment_id AND b.cycle = l.cycle AND v.kind = 'session' "
    "AND v.purpose = w.purpose AND v.withdrawn_at IS NULL AND v.id < w.id"
)
_BETWEEN = (
    "SELECT 1 FROM writing_line c JOIN writing x ON x.id = c.writing_id "
    "WHERE c.appointment_id = l.appointment_id AND c.cycle = l.cycle AND x.kind = 'session' "
    "AND x.purpose = w.purpose AND x.withdrawn_at IS NULL AND x.id < w.id AND x.id > v.id"
)


def call_anew(
    connection: Connection, writing: int, kind: str, appointments: Sequence[int], *, at: int
) -> list[int]:
    """Calls of this kind that had been made and are to be made again: the session's text does not
    say what the last one before it said, or that one was withdrawn. The keys of the tasks."""
    found = among(
        connection,
        f"UPDATE task SET {OPEN_AGAIN} WHERE kind = :kind AND state = 'done' "
        "AND (subject, subject_version) IN (SELECT 'appointment:' || CAST(l.appointment_id AS "
        "TEXT), l.cycle FROM writing_line l JOIN writing w ON w.id = l.writing_id "
        "WHERE l.writing_id = :writing AND l.appointment_id IN :ids "
        f"AND NOT EXISTS ({_BEFORE} AND v.late_minutes = w.late_minutes "
        f"AND v.new_place = w.new_place AND NOT EXISTS ({_BETWEEN}))) RETURNING id",
        appointments,
        writing=writing,
        kind=kind,
        at=at,
    )
    return [row.id for row in found]


def said(connection: Connection, appointments: Sequence[int]) -> dict[tuple[int, str], Record]:
    """(appointment, purpose) -> (late_minutes, new_place) of what was last written about it as
    it stands."""
    found = among(
        connection,
        "SELECT l.appointment_id, w.purpose, w.late_minutes, w.new_place FROM writing_line l "
        "JOIN writing w ON w.id = l.writing_id JOIN appointment a ON a.id = l.appointment_id "
        "WHERE l.appointment_id IN :ids AND l.cycle = a.version AND w.kind = 'session' "
        "AND w.withdrawn_at IS NULL ORDER BY w.id",
        appointments,
    )
    return {(row.appointment_id, row.purpose): row for row in found}


def replace_unsent(connection: Connection, writing: int, *, at: int) -> None:
    """Texts of earlier sessions with this one's purpose, about the same appointments, that have not
    left say what is no longer so: their intents are refused from here on. The patients are marked
    first, and `part_past` tells what became of the lines."""
    run(
        connection,
        "UPDATE decision SET state = 'SUPPRESSED', reason = 'replaced', decided_at = :at "
        "WHERE state = 'PLANNED' AND id IN (SELECT b.decision_id FROM writing_line l "
        "JOIN writing w ON w.id = l.writing_id JOIN writing_line b "
        "ON b.appointment_id = l.appointment_id AND b.cycle = l.cycle AND b.reason = '' "
        "JOIN writing v ON v.id = b.writing_id AND v.kind = 'session' AND v.purpose = w.purpose "
        "AND v.id < w.id JOIN message m ON m.id = b.message_id "
        "AND m.state IN ('PLANNED', 'HELD', 'LEASED') WHERE l.writing_id = :writing)",
        writing=writing,
        at=at,
    )


# --- following up --------------------------------------------------------------------------------


def open_writings(connection: Connection, *, now: int, limit: int = 100) -> Sequence[Record]:
    """Writings of which something can still change, the oldest first."""
    return rows(
        connection,
        "SELECT id, kind, purpose, ends_at FROM writing WHERE closed_at IS NULL "
        "ORDER BY id LIMIT :limit",
        limit=limit,
    )


def close(connection: Connection, writing: int, *, at: int) -> None:
    run(connection, "UPDATE writing SET closed_at = :at WHERE id = :id", at=at, id=writing)


def unsent(connection: Connection, writing: int) -> list[int]:
    """Its messages that wait and that nobody else moves before our commit."""
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE SKIP LOCKED"
    found = rows(
        connection,
        "SELECT id FROM message WHERE state IN ('PLANNED', 'HELD') AND id IN "
        f"(SELECT message_id FROM writing_line WHERE writing_id = :writing){lock}",
        writing=writing,
    )
    return [row.id for row in found]


def part_past(connection: Connection, messages: Sequence[int], *, at: int) -> None:
    """Take out of waiting texts the appointments they would tell wrongly, for the others' sake;
    a text nothing is left of is cancelled."""
    found = among(
        connection,
        "SELECT l.writing_id, l.appointment_id, l.decision_id, "
        "CASE WHEN d.reason <> '' THEN d.reason WHEN a.version <> l.cycle THEN 'moved' "
        "ELSE 'not_booked' END AS why FROM writing_line l JOIN decision d ON d.id = l.decision_id "
        "JOIN appointment a ON a.id = l.appointment_id WHERE l.message_id IN :ids "
        "AND (d.state <> 'PLANNED' OR a.version <> l.cycle OR a.status <> 'booked' "
        "OR a.patient_id <> l.patient_id)",
        messages,
    )
    for row in found:
        _suppress(connection, [row.decision_id], row.why, at)
    if found:
        listed(
            connection,
            "DELETE FROM message_item WHERE decision_id IN :ids",
            [row.decision_id for row in found],
        )
        many(
            connection,
            "UPDATE writing_line SET reason = :why WHERE writing_id = :writing "
            "AND appointment_id = :appointment AND reason = ''",
            [
                {"why": row.why, "writing": row.writing_id, "appointment": row.appointment_id}
                for row in found
            ],
        )
        listed(
            connection,
            "UPDATE message SET state = 'CANCELLED', reason = 'withdrawn', updated_at = :at "
            "WHERE id IN :ids AND state IN ('PLANNED', 'HELD') AND NOT EXISTS "
            "(SELECT 1 FROM message_item i WHERE i.message_id = message.id)",
            messages,
            at=at,
        )


def forbid(connection: Connection, messages: Sequence[int], *, at: int) -> None:
    """Cancel the waiting texts that the intent would refuse for ever: an objection, a death, an
    address that is no longer the patient's."""
    if messages:
        listed(
            connection,
            f"UPDATE message SET state = 'CANCELLED', updated_at = :at, reason = {WHY_FORBIDDEN} "
            f"WHERE id IN :ids AND state IN ('PLANNED', 'HELD') "
            f"AND ({FORBIDDEN_PATIENT} OR {OBJECTED})",
            messages,
            at=at,
        )


def expired(connection: Connection, writing: int, *, now: int) -> Sequence[Record]:
    """Texts whose moment passed while they waited, of appointments still to come, with the zone
    of the number they go to."""
    return rows(
        connection,
        "SELECT m.id, MIN(a.starts_at) AS starts_at, MIN(a.uf) AS uf, "
        "MIN(CASE WHEN m.relation = '' THEN p.phone_zone ELSE p.proxy_zone END) AS zone "
        "FROM writing_line l JOIN message m ON m.id = l.message_id "
        "JOIN appointment a ON a.id = l.appointment_id JOIN patient p ON p.id = m.patient_id "
        "WHERE l.writing_id = :writing AND l.reason = '' AND m.state = 'EXPIRED' "
        "AND a.starts_at > :now AND a.status = 'booked' AND a.version = l.cycle GROUP BY m.id",
        writing=writing,
        now=now,
    )


def wait_again(connection: Connection, waiting: Sequence[dict[str, object]]) -> None:
    """Expired texts get another moment (id, opens, closes, now), and their decisions with them."""
    many(
        connection,
        "UPDATE message SET state = 'PLANNED', reason = '', leases = 0, opens_at = :opens, "
        "earliest_at = :opens, closes_at = :closes, updated_at = :now "
        "WHERE id = :id AND state = 'EXPIRED'",
        waiting,
    )
    many(
        connection,
        "UPDATE decision SET state = 'PLANNED', reason = '', opens_at = :opens, "
        "closes_at = :closes, decided_at = :now WHERE state = 'SUPPRESSED' "
        "AND reason IN ('past', 'held') AND id IN "
        "(SELECT i.decision_id FROM message_item i WHERE i.message_id = :id)",
        waiting,
    )


FAILED = (
    "(m.state IN ('REFUSED', 'UNDELIVERED', 'QUARANTINED', 'EXPIRED', 'CANCELLED') "
    "OR (m.state = 'SUPPRESSED' AND m.reason NOT IN ('rehearsal', 'test_mode')) "
    "OR (m.state = 'UNKNOWN' AND m.settled_at IS NOT NULL))"
)


def failed(connection: Connection, writing: int) -> Sequence[Record]:
    """Lines whose text reached nobody and of which nobody was told yet."""
    return rows(
        connection,
        "SELECT l.appointment_id, l.cycle, m.state, m.reason, a.uf, a.starts_at, a.status, "
        "a.version FROM writing_line l JOIN message m ON m.id = l.message_id "
        "JOIN appointment a ON a.id = l.appointment_id "
        f"WHERE l.writing_id = :writing AND l.reason = '' AND {FAILED} ORDER BY l.appointment_id",
        writing=writing,
    )


def mark(connection: Connection, writing: int, lines: Sequence[dict[str, object]]) -> None:
    """Why each line's text reached nobody (appointment, reason), and which call follows (task)."""
    many(
        connection,
        "UPDATE writing_line SET reason = :reason, task = :task WHERE writing_id = :writing "
        "AND appointment_id = :appointment",
        [line | {"writing": writing} for line in lines],
    )
