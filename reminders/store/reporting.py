"""Counts for reports, by grouped statements; never a row an appointment."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows

_KNOWN = (
    "CASE WHEN {0}.status IN ('arrived', 'checked-in', 'fulfilled', 'noshow') THEN 1 ELSE 0 END"
)
SAME_ELSEWHERE = (
    "SELECT 1 FROM appointment b WHERE b.patient_id = a.patient_id AND b.starts_at = a.starts_at "
    "AND b.uf = a.uf AND b.source_id <> a.source_id AND "
    f"({_KNOWN.format('b')} > {_KNOWN.format('a')} OR "
    f"({_KNOWN.format('b')} = {_KNOWN.format('a')} AND b.id < a.id))"
)


def outcomes(connection: Connection, start: int, end: int, early: int) -> Sequence[Record]:
    """Appointments starting in [start, end), grouped by all an outcome depends on.

    The same appointment of one patient told by two sources is one: the one whose outcome is known.
    `starts_at` and `cancelled_at` stand for the group: any member gives the same outcome, since
    members agree on whether the cancellation came `early` (microseconds) before the start.
    """
    return rows(
        connection,
        "SELECT uf, status, cancelled_by, COUNT(*) AS number, MAX(starts_at) AS starts_at, "
        "CASE WHEN in_time IS NULL THEN NULL WHEN in_time = 1 THEN MAX(starts_at) - :early "
        "ELSE MAX(starts_at) - :early + 1 END AS cancelled_at FROM ("
        "SELECT uf, status, cancelled_by, starts_at, CASE WHEN cancelled_at IS NULL THEN NULL "
        "WHEN starts_at - cancelled_at >= :early THEN 1 ELSE 0 END AS in_time "
        "FROM appointment a WHERE starts_at >= :start AND starts_at < :end "
        f"AND NOT EXISTS ({SAME_ELSEWHERE})) told "
        "GROUP BY uf, status, cancelled_by, in_time ORDER BY uf",
        start=start,
        end=end,
        early=early,
    )
