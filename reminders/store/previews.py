"""Pages of what waits and of what will not be sent, by keyset."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows


def waiting(
    connection: Connection, now: int, after: tuple[int, int], limit: int
) -> Sequence[Record]:
    """Messages to patients not yet sent and not yet past, by moment."""
    return rows(
        connection,
        "SELECT m.id, m.kind, m.channel, m.state, m.patient_id, m.recipient, m.relation, "
        "m.purpose, m.language, m.opens_at, m.closes_at, m.retries, "
        "(SELECT MIN(d.step) FROM message_item i JOIN decision d ON d.id = i.decision_id "
        " WHERE i.message_id = m.id) AS step "
        "FROM message m WHERE m.state IN ('PLANNED', 'HELD') AND m.closes_at > :now "
        "AND m.kind <> 'test' "
        "AND (m.opens_at > :moment OR (m.opens_at = :moment AND m.id > :id)) "
        "ORDER BY m.opens_at, m.id LIMIT :limit",
        now=now,
        moment=after[0],
        id=after[1],
        limit=limit,
    )


def suppressed(connection: Connection, now: int, after: int, limit: int) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT d.id, d.step, d.purpose, d.reason, d.opens_at, d.closes_at, a.external_id "
        "FROM decision d JOIN appointment a ON a.id = d.appointment_id AND a.version = d.cycle "
        "WHERE d.state = 'SUPPRESSED' AND a.starts_at > :now AND d.id > :after "
        "ORDER BY d.id LIMIT :limit",
        now=now,
        after=after,
        limit=limit,
    )
