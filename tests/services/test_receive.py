"""Receipts and replies: applied once, whatever their order and repetition (R6)."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from reminders.domain.appointment import ContactPoint, PatientRecord
from reminders.ports import InboundSms, Receipt, Received
from reminders.services.deliver import Answer, Envelope
from reminders.services.receive import receive
from reminders.store.engine import Store
from tests.support.clinic import paris, someone, visits
from tests.support.mailroom import Mailroom, receipt

STEP = paris("2026-10-17 12:00")  # the confirm step of a visit on the 20th is open


def sending(store: Store, numbers: list[int], **changes: Any) -> tuple[Mailroom, list[Envelope]]:
    """A mailroom with one text of each patient on its way, its answer still to come."""
    room = Mailroom(store)
    room.read(*visits(numbers, **changes))
    room.release()
    room.plan()
    room.at(STEP)
    return room, room.window().envelopes


def fate(room: Mailroom, envelope: Envelope) -> tuple[object, ...]:
    """All that may depend on what was heard of a message, moments apart."""
    row = room.rows(
        "SELECT m.state, m.reason, a.state AS attempt, a.code, a.provider_id FROM attempt a "
        "JOIN message m ON m.id = a.message_id WHERE a.id = :attempt",
        attempt=envelope.attempt_id,
    )[0]
    subject = f"message:{envelope.composed.message_id}"
    tasks = room.rows("SELECT kind FROM task WHERE subject = :s ORDER BY kind", s=subject)
    opposed = room.value(
        "SELECT COUNT(*) FROM objection WHERE patient_id = :p", p=envelope.composed.patient_id
    )
    return (*row, tuple(task.kind for task in tasks), opposed > 0)


EVENTS = (
    ("accepted", "queued"),
    ("undelivered", "30003"),
    ("undelivered", "30005"),
    ("delivered", ""),
    ("unknown", "odd"),
)
OURS = ("ours", "")  # our own record of the provider's acceptance


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_every_order_of_receipts_and_our_own_record_ends_alike(store: Store, twice: bool) -> None:
    """All 720 orders of five receipts and our own write, half of them naming our reference and
    half the provider's id only."""
    orders = list(permutations([*EVENTS, OURS]))
    room, envelopes = sending(store, list(range(1, 101)))
    ends: set[tuple[object, ...]] = set()
    for start in range(0, len(orders), len(envelopes)):
        if start:
            envelopes = _next_hundred(room)
        told = list(zip(envelopes, orders[start:], strict=False))
        for turn in range(len(EVENTS) + 1):
            for _ in range(2 if twice else 1):
                _tell(room, [(envelope, order[turn]) for envelope, order in told])
        ends |= {fate(room, envelope)[:4] for envelope, _ in told}
    assert ends == {("DELIVERED", "", "DELIVERED", "")}


def _tell(room: Mailroom, told: list[tuple[Envelope, tuple[str, str]]]) -> None:
    ours = [envelope for envelope, event in told if event == OURS]
    for envelope in ours:
        room.record([envelope], Answer.ACCEPTED, provider_id=f"p{envelope.attempt_id}")
    room.receive(
        *(
            _receipt(envelope, *event, named=envelope.attempt_id % 2 == 0)
            for envelope, event in told
            if event != OURS
        )
    )


def _next_hundred(room: Mailroom) -> list[Envelope]:
    first = room.value("SELECT COUNT(*) FROM patient") + 1
    room.read(*visits(list(range(first, first + 100))), mode="delta")
    room.plan()
    return room.window().envelopes


def _receipt(envelope: Envelope, state: str, code: str, named: bool) -> Receipt:
    event = f"{envelope.attempt_id}:{state}:{code}"
    if named:
        return receipt(envelope.reference, state, event=event, code=code)
    return receipt("", state, event=event, provider_id=f"p{envelope.attempt_id}", code=code)


@pytest.mark.parametrize("order", list(permutations("012")), ids="".join)
def test_failures_of_one_rank_agree_whatever_came_first(
    store: Store, order: tuple[str, ...]
) -> None:
    room, [envelope] = sending(store, [1])
    room.record([envelope], Answer.ACCEPTED)
    codes = ["30003", "30005", "21610"]
    for place in order:
        room.receive(_receipt(envelope, "undelivered", codes[int(place)], named=True))
    assert fate(room, envelope)[:4] == ("UNDELIVERED", "30005", "UNDELIVERED", "30005")


def test_a_callback_and_a_poll_of_one_event_count_once(store: Store) -> None:
    room, [envelope] = sending(store, [1])
    told = _receipt(envelope, "undelivered", "30003", named=True)
    assert room.receive(told).receipts == 1
    assert room.receive(told, told).receipts == 0
    assert room.value("SELECT COUNT(*) FROM receipt") == 1


def test_one_event_is_anothers_at_another_provider(store: Store) -> None:
    room, [envelope] = sending(store, [1])
    told = _receipt(envelope, "accepted", "", named=True)
    assert room.receive(told).receipts == 1
    assert room.receive(told, provider="second").receipts == 1


def test_an_event_told_again_with_the_name_it_lacked_is_bound_by_it(store: Store) -> None:
    room, [envelope] = sending(store, [1])
    room.receive(receipt("", "delivered", event="e1", provider_id="p-unknown"))
    assert fate(room, envelope)[0] == "SENDING"
    assert room.receive(receipt(envelope.reference, "delivered", event="e1")).receipts == 0
    assert fate(room, envelope)[0] == "DELIVERED"


