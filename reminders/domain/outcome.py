"""What became of an appointment: the definitions every report uses.

attended              the patient came: the DPI says so, else a person of the service marked it
no-show               expected and not there (NVNE, non venu non excusé): likewise told by the
                      DPI or marked by a person; never inferred from silence
cancelled-early       called off 48 hours or more before the start
cancelled-late        called off later than that, by the patient or by somebody unnamed
cancelled-by-hospital called off by the hospital before the patient said anything, whenever
unknown               its start is past and nobody says more

Several may speak of one appointment. The first of these that applies is the outcome:

1. the DPI says the patient came: what was asked or marked before no longer matters;
2. the DPI says that the hospital called it off before the patient asked to;
3. the DPI says nothing final and a person marked that the patient came;
4. the patient told us before the start that they would not come: a cancellation, early or late
   by the moment it was given, even where the DPI says no-show because nobody entered it;
5. the DPI says cancelled, by the moment it tells, or no-show;
6. a person marked the day: absent is a no-show; excused is a late cancellation, since the
   service was told and the slot was lost. A mark counts only while the DPI says nothing final;
7. nothing: unknown once the start is past.

What is counted is the appointment as it was first booked, from the moment its first reminder is
due (the same moment whether one is sent or not). One that moves stays the same unit, and its
outcome is that of where it went; one that takes a freed slot, the first or the one it went to,
counts for that slot's being used again and is no unit of its own. Which outcomes a rate is told
among: `Denominator`.

Source: EVIDENCE 3 (estimand and denominators), DOMAIN 2.7 (status words).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from reminders.domain.appointment import CancelledBy, Status

EARLY = timedelta(hours=48)

CAME = frozenset({Status.ARRIVED, Status.CHECKED_IN, Status.FULFILLED})
NEVER_ONE = frozenset({Status.ENTERED_IN_ERROR, Status.PROPOSED, Status.WAITLIST})


# What the DPI says while it has not said how it ended.
OPEN = frozenset({Status.PENDING, Status.BOOKED, Status.UNKNOWN})
_BEGUN = CAME | {Status.NOSHOW}  # whatever its hour: the records system says how it went


def why_closed(status: Status, starts_at: datetime, now: datetime) -> str:
    """Why nothing can be said or sent about it any more: past, not_booked; "" while it can."""
    if status in _BEGUN or (status in OPEN and starts_at <= now):
        return "past"
    return "" if status is Status.BOOKED else "not_booked"


class Attendance(StrEnum):
    """What a person of the service marked of the day, where the DPI does not tell."""

    UNMARKED = ""
    CAME = "came"
    ABSENT = "absent"
    EXCUSED = "excused"


class Outcome(StrEnum):
    ATTENDED = "attended"
    NO_SHOW = "no-show"
    CANCELLED_EARLY = "cancelled-early"
    CANCELLED_LATE = "cancelled-late"
    CANCELLED_BY_HOSPITAL = "cancelled-by-hospital"
    UNKNOWN = "unknown"


def outcome_of(
    status: Status,
    starts_at: datetime,
    cancelled_at: datetime | None,
    cancelled_by: CancelledBy,
    now: datetime,
    *,
    asked_at: datetime | None = None,
    marked: Attendance = Attendance.UNMARKED,
) -> Outcome | None:
    """None: it is still to come, was entered in error, or never was an appointment.

    `asked_at`: when the patient told us that they would not come; None, or after the start:
    they did not. A cancellation whose moment is not known counts as late: the slot cannot be
    claimed as freed in time. Raises ValueError for a naive datetime.
    """
    moments = (starts_at, cancelled_at, asked_at, now)
    if any(moment is not None and moment.tzinfo is None for moment in moments):
        raise ValueError("naive datetime refused: an instant needs its zone")
    if status in NEVER_ONE:
        return None
    if status in CAME:
        return Outcome.ATTENDED
    asked = asked_at if asked_at is not None and asked_at < starts_at else None
    if status is Status.CANCELLED and cancelled_by is CancelledBy.HOSPITAL:
        asked_first = asked is not None and (cancelled_at is None or asked <= cancelled_at)
        return _called_off(starts_at, asked) if asked_first else Outcome.CANCELLED_BY_HOSPITAL
    if status in OPEN and marked is Attendance.CAME and starts_at <= now:
        return Outcome.ATTENDED
    if asked is not None:
        known = [moment for moment in (asked, cancelled_at) if moment is not None]
        return _called_off(starts_at, min(known) if status is Status.CANCELLED else asked)
    if status is Status.CANCELLED:
        return _called_off(starts_at, cancelled_at)
    if status is Status.NOSHOW:
        return Outcome.NO_SHOW
    if starts_at > now:
        return None
    return BY_MARK.get(marked, Outcome.UNKNOWN)


BY_MARK = {
    Attendance.ABSENT: Outcome.NO_SHOW,
    Attendance.EXCUSED: Outcome.CANCELLED_LATE,
}


def _called_off(starts_at: datetime, moment: datetime | None) -> Outcome:
    early = moment is not None and starts_at - moment >= EARLY
    return Outcome.CANCELLED_EARLY if early else Outcome.CANCELLED_LATE


class Denominator(StrEnum):
    """Among which appointments a no-show rate is told. A rate without one means nothing.

    eligible   every one that was booked when its first reminder was due, and whose outcome is
               known, cancelled ones included: reminders turn no-shows into cancellations, so
               leaving those out would hide half of what they do. The one reports lead with
    expected   attended and no-shows only, as national figures count (NHS England): shown
               beside it, to compare with others
    """

    ELIGIBLE = "eligible"
    EXPECTED = "expected"


AMONG = {
    Denominator.ELIGIBLE: frozenset(Outcome) - {Outcome.UNKNOWN},
    Denominator.EXPECTED: frozenset({Outcome.ATTENDED, Outcome.NO_SHOW}),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by outcome, and the rates they allow.

    Unknown outcomes are in no rate; the bounds say what they could change.
    """

    counts: Mapping[Outcome, int]

    def __getitem__(self, outcome: Outcome) -> int:
        return self.counts.get(outcome, 0)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def among(self, denominator: Denominator) -> int:
        """How many appointments a rate with this denominator is about."""
        return sum(self[outcome] for outcome in AMONG[denominator])

    def rate(self, denominator: Denominator) -> float | None:
        """No-shows among them, a fraction; None when nothing is known: a dash, never 0 %."""
        whole = self.among(denominator)
        return self[Outcome.NO_SHOW] / whole if whole else None

    def bounds_of(self, denominator: Denominator) -> tuple[float, float] | None:
        """The rate if every unknown one had come, and if none had."""
        unknown = self[Outcome.UNKNOWN]
        whole = self.among(denominator) + unknown
        if not whole:
            return None
        missed = self[Outcome.NO_SHOW]
        return missed / whole, (missed + unknown) / whole

    @property
    def unknown_share(self) -> float | None:
        """Unknown outcomes among all; None when there is nothing."""
        return self[Outcome.UNKNOWN] / self.total if self.total else None

    @property
    def known(self) -> int:
        """Denominator of `no_show_rate`: who came or was expected and did not."""
        return self.among(Denominator.EXPECTED)

    @property
    def no_show_rate(self) -> float | None:
        """The national-style rate."""
        return self.rate(Denominator.EXPECTED)

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Of the national-style rate."""
        return self.bounds_of(Denominator.EXPECTED)
