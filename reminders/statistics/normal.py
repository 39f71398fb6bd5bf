"""The standard normal distribution, and what is asked of it again and again."""

from math import erfc, sqrt
from statistics import NormalDist

Z = 1.959963984540054  # quantile of a two-sided 95 % interval
_NORMAL = NormalDist()


def two_sided(z: float) -> float:
    """The chance of a standard normal further from 0 than `z`, on either side."""
    return erfc(abs(z) / sqrt(2))


def quantile(share: float) -> float:
    """The value below which lies this share, in ]0, 1[. Raises ValueError outside."""
    if not 0 < share < 1:
        raise ValueError("a quantile needs a share between 0 and 1, both excluded")
    return _NORMAL.inv_cdf(share)
