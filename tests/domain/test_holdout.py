"""Who is held out, what is never withheld, when an appointment becomes a unit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.holdout import (
    Arm,
    Excluded,
    Holdout,
    arm_of,
    entry_moment,
    exclusion,
    first_of_each,
    services_as_text,
    services_of_text,
)
from reminders.domain.preparation import Preparation
from reminders.domain.protocol import Address, Booking, LastTold, Person, Step, decide
from tests.properties.cases import cases
from tests.support.bookings import PARIS, STEPS, booking, paris, person, unit

SALT = bytes(range(32))
NOW = paris("2026-06-01 09:00")
HOLDOUT = Holdout(1, 0.1, SALT, NOW, NOW + timedelta(days=365))


def held(share: float, salt: bytes = SALT, patients: int = 20_000) -> set[int]:
    return {one for one in range(patients) if arm_of(salt, one, share) is Arm.HELD}


def test_the_draw_holds_out_the_share_agreed() -> None:
    assert len(held(0.1)) == pytest.approx(2_000, abs=4 * (20_000 * 0.09) ** 0.5)


def test_the_draw_is_the_same_for_ever_and_another_salt_is_another_draw() -> None:
    assert held(0.1) == held(0.1)
    both = held(0.1) & held(0.1, salt=bytes(32))
    assert len(both) == pytest.approx(200, abs=60)  # as two independent draws have in common


def test_a_larger_share_keeps_whom_a_smaller_one_held() -> None:
    assert held(0.05) < held(0.1) < held(0.5)


@pytest.mark.parametrize("share", [0.0, -0.1, 0.51, 1.0])
def test_nobody_or_more_than_half_cannot_be_held_out(share: float) -> None:
    with pytest.raises(ValueError, match="at most half"):
        replace(HOLDOUT, share=share)


# --- what is left out ----------------------------------------------------------------------------

FASTING = Preparation("coloscopie", sms="A jeun depuis la veille.")


@pytest.mark.parametrize(
    ("changes", "sheet", "language", "why"),
    [
        ({}, None, "", Excluded.NO),
        ({}, None, "fr-FR", Excluded.NO),
        ({"booking": {"uf": "9000"}}, None, "", Excluded.SERVICE),
        ({"booking": {"unit": unit(sensitivity="neutral")}}, None, "", Excluded.NEUTRAL),
        ({}, FASTING, "", Excluded.PREPARATION),
        ({}, Preparation("x", instructions="Vessie pleine."), "", Excluded.PREPARATION),
        ({}, Preparation("x", acknowledge=True), "", Excluded.PREPARATION),
        ({}, Preparation("x", documents=("Carte Vitale",)), "", Excluded.NO),
        ({"person": {"protected": True}}, None, "", Excluded.PROTECTED),
        ({}, None, "ar", Excluded.INTERPRETER),
    ],
)
def test_what_must_never_be_withheld_is_left_out_before_the_draw(
    changes: dict[str, dict[str, Any]], sheet: Preparation | None, language: str, why: Excluded
) -> None:
    who = person(**changes.get("person", {}))
    visit = booking("2026-06-20 09:00", **changes.get("booking", {}))
    found = exclusion(replace(HOLDOUT, ufs=frozenset({"9000"})), who, visit, sheet, language)
    assert found is why


def test_services_left_out_are_written_and_read_again() -> None:
    assert services_of_text(services_as_text(frozenset({"2", "1"}))) == {"1", "2"}
    assert services_of_text("") == frozenset()


# --- when an appointment becomes a unit ----------------------------------------------------------


def entry(starts: str = "2026-06-20 09:00", now: datetime = NOW, **changes: Any) -> str | None:
    found = entry_moment(person(), booking(starts, **changes), now=now)
    return None if found is None else f"{found.astimezone(PARIS):%d %H:%M}"


def test_it_is_the_morning_the_first_reminder_is_due() -> None:
    assert entry() == "13 09:00"  # J-7


def test_one_booked_after_that_enters_at_the_step_it_still_gets() -> None:
    assert entry(booked_at=paris("2026-06-14 11:00"), now=paris("2026-06-14 11:01")) == "17 09:00"


def test_one_first_seen_while_its_reminder_could_still_leave_enters_now() -> None:
    assert entry(now=paris("2026-06-13 15:00")) == "13 15:00"


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled"},
        {"status": "pending"},
        {"all_day": True},
        {"unit": None},
        {"unit": unit(sensitivity="excluded")},
        {"unit": unit(steps=())},
        {"unit": unit(steps=(Step("booking", "booking", None),))},
        {"answer": "cancelled"},
        {"booked_at": paris("2026-06-19 17:00")},  # too late for any step
    ],
)
def test_what_would_get_no_reminder_is_no_unit(changes: dict[str, Any]) -> None:
    late = "booked_at" in changes
    assert entry(now=paris("2026-06-19 21:00") if late else NOW, **changes) is None


def test_a_blocked_person_is_no_unit() -> None:
    dead = person(blocked="deceased")
    assert entry_moment(dead, booking("2026-06-20 09:00"), now=NOW) is None


@given(cases())
def test_whether_somebody_can_be_reached_plays_no_part(
    case: tuple[Person, tuple[Booking, ...]],
) -> None:
    who, bookings = case
    unreachable = replace(who, addresses=(), objects=frozenset({"sms", "email"}))
    for one in bookings:
        deaf = replace(one, objects=frozenset({"sms", "email"}))
        for now in (one.starts_at - timedelta(days=ahead) for ahead in (1, 5, 20)):
            assert entry_moment(who, one, now=now) == entry_moment(unreachable, deaf, now=now)


def test_the_same_appointment_told_twice_is_one_unit() -> None:
    twice = [booking("2026-06-20 09:00", 2, source="ris"), booking("2026-06-20 09:00", 1)]
    assert [one.id for one in first_of_each(twice)] == [1]
    cancelled = [booking("2026-06-20 09:00", 1, status="cancelled"), twice[0]]
    assert [one.id for one in first_of_each(cancelled)] == [1, 2]


# --- what is withheld ----------------------------------------------------------------------------

BOOKED = (Step("booking", "booking", None), *STEPS)


def reasons(now: datetime = NOW, **changes: Any) -> dict[str, str]:
    visit = booking("2026-06-20 09:00", withheld=True, **changes)
    return {
        one.step: "PLANNED" if one.planned else one.reason
        for one in decide(person(), (visit,), now=now)
    }


def test_every_reminder_is_withheld_and_nothing_else() -> None:
    seen = paris("2026-06-01 08:00")
    told = reasons(unit=unit(steps=BOOKED), booked_at=seen, first_seen_at=seen)
    assert told == {"booking": "PLANNED", "J-7": "holdout", "J-3": "holdout", "J-1": "holdout"}


def test_it_is_withheld_before_anybody_asks_whether_the_patient_can_be_reached() -> None:
    visit = booking("2026-06-20 09:00", withheld=True)
    for who in (person(addresses=()), person(objects=frozenset({"sms"}))):
        assert {one.reason for one in decide(who, (visit,), now=NOW)} == {"holdout"}


def test_a_correction_is_told_to_everybody() -> None:
    told = LastTold(paris("2026-06-19 09:00"), "sud:Accueil B2", cycle=1)
    moved = paris("2026-06-05 10:00")
    found = reasons(cycle=2, told=told, version_at=moved, now=moved)
    assert found == {"correction": "PLANNED", "J-7": "holdout", "J-3": "holdout", "J-1": "holdout"}


def test_who_booked_late_gets_the_acknowledgement_in_place_of_the_withheld_step() -> None:
    late = paris("2026-06-18 11:00")
    changes: dict[str, Any] = {"unit": unit(steps=BOOKED), "booked_at": late, "first_seen_at": late}
    assert reasons(now=late, **changes)["booking"] == "PLANNED"
    visit = booking("2026-06-20 09:00", **changes)
    reminded = {one.step: one.reason for one in decide(person(), (visit,), now=late)}
    assert reminded["booking"] == "booked_late"


@given(cases(), st.integers(0, 20))
def test_withholding_one_appointment_never_takes_a_message_from_another(
    case: tuple[Person, tuple[Booking, ...]], ahead: int
) -> None:
    who, bookings = case
    now = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=ahead)
    first = bookings[0]
    others = {
        (one.booking.id, one.step)
        for one in decide(who, bookings, now=now)
        if one.planned and one.booking.id != first.id
    }
    withheld = tuple(replace(one, withheld=one.id == first.id) for one in bookings)
    after = {
        (one.booking.id, one.step)
        for one in decide(who, withheld, now=now)
        if one.planned and one.booking.id != first.id
    }
    assert others <= after


def test_the_address_plays_no_part_in_the_arm() -> None:
    """Our key of the patient alone: a new number is the same arm."""
    who = person(addresses=(Address("sms", "+33639980099", "Europe/Paris"),))
    assert arm_of(SALT, who.id, 0.1) is arm_of(SALT, person().id, 0.1)


@given(cases())
def test_no_reminder_leaves_before_its_appointment_is_a_unit(
    case: tuple[Person, tuple[Booking, ...]],
) -> None:
    """Else a cancellation between the two would leave one arm only."""
    who, bookings = case
    now = min(one.starts_at for one in bookings) - timedelta(days=20)
    fresh = tuple(replace(one, taken={}, marks={}, told=None) for one in bookings)
    for one in decide(who, fresh, now=now):
        if one.planned and one.day is not None:
            moment = entry_moment(who, one.booking, now=now)
            assert moment is not None
            assert one.earliest_at is not None
            assert moment <= max(now, one.earliest_at)
