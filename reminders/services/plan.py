"""Planning: a pure decision for each patient, then a set-based difference with the outbox.

Only patients marked dirty are looked at (ADR 0006): an unchanged feed costs one index probe.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import cast

from reminders.domain.outbox import FAILED, LEFT, State, dedupe_key
from reminders.domain.protocol import (
    CORRECTION,
    NOTICE,
    WHOLE,
    Address,
    Booking,
    Decision,
    Person,
    decide,
    merge_group,
)
from reminders.failpoint import failpoint
from reminders.services.draw import Draw, draw_for
from reminders.services.plan_history import NOTHING, History, Keys, addresses_of, booking_of
from reminders.services.rules import Rules
from reminders.services.tasks import call_reason, task_of
from reminders.store import planning
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import micros, micros_or_none

NOT_LIVE = frozenset({"rehearsal", "test_mode"})
_Objecting = dict[int | bytes, set[tuple[str, str]]]  # person or address -> (channel, scope)
LAST = 2**63 - 1  # later than any instant a column holds


@dataclass(slots=True)
class PlanSummary:
    patients: int = 0
    planned: int = 0  # messages written or re-decided
    withdrawn: int = 0
    expired: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Writes:
    """What one chunk changes, gathered and then written by a few bulk statements."""

    decisions: list[tuple[object, ...]] = field(default_factory=list)
    messages: list[tuple[object, ...]] = field(default_factory=list)
    items: list[tuple[object, ...]] = field(default_factory=list)
    changed_decisions: list[dict[str, object]] = field(default_factory=list)
    changed_messages: list[dict[str, object]] = field(default_factory=list)
    withdrawn: list[dict[str, object]] = field(default_factory=list)
    pointed: list[dict[str, object]] = field(default_factory=list)
    tasks: list[tuple[object, ...]] = field(default_factory=list)
    unsettled: set[int] = field(default_factory=set)


def plan(store: Store, rules: Rules, secret: bytes, *, now: datetime) -> PlanSummary:
    """Bring the outbox in line with what is known now. Safe to repeat and to run twice at once."""
    summary = PlanSummary()
    at = micros(now)
    with store.write() as connection:
        summary.expired = planning.expire(connection, at)
    after = 0
    while True:
        with store.write() as connection:
            rules.follow(connection, held=True)  # else a mark could be cleared by older rules
            patients = planning.dirty_patients(connection, after)
            if not patients:
                return summary
            _Chunk(connection, rules, secret, now).plan(patients, summary)
            failpoint("plan.before_commit")
        failpoint("plan.after_commit")
        after = patients[-1].id


def looked_at(
    connection: Connection,
    rules: Rules,
    secret: bytes,
    patients: Sequence[Record],
    *,
    now: datetime,
) -> list[tuple[Person, tuple[Booking, ...]]]:
    """What planning would decide about for these patients; nothing is locked or written."""
    chunk = _Chunk(connection, rules, secret, now)
    return chunk.look(patients, [one.id for one in patients], alone=False)[0]


def people_of(
    connection: Connection,
    rules: Rules,
    secret: bytes,
    patients: Sequence[Record],
    *,
    now: datetime,
) -> tuple[list[Person], Callable[[Record], frozenset[str]]]:
    """For whoever writes outside the plan: these people (rows as planning reads them), and the
    channels over which nothing is wanted about an appointment (id, patient_id, uf)."""
    chunk = _Chunk(connection, rules, secret, now)
    return chunk.known(patients), chunk.objects_about


class _Chunk:
    """A few hundred patients, planned in one transaction."""

    def __init__(self, connection: Connection, rules: Rules, secret: bytes, now: datetime) -> None:
        self._connection = connection
        self._rules = rules
        self._secret = secret
        self._now = now
        self._at = micros(now)
        self._writes = _Writes()
        self._address_keys: dict[str, bytes] = {}
        self._moved: set[int] = set()  # decisions whose hour is another than it was
        self._scoped: dict[int, Mapping[str, set[str]]] = {}  # patient -> scope -> channels
        self._draw: Draw | None = None  # while a hold-out runs
        keys = Keys(connection)
        self._next_decision = partial(keys.take, "decision")
        self._next_message = partial(keys.take, "message")
        self._next_task = partial(keys.take, "task")

    def plan(self, patients: Sequence[Record], summary: PlanSummary) -> None:
        ids = [patient.id for patient in patients]
        found, history = self.look(patients, ids)
        for person, bookings in found:
            decisions = decide(person, bookings, now=self._now)
            self._compare(person, bookings, decisions, history, summary)
        self._flush(ids)
        summary.patients += len(ids)

    def look(
        self, patients: Sequence[Record], ids: Sequence[int], *, alone: bool = True
    ) -> "tuple[list[tuple[Person, tuple[Booking, ...]]], History]":
        """These people with their appointments to come. `alone`: nobody else moves their unsent
        messages before our commit."""
        appointments = planning.coming_appointments(self._connection, ids, self._at)
        history = History(
            self._connection, [row.id for row in appointments], ids, self._at, alone=alone
        )
        persons = self._persons(patients, ids, history)
        by_patient: dict[int, list[Booking]] = defaultdict(list)
        for row in appointments:
            objects = self._objects_about(row)
            by_patient[row.patient_id].append(booking_of(row, self._rules, history, objects))
        found = [(one, tuple(by_patient.get(one.id, ()))) for one in persons]
        self._draw = draw_for(
            self._connection, self._rules, ids, [row.id for row in appointments], now=self._now
        )
        if self._draw is not None:
            among = self._draw.among
            found = [(one, among(one, theirs, history.reminds_of)) for one, theirs in found]
        return found, history

    def known(self, patients: Sequence[Record]) -> list[Person]:
        return self._persons(patients, [patient.id for patient in patients], None)

    def objects_about(self, row: Record) -> frozenset[str]:
        return self._objects_about(row)

    def _persons(
        self, patients: Sequence[Record], ids: Sequence[int], history: "History | None"
    ) -> list[Person]:
        found = [addresses_of(row) for row in patients]
        objecting: _Objecting = defaultdict(set)
        if history is None or planning.any_objection(self._connection):
            keys = {self._key(address) for addresses in found for address in addresses}
            for row in planning.objections(self._connection, ids, list(keys)):
                objecting[row.address_key].add((row.channel, row.scope))
                if row.patient_id is not None:
                    objecting[row.patient_id].add((row.channel, row.scope))
        return [
            self._person(
                row, addresses, objecting, history.reminded.get(row.id, ()) if history else ()
            )
            for row, addresses in zip(patients, found, strict=True)
        ]

    def _key(self, address: Address) -> bytes:
        """The address's key, computed once a chunk."""
        known = self._address_keys.get(address.value)
        if known is None:
            known = planning.address_key(self._secret, address.value)
            self._address_keys[address.value] = known
        return known

    def _person(
        self,
        row: Record,
        addresses: tuple[Address, ...],
        objecting: "_Objecting",
        reminded: Sequence[datetime],
    ) -> Person:
        id_, blocked, deceased, birth_date, protected, language, refuses, *_, problem = row
        proxy = row[10]
        objects = self._objects(id_, addresses, objecting) if objecting else NOTHING
        return Person(
            id_,
            "deceased" if deceased else blocked,
            date.fromisoformat(birth_date) if birth_date else None,
            bool(protected),
            addresses,
            objects | {"sms"} if refuses else objects,
            problem or "no_contact",
            language,
            tuple(reminded),
            proxy,
        )

    def _objects(
        self,
        patient: int,
        addresses: tuple[Address, ...],
        objecting: "_Objecting",
    ) -> frozenset[str]:
        """The channels over which this person wants nothing at all, or one of their addresses
        does. What is scoped is kept for the appointments it is about."""
        found: dict[str, set[str]] = defaultdict(set)
        for channel, scope in objecting.get(patient, ()):
            found[scope] |= {"sms", "email"} if channel == "all" else {channel}
        for address in addresses:
            for channel, scope in objecting.get(self._key(address), ()):
                if channel in ("all", address.channel):
                    found[scope].add(address.channel)
        whole = frozenset(found.pop("all", ()))
        if found:
            self._scoped[patient] = found
        return whole

    def _objects_about(self, row: Record) -> frozenset[str]:
        """The channels over which nothing is wanted about this appointment or its service."""
        found = self._scoped.get(row.patient_id)
        if found is None:
            return NOTHING
        return frozenset(
            channel
            for scope in (f"service:{row.uf}", f"appointment:{row.id}")
            for channel in found.get(scope, ())
        )

    def _compare(
        self,
        person: Person,
        bookings: Sequence[Booking],
        decisions: Sequence[Decision],
        history: History,
        summary: PlanSummary,
    ) -> None:
        """Write what differs between what is decided now and what the store holds."""
        keys = self._record(decisions, history, summary)
        wanted = self._messages(person, decisions, keys, history, summary)
        if any(booking.id in history.leased for booking in bookings):
            self._writes.unsettled.add(person.id)
        for row in history.messages.get(person.id, ()):
            if row.id in history.busy:
                self._writes.unsettled.add(person.id)  # who moves it decides first
                continue
            if row.id in wanted or row.state not in (State.PLANNED, State.HELD):
                continue
            self._writes.withdrawn.append(
                {
                    "id": row.id,
                    "state": State.CANCELLED.value,
                    "reason": "withdrawn",
                    "updated_at": self._at,
                }
            )
            summary.withdrawn += 1
        if not history.known_decisions:
            return
        named = {(d.booking.id, d.step, d.booking.cycle) for d in decisions}
        for booking in bookings:
            self._supersede(booking, named, decisions, history)

    def _record(
        self, decisions: Sequence[Decision], history: History, summary: PlanSummary
    ) -> dict[int, int]:
        """One row for each decision, new or changed; the key of each by its place in the list."""
        keys: dict[int, int] = {}
        for place, decision in enumerate(decisions):
            booking = decision.booking
            if not decision.planned:
                summary.suppressed[decision.reason] += 1
            state = "PLANNED" if decision.planned else "SUPPRESSED"
            opens, closes = micros_or_none(decision.opens_at), micros_or_none(decision.closes_at)
            known = history.decisions.get((booking.id, decision.step, booking.cycle))
            if known is None:
                self._call(decision)
                keys[place] = key = self._next_decision()
                self._writes.decisions.append(
                    (key, booking.id, decision.step, booking.cycle, state, decision.reason,
                     decision.purpose, opens, closes, self._at)
                )  # fmt: skip
                continue
            keys[place] = known.id
            if decision.reason == "past" or not _same(known, decision):
                self._call(decision)  # its moment may have passed since this was last planned
            if _same(known, decision):
                continue
            if known.opens_at != opens:
                self._moved.add(known.id)
            self._writes.changed_decisions.append(
                {"id": known.id, "state": state, "reason": decision.reason,
                 "purpose": decision.purpose, "opens_at": opens, "closes_at": closes,
                 "decided_at": self._at}
            )  # fmt: skip
        return keys

    def _messages(
        self,
        person: Person,
        decisions: Sequence[Decision],
        keys: Mapping[int, int],
        history: History,
        summary: PlanSummary,
    ) -> set[int]:
        wanted: set[int] = set()
        for places in _merged(decisions):
            members = [decisions[place] for place in places]
            address = members[0].address
            assert address is not None
            lead = self._key_of(members[0], address)
            ids = [keys[place] for place in places]
            if history.is_busy(lead, [(key, address.channel) for key in ids]):
                self._writes.unsettled.add(person.id)
                continue
            moved = not self._moved.isdisjoint(ids)
            message = self._message(person, lead, members, moved, history, summary)
            wanted.add(message)
            for key in ids:
                self._point(key, address.channel, message, history)
        return wanted

    def _key_of(self, lead: Decision, address: Address) -> tuple[str, str]:
        """(kind, dedupe key) of the message that answers a decision over one channel."""
        booking, kind = lead.booking, "reminder"
        if lead.step in (CORRECTION, NOTICE):
            kind = lead.step
        elif lead.day is None:  # no reminder: the acknowledgement
            kind = "booking"
        return kind, dedupe_key(kind, booking.id, lead.step, booking.cycle, address.channel)

    def _message(
        self,
        person: Person,
        kind_and_key: tuple[str, str],
        members: Sequence[Decision],
        moved: bool,
        history: History,
        summary: PlanSummary,
    ) -> int:
        """The key of the row that carries these decisions, inserted or brought up to date."""
        lead = members[0]
        address, unit = lead.address, lead.booking.unit
        assert address is not None
        assert unit is not None
        kind, key = kind_and_key
        earliest, opens, closes = _common(members)
        recipient_key = self._key(address)
        known = history.by_key.get(key)
        if known is None:
            number = self._next_message()
            self._writes.messages.append(
                (number, key, kind, address.channel, "PLANNED", person.id, address.value,
                 recipient_key, address.relation, unit.site, lead.purpose, person.language,
                 earliest, opens, closes, self._at, self._at)
            )  # fmt: skip
            summary.planned += 1
            return number
        if known.reason in NOT_LIVE and self._rules.mode != "live":
            return int(known.id)  # rehearsed once is enough
        waiting = known.state in (State.PLANNED, State.HELD)
        before = (known.recipient, known.relation, known.purpose, known.language, known.closes_at)
        after = (address.value, address.relation, lead.purpose, person.language, closes)
        if not waiting or moved or before != after:
            self._writes.changed_messages.append(
                {"id": known.id, "state": known.state if waiting else State.PLANNED.value,
                 "reason": known.reason if waiting else "", "recipient": address.value,
                 "recipient_key": recipient_key, "relation": address.relation,
                 "purpose": lead.purpose, "language": person.language, "earliest_at": earliest,
                 "opens_at": opens, "closes_at": closes, "updated_at": self._at}
            )  # fmt: skip
            summary.planned += 1
        return int(known.id)

    def _point(self, decision: int, channel: str, message: int, history: History) -> None:
        known = history.items.get((decision, channel))
        if known is None and decision in history.known_decisions:
            self._writes.pointed.append(
                {"decision_id": decision, "channel": channel, "message_id": message}
            )
        elif known is None:
            self._writes.items.append((decision, channel, message))
        elif known != message:
            self._writes.pointed.append(
                {"decision_id": decision, "channel": channel, "message_id": message}
            )

    def _supersede(
        self,
        booking: Booking,
        named: set[tuple[int, str, int]],
        decisions: Sequence[Decision],
        history: History,
    ) -> None:
        """Planned decisions nobody names any more: of an older cycle, or of a cancelled booking."""
        whole = next((d.reason for d in decisions if d.booking is booking and d.step == WHOLE), "")
        for row in history.of_appointment.get(booking.id, ()):
            if row.state != "PLANNED" or (booking.id, row.step, row.cycle) in named:
                continue
            if row.message_state in LEFT or row.message_state in FAILED:
                continue
            reason = "moved" if row.cycle != booking.cycle else whole or "not_booked"
            self._writes.changed_decisions.append(
                {"id": row.id, "state": "SUPPRESSED", "reason": reason, "purpose": "",
                 "opens_at": row.opens_at, "closes_at": row.closes_at, "decided_at": self._at}
            )  # fmt: skip

    def _call(self, decision: Decision) -> None:
        """A person must act where a message cannot."""
        if (kind := call_reason(decision)) is not None:
            self._writes.tasks.append((self._next_task(), *task_of(kind, decision, self._at)))

    def _flush(self, patients: Sequence[int]) -> None:
        writes, connection = self._writes, self._connection
        planning.insert_plan(connection, writes.decisions, writes.messages, writes.items)
        planning.update_decisions(connection, writes.changed_decisions)
        planning.update_messages(connection, writes.changed_messages)
        planning.point_items(connection, writes.pointed)
        planning.withdraw_messages(connection, writes.withdrawn)
        planning.part_items(
            connection,
            [cast(int, row["id"]) for row in writes.changed_decisions if row["state"] != "PLANNED"],
        )
        planning.open_tasks(connection, writes.tasks)
        if self._draw is not None:
            self._draw.write(connection)
        planning.settle_patients(
            connection, [patient for patient in patients if patient not in writes.unsettled]
        )


