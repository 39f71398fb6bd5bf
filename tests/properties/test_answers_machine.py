"""Random histories of answers, told to the service and to a reference model of plain values.

Replies, taps, undone cancellations, moves, cancellations by the hospital, objections, receipts
and time come in any order. After each, the appointment's answer, what may still leave, the texts
sent back and the tasks are what the model says.
"""

import re
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reminders.domain.appointment import Status
from reminders.ports import InboundSms, Receipt, ReceiptState, Received
from reminders.services.answer import pass_on, take_replies
from reminders.services.compose import Route
from reminders.services.deliver import LINK_OUTLIVES_START
from reminders.services.page import Deed, do, open_page
from reminders.services.receive import receive
from reminders.store.engine import Store
from reminders.store.types import instant
from tests.support.clinic import paris, visit
from tests.support.mailroom import Mailroom
from tests.support.stores import PostgresDatabases, SqliteFiles
from tests.support.telephone import TOLD, URL, configured

VISITS = 3  # of as many people, each with a telephone of their own
HOURS = ("2026-10-16 09:30", "2026-10-16 14:00", "2026-10-16 11:15")
numbers = st.integers(1, VISITS)
EARLIER = timedelta(hours=48)  # what else a reply may be about
SAME = timedelta(hours=24)

# What a text means: its intent, and what follows from it.
WORDS = {
    "Oui je serai là": ("confirm", "confirmed"),
    "N'annulez pas": ("negative-with-confirm", "confirmed"),
    "Je ne pourrai pas venir": ("cancel", "cancelled"),
    "NON": ("cancel", "cancelled"),
    "Changer de date svp": ("reschedule", "reschedule"),
    "À quelle heure ?": ("question", "question"),
    "Je suis en retard": ("late", "human"),
    "oui peut-être": ("ambiguous", "human"),
    "STOP": ("stop", "stop"),
    "START": ("start", "start"),
    "Vous avez le mauvais numéro": ("wrong-number", "suspend"),
    "J'ai très mal à la poitrine": ("medical-alert", "alert"),
    "Merci": ("thanks", "nothing"),
}
HUMAN_TASKS = {
    "reschedule": "reply_reschedule",
    "question": "reply_question",
    "late": "reply_late",
    "ambiguous": "reply_unclear",
}


@dataclass(eq=False)  # two cancellations of one minute are two
class Said:
    kind: str
    cycle: int
    effective: datetime
    given: datetime
    settled: bool = False
    undone: bool = False
    superseded: bool = False

    @property
    def remark(self) -> bool:
        return self.kind == "question"


@dataclass
class Left:
    """A text that left: which message it was of, and what it told."""

    message: int
    kind: str
    at: datetime
    told: dict[int, int]  # appointment -> version


@dataclass
class Person:
    """One patient, their one appointment and everything exchanged with their telephone."""

    version: int
    status: str
    starts_at: datetime
    said: list[Said] = field(default_factory=list)
    answer: tuple[str, int] = ("none", 0)  # kind, version
    left: list[Left] = field(default_factory=list)
    stopped: bool = False
    suspended: bool = False
    last: tuple[str, datetime] | None = None
    acknowledged: list[tuple[datetime, str]] = field(default_factory=list)
    asked: datetime | None = None  # when a person was last asked whether the place is still there

    @property
    def current(self) -> str:
        return self.answer[0] if self.answer[1] == self.version else "none"

    def say(self, kind: str, effective: datetime, given: datetime | None = None) -> None:
        one = Said(kind, self.version, effective, given or effective)
        if not one.remark:
            for before in self.said:
                before.superseded |= not before.undone and not before.remark
        self.said.append(one)
        if not one.remark or self.current == "none":
            self.answer = (kind, self.version)

    def undoable(self, now: datetime) -> Said | None:
        found = [
            one for one in self.said
            if one.cycle == self.version and one.kind == "cancelled"
            and not (one.settled or one.undone or one.superseded)
        ]  # fmt: skip
        return found[-1] if found and found[-1].effective > now else None

    def undo(self, one: Said) -> None:
        one.undone = True
        place = self.said.index(one)
        before = [
            each for each in self.said[:place]
            if each.cycle == one.cycle and not each.undone and not each.remark
        ]  # fmt: skip
        if before:
            before[-1].superseded = False
        self.answer = (before[-1].kind if before else "none", one.cycle)

    def may_be_about(self, now: datetime) -> set[tuple[int, frozenset[tuple[int, int]]]]:
        """What a reply that comes now may answer, message by message."""
        found = self.left[-1:]
        if self.current == "none" and self.starts_at > now:
            found = found + [
                one for one in self.left if one.kind != "ack" and one.at > now - EARLIER
            ]
        return {(one.message, frozenset(one.told.items())) for one in found}


