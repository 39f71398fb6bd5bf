"""Euros from differences: chance and prices in one interval."""

import numpy as np
import pytest

from reminders.statistics.clustered import Differences, differences, itt
from reminders.statistics.money import Prices, saving
from reminders.statistics.normal import Z
from tests.support.hospital_trial import year


def prices(*values: float, low: float = 1.0, high: float = 1.0) -> Prices:
    value = np.array(values, dtype=float)
    return Prices(value, value * low, value * high)


TWO = Differences(np.array([-0.03, 2.0]), np.diag([0.01**2, 0.1**2]))


def test_with_certain_prices_it_is_the_interval_of_the_summed_cost() -> None:
    one = year(3, patients=2_000)
    measures = np.column_stack((one.missed, 2.0 * one.sample.treated))
    found = saving(differences(measures, one.sample), prices(80.0, 0.06), 1_000)
    summed = itt(measures @ np.array([80.0, 0.06]), one.sample)
    assert found.central == pytest.approx(-1_000 * summed.estimate)
    assert found.low == pytest.approx(-1_000 * summed.high, rel=0.03)
    assert found.high == pytest.approx(-1_000 * summed.low, rel=0.03)
    assert found.conservative == found.favourable == pytest.approx(found.central)


def test_doubtful_prices_widen_it_and_make_cases() -> None:
    sure = saving(TWO, prices(100.0, 0.06), 10_000)
    doubtful = saving(TWO, prices(100.0, 0.06, low=0.7, high=1.4), 10_000)
    assert sure.central == doubtful.central == pytest.approx(10_000 * (3.0 - 0.12))
    assert doubtful.high - doubtful.low > sure.high - sure.low
    # slots saved are cheap at worst, messages sent are dear
    assert doubtful.conservative == pytest.approx(10_000 * (0.03 * 70 - 2 * 0.084))
    assert doubtful.favourable == pytest.approx(10_000 * (0.03 * 140 - 2 * 0.042))


def test_the_fee_is_taken_off_everything() -> None:
    free, paid = (
        saving(TWO, prices(100.0, 0.06), 500),
        saving(TWO, prices(100.0, 0.06), 500, fees=amount(90)),
    )
    for name in ("central", "low", "high", "conservative", "favourable"):
        assert getattr(free, name) - getattr(paid, name) == pytest.approx(90)


def amount(value: float, low: float | None = None, high: float | None = None) -> Prices:
    bounds = (value, value if low is None else low, value if high is None else high)
    return Prices(*(np.array([float(one)]) for one in bounds))


def test_a_doubtful_fee_widens_it_and_makes_cases() -> None:
    sure = saving(TWO, prices(100.0, 0.0), 500, fees=amount(4_000))
    doubtful = saving(TWO, prices(100.0, 0.0), 500, fees=amount(4_000, 1_000, 16_000))
    assert doubtful.central == sure.central
    assert doubtful.high - doubtful.low > 1.5 * (sure.high - sure.low)
    assert doubtful.conservative == pytest.approx(sure.conservative - 12_000)
    assert doubtful.favourable == pytest.approx(sure.favourable + 3_000)


def test_equal_inputs_give_equal_intervals() -> None:
    doubtful = prices(100.0, 0.06, low=0.5, high=2.0)
    assert saving(TWO, doubtful, 500) == saving(TWO, doubtful, 500)


def test_capacity_and_cash_are_told_apart() -> None:
    only = np.array([True, False])
    capacity = saving(TWO, prices(100.0, 0.06), 10_000, only=only)
    cash = saving(TWO, prices(100.0, 0.06), 10_000, only=~only)
    assert capacity.central == pytest.approx(30_000)
    assert cash.central == pytest.approx(-1_200)
    assert capacity.low == pytest.approx(30_000 - Z * 10_000, rel=0.03)


def test_a_look_before_the_final_one_is_wider() -> None:
    sure, early = (saving(TWO, prices(100.0, 0.0), 100, widen=factor) for factor in (1.0, 1.6))
    assert early.high - early.low == pytest.approx(1.6 * (sure.high - sure.low))
    assert early.central == sure.central


def test_a_price_of_nothing_and_a_measure_that_never_varies_are_no_trouble() -> None:
    flat = Differences(np.array([-0.03, 0.0]), np.diag([0.01**2, 0.0]))
    free = Prices(np.array([100.0, 0.0]), np.array([0.0, 0.0]), np.array([200.0, 0.0]))
    found = saving(flat, free, 100)
    assert np.isfinite([found.low, found.high]).all()
    assert found.central == pytest.approx(300)
    assert found.low < found.central < found.high


def test_the_interval_in_euros_holds_the_truth_as_often_as_it_says() -> None:
    """200 hospitals: a missed slot costs 80 €, each reminded unit two messages."""
    held = 0
    for seed in range(200):
        one = year(5_000 + seed, patients=2_000)
        measures = np.column_stack((one.missed, 2.0 * one.sample.treated))
        found = saving(differences(measures, one.sample), prices(80.0, 0.06), 100)
        held += found.low <= 100 * (-80 * one.truth - 0.12) <= found.high
    assert 0.91 <= held / 200 <= 0.985
