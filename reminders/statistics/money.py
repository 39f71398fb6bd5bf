"""From differences in quantities to euros, with both doubts in one interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reminders.statistics.clustered import Differences
from reminders.statistics.normal import Z

SEED, DRAWS = 20_261_013, 20_000  # equal inputs give equal intervals, whenever they are computed
Numbers = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Prices:
    """Euros for one of each measure, in the order of the differences."""

    value: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True)
class Saving:
    """Euros. `low` and `high` hold what chance and what the prices leave open, together; the two
    cases hold the differences as measured and move the prices only."""

    central: float
    low: float
    high: float
    conservative: float  # every price at whichever end is least favourable
    favourable: float


def saving(
    found: Differences,
    prices: Prices,
    units: int,
    *,
    fees: Prices | None = None,
    widen: float = 1.0,
    only: NDArray[np.bool_] | None = None,
) -> Saving:
    """What the reminded units cost less than they would have, after `fees`.

    Args:
        found: reminded less held-out, a unit, for each measure, with their covariance.
        prices: euros for one of each measure. Their range is read as a 95 % one.
        units: reminded units the saving is for.
        fees: euros of the period that the service itself costs, each with its range.
        widen: factor on the spread of the differences, for a look before the final one.
        only: which measures count (capacity, or cash); all unless told.

    One joint Monte Carlo: normal draws of all differences together, lognormal draws of each
    price, the middle 95 % of their products. Source: A. H. Briggs (2000), Pharmacoeconomics 17,
    479-500 (probabilistic sensitivity).
    """
    keep = np.ones(len(found.estimates), dtype=np.bool_) if only is None else only
    differences = np.where(keep, found.estimates, 0.0)
    per_measure = -units * differences
    fees = fees or Prices(np.zeros(0), np.zeros(0), np.zeros(0))
    central = float(per_measure @ prices.value) - float(fees.value.sum())
    drawn = _differences(found, widen) * keep
    totals = -units * np.sum(drawn * _prices(prices, SEED + 1), axis=1)
    totals = totals - _prices(fees, SEED + 2).sum(axis=1)
    low, high = np.percentile(totals, (2.5, 97.5))
    worst = np.where(per_measure > 0, prices.low, prices.high)
    best = np.where(per_measure > 0, prices.high, prices.low)
    return Saving(
        central,
        float(low),
        float(high),
        float(per_measure @ worst) - float(fees.high.sum()),
        float(per_measure @ best) - float(fees.low.sum()),
    )


def _differences(found: Differences, widen: float) -> Numbers:
    """Draws around the estimates: (draws, measures). Works for measures that do not vary."""
    values, vectors = np.linalg.eigh(found.covariance)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    chance = np.random.default_rng(SEED).standard_normal((DRAWS, len(values)))
    drawn: Numbers = found.estimates + widen * chance @ root.T
    return drawn


def _prices(prices: Prices, seed: int) -> Numbers:
    """Lognormal draws whose middle is the value and whose range is the price's, as far as one
    spread fits both sides; a price without a range, or of 0, is what it is."""
    value = np.maximum(prices.value, 1e-12)
    low = np.where(prices.low > 0, prices.low, value * value / np.maximum(prices.high, value))
    spread = np.log(np.maximum(prices.high, value) / np.minimum(low, value)) / (2 * Z)
    chance = np.random.default_rng(seed).standard_normal((DRAWS, len(value)))
    drawn: Numbers = np.where(prices.value > 0, value * np.exp(spread * chance), 0.0)
    return drawn
