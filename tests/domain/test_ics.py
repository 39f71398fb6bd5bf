"""The calendar file, read back by a library that did not write it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.ics import Event, calendar

PARIS = ZoneInfo("Europe/Paris")
FRENCH_ZONES = (
    "Europe/Paris",
    "America/Cayenne",
    "America/Guadeloupe",
    "America/Marigot",
    "America/Martinique",
    "America/Miquelon",
    "America/St_Barthelemy",
    "Indian/Kerguelen",
    "Indian/Mayotte",
    "Indian/Reunion",
    "Pacific/Gambier",
    "Pacific/Marquesas",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "Pacific/Wallis",
)
STAMP = datetime(2026, 10, 6, 7, 55, tzinfo=UTC)
START = datetime(2026, 10, 14, 8, 30, tzinfo=UTC)
AT_TEN_THIRTY = "DTSTART;TZID=Europe/Paris:20261014T103000"


def event(
    starts_at: datetime = START,
    ends_at: datetime | None = None,
    zone: ZoneInfo = PARIS,
    summary: str = "Rendez-vous – CH Exemple",
    **more: object,
) -> Event:
    return Event("appointment:7@reminders", 3, starts_at, ends_at, zone, summary, **more)  # type: ignore[arg-type]


def lines(*events: Event, cancelled: bool = False) -> list[str]:
    return unfolded(calendar(events, cancelled=cancelled, stamp=STAMP))


def unfolded(written: bytes) -> list[str]:
    return written.decode().replace("\r\n ", "").split("\r\n")


def read(written: bytes) -> Any:
    return icalendar.Calendar.from_ical(written).walk("VEVENT")[0]


def onsets(written: bytes) -> list[tuple[datetime, timedelta]]:
    """From which instant which offset holds, by RFC 5545 §3.6.5, the zone's name unread."""
    (zone,) = icalendar.Calendar.from_ical(written).walk("VTIMEZONE")
    observances: list[Any] = zone.subcomponents
    return sorted(
        ((each.DTSTART - each.TZOFFSETFROM).replace(tzinfo=UTC), each.TZOFFSETTO)
        for each in observances
    )


def test_an_appointment_is_published_at_the_wall_clock_of_its_site() -> None:
    written = lines(event(ends_at=START + timedelta(minutes=30)))
    for line in (
        "METHOD:PUBLISH",
        "UID:appointment:7@reminders",
        "SEQUENCE:3",
        "DTSTAMP:20261006T075500Z",
        AT_TEN_THIRTY,
        "DTEND;TZID=Europe/Paris:20261014T110000",
        "SUMMARY:Rendez-vous – CH Exemple",
        "CLASS:PRIVATE",
        "STATUS:CONFIRMED",
    ):
        assert line in written
    assert not [line for line in written if line.startswith(("ATTENDEE", "ORGANIZER"))]


def test_a_cancellation_keeps_the_identity_and_outranks_what_it_cancels() -> None:
    written = lines(event(), cancelled=True)
    assert {"METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:4"} <= set(written)
    assert "UID:appointment:7@reminders" in written


def test_an_unknown_end_is_not_invented() -> None:
    assert not [line for line in lines(event()) if line.startswith(("DTEND", "DURATION"))]


def test_an_appointment_without_an_hour_shows_none() -> None:
    midnight = datetime(2026, 10, 14, tzinfo=PARIS)
    written = calendar([event(midnight, all_day=True)], stamp=STAMP)
    assert b"DTSTART;VALUE=DATE:20261014\r\n" in written
    assert b"VTIMEZONE" not in written
    assert read(written).start == date(2026, 10, 14)


def test_several_appointments_share_one_zone() -> None:
    written = lines(event(), event(START + timedelta(hours=2)))
    assert written.count("BEGIN:VEVENT") == 2
    assert written.count("BEGIN:VTIMEZONE") == 1


def test_nothing_to_add_leaves_no_empty_property() -> None:
    written = lines(event())
    assert not [line for line in written if line.startswith(("LOCATION", "DESCRIPTION", "URL"))]


