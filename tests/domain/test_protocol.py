"""When a patient is written to about an appointment, and why not."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from reminders.domain.calendar import ContactHours
from reminders.domain.protocol import (
    Address,
    Booking,
    Decision,
    LastTold,
    Person,
    Step,
    decide,
    merge_group,
)
from tests.support.bookings import PARIS, STEPS, booking, paris, person, unit

NOW = paris("2026-05-01 08:00")
LANDLINE_ONLY = person(addresses=(), no_contact="landline_only")


def decided(*bookings: Booking, who: Person | None = None, now: datetime = NOW) -> list[Decision]:
    return decide(who or person(), bookings, now=now)


def planned(*bookings: Booking, who: Person | None = None, now: datetime = NOW) -> list[str]:
    """`step opens → closes` in Paris time, for what would leave."""
    return [
        f"{d.step} {d.opens_at.astimezone(PARIS):%m-%d %H:%M} → {d.closes_at.astimezone(PARIS):%m-%d %H:%M}"  # noqa: E501
        for d in decided(*bookings, who=who, now=now)
        if d.planned and d.opens_at is not None and d.closes_at is not None
    ]


def reasons(*bookings: Booking, who: Person | None = None, now: datetime = NOW) -> dict[str, str]:
    return {d.step: d.reason for d in decided(*bookings, who=who, now=now) if not d.planned}


def test_each_step_opens_at_its_hour_and_closes_with_that_days_contact_hours() -> None:
    assert planned(booking("2026-06-12 09:00")) == [
        "J-7 06-05 10:00 → 06-05 20:00",
        "J-3 06-09 10:00 → 06-09 20:00",
        "J-1 06-11 10:00 → 06-11 20:00",
    ]


def test_a_sunday_moves_the_whole_interval_to_saturday() -> None:
    assert planned(booking("2026-06-15 09:00"))[-1] == "J-1 06-13 10:00 → 06-13 20:00"


def test_a_public_holiday_moves_it_before_the_holiday() -> None:
    assert planned(booking("2026-07-15 09:00"))[-1] == "J-1 07-13 10:00 → 07-13 20:00"


def test_alsace_also_rests_on_the_26th_of_december() -> None:
    colmar = unit(hours=ContactHours(PARIS, region="alsace-moselle"), steps=STEPS[2:])
    # the 27th is a Sunday, the 26th a holiday there, the 25th one everywhere
    assert planned(booking("2026-12-28 09:00", unit=colmar))[-1].startswith("J-1 12-24")
    elsewhere = booking("2026-12-28 09:00", unit=unit(steps=STEPS[2:]))
    assert planned(elsewhere)[-1].startswith("J-1 12-26")


def test_ten_o_clock_stays_ten_o_clock_across_a_clock_change() -> None:
    assert planned(booking("2026-10-26 09:00"))[-1] == "J-1 10-24 10:00 → 10-24 20:00"


def test_nothing_leaves_later_than_two_hours_before_the_start() -> None:
    same_day = (Step("J-0", "short", 0, hour=time(9)),)
    visit = booking("2026-06-12 13:00", unit=unit(steps=same_day))
    assert planned(visit) == ["J-0 06-12 09:00 → 06-12 11:00"]


def test_a_start_too_early_for_any_moment_is_said_so() -> None:
    same_day = (Step("J-0", "short", 0),)
    assert reasons(booking("2026-06-12 10:30", unit=unit(steps=same_day))) == {"J-0": "no_moment"}


def test_a_latest_moment_closes_the_step_before_the_evening() -> None:
    step = (replace(STEPS[2], latest=time(18)),)
    assert planned(booking("2026-06-12 09:00", unit=unit(steps=step))) == [
        "J-1 06-11 10:00 → 06-11 18:00"
    ]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("America/Martinique", "J-1 06-11 15:00 → 06-11 20:00"),
        ("Indian/Reunion", "J-1 06-11 10:00 → 06-11 18:00"),
        ("Pacific/Noumea", "J-1 06-11 09:00 → 06-11 11:00"),
    ],
)
def test_an_overseas_number_is_written_to_in_its_own_day(zone: str, expected: str) -> None:
    far = person(addresses=(Address("sms", "+33639980012", zone),))
    step = replace(STEPS[2], hour=time(11)) if zone == "Pacific/Noumea" else STEPS[2]
    assert planned(booking("2026-06-12 09:00", unit=unit(steps=(step,))), who=far) == [expected]


def test_a_late_booking_skips_the_steps_it_came_after() -> None:
    visit = booking("2026-06-12 09:00", booked_at=paris("2026-06-09 15:00"))
    assert planned(visit, now=paris("2026-06-09 15:05")) == ["J-1 06-11 10:00 → 06-11 20:00"]
    assert reasons(visit, now=paris("2026-06-09 15:05")) == {
        "J-7": "booked_late",
        "J-3": "booked_late",
    }


def test_booked_less_than_48_hours_before_gets_one_message_only() -> None:
    visit = booking("2026-06-12 14:00", booked_at=paris("2026-06-11 15:00"))
    assert planned(visit, now=paris("2026-06-11 15:05")) == ["J-1 06-11 10:00 → 06-11 20:00"]


def test_preparation_needs_ten_days_of_notice() -> None:
    visit = booking("2026-06-12 09:00", booked_at=paris("2026-06-03 09:00"))
    assert reasons(visit)["J-7"] == "booked_late"


def test_a_step_whose_day_is_over_is_past_not_sent_late() -> None:
    assert reasons(booking("2026-06-12 09:00"), now=paris("2026-06-09 20:00")) == {
        "J-7": "past",
        "J-3": "past",
    }


@pytest.mark.parametrize(
    ("visit", "reason"),
    [
        (booking("2026-06-12 09:00", unit=None), "unmapped"),
        (booking("2026-06-12 09:00", unit=unit(sensitivity="excluded")), "excluded"),
        (booking("2026-06-12 09:00", all_day=True), "no_hour"),
    ],
)
def test_what_must_not_be_written_has_one_reason_for_the_whole(visit: Booking, reason: str) -> None:
    assert reasons(visit) == {"*": reason}
    assert planned(visit) == []


@pytest.mark.parametrize("reason", ["deceased", "identity", "confidential", "inactive"])
def test_a_blocked_person_gets_nothing_and_the_reason_is_kept(reason: str) -> None:
    who = person(blocked=reason)
    assert planned(booking("2026-06-12 09:00"), who=who) == []
    assert set(reasons(booking("2026-06-12 09:00"), who=who).values()) == {reason}


def test_no_address_names_why() -> None:
    assert set(reasons(booking("2026-06-12 09:00"), who=LANDLINE_ONLY).values()) == {
        "landline_only"
    }


def test_an_objection_to_sms_leaves_e_mail() -> None:
    who = person(
        addresses=(Address("sms", "+33639980012"), Address("email", "a@example.org")),
        objects=frozenset({"sms"}),
    )
    assert {
        d.address.channel for d in decided(booking("2026-06-12 09:00"), who=who) if d.address
    } == {"email"}


def test_an_objection_to_everything_leaves_nothing() -> None:
    who = person(objects=frozenset({"sms", "email"}))
    assert set(reasons(booking("2026-06-12 09:00"), who=who).values()) == {"objection"}


def test_an_answer_spares_the_steps_that_ask() -> None:
    asking = tuple(replace(step, unless_answered=True) for step in STEPS)
    visit = booking("2026-06-12 09:00", unit=unit(steps=asking), answer="confirmed")
    assert set(reasons(visit).values()) == {"answered"}


def test_same_day_appointments_share_one_message() -> None:
    morning, noon = booking("2026-06-12 09:00", 1), booking("2026-06-12 11:30", 2)
    groups = {merge_group(d) for d in decided(morning, noon) if d.planned and d.step == "J-1"}
    assert len(groups) == 1
    assert len([d for d in decided(morning, noon) if d.planned]) == 6


def test_another_days_appointment_waits_its_turn() -> None:
    """J-1 of the first and J-3 of the second fall on the same day: one reminder a day."""
    first, second = booking("2026-06-10 09:00", 1), booking("2026-06-12 09:00", 2)
    found = {(d.booking.id, d.step): d.reason for d in decided(first, second) if not d.planned}
    assert found == {(2, "J-3"): "cap_day"}


def test_two_steps_pushed_onto_one_day_keep_the_first() -> None:
    # Tuesday after Whit Monday: J-1 falls back from the holiday and the Sunday to Saturday,
    # where J-3 already is.
    visit = booking("2026-05-26 09:00", booked_at=paris("2026-01-01 08:00"))
    assert reasons(visit) == {"J-1": "same_day"}


def test_never_more_than_three_reminders_of_one_appointment() -> None:
    many = tuple(Step(f"J-{day}", "short", day) for day in (12, 10, 8, 6, 4))
    visit = booking("2026-06-12 09:00", unit=unit(steps=many))
    assert len(planned(visit)) == 3
    assert set(reasons(visit).values()) == {"cap_appointment"}


def test_the_same_visit_from_two_sources_is_written_once() -> None:
    twin = booking("2026-06-12 09:00", 2, source="ris")
    found = decided(booking("2026-06-12 09:00", 1), twin)
    assert [d.reason for d in found if d.booking.id == 2] == ["duplicate"]


def test_a_minors_parent_is_written_to_until_the_birthday() -> None:
    who = person(
        birth_date=date(2008, 6, 11),
        addresses=(
            Address("sms", "+33639980012"),
            Address("sms", "+33639980099", relation="parent"),
        ),
    )
    recipients = {
        d.step: d.address.value for d in decided(booking("2026-06-12 09:00"), who=who) if d.address
    }
    assert recipients == {
        "J-7": "+33639980099",
        "J-3": "+33639980099",
        "J-1": "+33639980012",
    }


def test_a_child_is_not_written_to_because_the_parents_number_is_missing() -> None:
    who = person(
        birth_date=date(2015, 6, 11),
        addresses=(Address("sms", "+33639980012"),),
        representative="parent",
    )
    visit = booking("2026-06-12 09:00")
    assert [d for d in decided(visit, who=who) if d.planned] == []
    assert set(reasons(visit, who=who).values()) == {"no_contact"}


def test_a_protected_adults_guardian_is_written_to() -> None:
    who = person(
        protected=True,
        birth_date=date(1950, 1, 1),
        addresses=(
            Address("sms", "+33639980012"),
            Address("sms", "+33639980077", relation="guardian"),
        ),
    )
    found = {d.address.value for d in decided(booking("2026-06-12 09:00"), who=who) if d.address}
    assert found == {"+33639980077"}


TOLD = LastTold(paris("2026-06-12 09:00"), "sud:Accueil B2")


def test_a_move_after_a_message_is_corrected_at_once_and_steps_that_day_are_not_repeated() -> None:
    moved = booking(
        "2026-06-12 15:00",
        cycle=2,
        version_at=paris("2026-06-09 11:00"),
        told=TOLD,
    )
    now = paris("2026-06-09 11:00")
    assert planned(moved, now=now) == [
        "correction 06-09 11:00 → 06-09 20:00",
        "J-1 06-11 10:00 → 06-11 20:00",
    ]
    assert reasons(moved, now=now)["J-3"] == "already_told"


def test_a_move_in_the_night_is_corrected_in_the_morning() -> None:
    moved = booking("2026-06-12 15:00", cycle=2, version_at=paris("2026-06-09 22:00"), told=TOLD)
    assert planned(moved, now=paris("2026-06-09 22:00"))[0].startswith("correction 06-10 09:00")


def test_a_move_back_to_what_was_told_needs_no_correction() -> None:
    back = booking("2026-06-12 09:00", cycle=3, version_at=paris("2026-06-09 11:00"), told=TOLD)
    assert all(not line.startswith("correction") for line in planned(back))


def test_a_move_nobody_was_told_of_needs_no_correction() -> None:
    moved = booking("2026-06-12 15:00", cycle=2, version_at=paris("2026-06-09 11:00"))
    assert all(not line.startswith("correction") for line in planned(moved))


def test_booked_again_after_a_notice_is_told_again() -> None:
    told = replace(TOLD, notice=True)
    again = booking("2026-06-12 09:00", cycle=2, version_at=paris("2026-06-08 11:00"), told=told)
    assert planned(again, now=paris("2026-06-08 11:00"))[0].startswith("correction 06-08 11:00")


def cancelled(at: str) -> Booking:
    return booking(
        "2026-06-12 09:00",
        status="cancelled",
        cancelled_at=paris(at),
        cancelled_basis="told",
        cancelled_by="hospital",
        told=TOLD,
    )


def test_a_cancellation_by_the_hospital_is_told_once() -> None:
    assert planned(cancelled("2026-06-10 11:00"), now=paris("2026-06-10 11:00")) == [
        "notice 06-10 11:00 → 06-10 20:00"
    ]


def test_a_cancellation_within_a_day_is_a_call() -> None:
    assert reasons(cancelled("2026-06-11 11:00"), now=paris("2026-06-11 11:00")) == {
        "notice": "call_instead"
    }


def test_who_cancelled_themselves_is_not_told() -> None:
    own = replace(cancelled("2026-06-10 11:00"), cancelled_by="patient")
    assert reasons(own) == {"notice": "cancelled_by_patient"}


def test_what_vanished_from_a_file_is_checked_by_a_person_not_announced() -> None:
    gone = replace(cancelled("2026-06-10 11:00"), cancelled_basis="vanished")
    assert reasons(gone) == {"notice": "vanished_call"}


def test_a_cancellation_nobody_was_told_of_says_nothing() -> None:
    silent = replace(cancelled("2026-06-10 11:00"), told=None)
    assert decided(silent) == []


ACK = (Step("booking", "booking", None), *STEPS)


def test_a_booking_is_acknowledged_once_and_only_on_its_day() -> None:
    visit = booking(
        "2026-06-12 09:00",
        unit=unit(steps=ACK),
        booked_at=paris("2026-05-20 14:00"),
        first_seen_at=paris("2026-05-20 14:05"),
    )
    assert planned(visit, now=paris("2026-05-20 14:05"))[0] == "booking 05-20 14:05 → 05-20 20:00"
    assert reasons(visit, now=paris("2026-05-21 09:00"))["booking"] == "past"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"in_first_sync": True}, "first_sync"), ({"booked_at": None}, "no_booking_date")],
)
def test_the_first_sync_and_unknown_bookings_are_never_acknowledged(
    changes: dict[str, object], reason: str
) -> None:
    visit = replace(booking("2026-06-12 09:00", unit=unit(steps=ACK)), **changes)  # type: ignore[arg-type]
    assert reasons(visit)["booking"] == reason


def test_the_next_channel_opens_only_when_the_first_has_failed() -> None:
    who = person(addresses=(Address("sms", "+33639980012"), Address("email", "a@example.org")))
    failed = booking("2026-06-12 09:00", taken={"J-1": {"sms": "failed"}})
    chosen = {d.step: d.address.channel for d in decided(failed, who=who) if d.address}
    assert chosen == {"J-7": "sms", "J-3": "sms", "J-1": "email"}


def test_a_message_that_may_have_left_is_never_planned_again() -> None:
    left = booking("2026-06-12 09:00", taken={"J-3": {"sms": "left"}})
    found = next(d for d in decided(left) if d.step == "J-3")
    assert found.frozen


def test_every_channel_failed_asks_a_person() -> None:
    failed = booking("2026-06-12 09:00", taken={"J-1": {"sms": "failed", "email": "failed"}})
    assert next(d for d in decided(failed) if d.step == "J-1").exhausted


def test_an_appointment_that_has_started_is_left_alone() -> None:
    assert decided(booking("2026-06-12 09:00"), now=paris("2026-06-12 09:00")) == []


def test_reunion_is_planned_in_its_own_civil_day() -> None:
    zone = ZoneInfo("Indian/Reunion")
    hours = ContactHours(zone, region="reunion")
    start = datetime(2026, 12, 21, 8, tzinfo=zone).astimezone(UTC)
    visit = replace(booking("2026-12-21 09:00", unit=unit(hours=hours)), starts_at=start)
    there = person(addresses=(Address("sms", "+262692000000", "Indian/Reunion"),))
    last = next(d for d in decided(visit, who=there) if d.step == "J-1")
    # 20 December is the abolition day there, and a Sunday: Saturday the 19th it is
    assert last.opens_at == datetime(2026, 12, 19, 10, tzinfo=zone)


def test_the_last_step_is_known_by_what_it_is_in_every_service() -> None:
    """Two services of one protocol have steps of their own that are equal, not the same."""
    other = unit(uf="4310", steps=tuple(replace(step) for step in STEPS))
    late = paris("2026-06-11 15:00")
    for place in (unit(), other):
        visit = booking("2026-06-12 14:00", uf=place.uf, unit=place, booked_at=late)
        assert planned(visit, now=late) == ["J-1 06-11 10:00 → 06-11 20:00"]


def test_who_books_in_the_evening_for_tomorrow_booked_too_late() -> None:
    visit = booking("2026-06-12 14:00", booked_at=paris("2026-06-11 21:00"))
    assert set(reasons(visit, now=paris("2026-06-11 21:05")).values()) == {"booked_late"}


def test_booked_late_and_acknowledged_is_still_one_message() -> None:
    def one_message(booked: str) -> list[str]:
        at = paris(booked)
        late = booking("2026-06-12 14:00", unit=unit(steps=ACK), booked_at=at, first_seen_at=at)
        return planned(late, now=at)

    assert one_message("2026-06-11 09:30") == ["J-1 06-11 10:00 → 06-11 20:00"]
    assert one_message("2026-06-11 21:00") == ["booking 06-12 09:00 → 06-12 12:00"]


def test_a_feed_that_tells_a_late_booking_after_the_last_step_gets_it_acknowledged() -> None:
    late = booking(
        "2026-06-12 14:00",
        unit=unit(steps=ACK),
        booked_at=paris("2026-06-11 11:00"),
        first_seen_at=paris("2026-06-12 02:00"),
    )
    assert planned(late, now=paris("2026-06-12 02:00")) == ["booking 06-12 09:00 → 06-12 12:00"]


def test_an_acknowledgement_that_finds_no_moment_asks_nobody_to_call() -> None:
    at = paris("2026-06-11 22:00")
    early = booking("2026-06-12 09:30", unit=unit(steps=ACK), booked_at=at, first_seen_at=at)
    assert reasons(early, now=at)["booking"] == "no_moment"


def test_what_left_today_for_a_later_appointment_counts_today() -> None:
    """The nearer one has just come in: its message would be the second of the day."""
    near = booking("2026-06-12 09:00", 2)
    far = booking("2026-06-18 09:00", 1, taken={"J-7": {"sms": "left"}})
    assert {(d.booking.id, d.step): d.reason for d in decided(near, far) if not d.planned} == {
        (2, "J-1"): "cap_day"
    }


@pytest.mark.parametrize("hour", ["09:00", "19:59"])
def test_what_left_today_counts_whatever_became_of_its_appointment(hour: str) -> None:
    """It may have started, moved or been cancelled since: it is no longer in the list."""
    who = person(reminded=(paris(f"2026-06-11 {hour}"),))
    assert reasons(booking("2026-06-12 09:00"), who=who) == {"J-1": "cap_day"}


def test_a_second_appointment_added_to_a_day_already_told_waits_for_the_next_step() -> None:
    told, added = (
        booking("2026-06-12 09:00", 1, taken={"J-3": {"sms": "left"}}),
        booking("2026-06-12 11:30", 2),
    )
    found = {(d.booking.id, d.step): d.reason for d in decided(told, added) if not d.planned}
    assert found == {(2, "J-3"): "cap_day"}


def test_the_next_channel_goes_out_whatever_else_the_day_holds() -> None:
    who = person(
        addresses=(Address("sms", "+33639980012"), Address("email", "a@example.org")),
        reminded=(paris("2026-06-11 10:00"),),
    )
    failed = booking("2026-06-12 09:00", taken={"J-1": {"sms": "failed"}})
    assert {d.step: d.address.channel for d in decided(failed, who=who) if d.address} == {
        "J-7": "sms",
        "J-3": "sms",
        "J-1": "email",
    }


def test_of_many_steps_those_nearest_to_the_appointment_stay() -> None:
    many = tuple(Step(f"J-{day}", "short", day) for day in (12, 9, 6, 4, 2))
    visit = booking("2026-06-12 09:00", unit=unit(steps=many))
    assert [line.split()[0] for line in planned(visit)] == ["J-6", "J-4", "J-2"]


def test_a_day_whose_message_missed_its_hour_is_free_for_another() -> None:
    noon = (Step("J-0", "short", 0, time(9)),)
    today = booking("2026-06-11 13:00", 1, unit=unit(steps=noon, site="nord"))
    tomorrow = booking("2026-06-12 09:00", 2)
    assert reasons(today, tomorrow, now=paris("2026-06-11 10:30"))["J-1"] == "cap_day"
    assert planned(today, tomorrow, now=paris("2026-06-11 11:30")) == [
        "J-1 06-11 10:00 → 06-11 20:00"
    ]


def test_the_hours_of_a_day_are_those_of_whoever_reads_that_day() -> None:
    """The parent lives in Martinique, the child of age in the metropole."""
    who = person(
        birth_date=date(2008, 6, 11),
        addresses=(
            Address("sms", "+33639980012", "Europe/Paris"),
            Address("sms", "+596696123456", "America/Martinique", "parent"),
        ),
    )
    assert planned(booking("2026-06-12 09:00"), who=who) == [
        "J-7 06-05 15:00 → 06-05 20:00",
        "J-3 06-09 15:00 → 06-09 20:00",
        "J-1 06-11 10:00 → 06-11 20:00",
    ]


def moved(**changes: object) -> Booking:
    base = booking("2026-06-12 15:00", cycle=2, version_at=paris("2026-06-09 11:00"), told=TOLD)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_a_correction_that_missed_its_day_leaves_on_the_next_never_at_night() -> None:
    assert planned(moved(), now=paris("2026-06-09 20:00"))[0] == (
        "correction 06-10 09:00 → 06-10 20:00"
    )
    assert planned(moved(), now=paris("2026-06-12 08:00"))[0] == (
        "correction 06-12 09:00 → 06-12 13:00"
    )
    assert reasons(moved(), now=paris("2026-06-12 13:00"))["correction"] == "past"


def test_a_correction_that_missed_its_day_has_no_other_before_an_early_start() -> None:
    early = moved(version_at=paris("2026-06-09 15:00"), starts_at=paris("2026-06-10 10:30"))
    assert planned(early, now=paris("2026-06-09 19:00"))[0] == (
        "correction 06-09 15:00 → 06-09 20:00"
    )
    assert reasons(early, now=paris("2026-06-09 20:30"))["correction"] == "past"


def test_a_correction_stays_where_it_is_while_its_day_lasts() -> None:
    for now in ("11:00", "15:30", "19:59"):
        assert planned(moved(), now=paris(f"2026-06-09 {now}"))[0] == (
            "correction 06-09 11:00 → 06-09 20:00"
        )


def test_a_move_told_too_late_for_any_message_is_a_call() -> None:
    late = moved(version_at=paris("2026-06-11 22:00"), starts_at=paris("2026-06-12 10:30"))
    assert reasons(late, now=paris("2026-06-11 22:00"))["correction"] == "no_moment_call"


def test_another_place_is_corrected_but_another_label_is_not() -> None:
    elsewhere = unit(place="sud:Accueil C1")
    same_start = replace(moved(unit=elsewhere), starts_at=TOLD.starts_at)
    assert planned(same_start, now=paris("2026-06-09 11:00"))[0].startswith("correction")
    renamed = replace(same_start, told=replace(TOLD, cycle=2))
    assert not planned(renamed, now=paris("2026-06-09 11:00"))[0].startswith("correction")


def test_steps_of_a_day_are_kept_when_no_correction_can_be_sent() -> None:
    by_mail = (Step("J-3", "confirm", 3, channels=("email",)),)
    failed = {"correction": {"sms": "failed", "email": "failed"}}
    who = person(addresses=(Address("email", "a@example.org"),))
    stuck = moved(unit=unit(steps=by_mail), taken=failed)
    found = {d.step: d for d in decided(stuck, who=who, now=paris("2026-06-09 11:00"))}
    assert found["correction"].exhausted
    assert found["J-3"].planned


def test_a_correction_that_left_is_not_decided_again() -> None:
    left = moved(
        taken={"correction": {"sms": "left"}},
        marks={"correction": paris("2026-06-09 11:00")},
        told=replace(TOLD, starts_at=paris("2026-06-12 15:00"), cycle=2),
    )
    for now in ("2026-06-09 12:00", "2026-06-11 09:00"):
        first = decided(left, now=paris(now))[0]
        assert (first.step, first.frozen, first.opens_at) == (
            "correction",
            True,
            paris("2026-06-09 11:00"),
        )


def test_a_notice_leaves_a_day_before_or_is_a_call() -> None:
    # Saturday evening for Monday: no permitted moment before Monday 9:00
    weekend = replace(cancelled("2026-06-13 21:00"), starts_at=paris("2026-06-15 14:00"))
    assert reasons(weekend, now=paris("2026-06-13 21:00")) == {"notice": "call_instead"}
    slow = cancelled("2026-06-10 11:00")
    assert planned(slow, now=paris("2026-06-10 20:00")) == []
    assert planned(slow, now=paris("2026-06-10 19:59")) == ["notice 06-10 11:00 → 06-10 20:00"]


def test_who_was_told_of_a_cancellation_is_not_told_twice() -> None:
    again = replace(cancelled("2026-06-10 11:00"), told=replace(TOLD, notice=True), cycle=3)
    assert reasons(again) == {"notice": "already_told"}


def test_a_sensitive_service_sends_no_notice_either() -> None:
    hidden = replace(cancelled("2026-06-10 11:00"), unit=unit(sensitivity="excluded"))
    assert reasons(hidden, now=paris("2026-06-10 11:00")) == {"notice": "excluded"}


def test_steps_listed_in_another_order_give_the_same_plan() -> None:
    backwards = unit(steps=STEPS[::-1])
    visit = booking("2026-05-26 09:00", unit=backwards)
    assert reasons(visit) == {"J-1": "same_day"}
    assert sorted(planned(visit)) == sorted(planned(booking("2026-05-26 09:00")))
