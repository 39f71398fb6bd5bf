"""Counts the pages, the summary and the metrics show."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store import lists
from reminders.store.engine import Record, rows


def by_state(connection: Connection, start: int, end: int) -> dict[str, int]:
    """Messages of the civil day [start, end) by state: see `lists`."""
    states: dict[str, int] = {}
    for row in lists.counts(connection, None, start, end):
        if row.what == "message":
            states[row.state] = states.get(row.state, 0) + row.number
    return states


def open_tasks(connection: Connection) -> int:
    return int(rows(connection, "SELECT COUNT(*) FROM task WHERE state = 'open'")[0][0])


def states(connection: Connection) -> dict[str, int]:
    found = rows(connection, "SELECT state, COUNT(*) AS number FROM message GROUP BY state")
    return {row.state: row.number for row in found}


def tasks_by_kind(connection: Connection) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT kind, MAX(sentence) AS sentence, COUNT(*) AS number FROM task "
        "WHERE state = 'open' GROUP BY kind ORDER BY number DESC, kind",
    )


def sources(connection: Connection) -> Sequence[Record]:
    return rows(connection, "SELECT id, last_as_of FROM source ORDER BY id")


def replies(connection: Connection, start: int, end: int) -> int:
    return int(
        rows(
            connection,
            "SELECT COUNT(*) FROM inbound WHERE received_at >= :start AND received_at < :end",
            start=start,
            end=end,
        )[0][0]
    )


def answers(connection: Connection, start: int, end: int) -> dict[str, int]:
    """What patients answered in [start, end) and still stands, by kind: one for an appointment."""
    found = rows(
        connection,
        "SELECT kind, COUNT(DISTINCT appointment_id) AS number FROM answer "
        "WHERE given_at >= :start AND given_at < :end AND undone_at IS NULL "
        "AND superseded_at IS NULL GROUP BY kind",
        start=start,
        end=end,
    )
    return {row.kind: row.number for row in found}


def answers_to_handle(connection: Connection) -> int:
    """Answers that wait for a person, of whatever day."""
    return int(
        rows(
            connection,
            "SELECT COUNT(*) FROM task WHERE state = 'open' "
            "AND (kind LIKE 'reply%' OR kind LIKE 'answer%')",
        )[0][0]
    )
