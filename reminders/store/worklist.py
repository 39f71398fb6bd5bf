"""Tasks in people's hands: who has one, how it ended, and what it is about.

A verb is one conditional UPDATE: one changed row means that it was ours to change. Every change
appends a row to `task_event` in the same transaction.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, many, reserve, rows, run
from reminders.store.planning import among

FAR = 2**62  # where a task not looked at yet stands among deadlines

DEADLINE = f"COALESCE(t.deadline_at, {FAR})"
COLUMNS = (
    "t.id, t.kind, t.subject, t.subject_version, t.sentence, t.uf, t.state, t.created_at, "
    "t.due_at, t.deadline_at, t.priority, t.assignee, t.taken_at, t.escalated_at, t.resolved_at, "
    f"t.resolved_by, t.resolution, t.appointment_id, {DEADLINE} AS place"
)
STATES = {
    "open": "t.state = 'open'",
    "free": "t.state = 'open' AND t.assignee = ''",
    "taken": "t.state = 'open' AND t.assignee <> ''",
    "done": "t.state = 'done'",
}


def page(
    connection: Connection,
    *,
    state: str,
    uf: str,
    escalated_from: Sequence[str],
    late_at: int | None,
    after: tuple[int, int, int],
    limit: int,
) -> Sequence[Record]:
    """The next tasks after (priority, deadline, key), in that order.

    `uf`: of this service, and of `escalated_from` what was escalated; "": of all. `late_at`:
    only those whose deadline has passed then.
    """
    values: dict[str, object] = {"p": after[0], "d": after[1], "i": after[2], "limit": limit}
    wanted = [STATES[state], f"(t.priority, {DEADLINE}, t.id) > (:p, :d, :i)"]
    if uf:
        others = {f"from{number}": one for number, one in enumerate(escalated_from)}
        values |= others | {"uf": uf}
        marks = ", ".join(f":{name}" for name in others) or "NULL"
        wanted.append(f"(t.uf = :uf OR (t.escalated_at IS NOT NULL AND t.uf IN ({marks})))")
    if late_at is not None:
        values["late"] = late_at
        wanted.append("t.deadline_at <= :late")
    return rows(
        connection,
        f"SELECT {COLUMNS} FROM task t WHERE {' AND '.join(wanted)} "
        f"ORDER BY t.priority, {DEADLINE}, t.id LIMIT :limit",
        **values,
    )


def find(connection: Connection, task: int) -> Record | None:
    found = rows(connection, f"SELECT {COLUMNS} FROM task t WHERE t.id = :id", id=task)
    return found[0] if found else None


def events(connection: Connection, task: int) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT at, actor, action, detail FROM task_event WHERE task_id = :id ORDER BY id",
        id=task,
    )


# --- verbs -----------------------------------------------------------------------------------


def take(connection: Connection, task: int, actor: str, *, at: int) -> bool:
    return _changed(
        connection, task, actor, "take", "", at,
        "assignee = :actor, taken_at = :at", "state = 'open' AND assignee = ''",
    )  # fmt: skip


def release(connection: Connection, task: int, actor: str, *, at: int) -> bool:
    return _changed(
        connection, task, actor, "release", "", at,
        "assignee = '', taken_at = NULL", "state = 'open' AND assignee = :actor",
    )  # fmt: skip


def resolve(connection: Connection, task: int, actor: str, ending: str, *, at: int) -> bool:
    """Whoever has it, or nobody has it."""
    return _changed(
        connection, task, actor, "resolve", ending, at,
        "state = 'done', assignee = :actor, resolved_at = :at, resolved_by = :actor, "
        "resolution = :detail",
        "state = 'open' AND assignee IN ('', :actor)",
    )  # fmt: skip


def hand_over(connection: Connection, task: int, actor: str, *, to: str, uf: str, at: int) -> bool:
    """To an account or another service ("" leaves the service); whoever has it now."""
    return _changed(
        connection, task, actor, "hand-over", " ".join(one for one in (to, uf) if one), at,
        "assignee = :to, taken_at = CASE WHEN :to = '' THEN NULL ELSE :at END, "
        "uf = CASE WHEN :uf = '' THEN uf ELSE :uf END, "
        "escalated_at = CASE WHEN :uf = '' OR :uf = uf THEN escalated_at ELSE NULL END, "
        "deadline_at = CASE WHEN :uf = '' OR :uf = uf THEN deadline_at ELSE NULL END, "
        "due_at = CASE WHEN :uf = '' OR :uf = uf THEN due_at ELSE :at END",
        "state = 'open'", to=to, uf=uf,
    )  # fmt: skip


def reopen(connection: Connection, task: int, actor: str, *, at: int) -> bool:
    """Its time begins anew."""
    return _changed(
        connection, task, actor, "reopen", "", at,
        "state = 'open', assignee = '', taken_at = NULL, resolved_at = NULL, resolved_by = '', "
        "resolution = '', escalated_at = NULL, deadline_at = NULL, due_at = :at",
        "state = 'done'",
    )  # fmt: skip


def _changed(
    connection: Connection,
    task: int,
    actor: str,
    action: str,
    detail: str,
    at: int,
    change: str,
    condition: str,
    **values: object,
) -> bool:
    known = {"id": task, "actor": actor, "detail": detail, "at": at} | values
    sql = f"UPDATE task SET {change} WHERE id = :id AND {condition}"
    used = {name: value for name, value in known.items() if f":{name}" in sql}
    if not run(connection, sql, **used):
        return False
    add_events(connection, [task], actor, action, detail, at=at)
    return True


def add_events(
    connection: Connection, tasks: Sequence[int], actor: str, action: str, detail: str, *, at: int
) -> None:
    if tasks:
        first = reserve(connection, "task_event", len(tasks))
        insert_rows(
            connection,
            "task_event",
            ("id", "task_id", "at", "actor", "action", "detail"),
            [(first + n, task, at, actor, action, detail) for n, task in enumerate(tasks)],
        )


# --- what is new, late or no longer to do ------------------------------------------------------


def _unlocked(connection: Connection) -> str:
    """Tasks somebody else is changing are left to the next bell: who never waits while holding
    others cannot be one of two that wait for each other."""
    return "" if connection.dialect.name == "sqlite" else " FOR UPDATE OF t SKIP LOCKED"


def fresh(connection: Connection, *, limit: int = 500) -> Sequence[Record]:
    """Open tasks nobody gave a deadline yet."""
    return rows(
        connection,
        f"SELECT {COLUMNS} FROM task t WHERE t.state = 'open' AND t.deadline_at IS NULL "
        f"ORDER BY t.id LIMIT :limit{_unlocked(connection)}",
        limit=limit,
    )


def adopt(connection: Connection, found: Sequence[Mapping[str, object]]) -> None:
    many(
        connection,
        "UPDATE task SET due_at = :due, deadline_at = :deadline, uf = :uf, "
        "appointment_id = :appointment WHERE id = :id AND deadline_at IS NULL",
        found,
    )


def hurry(connection: Connection, *, now: int, until: int) -> int:
    """What is about an appointment of the next hours goes before all but an alert."""
    return run(
        connection,
        "UPDATE task SET priority = 1 WHERE id IN (SELECT t.id FROM task t "
        "WHERE t.state = 'open' AND t.priority > 1 AND t.appointment_id IN "
        "(SELECT ap.id FROM appointment ap WHERE ap.starts_at >= :now AND ap.starts_at < :until)"
        f"{_unlocked(connection)})",
        now=now,
        until=until,
    )


def escalate(connection: Connection, *, at: int) -> Sequence[Record]:
    """Mark what nobody ended by its deadline, once."""
    return rows(
        connection,
        "UPDATE task SET escalated_at = :at WHERE id IN (SELECT t.id FROM task t "
        "WHERE t.state = 'open' AND t.escalated_at IS NULL AND t.deadline_at <= :at"
        f"{_unlocked(connection)}) RETURNING id, uf",
        at=at,
    )


def late_by_kind(connection: Connection) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT uf, kind, MAX(sentence) AS sentence, COUNT(*) AS number FROM task "
        "WHERE state = 'open' AND escalated_at IS NOT NULL GROUP BY uf, kind "
        "ORDER BY uf, number DESC, kind",
    )


def claim_day(connection: Connection, key: str, day: str) -> bool:
    """True for the first who asks for this key and day (ISO 8601)."""
    return bool(
        run(
            connection,
            "INSERT INTO setting (key, value) VALUES (:key, :day) ON CONFLICT (key) "
            "DO UPDATE SET value = excluded.value WHERE setting.value < excluded.value",
            key=key,
            day=day,
        )
    )


def give_back_day(connection: Connection, key: str, day: str) -> None:
    run(connection, "DELETE FROM setting WHERE key = :key AND value = :day", key=key, day=day)


_READ = (
    "EXISTS (SELECT 1 FROM answer w WHERE w.appointment_id = ap.id AND w.cycle = ap.version "
    "AND w.kind = 'read' AND w.undone_at IS NULL)"
)
_EXPECTED = (
    "ap.status = 'booked' AND NOT (ap.answered_cycle = ap.version AND ap.answer = 'cancelled')"
)


def unread(connection: Connection, ufs: Sequence[str], *, now: int, until: int) -> Sequence[Record]:
    """Coming appointments of these services whose instructions nobody said to have read."""
    return among(
        connection,
        "SELECT ap.id, ap.uf, ap.kind, ap.version, ap.starts_at FROM appointment ap "
        f"WHERE ap.starts_at > :now AND ap.starts_at < :until AND {_EXPECTED} AND NOT {_READ} "
        "AND ap.all_day = 0 AND NOT EXISTS (SELECT 1 FROM task t "
        "WHERE t.kind = 'call_preparation' AND t.appointment_id = ap.id "
        "AND t.subject_version = ap.version) AND ap.uf IN :ids",
        ufs,
        now=now,
        until=until,
    )


def end_read_calls(connection: Connection) -> list[int]:
    """Calls about instructions that were read since, or of an appointment that is no more so."""
    found = rows(
        connection,
        "UPDATE task SET state = 'done', resolution = 'not-needed' WHERE id IN "
        "(SELECT t.id FROM task t WHERE t.state = 'open' AND t.kind = 'call_preparation' "
        "AND t.appointment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM appointment ap "
        "WHERE ap.id = t.appointment_id AND ap.version = t.subject_version "
        f"AND {_EXPECTED} AND NOT {_READ}){_unlocked(connection)}) RETURNING id",
    )
    return [row.id for row in found]


# --- what a task is about ----------------------------------------------------------------------


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


def calls(connection: Connection, *, start: int, end: int) -> Sequence[Record]:
    """Calls of one civil day [start, end): those that can be made by then, about appointments
    that have not begun before, by hour of the appointment."""
    return rows(
        connection,
        f"SELECT t.id AS task_id, t.kind AS task_kind, t.sentence, t.assignee, t.priority, "
        f"{PEOPLE} FROM task t JOIN appointment ap ON ap.id = t.appointment_id "
        "LEFT JOIN patient p ON p.id = ap.patient_id WHERE t.state = 'open' "
        "AND substr(t.kind, 1, 5) = 'call_' AND COALESCE(t.due_at, t.created_at) < :end "
        "AND ap.starts_at >= :start ORDER BY ap.starts_at, t.id",
        start=start,
        end=end,
    )


# --- requests of other systems -----------------------------------------------------------------


def claim_request(connection: Connection, key: str, body_hash: bytes, *, at: int) -> Record | None:
    """None: new, and ours to answer in this transaction; else the request as it was answered."""
    new = run(
        connection,
        "INSERT INTO request (key, body_hash, status, created_at) "
        "VALUES (:key, :hash, 0, :at) ON CONFLICT (key) DO NOTHING",
        key=key,
        hash=body_hash,
        at=at,
    )
    if new:
        return None
    return rows(
        connection, "SELECT body_hash, status, response FROM request WHERE key = :key", key=key
    )[0]


def answer_request(connection: Connection, key: str, status: int, response: str) -> None:
    run(
        connection,
        "UPDATE request SET status = :status, response = :response WHERE key = :key",
        status=status,
        response=response,
        key=key,
    )


def bind(connection: Connection, kind: str, subject: str, appointment: int) -> None:
    """Say what a task is about whose subject names no appointment."""
    run(
        connection,
        "UPDATE task SET appointment_id = :appointment WHERE kind = :kind AND subject = :subject",
        appointment=appointment,
        kind=kind,
        subject=subject,
    )


def forget_request(connection: Connection, key: str) -> None:
    run(connection, "DELETE FROM request WHERE key = :key", key=key)
