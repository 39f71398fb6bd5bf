"""Counts and lists of calls are read from indexes, however many calls there are."""

import pytest

from reminders.domain.calls import Motive, Which
from reminders.domain.report import Month
from reminders.services.call_list import of_month
from reminders.store import call_lists, calls
from reminders.store.call_lists import NEWEST, Sought
from reminders.store.engine import Connection, Store
from tests.store.test_people import heard, plan_of
from tests.support.clinic import PARIS

FILES, EACH = 5, 400
DAY = 86_400_000_000


@pytest.fixture
def full(store: Store) -> Store:
    """Two thousand calls of a year, of five files."""
    first = of_month(Month(2026, 1), None, PARIS).start + 2 * DAY
    found = [
        {
            "file_id": n % FILES, "line_key": f"k{n}", "at": first + n * DAY // 6,
            "day": f"2026-{n // 167 + 1:02}-{n % 28 + 1:02}", "uf": f"U{n % 7}",
            "motive": list(Motive)[n % 8].value, "patient_id": 0, "appointment_id": n % 3,
            "recorded_at": 0, "author": "nadia",
        }
        for n in range(FILES * EACH)
    ]  # fmt: skip
    with store.write() as connection:
        calls.add(connection, found)
        connection.exec_driver_sql("ANALYZE call_entry")
    return store


def plans(store: Store, connection: Connection, said: list[tuple[str, object]]) -> str:
    if not store.is_sqlite:  # this table is still small enough to be read whole
        for way in ("seqscan", "bitmapscan", "sort"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
    return "\n".join(plan_of(store, connection, sql, values) for sql, values in said)


@pytest.mark.parametrize("ufs", [None, frozenset({"U1", "U2"})])
def test_months_are_counted_without_reading_a_call(full: Store, ufs: frozenset[str] | None) -> None:
    with full.read() as connection:
        with heard(connection) as said:
            found = call_lists.by_month(connection, ufs, since="2026-02-01")
            call_lists.number(connection, of_month(Month(2026, 3), ufs, PARIS, Which.LINKED))
        plan = plans(full, connection, said)
    assert len(found) > 50
    assert plan.count("ix_call_entry_day") == 2, plan
    if full.is_sqlite:
        assert plan.count("COVERING INDEX ix_call_entry_day") == 2, plan


@pytest.mark.parametrize(
    ("sought", "index"),
    [
        (of_month(Month(2026, 3), None, PARIS), "ix_call_entry_at"),
        (of_month(Month(2026, 3), frozenset({"U1"}), PARIS, motive=Motive.MOVE), "ix_call_entry"),
        (Sought(Which.UNLINKED, None, file=3), "ix_call_entry"),
    ],
)
def test_a_page_of_a_list_walks_an_index(full: Store, sought: Sought, index: str) -> None:
    with full.read() as connection:
        with heard(connection) as said:
            found = call_lists.page(connection, sought, before=NEWEST, limit=51)
        plan = plans(full, connection, said)
    assert found
    assert [row.at for row in found] == sorted((row.at for row in found), reverse=True)
    assert index in plan, plan
    assert "SCAN c\n" not in plan, plan
    assert "B-TREE FOR ORDER" not in plan, plan
