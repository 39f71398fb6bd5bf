"""Appointments come in: stage, judge, apply. Nothing odd is applied before a person looked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.config import DpiTable
from reminders.domain.appointment import RowProblem
from reminders.domain.guard import FeedShape, Limits, Verdict, usual_of, verdicts
from reminders.domain.marking import filled
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.failpoint import failpoint
from reminders.ports import AppointmentSource, Feed
from reminders.services.feed_words import (
    DISCARDED,
    FUTURE,
    HEADER_CHANGED,
    OLDER,
    OLDER_CHANGES,
    STALE,
)
from reminders.services.freshness import hold_if_stale
from reminders.services.hold import Seen, Unit, place_hold
from reminders.services.staging import batches
from reminders.services.tasks import tell_doubts
from reminders.store import holds, sources, syncing
from reminders.store.engine import Connection, Record, Session, Store
from reminders.store.types import micros

AHEAD = timedelta(days=1)  # a file dated later than this from now has a wrong date
# Refusals that leave the input where it is: a release, or a fresher file, decides about it.
LEFT_IN_PLACE = frozenset({"stale", "future", "header_changed"})


@dataclass(slots=True)
class FeedSummary:
    """What became of one input: accepted, refused, held, unavailable, known (already applied)."""

    source: str
    name: str = ""
    status: str = "accepted"
    code: str = ""
    sentence: str = ""
    rows: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    problem_count: int = 0
    unnamed: int = 0
    created: int = 0
    changed: int = 0
    vanished: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncOptions:
    limits: Limits
    live: bool  # live mode: the first run of a source is held
    keep_inputs: bool = False  # dry run: nothing is archived, renamed or rejected
    oldest: timedelta | None = None  # how far back an appointment is still taken in; None: any
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Paris"))  # of "same weekday"


class _TooStrange(Exception):
    def __init__(self, verdicts: Sequence[Verdict], seen: Seen) -> None:
        self.verdicts = verdicts
        self.seen = seen


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
        if options.live and sources.state(connection, table.id).first_sync_at is not None:
            sources.hold_first_run(connection, table.id, micros(now))
    summaries: list[FeedSummary] = []
    try:
        for feed in source.feeds(now=now, since=_since(store, table, now)):
            summaries.append(_take(store, table, feed, options, now))
    except SourceUnavailable as error:
        summaries.append(FeedSummary(table.id, "", "unavailable", error.code, error.sentence))
    with store.write() as connection:
        hold_if_stale(
            connection, table.id, table.oldest_minutes, options.zone,
            now=now, refused=_last(summaries),
        )  # fmt: skip
    return summaries


def _last(summaries: Sequence[FeedSummary]) -> str:
    """Why the newest input is too old to act on, if it is: a first file has no earlier one."""
    last = summaries[-1] if summaries else None
    return last.sentence if last is not None and last.code == "stale" else ""


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
    summary = FeedSummary(table.id, feed.info.name, notes=feed.info.notes)
    found: Sequence[Verdict] = ()
    seen: Seen | None = None
    with store.read() as connection:
        state = sources.state(connection, table.id)
        known = sources.already_applied(connection, table.id, feed.info.content_hash)
        discarded = holds.was_discarded(connection, table.id, feed.info.content_hash)
    try:
        if known:
            summary.status = "known"
        elif discarded is not None:
            summary.status, summary.code = "refused", "discarded"
            summary.sentence = filled(DISCARDED, file=feed.info.name, who=discarded.released_by)
        else:
            _refuse_by_date(feed, table, state, options.zone, now)
            _apply(store, table, feed, options, state, summary, now)
            failpoint("sync.after_commit")
    except FeedRefused as error:
        summary.status, summary.code, summary.sentence = "refused", error.code, error.sentence
        found = [Verdict(error.code, error.sentence)]
    except SourceUnavailable as error:
        summary.status, summary.code, summary.sentence = "unavailable", error.code, error.sentence
    except _TooStrange as error:
        found, seen = error.verdicts, error.seen
        summary.status, summary.code = "held", found[0].code
        summary.sentence = " ".join(verdict.sentence for verdict in found)
    if found:
        _set_aside(store, feed, summary, found, now, seen)
    if not options.keep_inputs:
        _put_away(feed, summary)
    return summary


def _refuse_by_date(
    feed: Feed, table: DpiTable, state: sources.SourceState, zone: ZoneInfo, now: datetime
) -> None:
    """Order first: a file that a newer one replaced is no accident, however old it is.

    A delta is applied whatever its age, since the next one builds on it: how old the last one
    is decides whether anything may leave (`hold_if_stale`).
    """
    info = feed.info
    dated = {"file": info.name, "moment": f"{info.as_of.astimezone(zone):%d/%m/%Y à %H:%M}"}
    if state.last_as_of and info.as_of < state.last_as_of:
        form = OLDER_CHANGES if info.mode == "delta" else OLDER
        raise FeedRefused("older", filled(form, file=info.name))
    if info.mode == "snapshot" and now - info.as_of > timedelta(minutes=table.oldest_minutes):
        raise FeedRefused("stale", filled(STALE, **dated))
    if info.as_of - now > AHEAD:
        raise FeedRefused("future", filled(FUTURE, **dated))
    if info.layout and state.layout and info.layout != state.layout:
        raise FeedRefused("header_changed", filled(HEADER_CHANGED, file=info.name))


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
    oldest = None if options.oldest is None else now - options.oldest
    with store.session() as session:
        try:
            with session.scratch() as connection:
                syncing.create_staging(connection)
            for batch in batches(feed, table.id, summary, oldest=oldest):
                with session.scratch() as connection:
                    syncing.stage(connection, batch)
            with session.scratch() as connection:
                shape = _look(connection, table, feed, options, now)
            failpoint("sync.staged")
            _write(session, table, feed, options, state, shape, summary, now)
        finally:
            with session.scratch() as connection:
                syncing.drop_staging(connection)


def _look(
    connection: Connection, table: DpiTable, feed: Feed, options: SyncOptions, now: datetime
) -> Record:
    """What the staged feed would do. Raises _TooStrange for what nobody let through yet."""
    syncing.index_staging(connection)
    window = feed.info.window
    shape = syncing.shape(
        connection,
        table.id,
        micros(now),
        None if window is None else (micros(window[0]), micros(window[1])),
    )
    if feed.info.mode == "snapshot":
        told = FeedShape(
            expected=shape.expected,
            known=shape.known,
            vanished=shape.vanished,
            common=shape.common,
            moved_together=shape.moved_together,
            same_weekday=sources.same_weekday(connection, table.id, feed.info.as_of, options.zone),
        )
        found = verdicts(told, options.limits)
        unseen = [
            verdict
            for verdict in found
            if not sources.let_through(
                connection, table.id, verdict.code, feed.info.content_hash, now
            )
        ]
        if unseen:
            if not shape.expected and window is None:  # it spans nothing: all we know is missing
                shape = syncing.shape(
                    connection, table.id, micros(now), (micros(now), syncing.FOREVER)
                )
            raise _TooStrange(unseen, _seen(connection, table.id, told, shape, now))
    return shape


def _seen(
    connection: Connection, source: str, told: FeedShape, shape: Record, now: datetime
) -> Seen:
    """What a person must know of a feed that is held, while it is still staged. One without a
    coming appointment cancels nothing, ever: it has no example of what it would cancel."""
    span = (micros(now), shape.low, shape.high)
    return Seen(
        received=told.expected,
        usual=usual_of(told),
        known=shape.known,
        vanished=shape.vanished,
        moved=told.moved_together,
        units=tuple(
            Unit(row.uf, row.known, row.received) for row in syncing.units(connection, source, span)
        ),
        samples=[(row.id, row.fate, row.told) for row in syncing.samples(connection, source, span)]
        if told.expected
        else [],
    )


def _write(
    session: Session,
    table: DpiTable,
    feed: Feed,
    options: SyncOptions,
    state: sources.SourceState,
    shape: Record,
    summary: FeedSummary,
    now: datetime,
) -> None:
    """Apply what is staged, in transactions short enough not to make a sender wait. In live mode
    the first of them holds the source, so that no other process sends before somebody looked."""
    at = micros(now)
    first, last = shape.first_row, shape.last_row
    while first <= last:
        end = min(first + syncing.APPLY_CHUNK - 1, last)
        with session.write() as connection:
            if options.live:
                sources.hold_first_run(connection, table.id, at)
            created, changed = syncing.apply_chunk(
                connection, table.id, first, end, now=at, first_sync=state.first_sync_at is None
            )
            tell_doubts(connection, syncing.doubtful(connection, table.id, first, end, at), at)
            failpoint("sync.before_commit")
        summary.created += created
        summary.changed += changed
        first = end + 1
    with session.write() as connection:
        # An empty one cancels nothing, ever; nor one with a line that may be anybody's.
        if feed.info.mode == "snapshot" and summary.unnamed and shape.vanished:
            summary.notes += (
                f"Rendez-vous à venir absents de l'export : {shape.vanished}. Aucun n'est annulé "
                "tant que des lignes ont un numéro illisible.",
            )
        elif feed.info.mode == "snapshot" and shape.expected:
            summary.vanished = syncing.withdraw_vanished(
                connection, table.id, shape.low, shape.high, now=at
            )
        sources.accepted(connection, table.id, feed.info, now, options.live)
        _remember(connection, feed, summary, now, expected=shape.expected)


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


def _set_aside(
    store: Store,
    feed: Feed,
    summary: FeedSummary,
    found: Sequence[Verdict],
    now: datetime,
    seen: Seen | None,
) -> None:
    """Record what was not applied, and place the holds it asks for."""
    info = feed.info
    with store.write() as connection:
        if not sources.said_last(connection, summary.source, info, summary.status, summary.code):
            _remember(connection, feed, summary, now)
        for verdict in found:
            if _is_harmless(feed, verdict.code) or sources.let_through(
                connection, summary.source, verdict.code, info.content_hash, now
            ):
                continue
            place_hold(
                connection, summary.source, verdict.code, verdict.sentence,
                now=now, by="reminders", feed_hash=info.content_hash, seen=seen,
            )  # fmt: skip


def _is_harmless(feed: Feed, code: str) -> bool:
    """Is nothing lost or in doubt by leaving this input aside?

    A replaced snapshot, or a poll another process finished first, told nothing new; how old the
    newest input is, `hold_if_stale` says. A late delta file held changes nobody else tells.
    """
    if code == "older":
        return feed.info.mode == "snapshot" or not feed.info.content_hash
    return code == "stale"


def _put_away(feed: Feed, summary: FeedSummary) -> None:
    if summary.status in ("accepted", "known"):
        feed.accept()
    elif summary.status == "refused" and summary.code not in LEFT_IN_PLACE:
        feed.reject([summary.sentence, *(f"{p.row}: {p.sentence}" for p in summary.problems)])
