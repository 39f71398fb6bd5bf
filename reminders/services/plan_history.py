"""What the store already holds of the patients a chunk plans: what was decided, written, told."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from reminders.domain.outbox import FAILED, LEFT, State
from reminders.domain.protocol import CORRECTION, NOTICE, Address, Booking, LastTold, Taken
from reminders.domain.writing import CALLED_OFF
from reminders.services.rules import Rules
from reminders.store import planning
from reminders.store.engine import Connection, Record, reserve
from reminders.store.types import DAY, instant, instant_or_none

NOTHING: frozenset[str] = frozenset()
CAP_REACH = 2 * DAY  # a reminder older than this shares no civil day with anything to come


class Keys:
    """Fresh keys, taken from the store in blocks; every planner's first in the same order, so
    that two of them never wait for each other."""

    def __init__(self, connection: Connection, block: int = 3 * planning.CHUNK) -> None:
        self._connection = connection
        self._block = block
        self._free: dict[str, list[int]] = {}

    def take(self, table: str) -> int:
        if not self._free:
            for name in ("decision", "message", "task"):
                self._free[name] = self._reserve(name)
        free = self._free[table]
        if free[0] == free[1]:
            free[:] = self._reserve(table)
        free[0] += 1
        return free[0] - 1

    def _reserve(self, table: str) -> list[int]:
        first = reserve(self._connection, table, self._block)
        return [first, first + self._block]


class History:
    """What the store already holds about some appointments."""

    def __init__(
        self,
        connection: Connection,
        appointments: Sequence[int],
        patients: Sequence[int],
        now: int,
        *,
        alone: bool = True,
    ) -> None:
        # first: what follows stays true
        ours = planning.lock_unsent(connection, patients) if alone else None
        self.decisions: dict[tuple[int, str, int], Record] = {}
        self.of_appointment: dict[int, list[Record]] = defaultdict(list)
        self.known_decisions: set[int] = set()
        self.items: dict[tuple[int, str], int] = {}
        self.leased: set[int] = set()  # appointments a sender is about to write about
        self._keys_seen: set[str] = set()
        for row in planning.decisions_of(connection, appointments):
            self.decisions[row.appointment_id, row.step, row.cycle] = row
            self.of_appointment[row.appointment_id].append(row)
            self.known_decisions.add(row.id)
            if row.channel is not None:
                self.items[row.id, row.channel] = row.message_id
                self._keys_seen.add(row.dedupe_key)
                if row.message_state == State.LEASED:
                    self.leased.add(row.appointment_id)
        self.messages: dict[int, list[Record]] = defaultdict(list)
        self.by_key: dict[str, Record] = {}
        self.busy: set[int] = set()  # messages somebody else moves at this moment
        for row in planning.messages_of(connection, patients):
            self.messages[row.patient_id].append(row)
            self.by_key[row.dedupe_key] = row
            if row.state == State.LEASED or (ours is not None and row.id not in ours):
                self.busy.add(row.id)
        self.reminded: dict[int, list[datetime]] = defaultdict(list)
        for row in planning.reminded(connection, patients, now - CAP_REACH):
            self.reminded[row.patient_id].append(instant(row.started_at))
        self.told: dict[int, LastTold] = {}
        for row in planning.told_of(connection, appointments) if self.known_decisions else ():
            self.told[row.appointment_id] = LastTold(
                instant(row.starts_at),
                row.place,
                notice=row.kind == NOTICE or row.purpose in CALLED_OFF,
                cycle=row.cycle,
            )

    def is_busy(self, kind_and_key: tuple[str, str], items: Sequence[tuple[int, str]]) -> bool:
        """Is the message of this key, or one that carries these decisions now, on the move?"""
        key = kind_and_key[1]
        known = self.by_key.get(key)
        if known is None:
            return key in self._keys_seen
        return known.id in self.busy or any(self.items.get(item) in self.busy for item in items)

    def taken(self, appointment: int, cycle: int) -> dict[str, dict[str, Taken]]:
        taken: dict[str, dict[str, Taken]] = defaultdict(dict)
        for row in self.of_appointment.get(appointment, ()):
            if row.cycle == cycle and row.channel is not None:
                taken[row.step][row.channel] = _fate(row)
        return taken

    def reminds_of(self, booking: Booking) -> bool:
        """May a reminder of this appointment, of whatever cycle, have left already?"""
        others = {CORRECTION, NOTICE}
        if booking.unit is not None:
            others |= {step.id for step in booking.unit.steps if step.day is None}
        return any(
            row.channel is not None and row.step not in others and _fate(row) != "open"
            for row in self.of_appointment.get(booking.id, ())
        )

    def marks(self, appointment: int, cycle: int) -> dict[str, datetime]:
        """When each step's first message left, or failed: its decision moves on with the next
        channel, and what was decided since then must not move with it."""
        found: dict[str, datetime] = {}
        for row in self.of_appointment.get(appointment, ()):
            if row.cycle == cycle and row.message_opens_at is not None and _fate(row) != "open":
                moment = instant(row.message_opens_at)
                found[row.step] = min(moment, found.get(row.step, moment))
        return found


def _fate(row: Record) -> Taken:
    if row.message_state in FAILED or (
        row.message_state == State.UNKNOWN and row.settled_at is not None
    ):
        return "failed"
    if row.message_state == State.CANCELLED and row.message_reason == "discarded":
        return "left"  # a person decided that it never leaves, over no channel
    return "left" if row.message_state in LEFT else "open"


def booking_of(
    row: Record, rules: Rules, history: History, objects: frozenset[str] = NOTHING
) -> Booking:
    (
        id_, _, source, starts_at, version, status, uf, version_at, first_seen_at, in_first_sync,
        booked_at, cancelled_at, cancelled_basis, cancelled_by, answer, all_day, stopped,
    ) = row  # fmt: skip
    known = id_ in history.of_appointment
    return Booking(
        id_,
        source,
        instant(starts_at),
        version,
        status,
        uf,
        rules.units.get(uf),
        instant(version_at),
        instant(first_seen_at),
        bool(in_first_sync),
        instant_or_none(booked_at),
        instant_or_none(cancelled_at),
        cancelled_basis,
        cancelled_by,
        answer,
        bool(all_day),
        told=history.told.get(id_),
        taken=history.taken(id_, version) if known else {},
        marks=history.marks(id_, version) if known else {},
        objects=objects,
        stopped=bool(stopped),
    )


def addresses_of(row: Record) -> tuple[Address, ...]:
    _, _, _, _, _, _, _, phone, phone_zone, email, proxy, *others, _ = row
    found: list[Address] = []
    if phone:
        found.append(Address("sms", phone, phone_zone))
    if email:
        found.append(Address("email", email))
    if proxy:
        proxy_phone, proxy_zone, proxy_email = others
        if proxy_phone:
            found.append(Address("sms", proxy_phone, proxy_zone, proxy))
        if proxy_email:
            found.append(Address("email", proxy_email, "", proxy))
    return tuple(found)
