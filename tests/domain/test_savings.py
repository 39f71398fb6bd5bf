"""What an appointment costs; what is only supposed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.outcome import Outcome
from reminders.domain.savings import (
    HYPOTHESES,
    LABEL,
    VALUE_OF,
    Component,
    UnitCost,
    Value,
    cost_on,
    project,
    slots_wasted,
)

DAY = date(2026, 6, 1)


def cost(value: float = 80.0, uf: str = "", since: date = date(2026, 1, 1)) -> UnitCost:
    return UnitCost(Component.SLOT, value, value / 2, value * 2, "contrôle de gestion", since, uf)


def test_the_services_own_price_then_the_latest_that_holds() -> None:
    known = [
        cost(50),
        cost(60, since=date(2026, 5, 1)),
        cost(70, since=date(2026, 7, 1)),
        cost(120, uf="4220"),
    ]

    def price(uf: str, day: date = DAY) -> float | None:
        found = cost_on(known, Component.SLOT, uf, day)
        return None if found is None else found.value

    assert (price("4220"), price("4230")) == (120, 60)
    assert price("4230", date(2026, 2, 1)) == 50
    assert price("4230", date(2025, 2, 1)) is None
    assert cost_on(known, Component.CALL, "4220", DAY) is None


@pytest.mark.parametrize(("low", "value", "high"), [(-1, 2, 3), (3, 2, 4), (1, 5, 4)])
def test_a_price_lies_within_its_range(low: float, value: float, high: float) -> None:
    with pytest.raises(ValueError, match="between its low and its high"):
        UnitCost(Component.SLOT, value, low, high, "moi", DAY)


def test_a_price_names_its_source() -> None:
    with pytest.raises(ValueError, match="source"):
        UnitCost(Component.SLOT, 1, 1, 1, " ", DAY)


@pytest.mark.parametrize(
    ("outcome", "freed", "refilled", "wasted"),
    [
        (Outcome.ATTENDED, False, False, 0),
        (Outcome.ATTENDED, True, False, 1),  # moved: the first slot stayed empty
        (Outcome.ATTENDED, True, True, 0),
        (Outcome.NO_SHOW, False, False, 1),
        (Outcome.NO_SHOW, True, False, 2),  # moved, then missed
        (Outcome.NO_SHOW, True, True, 1),
        (Outcome.CANCELLED_EARLY, True, True, 0),
        (Outcome.CANCELLED_EARLY, True, False, 1),
        (Outcome.CANCELLED_LATE, False, False, 1),  # told us, never entered in the DPI
        (Outcome.CANCELLED_BY_HOSPITAL, True, False, 0),
        (Outcome.UNKNOWN, False, False, None),
    ],
)
def test_slots_that_nobody_used(
    outcome: Outcome, freed: bool, refilled: bool, wasted: int | None
) -> None:
    assert slots_wasted(outcome, freed=freed, refilled=refilled) == wasted


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED_EARLY, Outcome.CANCELLED_LATE])
def test_one_moved_then_called_off_empties_its_second_slot_too(outcome: Outcome) -> None:
    assert slots_wasted(outcome, freed=True, refilled=True, moved=True) == 1
    assert slots_wasted(outcome, freed=True, refilled=False, moved=True) == 2
    missed = slots_wasted(Outcome.NO_SHOW, freed=True, refilled=True, moved=True)
    assert missed == slots_wasted(outcome, freed=True, refilled=True, moved=True)


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED_EARLY, Outcome.CANCELLED_LATE])
def test_a_second_slot_that_somebody_took_is_not_wasted(outcome: Outcome) -> None:
    def wasted(one: Outcome, *, refilled: bool) -> int | None:
        return slots_wasted(one, freed=True, refilled=refilled, moved=True, refilled_again=True)

    assert (wasted(outcome, refilled=True), wasted(outcome, refilled=False)) == (0, 1)
    assert wasted(Outcome.NO_SHOW, refilled=True) == 1  # nobody can take what was never called off


@given(st.sampled_from(sorted(set(Outcome) - {Outcome.UNKNOWN})), st.booleans())
def test_a_slot_used_again_never_costs_more(outcome: Outcome, freed: bool) -> None:
    empty = slots_wasted(outcome, freed=freed, refilled=False)
    used = slots_wasted(outcome, freed=freed, refilled=True)
    assert empty is not None
    assert used is not None
    assert used <= empty


def test_slots_and_hours_are_no_money() -> None:
    assert VALUE_OF[Component.SLOT] is VALUE_OF[Component.TASK] is Value.CAPACITY
    assert VALUE_OF[Component.SEGMENT] is Value.CASH
    assert set(VALUE_OF) == set(Component)


def test_what_is_supposed_is_labelled_so() -> None:
    for one in HYPOTHESES:
        found = project(one, 1_000)
        assert found.label == LABEL
        assert found.low <= found.high
        assert one.source
    shares = project(HYPOTHESES[0], 1_000)
    assert (shares.low, shares.high) == (-500, -300)
    with pytest.raises(ValueError, match="below 0"):
        project(HYPOTHESES[0], -1)
