"""Holding and releasing: sending waits for a person, who sees what would leave."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import structlog

from reminders.domain.marking import N_, filled
from reminders.store import facts, holds
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import micros

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Unit:
    """Coming appointments of one service: those known, those received."""

    uf: str
    known: int
    received: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What the gate saw of a feed: counts, and appointments it would cancel or move."""

    received: int = 0  # coming appointments of the feed
    usual: float | None = None  # median of the same weekday's earlier feeds
    known: int = 0  # coming appointments we hold in the feed's span
    vanished: int = 0  # those of them the feed no longer has
    moved: int = 0  # the most moved by one same offset
    units: tuple[Unit, ...] = ()  # where the two differ most
    samples: Sequence[tuple[int, str, int | None]] = field(default=(), repr=False)

    @property
    def evidence(self) -> str:
        told = asdict(self)
        del told["samples"]
        return json.dumps(told, ensure_ascii=False)

    @staticmethod
    def read(evidence: str) -> "Seen | None":
        """None: nothing was counted, as for a feed that could not be read to its end."""
        if not evidence:
            return None
        told = json.loads(evidence)
        units = tuple(Unit(**unit) for unit in told.pop("units", ()))
        return Seen(**told, units=units)


class HoldRefused(Exception):
    """What cannot be done with a hold: `code` for programs, the sentence for people. `by`: the
    login of whoever decided before."""

    def __init__(self, code: str, sentence: str, by: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.by = by


def place_hold(
    connection: Connection,
    source: str,
    code: str,
    sentence: str,
    *,
    now: datetime,
    by: str,
    feed_hash: str = "",
    seen: Seen | None = None,
) -> bool:
    """Hold one source, or everything for source "". The same hold twice is one; True if new."""
    return holds.place(
        connection, source, code, sentence, now=micros(now), by=by, feed_hash=feed_hash,
        evidence=seen.evidence if seen else "", samples=seen.samples if seen else (),
    )  # fmt: skip


def hold_everything(store: Store, sentence: str, *, now: datetime, by: str) -> bool:
    with store.write() as connection:
        facts.audit(connection, at=micros(now), actor=by, action="hold")
        return place_hold(connection, "", "manual", sentence, now=now, by=by)


def release_holds(store: Store, *, now: datetime, by: str) -> tuple[int, int]:
    """End every hold, by name: (messages back to planned, messages whose moment has passed)."""
    at = micros(now)
    with store.write() as connection:
        back, late = holds.release_all(connection, now=at, by=by)
        facts.audit(connection, at=at, actor=by, action="release", back=back, late=late)
    log.warning("holds released", back=back, late=late)
    return back, late


# --- one hold, looked at ------------------------------------------------------------------------


def release_hold(
    store: Store, hold: int, seen: Sequence[int], *, now: datetime, by: str
) -> tuple[int, int]:
    """End a hold and those placed with it: (messages back to planned, past their moment).

    `seen`: the keys of those the person looked at. Raises HoldRefused if others joined them
    since, or if somebody else was faster.
    """
    at = micros(now)
    with store.write() as connection:
        ids = [row.id for row in _still_held(connection, hold, seen)]
        back, late = holds.end(connection, ids, "released", now=at, by=by)
        _told(connection, "release", hold, at, by, back=back, late=late)
    log.warning("holds released", hold=hold, back=back, late=late)
    return back, late


def discard_feed(
    store: Store, hold: int, seen: Sequence[int], *, now: datetime, by: str
) -> tuple[int, int]:
    """The held file is never applied: sending goes on with what was known before it.

    Raises HoldRefused as `release_hold` does, and for what no file asked for.
    """
    at = micros(now)
    with store.write() as connection:
        found = _still_held(connection, hold, seen)
        if not found[0].feed_hash:
            raise HoldRefused("no-file", "Aucun fichier n’attend : il n’y a rien à écarter.")
        ids = [row.id for row in found]
        back, late = holds.end(connection, ids, "discarded", now=at, by=by)
        _told(connection, "discard-feed", hold, at, by, back=back, late=late)
    log.warning("feed discarded", hold=hold, back=back, late=late)
    return back, late


def discard_messages(
    store: Store, hold: int, seen: Sequence[int], most: int, *, now: datetime, by: str
) -> int:
    """What waits because of this hold never leaves, and no other channel is tried; the hold
    itself stays. How many messages.

    `most`: how many the person was told. Raises HoldRefused if there are more by now.
    """
    at = micros(now)
    with store.write() as connection:
        source = _still_held(connection, hold, seen)[0].source_id
        number = holds.cancel_held(connection, source, now=at)
        if number > most:
            raise HoldRefused("more", "D’autres messages attendent maintenant : regarder d’abord.")
        _told(connection, "discard-messages", hold, at, by, messages=number)
    log.warning("held messages discarded", hold=hold, messages=number)
    return number


def _still_held(connection: Connection, hold: int, seen: Sequence[int]) -> Sequence[Record]:
    found = holds.occasion(connection, hold, lock=True)
    if not found:
        raise HoldRefused("unknown", "Cette retenue n’existe pas, ou a été effacée.")
    if found[0].released_at is not None:
        who = str(found[0].released_by)
        decided = filled(N_("%(who)s a déjà décidé de cette retenue."), who=who)
        raise HoldRefused("ended", decided, by=who)
    held = [row for row in found if row.released_at is None]
    if not {row.id for row in held} <= set(seen):
        raise HoldRefused("joined", "Un autre motif retient les envois : le regarder d’abord.")
    return held


def _told(
    connection: Connection, action: str, hold: int, at: int, by: str, **counts: object
) -> None:
    facts.audit(connection, at=at, actor=by, action=action, subject=f"hold:{hold}", **counts)
