"""Reading everything for an export: one view of one moment, in the order of keys, row by row.

The reading keeps its transaction open as long as it lasts: on SQLite the write-ahead log grows
meanwhile, on PostgreSQL nothing is vacuumed; no writer waits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Text, bindparam, text
from sqlalchemy.types import TypeEngine

from reminders.store.catalogue import Column, Table
from reminders.store.catalogue_answers import ANSWERS
from reminders.store.catalogue_baseline import BASELINE
from reminders.store.catalogue_core import CORE
from reminders.store.catalogue_costs import COSTS
from reminders.store.catalogue_people import PEOPLE
from reminders.store.catalogue_reports import REPORTS
from reminders.store.catalogue_rollups import ROLLUPS
from reminders.store.catalogue_staff import STAFF
from reminders.store.engine import rows

TABLES: tuple[Table, ...] = (
    *CORE,
    *ANSWERS,
    *PEOPLE,
    *STAFF,
    *REPORTS,
    *ROLLUPS,
    *BASELINE,
    *COSTS,
)
ROWS_AT_ONCE = 2_000
# An empty list needs a type on PostgreSQL.
OF: dict[str, TypeEngine[Any]] = {"ufs": Text(), "people": BigInteger()}


@dataclass(frozen=True, slots=True)
class Part:
    """What of one table an export holds: its columns, and which rows."""

    table: Table
    columns: tuple[Column, ...]
    where: str
    values: tuple[tuple[str, tuple[object, ...]], ...] = ()


def parts(
    *, names: bool, ufs: Sequence[str] | None = None, people: Sequence[int] | None = None
) -> list[Part]:
    """The tables of an export. `names`: with what says who a patient is. `ufs`: of these services
    only. `people`: what is held about these patients, without what names the staff (the right of
    access is not a right to know who looked: CJEU C-579/21)."""
    found = []
    values: dict[str, tuple[object, ...]]
    for table in TABLES:
        columns = tuple(
            one
            for one in table.columns
            if not one.secret and (names or not one.personal) and (people is None or not one.staff)
        )
        if people is not None:
            where, values = table.own, {"people": tuple(people)}
        elif ufs is not None:
            where, values = table.within, {"ufs": tuple(ufs)}
        else:
            where, values = "1 = 1", {}
        if where:
            used = tuple((name, value) for name, value in values.items() if f":{name}" in where)
            found.append(Part(table, columns, where, used))
    return found


def batches(connection: Connection, part: Part) -> Iterator[Sequence[Sequence[object]]]:
    """The rows of a part, a batch in memory at a time."""
    statement = text(
        f"SELECT {', '.join(f'm.{one.name}' for one in part.columns)} FROM {part.table.name} m "
        f"WHERE {part.where} ORDER BY {', '.join(f'm.{key}' for key in part.table.keys)}"
    )
    if part.values:
        statement = statement.bindparams(
            *[bindparam(name, expanding=True, type_=OF[name]) for name, _ in part.values]
        )
    result = connection.execute(
        statement,
        {name: list(value) for name, value in part.values},
        execution_options={"yield_per": ROWS_AT_ONCE},
    )
    yield from result.partitions(ROWS_AT_ONCE)


def merged_into(connection: Connection, patient: int) -> list[int]:
    """A patient and everybody whose record was merged into this one, however many times."""
    found = rows(
        connection,
        "WITH RECURSIVE one (id) AS (SELECT id FROM patient WHERE id = :id UNION "
        "SELECT p.id FROM patient p JOIN one ON p.merged_into = one.id) SELECT id FROM one",
        id=patient,
    )
    return sorted(row.id for row in found)


def services_of(connection: Connection, people: Sequence[int]) -> set[str]:
    """Every service these patients had or have an appointment in."""
    statement = text("SELECT DISTINCT uf FROM appointment WHERE patient_id IN :people").bindparams(
        bindparam("people", expanding=True)
    )
    return {row.uf for row in connection.execute(statement, {"people": list(people)})}
