"""Appointments in: staged in a temporary table, compared and applied by set-based statements.

A feed is staged whole before anything of it is applied, in chunks short enough not to make a
sender wait. Every statement may run twice: a crash half-way is repaired by the next pass.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store import recipients
from reminders.store.engine import Record, insert_rows, reserve, rows, run
from reminders.store.planning import among

PATIENT_COLUMNS = (
    "authority", "identifier", "family", "given", "birth_date", "sex", "language", "deceased",
    "blocked", "refuses_sms", "phone", "phone_zone", "email", "proxy", "proxy_phone",
    "proxy_zone", "proxy_email", "contact_problem", "protected",
)  # fmt: skip
KEY_COLUMNS = (
    "family_key", "second_key", "third_key", "given_key", "middle_key", "given_second_key",
    "given_middle_key", "given_third_key", "identifier_key",
)  # fmt: skip
STAGED_COLUMNS = (
    "n", "external_id", "has_patient", "patient_fingerprint", *PATIENT_COLUMNS, *KEY_COLUMNS,
    "uf", "site_id", "agenda", "kind", "place", "starts_at", "all_day", "duration_minutes",
    "status", "booked_at", "modified_at", "cancelled_by", "fingerprint",
)  # fmt: skip
_INTEGERS = frozenset(
    {
        "n",
        "has_patient",
        "patient_fingerprint",
        "deceased",
        "refuses_sms",
        "protected",
        "starts_at",
        "all_day",
        "duration_minutes",
        "booked_at",
        "modified_at",
        "fingerprint",
    }
)
APPLY_CHUNK = 5_000

# A change in any of these is one the patient would read: the cycle grows. One that was called
# off and is booked again counts too: its patient may have been told that it is not.
MATERIAL = (
    "(appointment.starts_at <> excluded.starts_at OR appointment.uf <> excluded.uf "
    "OR appointment.patient_id IS DISTINCT FROM excluded.patient_id "
    "OR (appointment.status IN ('cancelled', 'entered-in-error') "
    "AND excluded.status = 'booked'))"
)
# Who came to the hour before says nothing of the new one.
PAST_MARK = "appointment.attended_at < excluded.starts_at"
OPEN = "('booked', 'pending', 'proposed', 'waitlist')"


def create_staging(connection: Connection) -> None:
    columns = ", ".join(
        f"{name} {'BIGINT' if name in _INTEGERS else 'TEXT'}" for name in STAGED_COLUMNS
    )
    connection.exec_driver_sql("DROP TABLE IF EXISTS staged")
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE staged ({columns})")


def stage(connection: Connection, values: Sequence[tuple[object, ...]]) -> None:
    insert_rows(connection, "staged", STAGED_COLUMNS, values)


def index_staging(connection: Connection) -> None:
    """Make look-ups quick and keep the last of two rows for one appointment."""
    connection.exec_driver_sql("CREATE INDEX staged_external ON staged (external_id)")
    connection.exec_driver_sql("CREATE INDEX staged_n ON staged (n)")
    connection.exec_driver_sql(
        "DELETE FROM staged WHERE EXISTS (SELECT 1 FROM staged later "
        "WHERE later.external_id = staged.external_id AND later.n > staged.n)"
    )
    connection.exec_driver_sql("ANALYZE staged")  # else PostgreSQL reads it whole for each chunk


def drop_staging(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TABLE IF EXISTS staged")


def shape(connection: Connection, source: str, now: int, window: tuple[int, int] | None) -> Record:
    """(expected, known, vanished, common, moved_together, low, high, first_row, last_row) of
    the staged feed. low and high are the first and last start it answers for, both included;
    a window's end is outside it."""
    low, high = _span(connection) if window is None else (window[0], window[1] - 1)
    low = max(low, now + 1)
    ours = (
        f"FROM appointment a WHERE a.source_id = :source AND a.status IN {OPEN} "
        "AND a.starts_at >= :low AND a.starts_at <= :high"
    )
    both = (
        "FROM appointment a JOIN staged s ON s.external_id = a.external_id "
        "WHERE a.source_id = :source AND a.status = 'booked' AND s.status = 'booked' "
        "AND a.starts_at > :now"
    )
    return rows(
        connection,
        f"""
        SELECT (SELECT COUNT(*) FROM staged WHERE status = 'booked' AND starts_at > :now)
             AS expected,
          (SELECT COUNT(*) {ours}) AS known,
          (SELECT COUNT(*) {ours} AND NOT EXISTS
             (SELECT 1 FROM staged s WHERE s.external_id = a.external_id)) AS vanished,
          (SELECT COUNT(*) {both}) AS common,
          COALESCE((SELECT MAX(together) FROM (SELECT COUNT(*) AS together {both}
             AND s.starts_at <> a.starts_at GROUP BY s.starts_at - a.starts_at) offsets), 0)
             AS moved_together,
          :low AS low, :high AS high,
          COALESCE((SELECT MIN(n) FROM staged WHERE n >= 0), 0) AS first_row,
          COALESCE((SELECT MAX(n) FROM staged WHERE n >= 0), -1) AS last_row
        """,
        source=source,
        now=now,
        low=low,
        high=high,
    )[0]


