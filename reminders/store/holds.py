"""Holds: rows that forbid sending until a person releases them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, reserve, rows, run
from reminders.store.planning import expire

# A message is held when one of its appointments comes from a held source, or all is held.
HELD_MESSAGE = (
    "EXISTS (SELECT 1 FROM hold h WHERE h.released_at IS NULL AND (h.source_id = '' OR "
    "h.source_id IN (SELECT a.source_id FROM message_item i "
    "JOIN decision d ON d.id = i.decision_id JOIN appointment a ON a.id = d.appointment_id "
    "WHERE i.message_id = message.id)))"
)


def place(
    connection: Connection,
    source: str,
    code: str,
    sentence: str,
    *,
    now: int,
    by: str,
    feed_hash: str,
) -> bool:
    """True if it is new; the same code for the same source and input is held once."""
    changed = run(
        connection,
        "INSERT INTO hold (id, source_id, code, feed_hash, sentence, placed_at, placed_by) "
        "SELECT :id, :source, :code, :feed_hash, :sentence, :now, :by WHERE NOT EXISTS "
        "(SELECT 1 FROM hold WHERE source_id = :source AND code = :code "
        "AND feed_hash = :feed_hash AND released_at IS NULL)",
        id=reserve(connection, "hold", 1),
        source=source,
        code=code,
        feed_hash=feed_hash,
        sentence=sentence,
        now=now,
        by=by,
    )
    return changed > 0


def active(connection: Connection) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT id, source_id, code, sentence, placed_at, placed_by FROM hold "
        "WHERE released_at IS NULL ORDER BY placed_at, id",
    )


def released_last(connection: Connection, source: str, code: str) -> int:
    """When a hold of this code on this source was last released; 0 for never."""
    found = rows(
        connection,
        "SELECT MAX(released_at) AS last FROM hold WHERE source_id = :source AND code = :code",
        source=source,
        code=code,
    )
    return int(found[0].last or 0)


def hold_due(connection: Connection, now: int) -> int:
    """Due messages a hold forbids become HELD, so that everybody sees them waiting."""
    if not rows(connection, "SELECT 1 FROM hold WHERE released_at IS NULL LIMIT 1"):
        return 0
    return run(
        connection,
        "UPDATE message SET state = 'HELD', updated_at = :now, reason = 'hold' "
        f"WHERE state = 'PLANNED' AND opens_at <= :now AND {HELD_MESSAGE}",
        now=now,
    )


def release_all(connection: Connection, *, now: int, by: str) -> tuple[int, int]:
    """End every hold. Held messages still useful are planned again, the others have expired:
    (how many of the former, of the latter)."""
    late = int(
        rows(
            connection,
            "SELECT COUNT(*) FROM message WHERE state = 'HELD' AND closes_at <= :now",
            now=now,
        )[0][0]
    )
    expire(connection, now)
    run(
        connection,
        "UPDATE source SET released_at = :now, released_by = :by WHERE released_at IS NULL "
        "AND id IN (SELECT source_id FROM hold WHERE released_at IS NULL AND code = 'first_run')",
        now=now,
        by=by,
    )
    # The layout a person accepted becomes the known one at the next feed.
    run(
        connection,
        "UPDATE source SET layout = '' WHERE id IN "
        "(SELECT source_id FROM hold WHERE released_at IS NULL AND code = 'header_changed')",
    )
    run(
        connection,
        "UPDATE hold SET released_at = :now, released_by = :by WHERE released_at IS NULL",
        now=now,
        by=by,
    )
    back = run(
        connection,
        "UPDATE message SET state = 'PLANNED', reason = '', updated_at = :now "
        "WHERE state = 'HELD' AND closes_at > :now",
        now=now,
    )
    return back, late
