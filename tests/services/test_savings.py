"""Savings: one cost an appointment, nothing counted twice, nothing without randomisation."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.costs import Spent
from reminders.domain.holdout import Arm
from reminders.domain.savings import Component, UnitCost
from reminders.services.effect import Verdict
from reminders.services.rollup import refresh
from reminders.services.rules import rules_of
from reminders.services.savings import Savings, savings
from reminders.statistics.clustered import differences, units
from reminders.statistics.money import Prices, saving
from reminders.statistics.normal import Z
from reminders.statistics.sequential import always_valid
from reminders.store.engine import Store, insert_rows, run
from reminders.store.types import DAY, HOUR, micros
from tests.support.clinic import settings_with
from tests.support.comparison import (
    APPOINTMENT,
    CAME,
    CANCELLED,
    ENDS,
    MISSED,
    NOW,
    OPEN,
    SINCE,
    Comparison,
)


def cost(component: Component, value: float, uf: str = "", spread: float = 1.0) -> UnitCost:
    return UnitCost(
        component,
        value,
        value / spread,
        value * spread,
        "contrôle de gestion",
        date(2026, 1, 1),
        uf,
    )


SLOT = cost(Component.SLOT, 80.0)


@pytest.fixture
def trial(store: Store) -> Comparison:
    return Comparison(store)


def enough(trial: Comparison) -> None:
    """1,600 against 400 patients; 14 against 26 % missed, 16 against 4 % called off."""
    reminded = [[MISSED]] * 224 + [[CANCELLED]] * 256 + [[CAME]] * 1_120
    held = [[MISSED]] * 104 + [[CANCELLED]] * 16 + [[CAME]] * 280
    trial.patients(Arm.REMINDED, reminded)
    trial.patients(Arm.HELD, held)


def refill(trial: Comparison, share: int) -> None:
    """Every `share`-th slot called off is taken by somebody else, who is no unit."""
    with trial.store.write() as connection:
        run(
            connection,
            "UPDATE appointment SET cancelled_at = starts_at - :ahead WHERE status = 'cancelled'",
            ahead=DAY,
        )
        found = connection.exec_driver_sql(
            "SELECT id, starts_at FROM appointment WHERE status = 'cancelled' ORDER BY id"
        ).all()
        at = micros(SINCE)
        rows = [
            (100_000 + n, "agenda", f"X{n}", None, "4220", "", row.starts_at, CAME, at,
             row.starts_at - HOUR, at, at, row.starts_at, None, "")
            for n, row in enumerate(found)
            if n % share == 0
        ]  # fmt: skip
        insert_rows(connection, "appointment", APPOINTMENT, rows)


def told(trial: Comparison, costs: Sequence[UnitCost] = (SLOT,), **more: object) -> Savings:
    return savings(trial.store, costs, now=NOW, day=NOW.date(), **more)  # type: ignore[arg-type]


def test_without_a_measured_effect_there_is_no_saving(trial: Comparison) -> None:
    trial.arm(Arm.REMINDED, 400, 20)
    trial.arm(Arm.HELD, 100, 20)
    found = told(trial)
    assert found.effect.verdict is Verdict.UNDERPOWERED
    assert (found.total, found.lines, found.drivers) == (None, (), ())


def test_the_saving_is_the_difference_of_one_cost_an_appointment(trial: Comparison) -> None:
    """Wasted without refills: 30 % in both arms. No-shows avoided alone would claim 15,360 €."""
    enough(trial)
    found = told(trial)
    assert found.total is not None
    assert found.total.central == pytest.approx(0.0, abs=1e-6)
    avoided = {one.name: one.number for one in found.drivers}["no-shows"]
    assert avoided == pytest.approx(-192)
    assert found.total.low < 0 < found.total.high


def test_a_refilled_slot_is_inside_the_cost_and_never_beside_it(trial: Comparison) -> None:
    """Take refills out of the cost and the saving is another: they are counted once, there."""
    enough(trial)
    without = told(trial)
    refill(trial, share=2)
    found = told(trial)
    assert without.total is not None
    assert found.total is not None
    # 128 of 1,600 and 8 of 400 slots were used again: 6 points of wasted slots
    assert found.total.central == pytest.approx(1_600 * 0.06 * 80)
    assert found.total.central - without.total.central == pytest.approx(7_680)
    drivers = {one.name: one.number for one in found.drivers}
    assert drivers["refilled"] == pytest.approx(1_600 * 0.06)
    summed = 80 * (drivers["refilled"] - drivers["no-shows"])
    assert summed > 2.5 * found.total.central  # what adding the drivers up would claim


def test_messages_are_a_cost_and_cash_is_apart_from_capacity(trial: Comparison) -> None:
    enough(trial)
    refill(trial, share=2)
    send(trial, segments=2)
    found = told(trial, [SLOT, cost(Component.SEGMENT, 0.06)])
    assert found.capacity is not None
    assert found.cash is not None
    assert found.total is not None
    assert found.capacity.central == pytest.approx(7_680)
    assert found.cash.central == pytest.approx(-1_600 * 2 * 0.06)
    assert found.total.central == pytest.approx(7_680 - 192)
    assert sum(line.euros for line in found.lines) == pytest.approx(found.total.central)


def test_messages_that_were_purged_still_cost_what_they_did(trial: Comparison) -> None:
    """They are kept for a year, a comparison of a year is looked at a month after its end."""
    enough(trial)
    send(trial, segments=2)
    prices = [SLOT, cost(Component.SEGMENT, 0.06)]
    before = told(trial, prices)
    refresh(trial.store, rules_of(settings_with()), now=NOW)
    with trial.store.write() as connection:
        for table in ("told", "attempt", "message"):
            run(connection, f"DELETE FROM {table}")
    refresh(trial.store, rules_of(settings_with()), now=NOW)
    after = told(trial, prices)
    assert before.cash is not None
    assert after.cash is not None
    assert before.cash.central == pytest.approx(-192)
    # the report follows 1,509 of these 1,600: the others stood at hours nobody is reminded of
    assert after.cash.central == pytest.approx(-192 * 1_509 / 1_600)


def send(trial: Comparison, *, segments: int) -> None:
    """A reminder left about every unit of the reminded arm."""
    with trial.store.write() as connection:
        units = connection.exec_driver_sql(
            "SELECT appointment_id FROM unit_entry WHERE arm = 'reminded'"
        ).all()
        at = micros(SINCE)
        insert_rows(
            connection,
            "message",
            ("id", "dedupe_key", "kind", "channel", "state", "recipient_key", "earliest_at",
             "opens_at", "closes_at", "created_at", "updated_at", "patient_id"),
            [(one[0], f"m{one[0]}", "reminder", "sms", "DELIVERED", b"", at, at, at, at, at, 1)
             for one in units],
        )  # fmt: skip
        insert_rows(
            connection,
            "attempt",
            ("id", "message_id", "reference", "provider", "channel", "segments", "state",
             "template_version_id", "started_at"),
            [(one[0], one[0], f"ref{one[0]}", "main", "sms", segments, "DELIVERED", 1, at)
             for one in units],
        )  # fmt: skip
        insert_rows(
            connection,
            "told",
            ("attempt_id", "appointment_id", "starts_at"),
            [(one[0], one[0], at) for one in units],
        )


def test_each_service_has_its_own_price(trial: Comparison) -> None:
    for uf in ("4220", "4230"):
        trial.arm(Arm.REMINDED, 800, 112, uf=uf)
        trial.arm(Arm.HELD, 200, 52, uf=uf)
    found = told(trial, [SLOT, cost(Component.SLOT, 200.0, uf="4230")])
    assert found.total is not None
    assert found.total.central == pytest.approx(800 * 0.12 * (80 + 200))
    assert len(found.lines) == 2


def test_a_price_nobody_gave_is_named_and_nothing_is_said(trial: Comparison) -> None:
    enough(trial)
    found = told(trial, [cost(Component.SLOT, 80.0, uf="9999")])
    assert found.missing == ((Component.SLOT, "4220"),)
    assert found.total is None


def test_calls_nobody_linked_are_not_measured_and_cost_nothing(trial: Comparison) -> None:
    enough(trial)
    found = told(trial)
    assert not found.calls_measured
    assert all(line.cost.component is not Component.CALL for line in found.lines)
    linked = told(
        trial,
        [SLOT, cost(Component.CALL, 2.2)],
        calls=dict.fromkeys(range(1_601, 1_801), 1.0),  # half of the held arm rang
    )
    assert linked.calls_measured
    assert linked.total is not None
    assert linked.total.central == pytest.approx(1_600 * 0.5 * 2.2)


def test_the_fee_is_taken_off(trial: Comparison) -> None:
    enough(trial)
    refill(trial, share=2)
    free, paid = told(trial), told(trial, fees={Component.FEE: Spent(5_000, 5_000, 5_000)})
    assert free.total is not None
    assert paid.total is not None
    assert free.total.central - paid.total.central == pytest.approx(5_000)
    assert free.total.low - paid.total.low == pytest.approx(5_000)


def test_each_driver_has_its_interval(trial: Comparison) -> None:
    """The no-shows' is the effect's own, times the reminded units."""
    enough(trial)
    found = told(trial)
    missed = {one.name: one for one in found.drivers}["no-shows"]
    assert found.effect.avoided is not None
    central, low, high = found.effect.avoided
    assert (-missed.number, -missed.high, -missed.low) == pytest.approx((central, low, high))
    final = savings(trial.store, [SLOT], now=ENDS, day=ENDS.date()).drivers[0]
    assert missed.low < final.low < missed.number < final.high < missed.high


def test_calls_are_a_driver_where_they_are_measured(trial: Comparison) -> None:
    enough(trial)
    assert "call" not in {one.name for one in told(trial).drivers}
    calls = {n: 1.0 for n in range(1, 2_001) if n > 1_600 or n % 2}
    costs = [SLOT, cost(Component.CALL, 2.2)]
    call = {one.name: one for one in told(trial, costs, calls=calls).drivers}["call"]
    assert call.number == pytest.approx(-800)
    assert call.low < call.number < call.high < 0


def charged(euros: float) -> Prices:
    return Prices(*(np.array([one * euros]) for one in (1.0, 0.8, 1.3)))


def test_a_fee_nobody_entered_withholds_the_saving(trial: Comparison) -> None:
    """Not 0 €: a saving without its price would be told too large."""
    enough(trial)
    found = told(trial, fees={Component.FEE: Spent(900, 900, 900), Component.HOSTING: Spent(
        known=False)})  # fmt: skip
    assert found.effect.verdict is Verdict.MEASURED
    assert (found.total, found.missing) == (None, ((Component.HOSTING, ""),))


def test_unknown_outcomes_cost_nothing_in_either_arm(trial: Comparison) -> None:
    enough(trial)
    before = told(trial)
    trial.patients(Arm.REMINDED, [[OPEN]] * 16)
    trial.patients(Arm.HELD, [[OPEN]] * 4)
    after = told(trial)
    assert before.total is not None
    assert after.total is not None
    assert after.units == before.units == 1_600
    assert after.total.central == pytest.approx(before.total.central, abs=1e-6)


def test_the_final_look_is_narrower_than_a_monthly_one(trial: Comparison) -> None:
    enough(trial)
    refill(trial, share=2)
    monthly, final = told(trial), savings(trial.store, [SLOT], now=ENDS, day=ENDS.date())
    assert monthly.total is not None
    assert final.total is not None
    assert monthly.total.central == final.total.central
    ratio = (monthly.total.high - monthly.total.low) / (final.total.high - final.total.low)
    assert 1.3 < ratio < 2.5


def test_cash_has_an_interval_of_its_own_that_holds_at_every_look(trial: Comparison) -> None:
    """As much wider as its own doubt asks for, not as that of the slots' euros does."""
    enough(trial)
    refill(trial, share=2)
    send(trial, segments=2)
    with trial.store.write() as connection:
        run(connection, "UPDATE attempt SET segments = 1 + id % 2")
    prices = [SLOT, cost(Component.SEGMENT, 0.06)]
    monthly = told(trial, prices).cash
    final = savings(trial.store, prices, now=ENDS, day=ENDS.date()).cash
    assert monthly is not None
    assert final is not None
    alone = (final.high - final.low) / (2 * Z * 1_600)  # standard error of a unit
    wide = (monthly.high - monthly.low) / (2 * 1_600)
    assert wide == pytest.approx(always_valid(0.0, alone**2, spread=0.02 * 80).high, rel=0.02)


