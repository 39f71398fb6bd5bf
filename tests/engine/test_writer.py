"""The writer's thread: what it was given is done, whoever stopped waiting."""

import asyncio
import threading

import pytest

from reminders.engine.writer import Writer


@pytest.mark.anyio
async def test_work_waiting_its_turn_is_done_though_its_caller_was_cancelled() -> None:
    writer, free, done = Writer(), threading.Event(), list[str]()
    first = asyncio.create_task(writer.call(lambda: free.wait(60)))
    await asyncio.sleep(0)
    second = asyncio.create_task(writer.call(lambda: done.append("answers recorded")))
    await asyncio.sleep(0)
    second.cancel()
    free.set()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert done == ["answers recorded"]
    assert await first
    writer.close()


@pytest.mark.anyio
async def test_what_work_raises_is_raised_to_whoever_waits() -> None:
    writer = Writer()

    def fail() -> None:
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        await writer.call(fail)
    writer.close()
