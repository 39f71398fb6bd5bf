"""Lease, render, intent, record: what may leave, once, and nothing that something forbids."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from reminders.domain.appointment import CancelledBy, ContactPoint, PatientRecord, Status
from reminders.rendering import Renderer, Version
from reminders.services.compose import Composer, Route
from reminders.services.deliver import Answer, Delivery, Window
from reminders.store import outbox
from reminders.store.engine import Store, open_engine, run
from reminders.store.types import micros
from tests.support.clinic import paris, settings_with, someone, visit, visits
from tests.support.mailroom import LIVE, Mailroom, new_reference
from tests.support.stores import address

STEP = paris("2026-10-17 12:00")  # the confirm step of a visit on the 20th is open


def with_mail(number: int) -> PatientRecord:
    known = someone(number)
    mail = ContactPoint("email", f"p{number}@example.org")
    return replace(known, contacts=(*known.contacts, mail))


def due(store: Store, numbers: list[int], **changes: Any) -> Mailroom:
    room = Mailroom(store)
    room.read(*visits(numbers, **changes))
    room.release()
    room.plan()
    return room.at(STEP)


# --- what forbids a send, at every step (R3, R4, R5) -------------------------------------------


def cancelled(room: Mailroom) -> None:
    room.read(visit(1, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL), mode="delta")


def moved(room: Mailroom) -> None:
    room.read(visit(1, "2026-10-30 09:30"), mode="delta")  # none of its steps falls on this day


def elsewhere(room: Mailroom) -> None:
    room.read(visit(1, uf="4230"), mode="delta")


def died(room: Mailroom) -> None:
    room.read(visit(1, patient=someone(1, deceased=True)), mode="delta")


def blocked(room: Mailroom) -> None:
    room.read(visit(1, patient=someone(1, identity_status="DOUA")), mode="delta")


def refuses(room: Mailroom) -> None:
    room.read(visit(1, patient=someone(1, sms_refused=True)), mode="delta")


def another_number(room: Mailroom) -> None:
    new = someone(1, contacts=(ContactPoint("phone", "06 39 98 44 44"),))
    room.read(visit(1, patient=new), mode="delta")


def another_patient(room: Mailroom) -> None:
    room.read(visit(1, patient=someone(2)), mode="delta")


def objects(room: Mailroom) -> None:
    room.object("06 39 98 00 01")


def held(room: Mailroom) -> None:
    room.hold()


OLD = "+33639980001"  # where the text would have gone
FORBIDDING = (
    cancelled, moved, elsewhere, died, blocked, refuses, another_number, another_patient,
    objects, held,
)  # fmt: skip


class Interrupted(Renderer):
    """Something happens while the texts are rendered: after the lease, before the intent."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self._happens = happens

    def render(self, version: Version, variables: object) -> str:
        text = super().render(version, variables)  # type: ignore[arg-type]
        self._happens()
        return text


def delivery_with(room: Mailroom, renderer: Renderer) -> Delivery:
    return Delivery(
        room.store, room.rules, Composer(room.rules, renderer), room.settings.delivery,
        room.secret, new_reference,
    )  # fmt: skip


@pytest.mark.parametrize("forbids", FORBIDDING)
def test_nothing_leaves_that_was_forbidden_before_the_lease(
    store: Store, forbids: Callable[[Mailroom], None]
) -> None:
    room = due(store, [1])
    forbids(room)
    assert room.window().envelopes == []


@pytest.mark.parametrize("forbids", FORBIDDING)
def test_nothing_leaves_that_was_forbidden_between_lease_and_intent(
    store: Store, forbids: Callable[[Mailroom], None]
) -> None:
    room = due(store, [1])
    window = delivery_with(room, Interrupted(lambda: forbids(room))).open_window(
        room.routes, 10, now=room.now
    )
    assert (window.leased, window.envelopes, window.refused) == (1, [], 1)
    room.plan()
    room.pass_days(0.01)
    told = [envelope.composed.address for envelope in room.window().envelopes]
    assert OLD not in told or forbids is elsewhere


