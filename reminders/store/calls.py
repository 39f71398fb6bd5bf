"""Calls of patients: who they may be about, what is kept, and how many an appointment had."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, Store, many, reserve, rows, run
from reminders.store.lists import Ufs
from reminders.store.planning import among
from reminders.store.slots import MOVED_TO, MOVED_WITHIN
from reminders.store.types import DAY
from reminders.store.worklist import TRY

PAGE = 20_000
COLUMNS = (
    "id", "file_id", "line_key", "at", "day", "uf", "motive", "patient_id", "appointment_id",
    "recorded_at", "author",
)  # fmt: skip


# --- who a line is about -------------------------------------------------------------------------


def appointments_by_number(connection: Connection, numbers: Sequence[str]) -> Sequence[Record]:
    """Those of these numbers in the records system, of whatever source."""
    return among(
        connection,
        "SELECT a.id, a.external_id, a.uf, COALESCE(p.merged_into, a.patient_id, 0) AS patient_id "
        "FROM source s JOIN appointment a ON a.source_id = s.id AND a.external_id IN :ids "
        "LEFT JOIN patient p ON p.id = a.patient_id",
        numbers,
    )


def patients_by_identifier(connection: Connection, identifiers: Sequence[str]) -> Sequence[Record]:
    """Patients by the plain form of their identifier, the survivor of a merge."""
    return among(
        connection,
        "SELECT DISTINCT k.identifier, COALESCE(p.merged_into, p.id) AS patient_id "
        "FROM patient_key k JOIN patient p ON p.id = k.patient_id WHERE k.identifier IN :ids",
        identifiers,
    )


def appointments_of(
    connection: Connection, patients: Sequence[int], *, start: int, end: int
) -> Sequence[Record]:
    """Their appointments that start in [start, end), those of merged files among them."""
    return among(
        connection,
        "SELECT a.id, a.uf, a.starts_at, COALESCE(p.merged_into, p.id) AS patient_id "
        "FROM patient p JOIN appointment a ON a.patient_id = p.id "
        "WHERE (p.id IN :ids OR p.merged_into IN :ids) AND a.starts_at >= :start "
        "AND a.starts_at < :end AND a.status NOT IN ('entered-in-error', 'proposed', 'waitlist')",
        patients,
        start=start,
        end=end,
    )


# --- keeping -------------------------------------------------------------------------------------


# How many are of the civil days [:first, :last). Of one day and one service the source that counts
# most is believed, never the sum: what a person notes is in the telephone system's file too.
OF_DAYS = (
    "SELECT COALESCE(SUM(most), 0) AS number FROM (SELECT MAX(number) AS most FROM (SELECT c.day, "
    "c.uf, CASE WHEN c.file_id = 0 THEN 1 ELSE 2 END AS way, COUNT(*) AS number FROM call_entry c "
    "WHERE c.day >= :first AND c.day < :last {0} GROUP BY 1, 2, 3) ways GROUP BY day, uf) days"
)


def between(connection: Connection, ufs: Ufs, first: str, last: str) -> int:
    """How many are of the civil days [first, last), of these services; None: of all."""
    if ufs is None:
        return int(rows(connection, OF_DAYS.format(""), first=first, last=last)[0].number)
    sql = OF_DAYS.format("AND c.uf IN :ids")
    found = among(connection, sql, sorted(ufs) or [""], first=first, last=last)
    return sum(int(row.number) for row in found)


def known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    found = among(connection, "SELECT line_key FROM call_entry WHERE line_key IN :ids", keys)
    return {row.line_key for row in found}


def add(connection: Connection, entries: Sequence[Mapping[str, object]]) -> None:
    """Append calls; one whose line is known already changes nothing."""
    if not entries:
        return
    first = reserve(connection, "call_entry", len(entries))
    many(
        connection,
        f"INSERT INTO call_entry ({', '.join(COLUMNS)}) "
        f"VALUES ({', '.join(f':{one}' for one in COLUMNS)}) ON CONFLICT (line_key) DO NOTHING",
        [{"id": first + n, **one} for n, one in enumerate(entries)],
    )


def file_of(connection: Connection, digest: str) -> Record | None:
    found = rows(
        connection,
        "SELECT at, lines, kept, repeated, unlinked, refused FROM call_file WHERE digest = :digest",
        digest=digest,
    )
    return found[0] if found else None


def kept_of(connection: Connection, file: int) -> Record:
    """(kept, unlinked) of a file's calls."""
    return rows(
        connection,
        "SELECT COUNT(*) AS kept, COALESCE(SUM(CASE WHEN appointment_id = 0 THEN 1 ELSE 0 END), 0) "
        "AS unlinked FROM call_entry WHERE file_id = :file",
        file=file,
    )[0]


def finish(connection: Connection, file: int, digest: str, **values: object) -> bool:
    """Write down that a file was read to its end; False if somebody else did meanwhile."""
    names = ("at", "author", "lines", "kept", "repeated", "unlinked", "refused")
    return run(
        connection,
        f"INSERT INTO call_file (id, digest, {', '.join(names)}) VALUES (:id, :digest, "
        f"{', '.join(f':{one}' for one in names)}) ON CONFLICT (digest) DO NOTHING",
        id=file, digest=digest, **values,
    ) == 1  # fmt: skip


# --- counting ------------------------------------------------------------------------------------