FOREVER = 2**62  # later than any start
SAMPLES = 10  # of each fate
UNITS = 10


def samples(connection: Connection, source: str, span: tuple[int, int, int]) -> Sequence[Record]:
    """Appointments the staged feed would cancel, and those it would move by its commonest offset;
    `span`: now, low, high, as in `shape`."""
    now, low, high = span
    gone = (
        "SELECT a.id, 'vanished' AS fate, CAST(NULL AS BIGINT) AS told FROM appointment a "
        f"WHERE a.source_id = :source AND a.status IN {OPEN} AND a.starts_at >= :low "
        "AND a.starts_at <= :high AND NOT EXISTS "
        "(SELECT 1 FROM staged s WHERE s.external_id = a.external_id) "
        "ORDER BY a.starts_at, a.id LIMIT :most"
    )
    both = (
        "FROM appointment a JOIN staged s ON s.external_id = a.external_id "
        "WHERE a.source_id = :source AND a.status = 'booked' AND s.status = 'booked' "
        "AND a.starts_at > :now AND s.starts_at <> a.starts_at"
    )
    moved = (
        f"SELECT a.id, 'moved' AS fate, s.starts_at AS told {both} AND s.starts_at - a.starts_at = "
        f"(SELECT s.starts_at - a.starts_at {both} GROUP BY s.starts_at - a.starts_at "
        "ORDER BY COUNT(*) DESC, 1 LIMIT 1) ORDER BY a.starts_at, a.id LIMIT :most"
    )
    return rows(
        connection,
        f"SELECT * FROM ({gone}) gone UNION ALL SELECT * FROM ({moved}) moved",
        source=source,
        now=now,
        low=low,
        high=high,
        most=SAMPLES,
    )


def units(connection: Connection, source: str, span: tuple[int, int, int]) -> Sequence[Record]:
    """Coming appointments by service, known and received: where they differ most first."""
    now, low, high = span
    return rows(
        connection,
        "SELECT uf, SUM(known) AS known, SUM(received) AS received FROM ("
        "SELECT a.uf, 1 AS known, 0 AS received FROM appointment a "
        f"WHERE a.source_id = :source AND a.status IN {OPEN} "
        "AND a.starts_at >= :low AND a.starts_at <= :high "
        "UNION ALL SELECT s.uf, 0, 1 FROM staged s WHERE s.status = 'booked' "
        "AND s.starts_at > :now) both_sides GROUP BY uf "
        "ORDER BY ABS(SUM(known) - SUM(received)) DESC, uf LIMIT :most",
        source=source,
        now=now,
        low=low,
        high=high,
        most=UNITS,
    )


def _span(connection: Connection) -> tuple[int, int]:
    found = rows(connection, "SELECT MIN(starts_at), MAX(starts_at) FROM staged")[0]
    return (found[0] or 0, found[1] or 0)


def apply_chunk(
    connection: Connection, source: str, first: int, last: int, *, now: int, first_sync: bool
) -> tuple[int, int]:
    """Bring patients and appointments of staged rows first..last up to date: (created, changed)."""
    span: dict[str, object] = {"first": first, "last": last, "now": now}
    _upsert_patients(connection, source, span, last - first + 1)
    _upsert_keys(connection, span)
    recipients.end_overtaken(connection, int(now))
    _mark_touched(connection, source, span)
    _keep_changes(connection, source, span)
    before = _count(connection, source, span)
    changed = _upsert_appointments(connection, source, span, last - first + 1, first_sync)
    changed += _follow_without_start(connection, source, span)
    created = _count(connection, source, span) - before
    _mark_changed(connection, source, span)
    return created, changed - created


