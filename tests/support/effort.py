"""How much work a statement is for the database, whatever the machine does besides."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import Connection, event

from reminders.store.engine import Record, Store


def effort(store: Store, read: Callable[[Connection], Sequence[Record]]) -> int:
    """SQLite: thousands of its steps. PostgreSQL: rows its plan's nodes went through."""
    if not store.is_sqlite:  # as it soon does itself
        with store.read() as connection:
            connection.exec_driver_sql("ANALYZE")
    with _watched(store) as steps, store.read() as connection:
        found = read(connection)
    return next(steps) if store.is_sqlite else went_through(found[0][0][0]["Plan"])


@contextmanager
def _watched(store: Store) -> Iterator["count[int]"]:
    steps = count()

    def count_steps(connection: Any, *_: object) -> None:
        connection.set_progress_handler(lambda: 0 * next(steps), 1_000)

    def explain(_: object, __: object, sql: str, parameters: object, *___: object) -> Any:
        if sql.startswith("WITH"):
            sql = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"
        return sql, parameters

    name, hear = (
        ("checkout", count_steps) if store.is_sqlite else ("before_cursor_execute", explain)
    )
    event.listen(store.engine, name, hear, retval=not store.is_sqlite)
    try:
        yield steps
    finally:
        event.remove(store.engine, name, hear)


def went_through(node: dict[str, Any]) -> int:
    """With the rows that a node threw away, in all of its loops."""
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    mine = sum(node.get(name, 0) for name in names) * node["Actual Loops"]
    return int(mine) + sum(went_through(one) for one in node.get("Plans", ()))
