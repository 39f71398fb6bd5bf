"""Living through days in seconds: time jumps from one due moment to the next.

The service under test is the real one; its clock is the simulated one that `live` moves. No
waiting is shortened and no input or output sped up: moments without anything due are skipped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from reminders.domain.outcome import Outcome
from reminders.simulation.client import LedgerSummary, World

BATCH = timedelta(minutes=90)  # events of a hospital's day are told together this often
STEP = timedelta(minutes=5)  # second tries and look-ups are this far apart, then twice, ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What the service's own database says.

    `messages`: (channel, state in the words of the outbox: "DELIVERED", "UNKNOWN", …) -> how
    many; `left` below names the states of those a provider took. `not_sent`: reason -> how many
    decisions not to send. `outcomes`: words of `domain.outcome` for appointments that start in
    the period asked for. `tasks`: open lines for staff.
    """

    appointments: int
    messages: Mapping[tuple[str, str], int]
    replies: int
    outcomes: Mapping[str, int]
    receipts: int = 0
    tasks: int = 0
    held: int = 0
    not_sent: Mapping[str, int] = field(default_factory=dict)


EARLY, LATE = Outcome.CANCELLED_EARLY.value, Outcome.CANCELLED_LATE.value


def _cancelled(outcomes: Mapping[str, int]) -> int:
    return outcomes.get(EARLY, 0) + outcomes.get(LATE, 0)


TAKEN = ("ACCEPTED", "DELIVERED", "UNDELIVERED")  # a provider took these; UNKNOWN: perhaps


class StandingClock(Protocol):
    """A clock that moves only when told: a simulated one, or an offset one on pause."""

    def now(self) -> datetime: ...

    def jump_to(self, moment: datetime) -> None: ...


class Service(Protocol):
    """A working service whose clock is the one given to `live`.

    `sync`: read the DPI and plan again. `deliver`: repair, send what is due and wait for the
    answers. `poll`: ask providers for receipts and replies; nothing to do where
    they call back. `next_due`: when sending or repairing could next do something.
    """

    async def sync(self) -> None: ...

    async def deliver(self) -> None: ...

    async def poll(self) -> None: ...

    def next_due(self) -> datetime | None: ...

    def counts(self, since: datetime, until: datetime) -> Counts: ...


@dataclass(frozen=True, slots=True)
class Life:
    """What a life came to: the service's account, and the world's."""

    since: datetime
    until: datetime
    service: Counts
    ledger: LedgerSummary
    outcomes: Mapping[str, int]
    passes: int

    def differences(self) -> list[str]:
        """Where the two accounts disagree, in French; empty: they agree.

        A message the service calls UNKNOWN may be in the ledger or not; every other one that
        left is in it exactly once. A cancellation may count earlier at the service: from the
        moment its patient told us, while the hospital's begins when the desk wrote it down.
        """
        found: list[str] = []
        for channel in ("sms", "email"):
            found += self._of_channel(channel)
        if self.service.replies != self.ledger.replies:
            found.append(f"réponses : {self.ledger.replies} écrites, {self.service.replies} reçues")
        if self.service.receipts != self.ledger.receipts:
            found.append(f"accusés : {self.ledger.receipts} envoyés, {self.service.receipts} reçus")
        for outcome in sorted({*self.outcomes, *self.service.outcomes} - {EARLY, LATE}):
            theirs, ours = self.outcomes.get(outcome, 0), self.service.outcomes.get(outcome, 0)
            if theirs != ours:
                found.append(f"issue « {outcome} » : {theirs} à l’hôpital, {ours} au service")
        theirs, ours = _cancelled(self.outcomes), _cancelled(self.service.outcomes)
        if theirs != ours or self.told_sooner < 0:
            found.append(f"annulations de patients : {theirs} à l’hôpital, {ours} au service")
        return found

    @property
    def told_sooner(self) -> int:
        """Cancellations that only the service knew 48 hours ahead, from the patient's answer."""
        return self.service.outcomes.get(EARLY, 0) - self.outcomes.get(EARLY, 0)

    def _of_channel(self, channel: str) -> list[str]:
        ours = {state: count for (kind, state), count in self.service.messages.items()
                if kind == channel}  # fmt: skip
        certain = sum(ours.get(state, 0) for state in TAKEN)
        perhaps, ledger = ours.get("UNKNOWN", 0), self.ledger.accepted(channel)
        found: list[str] = []
        if not certain <= ledger <= certain + perhaps:
            found.append(
                f"{channel} : {ledger} au registre des opérateurs, {certain} partis"
                f" et {perhaps} incertains au service"
            )
        for state in ("delivered", "undelivered"):
            told = self.ledger.messages.get((channel, state), 0)
            if channel == "sms" and told != ours.get(state.upper(), 0):
                found.append(
                    f"{channel} {state} : {told} annoncés, {ours.get(state.upper(), 0)} notés"
                )
        return found


Progress = Callable[[datetime], None]


async def live(
    service: Service,
    world: World,
    clock: StandingClock,
    until: datetime,
    *,
    progress: Progress = lambda _now: None,
    batch: timedelta = BATCH,
) -> Life:
    """Live from the clock's present to `until`, then add up.

    At each step the world plays what was due, the service reads the DPI, plans, asks for
    receipts and sends. Messages leave at their own moments; small events of the hospital wait
    for the next batch.
    """
    since, passes, hurried = clock.now(), 0, 0
    while True:
        now = clock.now()
        state = await world.advance(now)
        await service.sync()
        await service.poll()
        await service.deliver()
        passes += 1
        progress(now)
        if now >= until:
            break
        now, due = clock.now(), service.next_due()
        hurried = hurried + 1 if due is not None and due < now + STEP else 0
        pause = min(batch, STEP * 2 ** min(hurried, 10) / 2)
        clock.jump_to(min(until, _next(now, due, state.next_event, pause, batch)))
    return Life(
        since=since,
        until=until,
        service=service.counts(since, until),
        ledger=await world.ledger_summary(),
        outcomes=await world.outcomes(since, until),
        passes=passes,
    )


def _next(
    now: datetime,
    due: datetime | None,
    event: datetime | None,
    pause: timedelta,
    batch: timedelta,
) -> datetime:
    """The next moment worth living: what is due, or the hospital's events in one batch."""
    moments: list[datetime] = []
    if due is not None:
        moments.append(max(due, now + pause))
    if event is not None:
        moments.append(max(event, now + batch))
    return min(moments, default=now + timedelta(days=1))
