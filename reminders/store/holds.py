"""Holds: rows that forbid sending until a person releases or discards them."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, insert_rows, listed, reserve, rows, run
from reminders.store.planning import UNFINISHED, expire, mark_patients_of

# A message is held when one of its appointments comes from a held source, or all is held.
HELD_MESSAGE = (
    "EXISTS (SELECT 1 FROM hold h WHERE h.released_at IS NULL AND (h.source_id = '' OR "
    "h.source_id IN (SELECT a.source_id FROM message_item i "
    "JOIN decision d ON d.id = i.decision_id JOIN appointment a ON a.id = d.appointment_id "
    "WHERE i.message_id = message.id)))"
)


# What one hold waits with: the messages about its source, or all of them.
OF_SOURCE = (
    "(:source = '' OR EXISTS (SELECT 1 FROM message_item i JOIN decision d ON d.id = i.decision_id "
    "JOIN appointment a ON a.id = d.appointment_id WHERE i.message_id = message.id "
    "AND a.source_id = :source))"
)
# Messages that are due and wait, each arm by its own index.
DUE = (
    f"SELECT id FROM message WHERE {UNFINISHED} AND state = 'HELD' AND closes_at > :now "
    "UNION ALL SELECT id FROM message WHERE state = 'PLANNED' AND channel IN ('sms', 'email') "
    "AND opens_at <= :now AND closes_at > :now"
)
COLUMNS = (
    "id, source_id, code, feed_hash, sentence, placed_at, placed_by, released_at, released_by, "
    "evidence, ended"
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
    evidence: str = "",
    samples: Sequence[tuple[int, str, int | None]] = (),
) -> bool:
    """True if it is new; the same code for the same source and input is held once.

    `samples`: (appointment, fate, start the feed tells) of some that it is about.
    """
    number = reserve(connection, "hold", 1)
    changed = run(
        connection,
        "INSERT INTO hold (id, source_id, code, feed_hash, sentence, placed_at, placed_by, "
        "evidence) "
        "SELECT :id, :source, :code, :feed_hash, :sentence, :now, :by, :evidence WHERE NOT EXISTS "
        "(SELECT 1 FROM hold WHERE source_id = :source AND code = :code "
        "AND feed_hash = :feed_hash AND released_at IS NULL)",
        id=number,
        source=source,
        code=code,
        feed_hash=feed_hash,
        sentence=sentence,
        now=now,
        by=by,
        evidence=evidence,
    )
    if changed:
        insert_rows(
            connection,
            "hold_sample",
            ("hold_id", "appointment_id", "fate", "starts_at"),
            [(number, *sample) for sample in samples],
        )
    return changed > 0


def active(connection: Connection) -> Sequence[Record]:
    return rows(
        connection,
        f"SELECT {COLUMNS} FROM hold WHERE released_at IS NULL ORDER BY placed_at, id",
    )


_OVER = (
    f"SELECT {COLUMNS} FROM hold WHERE released_at IS NULL AND (source_id = '' OR source_id IN "
    "(SELECT a.source_id FROM appointment a WHERE a.id IN {0})) ORDER BY placed_at, id"
)

# How many of them there are for one appointment `a`.
HOLDS = (
    "(SELECT COUNT(*) FROM hold h WHERE h.released_at IS NULL AND h.source_id IN ('', a.source_id))"
)


# The first of them, if any.
FIRST_HOLD = (
    "(SELECT h.id FROM hold h WHERE h.released_at IS NULL "
    "AND h.source_id IN ('', a.source_id) ORDER BY h.placed_at, h.id LIMIT 1)"
)


def over(connection: Connection, appointments: Sequence[int]) -> Sequence[Record]:
    """The holds in force that keep back what is written about these appointments."""
    found: Sequence[Record] = listed(connection, _OVER.format(":ids"), appointments or [0]).all()
    return found


def over_writing(connection: Connection, writing: int) -> Sequence[Record]:
    """The same, of the appointments staff wrote about at once."""
    about = "(SELECT l.appointment_id FROM writing_line l WHERE l.writing_id = :writing)"
    return rows(connection, _OVER.format(about), writing=writing)


def occasion(connection: Connection, hold: int, *, lock: bool = False) -> Sequence[Record]:
    """A hold and those placed with it, for the same input at the same moment; that one first.
    `lock`: nobody else ends them before our commit."""
    waits = " FOR UPDATE" if lock and connection.dialect.name != "sqlite" else ""
    return rows(
        connection,
        f"SELECT {COLUMNS} FROM hold WHERE (source_id, feed_hash, placed_at) = "
        "(SELECT source_id, feed_hash, placed_at FROM hold WHERE id = :id) "
        f"ORDER BY CASE WHEN id = :id THEN 0 ELSE 1 END, id{waits}",
        id=hold,
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
        "WHERE state = 'PLANNED' AND channel IN ('sms', 'email') AND opens_at <= :now "
        f"AND {HELD_MESSAGE}",
        now=now,
    )


def release_all(connection: Connection, *, now: int, by: str) -> tuple[int, int]:
    """End every hold: see `end`."""
    return end(connection, [row.id for row in active(connection)], "released", now=now, by=by)


def end(
    connection: Connection, ids: Sequence[int], how: str, *, now: int, by: str
) -> tuple[int, int]:
    """End these holds, `how` released or discarded. Held messages that are still useful and that
    nothing else holds are planned again, the late ones expire: (how many of the former, of the
    latter). Of two people at once the second changes nothing."""
    late = int(
        rows(
            connection,
            f"SELECT COUNT(*) FROM message WHERE {UNFINISHED} AND state = 'HELD' "
            "AND closes_at <= :now",
            now=now,
        )[0][0]
    )
    expire(connection, now)
    if ids and how == "released":
        _let_through(connection, ids, now=now, by=by)
    if ids:
        listed(
            connection,
            "UPDATE hold SET released_at = :now, released_by = :by, ended = :how "
            "WHERE released_at IS NULL AND id IN :ids",
            ids,
            now=now,
            by=by,
            how=how,
        )
    back = run(
        connection,
        "UPDATE message SET state = 'PLANNED', reason = '', updated_at = :now "
        f"WHERE {UNFINISHED} AND state = 'HELD' AND closes_at > :now AND NOT {HELD_MESSAGE}",
        now=now,
    )
    return back, late


def _let_through(connection: Connection, ids: Sequence[int], *, now: int, by: str) -> None:
    listed(
        connection,
        "UPDATE source SET released_at = :now, released_by = :by WHERE released_at IS NULL "
        "AND id IN (SELECT source_id FROM hold WHERE released_at IS NULL AND code = 'first_run' "
        "AND id IN :ids)",
        ids,
        now=now,
        by=by,
    )
    # The layout a person accepted becomes the known one at the next feed.
    listed(
        connection,
        "UPDATE source SET layout = '' WHERE id IN (SELECT source_id FROM hold "
        "WHERE released_at IS NULL AND code = 'header_changed' AND id IN :ids)",
        ids,
    )


# --- what one hold waits with --------------------------------------------------------------------


def cancel_held(connection: Connection, source: str, *, now: int) -> int:
    """Due messages about a source that wait will never leave; the hold stays."""
    due = f"id IN ({DUE}) AND state IN ('HELD', 'PLANNED') AND {OF_SOURCE}"
    mark_patients_of(connection, due, source=source, now=now)
    return run(
        connection,
        "UPDATE message SET state = 'CANCELLED', reason = 'discarded', updated_at = :now "
        f"WHERE {due}",
        source=source,
        now=now,
    )


def was_discarded(connection: Connection, source: str, content_hash: str) -> Record | None:
    """The hold with which somebody discarded this very input."""
    if not content_hash:
        return None
    found = rows(
        connection,
        "SELECT released_at, released_by FROM hold WHERE source_id = :source "
        "AND feed_hash = :hash AND ended = 'discarded' ORDER BY released_at DESC LIMIT 1",
        source=source,
        hash=content_hash,
    )
    return found[0] if found else None