class Answers(RuleBasedStateMachine):
    def __init__(self, make: Callable[[ExitStack], Store]) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.room = Mailroom(
            make(self.closing), settings=configured(), routes=(Route("main", "sms"),)
        )
        self.records = {n: visit(n, starts=HOURS[n - 1]) for n in range(1, VISITS + 1)}
        self.room.read(*self.records.values())
        self.room.release()
        self.people = {n: Person(1, "booked", paris(HOURS[n - 1])) for n in self.records}
        self.ids = {self.room.appointment(n).id: n for n in self.records}
        self.tasks: Counter[str] = Counter()
        self.replies: list[tuple[int, str, str]] = []
        self.forms: list[tuple[int, Deed, tuple[int, int], str]] = []
        self.counted = 0
        self.tokens: dict[int, str] = {}
        self.until: dict[int, datetime] = {}  # when those links close
        self.room.plan()
        self.room.at(paris(TOLD))
        self.deliver()

    def teardown(self) -> None:
        self.closing.close()

    # --- what happens -------------------------------------------------------------------------

    @rule(number=numbers, text=st.sampled_from(sorted(WORDS)))
    def reply(self, number: int, text: str) -> None:
        self.hear(number, text, f"in-{len(self.replies)}")
        self.replies.append((number, text, f"in-{len(self.replies)}"))
        self.expect(self.people[number], text)

    @rule(number=numbers, text=st.sampled_from(["Oui je serai là", "Je ne pourrai pas venir"]))
    def reply_clearly(self, number: int, text: str) -> None:
        self.reply(number, text)

    @precondition(lambda self: self.replies)
    @rule(data=st.data())
    def the_same_reply_comes_again(self, data: st.DataObject) -> None:
        self.hear(*data.draw(st.sampled_from(self.replies)))

    @rule(number=numbers, deed=st.sampled_from(["confirm", "cancel", "reschedule", "question"]))
    def tap(self, number: int, deed: Deed) -> None:
        if (about := self.shown(number)) is not None:
            self.do(number, deed, about, f"form-{len(self.forms)}")

    @rule(number=numbers)
    def tap_undo(self, number: int) -> None:
        person, about = self.people[number], self.shown(number)
        if about is None:
            return
        undoable = person.undoable(self.room.now) if self.open(number) else None
        assert self.send(number, "undo", about, "undo") == (undoable is not None)
        if undoable is not None:
            person.undo(undoable)

    @precondition(lambda self: self.forms)
    @rule(data=st.data())
    def the_same_form_comes_again(self, data: st.DataObject) -> None:
        number, deed, about, form = data.draw(st.sampled_from(self.forms))
        before = self.answers()
        self.send(number, deed, about, form)
        assert self.answers() == before

    @rule(number=numbers, deed=st.sampled_from(sorted(get_args(Deed))), data=st.data())
    def a_page_of_another_hour(self, number: int, deed: Deed, data: st.DataObject) -> None:
        about = self.shown(number)
        if about is None:
            return
        appointment, version = about
        other = data.draw(
            st.sampled_from(
                [(appointment, version + 1), (appointment, 0), *(
                    (one, 1) for one in self.ids if one != appointment
                )]
            )
        )  # fmt: skip
        before = self.answers()
        assert not self.send(number, deed, other, f"other-{len(self.forms)}")
        assert self.answers() == before

    @rule(number=numbers, hours=st.sampled_from([1, 3, 24]))
    def move(self, number: int, hours: int) -> None:
        before = self.records[number]
        assert before.starts_at is not None
        self.tell(number, starts_at=before.starts_at + timedelta(hours=hours))

    @rule(number=numbers)
    def the_hospital_cancels(self, number: int) -> None:
        self.tell(number, status=Status.CANCELLED)

    @rule(number=numbers)
    def the_agenda_says_the_same(self, number: int) -> None:
        self.tell(number)

    @rule(minutes=st.sampled_from([1, 10, 16, 60, 600, 1440]))
    def time_passes(self, minutes: int) -> None:
        self.room.at(self.room.now + timedelta(minutes=minutes))

    @rule()
    def deliver(self) -> None:
        self.room.plan()
        self.room.deliver()
        self.see_what_left()

    @rule(state=st.sampled_from(ReceiptState), data=st.data())
    def a_receipt_comes(self, state: ReceiptState, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.room.rows("SELECT id, reference FROM attempt")))
        self.room.receive(Receipt(f"{one.id}:{state}", state, one.reference, code=state.value))
        self.room.plan()

    @rule()
    def tell_the_hospital(self) -> None:
        now, expected = self.room.now, 0
        for person in self.people.values():
            for one in person.said:
                if one.settled or one.undone or one.superseded or one.effective > now:
                    continue
                one.settled, expected = True, expected + 1
                if one.kind == "cancelled" and person.status == "booked":
                    self.tasks["answer_cancelled"] += 1
                if one.kind == "confirmed" and person.status == "booked":
                    self.take_back(person, one)
        assert pass_on(self.room.store, now=now) == expected
        assert pass_on(self.room.store, now=now) == 0

    def take_back(self, person: Person, yes: Said) -> None:
        """A yes after a cancellation the hospital was told of: a person is asked, once."""
        told = [
            one for one in person.said[: person.said.index(yes)]
            if one.kind == "cancelled" and one.settled and not one.undone
            and one.cycle == yes.cycle
            and (person.asked is None or person.asked < one.given)
        ]  # fmt: skip
        if told:
            self.tasks["reply_changed_mind"] += 1
            person.asked = self.room.now

    # --- what must be true after each ---------------------------------------------------------

    @invariant()
    def the_answers_are_those_given(self) -> None:
        for number, person in self.people.items():
            row = self.room.appointment(number)
            found = row.answer if row.answered_cycle == row.version else "none"
            assert found == person.current, number
        assert self.answers() == sum(len(one.said) for one in self.people.values())

    @invariant()
    def one_answer_is_in_force(self) -> None:
        many = self.room.rows(
            "SELECT appointment_id FROM answer WHERE superseded_at IS NULL AND undone_at IS NULL "
            "AND kind <> 'question' GROUP BY appointment_id HAVING COUNT(*) > 1"
        )
        assert not many

    @invariant()
    def nothing_reminds_who_cancelled(self) -> None:
        self.room.plan()
        waiting = self.room.rows(
            "SELECT d.appointment_id FROM message m JOIN message_item i ON i.message_id = m.id "
            "JOIN decision d ON d.id = i.decision_id "
            "WHERE m.kind = 'reminder' AND m.state = 'PLANNED'"
        )
        for row in waiting:
            assert self.people[self.ids[row.appointment_id]].current != "cancelled"

    @invariant()
    def texts_back_are_those_due(self) -> None:
        found = self.room.rows("SELECT recipient, purpose FROM message WHERE kind = 'ack'")
        expected = Counter(
            (self.number_of(n), purpose)
            for n, person in self.people.items()
            for _, purpose in person.acknowledged
        )
        assert Counter((row.recipient, row.purpose) for row in found) == expected

    @invariant()
    def tasks_are_those_due(self) -> None:
        kinds = self.room.rows(
            "SELECT kind FROM task WHERE kind LIKE 'reply_%' OR kind = 'answer_cancelled'"
        )
        assert Counter(row.kind for row in kinds) == self.tasks

    # --- the model ----------------------------------------------------------------------------

    def expect(self, person: Person, text: str) -> None:
        """What one reply does, in the words of DESIGN 5-7."""
        now = self.room.now
        intent, effect = WORDS[text]
        about = person.may_be_about(now)
        acknowledgement = self.follow(person, intent, effect, about)
        again = person.last is not None and (
            person.last[0] == intent and now - person.last[1] < SAME
        )
        recent = [one for one, _ in person.acknowledged if one > now - SAME]
        if acknowledgement and about and not again and len(recent) < 5:
            person.acknowledged.append((now, acknowledgement))
        person.last = (intent, now)

    def follow(
        self,
        person: Person,
        intent: str,
        effect: str,
        about: set[tuple[int, frozenset[tuple[int, int]]]],
    ) -> str:
        match effect:
            case "stop":
                person.stopped = True
                return "ack_stop"
            case "start":
                person.stopped = False
                if person.suspended:
                    return ""
                return "ack_start"
            case "suspend":
                person.suspended = True
                return self.task("reply_wrong_number", "")
            case "alert":
                return self.task("reply_alert", "ack_alert")
            case "nothing":
                return ""
        return self.of_the_appointment(person, intent, effect, {told for _, told in about})

    def of_the_appointment(
        self, person: Person, intent: str, effect: str, told: set[frozenset[tuple[int, int]]]
    ) -> str:
        now = self.room.now
        if len(told) > 1:
            return self.task("reply_which", "ack_human")
        if person.starts_at <= now:
            return self.task("reply_after", "ack_human")
        if person.status != "booked":
            return self.task("reply_cancelled", "ack_cancelled_already")
        seen = {cycle for one in told for _, cycle in one}
        if effect in ("confirmed", "cancelled") and seen != {person.version}:
            return self.task("reply_moved", "ack_moved") if effect == "cancelled" else "ack_moved"
        if effect == "confirmed":
            settled = any(one.settled and not (one.undone or one.superseded) for one in person.said)
            if person.current == "cancelled" and settled:
                person.asked = now
                return self.task("reply_changed_mind", "ack_human")
            person.say("confirmed", now)
            return "ack_confirmed"
        if effect == "cancelled":
            person.say("cancelled", now)
            return "ack_cancelled"
        if effect in ("reschedule", "question"):
            person.say(effect, now)
        return self.task(HUMAN_TASKS[intent], "ack_human")

    def task(self, kind: str, acknowledgement: str) -> str:
        self.tasks[kind] += 1
        return acknowledgement

    # --- the service --------------------------------------------------------------------------

    def number_of(self, number: int) -> str:
        return f"+3363998{0:02}{number:02}"

    def hear(self, number: int, text: str, key: str) -> None:
        room = self.room
        reply = InboundSms(key, self.number_of(number), "+33639989999", text)
        receive(room.store, room.secret, "main", Received(replies=(reply,)), now=room.now)
        take_replies(room.store, room.rules, room.secret, now=room.now)

    def open(self, number: int) -> bool:
        person = self.people[number]
        return person.status == "booked" and person.starts_at > self.room.now

    def shown(self, number: int) -> tuple[int, int] | None:
        """The appointment as the page shows it, while its link is open; looking changes nothing."""
        page = open_page(self.room.store, self.room.rules, self.tokens[number], now=self.room.now)
        assert (page is None) == (self.until[number] <= self.room.now)
        if page is None:
            return None
        return page.visits[0].appointment, page.visits[0].cycle

    def send(self, number: int, deed: Deed, about: tuple[int, int], form: str) -> bool:
        room = self.room
        return do(
            room.store, room.rules, room.secret, self.tokens[number], deed,
            about=about, form=form, now=room.now,
        )  # fmt: skip

    def do(self, number: int, deed: Deed, about: tuple[int, int], form: str) -> None:
        person, now = self.people[number], self.room.now
        assert self.send(number, deed, about, form) == self.open(number)
        self.forms.append((number, deed, about, form))
        if not self.open(number):
            return
        kind = {"confirm": "confirmed", "cancel": "cancelled"}.get(deed, str(deed))
        person.say(kind, now + timedelta(minutes=15) if deed == "cancel" else now, now)
        if deed in ("reschedule", "question"):
            self.task(f"reply_{deed}", "")

    def tell(self, number: int, **changes: Any) -> None:
        """The hospital's own system says something; how it counts versions is its own matter."""
        self.records[number] = replace(self.records[number], **changes)
        self.room.read(self.records[number], mode="delta")
        row, person = self.room.appointment(number), self.people[number]
        person.version, person.status = row.version, row.status
        person.starts_at = instant(row.starts_at)

    def answers(self) -> int:
        found: int = self.room.value("SELECT COUNT(*) FROM answer")
        return found

    def see_what_left(self) -> None:
        """Every text is checked against what had been said before it left."""
        found = self.room.rows(
            "SELECT a.id, a.message_id, a.started_at, m.kind, m.recipient FROM attempt a "
            "JOIN message m ON m.id = a.message_id WHERE a.id > :last ORDER BY a.id",
            last=self.counted,
        )
        for row in found:
            self.counted = row.id
            told = self.room.rows(
                "SELECT appointment_id, cycle FROM told WHERE attempt_id = :id", id=row.id
            )
            person = self.people[int(row.recipient[-2:])]
            seen = {one.appointment_id: one.cycle for one in told}
            person.left.append(Left(row.message_id, row.kind, instant(row.started_at), seen))
            if row.kind == "reminder":
                assert not person.stopped
                assert not person.suspended
                assert person.current != "cancelled"
                assert set(seen.values()) == {person.version}
        for sent in self.room.sent:
            if link := re.search(rf"{URL}/r/([A-Za-z0-9_-]{{22}})", sent.text):
                number = int(sent.to[-2:])
                if self.tokens.setdefault(number, link[1]) == link[1]:
                    starts = self.people[number].starts_at
                    self.until.setdefault(
                        number, starts + timedelta(microseconds=LINK_OUTLIVES_START)
                    )


def _play(make: Callable[[ExitStack], Store], examples: int, steps: int) -> None:
    machine: Any = lambda: Answers(make)  # noqa: E731 - it takes a class or what makes one
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _sqlite(files: SqliteFiles) -> Callable[[ExitStack], Store]:
    def make(closing: ExitStack) -> Store:
        folder = Path(closing.enter_context(TemporaryDirectory()))
        return closing.enter_context(files.migrated(folder))

    return make


def test_any_history_of_answers_is_what_the_model_says(sqlite_files: SqliteFiles) -> None:
    _play(_sqlite(sqlite_files), examples=15, steps=25)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_long_histories_on_sqlite(sqlite_files: SqliteFiles) -> None:
    _play(_sqlite(sqlite_files), examples=300, steps=60)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_long_histories_on_postgresql(postgres_databases: PostgresDatabases) -> None:
    _play(
        lambda closing: closing.enter_context(postgres_databases.migrated()),
        examples=100,
        steps=50,
    )
