"""The kind of an appointment, as far as it was known when it was booked.

A cell puts together appointments that were missed alike before the programme began: the same
service, as new or as known there, as long ahead, on the same weekday and half-day, of the same
age. Its past rate sharpens the measure of what reminders do; nothing in it can be changed by
them. Source: predictors in EVIDENCE 1 (Marshfield 2021, Philpott-Morgan 2021) and 5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

LEADS = (1, 3, 7, 14, 28, 56)  # whole days between booking and start: upper ends, excluded
AGES = (3, 16, 25, 45, 65, 80)  # years, likewise
PULL = 20  # appointments a cell's own past must weigh to count as much as its service's
UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Cell:
    uf: str
    known: str  # known | new: see `is_known`
    lead: str
    weekday: str  # 1 = Monday
    hour: str
    age: str

    @property
    def key(self) -> str:
        """What is stored: never a birth date, a name or an hour of one person's life."""
        return "|".join((self.uf, self.known, self.lead, self.weekday, self.hour, self.age))


def cell_of(
    uf: str,
    starts_at: datetime,
    booked_at: datetime | None,
    birth_date: date | None,
    *,
    known: bool,
    zone: ZoneInfo,
) -> Cell:
    """`starts_at` as first booked; instants are aware, civil ones those of `zone`."""
    local = starts_at.astimezone(zone)
    lead = UNKNOWN
    if booked_at is not None:
        lead = band((local.date() - booked_at.astimezone(zone).date()).days, LEADS)
    age = UNKNOWN
    if birth_date is not None:
        age = band(years(birth_date, local.date()), AGES)
    half = "am" if local.hour < 12 else "pm"
    return Cell(uf, "known" if known else "new", lead, str(local.isoweekday()), half, age)


def known_since(starts_at: datetime, booked_at: datetime | None, first_reminder: int) -> datetime:
    """Before this moment an appointment of the same patient in the same service, whatever became
    of it, must have started for them to be known there.

    It is when this one was first booked; where no record tells that, or it tells nonsense, when
    its first reminder is due, that many days before. Of several booked at once none makes the
    others known: the patient was new to the service when they were booked, and what is counted
    and adjusted on is what was known then. The report, the comparison and the past ask alike.
    """
    if booked_at is not None and booked_at <= starts_at:
        return booked_at
    return starts_at - timedelta(days=first_reminder)


def is_known(
    earliest: datetime | None,
    starts_at: datetime,
    booked_at: datetime | None,
    first_reminder: int,
) -> bool:
    """`earliest`: the first start of the patient in the service, this appointment's or another's;
    None: there is none."""
    return earliest is not None and earliest < known_since(starts_at, booked_at, first_reminder)


def band(value: int, ends: tuple[int, ...]) -> str:
    """« 7-13 », « <1 », « 56+ »: the band of a whole number."""
    if value < ends[0]:
        return f"<{ends[0]}"
    for low, high in pairwise(ends):
        if value < high:
            return f"{low}-{high - 1}"
    return f"{ends[-1]}+"


def years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@dataclass(frozen=True, slots=True)
class Past:
    """What happened to a cell's appointments before the programme."""

    appointments: int
    missed: int


def past_rates(past: Mapping[str, Past]) -> dict[str, float]:
    """Cell key -> its rate before the launch, a fraction; a UF alone is its service's, "" all.

    A small cell is pulled towards its service, a small service towards the whole: five
    appointments say little about the sixth. Cells that hold nothing are left out.
    """
    whole = _sum(past.values())
    if not whole.appointments:
        return {}
    rates = {"": whole.missed / whole.appointments}
    services: dict[str, list[Past]] = {}
    for key, one in past.items():
        services.setdefault(key.partition("|")[0], []).append(one)
    for uf, members in services.items():
        rates[uf] = _pulled(_sum(members), rates[""])
    for key, one in past.items():
        if one.appointments:
            rates[key] = _pulled(one, rates[key.partition("|")[0]])
    return rates


def rate_of(key: str, rates: Mapping[str, float]) -> float:
    """A cell's past rate; of one never seen before, its service's, else everybody's; 0 without
    any past: the same for all, it then changes nothing."""
    found = rates.get(key)
    if found is None:
        found = rates.get(key.partition("|")[0], rates.get("", 0.0))
    return found


def _sum(some: Iterable[Past]) -> Past:
    members = list(some)
    return Past(sum(one.appointments for one in members), sum(one.missed for one in members))


def _pulled(one: Past, towards: float) -> float:
    return (one.missed + PULL * towards) / (one.appointments + PULL)
