"""Civil time: which days and hours a message may leave, in the site's and the number's zone.

All results are aware UTC instants. Everything here is memoised: a plan asks the same few
questions for many appointments. Source of the defaults: DOMAIN 3.5 (9:00-20:00, Monday to
Saturday, no public holiday).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from reminders.domain.holidays import is_holiday

WEEKDAYS = frozenset(range(6))  # Monday to Saturday
LONGEST_CLOSURE = 60  # days; a calendar closed for longer is a mistake, not a closure


@dataclass(frozen=True, slots=True)
class ContactHours:
    """When a site permits writing: civil hours of its zone, half-open [earliest, latest)."""

    zone: ZoneInfo
    earliest: time = time(9)
    latest: time = time(20)
    weekdays: frozenset[int] = WEEKDAYS  # 0 = Monday
    region: str = "metropole"

    def __post_init__(self) -> None:
        if self.earliest >= self.latest:
            raise ValueError("contact hours must start before they end")
        if not self.weekdays:
            raise ValueError("at least one day of the week must be permitted")


def civil_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day it is there at an instant."""
    if moment.tzinfo is UTC:  # elsewhere the two readings of a repeated hour count as equal
        return _civil_day(moment, zone)
    return moment.astimezone(zone).date()


@lru_cache(maxsize=16_384)
def _civil_day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


@lru_cache(maxsize=65_536)
def to_utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant of a civil time. In a gap: the first instant after it; in a fold: the first."""
    local = datetime.combine(day, at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(fold=0) == local.replace(fold=0):
        return instant
    # The civil time does not exist: with fold=1 the offset after the gap is applied, so the two
    # readings straddle the gap and its end is where the offset changes.
    low = local.replace(fold=1).astimezone(UTC)
    high = instant
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0) + timedelta(seconds=1 if high.microsecond else 0)


@lru_cache(maxsize=65_536)
def is_permitted_day(day: date, hours: ContactHours) -> bool:
    return day.weekday() in hours.weekdays and not is_holiday(day, hours.region)


@lru_cache(maxsize=65_536)
def previous_permitted_day(day: date, hours: ContactHours) -> date:
    """The last permitted day on or before `day`."""
    return _permitted(day, hours, -1)


@lru_cache(maxsize=65_536)
def next_permitted_day(day: date, hours: ContactHours) -> date:
    """The first permitted day on or after `day`."""
    return _permitted(day, hours, 1)


def _permitted(day: date, hours: ContactHours, step: int) -> date:
    for distance in range(LONGEST_CLOSURE):
        candidate = day + timedelta(days=step * distance)
        if is_permitted_day(candidate, hours):
            return candidate
    raise ValueError("no permitted day within two months")


@lru_cache(maxsize=65_536)
def permitted_window(
    day: date, hours: ContactHours, number_zone: ZoneInfo | None
) -> tuple[datetime, datetime]:
    """The permitted interval of a permitted day, UTC, half-open.

    The site's hours, and the same hours in the zone of the patient's number; the site's alone
    where the two have nothing in common. Raises ValueError for a forbidden day.
    """
    if not is_permitted_day(day, hours):
        raise ValueError("not a permitted day")
    opens = to_utc(day, hours.earliest, hours.zone)
    closes = to_utc(day, hours.latest, hours.zone)
    if number_zone is None or number_zone == hours.zone:
        return opens, closes
    for shift in (0, -1, 1):  # the number's civil day may be another
        theirs = day + timedelta(days=shift)
        low = max(opens, to_utc(theirs, hours.earliest, number_zone))
        high = min(closes, to_utc(theirs, hours.latest, number_zone))
        if low < high:
            return low, high
    return opens, closes


def next_permitted(moment: datetime, hours: ContactHours, number_zone: ZoneInfo | None) -> datetime:
    """The first permitted instant at or after `moment`, UTC."""
    instant = moment.astimezone(UTC)
    day = next_permitted_day(moment.astimezone(hours.zone).date(), hours)
    while True:
        opens, closes = permitted_window(day, hours, number_zone)
        if instant < closes:
            return max(instant, opens)
        day = next_permitted_day(day + timedelta(days=1), hours)
