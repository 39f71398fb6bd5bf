"""`reminders serve`: scheduler, delivery and both listeners in one process.

APScheduler's in-memory interval jobs are bells (ADR 0001): they call the same tasks as `run`, and
losing or doubling one changes nothing.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import structlog
import uvicorn
from fastapi import FastAPI

from reminders.bootstrap import Application, build
from reminders.cli.bells import Bells, Soon
from reminders.cli.common import out, zone_of
from reminders.cli.errors import DONE
from reminders.clock import Clock
from reminders.config import Settings
from reminders.domain.sign_in import Lasting
from reminders.errors import Problem, RepairNeeded
from reminders.ports import Received
from reminders.services.accounts import has_accounts
from reminders.services.notice import notice_of
from reminders.services.startup import secret_of
from reminders.store.migrate import is_current
from reminders.web.api import Elsewhere, Worklist, answers_router, worklist_router
from reminders.web.internal import Inside, internal_app
from reminders.web.patient import Desk, Public
from reminders.web.public import public_app
from reminders.web.staff.visit import Staff, warm

log = structlog.get_logger()

GOODBYE_SECONDS = 5  # what a request in progress may still take when we stop


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
    bells = Bells(application)
    async with listening(application) as addresses:
        out.print(f"Pages internes : http://{addresses[0]}")
        if not has_accounts(application.store):
            out.print("Aucun compte encore : en créer un avec reminders admin create")
        if len(addresses) > 1:
            out.print(f"Retours des opérateurs : http://{addresses[1]}")
        out.print("Arrêter : Ctrl-C")
        log.info("serving", mode=application.settings.mode)
        bells.start()
        await stop.wait()
        out.print("Arrêt : les envois en cours se terminent…")
        ended = await bells.stop()
    log.info("stopped", all_ended=ended)
    if not ended:  # a DPI that does not answer keeps its thread; being killed loses nothing
        sys.stdout.flush()
        os._exit(DONE)
    await application.aclose()


@asynccontextmanager
async def listening(
    application: Application,
    *,
    extend: Callable[[FastAPI], None] | None = None,
    staff: Callable[[Staff], Staff] = lambda staff: staff,
) -> AsyncIterator[list[str]]:
    """The listeners alone: their addresses, the internal one first.

    `extend` may add routes to the internal one (the demo's pages), `staff` change what its pages
    stand on (the demo's doors). Raises RepairNeeded for an address that cannot be listened to,
    before anything is served.
    """
    web = application.settings.web
    soon = Soon(application)
    pages = replace(staff_of(application), changed=soon)
    inside = internal_app(inside_of(application), staff(pages))
    if (worklist := _worklist(application)) is not None:
        inside.include_router(worklist_router(worklist))
    if extend is not None:
        extend(inside)
    apps = [(inside, "internal", web.internal_host, web.internal_port)]
    if web.public_url:
        apps.append((_public(application), "public", web.public_host, web.public_port))
    sockets = _bound(application.settings, [(name, host, port) for _, name, host, port in apps])
    servers = [_server(app) for app, *_ in apps]
    running = [
        asyncio.create_task(server.serve(sockets=[one]))
        for server, one in zip(servers, sockets, strict=True)
    ]
    try:
        while not all(server.started for server in servers):
            await asyncio.sleep(0.01)
        Thread(target=warm, name="pages", daemon=True).start()
        yield [_address(one) for one in sockets]
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*running, return_exceptions=True)
        await soon.ended()
        for one in sockets:
            one.close()


@asynccontextmanager
async def ringing(application: Application) -> AsyncIterator[None]:
    """The bells alone; what is in flight when they stop ends first."""
    bells = Bells(application)
    bells.start()
    try:
        yield
    finally:
        await bells.stop()


def _bound(settings: Settings, addresses: list[tuple[str, str, int]]) -> list[socket.socket]:
    """A listening socket for each address. Raises RepairNeeded naming the key of the first one
    that cannot be had."""
    sockets: list[socket.socket] = []
    for name, host, port in addresses:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sockets.append(socket.create_server((host, port), family=family, backlog=512))
        except OSError as error:
            for one in sockets:
                one.close()
            line = settings.line_of("web", f"{name}_port")
            place = f"web › {name}_port" + (f" (ligne {line})" if line else "")
            raise RepairNeeded(Problem(place, *_why_not(error, host, port))) from None
    return sockets


def _why_not(error: OSError, host: str, port: int) -> tuple[str, str]:
    if isinstance(error, PermissionError):
        return f"le port {port} est réservé", "prendre un port au-dessus de 1023"
    if isinstance(error, socket.gaierror):
        return f"« {host} » n'est pas une adresse de cette machine", "corriger l'hôte"
    return (
        f"{host}:{port} n'est pas libre, ou pas à cette machine",
        "arrêter l'autre programme (un autre reminders serve ?), ou changer de port",
    )


def _address(one: socket.socket) -> str:
    host, port = one.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _server(app: FastAPI) -> Server:
    return Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # a path holds a secret, a query may hold a number
            server_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            limit_concurrency=1_000,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
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


def staff_of(application: Application) -> Staff:
    """What the pages work with. Nobody is rung when they change something."""
    web = application.settings.web
    return Staff(
        store=application.store,
        settings=application.settings,
        rules=application.rules,
        secret=application.secret,
        zone=zone_of(application.settings),
        now=application.clock.now,
        composer=application.composer,
        routes=application.routes,
        resting=lambda: application.tasks.resting,
        is_current=lambda: is_current(application.store),
        secure=(web.internal_url or "").startswith("https:"),
        second_factor=web.second_factor == "required",
        lasting=Lasting(
            timedelta(minutes=web.session_idle_minutes), timedelta(hours=web.session_hours)
        ),
    )


def _public(application: Application) -> FastAPI:
    tasks = application.tasks

    async def hinted(provider: str, received: Received) -> None:
        await tasks.poll(provider, received.hinted)

    app = public_app(
        application.sms,
        application.callback_paths,
        application.settings.web.public_url or "",
        tasks.take,
        hinted,
        _patient(application),
        notice_of(application.settings),
    )
    if (elsewhere := _elsewhere(application)) is not None:
        app.include_router(answers_router(elsewhere))
    return app


def _worklist(application: Application) -> Worklist | None:
    """The API of tasks and calls; None without a token: it does not exist."""
    token = application.settings.web.api_token
    if token is None:
        return None
    return Worklist(
        store=application.store,
        rules=application.rules,
        secret=application.secret,
        token=token.get_secret_value(),
        now=application.clock.now,
        changed=application.tasks.answers,
    )


def _elsewhere(application: Application) -> Elsewhere | None:
    """The answers other systems may give; None where none is configured."""
    systems = {
        one.id: [key.get_secret_value() for key in (one.secret, one.next_secret) if key]
        for one in application.settings.system
    }
    if not systems:
        return None
    return Elsewhere(
        store=application.store,
        rules=application.rules,
        secret=application.secret,
        systems=systems,
        now=application.clock.now,
        changed=application.tasks.answers,
    )


def _patient(application: Application) -> Public:
    site = application.settings.site[0]
    return Public(
        store=application.store,
        rules=application.rules,
        secret=application.secret,
        page_key=secret_of(application.store, "page_key"),
        desk=Desk(site.short_name, site.phone),
        now=application.clock.now,
        changed=application.tasks.plan_later,
        secure=(application.settings.web.public_url or "").startswith("https:"),
        replies=any(route.family == "reply" for route in application.routes),
    )
