"""Sending: many messages in flight, their intents and answers committed in groups.

The pump asks delivery for a window of messages whose intent is durable, lets each leave at its
slot, sorts what came back into the three answers and has them recorded together (at 100 of them
or after 5 ms). It decides nothing about what may be sent.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from reminders.clock import Clock
from reminders.engine.pace import Pace
from reminders.engine.writer import Writer
from reminders.errors import (
    BadRecipient,
    Misconfigured,
    NotSent,
    OptedOut,
    Refused,
    RepairNeeded,
    Throttled,
    Unknown,
)
from reminders.failpoint import failpoint
from reminders.ports import Accepted
from reminders.services.compose import Route
from reminders.services.deliver import (
    Answer,
    Delivery,
    Envelope,
    Result,
    Window,
)

GROUP = 100  # answers written together ...
GROUP_SECONDS = 0.005  # ... or as many as came in this time
RECORD_AGAIN_SECONDS = 0.5  # a database that is away is asked again after this ...
RECORD_TRIES = 20  # ... so often, before answers are left to the next process
PATIENCE = timedelta(seconds=60)  # a longer pause is left to the next pass
LATE = timedelta(seconds=1)  # bytes that have not left this long after their slot never will
FAILURES_BEFORE_REST = 3

log = structlog.get_logger()

Submit = Callable[[Envelope, datetime], Awaitable[Accepted]]


@dataclass(slots=True)
class PassSummary:
    answers: Counter[str] = field(default_factory=Counter)
    rehearsed: int = 0
    misconfigured: int = 0
    codes: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Health:
    """A provider that fails is left alone for a while, then tried with one message; the others
    follow once that one has its answer."""

    failures: int = 0
    rests: int = 0
    until: datetime | None = None
    probing: bool = False

    def recovered(self) -> None:
        self.failures, self.rests, self.until = 0, 0, None

    def rested(self, now: datetime) -> bool:
        """It has failed, its pause is over, and nobody knows yet whether it works again."""
        return self.until is not None and self.until <= now


class Pump:
    def __init__(
        self,
        delivery: Delivery,
        routes: Sequence[Route],
        submit: Mapping[str, Submit],
        clock: Clock,
        writer: Writer,
        *,
        in_flight: int,
        pause_seconds: float,
    ) -> None:
        self._delivery = delivery
        self._routes = list(routes)
        self._submit = submit
        self._clock = clock
        self._writer = writer
        self._most = in_flight
        self._pause = pause_seconds
        self._health = {route.id: _Health() for route in routes}
        self._pace = {route.id: Pace(route) for route in routes}
        self._results: list[Result] = []
        self._arrived = asyncio.Event()
        self._recording = asyncio.Lock()
        self.stopping = False

    def stop(self) -> None:
        """Open no window any more: what is in flight ends, what waits stays planned."""
        self.stopping = True

    async def run_until_quiet(self) -> PassSummary:
        """Send what is due now; returns when nothing due is left or may leave."""
        summary = PassSummary()
        sending: set[asyncio.Task[None]] = set()
        recorder = asyncio.create_task(self._record_for_ever(summary))
        try:
            while True:
                if not sending:
                    await self._flush_patiently(summary)  # what did not leave may be due again
                free = self._most - len(sending)
                window = Window()
                if not self.stopping and (free >= self._most / 2 or not sending):
                    window = await self._open(free)
                    summary.rehearsed += window.rehearsed
                    sending |= {
                        asyncio.create_task(self._send(envelope)) for envelope in window.envelopes
                    }
                if sending:
                    _, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                    continue
                pause = window.wait_until
                if pause is not None and pause - self._clock.now() <= PATIENCE:
                    await self._clock.sleep_until(pause)
                elif not window.leased:
                    return summary
        finally:
            recorder.cancel()
            if sending:
                await asyncio.wait(sending)
            await self._flush_patiently(summary)

    async def _open(self, free: int) -> Window:
        """A window of the healthy providers; one that has rested gets a single message first."""
        now = self._clock.now()
        limit = min(free, GROUP)
        healthy = [route for route in self._routes if self._health[route.id].until is None]
        window = Window()
        for probe in self._to_probe(now):
            others = [route for route in healthy if route.channel == probe.channel]
            tried = await self._window([probe, *others], 1, now)
            self._health[probe.id].probing = any(
                envelope.route.id == probe.id for envelope in tried.envelopes
            )
            window.add(tried)
        if healthy and limit > len(window.envelopes):
            window.add(await self._window(healthy, limit - len(window.envelopes), now))
        return window

    def _to_probe(self, now: datetime) -> list[Route]:
        return [
            route
            for route in self._routes
            if self._health[route.id].rested(now) and not self._health[route.id].probing
        ]

    async def _window(self, routes: Sequence[Route], limit: int, now: datetime) -> Window:
        channels = {route.channel for route in routes}
        away = [r for r in self._routes if r.channel in channels and r not in routes]
        return await self._writer.call(
            lambda: self._delivery.open_window(
                routes, limit, now=now, still=self._clock.now, away=away
            )
        )

    async def _send(self, envelope: Envelope) -> None:
        failpoint("send.before_slot")
        leaves = await self._pace[envelope.route.id].turn(envelope.slot, self._clock)
        result = await self._submit_once(envelope, late=leaves - envelope.slot > LATE)
        failpoint("result.queued")
        self._watch(result)
        self._results.append(result)
        self._arrived.set()

    async def _submit_once(self, envelope: Envelope, *, late: bool) -> Result:
        """One submission, its outcome sorted into the three answers."""
        if late:  # nobody asked the provider: certainly not sent, and due again at once
            return Result(envelope, Answer.NOT_SENT, "late", elsewhere=True)
        failpoint("send.before_submit")
        try:
            accepted = await self._submit[envelope.route.id](envelope, self._clock.now())
        except Throttled as error:
            other = self._has_other(envelope.route)
            return Result(
                envelope, Answer.NOT_SENT, error.code,
                retry_after=error.retry_after, throttled=True, elsewhere=other,
            )  # fmt: skip
        except NotSent as error:
            return Result(
                envelope, Answer.NOT_SENT, error.code, elsewhere=self._has_other(envelope.route)
            )
        except Misconfigured as error:
            other = self._has_other(envelope.route)
            return Result(
                envelope, Answer.NOT_SENT, error.code, misconfigured=True, elsewhere=other
            )
        except OptedOut as error:
            return Result(envelope, Answer.REFUSED, error.code, opted_out=True)
        except BadRecipient as error:
            return Result(envelope, Answer.REFUSED, error.code, bad_recipient=True)
        except Refused as error:
            return Result(envelope, Answer.REFUSED, error.code)
        except Unknown as error:
            return Result(envelope, Answer.UNKNOWN, error.code)
        except Exception as error:  # an adapter's bug must not lose the message: perhaps sent
            return Result(envelope, Answer.UNKNOWN, type(error).__name__)
        failpoint("send.after_submit")
        return Result(envelope, Answer.ACCEPTED, provider_id=accepted.provider_id)

    def _has_other(self, route: Route) -> bool:
        return any(
            other.id != route.id and other.channel == route.channel and self._awake(other)
            for other in self._routes
        )

    def _awake(self, route: Route) -> bool:
        until = self._health[route.id].until
        return until is None or until <= self._clock.now()

    def _watch(self, result: Result) -> None:
        """Leave a provider that cannot be reached, hangs or refuses us; come back to it later."""
        health = self._health[result.envelope.route.id]
        health.probing = False
        if result.code == "late":
            return  # nobody asked the provider
        if result.answer in (Answer.ACCEPTED, Answer.REFUSED):
            health.recovered()
            return
        health.failures += 1
        certain = result.throttled or result.misconfigured or health.rests > 0
        if not certain and health.failures < FAILURES_BEFORE_REST:
            return
        now = self._clock.now()
        if health.until is None or health.until <= now:
            pause = result.retry_after or self._pause * 2 ** min(health.rests, 5)
            log.warning(
                "provider resting",
                provider=result.envelope.route.id,
                code=result.code,
                seconds=round(pause, 1),
            )
            health.until = now + timedelta(seconds=pause)
            health.rests += 1

    async def _record_for_ever(self, summary: PassSummary) -> None:
        while True:
            await self._arrived.wait()
            if len(self._results) < GROUP:
                await asyncio.sleep(GROUP_SECONDS)
            await self._flush_patiently(summary)

    async def _flush_patiently(self, summary: PassSummary) -> None:
        """An answer that cannot be written now is kept and written when the database is back."""
        for _ in range(RECORD_TRIES - 1):
            try:
                await self._flush(summary)
                return
            except RepairNeeded:
                log.warning("answers wait for the database", number=len(self._results))
                await asyncio.sleep(RECORD_AGAIN_SECONDS)
        await self._flush(summary)

    async def _flush(self, summary: PassSummary) -> None:
        """Record what came in; returns once that, and what another flush had taken, is durable."""
        async with self._recording:
            self._arrived.clear()
            batch, self._results = self._results, []
            if not batch:
                return
            now = self._clock.now()
            try:
                await self._writer.call(lambda: self._delivery.record(batch, now=now))
            except BaseException:
                self._results = batch + self._results  # written twice is written once
                raise
            for result in batch:
                summary.answers[result.answer.value] += 1
                summary.misconfigured += result.misconfigured
                if result.code:
                    summary.codes[result.code] += 1

    @property
    def resting(self) -> dict[str, datetime]:
        """Providers left alone at the moment, and until when."""
        now = self._clock.now()
        return {
            name: health.until
            for name, health in self._health.items()
            if health.until is not None and health.until > now
        }
