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


def size(connection: Connection, name: str) -> int:
    """How many rows a table of this program has."""
    if name not in ("appointment", "receipt", "inbound"):
        raise ValueError(f"not counted: {name}")
    return int(rows(connection, f"SELECT COUNT(*) FROM {name}")[0][0])
