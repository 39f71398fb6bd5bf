"""Unit costs are entered with range, source and author, and corrected by another entry."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from reminders.domain.savings import Component, UnitCost
from reminders.errors import ReminderError
from reminders.services import costs
from reminders.services.costs import CostForm
from reminders.services.rules import rules_of
from reminders.store.engine import Store, rows, run
from tests.support.clinic import MONDAY, settings_with

TODAY = date(2026, 10, 12)
SERVICE = {"uf": "4220", "site": "sud", "label": "Consultations", "slot_cost_eur": 50}
RULES = rules_of(settings_with(service=[SERVICE]))
FORM = CostForm("slot", "4220", "80", "60", "110,50", "Contrôle de gestion, 2026", "01/10/2026")
SLOT = UnitCost(Component.SLOT, 80, 60, 110.5, FORM.source, date(2026, 10, 1), "4220")


def test_a_form_is_a_cost() -> None:
    assert costs.read(FORM, RULES, today=TODAY) == (SLOT, {})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("component", "lunch"), ("uf", "9999"), ("value", "beaucoup"), ("value", "-5"),
        ("value", "1e9"), ("value", "nan"), ("low", "90"), ("high", "70"), ("source", ""),
        ("source", "x" * 201), ("valid_from", "octobre"), ("valid_from", "1900-01-01"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_at_its_field(field: str, text: str) -> None:
    found, errors = costs.read(replace(FORM, **{field: text}), RULES, today=TODAY)
    assert found is None
    assert field in errors


def test_a_fee_has_no_service() -> None:
    found, errors = costs.read(replace(FORM, component="fee"), RULES, today=TODAY)
    assert (found, list(errors)) == (None, ["uf"])


def held(store: Store, uf: str = "4220", day: date = TODAY) -> Any:
    found = costs.costs_on(store, RULES, day)
    return next((one for one in found if one.component is Component.SLOT and one.uf == uf), None)


def test_what_is_entered_holds_and_its_author_is_in_the_audit(store: Store) -> None:
    assert held(store).configured
    costs.add(store, [SLOT], actor="nadia", now=MONDAY)
    assert held(store) == SLOT
    with store.read() as connection:
        (line,) = rows(connection, "SELECT actor, action, subject, detail FROM audit")
    assert (line.actor, line.action, line.subject) == ("nadia", "cost.set", "uf:4220")
    assert "80" not in line.detail


def test_a_correction_is_another_entry_and_both_stay(store: Store) -> None:
    costs.add(store, [SLOT], actor="nadia", now=MONDAY)
    costs.add(store, [replace(SLOT, value=90.0)], actor="omar", now=MONDAY)
    assert held(store).value == 90
    page = costs.page(store, RULES, today=TODAY)
    assert [(one.author, one.cost and one.cost.value) for one in page.history] == [
        ("omar", 90), ("nadia", 80),
    ]  # fmt: skip


def test_nobody_changes_or_deletes_an_entry(store: Store) -> None:
    costs.add(store, [SLOT], actor="nadia", now=MONDAY)
    for statement in ("UPDATE unit_cost SET value_micros = 1", "DELETE FROM unit_cost"):
        with pytest.raises((DBAPIError, ReminderError)), store.write() as connection:
            run(connection, statement)
    assert held(store) == SLOT


def test_a_withdrawn_cost_leaves_the_services_setting(store: Store) -> None:
    costs.add(store, [SLOT], actor="nadia", now=MONDAY)
    costs.withdraw(store, Component.SLOT, "4220", TODAY, actor="nadia", now=MONDAY)
    assert held(store).configured
    assert held(store, day=TODAY - timedelta(days=1)) == SLOT
    with pytest.raises(ReminderError):
        costs.withdraw(store, Component.SLOT, "4220", TODAY, actor="nadia", now=MONDAY)


def test_what_nobody_priced_is_named(store: Store) -> None:
    found = costs.page(store, RULES, today=TODAY)
    rest = (Component.CALL, Component.TASK, Component.FEE, Component.HOSTING)
    assert found.missing == rest
    nobody = costs.page(store, rules_of(settings_with()), today=TODAY)
    assert nobody.missing == (Component.SLOT, *rest)


def test_the_history_is_read_by_pages(store: Store) -> None:
    for number in range(5):
        costs.add(store, [replace(SLOT, value=70.0 + number)], actor="nadia", now=MONDAY)
    first = costs.page(store, RULES, today=TODAY, limit=3)
    rest = costs.page(store, RULES, today=TODAY, before=first.before, limit=3)
    told = [one.cost.value for one in (*first.history, *rest.history) if one.cost]
    assert (told, rest.before) == ([74, 73, 72, 71, 70], None)
