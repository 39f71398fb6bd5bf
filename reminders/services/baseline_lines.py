"""One line of the past as what is counted of it: kinds, an outcome, and hashes for who and what."""

from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from secrets import token_bytes
from zoneinfo import ZoneInfo

from reminders.config import DEFAULT_PROTOCOL
from reminders.domain.appointment import STRONGEST, AppointmentRecord, Status
from reminders.domain.baseline import UNKNOWN, cell_of, known_since, years
from reminders.domain.outcome import outcome_of
from reminders.services.rules import Rules
from reminders.store.types import micros

FIRST_REMINDER = 7  # days before: where a service has no protocol yet
LONGEST_LEAD = 730  # days
OLDEST = 120  # years
STRENGTH = {status: place for place, status in enumerate(STRONGEST)}


class Lines:
    """`launch`: later appointments are counted apart and not kept. The key of the hashes dies
    with this object: nobody can tell afterwards who was who."""

    def __init__(
        self, rules: Rules, zone: ZoneInfo, now: datetime, launch: datetime | None
    ) -> None:
        self._zone = zone
        self._now = now
        self._end = min(now, launch) if launch is not None else now
        self._key = token_bytes(16)
        self._lead = lru_cache(4_096)(lambda uf: first_reminder(rules, uf))
        self._entered = lru_cache(65_536)(lambda uf, ahead: entry_day(rules, uf, ahead))
        self._civil = lru_cache(65_536)(self._civil_of)
        self._number = 0
        self.future = 0
        self.launched = 0

    def of(self, record: AppointmentRecord) -> tuple[object, ...] | None:
        """In the order of store.baseline.LINE_COLUMNS; None: without patient or start, or not
        over when the programme began."""
        starts_at, patient = record.starts_at, record.patient
        self._number += 1
        if starts_at is None or patient is None:
            return None
        if starts_at >= self._end:
            self.future += starts_at > self._now
            self.launched += starts_at <= self._now
            return None
        cancelled_at = record.modified_at if record.status is Status.CANCELLED else None
        outcome = outcome_of(record.status, starts_at, cancelled_at, record.cancelled_by, self._now)
        monday, hour = self._civil(starts_at)
        ahead = self._ahead(record)
        negative = ahead is not None and ahead < 0
        far = ahead is not None and ahead > LONGEST_LEAD
        born = patient.birth_date
        local = starts_at.astimezone(self._zone).date()
        if born is not None and not 0 <= years(born, local) <= OLDEST:
            born = None
        booked_at = None if negative or far else record.booked_at
        cell = cell_of(record.uf, starts_at, booked_at, born, known=False, zone=self._zone)
        days = self._lead(record.uf)
        entry = starts_at - timedelta(days=self._entered(record.uf, None if negative else ahead))
        return (
            record.row or self._number,
            self._hashed(record.external_id),
            self._hashed(f"{patient.authority}\x1f{patient.identifier}"),
            record.uf,
            micros(starts_at),
            micros(known_since(starts_at, record.booked_at, days)),
            monday,
            STRENGTH[record.status],
            int(record.all_day),
            cell.lead,
            cell.weekday,
            UNKNOWN if record.all_day else hour,
            cell.age,
            outcome.value if outcome is not None else "",
            int(cancelled_at is None or cancelled_at >= entry),
            int(record.booked_at is None),
            int(born is None),
            int(negative),
            int(far),
            int(record.status is Status.CANCELLED and cancelled_at is None),
        )

    def _ahead(self, record: AppointmentRecord) -> int | None:
        """Civil days between booking and start."""
        if record.booked_at is None or record.starts_at is None:
            return None
        booked = record.booked_at.astimezone(self._zone).date()
        return (record.starts_at.astimezone(self._zone).date() - booked).days

    def _civil_of(self, moment: datetime) -> tuple[int, str]:
        """(ordinal of its week's Monday, hour)"""
        local = moment.astimezone(self._zone)
        return local.toordinal() - local.weekday(), f"{local.hour:02}"

    def _hashed(self, text: str) -> int:
        digest = blake2b(text.encode(), digest_size=8, key=self._key).digest()
        return int.from_bytes(digest) >> 1


def first_reminder(rules: Rules, uf: str) -> int:
    """Days before the start at which a service's first reminder leaves."""
    return max((day for day, _ in _reminders(rules, uf)), default=FIRST_REMINDER)


def entry_day(rules: Rules, uf: str, ahead: int | None) -> int:
    """Days before the start at which what was booked so many days ahead has its first reminder due;
    None: nobody knows when. Booked later than any reminder, the last one's."""
    steps = _reminders(rules, uf)
    days = [day for day, least in steps if ahead is None or ahead >= max(day, least)]
    return max(days, default=min((day for day, _ in steps), default=FIRST_REMINDER))


def _reminders(rules: Rules, uf: str) -> list[tuple[int, int]]:
    """(days before, days it must be booked ahead) of a service's reminders."""
    unit = rules.units.get(uf)
    if unit is None:
        return [(step.day, step.booked_days_before) for step in DEFAULT_PROTOCOL.step if step.day]
    return [(one.day, one.booked_days_before) for one in unit.steps if one.day is not None]
