"""Counts the pages, the summary and the metrics show."""

from sqlalchemy import Connection

from reminders.store.engine import rows


def by_state(connection: Connection, start: int, end: int) -> dict[str, int]:
    """Messages whose interval touches [start, end), by state."""
    found = rows(
        connection,
        "SELECT state, COUNT(*) AS number FROM message WHERE closes_at > :start "
        "AND earliest_at < :end AND opens_at < :end GROUP BY state ORDER BY state",
        start=start,
        end=end,
    )
    return {row.state: row.number for row in found}


def open_tasks(connection: Connection) -> int:
    return int(rows(connection, "SELECT COUNT(*) FROM task WHERE state = 'open'")[0][0])
