"""What staff see of today's answers: how many, and what each reply was taken for."""

from datetime import timedelta

import pytest

from reminders.domain.reply import Intent
from reminders.services.census import UNDERSTOOD, latest_replies
from reminders.services.today import today_of
from reminders.store.engine import Store
from tests.services.test_answer import answer, reminded
from tests.support.clinic import PARIS
from tests.support.mailroom import Mailroom
from tests.support.telephone import Telephone


def today(room: Mailroom) -> tuple[int, int, int]:
    found = today_of(room.store, PARIS, now=room.now)
    return found.confirmed, found.cancelled, found.to_handle


def test_answers_of_the_day_are_counted_by_what_stands(store: Store) -> None:
    telephone = Telephone(store)
    assert today(telephone.room) == (0, 0, 0)

    telephone.tap("confirm")
    assert today(telephone.room) == (1, 0, 0)
    telephone.tap("cancel")
    assert today(telephone.room) == (0, 1, 0)
    telephone.tap("undo")
    assert today(telephone.room) == (1, 0, 0)
    telephone.tap("question")
    assert today(telephone.room) == (1, 0, 1)


def test_what_waits_for_a_person_is_counted_the_next_day_too(store: Store) -> None:
    telephone = Telephone(store)
    telephone.tap("confirm")
    telephone.tap("question")
    telephone.room.pass_days(1)

    assert today(telephone.room) == (0, 0, 1)


@pytest.mark.parametrize(
    ("text", "understood", "done"),
    [
        ("Oui je serai là", "il viendra", "rendez-vous confirmé"),
        ("Je ne pourrai pas venir", "il ne viendra pas", "annulation demandée"),
        ("STOP", "ne veut plus de messages", "messages arrêtés"),
        ("Peut-on changer de date ?", "veut une autre date", "à traiter : Demande une autre date."),
    ],
)
def test_a_reply_is_shown_with_what_came_of_it(
    store: Store, text: str, understood: str, done: str
) -> None:
    room = reminded(store)
    answer(room, text)

    line = latest_replies(store, 5)[0]
    assert (line.text, line.understood) == (text, understood)
    assert line.done.startswith(done)


def test_a_reply_after_the_start_is_not_shown_as_a_confirmation(store: Store) -> None:
    room = reminded(store)
    room.at(room.now + timedelta(days=1, hours=6))
    answer(room, "Oui je serai là")

    assert "confirmé" not in latest_replies(store, 5)[0].done
    assert latest_replies(store, 5)[0].done.startswith("à traiter")


def test_every_meaning_has_its_french_words() -> None:
    assert set(UNDERSTOOD) == {intent.value for intent in Intent}
