"""What is known of each source: when it was read, what its header was, what it held before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from reminders.domain.appointment import RowProblem
from reminders.domain.marking import N_
from reminders.ports import FeedInfo
from reminders.store.engine import Record, insert_rows, reserve, rows, run
from reminders.store.types import DAY, HOUR, instant, instant_or_none, micros

WEEKS_COMPARED = 8
RELEASE_LASTS = HOUR  # how long the release of a poll's verdict lets the next poll through
FIRST_RUN = N_("Premier envoi réel de la source « %(source)s » : à regarder avant le départ.")


@dataclass(frozen=True, slots=True)
class SourceState:
    first_sync_at: datetime | None
    last_as_of: datetime | None
    last_full_at: datetime | None
    layout: str
    released_at: datetime | None


def all_of(connection: Connection) -> Sequence[Record]:
    return rows(connection, "SELECT id, last_as_of FROM source ORDER BY id")


def register(connection: Connection, source: str, kind: str) -> None:
    run(
        connection,
        "INSERT INTO source (id, kind) VALUES (:id, :kind) ON CONFLICT (id) DO NOTHING",
        id=source,
        kind=kind,
    )


def state(connection: Connection, source: str) -> SourceState:
    row = rows(
        connection,
        "SELECT first_sync_at, last_as_of, last_full_at, layout, released_at FROM source "
        "WHERE id = :id",
        id=source,
    )[0]
    return SourceState(
        instant_or_none(row[0]),
        instant_or_none(row[1]),
        instant_or_none(row[2]),
        row[3],
        instant_or_none(row[4]),
    )


def accepted(
    connection: Connection, source: str, info: FeedInfo, now: datetime, live: bool
) -> None:
    """The feed is applied. In live mode the first one holds its source until somebody looked."""
    at = micros(now)
    run(
        connection,
        "UPDATE source SET first_sync_at = COALESCE(first_sync_at, :now), last_as_of = :as_of, "
        "last_full_at = CASE WHEN :full = 1 THEN :now ELSE last_full_at END, "
        "layout = CASE WHEN :layout = '' THEN layout ELSE :layout END WHERE id = :id",
        id=source,
        now=at,
        as_of=min(micros(info.as_of), at),  # a date ahead of the clock would never grow old
        full=int(info.mode == "snapshot"),
        layout=info.layout,
    )
    if live:
        hold_first_run(connection, source, at)


def hold_first_run(connection: Connection, source: str, now: int) -> None:
    run(
        connection,
        "INSERT INTO hold (id, source_id, code, sentence, placed_at, placed_by) "
        "SELECT :hold, :id, 'first_run', :sentence, :now, 'reminders' WHERE EXISTS "
        "(SELECT 1 FROM source WHERE id = :id AND released_at IS NULL) AND NOT EXISTS "
        "(SELECT 1 FROM hold WHERE source_id = :id AND code = 'first_run' "
        "AND released_at IS NULL)",
        hold=reserve(connection, "hold", 1),
        id=source,
        sentence=FIRST_RUN % {"source": source},
        now=now,
    )


def already_applied(connection: Connection, source: str, content_hash: str) -> bool:
    return bool(content_hash) and bool(
        rows(
            connection,
            "SELECT 1 FROM feed WHERE source_id = :source AND content_hash = :hash "
            "AND status = 'accepted' LIMIT 1",
            source=source,
            hash=content_hash,
        )
    )


def same_weekday(connection: Connection, source: str, as_of: datetime, zone: ZoneInfo) -> list[int]:
    """`expected` of earlier accepted snapshots of that weekday, the last of each day."""
    found = rows(
        connection,
        "SELECT as_of, expected FROM feed WHERE source_id = :source AND status = 'accepted' "
        "AND mode = 'snapshot' AND as_of > :since ORDER BY as_of",
        source=source,
        since=micros(as_of) - WEEKS_COMPARED * 7 * DAY - DAY,
    )
    today = as_of.astimezone(zone).date()
    by_day = {instant(row.as_of).astimezone(zone).date(): row.expected for row in found}
    return [
        expected
        for day, expected in by_day.items()
        if day != today and day.weekday() == today.weekday()
    ]


def let_through(
    connection: Connection, source: str, code: str, content_hash: str, now: datetime
) -> bool:
    """Did a person already release this very verdict on this very input?"""
    return bool(
        rows(
            connection,
            "SELECT 1 FROM hold WHERE source_id = :source AND code = :code "
            "AND released_at IS NOT NULL AND feed_hash = :hash "
            "AND (feed_hash <> '' OR released_at > :recent) LIMIT 1",
            source=source,
            code=code,
            hash=content_hash,
            recent=micros(now) - RELEASE_LASTS,
        )
    )


def said_last(connection: Connection, source: str, info: FeedInfo, status: str, code: str) -> bool:
    """Is this very refusal of this very input the last thing remembered of its source?"""
    found = rows(
        connection,
        "SELECT content_hash, status, code FROM feed WHERE source_id = :source "
        "ORDER BY started_at DESC, id DESC LIMIT 1",
        source=source,
    )
    return bool(found) and tuple(found[0]) == (info.content_hash, status, code)


def coming(connection: Connection, now: int) -> list[str]:
    """Sources with an appointment still to come that may be written about."""
    # `|| ''`: among what comes, never through all that one which is no longer read ever had.
    found = rows(
        connection,
        "SELECT id FROM source WHERE EXISTS (SELECT 1 FROM appointment a "
        "WHERE a.source_id || '' = source.id AND a.starts_at > :now AND a.status = 'booked') "
        "ORDER BY id",
        now=now,
    )
    return [row.id for row in found]


def unseen(connection: Connection) -> list[str]:
    """Sources that were read, and whose first real sending nobody let through yet."""
    found = rows(
        connection,
        "SELECT id FROM source WHERE released_at IS NULL AND first_sync_at IS NOT NULL ORDER BY id",
    )
    return [row.id for row in found]


def remember_feed(
    connection: Connection,
    *,
    source: str,
    info: FeedInfo,
    started_at: datetime,
    status: str,
    code: str,
    sentence: str,
    counts: tuple[int, int, int, int, int, int],
    problems: Sequence[RowProblem],
) -> None:
    """`counts`: rows, problems, expected, created, changed, vanished."""
    feed = reserve(connection, "feed", 1)
    insert_rows(
        connection,
        "feed",
        (
            "id", "source_id", "name", "as_of", "mode", "content_hash", "started_at", "status",
            "code", "sentence", "rows", "problems", "expected", "created", "changed", "vanished",
        ),
        [
            (feed, source, info.name, micros(info.as_of), info.mode, info.content_hash,
             micros(started_at), status, code, sentence, *counts)
        ],
    )  # fmt: skip
    if problems:
        first = reserve(connection, "feed_problem", len(problems))
        insert_rows(
            connection,
            "feed_problem",
            ("id", "feed_id", "row", "column_name", "code", "sentence"),
            [
                (first + n, feed, one.row, one.column, one.code, one.sentence)
                for n, one in enumerate(problems)
            ],
        )
