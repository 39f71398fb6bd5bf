"""Random objections, each over its channel and within its scope, against a small reference model:
the intent forbids exactly what it must, and the plan goes the way that is left."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reminders.domain.appointment import ContactPoint
from reminders.services.objections import object_to
from reminders.store import outbox, planning
from reminders.store.engine import Record, Store, rows, run
from reminders.store.types import SECOND, micros
from tests.support.clinic import paris, someone, visit
from tests.support.mailroom import Mailroom

PHONE, MAIL, ELSEWHERE = "+33639980001", "lea.test@example.org", "+33639980099"
BOTH = (ContactPoint("phone", PHONE), ContactPoint("email", MAIL))
SHARED = (ContactPoint("phone", PHONE),)  # the brother has no address of his own
# number -> (patient, UF): 1 and 2 are told in one text, 3 in another, 4 is the brother's
VISITS = {1: (1, "4220"), 2: (1, "4230"), 3: (1, "4220"), 4: (4, "4220")}
ADDRESSES = {1: {"sms": PHONE, "email": MAIL}, 4: {"sms": PHONE}}


@dataclass(frozen=True)
class Told:
    """An objection as a test tells it: people and appointments by their numbers."""

    address: str
    people: tuple[int, ...]
    channel: str
    scope: str  # "all" | "service:{uf}" | "visit:{number}"

    def covers(self, channel: str, visits: Sequence[int]) -> bool:
        if self.channel not in ("all", channel):
            return False
        names = {f"visit:{one}" for one in visits} | {f"service:{VISITS[n][1]}" for n in visits}
        return self.scope == "all" or self.scope in names

    def forbids(self, channel: str, address: str, patient: int, visits: Sequence[int]) -> bool:
        """To the address, whoever it is about; about the person, whatever the address."""
        reached = self.address == address or patient in self.people
        return reached and self.covers(channel, visits)


told = st.builds(
    Told,
    address=st.sampled_from([PHONE, MAIL, ELSEWHERE]),
    people=st.sampled_from([(), (1,), (4,), (1, 4)]),
    channel=st.sampled_from(["sms", "email", "all"]),
    scope=st.sampled_from(["all", "service:4220", "service:4230", "service:9999"]
                          + [f"visit:{number}" for number in VISITS]),
)  # fmt: skip


class _Enough(Exception):
    """Undo this transaction."""


class Day:
    """A hospital whose J-3 texts are all due, that can be looked at as often as one likes."""

    def __init__(self, store: Store) -> None:
        self.room = Mailroom(store)
        lea, brother = someone(1, contacts=BOTH), someone(4, given="Tom", contacts=SHARED)
        self.room.read(
            visit(1, "2026-10-16 09:30", patient=lea),
            visit(2, "2026-10-16 14:00", patient=lea, uf="4230"),
            visit(3, "2026-10-20 09:30", patient=lea),
            visit(4, "2026-10-16 11:00", patient=brother),
        )
        self.room.release()
        self.room.plan()
        self.room.at(paris("2026-10-13 10:05"))
        self.patients = {n: self.room.patient(n).id for n in (1, 4)}
        self.visits = {n: self.room.appointment(n).id for n in VISITS}

    @contextmanager
    def objecting(self, objections: Sequence[Told]) -> Iterator[None]:
        at = micros(self.room.now)
        with self.room.store.write() as connection:
            for one in objections:
                kind, _, number = one.scope.partition(":")
                scope = f"appointment:{self.visits[int(number)]}" if kind == "visit" else one.scope
                object_to(
                    connection, self.room.secret, one.address,
                    patients=[self.patients[n] for n in one.people], channel=one.channel,
                    scopes=[scope], origin="staff", by="test", at=at,
                )  # fmt: skip
        try:
            yield
        finally:
            with self.room.store.write() as connection:
                planning.mark_dirty(connection, self.patients.values())
                run(connection, "DELETE FROM objection")

    def waiting(self) -> Sequence[Record]:
        """Every planned text with what it tells, whatever its hour."""
        return self.room.rows(
            "SELECT m.id, m.channel, m.recipient, m.patient_id, a.id AS visit, d.step "
            "FROM message m JOIN message_item i ON i.message_id = m.id "
            "JOIN decision d ON d.id = i.decision_id JOIN appointment a ON a.id = d.appointment_id "
            "WHERE m.state = 'PLANNED' ORDER BY m.id, a.id"
        )

    def permitted(self) -> set[int]:
        """Which of them the intent would let out now; nothing of it stays."""

        found: set[int] = set()
        at = micros(self.room.now)
        with suppress(_Enough), self.room.store.write() as connection:
            run(connection, "UPDATE message SET opens_at = :at WHERE state = 'PLANNED'", at=at)
            for channel in ("sms", "email"):
                token, leased = outbox.lease(
                    connection, channel, now=at, until=at + 60 * SECOND, limit=99
                )
                found |= outbox.permit(connection, token, [row.id for row in leased], now=at)
            raise _Enough
        return found

    def numbers(self, ids: Sequence[int], names: dict[int, int]) -> list[int]:
        return [number for number, key in names.items() if key in ids]


@pytest.fixture
def day(store: Store) -> Day:
    return Day(store)


def _texts(day: Day) -> dict[int, tuple[str, str, int, list[int]]]:
    """message -> channel, address, patient's number, appointments' numbers"""
    found: dict[int, tuple[str, str, int, list[int]]] = {}
    for row in day.waiting():
        [patient] = day.numbers([row.patient_id], day.patients)
        text = found.setdefault(row.id, (row.channel, row.recipient, patient, []))
        text[3].extend(day.numbers([row.visit], day.visits))
    return found


calm = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@given(objections=st.lists(told, max_size=4))
@calm
def test_the_intent_forbids_what_the_model_forbids_and_no_more(
    day: Day, objections: list[Told]
) -> None:
    """Planned before anybody objected: the intent alone stands in the way."""
    day.room.plan()
    texts = _texts(day)
    assert {patient for _, _, patient, _ in texts.values()} == {1, 4}
    with day.objecting(objections):
        assert day.permitted() == {
            message
            for message, (channel, address, patient, visits) in texts.items()
            if not any(one.forbids(channel, address, patient, visits) for one in objections)
        }


def way_left(number: int, objections: Sequence[Told]) -> str:
    """The first channel nobody objects to, "" if none is left."""
    patient, _ = VISITS[number]
    for channel, address in ADDRESSES[patient].items():
        if not any(one.forbids(channel, address, patient, [number]) for one in objections):
            return channel
    return ""


@given(objections=st.lists(told, max_size=4))
@calm
def test_the_plan_goes_the_way_that_is_left(day: Day, objections: list[Told]) -> None:
    """Each step by the first channel nobody objects to; without one its reason says why. What is
    planned, the intent lets out."""
    ways = {number: way_left(number, objections) for number in VISITS}
    expected = {number: way or "objection" for number, way in ways.items()}
    if ways[1] and ways[2] and ways[1] != ways[2]:
        expected[2] = "cap_day"  # of one day, but no more in one text: one reminder a day
    with day.objecting(objections):
        day.room.plan()
        texts = _texts(day)
        assert day.permitted() == set(texts)
        planned = {n: channel for channel, _, _, visits in texts.values() for n in visits}
        found = {n: planned.get(n) or day.room.reasons(n)["J-1"] for n in VISITS}
        assert found == expected


def test_one_forbidden_appointment_of_a_text_is_left_out_of_it(day: Day) -> None:
    """The others are told all the same."""
    with day.objecting([Told(PHONE, (1,), "all", "service:4230")]):
        before = len(day.room.sent)
        day.room.deliver()
        day.room.plan()
        day.room.at(paris("2026-10-13 10:10"))
        day.room.deliver()
        texts = [sent.text for sent in day.room.sent[before:]]
        assert any("9h30" in text for text in texts)
        assert not any("14h" in text for text in texts)


def test_rows_of_the_table_keep_their_words(day: Day) -> None:
    with day.objecting([Told(PHONE, (1, 4), "sms", "service:4220")]):
        with day.room.store.read() as connection:
            found = rows(connection, "SELECT patient_id, channel, scope FROM objection")
        assert {tuple(row) for row in found} == {
            (day.patients[n], "sms", "service:4220") for n in (1, 4)
        }
