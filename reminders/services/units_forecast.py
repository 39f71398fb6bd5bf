"""What a change of the rules will do, before anybody agrees to it: the plan, made twice and not
written.

The very rules of planning decide, for everybody concerned or, of a very large service, for the
first few thousand patients; then the figures are scaled up and say so.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.protocol import WHOLE, Booking, Decision, Person, decide
from reminders.services.plan import looked_at
from reminders.services.rules import Book, Rules
from reminders.store import units
from reminders.store.engine import Store
from reminders.store.types import micros

MOST_PATIENTS = 3_000  # decided about one by one; more are estimated from these
WEEK = timedelta(days=7)


@dataclass(slots=True)
class Forecast:
    """What the rules do for one or several services. Messages are steps that will leave."""

    appointments: int = 0  # to come, whatever becomes of them
    reminded: int = 0  # those with a step still to leave
    today: int = 0
    tomorrow: int = 0
    week: int = 0  # steps that leave within seven days
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)  # (step, channel): that week
    nothing: Counter[str] = field(default_factory=Counter)  # reason -> appointments told nothing

    def scaled(self, factor: float) -> "Forecast":
        def grown(number: int) -> int:
            return round(number * factor)

        return Forecast(
            appointments=grown(self.appointments),
            reminded=grown(self.reminded),
            today=grown(self.today),
            tomorrow=grown(self.tomorrow),
            week=grown(self.week),
            steps=Counter({key: grown(n) for key, n in self.steps.items()}),
            nothing=Counter({key: grown(n) for key, n in self.nothing.items()}),
        )


@dataclass(frozen=True, slots=True)
class Change:
    before: Forecast
    after: Forecast
    estimated: bool  # from a part of the patients

    @property
    def steps(self) -> list[tuple[str, str, int, int]]:
        """(step, channel, before, after) of the next seven days."""
        keys = sorted(self.before.steps.keys() | self.after.steps.keys())
        return [(*key, self.before.steps[key], self.after.steps[key]) for key in keys]

    @property
    def changes_nothing(self) -> bool:
        return self.before == self.after


def foresee(
    store: Store, rules: Rules, secret: bytes, after: Book, ufs: Sequence[str], *, now: datetime
) -> Change:
    """What the services' coming appointments get now, and would get by the book `after`."""
    at = micros(now)
    with store.read() as connection:
        rules.follow(connection)
        patients = units.concerned(connection, ufs, now=at, limit=MOST_PATIENTS + 1)
        more = len(patients) > MOST_PATIENTS
        patients = patients[:MOST_PATIENTS]
        everybody = (
            sum(row.patients for row in units.coming_of(connection, ufs, at))
            if more
            else len(patients)
        )
        found = looked_at(connection, rules, secret, patients, now=now)
    factor = everybody / len(patients) if more else 1.0
    about = frozenset(ufs)
    return Change(
        _forecast(found, rules.book, about, now).scaled(factor),
        _forecast(found, after, about, now).scaled(factor),
        estimated=more,
    )


def _forecast(
    found: Iterable[tuple[Person, tuple[Booking, ...]]],
    book: Book,
    ufs: frozenset[str],
    now: datetime,
) -> Forecast:
    total = Forecast()
    for person, bookings in found:
        told = tuple(replace(one, unit=book.units.get(one.uf)) for one in bookings)
        if told:
            _add(total, decide(person, told, now=now), ufs, now)
    return total


def _add(
    total: Forecast, decisions: Sequence[Decision], ufs: frozenset[str], now: datetime
) -> None:
    by_booking: dict[int, list[Decision]] = {}
    for one in decisions:
        if one.booking.uf in ufs and one.booking.status == "booked":
            by_booking.setdefault(one.booking.id, []).append(one)
    for those in by_booking.values():
        total.appointments += 1
        leaving = [one for one in those if one.planned and not one.frozen]
        for one in leaving:
            _count(total, one, now)
        if leaving:
            total.reminded += 1
        elif not any(one.planned for one in those):
            total.nothing[why_nothing(those)] += 1


def _count(total: Forecast, one: Decision, now: datetime) -> None:
    assert one.opens_at is not None
    assert one.address is not None
    assert one.booking.unit is not None
    zone = one.booking.unit.hours.zone
    days = (_day(max(one.opens_at, now), zone) - _day(now, zone)).days
    total.today += days == 0
    total.tomorrow += days == 1
    if one.opens_at < now + WEEK:
        total.week += 1
        total.steps[one.step, one.address.channel] += 1


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def why_nothing(decisions: Sequence[Decision]) -> str:
    """The one reason an appointment gets nothing: that of the whole, else of its last step."""
    whole = next((one.reason for one in decisions if one.step == WHOLE), "")
    if whole:
        return whole
    reasons = [one.reason for one in decisions if one.reason != "same_day"]
    return reasons[-1] if reasons else decisions[-1].reason


def by_step(change: Change) -> Mapping[str, tuple[int, int]]:
    """step -> (before, after), whatever the channel."""
    told: dict[str, tuple[int, int]] = {}
    for step, _, before, after in change.steps:
        known = told.get(step, (0, 0))
        told[step] = (known[0] + before, known[1] + after)
    return told
