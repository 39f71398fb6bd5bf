"""The database as every store module relies on it."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.errors import ConfigurationError, RepairNeeded
from reminders.store.engine import Store, insert_rows, many, open_engine, reserve, rows, run
from reminders.store.migrate import migrate
from reminders.store.types import UtcDateTime, instant, instant_or_none, micros, micros_or_none
from tests.support.stores import address

RUN_COLUMNS = ("id", "started_at", "mode")


def runs(store: Store) -> int:
    with store.read() as connection:
        return int(rows(connection, "SELECT COUNT(*) FROM run")[0][0])


# --- instants ---------------------------------------------------------------------------------


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_an_instant_comes_back_as_it_went(moment: datetime) -> None:
    assert instant(micros(moment)) == moment.astimezone(UTC)
    assert instant(micros(moment)).tzinfo is UTC


def test_a_naive_moment_is_refused_wherever_it_would_be_stored(store: Store) -> None:
    naive = datetime(2026, 10, 12, 9)  # noqa: DTZ001
    with pytest.raises(ValueError, match="naive"):
        micros(naive)
    with pytest.raises(ValueError, match="naive"):
        UtcDateTime().process_bind_param(naive, store.engine.dialect)


def test_no_instant_is_no_number() -> None:
    assert micros_or_none(None) is None
    assert instant_or_none(None) is None


def test_order_is_the_instants_not_the_zones(store: Store) -> None:
    east, west = timezone(timedelta(hours=11)), timezone(timedelta(hours=-4))
    first = datetime(2026, 10, 12, 20, tzinfo=east)
    second = datetime(2026, 10, 12, 9, tzinfo=west)
    with store.write() as connection:
        insert_rows(
            connection, "run", RUN_COLUMNS, [(1, micros(second), "x"), (2, micros(first), "x")]
        )
        assert [row.id for row in rows(connection, "SELECT id FROM run ORDER BY started_at")] == [
            2, 1,
        ]  # fmt: skip


# --- transactions -----------------------------------------------------------------------------


def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    def half() -> None:
        with store.write() as connection:
            insert_rows(connection, "run", RUN_COLUMNS, [(1, 1, "x")])
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert runs(store) == 0


def test_a_view_stays_as_it_was_and_makes_no_writer_wait(store: Store) -> None:
    with store.write() as connection:
        insert_rows(connection, "run", RUN_COLUMNS, [(1, 1, "x")])
    with store.read() as view:
        assert len(rows(view, "SELECT id FROM run")) == 1
        with store.write() as connection:
            insert_rows(connection, "run", RUN_COLUMNS, [(2, 1, "x")])
        assert len(rows(view, "SELECT id FROM run")) == 1
    assert runs(store) == 2


def test_a_session_writes_and_scratches_on_one_connection(store: Store) -> None:
    with store.session() as session:
        with session.scratch() as connection:
            connection.exec_driver_sql("CREATE TEMPORARY TABLE notes (n INTEGER)")
            insert_rows(connection, "notes", ("n",), [(1,), (2,)])
        with session.write() as connection:
            run(connection, "INSERT INTO run (id, started_at) SELECT n, n FROM notes")
        with session.scratch() as connection:
            assert len(rows(connection, "SELECT n FROM notes")) == 2
            connection.exec_driver_sql("DROP TABLE notes")
    assert runs(store) == 2


def test_every_kind_of_value_is_written_and_read_alike(store: Store) -> None:
    with store.write() as connection:
        insert_rows(
            connection,
            "objection",
            ("id", "address_key", "patient_id", "origin", "recorded_at"),
            [(1, bytes(range(256)), None, "é\t\n\\N'\"", 2**62)],
        )
        row = rows(connection, "SELECT * FROM objection")[0]
    assert (bytes(row.address_key), row.patient_id, row.origin, row.recorded_at) == (
        bytes(range(256)), None, "é\t\n\\N'\"", 2**62,
    )  # fmt: skip


def test_nothing_to_write_is_no_statement(store: Store) -> None:
    with store.write() as connection:
        insert_rows(connection, "run", RUN_COLUMNS, [])
        many(connection, "not SQL at all", [])


# --- keys -------------------------------------------------------------------------------------


def test_blocks_of_keys_follow_each_other(store: Store) -> None:
    with store.write() as connection:
        assert reserve(connection, "message", 10) == 1
        assert reserve(connection, "message", 5) == 11
        assert reserve(connection, "decision", 1) == 1
        assert reserve(connection, "message", 1) == 16


def test_many_writers_never_meet_a_locked_database_nor_the_same_key(store: Store) -> None:
    """BEGIN IMMEDIATE waits its turn, where a transaction that upgrades fails at once."""
    failures: list[BaseException] = []

    def work() -> None:
        mine = Store(open_engine(address(store)))
        try:
            for _ in range(25):
                with mine.write() as connection:
                    rows(connection, "SELECT MAX(id) FROM run")  # read first, then write
                    first = reserve(connection, "run", 2)
                    insert_rows(
                        connection, "run", RUN_COLUMNS, [(first, 1, "x"), (first + 1, 1, "x")]
                    )
        except BaseException as error:
            failures.append(error)
        finally:
            mine.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert runs(store) == 8 * 25 * 2


def test_two_writers_that_take_keys_in_other_orders_do_not_lock_each_other_out(
    store: Store,
) -> None:
    """A planner takes decisions, then tasks; another the other way round."""
    failures: list[BaseException] = []
    meet = threading.Barrier(2, timeout=60)

    def work(first: str, second: str) -> None:
        mine = Store(open_engine(address(store)))
        try:
            for _ in range(10):
                if not store.is_sqlite:
                    meet.wait()
                with mine.write() as connection:
                    reserve(connection, first, 1)
                    reserve(connection, second, 1)
        except BaseException as error:
            failures.append(error)
            meet.abort()
        finally:
            mine.close()

    threads = [
        threading.Thread(target=work, args=("decision", "task")),
        threading.Thread(target=work, args=("task", "decision")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


WRITER = """
import sys
from reminders.store.engine import Store, insert_rows, open_engine, reserve, rows
store = Store(open_engine(sys.argv[1]))
for _ in range(40):
    with store.write() as connection:
        rows(connection, "SELECT COUNT(*) FROM run")
        insert_rows(connection, "run", ("id", "started_at"), [(reserve(connection, "run", 1), 1)])
