"""Wilson's interval against what was published, and what it must always be."""

from fractions import Fraction
from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.statistics.proportion import wilson_interval


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        # R. G. Newcombe (1998), Stat. Med. 17, 857-872, Table I, method 3, four decimals
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_published_intervals_are_found_again(
    events: int, trials: int, low: float, high: float
) -> None:
    found = wilson_interval(events, trials)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_nobody_and_everybody_have_an_interval_too() -> None:
    none, everybody = wilson_interval(0, 10), wilson_interval(10, 10)
    assert none.low == 0.0
    assert everybody.high == 1.0
    assert isclose(none.high, 1 - everybody.low)
    assert 0.2 < none.high < 0.3


@pytest.mark.parametrize(("events", "trials"), [(0, 0), (-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(events: int, trials: int) -> None:
    with pytest.raises(ValueError, match="impossible counts"):
        wilson_interval(events, trials)


def test_a_wider_confidence_is_a_wider_interval() -> None:
    narrow, wide = wilson_interval(5, 50), wilson_interval(5, 50, z=2.5758)
    assert wide.low < narrow.low < 0.1 < narrow.high < wide.high


COUNTS = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS)
def test_an_interval_holds_its_rate_and_stays_between_nothing_and_everything(
    counts: tuple[int, int],
) -> None:
    events, trials = counts
    found = wilson_interval(events, trials)
    assert 0.0 <= found.low <= events / trials + 1e-12
    assert events / trials - 1e-12 <= found.high <= 1.0
    assert found.low < found.high


@given(COUNTS)
def test_counting_who_came_mirrors_counting_who_did_not(counts: tuple[int, int]) -> None:
    events, trials = counts
    missed, came = wilson_interval(events, trials), wilson_interval(trials - events, trials)
    assert isclose(missed.low, 1 - came.high, abs_tol=1e-12)
    assert isclose(missed.high, 1 - came.low, abs_tol=1e-12)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_its_ends_are_where_the_score_test_gives_up(counts: tuple[int, int]) -> None:
    """The definition: p is inside if (rate - p)^2 <= z^2 p (1 - p) / n. Exact arithmetic."""
    events, trials = counts
    z = 1.959963984540054
    found = wilson_interval(events, trials)
    rate = Fraction(events, trials)

    def accepted(p: float) -> bool:
        exact = Fraction(p)
        return (rate - exact) ** 2 <= Fraction(z) ** 2 * exact * (1 - exact) / trials

    step = sqrt(1 / trials) / 1e6
    if found.low > step:
        assert accepted(found.low + step)
        assert not accepted(found.low - step)
    if found.high < 1 - step:
        assert accepted(found.high - step)
        assert not accepted(found.high + step)
