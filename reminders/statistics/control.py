"""Control limits for a rate over time, and how much a patient's several appointments count for."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

SIGMAS = 3.0
RANGE_TO_SIGMA = 1.128  # d2 of ranges of two (Shewhart)
FEWEST = 8  # points before the spread between them is believed


@dataclass(frozen=True, slots=True)
class Limits:
    """`low`, `high`: of each point at its size, None where it is about nothing. `sigma_z`: how
    many times wider than chance alone they are, 1 for a plain p-chart."""

    centre: float | None
    sigma_z: float
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


def p_chart(events: Sequence[int], trials: Sequence[int]) -> Limits:
    """Three-sigma limits around the common rate; Laney's p' where points spread wider than that.

    A week of thousands of appointments varies with weather, strikes and holidays far more than
    chance: a plain p-chart then calls most weeks a signal. Laney measures the spread that is
    left between neighbours, in units of chance, and widens the limits by it; they are never
    narrowed, nor widened for fewer than FEWEST points.

    Source: W. A. Shewhart (1931); D. B. Laney (2002), Improved control charts for attributes,
    Quality Engineering 14, 531-537. Raises ValueError for impossible counts.
    """
    if len(events) != len(trials) or any(
        not 0 <= few <= all_ for few, all_ in zip(events, trials, strict=True)
    ):
        raise ValueError("impossible counts")
    whole = sum(trials)
    if not whole:
        return Limits(None, 1.0, (None,) * len(trials), (None,) * len(trials))
    centre = sum(events) / whole
    spread = [sqrt(centre * (1 - centre) / n) if n else None for n in trials]
    sigma_z = _sigma_z(events, trials, spread, centre)
    wide = [None if one is None else SIGMAS * sigma_z * one for one in spread]
    return Limits(
        centre,
        sigma_z,
        tuple(None if one is None else max(0.0, centre - one) for one in wide),
        tuple(None if one is None else min(1.0, centre + one) for one in wide),
    )


def _sigma_z(
    events: Sequence[int], trials: Sequence[int], spread: Sequence[float | None], centre: float
) -> float:
    z = [
        (few / number - centre) / one
        for few, number, one in zip(events, trials, spread, strict=True)
        if one
    ]
    if len(z) < FEWEST:
        return 1.0
    moving = sum(abs(after - before) for before, after in pairwise(z)) / (len(z) - 1)
    return max(1.0, moving / RANGE_TO_SIGMA)


def design_effect(events: int, trials: int, sums: tuple[float, float, float]) -> float:
    """How many times as much variance a rate has as with independent appointments; at least 1.

    `sums`: over patients, of the squared number of their appointments, of that times their
    events, and of the squared number of their events. The variance of a ratio of sums over
    clusters, by linearisation (W. G. Cochran, Sampling Techniques, 1977, ch. 6), over that of a
    proportion. 1 where nothing or everything is an event: nothing can then be told of it.
    """
    if trials < 1 or not 0 < events < trials:
        return 1.0
    rate = events / trials
    squares, products, event_squares = sums
    between = event_squares - 2 * rate * products + rate * rate * squares
    return max(1.0, between / (trials * rate * (1 - rate)))


def wilson_of(rate: float, trials: float, *, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate on so many trials, not necessarily a whole number: as many
    independent ones as tell as much (trials divided by the design effect).

    Source: E. L. Korn & B. I. Graubard (1998), Survey Methodology 24, 193-201, with Wilson's
    score interval in the place of the exact one. Raises ValueError for an impossible rate.
    """
    if trials <= 0 or not 0 <= rate <= 1:
        raise ValueError(f"impossible rate: {rate} of {trials}")
    scale = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / scale
    margin = z / scale * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    return (max(0.0, centre - margin) if rate else 0.0, min(1.0, centre + margin))
