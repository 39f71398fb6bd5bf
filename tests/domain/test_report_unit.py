"""Packing loses nothing, whatever the values."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.baseline import cell_of
from reminders.domain.report import Reach
from reminders.domain.report_unit import (
    AGE_BANDS,
    FATE,
    KIND,
    LEAD_BANDS,
    Field,
    bucket_of,
    kind_of,
    language_number,
    language_of,
    minutes_of,
    packed,
)


@pytest.mark.parametrize("fields", [KIND, FATE])
@given(data=st.data())
def test_what_is_packed_is_found_again(fields: dict[str, Field], data: st.DataObject) -> None:
    values = {name: data.draw(st.integers(0, one.mask)) for name, one in fields.items()}
    number = packed(fields, **values)
    assert number < 2**63
    assert {name: one.of(number) for name, one in fields.items()} == values


def test_too_large_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="bits"):
        packed(KIND, weekday=8)


@given(
    st.integers(1_600_000_000, 2_000_000_000),
    st.dates(date(1920, 1, 1), date(2019, 1, 1)),
    st.integers(0, 400),
    st.sampled_from(Reach),
)
def test_every_cell_has_a_place(seconds: int, born: date, days: int, reach: Reach) -> None:
    starts_at = datetime.fromtimestamp(seconds, UTC)
    zone = ZoneInfo("Europe/Paris")
    booked = datetime.fromtimestamp(seconds - days * 86_400, UTC)
    cell = cell_of("4220", starts_at, booked, born, known=True, zone=zone)
    local = starts_at.astimezone(zone)
    number = kind_of(cell, local.day, local.hour, reach, "fr")
    assert LEAD_BANDS[KIND["lead"].of(number)] == cell.lead
    assert AGE_BANDS[KIND["age"].of(number)] == cell.age
    assert KIND["hour"].of(number) == local.hour


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=3))
def test_a_language_is_its_number(code: str) -> None:
    assert language_of(language_number(code)) == code
    assert language_number(code.upper() + "-FR") == language_number(code)


@pytest.mark.parametrize("code", ["", "?", "français", "f", "é1"])
def test_what_is_no_language_is_unknown(code: str) -> None:
    assert language_of(language_number(code)) == ""


@given(st.floats(1, 60_000))
def test_a_waiting_time_is_kept_to_within_a_tenth(minutes: float) -> None:
    assert minutes_of(bucket_of(minutes)) == pytest.approx(minutes, rel=0.1, abs=0.3)
