"""The send brake: a loop stops within one batch, whatever made it (DESIGN R12, ADR 0020).

Two rules. More messages within an hour than four weeks make likely hold everything, until a
person has looked. And no text about an appointment leaves a third time for one address within a
day.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from reminders.domain.guard import BRAKE_DAYS, BRAKED, REPEATS, Brake, hourly_limit
from reminders.domain.marking import filled
from reminders.services.compose import Composed
from reminders.services.hold import place_hold
from reminders.store import braking
from reminders.store.braking import Same, hour_of
from reminders.store.engine import Connection
from reminders.store.types import DAY, HOUR, instant, micros

log = structlog.get_logger()

CODE = "brake"
KEPT = BRAKE_DAYS + 1  # days of counts


class SendBrake:
    """One process's view; what it counts is in the store, of all processes."""

    def __init__(self, brake: Brake, zone: ZoneInfo) -> None:
        self._brake = brake
        self._zone = zone
        self._known: tuple[int, list[int], list[int]] | None = None

    def room(self, connection: Connection, *, now: datetime) -> int | None:
        """How many messages may leave before the hour is unlikely; None: as many as will."""
        number, limit = self._now(connection, micros(now))
        return None if limit is None else max(0, limit - number)

    def hold(self, connection: Connection, *, now: datetime) -> None:
        """Something waits and there is no room: everything is held from here on."""
        number, limit = self._now(connection, micros(now))
        sentence = filled(BRAKED, number=number, limit=limit)
        if place_hold(connection, "", CODE, sentence, now=now, by="reminders"):
            log.error("sending braked", number=number, limit=limit)

    def _now(self, connection: Connection, at: int) -> tuple[int, int | None]:
        """What left within this hour, and the limit; releases only matter once it is reached."""
        hour = hour_of(at)
        number, limit = braking.sent_in(connection, hour), self._limit(connection, hour)
        if limit is not None and number >= limit:
            released = braking.releases(connection, CODE, at - DAY)
            limit = self._limit(connection, hour, released)
        return number, limit

    def _limit(self, connection: Connection, hour: int, released: int = 0) -> int | None:
        if self._known is None or self._known[0] != hour:
            self._known = (hour, *self._look_back(connection, hour))
        _, same, busiest = self._known
        return hourly_limit(same, busiest, self._brake, released=released)

    def _look_back(self, connection: Connection, hour: int) -> tuple[list[int], list[int]]:
        """What left at this civil hour of each day, and in the busiest hour of those with any.
        Not of today: what a person let through would raise the limit they doubled."""
        sent = braking.history(connection, hour - KEPT * DAY, hour)
        civil = instant(hour).astimezone(self._zone)  # less a day: the same hour there
        days: dict[date, int] = {}
        for one, number in sent.items():
            day = instant(one).astimezone(self._zone).date()
            if day < civil.date():
                days[day] = max(days.get(day, 0), number)
        before = [hour_of(micros(civil - timedelta(days=n))) for n in _DAYS]
        return [sent.get(one, 0) for one in before], list(days.values())

    def count(self, connection: Connection, moments: Iterable[datetime], *, gone: bool) -> None:
        """Messages that leave at these moments; not `gone`: that turned out not to have left.
        The last thing a transaction does: all processes count in one row."""
        hours = Counter(hour_of(micros(one)) for one in moments)
        braking.count(connection, {one: n if gone else -n for one, n in hours.items()})
        if gone and hours:
            braking.forget(connection, min(hours) - KEPT * DAY - HOUR)

    def again(
        self, connection: Connection, texts: Sequence[Composed], *, now: datetime
    ) -> list[Composed]:
        """Those that left as often as one text may, for the same address within a day. What a
        person writes is theirs to write again."""
        about = sorted({one[0] for text in texts for one in text.told})
        told = braking.told_since(connection, about, micros(now) - DAY)
        return [
            text
            for text in texts
            if text.told
            and text.kind != "staff"
            and all(told.get(one, 0) >= REPEATS for one in _same(text))
        ]


_DAYS = range(1, BRAKE_DAYS + 1)


def _same(text: Composed) -> list[Same]:
    return [(key, cycle, text.address, text.version_id) for key, cycle, _, _ in text.told]
