"""The plan in the outbox: what is written, withdrawn, corrected, told once, merged."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from reminders.domain.appointment import CancelledBy, ContactPoint, Status
from reminders.services.deliver import Answer
from reminders.services.plan import PlanSummary, _Chunk
from reminders.store import planning
from reminders.store.engine import Store, open_engine, run
from reminders.store.types import instant
from tests.services.test_deliver import STEP, at_once, with_mail
from tests.support.clinic import paris, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom
from tests.support.stores import address


def planned(store: Store, *records: object, **changes: object) -> Mailroom:
    room = Mailroom(store)
    room.read(*(records or visits([1])), **changes)  # type: ignore[arg-type]
    room.release()
    room.plan()
    return room


def told(store: Store, **changes: object) -> Mailroom:
    """The confirm step of one visit has left."""
    room = planned(store, visit(1, **changes))  # type: ignore[arg-type]
    room.at(STEP)
    room.deliver()
    assert len(room.sent) == 1
    return room


def test_planning_a_hundred_times_writes_the_same_rows(store: Store) -> None:
    room = planned(store, *visits([1, 2, 3]))
    before = room.outbox()
    for _ in range(100):
        room.plan_everybody()
    assert room.outbox() == before


def test_two_planners_at_once_write_each_row_once(store: Store) -> None:
    room = Mailroom(store)
    room.read(*visits(list(range(1, 301))))
    room.release()
    at_once([room.plan] * 3)
    room.plan()
    assert room.value("SELECT COUNT(*) FROM message") == 900
    assert room.value("SELECT COUNT(*) FROM decision") == 900
    before = room.outbox()
    room.plan_everybody()
    assert room.outbox() == before


def test_a_mark_set_while_a_planner_clears_another_is_kept(store: Store) -> None:
    """The planner has read the patient's facts; an objection comes before it commits."""
    room = planned(store, visit(1))
    room.plan_everybody()
    other = Mailroom(Store(open_engine(address(store))), room.now)
    objecting = threading.Thread(target=lambda: other.object("06 39 98 00 01"))
    with store.write() as connection:
        run(connection, "UPDATE patient SET dirty = 1")
    with store.write() as connection:
        patients = planning.dirty_patients(connection, 0)
        _Chunk(connection, room.rules, room.secret, room.now).plan(patients, PlanSummary())
        objecting.start()
        objecting.join(0.5)
    objecting.join()
    other.store.close()
    room.plan()
    assert set(room.states()) == {"CANCELLED"}


def test_a_move_withdraws_what_has_not_left_and_plans_afresh(store: Store) -> None:
    room = planned(store)
    room.read(visit(1, "2026-10-27 14:00"), mode="delta")
    room.plan()
    assert room.states().count("CANCELLED") == 3
    assert room.reasons() == {"J-7": "PLANNED", "J-3": "PLANNED", "J-1": "PLANNED"}
    old = room.rows("SELECT DISTINCT reason FROM decision WHERE cycle = 1")
    assert [row.reason for row in old] == ["moved"]


def test_a_cancellation_before_any_text_says_nothing(store: Store) -> None:
    room = planned(store)
    room.read(visit(1, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL), mode="delta")
    room.plan()
    assert set(room.states()) == {"CANCELLED"}
    assert room.tasks() == []


def test_booked_again_it_is_planned_again(store: Store) -> None:
    room = planned(store)
    room.read(visit(1, status=Status.CANCELLED), mode="delta")
    room.plan()
    room.read(visit(1), mode="delta")
    room.plan()
    assert set(room.reasons().values()) == {"PLANNED"}


def test_a_move_after_a_text_is_corrected_once(store: Store) -> None:
    room = told(store)
    room.read(visit(1, "2026-10-27 14:00"), mode="delta")
    room.plan()
    room.deliver()
    assert len(room.sent) == 2
    assert "27/10 à 14h" in room.sent[1].text
    room.plan_everybody()
    room.deliver()
    assert len(room.sent) == 2


def test_a_second_move_before_the_correction_left_is_told_in_one(store: Store) -> None:
    room = told(store)
    for start in ("2026-10-27 14:00", "2026-10-28 15:00"):
        room.read(visit(1, start), mode="delta")
        room.plan()
    room.deliver()
    assert ["28/10 à 15h" in sent.text for sent in room.sent] == [False, True]


def test_moved_there_and_back_before_the_correction_left_says_nothing(store: Store) -> None:
    room = told(store)
    room.read(visit(1, "2026-10-27 14:00"), mode="delta")
    room.plan()
    room.read(visit(1), mode="delta")
    room.plan()
    room.deliver()
    assert len(room.sent) == 1


