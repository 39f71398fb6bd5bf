"""Closed months: appended only, numbered without gap."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, reserve, rows, run

MOST = 2_000
_HEAD = (
    "m.month, m.revision, m.closed_at, m.closed_by, m.code_version, m.digest, m.changes, "
    "COALESCE(a.name, m.closed_by) AS name, (SELECT b.code_version FROM month_closing b "
    "WHERE b.month = m.month AND b.revision = m.revision - 1) AS version_before"
)
_FROM = "FROM month_closing m LEFT JOIN account a ON a.login = m.closed_by"


def everything(
    connection: Connection, *, before: str = "9999-99", limit: int = MOST
) -> Sequence[Record]:
    """Every revision without its content, the newest month first, its last revision first."""
    return rows(
        connection,
        f"SELECT {_HEAD} {_FROM} WHERE m.month IN (SELECT DISTINCT n.month FROM month_closing n "
        "WHERE n.month < :before ORDER BY n.month DESC LIMIT :limit) "
        "ORDER BY m.month DESC, m.revision DESC LIMIT 5000",
        before=before, limit=limit,
    )  # fmt: skip


def find(connection: Connection, month: str, revision: int | None = None) -> Record | None:
    """One revision with its content; the last one unless told."""
    which = "" if revision is None else "AND m.revision = :revision "
    values = {} if revision is None else {"revision": revision}
    found = rows(
        connection,
        f"SELECT {_HEAD}, m.content {_FROM} WHERE m.month = :month {which}"
        "ORDER BY m.revision DESC LIMIT 1",
        month=month, **values,
    )  # fmt: skip
    return found[0] if found else None


def within(connection: Connection, first: str, last: str) -> Sequence[Record]:
    """The last revision of each closed month of [first, last], without content, oldest first."""
    return rows(
        connection,
        f"SELECT {_HEAD} {_FROM} WHERE m.month >= :first AND m.month <= :last AND m.revision = "
        "(SELECT MAX(n.revision) FROM month_closing n WHERE n.month = m.month) ORDER BY m.month",
        first=first, last=last,
    )  # fmt: skip


def last(connection: Connection) -> str:
    """The newest month that is closed; "": none is."""
    return str(rows(connection, "SELECT COALESCE(MAX(month), '') AS m FROM month_closing")[0].m)


def add(connection: Connection, month: str, revision: int, **values: object) -> bool:
    """Append a revision after the one before it; False if somebody else did meanwhile.

    The number is the caller's reading plus one: two who read the same write one of them, and a
    number is taken only by the row that has it, so that none is ever missing.
    """
    names = ("closed_at", "closed_by", "code_version", "content", "digest", "changes")
    return run(
        connection,
        f"INSERT INTO month_closing (id, month, revision, {', '.join(names)}) "
        f"VALUES (:id, :month, :revision, {', '.join(f':{one}' for one in names)}) "
        "ON CONFLICT (month, revision) DO NOTHING",
        id=reserve(connection, "month_closing", 1), month=month, revision=revision, **values,
    ) == 1  # fmt: skip