# What one source says forbids writing, another that does not know it may not undo (R3).
_STOPS = "({0}.deceased = 1 OR {0}.blocked <> '' OR {0}.refuses_sms = 1)"
_ELSEWHERE = "patient.stopped_by NOT IN ('', :source)"
_STICKY = {
    "deceased": f"CASE WHEN {_ELSEWHERE} AND patient.deceased = 1 THEN 1 "
    "ELSE excluded.deceased END",
    "blocked": f"CASE WHEN {_ELSEWHERE} AND excluded.blocked = '' THEN patient.blocked "
    "ELSE excluded.blocked END",
    "refuses_sms": f"CASE WHEN {_ELSEWHERE} AND patient.refuses_sms = 1 THEN 1 "
    "ELSE excluded.refuses_sms END",
    "stopped_by": f"CASE WHEN {_ELSEWHERE} THEN patient.stopped_by ELSE excluded.stopped_by END",
} | {
    name: f"CASE WHEN {recipients.STANDS} THEN patient.{name} ELSE {new} END"
    for name, new in recipients.CONTACT.items()
}


def _upsert_patients(
    connection: Connection, source: str, span: dict[str, object], size: int
) -> None:
    names = ", ".join(PATIENT_COLUMNS)
    updates = ", ".join(
        f"{name} = {_STICKY.get(name, f'excluded.{name}')}"
        for name in (*PATIENT_COLUMNS[2:], "stopped_by", *recipients.ABOUT_CONTACT)
    )
    run(
        connection,
        f"""
        INSERT INTO patient (id, {names}, stopped_by, contact_source, fingerprint, dirty,
          first_seen_at, updated_at)
        SELECT :base + n - :first, {names},
          CASE WHEN {_STOPS.format("staged")} THEN CAST(:source AS TEXT) ELSE '' END,
          CAST(:source AS TEXT), patient_fingerprint, 1, :now, :now FROM staged
        WHERE n IN (SELECT MAX(n) FROM staged WHERE n BETWEEN :first AND :last
                    AND has_patient = 1 GROUP BY authority, identifier)
        ON CONFLICT (authority, identifier) DO UPDATE SET {updates},
          fingerprint = excluded.fingerprint, dirty = 1, updated_at = excluded.updated_at
        WHERE patient.fingerprint <> excluded.fingerprint
          OR (patient.stopped_by = :source AND excluded.stopped_by = '')
        """,
        base=reserve(connection, "patient", size),
        source=source,
        **span,
    )


def _upsert_keys(connection: Connection, span: dict[str, object]) -> None:
    """What the patients just taken in, or changed, are found by."""
    values = {name.removesuffix("_key"): name for name in (*KEY_COLUMNS, "birth_date")}
    names = ", ".join(values)
    updates = ", ".join(f"{name} = excluded.{name}" for name in values)
    changed = " OR ".join(f"patient_key.{name} <> excluded.{name}" for name in values)
    run(
        connection,
        f"INSERT INTO patient_key (patient_id, {names}) "
        f"SELECT p.id, {', '.join(f's.{column}' for column in values.values())} FROM staged s "
        "CROSS JOIN patient p WHERE p.authority = s.authority AND p.identifier = s.identifier "
        "AND p.updated_at = :now AND s.n IN (SELECT MAX(n) FROM staged WHERE n BETWEEN :first "
        "AND :last AND has_patient = 1 GROUP BY authority, identifier) "
        f"ON CONFLICT (patient_id) DO UPDATE SET {updates} WHERE {changed}",
        **span,
    )


# CROSS: the staged rows come first. SQLite would else read all appointments for each chunk.
_JOINED = (
    "FROM staged s CROSS JOIN appointment a WHERE s.n BETWEEN :first AND :last "
    "AND a.source_id = :source AND a.external_id = s.external_id"
)


_JOINED_WITH_PATIENT = _JOINED.replace(
    "WHERE",
    "LEFT JOIN patient p ON s.has_patient = 1 AND p.authority = s.authority "
    "AND p.identifier = s.identifier WHERE",
)
_NEWER = "(s.modified_at IS NULL OR a.modified_at IS NULL OR s.modified_at >= a.modified_at)"


