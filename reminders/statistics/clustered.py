"""Two arms compared where observations come in clusters: a patient's appointments are alike.

An interval that takes them for independent is too narrow, all the more as patients have many
appointments (EVIDENCE 0.4). Every figure here sums each patient's residuals first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reminders.statistics.normal import Z, two_sided

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.int64]
PLAIN, ADJUSTED = "ITT, variance par patient", "ITT ajustée (Lin), variance par patient"


@dataclass(frozen=True, slots=True)
class Effect:
    """Treated minus control, in the unit of what was compared. `p` two-sided, normal."""

    estimate: float
    error: float  # standard error, robust to clusters
    low: float
    high: float
    p: float
    method: str

    @property
    def variance(self) -> float:
        return self.error**2


@dataclass(frozen=True, slots=True)
class Units:
    """One row a unit, in one order: which arm, whose, and what is known of it beforehand.

    `prior`: a number known before the programme began (the rate of the unit's kind in the past),
    for the adjusted difference; anything, if that is not asked for.
    """

    treated: Flags
    cluster: Keys  # any whole numbers, equal for one patient
    prior: Numbers

    def __post_init__(self) -> None:
        if not len(self.treated) == len(self.cluster) == len(self.prior):
            raise ValueError("a unit has one arm, one patient and one prior rate")

    def __len__(self) -> int:
        return len(self.treated)

    def arm_sizes(self) -> tuple[int, int]:
        """(treated, control) units."""
        treated = int(self.treated.sum())
        return treated, len(self) - treated

    def arm_clusters(self) -> tuple[int, int]:
        """(treated, control) patients."""
        return _distinct(self.cluster[self.treated]), _distinct(self.cluster[~self.treated])

    def only(self, which: Flags) -> "Units":
        return Units(self.treated[which], self.cluster[which], self.prior[which])


def _distinct(keys: Keys) -> int:
    return len(np.unique(keys))


def units(
    treated: Sequence[bool] | Flags, cluster: Sequence[int] | Keys, prior: Any = None
) -> Units:
    """Units from any sequences; without `prior` it is 0 everywhere."""
    arms = np.asarray(treated, dtype=np.bool_)
    before = np.zeros(len(arms)) if prior is None else np.asarray(prior, dtype=np.float64)
    return Units(arms, np.asarray(cluster, dtype=np.int64), before)


def itt(values: Numbers, sample: Units) -> Effect:
    """Difference of the arms' means, by intention to treat, with patients as clusters.

    Each arm's mean is a ratio of two sums over patients (what happened, how many appointments);
    its variance is that of the ratio linearised: the sum of squares of each patient's summed
    residuals. The small-sample factor is the usual one, G/(G-1) x (N-1)/(N-2).

    Args:
        values: one number a unit; 1 for a no-show and 0 else gives a difference of risks as a
            fraction, euros give euros a unit.
        sample: the units in the same order.

    Raises:
        ValueError: an arm is empty, or the two hold fewer than two patients.

    Sources: W. G. Cochran (1977), Sampling Techniques, 3rd ed., section 6.3 (ratio of sums);
    K.-Y. Liang and S. L. Zeger (1986), Biometrika 73, 13-22 (clusters). Equal to OLS on the arm
    with statsmodels' cov_type="cluster", checked in tests.
    """
    return _least_squares(values, sample, _columns(sample), PLAIN)


def adjusted(values: Numbers, sample: Units) -> Effect:
    """The same difference, sharpened by what was known of each unit before the programme.

    Least squares on the arm, the centred prior and their product: the coefficient of the arm is
    the difference at the sample's average prior, and cannot be less precise in large samples
    than the plain one, whether or not the prior is a good one. A prior that does not vary adds
    nothing: then this is `itt`.

    Sources: W. Lin (2013), Ann. Appl. Stat. 7, 295-318, doi:10.1214/12-AOAS583; the idea of a
    measure from before the experiment is CUPED, A. Deng et al. (2013), WSDM.
    """
    prior = sample.prior - sample.prior.mean() if len(sample) else sample.prior
    if _flat(prior, sample):
        return itt(values, sample)
    arm = sample.treated.astype(np.float64)
    design = np.column_stack((_columns(sample), prior, prior * arm))
    return _least_squares(values, sample, design, ADJUSTED)


def _columns(sample: Units) -> Numbers:
    return np.column_stack((np.ones(len(sample)), sample.treated.astype(np.float64)))


def _flat(prior: Numbers, sample: Units) -> bool:
    """The prior is the same for all the units of an arm: the difference cannot be adjusted."""
    return any(
        not arm.any() or float(np.ptp(prior[arm])) < 1e-12
        for arm in (sample.treated, ~sample.treated)
    )


def _least_squares(values: Numbers, sample: Units, design: Numbers, method: str) -> Effect:
    covariance, coefficients = _robust(np.asarray(values, dtype=np.float64), sample, design)
    estimate, error = float(coefficients[1]), sqrt(max(0.0, float(covariance[1, 1])))
    p = two_sided(estimate / error) if error else float(estimate == 0)
    return Effect(estimate, error, estimate - Z * error, estimate + Z * error, p, method)


def _robust(values: Numbers, sample: Units, design: Numbers) -> tuple[Numbers, Numbers]:
    """(covariance of the coefficients, coefficients), clusters taken together."""
    count, width = design.shape
    if not all(sample.arm_sizes()):
        raise ValueError("no comparison: an arm is empty")
    if not len(values) == count:
        raise ValueError("one value a unit, in the order of the units")
    clusters, place = np.unique(sample.cluster, return_inverse=True)
    if len(clusters) < 2 or count <= width:
        raise ValueError("no comparison: fewer than two patients")
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ (design.T @ values)
    residuals = values - design @ coefficients
    scores = np.column_stack(
        [np.bincount(place, weights=column * residuals) for column in design.T]
    )
    factor = len(clusters) / (len(clusters) - 1) * (count - 1) / (count - width)
    return factor * (bread @ (scores.T @ scores) @ bread), coefficients


@dataclass(frozen=True, slots=True)
class Differences:
    """Several differences of the same arms, with how they vary together."""

    estimates: NDArray[np.floating[Any]]  # one a column of what was compared
    covariance: NDArray[np.floating[Any]]


def differences(columns: Numbers, sample: Units) -> Differences:
    """Treated minus control for each column of `columns` (units x measures), jointly.

    What one patient does to several measures (a slot wasted, a call, two messages) is kept
    together: a weighted sum of the estimates has the variance w' covariance w, and is `itt` of
    the weighted sum of the columns. Raises ValueError as `itt` does.
    """
    treated, control = sample.arm_sizes()
    if not treated or not control:
        raise ValueError("no comparison: an arm is empty")
    clusters, place = np.unique(sample.cluster, return_inverse=True)
    if len(clusters) < 2 or len(sample) <= 2:
        raise ValueError("no comparison: fewer than two patients")
    one, zero = columns[sample.treated], columns[~sample.treated]
    estimates = one.mean(axis=0) - zero.mean(axis=0)
    shares = np.where(sample.treated, 1 / treated, -1 / control)[:, None]
    means = np.where(sample.treated[:, None], one.mean(axis=0), zero.mean(axis=0))
    influence = (columns - means) * shares
    scores = np.column_stack([np.bincount(place, weights=each) for each in influence.T])
    factor = len(clusters) / (len(clusters) - 1) * (len(sample) - 1) / (len(sample) - 2)
    return Differences(estimates, factor * (scores.T @ scores))


def design_effect(values: Numbers, sample: Units) -> float:
    """How many times wider clusters make the variance of the difference; 1 = not at all.

    The ratio of the variance by patient to that of independent units (L. Kish (1965), Survey
    Sampling). NaN never: 1 where nothing varies.
    """
    robust = itt(values, sample).variance
    treated, control = sample.arm_sizes()
    alone = float(np.var(values[sample.treated]) / treated)
    alone += float(np.var(values[~sample.treated]) / control)
    return robust / alone if alone > 0 else 1.0
