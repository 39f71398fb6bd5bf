"""The gate on unknown outcomes: as many false alarms as it says, and a true difference seen."""

from functools import cache
from math import comb

import numpy as np
import pytest

from reminders.statistics.clustered import Units, itt, units
from reminders.statistics.permutation import permutation_p

ALARM = 0.001


def arms(reminded: int, held: int, events: tuple[int, int]) -> tuple[np.ndarray, Units]:
    """A patient an appointment; events in the reminded and the held-out arm."""
    flags = np.zeros(reminded + held, dtype=np.bool_)
    flags[: events[0]] = True
    flags[reminded : reminded + events[1]] = True
    treated = np.arange(reminded + held) < reminded
    return flags, units(treated, range(reminded + held))


def exact(reminded: int, held: int, total: int, seen: int) -> float:
    """Fisher's, both signs by distance from what is expected."""
    middle = total * held / (reminded + held)
    ways = sum(
        comb(total, n) * comb(reminded + held - total, held - n)
        for n in range(min(total, held) + 1)
        if abs(n - middle) >= abs(seen - middle) - 1e-9
    )
    return ways / comb(reminded + held, held)


@pytest.mark.parametrize("events", [(9, 1), (9, 5), (20, 0), (60, 14), (300, 20)])
def test_of_patients_who_come_once_it_is_fishers(events: tuple[int, int]) -> None:
    flags, sample = arms(900, 100, events)
    expected = exact(900, 100, sum(events), events[1])
    assert permutation_p(flags, sample) == pytest.approx(expected, rel=0.1, abs=0.004)


@pytest.mark.parametrize("rate", [0.005, 0.01, 0.03, 0.1])
def test_it_alarms_as_often_as_it_says(rate: float) -> None:
    """40,000 hospitals in which outcomes are missing alike, a tenth held out. The variance of
    each arm alone gave up to a hundred times as many alarms."""

    @cache
    def p_of(reminded: int, held: int) -> float:
        return permutation_p(*arms(900, 100, (reminded, held)))

    draw = np.random.default_rng(7)
    seen = zip(draw.binomial(900, rate, 40_000), draw.binomial(100, rate, 40_000), strict=True)
    alarms = sum(p_of(int(one), int(other)) < ALARM for one, other in seen)
    assert alarms / 40_000 <= 1.3 * ALARM


def clustered(draw: np.random.Generator, extra: float) -> tuple[np.ndarray, Units]:
    """600 patients of one to six appointments, a seventh held out; an outcome is missing for all
    of a patient's or for none, as where a service enters nothing. `extra`: among the held out."""
    number = draw.integers(1, 7, 600)
    held = draw.random(600) < 1 / 7
    missing = draw.random(600) < 0.03 + extra * held
    treated, cluster = np.repeat(~held, number), np.repeat(np.arange(600), number)
    return np.repeat(missing, number), units(treated, cluster)


def test_patients_who_come_often_alarm_no_oftener() -> None:
    draw = np.random.default_rng(11)
    found = [clustered(draw, 0.0) for _ in range(3_000)]
    values = np.array([permutation_p(*one, draws=999) for one in found])
    assert (values < 0.05).mean() <= 1.3 * 0.05
    assert (values < 0.01).mean() <= 1.3 * 0.01
    before = np.array([itt(flags.astype(np.float64), sample).p for flags, sample in found])
    assert (before < 0.01).mean() > 3 * 0.01  # what it was: the variance of each arm alone


def test_a_true_difference_is_seen() -> None:
    draw = np.random.default_rng(13)
    seen = [permutation_p(*clustered(draw, 0.2)) < ALARM for _ in range(50)]
    assert sum(seen) >= 45
    assert permutation_p(*arms(8_000, 2_000, (400, 180))) < ALARM


def test_nothing_missing_or_everything_is_no_difference() -> None:
    assert permutation_p(*arms(90, 10, (0, 0))) == 1.0
    assert permutation_p(*arms(90, 10, (90, 10))) == 1.0
    with pytest.raises(ValueError):
        permutation_p(*arms(90, 0, (3, 0)))
