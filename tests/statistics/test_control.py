"""Control limits against published charts and simulation; the design effect against clusters."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.statistics.clustered import itt, units
from reminders.statistics.control import design_effect, p_chart


def test_limits_are_three_sigmas_around_the_common_rate() -> None:
    # Shewhart's formula at a point of 100 with 10 % overall.
    found = p_chart([10, 10], [100, 100])
    assert found.centre == pytest.approx(0.1)
    assert found.low[0] == pytest.approx(0.1 - 3 * sqrt(0.09 / 100))
    assert found.high[0] == pytest.approx(0.1 + 3 * sqrt(0.09 / 100))


def test_chance_alone_gives_few_signals_and_no_wider_limits_than_needed() -> None:
    generator = np.random.default_rng(5)
    trials = [5_000] * 200
    found = p_chart([int(one) for one in generator.binomial(5_000, 0.1, 200)], trials)
    assert 1.0 <= found.sigma_z < 1.2


def test_weeks_that_vary_more_than_chance_widen_the_limits() -> None:
    generator = np.random.default_rng(6)
    rates = generator.normal(0.1, 0.02, 200).clip(0, 1)
    events = [int(one) for one in generator.binomial(5_000, rates)]
    found = p_chart(events, [5_000] * 200)
    assert found.sigma_z == pytest.approx(sqrt(0.02**2 / (0.09 / 5_000) + 1), rel=0.2)
    out = [
        low is not None and high is not None and not low <= few / 5_000 <= high
        for few, low, high in zip(events, found.low, found.high, strict=True)
    ]
    assert sum(out) <= 4  # a plain p-chart would call most of them a signal


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_limits_stay_between_nothing_and_everything(pairs: list[tuple[int, int]]) -> None:
    events = [min(pair) for pair in pairs]
    trials = [max(pair) for pair in pairs]
    found = p_chart(events, trials)
    for number, low, high in zip(trials, found.low, found.high, strict=True):
        if not number:
            assert (low, high) == (None, None)
        else:
            assert low is not None
            assert high is not None
            assert found.centre is not None
            assert 0 <= low <= found.centre <= high <= 1


def test_the_design_effect_is_what_clusters_do_to_the_variance() -> None:
    generator = np.random.default_rng(7)
    patients = np.repeat(np.arange(400), generator.integers(1, 9, 400))
    missed = (generator.random(400) < 0.3)[patients] & (generator.random(len(patients)) < 0.8)
    n = np.bincount(patients)
    m = np.bincount(patients, missed)
    sums = (float((n * n).sum()), float((n * m).sum()), float((m * m).sum()))
    found = design_effect(int(missed.sum()), len(patients), sums)
    # The same patients in one arm, and an arm in which nobody missed anything: all the variance
    # of the difference is that of our rate.
    others = np.arange(400, 1_000)
    sample = units(
        [True] * len(patients) + [False] * len(others), [*patients.tolist(), *others.tolist()]
    )
    both = itt(np.concatenate([missed, np.zeros(len(others))]), sample)
    rate = missed.mean()
    assert found == pytest.approx(both.variance / (rate * (1 - rate) / len(patients)), rel=0.01)
    assert found > 1.5


def test_independent_appointments_have_none() -> None:
    assert design_effect(10, 100, (100.0, 10.0, 10.0)) == pytest.approx(1.0)
    assert design_effect(0, 100, (100.0, 0.0, 0.0)) == 1.0


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="impossible"):
        p_chart([3], [2])
