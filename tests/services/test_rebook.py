"""After a no-show: one neutral text the next day, where somebody said so and wants it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import Status
from reminders.domain.outcome import Attendance
from reminders.services.answer import Given, give
from reminders.services.attendance import mark
from reminders.services.rebook import invite_missed
from reminders.store.engine import Store
from tests.support.clinic import SETTINGS, paris, settings_with, visit
from tests.support.mailroom import LIVE, Mailroom

START = "2026-10-13 15:00"  # a Tuesday
INVITING: Mapping[str, Any] = {
    "protocol": [
        {
            "id": "default",
            "after_no_show": True,
            "step": [{"day": "J-1", "template": "short"}],
        }
    ]
}


def opened(store: Store, starts: str = START, **changes: Any) -> Mailroom:
    """The patient was reminded the day before, and the appointment is past."""
    room = Mailroom(store, settings=settings_with(**{**LIVE, **INVITING, **changes}))
    room.read(visit(1, starts=starts), visit(9, "2026-12-01 09:00"))
    room.release()
    room.plan()
    room.at(paris(starts) - timedelta(hours=28))
    room.deliver()
    assert len(room.sent) == 1
    room.at(paris(starts) + timedelta(hours=3))
    return room


def missed(room: Mailroom, starts: str = START, status: Status = Status.NOSHOW) -> None:
    room.read(visit(1, starts=starts, status=status), visit(9, "2026-12-01 09:00"))


def invited(room: Mailroom, at: str = "2026-10-14 10:00") -> list[str]:
    """What leaves until then, beside the reminder."""
    invite_missed(room.store, room.rules, now=room.now)
    room.plan()
    room.deliver()
    assert len(room.sent) == 1, "too early"
    room.at(paris(at))
    room.plan()
    room.deliver()
    return [sent.text for sent in room.sent[1:]]


def test_the_day_after_at_ten_one_neutral_text_says_how_to_book_again(store: Store) -> None:
    room = opened(store)
    missed(room)
    (text,) = invited(room)
    assert "n'a pas eu lieu" in text
    assert "01 99 00 12 34" in text
    assert [sent.to for sent in room.sent] == ["+33639980001"] * 2

    room.pass_days(1)
    invite_missed(store, room.rules, now=room.now)
    room.deliver()
    assert len(room.sent) == 2


def test_the_daily_run_invites(store: Store) -> None:
    room = opened(store)
    for hour in ("2026-10-13 19:00", "2026-10-14 10:05", "2026-10-14 10:10"):
        room.at(paris(hour))
        room.feed(visit(1, starts=START, status=Status.NOSHOW), visit(9, "2026-12-01 09:00"))
        room.one_pass()
    assert [sent.at for sent in room.sent[1:]] == [paris("2026-10-14 10:05")]


def test_a_sunday_waits_for_monday(store: Store) -> None:
    room = opened(store, "2026-10-17 15:00")
    missed(room, "2026-10-17 15:00")
    invite_missed(store, room.rules, now=room.now)
    room.at(paris("2026-10-18 10:00"))
    room.deliver()
    assert len(room.sent) == 1
    room.at(paris("2026-10-19 10:00"))
    room.deliver()
    assert len(room.sent) == 2


@pytest.mark.parametrize("status", [Status.BOOKED, Status.FULFILLED, Status.CANCELLED])
def test_nobody_else_is_invited(store: Store, status: Status) -> None:
    room = opened(store)
    missed(room, status=status)
    assert invited(room) == []


def test_a_person_who_marked_it_is_believed_and_may_take_it_back(store: Store) -> None:
    room = opened(store)
    mark(store, "agenda", "R1", Attendance.ABSENT, by="x", now=room.now)
    invite_missed(store, room.rules, now=room.now)
    mark(store, "agenda", "R1", Attendance.CAME, by="x", now=room.now)
    assert invited(room) == []


def test_who_told_us_is_not_invited(store: Store) -> None:
    room = opened(store)
    one = room.appointment()
    about = ((one.id, one.version),)
    with store.write() as connection:
        give(
            connection,
            Given(AnswerKind.CANCELLED, about, "sms", "x"),
            now=paris("2026-10-13 09:00"),
        )
    missed(room)
    assert invited(room) == []


def test_a_stop_keeps_it_from_leaving(store: Store) -> None:
    room = opened(store)
    missed(room)
    invite_missed(store, room.rules, now=room.now)
    room.object("06 39 98 00 01")
    assert invited(room) == []


def test_who_has_booked_again_is_not_invited(store: Store) -> None:
    room = opened(store)
    again = visit(2, "2026-11-20 09:00", patient=visit(1).patient)
    room.read(visit(1, starts=START, status=Status.NOSHOW), again, visit(9, "2026-12-01 09:00"))
    assert invited(room) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": []},
        {"service": [{**SETTINGS["service"][0], "sensitivity": "neutral"}]},
    ],
)
def test_it_is_off_unless_asked_for_and_always_where_care_is_sensitive(
    store: Store, changes: dict[str, Any]
) -> None:
    room = opened(store, **changes)
    missed(room)
    assert invited(room) == []
