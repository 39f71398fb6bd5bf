"""Counts for reports, by grouped statements; never a row an appointment."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows

# When the patient told us that they would not come, of the appointment as it stood.
ASKED_AT = (
    "CASE WHEN {0}.answer = 'cancelled' AND {0}.answered_cycle = {0}.version "
    "AND {0}.answered_at < {0}.starts_at THEN {0}.answered_at END"
)
_KNOWN = (
    "CASE WHEN {0}.status IN ('arrived', 'checked-in', 'fulfilled', 'noshow') THEN 2 "
    f"WHEN {{0}}.attendance <> '' OR {ASKED_AT} IS NOT NULL THEN 1 ELSE 0 END"
)
_BETTER = (
    "appointment b WHERE b.patient_id = {0}.patient_id AND b.starts_at = {0}.starts_at "
    "AND b.uf = {0}.uf AND b.source_id <> {0}.source_id AND "
    f"({_KNOWN.format('b')} > {_KNOWN} OR ({_KNOWN.format('b')} = {_KNOWN} AND b.id < {{0}}.id))"
)
# With one source, as most hospitals have, nothing is looked for.
_SEVERAL = "(SELECT COUNT(*) FROM source) > 1"
TOLD_ELSEWHERE = f"({_SEVERAL} AND EXISTS (SELECT 1 FROM {_BETTER.format('a')}))"
# The same appointment as another source tells it, if that one knows more, or as much and is first.
TWIN = (
    f"(CASE WHEN {_SEVERAL} THEN (SELECT b.id FROM {_BETTER} "
    f"ORDER BY {_KNOWN.format('b')} DESC, b.id LIMIT 1) END)"
)


# Asks for `start`, `end` and `early`; what each column is, `outcomes` says.
OUTCOMES = (
    "SELECT uf, status, cancelled_by, attendance, COUNT(*) AS number, "
    "MAX(starts_at) AS starts_at, "
    "CASE cancelled_in_time WHEN 1 THEN MAX(starts_at) - :early - 1 "
    "WHEN 0 THEN MAX(starts_at) - :early + 2 END AS cancelled_at, "
    "CASE asked_in_time WHEN 1 THEN MAX(starts_at) - :early - 2 * asked_first "
    "WHEN 0 THEN MAX(starts_at) - :early + 3 - 2 * asked_first END AS asked_at FROM ("
    "SELECT uf, status, cancelled_by, attendance, starts_at, "
    "CASE WHEN starts_at - cancelled_at >= :early THEN 1 WHEN cancelled_at IS NOT NULL "
    "THEN 0 END AS cancelled_in_time, "
    "CASE WHEN starts_at - asked_at >= :early THEN 1 WHEN asked_at IS NOT NULL "
    "THEN 0 END AS asked_in_time, "
    "CASE WHEN asked_at > cancelled_at THEN 0 ELSE 1 END AS asked_first FROM ("
    "SELECT a.uf, a.status, a.cancelled_by, a.attendance, a.starts_at, a.cancelled_at, "
    f"{ASKED_AT.format('a')} AS asked_at FROM appointment a "
    f"WHERE a.starts_at >= :start AND a.starts_at < :end AND NOT {TOLD_ELSEWHERE}"
    ") said) told GROUP BY uf, status, cancelled_by, attendance, cancelled_in_time, "
    "asked_in_time, asked_first"
)


def outcomes(connection: Connection, start: int, end: int, early: int) -> Sequence[Record]:
    """Appointments starting in [start, end), grouped by all an outcome depends on.

    The same appointment of one patient told by two sources is one: the one whose outcome is known.
    `starts_at`, `cancelled_at` and `asked_at` stand for the group: any member gives the same
    outcome, since members agree on whether the two came `early` (microseconds) before the start,
    and on which of them came first.
    """
    return rows(
        connection,
        f"{OUTCOMES} ORDER BY uf",
        start=start,
        end=end,
        early=early,
    )
