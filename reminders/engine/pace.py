"""The last look at a provider's limit, when a message is about to leave.

The store hands out slots far enough apart (store/outbox.py). A process that was held up between
a slot and its message would send several at once: here each process waits until a second of its
own sending has room again.
"""

from collections import deque
from datetime import datetime, timedelta
from math import ceil

from reminders.clock import Clock
from reminders.services.compose import Route

SECOND = timedelta(seconds=1)


class Pace:
    """At most `rate` messages of one provider leave this process in any second."""

    def __init__(self, route: Route) -> None:
        self._most = max(1, ceil(route.rate))
        self._limited = route.rate > 0
        self._left: deque[datetime] = deque(maxlen=self._most)

    async def turn(self, slot: datetime, clock: Clock) -> datetime:
        """Wait for the slot, and for room; the moment at which the message may leave."""
        await clock.sleep_until(slot)
        while self._limited and len(self._left) == self._most:
            free = self._left[0] + SECOND
            if clock.now() >= free:
                break
            await clock.sleep_until(free)
        now = clock.now()
        self._left.append(now)
        return now
