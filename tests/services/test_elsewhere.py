"""Answers of other systems: signed, given once, under the rules of an SMS."""

import json
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.appointment import Status
from reminders.services.answer import pass_on
from reminders.services.compose import Route
from reminders.services.elsewhere import Response, is_signed, signature, take_answer
from reminders.store.engine import Store
from tests.support.clinic import MONDAY, paris, settings_with, someone, visit
from tests.support.mailroom import LIVE, Mailroom

SECRET = "s" * 32


def hospital(store: Store, **changes: Any) -> Mailroom:
    room = Mailroom(store, settings=settings_with(**LIVE), routes=(Route("main", "sms", "reply"),))
    room.read(visit(1, **({"starts": "2026-10-16 09:30"} | changes)))
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()
    return room


def say(room: Mailroom, kind: str, key: str = "", number: str = "R1", **more: Any) -> Response:
    body = {
        "key": key or f"call-{kind}-{room.now:%H%M%S}",
        "appointment": {"source": "agenda", "number": number},
        "kind": kind,
    } | more
    raw = json.dumps(body).encode()
    return take_answer(room.store, room.rules, room.secret, "svi", raw, now=room.now)


def test_a_confirmation_is_recorded_as_the_patients(store: Store) -> None:
    room = hospital(store)
    said = say(room, "confirmed")

    assert (said.status, said.body["result"]) == (200, "recorded")
    assert said.body["telephone"] == "01 99 00 12 34"
    assert room.appointment().answer == "confirmed"
    (one,) = room.rows("SELECT channel, actor, origin FROM answer")
    assert tuple(one)[:2] == ("api", "patient")
    assert one.origin.startswith("api:svi:")


def test_a_cancellation_stops_reminders_and_is_passed_on(store: Store) -> None:
    room = hospital(store)
    say(room, "cancelled")
    room.plan()

    assert room.reasons()["J-1"] == "cancellation_asked"
    assert pass_on(store, now=room.now) == 1
    assert room.tasks() == ["answer_cancelled"]


def test_a_cancellation_by_somebody_else_is_checked(store: Store) -> None:
    room = hospital(store)
    say(room, "cancelled", by="proxy")

    assert room.tasks() == ["reply_proxy_cancel"]
    assert room.value("SELECT actor FROM answer") == "proxy"
    assert room.value("SELECT appointment_id FROM task") == room.appointment().id


@pytest.mark.parametrize(
    ("kind", "task"), [("reschedule", "reply_reschedule"), ("question", "reply_question")]
)
def test_what_needs_a_person_becomes_a_task(store: Store, kind: str, task: str) -> None:
    room = hospital(store)
    said = say(room, kind)

    assert said.status == 200
    assert room.appointment().answer == kind
    assert room.tasks() == [task]


def test_who_says_stop_is_written_to_no_more(store: Store) -> None:
    room = hospital(store)
    assert say(room, "stop").status == 200
    room.plan()
    room.at(paris("2026-10-15 10:05"))
    room.deliver()

    assert len(room.sent) == 1
    assert room.appointment().answer == "none"


def test_a_stop_of_a_patient_without_an_address_silences_nobody_else(store: Store) -> None:
    room = hospital(store, patient=someone(1, contacts=()))
    room.read(visit(2, starts="2026-10-16 09:30"), visit(1, patient=someone(1, contacts=())))
    assert say(room, "stop").status == 200
    room.plan_everybody()
    room.at(paris("2026-10-13 10:10"))
    room.deliver()

    assert [sent.to for sent in room.sent] == ["+33639980002"]


def test_the_same_request_gets_the_same_answer_and_counts_once(store: Store) -> None:
    room = hospital(store)
    first = say(room, "confirmed", key="call-0001")
    say(room, "cancelled", key="call-0002")
    again = say(room, "confirmed", key="call-0001")

    assert (again.status, again.body) == (first.status, first.body)
    assert not again.changed
    assert room.appointment().answer == "cancelled"
    assert room.value("SELECT COUNT(*) FROM answer") == 2


def test_a_key_with_another_body_is_refused(store: Store) -> None:
    room = hospital(store)
    say(room, "confirmed", key="call-0001")
    said = say(room, "cancelled", key="call-0001")

    assert (said.status, said.body["result"]) == (409, "key-used")
    assert room.appointment().answer == "confirmed"


def test_after_the_start_a_person_decides(store: Store) -> None:
    room = hospital(store)
    room.at(paris("2026-10-16 09:30"))
    said = say(room, "cancelled")

    assert (said.status, said.body["result"]) == (200, "human")
    assert room.appointment().answer == "none"
    assert "reply_after" in room.tasks()
    assert pass_on(store, now=room.now) == 0


