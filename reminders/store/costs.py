"""Unit costs as people entered them: appended only."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, reserve, rows

MOST = 20_000  # rows of a hospital that corrects each service's costs every week for years
COLUMNS = (
    "id", "component", "uf", "value_micros", "low_micros", "high_micros", "source", "valid_from",
    "withdrawn", "at", "author",
)  # fmt: skip
NAMES = ", ".join(COLUMNS)


def everything(connection: Connection) -> Sequence[Record]:
    """Each component's and service's row of each day, corrected ones left out."""
    return rows(
        connection,
        f"SELECT {NAMES} FROM unit_cost c WHERE NOT EXISTS (SELECT 1 FROM unit_cost d "
        "WHERE d.component = c.component AND d.uf = c.uf AND d.valid_from = c.valid_from "
        "AND d.id > c.id) ORDER BY c.id LIMIT :limit",
        limit=MOST,
    )


def page(connection: Connection, *, before: int, limit: int) -> Sequence[Record]:
    """The newest entries older than a key, with the name of whoever has an account."""
    return rows(
        connection,
        f"SELECT {', '.join(f'c.{one}' for one in COLUMNS)}, COALESCE(a.name, c.author) AS name "
        "FROM unit_cost c LEFT JOIN account a ON a.login = c.author "
        "WHERE c.id < :before ORDER BY c.id DESC LIMIT :limit",
        before=before,
        limit=limit,
    )


def add(connection: Connection, entries: Sequence[Sequence[object]]) -> None:
    """Append entries: the columns of COLUMNS but the key."""
    first = reserve(connection, "unit_cost", len(entries)) if entries else 0
    insert_rows(
        connection, "unit_cost", COLUMNS, [(first + n, *one) for n, one in enumerate(entries)]
    )
