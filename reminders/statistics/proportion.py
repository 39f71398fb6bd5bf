"""Proportions and how sure one may be of them."""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


def wilson_interval(events: int, trials: int, *, z: float = 1.959963984540054) -> Interval:
    """Wilson score interval of a proportion, as fractions in [0, 1].

    Chosen because a service's month is small and its rate near zero, where the usual normal
    approximation covers too little and may fall below 0.

    Args:
        events: occurrences, e.g. appointments missed; 0 <= events <= trials.
        trials: appointments with a known outcome, at least 1.
        z: quantile of the standard normal; the default gives a two-sided 95 % interval.

    Raises:
        ValueError: impossible counts, or no trials. A month without one has no rate.

    Source: E. B. Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. Checked against the values of
    R. G. Newcombe (1998), Stat. Med. 17, 857-872, Table I, method 3.
    """
    if trials < 1 or not 0 <= events <= trials:
        raise ValueError(f"impossible counts: {events} of {trials}")
    rate = events / trials
    scale = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / scale
    margin = z / scale * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    low = centre - margin if events > 0 else 0.0  # exact at the ends, whatever rounding does
    high = centre + margin if events < trials else 1.0
    return Interval(max(0.0, low), min(1.0, high))