def _same(known: Record, decision: Decision) -> bool:
    """Does the store's row say what is decided now?"""
    if decision.frozen and not decision.exhausted:
        return True
    if decision.reason == "past" and known.state == "SUPPRESSED":
        return True  # why it was decided against, while there was time, stays the reason
    if (known.state == "PLANNED", known.reason) != (decision.planned, decision.reason):
        return False
    if decision.exhausted or not decision.planned:
        return True  # where nothing will leave, the moment it might have matters no more
    return (known.opens_at, known.closes_at) == (
        micros_or_none(decision.opens_at), micros_or_none(decision.closes_at),
    )  # fmt: skip


def _merged(decisions: Sequence[Decision]) -> Iterable[list[int]]:
    """The places of the decisions that become one message; the steps of one appointment never
    do."""
    places = [n for n, one in enumerate(decisions) if one.planned and not one.frozen]
    if all(decisions[place].booking is decisions[places[0]].booking for place in places):
        return [[place] for place in places]
    groups: dict[object, list[int]] = defaultdict(list)
    for place in places:
        groups[merge_group(decisions[place])].append(place)
    return groups.values()


def _common(members: Sequence[Decision]) -> tuple[int, int, int]:
    """(earliest, opens, closes) that suit every decision of one message."""
    earliest = opens = 0
    closes = LAST
    for one in members:
        assert one.earliest_at is not None
        assert one.opens_at is not None
        assert one.closes_at is not None
        earliest = max(earliest, micros(one.earliest_at))
        opens = max(opens, micros(one.opens_at))
        closes = min(closes, micros(one.closes_at))
    return earliest, opens, closes
