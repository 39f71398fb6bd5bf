"""What a task is about: its appointments, the people, what was written and answered."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows
from reminders.store.planning import among
from reminders.store.worklist import TRY, Scope, scoped


def about(connection: Connection, subjects: Sequence[str]) -> dict[str, list[Record]]:
    """subject -> its appointments (id, uf, starts_at), the earliest first."""
    keys: dict[str, dict[object, str]] = {"appointment": {}, "inbound": {}, "message": {}}
    origins: dict[object, str] = {}
    for subject in subjects:
        kind, _, rest = subject.partition(":")
        if kind == "answer":
            origins[rest] = subject
        elif kind in keys and rest.isdigit():
            keys[kind][int(rest)] = subject
    found: dict[str, list[Record]] = {}
    for names, of in (
        (keys["appointment"], _OF_APPOINTMENT),
        (keys["inbound"], _OF_INBOUND),
        (keys["message"], _OF_MESSAGE),
        (origins, _OF_ANSWER),
    ):
        sql = f"SELECT DISTINCT {of} ORDER BY ap.starts_at, ap.id"
        for row in among(connection, sql, list(names)):
            found.setdefault(names[row.about_key], []).append(row)
    return found


_FOUND = "AS about_key, ap.id, ap.uf, ap.starts_at FROM"
_OF_APPOINTMENT = f"ap.id {_FOUND} appointment ap WHERE ap.id IN :ids"
_OF_INBOUND = (
    f"i.id {_FOUND} inbound i JOIN told t ON t.attempt_id = i.attempt_id "
    "JOIN appointment ap ON ap.id = t.appointment_id WHERE i.id IN :ids"
)
_OF_MESSAGE = (
    f"m.message_id {_FOUND} message_item m JOIN decision d ON d.id = m.decision_id "
    "JOIN appointment ap ON ap.id = d.appointment_id WHERE m.message_id IN :ids"
)
_OF_ANSWER = (
    f"w.origin {_FOUND} answer w JOIN appointment ap ON ap.id = w.appointment_id "
    "WHERE w.origin IN :ids"
)


PEOPLE = (
    "ap.id, ap.source_id, ap.external_id, ap.uf, ap.kind, ap.starts_at, ap.all_day, ap.status, "
    "ap.version, CASE WHEN ap.answered_cycle = ap.version THEN ap.answer ELSE 'none' END "
    "AS answer, ap.patient_id, p.family, p.given, p.birth_date, p.identifier, p.phone, p.email, "
    "p.proxy, p.proxy_phone, p.proxy_email, p.protected, p.contact_problem, "
    "COALESCE(p.spoken, '') AS spoken, COALESCE(p.language, '') AS language"
)


def appointments(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """Appointments with their patients, the earliest first."""
    return among(
        connection,
        f"SELECT {PEOPLE} FROM appointment ap LEFT JOIN patient p ON p.id = ap.patient_id "
        "WHERE ap.id IN :ids ORDER BY ap.starts_at, ap.id",
        ids,
    )


def appointment_of(connection: Connection, source: str, number: str) -> Record | None:
    """By the DPI's own number; kept as it is until the end of the transaction."""
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE OF ap"
    found = rows(
        connection,
        f"SELECT {PEOPLE}, ap.version_at, ap.answered_at, CASE WHEN EXISTS (SELECT 1 "
        "FROM answer w WHERE w.appointment_id = ap.id AND w.settled_at IS NOT NULL "
        "AND w.superseded_at IS NULL AND w.undone_at IS NULL) THEN 1 ELSE 0 END AS settled "
        "FROM appointment ap LEFT JOIN patient p ON p.id = ap.patient_id "
        f"WHERE ap.source_id = :source AND ap.external_id = :number{lock}",
        source=source,
        number=number,
    )
    return found[0] if found else None


def texts(connection: Connection, appointment: int, *, limit: int = 10) -> Sequence[Record]:
    """What was written about an appointment, the latest first."""
    return rows(
        connection,
        "SELECT a.started_at, a.channel, a.state, a.body, t.starts_at AS told_start, t.cycle "
        "FROM told t JOIN attempt a ON a.id = t.attempt_id WHERE t.appointment_id = :id "
        "AND a.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED') "
        "ORDER BY a.started_at DESC, a.id DESC LIMIT :limit",
        id=appointment,
        limit=limit,
    )


