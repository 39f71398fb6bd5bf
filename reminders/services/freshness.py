"""How old is what we know? A source that fell silent holds what it would send (DESIGN R7)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.marking import filled
from reminders.services.feed_words import SILENT
from reminders.services.hold import place_hold
from reminders.store import holds, sources
from reminders.store.engine import Connection, Store
from reminders.store.types import instant, micros

UNREAD_MINUTES = 26 * 60.0  # limit of a source the configuration no longer names


def hold_if_stale(
    connection: Connection,
    source: str,
    limit_minutes: float,
    zone: ZoneInfo,
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
    if not _is_stale(connection, source, last, limit_minutes, now) or not (last or refused):
        return False
    sentence = refused
    if last is not None:
        moment = f"{last.astimezone(zone):%d/%m/%Y à %H:%M}"
        sentence = filled(SILENT, source=source, moment=moment)
    return place_hold(connection, source, "stale", sentence, now=now, by="reminders")


def _is_stale(
    connection: Connection, source: str, last: datetime | None, minutes: float, now: datetime
) -> bool:
    vouched = instant(holds.released_last(connection, source, "stale"))
    return now - max(last or vouched, vouched) > timedelta(minutes=minutes)


def stale_sources(store: Store, limits: Mapping[str, float], *, now: datetime) -> list[str]:
    """Sources too old to act on that nothing holds yet. `limits`: minutes, by configured source.

    A source nobody reads any more but whose appointments are still to come has a limit too.
    """
    with store.read() as connection:
        known = {row.id: row for row in sources.all_of(connection)}
        unread = set(sources.coming(connection, micros(now))) - set(limits)
        ages = {name: limits[name] for name in limits if name in known}
        ages |= dict.fromkeys(unread, UNREAD_MINUTES)
        held = {row.source_id for row in holds.active(connection) if row.code == "stale"}
        return [
            name
            for name, minutes in sorted(ages.items())
            if name not in held
            and known[name].last_as_of is not None
            and _is_stale(connection, name, instant(known[name].last_as_of), minutes, now)
        ]


def hold_stale(
    store: Store, limits: Mapping[str, float], stale: list[str], zone: ZoneInfo, *, now: datetime
) -> int:
    """Hold those of these sources that still are stale: how many holds are new."""
    if not stale:
        return 0
    with store.write() as connection:
        return sum(
            hold_if_stale(connection, name, limits.get(name, UNREAD_MINUTES), zone, now=now)
            for name in stale
        )
