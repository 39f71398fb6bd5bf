"""The audit stays what it was: nothing changes or removes a line before its time."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from reminders.config import RetentionTable
from reminders.services.purge import purge
from reminders.store import facts
from reminders.store.engine import Store, rows
from reminders.store.types import micros

NOW = datetime(2026, 10, 14, 8, tzinfo=UTC)
REMINDERS = Path(__file__).parents[2] / "reminders"
SQL = re.compile(r"\b(?:DELETE\s+FROM|UPDATE|TRUNCATE)\s+(?:TABLE\s+)?\"?audit\b", re.IGNORECASE)


def note(store: Store, days_ago: float, actor: str = "nadia") -> None:
    with store.write() as connection:
        at = micros(NOW - timedelta(days=days_ago))
        facts.audit(connection, at=at, actor=actor, action="hold")


def actors(store: Store) -> list[str]:
    with store.read() as connection:
        return [row.actor for row in rows(connection, "SELECT actor FROM audit ORDER BY at")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'somebody else'",
        "UPDATE audit SET detail = '' WHERE actor = 'nadia'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE actor = 'nadia'",
        "INSERT INTO audit (id, at) SELECT id, at FROM audit WHERE true "
        "ON CONFLICT (id) DO UPDATE SET actor = 'somebody else'",
    ],
)
def test_no_statement_changes_what_was_written(store: Store, statement: str) -> None:
    note(store, 0)
    with pytest.raises(DBAPIError), store.write() as connection:
        connection.exec_driver_sql(statement)
    assert actors(store) == ["nadia"]


def test_a_table_that_is_emptied_at_once_keeps_its_audit(store: Store) -> None:
    note(store, 0)
    if not store.is_sqlite:  # which has no TRUNCATE
        with pytest.raises(DBAPIError), store.write() as connection:
            connection.exec_driver_sql("TRUNCATE audit")
    assert actors(store) == ["nadia"]


def test_lines_leave_once_they_are_past_their_retention_and_no_sooner(store: Store) -> None:
    note(store, 366, "gone")
    note(store, 364, "kept")
    note(store, 1, "recent")
    assert purge(store, RetentionTable(), now=NOW).journal == 1
    assert actors(store) == ["kept", "recent"]


def test_the_purge_lets_nothing_else_go_afterwards(store: Store) -> None:
    note(store, 366)
    note(store, 364, "kept")
    purge(store, RetentionTable(), now=NOW)
    with pytest.raises(DBAPIError), store.write() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE actor = 'kept'")
    assert actors(store) == ["kept"]


def test_its_retention_is_a_setting_of_its_own(store: Store) -> None:
    note(store, 40, "gone")
    note(store, 20, "kept")
    purge(store, RetentionTable(audit_days=30), now=NOW)
    assert actors(store) == ["kept"]


def test_only_the_purge_holds_a_statement_that_removes_lines() -> None:
    """Triggers refuse it to everybody else; nobody should try."""
    found = [
        (path.relative_to(REMINDERS).as_posix(), match[0])
        for path in sorted(REMINDERS.rglob("*.py"))
        for match in SQL.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == [("store/purging.py", "DELETE FROM audit")]
