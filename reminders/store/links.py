"""Patients' links: found by the hash of their token, and what their message told."""

from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection

from reminders.store.answers import CURRENT_ANSWER
from reminders.store.engine import Record, insert_rows, reserve, rows, run


def token_hash(token: str) -> bytes:
    """All that is stored of a link's token: 128 random bits need no salt."""
    return sha256(token.encode()).digest()


def add(
    connection: Connection,
    links: Sequence[tuple[bytes, int, str, int]],
    *,
    at: int,
) -> None:
    """(token hash, message, purpose, expiry) of texts about to leave."""
    if not links:
        return
    first = reserve(connection, "link", len(links))
    insert_rows(
        connection,
        "link",
        ("id", "token_hash", "message_id", "purpose", "created_at", "expires_at"),
        [
            (first + n, token, message, purpose, at, until)
            for n, (token, message, purpose, until) in enumerate(links)
        ],
    )


def find(
    connection: Connection, token: bytes, *, now: int, purpose: str = "answer"
) -> Record | None:
    """A link that is still valid, with the person its message is about. One made for another
    purpose is none."""
    found = rows(
        connection,
        "SELECT l.id, l.message_id, l.purpose, l.tries, l.expires_at, m.language, m.site_id, "
        "m.recipient, m.recipient_key, m.channel, p.id AS patient_id, p.birth_date, p.spoken "
        "FROM link l JOIN message m ON m.id = l.message_id JOIN patient p ON p.id = m.patient_id "
        "WHERE l.token_hash = :token AND l.purpose = :purpose AND l.expires_at > :now "
        "AND p.deceased = 0",
        token=token,
        purpose=purpose,
        now=now,
    )
    return found[0] if found else None


def visits(connection: Connection, message: int) -> Sequence[Record]:
    """The appointments a message told, as they stand; `undo_id`: the answer that can be undone."""
    return rows(
        connection,
        "SELECT DISTINCT ap.id, ap.version, t.cycle AS told_cycle, ap.starts_at, ap.status, "
        f"ap.uf, ap.kind, ap.duration_minutes, {CURRENT_ANSWER} AS answer, "
        "(SELECT MAX(w.id) FROM answer w WHERE w.appointment_id = ap.id AND w.cycle = ap.version "
        " AND w.kind = 'cancelled' AND w.settled_at IS NULL AND w.undone_at IS NULL "
        " AND w.superseded_at IS NULL) AS undo_id, "
        "(SELECT MAX(w.effective_at) FROM answer w WHERE w.appointment_id = ap.id "
        " AND w.cycle = ap.version AND w.kind = 'cancelled' AND w.undone_at IS NULL "
        " AND w.superseded_at IS NULL) AS effective_at, "
        "(SELECT COUNT(*) FROM answer w WHERE w.appointment_id = ap.id AND w.cycle = ap.version "
        " AND w.kind = 'read') AS times_read "
        "FROM attempt a JOIN told t ON t.attempt_id = a.id "
        "JOIN appointment ap ON ap.id = t.appointment_id WHERE a.message_id = :message "
        "ORDER BY ap.starts_at, ap.id",
        message=message,
    )


def count_try(connection: Connection, link: int) -> int:
    """One more wrong birth date: how many there were."""
    found = rows(
        connection, "UPDATE link SET tries = tries + 1 WHERE id = :id RETURNING tries", id=link
    )
    return int(found[0].tries)


def speak(connection: Connection, patient: int, language: str) -> None:
    """The language the patient chose: messages and pages use it from now on."""
    run(
        connection,
        "UPDATE patient SET spoken = :language, dirty = 1 WHERE id = :id AND spoken <> :language",
        language=language,
        id=patient,
    )
