"""The bells of `serve`: what wakes the tasks, and how it ends.

Nothing depends on a bell: what one missed, the next finds (ADR 0001).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from reminders.bootstrap import Application
from reminders.clock import SystemClock
from reminders.errors import RepairNeeded

log = structlog.get_logger()

DELIVER_SECONDS = 1.0
REPAIR_SECONDS = 10.0
ANSWERS_SECONDS = 10.0  # replies are read as they come; this finds what ended its undo
WATCH_SECONDS = 30.0  # data too old holds within a minute (DESIGN R7)
ROLLUP_SECONDS = 1.0  # what a report tells is at most five seconds old
MANAGERS_SECONDS = 300.0  # once a day each; one that did not leave, five minutes later
PURGE_SECONDS = 6 * 3600.0
MONTHS_SECONDS = 900.0  # a month closes on one day of the next; what is due is the store's
BLOCK_LISTS_SECONDS = 3600.0  # each is read once a day; one that failed, an hour later
READING_SECONDS = 2.0  # what a source being read still gets when we stop
REMINDER_SECONDS = 300.0  # a task that keeps failing says so again so often


class Bells:
    """APScheduler's in-memory interval jobs. Belongs to the running event loop."""

    def __init__(self, application: Application) -> None:
        self._tasks = application.tasks
        self._sending_seconds = application.settings.delivery.send_timeout_seconds + 1
        self._ringing: dict[asyncio.Task[None], str] = {}
        self._scheduler = AsyncIOScheduler(
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        settings, tasks = application.settings, application.tasks
        every = min((table.every_seconds for table in settings.dpi), default=300.0)
        polled = min((table.poll_seconds for table in settings.sms), default=300.0)
        for name, seconds, work in (
            ("sync", every, tasks.sync_and_plan),
            ("watch", WATCH_SECONDS, tasks.watch),
            ("deliver", DELIVER_SECONDS, tasks.deliver_if_due),
            ("repair", REPAIR_SECONDS, tasks.repair),
            ("poll", polled, tasks.poll),
            ("answers", ANSWERS_SECONDS, tasks.answers),
            ("write_back", ANSWERS_SECONDS, tasks.write_back),
            ("block lists", BLOCK_LISTS_SECONDS, tasks.block_lists),
            ("tend", ANSWERS_SECONDS, tasks.tend),
            ("rollups", ROLLUP_SECONDS, tasks.roll_up),
            ("managers", MANAGERS_SECONDS, tasks.tell_managers),
            ("months", MONTHS_SECONDS, tasks.close_months),
            ("purge", PURGE_SECONDS, tasks.purge_later),
        ):
            self._add(name, seconds, work)

    def _add(self, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        guarded = _Guarded(name, work)

        async def ring() -> None:
            # A task of its own: the scheduler cancels its own when it ends, we let ours finish.
            task = asyncio.create_task(guarded.ring())
            self._ringing[task] = name
            task.add_done_callback(self._ringing.pop)
            with suppress(asyncio.CancelledError):  # no error worth a line of the log
                await asyncio.shield(task)

        # In real time, whatever the plan's clock says.
        self._scheduler.add_job(
            ring, "interval", seconds=seconds, id=name, next_run_time=SystemClock().now()
        )

    def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> bool:
        """Ring no more; True once everything begun has ended, False if something would not.

        A message in flight gets the time its provider has; a DPI that does not answer gets two
        seconds: reading begins anew at the next start.
        """
        self._tasks.stop()
        self._scheduler.shutdown(wait=False)
        reading = {task for task, name in self._ringing.items() if name == "sync"}
        pending = await _ended(set(self._ringing) - reading, self._sending_seconds)
        return not (pending | await _ended(reading, READING_SECONDS))


async def _ended(tasks: set["asyncio.Task[None]"], seconds: float) -> set["asyncio.Task[None]"]:
    """Those that have not ended after so long."""
    if not tasks:
        return set()
    return (await asyncio.wait(tasks, timeout=seconds))[1]


class _Guarded:
    """A task that fails is logged by name, not once a second, and rung again."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        self._name = name
        self._work = work
        self._told: float | None = None  # when its failure was last told; None: it works

    async def ring(self) -> None:
        now = asyncio.get_running_loop().time()
        try:
            await self._work()
        except Exception as error:  # the next bell must still ring
            if self._told is None or now - self._told >= REMINDER_SECONDS:
                self._told = now
                where = error.problem.where if isinstance(error, RepairNeeded) else ""
                log.error("task failed", task=self._name, error=type(error).__name__, place=where)
        else:
            if self._told is not None:
                self._told = None
                log.info("task works again", task=self._name)


class Soon:
    """Rung by a page that changed something, from whatever thread: replies and plans are looked
    at now instead of at the next bell. Belongs to the running event loop; any number of rings
    while it works make it work once more.
    """

    def __init__(self, application: Application) -> None:
        self._tasks = application.tasks
        self._loop = asyncio.get_running_loop()
        self._guarded = _Guarded("pages", self._look)
        self._work: asyncio.Task[None] | None = None
        self._again = False

    def __call__(self) -> None:
        self._loop.call_soon_threadsafe(self._ring)

    def _ring(self) -> None:
        self._again = True
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._until_quiet())

    async def _until_quiet(self) -> None:
        while self._again:
            self._again = False
            await self._guarded.ring()

    async def _look(self) -> None:
        await self._tasks.answers()
        await self._tasks.plan_later()

    async def ended(self) -> None:
        """Return once what was rung for is done."""
        if self._work is not None:
            await self._work
