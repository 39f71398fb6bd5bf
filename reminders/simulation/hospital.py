"""A seeded hospital: its services, its agenda, and what it does to its own appointments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from reminders.domain.calendar import to_utc
from reminders.domain.holidays import is_holiday
from reminders.simulation.chance import stream
from reminders.simulation.people import Person, people

PARIS = ZoneInfo("Europe/Paris")
HORIZON_DAYS = 60  # how far ahead the agenda is open
DESK_OPENS, DESK_CLOSES = time(8, 30), time(17, 30)
SITE_NAME, SITE_SHORT, SITE_PHONE = "Centre hospitalier Exemple", "CH Exemple", "01 99 00 12 34"


@dataclass(frozen=True, slots=True)
class Unit:
    """A service as the DPI and the configuration name it. `mapped`: the configuration knows it."""

    uf: str
    label: str  # what patients may read
    slots: int  # appointments on a full day
    minutes: int
    sensitivity: Literal["normal", "neutral", "excluded"] = "normal"
    mapped: bool = True
    children: bool = False
    slot_cost_eur: int = 50


UNITS = (
    Unit("4220", "Consultations, accueil B2", 24, 20),
    Unit("4310", "Consultations, accueil A1", 16, 30),
    Unit("4425", "Consultations, pavillon Nord", 12, 30),
    Unit("2510", "Imagerie, accueil C0", 18, 30, slot_cost_eur=120),
    Unit("3140", "Anesthésie, accueil A0", 8, 20),
    Unit("5150", "Pédiatrie, pavillon D", 10, 20, children=True),
    Unit("6600", "Consultations, accueil B4", 6, 40, "neutral", slot_cost_eur=70),
    Unit("7100", "Consultations, pavillon Sud", 4, 45, "excluded", slot_cost_eur=70),
    Unit("9990", "", 2, 30, mapped=False),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What the hospital does to an appointment: move it to `to`, or cancel it (None)."""

    at: datetime
    to: datetime | None


@dataclass(frozen=True, slots=True)
class Booking:
    """One appointment as it was booked. Instants are UTC."""

    id: str
    person: Person
    unit: Unit
    starts_at: datetime
    booked_at: datetime
    change: Change | None = None

    @property
    def lead(self) -> timedelta:
        return self.starts_at - self.booked_at


@dataclass(frozen=True, slots=True)
class Hospital:
    seed: int
    people: tuple[Person, ...]
    bookings: tuple[Booking, ...]  # by booking moment


def hospital(
    seed: int, first_day: date, days: int, *, patients: int = 1_200, busy: float = 0.75
) -> Hospital:
    """Everything that is booked for `days` days from `first_day` and the horizon after them.

    `busy` scales the number of slots of a day. Equal arguments give equal hospitals.
    """
    everybody = people(seed, patients, first_day)
    children = [one for one in everybody if any(x.holder == "parent" for x in one.lines)]
    adults = [one for one in everybody if one not in set(children)]
    found: list[Booking] = []
    for offset in range(days + HORIZON_DAYS):
        day = first_day + timedelta(days=offset)
        if day.weekday() < 5 and not is_holiday(day, "metropole"):
            found += _day(seed, day, busy, adults, children or adults)
    return Hospital(seed, everybody, tuple(sorted(found, key=lambda x: (x.booked_at, x.id))))


def _day(
    seed: int, day: date, busy: float, adults: Sequence[Person], children: Sequence[Person]
) -> list[Booking]:
    found: list[Booking] = []
    for unit in UNITS:
        for slot in range(max(1, round(unit.slots * busy))):
            chance = stream(seed, "slot", day, unit.uf, slot)
            person = chance.choice(children if unit.children else adults)
            starts_at = _slot_start(day, unit, slot)
            again = chance.random() < 0.05
            if again and found and not unit.children:
                person = chance.choice(found).person  # two appointments on one day
            if any(x.person is person and abs(x.starts_at - starts_at) < HOUR for x in found):
                continue
            if chance.random() < 0.06:
                continue  # a slot nobody took
            booked_at = _booked_at(chance, starts_at)
            change = _change(chance, starts_at, booked_at)
            name = f"{day:%y%m%d}-{unit.uf}-{slot:02}"
            found.append(Booking(name, person, unit, starts_at, booked_at, change))
    return found


HOUR = timedelta(hours=1)


def _slot_start(day: date, unit: Unit, slot: int) -> datetime:
    """Slots follow each other in rooms that work side by side, morning and afternoon."""
    in_half_day = (3 * 60 + 30) // unit.minutes
    half, place = divmod(slot, in_half_day)
    start = time(8, 30) if half % 2 == 0 else time(13, 30)
    opened = datetime.combine(day, start) + timedelta(minutes=place * unit.minutes)
    return to_utc(day, opened.time(), PARIS)


def _booked_at(chance: Random, starts_at: datetime) -> datetime:
    """One in eight within 48 h; the others up to two months ahead, three weeks on average."""
    if chance.random() < 0.125:
        lead = timedelta(hours=chance.uniform(3, 47))
    else:
        lead = timedelta(days=min(HORIZON_DAYS - 1, 2 + chance.expovariate(1 / 19)))
    return desk_time_before(starts_at - lead)


def desk_time_before(moment: datetime) -> datetime:
    """The last moment at or before `moment` at which somebody answers at the desk."""
    local = moment.astimezone(PARIS)
    day, at = local.date(), local.time()
    if at < DESK_OPENS or day.weekday() > 4:
        day, at = day - timedelta(days=1), DESK_CLOSES
        while day.weekday() > 4:
            day -= timedelta(days=1)
    return to_utc(day, min(at, DESK_CLOSES), PARIS)


def desk_time_after(moment: datetime) -> datetime:
    """The first moment at or after `moment` at which somebody answers at the desk."""
    local = moment.astimezone(PARIS)
    day, at = local.date(), local.time()
    if at > DESK_CLOSES or day.weekday() > 4:
        day, at = day + timedelta(days=1), DESK_OPENS
        while day.weekday() > 4:
            day += timedelta(days=1)
    return to_utc(day, max(at, DESK_OPENS), PARIS)


def _change(chance: Random, starts_at: datetime, booked_at: datetime) -> Change | None:
    kind, when = chance.random(), chance.random()
    shift = timedelta(minutes=chance.choice((-60, -45, -30, -20, 20, 30, 45, 60, 90)))
    days = timedelta(days=chance.choice((1, 2, 5, 6, 7, 8, 9)))
    at = desk_time_after(booked_at + (starts_at - booked_at) * (0.3 + 0.65 * when))
    if kind > 0.06 or at >= starts_at - timedelta(hours=3):
        return None
    if kind < 0.02:
        return Change(at, None)
    local = starts_at.astimezone(PARIS).replace(tzinfo=None)
    moved = local + (shift if chance.random() < 0.6 else days)
    if moved.weekday() > 4 or not time(8) <= moved.time() <= time(18):
        moved = local + timedelta(days=7)
    instant = to_utc(moved.date(), moved.time(), PARIS)
    return None if instant <= at else Change(at, instant)
