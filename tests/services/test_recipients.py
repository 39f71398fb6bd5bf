"""A number told by telephone is where the next text goes, until it ends (ADR 0012, R15)."""

from datetime import date
from typing import Any

import pytest

from reminders.domain.appointment import ContactPoint, Holder, PatientRecord
from reminders.services import recipients
from reminders.services.deliver import Answer
from reminders.services.object import object_address
from reminders.services.recipients import NotTold, Told
from reminders.store import outbox
from reminders.store.engine import Store
from reminders.store.types import micros
from tests.support.clinic import paris, someone, visit
from tests.support.mailroom import Mailroom

OLD, NEW = "+33639980001", "+33639985555"


def phone(number: str, holder: Holder = Holder.SELF) -> ContactPoint:
    return ContactPoint("phone", number, "", 0, holder)


def room_of(store: Store, patient: PatientRecord | None = None) -> Mailroom:
    room = Mailroom(store)
    room.read(visit(1, patient=patient or someone(1)))
    room.release()
    room.plan()
    return room


def tell(room: Mailroom, relation: str = "patient", number: str = NEW, **changes: Any) -> bool:
    told = Told(relation, number, changes.get("email", ""))
    return recipients.tell(
        room.store, room.secret, room.patient(1).id, told,
        origin=changes.get("origin", "f1"), by="nadia", now=room.now,
    )  # fmt: skip


def withdraw(room: Mailroom) -> bool:
    return recipients.withdraw(
        room.store, room.secret, room.patient(1).id, by="nadia", now=room.now
    )


def sent_by(room: Mailroom, moment: str) -> list[str]:
    """Whom the texts due by then went to."""
    room.plan()
    room.at(paris(moment))
    room.deliver()
    return [one.to for one in room.sent]


J3, J1 = "2026-10-17 10:05", "2026-10-19 10:05"


def test_the_next_text_goes_where_it_was_told_and_back_once_withdrawn(store: Store) -> None:
    room = room_of(store)
    assert tell(room)
    assert sent_by(room, J3) == [NEW]
    assert withdraw(room)
    assert sent_by(room, J1) == [NEW, OLD]
    assert not withdraw(room)


def test_a_leased_text_does_not_leave_for_the_old_number(store: Store) -> None:
    room = room_of(store)
    room.at(paris(J3))
    at = micros(room.now)
    with store.write() as connection:
        token, [leased] = outbox.lease(connection, "sms", now=at, until=at + 10**8, limit=10)
    tell(room, "helper")
    with store.write() as connection:
        assert outbox.permit(connection, token, [leased.id], now=at) == set()
    assert sent_by(room, "2026-10-17 10:30") == [NEW]


def test_what_came_back_unsent_goes_to_the_helper_alone(store: Store) -> None:
    """On its way when the helper was told, certainly not sent, and due again before the plan."""
    room = room_of(store)
    room.at(paris(J3))
    envelopes = room.window().envelopes
    tell(room, "helper")
    room.record(envelopes, Answer.NOT_SENT, code="refused", elsewhere=True)
    assert room.window().envelopes == []
    assert sent_by(room, "2026-10-17 10:30") == [NEW]


def test_the_helpers_text_speaks_of_a_relative(store: Store) -> None:
    room = room_of(store)
    tell(room, "helper")
    assert sent_by(room, J3) == [NEW]
    assert room.value("SELECT relation FROM message WHERE state = 'ACCEPTED'") == "helper"


def test_telling_the_same_form_twice_is_once(store: Store) -> None:
    room = room_of(store)
    assert tell(room)
    assert not tell(room)
    assert room.value("SELECT COUNT(*) FROM recipient") == 1


def test_a_second_telling_takes_the_place_of_the_first(store: Store) -> None:
    room = room_of(store)
    tell(room)
    tell(room, "helper", "+33639986666", origin="f2")
    assert sent_by(room, J3) == ["+33639986666"]
    withdraw(room)
    assert sent_by(room, J1)[1:] == [OLD]
    ended = room.rows("SELECT ended FROM recipient ORDER BY id")
    assert [one.ended for one in ended] == ["replaced", "withdrawn"]