def test_a_receipt_and_our_own_write_that_missed_each_other_are_joined_by_the_repair(
    store: Store,
) -> None:
    """Two transactions side by side see nothing of each other: here, by their order of effects."""
    room, [envelope] = sending(store, [1])
    room.record([envelope], Answer.ACCEPTED, provider_id="p1")
    room.receive(receipt("", "delivered", event="e1", provider_id="p1"))
    with room.store.write() as connection:
        connection.exec_driver_sql("UPDATE receipt SET attempt_id = NULL")
        connection.exec_driver_sql("UPDATE attempt SET state = 'ACCEPTED'")
        connection.exec_driver_sql(
            "UPDATE message SET state = 'ACCEPTED' WHERE state = 'DELIVERED'"
        )
    room.tidy()
    assert fate(room, envelope)[0] == "DELIVERED"


def test_a_refusal_by_the_providers_block_list_is_an_objection_even_if_it_came_early(
    store: Store,
) -> None:
    room, [envelope] = sending(store, [1])
    early = receipt("", "undelivered", provider_id="p1", opted_out=True, code="21610")
    room.receive(early)
    room.record([envelope], Answer.ACCEPTED, provider_id="p1")
    assert fate(room, envelope)[-1] is True
    room.plan()
    assert room.reasons()["J-1"] == "objection"


def test_an_undelivered_text_opens_the_next_channel(store: Store) -> None:
    room, [envelope] = sending(store, [1], patient=with_mail(1))
    room.record([envelope], Answer.ACCEPTED)
    room.receive(_receipt(envelope, "undelivered", "30003", named=True))
    room.plan()
    assert ("confirm", "email", "PLANNED") in room.messages()


def test_a_delivery_heard_of_late_takes_the_next_channel_back(store: Store) -> None:
    room, [envelope] = sending(store, [1], patient=with_mail(1))
    room.record([envelope], Answer.ACCEPTED)
    room.receive(_receipt(envelope, "undelivered", "30003", named=True))
    room.plan()
    room.receive(_receipt(envelope, "delivered", "", named=True))
    room.plan()
    assert ("confirm", "email", "CANCELLED") in room.messages()
    assert room.window().envelopes == []


def test_a_receipt_for_a_refused_message_makes_a_task_and_nothing_else(store: Store) -> None:
    room, [envelope] = sending(store, [1])
    room.record([envelope], Answer.REFUSED, code="21211")
    room.receive(_receipt(envelope, "delivered", "", named=True))
    assert fate(room, envelope)[0] == "REFUSED"
    assert "receipt_after_refusal" in room.tasks()


def test_a_receipt_for_what_was_said_not_to_be_sent_stops_the_second_text(store: Store) -> None:
    room, [envelope] = sending(store, [1])
    room.record([envelope], Answer.NOT_SENT, code="reset")
    room.receive(_receipt(envelope, "delivered", "", named=True))
    room.pass_days(0.1)
    assert room.window().envelopes == []
    assert fate(room, envelope)[0] == "DELIVERED"
    assert "receipt_after_refusal" in room.tasks()


def test_a_bad_number_is_told_to_staff_in_words(store: Store) -> None:
    """The message has a reason people read; the attempt keeps what the operator said."""
    room, [envelope] = sending(store, [1])
    room.record([envelope], Answer.ACCEPTED)
    room.receive(receipt(envelope.reference, "undelivered", code="30005", bad_recipient=True))
    assert "bad_recipient" in room.tasks()
    assert fate(room, envelope)[:4] == ("UNDELIVERED", "dead_address", "UNDELIVERED", "30005")


@pytest.mark.parametrize(
    ("what", "reason"),
    [({"bad_recipient": True}, "dead_address"), ({"opted_out": True}, "operator_block"), ({}, "7")],
)
def test_a_refusal_says_why_in_words_where_there_are_any(
    store: Store, what: dict[str, bool], reason: str
) -> None:
    room, [envelope] = sending(store, [1])
    room.record([envelope], Answer.REFUSED, code="7", **what)
    assert fate(room, envelope)[:4] == ("REFUSED", reason, "REFUSED", "7")


def test_a_receipt_nobody_knows_is_kept_and_changes_nothing(store: Store) -> None:
    room, [envelope] = sending(store, [1])
    assert room.receive(receipt("somebody-elses", "delivered")).receipts == 1
    assert fate(room, envelope)[0] == "SENDING"


def test_a_reply_is_stored_once_and_bound_to_the_last_text_to_its_sender(store: Store) -> None:
    room, [envelope] = sending(store, [1])
    room.record([envelope], Answer.ACCEPTED)
    reply = InboundSms("in-1", "+33639980001", "+33639980099", "Je ne peux pas venir")
    for new in (1, 0):
        taken = receive(store, room.secret, "main", Received(replies=(reply,)), now=room.now)
        assert taken.replies == new
    row = room.rows("SELECT attempt_id, body FROM inbound")[0]
    assert (row.attempt_id, row.body) == (envelope.attempt_id, "Je ne peux pas venir")


def with_mail(number: int) -> PatientRecord:
    known = someone(number)
    mail = ContactPoint("email", f"p{number}@example.org")
    return replace(known, contacts=(*known.contacts, mail))