def reply(connection: Connection, inbound: int) -> Record | None:
    found = rows(
        connection,
        "SELECT i.sender, i.body, i.received_at, i.intent, a.body AS answers, a.started_at "
        "FROM inbound i LEFT JOIN attempt a ON a.id = i.attempt_id WHERE i.id = :id",
        id=inbound,
    )
    return found[0] if found else None


def written_to(connection: Connection, message: int) -> str:
    found = rows(connection, "SELECT recipient FROM message WHERE id = :id", id=message)
    return str(found[0].recipient) if found else ""


def answers(connection: Connection, appointment: int) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT kind, channel, actor, reason, given_at, cycle, undone_at, superseded_at "
        "FROM answer WHERE appointment_id = :id ORDER BY id",
        id=appointment,
    )


# --- a task's whole context, for a page ----------------------------------------------------------

# The keys a subject holds; none other is looked up.
_KEYS = "CAST(CASE WHEN t.subject LIKE '{0}:%' THEN substr(t.subject, {1}) ELSE '0' END AS BIGINT)"
_TASK = (
    "WITH one AS (SELECT t.id, t.uf, t.appointment_id, "
    f"{_KEYS.format('appointment', 13)} AS appointment, {_KEYS.format('inbound', 9)} AS inbound, "
    f"{_KEYS.format('message', 9)} AS message, "
    "CASE WHEN t.subject LIKE 'answer:%' THEN substr(t.subject, 8) ELSE '' END AS origin "
    "FROM task t WHERE t.id = :task), named AS ("
    "SELECT ap.id FROM one JOIN appointment ap ON ap.id = one.appointment "
    "UNION SELECT told.appointment_id FROM one JOIN inbound i ON i.id = one.inbound "
    "JOIN told ON told.attempt_id = i.attempt_id "
    "UNION SELECT d.appointment_id FROM one JOIN message_item m ON m.message_id = one.message "
    "JOIN decision d ON d.id = m.decision_id "
    "UNION SELECT w.appointment_id FROM one JOIN answer w ON w.origin = one.origin), "
    "about AS (SELECT id FROM named UNION SELECT one.appointment_id FROM one "
    "WHERE one.appointment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM named))"
)


def people(connection: Connection, task: int) -> Sequence[Record]:
    """The appointments of a task with their patients, the earliest first."""
    return rows(
        connection,
        f"{_TASK} SELECT {PEOPLE} FROM about JOIN appointment ap ON ap.id = about.id "
        "LEFT JOIN patient p ON p.id = ap.patient_id ORDER BY ap.starts_at, ap.id",
        task=task,
    )


_NAME = "COALESCE((SELECT ac.name FROM account ac WHERE ac.login = {0}), {0})"
# A task shows the appointment it is bound to and those of its own service; of others only where
# the viewer holds them.
_SEEN = (
    "FROM one JOIN about ON 1 = 1 JOIN appointment ap ON ap.id = about.id "
    "AND (ap.id = one.appointment_id OR ap.uf = one.uf OR {0}) "
)


