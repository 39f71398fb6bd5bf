"""What became of an appointment: the definitions every report uses.

attended              the DPI says the patient came (arrived, checked in, fulfilled)
no-show               the DPI says so (NVNE, non venu non excusé); never inferred from silence
cancelled-early       called off 48 hours or more before the start
cancelled-late        called off later than that, by the patient or by somebody unnamed
cancelled-by-hospital called off by the hospital, whenever
unknown               its start is past and the DPI says nothing more

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
) -> Outcome | None:
    """None: it is still to come, was entered in error, or never was an appointment.

    A cancellation whose moment is not known counts as late: the slot cannot be claimed as
    freed in time. Raises ValueError for a naive datetime.
    """
    if any(
        moment is not None and moment.tzinfo is None for moment in (starts_at, cancelled_at, now)
    ):
        raise ValueError("naive datetime refused: an instant needs its zone")
    if status in NEVER_ONE:
        return None
    if status is Status.CANCELLED:
        if cancelled_by is CancelledBy.HOSPITAL:
            return Outcome.CANCELLED_BY_HOSPITAL
        early = cancelled_at is not None and starts_at - cancelled_at >= EARLY
        return Outcome.CANCELLED_EARLY if early else Outcome.CANCELLED_LATE
    if status in CAME:
        return Outcome.ATTENDED
    if status is Status.NOSHOW:
        return Outcome.NO_SHOW
    return Outcome.UNKNOWN if starts_at <= now else None


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by outcome, and the rates they allow.

    `no_show_rate` is the national-style one: no-shows among attended and no-shows. Unknown
    outcomes are in no rate; the bounds say what they could change.
    """

    counts: Mapping[Outcome, int]

    def __getitem__(self, outcome: Outcome) -> int:
        return self.counts.get(outcome, 0)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def known(self) -> int:
        """Denominator of the rate: patients who came or were expected and did not."""
        return self[Outcome.ATTENDED] + self[Outcome.NO_SHOW]

    @property
    def no_show_rate(self) -> float | None:
        """A fraction; None when nothing is known: a dash, never 0 %."""
        return self[Outcome.NO_SHOW] / self.known if self.known else None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The rate if every unknown one had come, and if none had."""
        whole = self.known + self[Outcome.UNKNOWN]
        if not whole:
            return None
        missed = self[Outcome.NO_SHOW]
        return missed / whole, (missed + self[Outcome.UNKNOWN]) / whole
