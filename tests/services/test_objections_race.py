"""R4: whoever sends at that moment, nothing about an objection is committed after it.

Numbers that serve several people stop in each of the ways while senders work through the whole
day's texts. What has an intent when an objection is acknowledged never grows.
"""

import multiprocessing
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.synchronize import Event

import pytest

from reminders.config import Settings
from reminders.domain.appointment import ContactPoint
from reminders.ports import InboundSms, Receipt, ReceiptState, Received
from reminders.services.answer import take_replies
from reminders.services.object import object_address
from reminders.services.objections import object_to
from reminders.services.receive import receive
from reminders.store import outbox
from reminders.store.engine import Store, open_engine, rows
from reminders.store.types import SECOND, micros
from tests.support.clinic import paris, someone, visit
from tests.support.mailroom import Mailroom
from tests.support.stores import address

AT_A_NUMBER = 10  # people one number serves
DUE = paris("2026-10-13 10:05")


def number_of(family: int) -> str:
    return f"+3363998{family:04}"


def hospital(store: Store, families: int) -> Mailroom:
    """Everybody's J-3 is due; each number serves several people."""
    room = Mailroom(store)
    records = [
        visit(n, "2026-10-16 15:00", patient=someone(n, contacts=(
            ContactPoint("phone", number_of(n // AT_A_NUMBER)),
        )))
        for n in range(AT_A_NUMBER, AT_A_NUMBER * (families + 1))
    ]  # fmt: skip
    room.read(*records)
    room.release()
    room.plan()
    room.at(DUE)
    return room


def by_staff(store: Store, room: Mailroom, number: str) -> None:
    object_address(store, room.secret, number, now=DUE, by="nadia")


def by_reply(store: Store, room: Mailroom, number: str) -> None:
    told = InboundSms(f"stop-{number}", number, "+33639989999", "STOP")
    receive(store, room.secret, "main", Received(replies=(told,)), now=DUE)
    take_replies(store, room.rules, room.secret, now=DUE)


def by_provider(store: Store, room: Mailroom, number: str) -> None:
    told = InboundSms(f"block-{number}", number, "+33639989999", "STOP", block="set")
    receive(store, room.secret, "main", Received(replies=(told,)), now=DUE)


def by_receipt(store: Store, room: Mailroom, number: str) -> None:
    """Known only where a text has left; else it is told by staff."""
    with store.read() as connection:
        found = rows(
            connection,
            "SELECT a.reference FROM attempt a JOIN message m ON m.id = a.message_id "
            "WHERE m.recipient = :number ORDER BY a.id LIMIT 1",
            number=number,
        )
    if not found:
        by_staff(store, room, number)
        return
    told = Receipt(
        f"r-{number}", ReceiptState.UNDELIVERED, found[0].reference, code="21610", opted_out=True
    )
    receive(store, room.secret, "main", Received(receipts=(told,)), now=DUE)


WAYS = (by_staff, by_reply, by_provider, by_receipt)


def intents(store: Store, number: str) -> int:
    """Texts to this number whose intent is committed."""
    with store.read() as connection:
        return int(
            rows(
                connection,
                "SELECT COUNT(*) AS n FROM attempt a JOIN message m ON m.id = a.message_id "
                "WHERE m.recipient = :number",
                number=number,
            )[0].n
        )


@dataclass(frozen=True)
class Sender:
    """One process that sends: it opens windows of a few intents until nothing is due."""

    url: str
    now: datetime
    settings: Settings
    begun: Event | threading.Event

    def __call__(self) -> None:
        room = Mailroom(Store(open_engine(self.url)), self.now, self.settings)
        try:
            while True:
                window = room.window(limit=4)
                self.begun.set()
                if not window.leased:
                    return
        finally:
            room.store.close()


def race(
    store: Store,
    families: int,
    begun: Event | threading.Event,
    start: Callable[[Sequence[Callable[[], None]]], Callable[[], None]],
) -> None:
    room = hospital(store, families)
    numbers = [number_of(family) for family in range(1, families + 1)]
    random.Random(families).shuffle(numbers)
    sender = Sender(address(store), DUE, room.settings, begun)
    acknowledged: dict[str, int] = {}
    ended = start([sender, sender])
    assert begun.wait(timeout=100)  # the first intents are committed
    for place, number in enumerate(numbers):
        WAYS[place % len(WAYS)](store, room, number)
        acknowledged[number] = intents(store, number)
    ended()
    assert {number: intents(store, number) for number in numbers} == acknowledged
    assert 0 < sum(acknowledged.values()) < AT_A_NUMBER * families


def in_threads(works: Sequence[Callable[[], None]]) -> Callable[[], None]:
    failed: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()

    def ended() -> None:
        for thread in threads:
            thread.join()
        assert failed == []

    return ended


def in_processes(works: Sequence[Callable[[], None]]) -> Callable[[], None]:
    processes = [multiprocessing.get_context("spawn").Process(target=work) for work in works]
    for process in processes:
        process.start()

    def ended() -> None:
        for process in processes:
            process.join()
            assert process.exitcode == 0

    return ended


def test_nothing_is_committed_after_an_objection(store: Store) -> None:
    """A hundred objections, each against the intents of the texts to its number."""
    race(store, 100, threading.Event(), in_threads)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_nothing_is_committed_after_a_thousand_objections(store: Store) -> None:
    """The senders are processes of their own."""
    race(store, 1_000, multiprocessing.get_context("spawn").Event(), in_processes)


# --- the two orders, held still ----------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_an_objection_is_acknowledged_after_the_intents_it_did_not_stop(
    store: Store, way: Callable[[Store, Mailroom, str], None]
) -> None:
    """An intent that is about to be committed is waited for: never committed afterwards."""
    room = hospital(store, 1)
    number, at = number_of(1), micros(DUE)
    acknowledged: list[int] = []

    def objecting() -> None:
        own = Store(open_engine(address(store)))
        try:
            way(own, room, number)
            acknowledged.append(sending(own, number))
        finally:
            own.close()

    with store.write() as connection:
        token, leased = outbox.lease(connection, "sms", now=at, until=at + 60 * SECOND, limit=1)
    with store.write() as connection:
        people = [row.patient_id for row in leased]
        assert outbox.quiet_patients(connection, people) == set(people)
        assert outbox.permit(connection, token, [row.id for row in leased], now=at)
        thread = threading.Thread(target=objecting)
        thread.start()
        thread.join(timeout=0.5)
        assert thread.is_alive()
    thread.join()
    assert acknowledged == [1] == [sending(store, number)]


def test_an_intent_gives_way_to_an_objection_about_to_be_committed(store: Store) -> None:
    room = hospital(store, 1)
    sender = Sender(address(store), DUE, room.settings, threading.Event())
    with store.write() as connection:
        object_to(
            connection, room.secret, number_of(1), patients=[], channel="sms", origin="reply",
            by="main", at=micros(DUE),
        )  # fmt: skip
        ended = in_threads([sender])
        sender.begun.wait(timeout=0.5)
    ended()
    assert intents(store, number_of(1)) == 0


def sending(store: Store, number: str) -> int:
    with store.read() as connection:
        found = rows(
            connection,
            "SELECT COUNT(*) AS n FROM message WHERE recipient = :number AND state = 'SENDING'",
            number=number,
        )
    return int(found[0].n)
