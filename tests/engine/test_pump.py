"""The pump: many in flight, three answers, a provider that fails is left for the next."""

import asyncio
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from reminders.clock import OffsetClock, SimulatedClock
from reminders.engine.pump import PassSummary
from reminders.engine.writer import Writer
from reminders.errors import (
    BadRecipient,
    Misconfigured,
    NotSent,
    OptedOut,
    Problem,
    Refused,
    RepairNeeded,
    SendError,
    Throttled,
    Unknown,
)
from reminders.ports import Accepted
from reminders.services.compose import Route
from reminders.store.engine import Store
from tests.services.test_deliver import STEP, due, with_mail
from tests.support.clinic import visits
from tests.support.mailroom import Mailroom

TWO = (Route("main", "sms"), Route("second", "sms"), Route("email", "email"))


def backlog(store: Store, many: int, routes: tuple[Route, ...] = TWO) -> Mailroom:
    room = Mailroom(store, routes=routes)
    room.read(*visits(list(range(1, many + 1))))
    room.release()
    room.plan()
    return room.at(STEP)


@pytest.mark.parametrize(
    ("outcome", "state", "task"),
    [
        (Refused("30007"), "REFUSED", ""),
        (BadRecipient("21211"), "REFUSED", "bad_recipient"),
        (OptedOut("21610"), "REFUSED", ""),
        (Unknown("ServerTimeout"), "UNKNOWN", ""),
        (ValueError("a bug of the adapter"), "UNKNOWN", ""),
        (NotSent("ClientConnectorError"), "PLANNED", ""),
        (Throttled("429", 600), "PLANNED", ""),
        (Misconfigured("401"), "PLANNED", "provider_misconfigured"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_failure_is_sorted_into_one_of_three_answers(
    store: Store, outcome: Exception, state: str, task: str
) -> None:
    room = due(store, [1])
    room.providers["main"].script["+33639980001"] = [outcome]
    room.deliver()
    assert ("confirm", "sms", state) in room.messages()
    assert room.tasks() == ([task] if task else [])
    assert len(room.sent) == 1


def test_one_message_that_fails_stops_no_other(store: Store) -> None:
    room = backlog(store, 200)
    room.providers["main"].script["+33639980007"] = [Unknown("x")]
    assert room.deliver().answers == {"ACCEPTED": 199, "UNKNOWN": 1}
    assert len({sent.to for sent in room.sent}) == 200


def test_a_dead_provider_is_left_for_the_next_without_a_duplicate(store: Store) -> None:
    """R10: refused connections, 300 waiting. Nothing is due any more at the end, no time passes."""
    room = backlog(store, 300)
    room.providers["main"].always = _raising(NotSent("ClientConnectorError"))
    began = room.now
    summary = room.deliver()
    assert summary.answers["ACCEPTED"] == 300
    delivered = Counter(sent.to for sent in room.sent if sent.provider == "second")
    assert set(delivered.values()) == {1}
    assert len(delivered) == 300
    assert room.now - began <= timedelta(seconds=10)
    assert sum(sent.provider == "main" for sent in room.sent) <= 100  # what was in flight


def _raising(error: Exception) -> Any:
    def answer() -> Accepted:
        raise error

    return answer


def test_a_hanging_provider_is_left_too_and_what_hung_is_not_sent_again(store: Store) -> None:
    room = backlog(store, 300)
    room.providers["main"].always = _raising(Unknown("ServerTimeoutError"))
    summary = room.deliver()
    assert summary.answers["ACCEPTED"] + summary.answers["UNKNOWN"] == 300
    assert summary.answers["UNKNOWN"] <= 100  # what was in flight
    assert max(Counter(sent.to for sent in room.sent).values()) == 1


def test_a_provider_that_has_rested_gets_one_message_before_the_others(store: Store) -> None:
    room = backlog(store, 10)
    main = room.providers["main"]
    main.always = _raising(Unknown("ServerTimeoutError"))

    async def play() -> tuple[int, int]:
        writer = Writer()
        pump = room.pump(writer, in_flight=10)
        await pump.run_until_quiet()
        assert "main" in pump.resting
        _more(room, 11, 110)
        room.at(room.now + timedelta(seconds=room.settings.delivery.provider_pause_seconds + 1))
        before = len(room.sent)
        await pump.run_until_quiet()
        still_down = [s for s in room.sent[before:] if s.provider == "main"]
        main.always = None
        _more(room, 111, 210)
        room.at(room.now + timedelta(minutes=15))
        before = len(room.sent)
        await pump.run_until_quiet()
        back = [s for s in room.sent[before:] if s.provider == "main"]
        writer.close()
        return len(still_down), len(back)

    tried, back = asyncio.run(play())
    assert tried == 1
    assert back > 80


def _more(room: Mailroom, first: int, last: int) -> None:
    room.read(*visits(list(range(first, last + 1))), mode="delta")
    room.plan()


def test_a_throttling_provider_rests_as_long_as_it_asked(store: Store) -> None:
    room = backlog(store, 3, routes=TWO[:1])
    room.providers["main"].always = _raising(Throttled("429", 120.0))

    async def play() -> None:
        writer = Writer()
        pump = room.pump(writer)
        await pump.run_until_quiet()
        assert pump.resting["main"] - room.now == timedelta(seconds=120)
        writer.close()

    asyncio.run(play())


def test_the_next_channel_is_not_the_next_provider(store: Store) -> None:
    """A dead SMS provider sends nobody an e-mail: the message waits."""
    room = due(store, [1], patient=with_mail(1))
    room.providers["main"].always = _raising(NotSent("dns"))
    room.deliver()
    room.plan()
    room.deliver()
    assert {sent.provider for sent in room.sent} == {"main"}
    assert ("confirm", "sms", "PLANNED") in room.messages()


@pytest.mark.parametrize("rate", [5.0, 20.0])
def test_no_second_of_a_backlog_holds_more_than_the_limit(store: Store, rate: float) -> None:
    """R9, at the provider's door, on a clock that jumps from slot to slot."""
    routes = (Route("main", "sms", rate=rate),)
    room = backlog(store, int(rate * 8), routes)
    assert room.deliver().answers["ACCEPTED"] == int(rate * 8)
    moments = [sent.at for sent in room.sent]
    for first, after in zip(moments, moments[int(rate) :], strict=False):
        assert after - first >= timedelta(seconds=1)
    seconds = (moments[-1] - moments[0]).total_seconds()
    assert (len(moments) - 1) / seconds >= 0.95 * rate


def test_no_second_of_real_time_holds_more_than_the_limit(store: Store) -> None:
    """The same with real sleeps on a busy machine: late is allowed, early is not."""
    routes = (Route("main", "sms", rate=30.0),)
    room = backlog(store, 75, routes)
    clock = OffsetClock(STEP)
    room.providers["main"].clock = clock

    async def play() -> None:
        writer = Writer()
        await room.pump(writer, clock=clock).run_until_quiet()
        writer.close()

    asyncio.run(play())
    moments = sorted(sent.at for sent in room.sent)
    assert moments
    for first, after in zip(moments, moments[30:], strict=False):
        assert after - first >= timedelta(seconds=1)


def test_a_slow_provider_is_not_waited_for_beyond_a_minute(store: Store) -> None:
    """A pass made for cron leaves the rest to the next one."""
    room = backlog(store, 5, (Route("main", "sms", rate=0.005),))
    began = time.monotonic()
    summary = room.deliver()
    assert summary.answers == {"ACCEPTED": 1}
    assert room.now - STEP < timedelta(minutes=2)
    assert time.monotonic() - began < 60


def test_a_pace_with_nothing_due_is_not_waited_for(store: Store) -> None:
    room = backlog(store, 1, (Route("main", "sms", rate=0.1),))
    room.deliver()
    assert room.now - STEP < timedelta(seconds=2)


def test_a_message_held_up_for_a_second_does_not_leave_on_an_old_permission(
    store: Store,
) -> None:
    """Bytes leave within a second of their intent; later they need another one."""
    room = due(store, [1])
    clock = _SuspendedOnce(STEP)
    room.clock = room.providers["main"].clock = clock
    assert room.deliver().answers == {"NOT_SENT": 1, "ACCEPTED": 1}
    assert [sent.at for sent in room.sent] == [STEP + timedelta(seconds=2)]


class _SuspendedOnce(SimulatedClock):
    """A machine suspended for two seconds between a slot and its message."""

    slept = False

    async def sleep_until(self, moment: datetime) -> None:
        self.jump_to(moment if self.slept else moment + timedelta(seconds=2))
        self.slept = True


def test_answers_wait_for_a_database_that_is_away(store: Store) -> None:
    """R14: what a provider acknowledged is not lost with the first refused write."""
    room = due(store, [1, 2, 3])
    failures = 2

    async def play() -> PassSummary:
        writer = Writer()
        pump = room.pump(writer)
        record = pump._delivery.record

        def failing(*results: Any, **more: Any) -> None:
            nonlocal failures
            if failures:
                failures -= 1
                raise RepairNeeded(Problem("base de données", "absente"))
            record(*results, **more)

        pump._delivery.record = failing  # type: ignore[method-assign]
        try:
            return await pump.run_until_quiet()
        finally:
            writer.close()

    assert asyncio.run(play()).answers == {"ACCEPTED": 3}
    assert room.states().count("ACCEPTED") == 3


def test_every_error_of_the_tree_has_its_answer(store: Store) -> None:
    """A new error must be sorted on purpose, not by the branch for bugs."""
    room = backlog(store, 1)

    async def sort(error: Exception) -> str:
        writer = Writer()
        pump = room.pump(writer)
        room.providers["main"].always = _raising(error)
        [envelope] = room.window().envelopes
        result = await pump._submit_once(envelope, late=False)
        room.record([envelope], result.answer, code="x")
        room.at(room.now + timedelta(hours=1))
        writer.close()
        return result.code

    assert asyncio.run(sort(NotSent("n"))) == "n"
    known = {NotSent, Unknown, Refused, Misconfigured}
    assert set(SendError.__subclasses__()) == known
