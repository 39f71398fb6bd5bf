"""Figures kept for a moment, so that many readers cost one computation."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")
# Answers what is asked by key: counted now, or a moment ago.
Counting = Callable[[Hashable, Callable[[], T]], T]
MOST = 200  # keys; the oldest figures leave first


def at_once(_key: Hashable, count: Callable[[], T]) -> T:
    return count()


@dataclass(frozen=True, slots=True)
class Measured(Generic[T]):
    at: datetime
    value: T


class Resting(Generic[T]):
    """By key, for `times` as long as they took to make: that part of the time is spent on them at
    most. What took less than `least` is made again each time, so that a small hospital reads
    figures of this moment and a large one those of a few minutes ago, with their hour.
    """

    def __init__(self, times: int, least: timedelta = timedelta(0)) -> None:
        self._times = times
        self._least = least
        self._found: dict[Hashable, tuple[Measured[T], timedelta]] = {}
        self._guard = Lock()

    def get(
        self, key: Hashable, make: Callable[[], T], *, now: Callable[[], datetime]
    ) -> Measured[T]:
        with self._guard:  # of several who ask one makes them
            begun = now()
            if key in self._found:
                known, rests = self._found[key]
                if timedelta(0) <= begun - known.at < rests:
                    return known
            fresh = Measured(begun, make())
            took = now() - begun
            self._found[key] = fresh, self._times * took if took >= self._least else timedelta(0)
            return fresh


class Remembered(Generic[T]):
    """By key, for `lasting`. Of several who need the same new figures one computes them.

    `meanwhile`: figures no older than this are still given to whoever asks, while others are
    computed behind: nobody waits, and each figure says of when it is.
    """

    def __init__(self, lasting: timedelta, meanwhile: timedelta = timedelta(0)) -> None:
        self._lasting = lasting
        self._meanwhile = meanwhile
        self._found: dict[Hashable, Measured[T]] = {}
        self._locks: dict[Hashable, Lock] = {}
        self._guard = Lock()

    def get(self, key: Hashable, make: Callable[[], T], *, now: datetime) -> Measured[T]:
        with self._guard:
            lock = self._locks.setdefault(key, Lock())
            known = self._found.get(key)
        if known is not None and self._lasting <= now - known.at < self._meanwhile:
            self._renew(key, make, lock, now)
            return known
        with lock:
            known = self._found.get(key)
            if known is not None and timedelta(0) <= now - known.at < self._lasting:
                return known
            fresh = Measured(now, make())
            self._keep(key, fresh)
            return fresh

    def _renew(self, key: Hashable, make: Callable[[], T], lock: Lock, now: datetime) -> None:
        """Behind, unless somebody does it already."""

        def work() -> None:
            try:
                self._keep(key, Measured(now, make()))
            except Exception as error:  # the next who asks tries again
                log.warning("figures not renewed", error=type(error).__name__)
            finally:
                lock.release()

        if lock.acquire(blocking=False):
            Thread(target=work, name="figures", daemon=True).start()

    def forget(self) -> None:
        """What was remembered may be wrong: somebody changed it."""
        with self._guard:
            self._found.clear()

    def _keep(self, key: Hashable, fresh: Measured[T]) -> None:
        with self._guard:
            self._found[key] = fresh
            if len(self._found) > MOST:
                oldest = min(self._found, key=lambda one: self._found[one].at)
                del self._found[oldest]
                self._locks.pop(oldest, None)
