"""Appointments in: staged in a temporary table, compared and applied by set-based statements.

A feed is staged whole before anything of it is applied, in chunks short enough not to make a
sender wait. Every statement may run twice: a crash half-way is repaired by the next pass.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, reserve, rows, run

PATIENT_COLUMNS = (
    "authority", "identifier", "family", "given", "birth_date", "sex", "language", "deceased",
    "blocked", "refuses_sms", "phone", "phone_zone", "email", "proxy", "proxy_phone",
    "proxy_zone", "proxy_email", "contact_problem", "protected",
)  # fmt: skip
STAGED_COLUMNS = (
    "n", "external_id", "has_patient", "patient_fingerprint", *PATIENT_COLUMNS,
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

# A change in any of these is one the patient would read: the cycle grows.
MATERIAL = (
    "(appointment.starts_at <> excluded.starts_at OR appointment.uf <> excluded.uf "
    "OR appointment.patient_id IS DISTINCT FROM excluded.patient_id "
    "OR (appointment.status <> 'booked' AND excluded.status = 'booked'))"
)
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


def drop_staging(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TABLE IF EXISTS staged")


def shape(connection: Connection, source: str, now: int, window: tuple[int, int] | None) -> Record:
    """(expected, known, vanished, common, moved_together, low, high) of the staged snapshot."""
    low, high = window or _span(connection)
    low = max(low, now)
    return rows(
        connection,
        f"""
        SELECT (SELECT COUNT(*) FROM staged WHERE status = 'booked' AND starts_at > :now)
             AS expected,
          (SELECT COUNT(*) FROM appointment a WHERE a.source_id = :source AND a.status IN {OPEN}
             AND a.starts_at > :low AND a.starts_at <= :high) AS known,
          (SELECT COUNT(*) FROM appointment a WHERE a.source_id = :source AND a.status IN {OPEN}
             AND a.starts_at > :low AND a.starts_at <= :high AND NOT EXISTS
             (SELECT 1 FROM staged s WHERE s.external_id = a.external_id)) AS vanished,
          (SELECT COUNT(*) FROM appointment a JOIN staged s ON s.external_id = a.external_id
             WHERE a.source_id = :source AND a.status = 'booked' AND s.status = 'booked'
             AND a.starts_at > :now) AS common,
          COALESCE((SELECT MAX(together) FROM (SELECT COUNT(*) AS together
             FROM appointment a JOIN staged s ON s.external_id = a.external_id
             WHERE a.source_id = :source AND a.status = 'booked' AND s.status = 'booked'
             AND a.starts_at > :now AND s.starts_at <> a.starts_at
             GROUP BY s.starts_at - a.starts_at) offsets), 0) AS moved_together,
          :low AS low, :high AS high
        """,
        source=source,
        now=now,
        low=low,
        high=high,
    )[0]


def _span(connection: Connection) -> tuple[int, int]:
    found = rows(connection, "SELECT MIN(starts_at), MAX(starts_at) FROM staged")[0]
    return (found[0] or 0, found[1] or 0)


def staged_span(connection: Connection) -> tuple[int, int]:
    """The first and last number of the staged rows; (0, -1) for none."""
    found = rows(connection, "SELECT MIN(n), MAX(n) FROM staged WHERE n >= 0")[0]
    return (0, -1) if found[0] is None else (found[0], found[1])


def apply_chunk(
    connection: Connection, source: str, first: int, last: int, *, now: int, first_sync: bool
) -> tuple[int, int]:
    """Bring patients and appointments of staged rows first..last up to date: (created, changed)."""
    span: dict[str, object] = {"first": first, "last": last, "now": now}
    _upsert_patients(connection, span, last - first + 1)
    _mark_touched(connection, source, span)
    before = _count(connection, source, span)
    changed = _upsert_appointments(connection, source, span, last - first + 1, first_sync)
    changed += _cancel_without_start(connection, source, span)
    created = _count(connection, source, span) - before
    _mark_changed(connection, source, span)
    return created, changed - created


def _upsert_patients(connection: Connection, span: dict[str, object], size: int) -> None:
    names = ", ".join(PATIENT_COLUMNS)
    updates = ", ".join(f"{name} = excluded.{name}" for name in PATIENT_COLUMNS[2:])
    run(
        connection,
        f"""
        INSERT INTO patient (id, {names}, fingerprint, dirty, first_seen_at, updated_at)
        SELECT :base + n - :first, {names}, patient_fingerprint, 1, :now, :now FROM staged
        WHERE n IN (SELECT MAX(n) FROM staged WHERE n BETWEEN :first AND :last
                    AND has_patient = 1 GROUP BY authority, identifier)
        ON CONFLICT (authority, identifier) DO UPDATE SET {updates},
          fingerprint = excluded.fingerprint, dirty = 1, updated_at = excluded.updated_at
        WHERE patient.fingerprint <> excluded.fingerprint
        """,
        base=reserve(connection, "patient", size),
        **span,
    )


_JOINED = (
    "FROM staged s JOIN appointment a ON a.source_id = :source AND a.external_id = s.external_id "
    "WHERE s.n BETWEEN :first AND :last"
)


def _mark_touched(connection: Connection, source: str, span: dict[str, object]) -> None:
    """The patient an appointment belonged to, before the feed gives it another."""
    run(
        connection,
        "UPDATE patient SET dirty = 1 WHERE dirty = 0 AND :now = :now AND id IN "
        f"(SELECT a.patient_id {_JOINED} AND a.fingerprint <> s.fingerprint)",
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


def _cancel_without_start(connection: Connection, source: str, span: dict[str, object]) -> int:
    """A cancelled appointment may have lost its start (FHIR): the one we hold is cancelled."""
    return run(
        connection,
        "UPDATE appointment SET status = 'cancelled', cancelled_basis = 'told', "
        "cancelled_at = :now, fingerprint = 0, last_seen_at = :now, cancelled_by = COALESCE("
        "(SELECT MAX(s.cancelled_by) FROM staged s WHERE s.external_id = appointment.external_id "
        " AND s.starts_at IS NULL), 'unknown') "
        "WHERE source_id = :source AND status <> 'cancelled' AND external_id IN "
        "(SELECT s.external_id FROM staged s WHERE s.n BETWEEN :first AND :last "
        "AND s.starts_at IS NULL AND s.status = 'cancelled')",
        source=source,
        **span,
    )


def withdraw_vanished(connection: Connection, source: str, low: int, high: int, *, now: int) -> int:
    """Coming appointments a complete snapshot no longer holds; their patients are planned again."""
    gone = (
        f"source_id = :source AND status IN {OPEN} AND starts_at > :low AND starts_at <= :high "
        "AND NOT EXISTS (SELECT 1 FROM staged s WHERE s.external_id = appointment.external_id)"
    )
    values: dict[str, object] = {"source": source, "low": low, "high": high}
    run(
        connection,
        "UPDATE patient SET dirty = 1 WHERE dirty = 0 AND id IN "
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
