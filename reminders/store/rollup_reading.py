"""Reading the counts of the no-show report: two statements, however many appointments there are.

Only what may be told is added up: `told` sums are of lines that are not hidden, `hidden` says how
many lines of the same value are. A whole hospital is the line of `*`, never the sum of services.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.attendance import UNDECIDED
from reminders.store.engine import Record, listed, rows
from reminders.store.rollups import BEHIND, COUNT_COLUMNS, FILL, SUM_COLUMNS

OUTCOMES = COUNT_COLUMNS[5:]  # patients, then each outcome
SUMS = SUM_COLUMNS[3:]  # patients, then everything else

_TOLD = ", ".join(
    f"SUM(CASE WHEN r.hidden = 0 THEN r.{name} ELSE 0 END) AS {name}" for name in OUTCOMES
)


def by_uf(connection: Connection, start: int, end: int) -> Sequence[Record]:
    """How many appointments start in [start, end), by UF: counted now, not in the counts."""
    return rows(
        connection,
        "SELECT uf, COUNT(*) AS number FROM appointment WHERE starts_at >= :start "
        f"AND starts_at < :end AND status NOT IN {UNDECIDED} GROUP BY uf ORDER BY uf",
        start=start,
        end=end,
    )


def lines(
    connection: Connection, first: int, last: int, trend_from: int, ufs: Sequence[str]
) -> Sequence[Record]:
    """By place, dimension and value: what may be told, and how many hidden lines there are.

    `place` is "of" for these services together, "each" for one service (in `value`). Of weeks,
    and of months (in `month`), everything since `trend_from`.
    """
    told = (
        f"{_TOLD}, SUM(r.hidden) AS hidden, SUM(CASE WHEN r.hidden = 0 THEN 1 ELSE 0 END) AS shown"
    )
    each = "r.uf <> '*'" if list(ufs) == ["*"] else "r.uf IN :ids"
    month = "CASE WHEN r.dim = 'all' THEN r.month ELSE 0 END"
    inside = "r.month BETWEEN :first AND :last"
    sql = (
        f"SELECT 'of' AS place, r.dim, r.value, 0 AS month, {told} FROM rollup r "
        f"WHERE {inside} AND r.uf IN :ids AND r.dim <> 'week' GROUP BY r.dim, r.value "
        f"UNION ALL SELECT 'trend', r.dim, r.value, {month}, "
        f"{told} FROM rollup r WHERE r.month BETWEEN :trend AND :last + 1 AND r.uf IN :ids "
        "AND (r.dim = 'week' OR (r.dim = 'all' AND r.month <= :last)) "
        f"GROUP BY r.dim, r.value, {month} "
        f"UNION ALL SELECT 'each', r.dim, r.uf, 0, {told} FROM rollup r WHERE {inside} "
        f"AND r.dim = 'all' AND {each} GROUP BY r.dim, r.uf"
    )
    found: Sequence[Record] = listed(
        connection, sql, ufs, first=first, last=last, trend=trend_from
    ).all()
    return found


def one_value(
    connection: Connection, first: int, last: int, ufs: Sequence[str], dim: str, value: str
) -> Sequence[Record]:
    """By month: the lines of one value, what of them may be told."""
    found: Sequence[Record] = listed(
        connection,
        f"SELECT r.month, {_TOLD}, SUM(r.hidden) AS hidden, "
        "SUM(CASE WHEN r.hidden = 0 THEN 1 ELSE 0 END) AS shown FROM rollup r "
        "WHERE r.month BETWEEN :first AND :last AND r.uf IN :ids AND r.dim = :dim "
        "AND r.value = :value GROUP BY r.month ORDER BY r.month",
        ufs,
        first=first,
        last=last,
        dim=dim,
        value=value,
    ).all()
    return found


def sums(connection: Connection, first: int, last: int, ufs: Sequence[str], now: int) -> Record:
    """What these services add up to, of what may be told; `masked`: units of services that may
    not be; `behind`: something that changed is still to be counted."""
    told = ", ".join(
        f"COALESCE(SUM(CASE WHEN s.hidden = 0 THEN s.{name} ELSE 0 END), 0) AS {name}"
        for name in SUMS
    )
    found: Record = listed(
        connection,
        f"SELECT {told}, COALESCE(SUM(s.hidden), 0) AS hidden, COUNT(*) AS number, "
        f"{BEHIND} AS behind "
        "FROM rollup_sum s WHERE s.month BETWEEN :first AND :last AND s.uf IN :ids",
        ufs,
        first=first,
        last=last,
        now=now,
        fill=FILL,
    ).one()
    return found


def templates(connection: Connection, ids: Sequence[int]) -> dict[str, Record]:
    """Number of a text -> its key."""
    if not ids:
        return {}
    found = listed(
        connection,
        "SELECT id, purpose, language, family, channel, number FROM template_version "
        "WHERE id IN :ids",
        ids,
    ).all()
    return {str(row.id): row for row in found}
