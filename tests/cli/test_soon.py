"""What a page changed is looked at now, not at the next bell."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

from reminders.cli.bells import Soon


@dataclass
class Tasks:
    """Stands for the tasks of a process; the first `failing` looks fail."""

    failing: int = 0
    looks: int = 0
    plans: int = 0
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    async def answers(self) -> int:
        self.looks += 1
        await self.slow.wait()
        if self.looks <= self.failing:
            raise OSError
        return 0

    async def plan_later(self) -> None:
        self.plans += 1


@dataclass
class Process:
    tasks: Tasks


async def rung(tasks: Tasks, times: int) -> None:
    soon = Soon(cast(Any, Process(tasks)))
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(4) as pages:
        for _ in range(times):
            await loop.run_in_executor(pages, soon)
    await asyncio.sleep(0)
    tasks.slow.set()
    await soon.ended()


def test_replies_and_plans_are_looked_at_once_for_many_changes() -> None:
    tasks = Tasks()
    asyncio.run(rung(tasks, 20))
    assert 1 <= tasks.looks <= 2
    assert tasks.plans == tasks.looks


def test_a_look_that_fails_leaves_the_next_one_to_work() -> None:
    tasks = Tasks(failing=1)

    async def twice() -> None:
        tasks.slow.set()
        soon = Soon(cast(Any, Process(tasks)))
        for _ in range(2):
            soon()
            await asyncio.sleep(0)
            await soon.ended()

    asyncio.run(twice())
    assert (tasks.looks, tasks.plans) == (2, 1)


def test_nothing_is_looked_at_while_nobody_changes_anything() -> None:
    tasks = Tasks()
    asyncio.run(rung(tasks, 0))
    assert (tasks.looks, tasks.plans) == (0, 0)