store.close()
"""


def test_processes_that_write_at_once_wait_for_each_other(store: Store) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, address(store)],
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(4)
    ]
    told = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0], told
    assert runs(store) == 160


# --- what an administrator must repair --------------------------------------------------------


def repair(error: pytest.ExceptionInfo[RepairNeeded]) -> str:
    return str(error.value)


def test_a_missing_table_asks_for_a_migration(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE run")
    with pytest.raises(RepairNeeded) as error:
        runs(store)
    assert "reminders migrate" in repair(error)


def test_a_table_that_is_missing_when_rows_are_written_in_bulk_asks_for_it_too(
    store: Store,
) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE run")
    with pytest.raises(RepairNeeded) as error, store.write() as connection:
        insert_rows(connection, "run", RUN_COLUMNS, [(1, 1, "x")])
    assert "reminders migrate" in repair(error)


def test_a_missing_column_asks_for_a_migration(store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE run DROP COLUMN mode")
    with pytest.raises(RepairNeeded) as error, store.read() as connection:
        rows(connection, "SELECT mode FROM run")
    assert "reminders migrate" in repair(error)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/nowhere/hospital.db"))
    with pytest.raises(RepairNeeded) as error, store.write():
        pass
    assert "base de données" in repair(error)
    store.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "hospital.db").write_bytes(b"NUM_RDV;STATUT\n" * 400)
    store = Store(open_engine(f"sqlite:///{tmp_path}/hospital.db"))
    with pytest.raises(RepairNeeded) as error:
        migrate(store)
    assert "n'est pas une base" in repair(error)
    store.close()


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/hospital.db"))
    migrate(store)
    with store.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        pages = driver.execute("PRAGMA page_count").fetchone()[0]
        driver.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(RepairNeeded) as error, store.write() as connection:
        insert_rows(connection, "run", RUN_COLUMNS, [(n, n, "x" * 1000) for n in range(500)])
    assert "disque plein" in repair(error)
    assert runs(store) == 0
    store.close()


def test_a_database_that_may_only_be_read_is_said(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/hospital.db"))
    migrate(store)
    with store.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute("PRAGMA query_only = ON")
    with pytest.raises(RepairNeeded) as error, store.write() as connection:
        insert_rows(connection, "run", RUN_COLUMNS, [(1, 1, "x")])
    assert "lecture seule" in repair(error)
    store.close()


def test_a_server_that_is_away_is_said() -> None:
    store = Store(open_engine("postgresql://nobody:geheim@127.0.0.1:9/hospital"))
    with pytest.raises(RepairNeeded) as error:
        runs(store)
    assert "inaccessible" in repair(error)
    assert "geheim" not in repair(error)


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_is_no_database_is_a_mistake_of_the_configuration(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_engine(url)
    assert "store › url" in str(error.value)


def test_a_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/hospital.db"))
    migrate(store)
    assert (tmp_path / "hospital.db").stat().st_mode & 0o077 == 0
    store.close()


def test_sqlite_is_opened_as_the_promises_need(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path}/hospital.db"))
    with store.write() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        ]
    assert found == ["wal", 2, 1]
    store.close()
    with closing(sqlite3.connect(tmp_path / "hospital.db")) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
