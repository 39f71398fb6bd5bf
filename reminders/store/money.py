"""The savings as last computed, and what a period is described by without any comparison."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.calls import OF_DAYS
from reminders.store.engine import Record, rows, run
from reminders.store.lists import Ufs
from reminders.store.planning import among

_LEFT = "('ACCEPTED', 'DELIVERED', 'UNDELIVERED', 'UNKNOWN')"


def estimate(connection: Connection, uf: str) -> Record | None:
    """(at, content, newest): `newest`, when a unit cost was last entered; None: never computed."""
    found = rows(
        connection,
        "SELECT e.at, e.content, (SELECT COALESCE(MAX(c.at), 0) FROM unit_cost c) AS newest "
        "FROM savings_estimate e WHERE e.uf = :uf",
        uf=uf,
    )
    return found[0] if found else None


def estimated(connection: Connection) -> Sequence[Record]:
    """(uf, at) of everything that was computed once, the whole hospital first."""
    return rows(connection, "SELECT uf, at FROM savings_estimate ORDER BY uf LIMIT 2000")


def keep(connection: Connection, uf: str, *, at: int, content: str) -> None:
    """The last computation wins, whoever ends first."""
    run(
        connection,
        "INSERT INTO savings_estimate (uf, at, content) VALUES (:uf, :at, :content) "
        "ON CONFLICT (uf) DO UPDATE SET at = excluded.at, content = excluded.content "
        "WHERE savings_estimate.at <= excluded.at",
        uf=uf, at=at, content=content,
    )  # fmt: skip


def described(
    connection: Connection, ufs: Ufs, start: int, end: int, first: str, last: str
) -> Record:
    """(messages, segments, price, calls) of [start, end), calls by their civil day: messages that
    left about the services, what providers charge for them, calls that were recorded."""
    told = "" if ufs is None else (
        "AND EXISTS (SELECT 1 FROM told o JOIN appointment a ON a.id = o.appointment_id "
        "WHERE o.attempt_id = t.id AND a.uf IN :ids) "
    )  # fmt: skip
    called = "" if ufs is None else "AND c.uf IN :ids"
    sql = (
        "SELECT COUNT(*) AS messages, COALESCE(SUM(t.segments), 0) AS segments, "
        f"COALESCE(SUM(t.price_eur), 0) AS price, ({OF_DAYS.format(called)}) AS calls "
        "FROM attempt t "
        f"WHERE t.started_at >= :start AND t.started_at < :end AND t.state IN {_LEFT} {told}"
    )
    values = {"start": start, "end": end, "first": first, "last": last}
    found = rows(connection, sql, **values) if ufs is None else among(
        connection, sql, sorted(ufs) or [""], **values
    )  # fmt: skip
    return found[0]
