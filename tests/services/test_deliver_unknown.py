"""A message that perhaps left: seen, waited for, decided, and never sent twice (R1, R2)."""

from datetime import timedelta

import pytest

from reminders.errors import BadRecipient
from reminders.services.deliver import Answer, Envelope
from reminders.store.engine import Store
from tests.services.test_deliver import due, with_mail
from tests.services.test_receive import fate
from tests.support.clinic import paris, visit
from tests.support.mailroom import Mailroom, receipt


def doubtful(store: Store, mail: bool = True) -> tuple[Mailroom, Envelope]:
    """A text of the confirm step whose answer was lost."""
    changes = {"patient": with_mail(1)} if mail else {}
    room = due(store, [1], **changes)
    [envelope] = room.window().envelopes
    room.record([envelope], Answer.UNKNOWN, code="timeout")
    return room, envelope


def after_the_wait(room: Mailroom) -> None:
    room.at(room.now + timedelta(minutes=room.settings.delivery.unknown_minutes, seconds=1))
    room.tidy()
    room.plan()


def channels_sent(room: Mailroom) -> list[str]:
    return [sent.provider for sent in room.sent]


def test_a_crash_in_sending_is_seen_as_doubtful_within_a_minute_of_the_leases_end(
    store: Store,
) -> None:
    room = due(store, [1])
    [envelope] = room.window().envelopes
    room.at(room.now + timedelta(seconds=room.settings.delivery.lease_seconds))
    assert room.tidy()["unknown"] == 1
    assert fate(room, envelope)[:4] == ("UNKNOWN", "no_result", "UNKNOWN", "no_result")
    assert room.window().envelopes == []


def test_while_in_doubt_no_other_channel_opens(store: Store) -> None:
    room, _ = doubtful(store)
    room.plan_everybody()
    assert room.messages().count(("confirm", "email", "PLANNED")) == 0


def test_after_the_wait_the_next_channel_opens_once(store: Store) -> None:
    room, _ = doubtful(store)
    after_the_wait(room)
    done = room.deliver()
    assert done.answers["ACCEPTED"] == 1
    assert channels_sent(room) == ["email"]
    room.plan_everybody()
    room.pass_days(0.02)
    room.deliver()
    assert channels_sent(room) == ["email"]


def test_without_another_channel_a_person_calls(store: Store) -> None:
    room, _ = doubtful(store, mail=False)
    after_the_wait(room)
    assert room.tasks() == ["call_not_reached"]
    assert room.reasons()["J-3"] == "channels_failed"


def test_doubt_at_the_deadline_is_a_call_too(store: Store) -> None:
    """No time is left for the e-mail: it is not sent late, and nobody is forgotten."""
    room = due(store, [1], patient=with_mail(1))
    room.at(paris("2026-10-17 19:59"))
    [envelope] = room.window().envelopes
    room.record([envelope], Answer.UNKNOWN, code="timeout")
    room.at(paris("2026-10-17 20:00"))
    assert room.tidy()["settled"] == 1
    room.plan()
    assert room.deliver().answers == {}
    assert room.tasks() == ["call_not_reached"]


def test_a_receipt_in_time_ends_the_doubt(store: Store) -> None:
    room, envelope = doubtful(store)
    room.receive(receipt(envelope.reference, "delivered"))
    after_the_wait(room)
    assert fate(room, envelope)[0] == "DELIVERED"
    assert room.deliver().answers == {}


def test_a_receipt_after_the_wait_withdraws_the_channel_that_has_not_left(store: Store) -> None:
    room, envelope = doubtful(store)
    after_the_wait(room)
    room.receive(receipt(envelope.reference, "delivered"))
    room.plan()
    assert fate(room, envelope)[0] == "DELIVERED"
    assert room.deliver().answers == {}
    assert ("confirm", "email", "CANCELLED") in room.messages()


def test_a_receipt_after_the_other_channel_left_changes_no_count(store: Store) -> None:
    room, envelope = doubtful(store)
    after_the_wait(room)
    room.deliver()
    room.receive(receipt(envelope.reference, "delivered"))
    room.plan()
    room.pass_days(0.05)
    assert room.deliver().answers == {}
    assert channels_sent(room) == ["email"]


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.NOT_SENT, Answer.ACCEPTED])
def test_a_certain_answer_that_comes_late_ends_the_doubt(store: Store, answer: Answer) -> None:
    """The process was slow, not dead: what it knows is better than what was guessed."""
    room = due(store, [1])
    [envelope] = room.window().envelopes
    room.at(room.now + timedelta(seconds=room.settings.delivery.lease_seconds))
    room.tidy()
    room.record([envelope], answer, code="c")
    expected = {"NOT_SENT": "PLANNED"}.get(answer.value, answer.value)
    assert fate(room, envelope)[0] == expected


@pytest.mark.parametrize("answer", [Answer.REFUSED, Answer.NOT_SENT])
def test_one_that_comes_after_the_decision_is_too_late(store: Store, answer: Answer) -> None:
    room = due(store, [1], patient=with_mail(1))
    [envelope] = room.window().envelopes
    room.at(room.now + timedelta(seconds=room.settings.delivery.lease_seconds))
    room.tidy()
    after_the_wait(room)
    room.record([envelope], answer, code="c")
    assert fate(room, envelope)[0] == "UNKNOWN"
    room.deliver()
    assert channels_sent(room) == ["email"]


def test_a_move_while_in_doubt_is_corrected(store: Store) -> None:
    """The first text may have been read."""
    room, _ = doubtful(store)
    room.read(visit(1, "2026-10-22 14:00", patient=with_mail(1)), mode="delta")
    room.plan()
    room.deliver()
    [correction] = room.sent
    assert "22/10 à 14h" in correction.text
    assert ("correction", "sms", "ACCEPTED") in room.messages()


def test_a_refusal_is_final_and_opens_the_next_channel(store: Store) -> None:
    room = due(store, [1], patient=with_mail(1))
    room.providers["main"].script["+33639980001"] = [BadRecipient("twilio 21211")]
    room.deliver()
    room.plan()
    room.deliver()
    assert channels_sent(room) == ["main", "email"]
