"""Sizes before an experiment, alarms during it."""

from hashlib import blake2b
from math import sqrt

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import binom_test, proportion_effectsize

from reminders.statistics.design import (
    power_units,
    sample_ratio,
    smallest_effect,
    too_small,
)
from reminders.statistics.normal import quantile, two_sided


def test_the_published_sizes_are_found_again() -> None:
    """EVIDENCE 3: per arm 2,889 for 11 against 8.8 %, by this formula."""
    assert power_units(0.11, 0.088, 0.5) / 2 == pytest.approx(2_889, abs=1)
    assert 1.3 * power_units(0.06, 0.06 * 0.66, 0.1) == pytest.approx(14_900, rel=0.01)
    assert 1.3 * power_units(0.11, 0.11 * 0.8, 0.1) == pytest.approx(22_600, rel=0.01)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_sizes_agree_with_statsmodels(share: float) -> None:
    """Its formula works on arcsine distances: equal within a few percent."""
    ratio = (1 - share) / share
    theirs = NormalIndPower().solve_power(
        proportion_effectsize(0.11, 0.088), alpha=0.05, power=0.8, ratio=ratio
    )
    assert power_units(0.11, 0.088, share) == pytest.approx(theirs * (1 + ratio), rel=0.12)


@pytest.mark.parametrize(("share", "points"), [(0.05, 2.65), (0.1, 1.92), (0.2, 1.44)])
def test_the_smallest_effect_of_thirty_thousand_appointments(share: float, points: float) -> None:
    held = round(30_000 * share)
    found = smallest_effect(0.11, 30_000 - held, held, deff=1.3)
    assert 100 * found == pytest.approx(points, abs=0.01)


def test_the_size_for_the_smallest_effect_is_the_size() -> None:
    effect = smallest_effect(0.11, 27_000, 3_000)
    assert power_units(0.11, 0.11 - effect, 0.1) == pytest.approx(30_000, rel=0.05)


@pytest.mark.parametrize(
    "arguments", [(0.0, 0.1, 0.5), (0.1, 1.0, 0.5), (0.1, 0.2, 0.0), (0.1, 0.1, 0.5)]
)
def test_impossible_sizes_are_refused(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"rate|share"):
        power_units(*arguments)


def test_a_bug_of_one_percent_is_seen() -> None:
    """One patient in a hundred is put into the other arm than the draw's."""
    share, patients = 0.10, 200_000
    draw = [
        int.from_bytes(blake2b(str(one).encode(), digest_size=8).digest()) / 2**64
        for one in range(patients)
    ]
    right = sum(one < share for one in draw)
    wrong = sum(one < share and n % 100 != 0 for n, one in enumerate(draw)) + sum(
        one >= share and n % 100 == 0 for n, one in enumerate(draw)
    )
    assert not sample_ratio(right, patients - right, share).alarming
    assert sample_ratio(wrong, patients - wrong, share).alarming


def test_chance_alone_rarely_alarms() -> None:
    """Within three standard deviations of what the draw gives there is no alarm."""
    spread = sqrt(10_000 * 0.1 * 0.9)
    assert not sample_ratio(round(1_000 + 3 * spread), round(9_000 - 3 * spread), 0.1).alarming
    assert sample_ratio(round(1_000 + 3.6 * spread), round(9_000 - 3.6 * spread), 0.1).alarming
    assert not sample_ratio(0, 0, 0.1).alarming


def test_few_patients_are_judged_by_the_draw_itself() -> None:
    """5 % of all first patients are held out where 5 % are: nothing is wrong with such a draw."""
    assert sample_ratio(1, 0, 0.05).p == pytest.approx(0.05)
    assert not sample_ratio(1, 0, 0.05).alarming
    assert not sample_ratio(2, 0, 0.1).alarming
    assert sample_ratio(8, 0, 0.1).alarming


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_the_chances_of_few_are_those_of_statsmodels(share: float) -> None:
    for held, treated in ((0, 3), (5, 40), (40, 5), (0, 400), (1_130, 8_870), (1_900, 18_100)):
        theirs = binom_test(held, held + treated, share)
        assert sample_ratio(held, treated, share).p == pytest.approx(theirs, rel=1e-6, abs=1e-300)


def test_looking_at_the_draw_every_day_seldom_alarms() -> None:
    """A year of true draws, looked at as each of its first 300 patients enters."""
    draw, alarms = np.random.default_rng(2), 0
    for _ in range(150):
        held = np.cumsum(draw.random(300) < 0.05).tolist()
        alarms += any(sample_ratio(h, n - h, 0.05).alarming for n, h in enumerate(held, 1))
    assert alarms <= 5


def test_an_impossible_arm_is_refused() -> None:
    with pytest.raises(ValueError, match="impossible counts"):
        sample_ratio(-1, 10, 0.1)
    with pytest.raises(ValueError, match="empty"):
        smallest_effect(0.1, 0, 10)


@pytest.mark.parametrize(
    ("patients", "events", "small"),
    [((29, 500), (10, 10), True), ((30, 30), (9, 40), True), ((30, 30), (10, 10), False)],
)
def test_small_arms_are_not_measured(
    patients: tuple[int, int], events: tuple[int, int], small: bool
) -> None:
    assert too_small(patients, events) is small


def test_the_normal_distribution_is_the_normal_distribution() -> None:
    assert quantile(0.975) == pytest.approx(1.959963984540054)
    assert two_sided(1.959963984540054) == pytest.approx(0.05)
    with pytest.raises(ValueError, match="quantile"):
        quantile(1.0)
