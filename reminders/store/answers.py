"""Answers: what a reply may be about, what was answered, and what waits to be passed on."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, many, reserve, rows, run
from reminders.store.planning import among, insert_plan
from reminders.store.types import DAY, HOUR

RECENT = 48 * HOUR  # two messages this close may both be what a reply answers

# What was answered about the appointment as it stands; an answer to an older version is past.
CURRENT_ANSWER = "CASE WHEN ap.answered_cycle = ap.version THEN ap.answer ELSE 'none' END"

# How an appointment stands for who was written to about it: one that staff called off by a
# message is cancelled, before the DPI says so.
STATUS_TOLD = (
    "CASE WHEN ap.status = 'booked' AND ap.stopped_why = 'session' "
    "AND ap.stopped_cycle = ap.version THEN 'cancelled' ELSE ap.status END"
)

# An attempt whose text may have been read.
MAY_HAVE_LEFT = "a.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED')"


def unhandled(connection: Connection, *, limit: int = 20) -> Sequence[Record]:
    """The first reply of each sender that nobody looked at yet, in the order they came, with the
    message it answers: what follows it is read after it, or with it."""
    lock = "" if connection.dialect.name == "sqlite" else " FOR UPDATE OF i SKIP LOCKED"
    return rows(
        connection,
        "SELECT i.id, i.provider, i.sender, i.sender_key, i.body, i.received_at, i.attempt_id, "
        "i.exact, COALESCE(m.language, '') AS language, COALESCE(m.site_id, '') AS site_id "
        "FROM inbound i LEFT JOIN attempt a ON a.id = i.attempt_id "
        "LEFT JOIN message m ON m.id = a.message_id WHERE i.handled_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM inbound b WHERE b.sender_key = i.sender_key "
        "AND b.id < i.id AND b.handled_at IS NULL) "
        f"ORDER BY i.id LIMIT :limit{lock}",
        limit=limit,
    )


def followers(connection: Connection, first: Record) -> Sequence[Record]:
    """What the same sender wrote after this reply and nobody looked at yet."""
    return rows(
        connection,
        "SELECT id, body, received_at FROM inbound WHERE sender_key = :key AND id > :id "
        "AND provider = :provider AND handled_at IS NULL ORDER BY id LIMIT 10",
        key=first.sender_key,
        id=first.id,
        provider=first.provider,
    )


def join(connection: Connection, first: int, body: str, parts: Sequence[int], *, now: int) -> None:
    """The parts of one long SMS become its first row; nobody needs to look at the others."""
    run(connection, "UPDATE inbound SET body = :body WHERE id = :id", body=body, id=first)
    many(
        connection,
        "UPDATE inbound SET handled_at = :now, action = 'joined' WHERE id = :id",
        [{"now": now, "id": part} for part in parts],
    )


def subjects(connection: Connection, reply: Record) -> Sequence[Record]:
    """The appointments of the message a reply answers, and of what else the number may answer.

    Unless the provider named the message, every text that went to the number in the two days
    before the reply and was not answered yet counts too.
    """
    return rows(
        connection,
        "SELECT DISTINCT a.message_id, t.appointment_id, t.cycle AS told_cycle, ap.version, "
        f"{STATUS_TOLD} AS status, ap.starts_at, {CURRENT_ANSWER} AS answer, ap.uf, "
        "ap.patient_id, "
        "CASE WHEN EXISTS "
        "(SELECT 1 FROM answer w WHERE w.appointment_id = ap.id AND w.settled_at IS NOT NULL "
        "AND w.superseded_at IS NULL AND w.undone_at IS NULL) THEN 1 ELSE 0 END AS settled "
        "FROM attempt a JOIN message m ON m.id = a.message_id JOIN told t ON t.attempt_id = a.id "
        "JOIN appointment ap ON ap.id = t.appointment_id WHERE a.id = :attempt OR (:exact = 0 "
        f"AND m.recipient_key = :key AND a.provider = :provider AND {MAY_HAVE_LEFT} "
        f"AND m.kind <> 'ack' AND a.started_at > :since AND {CURRENT_ANSWER} = 'none' "
        "AND ap.starts_at > :now) ORDER BY ap.starts_at, t.appointment_id",
        attempt=reply.attempt_id or 0,
        exact=reply.exact,
        key=reply.sender_key,
        provider=reply.provider,
        since=reply.received_at - RECENT,
        now=reply.received_at,
    )


def history(connection: Connection, reply: Record) -> Record:
    """(last_intent, last_at, acknowledged): the reply before this one, and today's answers."""
    return rows(
        connection,
        "SELECT (SELECT p.intent FROM inbound p WHERE p.sender_key = :key AND p.id < :id "
        "AND p.handled_at IS NOT NULL ORDER BY p.id DESC LIMIT 1) AS last_intent, "
        "(SELECT p.received_at FROM inbound p WHERE p.sender_key = :key AND p.id < :id "
        "AND p.handled_at IS NOT NULL ORDER BY p.id DESC LIMIT 1) AS last_at, "
        "(SELECT COUNT(*) FROM message m WHERE m.recipient_key = :key AND m.kind = 'ack' "
        "AND m.created_at > :since) AS acknowledged",
        key=reply.sender_key,
        id=reply.id,
        since=reply.received_at - DAY,
    )[0]


