"""Recipients told by telephone (ADR 0012): they stand in the patient's own columns, so that
planning, the intent, objections and calls see them without knowing of them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, reserve, rows, run

# --- what a reading of the DPI leaves in place, in the statement that takes a patient in ----------

_SAME = " || '|' || ".join(
    f"{{0}}.{name}" for name in ("phone", "email", "proxy", "proxy_phone", "proxy_email")
)
# It stands until the DPI says another contact than it took the place of. Where several sources
# know the patient, only the one whose contacts those were can.
STANDS = (
    f"patient.told <> '' AND (patient.told_over = {_SAME.format('excluded')} "
    "OR patient.contact_source NOT IN ('', :source))"
)
ABOUT_CONTACT = ("told", "told_over", "contact_source")
CONTACT = {
    name: f"excluded.{name}"
    for name in (
        "phone", "phone_zone", "email", "proxy", "proxy_phone", "proxy_zone", "proxy_email",
        "contact_problem",
    )
} | {"told": "''", "told_over": "''", "contact_source": "excluded.contact_source"}  # fmt: skip


def end_overtaken(connection: Connection, now: int) -> None:
    """The DPI has a newer contact: it counts."""
    run(
        connection,
        "UPDATE recipient SET ended_at = :now, ended = 'dpi' WHERE ended_at IS NULL "
        "AND EXISTS (SELECT 1 FROM patient p WHERE p.id = recipient.patient_id AND p.told = '')",
        now=now,
    )


# Everybody whom the number or e-mail address `:address` serves, however an e-mail is spelt. Each
# arm has its index.
SERVED = (
    "SELECT id FROM patient WHERE phone = :address "
    "UNION SELECT id FROM patient WHERE proxy_phone = :address "
    "UNION SELECT id FROM patient WHERE lower(email) = lower(:address) AND email <> '' "
    "UNION SELECT id FROM patient WHERE lower(proxy_email) = lower(:address) "
    "AND proxy_email <> ''"
)


# --- what staff do --------------------------------------------------------------------------------

COLUMNS = (
    "id", "patient_id", "relation", "phone", "phone_zone", "email", "origin", "told_at", "told_by",
    "dpi_phone", "dpi_zone", "dpi_email", "dpi_proxy", "dpi_proxy_phone", "dpi_proxy_zone",
    "dpi_proxy_email", "dpi_problem",
)  # fmt: skip


def lock(connection: Connection, patient: int) -> None:
    """The patient's row, ours until the commit: an intent about them waits, or gives way. The
    plan looks at them again."""
    run(connection, "UPDATE patient SET dirty = 1 WHERE id = :id", id=patient)


_NOW = ", ".join(
    f"p.{name} AS now_{name}"
    for name in (
        "phone", "phone_zone", "email", "proxy", "proxy_phone", "proxy_zone", "proxy_email",
        "contact_problem",
    )
)  # fmt: skip


def find(connection: Connection, patient: int) -> Record | None:
    """A patient with the DPI's contacts, also where another stands in their place (now_...)."""
    found = rows(
        connection,
        "SELECT p.id, p.birth_date, p.protected, p.deceased, p.blocked, p.merged_into, p.told, "
        "COALESCE(r.dpi_phone, p.phone) AS phone, COALESCE(r.dpi_zone, p.phone_zone) "
        "AS phone_zone, COALESCE(r.dpi_email, p.email) AS email, "
        "COALESCE(r.dpi_proxy, p.proxy) AS proxy, "
        "COALESCE(r.dpi_proxy_phone, p.proxy_phone) AS proxy_phone, "
        "COALESCE(r.dpi_proxy_zone, p.proxy_zone) AS proxy_zone, "
        "COALESCE(r.dpi_proxy_email, p.proxy_email) AS proxy_email, "
        "COALESCE(r.dpi_problem, p.contact_problem) AS contact_problem, "
        f"{_NOW}, {_SAME.format('p')} AS over FROM patient p LEFT JOIN recipient r "
        "ON r.patient_id = p.id AND r.ended_at IS NULL WHERE p.id = :id",
        id=patient,
    )
    return found[0] if found else None


def known(connection: Connection, origin: str) -> bool:
    """Was this form taken already?"""
    return bool(rows(connection, "SELECT 1 FROM recipient WHERE origin = :origin", origin=origin))


