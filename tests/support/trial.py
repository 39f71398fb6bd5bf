"""An office whose hold-out has run for three months: savings are measured, two months closed."""

from datetime import UTC, date, datetime

from reminders.domain.holdout import Arm
from reminders.domain.report import Month
from reminders.domain.savings import Component, UnitCost
from reminders.services import costs, money, months
from reminders.store.engine import Store
from tests.support.comparison import CAME, CANCELLED, MISSED, NOW, Comparison
from tests.support.office import Office, office_on

SINCE = date(2026, 1, 1)


def measured(store: Store) -> Office:
    trial = Comparison(store)
    trial.patients(Arm.REMINDED, [[MISSED]] * 160 + [[CANCELLED]] * 64 + [[CAME]] * 1_376)
    trial.patients(Arm.HELD, [[MISSED]] * 104 + [[CANCELLED]] * 16 + [[CAME]] * 280)
    office = office_on(store, now=NOW)
    entered = [
        UnitCost(Component.SLOT, 80, 60, 110, "Contrôle de gestion, comptes 2025", SINCE),
        UnitCost(Component.FEE, 900, 900, 900, "Contrat", SINCE),
        UnitCost(Component.HOSTING, 120, 100, 150, "Direction informatique", SINCE),
    ]
    costs.add(store, entered, actor="nadia", now=datetime(2026, 3, 1, tzinfo=UTC))
    for month in (3, 4):
        months.close(store, office.rules, Month(2026, month), by="", now=NOW)
    trial.change(1, status=CAME)
    months.revise(store, office.rules, Month(2026, 3), by="", now=NOW)
    for uf in ("", "4220"):
        money.compute(store, office.rules, now=NOW, uf=uf)
    return office
