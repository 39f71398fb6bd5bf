"""Figures kept for a moment, so that many readers cost one computation."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 200  # keys; the oldest figures leave first


@dataclass(frozen=True, slots=True)
class Measured(Generic[T]):
    at: datetime
    value: T


class Remembered(Generic[T]):
    """By key, for `lasting`. Of several who need the same new figures one computes them."""

    def __init__(self, lasting: timedelta) -> None:
        self._lasting = lasting
        self._found: dict[Hashable, Measured[T]] = {}
        self._locks: dict[Hashable, Lock] = {}
        self._guard = Lock()

    def get(self, key: Hashable, make: Callable[[], T], *, now: datetime) -> Measured[T]:
        with self._guard:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            known = self._found.get(key)
            if known is not None and timedelta(0) <= now - known.at < self._lasting:
                return known
            fresh = Measured(now, make())
            self._keep(key, fresh)
            return fresh

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