def history(
    connection: Connection, task: int, ufs: frozenset[str] | None, *, key: bytes, limit: int = 200
) -> Sequence[Record]:
    """What happened around a task, the latest first: texts told, replies, answers, what staff
    did, objections in force. Of appointments elsewhere only those of `ufs` (None: all).

    Columns: what, at, id, appointment, who, code, state, body, more. `key`: of the number to call.
    """
    seen = _SEEN.format("1 = 1" if ufs is None else "ap.uf IN :ids")
    return scoped(
        connection,
        f"{_TASK} SELECT * FROM ("
        "SELECT 'told' AS what, a.started_at AS at, a.id, about.id AS appointment, '' AS who, "
        f"a.channel AS code, a.state, a.body, told.starts_at AS more {seen}"
        "JOIN told ON told.appointment_id = about.id JOIN attempt a ON a.id = told.attempt_id "
        "WHERE a.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED') UNION ALL "
        "SELECT 'reply', i.received_at, i.id, 0, i.sender, i.intent, "
        "CASE WHEN i.id = (SELECT inbound FROM one) THEN 'this' ELSE '' END, i.body, 0 "
        f"FROM inbound i WHERE i.id IN (SELECT inbound FROM one UNION SELECT b.id {seen}"
        "JOIN told ON told.appointment_id = about.id JOIN inbound b "
        "ON b.attempt_id = told.attempt_id) UNION ALL "
        f"SELECT 'answer', w.given_at, w.id, about.id, {_NAME.format('w.actor')}, w.kind, "
        "CASE WHEN w.undone_at IS NOT NULL OR w.superseded_at IS NOT NULL OR w.cycle <> ap.version "
        f"THEN 'past' ELSE '' END, w.channel, 0 {seen}"
        "JOIN answer w ON w.appointment_id = about.id UNION ALL "
        f"SELECT 'event', e.at, e.id, 0, {_NAME.format('e.actor')}, e.action, '', e.detail, 0 "
        "FROM one JOIN task_event e ON e.task_id = one.id UNION ALL "
        f"SELECT 'objection', o.recorded_at, o.id, 0, {_NAME.format('o.recorded_by')}, o.origin, "
        "o.channel, o.scope, 0 FROM objection o WHERE o.withdrawn_at IS NULL AND o.id IN ("
        f"SELECT b.id {seen}JOIN objection b ON b.patient_id = ap.patient_id "
        "UNION SELECT b.id FROM objection b WHERE b.address_key = :key "
        "UNION SELECT b.id FROM one JOIN inbound i ON i.id = one.inbound "
        "JOIN objection b ON b.address_key = i.sender_key)"
        ") found ORDER BY at DESC, what, id DESC LIMIT :limit",
        None if ufs is None else sorted(ufs),
        task=task,
        key=key,
        limit=limit,
    )


# --- the day's calls -----------------------------------------------------------------------------


# Tried in vain, and not to be tried again yet: after the others.
_WAITS = (
    "CASE WHEN t.due_at > :now AND EXISTS (SELECT 1 FROM task_event e WHERE e.task_id = t.id "
    f"AND e.action = '{TRY}') THEN 1 ELSE 0 END"
)
_CALLS = (
    "FROM task t JOIN appointment ap ON ap.id = t.appointment_id "
    "WHERE t.state = 'open' AND t.kind LIKE 'call~_%' ESCAPE '~' "
    "AND COALESCE(t.due_at, t.created_at) < :end AND ap.starts_at >= :start "
    "AND (ap.starts_at > :now OR ap.all_day = 1)"
)
CallPlace = tuple[int, int, int]  # (waits, start, key)


def calls(
    connection: Connection,
    scope: Scope,
    *,
    now: int,
    start: int,
    end: int,
    after: CallPlace,
    limit: int,
) -> Sequence[Record]:
    """Calls of one civil day [start, end): those that can be made by then, about appointments
    that have not begun, by hour of the appointment, those to try again later last.
    `number`: how many all pages hold."""
    return scoped(
        connection,
        # The page's keys first: whole lines of every call would be sorted to show a few.
        "SELECT t.id AS task_id, t.kind AS task_kind, t.sentence, t.assignee, t.priority, "
        "few.waits, t.due_at, (SELECT COUNT(*) FROM task_event e WHERE e.task_id = t.id "
        f"AND e.action = '{TRY}') AS tries, (SELECT MAX(e.at) FROM task_event e "
        f"WHERE e.task_id = t.id AND e.action = '{TRY}') AS tried_at, "
        f"(SELECT COUNT(*) {_CALLS} AND {scope.sql}) AS number, "
        f"COALESCE(ha.name, t.assignee) AS holder, {PEOPLE} FROM ("
        f"SELECT t.id, t.appointment_id, {_WAITS} AS waits {_CALLS} "
        f"AND ({_WAITS}, ap.starts_at, t.id) > (:waited, :begun, :id) AND {scope.sql} "
        f"ORDER BY {_WAITS}, ap.starts_at, t.id LIMIT :limit) few JOIN task t ON t.id = few.id "
        "JOIN appointment ap ON ap.id = few.appointment_id "
        "LEFT JOIN patient p ON p.id = ap.patient_id LEFT JOIN account ha ON ha.login = t.assignee "
        "ORDER BY few.waits, ap.starts_at, t.id",
        scope.ids,
        now=now,
        start=start,
        end=end,
        waited=after[0],
        begun=after[1],
        id=after[2],
        limit=limit,
    )