def _mark_touched(connection: Connection, source: str, span: dict[str, object]) -> None:
    """The patients of the appointments about to change, before the feed gives them another.

    Their rows are written even where they are marked already: an intent and a change wait for
    each other on the patient's row (`outbox.quiet_patients`).
    """
    run(
        connection,
        "UPDATE patient SET dirty = 1 WHERE :now = :now AND id IN "
        f"(SELECT a.patient_id {_JOINED} AND {_NEWER} AND CASE WHEN s.starts_at IS NULL "
        "THEN a.status <> s.status ELSE a.fingerprint <> s.fingerprint END)",
        source=source,
        **span,
    )


def _mark_changed(connection: Connection, source: str, span: dict[str, object]) -> None:
    run(
        connection,
        "UPDATE patient SET dirty = 1 WHERE dirty = 0 AND id IN "
        f"(SELECT a.patient_id {_JOINED} AND a.last_seen_at = :now)",
        source=source,
        **span,
    )


_IS_MATERIAL = (
    MATERIAL.replace("appointment.", "a.")
    .replace("excluded.patient_id", "p.id")
    .replace("excluded.", "s.")
)


def _keep_changes(connection: Connection, source: str, span: dict[str, object]) -> None:
    """What the versions about to be replaced said."""
    run(
        connection,
        "INSERT INTO appointment_change (appointment_id, version, at, was_starts_at, was_all_day, "
        "was_uf, was_status, starts_at, all_day, uf, other_patient) SELECT a.id, a.version + 1, "
        ":now, a.starts_at, a.all_day, a.uf, a.status, s.starts_at, s.all_day, s.uf, "
        "CASE WHEN a.patient_id IS DISTINCT FROM p.id THEN 1 ELSE 0 END "
        f"{_JOINED_WITH_PATIENT} AND s.starts_at IS NOT NULL AND a.fingerprint <> s.fingerprint "
        f"AND {_NEWER} AND {_IS_MATERIAL} ON CONFLICT DO NOTHING",
        source=source,
        **span,
    )


def _count(connection: Connection, source: str, span: dict[str, object]) -> int:
    return int(
        rows(connection, f"SELECT COUNT(*) {_JOINED} AND :now = :now", source=source, **span)[0][0]
    )


def _upsert_appointments(
    connection: Connection, source: str, span: dict[str, object], size: int, first_sync: bool
) -> int:
    """An older state never undoes a newer one: `modified_at` decides where both tell it."""
    return run(
        connection,
        f"""
        INSERT INTO appointment (id, source_id, external_id, patient_id, uf, site_id, agenda,
          kind, place, starts_at, all_day, duration_minutes, status, version_at,
          fingerprint, booked_at, modified_at, first_seen_at, last_seen_at,
          in_first_sync, cancelled_at, cancelled_basis, cancelled_by, first_starts_at)
        SELECT :base + s.n - :first, :source, s.external_id, p.id, s.uf, s.site_id, s.agenda,
          s.kind, s.place, s.starts_at, s.all_day, s.duration_minutes, s.status, :now,
          s.fingerprint, s.booked_at, s.modified_at, :now, :now, :first_sync,
          CASE WHEN s.status = 'cancelled' THEN COALESCE(s.modified_at, :now) END,
          CASE WHEN s.status = 'cancelled' THEN 'told' ELSE '' END, s.cancelled_by, s.starts_at
        FROM staged s LEFT JOIN patient p ON s.has_patient = 1 AND p.authority = s.authority
          AND p.identifier = s.identifier
        WHERE s.n BETWEEN :first AND :last AND s.starts_at IS NOT NULL
        ON CONFLICT (source_id, external_id) DO UPDATE SET
          version = appointment.version + CASE WHEN {MATERIAL} THEN 1 ELSE 0 END,
          version_at = CASE WHEN {MATERIAL} THEN excluded.version_at
            ELSE appointment.version_at END,
          cancelled_at = CASE WHEN excluded.status <> 'cancelled' THEN NULL
            WHEN appointment.status = 'cancelled' THEN appointment.cancelled_at
            ELSE excluded.cancelled_at END,
          cancelled_basis = CASE WHEN excluded.status <> 'cancelled' THEN ''
            WHEN appointment.status = 'cancelled' AND appointment.cancelled_basis = 'told'
            THEN 'told' ELSE excluded.cancelled_basis END,
          cancelled_by = excluded.cancelled_by, patient_id = excluded.patient_id,
          uf = excluded.uf, site_id = excluded.site_id, agenda = excluded.agenda,
          kind = excluded.kind, place = excluded.place, starts_at = excluded.starts_at,
          all_day = excluded.all_day, duration_minutes = excluded.duration_minutes,
          status = excluded.status, fingerprint = excluded.fingerprint,
          attendance = CASE WHEN {PAST_MARK} THEN '' ELSE appointment.attendance END,
          attended_by = CASE WHEN {PAST_MARK} THEN '' ELSE appointment.attended_by END,
          attended_at = CASE WHEN {PAST_MARK} THEN NULL ELSE appointment.attended_at END,
          booked_at = COALESCE(excluded.booked_at, appointment.booked_at),
          modified_at = excluded.modified_at, last_seen_at = excluded.last_seen_at
        WHERE appointment.fingerprint <> excluded.fingerprint
          AND (excluded.modified_at IS NULL OR appointment.modified_at IS NULL
               OR excluded.modified_at >= appointment.modified_at)
        """,
        base=reserve(connection, "appointment", size),
        source=source,
        first_sync=int(first_sync),
        **span,
    )


