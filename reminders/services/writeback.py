"""Answers go back to the DPI, each once; what cannot be written becomes a task.

The engine takes one `Job` at a time (`next_job`), lets the source's adapter write it, and brings
back how that ended (`settle`). The intent is committed with the job, before the first byte: a
process that dies in between leaves a row that is read again in the DPI, never written blindly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from reminders.domain.answer import AnswerKind, Priority
from reminders.errors import Misconfigured, NotSent, Refused, SendError, Throttled
from reminders.failpoint import failpoint
from reminders.ports import Change, Written
from reminders.services.tasks import SENTENCES
from reminders.store import planning, writeback
from reminders.store.engine import Record, Store, reserve
from reminders.store.types import instant, micros

WRITTEN_BACK = frozenset({AnswerKind.CONFIRMED, AnswerKind.CANCELLED})
LEASE = timedelta(minutes=3)  # longer than one writing may take, its readings included
# After so many failures in a row a person enters it: about two hours.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 4, 15, 40, 60))
NOT_SENT = "not_sent"  # code of a try that certainly changed nothing


@dataclass(frozen=True, slots=True)
class Job:
    """One answer to write now. `tries` counts this one: it fences off an older writer."""

    id: int
    tries: int
    source: str
    answer: int
    appointment: int
    uf: str
    change: Change


def next_job(store: Store, sources: Sequence[str], *, now: datetime) -> Job | None:
    """Commit to writing the next answer of these sources; None: nothing is due.

    An answer to another hour than the one we know of by now is not sent at all.
    """
    at = micros(now)
    while sources:
        with store.write() as connection:
            writeback.drop_superseded(connection, now=at)
            row = writeback.claim(connection, sources, now=at, until=micros(now + LEASE))
        if row is None:
            return None
        job = _job(row)
        if row.cycle == row.version:
            failpoint("writeback.intent")
            return job
        settle(store, job, Written.CHANGED, now=now)
    return None


def _job(row: Record) -> Job:
    change = Change(
        external_id=row.external_id,
        patient=row.patient,
        starts_at=instant(row.starts_at),
        answer=cast(Literal["confirmed", "cancelled"], row.kind),
        doubtful=row.was not in ("", NOT_SENT),
    )
    return Job(row.id, row.tries, row.source_id, row.answer_id, row.appointment_id, row.uf, change)


def settle(store: Store, job: Job, ended: Written | SendError, *, now: datetime) -> None:
    """Record how a try ended: done, tried again later, or a task for a person."""
    failpoint("writeback.result")
    state, code, wait = _after(job, ended)
    with store.write() as connection:
        ours = writeback.settle(
            connection, job.id, job.tries, state=state, code=code,
            next_at=micros(now + wait), now=micros(now),
        )  # fmt: skip
        if not ours or state != "failed":
            return
        kind = "write_back_changed" if isinstance(ended, Written) else "write_back_failed"
        first = Priority.CANCELLATION if job.change.answer == "cancelled" else Priority.REST
        at = micros(now)
        planning.open_tasks(
            connection,
            [
                (reserve(connection, "task", 1), kind, f"appointment:{job.appointment}", job.answer,
                 SENTENCES[kind], job.uf, at, at)
            ],
            priority=int(first),
        )  # fmt: skip


def _after(job: Job, ended: Written | SendError) -> tuple[str, str, timedelta]:
    """(state, code, how long to wait) of the row."""
    match ended:
        case Written.DONE | Written.ALREADY:
            return "done", ended.value, timedelta(0)
        case Written():
            return "failed", ended.value, timedelta(0)
        case Misconfigured() | Refused():
            return "failed", ended.code, timedelta(0)
    if job.tries > len(WAITS):
        return "failed", ended.code, timedelta(0)
    wait = WAITS[job.tries - 1]
    if isinstance(ended, Throttled) and ended.retry_after:
        wait = max(wait, timedelta(seconds=min(ended.retry_after, 3600.0)))
    # A doubt stays one until the DPI was seen: a failed reading settles nothing.
    certain = isinstance(ended, NotSent) and not job.change.doubtful
    return "due", NOT_SENT if certain else "unknown", wait


def close_entered(store: Store, *, now: datetime) -> int:
    """Close what asked the desk for something the DPI says by now: how many tasks."""
    with store.write() as connection:
        return writeback.close_entered(connection, now=micros(now))
