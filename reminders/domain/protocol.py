"""When and how to write about an appointment, or why not: the pure rules of planning.

`decide` looks at one patient with all their coming appointments and says, for each step of
each protocol, PLANNED with an interval, a channel and a recipient, or SUPPRESSED with a
reason. It depends on `now` only to say what is past: as `now` grows and nothing else changes,
a PLANNED decision can only become SUPPRESSED(past).

Source of the rules: DESIGN 5 (interval, caps, corrections), DOMAIN 6 (cadence, booked late).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from reminders.domain.calendar import (
    ContactHours,
    civil_day,
    next_permitted,
    permitted_window,
    previous_permitted_day,
    to_utc,
)

LAST_NOTICE = timedelta(hours=2)  # nothing is sent later than this before the start
SHORT_LEAD = timedelta(hours=48)  # booked later than this: one message only
CALL_INSTEAD = timedelta(hours=24)  # a cancellation this close is told by voice
REMINDERS_PER_APPOINTMENT = 3

CORRECTION = "correction"
NOTICE = "notice"
WHOLE = "*"  # the decision about an appointment no step can be named for

Taken = Literal["open", "left", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """`day`: civil days before the appointment; None = when it is booked (acknowledgement)."""

    id: str
    purpose: str
    day: int | None
    hour: time = time(10)
    latest: time | None = None
    channels: tuple[str, ...] = ("sms", "email")
    unless_answered: bool = False
    booked_days_before: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """A service as planning needs it. `site` groups and fixes the civil day."""

    uf: str
    site: str
    place: str  # what a patient may read of the place; a change is a material change
    sensitivity: Literal["normal", "neutral", "excluded"]
    hours: ContactHours
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Address:
    channel: str  # "sms" | "email"
    value: str
    zone: str = ""  # IANA zone of a number; "" = the site's
    relation: str = ""  # "" the patient, "parent", "guardian"


@dataclass(frozen=True, slots=True)
class Person:
    """`blocked`: "" or why nobody may write (deceased, identity, …).

    `objects`: channels an objection covers. Addresses in order of preference; those with a
    relation belong to the representative.
    """

    id: int
    blocked: str = ""
    birth_date: date | None = None
    protected: bool = False
    addresses: tuple[Address, ...] = ()
    objects: frozenset[str] = frozenset()
    no_contact: str = "no_contact"  # why there is no number, for the ledger
    language: str = "fr"


@dataclass(frozen=True, slots=True)
class LastTold:
    """The last text that may have left about an appointment (UNKNOWN included)."""

    starts_at: datetime
    place: str
    notice: bool = False  # it said the appointment is cancelled


@dataclass(frozen=True, slots=True)
class Booking:
    """One coming appointment, with what was already done for its present cycle.

    `taken`: step -> channel -> what became of the message there. `marks`: step -> opens_at of
    a decision whose message is not re-decidable any more.
    """

    id: int
    source: str
    starts_at: datetime
    cycle: int
    status: str  # FHIR words
    uf: str
    unit: Unit | None  # None: the UF is not mapped
    version_at: datetime  # when this cycle was first seen
    first_seen_at: datetime
    in_first_sync: bool = False
    booked_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_basis: str = ""  # "told" | "vanished"
    cancelled_by: str = ""
    answer: str = "none"
    all_day: bool = False
    told: LastTold | None = None
    taken: Mapping[str, Mapping[str, Taken]] = field(default_factory=dict)
    marks: Mapping[str, datetime] = field(default_factory=dict)


class Decision(NamedTuple):  # made by the million: a frozen dataclass takes three times longer
    """What we do for one (appointment, step, cycle), and why. Instants are UTC."""

    booking: Booking
    step: str
    purpose: str
    planned: bool
    reason: str = ""
    address: Address | None = None
    earliest_at: datetime | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    frozen: bool = False  # its message may have left: nothing about it is changed
    exhausted: bool = False  # every channel failed: a person calls


class Interval(NamedTuple):
    """`earliest` opens the day's permitted hours, `opens` is the step's hour; half-open."""

    day: date
    earliest: datetime
    opens: datetime
    closes: datetime


def decide(person: Person, bookings: tuple[Booking, ...], *, now: datetime) -> list[Decision]:
    """One decision for every step of every coming appointment of one patient.

    Bookings whose start is past are left out: what was decided for them stays. Nearest
    appointment first, then the lower step.
    """
    coming = sorted((b for b in bookings if b.starts_at > now), key=lambda b: (b.starts_at, b.id))
    days = _Days()
    decisions: list[Decision] = []
    seen: set[tuple[datetime, str]] = set()
    for booking in coming:
        same = (booking.starts_at, booking.uf)
        if booking.status == "booked" and same in seen:
            decisions.append(_whole(booking, "duplicate"))
            continue
        if booking.status == "booked":
            seen.add(same)
        decisions += _decide_booking(person, booking, days, now)
    return decisions


class _Days:
    """Which civil days already carry a reminder of this patient: one a day, merged ones apart."""

    def __init__(self) -> None:
        self._used: dict[date, tuple[object, ...]] = {}

    def take(self, day: date, group: tuple[object, ...]) -> bool:
        return self._used.setdefault(day, group) == group


def _whole(booking: Booking, reason: str) -> Decision:
    return Decision(booking, WHOLE, "", planned=False, reason=reason)


def _decide_booking(person: Person, booking: Booking, days: _Days, now: datetime) -> list[Decision]:
    unit = booking.unit
    if booking.status == "cancelled" and booking.told is not None and unit is not None:
        return [_decide_notice(person, booking, unit, now)]
    if booking.status != "booked":
        return [_whole(booking, "not_booked")] if booking.taken else []
    if unit is None:
        return [_whole(booking, "unmapped")]
    if unit.sensitivity == "excluded":
        return [_whole(booking, "excluded")]
    if booking.all_day:
        return [_whole(booking, "no_hour")]
    decisions = []
    corrected = _corrected_day(booking, unit)
    if corrected is not None:
        decisions.append(_decide_correction(person, booking, unit, now))
    count = 0
    last_day: date | None = None
    for step in unit.steps:
        if step.day is None:
            decisions.append(_decide_acknowledgement(person, booking, unit, step, now))
            continue
        interval = step_interval(step, booking.starts_at, unit.hours, _zone(person, booking))
        decision = _decide_step(person, booking, unit, step, interval, now)
        if decision.planned and interval is not None and not decision.frozen:
            reason = _crowded(decision, step, interval, days, count, last_day, corrected)
            if reason:
                decision = _suppressed(booking, step, reason, interval)
        elif decision.frozen and interval is not None:
            days.take(interval.day, merge_group(decision))
        if decision.planned and interval is not None:
            count, last_day = count + 1, interval.day
        decisions.append(decision)
    return decisions


def _crowded(
    decision: Decision,
    step: Step,
    interval: Interval,
    days: _Days,
    count: int,
    last_day: date | None,
    corrected: date | None,
) -> str:
    """Why one more reminder that day would be one too many; "" if it is not."""
    if corrected is not None and interval.day <= corrected:
        return "already_told"
    if last_day == interval.day:
        return "same_day"
    if count >= REMINDERS_PER_APPOINTMENT:
        return "cap_appointment"
    taken = decision.booking.taken
    if step.id in taken and "failed" in taken[step.id].values():
        return ""  # the next channel of the same decision is outside the caps
    return "" if days.take(interval.day, merge_group(decision)) else "cap_day"


def merge_group(decision: Decision) -> tuple[object, ...]:
    """What may share one message: same patient, recipient, site, step and appointment day.

    Planned decisions with an equal group become one; a correction or notice stands alone.
    """
    booking = decision.booking
    unit = booking.unit
    assert unit is not None
    if decision.step in (CORRECTION, NOTICE):
        return (decision.step, booking.id)
    return (
        unit.site,
        decision.step,
        decision.purpose,
        civil_day(booking.starts_at, unit.hours.zone),
        unit.sensitivity,
        decision.address,
        booking.source,
    )


def _decide_step(
    person: Person,
    booking: Booking,
    unit: Unit,
    step: Step,
    interval: Interval | None,
    now: datetime,
) -> Decision:
    if interval is None:
        return _suppressed(booking, step, "no_moment", None)
    if "left" in booking.taken.get(step.id, {}).values():
        address = _address_left(person, booking, step, interval.day)
        return Decision(
            booking, step.id, step.purpose, True, "", address,
            interval.earliest, interval.opens, interval.closes, frozen=True,
        )  # fmt: skip
    reason = _why_not(person, booking, unit, step, interval)
    if reason:
        return _suppressed(booking, step, reason, interval)
    address = _address(person, booking, step, interval.day)
    if address is None:
        return _without_address(person, booking, step, interval)
    if interval.closes <= now:
        return _suppressed(booking, step, "past", interval)
    return Decision(
        booking, step.id, step.purpose, True, "", address,
        interval.earliest, interval.opens, interval.closes,
    )  # fmt: skip


def _why_not(person: Person, booking: Booking, unit: Unit, step: Step, interval: Interval) -> str:
    if person.blocked:
        return person.blocked
    if step.unless_answered and booking.answer != "none":
        return "answered"
    booked_at = _known_since(booking)
    if booked_at is None:
        return ""
    zone = unit.hours.zone
    lead_days = (civil_day(booking.starts_at, zone) - civil_day(booked_at, zone)).days
    if lead_days < step.booked_days_before:
        return "booked_late"
    if booking.starts_at - booked_at < SHORT_LEAD:
        return "" if step is _last(unit.steps) else "booked_late"
    return "booked_late" if booked_at >= interval.opens else ""


def _known_since(booking: Booking) -> datetime | None:
    """When it was booked; for a moved one, when this cycle began. None: long ago."""
    if booking.cycle > 1:
        return None
    if booking.booked_at is not None:
        return booking.booked_at
    return None if booking.in_first_sync else booking.first_seen_at


@lru_cache(maxsize=256)
def _last(steps: tuple[Step, ...]) -> Step | None:
    dated = [step for step in steps if step.day is not None]
    return min(dated, key=lambda step: step.day or 0) if dated else None


def _suppressed(booking: Booking, step: Step, reason: str, interval: Interval | None) -> Decision:
    if interval is None:
        return Decision(booking, step.id, step.purpose, False, reason)
    return Decision(
        booking, step.id, step.purpose, False, reason, None,
        interval.earliest, interval.opens, interval.closes,
    )  # fmt: skip


def _without_address(person: Person, booking: Booking, step: Step, interval: Interval) -> Decision:
    """No channel is left: refused, failed everywhere, or never there."""
    failed = "failed" in booking.taken.get(step.id, {}).values()
    if failed:
        return Decision(
            booking, step.id, step.purpose, True, "channels_failed", None,
            interval.earliest, interval.opens, interval.closes, frozen=True, exhausted=True,
        )  # fmt: skip
    reason = "objection" if person.objects and person.addresses else person.no_contact
    return _suppressed(booking, step, reason, interval)


def _address(person: Person, booking: Booking, step: Step, day: date) -> Address | None:
    """The recipient over the first channel of the step that is there, allowed and not failed."""
    used = booking.taken.get(step.id, {})
    relation = _relation(person, day)
    for channel in step.channels:
        if used.get(channel) == "failed" or channel in person.objects:
            continue
        for address in person.addresses:
            if address.channel == channel and address.relation == relation:
                return address
    return None


def _address_left(person: Person, booking: Booking, step: Step, day: date) -> Address | None:
    used = booking.taken.get(step.id, {})
    relation = _relation(person, day)
    for address in person.addresses:
        if used.get(address.channel) == "left" and address.relation == relation:
            return address
    return None


def _relation(person: Person, day: date) -> str:
    """Who is written to that day: the patient, or the representative the DPI names.

    A minor's parent until the eighteenth birthday, a protected adult's guardian; where the
    DPI names none, the contacts it gives for the patient.
    """
    named = [address.relation for address in person.addresses if address.relation]
    if not named:
        return ""
    if "parent" in named and person.birth_date is not None and _age(person.birth_date, day) < 18:
        return "parent"
    if person.protected and "guardian" in named:
        return "guardian"
    return ""


def _age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _zone(person: Person, booking: Booking) -> str:
    assert booking.unit is not None
    day = booking.starts_at.date()
    relation = _relation(person, day)
    for address in person.addresses:
        if address.channel == "sms" and address.relation == relation:
            return address.zone
    return ""


def step_interval(
    step: Step, starts_at: datetime, hours: ContactHours, number_zone: str
) -> Interval | None:
    """When a step may leave: from its civil hour to the end of that day's permitted hours.

    A forbidden day moves the whole interval to the previous permitted day; it ends two hours
    before the start at the latest. None: no moment is left (the start is too early).
    """
    assert step.day is not None
    local_day = civil_day(starts_at, hours.zone)
    day, earliest, opens, closes = _day_interval(
        step.day, step.hour, step.latest, local_day, hours, number_zone
    )
    closes = min(closes, starts_at - LAST_NOTICE)
    if opens >= closes:
        opens = earliest
    return Interval(day, earliest, opens, closes) if opens < closes else None


@lru_cache(maxsize=65_536)
def _day_interval(
    days_before: int,
    hour: time,
    latest: time | None,
    local_day: date,
    hours: ContactHours,
    number_zone: str,
) -> tuple[date, datetime, datetime, datetime]:
    day = previous_permitted_day(local_day - timedelta(days=days_before), hours)
    zone = ZoneInfo(number_zone) if number_zone else None
    earliest, closes = permitted_window(day, hours, zone)
    opens = max(earliest, to_utc(day, hour, hours.zone))
    if opens >= closes:
        opens = earliest  # the number's zone permits only hours before the step's own
    if latest is not None:
        closes = min(closes, max(to_utc(day, latest, hours.zone), opens + timedelta(minutes=1)))
    return day, earliest, opens, closes


def _later(booking: Booking, unit: Unit, zone: str, since: datetime) -> tuple[datetime, datetime]:
    """From the first permitted moment after `since` to two hours before the start."""
    number_zone = ZoneInfo(zone) if zone else None
    return next_permitted(since, unit.hours, number_zone), booking.starts_at - LAST_NOTICE


def _corrected_day(booking: Booking, unit: Unit) -> date | None:
    """The civil day on which a correction of this cycle tells the new start; None: none is due."""
    zone = unit.hours.zone
    if (mark := booking.marks.get(CORRECTION)) is not None:
        return mark.astimezone(zone).date()
    told = booking.told
    if told is None or (
        not told.notice and (told.starts_at, told.place) == (booking.starts_at, unit.place)
    ):
        return None
    return next_permitted(booking.version_at, unit.hours, None).astimezone(zone).date()


def _decide_correction(person: Person, booking: Booking, unit: Unit, now: datetime) -> Decision:
    step = Step(CORRECTION, CORRECTION, day=0)
    return _decide_later(person, booking, unit, step, booking.version_at, now)


def _decide_notice(person: Person, booking: Booking, unit: Unit, now: datetime) -> Decision:
    step = Step(NOTICE, NOTICE, day=0)
    since = booking.cancelled_at or booking.version_at
    told = booking.told
    assert told is not None
    if told.notice or NOTICE in booking.marks:
        return _decide_later(person, booking, unit, step, since, now)
    if booking.cancelled_by == "patient":
        return _suppressed(booking, step, "cancelled_by_patient", None)
    if booking.cancelled_basis == "vanished":
        return _suppressed(booking, step, "vanished_call", None)
    if booking.starts_at - since < CALL_INSTEAD:
        return _suppressed(booking, step, "call_instead", None)
    return _decide_later(person, booking, unit, step, since, now)


def _decide_acknowledgement(
    person: Person, booking: Booking, unit: Unit, step: Step, now: datetime
) -> Decision:
    """Once, when the appointment is booked: never for what the first sync found, never without
    a booking date, never after the end of the day it could first be told."""
    if booking.in_first_sync:
        return _suppressed(booking, step, "first_sync", None)
    if booking.booked_at is None:
        return _suppressed(booking, step, "no_booking_date", None)
    if booking.cycle > 1 and step.id not in booking.taken:
        return _suppressed(booking, step, "moved", None)
    return _decide_later(person, booking, unit, step, booking.first_seen_at, now, one_day=True)


def _decide_later(
    person: Person,
    booking: Booking,
    unit: Unit,
    step: Step,
    since: datetime,
    now: datetime,
    *,
    one_day: bool = False,
) -> Decision:
    """A message that moves later, never earlier, when its moment is not permitted."""
    zone = unit.hours.zone
    opens, closes = _later(booking, unit, _zone(person, booking), since)
    day = opens.astimezone(zone).date()
    if one_day:
        number_zone = _zone(person, booking)
        closes = min(
            closes,
            permitted_window(day, unit.hours, ZoneInfo(number_zone) if number_zone else None)[1],
        )
    if opens >= closes:
        return _suppressed(booking, step, "no_moment_call", None)
    interval = Interval(day, opens, opens, closes)
    if "left" in booking.taken.get(step.id, {}).values():
        address = _address_left(person, booking, step, day)
        return Decision(
            booking, step.id, step.purpose, True, "", address, opens, opens, closes, frozen=True
        )
    if person.blocked:
        return _suppressed(booking, step, person.blocked, interval)
    chosen = _address(person, booking, step, day)
    if chosen is None:
        return _without_address(person, booking, step, interval)
    if closes <= now:
        return _suppressed(booking, step, "past", interval)
    return Decision(booking, step.id, step.purpose, True, "", chosen, opens, opens, closes)
