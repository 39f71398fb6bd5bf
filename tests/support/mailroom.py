"""A small hospital that sends: providers follow a script, message by message.

`Mailroom` is a `Clinic` with delivery, a pump and scripted providers on a clock that jumps. What
reached a provider is in `sent`, in order: nothing else counts as sent.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reminders.clock import Clock, SimulatedClock
from reminders.domain.outbox import REFERENCES, reference
from reminders.engine.pump import PassSummary, Pump, Submit
from reminders.engine.tasks import Parts, Pass, Tasks
from reminders.engine.writer import Writer
from reminders.ports import (
    Accepted,
    Callback,
    Capabilities,
    Email,
    Receipt,
    ReceiptState,
    Received,
    Sms,
)
from reminders.rendering import Renderer
from reminders.services.compose import Composer, Route
from reminders.services.deliver import Answer, Delivery, Envelope, Result, Window
from reminders.services.hold import hold_everything
from reminders.services.object import Objected, object_address
from reminders.services.receive import Taken, receive
from reminders.services.rules import Rules
from reminders.services.startup import prepare
from reminders.store import planning
from reminders.store.engine import Record
from reminders.store.types import micros
from tests.support.clinic import MONDAY, Clinic, settings_with

LIVE: Mapping[str, Any] = {
    "mode": "live",
    "email": {"kind": "smtp"},
    "dpi": [{"id": "agenda", "kind": "csv", "max_age_minutes": 10_000_000}],
}
Outcome = Accepted | Exception | Callable[[], Accepted]


@dataclass(frozen=True)
class Sent:
    """One submission as its provider saw it."""

    provider: str
    to: str
    text: str
    reference: str
    at: datetime
    valid_for: timedelta | None = None


@dataclass
class Provider:
    """An SMS or e-mail sender that does what its script says; without a word, it accepts.

    `script[address]` holds the outcomes of that address's next submissions; `always` answers
    for every submission the script does not name.
    """

    id: str
    clock: Clock
    ledger: list[Sent]
    capabilities: Capabilities = field(default_factory=Capabilities)
    script: dict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    always: Callable[[], Accepted] | None = None
    known: dict[str, Receipt] = field(default_factory=dict)  # what a lookup finds
    waiting: list[Received] = field(default_factory=list)  # what polls bring
    asked: list[Sequence[str]] = field(default_factory=list)  # what polls were asked about
    seconds: float = 0.0  # how long a submission takes, in real time

    async def send(self, message: Sms | Email) -> Accepted:
        valid = message.valid_for if isinstance(message, Sms) else None
        self.ledger.append(
            Sent(self.id, message.to, message.text, message.reference, self.clock.now(), valid)
        )
        if self.seconds:
            await asyncio.sleep(self.seconds)
        outcomes = self.script.get(message.to)
        outcome: Outcome | None = outcomes.pop(0) if outcomes else self.always
        if isinstance(outcome, Exception):
            raise outcome
        if callable(outcome):
            return outcome()
        return outcome or Accepted(f"{self.id}-{message.reference}")

    async def lookup(self, reference: str) -> Receipt | None:
        return self.known.get(reference)

    async def poll(self, provider_ids: Sequence[str]) -> Received:
        self.asked.append(provider_ids)
        return self.waiting.pop(0) if self.waiting else Received()

    def receive(self, callback: Callback) -> Received:
        raise NotImplementedError

    async def aclose(self) -> None:
        return None


def new_reference() -> str:
    return reference(random.randrange(REFERENCES))


@dataclass
class Mailroom(Clinic):
    routes: Sequence[Route] = (Route("main", "sms"), Route("email", "email"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.settings.mode == "rehearsal":
            self.settings = settings_with(**LIVE)
        self.clock = SimulatedClock(self.now)
        self.sent: list[Sent] = []
        self.providers = {
            route.id: Provider(route.id, self.clock, self.sent) for route in self.routes
        }
        self.open()

    def open(self) -> None:
        prepare(self.store, self.rules, [route.id for route in self.routes], "1.0", now=self.now)

    def at(self, moment: datetime) -> "Mailroom":
        self.now = max(self.now, moment)
        self.clock.jump_to(moment)
        return self

    def pass_days(self, days: float) -> None:
        self.at(self.now + timedelta(days=days))

    def delivery(self, rules: Rules | None = None) -> Delivery:
        rules = rules or self.rules
        return Delivery(
            self.store, rules, Composer(rules, Renderer()), self.settings.delivery,
            self.secret, new_reference,
        )  # fmt: skip

    def window(self, limit: int = 100, now: datetime | None = None) -> Window:
        """Lease, render and commit intents; nothing is submitted."""
        return self.delivery().open_window(self.routes, limit, now=now or self.now)

    def record(self, envelopes: Sequence[Envelope], answer: Answer, **details: Any) -> None:
        results = [
            Result(
                envelope, answer,
                **({"provider_id": f"id-{envelope.reference}"} | details)
            )
            for envelope in envelopes
        ]  # fmt: skip
        self.delivery().record(results, now=self.now)

    def deliver(self, *, in_flight: int = 100) -> PassSummary:
        """The pump, until quiet."""
        return asyncio.run(self._deliver(in_flight))

    async def _deliver(self, in_flight: int) -> PassSummary:
        writer = Writer()
        try:
            return await self.pump(writer, in_flight=in_flight).run_until_quiet()
        finally:
            writer.close()
            self.now = max(self.now, self.clock.now())

    def pump(self, writer: Writer, *, in_flight: int = 100, clock: Clock | None = None) -> Pump:
        return Pump(
            self.delivery(), self.routes, self.submitters(), clock or self.clock, writer,
            in_flight=in_flight, pause_seconds=self.settings.delivery.provider_pause_seconds,
        )  # fmt: skip

    def submitters(self) -> dict[str, Submit]:
        return {
            route.id: _submitter(self.providers[route.id], route.channel) for route in self.routes
        }

    def one_pass(self) -> Pass:
        """The whole daily run: repair, poll, sync, plan, deliver."""

        async def run() -> Pass:
            writer = Writer()
            try:
                parts = Parts(
                    self.settings, self.rules, self.store, self.clock, self.secret,
                    [(self.settings.dpi[0], self.source)],
                    {r.id: self.providers[r.id] for r in self.routes if r.channel == "sms"},
                    self.delivery(),
                )  # fmt: skip
                tasks = Tasks(parts, self.pump(writer), writer)
                return await tasks.one_pass(purging=False)
            finally:
                writer.close()
                self.now = max(self.now, self.clock.now())

        return asyncio.run(run())

    def tidy(self) -> Mapping[str, int]:
        return self.delivery().tidy(now=self.now)

    def receive(self, *receipts: Receipt, provider: str = "main") -> Taken:
        return receive(self.store, self.secret, provider, Received(receipts=receipts), now=self.now)

    def hold(self) -> None:
        hold_everything(self.store, "à regarder", now=self.now, by="test")

    def object(self, address: str) -> Objected:
        return object_address(self.store, self.secret, address, now=self.now, by="test")

    def plan_everybody(self) -> None:
        with self.store.write() as connection:
            planning.mark_all_dirty(connection, micros(self.now))
        self.plan()

    def outbox(self) -> list[Record]:
        """Everything planning writes, to compare two moments with."""
        return [
            *self.rows("SELECT * FROM decision ORDER BY id"),
            *self.rows("SELECT * FROM message ORDER BY id"),
            *self.rows("SELECT * FROM message_item ORDER BY decision_id, channel"),
            *self.rows("SELECT * FROM task ORDER BY id"),
        ]

    def messages(self) -> list[tuple[str, str, str]]:
        """(kind or step, channel, state) of every message, by moment."""
        found = self.rows(
            "SELECT m.kind, m.purpose, m.channel, m.state FROM message m ORDER BY m.opens_at, m.id"
        )
        return [
            (row.purpose if row.kind == "reminder" else row.kind, row.channel, row.state)
            for row in found
        ]

    def reasons(self, number: int = 1) -> dict[str, str]:
        """step -> PLANNED or the reason, for the present version of an appointment."""
        found = self.rows(
            "SELECT d.step, d.state, d.reason FROM decision d JOIN appointment a "
            "ON a.id = d.appointment_id AND a.version = d.cycle WHERE a.external_id = :number",
            number=f"R{number}",
        )
        return {row.step: row.reason or row.state for row in found}

    def tasks(self) -> list[str]:
        """Kinds of the open tasks."""
        found = self.rows("SELECT kind FROM task WHERE state = 'open' ORDER BY kind, subject")
        return [row.kind for row in found]


def _submitter(provider: Provider, channel: str) -> Submit:
    async def submit(envelope: Envelope, now: datetime) -> Accepted:
        composed = envelope.composed
        if channel == "sms":
            valid = composed.closes_at - now
            message: Sms | Email = Sms(envelope.reference, composed.address, composed.text, valid)
        else:
            message = Email(
                envelope.reference, composed.address, composed.subject, composed.text,
                composed.html, composed.calendar, composed.unsubscribe,
            )  # fmt: skip
        return await provider.send(message)

    return submit


def receipt(
    reference: str, state: str, *, event: str = "", provider_id: str = "", **details: Any
) -> Receipt:
    return Receipt(
        event or f"{reference or provider_id}:{state}", ReceiptState(state), reference,
        provider_id, **details,
    )  # fmt: skip


__all__ = ["LIVE", "MONDAY", "Mailroom", "Provider", "Sent", "new_reference", "receipt"]
