"""Small facts owned by the database (table `setting`), and the audit."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import many, reserve, rows, run


def read(connection: Connection, key: str) -> str:
    """The value, "" if there is none."""
    found = rows(connection, "SELECT value FROM setting WHERE key = :key", key=key)
    return str(found[0].value) if found else ""


def add(connection: Connection, key: str, value: str) -> None:
    """Write it unless it is there."""
    run(
        connection,
        "INSERT INTO setting (key, value) VALUES (:key, :value) ON CONFLICT (key) DO NOTHING",
        key=key,
        value=value,
    )


def replace(connection: Connection, key: str, value: str) -> bool:
    """Write it; True if it was another before."""
    changed = run(
        connection,
        "INSERT INTO setting (key, value) VALUES (:key, :value) ON CONFLICT (key) "
        "DO UPDATE SET value = excluded.value WHERE setting.value <> excluded.value",
        key=key,
        value=value,
    )
    return changed > 0


def audit(
    connection: Connection, *, at: int, actor: str, action: str, subject: str = "", **detail: object
) -> None:
    """Append one line: who did what. `detail` holds counts and codes only."""
    run(
        connection,
        "INSERT INTO audit (id, at, actor, action, subject, detail) "
        "VALUES (:id, :at, :actor, :action, :subject, :detail)",
        id=reserve(connection, "audit", 1),
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=json.dumps(detail, ensure_ascii=False) if detail else "",
    )


def note_many(
    connection: Connection,
    first: int,
    notes: Sequence[tuple[str, str, str]],
    *,
    at: int,
    actor: str,
) -> None:
    """Append lines (action, subject, detail) under keys that are theirs already."""
    many(
        connection,
        "INSERT INTO audit (id, at, actor, action, subject, detail) "
        "VALUES (:id, :at, :actor, :action, :subject, :detail)",
        [
            {
                "id": first + place,
                "at": at,
                "actor": actor,
                "action": action,
                "subject": subject,
                "detail": json.dumps({"note": detail}, ensure_ascii=False) if detail else "",
            }
            for place, (action, subject, detail) in enumerate(notes)
        ],
    )
