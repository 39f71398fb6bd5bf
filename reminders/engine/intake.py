"""What providers tell, stored in groups: callbacks that wait for a commit share the next one.

A durable commit waits for the disk, and a provider's receipts come by the dozen. Nobody waits
longer for it: the first is stored at once, and what comes meanwhile goes together.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from reminders.engine.writer import Writer
from reminders.ports import Received
from reminders.services.receive import Taken

MOST = 100  # callbacks in one transaction: the writer has others to serve

Store = Callable[[str, Received], Taken]


@dataclass(frozen=True, slots=True)
class _Waiting:
    provider: str
    received: Received
    stored: "asyncio.Future[Taken]"


class Intake:
    """`store` writes in one transaction and returns once it is durable."""

    def __init__(self, store: Store, writer: Writer) -> None:
        self._store = store
        self._writer = writer
        self._waiting: list[_Waiting] = []
        self._storing: asyncio.Task[None] | None = None

    async def take(self, provider: str, received: Received) -> Taken:
        """Durable when this returns. How much was new is told to one of those stored together,
        nothing to the others; what the store raises, to whoever it concerns."""
        one = _Waiting(provider, received, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        return await one.stored

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                group.sort(key=lambda one: one.provider)  # stable: each in the order it came
                for _, ours in groupby(group, key=lambda one: one.provider):
                    await self._store_group(list(ours))
        finally:
            self._storing = None

    async def _store_group(self, group: list[_Waiting]) -> None:
        """Together; if that fails each alone, so that none is refused for another's sake."""
        together = Received(
            receipts=tuple(receipt for one in group for receipt in one.received.receipts),
            replies=tuple(reply for one in group for reply in one.received.replies),
        )
        try:
            taken = await self._write(group[0].provider, together)
        except Exception as error:
            if len(group) == 1:
                _tell(group[0], error)
                return
            for one in group:
                await self._store_group([one])
            return
        for one in group:
            _tell(one, taken)
            taken = Taken()

    async def _write(self, provider: str, received: Received) -> Taken:
        return await self._writer.call(lambda: self._store(provider, received))


def _tell(one: _Waiting, result: Taken | Exception) -> None:
    if one.stored.done():  # whoever waited is gone; stored is stored
        return
    if isinstance(result, Exception):
        one.stored.set_exception(result)
    else:
        one.stored.set_result(result)