def test_one_forbidden_item_returns_the_whole_message_and_the_other_is_told_alone(
    store: Store,
) -> None:
    room = Mailroom(store)
    both = [visit(1), visit(2, "2026-10-20 15:00", patient=someone(1))]
    room.read(*both)
    room.release()
    room.plan()
    room.at(STEP)
    gone = replace(both[0], status=Status.CANCELLED)
    happens: Callable[[], object] = lambda: room.read(gone, mode="delta")  # noqa: E731
    window = delivery_with(room, Interrupted(happens)).open_window(room.routes, 10, now=room.now)
    assert window.envelopes == []
    room.plan()
    room.at(STEP + timedelta(minutes=1))
    [envelope] = room.window().envelopes
    assert "à 15h" in envelope.composed.text
    assert "9h30" not in envelope.composed.text


def test_nothing_leaves_after_the_days_hours_or_within_two_hours_of_the_start(
    store: Store,
) -> None:
    room = due(store, [1])
    for moment in ("2026-10-17 20:00", "2026-10-18 10:00", "2026-10-20 07:30", "2026-10-20 10:00"):
        room.at(paris(moment))
        assert room.window().envelopes == []


def test_an_intent_is_judged_by_the_hour_it_is_committed(store: Store) -> None:
    """The lease still holds, the step's hours have just ended."""
    room = due(store, [1]).at(paris("2026-10-17 19:59:50"))
    window = room.delivery().open_window(
        room.routes, 10, now=room.now, still=lambda: paris("2026-10-17 20:00")
    )
    assert (window.leased, window.envelopes) == (1, [])


def test_three_days_away_release_no_stale_burst(store: Store) -> None:
    """Away from the eve of the confirm step to the eve of the visit: only that day's step."""
    room = Mailroom(store)
    room.read(*visits([1, 2, 3]), *visits([4, 5], starts="2026-10-27 09:30"))
    room.release()
    room.plan()
    room.at(paris("2026-10-19 16:00"))
    done = room.deliver()
    assert done.answers["ACCEPTED"] == 3
    assert all("20/10 à 9h30" in sent.text for sent in room.sent)
    assert [m[0] for m in room.messages() if m[2] == "ACCEPTED"] == ["short"] * 3
    assert all(sent.valid_for is not None for sent in room.sent)
    room.plan()
    assert room.reasons(1)["J-3"] == "past"


def test_the_provider_is_told_the_deadline(store: Store) -> None:
    room = due(store, [1])
    room.deliver()
    assert room.sent[0].valid_for == paris("2026-10-17 20:00") - STEP


# --- once (R1) ---------------------------------------------------------------------------------


def test_a_leased_message_is_nobody_elses(store: Store) -> None:
    room = due(store, [1, 2, 3])
    first = room.window(limit=2)
    assert len(first.envelopes) == 2
    assert len(room.window().envelopes) == 1
    assert room.window().leased == 0


def test_many_senders_at_once_send_each_message_once(store: Store) -> None:
    room = due(store, list(range(1, 201)))
    windows: list[Window] = []

    def send() -> None:
        own = Store(open_engine(address(room.store)))
        try:
            delivery = Delivery(
                own, room.rules, Composer(room.rules, Renderer()), room.settings.delivery,
                room.secret, new_reference,
            )  # fmt: skip
            while (window := delivery.open_window(room.routes, 7, now=room.now)).leased:
                windows.append(window)
        finally:
            own.close()

    at_once([send] * 4)
    sent = [e.composed.message_id for window in windows for e in window.envelopes]
    assert len(sent) == len(set(sent)) == 200


def at_once(works: Sequence[Callable[[], object]]) -> None:
    failed: list[BaseException] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def wait_until(ready: Callable[[], object]) -> None:
    for _ in range(60_000):
        if ready():
            return
        time.sleep(0.001)
    raise AssertionError("the others do not come forward")


def test_an_answer_under_an_older_token_is_refused(store: Store) -> None:
    """A zombie: its lease ended, another process sent the message again by right."""
    room = due(store, [1])
    [first] = room.window().envelopes
    room.record([first], Answer.NOT_SENT, code="refused")
    room.at(room.now + timedelta(hours=1))
    [second] = room.window().envelopes
    room.record([first], Answer.REFUSED, code="late")
    assert room.states().count("SENDING") == 1
    room.record([second], Answer.ACCEPTED)
    assert room.states().count("ACCEPTED") == 1


