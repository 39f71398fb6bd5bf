"""Replies act on the right appointment, once, and their acknowledgements leave."""

from datetime import timedelta

from reminders.domain.appointment import Status
from reminders.ports import InboundSms, Received
from reminders.services.answer import pass_on, take_replies
from reminders.services.compose import Route
from reminders.services.receive import receive
from reminders.store.engine import Store
from tests.support.clinic import paris, someone, visit
from tests.support.mailroom import Mailroom

NUMBER = "+33639980001"  # of patient 1
ANSWERED = (Route("main", "sms", "reply"), Route("email", "email"))


def reminded(store: Store, **changes: object) -> Mailroom:
    """A hospital whose J-1 text left for appointment 1."""
    room = Mailroom(store, routes=ANSWERED)
    room.read(visit(1, starts="2026-10-13 15:00", **changes))
    room.release()
    room.plan()
    room.at(paris("2026-10-12 10:05"))
    room.deliver()
    assert len(room.sent) == 1
    return room


def answer(room: Mailroom, text: str, number: str = NUMBER, key: str = "") -> None:
    """The patient writes; the reply is stored, read and acted upon."""
    reply = InboundSms(key or f"in-{text}-{room.now:%H%M%S}", number, "+33639989999", text)
    receive(room.store, room.secret, "main", Received(replies=(reply,)), now=room.now)
    take_replies(room.store, room.rules, room.secret, now=room.now)
    room.plan()


def test_a_yes_is_recorded_and_acknowledged(store: Store) -> None:
    room = reminded(store)

    answer(room, "Oui je serai là")
    room.deliver()

    assert room.appointment().answer == "confirmed"
    assert "notée" in room.sent[-1].text
    assert room.sent[-1].to == NUMBER


def test_a_no_stops_reminders_at_once_and_asks_the_desk_to_record_it(store: Store) -> None:
    room = Mailroom(store, routes=ANSWERED)
    room.read(visit(1, starts="2026-10-16 15:00"))
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()
    answer(room, "Je ne pourrai pas venir")

    assert room.appointment().answer == "cancelled"
    assert room.reasons()["J-1"] == "cancellation_asked"
    assert pass_on(room.store, now=room.now) == 1
    assert "answer_cancelled" in room.tasks()
    assert pass_on(room.store, now=room.now) == 0

    room.deliver()
    assert "annulons" in room.sent[1].text
    room.pass_days(2)
    room.deliver()
    assert len(room.sent) == 2


def test_a_feed_that_still_says_booked_reminds_nobody(store: Store) -> None:
    room = reminded(store)
    answer(room, "NON")
    room.deliver()
    texts = len(room.sent)

    room.read(visit(1, starts="2026-10-13 15:00", kind="CS"))
    room.plan_everybody()
    room.at(paris("2026-10-13 09:30"))
    room.deliver()

    assert room.appointment().answer == "cancelled"
    assert len(room.sent) == texts


def test_the_same_reply_twice_is_one_answer(store: Store) -> None:
    room = reminded(store)

    answer(room, "OUI", key="same")
    answer(room, "OUI", key="same")
    room.deliver()

    assert room.value("SELECT COUNT(*) FROM answer") == 1
    assert len(room.sent) == 2


def test_the_last_answer_counts(store: Store) -> None:
    room = reminded(store)

    answer(room, "OUI")
    answer(room, "Non finalement je ne peux pas venir")

    assert room.appointment().answer == "cancelled"
    assert room.value("SELECT COUNT(*) FROM answer WHERE superseded_at IS NULL") == 1


def test_a_reply_to_an_hour_that_moved_hears_the_new_hour(store: Store) -> None:
    room = reminded(store)
    room.read(visit(1, starts="2026-10-13 17:30"))
    room.plan()

    answer(room, "OUI")
    room.deliver()

    assert room.appointment().answer == "none"
    assert any("17h30" in sent.text and "changé" in sent.text for sent in room.sent)


def test_a_reply_to_a_cancelled_appointment_hears_it(store: Store) -> None:
    room = reminded(store)
    room.read(visit(1, starts="2026-10-13 15:00", status=Status.CANCELLED), visit(2))
    room.plan()

    answer(room, "OUI")
    room.deliver()

    assert any("déjà annulé" in sent.text for sent in room.sent)
    assert "reply_cancelled" in room.tasks()


def test_a_stop_is_acknowledged_and_nothing_else_leaves(store: Store) -> None:
    room = Mailroom(store, routes=ANSWERED)
    room.read(visit(1, starts="2026-10-16 15:00"))
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()

    answer(room, "STOP")
    room.deliver()
    room.at(paris("2026-10-15 10:05"))
    room.deliver()

    assert len(room.sent) == 2
    assert "START" in room.sent[1].text
    assert room.appointment().answer == "none"


def test_start_brings_the_reminders_back(store: Store) -> None:
    room = Mailroom(store, routes=ANSWERED)
    room.read(visit(1, starts="2026-10-16 15:00"))
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()

    answer(room, "STOP")
    answer(room, "START")
    room.at(paris("2026-10-15 10:05"))
    room.deliver()

    assert room.value("SELECT COUNT(*) FROM objection WHERE withdrawn_at IS NULL") == 0
    assert "Rappel" in room.sent[-1].text


def test_a_number_of_two_patients_is_left_to_a_person(store: Store) -> None:
    room = Mailroom(store, routes=ANSWERED)
    family = someone(1).contacts
    room.read(
        visit(1, starts="2026-10-13 15:00"),
        visit(2, starts="2026-10-13 16:00", patient=someone(2, given="Ana", contacts=family)),
    )
    room.release()
    room.plan()
    room.at(paris("2026-10-12 10:05"))
    room.deliver()
    assert len(room.sent) == 2

    answer(room, "OUI")

    assert room.value("SELECT COUNT(*) FROM answer") == 0
    assert "reply_which" in room.tasks()


def test_a_wrong_number_gets_nothing_more(store: Store) -> None:
    room = Mailroom(store, routes=ANSWERED)
    room.read(visit(1, starts="2026-10-16 15:00"))
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()

    answer(room, "Vous avez le mauvais numéro")
    room.at(paris("2026-10-15 10:05"))
    room.deliver()

    assert len(room.sent) == 1
    assert "reply_wrong_number" in room.tasks()
    assert room.appointment().answer == "none"


def test_a_symptom_is_a_task_before_all_others(store: Store) -> None:
    room = reminded(store)

    answer(room, "J'ai très mal à la poitrine")
    room.deliver()

    assert room.value("SELECT priority FROM task WHERE kind = 'reply_alert'") == 0
    assert "15" in room.sent[-1].text


def test_a_reply_from_nobody_we_wrote_to_is_kept_for_a_person(store: Store) -> None:
    room = reminded(store)

    answer(room, "OUI", number="+33639980077")

    assert "reply_unbound" in room.tasks()
    assert room.appointment().answer == "none"


def test_a_reply_the_next_day_still_finds_its_appointment(store: Store) -> None:
    room = Mailroom(store, routes=ANSWERED)
    room.read(visit(1, starts="2026-10-16 15:00"))
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:05"))
    room.deliver()
    room.at(room.now + timedelta(days=1))

    answer(room, "ok")

    assert room.appointment().answer == "confirmed"
