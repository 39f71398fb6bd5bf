"""What a patient takes back after the hospital was told: which tasks it opens, which it ends.

A task that asks for an answer to be entered in the DPI has that answer's key as its version.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows
from reminders.store.planning import among
from reminders.store.tending import unlocked

CHANGED_MIND = "reply_changed_mind"
ENDED = "changed-mind"  # how a task ends that the patient's later answer contradicts
ENTER_KINDS = ("answer_cancelled", "write_back_failed", "write_back_changed")

_IN_FORCE = "n.settled_at IS NOT NULL AND n.superseded_at IS NULL AND n.undone_at IS NULL"

# Of an answer w passed on and its task t: the patient says the opposite by now. By SMS and from
# another system that is no answer yet, a person decides first: then it is a task m.
TAKEN_BACK = (
    "(EXISTS (SELECT 1 FROM answer n WHERE n.appointment_id = w.appointment_id AND n.id > w.id "
    "AND n.kind IN ('confirmed', 'cancelled') AND n.kind <> w.kind AND n.undone_at IS NULL "
    "AND n.settled_at IS NOT NULL) "
    f"OR (w.kind = 'cancelled' AND EXISTS (SELECT 1 FROM task m WHERE m.kind = '{CHANGED_MIND}' "
    "AND m.appointment_id = w.appointment_id AND m.created_at >= w.given_at)))"
)


def taken_back(connection: Connection, confirmations: Sequence[int]) -> Sequence[Record]:
    """(appointment_id, cancellation) of those among these confirmations that take back a
    cancellation of the same hour passed on before, which no person was asked about yet.

    Who ends the desk's own line by saying that the patient comes knows of the place.
    """
    return among(
        connection,
        "SELECT n.appointment_id, MAX(w.id) AS cancellation FROM answer n "
        "JOIN answer w ON w.appointment_id = n.appointment_id AND w.id < n.id "
        "WHERE n.id IN :ids AND w.kind = 'cancelled' AND w.cycle = n.cycle "
        "AND w.settled_at IS NOT NULL AND w.undone_at IS NULL AND NOT EXISTS (SELECT 1 FROM task m "
        f"WHERE m.kind = '{CHANGED_MIND}' AND m.created_at >= w.given_at "
        "AND (m.appointment_id = n.appointment_id "
        "OR m.subject = 'appointment:' || CAST(n.appointment_id AS TEXT))) "
        "AND NOT EXISTS (SELECT 1 FROM task t WHERE t.kind = 'answer_cancelled' "
        "AND t.subject = 'appointment:' || CAST(n.appointment_id AS TEXT) "
        "AND t.subject_version = w.id AND t.resolution = 'confirmed') GROUP BY n.appointment_id",
        confirmations,
    )


def is_doubted(connection: Connection, appointment: int) -> bool:
    """Did the patient take the cancellation in force back, which only a person can record? Then
    to cancel is news, and is passed on anew: the line that asked for it is closed."""
    found = rows(
        connection,
        "SELECT 1 FROM answer w WHERE w.appointment_id = :id AND w.kind = 'cancelled' "
        "AND w.superseded_at IS NULL AND w.undone_at IS NULL AND EXISTS (SELECT 1 FROM task m "
        f"WHERE m.kind = '{CHANGED_MIND}' AND m.appointment_id = w.appointment_id "
        "AND m.created_at >= w.given_at)",
        id=appointment,
    )
    return bool(found)


def end_taken_back(connection: Connection) -> list[int]:
    """Open tasks that say the opposite of what the patient says by now: their keys."""
    enter = ", ".join(f"'{kind}'" for kind in ENTER_KINDS)
    found = rows(
        connection,
        f"UPDATE task SET state = 'done', resolution = '{ENDED}' WHERE id IN (SELECT t.id "
        "FROM task t JOIN answer w ON w.id = t.subject_version "
        "AND t.subject = 'appointment:' || CAST(w.appointment_id AS TEXT) "
        f"WHERE t.state = 'open' AND t.kind IN ({enter}) AND {TAKEN_BACK}{unlocked(connection)}) "
        "RETURNING id",
    )
    found = [
        *found,
        *rows(
            connection,
            f"UPDATE task SET state = 'done', resolution = '{ENDED}' WHERE id IN (SELECT t.id "
            "FROM task t JOIN answer n ON n.appointment_id = t.appointment_id "
            f"WHERE t.state = 'open' AND n.given_at > t.created_at AND {_IN_FORCE} "
            f"AND ((t.kind = '{CHANGED_MIND}' AND n.kind = 'cancelled') "
            "OR (t.kind = 'reply_proxy_cancel' AND n.kind = 'confirmed'))"
            f"{unlocked(connection)}) RETURNING id",
        ),
    ]
    return [row.id for row in found]
