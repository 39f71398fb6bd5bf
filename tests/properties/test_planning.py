"""What planning promises for any patient, any appointments and any moment (issue 2, R5, R8)."""

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.calendar import ContactHours, civil_day
from reminders.domain.protocol import (
    CORRECTION,
    LAST_NOTICE,
    NOTICE,
    Address,
    Booking,
    Decision,
    LastTold,
    Person,
    Step,
    Taken,
    Unit,
    decide,
    merge_group,
)
from reminders.domain.recipient import relation_on
from tests.properties.cases import STEPS, cases
from tests.properties.permitted import FRENCH_ZONES, clock_changes, is_permitted

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
LATER = (CORRECTION, NOTICE)  # these move to the next day; every other interval stays

Case = tuple[Person, tuple[Booking, ...]]


def moments_of(case: Case) -> list[datetime]:
    """The moments at which anything of a case can change, and just before and after each."""
    person, bookings = case
    found = {LONG_AGO}
    for booking in bookings:
        found |= {booking.starts_at, booking.first_seen_at, booking.version_at}
    for decision in decide(person, bookings, now=LONG_AGO):
        found |= {m for m in (decision.opens_at, decision.closes_at) if m is not None}
    days = [moment + timedelta(hours=h) for moment in found for h in (-24, -7, 7, 24)]
    return sorted({moment + shift for moment in [*found, *days] for shift in (-TICK, 0 * TICK)})


@st.composite
def cases_and_moments(draw: st.DrawFn, count: int) -> tuple[Case, list[datetime]]:
    case = draw(cases())
    moments = st.sampled_from(moments_of(case))
    return case, sorted(draw(st.lists(moments, min_size=count, max_size=count)))


def by_place(decisions: list[Decision]) -> dict[tuple[int, str], Decision]:
    found = {(one.booking.id, one.step): one for one in decisions}
    assert len(found) == len(decisions), "one decision for each appointment and step"
    return found


def sendable(decisions: list[Decision]) -> list[Decision]:
    return [one for one in decisions if one.planned and not one.frozen]


@given(cases_and_moments(1), st.randoms(use_true_random=False))
def test_planning_is_repeatable_and_the_order_of_appointments_does_not_matter(
    case: tuple[Case, list[datetime]], random: Random
) -> None:
    (person, bookings), (now,) = case
    shuffled = list(bookings)
    random.shuffle(shuffled)
    first = decide(person, bookings, now=now)
    assert decide(person, bookings, now=now) == first
    assert decide(person, tuple(shuffled), now=now) == first


def _apart_from_when(decision: Decision) -> Decision:
    """A birthday between two days may change who reads it."""
    return decision._replace(earliest_at=None, opens_at=None, closes_at=None, address=None)


@given(cases_and_moments(2))
def test_as_time_goes_by_a_planned_message_can_only_become_past(
    case: tuple[Case, list[datetime]],
) -> None:
    (person, bookings), (before, after) = case
    later = by_place(decide(person, bookings, now=after))
    for place, old in by_place(decide(person, bookings, now=before)).items():
        if not old.planned:
            continue
        if old.booking.starts_at <= after:
            assert place not in later
            continue
        new = later[place]
        if old.frozen:
            assert new == old
        elif new.planned and old.step in LATER:
            assert _apart_from_when(new) == _apart_from_when(old)
            assert new.opens_at is not None
            assert old.opens_at is not None
            assert new.opens_at >= old.opens_at
        elif new.planned:
            assert new == old
        else:
            assert new.reason == "past"
            assert new.closes_at is not None
            assert new.closes_at <= after


@given(cases_and_moments(1))
def test_what_is_planned_is_permitted_useful_and_addressed(
    case: tuple[Case, list[datetime]],
) -> None:
    (person, bookings), (now,) = case
    for one in sendable(decide(person, bookings, now=now)):
        unit, address = one.booking.unit, one.address
        assert unit is not None
        assert address is not None
        assert one.opens_at is not None
        assert one.closes_at is not None
        assert one.opens_at < one.closes_at
        assert now < one.closes_at <= one.booking.starts_at - LAST_NOTICE
        day = civil_day(one.opens_at, unit.hours.zone)
        relation = relation_on(person, day)
        zones = [a.zone for a in person.addresses if (a.channel, a.relation) == ("sms", relation)]
        number = ZoneInfo(zones[0]) if zones and zones[0] else None
        assert is_permitted(one.opens_at, unit.hours, number)
        assert is_permitted(one.closes_at - TICK, unit.hours, number)
        assert civil_day(one.closes_at - TICK, unit.hours.zone) == day
        assert address.relation == relation
        assert address.channel not in person.objects
        assert not person.blocked
        assert unit.sensitivity != "excluded"


