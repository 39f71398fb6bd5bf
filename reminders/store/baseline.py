"""The past: read into temporary tables, counted there, and only the counts kept.

What names or distinguishes a patient is a keyed hash in a temporary table, gone with the
connection. The counts of an import carry its key; the newest key is the baseline.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, listed, reserve, rows, run

LINE_COLUMNS = (
    "n", "number", "patient", "uf", "starts_at", "since", "monday", "strength", "all_day", "lead",
    "weekday", "hour", "age", "outcome", "entered", "no_booking", "no_birth", "negative", "far",
    "undated",
)  # fmt: skip
_TEXTS = frozenset({"uf", "lead", "weekday", "hour", "age", "outcome"})
PARTS = ("known", "lead", "weekday", "hour", "age")
OUTCOMES = (
    "attended", "no_show", "cancelled_early", "cancelled_late", "cancelled_by_hospital", "unknown",
)  # fmt: skip
TABLES = ("past_line", "past_one", "past_unit", "past_count")
# Whose outcome is known: domain.outcome.AMONG[ELIGIBLE].
ELIGIBLE = "attended + no_show + cancelled_early + cancelled_late + cancelled_by_hospital"


# --- while a file is read ------------------------------------------------------------------------


def create(connection: Connection) -> None:
    drop(connection)
    columns = ", ".join(f"{name} {'TEXT' if name in _TEXTS else 'BIGINT'}" for name in LINE_COLUMNS)
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE past_line ({columns})")


def drop(connection: Connection) -> None:
    for table in TABLES:
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")


def add(connection: Connection, lines: Sequence[Sequence[object]]) -> None:
    """Lines in the order of LINE_COLUMNS."""
    insert_rows(connection, "past_line", LINE_COLUMNS, lines)


def merge(connection: Connection) -> Record:
    """Make each number one appointment, that of its strongest line: (lines, appointments, mixed,
    first, last). `mixed`: numbers that name several patients, nobody's appointments. `first` and
    `last`: starts of those that ever were one."""
    connection.exec_driver_sql(
        "CREATE TEMPORARY TABLE past_one AS SELECT * FROM (SELECT l.*, ROW_NUMBER() OVER "
        "(PARTITION BY number ORDER BY strength, all_day, starts_at, n) AS place, "
        "MAX(patient) OVER (PARTITION BY number) AS highest, "
        "MIN(patient) OVER (PARTITION BY number) AS lowest FROM past_line l) x WHERE place = 1"
    )
    found = rows(
        connection,
        "SELECT (SELECT COUNT(*) FROM past_line) AS lines, COUNT(*) AS appointments, "
        "SUM(CASE WHEN highest <> lowest THEN 1 ELSE 0 END) AS mixed, "
        "MIN(CASE WHEN outcome <> '' THEN starts_at END) AS first, "
        "MAX(CASE WHEN outcome <> '' THEN starts_at END) AS last FROM past_one",
    )[0]
    connection.exec_driver_sql("DROP TABLE past_line")
    return found


def settle(connection: Connection, since: int) -> None:
    """Say of each appointment whether its patient was known in the service (an earlier start than
    domain.baseline.known_since), whether it is the double of another, and whether it counts: it
    starts at or after `since`, is no double, and was still booked when its first reminder would
    have left."""
    connection.exec_driver_sql(
        "CREATE TEMPORARY TABLE past_unit AS SELECT x.*, "
        "CASE WHEN earliest < since THEN 'known' ELSE 'new' END AS known, "
        "CASE WHEN twin = 1 AND entered = 1 AND uf <> '' "
        f"AND starts_at >= {int(since)} THEN 1 ELSE 0 END AS counted "
        "FROM (SELECT o.*, ROW_NUMBER() OVER (PARTITION BY patient, uf, starts_at "
        "ORDER BY strength, n) AS twin, MIN(starts_at) OVER (PARTITION BY patient, uf) "
        "AS earliest FROM past_one o WHERE outcome <> '' AND highest = lowest) x"
    )
    connection.exec_driver_sql("DROP TABLE past_one")
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("ANALYZE past_unit")


def by_service(connection: Connection, since: int) -> Sequence[Record]:
    """Of each UF from `since` on: how many appointments, and how many with each defect."""
    return rows(
        connection,
        "SELECT uf, COUNT(*) AS number, SUM(twin_more) AS doubles, SUM(counted) AS counted, "
        "SUM(CASE WHEN twin_more = 0 AND entered = 0 THEN 1 ELSE 0 END) AS left_early, "
        "SUM(no_booking) AS no_booking, SUM(no_birth) AS no_birth, SUM(negative) AS negative, "
        "SUM(far) AS far, SUM(undated) AS undated, SUM(all_day) AS all_day, "
        "SUM(CASE WHEN outcome LIKE 'cancelled%' THEN 1 ELSE 0 END) AS cancelled, "
        "SUM(CASE WHEN counted = 1 AND outcome = 'unknown' THEN 1 ELSE 0 END) AS unknown "
        "FROM (SELECT u.*, CASE WHEN twin > 1 THEN 1 ELSE 0 END AS twin_more FROM past_unit u "
        "WHERE starts_at >= :since) x GROUP BY uf ORDER BY uf",
        since=since,
    )


def by_week(connection: Connection) -> Sequence[Record]:
    """Of each UF and week (the day of its Monday), among those that count."""
    return rows(
        connection,
        "SELECT uf, monday, COUNT(*) AS number, "
        "SUM(CASE WHEN outcome = 'unknown' THEN 1 ELSE 0 END) AS unknown, "
        "SUM(CASE WHEN outcome = 'no-show' THEN 1 ELSE 0 END) AS missed, "
        "SUM(CASE WHEN outcome = 'cancelled-late' THEN 1 ELSE 0 END) AS late "
        "FROM past_unit WHERE counted = 1 GROUP BY uf, monday ORDER BY uf, monday",
    )


def span(connection: Connection) -> Record:
    """(number, first, last) of those that count."""
    return rows(
        connection,
        "SELECT COUNT(*) AS number, MIN(starts_at) AS first, MAX(starts_at) AS last, "
        "SUM(CASE WHEN outcome <> 'unknown' THEN 1 ELSE 0 END) AS told "
        "FROM past_unit WHERE counted = 1",
    )[0]


def lines_of(connection: Connection, defect: str, since: int, most: int) -> Sequence[int]:
    """The first lines with a defect: a column of the table, or "twin"."""
    where = "twin > 1" if defect == "twin" else f"{defect} = 1"
    found = rows(
        connection,
        f"SELECT n FROM past_unit WHERE starts_at >= :since AND {where} ORDER BY n LIMIT :most",
        since=since,
        most=most,
    )
    return [row.n for row in found]


def count(connection: Connection, splits: dict[str, Sequence[str]]) -> None:
    """How those that count ended, once for each split."""
    columns = ", ".join((*PARTS, "uf"))
    sums = ", ".join(
        f"SUM(CASE WHEN outcome = '{name.replace('_', '-')}' THEN 1 ELSE 0 END) AS {name}"
        for name in OUTCOMES
    )
    for number, (split, parts) in enumerate(splits.items()):
        kept = ", ".join(
            f"{name} AS {name}" if name in (*parts, "uf") else f"'' AS {name}"
            for name in (*PARTS, "uf")
        )
        select = (
            f"SELECT '{split}' AS split, {kept}, COUNT(DISTINCT patient) AS patients, {sums} "
            f"FROM past_unit WHERE counted = 1 GROUP BY {', '.join(('uf', *parts))}"
        )
        if not number:
            connection.exec_driver_sql(f"CREATE TEMPORARY TABLE past_count AS {select}")
        else:
            connection.exec_driver_sql(
                f"INSERT INTO past_count (split, {columns}, patients, {', '.join(OUTCOMES)}) "
                f"{select}"
            )


# --- what is kept --------------------------------------------------------------------------------


def keep(connection: Connection, **header: object) -> int:
    """Make what was counted the baseline, in this transaction: its key."""
    key = reserve(connection, "baseline", 1)
    names = ", ".join(header)
    run(
        connection,
        f"INSERT INTO baseline (id, {names}) VALUES (:id, {', '.join(f':{n}' for n in header)})",
        id=key,
        **header,
    )
    columns = ", ".join(("split", *PARTS, "uf", "patients", *OUTCOMES))
    run(
        connection,
        f"INSERT INTO baseline_count (baseline_id, {columns}) "
        f"SELECT CAST(:id AS BIGINT), {columns} FROM past_count",
        id=key,
    )
    run(connection, "DELETE FROM baseline_count WHERE baseline_id < :id", id=key)
    run(connection, "DELETE FROM baseline WHERE id < :id", id=key)
    return key


def remove(connection: Connection) -> int:
    """Forget it: how many imports there were."""
    run(connection, "DELETE FROM baseline_count")
    return run(connection, "DELETE FROM baseline")


def latest(connection: Connection) -> Record | None:
    found = rows(
        connection,
        "SELECT id, imported_at, imported_by, origin, content_hash, first_at, last_at, weeks, "
        "appointments, quality FROM baseline ORDER BY id DESC LIMIT 1",
    )
    return found[0] if found else None


_LATEST = "(SELECT MAX(id) FROM baseline)"


def counts(
    connection: Connection,
    splits: Sequence[str],
    ufs: Sequence[str] | None,
    uf: str,
    most: int,
) -> Sequence[Record]:
    """The counts of some splits, names of this program: of these services (None: of all), of one
    if `uf` is not empty."""
    named = ", ".join(f"'{split}'" for split in splits)
    sql = (
        f"SELECT split, uf, {', '.join(PARTS)}, patients, {', '.join(OUTCOMES)} "
        f"FROM baseline_count WHERE baseline_id = {_LATEST} AND split IN ({named})"
    )
    values: dict[str, object] = {"most": most}
    if uf:
        sql, values = f"{sql} AND uf = :uf", values | {"uf": uf}
    order = f"ORDER BY split, uf, {', '.join(PARTS)} LIMIT :most"
    if ufs is None:
        return rows(connection, f"{sql} {order}", **values)
    if not ufs:
        return []
    found: Sequence[Record] = listed(
        connection, f"{sql} AND uf IN :ids {order}", ufs, **values
    ).all()
    return found


def past(connection: Connection) -> Sequence[Record]:
    """Of each cell of the randomised comparison: (uf, known, lead, weekday, half, age, number,
    missed), appointments whose outcome is known."""
    return rows(
        connection,
        "SELECT uf, known, lead, weekday, half, age, SUM(number) AS number, SUM(no_show) AS missed "
        "FROM (SELECT uf, known, lead, weekday, age, no_show, "
        "CASE WHEN hour <> '?' AND hour >= '12' THEN 'pm' ELSE 'am' END AS half, "
        f"{ELIGIBLE} AS number FROM baseline_count "
        f"WHERE baseline_id = {_LATEST} AND split = 'cell') x "
        "GROUP BY uf, known, lead, weekday, half, age HAVING SUM(number) > 0",
    )
