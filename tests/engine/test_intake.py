"""Callbacks are stored in groups: durable before each returns, none refused for another's sake."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from reminders.engine.intake import MOST, Intake
from reminders.engine.writer import Writer
from reminders.ports import Receipt, ReceiptState, Received
from reminders.services.receive import Taken

BAD = "bad"


class Disk:
    """A store that says what each transaction held; while `free` is not set it is busy."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.commits: list[tuple[str, list[str]]] = []

    def store(self, provider: str, received: Received) -> Taken:
        assert self.free.wait(60)
        events = [receipt.event for receipt in received.receipts]
        if BAD in events:
            raise LookupError(BAD)
        self.commits.append((provider, events))
        return Taken(len(events))

    @property
    def stored(self) -> list[str]:
        return [event for _, events in self.commits for event in events]


def told(event: str) -> Received:
    return Received(receipts=(Receipt(event, ReceiptState.DELIVERED, "ref"),))


@pytest.fixture
async def writer() -> AsyncIterator[Writer]:
    one = Writer()
    yield one
    one.close()


async def busy(disk: Disk, intake: Intake) -> "asyncio.Task[Taken]":
    """The disk is at work for the first callback; the next ones will wait."""
    disk.free.clear()
    first = asyncio.create_task(intake.take("main", told("first")))
    await asyncio.sleep(0.01)
    return first


@pytest.mark.anyio
async def test_what_comes_during_a_commit_goes_together(writer: Writer) -> None:
    disk = Disk()
    intake = Intake(disk.store, writer)
    first = await busy(disk, intake)
    others = [asyncio.create_task(intake.take("main", told(f"r{n}"))) for n in range(5)]
    await asyncio.sleep(0.01)
    disk.free.set()

    assert await first == Taken(1)
    assert sum(taken.receipts for taken in await asyncio.gather(*others)) == 5
    assert disk.commits == [("main", ["first"]), ("main", [f"r{n}" for n in range(5)])]


@pytest.mark.anyio
async def test_one_returns_only_once_it_is_stored(writer: Writer) -> None:
    disk = Disk()
    intake = Intake(disk.store, writer)

    async def take(event: str) -> None:
        await intake.take("main", told(event))
        assert event in disk.stored

    await asyncio.gather(*(take(f"r{n}") for n in range(3 * MOST)))
    assert len(disk.stored) == 3 * MOST
    assert max(len(events) for _, events in disk.commits) <= MOST


@pytest.mark.anyio
async def test_a_callback_that_fails_fails_alone(writer: Writer) -> None:
    disk = Disk()
    intake = Intake(disk.store, writer)
    first = await busy(disk, intake)
    waiting = [asyncio.create_task(intake.take("main", told(e))) for e in ("a", BAD, "b")]
    await asyncio.sleep(0.01)
    disk.free.set()
    await first

    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in found] == [Taken, LookupError, Taken]
    assert sorted(disk.stored) == ["a", "b", "first"]
    assert await intake.take("main", told("later")) == Taken(1)


@pytest.mark.anyio
async def test_providers_are_not_mixed(writer: Writer) -> None:
    disk = Disk()
    intake = Intake(disk.store, writer)
    first = await busy(disk, intake)
    waiting = [
        asyncio.create_task(intake.take(provider, told(f"{provider}{n}")))
        for n in range(2)
        for provider in ("main", "other")
    ]
    await asyncio.sleep(0.01)
    disk.free.set()
    await asyncio.gather(first, *waiting)

    assert disk.commits[1:] == [("main", ["main0", "main1"]), ("other", ["other0", "other1"])]


@pytest.mark.anyio
async def test_whoever_hangs_up_is_stored_all_the_same(writer: Writer) -> None:
    disk = Disk()
    intake = Intake(disk.store, writer)
    first = await busy(disk, intake)
    gone = asyncio.create_task(intake.take("main", told("gone")))
    stays = asyncio.create_task(intake.take("main", told("stays")))
    await asyncio.sleep(0.01)
    gone.cancel()
    disk.free.set()
    await asyncio.gather(first, stays)

    assert disk.stored == ["first", "gone", "stays"]