def test_it_stands_while_the_dpi_repeats_itself(store: Store) -> None:
    room = room_of(store)
    tell(room)
    room.pass_days(1)
    room.read(visit(1, patient=someone(1, family="AUTRE")))  # all but the contacts changes
    assert room.patient(1).family == "AUTRE"
    assert sent_by(room, J3) == [NEW]


def test_the_dpis_newer_contact_counts_before_it(store: Store) -> None:
    room = room_of(store)
    tell(room)
    room.pass_days(1)
    room.read(visit(1, patient=someone(1, contacts=(phone("06 39 98 44 44"),))))
    assert sent_by(room, J3) == ["+33639984444"]
    assert room.value("SELECT ended FROM recipient") == "dpi"


def test_another_source_that_knows_an_older_number_does_not_end_it(store: Store) -> None:
    room = room_of(store)
    tell(room)
    room.pass_days(1)
    old = someone(1, contacts=(phone("06 39 98 33 33"),))
    room.read(visit(7, patient=old, uf="4230", starts="2026-11-20 09:00"), source="autre")
    room.release()
    assert sent_by(room, J3) == [NEW]
    assert room.value("SELECT COUNT(*) FROM recipient WHERE ended_at IS NULL") == 1


def test_an_objection_at_the_new_number_is_heeded(store: Store) -> None:
    room = room_of(store)
    object_address(store, room.secret, NEW, now=room.now, by="test")
    change = recipients.look(
        store, room.secret, room.patient(1).id, Told("patient", NEW), now=room.now
    )
    assert change.objecting == {"sms"}
    tell(room)
    assert sent_by(room, J1) == []


def test_what_will_change_is_said_before(store: Store) -> None:
    room = room_of(store)
    change = recipients.look(
        store, room.secret, room.patient(1).id, Told("helper", NEW), now=room.now
    )
    assert (change.phone, change.before, change.waiting) == (NEW, (OLD, ""), len(room.states()))
    assert room.patient(1).told == ""


CHILD = someone(1, birth_date=date(2015, 5, 5), contacts=(phone("0639980009", Holder.PARENT),))
PROTECTED = someone(
    1, protected_adult=True, contacts=(phone("0639980001"), phone("0639980008", Holder.GUARDIAN))
)


@pytest.mark.parametrize(
    ("patient", "allowed"),
    [
        (someone(1), {"patient", "helper"}),
        (CHILD, {"parent", "guardian"}),
        (PROTECTED, {"guardian"}),
    ],
)  # fmt: skip
def test_who_answers_for_somebody_is_not_changed_by_telephone(
    store: Store, patient: PatientRecord, allowed: set[str]
) -> None:
    room = room_of(store, patient)
    for relation in ("patient", "parent", "guardian", "helper", "oncle"):
        if relation in allowed:
            tell(room, relation, origin=relation)
            continue
        with pytest.raises(NotTold) as refused:
            tell(room, relation, origin=relation)
        assert refused.value.field == "relation"
    assert sent_by(room, J3) == [NEW]


def test_only_what_can_be_written_to_is_taken(store: Store) -> None:
    room = room_of(store)
    for number, email, field in (
        ("01 99 00 12 34", "", "phone"), ("12", "", "phone"), ("", "", "phone"),
        ("", "a@b", "email"),
    ):  # fmt: skip
        with pytest.raises(NotTold) as refused:
            tell(room, "patient", number, email=email)
        assert refused.value.field == field
    assert room.patient(1).phone == OLD


def test_of_age_the_patient_is_written_to_again(store: Store) -> None:
    """A parent told for a minor is written to until the birthday."""
    teen = someone(
        1, birth_date=date(2008, 10, 18), contacts=(phone("0639980001"),
                                                    phone("0639980009", Holder.PARENT)),
    )  # fmt: skip
    room = room_of(store, teen)
    tell(room, "parent")
    assert sent_by(room, J3) == [NEW]
    assert sent_by(room, J1) == [NEW, OLD]


def test_nothing_is_told_of_the_dead(store: Store) -> None:
    room = room_of(store)
    room.pass_days(0.1)
    room.read(visit(1, patient=someone(1, deceased=True)))
    with pytest.raises(NotTold):
        tell(room)
