"""Holding and releasing: sending waits for a person, who sees what would leave."""

from datetime import datetime

from sqlalchemy import Connection

from reminders.store import holds
from reminders.store.engine import Store
from reminders.store.types import micros


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
        return place_hold(connection, "", "manual", sentence, now=now, by=by)


def release(store: Store, *, now: datetime, by: str) -> tuple[int, int]:
    """End every hold: (messages back to planned, messages whose moment has passed)."""
    with store.write() as connection:
        return holds.release_all(connection, now=micros(now), by=by)
