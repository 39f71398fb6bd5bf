"""Everything a store holds, counted: for the demo's table and for whoever checks it."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows


def messages(connection: Connection) -> Sequence[Record]:
    """Messages by channel and state."""
    return rows(
        connection,
        "SELECT channel, state, COUNT(*) AS number FROM message "
        "GROUP BY channel, state ORDER BY channel, state",
    )


def not_sent(connection: Connection) -> Sequence[Record]:
    """Decisions not to write, by reason."""
    return rows(
        connection,
        "SELECT reason, COUNT(*) AS number FROM decision WHERE state = 'SUPPRESSED' "
        "GROUP BY reason ORDER BY number DESC, reason",
    )


def appointments(connection: Connection) -> int:
    return int(rows(connection, "SELECT COUNT(*) FROM appointment")[0][0])


def final_receipts(connection: Connection) -> int:
    """Receipts that tell a message's fate, each once; "on its way" is none."""
    return int(
        rows(
            connection,
            "SELECT COUNT(*) FROM receipt WHERE state IN ('delivered', 'undelivered')",
        )[0][0]
    )


def replies(connection: Connection) -> int:
    return int(rows(connection, "SELECT COUNT(*) FROM inbound")[0][0])


def latest_replies(connection: Connection, most: int) -> Sequence[Record]:
    """What patients wrote, newest first, what it was taken for and what came of it."""
    return rows(
        connection,
        "SELECT i.sender, i.body, i.received_at, i.intent, i.action, i.handled_at, "
        "COALESCE((SELECT MAX(w.kind) FROM answer w WHERE w.origin = 'inbound:' || i.id), '') "
        "AS answered, COALESCE((SELECT MAX(t.sentence) FROM task t "
        "WHERE t.subject = 'inbound:' || i.id), '') AS task "
        "FROM inbound i ORDER BY i.received_at DESC, i.id DESC LIMIT :most",
        most=most,
    )