def _follow_without_start(connection: Connection, source: str, span: dict[str, object]) -> int:
    """An appointment called off, or put back on a waiting list, may have lost its start (FHIR):
    the one we hold keeps its own and takes the status. Its fingerprint goes, so that the next
    row with a start counts as a change."""
    return run(
        connection,
        "UPDATE appointment SET status = s.status, fingerprint = 0, last_seen_at = :now, "
        "cancelled_basis = CASE WHEN s.status = 'cancelled' THEN 'told' ELSE '' END, "
        "cancelled_at = CASE WHEN s.status = 'cancelled' THEN COALESCE(s.modified_at, :now) END, "
        "cancelled_by = s.cancelled_by, "
        "modified_at = COALESCE(s.modified_at, appointment.modified_at) "
        f"FROM staged s WHERE appointment.id IN (SELECT a.id {_JOINED} AND s.starts_at IS NULL) "
        "AND s.n BETWEEN :first AND :last AND s.starts_at IS NULL "
        "AND s.status NOT IN ('booked', 'unread') "
        "AND appointment.external_id = s.external_id AND (appointment.status <> s.status "
        "OR (s.status = 'cancelled' AND appointment.cancelled_basis <> 'told')) "
        "AND (s.modified_at IS NULL OR appointment.modified_at IS NULL "
        "OR s.modified_at >= appointment.modified_at)",
        source=source,
        **span,
    )


def doubtful(
    connection: Connection, source: str, first: int, last: int, now: int
) -> Sequence[Record]:
    """Coming appointments of staged rows that changed now and may need a person, or no longer:
    no patient told, or a status nobody mapped. `doubt` is the kind of task, "" for none."""
    return rows(
        connection,
        "SELECT a.id, a.uf, a.version, a.starts_at, "
        "CASE WHEN a.status = 'unknown' THEN 'status_unknown' "
        "WHEN a.status = 'booked' AND a.patient_id IS NULL THEN 'no_patient' ELSE '' END AS doubt "
        f"{_JOINED} AND a.last_seen_at = :now AND a.starts_at > :now ORDER BY a.id",
        source=source,
        first=first,
        last=last,
        now=now,
    )


def withdraw_vanished(connection: Connection, source: str, low: int, high: int, *, now: int) -> int:
    """Coming appointments a complete snapshot no longer holds; their patients are planned again."""
    gone = (
        f"source_id = :source AND status IN {OPEN} AND starts_at >= :low AND starts_at <= :high "
        "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.external_id = appointment.external_id)"
    )
    values: dict[str, object] = {"source": source, "low": low, "high": high}
    run(
        connection,
        "UPDATE patient SET dirty = 1 WHERE id IN "
        f"(SELECT patient_id FROM appointment WHERE {gone})",
        **values,
    )
    return run(
        connection,
        "UPDATE appointment SET status = 'cancelled', cancelled_basis = 'vanished', "
        "cancelled_by = 'unknown', cancelled_at = :now, fingerprint = 0, last_seen_at = :now "
        f"WHERE {gone}",
        now=now,
        **values,
    )


def close_tasks(connection: Connection, subjects: Sequence[str], kinds: Sequence[str]) -> None:
    """What these tasks asked for is no longer to do."""
    among(
        connection,
        "UPDATE task SET state = 'done' WHERE state = 'open' AND subject IN :ids "
        f"AND kind IN ({', '.join(repr(kind) for kind in kinds)}) RETURNING id",
        subjects,
    )
