"""Patients' links: found by the hash of their token, and what their message told."""

from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import Connection

from reminders.store.answers import CURRENT_ANSWER, STATUS_TOLD
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


# How often one kind of remark was made about the appointment as it stands.
_TIMES = (
    "(SELECT COUNT(*) FROM answer w WHERE w.appointment_id = ap.id AND w.cycle = ap.version "
    "AND w.kind = '{kind}' AND w.undone_at IS NULL)"
)


def visits(connection: Connection, message: int) -> Sequence[Record]:
    """The appointments a message told, as they stand; `undo_id`: the answer that can be undone."""
    return rows(
        connection,
        "SELECT ap.id, ap.version, t.cycle AS told_cycle, ap.starts_at, "
        f"{STATUS_TOLD} AS status, ap.uf, ap.kind, ap.duration_minutes, "
        f"{CURRENT_ANSWER} AS answer, "
        "(SELECT MAX(w.id) FROM answer w WHERE w.appointment_id = ap.id AND w.cycle = ap.version "
        " AND w.kind = 'cancelled' AND w.settled_at IS NULL AND w.undone_at IS NULL "
        " AND w.superseded_at IS NULL) AS undo_id, "
        "(SELECT MAX(w.effective_at) FROM answer w WHERE w.appointment_id = ap.id "
        " AND w.cycle = ap.version AND w.kind = 'cancelled' AND w.undone_at IS NULL "
        " AND w.superseded_at IS NULL) AS effective_at, "
        f"{_TIMES.format(kind='read')} AS times_read, "
        f"{_TIMES.format(kind='question')} AS times_asked, "
        f"{_TIMES.format(kind='not-me')} AS times_not_me "
        "FROM (SELECT d.appointment_id, MAX(d.cycle) AS cycle FROM attempt a "
        " JOIN told d ON d.attempt_id = a.id WHERE a.message_id = :message "
        " GROUP BY d.appointment_id) t "
        "JOIN appointment ap ON ap.id = t.appointment_id ORDER BY ap.starts_at, ap.id",
        message=message,
    )


def take_try(connection: Connection, link: int, *, most: int) -> bool:
    """Use up one of the tries a link has; False if none is left, however many come at once."""
    found = rows(
        connection,
        "UPDATE link SET tries = tries + 1 WHERE id = :id AND tries < :most RETURNING tries",
        id=link,
        most=most,
    )
    return bool(found)


def give_back_try(connection: Connection, link: int) -> None:
    """A right birth date costs no try."""
    run(connection, "UPDATE link SET tries = tries - 1 WHERE id = :id", id=link)


def speak(connection: Connection, patient: int, language: str) -> None:
    """The language the patient chose: messages and pages use it from now on."""
    run(
        connection,
        "UPDATE patient SET spoken = :language, dirty = 1 WHERE id = :id AND spoken <> :language",
        language=language,
        id=patient,
    )
