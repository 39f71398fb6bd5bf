"""Comparisons against published tables, and what must hold for any counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.statistics.comparison import Measure, compare

# (x1, n1, x0, n0, measure, estimate, low, high, decimals, tolerance in units of the last decimal)
PUBLISHED = [
    # R. G. Newcombe (1998), Stat. Med. 17, 873-890, example (a)
    (56, 70, 48, 80, "rd", 0.2000, 0.0524, 0.3339, 4, 0.5),
    # T. A. Odeny et al. (2012): attendance, text message against none
    (387, 592, 356, 596, "rr", 1.09, 1.00, 1.20, 2, 0.5),
    # E. Koshy et al. (2008): missed appointments, observational
    (50, 447, 1720, 9512, "rr", 0.62, 0.48, 0.80, 2, 1),
    # Z. Chen et al. (2008): attendance, telephone against none
    (542, 614, 498, 619, "or", 1.829, 1.333, 2.509, 3, 0.5),
    # M. Hallsworth et al. (2015), arms of a quarter of each trial; adjusted in the paper
    (212, 2528, 281, 2528, "or", 0.74, 0.61, 0.89, 2, 1),
    (244, 2462, 202, 2462, "or", 1.22, 1.00, 1.48, 2, 2),
]


@pytest.mark.parametrize("row", PUBLISHED)
def test_published_intervals_are_reproduced(
    row: tuple[int, int, int, int, str, float, float, float, int, float],
) -> None:
    x1, n1, x0, n0, measure, estimate, low, high, decimals, units = row

    found = compare(x1, n1, x0, n0, Measure(measure))

    within = units * 10**-decimals + 1e-12
    assert abs(found.estimate - estimate) <= within
    assert abs(found.low - low) <= within
    assert abs(found.high - high) <= within


def test_the_pooled_test_gives_the_published_p() -> None:
    assert compare(387, 592, 356, 596, Measure.RISK_RATIO).p == pytest.approx(0.0446, abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "measure"),
    [
        ((0, 10, 5, 10), Measure.RISK_RATIO),
        ((5, 10, 0, 10), Measure.ODDS_RATIO),
        ((10, 10, 5, 10), Measure.ODDS_RATIO),
        ((11, 10, 5, 10), Measure.RISK_DIFFERENCE),
        ((0, 0, 5, 10), Measure.RISK_DIFFERENCE),
        ((-1, 10, 5, 10), Measure.RISK_DIFFERENCE),
    ],
)
def test_what_does_not_exist_is_refused(
    counts: tuple[int, int, int, int], measure: Measure
) -> None:
    with pytest.raises(ValueError, match=r"impossible counts|no .*ratio"):
        compare(*counts, measure)


ARMS = st.integers(2, 5_000).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n)))


@given(ARMS, ARMS, st.sampled_from(Measure))
def test_the_interval_holds_the_estimate_and_turns_with_the_arms(
    one: tuple[int, int], other: tuple[int, int], measure: Measure
) -> None:
    here, there = compare(*one, *other, measure), compare(*other, *one, measure)

    assert here.low <= here.estimate <= here.high
    assert 0 <= here.p <= 1
    assert here.p == pytest.approx(there.p)
    if measure is Measure.RISK_DIFFERENCE:
        assert here.low == pytest.approx(-there.high)
    else:
        assert here.low == pytest.approx(1 / there.high)