def handled(connection: Connection, reply: int, intent: str, action: str, *, now: int) -> None:
    run(
        connection,
        "UPDATE inbound SET handled_at = :now, intent = :intent, action = :action WHERE id = :id",
        now=now,
        intent=intent,
        action=action,
        id=reply,
    )


def written_to(connection: Connection, key: bytes, *, since: int) -> list[int]:
    """Patients about whom somebody at this address was written to since then."""
    found = rows(
        connection,
        "SELECT DISTINCT m.patient_id FROM message m JOIN attempt a ON a.message_id = m.id "
        f"WHERE m.recipient_key = :key AND a.started_at > :since AND {MAY_HAVE_LEFT}",
        key=key,
        since=since,
    )
    return [row.patient_id for row in found]


# Kinds that say nothing of coming or not coming.
_REMARKS = ("question", "read", "not-me")
REMARKS = "('question', 'read', 'not-me')"

ANSWER_COLUMNS = (
    "id", "appointment_id", "cycle", "kind", "channel", "origin", "actor", "reason", "given_at",
    "effective_at",
)  # fmt: skip


def add(
    connection: Connection,
    given: Sequence[tuple[int, int, str]],
    *,
    channel: str,
    origin: str,
    actor: str,
    reason: str,
    at: int,
    effective_at: int,
) -> list[int]:
    """Record (appointment, cycle, kind) answers of one origin, once: the keys of the new ones.

    A new answer supersedes the appointment's earlier ones; a remark (a question, « lu ») leaves
    them in force.
    """
    known = among(
        connection,
        "SELECT appointment_id FROM answer WHERE appointment_id IN :ids AND origin = :origin",
        [appointment for appointment, _, _ in given],
        origin=origin,
    )
    seen = {row.appointment_id for row in known}
    fresh = [one for one in given if one[0] not in seen]
    if not fresh:
        return []
    many(
        connection,
        "UPDATE answer SET superseded_at = :now WHERE appointment_id = :appointment "
        f"AND superseded_at IS NULL AND undone_at IS NULL AND kind NOT IN {REMARKS}",
        [{"now": at, "appointment": one} for one, _, kind in fresh if kind not in _REMARKS],
    )
    first = reserve(connection, "answer", len(fresh))
    insert_rows(
        connection,
        "answer",
        ANSWER_COLUMNS,
        [
            (first + n, appointment, cycle, kind, channel, origin, actor, reason, at, effective_at)
            for n, (appointment, cycle, kind) in enumerate(fresh)
        ],
    )
    many(
        connection,
        "UPDATE appointment SET answer = :kind, answered_at = :now, answered_cycle = :cycle "
        f"WHERE id = :appointment AND version = :cycle AND (:kind NOT IN {REMARKS} "
        "OR (:kind = 'question' AND (answer = 'none' OR answered_cycle <> version)))",
        [{"kind": k, "now": at, "appointment": a, "cycle": c} for a, c, k in fresh],
    )
    _look_again(connection, [appointment for appointment, _, _ in fresh])
    return list(range(first, first + len(fresh)))