# --- one appointment, one service, one call ------------------------------------------------------


def test_the_cost_of_an_appointment_in_each_arm_is_what_is_saved(trial: Comparison) -> None:
    """Saving, lines and the two costs are one sum: nothing is told that the others do not hold."""
    enough(trial)
    refill(trial, share=2)
    send(trial, segments=2)
    fees = {Component.HOSTING: Spent(100, 90, 110)}
    found = told(trial, [SLOT, cost(Component.SEGMENT, 0.06, spread=1.2)], fees=fees)
    assert found.per_unit is not None
    assert found.total is not None
    assert found.cash is not None
    assert found.capacity is not None
    assert found.held == pytest.approx(80 * (0.26 + 0.04 - 0.02))
    assert found.reminded == pytest.approx(80 * (0.14 + 0.16 - 0.08) + 0.12)
    assert found.per_unit.central == pytest.approx(found.held - found.reminded)
    assert found.total.central == pytest.approx(1_600 * found.per_unit.central - 100)
    assert found.capacity.central + found.cash.central == pytest.approx(found.total.central)
    for line in found.lines:
        assert line.difference == pytest.approx(line.reminded - line.held)
    assert found.total.conservative <= found.total.central <= found.total.favourable


def test_one_service_is_told_by_itself(trial: Comparison) -> None:
    for uf, missed in (("4220", 104), ("4230", 52)):
        trial.arm(Arm.REMINDED, 1_600, 160, uf=uf)
        trial.arm(Arm.HELD, 400, missed, uf=uf)
    whole, one = told(trial), told(trial, uf="4220")
    assert whole.total is not None
    assert one.total is not None
    assert one.units == 1_600
    assert one.total.central == pytest.approx(80 * 1_600 * (104 / 400 - 160 / 1_600))
    other = told(trial, uf="4230")
    assert (other.effect.verdict, other.total) == (Verdict.UNDERPOWERED, None)


