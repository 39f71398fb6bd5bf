"""The no-show report as a value: what pages, exports and the command line render.

What is counted is the appointment as first booked, once its first reminder is due (outcome.py);
everything told here is told of those units: the messages about them, the answers, the tasks. A
rate never stands alone: it names its denominator and has an interval.

**Hidden lines.** A line about fewer than `HIDDEN_BELOW` patients is hidden, and as many others
with it as keep it from being worked out: from the totals, from another breakdown, from another
period or choice of services (domain/hiding.py states the rule and its source). A hidden line is
the value `Hidden`, never a zero nor an empty cell. Its appointments stay in the totals.

A report is about a span of civil months, and all services, some sites or some services; one finer
filter (`Only`) at most, in which case the trend is by month and no breakdown is told: two finer
ones would mostly leave lines that are hidden.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.outcome import Denominator, Tally

HIDDEN_BELOW = 5  # patients
RECONTACT_DAYS = 7
LONGEST = 60  # months one report may span
WEEKLY = 4  # months up to which the trend is by week


class Dimension(StrEnum):
    """By what lines are told, in the order of the report. `value` of a line in parentheses."""

    SITE = "site"  # (id of the site; "" unknown)
    SERVICE = "service"  # (UF; "" none)
    WEEKDAY = "weekday"  # ("1" Monday … "7")
    HOUR = "hour"  # ("8": from 8:00 to 8:59 in the zone of the site)
    LEAD = "lead"  # (domain.baseline: days between booking and start, "7-13", "?" unknown)
    KNOWN = "known"  # ("known" or "new" in this service)
    AGE = "age"  # (domain.baseline: years, "25-44", "?" unknown)
    CHANNEL = "channel"  # (of the first reminder: sms, email; "" none has left)
    LANGUAGE = "language"  # (code of two or three letters; "" unknown)
    TEMPLATE = "template"  # (number of the text of the first reminder; "0" none has left)


FINER = frozenset(Dimension) - {Dimension.SITE, Dimension.SERVICE}


class Reach(StrEnum):
    """How a patient could be written to when the appointment entered."""

    MOBILE = "mobile"
    EMAIL = "email"  # and no mobile number
    LANDLINE = "landline"  # nothing but
    NONE = "none"
    OBJECTION = "objection"  # to everything we send
    BLOCKED = "blocked"  # the records system says nobody may write


YEARS = range(1900, 2200)  # what people may ask about


@dataclass(frozen=True, slots=True, order=True)
class Month:
    year: int
    month: int

    def __post_init__(self) -> None:
        if not 1 <= self.month <= 12:
            raise ValueError(f"no such month: {self.month}")

    @property
    def number(self) -> int:
        """Months since year 0: consecutive months differ by one."""
        return self.year * 12 + self.month - 1

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    def between(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The civil month there: [start, end)."""
        end = Month.of_number(self.number + 1)
        return (
            datetime.combine(self.first_day, time(), zone),
            datetime.combine(end.first_day, time(), zone),
        )

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def of_number(cls, number: int) -> "Month":
        return cls(number // 12, number % 12 + 1)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Of « 2026-10 ». Raises ValueError for anything else, and for a year that is a slip: the
        calendar has no month before the first one nor after the last."""
        year, dash, month = text.partition("-")
        if not (dash and len(year) == 4 and len(month) == 2 and (year + month).isdecimal()):
            raise ValueError(f"no such month: {text}")
        if int(year) not in YEARS:
            raise ValueError(f"no such month: {text}")
        return cls(int(year), int(month))


class Every(StrEnum):
    WEEK = "week"  # ISO, Monday to Sunday
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Only:
    """One finer filter: a dimension of FINER, and its value."""

    dimension: Dimension
    value: str

    def __post_init__(self) -> None:
        if self.dimension not in FINER:
            raise ValueError("sites and services are chosen by name")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about. Empty sets: every site, every service the reader may see."""

    first: Month
    last: Month
    sites: frozenset[str] = frozenset()
    ufs: frozenset[str] = frozenset()
    only: Only | None = None

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("the period ends before it begins")

    @property
    def every(self) -> Every:
        """By what the trend is best told; of one value alone it is by month all the same."""
        long = self.last.number - self.first.number >= WEEKLY
        return Every.MONTH if long else Every.WEEK


@dataclass(frozen=True, slots=True)
class Rate:
    """No-shows among the appointments of a denominator; fractions of one.

    `low`, `high`: Wilson's 95 % interval, on as many appointments as independent ones would tell
    as much (a patient's several appointments resemble each other: `Figures.design_effect`).
    """

    denominator: Denominator
    missed: int
    among: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What one group of appointments tells. `None`: nothing is known, a dash, never 0 %.

    `primary`: the rate the report leads with; `bounds`: it, if all unknown had come, and if none
    had; `national`: the rate national figures give, beside it. `pending`: entered, still to come:
    in no denominator.
    """

    tally: Tally
    primary: Rate | None
    national: Rate | None
    bounds: tuple[float, float] | None
    pending: int = 0
    design_effect: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a breakdown. `partial`: in some months of the period it was hidden, and what
    is told is the rest."""

    value: str
    label: str  # of a site, service or template; "" elsewhere: the reader's language names it
    figures: Figures
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Hidden:
    """A line that may not be told: fewer than HIDDEN_BELOW patients, or the protector of one."""

    value: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Lines by value, in order; `masked`: appointments of the total that no line tells."""

    dimension: Dimension
    lines: tuple[Line | Hidden, ...]
    masked: int = 0


class Signal(StrEnum):
    """Where a point stands to the control limits."""

    WITHIN = "within"
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Point:
    """One week or month of the trend; `rate` None: hidden, or nothing known. `low`, `high`: the
    control limits at its size."""

    start: date
    rate: float | None
    among: int
    low: float | None
    high: float | None
    signal: Signal = Signal.WITHIN
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """The primary rate over time: a p-chart, Laney's p' where weeks vary more than chance alone
    (statistics/control.py). `sigma_z`: 1 for a plain p-chart. `centre` None: nothing is known."""

    every: Every
    points: tuple[Point, ...]
    centre: float | None
    sigma_z: float = 1.0


@dataclass(frozen=True, slots=True)
class Funnel:
    """Of the appointments that entered and whose outcome is due, how many …

    planned    a reminder was planned for
    sent       of those, one left
    delivered  of those, one was delivered, as far as the provider tells
    answered   of those, the patient answered in whatever way
    came       of those that were sent one (answered or not), the patient came; None: not told,
               as those of all less these are those of the few that were sent none
    """

    entered: int
    planned: int
    sent: int
    delivered: int
    answered: int
    came: int | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many of something; `number` None: hidden."""

    code: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Handling:
    """How long patients' answers waited for a person. Minutes; to within a tenth. None: none."""

    number: int
    median: float | None
    ninetieth: float | None


@dataclass(frozen=True, slots=True)
class Contacts:
    """Patients who write or call about their appointments, as far as this service sees it.

    `in_care`: patients with an appointment of the period that entered (each month's, added up);
    `contacts`: replies, answers on the page and calls staff noted, about those appointments.
    `recontacts`: appointments about which the patient wrote or called again within
    RECONTACT_DAYS of an earlier contact, unasked (an acknowledgement asks nothing), of the
    `contacted` ones. `alone`: appointments whose answers were all closed without a person, of
    the `answered` ones.
    """

    contacts: int
    in_care: int
    contacted: int
    recontacts: int
    answered: int
    alone: int

    @property
    def rate(self) -> float | None:
        return self.contacts / self.in_care if self.in_care else None

    @property
    def recontact_rate(self) -> float | None:
        return self.recontacts / self.contacted if self.contacted else None

    @property
    def alone_rate(self) -> float | None:
        return self.alone / self.answered if self.answered else None


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent about these appointments, and what providers charge for it, in euros."""

    messages: int
    segments: int
    cost: float


class NotMeasured(StrEnum):
    """What only telephony knows: named, never estimated."""

    PICK_UP = "pick-up"  # share of calls answered
    WAITING = "waiting"  # how long callers wait
    ABANDON = "abandon"  # calls given up before anybody answers


@dataclass(frozen=True, slots=True)
class NoShowReport:
    """`figures` None: fewer than HIDDEN_BELOW patients, or a choice that would give away some;
    then nothing else is told either. With one finer filter nothing but rates is counted. `masked`:
    how many times a service is left out of a month that is told of others
    because it is too small there; the whole hospital leaves out none."""

    asked: Asked
    figures: Figures | None
    trend: Trend
    breakdowns: tuple[Breakdown, ...] = ()
    reach: tuple[Count, ...] = ()  # by Reach
    funnel: Funnel | None = None
    motives: tuple[Count, ...] = ()  # by domain.answer.AnswerKind, or the reason a patient chose
    handling: Handling | None = None
    contacts: Contacts | None = None
    sent: Sent | None = None
    freed: int | None = None  # slots given back, by a cancellation or a move
    refilled: int | None = None  # of those, used again by another appointment: no unit of its own
    masked: int = 0
    silent: tuple[Month, ...] = ()  # months of the period in which nothing at all may be told
    fresh: bool = True  # nothing that changed is still to be counted
    not_measured: tuple[NotMeasured, ...] = tuple(NotMeasured)

    def breakdown(self, dimension: Dimension) -> Breakdown | None:
        return next((one for one in self.breakdowns if one.dimension is dimension), None)
