"""Holding and releasing: sending waits for a person, who sees what would leave."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from reminders.store import facts, holds, sources
from reminders.store.engine import Connection, Store
from reminders.store.types import instant, micros

UNREAD_MINUTES = 26 * 60.0  # limit of a source the configuration no longer names


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
    new = holds.place(
        connection, source, code, sentence, now=micros(now), by=by, feed_hash=feed_hash
    )
    if new:
        log.warning("hold placed", source=source, code=code)
    return new


def hold_if_stale(
    connection: Connection,
    source: str,
    limit_minutes: float,
    *,
    now: datetime,
    refused: str = "",
) -> bool:
    """Hold a source whose last input is older than its limit; True if the hold is new.

    Who releases such a hold vouches for the data for as long again: a source that stays silent
    is held anew. One that speaks again stays held until somebody has looked.
    `refused`: the sentence of a newest input that was itself too old, where none came before.
    """
    last = sources.state(connection, source).last_as_of
    vouched = instant(holds.released_last(connection, source, "stale"))
    limit = timedelta(minutes=limit_minutes)
    if now - max(last or vouched, vouched) <= limit or (last is None and not refused):
        return False
    sentence = refused
    if last is not None:
        sentence = (
            f"La source « {source} » n'a rien donné de neuf depuis le "
            f"{last:%d/%m/%Y %H:%M} UTC : ses rendez-vous ont pu changer."
        )
    return place_hold(connection, source, "stale", sentence, now=now, by="reminders")


def hold_stale(store: Store, limits: Mapping[str, float], *, now: datetime) -> int:
    """How many sources have just gone stale. `limits`: minutes, by configured source.

    A source nobody reads any more but whose appointments are still to come has a limit too.
    """
    with store.read() as connection:
        known = dict.fromkeys(sources.coming(connection, micros(now)), UNREAD_MINUTES)
        known |= {
            source: limits[source] for source in limits if sources.is_known(connection, source)
        }
    if not known:
        return 0
    with store.write() as connection:
        return sum(
            hold_if_stale(connection, source, limit, now=now)
            for source, limit in sorted(known.items())
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
