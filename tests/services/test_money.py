"""Savings as they are told: the prices of their own days, and nothing for a price nobody said."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from reminders.domain.holdout import Arm
from reminders.domain.report import Month
from reminders.domain.savings import Component, UnitCost
from reminders.services import costs
from reminders.services.effect import take_look
from reminders.services.holdout import approve, propose, stop
from reminders.services.money import compute, compute_daily, kept, money
from reminders.services.months import close, figures, revise
from reminders.services.rules import Rules, rules_of
from reminders.store.engine import Store
from tests.services.test_savings import enough
from tests.support.clinic import PARIS, paris, settings_with
from tests.support.comparison import CAME, SINCE, Comparison

MAY = Month(2026, 5)
CLOSING = datetime(2026, 6, 5, tzinfo=UTC)
JANUARY = date(2026, 1, 1)
SUBSCRIBED = [
    UnitCost(Component.FEE, 100, 100, 100, "facture", JANUARY),
    UnitCost(Component.HOSTING, 10, 10, 10, "facture", JANUARY),
]


def priced(value: float, since: date = JANUARY) -> UnitCost:
    return UnitCost(Component.SLOT, value, value, value, "contrôle de gestion", since)


def rules_with(slot: float | None) -> Rules:
    own = {} if slot is None else {"slot_cost_eur": slot}
    service = {"uf": "4220", "site": "sud", "label": "Consultations", **own}
    return rules_of(settings_with(service=[service]))


def compared(store: Store, *entered: UnitCost, **more: Any) -> Comparison:
    trial = Comparison(store, **more)
    enough(trial)
    costs.add(store, [*SUBSCRIBED, *entered], actor="nadia", now=SINCE)
    return trial


def slot_of(told: Any) -> Any:
    return next(one for one in told["lines"] if one["component"] == "slot")


def test_a_price_nobody_said_is_missing_even_where_fees_are_known(store: Store) -> None:
    """Not the field's 50 €: that is a hypothesis, for projections alone."""
    compared(store)
    found = money(store, rules_with(None), now=CLOSING)
    assert found["missing"] == [["slot", "4220"]]
    assert "total" not in found


@pytest.mark.parametrize("hour", ["2026-06-01 00:05", "2026-06-01 00:00", "2026-06-01 12:00"])
def test_a_price_of_the_settings_holds_at_every_hour_of_the_day(store: Store, hour: str) -> None:
    """The first minutes of a civil day are another one in Greenwich."""
    compared(store)
    found = money(store, rules_with(80), now=paris(hour))
    assert found["missing"] == []
    assert slot_of(found)["value"] == 80


def test_a_comparison_that_ends_at_midnight_has_its_prices(store: Store) -> None:
    compared(store, ends=paris("2026-06-01 00:00"))
    assert money(store, rules_with(80), now=paris("2026-06-20 10:00"))["missing"] == []


def test_a_closed_month_is_priced_as_its_last_day_was(store: Store) -> None:
    compared(store, priced(80), priced(500, date(2026, 6, 1)))
    frozen = figures(store, rules_with(None), MAY, now=CLOSING)
    saved: Any = frozen["savings"]
    assert slot_of(saved)["value"] == 80
    listed: Any = frozen["costs"]
    assert [one["value"] for one in listed if one["component"] == "slot"] == [80]
    assert slot_of(money(store, rules_with(None), now=CLOSING))["value"] == 500


def test_after_the_final_look_nothing_is_computed_anew_each_day(store: Store) -> None:
    ends = MAY.between(PARIS)[1]
    trial = compared(store, priced(80), ends=ends)
    rules = rules_with(None)
    compute(store, rules, now=ends + timedelta(hours=1))
    assert compute_daily(store, rules, now=ends + timedelta(days=1)) == 1
    take_look(store, str(MAY), now=CLOSING, until=ends)
    assert compute_daily(store, rules, now=CLOSING + timedelta(days=1)) == 1
    final = kept(store).value
    trial.change(1, status=CAME)
    assert compute_daily(store, rules, now=CLOSING + timedelta(days=2)) == 0
    assert kept(store).value == final
    later = CLOSING + timedelta(days=3)
    costs.add(store, [priced(90, date(2026, 2, 1))], actor="nadia", now=later)
    assert compute_daily(store, rules, now=later + timedelta(days=1)) == 1
    assert slot_of(kept(store).value)["value"] == 90


def test_a_month_is_not_revised_for_what_became_of_the_hold_out_since(store: Store) -> None:
    trial = compared(store, priced(80))
    rules = rules_with(None)
    close(store, rules, MAY, by="nadia", now=CLOSING)
    august = datetime(2026, 8, 1, tzinfo=UTC)
    trial.arm(Arm.HELD, 900, 100, since=august)
    stop(store, now=august, by="nadia")
    propose(store, rules, now=august, by="nadia")
    approve(store, now=august, by="Claire")
    assert revise(store, rules, MAY, by="nadia", now=august + timedelta(days=9)) is None
