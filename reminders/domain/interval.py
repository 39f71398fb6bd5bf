"""From when until when a message may leave: always inside one day's permitted hours.

A step moves to an earlier day when its own is forbidden, so that nobody gets less notice than
the protocol promises. A correction, a notice or an acknowledgement moves later.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from reminders.domain.booking import Person, Step
from reminders.domain.calendar import (
    ContactHours,
    civil_day,
    next_permitted,
    permitted_window,
    previous_permitted_day,
    to_utc,
)
from reminders.domain.recipient import number_zone

LAST_NOTICE = timedelta(hours=2)  # nothing is sent later than this before the start


class Interval(NamedTuple):
    """`earliest` opens the day's permitted hours, `opens` is the step's hour; half-open.

    `day` is the site's civil day it lies in.
    """

    day: date
    earliest: datetime
    opens: datetime
    closes: datetime


def step_interval(
    step: Step, starts_at: datetime, hours: ContactHours, zone: str
) -> Interval | None:
    """When a step may leave: from its civil hour to the end of that day's permitted hours.

    A forbidden day moves the whole interval to the previous permitted day; it ends two hours
    before the start at the latest. None: no moment is left (the start is too early).
    `zone`: of the patient's number, "" for the site's.
    """
    assert step.day is not None
    day, earliest, opens, closes = _day_interval(
        step.day, step.hour, step.latest, civil_day(starts_at, hours.zone), hours, zone
    )
    closes = min(closes, starts_at - LAST_NOTICE)
    if opens >= closes:
        opens = earliest
    return Interval(day, earliest, opens, closes) if opens < closes else None


def step_day(step: Step, starts_at: datetime, hours: ContactHours) -> date:
    """The civil day of a step, whoever it is sent to."""
    assert step.day is not None
    there = civil_day(starts_at, hours.zone) - timedelta(days=step.day)
    return previous_permitted_day(there, hours)


def zone_of_step(person: Person, step: Step, starts_at: datetime, hours: ContactHours) -> str:
    """The zone of the number of whoever gets this step: a birthday may change who that is."""
    for address in person.addresses:
        if address.relation:
            return number_zone(person, step_day(step, starts_at, hours))
    return number_zone(person, date.max)


@lru_cache(maxsize=65_536)
def _day_interval(
    days_before: int,
    hour: time,
    latest: time | None,
    local_day: date,
    hours: ContactHours,
    zone: str,
) -> tuple[date, datetime, datetime, datetime]:
    day = previous_permitted_day(local_day - timedelta(days=days_before), hours)
    earliest, closes = permitted_window(day, hours, _zone(zone))
    opens = max(earliest, to_utc(day, hour, hours.zone))
    if opens >= closes:
        opens = earliest  # the number's zone permits only hours before the step's own
    if latest is not None:
        end = max(to_utc(day, latest, hours.zone), opens + timedelta(minutes=1))
        closes = min(closes, end)
    return day, earliest, opens, closes


def later_interval(
    person: Person, since: datetime, last: datetime, hours: ContactHours, *, now: datetime | None
) -> Interval | None:
    """The permitted hours of the first day with some at or after `since`; a later day's once
    they are over at `now`, as long as any is left before `last`. None: there never was any.

    With `now` None the first day is the only one.
    """
    first = _window(person, since, hours)
    opens = max(since, first.opens)
    if opens >= last:
        return None
    if now is not None and first.closes <= now:
        following = _window(person, now, hours)
        if following.opens < last:
            return Interval(
                following.day, following.opens, following.opens, min(following.closes, last)
            )
    return Interval(first.day, opens, opens, min(first.closes, last))


def _window(person: Person, moment: datetime, hours: ContactHours) -> Interval:
    """The permitted hours a moment lies in, else the next ones, in the zone of whoever is
    written to that day."""
    day = civil_day(moment, hours.zone)
    for _ in range(3):  # a birthday on the way changes once whose zone it is
        zone = _zone(number_zone(person, day))
        reached = civil_day(next_permitted(moment, hours, zone), hours.zone)
        if reached == day:
            break
        day = reached
    opens, closes = permitted_window(reached, hours, zone)
    return Interval(reached, opens, opens, closes)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name else None