# A task is a telephone call if it was one to make; whoever did it spoke to somebody.
_TO_MAKE = "k.kind LIKE 'call~_%' ESCAPE '~'"
BY_TELEPHONE = f"k.state = 'done' AND k.resolved_by <> '' AND {_TO_MAKE}"
# Calls made, each with its task k and its moment: what somebody ended, and each try in vain.
_MADE = (
    f"(SELECT k.appointment_id, k.resolved_at AS at FROM task k WHERE {BY_TELEPHONE} {{0}} "
    "UNION ALL SELECT k.appointment_id, e.at FROM task k JOIN task_event e ON e.task_id = k.id "
    f"WHERE e.action = '{TRY}' AND {_TO_MAKE} {{0}}) made"
)


# Each unit under its own key and under that of the appointment it moved to.
_UNIT = "FROM unit_entry u"
_OURS = "u.holdout_id = :holdout AND u.excluded = '' AND u.appointment_id > :after"
_ABOUT = (
    "WITH about AS MATERIALIZED (SELECT u.appointment_id AS id, u.appointment_id AS unit, u.arm, "
    f"u.uf, u.entered_at {_UNIT} WHERE {_OURS} UNION ALL SELECT {MOVED_TO}, u.appointment_id, "
    f"u.arm, u.uf, u.entered_at {_UNIT} CROSS JOIN appointment a WHERE {_OURS} "
    "AND a.id = u.appointment_id AND a.status = 'cancelled') "
)


def of_units(store: Store, holdout: int, *, before: int) -> Iterator[Sequence[Record]]:
    """Pages of (appointment_id, calls, tasks): units of a comparison with calls, about them or
    what they moved to, from the moment they entered, up to a moment. Of one day and one unit the
    source that counts most is believed, never the sum: a call noted by a person is in the
    telephone system's file too.
    `tasks`: how many of its tasks were calls."""
    sql = (
        f"{_ABOUT}SELECT appointment_id, SUM(number) AS calls, SUM(tasks) AS tasks FROM ("
        "SELECT appointment_id, day, MAX(number) AS number, "
        "SUM(CASE WHEN way = 3 THEN number ELSE 0 END) AS tasks FROM ("
        "SELECT u.unit AS appointment_id, c.at / :long AS day, CASE WHEN c.file_id = 0 THEN 1 "
        "ELSE 2 END AS way, COUNT(*) AS number FROM about u "
        "JOIN call_entry c ON c.appointment_id = u.id "
        "WHERE c.at >= u.entered_at AND c.at < :before GROUP BY 1, 2, 3 UNION ALL "
        "SELECT u.unit, made.at / :long, 3, COUNT(*) FROM about u "
        f"JOIN {_MADE.format('')} ON made.appointment_id = u.id "
        "WHERE made.at < :before GROUP BY 1, 2) told "
        "GROUP BY appointment_id, day) days "
        "GROUP BY appointment_id ORDER BY appointment_id LIMIT :limit"
    )
    after = 0
    while True:
        with store.read() as connection:
            page = rows(
                connection, sql, holdout=holdout, after=after, before=before, long=DAY,
                near=MOVED_WITHIN, limit=PAGE,
            )  # fmt: skip
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].appointment_id


def linked(connection: Connection, holdout: int, uf: str, *, before: int) -> Sequence[Record]:
    """(arm, number): calls of files and persons that are linked to units, by arm; of one service
    or, for "", of all."""
    narrowed = "AND u.uf = :uf " if uf else ""
    return rows(
        connection,
        f"{_ABOUT}SELECT u.arm, COUNT(DISTINCT c.id) AS number FROM about u "
        "JOIN call_entry c ON c.appointment_id = u.id "
        f"WHERE c.at >= u.entered_at AND c.at < :before {narrowed}GROUP BY u.arm",
        holdout=holdout, before=before, after=0, near=MOVED_WITHIN, **({"uf": uf} if uf else {}),
    )  # fmt: skip


# --- showing -------------------------------------------------------------------------------------


def units_called(
    connection: Connection, holdout: int, arm: str, ufs: Ufs, uf: str, *, before: int, after: int,
    limit: int,
) -> Sequence[Record]:  # fmt: skip
    """(appointment_id, uf, starts_at) of units of an arm about which somebody called, by key."""
    wanted = ufs if not uf else frozenset({uf}) if ufs is None or uf in ufs else frozenset()
    narrowed = "" if wanted is None else "AND u.uf IN :ids "
    sql = (
        "SELECT u.appointment_id, u.uf, u.starts_at FROM unit_entry u "
        f"JOIN appointment a ON a.id = u.appointment_id WHERE {_OURS} AND u.arm = :arm "
        f"{narrowed}AND (EXISTS (SELECT 1 FROM call_entry c "
        f"WHERE c.appointment_id IN (u.appointment_id, {MOVED_TO}) AND c.at >= u.entered_at "
        "AND c.at < :before) OR EXISTS (SELECT 1 FROM "
        f"{_MADE.format(f'AND k.appointment_id IN (u.appointment_id, {MOVED_TO})')} "
        "WHERE made.at < :before)) ORDER BY u.appointment_id LIMIT :limit"
    )
    values = {
        "holdout": holdout, "arm": arm, "before": before, "after": after, "limit": limit,
        "near": MOVED_WITHIN,
    }  # fmt: skip
    if wanted is None:
        return rows(connection, sql, **values)
    return among(connection, sql, sorted(wanted), **values)
