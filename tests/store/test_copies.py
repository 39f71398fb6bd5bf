"""A dry run works on a copy: whatever it does there, the original is untouched."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reminders.store.copies import throw_away
from reminders.store.engine import Store, open_engine, reserve, rows
from tests.support.clinic import Clinic, counts, visit, visits
from tests.support.stores import address


def tables(store: Store) -> list[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        if store.is_sqlite
        else "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1"
    )
    with store.read() as connection:
        return [row[0] for row in rows(connection, query)]


def content(store: Store) -> str:
    """A hash of every row of every table."""
    digest = hashlib.sha256()
    with store.read() as connection:
        for table in tables(store):
            found = sorted(repr(tuple(row)) for row in rows(connection, f"SELECT * FROM {table}"))
            digest.update(repr((table, found)).encode())
    return digest.hexdigest()


def lived_in(store: Store) -> Clinic:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(*visits(range(1, 8)))
    clinic.plan()
    return clinic


def test_a_copy_holds_what_the_original_does(store: Store) -> None:
    lived_in(store)
    with throw_away(store) as copy:
        assert tables(copy) == tables(store)
        assert content(copy) == content(store)
        assert copy.is_sqlite == store.is_sqlite


def test_a_whole_run_on_the_copy_changes_nothing_of_the_original(store: Store) -> None:
    lived_in(store)
    before = content(store)
    with throw_away(store) as copy:
        trial = Clinic(copy)
        trial.open()
        moved = [visit(n, "2026-10-22 11:00") for n in range(1, 3)]
        assert counts(trial.read(*moved, *visits(range(3, 8)), visit(9)))[1:] == (1, 2, 0)
        assert trial.plan().planned > 0
        with copy.write() as connection:
            reserve(connection, "message", 100)
        assert content(copy) != before
    assert content(store) == before


def test_a_copy_keeps_the_rules_of_its_tables(store: Store) -> None:
    """Else a dry run would accept what the real one refuses."""
    lived_in(store)
    with throw_away(store) as copy, pytest.raises(Exception, match=r"(?i)unique"):  # noqa: SIM117
        with copy.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO patient (id, authority, identifier, refuses_sms, first_seen_at, "
                "updated_at) VALUES (9999, 'ipp', '0000001', 0, 0, 0)"
            )


def test_nothing_of_a_copy_is_left(store: Store) -> None:
    lived_in(store)
    with throw_away(store) as copy:
        place = Path(copy.engine.url.database or "")
    if store.is_sqlite:
        assert not place.exists()
        assert not place.parent.exists()
    else:
        assert schemas(store) == []


def schemas(store: Store) -> list[str]:
    if store.is_sqlite:
        return []
    with store.read() as connection:
        found = rows(
            connection, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'reminders_dry%'"
        )
        return [row[0] for row in found]


KILLED = """
import os, signal, sys
from reminders.store.copies import throw_away
from reminders.store.engine import Store, open_engine
with throw_away(Store(open_engine(sys.argv[1]))) as copy:
    print(copy.engine.url.database if copy.is_sqlite else copy.engine.url.query["options"])
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_dry_run_left_goes_with_the_next(store: Store) -> None:
    """It names patients, and nothing else would ever remove it."""
    lived_in(store)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, address(store)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    left = killed.stdout.strip()
    assert killed.returncode == -signal.SIGKILL
    assert left
    assert Path(left).exists() if store.is_sqlite else schemas(store)
    wait_until_gone(store)
    with throw_away(store) as one, throw_away(store) as two:
        assert content(one) == content(two)  # two dry runs at once leave each other alone
        assert len(schemas(store)) == (0 if store.is_sqlite else 2)
    assert not Path(left).exists()
    assert schemas(store) == []


def wait_until_gone(store: Store) -> None:
    """The server needs a moment to see that a killed process is gone, and its locks with it."""
    if store.is_sqlite:
        return
    for _ in range(600):
        with store.read() as connection:
            if not rows(connection, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"):
                return
        time.sleep(0.05)
    raise AssertionError("the killed process still holds its lock")


def test_a_copy_of_nothing_is_empty(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/none.db"))
    with throw_away(store) as copy:
        assert tables(copy) == []
    assert not (tmp_path / "none.db").exists()
    store.close()
