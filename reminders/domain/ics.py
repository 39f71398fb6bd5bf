"""An appointment as a file calendars read (iCalendar, RFC 5545 and 5546).

Published, never requested: a REQUEST would make the patient's calendar answer to the hospital's
mailbox. Written by hand because icalendar 7.3 starts summer time an hour late in the VTIMEZONE
it generates (DTSTART 03:00 where RFC 5545 §3.6.5 counts in the offset that ends, 02:00);
that library reads back, in the tests, what is written here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

PRODUCT = "-//reminders//rendez-vous//FR"
LINE_OCTETS = 75  # RFC 5545 §3.1, the line break not counted

_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_URL = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Event:
    """One appointment.

    `uid` stays for the life of the appointment and `sequence` grows with each change of it.
    `summary` names nothing medical: a calendar is seen by others. `all_day`: only the date of
    `starts_at` in `zone` is known. `url` is printable ASCII.
    """

    uid: str
    sequence: int
    starts_at: datetime  # aware
    ends_at: datetime | None  # aware, after the start; None = not known
    zone: ZoneInfo  # whose wall clock the patient reads
    summary: str
    location: str = ""
    description: str = ""
    url: str = ""
    all_day: bool = False

    def __post_init__(self) -> None:
        for moment in (self.starts_at, self.ends_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError("naive datetime refused: an instant needs its zone")
        if not _URL.fullmatch(self.url):
            raise ValueError("a URL is printable ASCII without spaces")


def calendar(events: Sequence[Event], *, cancelled: bool = False, stamp: datetime) -> bytes:
    """A complete iCalendar object that publishes these events, or cancels them.

    `stamp` is the instant it is made, aware. A cancellation counts one above the sequence of
    what it cancels (RFC 5546 §3.2.5). UTF-8, CRLF, folded at 75 octets.
    """
    if stamp.tzinfo is None:
        raise ValueError("naive datetime refused: an instant needs its zone")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        f"METHOD:{'CANCEL' if cancelled else 'PUBLISH'}",
    ]
    zones = [_timezone(key, *years) for key, years in sorted(_years(events).items())]
    told = [line for event in events for line in _event(event, cancelled, stamp)]
    return b"".join([_folded(lines), *zones, _folded([*told, "END:VCALENDAR"])])


def _years(events: Sequence[Event]) -> dict[str, tuple[int, int]]:
    """The first and last year in which each zone is used."""
    found: dict[str, tuple[int, int]] = {}
    for event in events:
        if event.all_day:
            continue
        for moment in (event.starts_at, event.ends_at or event.starts_at):
            year = moment.astimezone(event.zone).year
            first, last = found.get(event.zone.key, (year, year))
            found[event.zone.key] = min(first, year), max(last, year)
    return found


def _event(event: Event, cancelled: bool, stamp: datetime) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"SEQUENCE:{event.sequence + cancelled}"
    yield f"DTSTAMP:{_utc(stamp)}"
    if event.all_day:
        yield f"DTSTART;VALUE=DATE:{event.starts_at.astimezone(event.zone):%Y%m%d}"
    else:
        yield f"DTSTART{_local(event.starts_at, event.zone)}"
        if event.ends_at is not None:
            yield f"DTEND{_local(event.ends_at, event.zone)}"
    yield f"SUMMARY:{_text(event.summary)}"
    for name, value in (("LOCATION", event.location), ("DESCRIPTION", event.description)):
        if value:
            yield f"{name}:{_text(value)}"
    if event.url:
        yield f"URL:{event.url}"
    yield "CLASS:PRIVATE"
    yield f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}"
    yield "END:VEVENT"


def _text(value: str) -> str:
    """Escaped (RFC 5545 §3.3.11); controls, which no TEXT may hold, become spaces."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(" ", lines).translate(_ESCAPES)


def _local(moment: datetime, zone: ZoneInfo) -> str:
    """The wall clock with its zone; UTC for the second pass of an hour that happens twice, which
    a wall clock cannot tell (RFC 5545 §3.3.5 reads it as the first)."""
    local = moment.astimezone(UTC).astimezone(zone)  # by UTC: a wall clock that never was moves
    if local.fold:
        return f":{_utc(moment)}"
    return f";TZID={zone.key}:{local:%Y%m%dT%H%M%S}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


@lru_cache(maxsize=256)
def _timezone(key: str, first: int, last: int) -> bytes:
    """The VTIMEZONE of a zone, true from the first to the last year included."""
    zone = ZoneInfo(key)
    start = datetime(first, 1, 1, tzinfo=zone)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{key}", *_observance(start, start, start)]
    day, end = start.astimezone(UTC), datetime(last + 1, 1, 1, tzinfo=zone)
    while day < end:
        following = day + timedelta(days=1)
        if _offset(day, zone) != _offset(following, zone):
            change = _change(day, following, zone)
            before = (change - timedelta(seconds=1)).astimezone(zone)
            onset = before.replace(tzinfo=None) + timedelta(seconds=1)
            lines += _observance(onset, before, change.astimezone(zone))
        day = following
    return _folded([*lines, "END:VTIMEZONE"])


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second at which the offset changes, between two instants (UTC) of which it differs."""
    old, apart = _offset(before, zone), int((after - before).total_seconds())
    low, high = 0, apart  # the old offset holds at `low`, no longer at `high`
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + timedelta(seconds=middle), zone) == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def _observance(onset: datetime, before: datetime, after: datetime) -> Iterator[str]:
    """One period of a zone. `onset` is the wall clock that ends, as RFC 5545 §3.6.5 asks."""
    kind = "DAYLIGHT" if after.dst() else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{onset:%Y%m%dT%H%M%S}"
    yield f"TZOFFSETFROM:{before:%z}"
    yield f"TZOFFSETTO:{after:%z}"
    yield f"TZNAME:{after:%Z}"
    yield f"END:{kind}"


def _folded(lines: Sequence[str]) -> bytes:
    return b"".join(_fold(line.encode()) for line in lines)


def _fold(line: bytes) -> bytes:
    """One content line as lines of 75 octets at most, never cut inside a character."""
    if len(line) <= LINE_OCTETS:
        return line + b"\r\n"
    pieces, start, room = list[bytes](), 0, LINE_OCTETS
    while start < len(line):
        end = min(start + room, len(line))
        while end < len(line) and line[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        pieces.append(line[start:end])
        start, room = end, LINE_OCTETS - 1  # the space that continues a line counts
    return b"\r\n ".join(pieces) + b"\r\n"
