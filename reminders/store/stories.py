"""Everything the store holds about one appointment."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, rows


def find(connection: Connection, number: str) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT id, source_id, external_id, status, answer, starts_at, uf, version, version_at, "
        "first_seen_at, cancelled_at, cancelled_basis, attendance, attended_at, attended_by "
        "FROM appointment "
        "WHERE external_id = :number ORDER BY source_id",
        number=number,
    )


class Told:
    """Decisions, attempts, receipts, replies, answers, objections and tasks of one appointment,
    each oldest first."""

    def __init__(self, connection: Connection, appointment: int) -> None:
        self.decisions = rows(
            connection,
            "SELECT d.step, d.cycle, d.state, d.reason, d.opens_at, d.decided_at, i.channel, "
            "m.state AS message_state, m.reason AS message_reason FROM decision d "
            "LEFT JOIN message_item i ON i.decision_id = d.id "
            "LEFT JOIN message m ON m.id = i.message_id "
            "WHERE d.appointment_id = :id ORDER BY d.decided_at, d.id",
            id=appointment,
        )
        self.attempts = rows(
            connection,
            "SELECT a.reference, a.provider, a.address, a.state, a.code, a.started_at "
            "FROM told t JOIN attempt a ON a.id = t.attempt_id "
            "WHERE t.appointment_id = :id ORDER BY a.started_at, a.id",
            id=appointment,
        )
        self.receipts = rows(
            connection,
            "SELECT r.provider, r.state, r.code, r.received_at FROM told t "
            "JOIN receipt r ON r.attempt_id = t.attempt_id "
            "WHERE t.appointment_id = :id ORDER BY r.received_at, r.id",
            id=appointment,
        )
        self.replies = rows(
            connection,
            "SELECT n.received_at FROM told t JOIN inbound n ON n.attempt_id = t.attempt_id "
            "WHERE t.appointment_id = :id ORDER BY n.received_at, n.id",
            id=appointment,
        )
        self.answers = rows(
            connection,
            "SELECT w.kind, w.channel, w.actor, w.given_at, w.undone_at, b.state, b.code, "
            "b.done_at FROM answer w LEFT JOIN write_back b ON b.answer_id = w.id "
            "WHERE w.appointment_id = :id ORDER BY w.given_at, w.id",
            id=appointment,
        )
        self.objections = rows(
            connection,
            "SELECT o.channel, o.scope, o.origin, o.recorded_at, o.withdrawn_at FROM objection o "
            "JOIN appointment ap ON ap.id = :id WHERE (o.patient_id = ap.patient_id "
            "OR o.address_key IN (SELECT m.recipient_key FROM decision d "
            "JOIN message_item i ON i.decision_id = d.id JOIN message m ON m.id = i.message_id "
            "WHERE d.appointment_id = ap.id)) "
            "AND o.scope IN ('all', 'service:' || ap.uf, 'appointment:' || CAST(ap.id AS TEXT)) "
            "ORDER BY o.recorded_at, o.id",
            id=appointment,
        )
        self.tasks = rows(
            connection,
            "SELECT kind, sentence, created_at FROM task WHERE subject = :subject "
            "OR subject IN (SELECT 'message:' || CAST(i.message_id AS TEXT) FROM message_item i "
            "JOIN decision d ON d.id = i.decision_id WHERE d.appointment_id = :id) "
            "ORDER BY created_at, id",
            subject=f"appointment:{appointment}",
            id=appointment,
        )
