"""What planning looks at, and what it says: the value objects of the rules in `protocol`.

All instants are aware and UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal, NamedTuple

from reminders.domain.calendar import ContactHours, civil_day

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
    relation: str = ""  # "" the patient, "parent", "guardian", "helper"


@dataclass(frozen=True, slots=True)
class Person:
    """`blocked`: "" or why nobody may write (deceased, identity, …).

    `objects`: channels an objection to everything covers. Addresses in order of preference; those
    with a relation belong to the representative. `reminded`: when reminders that may have left were
    due, of the last days, whatever became of their appointments.
    """

    id: int
    blocked: str = ""
    birth_date: date | None = None
    protected: bool = False
    addresses: tuple[Address, ...] = ()
    objects: frozenset[str] = frozenset()
    no_contact: str = "no_contact"  # why there is no number, for the ledger
    language: str = "fr"
    reminded: tuple[datetime, ...] = ()
    representative: str = ""  # "parent" | "guardian" the DPI names, with an address or without


@dataclass(frozen=True, slots=True)
class LastTold:
    """The last text that may have left about an appointment (UNKNOWN included)."""

    starts_at: datetime
    place: str
    notice: bool = False  # it said the appointment is cancelled
    cycle: int = 0  # the version of the appointment it told


@dataclass(frozen=True, slots=True)
class Booking:
    """One coming appointment, with what was already done for its present cycle.

    `taken`: step -> channel -> what became of the message there. `marks`: step -> opens_at of
    a decision whose message is not re-decidable any more. `objects`: channels over which its
    patient wants nothing about this appointment, or nothing of its service. `withheld`: its
    reminders are, for the comparison of domain/holdout.py.
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
    objects: frozenset[str] = frozenset()
    stopped: bool = False  # staff want no more reminders of this cycle
    withheld: bool = False


class Decision(NamedTuple):  # made by the million: a frozen dataclass takes three times as long
    """What we do for one (appointment, step, cycle), and why."""

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
    day: date | None = None  # a reminder's civil day, for the caps; None: outside them


def merge_group(decision: Decision) -> tuple[object, ...]:
    """What may share one message: same patient, recipient, site, step and days.

    Planned decisions with an equal group become one; what is not a reminder stands alone.
    """
    booking = decision.booking
    unit = booking.unit
    assert unit is not None
    if decision.day is None:
        return (decision.step, booking.id)
    return (
        unit.site,
        decision.step,
        decision.purpose,
        decision.day,
        civil_day(booking.starts_at, unit.hours.zone),
        unit.sensitivity,
        decision.address,
        booking.source,
    )
