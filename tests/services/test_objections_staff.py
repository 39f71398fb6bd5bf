"""Objections as the desk records, lists and ends them."""

from typing import Any

import pytest

from reminders.services.object import object_address, object_person, withdraw_one
from reminders.store import objections
from reminders.store.engine import Store
from tests.support.clinic import paris, visit
from tests.support.mailroom import Mailroom

NUMBER = "+33639980001"


@pytest.fixture
def room(store: Store) -> Mailroom:
    room = Mailroom(store)
    room.read(visit(1), visit(2, uf="4230"))
    room.release()
    room.plan()
    return room


def told(room: Mailroom, **changes: Any) -> int:
    return object_person(
        room.store, room.secret, [room.patient(1).id], now=room.now, by="nadia", **changes
    )


def sent(room: Mailroom, moment: str) -> list[str]:
    room.plan()
    room.at(paris(moment))
    room.deliver()
    return [one.to for one in room.sent]


def listed(room: Mailroom, **filters: Any) -> list[Any]:
    with room.store.read() as connection:
        found = objections.page(connection, **({"before": 2**62, "limit": 50} | filters))
    return list(found)


def end(room: Mailroom, objection: int) -> bool:
    return withdraw_one(room.store, room.secret, objection, [NUMBER], now=room.now, by="paul")


J3, J1 = "2026-10-17 10:05", "2026-10-19 10:05"


def test_about_the_patient_wherever_it_would_go_until_withdrawn(room: Mailroom) -> None:
    assert told(room) == 1
    assert told(room) == 0
    assert sent(room, J3) == ["+33639980002"]
    [one] = listed(room)
    assert (one.origin, one.recorded_by, one.scope) == ("staff", "nadia", "all")
    assert end(room, one.id)
    assert not end(room, one.id)
    assert sorted(sent(room, J1)[1:]) == [NUMBER, "+33639980002"]
    [ended] = listed(room)
    assert ended.withdrawn_by == "paul"


def test_an_appointment_alone_leaves_the_others(room: Mailroom) -> None:
    told(room, scope=f"appointment:{room.appointment(1).id}")
    assert sent(room, J3) == ["+33639980002"]
    [one] = listed(room)
    assert (one.uf, one.starts_at) == ("4220", room.appointment(1).starts_at)


def test_a_number_that_wants_nothing_is_told_for_everybody_it_serves(room: Mailroom) -> None:
    told(room, address=NUMBER)
    assert sent(room, J3) == ["+33639980002"]
    [one] = listed(room)
    end(room, one.id)
    assert NUMBER in sent(room, J1)


def test_what_was_told_together_ends_together(room: Mailroom) -> None:
    """Else the row of the other patient would still stand at the number."""
    room.pass_days(0.1)
    room.read(visit(1), visit(2, uf="4230"), visit(3, patient=visit(1).patient))
    object_address(room.store, room.secret, NUMBER, now=room.now, by="nadia")
    end(room, listed(room)[0].id)
    assert listed(room, state="active") == []


def test_the_list_is_filtered_and_read_page_by_page(room: Mailroom) -> None:
    told(room, channel="sms")
    told(room, channel="email", scope="service:4220")
    told(room, scope=f"appointment:{room.appointment(1).id}")
    assert [one.channel for one in listed(room)] == ["all", "email", "sms"]
    assert len(listed(room, channel="sms")) == len(listed(room, scope="service")) == 1
    assert len(listed(room, origin="staff")) == 3
    assert listed(room, origin="provider") == listed(room, state="ended") == []
    first = listed(room, limit=2)
    assert [one.channel for one in listed(room, before=first[-1].id)] == ["sms"]


def test_a_service_lists_its_own_patients_and_what_is_nobodys(room: Mailroom) -> None:
    told(room)
    told(room, scope="service:4220")
    object_address(room.store, room.secret, "06 39 98 66 66", now=room.now, by="nadia")
    assert [one.patient_id is None for one in listed(room, ufs=["4230"])] == [True]
    assert len(listed(room, ufs=["4220"])) == 3
