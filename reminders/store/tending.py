"""Tasks that nobody changes by hand: what is new, late or no longer to do, and who is told."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, many, rows, run
from reminders.store.planning import among
from reminders.store.worklist import COLUMNS, TRY


def unlocked(connection: Connection) -> str:
    """Tasks somebody else is changing are left to the next bell: who never waits while holding
    others cannot be one of two that wait for each other."""
    return "" if connection.dialect.name == "sqlite" else " FOR UPDATE OF t SKIP LOCKED"


def fresh(connection: Connection, *, limit: int = 500) -> Sequence[Record]:
    """Open tasks nobody gave a deadline yet, and when they were last tried in vain, or 0."""
    return rows(
        connection,
        f"SELECT {COLUMNS}, COALESCE((SELECT MAX(e.at) FROM task_event e WHERE e.task_id = t.id "
        f"AND e.action = '{TRY}'), 0) AS tried_at FROM task t "
        "WHERE t.state = 'open' AND t.deadline_at IS NULL "
        f"ORDER BY t.id LIMIT :limit{unlocked(connection)}",
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
        f"{unlocked(connection)})",
        now=now,
        until=until,
    )


def escalate(connection: Connection, *, at: int) -> Sequence[Record]:
    """Mark what nobody ended by its deadline, once."""
    return rows(
        connection,
        "UPDATE task SET escalated_at = :at WHERE id IN (SELECT t.id FROM task t "
        "WHERE t.state = 'open' AND t.escalated_at IS NULL AND t.deadline_at <= :at"
        f"{unlocked(connection)}) RETURNING id, uf",
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
        f"AND {_EXPECTED} AND NOT {_READ}){unlocked(connection)}) RETURNING id",
    )
    return [row.id for row in found]


def end_past_calls(connection: Connection, *, before: int) -> list[int]:
    """Calls about an appointment that began before then: nobody made them in time."""
    found = rows(
        connection,
        "UPDATE task SET state = 'done', resolution = 'past' WHERE id IN "
        "(SELECT t.id FROM task t JOIN appointment ap ON ap.id = t.appointment_id "
        "WHERE t.state = 'open' AND (SUBSTR(t.kind, 1, 5) = 'call_' OR t.kind = 'reply_late') "
        f"AND ap.starts_at < :before{unlocked(connection)}) RETURNING id",
        before=before,
    )
    return [row.id for row in found]


# Since a task t about an appointment ap was opened its patient answered, or a text that tells it
# as it stands was delivered: a patient whom no message reaches no more. Asks for `now`.
REACHED = (
    "(EXISTS (SELECT 1 FROM answer w WHERE w.appointment_id = ap.id AND w.cycle = ap.version "
    "AND w.kind <> 'not-me' AND w.undone_at IS NULL AND w.given_at > t.created_at "
    "AND w.effective_at <= :now) "
    "OR EXISTS (SELECT 1 FROM told o JOIN attempt x ON x.id = o.attempt_id "
    "WHERE o.appointment_id = ap.id AND o.cycle = ap.version AND x.state = 'DELIVERED' "
    "AND (x.started_at > t.created_at OR EXISTS (SELECT 1 FROM receipt r "
    "WHERE r.attempt_id = x.id AND r.state = 'delivered' AND r.received_at >= t.created_at))))"
)
# Who said to come, or not to, of the hour as it stands needs no call about it.
_SAID = (
    "(ap.answered_cycle = ap.version AND ap.answer IN ('confirmed', 'cancelled') AND EXISTS "
    "(SELECT 1 FROM answer w WHERE w.appointment_id = ap.id AND w.superseded_at IS NULL "
    "AND w.undone_at IS NULL AND w.effective_at <= :now AND w.kind = ap.answer))"
)


def end_reached_calls(connection: Connection, *, now: int) -> list[int]:
    """Calls because no message reached the patient, of those who were reached since."""
    found = rows(
        connection,
        "UPDATE task SET state = 'done', resolution = 'reached' WHERE id IN "
        "(SELECT t.id FROM task t JOIN appointment ap ON ap.id = t.appointment_id "
        "WHERE t.state = 'open' AND t.kind IN ('call_not_reached', 'call_no_contact') "
        f"AND ({REACHED} OR (t.kind = 'call_not_reached' AND {_SAID})){unlocked(connection)}) "
        "RETURNING id",
        now=now,
    )
    return [row.id for row in found]
