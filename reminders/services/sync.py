"""Appointments come in: stage, judge, apply. Nothing odd is applied before a person looked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from reminders.config import DpiTable
from reminders.domain.appointment import AppointmentRecord, RowProblem
from reminders.domain.guard import FeedShape, Limits, Verdict, examine
from reminders.domain.patient import blocked_reason, reach
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.failpoint import failpoint
from reminders.ports import AppointmentSource, Feed
from reminders.services.hold import place_hold
from reminders.store import sources, syncing
from reminders.store.engine import Connection, Store
from reminders.store.types import micros, micros_or_none

BATCH = 2_000
PROBLEMS_KEPT = 1_000


@dataclass(slots=True)
class FeedSummary:
    """What became of one input: accepted, refused, held, known (already applied)."""

    source: str
    name: str = ""
    status: str = "accepted"
    code: str = ""
    sentence: str = ""
    rows: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    problem_count: int = 0
    created: int = 0
    changed: int = 0
    vanished: int = 0


@dataclass(frozen=True, slots=True)
class SyncOptions:
    limits: Limits
    live: bool  # live mode: the first run of a source is held
    keep_inputs: bool = False  # dry run: nothing is archived, renamed or rejected


class _TooStrange(Exception):
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def sync(
    store: Store,
    table: DpiTable,
    source: AppointmentSource,
    options: SyncOptions,
    *,
    now: datetime,
) -> list[FeedSummary]:
    """Read everything new of one source. A failure is a summary and a hold, never an exception."""
    with store.write() as connection:
        sources.register(connection, table.id, table.kind)
    summaries: list[FeedSummary] = []
    try:
        for feed in source.feeds(now=now, since=_since(store, table, now)):
            summaries.append(_take(store, table, feed, options, now))
    except SourceUnavailable as error:
        summaries.append(FeedSummary(table.id, "", "unavailable", error.code, error.sentence))
    _hold_if_stale(store, table, now)
    return summaries


def _since(store: Store, table: DpiTable, now: datetime) -> datetime | None:
    """Changes since the last pass are enough, but once a day the whole window is read."""
    with store.read() as connection:
        state = sources.state(connection, table.id)
    full = state.last_full_at
    if full is None or now - full >= timedelta(hours=table.full_every_hours):
        return None
    return state.last_as_of


def _take(
    store: Store, table: DpiTable, feed: Feed, options: SyncOptions, now: datetime
) -> FeedSummary:
    summary = FeedSummary(table.id, feed.info.name)
    with store.read() as connection:
        state = sources.state(connection, table.id)
        known = sources.already_applied(connection, table.id, feed.info.content_hash)
    try:
        if known:
            summary.status = "known"
        else:
            _refuse_if_old(feed, table, state, now)
            _apply(store, table, feed, options, state, summary, now)
            failpoint("sync.after_commit")
    except FeedRefused as error:
        summary.status, summary.code, summary.sentence = "refused", error.code, error.sentence
    except SourceUnavailable as error:
        summary.status, summary.code, summary.sentence = "unavailable", error.code, error.sentence
    except _TooStrange as error:
        summary.status = "held"
        summary.code, summary.sentence = error.verdict.code, error.verdict.sentence
    _conclude(store, feed, summary, options, now)
    return summary


def _refuse_if_old(feed: Feed, table: DpiTable, state: sources.SourceState, now: datetime) -> None:
    info = feed.info
    if now - info.as_of > timedelta(minutes=table.oldest_minutes):
        raise FeedRefused(
            "stale",
            f"{info.name} date du {info.as_of:%d/%m/%Y %H:%M} UTC : trop ancien pour agir. "
            "Vérifier l'export du DPI.",
        )
    if info.mode == "snapshot" and state.last_as_of and info.as_of < state.last_as_of:
        raise FeedRefused(
            "older", f"{info.name} est plus ancien que le dernier fichier appliqué : écarté."
        )
    if info.layout and state.layout and info.layout != state.layout:
        raise FeedRefused(
            "header_changed",
            f"{info.name} : l'en-tête a changé. Vérifier l'export, puis « reminders release ».",
        )


def _apply(
    store: Store,
    table: DpiTable,
    feed: Feed,
    options: SyncOptions,
    state: sources.SourceState,
    summary: FeedSummary,
    now: datetime,
) -> None:
    """Stage every row, look at the whole, then apply it in chunks on the same connection."""
    at = micros(now)
    with store.session() as session:
        with session.scratch() as connection:
            syncing.create_staging(connection)
        for batch in _batches(feed, table.id, summary):
            with session.scratch() as connection:
                syncing.stage(connection, batch)
        with session.scratch() as connection:
            syncing.index_staging(connection)
            window = feed.info.window
            shape = syncing.shape(
                connection,
                table.id,
                at,
                None if window is None else (micros(window[0]), micros(window[1])),
            )
            if feed.info.mode == "snapshot":
                _judge(connection, table, feed, options, shape, now)
            first, last = syncing.staged_span(connection)
        failpoint("sync.staged")
        while first <= last:
            end = min(first + syncing.APPLY_CHUNK - 1, last)
            with session.write() as connection:
                created, changed = syncing.apply_chunk(
                    connection, table.id, first, end, now=at, first_sync=state.first_sync_at is None
                )
                failpoint("sync.before_commit")
            summary.created += created
            summary.changed += changed
            first = end + 1
        with session.write() as connection:
            if feed.info.mode == "snapshot":
                summary.vanished = syncing.withdraw_vanished(
                    connection, table.id, shape.low, shape.high, now=at
                )
            sources.accepted(connection, table.id, feed.info, now, options.live)
            _remember(connection, feed, summary, now, expected=shape.expected)
        with session.scratch() as connection:
            syncing.drop_staging(connection)


def _judge(
    connection: Connection,
    table: DpiTable,
    feed: Feed,
    options: SyncOptions,
    shape: object,
    now: datetime,
) -> None:
    row: FeedShape = FeedShape(
        expected=shape.expected,  # type: ignore[attr-defined]
        known=shape.known,  # type: ignore[attr-defined]
        vanished=shape.vanished,  # type: ignore[attr-defined]
        common=shape.common,  # type: ignore[attr-defined]
        moved_together=shape.moved_together,  # type: ignore[attr-defined]
        same_weekday=sources.same_weekday(connection, table.id, feed.info.as_of),
    )
    verdict = examine(row, options.limits)
    if verdict is None:
        return
    if sources.let_through(connection, table.id, verdict.code, feed.info.content_hash, now):
        return
    raise _TooStrange(verdict)


def _batches(feed: Feed, source: str, summary: FeedSummary) -> Iterator[list[tuple[object, ...]]]:
    """Rows for staging. One that could not be read still stands for its appointment, under a
    negative number: what is unreadable has not vanished."""
    batch: list[tuple[object, ...]] = []
    number = 0
    for record in feed.rows():
        if isinstance(record, RowProblem):
            summary.problem_count += 1
            if len(summary.problems) < PROBLEMS_KEPT:
                summary.problems.append(record)
            if record.external_id:
                batch.append((-summary.problem_count, record.external_id, *_PRESENT))
        else:
            batch.append(_staged(record, number, source))
            number += 1
        if len(batch) == BATCH:
            yield batch
            batch = []
    summary.rows = number
    if batch:
        yield batch


def _digest(*values: object) -> int:
    """A 63-bit fingerprint, equal for equal values in every process."""
    return int.from_bytes(blake2b(repr(values).encode(), digest_size=8).digest()) >> 1


_NOBODY = ("", "", "", "", "", "", "", 0, "", 0, "", "", "", "", "", "", "", "", 0)
# the rest of a staged row that only says "this appointment is in the feed"
_PRESENT = (0, 0, *_NOBODY, "", "", "", "", "", None, 0, None, "unread", None, None, "", 0)


def _staged(record: AppointmentRecord, number: int, source: str) -> tuple[object, ...]:
    person = _NOBODY if record.patient is None else _person(record, source)
    content = (
        record.uf,
        record.site,
        record.agenda,
        record.kind,
        record.place,
        micros_or_none(record.starts_at),
        int(record.all_day),
        record.duration_minutes,
        record.status.value,
        micros_or_none(record.booked_at),
    )
    return (
        number,
        record.external_id,
        int(record.patient is not None),
        _digest(person),
        *person,
        *content,
        micros_or_none(record.modified_at),
        record.cancelled_by.value,
        _digest(content, record.cancelled_by.value, person[:2]),
    )


def _person(record: AppointmentRecord, source: str) -> tuple[object, ...]:
    patient = record.patient
    assert patient is not None
    found = reach(patient)
    return (
        patient.authority or f"source:{source}",
        patient.identifier,
        patient.family,
        patient.given,
        patient.birth_date.isoformat() if patient.birth_date else "",
        patient.sex,
        patient.language,
        int(patient.deceased),
        blocked_reason(patient),
        int(patient.sms_refused),
        found.phone,
        found.phone_zone,
        found.email,
        found.proxy,
        found.proxy_phone,
        found.proxy_zone,
        found.proxy_email,
        found.problem,
        int(patient.protected_adult),
    )


def _remember(
    connection: Connection, feed: Feed, summary: FeedSummary, now: datetime, *, expected: int = 0
) -> None:
    sources.remember_feed(
        connection,
        source=summary.source,
        info=feed.info,
        started_at=now,
        status=summary.status,
        code=summary.code,
        sentence=summary.sentence,
        counts=(
            summary.rows,
            summary.problem_count,
            expected,
            summary.created,
            summary.changed,
            summary.vanished,
        ),
        problems=summary.problems,
    )


def _conclude(
    store: Store, feed: Feed, summary: FeedSummary, options: SyncOptions, now: datetime
) -> None:
    """Record what was not applied, place the hold it asks for, and put the input away."""
    if summary.status in ("refused", "held"):
        with store.write() as connection:
            _remember(connection, feed, summary, now)
            if summary.code != "older":
                place_hold(
                    connection, summary.source, summary.code, summary.sentence,
                    now=now, by="reminders", feed_hash=feed.info.content_hash,
                )  # fmt: skip
    if options.keep_inputs:
        return
    if summary.status in ("accepted", "known"):
        feed.accept()
    elif summary.status == "refused" and summary.code not in ("stale", "header_changed"):
        feed.reject([summary.sentence, *(f"{p.row}: {p.sentence}" for p in summary.problems)])


def _hold_if_stale(store: Store, table: DpiTable, now: datetime) -> None:
    with store.write() as connection:
        state = sources.state(connection, table.id)
        last = state.last_as_of
        limit = timedelta(minutes=table.oldest_minutes)
        if last is not None and now - last > limit:
            place_hold(
                connection,
                table.id,
                "stale",
                f"La source « {table.id} » n'a rien donné de neuf depuis le "
                f"{last:%d/%m/%Y %H:%M} UTC : ses rendez-vous ont pu changer.",
                now=now,
                by="reminders",
            )
