"""A simulated randomised year, whole arrays at once: thousands of patients in milliseconds.

Patients differ in how often they come and how often they miss; held-out ones get no reminder.
Outcomes are drawn once a unit. `before` is the year before the launch, with a higher rate of
its own (other bookings, longer delays): what fools whoever compares before and after.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reminders.statistics.clustered import Units

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Year:
    sample: Units
    missed: Numbers  # 1 for a no-show
    truth: float  # expected difference of rates, treated minus held out
    before: Numbers  # no-shows of the year before, all without reminders
    rate_before: Numbers  # the prior of each unit


def year(
    seed: int,
    *,
    patients: int = 4_000,
    share: float = 0.2,
    odds_ratio: float = 0.68,
    frailty: float = 0.85,
    visits: float = 2.2,
    drift: float = 0.35,
) -> Year:
    """`frailty`: spread of the patients' log odds; `visits`: mean of the appointments beyond
    one; `drift`: log odds by which the year before was worse, reminders apart."""
    draw = np.random.default_rng(seed)
    trend = draw.normal(0, frailty, patients)
    lots = 1 + draw.poisson(draw.gamma(1.0, visits, patients))
    held = draw.random(patients) < share
    who = np.repeat(np.arange(patients), lots)
    service = draw.choice(np.array([-3.2, -2.6, -2.2, -1.8]), len(who))
    odds = service + trend[who]
    treated = ~held[who]
    base, reminded = _chance(odds), _chance(odds + np.log(odds_ratio))
    missed = (draw.random(len(who)) < np.where(treated, reminded, base)).astype(np.float64)
    earlier = _chance(service + drift + trend[who])
    before = (draw.random(len(who)) < earlier).astype(np.float64)
    sample = Units(treated, who.astype(np.int64), _chance(service))
    return Year(sample, missed, float((reminded - base).mean()), before, earlier)


def _chance(odds: Numbers) -> Numbers:
    chance: Numbers = 1 / (1 + np.exp(-odds))
    return chance
