"""When a message may reach a patient, said slowly: the reference the calendar is compared with.

It looks at every quarter of an hour of a day and asks the plain questions. Contact hours of the
cases are whole quarters, and so are all offsets of French zones.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from reminders.domain.calendar import ContactHours
from reminders.domain.holidays import is_holiday

QUARTER = timedelta(minutes=15)
YEARS = range(2000, 2041)

# Every zone of the Republic in the tz database, with the holidays that go with it.
FRENCH_ZONES = {
    "Europe/Paris": "metropole",
    "America/Guadeloupe": "guadeloupe",
    "America/Martinique": "martinique",
    "America/Cayenne": "guyane",
    "America/Miquelon": "saint-pierre-et-miquelon",
    "America/St_Barthelemy": "saint-barthelemy",
    "America/Marigot": "saint-martin",
    "Indian/Reunion": "reunion",
    "Indian/Mayotte": "mayotte",
    "Indian/Kerguelen": "reunion",
    "Pacific/Noumea": "nouvelle-caledonie",
    "Pacific/Tahiti": "polynesie",
    "Pacific/Marquesas": "polynesie",
    "Pacific/Gambier": "polynesie",
    "Pacific/Wallis": "wallis-et-futuna",
}


@cache
def clock_changes(zone: str) -> tuple[datetime, ...]:
    """The instants (UTC) from 2000 to 2040 at which a zone's offset becomes another."""
    there = ZoneInfo(zone)
    found = []
    day = datetime(YEARS.start, 1, 1, tzinfo=UTC)
    while day.year < YEARS.stop:
        if not _same_offset(day, day + timedelta(days=1), there):
            hours = (day + timedelta(hours=hour) for hour in range(24))
            found += [h for h in hours if not _same_offset(h - timedelta(hours=1), h, there)]
        day += timedelta(days=1)
    return tuple(found)


def _same_offset(one: datetime, other: datetime, zone: ZoneInfo) -> bool:
    return one.astimezone(zone).utcoffset() == other.astimezone(zone).utcoffset()


def within(moment: datetime, hours: ContactHours, zone: ZoneInfo) -> bool:
    return hours.earliest <= moment.astimezone(zone).time() < hours.latest


def quarters(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Every quarter of an hour (UTC) that is on this civil day there."""
    moment = datetime.combine(day, time(0), UTC) - timedelta(hours=15)
    while moment < datetime.combine(day, time(0), UTC) + timedelta(hours=39):
        if moment.astimezone(zone).date() == day:
            yield moment
        moment += QUARTER


def permitted_quarters(
    day: date, hours: ContactHours, number_zone: ZoneInfo | None
) -> list[datetime]:
    """The quarters of a site's civil day at which one may write to this number."""
    if day.weekday() not in hours.weekdays or is_holiday(day, hours.region):
        return []
    at_site = [one for one in quarters(day, hours.zone) if within(one, hours, hours.zone)]
    if number_zone is None:
        return at_site
    return [one for one in at_site if within(one, hours, number_zone)] or at_site


def is_permitted(moment: datetime, hours: ContactHours, number_zone: ZoneInfo | None) -> bool:
    day = moment.astimezone(hours.zone).date()
    quarter = moment - timedelta(
        minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond
    )
    return quarter in permitted_quarters(day, hours, number_zone)
