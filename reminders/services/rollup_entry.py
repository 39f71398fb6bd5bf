"""Which appointments are units of the no-show report, since when, and of what kind.

Computed of an appointment alone, alike whoever can be reached and whether a hold-out runs. What
has entered is never computed again.
"""

from collections.abc import Sequence
from datetime import date, datetime

from reminders.domain.baseline import cell_of, is_known
from reminders.domain.booking import Booking, Person
from reminders.domain.holdout import entry_moment
from reminders.domain.report import Month, Reach
from reminders.domain.report_unit import kind_of
from reminders.services.baseline_lines import first_reminder
from reminders.services.rules import Rules
from reminders.store import rollups as stored
from reminders.store.engine import Connection, Record
from reminders.store.types import instant, instant_or_none, micros

LONG_AGO = instant(0)  # before any first reminder's hours


def enter(connection: Connection, rules: Rules, ids: Sequence[int], now: datetime) -> set[int]:
    """Write the units of these appointments that have not entered yet: months that may change."""
    found = stored.entering(connection, ids)
    at, months = micros(now), set[int]()
    units: list[tuple[object, ...]] = []
    gone = {row.id for row in found if row.known_unit is not None}
    for row in found:
        if _has_entered(row, at):
            gone.discard(row.id)
            continue
        unit = _unit(row, rules)
        if unit is None:
            continue
        gone.discard(row.id)
        known = (row.known_unit, row.unit_patient, row.unit_uf, row.unit_month,
                 row.unit_starts_at, row.entered_at)  # fmt: skip
        if known != unit[:6] or row.kind != unit[-1]:
            units.append(unit)
    stored.put_units(connection, units)
    lost = [*gone, *(set(ids) - {row.id for row in found})]
    months |= {row.month for row in stored.units_of(connection, lost) if row.counted}
    stored.drop_units(connection, lost)
    return months


def _has_entered(row: Record, at: int) -> bool:
    """Counted as entered before: until then time has still to turn it (`turns_at`)."""
    return row.known_unit is not None and row.entered_at <= at and row.turns_at != row.entered_at


def _unit(row: Record, rules: Rules) -> tuple[object, ...] | None:
    """The row of UNIT_COLUMNS; None: it will not enter."""
    unit = rules.units.get(row.uf)
    if unit is None or row.patient is None:
        return None
    starts_at, entered = _entry(row, rules)
    if entered is None or _called_off_before(row, entered):
        return None
    zone = unit.hours.zone
    local = instant(starts_at).astimezone(zone)
    cell = cell_of(
        row.uf,
        instant(starts_at),
        _booked_at(row),
        _date(row.birth_date),
        known=is_known(
            instant_or_none(row.earliest),
            instant(starts_at),
            instant_or_none(row.booked_at),
            first_reminder(rules, row.uf),
        ),
        zone=zone,
    )
    kind = kind_of(cell, local.day, local.hour, Reach(row.reach), row.language or "")
    month = Month(local.year, local.month).number
    return (row.id, row.patient, row.uf, month, starts_at, entered, entered, kind)


def _entry(row: Record, rules: Rules) -> tuple[int, int | None]:
    """The start it enters with, and when. Moved after it had entered, it stays where it was,
    unless its patient had declined that hour before."""
    if row.version > 1:
        first = _moment(row, row.first_starts_at, rules, moved=False)
        declined = row.declined_at is not None and row.declined_at < (first or 0)
        if first is not None and first <= row.left_at and not declined:
            return row.first_starts_at, first
    return row.starts_at, _moment(row, row.starts_at, rules, moved=row.version > 1)


def _moment(row: Record, starts_at: int, rules: Rules, *, moved: bool) -> int | None:
    since = instant(row.version_at) if moved else _booked_at(row)
    booking = Booking(
        id=row.id,
        source="",
        starts_at=instant(starts_at),
        cycle=2 if moved else 1,
        status="booked",
        uf=row.uf,
        unit=rules.units[row.uf],
        version_at=instant(row.version_at),
        first_seen_at=instant(row.first_seen_at),
        in_first_sync=bool(row.in_first_sync),
        booked_at=instant_or_none(row.booked_at),
        all_day=bool(row.all_day),
    )
    moment = entry_moment(Person(row.id), booking, now=since or LONG_AGO)
    return None if moment is None else micros(moment)


def _booked_at(row: Record) -> datetime | None:
    if row.booked_at is not None:
        return instant(row.booked_at)
    return None if row.in_first_sync else instant(row.first_seen_at)


def _called_off_before(row: Record, entered: int) -> bool:
    if row.status in ("entered-in-error", "proposed", "waitlist", "pending"):
        return True
    if row.status == "cancelled" and (row.cancelled_at is None or row.cancelled_at < entered):
        return True
    return row.asked_at is not None and row.asked_at < entered


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
