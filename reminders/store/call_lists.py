"""Calls of patients as they are shown: counted by month, and the list behind each count."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from reminders.domain.calls import Motive, Which
from reminders.store.engine import Record, rows
from reminders.store.lists import Ufs
from reminders.store.planning import among

MOST_FILES = 20
Place = tuple[int, int]  # moment and key of the last one seen
NEWEST: Place = (2**62, 0)


@dataclass(frozen=True, slots=True)
class Sought:
    """Calls of the civil days [first, last), or of one file; `motive` None: of every one."""

    which: Which
    ufs: Ufs
    first: str = ""
    last: str = ""
    start: int = 0  # moments no call of these days is outside of, whatever its zone
    end: int = 0
    file: int = 0
    motive: Motive | None = None


_WHICH = {
    Which.ALL: "",
    Which.ONCE: " AND (CASE WHEN c.file_id = 0 THEN 1 ELSE 0 END) = most.noted",
    Which.LINKED: " AND c.appointment_id > 0",
    Which.UNLINKED: " AND c.appointment_id = 0",
    Which.NOTED: " AND c.file_id = 0",
}

# Which source counts most, as store/calls.OF_DAYS adds them up; a file, where both count alike.
_MOST = (
    "JOIN (SELECT k.day, k.uf, CASE WHEN 2 * SUM(CASE WHEN k.file_id = 0 THEN 1 ELSE 0 END) > "
    "COUNT(*) THEN 1 ELSE 0 END AS noted FROM call_entry k "
    "WHERE k.day >= :first AND k.day < :last GROUP BY k.day, k.uf) most "
    "ON most.day = c.day AND most.uf = c.uf "
)


def by_month(connection: Connection, ufs: Ufs, *, since: str) -> Sequence[Record]:
    """(month, motive, number, noted, linked), newest first; `noted`: by a person, not of a file.

    Days are added up first: the index has them in order (migration 0018).
    """
    where = "" if ufs is None else "AND uf IN :ids "
    sql = (
        "SELECT substr(day, 1, 7) AS month, motive, SUM(number) AS number, SUM(noted) AS noted, "
        "SUM(linked) AS linked FROM (SELECT day, motive, COUNT(*) AS number, "
        "SUM(CASE WHEN file_id = 0 THEN 1 ELSE 0 END) AS noted, "
        "SUM(CASE WHEN appointment_id > 0 THEN 1 ELSE 0 END) AS linked "
        f"FROM call_entry WHERE day >= :since {where}GROUP BY day, motive) days "
        "GROUP BY 1, 2 ORDER BY 1 DESC, 2"
    )
    if ufs is None:
        return rows(connection, sql, since=since)
    return among(connection, sql, sorted(ufs) or [""], since=since)


def files(connection: Connection) -> Sequence[Record]:
    """The files read last, with the name of whoever has an account."""
    return rows(
        connection,
        "SELECT f.id, f.at, f.lines, f.kept, f.repeated, f.unlinked, f.refused, "
        "COALESCE(a.name, f.author) AS name FROM call_file f "
        "LEFT JOIN account a ON a.login = f.author ORDER BY f.at DESC, f.id DESC LIMIT :limit",
        limit=MOST_FILES,
    )


def number(connection: Connection, sought: Sought) -> int:
    told, values = _told(sought)
    return int(
        _asked(
            connection,
            f"SELECT COUNT(*) AS number FROM call_entry c {_most(sought)}WHERE {told}",
            sought.ufs,
            values,
        )[0].number
    )


def page(connection: Connection, sought: Sought, *, before: Place, limit: int) -> Sequence[Record]:
    """(id, at, day, uf, motive, file_id, author, appointment_id, starts_at, patient_id) of the
    next calls, newest first; `starts_at` None: about no appointment that is known."""
    told, values = _told(sought)
    if not sought.file:  # the index walked is that of moments
        told += " AND c.at >= :start AND c.at < :end"
        values |= {"start": sought.start, "end": sought.end}
    sql = (
        "SELECT c.id, c.at, c.day, c.uf, c.motive, c.file_id, c.appointment_id, "
        "COALESCE(s.name, c.author) AS author, a.starts_at, "
        "COALESCE(p.merged_into, p.id, 0) AS patient_id "
        "FROM call_entry c LEFT JOIN appointment a ON a.id = c.appointment_id "
        "LEFT JOIN patient p ON p.id = c.patient_id LEFT JOIN account s ON s.login = c.author "
        f"{_most(sought)}WHERE {told} AND (c.at, c.id) < (:at, :key) "
        "ORDER BY c.at DESC, c.id DESC LIMIT :limit"
    )
    values |= {"at": before[0], "key": before[1], "limit": limit}
    return _asked(connection, sql, sought.ufs, values)


def _most(sought: Sought) -> str:
    return _MOST if sought.which is Which.ONCE else ""


def _told(sought: Sought) -> tuple[str, dict[str, object]]:
    """The condition, and the values it asks for besides services."""
    told, values = "c.file_id = :file", dict[str, object](file=sought.file)
    if not sought.file:
        told, values = (
            "c.day >= :first AND c.day < :last",
            {"first": sought.first, "last": sought.last},
        )
    if sought.motive is not None:
        told, values = f"{told} AND c.motive = :motive", values | {"motive": sought.motive.value}
    whose = "" if sought.ufs is None else " AND c.uf IN :ids"
    return f"{told}{_WHICH[sought.which]}{whose}", values


def _asked(
    connection: Connection, sql: str, ufs: Ufs, values: dict[str, object]
) -> Sequence[Record]:
    if ufs is None:
        return rows(connection, sql, **values)
    return among(connection, sql, sorted(ufs) or [""], **values)