def test_a_moved_appointment_is_told_truthfully(store: Store) -> None:
    room = hospital(store)
    told = room.now
    room.at(paris("2026-10-13 11:00"))
    room.read(visit(1, starts="2026-10-16 14:00"))
    before = say(room, "cancelled", key="before-the-move", given_at=told.isoformat())
    start = say(room, "cancelled", key="with-the-start", starts_at="2026-10-16T09:30:00+02:00")

    for said in (before, start):
        assert (said.status, said.body["result"]) == (409, "moved")
        assert "14h" in said.body["sentence"]
    assert room.appointment().answer == "none"
    assert room.tasks().count("reply_moved") == 2
    assert say(room, "cancelled", starts_at="2026-10-16T12:00:00Z").status == 200


def test_a_cancelled_appointment_is_told_truthfully(store: Store) -> None:
    room = hospital(store)
    room.read(visit(1, starts="2026-10-16 09:30", status=Status.CANCELLED), visit(2))
    said = say(room, "confirmed")

    assert (said.status, said.body["result"]) == (409, "cancelled")
    assert room.appointment().answer == "none"
    assert "reply_cancelled" in room.tasks()


def test_what_was_said_before_the_last_answer_changes_nothing(store: Store) -> None:
    room = hospital(store)
    earlier = room.now
    room.at(room.now + timedelta(minutes=10))
    say(room, "confirmed")
    said = say(room, "cancelled", given_at=earlier.isoformat())

    assert (said.status, said.body["result"]) == (409, "superseded")
    assert room.appointment().answer == "confirmed"


def test_an_unknown_appointment_may_be_asked_about_again(store: Store) -> None:
    room = hospital(store)
    assert say(room, "confirmed", key="call-0001", number="R2").status == 404
    room.read(visit(1, starts="2026-10-16 09:30"), visit(2, starts="2026-10-16 10:30"))
    assert say(room, "confirmed", key="call-0001", number="R2").status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"kind": "Bobard"}',
        b'{"key": "short", "appointment": {"source": "a", "number": "1"}, "kind": "confirmed"}',
        b'{"key": "call-0001", "appointment": {"source": "a", "number": "1"}, "kind": "yes"}',
        b'{"key": "call-0001", "appointment": {"source": "a", "number": "1"}, "kind": "stop", '
        b'"Bobard": 1}',
        b'{"key": "call-0001", "appointment": {"source": "a", "number": "1"}, "kind": "stop", '
        b'"given_at": "2026-10-13T10:00:00"}',
        b'{"key": "call-0001", "appointment": {"source": "a", "number": "1"}, "kind": "stop", '
        b'"given_at": "2036-10-13T10:00:00Z"}',
    ],
)
def test_what_cannot_be_read_is_refused_without_quoting_it(store: Store, raw: bytes) -> None:
    room = hospital(store)
    said = take_answer(store, room.rules, room.secret, "svi", raw, now=room.now)

    assert (said.status, said.body["result"]) == (422, "invalid")
    assert "Bobard" not in said.text
    assert room.value("SELECT COUNT(*) FROM request") == 0


def test_a_signature_is_of_one_secret_one_moment_and_one_body() -> None:
    stamp = str(int(MONDAY.timestamp()))
    mark = signature(SECRET, stamp, b"body")

    assert is_signed([SECRET], stamp, mark, b"body", now=MONDAY)
    assert is_signed(["t" * 32, SECRET], stamp, mark, b"body", now=MONDAY)
    assert is_signed([SECRET], stamp, mark, b"body", now=MONDAY + timedelta(minutes=5))
    for secrets, at, given, body, later in (
        (["t" * 32], stamp, mark, b"body", 0),
        ([], stamp, mark, b"body", 0),
        ([SECRET], stamp, mark, b"other", 0),
        ([SECRET], str(int(stamp) + 1), mark, b"body", 0),
        ([SECRET], stamp, mark.upper(), b"body", 0),
        ([SECRET], stamp, "é", b"body", 0),
        ([SECRET], stamp, "", b"body", 0),
        ([SECRET], "", signature(SECRET, "", b"body"), b"body", 0),
        ([SECRET], "x", signature(SECRET, "x", b"body"), b"body", 0),
        ([SECRET], stamp, mark, b"body", 301),
        ([SECRET], stamp, mark, b"body", -301),
    ):
        now = MONDAY + timedelta(seconds=later)
        assert not is_signed(secrets, at, given, body, now=now)
