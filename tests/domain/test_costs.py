"""Which unit cost holds when, and what months of a fee come to."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.costs import Entered, Spent, in_force, spent, with_settings
from reminders.domain.savings import Component, UnitCost

DAY = date(2026, 10, 1)
days = st.dates(date(2025, 12, 1), date(2027, 2, 1))


def entered(
    id: int, value: float | None, since: date = DAY, component: Component = Component.SLOT,
    uf: str = "",
) -> Entered:  # fmt: skip
    cost = None
    if value is not None:
        cost = UnitCost(component, value, value, value, "contrôle de gestion", since, uf)
    return Entered(id, component, uf, since, cost)


def values(those: Sequence[UnitCost]) -> list[float]:
    return [one.value for one in those]


def test_a_correction_of_the_same_day_holds() -> None:
    assert values(in_force([entered(1, 80), entered(2, 90)], DAY)) == [90]


def test_what_is_entered_for_later_does_not_hold_yet() -> None:
    those = [entered(1, 80), entered(2, 90, DAY + timedelta(days=1))]
    assert values(in_force(those, DAY)) == [80]
    assert values(in_force(those, DAY + timedelta(days=1))) == [90]


def test_a_late_entry_about_earlier_days_does_not_replace_a_newer_one() -> None:
    those = [entered(1, 90, DAY), entered(2, 70, DAY - timedelta(days=90))]
    assert values(in_force(those, DAY)) == [90]


def test_a_withdrawn_cost_leaves_the_hospitals_or_the_settings() -> None:
    later = DAY + timedelta(days=30)
    those = [entered(1, 80, uf="4220"), entered(2, None, later, uf="4220")]
    assert values(with_settings(in_force(those, DAY), {"4220": 50.0}, (), DAY)) == [80]
    found = with_settings(in_force(those, later), {"4220": 50.0}, (), later)
    assert [(one.value, one.configured) for one in found] == [(50.0, True)]


def test_an_entered_cost_for_all_comes_before_a_services_setting() -> None:
    found = with_settings(in_force([entered(1, 80)], DAY), {"4220": 50.0}, (), DAY)
    assert values(found) == [80]


def test_the_senders_price_is_the_range_of_all_of_them() -> None:
    (found,) = with_settings([], {}, (0.06, 0.05, 0.08), DAY)
    assert (found.value, found.low, found.high, found.configured) == (0.06, 0.05, 0.08, True)


def test_a_fee_is_never_one_services() -> None:
    with pytest.raises(ValueError):
        UnitCost(Component.FEE, 1, 1, 1, "contrat", DAY, "4220")


def test_a_part_of_a_month_costs_its_days() -> None:
    those = [entered(1, 310, component=Component.FEE)]
    assert spent(those, Component.FEE, DAY, date(2026, 11, 1)).value == 310
    assert spent(those, Component.FEE, DAY, date(2026, 10, 11)).value == pytest.approx(100)
    assert spent(those, Component.FEE, DAY, date(2026, 11, 1)).known


def test_what_nobody_entered_is_not_known() -> None:
    those = [entered(1, 310, component=Component.FEE)]
    assert not spent(those, Component.FEE, date(2026, 9, 1), date(2026, 12, 1)).known
    assert not spent(those, Component.HOSTING, DAY, date(2027, 1, 1)).known
    assert spent([entered(1, 0, component=Component.FEE)], Component.FEE, DAY,
                 date(2026, 11, 1)) == Spent()  # fmt: skip


def test_a_fee_keeps_its_range() -> None:
    fee = UnitCost(Component.FEE, 310, 248, 372, "devis", DAY)
    found = spent([Entered(1, Component.FEE, "", DAY, fee)], Component.FEE, DAY, date(2026, 10, 11))
    assert (found.low, found.value, found.high) == pytest.approx((80, 100, 120))


@given(days, days, days)
def test_months_add_up_wherever_a_month_is_cut_off(one: date, two: date, three: date) -> None:
    """The whole is its parts, as long as each part begins with a month: a price is asked for on
    the first day of each part."""
    first, cut, last = sorted((one, two, three))
    cut = cut.replace(day=1)
    if cut < first:
        return
    those = [
        entered(1, 300, date(2025, 1, 1), Component.FEE),
        entered(2, 400, date(2026, 6, 1), Component.FEE),
    ]
    whole = spent(those, Component.FEE, first, last).value
    parts = sum(spent(those, Component.FEE, *one).value for one in ((first, cut), (cut, last)))
    assert whole == pytest.approx(parts)
    assert 0 <= whole <= 400 * ((last - first).days / 28 + 1)


@given(
    st.lists(
        st.tuples(days, st.sampled_from(["", "4220", "4230"]), st.none() | st.integers(0, 99)),
        max_size=12,
    ),
    days,
)
def test_at_most_one_holds_for_each_service_and_it_is_the_last_of_the_latest_day(
    told: list[tuple[date, str, int | None]], day: date
) -> None:
    those = [entered(n, value, since, uf=uf) for n, (since, uf, value) in enumerate(told)]
    found = in_force(reversed(those), day)
    assert len({one.uf for one in found}) == len(found)
    for uf in ("", "4220", "4230"):
        before = [(one.valid_from, one.id, one) for one in those if one.uf == uf]
        before = [one for one in before if one[0] <= day]
        expected = max(before)[2].cost if before else None
        assert [one for one in found if one.uf == uf] == ([expected] if expected else [])
