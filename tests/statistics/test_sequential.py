"""Looks at an experiment under way: how often fifty-two of them cry wolf."""

from math import sqrt

import numpy as np
import pytest

from reminders.statistics.clustered import itt, units
from reminders.statistics.normal import Z
from reminders.statistics.sequential import always_valid, running
from tests.support.hospital_trial import Numbers, year

WEEKS = 52


def weekly_looks(seed: int, patients: int, visits: float, *, clustered: bool) -> Numbers:
    """(estimate, variance) at the end of each week of a year in which reminders do nothing.

    Sums by patient and week, so that a look costs one pass over the patients.
    """
    one = year(seed, patients=patients, odds_ratio=1.0, frailty=1.5, visits=visits)
    draw = np.random.default_rng(seed)
    week = draw.integers(0, WEEKS, len(one.sample))
    count = np.zeros((patients, WEEKS))
    missed = np.zeros((patients, WEEKS))
    np.add.at(count, (one.sample.cluster, week), 1)
    np.add.at(missed, (one.sample.cluster, week), one.missed)
    count, missed = count.cumsum(axis=1), missed.cumsum(axis=1)
    treated = np.zeros(patients, dtype=bool)
    treated[one.sample.cluster[one.sample.treated]] = True
    estimate, variance = np.zeros(WEEKS), np.zeros(WEEKS)
    for arm, sign in ((treated, 1), (~treated, -1)):
        whole = count[arm].sum(axis=0)
        rate = missed[arm].sum(axis=0) / whole
        estimate += sign * rate
        if clustered:
            apart = (missed[arm] - rate * count[arm]) / (1 - count[arm] / whole)
            variance += (apart**2).sum(axis=0) / whole**2
        else:
            variance += rate * (1 - rate) / whole
    return np.stack((estimate, variance), axis=1)


def false_alarms(runs: int, *, clustered: bool = True) -> tuple[float, float]:
    """Share of years that cry wolf at some week: always-valid, and the usual interval."""
    valid = peeked = 0
    for seed in range(runs):
        looks = weekly_looks(seed, 1_500, 5.0, clustered=clustered)
        p = None
        for estimate, variance in looks:
            p = running(always_valid(estimate, variance).p, p)
        valid += p is not None and p < 0.05
        peeked += bool((np.abs(looks[:, 0]) > Z * np.sqrt(looks[:, 1])).any())
    return valid / runs, peeked / runs


def test_fifty_two_looks_cry_wolf_in_one_year_of_twenty_at_most() -> None:
    valid, peeked = false_alarms(300)
    assert valid <= 0.05
    assert peeked > 0.15  # the usual interval, looked at every week


def test_independent_variances_would_break_the_promise() -> None:
    """Why the variance must be the patients'."""
    valid, _ = false_alarms(300, clustered=False)
    assert valid > 0.05


@pytest.mark.nightly
def test_thousands_of_years_cry_wolf_no_more() -> None:
    valid, _ = false_alarms(4_000)
    assert valid <= 0.05


def test_the_sums_by_week_are_the_estimator() -> None:
    one = year(0, patients=1_500, odds_ratio=1.0, frailty=1.5, visits=5.0)
    estimate, variance = weekly_looks(0, 1_500, 5.0, clustered=True)[-1]
    found = itt(one.missed, one.sample)
    assert estimate == pytest.approx(found.estimate)
    assert variance == pytest.approx(found.variance, rel=2e-3)


def test_the_interval_and_the_p_agree() -> None:
    """0 lies on the edge of the interval exactly where p = 0.05."""
    for variance in (1e-6, 1e-5, 1e-4, 1e-3):
        edge = always_valid(0.0, variance).high
        assert always_valid(edge, variance).p == pytest.approx(0.05)
        assert always_valid(edge, variance).low == pytest.approx(0.0, abs=1e-12)


def test_it_is_wider_than_one_look_and_moves_with_the_estimate() -> None:
    look = always_valid(0.03, 0.006**2)
    assert (look.low + look.high) / 2 == pytest.approx(0.03)
    assert 1.4 < (look.high - 0.03) / (Z * 0.006) < 1.8


@pytest.mark.parametrize(("variance", "spread"), [(0.0, 0.02), (-1.0, 0.02), (0.01, 0.0)])
def test_no_variance_no_interval(variance: float, spread: float) -> None:
    with pytest.raises(ValueError, match="always valid"):
        always_valid(0.0, variance, spread=spread)


def test_the_smallest_p_so_far_is_shown() -> None:
    assert running(0.4, None) == 0.4
    assert running(0.4, 0.03) == 0.03
    assert running(0.01, 0.03) == 0.01


def test_a_real_effect_is_seen_within_the_year() -> None:
    one = year(5, patients=12_000, odds_ratio=0.6)
    found = itt(one.missed, units(one.sample.treated, one.sample.cluster))
    look = always_valid(found.estimate, found.variance)
    assert look.high < 0
    assert look.low < one.truth < look.high
    assert sqrt(found.variance) < 0.01
