"""How large an experiment must be, and whether its arms are what they should be."""

from dataclasses import dataclass
from math import ceil, log, sqrt

import numpy as np

from reminders.statistics.normal import quantile, two_sided

MIN_CLUSTERS = 30  # patients in an arm: with fewer a robust variance is not to be trusted
MIN_EVENTS = 10  # no-shows in an arm
FEWEST = 5  # patients of an arm whose number is told
EXACT = 20_000  # patients up to which the draw's chances are added up one by one
IMBALANCE = 0.001  # p below which an arm's size, or its unknown outcomes, are no accident


def power_units(base: float, other: float, share: float, *, power: float = 0.8) -> int:
    """Appointments (both arms together) needed to tell two no-show rates apart.

    Args:
        base: rate of the held-out arm, in ]0, 1[. other: rate of the reminded one, likewise.
        share: of the held-out arm, in ]0, 1[.
        power: the chance of seeing the difference at a two-sided 5 %.

    Independent units: multiply by the design effect. Raises ValueError for impossible rates or
    equal ones.

    Source: the normal test with each arm's own variance, J. M. Lachin (1981), Control. Clin.
    Trials 2, 93-113; checked in tests against statsmodels' NormalIndPower.
    """
    _check(base, share)
    _check(other, share)
    if base == other:
        raise ValueError("equal rates cannot be told apart")
    spread = base * (1 - base) / share + other * (1 - other) / (1 - share)
    return ceil((quantile(0.975) + quantile(power)) ** 2 * spread / (base - other) ** 2)


def smallest_effect(
    base: float, treated: int, control: int, *, deff: float = 1.0, power: float = 0.8
) -> float:
    """The smallest difference of risks (a fraction) these arms would show 4 times in 5.

    `base`: the held-out arm's rate; `deff`: the design effect, 1 or more. Raises ValueError for
    an empty arm or an impossible rate. Source: as `power_units`, solved for the difference with
    both arms at the base rate.
    """
    if treated < 1 or control < 1:
        raise ValueError("an arm is empty")
    _check(base, 0.5)
    spread = sqrt(deff * base * (1 - base) * (1 / treated + 1 / control))
    return (quantile(0.975) + quantile(power)) * spread


def _check(rate: float, share: float) -> None:
    if not 0 < rate < 1 or not 0 < share < 1:
        raise ValueError("a rate or share lies between 0 and 1, both excluded")


@dataclass(frozen=True, slots=True)
class Balance:
    """Patients of each arm beside what the draw should have given."""

    held: int
    treated: int
    share: float  # held out, as agreed
    p: float

    @property
    def alarming(self) -> bool:
        return self.p < IMBALANCE

    @property
    def few(self) -> bool:
        """Too few in one arm for their number to be told."""
        return 0 < min(self.held, self.treated) < FEWEST

    @property
    def expected(self) -> float:
        return self.share * (self.held + self.treated)


def sample_ratio(held: int, treated: int, share: float) -> Balance:
    """Are the arms as large as the draw makes them? A p below 0.001 means that something lost or
    added patients of one arm, and that nothing may be concluded.

    Args:
        held, treated: patients, not appointments: the draw is by patient.
        share: held out, in ]0, 1[.

    Raises ValueError for impossible counts. Nobody yet: p = 1.

    Source: the binomial test of the draw, and where patients are many the chi-square with one
    degree of freedom it becomes; as a check of experiments, A. Fabijan et al. (2019), KDD,
    2156-2164. With few patients chi-square alarms by itself: of 5 % held out, whenever the very
    first one is.
    """
    _check(share, share)
    if held < 0 or treated < 0:
        raise ValueError(f"impossible counts: {held}, {treated}")
    whole = held + treated
    if not whole:
        return Balance(held, treated, share, 1.0)
    if whole <= EXACT:
        return Balance(held, treated, share, _binomial(held, whole, share))
    distance = (held - whole * share) / sqrt(whole * share * (1 - share))
    return Balance(held, treated, share, two_sided(distance))


def _binomial(some: int, whole: int, share: float) -> float:
    """How often as many draws hold out a number that is no likelier than this one."""
    numbers = np.arange(1, whole + 1)
    steps = np.log(whole + 1 - numbers) - np.log(numbers) + log(share) - log(1 - share)
    chances = np.exp(np.concatenate(([0.0], np.cumsum(steps))) + whole * log(1 - share))
    return min(1.0, float(chances[chances <= chances[some] * (1 + 1e-7)].sum()))


def too_small(patients: tuple[int, int], events: tuple[int, int]) -> bool:
    """An arm has fewer than 30 patients or 10 events: no interval may be shown."""
    return min(patients) < MIN_CLUSTERS or min(events) < MIN_EVENTS
