"""The only module that reads the time. Everything else takes `now` as an argument."""

import asyncio
import time as _time
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware, UTC."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return once `now() >= moment`; at once if it already is."""


def aware(moment: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime refused: an instant needs its zone")
    return moment.astimezone(UTC)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))


class OffsetClock:
    """A clock set to another instant that goes on in real time; it can pause and jump forward."""

    def __init__(self, start: datetime) -> None:
        self._lock = Lock()
        self._base = aware(start)
        self._since: float | None = _time.monotonic()

    def now(self) -> datetime:
        with self._lock:
            return self._base + self._elapsed()

    def _elapsed(self) -> timedelta:
        return timedelta(0 if self._since is None else (_time.monotonic() - self._since) / 86_400)

    def pause(self) -> None:
        with self._lock:
            self._base, self._since = self._base + self._elapsed(), None

    def resume(self) -> None:
        with self._lock:
            if self._since is None:
                self._since = _time.monotonic()

    @property
    def paused(self) -> bool:
        return self._since is None

    def jump_to(self, moment: datetime) -> None:
        """Move forward to `moment`; a moment already past changes nothing."""
        with self._lock:
            present = self._base + self._elapsed()
            self._base = max(present, aware(moment))
            if self._since is not None:
                self._since = _time.monotonic()

    async def sleep_until(self, moment: datetime) -> None:
        while (left := (moment - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, 0.25))


class SimulatedClock:
    """A clock that stands still until moved: it jumps, it never runs faster than real work."""

    def __init__(self, start: datetime) -> None:
        self._now = aware(start)

    def now(self) -> datetime:
        return self._now

    def jump_to(self, moment: datetime) -> None:
        self._now = max(self._now, aware(moment))

    async def sleep_until(self, moment: datetime) -> None:
        self.jump_to(moment)
