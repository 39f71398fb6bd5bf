"""The day list a service fills in: a line an appointment, a mark a line.

A person says who came. What the DPI says stands, and nobody else's mark is written over unseen:
a mark is made from what the page showed, and what changed since is told instead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.appointment import Status
from reminders.domain.outcome import OPEN, Attendance
from reminders.services.attendance import Presence, bounds, closing, presence
from reminders.services.rules import Rules
from reminders.store import attendance
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros

PAGE = 50
START = (-1, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One appointment of the day. `marked`: what a person said; `told_by`: a name, dpi, patient."""

    id: int
    starts_at: datetime
    all_day: bool
    uf: str
    agenda: str
    number: str
    family: str
    given: str
    born: date | None
    identifier: str
    presence: Presence
    told_by: str
    marked: Attendance
    can_mark: bool  # it has begun, and the DPI says nothing final

    @property
    def place(self) -> tuple[int, int]:
        return micros(self.starts_at), self.id


@dataclass(frozen=True, slots=True)
class Agenda:
    """One agenda of a service that day, in numbers. `silent`: it began and nobody said."""

    uf: str
    service: str
    agenda: str
    number: int
    came: int
    absent: int
    excused: int
    silent: int


@dataclass(frozen=True, slots=True)
class DayList:
    agendas: Sequence[Agenda]
    lines: Sequence[Line]
    after: tuple[int, int] | None


def day_list(
    store: Store,
    rules: Rules,
    day: date,
    zone: ZoneInfo,
    ufs: frozenset[str] | None,
    *,
    uf: str = "",
    agenda: str | None = None,
    silent: bool = False,
    after: tuple[int, int] = START,
    limit: int = PAGE,
    now: datetime,
) -> DayList:
    """A page of a civil day's appointments in these services (None: all), and the numbers of
    every agenda. `uf` and `agenda` narrow the lines; `silent`: what began and nobody said."""
    start, end = bounds(day, zone)
    span, at = (micros(start), micros(end)), micros(now)
    wanted = ufs if not uf else frozenset({uf}) if ufs is None or uf in ufs else frozenset()
    with store.read() as connection:
        groups = attendance.agendas(connection, *span, ufs, now=at)
        found = attendance.lines(
            connection, *span, wanted, agenda=agenda, silent_at=at if silent else None,
            after=after, limit=limit + 1,
        )  # fmt: skip
    shown = [line_of(rules, row, zone, now=now) for row in found[:limit]]
    return DayList(
        [_agenda(rules, row) for row in groups], shown, shown[-1].place if found[limit:] else None
    )


def lines_of(
    store: Store,
    rules: Rules,
    keys: Sequence[int],
    zone: ZoneInfo,
    ufs: frozenset[str] | None,
    *,
    now: datetime,
) -> list[Line]:
    """These appointments as they are now, where they are of these services (None: all)."""
    with store.read() as connection:
        found = attendance.lines_of(connection, keys)
    return [line_of(rules, row, zone, now=now) for row in found if ufs is None or row.uf in ufs]


def line_of(rules: Rules, row: Record, zone: ZoneInfo, *, now: datetime) -> Line:
    starts_at = instant(row.starts_at)
    day = starts_at.astimezone(zone).date()
    said, told_by = presence(row, closing(rules, row.uf, day, bounds(day, zone)[1]), now)
    if row.attended_by and told_by == row.attended_by:
        told_by = row.marker
    return Line(
        id=row.id,
        starts_at=starts_at,
        all_day=bool(row.all_day),
        uf=row.uf,
        agenda=row.agenda,
        number=row.external_id,
        family=row.family or "",
        given=row.given or "",
        born=date.fromisoformat(row.birth_date) if row.birth_date else None,
        identifier=row.identifier or "",
        presence=said,
        told_by=told_by,
        marked=Attendance(row.attendance),
        can_mark=Status(row.status) in OPEN and starts_at <= now,
    )


def _agenda(rules: Rules, row: Record) -> Agenda:
    office = rules.offices.get(row.uf)
    return Agenda(
        row.uf, office.label if office else "", row.agenda,
        row.number, row.came, row.absent, row.excused, row.silent,
    )  # fmt: skip


# --- marking -------------------------------------------------------------------------------------


class Fate(StrEnum):
    """What became of one mark."""

    KEPT = "kept"
    SAME = "same"  # it was so already
    CHANGED = "changed"  # somebody said otherwise since the page was made
    DPI = "dpi"  # the DPI says how it ended
    EARLY = "early"  # it has not begun
    UNKNOWN = "unknown"  # no such appointment in these services


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person marks, and what the page showed them then."""

    word: Attendance
    seen: Attendance


def mark_day(
    store: Store,
    rules: Rules,
    wishes: Mapping[int, Wish],
    zone: ZoneInfo,
    ufs: frozenset[str] | None,
    *,
    by: str,
    now: datetime,
) -> tuple[dict[int, Fate], list[Line]]:
    """Keep these marks (appointment -> wish) in one transaction: what became of each, and the
    lines as they are now."""
    at = micros(now)
    with store.write() as connection:
        found = {
            row.id: row
            for row in attendance.lines_of(connection, sorted(wishes), lock=True)
            if ufs is None or row.uf in ufs
        }
        fates = {key: _fate(found.get(key), wish, at) for key, wish in wishes.items()}
        for word in Attendance:
            kept = [k for k, fate in fates.items() if fate is Fate.KEPT and wishes[k].word is word]
            attendance.mark_lines(connection, kept, word.value, at=at, by=by)
        told = attendance.lines_of(connection, sorted(found))
    return fates, [line_of(rules, row, zone, now=now) for row in told]


def _fate(row: Record | None, wish: Wish, at: int) -> Fate:
    if row is None:
        return Fate.UNKNOWN
    if Status(row.status) not in OPEN:
        return Fate.DPI
    if row.attendance == wish.word.value:
        return Fate.SAME
    if row.starts_at > at:
        return Fate.EARLY
    return Fate.KEPT if row.attendance == wish.seen.value else Fate.CHANGED


__all__ = ["Agenda", "DayList", "Fate", "Line", "Wish", "day_list", "lines_of", "mark_day"]