@given(cases_and_moments(1))
def test_never_two_reminders_a_day_nor_more_than_three_of_one_appointment(
    case: tuple[Case, list[datetime]],
) -> None:
    (person, bookings), (now,) = case
    decisions = decide(person, bookings, now=now)
    groups: dict[date, set[object]] = defaultdict(set)
    of_one: Counter[int] = Counter()
    for one in decisions:
        if not one.planned or one.day is None:
            continue
        of_one[one.booking.id] += 1
        if "failed" not in one.booking.taken.get(one.step, {}).values():
            groups[one.day].add(("left",) if one.frozen else merge_group(one))
            unit = one.booking.unit
            assert unit is not None
            if not one.frozen:
                assert one.day not in {civil_day(at, unit.hours.zone) for at in person.reminded}
    assert all(len(group) == 1 for group in groups.values())
    assert all(count <= 3 for count in of_one.values())


@dataclass
class Diary:
    """A patient's months, lived a morning and an evening at a time: what is due leaves."""

    person: Person
    bookings: dict[int, Booking]
    sent: list[tuple[date, str, tuple[int, ...]]]  # civil day, kind, appointments

    def live(self, now: datetime) -> None:
        decisions = decide(self.person, tuple(self.bookings.values()), now=now)
        due: dict[object, list[Decision]] = defaultdict(list)
        for one in sendable(decisions):
            assert one.opens_at is not None
            if one.opens_at <= now:
                due[merge_group(one)].append(one)
        for members in due.values():
            self._send(members, now)

    def _send(self, members: list[Decision], now: datetime) -> None:
        lead = members[0]
        unit, address = lead.booking.unit, lead.address
        assert unit is not None
        assert address is not None
        kind = lead.step if lead.step in LATER or lead.day is None else "reminder"
        ids = tuple(one.booking.id for one in members)
        self.sent.append((civil_day(now, unit.hours.zone), kind, ids))
        if kind == "reminder":
            self.person = replace(self.person, reminded=(*self.person.reminded, now))
        for one in members:
            booking = self.bookings[one.booking.id]
            left: dict[str, Taken] = {address.channel: "left"}
            taken = {**booking.taken, one.step: left}
            marks = {**booking.marks, one.step: one.opens_at or now}
            told = None
            if booking.unit is not None:
                told = LastTold(
                    booking.starts_at, booking.unit.place, lead.step == NOTICE, booking.cycle
                )
            self.bookings[one.booking.id] = replace(
                booking,
                taken=taken,
                marks=marks,
                told=told,
            )


@st.composite
def lives(draw: st.DrawFn) -> tuple[Case, list[tuple[int, str, int]]]:
    """A case and what happens to its appointments: (half day, event, appointment)."""
    person, bookings = draw(cases())
    reachable = replace(
        person,
        blocked="",
        objects=frozenset(),
        addresses=(Address("sms", "+33639980012", draw(st.sampled_from(["", *FRENCH_ZONES]))),),
    )
    fresh = tuple(
        replace(one, taken={}, marks={}, told=None, status="booked", cycle=1, all_day=False)
        for one in bookings
    )
    event = st.tuples(
        st.integers(0, 50),
        st.sampled_from(["move", "move", "back", "cancel", "book"]),
        st.integers(1, len(fresh)),
    )
    return (reachable, fresh), sorted(draw(st.lists(event, max_size=6)))


