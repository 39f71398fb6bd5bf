"""The schema's history: up, down, and equal to the tables in the end."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import inspect

from reminders.errors import RepairNeeded
from reminders.store.engine import Store, open_engine
from reminders.store.migrate import downgrade, drift, head, is_current, migrate, revision_of
from tests.support.postgres import Server
from tests.support.stores import KINDS

REVISIONS = sorted(
    file.stem for file in (Path(__file__).parents[2] / "migrations" / "versions").glob("[0-9]*.py")
)


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without any table."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/hospital.db"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        url = server.create_database()
    store = Store(open_engine(url))
    yield store
    store.close()


def tables(store: Store) -> set[str]:
    with store.read() as connection:
        return set(inspect(connection).get_table_names())


def test_a_migrated_database_equals_the_tables(empty: Store) -> None:
    assert migrate(empty) == ("", REVISIONS[-1])
    assert drift(empty) == []
    assert is_current(empty)


def test_a_missing_index_or_column_would_be_seen(empty: Store) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.exec_driver_sql("DROP INDEX ix_message_due")
        connection.exec_driver_sql("ALTER TABLE run DROP COLUMN summary")
    assert len(drift(empty)) == 2


@pytest.mark.parametrize(
    "instead",
    [
        "",
        "CREATE INDEX ix_patient_email ON patient (upper(email)) WHERE email <> ''",
        "CREATE INDEX ix_patient_email ON patient (lower(email))",
    ],
)
def test_an_index_over_an_expression_that_differs_would_be_seen(
    tmp_path: Path, instead: str
) -> None:
    """SQLAlchemy reflects none of SQLite."""
    store = Store(open_engine(f"sqlite:///{tmp_path}/hospital.db"))
    migrate(store)
    with store.write() as connection:
        connection.exec_driver_sql("DROP INDEX ix_patient_email")
        if instead:
            connection.exec_driver_sql(instead)
    [said] = drift(store)
    assert said.startswith("index ix_patient_email: ")
    store.close()


def test_every_step_goes_up_down_and_up_again(empty: Store) -> None:
    for revision in REVISIONS:
        migrate(empty, revision)
        assert revision_of(empty) == revision
    everything = tables(empty)
    for later, earlier in pairwise(reversed(REVISIONS)):
        downgrade(empty, earlier)
        assert revision_of(empty) == earlier, later
    downgrade(empty, "base")
    assert tables(empty) == {"alembic_version"}
    migrate(empty)
    assert tables(empty) == everything
    assert drift(empty) == []


def test_a_second_migration_is_none(empty: Store) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('kept', 'yes')")
    assert migrate(empty) == (REVISIONS[-1], REVISIONS[-1])
    with empty.read() as connection:
        assert connection.exec_driver_sql("SELECT value FROM setting").scalar() == "yes"


def test_the_newest_file_is_this_releases_revision() -> None:
    assert head() == REVISIONS[-1]


def test_a_database_of_a_later_release_is_refused_in_one_line(empty: Store) -> None:
    migrate(empty)
    with empty.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_later'")
    assert not is_current(empty)
    with pytest.raises(RepairNeeded) as error:
        migrate(empty)
    assert "9999_later" in str(error.value)
    assert "plus récent" in str(error.value)
    assert revision_of(empty) == "9999_later"


def test_an_older_database_is_brought_up_with_what_it_holds(empty: Store) -> None:
    migrate(empty, REVISIONS[0])
    assert not is_current(empty)
    with empty.write() as connection:
        connection.exec_driver_sql("INSERT INTO setting (key, value) VALUES ('kept', 'yes')")
    assert migrate(empty) == (REVISIONS[0], REVISIONS[-1])
    with empty.read() as connection:
        assert connection.exec_driver_sql("SELECT value FROM setting").scalar() == "yes"


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty: Store) -> None:
    with empty.write() as connection:
        connection.exec_driver_sql("CREATE TABLE run (other INTEGER)")
    with pytest.raises(RepairNeeded) as error:
        migrate(empty)
    assert "base de données" in str(error.value)
    assert tables(empty) == {"run"}
