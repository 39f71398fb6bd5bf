"""Two arms compared where observations come in clusters: a patient's appointments are alike.

An interval that takes them for independent is too narrow, all the more as patients have many
appointments (EVIDENCE 0.4). Every figure here sums each patient's residuals first, from what the
others alone would give: whoever has many of an arm's appointments draws its mean to their own, and
would look as if they agreed with it.
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
LOTS = 50_000  # patients whose small matrices are held at once
ALONE = 1e-9  # of a determinant: what is left without one patient
FEW = "no comparison: an arm is empty, or of one patient"
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
    its variance is the jackknife's: how far it moves as each patient is left out, (G-1)/G times
    the sum of squares. Where nobody has many appointments that is the usual robust variance. That
    one holds the truth 70 % of the time, not 95, where one patient has half of an arm's.

    Args:
        values: one number a unit; 1 for a no-show and 0 else gives a difference of risks as a
            fraction, euros give euros a unit.
        sample: the units in the same order.

    Raises:
        ValueError: an arm is empty, or of one patient only.

    Sources: W. G. Cochran (1977), Sampling Techniques, 3rd ed., section 6.3 (ratio of sums);
    K.-Y. Liang and S. L. Zeger (1986), Biometrika 73, 13-22 (clusters); R. M. Bell and
    D. F. McCaffrey (2002), Surv. Methodol. 28, 169-181, and J. G. MacKinnon, M. O. Nielsen and
    M. D. Webb (2023), J. Econom. 232, 272-299 (CV3, the jackknife). Equal to statsmodels' OLS on
    the arm fitted without each patient in turn, checked in tests, and to its cov_type="cluster"
    where patients are many.
    """
    return _least_squares(values, sample, _columns(sample), PLAIN)


def adjusted(values: Numbers, sample: Units) -> Effect:
    """The same difference, sharpened by what was known of each unit before the programme.

    Least squares on the arm, the centred prior and their product: the coefficient of the arm is
    the difference at the sample's average prior, and cannot be less precise in large samples
    than the plain one, whether or not the prior is a good one. A prior that does not vary adds
    nothing, one that varies by a single patient of an arm nothing sure: then this is `itt`.

    Sources: W. Lin (2013), Ann. Appl. Stat. 7, 295-318, doi:10.1214/12-AOAS583; the idea of a
    measure from before the experiment is CUPED, A. Deng et al. (2013), WSDM.
    """
    prior = sample.prior - sample.prior.mean() if len(sample) else sample.prior
    if _flat(prior, sample):
        return itt(values, sample)
    arm = sample.treated.astype(np.float64)
    design = np.column_stack((_columns(sample), prior, prior * arm))
    try:
        return _least_squares(values, sample, design, ADJUSTED)
    except np.linalg.LinAlgError:  # without one patient there is no slope
        return itt(values, sample)


def _columns(sample: Units) -> Numbers:
    return np.column_stack((np.ones(len(sample)), sample.treated.astype(np.float64)))


def _flat(prior: Numbers, sample: Units) -> bool:
    """The prior is the same for all the units of an arm: the difference cannot be adjusted."""
    return any(
        not arm.any() or float(np.ptp(prior[arm])) < 1e-12
        for arm in (sample.treated, ~sample.treated)
    )


def _least_squares(values: Numbers, sample: Units, design: Numbers, method: str) -> Effect:
    if min(sample.arm_clusters()) < 2:
        raise ValueError(FEW)
    covariance, coefficients = _robust(np.asarray(values, dtype=np.float64), sample, design)
    estimate, error = float(coefficients[1]), sqrt(max(0.0, float(covariance[1, 1])))
    p = two_sided(estimate / error) if error else float(estimate == 0)
    return Effect(estimate, error, estimate - Z * error, estimate + Z * error, p, method)


def _robust(values: Numbers, sample: Units, design: Numbers) -> tuple[Numbers, Numbers]:
    """(covariance of the coefficients, coefficients), clusters taken together. Raises LinAlgError
    where the others alone give no coefficients."""
    if not len(values) == len(design):
        raise ValueError("one value a unit, in the order of the units")
    clusters, place = np.unique(sample.cluster, return_inverse=True)
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ (design.T @ values)
    residuals = values - design @ coefficients
    scores = _summed(place, design * residuals[:, None])
    moved = np.empty_like(scores)
    width = range(design.shape[1])
    products = [_summed(place, design * design[:, [at]]) for at in width]
    for first in range(0, len(clusters), LOTS):
        lot = slice(first, first + LOTS)
        others = np.eye(len(width)) - np.stack([one[lot] for one in products], axis=1) @ bread
        if np.linalg.det(others).min() < ALONE:
            raise np.linalg.LinAlgError("one patient decides alone")
        moved[lot] = np.linalg.solve(others, scores[lot][:, :, None])[:, :, 0]
    factor = (len(clusters) - 1) / len(clusters)
    return factor * (bread @ (moved.T @ moved) @ bread), coefficients


def _summed(place: Keys, columns: Numbers) -> Numbers:
    """Each column's sum over each cluster."""
    return np.column_stack([np.bincount(place, weights=column) for column in columns.T])


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
    if min(sample.arm_clusters()) < 2:
        raise ValueError(FEW)
    clusters, place = np.unique(sample.cluster, return_inverse=True)
    one, zero = columns[sample.treated], columns[~sample.treated]
    estimates = one.mean(axis=0) - zero.mean(axis=0)
    shares = np.where(sample.treated, 1 / treated, -1 / control)[:, None]
    means = np.where(sample.treated[:, None], one.mean(axis=0), zero.mean(axis=0))
    influence = (columns - means) * shares / _left(sample, place)[:, None]
    scores = _summed(place, influence)
    factor = (len(clusters) - 1) / len(clusters)
    return Differences(estimates, factor * (scores.T @ scores))


def _left(sample: Units, place: Keys) -> Numbers:
    """Of each unit, the share of its arm's units that are other patients'."""
    left = np.empty(len(sample))
    for arm in (sample.treated, ~sample.treated):
        theirs = np.bincount(place[arm], minlength=int(place.max()) + 1)
        left[arm] = 1 - theirs[place[arm]] / arm.sum()
    return left


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
