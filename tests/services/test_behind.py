"""Who entered a comparison: listed by key, by the index of its hold-out, for who may see them."""

import pytest

from reminders.domain.holdout import Arm
from reminders.services import holdout
from reminders.services.behind import PAGE, entered
from reminders.store import holdout as stored
from reminders.store.engine import Store
from reminders.store.holdout import UNIT_COLUMNS, Of
from reminders.store.types import micros
from tests.store.test_people import heard, plan_of
from tests.support.comparison import CAME, MISSED, NOW, Comparison


@pytest.fixture
def stopped(store: Store) -> Store:
    trial = Comparison(store)
    trial.arm(Arm.REMINDED, 480, 30)
    trial.arm(Arm.HELD, 120, 18)
    trial.patients(Arm.HELD, [[MISSED]] * 5, uf="4230")
    trial.patients(Arm.REMINDED, [[CAME]] * 7, excluded="neutral")
    holdout.stop(store, now=NOW, by="Claire")
    return store


def everyone(store: Store, what: str, ufs: frozenset[str] | None, why: str = "") -> list[int]:
    found: list[int] = []
    after = 0
    while True:
        page = entered(store, what, "held", why, ufs, now=NOW, after=after)
        assert page is not None
        assert len(page.units) <= PAGE
        found += [one.appointment for one in page.units]
        after = page.after
        if not after:
            return found


def test_a_list_of_an_arm_is_of_the_units_its_count_is_of(stopped: Store) -> None:
    where = holdout.standing(stopped, now=NOW)
    assert where.units is not None
    assert where.excluded is not None
    found = everyone(stopped, "entered", None)
    assert len(found) == len(set(found)) == where.units[Arm.HELD] == 125
    assert len(everyone(stopped, "entered", frozenset({"4230"}))) == 5
    assert everyone(stopped, "entered", frozenset()) == []
    assert everyone(stopped, "written", None) == []
    assert len(everyone(stopped, "", None, "neutral")) == sum(where.excluded.values()) == 7


def another_hold_out(store: Store) -> None:
    """Far larger, as the next one is after a year; counted by ANALYZE, as PostgreSQL soon would:
    else its key is as good a way to few units as their index, and chance decides."""
    others = ", ".join(UNIT_COLUMNS[2:])
    with store.write() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO unit_entry ({', '.join(UNIT_COLUMNS)}) "
            f"SELECT appointment_id + n * 1000000, 2, {others} "
            "FROM unit_entry, generate_series(1, 400) n"
        )
        connection.exec_driver_sql("ANALYZE unit_entry")


@pytest.mark.parametrize("ufs", [None, frozenset({"4220"})])
@pytest.mark.parametrize("of", ["patients", "entered", "written"])
def test_it_walks_the_index_of_its_hold_out(
    stopped: Store, ufs: frozenset[str] | None, of: Of
) -> None:
    if not stopped.is_sqlite:
        another_hold_out(stopped)
    with stopped.read() as connection:
        with heard(connection) as said:
            stored.entered(
                connection, 1, ufs, arm="held", excluded="", of=of, now=micros(NOW),
                after=0, limit=51,
            )  # fmt: skip
        if not stopped.is_sqlite:  # this table is still small enough to be read whole
            for way in ("seqscan", "bitmapscan", "sort"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        plan = "\n".join(plan_of(stopped, connection, sql, values) for sql, values in said)
    assert "ix_unit_entry_holdout" in plan, plan
    assert "SCAN u" not in plan, plan
    assert "B-TREE FOR ORDER" not in plan, plan
