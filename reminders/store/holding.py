"""What a person looks at before releasing or discarding a hold."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, listed, rows
from reminders.store.holds import COLUMNS, DUE
from reminders.store.lists import Ufs
from reminders.store.outbox import SAID_OF_SESSION
from reminders.store.planning import UNFINISHED
from reminders.store.worklist import scoped

SHOWN = 10
MOST_HELD = 200  # holds in force on one page: each source has a few

# Of a hold h: the messages m about its source, or all of them.
_WITH = (
    "(h.source_id = '' OR EXISTS (SELECT 1 FROM message_item i JOIN decision d "
    "ON d.id = i.decision_id JOIN appointment a ON a.id = d.appointment_id "
    "WHERE i.message_id = m.id AND a.source_id = h.source_id))"
)
_DUE = f"m.id IN ({DUE})"


def page(connection: Connection, after: tuple[int, int] | None, limit: int) -> Sequence[Record]:
    """Holds in force, oldest first, then those that ended, newest first."""
    moment, key = after or (0, 0)
    ended = (
        "released_at IS NOT NULL AND (:moment = 0 OR (released_at, id) < (:moment, :key)) "
        "ORDER BY released_at DESC, id DESC LIMIT :limit"
    )
    held = (
        ""
        if after
        else (f"SELECT {COLUMNS}, 0 AS place FROM hold WHERE released_at IS NULL UNION ALL ")
    )
    return rows(
        connection,
        f"SELECT * FROM ({held}SELECT * FROM (SELECT {COLUMNS}, 1 AS place FROM hold "
        f"WHERE {ended}) ended) found ORDER BY place, COALESCE(released_at, -placed_at) DESC, "
        "id DESC LIMIT :most",
        moment=moment,
        key=key,
        limit=limit,
        most=limit + MOST_HELD,
    )


def occasion(
    connection: Connection, hold: int, now: int, until: int, ufs: Ufs = None
) -> Sequence[Record]:
    """A hold and those placed with it, that one first; with each what waits because of it:
    `held` messages are due, `late` ones wait for nothing any more, `later` ones are due between
    now and `until`. `beyond`: its source tells of coming appointments outside `ufs`."""
    beyond = (
        "0"
        if ufs is None
        else (
            "(SELECT COUNT(*) FROM (SELECT 1 FROM appointment a WHERE a.starts_at > :now "
            "AND a.status = 'booked' AND (h.source_id = '' OR a.source_id = h.source_id) "
            "AND NOT (a.uf IN :ids) LIMIT 1) others)"
        )
    )
    return scoped(
        connection,
        f"SELECT {COLUMNS}, "
        f"(SELECT COUNT(*) FROM message m WHERE {_DUE} AND {_WITH}) AS held, "
        f"(SELECT COUNT(*) FROM message m WHERE m.{UNFINISHED} AND m.state = 'HELD' "
        f"AND m.closes_at <= :now AND {_WITH}) AS late, "
        "(SELECT COUNT(*) FROM message m WHERE m.state = 'PLANNED' "
        "AND m.channel IN ('sms', 'email') AND m.opens_at > :now "
        f"AND m.opens_at < :until AND m.closes_at > :now AND {_WITH}) AS later, "
        f"{beyond} AS beyond FROM hold h WHERE (source_id, feed_hash, placed_at) = "
        "(SELECT source_id, feed_hash, placed_at FROM hold WHERE id = :id) "
        "ORDER BY CASE WHEN id = :id THEN 0 ELSE 1 END, id",
        None if ufs is None else sorted(ufs) or [""],
        id=hold,
        now=now,
        until=until,
    )


def samples(connection: Connection, ids: Sequence[int]) -> Sequence[Record]:
    """The appointments kept of these holds, each once, with what we hold of them now."""
    if not ids:
        return []
    found: Sequence[Record] = listed(
        connection,
        "SELECT s.appointment_id AS id, s.fate, s.starts_at AS told, ap.starts_at, ap.uf, "
        "ap.status, p.family, p.given FROM hold_sample s "
        "JOIN appointment ap ON ap.id = s.appointment_id "
        "LEFT JOIN patient p ON p.id = ap.patient_id "
        "WHERE s.hold_id = (SELECT MIN(x.hold_id) FROM hold_sample x "
        "WHERE x.appointment_id = s.appointment_id AND x.hold_id IN :ids) "
        "ORDER BY ap.starts_at, ap.id",
        ids,
    ).all()
    return found


def messages(
    connection: Connection, source: str, now: int, ufs: Ufs, limit: int = SHOWN
) -> Sequence[Record]:
    """The next messages that wait because of a hold on this source ("": all), one row for each
    appointment they are about, as the composer needs both. `shared`: other patients have the
    same number."""
    mine = (
        ""
        if ufs is None
        else (
            " AND NOT EXISTS (SELECT 1 FROM message_item i JOIN decision d ON d.id = i.decision_id "
            "JOIN appointment a ON a.id = d.appointment_id WHERE i.message_id = m.id "
            "AND NOT (a.uf IN :ids))"
        )
    )
    return scoped(
        connection,
        "SELECT m.id AS message, m.kind AS message_kind, m.channel, m.recipient, m.relation, "
        "m.purpose, m.language, m.opens_at, m.closes_at, m.retries, d.step, "
        "a.id AS appointment_id, a.version, a.starts_at, a.uf, a.kind, a.external_id, "
        "a.duration_minutes, p.id AS patient_id, p.given, p.family, CASE WHEN m.channel = 'sms' "
        "AND (EXISTS (SELECT 1 FROM patient q WHERE q.phone = m.recipient AND q.id <> p.id) "
        "OR EXISTS (SELECT 1 FROM patient q WHERE q.proxy_phone = m.recipient AND q.id <> p.id)) "
        "THEN 1 ELSE 0 END AS shared, "
        "(SELECT t.starts_at FROM told t JOIN attempt b ON b.id = t.attempt_id "
        " JOIN message o ON o.id = b.message_id WHERE t.appointment_id = a.id "
        " AND o.patient_id = a.patient_id AND b.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED') "
        " ORDER BY b.started_at DESC, b.id DESC LIMIT 1) AS told_before, "
        f"{SAID_OF_SESSION} "
        "FROM (SELECT m.* FROM message m JOIN (SELECT CAST(:source AS TEXT) AS source_id) h "
        f"ON 1 = 1 WHERE {_DUE} AND {_WITH}{mine} ORDER BY m.opens_at, m.id LIMIT :limit) m "
        "JOIN message_item x ON x.message_id = m.id JOIN decision d ON d.id = x.decision_id "
        "JOIN appointment a ON a.id = d.appointment_id JOIN patient p ON p.id = a.patient_id "
        "ORDER BY m.opens_at, m.id, a.starts_at, a.id",
        None if ufs is None else sorted(ufs) or [""],
        source=source,
        now=now,
        limit=limit,
    )
