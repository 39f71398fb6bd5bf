"""Clustered differences: equal to statsmodels, honest over hundreds of simulated hospitals."""

from collections.abc import Callable, Iterator
from math import sqrt

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from reminders.statistics.clustered import (
    Effect,
    Units,
    adjusted,
    design_effect,
    differences,
    itt,
    units,
)
from reminders.statistics.comparison import Measure, compare
from tests.support.hospital_trial import Numbers, Year, year


def by_statsmodels(values: Numbers, design: Numbers, sample: Units) -> tuple[float, float]:
    """(estimate, standard error) of the arm, by its robust variance of clusters."""
    fitted = sm.OLS(values, design).fit(
        cov_type="cluster", cov_kwds={"groups": sample.cluster}, use_t=False
    )
    return float(fitted.params[1]), float(fitted.bse[1])


def by_leaving_out(values: Numbers, design: Numbers, sample: Units) -> tuple[float, float]:
    """(estimate, standard error) of the arm: statsmodels' fits without each patient in turn."""
    whole = sm.OLS(values, design).fit().params[1]
    who = np.unique(sample.cluster)
    without = [sample.cluster != one for one in who]
    moved = [sm.OLS(values[kept], design[kept]).fit().params[1] - whole for kept in without]
    return float(whole), sqrt((len(who) - 1) / len(who) * float(np.square(moved).sum()))


def columns(sample: Units) -> Numbers:
    return np.column_stack((np.ones(len(sample)), sample.treated.astype(float)))