def test_a_step_that_would_repeat_the_correction_is_left_out(store: Store) -> None:
    room = told(store)
    room.read(visit(1, "2026-10-20 16:00"), mode="delta")
    room.plan()
    assert room.reasons()["J-3"] == "already_told"
    assert room.reasons()["J-1"] == "PLANNED"


def test_a_move_of_a_text_told_to_somebody_else_is_no_correction(store: Store) -> None:
    """The appointment was booked under the wrong patient: the right one was told nothing."""
    room = told(store)
    room.read(visit(1, "2026-10-27 14:00", patient=someone(2)), mode="delta")
    room.plan()
    assert "correction" not in room.reasons()


def test_a_cancelled_appointment_is_told_once(store: Store) -> None:
    room = told(store)
    gone = visit(1, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL)
    room.read(gone, mode="delta")
    for _ in range(2):
        room.plan_everybody()
        room.deliver()
    assert len(room.sent) == 2
    assert "annulé" in room.sent[1].text
    assert "20/10 à 9h30" in room.sent[1].text


def test_a_cancellation_within_a_day_is_a_call(store: Store) -> None:
    room = told(store)
    room.at(paris("2026-10-19 11:00"))
    room.deliver()
    gone = visit(1, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL)
    room.read(gone, mode="delta")
    room.plan()
    assert room.tasks() == ["call_cancelled"]
    assert room.reasons()["notice"] == "call_instead"


def test_same_day_appointments_share_a_message_until_one_moves(store: Store) -> None:
    both = [visit(1), visit(2, "2026-10-20 15:00", patient=someone(1))]
    room = planned(store, *both)
    assert len(room.states()) == 3
    room.read(replace(both[0], starts_at=paris("2026-10-22 09:30")), mode="delta")
    room.plan()
    room.at(STEP)
    room.deliver()
    [sent] = room.sent
    assert "à 15h" in sent.text
    assert "9h30" not in sent.text


@pytest.mark.parametrize("gone", [0, 1])
def test_of_two_merged_the_other_is_still_told_when_one_is_cancelled(
    store: Store, gone: int
) -> None:
    both = [visit(1), visit(2, "2026-10-20 15:00", patient=someone(1))]
    room = planned(store, *both)
    room.read(replace(both[gone], status=Status.CANCELLED), mode="delta")
    room.plan()
    room.at(STEP)
    room.deliver()
    [sent] = room.sent
    assert ("15h" in sent.text, "9h30" in sent.text) == (gone == 0, gone == 1)
    room.plan_everybody()
    room.deliver()
    assert len(room.sent) == 1


def test_a_booking_that_joins_a_leased_message_is_not_lost_in_it(store: Store) -> None:
    """The text being rendered does not name it: it must not count as told."""
    room = planned(store)
    room.at(STEP)
    [envelope] = room.window().envelopes
    late = visit(2, "2026-10-20 15:00", patient=someone(1), booked_at=paris("2026-10-01 10:00"))
    room.read(late, mode="delta")
    room.plan()
    room.record([envelope], Answer.ACCEPTED)
    room.plan()
    told_of = room.rows(
        "SELECT COUNT(*) FROM message_item i JOIN decision d ON d.id = i.decision_id "
        "JOIN appointment a ON a.id = d.appointment_id JOIN message m ON m.id = i.message_id "
        "WHERE a.external_id = 'R2' AND m.state = 'ACCEPTED'"
    )
    assert told_of[0][0] == 0
    assert room.reasons(2)["J-1"] == "PLANNED"


def test_one_reminder_a_day_also_after_the_first_ones_visit_is_cancelled(store: Store) -> None:
    first = visit(1)
    second = visit(2, "2026-10-24 11:00", patient=someone(1))  # J-7 on the 17th too
    room = planned(store, first, second)
    assert room.reasons(2)["J-7"] == "cap_day"
    room.at(STEP)
    room.deliver()
    gone = replace(first, status=Status.CANCELLED, cancelled_by=CancelledBy.PATIENT)
    room.read(gone, mode="delta")
    room.plan()
    room.deliver()
    assert len(room.sent) == 1
    assert room.reasons(2)["J-7"] == "cap_day"


