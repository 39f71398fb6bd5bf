"""Permitted days and hours, in every zone of the Republic and at every change of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.calendar import (
    ContactHours,
    is_permitted_day,
    next_permitted,
    next_permitted_day,
    permitted_window,
    previous_permitted_day,
    to_utc,
)
from tests.properties.permitted import (
    FRENCH_ZONES,
    QUARTER,
    YEARS,
    clock_changes,
    is_permitted,
    permitted_quarters,
)
from tests.support.bookings import PARIS, paris

HOURS = ContactHours(PARIS)
NUMBERS = [None, *(ZoneInfo(zone) for zone in FRENCH_ZONES)]


def hours_of(zone: str) -> ContactHours:
    return ContactHours(ZoneInfo(zone), region=FRENCH_ZONES[zone])


def test_the_reference_knows_every_change_of_french_clocks() -> None:
    changing = {zone: len(clock_changes(zone)) for zone in FRENCH_ZONES if clock_changes(zone)}
    assert changing == {"Europe/Paris": 2 * len(YEARS), "America/Miquelon": 2 * len(YEARS)}


def test_a_day_ends_at_eight_in_the_evening_and_begins_at_nine() -> None:
    assert permitted_window(date(2026, 6, 12), HOURS, None) == (
        paris("2026-06-12 09:00"),
        paris("2026-06-12 20:00"),
    )


@pytest.mark.parametrize(
    "day",
    [date(2026, 6, 14), date(2026, 7, 14), date(2026, 5, 14), date(2026, 1, 1), date(2026, 4, 6)],
)
def test_sundays_and_holidays_are_forbidden(day: date) -> None:
    assert not is_permitted_day(day, HOURS)
    with pytest.raises(ValueError, match="not a permitted day"):
        permitted_window(day, HOURS, None)


def test_a_forbidden_day_goes_back_or_forth_to_the_nearest_permitted_one() -> None:
    # 14 July 2024 is a Sunday and a holiday; 1 November 2026 a Sunday; Easter Monday 6 April
    assert previous_permitted_day(date(2024, 7, 14), HOURS) == date(2024, 7, 13)
    assert next_permitted_day(date(2026, 4, 5), HOURS) == date(2026, 4, 7)
    assert previous_permitted_day(date(2026, 6, 12), HOURS) == date(2026, 6, 12)


def test_a_site_may_open_other_days_and_hours() -> None:
    weekdays = ContactHours(PARIS, time(8, 30), time(18), frozenset({0, 1, 2, 3, 4}))
    assert not is_permitted_day(date(2026, 6, 13), weekdays)
    assert permitted_window(date(2026, 6, 12), weekdays, None) == (
        paris("2026-06-12 08:30"),
        paris("2026-06-12 18:00"),
    )


@pytest.mark.parametrize("changes", [{"earliest": time(20)}, {"weekdays": frozenset[int]()}])
def test_hours_that_permit_nothing_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must"):
        ContactHours(PARIS, **changes)  # type: ignore[arg-type]


def test_a_region_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown region"):
        is_permitted_day(date(2026, 6, 12), ContactHours(PARIS, region="atlantide"))


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        (date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, tzinfo=UTC)),  # does not exist
        (date(2026, 3, 29), time(2), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (date(2026, 3, 29), time(3), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice
        (date(2026, 10, 25), time(3), datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_a_civil_time_that_is_missing_or_doubled_has_one_instant(
    day: date, at: time, expected: datetime
) -> None:
    assert to_utc(day, at, PARIS) == expected


def test_around_every_clock_change_a_civil_time_is_the_first_instant_not_before_it() -> None:
    for zone in FRENCH_ZONES:
        there = ZoneInfo(zone)
        for change in clock_changes(zone):
            day = change.astimezone(there).date()
            for number in range(96):
                at = time(number // 4, number % 4 * 15)
                moment = to_utc(day, at, there)
                assert moment.astimezone(there).replace(tzinfo=None) >= datetime.combine(day, at)
                earlier = (moment - QUARTER).astimezone(there)
                assert earlier.replace(tzinfo=None) < datetime.combine(day, at), (zone, day, at)


def _same_as_the_reference(day: date, hours: ContactHours, number: ZoneInfo | None) -> None:
    expected = permitted_quarters(day, hours, number)
    if not expected:
        assert not is_permitted_day(day, hours)
        return
    opens, closes = permitted_window(day, hours, number)
    assert (opens, closes) == (expected[0], expected[-1] + QUARTER), (day, hours, number)
    assert len(expected) == (closes - opens) / QUARTER


def _changes_of(hours: ContactHours, number: ZoneInfo | None) -> set[date]:
    zones = {hours.zone.key} | ({number.key} if number else set())
    return {
        change.astimezone(hours.zone).date() + timedelta(days=shift)
        for zone in zones
        for change in clock_changes(zone)
        for shift in (-1, 0, 1)
    }


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Miquelon", "Indian/Reunion"])
def test_the_permitted_window_is_the_references_at_every_clock_change(zone: str) -> None:
    """Every French number from three kinds of sites; every site in the nightly run."""
    hours = hours_of(zone)
    for number in NUMBERS:
        for day in _changes_of(hours, number):
            _same_as_the_reference(day, hours, number)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("zone", FRENCH_ZONES)
def test_the_permitted_window_is_the_references_every_day_of_forty_years(zone: str) -> None:
    hours = hours_of(zone)
    for number in NUMBERS:
        days = _changes_of(hours, number)
        first = date(YEARS.start, 1, 1).toordinal()
        days |= {date.fromordinal(first + 7 * week) for week in range(len(YEARS) * 52)}
        for day in days:
            _same_as_the_reference(day, hours, number)


MOMENTS = st.datetimes(
    datetime(2000, 1, 2),  # noqa: DTZ001  the zone is below
    datetime(2040, 12, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(MOMENTS, st.sampled_from(sorted(FRENCH_ZONES)), st.sampled_from(NUMBERS))
def test_the_next_permitted_moment_is_permitted_and_none_is_skipped(
    moment: datetime, zone: str, number: ZoneInfo | None
) -> None:
    hours = hours_of(zone)
    found = next_permitted(moment, hours, number)
    assert found >= moment
    assert is_permitted(found, hours, number)
    if is_permitted(moment, hours, number):
        assert found == moment
    day = moment.astimezone(hours.zone).date()
    while day <= found.astimezone(hours.zone).date():
        assert not [one for one in permitted_quarters(day, hours, number) if moment <= one < found]
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "opens", "closes"),
    [
        ("America/Martinique", "15:00", "20:00"),
        ("Indian/Reunion", "09:00", "18:00"),
        ("Pacific/Noumea", "09:00", "11:00"),
        ("Pacific/Tahiti", "09:00", "20:00"),  # nothing in common in June: the site's hours
    ],
)
def test_a_number_far_away_narrows_the_hours_where_it_can(
    zone: str, opens: str, closes: str
) -> None:
    assert permitted_window(date(2026, 6, 12), HOURS, ZoneInfo(zone)) == (
        paris(f"2026-06-12 {opens}"),
        paris(f"2026-06-12 {closes}"),
    )
