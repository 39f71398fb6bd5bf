"""How many reminders a patient may get: one a civil day, three per appointment and version.

Corrections, notices, acknowledgements and the next channel of a decision whose first channel
failed are outside the caps. What may have left already counts first; then the nearest
appointment; of one appointment, the steps nearest to it. Nothing here depends on `now` but one
thing: a day whose rightful reminder is over without having left is free again.
"""

from collections.abc import Sequence
from datetime import date, datetime

from reminders.domain.booking import Decision, Person, merge_group
from reminders.domain.calendar import civil_day

REMINDERS_PER_APPOINTMENT = 3


def within_caps(
    person: Person, drafts: Sequence[list[Decision]], *, now: datetime
) -> list[Decision]:
    """The decisions of a patient's appointments, nearest first, with those one too many
    suppressed."""
    spaced = [_one_appointment(drafted) for drafted in drafts]
    if len(spaced) == 1 and not person.reminded:
        return spaced[0]
    return _one_a_day(person, [decision for drafted in spaced for decision in drafted], now)


def _outside(decision: Decision) -> bool:
    """May have left, or follows a channel that failed."""
    taken = decision.booking.taken
    return decision.frozen or (bool(taken) and "failed" in taken.get(decision.step, {}).values())


def _one_appointment(drafted: list[Decision]) -> list[Decision]:
    reminders = [one for one in drafted if one.planned and one.day is not None]
    if len({one.day for one in reminders}) == len(reminders) <= REMINDERS_PER_APPOINTMENT:
        return drafted
    days = {one.day for one in reminders if _outside(one)}
    room = REMINDERS_PER_APPOINTMENT - sum(_outside(one) for one in reminders)
    reasons: dict[str, str] = {}
    kept: list[Decision] = []
    for one in sorted((one for one in reminders if not _outside(one)), key=_turn):
        if one.day in days:
            reasons[one.step] = "same_day"
        else:
            days.add(one.day)
            kept.append(one)
    for one in kept[: max(0, len(kept) - max(0, room))]:
        reasons[one.step] = "cap_appointment"
    return [_suppressed(one, reasons[one.step]) if one.step in reasons else one for one in drafted]


def _one_a_day(person: Person, drafted: Sequence[Decision], now: datetime) -> list[Decision]:
    """A day belongs to what left on it, else to the first group that can still leave: its
    members become one message."""
    days = [one.day for one in drafted if one.planned and one.day is not None]
    if not person.reminded and len(set(days)) == len(days):
        return list(drafted)
    spent: set[date] = set()
    groups: dict[date, dict[tuple[object, ...], bool]] = {}
    for one in drafted:
        if not one.planned or one.day is None:
            continue
        if _outside(one):
            spent.add(one.day)
            continue
        alive = one.closes_at is not None and one.closes_at > now
        waiting = groups.setdefault(one.day, {})
        group = merge_group(one)
        waiting[group] = waiting.get(group, False) or alive
    owner = {
        day: next((group for group, alive in waiting.items() if alive), next(iter(waiting)))
        for day, waiting in groups.items()
    }
    return [
        _suppressed(one, "cap_day")
        if one.planned
        and one.day is not None
        and not _outside(one)
        and (one.day in spent or _reminded(person, one) or owner[one.day] != merge_group(one))
        else one
        for one in drafted
    ]


def _reminded(person: Person, decision: Decision) -> bool:
    unit = decision.booking.unit
    assert unit is not None
    return any(civil_day(at, unit.hours.zone) == decision.day for at in person.reminded)


def _turn(decision: Decision) -> tuple[datetime, int]:
    """The order of one appointment's steps; of two pushed onto one hour, the protocol's."""
    assert decision.opens_at is not None
    assert decision.booking.unit is not None
    days = (step.day for step in decision.booking.unit.steps if step.id == decision.step)
    return decision.opens_at, -(next(days) or 0)


def _suppressed(decision: Decision, reason: str) -> Decision:
    return decision._replace(planned=False, reason=reason, address=None)
