"""Random histories of a small hospital: whatever happened, in whatever order, planning again
finds nothing to do, and nothing that left was wrong when its intent was committed."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reminders.domain.appointment import (
    AppointmentRecord,
    CancelledBy,
    ContactPoint,
    PatientRecord,
    Status,
)
from reminders.domain.holidays import is_holiday
from reminders.ports import Receipt, ReceiptState
from reminders.services.deliver import Answer, Envelope
from reminders.store.engine import Store
from reminders.store.types import instant, micros
from tests.support.clinic import PARIS, paris, someone
from tests.support.mailroom import MONDAY, Mailroom
from tests.support.stores import PostgresDatabases, SqliteFiles

PEOPLE = 4
VISITS = 6
SHARED = "06 39 98 00 77"
STARTS = [
    paris(f"2026-10-{day} {hour}")
    for day in (13, 14, 15, 19, 20, 21, 23, 26)
    for hour in ("08:30", "11:00", "16:45")
]
people = st.integers(1, PEOPLE)
numbers = st.integers(1, VISITS)
starts = st.sampled_from(STARTS)
services = st.sampled_from(["4220", "4230"])
answers = st.sampled_from(
    [Answer.ACCEPTED] * 4 + [Answer.NOT_SENT, Answer.REFUSED, Answer.UNKNOWN, None]
)
MAY_HAVE_LEFT = "('SENDING', 'ACCEPTED', 'DELIVERED', 'UNDELIVERED', 'UNKNOWN')"


def patient(number: int) -> PatientRecord:
    """1 and 2 share a telephone; 2 and 3 have an e-mail address."""
    phone = SHARED if number in (1, 2) else f"06 39 98 00 0{number}"
    contacts = [ContactPoint("phone", phone)]
    if number in (2, 3):
        contacts.append(ContactPoint("email", f"p{number}@example.org"))
    return replace(someone(number), given=f"Prénom{number}", contacts=tuple(contacts))


class Histories(RuleBasedStateMachine):
    def __init__(self, make: Callable[[ExitStack], Store]) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.room = Mailroom(make(self.closing), MONDAY)
        self.people = {number: patient(number) for number in range(1, PEOPLE + 1)}
        self.visits: dict[int, AppointmentRecord] = {}
        self.opposed: set[str] = set()
        self.flying: list[Envelope] = []

    def teardown(self) -> None:
        self.closing.close()

    def tell(self, *records: AppointmentRecord) -> None:
        for record in records:
            self.visits[int(record.external_id[1:])] = record
        self.room.read(*records, mode="delta")

    def tell_of(self, number: int) -> None:
        """A person changed: the DPI tells it with their appointments."""
        mine = [
            replace(visit, patient=self.people[number])
            for visit in self.visits.values()
            if visit.patient is not None and visit.patient.identifier == f"{number:07}"
        ]
        if mine:
            self.tell(*mine)

    @initialize(booked=st.lists(st.tuples(people, starts, services), min_size=3, max_size=VISITS))
    def opens(self, booked: list[tuple[int, datetime, str]]) -> None:
        for number, (who, start, uf) in enumerate(booked, 1):
            self.book(number, who, start, uf)
        self.room.release()

    @rule(number=numbers, who=people, start=starts, uf=services)
    def book(self, number: int, who: int, start: datetime, uf: str) -> None:
        if number in self.visits:
            return
        long_ago = min(self.room.now, paris("2026-10-01 10:00"))
        self.tell(
            AppointmentRecord(
                f"R{number}", Status.BOOKED, start, self.people[who], uf, booked_at=long_ago
            )
        )

    @rule(number=numbers, start=starts)
    def move(self, number: int, start: datetime) -> None:
        if visit := self.visits.get(number):
            self.tell(replace(visit, starts_at=start))

    @rule(number=numbers, by=st.sampled_from(CancelledBy))
    def cancel(self, number: int, by: CancelledBy) -> None:
        if visit := self.visits.get(number):
            self.tell(replace(visit, status=Status.CANCELLED, cancelled_by=by))

    @rule(number=numbers)
    def book_again(self, number: int) -> None:
        if visit := self.visits.get(number):
            self.tell(replace(visit, status=Status.BOOKED, cancelled_by=CancelledBy.UNKNOWN))

    @rule(number=numbers, who=people)
    def give_to_another(self, number: int, who: int) -> None:
        if visit := self.visits.get(number):
            self.tell(replace(visit, patient=self.people[who]))

    @rule()
    def die(self) -> None:
        """The last one only: a town of the dead sends nothing."""
        self.people[PEOPLE] = replace(self.people[PEOPLE], deceased=True)
        self.tell_of(PEOPLE)

    @rule(who=people, last=st.integers(10, 14))
    def change_number(self, who: int, last: int) -> None:
        others = [one for one in self.people[who].contacts if one.system != "phone"]
        new = ContactPoint("phone", f"06 39 98 01 {last}")
        self.people[who] = replace(self.people[who], contacts=(new, *others))
        self.tell_of(who)

    @rule(who=people, refused=st.booleans())
    def refuse_sms(self, who: int, refused: bool) -> None:
        self.people[who] = replace(self.people[who], sms_refused=refused)
        self.tell_of(who)

    @rule(who=st.sampled_from([1, 3]))
    def oppose(self, who: int) -> None:
        """1 shares its number with 2."""
        phone = self.people[who].contacts[0].value
        self.opposed.add(self.room.object(phone).address)

    @rule(minutes=st.sampled_from([1, 20, 60, 240, 720, 1440, 2880]))
    def time_passes(self, minutes: int) -> None:
        self.room.at(self.room.now + timedelta(minutes=minutes))

    @rule(data=st.data())
    def the_next_moment_comes(self, data: st.DataObject) -> None:
        """Planned, waited for, and on its way: what most days are made of."""
        self.plan()
        moments = self.room.rows(
            "SELECT MIN(opens_at) FROM message WHERE state = 'PLANNED' AND closes_at > :now",
            now=micros(self.room.now),
        )
        if moments[0][0] is not None:
            self.room.at(instant(moments[0][0]))
        self.set_off()
        for _ in range(data.draw(st.integers(0, len(self.flying)))):
            self.answer(data.draw(answers), data)

    @rule(data=st.data())
    def another_moment_comes(self, data: st.DataObject) -> None:
        self.the_next_moment_comes(data)

    @rule(data=st.data(), number=numbers, by=st.sampled_from(CancelledBy), start=starts)
    def told_then_changed(
        self, data: st.DataObject, number: int, by: CancelledBy, start: datetime
    ) -> None:
        self.the_next_moment_comes(data)
        if data.draw(st.booleans()):
            self.move(number, start)
        else:
            self.cancel(number, by)
        self.the_next_moment_comes(data)

    @rule()
    def hold(self) -> None:
        self.room.hold()

    @rule()
    def release(self) -> None:
        self.room.release()
        self.room.plan()

    @rule()
    def tidy(self) -> None:
        self.room.tidy()

    @rule()
    def plan(self) -> None:
        self.room.plan()
        self.nothing_left_to_plan()

    @rule()
    def set_off(self) -> None:
        """Intents are committed; their answers come later, or never."""
        window = self.room.window()
        for envelope in window.envelopes:
            self.was_right(envelope)
        self.flying += window.envelopes

    @precondition(lambda self: self.flying)
    @rule(answer=answers, data=st.data())
    def an_answer_comes(self, answer: Answer | None, data: st.DataObject) -> None:
        self.answer(answer, data)

    def answer(self, answer: Answer | None, data: st.DataObject) -> None:
        envelope = data.draw(st.sampled_from(self.flying))
        self.flying.remove(envelope)
        if answer is not None:
            self.room.record([envelope], answer, code="x")

    @rule(state=st.sampled_from(ReceiptState), data=st.data())
    def hear(self, state: ReceiptState, data: st.DataObject) -> None:
        known = self.room.rows(  # a provider that denies what it did send: test_receive.py
            "SELECT id, reference FROM attempt WHERE state <> 'NOT_SENT' ORDER BY id"
        )
        if known:
            one = data.draw(st.sampled_from(known))
            self.room.receive(Receipt(f"{one.id}:{state}", state, one.reference, code=state.value))

    def nothing_left_to_plan(self) -> None:
        before = self.room.outbox()
        self.room.plan_everybody()
        assert self.room.outbox() == before

    def was_right(self, envelope: Envelope) -> None:
        """Everything known when the intent was committed permitted this text (R3, R4, R5, R8)."""
        now, composed = self.room.now, envelope.composed
        local = now.astimezone(PARIS)
        assert 9 <= local.hour < 20
        assert local.weekday() != 6
        assert not is_holiday(local.date(), "metropole")
        assert composed.address not in self.opposed
        told = self.room.rows(
            "SELECT a.external_id, t.starts_at, t.cycle FROM told t JOIN appointment a "
            "ON a.id = t.appointment_id WHERE t.attempt_id = :attempt",
            attempt=envelope.attempt_id,
        )
        assert told
        for row in told:
            visit = self.visits[int(row.external_id[1:])]
            assert visit.starts_at is not None
            assert visit.patient is not None
            assert instant(row.starts_at) == visit.starts_at
            assert now <= visit.starts_at - timedelta(hours=2)
            assert visit.status == (
                Status.CANCELLED if composed.kind == "notice" else Status.BOOKED
            )
            person = self.people[int(visit.patient.identifier)]
            assert not person.deceased
            assert not (person.sms_refused and composed.channel == "sms")
            assert composed.address in {
                one.value.replace(" ", "").replace("06", "+336", 1) for one in person.contacts
            }

    @invariant()
    def nothing_leaves_twice(self) -> None:
        """R1: one submission that may have left for each decision and channel."""
        twice = self.room.rows(
            "SELECT i.decision_id, i.channel, COUNT(*) FROM message_item i "
            "JOIN attempt a ON a.message_id = i.message_id "
            f"WHERE a.state IN {MAY_HAVE_LEFT} GROUP BY i.decision_id, i.channel "
            "HAVING COUNT(*) > 1"
        )
        assert not twice

    @invariant()
    def one_reminder_a_day(self) -> None:
        """The next channel of the same decision apart."""
        found = self.room.rows(
            "SELECT m.patient_id, a.started_at, MIN(i.decision_id) AS decision FROM attempt a "
            "JOIN message m ON m.id = a.message_id JOIN message_item i ON i.message_id = m.id "
            f"WHERE m.kind = 'reminder' AND a.state IN {MAY_HAVE_LEFT} "
            "GROUP BY m.patient_id, a.id, a.started_at"
        )
        days: dict[tuple[int, object], set[int]] = defaultdict(set)
        for row in found:
            day = instant(row.started_at).astimezone(PARIS).date()
            days[row.patient_id, day].add(row.decision)
        assert all(len(decisions) == 1 for decisions in days.values())


def _play(make: Callable[[ExitStack], Store], examples: int, steps: int) -> None:
    machine: Any = lambda: Histories(make)  # noqa: E731 - it takes a class or what makes one
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _sqlite(files: SqliteFiles) -> Callable[[ExitStack], Store]:
    def make(closing: ExitStack) -> Store:
        folder = Path(closing.enter_context(TemporaryDirectory()))
        return closing.enter_context(files.migrated(folder))

    return make


@pytest.fixture
def one(sqlite_files: SqliteFiles) -> Iterator[Histories]:
    found = Histories(_sqlite(sqlite_files))
    yield found
    found.teardown()


def test_the_next_channel_of_a_correction_takes_no_reminder(one: Histories) -> None:
    """A correction by SMS of which nothing was heard during a hold goes on by e-mail, a week
    later: the reminder of that day had been decided, and stays (ADR 0008)."""
    one.book(1, 2, paris("2026-10-13 08:30"), "4220")  # 2 has a telephone and an e-mail address
    one.release()
    one.room.at(paris("2026-10-12 10:00"))
    one.set_off()
    one.move(1, paris("2026-10-26 08:30"))
    one.plan()
    one.set_off()
    assert [envelope.composed.kind for envelope in one.flying] == ["reminder", "correction"]
    one.hold()
    one.room.at(paris("2026-10-19 10:00"))
    one.tidy()
    one.plan()
    assert one.room.reasons(1)["J-7"] == "PLANNED"


def test_a_correction_that_leaves_later_takes_the_reminder_of_its_day(one: Histories) -> None:
    """Moved in the evening, told the next morning: the reminder an hour later says nothing new,
    and is taken back without anything else happening to this patient (ADR 0008)."""
    one.book(1, 4, paris("2026-10-19 16:45"), "4220")
    one.release()
    one.room.at(paris("2026-10-12 10:00"))
    one.plan()
    one.set_off()
    one.move(1, paris("2026-10-20 11:00"))
    one.room.at(paris("2026-10-12 22:00"))
    one.plan()
    assert one.room.reasons(1)["J-7"] == "PLANNED"
    one.room.at(paris("2026-10-13 09:00"))
    one.set_off()
    assert [envelope.composed.kind for envelope in one.flying] == ["reminder", "correction"]
    one.plan()
    assert one.room.reasons(1)["J-7"] == "already_told"


def test_what_failed_about_a_booking_that_changed_hands_is_planned_again(one: Histories) -> None:
    """Entered under a wrong name, put right while a text to the first patient was on its way: that
    it did not leave concerns the plan of the second."""
    one.book(1, 3, paris("2026-10-21 11:00"), "4220")
    one.release()
    one.room.at(paris("2026-10-14 10:00"))
    one.plan()
    one.set_off()
    one.give_to_another(1, 1)
    one.plan()
    [flying] = one.flying
    one.room.record([flying], Answer.NOT_SENT, code="x")
    one.plan()  # looks whether planning everybody would change anything


def test_any_history_leaves_nothing_to_plan_on_sqlite(sqlite_files: SqliteFiles) -> None:
    _play(_sqlite(sqlite_files), examples=25, steps=40)


def test_any_history_leaves_nothing_to_plan_on_postgresql(
    postgres_databases: PostgresDatabases,
) -> None:
    _play(
        lambda closing: closing.enter_context(postgres_databases.migrated()), examples=8, steps=40
    )


@pytest.mark.nightly
def test_many_histories_leave_nothing_to_plan(sqlite_files: SqliteFiles) -> None:
    _play(_sqlite(sqlite_files), examples=2_000, steps=80)