def test_no_intent_is_committed_after_an_objection(store: Store) -> None:
    """R4: many numbers object while two senders work; what the database holds when an objection
    has been acknowledged never grows. Nobody gets far ahead: whoever is quick would else be done
    before the others begin, and nothing would have raced."""
    room = due(store, list(range(1, 121)))
    numbers = list(range(1, 121))
    random.Random(4).shuffle(numbers)
    acknowledged: dict[int, int] = {}
    windows: list[int] = []
    over: list[str] = []

    def intents(store: Store, number: int) -> int:
        with store.read() as connection:
            found = connection.exec_driver_sql(
                "SELECT COUNT(*) FROM attempt a JOIN message m ON m.id = a.message_id "
                f"WHERE m.patient_id = {patients[number]}"
            )
            return int(found.scalar_one())

    patients = {int(row.identifier): row.id for row in room.rows("SELECT * FROM patient")}

    def object_one_by_one() -> None:
        own = Mailroom(Store(open_engine(address(room.store))), room.now)
        try:
            for number in numbers:
                wait_until(lambda: over or len(windows) >= len(acknowledged) // 4 - 5)
                own.object(f"06 39 98 {number // 100:02} {number % 100:02}")
                acknowledged[number] = intents(own.store, number)
        finally:
            over.append("objecting")
            own.store.close()

    def send() -> None:
        own = Store(open_engine(address(room.store)))
        try:
            delivery = Delivery(
                own, room.rules, Composer(room.rules, Renderer()), room.settings.delivery,
                room.secret, new_reference,
            )  # fmt: skip
            wait_until(lambda: over or acknowledged)
            while leased := delivery.open_window(room.routes, 3, now=room.now).leased:
                windows.append(leased)
                wait_until(lambda: over or len(acknowledged) > 2 * len(windows))
        finally:
            over.append("sending")
            own.close()

    at_once([object_one_by_one, send, send])
    assert {number: intents(room.store, number) for number in numbers} == acknowledged
    assert 0 < sum(acknowledged.values()) < len(numbers)


def test_an_objection_to_a_shared_number_stops_everybody_it_serves(store: Store) -> None:
    shared = (ContactPoint("phone", "06 39 98 00 77"),)
    room = Mailroom(store)
    room.read(*(visit(n, patient=someone(n, contacts=shared)) for n in (1, 2)))
    room.release()
    room.plan()
    room.at(STEP)
    [first, _] = room.window().envelopes
    room.record([first], Answer.REFUSED, opted_out=True, code="21610")
    room.plan()
    assert {room.reasons(n)["J-1"] for n in (1, 2)} == {"objection"}


# --- test mode, rehearsal ----------------------------------------------------------------------


def rehearsing(store: Store, **changes: Any) -> Mailroom:
    settings = settings_with(**{**LIVE, "mode": "test", **changes})
    room = Mailroom(store, settings=settings)
    room.read(*visits([1, 2]))
    room.release()
    room.plan()
    return room.at(STEP)


@pytest.mark.parametrize("spelling", ["06 39 98 00 01", "+33639980001", "0033 6 39 98 00 01"])
def test_test_mode_writes_only_to_its_list_however_it_is_spelt(store: Store, spelling: str) -> None:
    room = rehearsing(store, only_to=(spelling,))
    done = room.deliver()
    assert [sent.to for sent in room.sent] == ["+33639980001"]
    assert done.rehearsed == 1
    assert room.deliver().rehearsed == 0


def test_what_was_rehearsed_is_not_rehearsed_again_and_asks_nobody_for_anything(
    store: Store,
) -> None:
    room = rehearsing(store)
    assert room.deliver().rehearsed == 2
    room.plan_everybody()
    assert room.deliver().rehearsed == 0
    room.read(visit(1, "2026-10-21 09:30"), mode="delta")  # nobody was told: no correction
    room.plan()
    assert "correction" not in room.reasons(1)
    assert room.tasks() == []
    room.at(paris("2026-10-19 12:00"))
    assert room.deliver().rehearsed == 1  # the short step of the other, next working day
    assert room.sent == []


def test_a_rehearsal_passes_the_same_checks(store: Store) -> None:
    room = rehearsing(store)
    died(room)
    assert room.deliver().rehearsed == 1


# --- a text that cannot be made ----------------------------------------------------------------


class Poison(Renderer):
    """A program error on the texts of one patient, told by a first hour only they have."""

    def render(self, version: Version, variables: object) -> str:
        text = super().render(version, variables)  # type: ignore[arg-type]
        if "à 16h45" in text:
            raise KeyError("a bug of ours")
        return text


def test_a_text_our_program_cannot_make_stops_nobody_elses(store: Store) -> None:
    room = Mailroom(store)
    poisoned = visit(1, "2026-10-20 16:45", patient=with_mail(1))
    room.read(poisoned, *visits(list(range(2, 12))))
    room.release()
    room.plan()
    room.at(STEP)
    window = delivery_with(room, Poison()).open_window(room.routes, 100, now=room.now)
    assert len(window.envelopes) == 10
    assert room.states().count("QUARANTINED") == 1
    assert room.tasks() == ["not_composed"]
    room.plan()
    assert ("confirm", "email", "PLANNED") in room.messages()  # another channel may work


def test_a_text_with_no_approved_template_waits_for_a_person(store: Store) -> None:
    room = due(store, [1])
    with room.store.write() as connection:
        run(connection, "UPDATE template_version SET state = 'proposed' WHERE purpose = 'confirm'")
    assert room.window().envelopes == []
    assert room.tasks() == ["no_template"]
    assert ("confirm", "sms", "SUPPRESSED") in room.messages()


def test_once_the_gap_is_filled_the_text_leaves(store: Store) -> None:
    room = due(store, [1])
    approve = "UPDATE template_version SET state = :state WHERE purpose = 'confirm'"
    with room.store.write() as connection:
        run(connection, approve, state="proposed")
    room.deliver()
    with room.store.write() as connection:
        run(connection, approve, state="approved")
    room.open()  # the next pass of a cron line is a process of its own
    room.plan()
    assert room.deliver().answers == {"ACCEPTED": 1}


def only_for(room: Mailroom, family: str) -> None:
    """The approved text of the confirm step serves one family of senders only."""
    with room.store.write() as connection:
        run(
            connection,
            "UPDATE template_version SET family = :family WHERE purpose = 'confirm' "
            "AND channel = 'sms'",
            family=family,
        )


TWO = (Route("main", "sms", "link"), Route("second", "sms", "reply"))


def test_a_provider_without_a_text_of_its_family_is_skipped(store: Store) -> None:
    room = Mailroom(store, routes=TWO)
    room.read(visit(1))
    room.release()
    room.plan()
    room.at(STEP)
    only_for(room, "reply")
    [envelope] = room.window().envelopes
    assert envelope.route.id == "second"


def test_a_text_only_a_resting_provider_can_send_waits_for_it(store: Store) -> None:
    room = Mailroom(store, routes=TWO)
    room.read(visit(1))
    room.release()
    room.plan()
    room.at(STEP)
    only_for(room, "reply")
    window = room.delivery().open_window(TWO[:1], 10, now=room.now, away=TWO[1:])
    assert window.envelopes == []
    assert room.tasks() == []
    room.at(room.now + timedelta(minutes=1))
    assert len(room.window().envelopes) == 1


# --- leases, repairs, backoff ------------------------------------------------------------------


def lease_only(room: Mailroom) -> None:
    """A process that dies right after its lease."""
    at = micros(room.now)
    until = micros(room.now + timedelta(seconds=room.settings.delivery.lease_seconds))
    with room.store.write() as connection:
        outbox.lease(connection, "sms", now=at, until=until, limit=100)


def test_a_crash_after_the_lease_returns_the_row_and_the_third_sets_it_aside(
    store: Store,
) -> None:
    room = due(store, [1], patient=with_mail(1))
    for _ in range(2):
        lease_only(room)
        room.at(room.now + timedelta(minutes=2))
        assert room.tidy()["recovered"] == 1
    lease_only(room)
    room.at(room.now + timedelta(minutes=2))
    assert room.tidy()["quarantined"] == 1
    assert room.tasks() == ["quarantined"]
    room.plan()
    assert ("confirm", "email", "PLANNED") in room.messages()


def test_a_recorded_result_forgets_earlier_leases(store: Store) -> None:
    room = due(store, [1])
    for _ in range(5):
        [envelope] = room.window().envelopes
        room.record([envelope], Answer.NOT_SENT, code="refused")
        room.at(room.now + timedelta(minutes=45))
        room.tidy()
    assert "QUARANTINED" not in room.states()


def test_a_refused_intent_costs_no_lease(store: Store) -> None:
    room = due(store, [1])
    for _ in range(5):
        happens = Interrupted(lambda: room.hold())
        window = delivery_with(room, happens).open_window(room.routes, 1, now=room.now)
        assert window.refused == 1
        room.release()
        room.at(room.now + timedelta(minutes=1))
    assert len(room.window().envelopes) == 1


def test_retries_come_later_and_later_and_end_with_the_deadline(store: Store) -> None:
    room = due(store, [1])
    tries = []
    while room.now < paris("2026-10-18 09:00"):
        for envelope in room.window().envelopes:
            tries.append(room.now)
            room.record([envelope], Answer.NOT_SENT, code="ClientConnectorError")
        room.at(room.now + timedelta(minutes=1))
        room.tidy()
    gaps = [(after - before).total_seconds() for before, after in pairwise(tries)]
    most = room.settings.delivery.retry_most_seconds
    assert len(tries) > 3
    assert gaps[0] < gaps[-1] <= most * 1.2 + 60
    assert tries[-1] < paris("2026-10-17 20:00")
    assert ("confirm", "sms", "EXPIRED") in room.messages()
    assert room.reasons()["J-3"] == "past"


def test_a_throttled_message_waits_as_long_as_it_was_told(store: Store) -> None:
    room = due(store, [1])
    [envelope] = room.window().envelopes
    room.record([envelope], Answer.NOT_SENT, code="429", throttled=True, retry_after=1800.0)
    room.at(room.now + timedelta(minutes=29))
    assert room.window().envelopes == []
    room.at(room.now + timedelta(minutes=45))
    assert len(room.window().envelopes) == 1


def test_what_another_provider_can_take_leavesat_once(store: Store) -> None:
    room = due(store, [1])
    [envelope] = room.window().envelopes
    room.record([envelope], Answer.NOT_SENT, code="dns", elsewhere=True)
    assert len(room.window().envelopes) == 1


def test_messages_held_to_their_end_say_so(store: Store) -> None:
    room = due(store, [1])
    room.hold()
    assert room.window().envelopes == []
    assert "HELD" in room.states()
    room.at(paris("2026-10-17 20:30"))
    room.tidy()
    room.plan()
    assert room.reasons()["J-3"] == "held"
    assert ("confirm", "sms", "EXPIRED") in room.messages()


# --- pace (R9) ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.2, 1.0, 7.0, 40.0])
def test_several_processes_share_one_providers_limit(store: Store, rate: float) -> None:
    """Three senders with a backlog: no second holds more slots than the limit, and at least
    95 % of it is used."""
    routes = (Route("main", "sms", rate=rate),)
    room = Mailroom(store, routes=routes)
    seconds = max(5.0, 4 / rate)
    room.read(*visits(list(range(1, int(rate * seconds * 1.5) + 6))))
    room.release()
    room.plan()
    room.at(STEP)
    senders = [room.delivery() for _ in range(3)]
    slots = []
    now, end = room.now, room.now + timedelta(seconds=seconds)
    while now < end:
        for sender in senders:
            slots += [e.slot for e in sender.open_window(routes, 100, now=now).envelopes]
        now += timedelta(milliseconds=137)
    slots.sort()
    most = max(1, int(rate))
    for first, after in zip(slots, slots[most:], strict=False):
        assert after - first > timedelta(seconds=1)
    used = [slot for slot in slots if slot < end]
    assert len(used) >= 0.95 * rate * seconds - 1
    assert all(slot >= room.now for slot in slots)


def test_no_pacer_no_send(store: Store) -> None:
    room = due(store, [1])
    with room.store.write() as connection:
        run(connection, "DELETE FROM pacer")
    with pytest.raises(LookupError):
        room.window()
    assert "SENDING" not in room.states()
