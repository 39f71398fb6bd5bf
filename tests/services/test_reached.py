"""Who was reached after all, or answered, is no longer a patient whom no message reaches."""

from datetime import timedelta

import pytest

from reminders.domain.answer import AnswerKind
from reminders.services.answer import Given, give, pass_on
from reminders.services.appointments import answer_by_phone
from reminders.services.deliver import Answer
from reminders.services.lists import unreached_of
from reminders.services.worklist import tend
from reminders.services.worklist_context import calls
from reminders.store.engine import Store
from tests.services.test_deliver import due
from tests.support.clinic import someone, visit
from tests.support.mailroom import Mailroom, receipt


def not_reached(store: Store) -> Mailroom:
    """The J-3 text of appointment 1 was not delivered, and there is no other address."""
    room = due(store, [1])
    [envelope] = room.window().envelopes
    room.record([envelope], Answer.ACCEPTED, provider_id="SM1")
    room.receive(receipt(envelope.reference, "undelivered"))
    looked_at(room)
    assert lists(room) == (["call_not_reached"], 1, 1)
    return room


def looked_at(room: Mailroom, hours: float = 1) -> None:
    room.at(room.now + timedelta(hours=hours))
    room.plan()
    pass_on(room.store, now=room.now)
    tend(room.store, room.rules, now=room.now)


def lists(room: Mailroom) -> tuple[list[str], int, int]:
    """Open tasks; how many appointments nobody reaches; how many calls of the day."""
    found = unreached_of(room.store, None, None, now=room.now)
    assert found.visits == len(found.lines)
    called = calls(room.store, room.rules, room.now.date(), now=room.now)
    return room.tasks(), found.visits, len(called)


def test_a_later_text_that_arrives_ends_the_call(store: Store) -> None:
    room = not_reached(store)
    room.pass_days(1.9)
    room.plan()
    room.deliver()  # the J-1 text
    looked_at(room)
    assert lists(room) == (["call_not_reached"], 1, 1)  # accepted is not delivered
    reference = room.value("SELECT reference FROM attempt ORDER BY id DESC LIMIT 1")
    room.receive(receipt(reference, "delivered"))
    looked_at(room)
    assert lists(room) == ([], 0, 0)
    ended = room.rows("SELECT actor, detail FROM task_event WHERE action = 'resolve'")
    assert [(one.actor, one.detail) for one in ended] == [("reminders", "reached")]


def test_a_receipt_that_comes_late_ends_the_call(store: Store) -> None:
    room = due(store, [1])
    [envelope] = room.window().envelopes
    room.record([envelope], Answer.UNKNOWN, code="timeout")
    room.at(room.now + timedelta(minutes=room.settings.delivery.unknown_minutes, seconds=1))
    room.tidy()
    looked_at(room)
    assert room.tasks() == ["call_not_reached"]
    room.receive(receipt(envelope.reference, "delivered"))
    looked_at(room)
    assert lists(room) == ([], 0, 0)


@pytest.mark.parametrize("kind", [AnswerKind.CONFIRMED, AnswerKind.QUESTION, AnswerKind.READ])
def test_an_answer_on_the_page_ends_the_call(store: Store, kind: AnswerKind) -> None:
    room = not_reached(store)
    says(room, kind)
    looked_at(room)
    assert "call_not_reached" not in room.tasks()
    assert lists(room)[1:] == (0, 0)


def test_what_the_staff_note_ends_the_call_once_it_is_no_slip(store: Store) -> None:
    room = not_reached(store)
    one = room.at(room.now + timedelta(minutes=1)).appointment()
    answer_by_phone(
        store, one.id, AnswerKind.CONFIRMED, version=one.version, request="a", by="nadia",
        now=room.now,
    )  # fmt: skip
    looked_at(room, 1 / 60)
    assert lists(room)[0] == ["call_not_reached"]
    looked_at(room)
    assert lists(room) == ([], 0, 0)


def test_who_is_somebody_else_is_still_called(store: Store) -> None:
    room = not_reached(store)
    says(room, AnswerKind.NOT_ME)
    looked_at(room)
    assert lists(room) == (["call_not_reached"], 1, 1)


def test_an_answer_about_an_hour_that_moved_ends_nothing(store: Store) -> None:
    room = not_reached(store)
    says(room, AnswerKind.CONFIRMED, cycle=0)
    looked_at(room)
    assert lists(room) == (["call_not_reached"], 1, 1)


def test_an_address_that_failed_is_checked_but_its_patient_was_reached(store: Store) -> None:
    room = not_reached(store)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE task SET kind = 'bad_recipient'")
    assert lists(room)[1] == 1
    says(room, AnswerKind.CONFIRMED)
    looked_at(room)
    assert lists(room)[:2] == (["bad_recipient"], 0)


def test_who_has_no_address_is_called_until_they_answer(store: Store) -> None:
    room = Mailroom(store)
    room.read(visit(1, patient=someone(1, contacts=())))
    room.release()
    looked_at(room)
    assert lists(room)[:2] == (["call_no_contact"], 1)
    says(room, AnswerKind.CONFIRMED)
    looked_at(room)
    assert lists(room) == ([], 0, 0)


def says(room: Mailroom, kind: AnswerKind, cycle: int | None = None) -> None:
    one = room.at(room.now + timedelta(minutes=1)).appointment()
    about = ((one.id, one.version if cycle is None else cycle),)
    with room.store.write() as connection:
        give(connection, Given(kind, about, "page", f"{kind}:{room.now}"), now=room.now)
