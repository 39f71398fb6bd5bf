"""Tasks: one person has each, its ending has its effect, and what is late goes further."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from reminders.domain.answer import SLIP
from reminders.domain.worklist import WORDS, Ending
from reminders.ports import InboundSms, Received
from reminders.services.answer import pass_on, take_replies
from reminders.services.receive import receive
from reminders.services.tabs import tab
from reminders.services.tasks import SENTENCES
from reminders.services.worklist import (
    Reopened,
    TaskRefused,
    hand_over,
    release,
    reopen,
    resolve,
    take,
    tasks,
    tend,
)
from reminders.services.worklist_context import calls, whole
from reminders.store.engine import Store
from reminders.store.types import micros
from tests.support.clinic import paris, someone, visit
from tests.support.mailroom import Mailroom
from tests.support.worklist import DESKS, hospital, reply

WEDNESDAY = date(2026, 10, 14)
SHEET = {
    "id": "scan", "service": "4220", "instructions": "Venir à jeun.",
    "documents": ["Carte Vitale"], "arrival_point": "Accueil B2", "acknowledge": True,
}  # fmt: skip


def row(room: Mailroom, task: int) -> dict[str, Any]:
    found = whole(room.store, room.rules, task, now=room.now)
    assert found is not None
    return found


def test_a_task_has_everything_needed_to_do_it(store: Store) -> None:
    room = hospital(store)
    task = row(room, reply(room, "Peut-on garder ses lunettes ?"))

    assert task["kind"] == "reply_question"
    assert task["service"] == "Consultations, accueil B2"
    assert task["state"] == "free"
    assert task["reply"]["text"] == "Peut-on garder ses lunettes ?"
    assert task["reply"]["from"] == "06 39 98 00 01"
    (one,) = task["appointments"]
    assert one["when"] == "mardi 13 octobre à 9h30"
    assert one["patient"]["family"] == "EXEMPLE"
    assert one["patient"]["telephone"] == "06 39 98 00 01"
    assert one["told"][0]["text"] == room.sent[0].text
    assert "mardi 13 octobre à 9h30" in str(task["words"])


def test_words_about_instructions_come_from_the_sheet(store: Store) -> None:
    room = hospital(store, preparation=[SHEET | {"acknowledge": False}])
    task = row(room, reply(room, "Faut-il être à jeun ?"))

    assert task["kind"] == "reply_question"
    for part in ("Venir à jeun.", "Carte Vitale", "Accueil B2"):
        assert part in str(task["words"])


def test_alerts_come_first_then_today_then_cancellations(store: Store) -> None:
    room = hospital(
        store,
        visit(1, starts="2026-10-13 09:30"),
        visit(2, starts="2026-10-13 16:00"),
    )
    with store.write() as connection:  # an appointment next week, cancelled and asked about
        connection.exec_driver_sql(
            "INSERT INTO task (id, kind, subject, state, priority, created_at) VALUES "
            "(900, 'answer_cancelled', 'uf:4220', 'open', 2, 1), "
            "(901, 'unmapped_uf', 'uf:9', 'open', 3, 1)"
        )
    reply(room, "Où se garer ?", "+33639980001")
    reply(room, "J'ai très mal à la poitrine", "+33639980002")

    kinds = [one.kind for one in tasks(store, room.rules, now=room.now).tasks]
    assert kinds == ["reply_alert", "reply_question", "answer_cancelled", "unmapped_uf"]


def test_pages_hold_every_task_once(store: Store) -> None:
    room = hospital(store)
    with store.write() as connection:
        for key in range(1, 24):
            connection.exec_driver_sql(
                "INSERT INTO task (id, kind, subject, state, priority, created_at) VALUES "
                f"({key}, 'duplicate', 'uf:{key}', 'open', {key % 4}, {key % 3})"
            )
    seen: list[int] = []
    page = tasks(store, room.rules, limit=5, now=room.now)
    seen += [one.id for one in page.tasks]
    while page.after is not None:
        page = tasks(store, room.rules, limit=5, after=page.after, now=room.now)
        seen += [one.id for one in page.tasks]
    assert sorted(seen) == list(range(1, 24))
    assert len(tasks(store, room.rules, limit=10_000, now=room.now).tasks) == 23


def test_whoever_takes_second_is_told_who_has_it(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Où se garer ?")
    take(store, task, "nadia", now=room.now)
    take(store, task, "nadia", now=room.now)

    for verb in (take, release):
        with pytest.raises(TaskRefused) as refused:
            verb(store, task, "paul", now=room.now)
        assert refused.value.code == "held"
        assert "nadia" in refused.value.sentence
    with pytest.raises(TaskRefused, match="held"):
        resolve(store, room.secret, task, Ending.OTHER, "paul", now=room.now)
    assert room.value("SELECT COUNT(*) FROM task_event WHERE action = 'take'") == 1


def test_of_two_at_the_same_moment_one_wins(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Où se garer ?")

    def attempt(name: str) -> str:
        try:
            take(store, task, name, now=room.now)
        except TaskRefused as refused:
            return refused.sentence
        return "mine"

    with ThreadPoolExecutor(8) as crowd:
        told = list(crowd.map(attempt, [f"agent{n}" for n in range(8)]))

    holder = room.value("SELECT assignee FROM task WHERE id = :id", id=task)
    assert sorted(told) == sorted(["mine"] + [f"{holder} s'en occupe déjà."] * 7)


def test_who_and_when_are_kept(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Où se garer ?")
    take(store, task, "nadia", now=room.now)
    release(store, task, "nadia", now=room.now)
    take(store, task, "paul", now=room.now)
    hand_over(store, room.rules, task, "paul", to="lucie", now=room.now)
    resolve(store, room.secret, task, Ending.MOVED, "lucie", now=room.now)
    reopen(store, room.secret, task, "nadia", now=room.now)

    kept = [(one["actor"], one["action"], one["detail"]) for one in row(room, task)["events"]]
    assert kept == [
        ("nadia", "take", ""), ("nadia", "release", ""), ("paul", "take", ""),
        ("paul", "hand-over", "lucie"), ("lucie", "resolve", "moved"), ("nadia", "reopen", ""),
    ]  # fmt: skip
    assert row(room, task)["state"] == "free"


def test_another_service_gets_its_own_time(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Où se garer ?")
    room.at(room.now + timedelta(hours=3))
    tend(store, room.rules, now=room.now)
    assert row(room, task)["escalated_at"]

    hand_over(store, room.rules, task, "nadia", uf="4230", now=room.now)
    tend(store, room.rules, now=room.now)

    assert row(room, task)["uf"] == "4230"
    assert not row(room, task)["late"]
    assert row(room, task)["escalated_at"] is None
    with pytest.raises(TaskRefused, match="invalid"):
        hand_over(store, room.rules, task, "nadia", uf="0000", now=room.now)
    with pytest.raises(TaskRefused, match="invalid"):
        hand_over(store, room.rules, task, "nadia", now=room.now)


def test_a_confirmation_by_telephone_is_the_patients_answer(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Peut-être")

    resolve(store, room.secret, task, Ending.CONFIRMED, "nadia", now=room.now)
    resolve(store, room.secret, task, Ending.CONFIRMED, "nadia", now=room.now)

    assert room.appointment().answer == "confirmed"
    (said,) = room.rows("SELECT channel, actor, kind FROM answer")
    assert tuple(said) == ("staff", "nadia", "confirmed")
    with pytest.raises(TaskRefused, match="done"):
        resolve(store, room.secret, task, Ending.CANCELLED, "nadia", now=room.now)


def test_a_cancellation_by_telephone_stops_reminders_and_is_passed_on(store: Store) -> None:
    room = hospital(store, visit(1, starts="2026-10-15 15:00"))
    room.read(visit(1, starts="2026-10-15 15:00", patient=someone(1, contacts=())))
    room.plan()
    tend(store, room.rules, now=room.now)
    task = room.value("SELECT MAX(id) FROM task WHERE kind = 'call_no_contact'")

    resolve(store, room.secret, task, Ending.CANCELLED, "nadia", now=room.now)
    room.plan()

    assert room.reasons()["J-1"] == "cancellation_asked"
    assert pass_on(store, now=room.now) == 0
    room.at(room.now + SLIP)
    assert pass_on(store, now=room.now) == 1
    assert room.tasks() == ["answer_cancelled"]
    recorded = room.value("SELECT id FROM task WHERE kind = 'answer_cancelled'")
    tend(store, room.rules, now=room.now)
    resolve(store, room.secret, recorded, Ending.CANCELLED, "nadia", now=room.now)
    assert pass_on(store, now=room.now + SLIP) == 0
    assert room.tasks() == []


def test_a_slip_is_taken_back_with_its_answer(store: Store) -> None:
    room = hospital(store, visit(1, starts="2026-10-15 15:00"))
    room.at(paris("2026-10-12 10:10"))
    room.deliver()
    task = reply(room, "Peut-être")
    resolve(store, room.secret, task, Ending.CONFIRMED, "nadia", now=room.now)
    assert reopen(store, room.secret, task, "nadia", now=room.now) is Reopened.TAKEN_BACK
    assert room.appointment().answer == "none"
    resolve(store, room.secret, task, Ending.CANCELLED, "nadia", now=room.now)
    room.plan()
    assert room.reasons()["J-1"] == "cancellation_asked"

    room.at(room.now + SLIP - timedelta(seconds=1))
    assert reopen(store, room.secret, task, "nadia", now=room.now) is Reopened.TAKEN_BACK
    room.plan()
    assert room.reasons()["J-1"] == "PLANNED"
    room.at(room.now + SLIP)
    assert pass_on(store, now=room.now) == 0
    assert room.tasks() == ["reply_unclear"]


def test_what_was_passed_on_stands_and_is_said(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Peut-être")
    resolve(store, room.secret, task, Ending.CANCELLED, "nadia", now=room.now)
    room.at(room.now + SLIP)
    pass_on(store, now=room.now)
    assert reopen(store, room.secret, task, "nadia", now=room.now) is Reopened.STANDS
    assert room.appointment().answer == "cancelled"
    assert reopen(store, room.secret, task, "nadia", now=room.now) is Reopened.NOTHING

    resolve(store, room.secret, task, Ending.MOVED, "nadia", now=room.now)
    assert reopen(store, room.secret, task, "nadia", now=room.now) is Reopened.NOTHING
    assert room.appointment().answer == "cancelled"


def test_a_number_taken_for_wrong_by_a_slip_is_written_to_again(store: Store) -> None:
    room = hospital(store, visit(1, starts="2026-10-15 15:00"))
    room.at(paris("2026-10-12 10:10"))
    room.deliver()
    task = reply(room, "Peut-être")
    resolve(store, room.secret, task, Ending.WRONG_NUMBER, "nadia", now=room.now)
    room.plan()
    assert room.reasons()["J-1"] == "objection"

    assert reopen(store, room.secret, task, "lucie", now=room.now) is Reopened.TAKEN_BACK
    room.plan()
    assert room.reasons()["J-1"] == "PLANNED"
    (told,) = room.rows("SELECT recorded_by, withdrawn_by, withdrawn_at FROM objection")
    assert (told.recorded_by, told.withdrawn_by) == ("nadia", "lucie")
    assert told.withdrawn_at is not None


def test_after_the_start_nothing_can_be_confirmed(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Peut-être")
    room.at(paris("2026-10-13 09:30"))

    for ending in (Ending.CONFIRMED, Ending.CANCELLED):
        with pytest.raises(TaskRefused, match="past"):
            resolve(store, room.secret, task, ending, "nadia", now=room.now)
    assert room.appointment().answer == "none"
    assert row(room, task)["state"] == "free"
    resolve(store, room.secret, task, Ending.OTHER, "nadia", now=room.now)


def test_a_wrong_number_is_written_to_no_more(store: Store) -> None:
    room = hospital(store, visit(1, starts="2026-10-15 15:00"))
    room.at(paris("2026-10-12 10:10"))
    room.deliver()
    task = reply(room, "Peut-être")

    resolve(store, room.secret, task, Ending.WRONG_NUMBER, "nadia", now=room.now)
    room.plan()
    room.at(paris("2026-10-14 10:05"))
    room.deliver()

    assert len(room.sent) == 1
    assert room.value("SELECT recorded_by FROM objection") == "nadia"


def test_of_two_appointments_one_must_be_named(store: Store) -> None:
    room = hospital(
        store,
        visit(1, starts="2026-10-13 15:00"),
        visit(2, starts="2026-10-13 16:00", patient=someone(1)),
    )
    task = reply(room, "Je ne viens pas")
    assert row(room, task)["kind"] == "reply_which"
    second = room.appointment(2).id

    with pytest.raises(TaskRefused, match="which"):
        resolve(store, room.secret, task, Ending.CANCELLED, "nadia", now=room.now)
    with pytest.raises(TaskRefused, match="invalid"):
        resolve(store, room.secret, task, Ending.CANCELLED, "n", appointment=9**9, now=room.now)
    resolve(store, room.secret, task, Ending.CANCELLED, "nadia", appointment=second, now=room.now)

    assert room.appointment(1).answer == "none"
    assert room.appointment(2).answer == "cancelled"


def test_past_its_deadline_a_task_is_the_escalation_desks_too(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Où se garer ?")  # for tomorrow: an hour, from 10:05
    room.at(paris("2026-10-12 11:04"))
    assert tend(store, room.rules, now=room.now) == 0
    assert not tasks(store, room.rules, late=True, now=room.now).tasks
    assert not tasks(store, room.rules, uf="cadre-nord", now=room.now).tasks

    room.at(paris("2026-10-12 11:05"))
    assert tend(store, room.rules, now=room.now) == 1
    assert tend(store, room.rules, now=room.now) == 0

    for found in (
        tasks(store, room.rules, late=True, now=room.now),
        tasks(store, room.rules, uf="cadre-nord", now=room.now),
        tasks(store, room.rules, uf="4220", now=room.now),
    ):
        assert [one.id for one in found.tasks] == [task]
    assert row(room, task)["escalation_desk"] == "cadre-nord"
    assert not tasks(store, room.rules, uf="4230", now=room.now).tasks


@pytest.mark.parametrize("desk", ["4230", "Imagerie", "imagerie ", "Autre"])
def test_the_recourse_is_a_service_by_its_code_or_name(store: Store, desk: str) -> None:
    services = [DESKS[0] | {"escalation_desk": desk}, DESKS[1] | {"label": "Imagerie"}]
    room = hospital(store, service=services)
    task = reply(room, "Où se garer ?")
    room.at(paris("2026-10-12 11:05"))
    tend(store, room.rules, now=room.now)
    found = tab(store, room.rules, "open", frozenset({"4230"}), me="nadia", now=room.now)
    assert [one.id for one in found.tasks] == ([] if desk == "Autre" else [task])


def test_instructions_not_read_by_j_2_are_a_call_until_they_are(store: Store) -> None:
    room = hospital(store, visit(1, starts="2026-10-16 15:00"), preparation=[SHEET])
    room.at(paris("2026-10-13 23:59"))
    tend(store, room.rules, now=room.now)
    assert room.tasks() == []
    room.at(paris("2026-10-14 00:01"))
    tend(store, room.rules, now=room.now)
    tend(store, room.rules, now=room.now)
    assert room.tasks() == ["call_preparation"]
    (call,) = calls(store, room.rules, WEDNESDAY, now=room.now)
    assert (call.hour, call.telephone, call.whom) == ("15h", "06 39 98 00 01", "le patient")
    assert "Venir à jeun." in call.words

    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO answer (id, appointment_id, cycle, kind, origin, given_at, effective_at) "
            f"VALUES (1, {room.appointment().id}, 1, 'read', 'page:1:a', 1, 1)"
        )
    tend(store, room.rules, now=room.now)
    assert room.tasks() == []
    assert calls(store, room.rules, WEDNESDAY, now=room.now) == []


def test_a_call_nobody_made_leaves_the_list_once_the_appointment_is_past(store: Store) -> None:
    room = hospital(
        store,
        visit(1, starts="2026-10-14 16:00", patient=someone(1, contacts=())),
        visit(2, starts="2026-10-15 16:00", patient=someone(2, contacts=())),
    )
    tend(store, room.rules, now=room.now)
    assert room.tasks() == ["call_no_contact", "call_no_contact"]
    room.at(paris("2026-10-14 17:59"))  # who is late may still be called
    tend(store, room.rules, now=room.now)
    assert len(room.tasks()) == 2
    room.at(paris("2026-10-14 18:01"))
    assert tend(store, room.rules, now=room.now) >= 1
    tend(store, room.rules, now=room.now)
    assert room.tasks() == ["call_no_contact"]
    ended = [row for row in room.rows("SELECT * FROM task_event") if row.action == "resolve"]
    assert [(row.actor, row.detail) for row in ended] == [("reminders", "past")]


@pytest.mark.parametrize(
    ("tried", "back"),
    [
        ("2026-10-14 09:12", "2026-10-14 12:12"),
        ("2026-10-14 15:00", "2026-10-15 08:30"),  # three hours later the desk is closed
        ("2026-10-16 16:00", "2026-10-19 08:30"),  # a Friday
        ("2026-10-20 08:00", "2026-10-20 09:00"),  # half-way to the appointment
    ],
)
def test_whom_nobody_spoke_to_is_called_again_until_the_appointment(
    store: Store, tried: str, back: str
) -> None:
    room = hospital(store, visit(1, starts="2026-10-20 10:00", patient=someone(1, contacts=())))
    tend(store, room.rules, now=room.now)
    task = room.value("SELECT id FROM task WHERE kind = 'call_no_contact'")
    room.at(paris(tried))
    tend(store, room.rules, now=room.now)
    take(store, task, "nadia", now=room.now)
    with pytest.raises(TaskRefused, match="held"):
        resolve(store, room.secret, task, Ending.NO_ANSWER, "paul", now=room.now)
    resolve(store, room.secret, task, Ending.NO_ANSWER, "nadia", now=room.now)
    tend(store, room.rules, now=room.now)
    found = row(room, task)
    assert (found["state"], found["late"], found["escalated_at"]) == ("free", False, None)
    assert room.value("SELECT due_at FROM task WHERE id = :id", id=task) == micros(paris(back))
    assert datetime.fromisoformat(str(found["deadline"])) > paris(back)
    room.at(paris("2026-10-20 12:01"))
    tend(store, room.rules, now=room.now)
    assert row(room, task)["resolution"] == "past"


def test_what_a_patient_asked_waits_for_its_answer_after_the_appointment(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Peut-on garder ses lunettes ?")
    room.at(paris("2026-10-20 09:00"))
    tend(store, room.rules, now=room.now)
    assert row(room, task)["state"] == "free"


def test_calls_of_a_day_come_by_hour_with_what_to_dial(store: Store) -> None:
    child = someone(3, birth_date=date(2015, 3, 2), contacts=())
    room = hospital(
        store,
        visit(1, starts="2026-10-14 16:00", patient=someone(1, contacts=())),
        visit(3, starts="2026-10-14 09:00", patient=child),
        visit(4, starts="2026-10-20 09:00", uf="4230", patient=someone(4, contacts=())),
    )
    tend(store, room.rules, now=room.now)
    monday, next_week = room.now.date(), date(2026, 10, 19)

    listed = calls(store, room.rules, date(2026, 10, 13), now=room.now)
    assert [(call.hour, call.identifier) for call in listed] == [
        ("9h", "0000003"), ("16h", "0000001"),
    ]  # fmt: skip
    assert listed[0].telephone == ""
    assert "4230" not in {call.uf for call in calls(store, room.rules, monday, now=room.now)}
    assert [call.uf for call in calls(store, room.rules, next_week, now=room.now)] == ["4230"]
    assert calls(store, room.rules, next_week, uf="4220", now=room.now) == []


def test_looking_changes_nothing(store: Store) -> None:
    room = hospital(store)
    task = reply(room, "Où se garer ?")
    before = room.outbox(), room.rows("SELECT * FROM task_event")

    tasks(store, room.rules, now=room.now)
    row(room, task)
    calls(store, room.rules, room.now.date(), now=room.now)

    assert (room.outbox(), room.rows("SELECT * FROM task_event")) == before


@pytest.mark.parametrize("verb", [take, release])
def test_an_unknown_task_is_said_to_be_unknown(store: Store, verb: Any) -> None:
    room = hospital(store)
    with pytest.raises(TaskRefused, match="unknown"):
        verb(store, 9**9, "nadia", now=room.now)
    with pytest.raises(TaskRefused, match="unknown"):
        resolve(store, room.secret, 9**9, Ending.OTHER, "nadia", now=room.now)
    with pytest.raises(TaskRefused, match="unknown"):
        reopen(store, room.secret, 9**9, "nadia", now=room.now)
    assert whole(store, room.rules, 9**9, now=room.now) is None


def test_bells_that_ring_at_once_do_each_thing_once(store: Store) -> None:
    room = hospital(store, preparation=[SHEET])
    for text in ("Où se garer ?", "Peut-être", "J'ai mal au ventre"):
        said = InboundSms(f"in-{text}", "+33639980001", "+33639989999", text)
        receive(room.store, room.secret, "main", Received(replies=(said,)), now=room.now)
    take_replies(room.store, room.rules, room.secret, now=room.now)
    room.at(paris("2026-10-12 17:00"))

    with ThreadPoolExecutor(6) as bells:
        list(bells.map(lambda _: tend(store, room.rules, now=room.now), range(6)))
    tend(store, room.rules, now=room.now)

    escalated = [event.task_id for event in room.rows("SELECT task_id FROM task_event")]
    assert len(escalated) == len(set(escalated)) == 3
    assert room.tasks().count("call_preparation") == 1
    assert room.value("SELECT COUNT(*) FROM task WHERE deadline_at IS NULL") == 0


def test_every_reply_and_call_has_suggested_words() -> None:
    asked = {kind for kind in SENTENCES if kind.startswith(("reply_", "call_"))}
    assert asked - set(WORDS) == set()
