"""When and how to write about an appointment, or why not: the pure rules of planning.

`decide` looks at one patient with all their coming appointments and says, for each step of
each protocol, PLANNED with an interval, a channel and a recipient, or SUPPRESSED with a
reason. As `now` grows and nothing else changes, a PLANNED decision can only become
SUPPRESSED(past); a correction or notice first moves to the next permitted day.

Source of the rules: DESIGN 5 (interval, caps, corrections), DOMAIN 6 (cadence, booked late);
what exactly "already told" and "booked late" mean is docs/adr/0008.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache

from reminders.domain.booking import (
    CORRECTION,
    NOTICE,
    WHOLE,
    Address,
    Booking,
    Decision,
    LastTold,
    Person,
    Step,
    Taken,
    Unit,
    merge_group,
)
from reminders.domain.calendar import civil_day
from reminders.domain.caps import REMINDERS_PER_APPOINTMENT, within_caps
from reminders.domain.interval import (
    LAST_NOTICE,
    Interval,
    later_interval,
    step_day,
    step_interval,
    zone_of_step,
)
from reminders.domain.recipient import address_for, address_used

__all__ = [
    "CALL_INSTEAD",
    "CORRECTION",
    "LAST_NOTICE",
    "NOTICE",
    "REMINDERS_PER_APPOINTMENT",
    "SHORT_LEAD",
    "WHOLE",
    "Address",
    "Booking",
    "Decision",
    "Interval",
    "LastTold",
    "Person",
    "Step",
    "Taken",
    "Unit",
    "decide",
    "merge_group",
    "step_interval",
]

SHORT_LEAD = timedelta(hours=48)  # booked later than this: one message only
CALL_INSTEAD = timedelta(hours=24)  # a cancellation this close is told by voice


def decide(person: Person, bookings: tuple[Booking, ...], *, now: datetime) -> list[Decision]:
    """One decision for every step of every coming appointment of one patient.

    Bookings whose start is past get none (what was decided for them stays), but still count
    for the caps. Nearest appointment first; the order they are given in does not matter.
    """
    drafts: list[list[Decision]] = []
    seen: set[tuple[datetime, str]] = set()
    for booking in sorted(bookings, key=lambda b: (b.starts_at, b.id)):
        same = (booking.starts_at, booking.uf)
        if booking.status == "booked" and same in seen:
            drafts.append([_whole(booking, "duplicate")])
            continue
        if booking.status == "booked":
            seen.add(same)
        drafts.append(_draft(person, booking, now))
    return [
        _unless_past(decision, now)
        for decision in within_caps(person, drafts, now=now)
        if decision.booking.starts_at > now
    ]


def _unless_past(decision: Decision, now: datetime) -> Decision:
    if not decision.planned or decision.frozen:
        return decision
    assert decision.closes_at is not None
    if decision.closes_at > now:
        return decision
    if "failed" in decision.booking.taken.get(decision.step, {}).values():
        # another channel failed and no time is left for this one: a person calls
        return decision._replace(
            reason="channels_failed", address=None, frozen=True, exhausted=True
        )
    return decision._replace(planned=False, reason="past", address=None)


def _whole(booking: Booking, reason: str) -> Decision:
    return Decision(booking, WHOLE, "", planned=False, reason=reason)


def _draft(person: Person, booking: Booking, now: datetime) -> list[Decision]:
    """What one appointment alone asks for, the caps and the hour left aside."""
    unit = booking.unit
    if booking.status == "cancelled" and booking.told is not None and unit is not None:
        return [_decide_notice(person, booking, unit, booking.told, now)]
    if booking.status != "booked":
        return [_whole(booking, "not_booked")] if booking.taken else []
    if unit is None:
        return [_whole(booking, "unmapped")]
    if unit.sensitivity == "excluded":
        return [_whole(booking, "excluded")]
    if booking.all_day:
        return [_whole(booking, "no_hour")]
    decisions = []
    corrected: date | None = None
    if _correction_due(booking, unit):
        correction = _decide_correction(person, booking, unit, now)
        decisions.append(correction)
        corrected = _corrected_day(person, booking, unit, correction)
    for step in unit.steps:
        if step.day is None:
            decisions.append(_decide_acknowledgement(person, booking, unit, step))
        else:
            decisions.append(_decide_step(person, booking, unit, step, corrected))
    return decisions


def _decide_step(
    person: Person, booking: Booking, unit: Unit, step: Step, corrected: date | None
) -> Decision:
    zone = zone_of_step(person, step, booking.starts_at, unit.hours)
    interval = step_interval(step, booking.starts_at, unit.hours, zone)
    if booking.taken and "left" in booking.taken.get(step.id, {}).values():
        day = step_day(step, booking.starts_at, unit.hours)
        return _left(person, booking, step, day, interval, counts=True)
    if interval is None:
        return Decision(booking, step.id, step.purpose, False, "no_moment")
    reason = _why_not(person, booking, unit, step, interval)
    if reason:
        return _suppressed(booking, step, reason, interval)
    if booking.withheld:  # before anybody asks whether the patient can be reached
        return _suppressed(booking, step, "holdout", interval)
    address = address_for(person, booking, step, interval.day)
    if address is None:
        return _without_address(person, booking, step, interval)
    if corrected is not None and interval.day <= corrected:
        return _suppressed(booking, step, "already_told", interval)
    return Decision(
        booking, step.id, step.purpose, True, "", address,
        interval.earliest, interval.opens, interval.closes, day=interval.day,
    )  # fmt: skip


def _why_not(person: Person, booking: Booking, unit: Unit, step: Step, interval: Interval) -> str:
    if person.blocked:
        return person.blocked
    if booking.answer == "cancelled":
        return "cancellation_asked"
    if booking.stopped:
        return "stopped"
    if step.unless_answered and booking.answer != "none":
        return "answered"
    return "booked_late" if booked_too_late(booking, unit, step, interval) else ""


def booked_too_late(booking: Booking, unit: Unit, step: Step, interval: Interval) -> bool:
    """Booked so late that this step is left out: another one, or none, is the better moment."""
    booked_at = _known_since(booking)
    if booked_at is None:
        return False
    zone = unit.hours.zone
    lead_days = (civil_day(booking.starts_at, zone) - civil_day(booked_at, zone)).days
    if lead_days < step.booked_days_before or booked_at >= interval.closes:
        return True
    if booking.starts_at - booked_at < SHORT_LEAD:
        return step != _last(unit.steps)
    return booked_at >= interval.opens


def _known_since(booking: Booking) -> datetime | None:
    """When it was booked, as far as is known. None: before any step, as a moved one was, and
    what the first sync of a source found without a booking date."""
    if booking.cycle > 1:
        return None
    if booking.booked_at is not None:
        return booking.booked_at
    return None if booking.in_first_sync else booking.first_seen_at


@lru_cache(maxsize=256)
def _last(steps: tuple[Step, ...]) -> Step | None:
    """The step nearest to the appointment; of several the same day, the earliest hour."""
    dated = [step for step in steps if step.day is not None]
    return min(dated, key=lambda step: (step.day or 0, step.hour)) if dated else None


def _suppressed(booking: Booking, step: Step, reason: str, interval: Interval | None) -> Decision:
    if interval is None:
        return Decision(booking, step.id, step.purpose, False, reason)
    return Decision(
        booking, step.id, step.purpose, False, reason, None,
        interval.earliest, interval.opens, interval.closes,
    )  # fmt: skip


def _left(
    person: Person,
    booking: Booking,
    step: Step,
    day: date,
    interval: Interval | None,
    *,
    counts: bool,
) -> Decision:
    """A text may have left: whatever else is true now, nothing is decided again."""
    return Decision(
        booking, step.id, step.purpose, True, "", address_used(person, booking, step.id, day),
        interval.earliest if interval else None,
        interval.opens if interval else None,
        interval.closes if interval else None,
        frozen=True, day=day if counts else None,
    )  # fmt: skip


def _without_address(person: Person, booking: Booking, step: Step, interval: Interval) -> Decision:
    """No channel is left: refused, failed everywhere, or never there."""
    if "failed" in booking.taken.get(step.id, {}).values():
        return Decision(
            booking, step.id, step.purpose, True, "channels_failed", None,
            interval.earliest, interval.opens, interval.closes, frozen=True, exhausted=True,
        )  # fmt: skip
    objects = person.objects or booking.objects
    reason = "objection" if objects and person.addresses else person.no_contact
    return _suppressed(booking, step, reason, interval)


def _correction_due(booking: Booking, unit: Unit) -> bool:
    """The last text that may have left told another start or place, or a cancellation.

    A service that got a new label in the configuration has not moved: only a later version of
    the appointment is corrected.
    """
    if CORRECTION in booking.marks:
        return True  # it was due, and has been dealt with
    told = booking.told
    if told is None:
        return False
    if told.notice:  # staff called it off, and the DPI has not followed yet
        return not (booking.stopped and told.cycle == booking.cycle)
    return told.cycle != booking.cycle and (
        (told.starts_at, told.place) != (booking.starts_at, unit.place)
    )


def _corrected_day(
    person: Person, booking: Booking, unit: Unit, correction: Decision
) -> date | None:
    """The civil day by whose end a correction has told the start; None if none will."""
    if not correction.planned or correction.exhausted:
        return None
    zone = unit.hours.zone
    if (mark := booking.marks.get(CORRECTION)) is not None:
        return civil_day(mark, zone)
    last = booking.starts_at - LAST_NOTICE
    first = later_interval(person, booking.version_at, last, unit.hours, now=None)
    return first.day if first is not None else None


def _decide_correction(person: Person, booking: Booking, unit: Unit, now: datetime) -> Decision:
    step = Step(CORRECTION, CORRECTION, day=0)
    last = booking.starts_at - LAST_NOTICE
    return _decide_later(
        person, booking, unit, step, booking.version_at, last, "no_moment_call", now
    )


def _decide_notice(
    person: Person, booking: Booking, unit: Unit, told: LastTold, now: datetime
) -> Decision:
    """One notice that the hospital cancelled what a text announced; a call when it is close."""
    step = Step(NOTICE, NOTICE, day=0)
    last = booking.starts_at - CALL_INSTEAD
    since = booking.cancelled_at or booking.version_at
    if NOTICE not in booking.marks and (reason := _no_notice(booking, unit, told)):
        return _suppressed(booking, step, reason, None)
    return _decide_later(person, booking, unit, step, since, last, "call_instead", now)


def _no_notice(booking: Booking, unit: Unit, told: LastTold) -> str:
    if told.notice:
        return "already_told"
    if booking.cancelled_by == "patient" or booking.answer == "cancelled":
        return "cancelled_by_patient"
    if booking.cancelled_basis == "vanished":
        return "vanished_call"
    return "excluded" if unit.sensitivity == "excluded" else ""


def _decide_acknowledgement(person: Person, booking: Booking, unit: Unit, step: Step) -> Decision:
    """Once, when the appointment is booked: never for what the first sync found, never without
    a booking date, never after the end of the day it could first be told, and not when the
    last step, a better moment, is the one message of somebody who booked late."""
    if "left" not in booking.taken.get(step.id, {}).values():
        if booking.in_first_sync:
            return _suppressed(booking, step, "first_sync", None)
        if booking.booked_at is None:
            return _suppressed(booking, step, "no_booking_date", None)
        if booking.cycle > 1 and step.id not in booking.taken:
            return _suppressed(booking, step, "moved", None)
        if _last_step_will_do(person, booking, unit):
            return _suppressed(booking, step, "booked_late", None)
    last = booking.starts_at - LAST_NOTICE
    return _decide_later(
        person, booking, unit, step, booking.first_seen_at, last, "no_moment", None
    )


def _last_step_will_do(person: Person, booking: Booking, unit: Unit) -> bool:
    """Booked less than 48 hours before, and the last step can still tell it."""
    booked_at, last = booking.booked_at, _last(unit.steps)
    if booked_at is None or last is None or booking.starts_at - booked_at >= SHORT_LEAD:
        return False
    if booking.withheld:
        return False  # that step will tell nothing
    zone = zone_of_step(person, last, booking.starts_at, unit.hours)
    interval = step_interval(last, booking.starts_at, unit.hours, zone)
    return (
        interval is not None
        and interval.closes > booking.first_seen_at
        and not _why_not(person, booking, unit, last, interval)
    )


def _decide_later(
    person: Person,
    booking: Booking,
    unit: Unit,
    step: Step,
    since: datetime,
    last: datetime,
    too_late: str,
    now: datetime | None,
) -> Decision:
    """A message that moves later, never earlier, when its moment is not permitted: to the first
    permitted hours after `since`, and while it has not left, to those that follow `now`."""
    first = later_interval(person, since, last, unit.hours, now=None)
    if "left" in booking.taken.get(step.id, {}).values():
        day = first.day if first else since.date()
        return _left(person, booking, step, day, first, counts=False)
    if first is None:
        return _suppressed(booking, step, too_late, None)
    if person.blocked:
        return _suppressed(booking, step, person.blocked, first)
    interval = later_interval(person, since, last, unit.hours, now=now) or first
    chosen = address_for(person, booking, step, interval.day)
    if chosen is None:
        return _without_address(person, booking, step, first)
    return Decision(
        booking, step.id, step.purpose, True, "", chosen,
        interval.earliest, interval.opens, interval.closes,
    )  # fmt: skip
