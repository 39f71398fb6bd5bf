"""A change in how absences are written down is found, chance is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportions_ztest

from reminders.statistics.coding import ALPHA, _compared, shifts

Weeks = list[tuple[int, int]]


def weeks(seed: int, late: list[float], size: float = 30) -> Weeks:
    """(no-shows, late cancellations) of weeks with these shares of late ones."""
    draw = np.random.default_rng(seed)
    found = []
    for share in late:
        whole = draw.poisson(size)
        called_off = draw.binomial(whole, share)
        found.append((int(whole - called_off), int(called_off)))
    return found


@given(*[st.integers(1, 400)] * 4)
def test_each_comparison_is_the_chi_square_of_two_by_two_counts(
    a: int, b: int, c: int, d: int
) -> None:
    found = _compared((a, b), (c, d))
    table = np.array([[a, b], [c, d]])
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    if expected.min() < 5:
        assert found is None
        return
    assert found is not None
    _, p = proportions_ztest(table[:, 1], table.sum(1))  # the square root of that chi-square
    assert found[2] == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize("change", [12, 26, 40])
def test_a_new_habit_is_found_in_the_week_it_begins(change: int) -> None:
    for seed in range(20):
        series = {
            "4220": weeks(seed, [0.3] * change + [0.7] * (52 - change)),
            "4230": weeks(seed + 1_000, [0.4] * 52),
        }
        found = shifts(series)
        assert [one.name for one in found] == ["4220"]
        assert abs(found[0].week - change) <= 2  # weeks are few people
        assert found[0].before == pytest.approx(0.3, abs=0.1)
        assert found[0].after == pytest.approx(0.7, abs=0.15)
        assert found[0].p < ALPHA


def test_chance_alone_is_rarely_taken_for_a_change() -> None:
    """Twenty services over a year, where nothing changes: of 100 hospitals, one or two."""
    wrong = 0
    for seed in range(100):
        series = {str(n): weeks(100 * seed + n, [0.2 + 0.03 * n] * 52) for n in range(20)}
        wrong += bool(shifts(series))
    assert wrong <= 3


def test_a_change_too_small_to_matter_is_not_told() -> None:
    series = {"4220": weeks(1, [0.30] * 26 + [0.36] * 26, size=2_000)}
    assert shifts(series) == []


def test_too_little_is_not_compared() -> None:
    assert shifts({"4220": [(1, 0)] * 20 + [(0, 1)] * 20}) == []
    assert shifts({}) == shifts({"4220": []}) == []


def test_two_changes_are_two() -> None:
    late = [0.2] * 20 + [0.7] * 16 + [0.2] * 16
    found = shifts({"4220": weeks(3, late, size=60)})
    assert sorted(round(one.week / 2) for one in found) == [10, 18]