def _look_again(connection: Connection, appointments: Sequence[int]) -> None:
    """Reminders of an answered appointment stop, or come back, at once."""
    many(
        connection,
        "UPDATE patient SET dirty = 1 WHERE dirty = 0 AND id = "
        "(SELECT patient_id FROM appointment WHERE id = :appointment)",
        [{"appointment": appointment} for appointment in appointments],
    )


def undo(connection: Connection, answer: int, *, now: int) -> bool:
    """Take an answer back while that is possible; the one before it counts again."""
    found = rows(
        connection,
        "UPDATE answer SET undone_at = :now WHERE id = :id AND settled_at IS NULL "
        "AND undone_at IS NULL AND superseded_at IS NULL AND effective_at > :now "
        "RETURNING appointment_id, cycle, given_at",
        now=now,
        id=answer,
    )
    for row in found:
        before = rows(
            connection,
            "UPDATE answer SET superseded_at = NULL WHERE id = (SELECT MAX(b.id) FROM answer b "
            "WHERE b.appointment_id = :appointment AND b.cycle = :cycle AND b.id < :id "
            f"AND b.undone_at IS NULL AND b.kind NOT IN {REMARKS}) RETURNING kind, given_at",
            appointment=row.appointment_id,
            cycle=row.cycle,
            id=answer,
        )
        run(
            connection,
            "UPDATE appointment SET answer = :kind, answered_at = :at WHERE id = :appointment",
            kind=before[0].kind if before else "none",
            at=before[0].given_at if before else None,
            appointment=row.appointment_id,
        )
        _look_again(connection, [row.appointment_id])
    return bool(found)


def given_through(
    connection: Connection, task: int, appointments: Sequence[int]
) -> Sequence[Record]:
    """The answers in force that a task's ending gave, by key."""
    return among(
        connection,
        "SELECT w.id FROM answer w JOIN appointment ap ON ap.id = w.appointment_id "
        "AND ap.version = w.cycle WHERE w.appointment_id IN :ids AND w.origin LIKE :origin "
        "AND w.superseded_at IS NULL AND w.undone_at IS NULL ORDER BY w.id",
        appointments,
        origin=f"staff:task:{task}:%",
    )


def to_pass_on(connection: Connection, *, now: int, limit: int = 200) -> Sequence[Record]:
    """Answers in force that nobody told the hospital yet; each is given once."""
    return rows(
        connection,
        "UPDATE answer SET settled_at = :now WHERE id IN (SELECT w.id FROM answer w "
        "WHERE w.settled_at IS NULL AND w.undone_at IS NULL AND w.superseded_at IS NULL "
        "AND w.effective_at <= :now ORDER BY w.effective_at LIMIT :limit) "
        "RETURNING id, appointment_id, cycle, kind, channel, actor, reason, given_at",
        now=now,
        limit=limit,
    )


def appointments(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    return among(
        connection,
        "SELECT id, source_id, external_id, uf, starts_at, status, version, patient_id, answer "
        "FROM appointment WHERE id IN :ids",
        ids,
    )


def insert_acknowledgement(
    connection: Connection,
    *,
    key: str,
    reply: Record,
    purpose: str,
    appointment: Record,
    opens_at: int,
    closes_at: int,
    at: int,
) -> int:
    """One text back to the number that wrote, tied to the appointment it is about: its key."""
    decision = reserve(connection, "decision", 1)
    message = reserve(connection, "message", 1)
    insert_plan(
        connection,
        [
            (decision, appointment.id, f"ack:{reply.id}", appointment.version, "PLANNED", "",
             purpose, opens_at, closes_at, at)
        ],
        [
            (message, key, "ack", "sms", "PLANNED", appointment.patient_id, reply.sender,
             reply.sender_key, "", reply.site_id, purpose, reply.language, opens_at, opens_at,
             closes_at, at, at)
        ],
        [(decision, "sms", message)],
    )  # fmt: skip
    return message
