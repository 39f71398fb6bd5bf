"""Two proportions compared: difference, ratio or odds ratio, each with its usual interval."""

from dataclasses import dataclass
from enum import StrEnum
from math import exp, log, sqrt

from reminders.statistics.normal import Z, two_sided
from reminders.statistics.proportion import wilson_interval

MOST = 10**15  # of what an arm counts: a float tells whole numbers apart up to there


class Measure(StrEnum):
    RISK_DIFFERENCE = "rd"
    RISK_RATIO = "rr"
    ODDS_RATIO = "or"


class NoRatio(ValueError):
    """The counts are possible, and have no such ratio."""


METHODS = {
    Measure.RISK_DIFFERENCE: "Newcombe",
    Measure.RISK_RATIO: "log",
    Measure.ODDS_RATIO: "logit",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`p` is two-sided, of the pooled z-test of equal proportions (NaN never: see compare)."""

    measure: Measure
    estimate: float
    low: float
    high: float
    p: float
    method: str


def compare(
    events: int, trials: int, control_events: int, control_trials: int, measure: Measure
) -> Comparison:
    """Treated against control, with a 95 % interval.

    Independent observations only: appointments of one patient are not independent, and an
    interval that ignores it is too narrow (EVIDENCE 0.4).

    Args:
        events, trials: of the treated arm; 0 <= events <= trials, trials at least 1.
        control_events, control_trials: of the control arm, likewise.
        measure: difference as a fraction in [-1, 1]; ratio and odds ratio as positive numbers.

    Raises:
        ValueError: the counts are impossible, or above MOST.
        NoRatio: a ratio does not exist (an arm without events, or for an odds ratio without
            non-events).

    Sources: R. G. Newcombe (1998), Stat. Med. 17, 873-890, method 10 (difference);
    D. Katz et al. (1978), Biometrics 34, 469-474 (log ratio); B. Woolf (1955), Ann. Hum. Genet.
    19, 251-253 (logit).
    """
    for some, whole in ((events, trials), (control_events, control_trials)):
        if whole > MOST:
            raise ValueError("too many: more than anybody counts")
        if whole < 1 or not 0 <= some <= whole:
            raise ValueError(f"impossible counts: {some} of {whole}")
    estimate, low, high = _INTERVALS[measure](events, trials, control_events, control_trials)
    p = pooled_z_test(events, trials, control_events, control_trials)
    return Comparison(measure, estimate, low, high, p, METHODS[measure])


def pooled_z_test(x1: int, n1: int, x0: int, n0: int) -> float:
    """Two-sided p-value of equal proportions; 1 where both arms have all or no events."""
    pooled = (x1 + x0) / (n1 + n0)
    spread = sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    if spread == 0:
        return 1.0
    return two_sided((x1 / n1 - x0 / n0) / spread)


def _difference(x1: int, n1: int, x0: int, n0: int) -> tuple[float, float, float]:
    p1, p0 = x1 / n1, x0 / n0
    one, zero = wilson_interval(x1, n1, z=Z), wilson_interval(x0, n0, z=Z)
    below = sqrt((p1 - one.low) ** 2 + (zero.high - p0) ** 2)
    above = sqrt((one.high - p1) ** 2 + (p0 - zero.low) ** 2)
    return p1 - p0, p1 - p0 - below, p1 - p0 + above


def _ratio(x1: int, n1: int, x0: int, n0: int) -> tuple[float, float, float]:
    if not x1 or not x0:
        raise NoRatio("no ratio: an arm has no event")
    centre = log(x1 / n1) - log(x0 / n0)
    return _around(centre, sqrt(1 / x1 - 1 / n1 + 1 / x0 - 1 / n0))


def _odds(x1: int, n1: int, x0: int, n0: int) -> tuple[float, float, float]:
    cells = (x1, n1 - x1, x0, n0 - x0)
    if not all(cells):
        raise NoRatio("no odds ratio: an arm has no event, or nothing but events")
    a, b, c, d = cells
    return _around(log(a) - log(b) - log(c) + log(d), sqrt(sum(1 / cell for cell in cells)))


def _around(centre: float, error: float) -> tuple[float, float, float]:
    return exp(centre), exp(centre - Z * error), exp(centre + Z * error)


_INTERVALS = {
    Measure.RISK_DIFFERENCE: _difference,
    Measure.RISK_RATIO: _ratio,
    Measure.ODDS_RATIO: _odds,
}
