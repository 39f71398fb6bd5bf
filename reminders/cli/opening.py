"""The demo in a browser: some days at full speed, then a Tuesday morning in real time."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.text import Text

from reminders.bootstrap import Application
from reminders.cli.common import out
from reminders.cli.errors import DONE, REPAIR, errors
from reminders.cli.living import Scene, Working, inhabited
from reminders.cli.serving import inside_of, listening, ringing
from reminders.cli.showing import living, progress_bar
from reminders.clock import OffsetClock
from reminders.domain.access import Grant, Role
from reminders.domain.marking import N_
from reminders.domain.sign_in import Lasting
from reminders.services.accounts import open_doors
from reminders.simulation.client import World
from reminders.simulation.demo import OPENING
from reminders.simulation.driver import live
from reminders.web.demo import DemoPages
from reminders.web.staff.accounts import ROLES
from reminders.web.staff.visit import Staff, Truth

BEAT_SECONDS = 0.5  # the world is told the time this often
MOST_STEPS = 200  # quiet moments passed over in search of an event one can see
NO_EVENT = timedelta(hours=1)
PEOPLE = {
    "agent": ("Nadia Marchand", Role.AGENT),
    "cadre": ("Philippe Aubertin", Role.MANAGER),
    "redaction": ("Élise Fontanel", Role.AUTHOR),
    "validation": ("Dr Hélène Vasseur-Lemoine", Role.APPROVER),
    "administration": ("Karim Belhadj", Role.ADMINISTRATOR),
    "lecture": ("Marc Tessier", Role.READER),
}


def open_demo(seed: int, days: int, port: int) -> int:
    """Serve until Ctrl-C; the exit code."""
    if not _is_free(port):
        errors.print(
            Text(
                f"• Le port {port} est déjà pris : fermer l'autre programme (une autre "
                f"démonstration ?), ou choisir un autre port : reminders demo --port {port + 10}"
            )
        )
        return REPAIR
    return asyncio.run(_until_stopped(seed, days, port))


async def _until_stopped(seed: int, days: int, port: int) -> int:
    """Run the demo as a task that a signal cancels, once: cleaning up is not interrupted."""
    demo = asyncio.create_task(_demo(seed, days, port))
    stopped = False

    def stop() -> None:
        nonlocal stopped
        if not stopped:
            stopped = True
            demo.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await demo
    out.print("Démonstration terminée : rien n'est resté sur le disque.")
    return DONE


async def _demo(seed: int, days: int, port: int) -> None:
    start = OPENING - timedelta(days=days)
    clock = OffsetClock(start)
    clock.pause()
    scene = Scene(seed, start, days)
    with TemporaryDirectory(prefix="reminders-demo-") as folder:
        async with inhabited(scene, clock, Path(folder), internal_port=port) as (
            world,
            application,
        ):
            stage = Stage(world, application, clock, start)
            pages = DemoPages(inside_of(application), world, stage)
            open_doors(
                application.store,
                {login: (name, [Grant(role)]) for login, (name, role) in PEOPLE.items()},
                now=clock.now(),
            )
            truth = _truth_of(world, clock, start)
            async with listening(
                application,
                extend=pages.extend,
                staff=lambda staff: replace(_with_doors(staff), truth=truth),
            ):
                await stage.catch_up()
                async with ringing(application):
                    out.print(f"Démonstration : http://127.0.0.1:{port}")
                    out.print(f"Téléphones simulés : http://127.0.0.1:{port}/demo")
                    out.print("Arrêter : Ctrl-C")
                    await stage.go_on()


def _truth_of(world: World, clock: OffsetClock, start: datetime) -> Callable[[], Truth]:
    """Asked by a page, on its own thread."""
    loop = asyncio.get_running_loop()

    def ask() -> Truth:
        asked = asyncio.run_coroutine_threadsafe(world.truth(start, clock.now()), loop)
        found = asked.result(timeout=10)
        return Truth(start, found["appointments"], found["missed"], found["without"])

    return ask


def _with_doors(staff: Staff) -> Staff:
    """One click for each role; nobody is sent away, for the demo's time jumps."""
    return replace(
        staff,
        doors={login: f"{name} · {ROLES[role]}" for login, (name, role) in PEOPLE.items()},
        links=(("/demo", N_("Téléphones simulés")),),
        second_factor=False,
        lasting=Lasting(timedelta(days=3_650), timedelta(days=3_650)),
    )


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class Stage:
    """The demo's time: the days before, then the clock's own pace, pauses and jumps."""

    def __init__(
        self, world: World, application: Application, clock: OffsetClock, start: datetime
    ) -> None:
        self._world = world
        self._application = application
        self._clock = clock
        self._start = start
        self._working = Working(application)
        self._moving = asyncio.Lock()
        self._ready = False

    @property
    def paused(self) -> bool:
        return self._clock.paused

    @property
    def opened(self) -> float:
        lived = (self._clock.now() - self._start) / (OPENING - self._start)
        return 1.0 if self._ready else min(0.99, lived)

    def next_due(self) -> datetime | None:
        return self._application.tasks.next_due()

    def pause(self) -> None:
        self._clock.pause()

    def resume(self) -> None:
        self._clock.resume()

    async def catch_up(self) -> None:
        with progress_bar() as bar, living(bar, "jours d'avant", self._start, OPENING) as told:
            await live(self._working, self._world, self._clock, OPENING, progress=told)
        await self._world.open_demo(OPENING)
        self._ready = True
        self._clock.resume()

    async def go_on(self) -> None:
        """Tell the world the time until cancelled."""
        while True:
            async with self._moving:
                await self._world.advance(self._clock.now())
            await asyncio.sleep(BEAT_SECONDS)

    async def next_event(self) -> None:
        """Jump to the next thing one can see: a message, or a line of the hospital's journal."""
        async with self._moving:
            before = await self._world.state()
            for _ in range(MOST_STEPS):
                state = await self._world.state()
                await self._jump(min(self._moments(state.next_event), default=None))
                after = await self._world.state()
                if (after.happened, after.messages) != (before.happened, before.messages):
                    return

    def _moments(self, event: datetime | None) -> list[datetime]:
        return [moment for moment in (event, self.next_due()) if moment is not None]

    async def _jump(self, moment: datetime | None) -> None:
        """Nothing is sent between the jump and the reading of what happened meanwhile."""
        async with self._application.tasks.still():
            self._clock.jump_to(moment or self._clock.now() + NO_EVENT)
            await self._world.advance(self._clock.now())
            await self._working.sync()
        await self._working.deliver()
