"""Two processes that wait for each other's rows on PostgreSQL: one is given up, and tries again."""

import asyncio
from threading import Barrier

import pytest

from reminders.engine.writer import Writer
from reminders.store.engine import Store, open_engine, run
from reminders.store.migrate import migrate


class Crossing:
    """Locks two pacers, in an order of its own; at the first try both hold one when they ask."""

    def __init__(self, store: Store, order: tuple[str, str], both: Barrier) -> None:
        self._store, self._order, self._both = store, order, both
        self.tries = 0

    def __call__(self) -> int:
        self.tries += 1
        with self._store.write() as connection:
            for number, name in enumerate(self._order):
                moved = "UPDATE pacer SET next_slot = next_slot + 1 WHERE provider = :name"
                run(connection, moved, name=name)
                if number == 0 and self.tries == 1:
                    self._both.wait(30)
        return self.tries


@pytest.mark.anyio
async def test_a_deadlock_is_tried_again(postgres: str) -> None:
    store = Store(open_engine(postgres))
    migrate(store)
    with store.write() as connection:
        for name in ("a", "b"):
            run(connection, "INSERT INTO pacer (provider, next_slot) VALUES (:name, 0)", name=name)
    both = Barrier(2)
    crossings = [Crossing(store, order, both) for order in (("a", "b"), ("b", "a"))]
    writers = [Writer(), Writer()]
    await asyncio.gather(*(w.call(c) for w, c in zip(writers, crossings, strict=True)))
    with store.read() as connection:
        assert run(connection, "SELECT 1 FROM pacer WHERE next_slot = 2") == 2
    assert max(crossing.tries for crossing in crossings) >= 2  # the deadlock did happen
    for writer in writers:
        writer.close()
    store.close()