@pytest.mark.parametrize("seed", range(3))
def test_the_plain_difference_is_that_of_statsmodels(seed: int) -> None:
    one = year(seed, patients=100)

    found = itt(one.missed, one.sample)

    assert (found.estimate, found.error) == pytest.approx(
        by_leaving_out(one.missed, columns(one.sample), one.sample), rel=1e-9
    )
    assert found.estimate == pytest.approx(
        one.missed[one.sample.treated].mean() - one.missed[~one.sample.treated].mean()
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_adjusted_difference_is_that_of_statsmodels(seed: int) -> None:
    one = year(seed, patients=100)

    found = adjusted(one.missed, one.sample)

    assert (found.estimate, found.error) == pytest.approx(
        by_leaving_out(one.missed, with_prior(one.sample), one.sample), rel=1e-9
    )


def with_prior(sample: Units) -> Numbers:
    prior = sample.prior - sample.prior.mean()
    return np.column_stack((columns(sample), prior, prior * sample.treated))


def test_of_many_patients_the_error_is_the_robust_one_of_statsmodels() -> None:
    one = year(7, patients=20_000)
    for found, design in (
        (itt(one.missed, one.sample), columns(one.sample)),
        (adjusted(one.missed, one.sample), with_prior(one.sample)),
    ):
        theirs = by_statsmodels(one.missed, design, one.sample)
        assert found.estimate == pytest.approx(theirs[0], rel=1e-9)
        assert found.error == pytest.approx(theirs[1], rel=2e-3)
        assert found.error >= theirs[1]


def test_a_prior_only_one_patient_has_adjusts_nothing() -> None:
    """Without that one there is no slope to adjust by."""
    treated = np.arange(80) < 40
    missed = (np.arange(80) % 4 == 0).astype(float)
    prior = np.where(np.arange(80) == 79, 0.4, np.where(treated, np.arange(80) % 3 / 10, 0.1))
    sample = units(treated, np.arange(80), prior)
    assert adjusted(missed, sample) == itt(missed, sample)


def test_a_prior_that_says_nothing_changes_nothing() -> None:
    one = year(1, patients=300)
    flat = units(one.sample.treated, one.sample.cluster)
    assert adjusted(one.missed, flat) == itt(one.missed, flat)


def test_with_one_appointment_each_it_is_the_usual_difference() -> None:
    draw = np.random.default_rng(4)
    treated = np.arange(6_000) < 5_000
    missed = (draw.random(6_000) < np.where(treated, 0.08, 0.11)).astype(float)

    found = itt(missed, units(treated, np.arange(6_000)))

    p1, p0 = missed[treated].mean(), missed[~treated].mean()
    assert found.error == pytest.approx(
        sqrt(p1 * (1 - p1) / 5_000 + p0 * (1 - p0) / 1_000), rel=1e-3
    )
    assert design_effect(missed, units(treated, np.arange(6_000))) == pytest.approx(1, abs=0.01)


def test_several_measures_vary_together() -> None:
    """A weighted sum of the differences is the difference of the weighted sum."""
    one, draw = year(2, patients=500), np.random.default_rng(2)
    measures = np.column_stack((one.missed, draw.poisson(2 - one.missed).astype(float)))
    weights = np.array([50.0, 0.06])

    found = differences(measures, one.sample)
    summed = itt(measures @ weights, one.sample)

    assert float(weights @ found.estimates) == pytest.approx(summed.estimate)
    assert float(weights @ found.covariance @ weights) == pytest.approx(summed.variance)


@pytest.mark.parametrize(
    ("treated", "cluster"),
    [
        ([], []),
        ([True, True], [1, 2]),
        ([False, False], [1, 2]),
        ([True, False], [1, 1]),
        ([True, True, False, False], [1, 2, 3, 3]),
    ],
)
def test_what_cannot_be_compared_is_refused(treated: list[bool], cluster: list[int]) -> None:
    sample = units(np.array(treated, dtype=bool), np.array(cluster, dtype=np.int64))
    for verb in (itt, adjusted):
        with pytest.raises(ValueError, match="no comparison"):
            verb(np.zeros(len(treated)), sample)
    with pytest.raises(ValueError, match="no comparison"):
        differences(np.zeros((len(treated), 2)), sample)


def test_units_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one arm, one patient"):
        units([True, False], [1])


@given(st.integers(0, 10_000), st.floats(-5, 5))
def test_the_arms_turned_around_turn_the_sign(seed: int, shift: float) -> None:
    one = year(seed, patients=60)
    turned = Units(~one.sample.treated, one.sample.cluster, one.sample.prior)
    here, there = itt(one.missed + shift, one.sample), itt(one.missed, turned)
    assert here.estimate == pytest.approx(-there.estimate)
    assert here.error == pytest.approx(there.error)


# --- the traps -----------------------------------------------------------------------------------


def test_the_clustering_trap() -> None:
    """500 patients who always come or always miss, ten appointments each: what looks like a
    significant difference of 5,000 appointments is one of 500 patients."""
    draw = np.random.default_rng(12)
    held = np.arange(500) < 250
    misses = np.where(held, np.arange(500) % 25 < 5, np.arange(500) % 25 < 4)
    who = np.repeat(np.arange(500), 10)
    missed = (draw.random(5_000) < np.where(misses[who], 0.9, 0.02)).astype(float)
    sample = units(~held[who], who)
    (n1, n0), x1 = sample.arm_sizes(), int(missed[sample.treated].sum())

    naive = compare(x1, n1, int(missed.sum()) - x1, n0, Measure.RISK_DIFFERENCE)
    honest = itt(missed, sample)

    assert naive.p < 0.05
    assert honest.p > 0.05
    assert design_effect(missed, sample) > 4


def test_one_patient_with_half_of_an_arm_does_not_decide_alone() -> None:
    """Nobody is changed by anything; one held-out patient comes 200 times, the 200 others once or
    twice. That patient's rate is the arm's, and a variance that takes it for the mean finds no
    doubt: it called a third of such hospitals different."""
    draw = np.random.default_rng(11)
    lots = np.where(np.arange(1_000) == 0, 200, 1 + draw.integers(0, 2, 1_000))
    who = np.repeat(np.arange(1_000), lots)
    sample = units(who >= 200, who)
    held = []
    for _ in range(400):
        odds = 0.15 * np.exp(draw.normal(0, 1.2, 1_000))
        missed = (draw.random(len(who)) < (odds / (1 + odds))[who]).astype(float)
        held.append(covers(itt(missed, sample), 0.0))
        joint = differences(missed[:, None], sample)
        assert joint.covariance[0, 0] == pytest.approx(itt(missed, sample).variance)
    assert np.mean(held) >= 0.9


def test_the_published_clustering_trap() -> None:
    """S. Percac-Lima et al. (2016): 18.0 against 19.8 %, p = .106 as published with clusters; a
    test that takes appointments for independent calls it significant."""
    naive = compare(1516, 8425, 530, 2679, Measure.RISK_DIFFERENCE)
    assert naive.p == pytest.approx(0.037, abs=5e-4)


def test_the_confounding_trap() -> None:
    """SMS go to appointments booked long before, which are missed more: the crude difference
    says that SMS make people stay away, the one within lead times that they bring them in."""
    draw = np.random.default_rng(3)
    long_lead = np.arange(40_000) % 2 == 1
    told = draw.random(40_000) < np.where(long_lead, 0.75, 0.1)
    chance = np.where(long_lead, 0.33, 0.12) - 0.05 * told
    missed = (draw.random(40_000) < chance).astype(float)
    crude = itt(missed, units(told, np.arange(40_000)))
    standardised = adjusted(missed, units(told, np.arange(40_000), long_lead))
    assert crude.low > 0
    assert standardised.high < 0
    assert standardised.estimate == pytest.approx(-0.05, abs=0.012)


# --- coverage over simulated hospitals -----------------------------------------------------------


def before_and_after(one: Year) -> Effect:
    """What a vendor's page would print: the reminded year less the year before, clustered."""
    now = one.missed[one.sample.treated]
    whose = one.sample.cluster[one.sample.treated]
    sample = units(np.arange(len(now) * 2) < len(now), np.concatenate((whose, whose)))
    return itt(np.concatenate((now, one.before[one.sample.treated])), sample)


def covers(found: Effect, truth: float) -> bool:
    return found.low <= truth <= found.high


def coverage(
    runs: int, estimator: Callable[[Year], Effect], **changes: float
) -> tuple[float, float]:
    """(share of intervals that hold the truth, share that exclude 0)."""
    held, claimed = 0, 0
    for one in hospitals(runs, **changes):
        found = estimator(one)
        held += covers(found, one.truth)
        claimed += not covers(found, 0.0)
    return held / runs, claimed / runs


def hospitals(runs: int, **changes: float) -> Iterator[Year]:
    return (year(1_000 + seed, **changes) for seed in range(runs))  # type: ignore[arg-type]


def plain(one: Year) -> Effect:
    return itt(one.missed, one.sample)


def sharpened(one: Year) -> Effect:
    return adjusted(one.missed, one.sample)


def check_coverage(runs: int, low: float, high: float) -> None:
    for estimator in (plain, sharpened):
        held, _ = coverage(runs, estimator)
        assert low <= held <= high, estimator.__name__
        _, claimed = coverage(runs, estimator, odds_ratio=1.0)
        assert claimed <= 1 - low, estimator.__name__
        held, _ = coverage(runs, estimator, frailty=1.8, visits=6.0)
        assert held >= low - 0.01, estimator.__name__
    held, claimed = coverage(runs, before_and_after)
    assert held < 0.05
    _, claimed = coverage(runs, before_and_after, odds_ratio=1.0)
    assert claimed > 0.95  # the programme does nothing, and nearly all claim that it does


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """300 simulated hospitals, with an effect, without one, and with heavy clusters."""
    check_coverage(300, 0.92, 0.98)


@pytest.mark.nightly
def test_the_intervals_hold_the_truth_over_thousands_of_hospitals() -> None:
    check_coverage(4_000, 0.935, 0.965)


def test_the_prior_narrows_the_interval() -> None:
    pairs = [(plain(one).error, sharpened(one).error) for one in hospitals(40)]
    assert np.mean([after / before for before, after in pairs]) < 0.996
