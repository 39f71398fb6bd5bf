"""One thread that does a process's database work, off the event loop and in order."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from reminders.errors import RepairNeeded

T = TypeVar("T")
COLLISIONS = 5  # in a row, before somebody is told
COLLIDED = frozenset({"DeadlockDetected", "SerializationFailure"})


class Writer:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` on the writer's thread; what it raises is raised here.

        Work asked for is done, even if whoever waits for it is cancelled meanwhile: an answer
        of a provider taken off the queue must not be dropped between two of its steps.
        """
        doing = asyncio.get_running_loop().run_in_executor(self._thread, again, work)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait([doing])
            raise

    def close(self) -> None:
        self._thread.shutdown(wait=True)


def again(work: Callable[[], T]) -> T:
    """Two processes waited for each other's rows and the server gave this one up: nothing of its
    transaction stays, and every work may be done twice. Done again."""
    for _ in range(COLLISIONS - 1):
        try:
            return work()
        except RepairNeeded as error:
            if not _collided(error):
                raise
    return work()


def _collided(error: RepairNeeded) -> bool:
    cause = error.__cause__  # SQLAlchemy's error around the driver's, or the driver's own
    return type(getattr(cause, "orig", None) or cause).__name__ in COLLIDED
