"""What PostgreSQL's triggers cost hangs on the rows of a statement, not on what their session did
before: it keeps the plan of the rows they first fired on."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from reminders.store.engine import Store, run
from tests.support.effort import went_through
from tests.support.stores import PostgresDatabases

HOSPITAL = 3_000
ONE = {
    "appointment": "UPDATE appointment SET agenda = 'Dr Exemple' WHERE id = 7",
    "patient": "UPDATE patient SET merged_into = 8 WHERE id = 7",
    "gone": "DELETE FROM appointment WHERE id = 7",
}
ALL = {
    "appointment": "UPDATE appointment SET agenda = 'Dr Exemple'",
    "patient": "UPDATE patient SET merged_into = 1",
    "gone": "DELETE FROM appointment",
}


@pytest.fixture(scope="module")
def hospital(postgres_databases: PostgresDatabases) -> Iterator[Store]:
    """Each patient has one appointment, each its own slot; the tables are known."""
    with postgres_databases.migrated() as store:
        with store.write() as connection:
            run(
                connection,
                "INSERT INTO patient (id, authority, identifier, family, given, birth_date, "
                "dirty, refuses_sms, first_seen_at, updated_at) SELECT i, 'ipp', i::text, "
                "'EXEMPLE', 'Zoé', '1979-03-28', 0, 0, 0, 0 "
                "FROM generate_series(1, CAST(:count AS BIGINT)) i",
                count=HOSPITAL,
            )
            run(
                connection,
                "INSERT INTO appointment (id, source_id, external_id, patient_id, uf, starts_at, "
                "status, version_at, first_seen_at, last_seen_at, first_starts_at) "
                "SELECT i, 'agenda', 'R' || i, i, '4220', i * 60000000, 'booked', 0, 0, 0, "
                "i * 60000000 FROM generate_series(1, CAST(:count AS BIGINT)) i",
                count=HOSPITAL,
            )
            connection.exec_driver_sql("ANALYZE")
        yield store


def cost(store: Store, statement: str, *, after: str = "") -> int:
    """Rows its plans went through, its triggers' too, in a new session that first did `after`.

    Nothing of either is kept.
    """
    store.close()
    told: list[Any] = []
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        for _ in range(2 if after else 0):
            connection.exec_driver_sql(after)
            connection.rollback()
        driver.add_notice_handler(lambda notice: told.append(notice.message_primary))
        for setting in (
            "LOAD 'auto_explain'", "SET auto_explain.log_min_duration = 0",
            "SET auto_explain.log_analyze = on", "SET auto_explain.log_format = json",
            "SET auto_explain.log_nested_statements = on", "SET client_min_messages = log",
        ):  # fmt: skip
            connection.exec_driver_sql(setting)
        told.clear()
        connection.exec_driver_sql(statement)
        plans = [json.loads(one[one.index("{") :])["Plan"] for one in told if "plan:" in one]
        connection.rollback()
    store.close()
    assert len(plans) > 1, "the triggers' plans were not told"
    return sum(map(went_through, plans))


@pytest.mark.parametrize("change", ALL)
def test_after_one_row_all_rows_cost_what_they_would_have(hospital: Store, change: str) -> None:
    fresh = cost(hospital, ALL[change])
    assert cost(hospital, ALL[change], after=ONE[change]) <= 1.5 * fresh
    assert fresh < 20 * HOSPITAL


@pytest.mark.parametrize("change", ALL)
def test_after_all_rows_one_row_costs_what_it_would_have(hospital: Store, change: str) -> None:
    fresh = cost(hospital, ONE[change])
    assert cost(hospital, ONE[change], after=ALL[change]) <= 1.5 * fresh
    assert fresh < HOSPITAL
