"""Searches walk their indexes, and a migrated database finds whom it held before."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from reminders.domain.search import asked
from reminders.services.patients import search
from reminders.store import patients, receipts
from reminders.store.engine import Connection, Store, insert_rows, open_engine, run
from reminders.store.migrate import downgrade, migrate
from tests.support.clinic import MONDAY, Clinic, someone, visit
from tests.support.postgres import Server
from tests.support.stores import KINDS

GIVENS = ("lea", "zoe", "jean", "marie", "karim", "ines", "paul")
PEOPLE = 30_000


def named(number: int) -> str:
    return "n" + f"{number:05}".translate(str.maketrans("0123456789", "abcdefghij"))


@pytest.fixture
def crowded(store: Store) -> Store:
    """A town's worth of names, of which a few are looked for."""
    rows = [
        (n, named(n % 6_000), named(n) if n % 9 == 0 else "", "",
         GIVENS[n % 7], str(n), f"{1930 + n % 80}-{n % 12 + 1:02}-{n % 28 + 1:02}",
         GIVENS[n % 5] if n % 3 == 0 else "")
        for n in range(1, PEOPLE)
    ]  # fmt: skip
    with store.write() as connection:
        columns = (
            "patient_id", "family", "second", "third", "given", "identifier", "birth_date",
            "given_second",
        )  # fmt: skip
        insert_rows(connection, "patient_key", columns, rows)
    with store.write() as connection:
        run(connection, "ANALYZE patient_key")
    return store


@contextmanager
def heard(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """The statements the block sends, with their values."""
    said: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, sql: str, values: Any, *_rest: Any) -> None:
        said.append((sql, values))

    event.listen(connection, "before_cursor_execute", hear)
    yield said
    event.remove(connection, "before_cursor_execute", hear)


def plan_of(store: Store, connection: Connection, sql: str, values: Any) -> str:
    prefix = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
    found = connection.exec_driver_sql(prefix + sql, values).all()
    return "\n".join(str(tuple(row)) for row in found)


@pytest.mark.parametrize("ufs", [None, ["4220"]])
def test_no_search_reads_every_patient(crowded: Store, ufs: list[str] | None) -> None:
    looked: dict[str, Callable[[Connection], object]] = {
        "name": lambda c: patients.by_name(c, asked(f"{named(42)} lea").splits, [], None, ufs),
        "given name": lambda c: patients.by_name(c, asked("karim").splits, [], None, ufs),
        "many words": lambda c: patients.by_name(
            c, asked("d alembert de la rochefoucauld jean").splits, [], None, ufs
        ),
        "name and year": lambda c: patients.by_name(c, asked(named(42)).splits, [], 1956, ufs),
        "birth date": lambda c: patients.by_birth(c, ["1956-10-14"], ufs),
        "identifier": lambda c: patients.by_identifier(c, ["77"]),
        "address": lambda c: patients.by_address(c, "+33639980001", b"k"),
        "served": lambda c: receipts.patients_at(c, "Lea@example.org"),
    }
    for name, look in looked.items():
        with crowded.read() as connection:
            with heard(connection) as said:
                look(connection)
            for sql, values in said:
                plan = plan_of(crowded, connection, sql, values)
                for whole in ("SCAN k\n", "SCAN patient", "Seq Scan on patient_key"):
                    assert whole not in plan, f"{name}\n{plan}"
                if name not in ("address", "served") and ufs is None:
                    assert "ix_patient_key_" in plan, f"{name}\n{plan}"


@pytest.mark.parametrize("ufs", [None, ["4220"]])
def test_no_history_reads_a_table_whole(store: Store, ufs: list[str] | None) -> None:
    """SQLite has no statistics to choose by: what the statement says first is read first."""
    if not store.is_sqlite:
        return
    every = [*patients.EVERYTHING, "acts"]
    first = (2**62, 0, 0)
    with store.read() as connection:
        with heard(connection) as said:
            patients.history(connection, 1, every, ufs, now=1, before=first, limit=51, ahead=30)
            patients.standing(connection, 1, [b"a"], ufs, now=1)
            patients.shown(connection, [1, 2], ufs, now=1)
            patients.by_address(connection, "+33639980001", b"k")
        for sql, values in said:
            plan = plan_of(store, connection, sql, values)
            read = set(re.findall(r"SCAN (\w+)", plan)) - {"json_each", "past", "following"}
            assert read <= {"o", "v", "w", "person", "raw", "line", "visits"}, plan
            assert "AUTOMATIC" not in plan, plan


def test_the_years_of_one_name_are_told_apart(crowded: Store) -> None:
    with crowded.read() as connection:
        found = patients.by_name(connection, asked(named(42)).splits, [], 1930 + 42, None)
    assert found
    assert all(key % 80 == 42 for key in found)


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/hospital.db"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        url = server.create_database()
    store = Store(open_engine(url))
    yield store
    store.close()


def test_whom_the_release_before_took_in_is_found(empty: Store) -> None:
    migrate(empty)
    clinic = Clinic(empty)
    clinic.open()
    long = someone(1, family="DUPONT-MARTIN DE LA TOUR DU PIN", given="Zoé Ève")
    clinic.read(visit(1, patient=long))
    for release in ("0005_services", "0016_sheets_as_texts"):
        downgrade(empty, release)
        migrate(empty)
        for typed in ("dupont zoe", "martin", "28/03/1979", "1", "la tour", "du pin", "eve"):
            found = search(empty, clinic.secret, typed, None, now=MONDAY).found
            assert [one.row.given for one in found] == ["Zoé Ève"], typed


def key_in(store: Store, patient: int) -> str:
    with store.read() as connection:
        sql = text("SELECT family FROM patient_key WHERE patient_id = :id")
        return str(connection.execute(sql, {"id": patient}).scalar())


def test_two_rows_of_one_patient_in_one_feed_are_one_key(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    who = someone(1, family="DUPONT")
    clinic.read(visit(1, patient=who), visit(2, patient=who), visit(3, patient=who))
    assert key_in(store, clinic.patient(1).id) == "dupont"
