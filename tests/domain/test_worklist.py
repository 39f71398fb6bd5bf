"""Until when a task may wait, and what may be said of it."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.answer import Priority
from reminders.domain.worklist import (
    MINUTES,
    WORDS,
    DeskHours,
    after_working,
    deadline,
    is_open,
    speaks_for,
    suggested,
)

MOMENTS = st.integers(0, 6 * 366 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
PARIS = ZoneInfo("Europe/Paris")
DESK = DeskHours(PARIS)


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def after(since: str, minutes: int, hours: DeskHours = DESK) -> str:
    end = after_working(paris(since), minutes, hours)
    return f"{end.astimezone(hours.zone):%Y-%m-%d %H:%M}"


def test_minutes_count_while_the_desk_is_open() -> None:
    assert after("2026-10-13 10:00", 60) == "2026-10-13 11:00"


def test_what_comes_in_the_evening_begins_the_next_morning() -> None:
    assert after("2026-10-13 19:00", 60) == "2026-10-14 09:30"
    assert after("2026-10-13 07:00", 60) == "2026-10-13 09:30"


def test_what_is_left_of_friday_goes_on_on_monday() -> None:
    assert after("2026-10-16 17:00", 60) == "2026-10-19 09:00"


def test_a_public_holiday_is_not_worked() -> None:
    assert after("2026-11-10 17:00", 60) == "2026-11-12 09:00"


def test_alsace_rests_on_good_friday_and_paris_works() -> None:
    alsace = DeskHours(PARIS, region="alsace-moselle")
    assert after("2026-04-02 17:00", 60) == "2026-04-03 09:00"
    assert after("2026-04-02 17:00", 60, alsace) == "2026-04-07 09:00"


def test_a_deadline_may_be_the_last_minute_of_the_day() -> None:
    assert after("2026-10-13 17:00", 30) == "2026-10-13 17:30"


def test_a_desk_is_open_in_its_hours_of_its_days() -> None:
    for moment, opened in (
        ("2026-10-13 08:29", False),
        ("2026-10-13 08:30", True),
        ("2026-10-13 17:29", True),
        ("2026-10-13 17:30", False),
        ("2026-10-17 10:00", False),
        ("2026-11-11 10:00", False),
    ):
        assert is_open(paris(moment), DESK) == opened, moment


def test_a_night_desk_works_an_hour_less_when_the_clock_skips_one() -> None:
    night = DeskHours(PARIS, opens=time(1), closes=time(5), weekdays=frozenset(range(7)))
    assert after("2026-03-29 01:00", 180, night) == "2026-03-29 05:00"
    assert after("2026-03-29 01:00", 181, night) == "2026-03-30 01:01"
    assert after("2026-10-25 01:00", 300, night) == "2026-10-25 05:00"


def test_a_day_desk_keeps_its_hours_across_a_clock_change() -> None:
    assert after("2026-03-27 17:00", 60) == "2026-03-30 09:00"
    assert after("2026-10-23 17:00", 60) == "2026-10-26 09:00"


def test_an_alert_comes_before_all_and_the_start_ends_every_deadline() -> None:
    since = paris("2026-10-13 10:00")
    ends = [deadline(since, priority, DESK) for priority in sorted(Priority)]
    assert ends == sorted(ends)
    assert ends[0] == since + timedelta(minutes=15)
    starts = paris("2026-10-13 10:30")
    assert deadline(since, Priority.REST, DESK, starts_at=starts) == starts
    gone = paris("2026-10-13 09:00")
    assert deadline(since, Priority.REST, DESK, starts_at=gone) == ends[-1]


@given(
    MOMENTS,
    st.sampled_from(sorted(MINUTES.values())),
    st.sampled_from(["Europe/Paris", "America/Cayenne", "Indian/Reunion", "Pacific/Noumea"]),
)
def test_a_deadline_is_when_the_desk_is_open_and_never_before_its_minutes(
    since: datetime, minutes: int, zone: str
) -> None:
    hours = DeskHours(ZoneInfo(zone))
    end = after_working(since, minutes, hours)
    local = end.astimezone(hours.zone)
    assert end - since >= timedelta(minutes=minutes)
    assert local.weekday() < 5
    assert hours.opens < local.time() <= hours.closes


@given(
    MOMENTS,
    st.integers(1, 2_000),
    st.integers(1, 2_000),
)
def test_minutes_add_up(since: datetime, first: int, second: int) -> None:
    there = after_working(after_working(since, first, DESK), second, DESK)
    assert there == after_working(since, first + second, DESK)


def test_what_cannot_be_a_desk_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        after_working(datetime.fromisoformat("2026-10-13T10:00"), 60, DESK)
    with pytest.raises(ValueError, match="before it closes"):
        DeskHours(PARIS, opens=time(12), closes=time(12))
    with pytest.raises(ValueError, match="one day"):
        DeskHours(PARIS, weekdays=frozenset())


@pytest.mark.parametrize("kind", sorted(WORDS))
@pytest.mark.parametrize("when", ["mardi 13 octobre à 9h30", ""])
def test_suggested_words_have_no_gap(kind: str, when: str) -> None:
    said = suggested(kind, place="CH {Exemple}", when=when)
    assert said == "" or said.startswith("Bonjour, ici CH {Exemple}. ")
    assert "  " not in said
    assert "when" not in said
    assert (" le ." in said, " du ." in said, " le ?" in said) == (False, False, False)


def test_a_parent_speaks_for_a_child_until_eighteen() -> None:
    born = date(2008, 10, 14)
    assert speaks_for("parent", born, date(2026, 10, 13), protected=False)
    assert not speaks_for("parent", born, date(2026, 10, 14), protected=False)
    assert not speaks_for("", born, date(2026, 10, 13), protected=True)


def test_a_guardian_speaks_for_a_protected_adult() -> None:
    born = date(1950, 1, 2)
    assert speaks_for("guardian", born, date(2026, 10, 13), protected=True)
    assert not speaks_for("guardian", born, date(2026, 10, 13), protected=False)
    assert not speaks_for("parent", None, date(2026, 10, 13), protected=True)