def test_a_url_is_written_as_it_is() -> None:
    assert "URL:https://rdv.example.org/a,b;c" in lines(event(url="https://rdv.example.org/a,b;c"))


@pytest.mark.parametrize("url", ["https://example.org/\r\nATTENDEE:x", "a b", "é"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        event(url=url)


def test_a_naive_instant_is_refused_everywhere() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        event(naive)
    with pytest.raises(ValueError, match="naive"):
        event(ends_at=naive)
    with pytest.raises(ValueError, match="naive"):
        calendar([event()], stamp=naive)


def test_the_hour_that_happens_twice_is_told_without_doubt() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 summer time
    assert "DTSTART;TZID=Europe/Paris:20261025T023000" in lines(event(first))
    assert "DTSTART:20261025T013000Z" in lines(event(first + timedelta(hours=1)))


def test_a_wall_clock_that_never_was_becomes_the_instant_it_means() -> None:
    skipped = datetime(2026, 3, 29, 2, 30, tzinfo=PARIS)
    assert "DTSTART;TZID=Europe/Paris:20260329T033000" in lines(event(skipped))


def test_summer_time_starts_where_the_standard_counts_it() -> None:
    """RFC 5545 §3.6.5: in the wall clock that ends, 02:00, not 03:00."""
    written = lines(event())
    summer = written[written.index("BEGIN:DAYLIGHT") :]
    assert summer[1:4] == ["DTSTART:20260329T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"]


@pytest.mark.parametrize("name", FRENCH_ZONES)
@pytest.mark.parametrize("year", [2026, 2040])
def test_the_rules_of_every_french_zone_hold_all_year(name: str, year: int) -> None:
    zone = ZoneInfo(name)
    first, last = datetime(year, 1, 1, tzinfo=zone), datetime(year, 12, 31, 23, tzinfo=zone)
    changes = onsets(calendar([event(first, last, zone)], stamp=STAMP))
    moment = first.astimezone(UTC)
    while moment <= last:
        offset = [offset for onset, offset in changes if onset <= moment][-1]
        assert offset == moment.astimezone(zone).utcoffset(), moment
        moment += timedelta(hours=1)


@given(
    seconds=st.integers(946_684_800, 2_240_000_000),  # 2000 to 2040
    minutes=st.integers(1, 60 * 24 * 200),
    name=st.sampled_from(FRENCH_ZONES),
)
def test_any_instant_reads_back_as_itself(seconds: int, minutes: int, name: str) -> None:
    start = datetime.fromtimestamp(seconds, UTC)
    end = start + timedelta(minutes=minutes)
    found = read(calendar([event(start, end, ZoneInfo(name))], stamp=STAMP))
    assert found.start == start
    assert found.end == end


@given(st.text(), st.text())
def test_any_text_reads_back_and_adds_no_property(summary: str, location: str) -> None:
    written = calendar([event(summary=summary, location=location)], stamp=STAMP)
    found = read(written)
    kept = {"UID", "SEQUENCE", "DTSTAMP", "DTSTART", "SUMMARY", "CLASS", "STATUS"}
    assert set(found) == kept | ({"LOCATION"} if location else set())
    printable = "".join(each for each in summary if each.isprintable())
    shown = "".join(each for each in str(found["SUMMARY"]) if each.isprintable())
    assert shown.replace(" ", "") == printable.replace(" ", "")


@given(st.text())
def test_lines_are_short_end_in_crlf_and_cut_no_character(text: str) -> None:
    written = calendar([event(summary=text, description="é" * 99 + "x" * 200)], stamp=STAMP)
    assert written.endswith(b"\r\n")
    for line in written[:-2].split(b"\r\n"):
        assert len(line) <= 75
        assert b"\n" not in line
        assert b"\r" not in line
        line.decode()


def test_separators_and_breaks_are_escaped() -> None:
    written = lines(event(summary="a,b;c\\d", description="une\r\ndeux\rtrois\nquatre"))
    assert "SUMMARY:a\\,b\\;c\\\\d" in written
    assert "DESCRIPTION:une\\ndeux\\ntrois\\nquatre" in written
