"""`reminders serve`: scheduler, delivery and both listeners in one process.

APScheduler's in-memory interval jobs are bells (ADR 0001): they call the same tasks as `run`, and
losing or doubling one changes nothing.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from fastapi import FastAPI

from reminders.bootstrap import Application, build
from reminders.cli.common import out, zone_of
from reminders.clock import Clock, SystemClock
from reminders.config import Settings
from reminders.errors import ReminderError
from reminders.ports import Received
from reminders.store.migrate import is_current
from reminders.web.internal import Inside, internal_app
from reminders.web.public import public_app

log = structlog.get_logger()

DELIVER_SECONDS = 1.0
REPAIR_SECONDS = 10.0
PURGE_SECONDS = 6 * 3600.0


class Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process that runs two of them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve_until_stopped(settings: Settings, clock: Clock) -> None:
    """Run until SIGINT or SIGTERM; what is in flight ends first."""
    application = build(settings, clock)
    asyncio.run(_serve(application))


async def _serve(application: Application) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(application):
        web = application.settings.web
        out.print(f"Pages internes : http://{web.internal_host}:{web.internal_port}")
        if web.public_url:
            out.print(f"Retours des opérateurs : {web.public_host}:{web.public_port}")
        out.print("Arrêter : Ctrl-C")
        await stop.wait()
        out.print("Arrêt : les envois en cours se terminent…")
    await application.aclose()


@asynccontextmanager
async def serving(application: Application) -> AsyncIterator[Application]:
    """The listeners and the bells of one application, for as long as the block runs."""
    async with listening(application), ringing(application):
        yield application


@asynccontextmanager
async def listening(
    application: Application, *, extend: Callable[[FastAPI], None] | None = None
) -> AsyncIterator[None]:
    """The listeners alone. `extend` may add routes to the internal one (the demo's pages)."""
    web = application.settings.web
    inside = internal_app(inside_of(application))
    if extend is not None:
        extend(inside)
    servers = [_server(inside, web.internal_host, web.internal_port)]
    if web.public_url:
        servers.append(_server(_public(application), web.public_host, web.public_port))
    running = [asyncio.create_task(server.serve()) for server in servers]
    try:
        await _started(servers, running)
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*running, return_exceptions=True)


@asynccontextmanager
async def ringing(application: Application) -> AsyncIterator[None]:
    """The bells alone; what is in flight when they stop ends first."""
    scheduler = _bells(application)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
        await application.tasks.settled()


async def _started(servers: list[Server], running: list["asyncio.Task[None]"]) -> None:
    """Return once every listener listens; raise what stopped one that cannot."""
    while not all(server.started for server in servers):
        for task in running:
            if task.done():
                task.result()
                raise SystemExit(1)  # uvicorn said why: the port is taken, most often
        await asyncio.sleep(0.01)


def _server(app: FastAPI, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            app, host=host, port=port, log_level="warning", access_log=False, server_header=False
        )
    )


def inside_of(application: Application) -> Inside:
    return Inside(
        store=application.store,
        zone=zone_of(application.settings),
        mode=application.settings.mode,
        now=application.clock.now,
        resting=lambda: application.tasks.resting,
        is_current=lambda: is_current(application.store),
    )


def _public(application: Application) -> FastAPI:
    tasks = application.tasks

    async def hinted(provider: str, received: Received) -> None:
        await tasks.poll(provider, received.hinted)

    return public_app(
        application.sms,
        application.callback_paths,
        application.settings.web.public_url or "",
        tasks.take,
        hinted,
    )


def _bells(application: Application) -> AsyncIOScheduler:
    settings, tasks = application.settings, application.tasks
    scheduler = AsyncIOScheduler(
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    every = min((table.every_seconds for table in settings.dpi), default=300.0)
    polled = min((table.poll_seconds for table in settings.sms), default=300.0)
    bells: tuple[tuple[str, float, Callable[[], Awaitable[object]]], ...] = (
        ("sync", every, tasks.sync_and_plan),
        ("deliver", DELIVER_SECONDS, tasks.deliver_if_due),
        ("repair", REPAIR_SECONDS, tasks.repair),
        ("poll", polled, tasks.poll),
        ("purge", PURGE_SECONDS, tasks.purge_later),
    )
    first = SystemClock().now()  # the bells ring in real time, whatever the plan's clock says
    for name, seconds, work in bells:
        scheduler.add_job(
            _guarded(name, work), "interval", seconds=seconds, id=name, next_run_time=first
        )
    return scheduler


def _guarded(name: str, work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """A bell that fails is logged by name and rung again: nothing it missed is lost."""

    async def ring() -> None:
        try:
            await work()
        except ReminderError as error:
            log.error("task failed", task=name, error=type(error).__name__)
        except Exception as error:  # the next bell must still ring
            log.error("task failed unexpectedly", task=name, error=type(error).__name__)

    return ring
