"""Writing to a session: who is told, once, and who is called because no message can tell them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from reminders.domain.appointment import ContactPoint, Holder, Status
from reminders.domain.worklist import Ending
from reminders.domain.writing import SESSION, Details, Session
from reminders.errors import NotSent
from reminders.ports import InboundSms, Received
from reminders.rendering import Renderer
from reminders.services import (
    appointments,
    task_context,
    worklist,
    worklist_context,
    writing,
    writing_follow,
    writing_survey,
)
from reminders.services.answer import take_replies
from reminders.services.compose import Composer, Route
from reminders.services.purge import purge
from reminders.services.receive import receive
from reminders.services.writing import Order
from reminders.services.writing_survey import Means, Refused, Survey
from reminders.store import outbox
from reminders.store.engine import Store
from reminders.store.types import SECOND, micros
from tests.support.clinic import PARIS, SETTINGS, paris, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom, receipt

DAY = date(2026, 10, 20)  # a Tuesday, eight days ahead
AGENDA = "Dr TEST mardi"
SEEN = Session(DAY, "4220")
# One appointment in fifty may change without the anomaly gate asking a person.
OTHERS = visits(range(20, 70), starts="2026-12-01 10:00")


def clinic(store: Store, *records: Any, price: float = 0.06, **changes: Any) -> Mailroom:
    room = Mailroom(
        store,
        settings=settings_with(**(dict(LIVE) | changes)),
        routes=(Route("main", "sms", price_eur=price), Route("email", "email")),
    )
    room.read(*(records or [visit(n, agenda=AGENDA) for n in (1, 2, 3)]))
    room.release()
    room.plan()
    return room


def means(room: Mailroom) -> Means:
    return Means(room.rules, Composer(room.rules, Renderer()), room.routes, room.secret, PARIS)


def look(room: Mailroom, session: Session = SEEN, purpose: str = "session_cancelled") -> Survey:
    return writing_survey.survey(room.store, means(room), session, purpose, None, now=room.now)


def send(
    room: Mailroom,
    session: Session = SEEN,
    purpose: str = "session_cancelled",
    *,
    request: str = "form-1",
    patients: int | None = None,
    typed: str = "",
) -> int:
    expected = look(room, session, purpose).patients if patients is None else patients
    order = Order(request, "nadia", expected, typed)
    return writing.send(room.store, means(room), session, purpose, None, order, now=room.now)


def follow(room: Mailroom) -> int:
    return writing_follow.follow_up(room.store, room.rules, now=room.now)


def counts(room: Mailroom, key: int) -> dict[str, int]:
    found = writing_follow.progress(room.store, key)
    assert found is not None
    return dict(found.counts)


def texts(room: Mailroom) -> list[tuple[str, str]]:
    return sorted((sent.to, sent.text) for sent in room.sent)


# --- what a text says besides ---------------------------------------------------------------------

LATER = replace(SEEN, details=Details(late_minutes=45))
THERE = replace(SEEN, details=Details(place="Bâtiment C, porte 4"))


def test_how_late_it_is_leaves_as_it_was_read(store: Store) -> None:
    room = clinic(store)
    seen = look(room, LATER, "session_late")
    assert seen.recipients[0].text == (
        "CH Exemple : retard d'environ 45 min pour le rendez-vous du 20/10 à 9h30. "
        "Merci de patienter. Tél. 01 99 00 12 34"
    )
    send(room, LATER, "session_late")
    room.deliver()
    assert {text for _, text in texts(room)} == {seen.recipients[0].text}
    assert len(room.sent) == 3


def test_where_instead_is_said_and_not_by_a_neutral_service(store: Store) -> None:
    room = clinic(store)
    assert (
        "Nouveau lieu : Batiment C, porte 4."
        in look(room, THERE, "session_place").recipients[0].text
    )
    send(room, THERE, "session_place")
    room.deliver()
    assert all("porte 4. Tél." in text for _, text in texts(room))
    neutral = dict(SETTINGS["service"][0]) | {"sensitivity": "neutral"}
    room.settings = settings_with(**(dict(LIVE) | {"service": [neutral]}))
    found = look(room, replace(THERE, details=Details(place="Porte 5")), "session_place")
    assert "Adressez-vous à l'accueil." in found.recipients[0].text


def test_another_delay_is_told_and_the_same_one_once(store: Store) -> None:
    room = clinic(store)
    send(room, LATER, "session_late")
    assert look(room, LATER, "session_late").patients == 0
    worse = replace(SEEN, details=Details(late_minutes=90))
    assert look(room, worse, "session_late").patients == 3
    room.deliver()
    send(room, worse, "session_late", request="form-2")
    room.deliver()
    said = sorted({text.split(" pour ")[0] for _, text in texts(room)})
    assert said == [
        "CH Exemple : retard d'environ 1h30", "CH Exemple : retard d'environ 45 min",
    ]  # fmt: skip


def test_a_delay_that_has_not_left_is_replaced_by_the_next(store: Store) -> None:
    """Two that wait for the morning would leave at once, in whatever order."""
    room = clinic(store).at(paris("2026-10-12 21:30"))
    first = send(room, LATER, "session_late")
    worse = replace(SEEN, details=Details(late_minutes=90))
    second = send(room, worse, "session_late", request="form-2")
    follow(room)
    room.at(paris("2026-10-13 09:00"))
    room.deliver()
    follow(room)
    assert {text.split(" pour ")[0] for _, text in texts(room)} == {
        "CH Exemple : retard d'environ 1h30"
    }
    assert len(room.sent) == 3
    assert (counts(room, first), counts(room, second)) == ({"called_back": 3}, {"left": 3})
    assert "call_session_late" not in room.tasks()


def test_a_place_that_is_the_first_one_again_is_told(store: Store) -> None:
    room = clinic(store)
    for number, place in enumerate(("Porte 4", "Porte 5", "Porte 4")):
        there = replace(SEEN, details=Details(place=place))
        send(room, there, "session_place", request=f"form-{number}")
        room.deliver()
        assert look(room, there, "session_place").patients == 0
    assert len(room.sent) == 9
    assert all("Porte 4" in one.text for one in room.sent[-3:])


def test_a_third_delay_of_the_day_is_told_too(store: Store) -> None:
    """The brake stops loops, not people."""
    room = clinic(store)
    for number, minutes in enumerate((30, 60, 90, 120)):
        later = replace(SEEN, details=Details(minutes))
        send(room, later, "session_late", request=f"form-{number}")
        room.deliver()
    assert len(room.sent) == 12


def called(room: Mailroom) -> list[str]:
    """What is to be said to those no text of a session tells."""
    worklist.tend(room.store, room.rules, now=room.now)
    found = worklist_context.calls(room.store, room.rules, room.now.date(), now=room.now)
    greeting = "Bonjour, ici Centre hospitalier Exemple. "
    return [one.words.removeprefix(greeting) for one in found if "aucun message" in one.why]


UNREACHABLE = visit(2, agenda=AGENDA, patient=someone(2, contacts=()))


def test_whom_no_text_tells_is_told_the_same_by_telephone(store: Store) -> None:
    room = clinic(store, UNREACHABLE).at(paris("2026-10-20 07:30"))
    send(room, LATER, "session_late")
    send(room, THERE, "session_place", request="form-2")
    assert sorted(called(room)) == [
        "Du retard est prévu pour votre rendez-vous du mardi 20 octobre à 9h30, environ 45 min. "
        "Pouvez-vous patienter ?",
        "Votre rendez-vous du mardi 20 octobre à 9h30 change de lieu : Bâtiment C, porte 4.",
    ]
    for row in room.rows("SELECT id FROM task WHERE kind LIKE 'call_session%'"):
        told = worklist_context.whole(room.store, room.rules, row.id, now=room.now)
        about = task_context.context(room.store, room.rules, room.secret, row.id, None)
        assert told is not None
        assert about is not None
        assert told["words"] == about.words
        assert "45 min" in about.words or "porte 4" in about.words


def test_another_delay_is_called_once_more_and_the_same_one_not(store: Store) -> None:
    room = clinic(store, UNREACHABLE).at(paris("2026-10-20 07:30"))
    for number, (minutes, calls) in enumerate([(45, 1), (45, 0), (90, 1), (45, 1)]):
        later = replace(SEEN, details=Details(late_minutes=minutes))
        send(room, later, "session_late", request=f"form-{number}")
        assert len(called(room)) == calls, number
        assert all("environ 1h30" in one for one in called(room)) is (minutes == 90 or not calls)
        for row in room.rows("SELECT id FROM task WHERE kind = 'call_session_late'"):
            worklist.resolve(store, room.secret, row.id, Ending.OTHER, "nadia", now=room.now)
        assert called(room) == []


def test_what_is_written_again_after_a_slip_is_called_again(store: Store) -> None:
    room = clinic(store, UNREACHABLE).at(paris("2026-10-20 07:30"))
    key = send(room)
    assert writing.call_back(store, key, by="nadia", now=room.now) == 1
    assert called(room) == []
    send(room, request="form-2")
    assert len(called(room)) == 1


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (Details(601), "retard"),
        (Details(-1), "retard"),
        (Details(place="x" * 61), "lieu"),
        (Details(place="voir www.exemple.fr"), "lieu"),
        (Details(place="appeler le 01 99 00 12 34"), "lieu"),
        (Details(place="répondez OUI"), "lieu"),
        (Details(place="{{ prenom }}"), "lieu"),
        (Details(place="Bâtiment\nC"), "lieu"),
        (Details(place="Psychiatrie, 2e étage"), "lieu"),
        (Details(place="scanner 2"), "lieu"),
        (Details(place="Hémodialyse, porte 2"), "lieu"),
        (Details(place="Bâtiment Psy"), "lieu"),
        (Details(place="HDJ, 1er étage"), "lieu"),
        (Details(place="Porte \u202e4"), "lieu"),
        (Details(place="Porte\u200b 4"), "lieu"),
    ],
)
def test_what_may_not_be_said_is_refused_at_its_field(
    store: Store, details: Details, field: str
) -> None:
    room = clinic(store)
    with pytest.raises(Refused) as refused:
        look(room, replace(SEEN, details=details), "session_place")
    assert refused.value.code == field


def test_a_place_is_a_building_a_floor_a_door() -> None:
    for place in (
        "",
        "Bâtiment C, porte 4",
        "Hall 2 – 3e étage",
        "Pavillon Dr Exemple, RDC, n° 12",
    ):
        assert Details(place=place).mistake() == ("", "")


# --- looking -------------------------------------------------------------------------------------


def test_the_numbers_and_the_exact_text_are_shown_before_anything_is_planned(store: Store) -> None:
    room = clinic(store)
    before = room.outbox()
    seen = look(room)
    assert (seen.patients, seen.appointments, seen.calls, seen.segments) == (3, 3, 0, 3)
    assert round(seen.price_eur, 2) == 0.18
    assert seen.recipients[0].text == (
        "CH Exemple : le rendez-vous du 20/10 à 9h30 n'aura pas lieu. "
        "Pour un autre rendez-vous : 01 99 00 12 34"
    )
    assert room.outbox() == before


def test_a_session_is_a_day_a_service_an_agenda_and_hours(store: Store) -> None:
    room = clinic(
        store,
        visit(1, "2026-10-20 09:30", agenda=AGENDA),
        visit(2, "2026-10-20 11:00", agenda=AGENDA),
        visit(3, "2026-10-20 09:30", agenda="autre"),
        visit(4, "2026-10-20 09:30", uf="4230", agenda=AGENDA),
        visit(5, "2026-10-21 09:30", agenda=AGENDA),
        visit(6, "2026-10-20 09:30", agenda=AGENDA, status=Status.CANCELLED),
    )

    def who(**changes: Any) -> set[str]:
        seen = look(room, replace(SEEN, **changes))
        return {v.number for one in seen.recipients for v in one.visits}

    assert who() == {"R1", "R2", "R3"}
    assert who(agenda=AGENDA) == {"R1", "R2"}
    assert who(uf="", agenda=AGENDA) == {"R1", "R2", "R4"}
    assert who(agenda=AGENDA, begins=time(10)) == {"R2"}
    assert who(agenda=AGENDA, ends=time(11)) == {"R1"}


def test_nobody_writes_for_a_service_that_is_not_theirs(store: Store) -> None:
    room = clinic(store)
    for session in (SEEN, Session(DAY, agenda=AGENDA)):
        seen = writing_survey.survey(
            room.store, means(room), session, "session_late", {"4230"}, now=room.now
        )
        assert (seen.patients, seen.appointments) == (0, 0)


@pytest.mark.parametrize(
    ("session", "purpose"),
    [
        (Session(DAY), "session_late"),
        (replace(SEEN, begins=time(12), ends=time(9)), "session_late"),
        (SEEN, "short"),
        (SEEN, "confirm"),
    ],
)
def test_what_is_no_session_is_refused_with_the_remedy(
    store: Store, session: Session, purpose: str
) -> None:
    room = clinic(store)
    with pytest.raises(Refused) as refused:
        look(room, session, purpose)
    assert refused.value.sentence.endswith(".")


def test_who_cannot_be_reached_is_named_with_the_reason_and_called(store: Store) -> None:
    landline = (ContactPoint("phone", "01 99 00 00 01"),)
    room = clinic(
        store,
        visit(1),
        visit(2, patient=someone(2, contacts=())),
        visit(3, patient=someone(3, contacts=landline)),
        visit(4, patient=someone(4, deceased=True)),
        visit(5, patient=someone(5, sms_refused=True)),
        visit(6),
    )
    room.object("06 39 98 00 06")
    seen = look(room)
    assert seen.patients == 1
    assert {one.visit.number: (one.reason, one.call) for one in seen.missed} == {
        "R2": ("no_contact", True),
        "R3": ("landline_only", True),
        "R4": ("deceased", False),
        "R5": ("objection", True),
        "R6": ("objection", True),
    }
    key = send(room)
    assert room.tasks().count("call_session_cancelled") == 4
    assert counts(room, key) == {"planned": 1, "not_written": 5}


def test_a_sensitive_service_is_called_never_written_to(store: Store) -> None:
    services = [SETTINGS["service"][0] | {"sensitivity": "excluded"}, SETTINGS["service"][1]]
    room = clinic(store, visit(1), service=services)
    assert [one.reason for one in look(room).missed] == ["excluded"]
    room = clinic(store, visit(7, uf="9999"))
    assert [one.reason for one in look(room, Session(DAY, "9999")).missed] == ["unmapped"]


def test_a_patient_with_two_appointments_of_the_session_gets_one_message(store: Store) -> None:
    twice = [visit(1), visit(2, "2026-10-20 14:00", patient=someone(1)), visit(3)]
    room = clinic(store, *twice)
    send(room)
    room.deliver()
    assert [text for to, text in texts(room) if to == "+33639980001"] == [
        "CH Exemple : le rendez-vous du 20/10 à 9h30 et 14h n'aura pas lieu. "
        "Pour un autre rendez-vous : 01 99 00 12 34"
    ]


def test_a_child_of_two_on_one_number_is_named_and_the_parent_written_to(store: Store) -> None:
    born = date(2020, 1, 2)
    parent = (
        ContactPoint(
            "phone",
            "06 39 98 77 77",
            holder=Holder.PARENT,
        ),
    )
    room = clinic(
        store,
        visit(1, patient=someone(1, given="Noé", birth_date=born, contacts=parent)),
        visit(2, patient=someone(2, given="Zoé", birth_date=born, contacts=parent)),
    )
    seen = look(room)
    assert [one.address.value for one in seen.recipients] == ["+33639987777"] * 2
    assert {"pour Noé" in one.text for one in seen.recipients} == {True, False}


# --- sending -------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", sorted(SESSION))
def test_every_text_of_a_session_leaves_at_once_in_permitted_hours(
    store: Store, purpose: str
) -> None:
    room = clinic(store)
    send(room, purpose=purpose)
    assert room.deliver().answers == {"ACCEPTED": 3}
    assert len({to for to, _ in texts(room)}) == 3


def test_the_same_form_sent_twice_is_one_writing(store: Store) -> None:
    room = clinic(store)
    first = send(room)
    outbox = room.outbox()
    assert send(room, patients=3) == first
    assert room.outbox() == outbox
    room.deliver()
    assert send(room, patients=3) == first
    room.deliver()
    assert len(room.sent) == 3


@pytest.mark.parametrize("forms", [["form-1"] * 6, [f"form-{n}" for n in range(6)]])
def test_of_several_who_send_at_once_one_writes(store: Store, forms: list[str]) -> None:
    room = clinic(store)

    def attempt(form: str) -> int:
        try:
            return send(room, request=form, patients=3)
        except Refused:  # everybody is told already
            return 0

    with ThreadPoolExecutor(6) as people:
        keys = set(people.map(attempt, forms))
    assert room.value("SELECT COUNT(*) FROM writing") == 1
    assert len(keys - {0}) == 1
    room.deliver()
    assert len(room.sent) == 3


def test_another_form_about_the_same_session_reaches_only_who_was_not_told(store: Store) -> None:
    room = clinic(store)
    send(room)
    assert look(room).patients == 0
    with pytest.raises(Refused) as refused:
        send(room, request="form-2")
    assert refused.value.code == "nobody"
    room.read(*[visit(n, agenda=AGENDA) for n in (1, 2, 3, 4)])
    assert [one.visits[0].number for one in look(room).recipients] == ["R4"]
    assert look(room, purpose="session_late").patients == 4


def test_a_list_that_changed_since_it_was_read_is_shown_again(store: Store) -> None:
    room = clinic(store)
    seen = look(room)
    room.read(visit(1), visit(2), visit(3, status=Status.CANCELLED))
    with pytest.raises(Refused) as refused:
        send(room, patients=seen.patients)
    assert refused.value.code == "changed"
    assert refused.value.survey is not None
    assert refused.value.survey.patients == 2
    assert room.value("SELECT COUNT(*) FROM writing") == 0


def test_more_than_five_hundred_patients_ask_for_the_number_in_writing(store: Store) -> None:
    many = [
        visit(n, patient=someone(n, contacts=(ContactPoint("email", f"p{n}@example.org"),)))
        for n in range(1, 503)
    ]
    room = clinic(store, *many)
    with pytest.raises(Refused) as refused:
        send(room, patients=502, typed="501")
    assert refused.value.code == "number"
    assert refused.value.survey is not None
    assert refused.value.survey.asks_a_number
    key = send(room, patients=502, typed="502")
    assert counts(room, key) == {"planned": 502}


def test_at_night_the_text_waits_for_the_morning(store: Store) -> None:
    room = clinic(store).at(paris("2026-10-12 21:30"))
    key = send(room)
    room.deliver()
    assert room.sent == []
    assert counts(room, key) == {"planned": 3}
    room.at(paris("2026-10-13 09:00"))
    room.deliver()
    assert len(room.sent) == 3


def test_no_moment_before_the_appointment_is_a_call(store: Store) -> None:
    room = clinic(store, visit(1, "2026-10-13 08:30"), visit(2, "2026-10-13 15:00"))
    room.at(paris("2026-10-12 21:30"))
    seen = look(room, Session(date(2026, 10, 13), "4220"))
    assert [(one.visit.number, one.reason) for one in seen.missed] == [("R1", "no_moment")]
    assert seen.patients == 1


def test_nothing_leaves_once_the_appointment_has_started(store: Store) -> None:
    room = clinic(store, visit(1, "2026-10-12 10:00"), visit(2, "2026-10-12 15:00"))
    session = Session(date(2026, 10, 12), "4220")
    room.at(paris("2026-10-12 09:58"))
    key = send(room, session)
    room.at(paris("2026-10-12 10:00"))
    room.deliver()
    assert [to for to, _ in texts(room)] == ["+33639980002"]
    room.tidy()
    follow(room)
    assert counts(room, key) == {"left": 1, "failed": 1}


# --- between planning and the intent --------------------------------------------------------------


def test_an_objection_after_planning_stops_the_text_and_somebody_calls(store: Store) -> None:
    room = clinic(store)
    key = send(room)
    room.object("06 39 98 00 02")
    room.deliver()
    assert {to for to, _ in texts(room)} == {"+33639980001", "+33639980003"}
    assert follow(room) == 1
    assert follow(room) == 0
    assert room.tasks().count("call_session_cancelled") == 1
    assert counts(room, key) == {"left": 2, "failed": 1}


def test_a_death_a_cancellation_and_a_move_after_planning_stop_the_text(store: Store) -> None:
    room = clinic(store).at(paris("2026-10-12 21:30"))
    send(room)
    room.read(
        visit(1, agenda=AGENDA, patient=someone(1, deceased=True)),
        visit(2, agenda=AGENDA, status=Status.CANCELLED),
        visit(3, "2026-10-21 10:00", agenda=AGENDA),
    )
    room.plan()
    follow(room)
    room.at(paris("2026-10-13 09:00"))
    room.deliver()
    assert room.sent == []
    assert "call_session_cancelled" not in room.tasks()


def test_of_two_appointments_in_one_text_the_other_is_still_told(store: Store) -> None:
    both = [visit(1), visit(2, "2026-10-20 14:00", patient=someone(1))]
    room = clinic(store, *both).at(paris("2026-10-12 21:30"))
    send(room)
    room.read(both[0], replace(both[1], status=Status.CANCELLED))
    follow(room)
    room.at(paris("2026-10-13 09:00"))
    room.deliver()
    assert [text for _, text in texts(room)] == [
        "CH Exemple : le rendez-vous du 20/10 à 9h30 n'aura pas lieu. "
        "Pour un autre rendez-vous : 01 99 00 12 34"
    ]


def test_a_hold_keeps_a_session_back_and_its_release_sends_it_while_it_is_useful(
    store: Store,
) -> None:
    room = clinic(store)
    key = send(room)
    room.hold()
    room.deliver()
    assert room.sent == []
    assert counts(room, key) == {"held": 3}
    room.at(paris("2026-10-12 20:30"))
    room.tidy()
    follow(room)
    room.release()
    room.at(paris("2026-10-13 09:00"))
    room.deliver()
    assert len(room.sent) == 3


def test_whom_no_message_reached_is_called_once(store: Store) -> None:
    room = clinic(store)
    key = send(room)
    room.deliver()
    lost = next(sent for sent in room.sent if sent.to == "+33639980002")
    room.receive(receipt(lost.reference, "undelivered"))
    room.plan()
    follow(room)
    follow(room)
    assert room.tasks().count("call_session_cancelled") == 1
    assert counts(room, key) == {"left": 2, "failed": 1}


def test_a_provider_that_is_down_delays_and_never_doubles(store: Store) -> None:
    room = clinic(store)
    room.providers["main"].script["+33639980001"] = [NotSent("down")]
    send(room)
    room.deliver()
    room.at(room.now + timedelta(minutes=10))
    room.deliver()
    assert sorted(to for to, _ in texts(room)).count("+33639980001") == 2  # the first never left
    assert room.value("SELECT COUNT(*) FROM attempt WHERE state = 'ACCEPTED'") == 3


# --- the reminders it makes untrue ---------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["session_cancelled", "session_moved"])
def test_a_called_off_session_is_not_reminded_of_nor_corrected(store: Store, purpose: str) -> None:
    room = clinic(store)
    send(room, purpose=purpose)
    room.deliver()
    room.plan()
    assert set(room.reasons().values()) <= {"stopped", "PLANNED", "past", "booked_late"}
    for day in (13, 17, 19):
        room.at(paris(f"2026-10-{day} 12:00"))
        room.plan_everybody()
        room.deliver()
    assert len(room.sent) == 3


def test_a_late_session_is_still_reminded_of(store: Store) -> None:
    room = clinic(store)
    send(room, purpose="session_late")
    room.deliver()
    room.at(paris("2026-10-17 12:00"))
    room.plan()
    room.deliver()
    assert len(room.sent) == 6


def test_the_dpis_own_cancellation_is_not_told_a_second_time(store: Store) -> None:
    room = clinic(store, visit(1), *OTHERS)
    send(room)
    room.deliver()
    room.read(visit(1, status=Status.CANCELLED), *OTHERS)
    room.plan()
    room.deliver()
    assert len(room.sent) == 1
    assert room.reasons()["notice"] == "already_told"


def test_a_new_date_in_the_dpi_is_told_and_reminded_of(store: Store) -> None:
    room = clinic(store, visit(1), *OTHERS)
    send(room, purpose="session_moved")
    room.deliver()
    room.read(visit(1, "2026-10-27 11:00"), *OTHERS)
    room.plan()
    room.deliver()
    assert [sent.text for sent in room.sent] == [
        "CH Exemple : le rendez-vous du 20/10 à 9h30 est reporté. "
        "Ne venez pas, une autre date suivra. Tél. 01 99 00 12 34",
        "Changement : rendez-vous le mar. 27/10 à 11h, CH Exemple. "
        "Et non le 20/10 à 9h30. Pour annuler : 01 99 00 12 34",
    ]
    assert room.reasons()["J-1"] == "PLANNED"


def test_who_was_told_wrongly_that_it_is_off_is_told_otherwise(store: Store) -> None:
    room = clinic(store, visit(1), *OTHERS)
    send(room)
    room.deliver()
    appointments.resume_reminders(store, room.appointment(1).id, by="nadia", now=room.now)
    room.plan()
    room.deliver()
    assert room.sent[1].text == (
        "Changement : rendez-vous le mar. 20/10 à 9h30, CH Exemple. Pour annuler : 01 99 00 12 34"
    )
    assert room.reasons()["J-1"] == "PLANNED"


def test_ok_to_a_called_off_session_confirms_nothing(store: Store) -> None:
    room = clinic(store)
    room.routes = (Route("main", "sms", "reply"), room.routes[1])
    send(room)
    room.deliver()
    said = InboundSms("in-1", "+33639980001", "+33639989999", "OUI")
    receive(room.store, room.secret, "main", Received(replies=(said,)), now=room.now)
    take_replies(room.store, room.rules, room.secret, now=room.now)
    assert room.appointment(1).answer == "none"
    assert "reply_cancelled" in room.tasks()


# --- calling back --------------------------------------------------------------------------------


def test_what_has_not_left_can_be_called_back(store: Store) -> None:
    room = clinic(store, visit(1), visit(2), visit(3, patient=someone(3, contacts=())))
    room.at(paris("2026-10-12 21:30"))
    key = send(room)
    room.plan()
    assert room.reasons()["J-1"] == "stopped"
    assert writing.call_back(room.store, key, by="nadia", now=room.now) == 3
    assert writing.call_back(room.store, key, by="nadia", now=room.now) == 0
    room.plan()
    follow(room)
    assert counts(room, key) == {"called_back": 3}
    assert "call_session_cancelled" not in room.tasks()
    assert room.reasons()["J-1"] == "PLANNED"
    room.at(paris("2026-10-13 09:00"))
    room.deliver()
    assert room.sent == []


def test_what_is_being_prepared_is_called_back(store: Store) -> None:
    room = clinic(store)
    key, at = send(room), micros(room.now)
    with store.write() as connection:
        token, leased = outbox.lease(connection, "sms", now=at, until=at + 60 * SECOND, limit=2)
    assert writing.call_back(room.store, key, by="nadia", now=room.now) == 3
    with store.write() as connection:
        assert outbox.permit(connection, token, [row.id for row in leased], now=at) == set()
    room.at(room.now + timedelta(minutes=5))
    room.tidy()
    follow(room)
    room.deliver()
    assert room.sent == []
    assert counts(room, key) == {"called_back": 3}


def test_what_left_is_not_called_back(store: Store) -> None:
    room = clinic(store)
    key = send(room)
    (first, *others) = room.window(limit=1).envelopes
    assert others == []
    assert writing.call_back(room.store, key, by="nadia", now=room.now) == 2
    room.deliver()
    follow(room)
    assert room.sent == []  # the one whose intent was committed is in somebody else's hands
    assert counts(room, key) == {"left": 1, "called_back": 2}
    assert first.composed.address


def test_who_was_called_back_may_be_written_to_again(store: Store) -> None:
    room = clinic(store)
    key = send(room)
    writing.call_back(room.store, key, by="nadia", now=room.now)
    again = send(room, request="form-2")
    room.deliver()
    assert len(room.sent) == 3
    assert counts(room, again) == {"left": 3}


# --- the page of one -----------------------------------------------------------------------------


def test_every_number_of_a_writing_opens_its_list(store: Store) -> None:
    many = [visit(n, f"2026-10-20 {9 + n // 30:02}:{n % 30:02}") for n in range(1, 61)]
    room = clinic(store, *many, visit(77, "2026-10-20 16:00", patient=someone(77, contacts=())))
    key = send(room)
    seen: list[int] = []
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        found = writing_follow.progress(room.store, key, outcome="planned", after=after)
        assert found is not None
        seen += [line.appointment_id for line in found.lines]
        after = found.after
    assert len(seen) == len(set(seen)) == 60
    lost = writing_follow.progress(room.store, key, outcome="not_written")
    assert lost is not None
    assert [(line.reason, line.task) for line in lost.lines] == [
        ("no_contact", "call_session_cancelled")
    ]
    hidden = writing_follow.progress(room.store, key, ufs={"4230"})
    assert hidden is not None
    assert hidden.lines == []


def test_a_writing_goes_with_its_appointments_when_their_time_is_over(store: Store) -> None:
    room = clinic(store)
    send(room)
    room.deliver()
    room.pass_days(500)
    purge(store, room.settings.retention, now=room.now)
    assert room.value("SELECT COUNT(*) FROM writing") == 0
    assert room.value("SELECT COUNT(*) FROM writing_line") == 0
    assert room.value("SELECT COUNT(*) FROM message") == 0


def test_closed_writings_are_looked_at_no_more(store: Store) -> None:
    room = clinic(store)
    send(room)
    room.deliver()
    room.at(datetime.fromisoformat("2026-10-21T08:00:00+00:00"))
    follow(room)
    assert room.value("SELECT COUNT(*) FROM writing WHERE closed_at IS NULL") == 0