@given(lives())
def test_a_life_of_moves_and_cancellations_keeps_the_caps_and_ends_with_the_truth(
    life: tuple[Case, list[tuple[int, str, int]]],
) -> None:
    (person, bookings), events = life
    diary = Diary(person, {one.id: one for one in bookings}, [])
    origin = {one.id: one.starts_at for one in bookings}
    start = min(origin.values()) - timedelta(days=15)
    for half in range(60):
        now = start + timedelta(hours=12 * half)
        for _, event, number in [e for e in events if e[0] == half]:
            diary.bookings[number] = happen(diary.bookings[number], event, origin[number], now)
        for hour in (0, 3, 6, 9):
            diary.live(now + timedelta(hours=hour))
    reminders = [(day, ids) for day, kind, ids in diary.sent if kind == "reminder"]
    zones = {one.unit.hours.zone.key for one in bookings if one.unit}
    if len(zones) == 1:  # "a day" is the site's
        assert len({day for day, _ in reminders}) == len(reminders)
    for one in diary.bookings.values():
        if one.told is None or one.unit is None or one.unit.sensitivity == "excluded":
            continue
        closes = one.starts_at - LAST_NOTICE
        settled = one.version_at < closes - timedelta(days=4)
        if one.status == "booked" and settled and one.starts_at < start + timedelta(days=25):
            assert (one.told.starts_at, one.told.notice) == (one.starts_at, False)


def happen(booking: Booking, event: str, origin: datetime, now: datetime) -> Booking:
    if booking.starts_at <= now:
        return booking
    fresh: Any = {"taken": {}, "marks": {}, "version_at": now, "cycle": booking.cycle + 1}
    match event:
        case "move" if booking.status == "booked":
            return replace(booking, starts_at=booking.starts_at + timedelta(days=1), **fresh)
        case "back" if booking.status == "booked" and origin > now != booking.starts_at:
            return replace(booking, starts_at=origin, **fresh)
        case "cancel" if booking.status == "booked":
            return replace(
                booking,
                status="cancelled",
                cancelled_at=now,
                cancelled_basis="told",
                cancelled_by="hospital",
            )
        case "book" if booking.status == "cancelled":
            return replace(booking, status="booked", **fresh)
    return booking


def _booking(starts_at: datetime, unit: Unit, number: int = 1) -> Booking:
    return Booking(
        id=number, source="agenda", starts_at=starts_at, cycle=1, status="booked", uf=unit.uf,
        unit=unit, version_at=starts_at - timedelta(days=90),
        first_seen_at=starts_at - timedelta(days=90), in_first_sync=True,
    )  # fmt: skip


def _check_changes(site: str, numbers: list[str], steps: tuple[Step, ...]) -> int:
    hours = ContactHours(ZoneInfo(site), region=FRENCH_ZONES[site])
    unit = Unit("4220", "sud", "sud:B2", "normal", hours, steps)
    checked = 0
    for number in numbers:
        person = Person(1, addresses=(Address("sms", "+33639980012", number),))
        zone = ZoneInfo(number) if number else None
        changes = {*clock_changes(site), *(clock_changes(number) if number else ())}
        for change, ahead in itertools.product(sorted(changes), (0, 1, 3, 7)):
            day = change.astimezone(hours.zone).date() + timedelta(days=ahead)
            starts_at = datetime.combine(day, time(14), hours.zone).astimezone(UTC)
            far = starts_at - timedelta(days=60)
            decided = sendable(decide(person, (_booking(starts_at, unit),), now=far))
            assert len(decided) >= 2
            for one in decided:
                assert one.opens_at is not None
                assert one.closes_at is not None
                assert is_permitted(one.opens_at, hours, zone)
                assert is_permitted(one.closes_at - TICK, hours, zone)
                assert one.closes_at <= starts_at - LAST_NOTICE
                checked += 1
    return checked


@pytest.mark.parametrize("site", ["Europe/Paris", "America/Miquelon"])
def test_at_every_clock_change_from_2000_to_2040_nothing_is_planned_outside_hours(
    site: str,
) -> None:
    """Two sites whose clocks change, with a number at home and one far away; every pair of
    French zones in the nightly run."""
    assert _check_changes(site, ["", "Pacific/Noumea"], STEPS) > 1_500


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("site", FRENCH_ZONES)
def test_every_pair_of_french_zones_at_every_clock_change(site: str) -> None:
    assert _check_changes(site, ["", *FRENCH_ZONES], STEPS) > 0
