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
from reminders.engine.writer import Writer
from reminders.errors import (
    BadRecipient,
    Misconfigured,
    NotSent,
    OptedOut,
    Refused,
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
    routes_in_order,
)

GROUP = 100  # answers written together ...
GROUP_SECONDS = 0.005  # ... or as many as came in this time
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
    """A provider that fails is left alone for a while, then tried with what comes next."""

    failures: int = 0
    rests: int = 0
    until: datetime | None = None


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
                await self._flush(summary)
                if window.wait_until is not None:
                    await self._clock.sleep_until(window.wait_until)
                elif not window.leased:
                    return summary
        finally:
            recorder.cancel()
            if sending:
                await asyncio.wait(sending)
            await self._flush(summary)

    async def _open(self, free: int) -> Window:
        now = self._clock.now()
        resting = {
            name: health.until for name, health in self._health.items() if health.until is not None
        }
        routes = routes_in_order(self._routes, resting, now)
        if not routes:
            return Window()
        limit = min(free, GROUP)
        return await self._writer.call(
            lambda: self._delivery.open_window(routes, limit, now=now, still=self._clock.now)
        )

    async def _send(self, envelope: Envelope) -> None:
        failpoint("send.before_slot")
        await self._clock.sleep_until(envelope.slot)
        late = self._clock.now() - envelope.slot > LATE
        result = await self._submit_once(envelope, late=late)
        failpoint("result.queued")
        self._watch(result)
        self._results.append(result)
        self._arrived.set()

    async def _submit_once(self, envelope: Envelope, *, late: bool) -> Result:
        """One submission, its outcome sorted into the three answers."""
        if late:
            return Result(envelope, Answer.UNKNOWN, "late")
        failpoint("send.before_submit")
        try:
            accepted = await self._submit[envelope.route.id](envelope, self._clock.now())
        except Throttled as error:
            return Result(envelope, Answer.NOT_SENT, error.code, retry_after=error.retry_after)
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
        """Leave a provider that cannot be reached or refuses us; come back to it later."""
        health = self._health[result.envelope.route.id]
        if result.answer is not Answer.NOT_SENT:
            if result.answer is not Answer.UNKNOWN:
                health.failures, health.rests, health.until = 0, 0, None
            return
        health.failures += 1
        throttled = result.retry_after
        if (
            throttled is None
            and not result.misconfigured
            and health.failures < FAILURES_BEFORE_REST
        ):
            return
        if health.until is None or health.until <= self._clock.now():
            pause = throttled or self._pause * 2 ** min(health.rests, 5)
            log.warning(
                "provider resting",
                provider=result.envelope.route.id,
                code=result.code,
                seconds=round(pause, 1),
            )
            health.until = self._clock.now() + timedelta(seconds=pause)
            health.rests += 1

    async def _record_for_ever(self, summary: PassSummary) -> None:
        while True:
            await self._arrived.wait()
            if len(self._results) < GROUP:
                await asyncio.sleep(GROUP_SECONDS)
            await self._flush(summary)

    async def _flush(self, summary: PassSummary) -> None:
        """Record what came in; returns once that, and what another flush had taken, is durable."""
        async with self._recording:
            self._arrived.clear()
            batch, self._results = self._results, []
            if not batch:
                return
            for result in batch:
                summary.answers[result.answer.value] += 1
                summary.misconfigured += result.misconfigured
                if result.code:
                    summary.codes[result.code] += 1
            now = self._clock.now()
            await self._writer.call(lambda: self._delivery.record(batch, now=now))

    @property
    def resting(self) -> dict[str, datetime]:
        """Providers left alone at the moment, and until when."""
        now = self._clock.now()
        return {
            name: health.until
            for name, health in self._health.items()
            if health.until is not None and health.until > now
        }
