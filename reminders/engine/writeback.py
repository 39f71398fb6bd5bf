"""Patients' answers written into the DPI: the network half; what is due is the store's."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from reminders.clock import Clock
from reminders.config import DpiTable, Settings
from reminders.engine.journal import asking_failed
from reminders.engine.writer import Writer
from reminders.errors import SendError, Unknown
from reminders.ports import AppointmentSource, AppointmentWriter, Written
from reminders.services.writeback import LEASE, Job, next_job, settle
from reminders.store.engine import Store


def writers(
    settings: Settings, sources: Sequence[tuple[DpiTable, AppointmentSource]]
) -> dict[str, AppointmentWriter]:
    """The sources that are written to: none outside live mode, where no patient was written to."""
    if settings.mode != "live":
        return {}
    return {
        table.id: source
        for table, source in sources
        if table.write_back and isinstance(source, AppointmentWriter)
    }


async def write_answers(
    store: Store,
    sources: Mapping[str, AppointmentWriter],
    writer: Writer,
    clock: Clock,
    stopping: Callable[[], bool],
) -> "Counter[str]":
    """Write what is due, in order, until nothing is: how many ended in which way."""
    ended: Counter[str] = Counter()
    names = list(sources)
    while names and not stopping():
        job = await writer.call(partial(next_job, store, names, now=clock.now()))
        if job is None:
            break
        answer = await _written(sources[job.source], job, clock)
        await writer.call(partial(settle, store, job, answer, now=clock.now()))
        ended[answer.value if isinstance(answer, Written) else type(answer).__name__] += 1
    return ended


async def _written(source: AppointmentWriter, job: Job, clock: Clock) -> Written | SendError:
    """Ended within two thirds of the lease, so that nobody else begins meanwhile."""
    try:
        async with asyncio.timeout(LEASE.total_seconds() * 2 / 3):
            return await source.write(job.change, now=clock.now())
    except SendError as error:
        return error
    except Exception as error:  # an odd answer must not stop the others; it may have arrived
        asking_failed("write back failed", job.source, error)
        return Unknown(type(error).__name__)