def test_a_task_done_by_telephone_is_a_call_and_not_a_task_as_well(trial: Comparison) -> None:
    enough(trial)
    with trial.store.write() as connection:
        run(
            connection,
            "INSERT INTO task (id, kind, subject, state, created_at, appointment_id, resolved_at, "
            "resolved_by) SELECT appointment_id, 'call_no_contact', 'appointment:' || "
            "appointment_id, 'done', :at, appointment_id, :at, 'nadia' FROM unit_entry "
            "WHERE arm = 'reminded'",
            at=micros(SINCE),
        )
    prices = [SLOT, cost(Component.TASK, 5.0), cost(Component.CALL, 3.0)]
    without = told(trial, prices)  # calls are not measured: they are tasks like any other
    assert [one.euros for one in without.lines if one.cost.component is Component.TASK] == [-8_000]
    ours = dict.fromkeys(range(1, 1_601), 1.0)
    found = told(trial, prices, calls=ours, called=ours)
    spent = {one.cost.component: one.euros for one in found.lines}
    assert Component.TASK not in spent
    assert spent[Component.CALL] == pytest.approx(-4_800)


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3), st.integers(1, 6)),
        min_size=8,
        max_size=40,
    ),
    st.integers(0, 500),
)
def test_the_parts_of_a_saving_are_the_whole(
    told: list[tuple[bool, int, int, int]], fee: int
) -> None:
    """Whatever the quantities: lines, capacity and cash each add up to the total, once."""
    sample = units([one[0] for one in told], [one[3] for one in told])
    if min(sample.arm_clusters()) < 2:
        return
    quantities = np.array([(one[1], one[2]) for one in told], dtype=np.float64)
    joint, reminded = differences(quantities, sample), sample.arm_sizes()[0]
    prices = Prices(np.array([80.0, 0.06]), np.array([60.0, 0.05]), np.array([110.0, 0.08]))
    whole = saving(joint, prices, reminded, fees=charged(fee))
    parts = [
        saving(joint, prices, reminded, only=np.array(only), fees=charged(less))
        for only, less in (([True, False], 0), ([False, True], fee))
    ]
    assert sum(one.central for one in parts) == pytest.approx(whole.central, abs=1e-6)
    assert sum(one.conservative for one in parts) == pytest.approx(whole.conservative, abs=1e-6)
    euros = quantities @ prices.value
    mean = euros[~sample.treated].mean() - euros[sample.treated].mean()
    assert whole.central == pytest.approx(reminded * mean - fee, abs=1e-6)
    assert whole.conservative <= whole.central + 1e-6
    assert whole.favourable >= whole.central - 1e-6
