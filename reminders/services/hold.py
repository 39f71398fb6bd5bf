"""Holding and releasing: sending waits for a person, who sees what would leave."""

from datetime import datetime

import structlog

from reminders.store import facts, holds
from reminders.store.engine import Connection, Store
from reminders.store.types import micros

log = structlog.get_logger()


def place_hold(
    connection: Connection,
    source: str,
    code: str,
    sentence: str,
    *,
    now: datetime,
    by: str,
    feed_hash: str = "",
) -> bool:
    """Hold one source, or everything for source "". The same hold twice is one; True if new."""
    return holds.place(
        connection, source, code, sentence, now=micros(now), by=by, feed_hash=feed_hash
    )


def hold_everything(store: Store, sentence: str, *, now: datetime, by: str) -> bool:
    with store.write() as connection:
        facts.audit(connection, at=micros(now), actor=by, action="hold")
        return place_hold(connection, "", "manual", sentence, now=now, by=by)


def release_holds(store: Store, *, now: datetime, by: str) -> tuple[int, int]:
    """End every hold, by name: (messages back to planned, messages whose moment has passed)."""
    at = micros(now)
    with store.write() as connection:
        back, late = holds.release_all(connection, now=at, by=by)
        facts.audit(connection, at=at, actor=by, action="release", back=back, late=late)
    log.warning("holds released", back=back, late=late)
    return back, late
