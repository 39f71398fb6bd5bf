"""The hold-out: which patients get no reminder for a while, so that what reminders do is known.

A patient's arm is drawn once, from our own key of the patient and a salt, and depends on nothing
else: not on whether they can be reached, not on their appointments, not on the day. What must
never be withheld is left out before the draw: those appointments are reminded like any other and
are not counted in either arm. Only reminders are withheld; preparation, corrections, notices,
acknowledgements and answers go to everybody.

An appointment becomes a unit on the morning its first reminder is due, whether one is then sent
or not, and keeps its arm from there on. Computed alike in both arms. Source: EVIDENCE 3.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from reminders.domain.booking import Booking, Person, Unit
from reminders.domain.interval import step_interval
from reminders.domain.preparation import Preparation
from reminders.domain.protocol import booked_too_late

PROPOSED_SHARE = 0.10
LARGEST_SHARE = 0.50
DRAWS = 2**64


class Arm(StrEnum):
    REMINDED = "reminded"
    HELD = "held"


class Excluded(StrEnum):
    """Why an appointment is reminded whatever the draw, and not counted."""

    NO = ""
    SERVICE = "service"  # named when the hold-out was proposed
    NEUTRAL = "neutral"  # a sensitive service (psychiatry, addiction…)
    PREPARATION = "preparation"  # the reminder carries instructions to follow
    PROTECTED = "protected"  # an adult under guardianship
    INTERPRETER = "interpreter"  # the records system knows another language than French


@dataclass(frozen=True, slots=True)
class Holdout:
    """A hold-out as it was approved; nothing of it changes afterwards."""

    id: int
    share: float  # of the patients, in ]0, 0.5]
    salt: bytes
    since: datetime  # approved; an appointment may become a unit from then on
    until: datetime  # the final look's date: none becomes one from then on
    ufs: frozenset[str] = frozenset()  # left out by name

    def __post_init__(self) -> None:
        if not 0 < self.share <= LARGEST_SHARE:
            raise ValueError("a hold-out keeps at most half of the patients, and somebody")
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise ValueError("naive datetime refused: an instant needs its zone")


def arm_of(salt: bytes, patient: int, share: float) -> Arm:
    """The arm of our patient `patient` (of the survivor, after a merge): the same for ever.

    A keyed hash taken as a number in [0, 1): nobody who lacks the salt can tell, and a larger
    share keeps everybody whom a smaller one held.
    """
    digest = blake2b(str(patient).encode(), key=salt, digest_size=8).digest()
    return Arm.HELD if int.from_bytes(digest) / DRAWS < share else Arm.REMINDED


def exclusion(
    holdout: Holdout, person: Person, booking: Booking, sheet: Preparation | None, language: str
) -> Excluded:
    """Why this appointment is outside the comparison; NO: it is inside.

    `language`: the records system's, never the one the patient chose on a page of ours, which
    reminders lead to. A sheet that only names papers to bring does not exclude: they are on the
    convocation everybody gets.
    """
    if booking.uf in holdout.ufs:
        return Excluded.SERVICE
    if booking.unit is not None and booking.unit.sensitivity != "normal":
        return Excluded.NEUTRAL
    if sheet is not None and (sheet.instructions or sheet.sms or sheet.acknowledge):
        return Excluded.PREPARATION
    if person.protected:
        return Excluded.PROTECTED
    if language and not language.lower().startswith("fr"):
        return Excluded.INTERPRETER
    return Excluded.NO


def entry_moment(person: Person, booking: Booking, *, now: datetime) -> datetime | None:
    """When this appointment becomes a unit if nothing changes until then: as the permitted hours
    of its first reminder's day open, or now if they have and the reminder would still leave. None:
    it never will be one.

    Who could be reached, over what, and what they answered plays no part. The hours are the
    site's: whatever the zone of a patient's number, nothing leaves before them.
    """
    unit = booking.unit
    if booking.status != "booked" or booking.all_day or person.blocked:
        return None
    if unit is None or unit.sensitivity == "excluded" or booking.answer == "cancelled":
        return None
    moments = _first_reminders(booking, unit, now)
    return max(now, min(moments)) if moments else None


def _first_reminders(booking: Booking, unit: Unit, now: datetime) -> list[datetime]:
    found = []
    for step in unit.steps:
        if step.day is None:
            continue
        interval = step_interval(step, booking.starts_at, unit.hours, "")
        if interval is None or interval.closes <= now:
            continue
        if not booked_too_late(booking, unit, step, interval):
            found.append(interval.earliest)
    return found


def first_of_each(bookings: Sequence[Booking]) -> list[Booking]:
    """Without those another source tells too: one start in one service is one appointment."""
    seen: set[tuple[datetime, str]] = set()
    found = []
    for booking in sorted(bookings, key=lambda b: (b.starts_at, b.id)):
        same = (booking.starts_at, booking.uf)
        if booking.status == "booked" and same in seen:
            continue
        if booking.status == "booked":
            seen.add(same)
        found.append(booking)
    return found


def services_as_text(ufs: frozenset[str]) -> str:
    return json.dumps(sorted(ufs))


def services_of_text(text: str) -> frozenset[str]:
    return frozenset(json.loads(text or "[]"))
