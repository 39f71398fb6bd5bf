"""What reminders saved, as far as randomisation says so: one cost an appointment, in both arms.

Only where the effect itself may be told (services/effect). The drivers beside the sum say where
it comes from; they overlap and are never added up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from reminders.domain.baseline import Past
from reminders.domain.costs import Spent
from reminders.domain.holdout import Arm, Holdout
from reminders.domain.outcome import Outcome
from reminders.domain.savings import VALUE_OF, Component, UnitCost, Value, cost_on, slots_wasted
from reminders.services.draw import holdout_of
from reminders.services.effect import Measured, Verdict, effect
from reminders.services.observed import outcome_of_row
from reminders.statistics.clustered import Differences, Units, differences, itt, units
from reminders.statistics.money import Prices, Saving, saving
from reminders.statistics.normal import Z
from reminders.statistics.sequential import PRIOR_SPREAD, always_valid
from reminders.store import effects as stored
from reminders.store import holdout as holdouts
from reminders.store.engine import Record, Store
from reminders.store.types import micros

Numbers = NDArray[np.float64]
Calls = Mapping[int, float]  # appointment -> calls about it, known alike in both arms


@dataclass(frozen=True, slots=True)
class Line:
    """One price and what it contributes. `reminded`, `held`: how many of it a unit of each arm
    took; `difference`: reminded less held out, a unit."""

    cost: UnitCost
    reminded: float
    held: float
    difference: float
    euros: float  # saved over all reminded units, before the fee


@dataclass(frozen=True, slots=True)
class Driver:
    """How many more (or fewer) among the reminded units, with its interval: not additive."""

    name: str
    number: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Savings:
    """Nothing but `effect` unless that one is measured and every price that counts is known.

    `per_unit`: the difference of one appointment's cost, before the fee; `reminded`, `held`: that
    cost in each arm, at the prices' values. `cash` is after the fees, `capacity` has none.
    """

    effect: Measured
    total: Saving | None = None
    per_unit: Saving | None = None
    reminded: float = 0.0
    held: float = 0.0
    capacity: Saving | None = None
    cash: Saving | None = None
    units: int = 0  # reminded, with a known outcome
    lines: tuple[Line, ...] = ()
    drivers: tuple[Driver, ...] = ()
    calls_measured: bool = False
    missing: tuple[tuple[Component, str], ...] = ()  # (component, UF) without a price


@dataclass(slots=True)
class _Ledger:
    """Quantities of each unit, gathered page by page; a column for each price."""

    costs: Sequence[UnitCost]
    day: date
    calls: Calls
    called: Calls
    columns: dict[UnitCost, int] = field(default_factory=dict)
    missing: set[tuple[Component, str]] = field(default_factory=set)
    treated: list[bool] = field(default_factory=list)
    patients: list[int] = field(default_factory=list)
    cells: list[tuple[int, int, float]] = field(default_factory=list)  # (row, column, quantity)
    outcomes: list[Outcome] = field(default_factory=list)
    refilled: list[int] = field(default_factory=list)

    def add(self, component: Component, uf: str, quantity: float) -> None:
        """To the unit being written."""
        if not quantity:
            return
        cost = cost_on(self.costs, component, uf, self.day)
        if cost is None:
            self.missing.add((component, uf))
            return
        column = self.columns.setdefault(cost, len(self.columns))
        self.cells.append((len(self.treated) - 1, column, quantity))


def savings(
    store: Store,
    costs: Sequence[UnitCost],
    *,
    now: datetime,
    day: date,
    until: datetime | None = None,
    fees: Mapping[Component, Spent] | None = None,
    calls: Calls | None = None,
    called: Calls | None = None,
    past: Mapping[str, Past] | None = None,
    uf: str = "",
    look: str = "",
    which: int = 0,
) -> Savings:
    """What the reminded units cost less than they would have without reminders.

    `costs`: unit costs; those that hold on `day`, the last civil day of the period, count for all
    of it. `fees`: what the service cost
    over the period, hosting included; one nobody entered is missing as any price is. `calls`:
    None where they are not linked to appointments in both arms: then not measured, and 0 €.
    `called`: appointment -> how many of its tasks are among its calls: those are no tasks as well.
    `uf`: of one service; "" for all. `look`, `which`: as `effect`'s.
    """
    found = effect(store, now=now, until=until, past=past, uf=uf, look=look, which=which)
    if found.verdict is not Verdict.MEASURED or found.until is None:
        return Savings(found)
    with store.read() as connection:
        row = holdouts.counting(connection, until, which)
        assert row is not None
        holdout = holdout_of(row)
    ledger = _Ledger(costs, day, calls or {}, called or {} if calls else {})
    _gather(store, holdout, ledger, found.until, now, uf)
    paid = fees or {}
    ledger.missing |= {(component, "") for component, one in paid.items() if not one.known}
    if ledger.missing or not ledger.columns:
        return Savings(found, missing=tuple(sorted(ledger.missing)))
    return _sum_up(found, ledger, list(paid.values()), calls_measured=calls is not None)


def _gather(
    store: Store, holdout: Holdout, ledger: _Ledger, until: datetime, now: datetime, uf: str
) -> None:
    at = micros(now)
    for page in stored.units(store, holdout.id, before=micros(until), now=at, uf=uf):
        for row in page:
            _enter(ledger, row, at)


def _enter(ledger: _Ledger, row: Record, at: int) -> None:
    outcome = outcome_of_row(row, at)
    if outcome is None:
        return
    wasted = wasted_by(row, outcome)
    if wasted is None:
        return
    ledger.treated.append(row.arm == Arm.REMINDED)
    ledger.patients.append(row.patient)
    ledger.outcomes.append(outcome)
    ledger.refilled.append(row.refilled + row.refilled_again)
    ledger.add(Component.SLOT, row.uf, wasted)
    ledger.add(Component.SEGMENT, row.uf, float(row.segments))
    done = float(row.tasks) - ledger.called.get(row.appointment_id, 0.0)
    ledger.add(Component.TASK, row.uf, max(0.0, done))
    ledger.add(Component.CALL, row.uf, ledger.calls.get(row.appointment_id, 0.0))


def wasted_by(row: Record, outcome: Outcome) -> int | None:
    """Of a row of `effects.units`."""
    return slots_wasted(
        outcome, freed=bool(row.freed), refilled=bool(row.refilled), moved=bool(row.moved),
        refilled_again=bool(row.refilled_again),
    )  # fmt: skip


def _sum_up(
    found: Measured, ledger: _Ledger, paid: Sequence[Spent], *, calls_measured: bool
) -> Savings:
    sample = units(ledger.treated, ledger.patients)
    quantities = np.zeros((len(sample), len(ledger.columns)))
    for row, column, quantity in ledger.cells:
        quantities[row, column] += quantity
    costs = list(ledger.columns)
    prices, fees = _prices(costs), _prices(paid)
    joint, reminded = differences(quantities, sample), sample.arm_sizes()[0]
    kinds = {
        kind: np.array([VALUE_OF[one.component] is kind for one in costs], dtype=np.bool_)
        for kind in Value
    }

    def saved(
        only: NDArray[np.bool_] | None = None, fees: Prices | None = None, units: int = reminded
    ) -> Saving:
        euros = quantities @ (prices.value if only is None else prices.value * only)
        widen = 1.0 if found.final else _widen(euros, sample, prices)
        return saving(joint, prices, units, fees=fees, widen=widen, only=only)

    mean = _means(quantities, sample)
    return Savings(
        found,
        total=saved(fees=fees),
        per_unit=saved(units=1),
        reminded=float(mean[0] @ prices.value),
        held=float(mean[1] @ prices.value),
        capacity=saved(kinds[Value.CAPACITY]),
        cash=saved(kinds[Value.CASH], fees),
        units=reminded,
        lines=_lines(costs, joint, mean, reminded),
        drivers=_drivers(ledger, sample, final=found.final)
        + _calls(costs, joint, sample, final=found.final),
        calls_measured=calls_measured,
    )


def _means(quantities: Numbers, sample: Units) -> tuple[Numbers, Numbers]:
    """Of each measure a unit, in the reminded and the held-out arm."""
    treated = sample.treated
    return quantities[treated].mean(axis=0), quantities[~treated].mean(axis=0)


def _prices(those: Sequence[UnitCost] | Sequence[Spent]) -> Prices:
    bounds = ([getattr(one, name) for one in those] for name in ("value", "low", "high"))
    return Prices(*(np.array(one, dtype=np.float64) for one in bounds))


def _widen(euros: Numbers, sample: Units, prices: Prices) -> float:
    """How much wider an interval must be that holds at every look; the prior spread of two points
    of no-shows, in euros of the dearest slot."""
    one = itt(euros, sample)
    dearest = float(prices.value.max(initial=0.0))
    if not one.error or not dearest:
        return 1.0
    look = always_valid(0.0, one.variance, spread=PRIOR_SPREAD * dearest)
    return max(1.0, look.high / (Z * one.error))


def _lines(
    costs: Sequence[UnitCost], joint: Differences, mean: tuple[Numbers, Numbers], reminded: int
) -> tuple[Line, ...]:
    return tuple(
        Line(
            cost,
            float(mean[0][at]),
            float(mean[1][at]),
            float(joint.estimates[at]),
            -reminded * float(joint.estimates[at]) * cost.value,
        )
        for at, cost in enumerate(costs)
    )


_COUNTED = {
    "no-shows": frozenset({Outcome.NO_SHOW}),
    "attended": frozenset({Outcome.ATTENDED}),
    "cancelled-early": frozenset({Outcome.CANCELLED_EARLY}),
    "cancelled-late": frozenset({Outcome.CANCELLED_LATE}),
}


def _drivers(ledger: _Ledger, sample: Units, *, final: bool) -> tuple[Driver, ...]:
    """Shares of the reminded arm less those of the held one, times the reminded units."""
    flags = {
        name: np.fromiter((one in which for one in ledger.outcomes), np.float64, len(sample))
        for name, which in _COUNTED.items()
    } | {"refilled": np.asarray(ledger.refilled, dtype=np.float64)}
    found = differences(np.column_stack(list(flags.values())), sample)
    return tuple(
        _driver(
            name, sample, float(found.estimates[at]), _reach(float(found.covariance[at, at]), final)
        )
        for at, name in enumerate(flags)
    )


def _reach(variance: float, final: bool) -> float:
    """Half of an interval of a share: the usual one at the final look, else valid at every one."""
    if final or variance <= 0:
        return Z * sqrt(max(0.0, variance))
    return always_valid(0.0, variance).high


def _calls(
    costs: Sequence[UnitCost], joint: Differences, sample: Units, *, final: bool
) -> tuple[Driver, ...]:
    """Calls, where they are measured: the services' prices differ, a call is a call."""
    which = np.array([one.component is Component.CALL for one in costs], dtype=np.float64)
    if not which.any():
        return ()
    reach = _reach(float(which @ joint.covariance @ which), final)
    return (_driver("call", sample, float(joint.estimates @ which), reach),)


def _driver(name: str, sample: Units, share: float, reach: float) -> Driver:
    reminded = sample.arm_sizes()[0]
    return Driver(name, reminded * share, reminded * (share - reach), reminded * (share + reach))
