"""Calls enter the savings once each, and only where they are linked in both arms."""

from datetime import timedelta

import pytest

from reminders.config import RetentionTable
from reminders.domain.calls import Motive
from reminders.domain.holdout import Arm
from reminders.services.calls import note
from reminders.services.money import calls_known
from reminders.services.purge import purge
from reminders.store import calls
from reminders.store.engine import Store, rows, run
from reminders.store.types import HOUR, micros
from reminders.store.worklist import add_events
from tests.support.clinic import PARIS
from tests.support.comparison import CAME, NOW, SINCE, Comparison

CALLED = NOW - timedelta(days=1)


@pytest.fixture
def trial(store: Store) -> Comparison:
    found = Comparison(store)
    found.patients(Arm.REMINDED, [[CAME]] * 20)
    found.patients(Arm.HELD, [[CAME]] * 20)
    return found


def noted(trial: Comparison, appointments: range, by: str = "nadia") -> None:
    for one in appointments:
        note(trial.store, one, one, "4220", Motive.OTHER, PARIS, actor=by, now=CALLED)


def of_file(trial: Comparison, appointment: int, number: int) -> None:
    at = micros(CALLED)
    with trial.store.write() as connection:
        calls.add(
            connection,
            [
                {
                    "file_id": 1, "line_key": f"{appointment}/{n}", "at": at + n,
                    "day": "2026-05-31", "uf": "4220", "motive": "", "patient_id": 0,
                    "appointment_id": appointment, "recorded_at": at, "author": "nadia",
                }
                for n in range(number)
            ],
        )  # fmt: skip


def test_calls_of_one_arm_alone_are_not_measured(trial: Comparison) -> None:
    noted(trial, range(1, 21))
    noted(trial, range(21, 30))  # nine of the held-out ones
    found = calls_known(trial.store, 1, "", before=NOW)
    assert found.linked == {Arm.REMINDED: 20, Arm.HELD: 9}
    assert found.calls is None
    noted(trial, range(30, 31))
    assert calls_known(trial.store, 1, "", before=NOW).calls is not None


def test_the_source_that_counts_most_is_believed_never_the_sum(trial: Comparison) -> None:
    noted(trial, range(1, 41))
    of_file(trial, 1, 3)
    of_file(trial, 2, 1)
    with trial.store.write() as connection:
        run(
            connection,
            "INSERT INTO task (id, kind, subject, state, created_at, appointment_id, resolved_at, "
            "resolved_by) VALUES (1, 'call_no_contact', 'appointment:2', 'done', :at, 2, :at, 'n')",
            at=micros(CALLED) + HOUR,
        )
    found = calls_known(trial.store, 1, "", before=NOW)
    assert found.calls is not None
    assert found.tasks is not None
    assert (found.calls[1], found.calls[2], found.calls[3]) == (3, 1, 1)
    assert (found.tasks[1], found.tasks[2]) == (0, 1)


def test_a_try_in_vain_is_a_call_made_whatever_became_of_its_task(trial: Comparison) -> None:
    noted(trial, range(1, 41))
    with trial.store.write() as connection:
        run(
            connection,
            "INSERT INTO task (id, kind, subject, state, created_at, appointment_id) "
            "VALUES (1, 'call_no_contact', 'appointment:2', 'open', :at, 2)",
            at=micros(CALLED),
        )
        for hours in (1, 4):
            add_events(
                connection, [1], "nadia", "try", "no-answer", at=micros(CALLED) + hours * HOUR
            )
    found = calls_known(trial.store, 1, "", before=NOW)
    assert found.calls is not None
    assert found.tasks is not None
    assert (found.calls[2], found.tasks[2]) == (2, 2)
    assert (found.calls[3], found.tasks[3]) == (1, 0)


def test_calls_before_an_appointment_entered_or_after_the_period_do_not_count(
    trial: Comparison,
) -> None:
    noted(trial, range(1, 41))
    early = SINCE - timedelta(days=40)
    note(trial.store, 1, 1, "4220", Motive.OTHER, PARIS, actor="omar", now=early)
    late = NOW + timedelta(days=1)
    note(trial.store, 1, 1, "4220", Motive.OTHER, PARIS, actor="omar", now=late)
    found = calls_known(trial.store, 1, "", before=NOW)
    assert found.calls is not None
    assert found.calls[1] == 1
    assert calls_known(trial.store, 1, "4230", before=NOW).calls is None


def test_calls_leave_with_the_appointments_they_were_about(trial: Comparison) -> None:
    noted(trial, range(1, 4))
    kept = RetentionTable()
    purge(trial.store, kept, now=CALLED + timedelta(days=kept.appointments_days - 100))
    assert left(trial) > 0
    purge(trial.store, kept, now=CALLED + timedelta(days=kept.appointments_days + 1))
    assert left(trial) == 0


def left(trial: Comparison) -> int:
    with trial.store.read() as connection:
        return len(rows(connection, "SELECT id FROM call_entry"))
