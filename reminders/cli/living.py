"""The real service, working for a simulated hospital: what every form of the demo stands on."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from reminders.bootstrap import Application, build
from reminders.cli.common import zone_of
from reminders.clock import Clock
from reminders.config import load
from reminders.domain.worklist import DeskHours, Ending, is_open
from reminders.services.census import census
from reminders.services.hold import release_holds
from reminders.services.holdout import approve, propose
from reminders.services.worklist import resolve, tasks
from reminders.simulation.client import World, started
from reminders.simulation.demo import TOKEN, configuration, write_faults
from reminders.simulation.driver import Counts
from reminders.store.engine import Record
from reminders.store.types import instant

DEMONSTRATOR = "démonstration"  # who releases the first run, for the audit
ANSWERABLE = "Dr Claire Exemple (démonstration)"  # who approves the hold-out
DRAWN_ALIKE = "5eed" * 16  # its salt: each demo holds the same patients out


@dataclass(frozen=True, slots=True)
class Scene:
    """A simulated hospital to be lived in. `days` of agenda; two months more are open."""

    seed: int
    start: datetime
    days: int
    patients: int = 1_200
    busy: float = 0.75
    faults: bool = True


SECRETARY = "agent"  # the account of the first door: what she ended is hers in the lists
WORKED_ON = ("call_", "reply_", "answer_", "bad_")  # what is not a setting to repair
LEFT_ALONE = 8  # one task in so many stays


class Working:
    """The service as `simulation.driver` wakes it; nothing inside is replaced."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._seen = False

    async def sync(self) -> None:
        await self.application.tasks.sync_and_plan()
        if not self._seen:
            self._seen = True
            await self._release_first_run()

    async def _release_first_run(self) -> None:
        """What a person does once after looking: `reminders release`."""
        application = self.application
        await application.writer.call(
            lambda: release_holds(application.store, now=application.clock.now(), by=DEMONSTRATOR)
        )

    async def deliver(self) -> None:
        await self.application.tasks.repair()
        await self.application.tasks.deliver()

    async def poll(self) -> None:
        """Providers call back, as `callbacks_of` asks them to; replies are read once more, and
        somebody is at the desk."""
        await self.application.tasks.answers()
        await self.application.tasks.tend()
        await self.application.tasks.close_months()
        await self.application.writer.call(self._work_at_the_desk)

    def _work_at_the_desk(self) -> None:
        """A secretary ends what has waited for two hours, most of it: a day is never all done."""
        application, now = self.application, self.application.clock.now()
        if not is_open(now, DeskHours(zone_of(application.settings))):
            return
        for one in tasks(application.store, application.rules, now=now).tasks:
            if one.id % LEFT_ALONE and one.kind.startswith(WORKED_ON) and _waited(one, now):
                resolve(application.store, application.secret, one.id, Ending.OTHER, SECRETARY,
                        now=now)  # fmt: skip

    def next_due(self) -> datetime | None:
        return self.application.tasks.next_due()

    def counts(self, since: datetime, until: datetime) -> Counts:
        application = self.application
        found = census(application.store, since, until, now=application.clock.now())
        return Counts(
            appointments=found.appointments,
            messages=found.messages,
            receipts=found.receipts,
            replies=found.replies,
            outcomes=found.outcomes,
            tasks=found.tasks,
            held=found.holds,
            not_sent=found.not_sent,
        )


def _waited(task: Record, now: datetime) -> bool:
    return now - instant(max(task.created_at, task.due_at or 0)) >= timedelta(hours=2)


def _hold_some_out(application: Application) -> None:
    """The randomised comparison a person approves in a real hospital, before anything is sent."""
    now = application.clock.now()
    propose(application.store, application.rules, salt=DRAWN_ALIKE, now=now, by=DEMONSTRATOR)
    approve(application.store, now=now, by=ANSWERABLE)


@asynccontextmanager
async def inhabited(
    scene: Scene,
    clock: Clock,
    folder: Path,
    *,
    mode: Literal["live", "rehearsal"] = "live",
    internal_port: int = 0,
) -> AsyncIterator[tuple[World, Application]]:
    """A world in its own process and a service built for it; both end with the block.

    Everything they write is in `folder`. Whoever enters opens the listeners (`cli.serving`).
    """
    async with started(
        seed=scene.seed,
        start=scene.start,
        ledger=folder / "ledger.jsonl",
        days=scene.days,
        patients=scene.patients,
        busy=scene.busy,
        faults=write_faults(folder / "faults.json") if scene.faults else None,
        fhir_token=TOKEN,
    ) as world:
        file = folder / "hospital.toml"
        written = configuration(
            world.addresses,
            "hospital.db",
            mode=mode,
            public_port=free_port(),
            internal_port=internal_port,
        )
        file.write_text(written, encoding="utf-8")
        application = await asyncio.to_thread(lambda: build(load(file, {}), clock))
        if mode == "live":
            await asyncio.to_thread(_hold_some_out, application)
        try:
            await world.set_callbacks(**callbacks_of(application))
            yield world, application
        finally:
            await application.aclose()


def callbacks_of(application: Application) -> dict[str, str]:
    """What an administrator enters in the consoles of both providers."""
    public, paths = application.settings.web.public_url, application.callback_paths
    return {
        "twilio_inbound": f"{public}{paths['principal']}/inbound",
        "ovh_status": f"{public}{paths['secours']}",
        "ovh_inbound": f"{public}{paths['secours']}",
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number: int = taken.getsockname()[1]
        return number
