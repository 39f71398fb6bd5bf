"""A long SMS that comes in parts is read as one text."""

from datetime import timedelta

import pytest

from reminders.domain.reply_text import may_continue
from reminders.ports import InboundSms, Received
from reminders.services.answer import take_replies
from reminders.services.receive import receive
from reminders.store.engine import Store
from tests.services.test_answer import NUMBER, reminded
from tests.support.mailroom import Mailroom

WHOLE_PART = "NON" + " " * 150
END = "je n'annule pas, je viens"


def hear(room: Mailroom, text: str, number: str = NUMBER) -> None:
    reply = InboundSms(f"{number}-{room.now.isoformat()}-{text[:5]}", number, "+33639989999", text)
    receive(room.store, room.secret, "main", Received(replies=(reply,)), now=room.now)


def read(room: Mailroom) -> int:
    return take_replies(room.store, room.rules, room.secret, now=room.now)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("x" * 153, True),
        ("x" * 160, True),
        ("x" * 152, False),
        ("x" * 161, False),
        ("я" * 67, True),
        ("я" * 70, True),
        ("я" * 68, False),
        ("x" * 67, True),  # a part of a text whose other part holds an emoji
        ("€" * 80, True),  # two septets each
        ("👍" * 35, True),  # two UTF-16 units each
        ("", False),
        ("NON", False),
    ],
)
def test_a_text_as_long_as_a_full_part_may_continue(text: str, full: bool) -> None:
    assert may_continue(text) is full


def test_a_no_that_goes_on_is_read_to_its_end(store: Store) -> None:
    room = reminded(store)

    hear(room, WHOLE_PART)
    assert read(room) == 0
    room.at(room.now + timedelta(seconds=3))
    hear(room, END)
    assert read(room) == 1

    assert room.appointment().answer != "cancelled"
    assert room.value("SELECT COUNT(*) FROM inbound WHERE handled_at IS NULL") == 0
    assert room.value("SELECT body FROM inbound WHERE action <> 'joined'") == WHOLE_PART + END


def test_a_full_part_that_goes_nowhere_is_read_after_twenty_seconds(store: Store) -> None:
    room = reminded(store)

    hear(room, WHOLE_PART)
    room.at(room.now + timedelta(seconds=19))
    assert read(room) == 0
    room.at(room.now + timedelta(seconds=1))
    assert read(room) == 1

    assert room.appointment().answer == "cancelled"


def test_what_comes_later_is_another_reply(store: Store) -> None:
    room = reminded(store)

    hear(room, WHOLE_PART)
    room.at(room.now + timedelta(seconds=30))
    hear(room, "Oui je viens")
    assert read(room) == 2

    # A change of mind after the fact: two answers, in order.
    assert room.value("SELECT COUNT(*) FROM inbound WHERE action = 'joined'") == 0
    assert room.value("SELECT COUNT(*) FROM answer") == 2


def test_nobody_waits_for_somebody_elses_second_part(store: Store) -> None:
    room = reminded(store)

    hear(room, WHOLE_PART, number="+33639980077")
    hear(room, "OUI")

    assert read(room) == 1
    assert room.appointment().answer == "confirmed"
