"""The draw, while a hold-out runs: which appointments enter the comparison, and in which arm.

Part of planning and of its transaction: who enters is written with what is decided. Without an
approved hold-out, and wherever messages do not really leave, nothing is read nor written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from reminders.domain.baseline import cell_of, is_known
from reminders.domain.holdout import (
    Arm,
    Excluded,
    Holdout,
    arm_of,
    entry_moment,
    exclusion,
    first_of_each,
    services_of_text,
)
from reminders.domain.protocol import Booking, Person
from reminders.services.baseline_lines import first_reminder
from reminders.services.rules import Rules
from reminders.store import holdout as stored
from reminders.store.engine import Connection, Record
from reminders.store.types import instant, instant_or_none, micros

MILLION = 1_000_000


def running(connection: Connection) -> Holdout | None:
    """The hold-out that was approved and not stopped."""
    row = stored.approved(connection)
    return None if row is None else holdout_of(row)


def holdout_of(row: Record) -> Holdout:
    """Of a row that was approved once."""
    return Holdout(
        id=row.id,
        share=row.share_millionths / MILLION,
        salt=bytes.fromhex(row.salt),
        since=instant(row.approved_at),
        until=instant(row.ends_at),
        ufs=services_of_text(row.excluded),
    )


@dataclass(slots=True)
class Draw:
    """Units of one chunk of patients, gathered while it is looked at."""

    holdout: Holdout
    rules: Rules
    now: datetime
    units: Mapping[int, Record]  # appointment -> its unit, entered or to come
    earliest: Mapping[tuple[int, str], int]  # (patient, UF) -> their first start there
    kinds: Mapping[int, str]  # appointment -> its type in the records system
    languages: Mapping[int, str]  # patient -> the records system's, never one chosen on a page
    new: list[tuple[object, ...]] = field(default_factory=list)
    changed: list[tuple[object, ...]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

    def among(
        self,
        person: Person,
        bookings: Sequence[Booking],
        reminded: Callable[[Booking], bool],
    ) -> tuple[Booking, ...]:
        """A patient's appointments, those whose reminders are withheld marked so.

        `reminded`: has a reminder of it left already? Then it is too late to enter.
        """
        arm = arm_of(self.holdout.salt, person.id, self.holdout.share)
        real = {booking.id for booking in first_of_each(bookings)}
        found = []
        for booking in bookings:
            sheet = self.rules.preparation(booking.uf, self.kinds.get(booking.id, ""))
            language = self.languages.get(person.id, "")
            outside = exclusion(self.holdout, person, booking, sheet, language)
            entered = self._enter(person, booking, arm, outside, reminded, real)
            held = entered and arm is Arm.HELD and outside is Excluded.NO
            found.append(replace(booking, withheld=True) if held else booking)
        return tuple(found)

    def _enter(
        self,
        person: Person,
        booking: Booking,
        arm: Arm,
        outside: Excluded,
        reminded: Callable[[Booking], bool],
        real: set[int],
    ) -> bool:
        """Is it a counted unit of this hold-out, or will it be one? What has entered stays."""
        unit = self.units.get(booking.id)
        if unit is not None and unit.entered_at <= micros(self.now):
            return bool(unit.holdout_id == self.holdout.id and not unit.excluded)
        moment = None
        if booking.id in real and not reminded(booking):
            moment = entry_moment(person, booking, now=self.now)
        if moment is None or moment >= self.holdout.until:
            if unit is not None:
                self.gone.append(booking.id)
            return False
        row = self._row(person, booking, arm, outside, moment)
        if unit is None:
            self.new.append(row)
        elif tuple(unit)[:-1] != row[:-1]:  # all but when it was recorded
            self.changed.append(row)
        return outside is Excluded.NO

    def _row(
        self, person: Person, booking: Booking, arm: Arm, outside: Excluded, moment: datetime
    ) -> tuple[object, ...]:
        assert booking.unit is not None
        cell = cell_of(
            booking.uf,
            booking.starts_at,
            booking.booked_at or (None if booking.in_first_sync else booking.first_seen_at),
            person.birth_date,
            known=is_known(
                instant_or_none(self.earliest.get((person.id, booking.uf))),
                booking.starts_at,
                booking.booked_at,
                first_reminder(self.rules, booking.uf),
            ),
            zone=booking.unit.hours.zone,
        )
        return (
            booking.id, self.holdout.id, person.id, arm.value, outside.value, booking.uf,
            cell.key, micros(booking.starts_at), micros(moment), micros(self.now),
        )  # fmt: skip

    def write(self, connection: Connection) -> None:
        stored.record_units(connection, self.new, self.changed, self.gone, at=micros(self.now))


def draw_for(
    connection: Connection,
    rules: Rules,
    patients: Sequence[int],
    appointments: Sequence[int],
    *,
    now: datetime,
) -> Draw | None:
    """The draw of these patients' coming appointments; None while no hold-out runs."""
    if rules.mode != "live":
        return None
    holdout = running(connection)
    if holdout is None:
        return None
    return Draw(
        holdout,
        rules,
        now,
        {row.appointment_id: row for row in stored.units_of(connection, appointments)},
        stored.earliest_starts(connection, patients),
        stored.kinds_of(connection, appointments),
        stored.languages_of(connection, patients),
    )
