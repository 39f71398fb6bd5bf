"""A patient who takes back what the hospital was told: no open task says the opposite (R26)."""

from datetime import timedelta

import pytest

from reminders.domain.answer import AnswerKind
from reminders.domain.worklist import Ending
from reminders.services.answer import Given, give, pass_on
from reminders.services.appointments import answer_by_phone, life_of
from reminders.services.worklist import resolve, tend
from reminders.store.engine import Store
from tests.support.mailroom import Mailroom
from tests.support.worklist import hospital, reply


def bells(room: Mailroom, hours: float = 1) -> list[str]:
    """Kinds of the open tasks once an answer was passed on and everything was looked at."""
    room.at(room.now + timedelta(hours=hours))
    for _ in range(2):  # doing it twice changes nothing
        pass_on(room.store, now=room.now)
        tend(room.store, room.rules, now=room.now)
    room.plan()
    return room.tasks()


def cancelled(store: Store) -> Mailroom:
    """Patient 1 cancelled by SMS, and the desk was told."""
    room = hospital(store)
    reply(room, "Je ne pourrai pas venir")
    assert bells(room) == ["answer_cancelled"]
    return room


def says(room: Mailroom, kind: AnswerKind, channel: str) -> None:
    one = room.appointment()
    if channel == "sms":
        words = {AnswerKind.CONFIRMED: "OUI", AnswerKind.CANCELLED: "Je ne viendrai pas"}
        reply(room, words[kind])
    elif channel == "telephone":
        answer_by_phone(
            room.store, one.id, kind, version=one.version, request=f"{room.now:%d%H%M}",
            by="nadia", now=room.now,
        )  # fmt: skip
    elif channel == "call":
        with room.store.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO task (id, kind, subject, subject_version, state, created_at) VALUES "
                f"(900, 'call_preparation', 'appointment:{one.id}', 77, 'open', 1)"
            )
        resolve(
            room.store, room.secret, 900, Ending(kind.value), "nadia", version=one.version,
            now=room.now,
        )  # fmt: skip
    else:
        given = Given(kind, ((one.id, one.version),), channel, f"{channel}:{room.now:%d%H%M}")
        with room.store.write() as connection:
            give(connection, given, now=room.now)


CHANNELS = ["sms", "page", "telephone", "call"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_who_comes_after_all_leaves_one_task_about_the_place(store: Store, channel: str) -> None:
    room = cancelled(store)
    says(room, AnswerKind.CONFIRMED, channel)
    assert bells(room) == ["reply_changed_mind"]
    assert bells(room, 3) == ["reply_changed_mind"]
    says(room, AnswerKind.CONFIRMED, "telephone")  # once more: nobody is asked twice
    assert bells(room) == ["reply_changed_mind"]

    ended = room.rows("SELECT * FROM task WHERE kind = 'answer_cancelled'")
    assert [(row.state, row.resolution) for row in ended] == [("done", "changed-mind")]
    told = life_of(store, room.appointment().id, now=room.now)
    assert told is not None
    assert "changed-mind" in [one.row.more for one in told.past if one.kind == "task_resolve"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_who_cancels_once_more_is_one_line_for_the_records(store: Store, channel: str) -> None:
    room = cancelled(store)
    says(room, AnswerKind.CONFIRMED, "sms")
    bells(room)
    says(room, AnswerKind.CANCELLED, channel)
    assert bells(room) == ["answer_cancelled"]
    assert room.appointment().answer == "cancelled"


def test_a_slip_of_the_staff_takes_nothing_from_the_list(store: Store) -> None:
    room = cancelled(store)
    says(room, AnswerKind.CONFIRMED, "telephone")
    assert bells(room, 1 / 60) == ["answer_cancelled"]


@pytest.mark.parametrize("kind", ["answer_cancelled", "reply_changed_mind"])
def test_who_ends_the_line_by_saying_that_the_patient_comes_is_asked_nothing(
    store: Store, kind: str
) -> None:
    room = cancelled(store)
    if kind == "reply_changed_mind":
        says(room, AnswerKind.CONFIRMED, "sms")
        bells(room)
    task = room.value(f"SELECT id FROM task WHERE state = 'open' AND kind = '{kind}'")
    version = room.appointment().version
    resolve(store, room.secret, task, Ending.CONFIRMED, "nadia", version=version, now=room.now)
    assert bells(room) == []
    assert room.appointment().answer == "confirmed"


def test_who_does_not_come_after_all_is_entered_again(store: Store) -> None:
    """The line to enter it was closed when the patient changed their mind."""
    room = cancelled(store)
    says(room, AnswerKind.CONFIRMED, "sms")
    bells(room)
    task = room.value("SELECT id FROM task WHERE kind = 'reply_changed_mind'")
    version = room.appointment().version
    resolve(store, room.secret, task, Ending.CANCELLED, "nadia", version=version, now=room.now)
    assert bells(room) == ["answer_cancelled"]


def test_another_date_leaves_the_cancellation_to_be_entered(store: Store) -> None:
    room = cancelled(store)
    reply(room, "Je voudrais une autre date")
    assert bells(room) == ["answer_cancelled", "reply_reschedule"]


def test_the_patient_s_own_yes_settles_what_a_relative_cancelled(store: Store) -> None:
    room = hospital(store)
    one = room.appointment()
    reply(room, "Ma mère ne viendra pas")
    assert "reply_proxy_cancel" in bells(room)
    says(room, AnswerKind.CONFIRMED, "telephone")
    assert bells(room) == ["reply_changed_mind"]
    assert room.appointment().id == one.id