def test_what_a_message_stood_in_the_way_of_is_planned_when_it_expires(store: Store) -> None:
    """The first visit's step ends at noon, unsent; the second's may still leave that day."""
    protocol = {
        "id": "default",
        "step": [{"id": "J-3", "day": 3, "template": "confirm", "latest": "12:00"}],
    }
    evening = {"id": "evening", "step": [{"id": "J-4", "day": 4, "template": "short"}]}
    service = [
        {"uf": "4220", "site": "sud", "label": "Consultations, accueil B2"},
        {"uf": "4230", "site": "sud", "label": "Imagerie, accueil C1", "protocol": "evening"},
    ]
    settings = settings_with(**LIVE, protocol=[protocol, evening], service=service)
    room = Mailroom(store, settings=settings)
    room.read(visit(1), visit(2, "2026-10-21 11:00", uf="4230", patient=someone(1)))
    room.release()
    room.plan()
    assert room.reasons(2)["J-4"] == "cap_day"
    room.at(paris("2026-10-17 12:30"))
    room.plan()
    room.deliver()
    assert [("21/10" in sent.text) for sent in room.sent] == [True]


def test_why_it_was_decided_against_outlives_its_moment(store: Store) -> None:
    room = Mailroom(store)
    room.read(visit(1, patient=someone(1, deceased=True)))
    room.release()
    room.plan()
    room.at(paris("2026-10-19 21:00"))
    room.plan_everybody()
    assert set(room.reasons().values()) == {"deceased"}


def test_refusing_messages_in_the_dpi_is_an_objection_not_a_call(store: Store) -> None:
    room = planned(store, visit(1, patient=someone(1, sms_refused=True)))
    assert set(room.reasons().values()) == {"objection"}
    assert room.tasks() == []


def test_no_address_is_a_line_of_the_call_list_once(store: Store) -> None:
    room = planned(store, visit(1, patient=someone(1, contacts=())))
    room.plan_everybody()
    assert room.tasks() == ["call_no_contact"]


def test_an_objection_by_email_is_one_however_it_is_spelt(store: Store) -> None:
    mail = ContactPoint("email", "Lea.Exemple@Example.org")
    room = planned(store, visit(1, patient=someone(1, contacts=(mail,))))
    assert room.states() == ["PLANNED"] * 3
    room.object("lea.exemple@example.ORG")
    room.plan()
    assert room.states() == ["CANCELLED"] * 3
    new = someone(2, contacts=(ContactPoint("email", "LEA.EXEMPLE@example.org"),))
    room.read(visit(2, patient=new), mode="delta")
    room.plan()
    assert set(room.reasons(2).values()) == {"objection"}


def test_an_opposed_number_given_to_another_patient_stays_opposed(store: Store) -> None:
    room = planned(store)
    room.object("06 39 98 00 01")
    heir = someone(2, contacts=(ContactPoint("phone", "06 39 98 00 01"),))
    room.read(visit(2, patient=heir), mode="delta")
    room.plan()
    assert set(room.reasons(2).values()) == {"objection"}


def test_a_new_hour_of_a_step_moves_messages_that_wait(store: Store) -> None:
    room = planned(store)
    steps = [{"id": "J-3", "day": 3, "hour": "15:00", "template": "confirm"}]
    room.settings = settings_with(**LIVE, protocol=[{"id": "default", "step": steps}])
    room.plan_everybody()
    opens = room.rows("SELECT opens_at FROM message WHERE state = 'PLANNED'")
    assert [instant(row.opens_at) for row in opens] == [paris("2026-10-17 15:00")]


def test_a_booking_is_acknowledged_by_a_message_of_its_own_kind(store: Store) -> None:
    steps = [
        {"id": "booking", "day": "booking", "template": "booking"},
        {"id": "J-1", "day": 1, "template": "short"},
    ]
    settings = settings_with(**LIVE, protocol=[{"id": "default", "step": steps}])
    room = Mailroom(store, settings=settings)
    room.read(visit(1))
    room.release()
    room.pass_days(0.1)
    room.read(visit(2, booked_at=room.now - timedelta(minutes=10)), mode="delta")
    room.plan()
    assert [m for m in room.messages() if m[0] == "booking"] == [("booking", "sms", "PLANNED")]
    assert room.reasons(1)["booking"] == "first_sync"
    room.deliver()
    assert "enregistré" in room.sent[0].text
    room.plan_everybody()
    room.deliver()
    assert len(room.sent) == 1


def test_the_next_channel_is_planned_after_a_refusal_only(store: Store) -> None:
    room = planned(store, visit(1, patient=with_mail(1)))
    room.at(STEP)
    [envelope] = room.window().envelopes
    for answer, expected in ((Answer.NOT_SENT, 0), (Answer.REFUSED, 1)):
        room.record([envelope], answer, code="c")
        room.plan()
        assert room.messages().count(("confirm", "email", "PLANNED")) == expected
        room.at(room.now + timedelta(hours=1))
        if answer is Answer.NOT_SENT:
            [envelope] = room.window().envelopes