def tell(
    connection: Connection,
    row: Record,
    new: dict[str, str],
    *,
    relation: str,
    told: tuple[str, str, str],
    origin: str,
    by: str,
    at: int,
) -> None:
    """Put `new` (phone, phone_zone, ... of the patient's columns) in the place of the DPI's,
    which are in `row`. `told`: number, its zone, e-mail address as they were told."""
    insert_rows(
        connection,
        "recipient",
        COLUMNS,
        [
            (reserve(connection, "recipient", 1), row.id, relation, *told, origin, at, by,
             row.phone, row.phone_zone, row.email, row.proxy, row.proxy_phone, row.proxy_zone,
             row.proxy_email, row.contact_problem)
        ],
    )  # fmt: skip
    run(
        connection,
        "UPDATE patient SET phone = :phone, phone_zone = :phone_zone, email = :email, "
        "proxy = :proxy, proxy_phone = :proxy_phone, proxy_zone = :proxy_zone, "
        "proxy_email = :proxy_email, contact_problem = :contact_problem, told = :told, "
        "told_over = :over WHERE id = :id",
        id=row.id,
        told=relation,
        over=row.over,
        **new,
    )


def end(connection: Connection, patient: int, *, ended: str, by: str, at: int) -> bool:
    """What the DPI said counts again; False where nothing was told."""
    found = rows(
        connection,
        "UPDATE recipient SET ended_at = :at, ended = :ended, ended_by = :by "
        "WHERE patient_id = :id AND ended_at IS NULL RETURNING id",
        id=patient,
        at=at,
        ended=ended,
        by=by,
    )
    for row in found:
        run(
            connection,
            "UPDATE patient SET phone = r.dpi_phone, phone_zone = r.dpi_zone, "
            "email = r.dpi_email, proxy = r.dpi_proxy, proxy_phone = r.dpi_proxy_phone, "
            "proxy_zone = r.dpi_proxy_zone, proxy_email = r.dpi_proxy_email, "
            "contact_problem = r.dpi_problem, told = '', told_over = '' "
            "FROM recipient r WHERE r.id = :recipient AND patient.id = r.patient_id",
            recipient=row.id,
        )
    return bool(found)


def call_back(connection: Connection, patient: int, *, at: int) -> int:
    """Take every text back that has not left, leased ones too: how many. The planner decides the
    reminders afresh, for the recipient that counts now."""
    return run(
        connection,
        "UPDATE message SET state = 'CANCELLED', reason = 'recipient', lease_until = NULL, "
        "leases = 0, updated_at = :at WHERE patient_id = :id "
        "AND state IN ('PLANNED', 'HELD', 'LEASED') AND kind NOT IN ('ack', 'staff')",
        id=patient,
        at=at,
    )


def readdress(
    connection: Connection, patient: int, channel: str, address: tuple[str, bytes, str], *, at: int
) -> None:
    """What staff wrote and has not left yet goes to (address, key, relation), or to nobody."""
    value, key, relation = address
    run(
        connection,
        "UPDATE message SET state = CASE WHEN :value = '' THEN 'CANCELLED' "
        "WHEN state = 'LEASED' THEN 'PLANNED' ELSE state END, "
        "reason = CASE WHEN :value = '' THEN 'recipient' ELSE reason END, "
        "recipient = CASE WHEN :value = '' THEN recipient ELSE CAST(:value AS TEXT) END, "
        "recipient_key = CASE WHEN :value = '' THEN recipient_key ELSE :key END, "
        "relation = :relation, lease_until = NULL, leases = 0, updated_at = :at "
        "WHERE patient_id = :id AND channel = :channel AND kind = 'staff' "
        "AND state IN ('PLANNED', 'HELD', 'LEASED')",
        id=patient,
        channel=channel,
        value=value,
        key=key,
        relation=relation,
        at=at,
    )


def waiting(connection: Connection, patient: int) -> Sequence[Record]:
    """The texts that have not left, by moment."""
    return rows(
        connection,
        "SELECT m.id, m.channel, m.recipient, m.opens_at, m.kind, m.purpose FROM message m "
        "WHERE m.patient_id = :id AND m.state IN ('PLANNED', 'HELD', 'LEASED') "
        "AND m.kind <> 'ack' ORDER BY m.opens_at, m.id LIMIT 50",
        id=patient,
    )


def others_at(connection: Connection, address: str, patient: int) -> int:
    """How many other patients this address serves."""
    found = rows(
        connection,
        f"SELECT COUNT(*) FROM ({SERVED}) served WHERE id <> :id",
        address=address,
        id=patient,
    )
    return int(found[0][0])
