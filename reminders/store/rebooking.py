"""Who was expected, did not come and may be invited to book again; and that one text."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.answers import MAY_HAVE_LEFT
from reminders.store.engine import Record, reserve
from reminders.store.planning import among, insert_plan

STEP = "rebook"
LOST = MAY_HAVE_LEFT.partition("NOT IN ")[2]
# The DPI says so, or a person marked it; never who told us before, and never silence.
MISSED = (
    "(({0}.status = 'noshow' OR ({0}.status IN ('booked', 'pending', 'unknown') "
    "AND {0}.attendance = 'absent')) AND NOT ({0}.answer = 'cancelled' "
    "AND {0}.answered_cycle = {0}.version AND {0}.answered_at < {0}.starts_at))"
)


def missed(connection: Connection, ufs: Sequence[str], start: int, end: int) -> Sequence[Record]:
    """Appointments of these services in [start, end) that were missed, nobody invited yet, with
    the last SMS that told the patient of them: it goes to the same person or to nobody.

    A patient with an appointment to come in the same service has booked again.
    """
    return among(
        connection,
        "SELECT a.id, a.version, a.uf, a.starts_at, a.patient_id, m.recipient, m.recipient_key, "
        "m.relation, m.language, m.site_id FROM appointment a JOIN message m ON m.id = "
        "(SELECT MAX(t.message_id) FROM (SELECT x.message_id FROM told o "
        f"JOIN attempt x ON x.id = o.attempt_id AND x.state NOT IN {LOST} "
        "JOIN message y ON y.id = x.message_id AND y.channel = 'sms' AND y.kind <> 'ack' "
        "AND y.patient_id = a.patient_id WHERE o.appointment_id = a.id) t) "
        "WHERE a.uf IN :ids AND a.starts_at >= :start AND a.starts_at < :end AND "
        f"{MISSED.format('a')} AND NOT EXISTS (SELECT 1 FROM decision d "
        f"WHERE d.appointment_id = a.id AND d.step = '{STEP}') AND NOT EXISTS "
        "(SELECT 1 FROM appointment n WHERE n.patient_id = a.patient_id AND n.uf = a.uf "
        "AND n.status = 'booked' AND n.starts_at >= :end) ORDER BY a.id",
        ufs,
        start=start,
        end=end,
    )


def invite(
    connection: Connection, one: Record, key: str, *, opens_at: int, closes_at: int, at: int
) -> None:
    """The decision and its message; both stay as they are if something else forbids them later."""
    decision = reserve(connection, "decision", 1)
    message = reserve(connection, "message", 1)
    insert_plan(
        connection,
        [(decision, one.id, STEP, one.version, "PLANNED", "", STEP, opens_at, closes_at, at)],
        [
            (message, key, STEP, "sms", "PLANNED", one.patient_id, one.recipient,
             one.recipient_key, one.relation, one.site_id, STEP, one.language, opens_at, opens_at,
             closes_at, at, at)
        ],
        [(decision, "sms", message)],
    )  # fmt: skip


def zones(connection: Connection, patients: Sequence[int]) -> dict[int, str]:
    """patient -> the zone of their number."""
    found = among(connection, "SELECT id, phone_zone FROM patient WHERE id IN :ids", patients)
    return {row.id: row.phone_zone for row in found}
