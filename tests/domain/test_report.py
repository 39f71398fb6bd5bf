"""The value of the no-show report: what it refuses, and what it derives."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.report import FINER, Asked, Contacts, Dimension, Month, Only

MONTHS = st.builds(Month, st.integers(2000, 2100), st.integers(1, 12))


@given(MONTHS)
def test_a_month_is_the_same_told_as_a_number_or_in_words(month: Month) -> None:
    assert Month.of_number(month.number) == month
    assert Month.parse(str(month)) == month


def test_december_is_followed_by_january() -> None:
    assert Month.of_number(Month(2026, 12).number + 1) == Month(2027, 1)
    assert Month(2026, 12).first_day == date(2026, 12, 1)


@pytest.mark.parametrize(
    "text",
    ["2026", "2026-13", "2026-1", "10-2026", "2026-10-01", "", "9999-12", "0000-01", "0001-01"],
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no such month"):
        Month.parse(text)


def test_a_period_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        Asked(Month(2026, 10), Month(2026, 9))


def test_sites_and_services_are_no_finer_filter() -> None:
    assert Dimension.SERVICE not in FINER
    with pytest.raises(ValueError, match="by name"):
        Only(Dimension.SERVICE, "4220")


def test_a_rate_without_anything_it_is_about_is_a_dash() -> None:
    nothing = Contacts(0, 0, 0, 0, 0, 0)
    assert (nothing.rate, nothing.recontact_rate, nothing.alone_rate) == (None, None, None)
    some = Contacts(30, 120, 20, 4, 10, 9)
    assert (some.rate, some.recontact_rate, some.alone_rate) == (0.25, 0.2, 0.9)
