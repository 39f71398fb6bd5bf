"""Delivery: lease, render, intent, then (elsewhere) the send, and the record of its answer.

Synchronous and short: the asyncio pump (engine/pump.py) calls it off the event loop. No
transaction is open while a byte travels.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from reminders.config import DeliveryTable
from reminders.errors import TemplateError
from reminders.failpoint import failpoint
from reminders.services.compose import Composed, Composer, Route, Templates
from reminders.services.receive import join_early_receipts, object_to
from reminders.services.rules import Rules
from reminders.services.tasks import SENTENCES
from reminders.store import holds, outbox, planning, templates
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.types import SECOND, instant, micros

RECHECK = timedelta(seconds=30)  # a row the intent refused is looked at again after this


class Answer(StrEnum):
    ACCEPTED = "ACCEPTED"
    NOT_SENT = "NOT_SENT"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message whose intent is committed: it may leave at its slot, once."""

    composed: Composed
    route: Route
    reference: str
    attempt_id: int
    token: int
    slot: datetime


@dataclass(frozen=True, slots=True)
class Result:
    envelope: Envelope
    answer: Answer
    code: str = ""
    provider_id: str = ""
    retry_after: float | None = None  # seconds
    bad_recipient: bool = False
    opted_out: bool = False
    misconfigured: bool = False
    elsewhere: bool = False  # another provider can take it at once


@dataclass(slots=True)
class Window:
    envelopes: list[Envelope] = field(default_factory=list)
    leased: int = 0
    rehearsed: int = 0
    wait_until: datetime | None = None  # the pace permits nothing before


class Delivery:
    def __init__(
        self,
        store: Store,
        rules: Rules,
        composer: Composer,
        settings: DeliveryTable,
        secret: bytes,
        reference: Callable[[], str],
    ) -> None:
        self._store = store
        self._rules = rules
        self._composer = composer
        self._settings = settings
        self._secret = secret
        self._reference = reference
        self._jitter = Random()

    def open_window(
        self,
        routes: Sequence[Route],
        limit: int,
        *,
        now: datetime,
        still: Callable[[], datetime] | None = None,
    ) -> Window:
        """Lease, render and commit the intent of up to `limit` messages that may start within a
        second. `routes` are the healthy ones, in order of preference. `still` tells the present
        again once the texts are rendered: a process that slept meanwhile (a suspended machine)
        must not judge its intents by the hour it fell asleep."""
        window = Window()
        for channel in ("sms", "email"):
            usable = [route for route in routes if route.channel == channel]
            if usable and limit > len(window.envelopes):
                free = limit - len(window.envelopes)
                self._open_channel(window, usable, channel, free, now, still or (lambda: now))
        return window

    def _open_channel(
        self,
        window: Window,
        routes: Sequence[Route],
        channel: str,
        limit: int,
        now: datetime,
        still: Callable[[], datetime],
    ) -> None:
        at = micros(now)
        with self._store.write() as connection:
            holds.hold_due(connection, at)
            allowed, slot = outbox.allowance(connection, routes[0].id, routes[0].rate, now=at)
            if allowed == 0:
                window.wait_until = instant(slot)
                return
            token, leased = outbox.lease(
                connection,
                channel,
                now=at,
                until=at + int(self._settings.lease_seconds * SECOND),
                limit=min(limit, allowed),
            )
            failpoint("lease.before_commit")
        failpoint("lease.after_commit")
        if not leased:
            return
        window.leased += len(leased)
        composed, failed = self._compose(leased, routes, now)
        failpoint("render.done")
        now = still()
        at = micros(now)
        with self._store.write() as connection:
            self._set_aside(connection, token, failed, at)
            leaving = self._rehearse(connection, token, composed, window, at)
            self._intend(connection, token, leaving, window, now)
            failpoint("intent.before_commit")
        failpoint("intent.after_commit")

    def _compose(
        self, leased: Sequence[Record], routes: Sequence[Route], now: datetime
    ) -> tuple[list[tuple[Composed, Route]], list[tuple[Record, TemplateError]]]:
        with self._store.read() as connection:
            items: dict[int, list[Record]] = defaultdict(list)
            for item in outbox.items_of(connection, [row.id for row in leased]):
                items[item.message_id].append(item)
            numbers = {row.recipient for row in leased if row.channel == "sms"}
            shared = frozenset(outbox.shared_numbers(connection, list(numbers)))
            approved = Templates.of(templates.versions(connection))
        failpoint("render.before")
        composed: list[tuple[Composed, Route]] = []
        failed: list[tuple[Record, TemplateError]] = []
        for row in leased:
            problem: TemplateError | None = None
            for route in routes:
                try:
                    text = self._composer.compose(
                        row, items[row.id], route, approved, shared, now=now
                    )
                except TemplateError as error:
                    problem = problem or error
                    continue
                composed.append((text, route))
                break
            else:
                assert problem is not None
                failed.append((row, problem))
        return composed, failed

    def _set_aside(
        self,
        connection: Connection,
        token: int,
        failed: Sequence[tuple[Record, TemplateError]],
        at: int,
    ) -> None:
        """A text with a gap never leaves: the message waits for the person who can fill it."""
        for row, error in failed:
            kind = "no_template" if error.code == "no_template" else "empty_variable"
            outbox.suppress(connection, token, [row.id], kind, now=at)
            self._task(connection, kind, f"message:{row.id}", at)

    def _rehearse(
        self,
        connection: Connection,
        token: int,
        composed: Sequence[tuple[Composed, Route]],
        window: Window,
        at: int,
    ) -> list[tuple[Composed, Route]]:
        """Outside live mode the text is recorded and stays here; what may leave is returned."""
        if self._rules.mode == "live":
            return list(composed)
        test = self._rules.mode == "test"
        leaving = [c for c in composed if test and c[0].address in self._rules.only_to]
        staying = [c for c in composed if c not in leaving]
        reason = "test_mode" if test else "rehearsal"
        outbox.suppress(connection, token, [c.message_id for c, _ in staying], reason, now=at)
        self._write_attempts(connection, token, staying, [at] * len(staying), "REHEARSED", at)
        window.rehearsed += len(staying)
        return leaving

    def _intend(
        self,
        connection: Connection,
        token: int,
        composed: Sequence[tuple[Composed, Route]],
        window: Window,
        now: datetime,
    ) -> None:
        if not composed:
            return
        at = micros(now)
        paced: list[tuple[Composed, Route]] = []
        slots: list[int] = []
        late: list[int] = []
        by_route: dict[Route, list[Composed]] = defaultdict(list)
        for text, route in composed:
            by_route[route].append(text)
        for route, texts in by_route.items():
            allowed, slot = outbox.allowance(connection, route.id, route.rate, now=at)
            permitted = outbox.permit(
                connection, token, [t.message_id for t in texts[:allowed]], now=at
            )
            chosen = [t for t in texts[:allowed] if t.message_id in permitted]
            self._refused(
                connection,
                token,
                [t for t in texts[:allowed] if t.message_id not in permitted],
                now,
            )
            late += [t.message_id for t in texts[allowed:]]
            gap = int(SECOND / route.rate) if route.rate > 0 else 0
            if gap:
                outbox.take_slots(connection, route.id, slot + gap * len(chosen))
            paced += [(text, route) for text in chosen]
            slots += [slot + gap * n for n in range(len(chosen))]
        outbox.give_back(connection, token, late, opens_at=at, now=at)
        failpoint("intent.permitted")
        window.envelopes += self._write_attempts(connection, token, paced, slots, "SENDING", at)

    def _refused(
        self, connection: Connection, token: int, texts: Sequence[Composed], now: datetime
    ) -> None:
        """Something forbids these now: the planner decides them afresh."""
        if texts:
            again = micros(now + RECHECK)
            messages = [text.message_id for text in texts]
            outbox.give_back(connection, token, messages, opens_at=again, now=micros(now))
            planning.mark_dirty(connection, [text.patient_id for text in texts])

    def _write_attempts(
        self,
        connection: Connection,
        token: int,
        paced: Sequence[tuple[Composed, Route]],
        slots: Sequence[int],
        state: str,
        at: int,
    ) -> list[Envelope]:
        if not paced:
            return []
        first = reserve(connection, "attempt", len(paced))
        envelopes = [
            Envelope(text, route, self._reference(), first + n, token, instant(slots[n]))
            for n, (text, route) in enumerate(paced)
        ]
        outbox.insert_attempts(
            connection,
            [
                (e.attempt_id, e.composed.message_id, e.reference, e.route.id, e.composed.channel,
                 e.composed.address, e.composed.subject, e.composed.text, e.composed.version_id,
                 e.composed.segments, e.composed.segments * e.route.price_eur, state, at)
                for e in envelopes
            ],
            [(e.attempt_id, *told) for e in envelopes for told in e.composed.told],
        )  # fmt: skip
        return envelopes

    def record(self, results: Sequence[Result], *, now: datetime) -> None:
        """Write a batch of answers in one transaction (group commit)."""
        at = micros(now)
        by_answer: dict[Answer, list[Result]] = defaultdict(list)
        for result in results:
            by_answer[result.answer].append(result)
        with self._store.write() as connection:
            accepted = by_answer[Answer.ACCEPTED]
            outbox.record_accepted(connection, [_row(r, at) for r in accepted])
            outbox.record_not_sent(
                connection,
                [
                    _row(r, at) | {"opens_at": self._again(r, now)}
                    for r in by_answer[Answer.NOT_SENT]
                ],
            )
            for answer in (Answer.REFUSED, Answer.UNKNOWN):
                outbox.record_unsent(connection, [_row(r, at) for r in by_answer[answer]], answer)
            failpoint("result.written")
            self._after_refusal(connection, by_answer[Answer.REFUSED], at)
            for result in results:
                if result.misconfigured:
                    subject = f"provider:{result.envelope.route.id}"
                    self._task(connection, "provider_misconfigured", subject, at)
            join_early_receipts(
                connection,
                [(r.envelope.route.id, r.provider_id) for r in accepted if r.provider_id],
                at,
            )
            failpoint("result.before_commit")
        failpoint("result.after_commit")

    def _after_refusal(self, connection: Connection, refused: Sequence[Result], at: int) -> None:
        planning.mark_dirty(connection, [r.envelope.composed.patient_id for r in refused])
        for result in refused:
            composed = result.envelope.composed
            if result.opted_out:
                object_to(
                    connection, self._secret, composed.address,
                    patients=[composed.patient_id], channel=composed.channel,
                    origin="provider", by=result.envelope.route.id, at=at,
                )  # fmt: skip
            elif result.bad_recipient:
                self._task(connection, "bad_recipient", f"message:{composed.message_id}", at)

    def _again(self, result: Result, now: datetime) -> int:
        """When to try again: at once elsewhere, else later and later, with jitter."""
        if result.elsewhere:
            return micros(now)
        settings = self._settings
        wait = min(
            settings.retry_first_seconds * 2 ** min(result.envelope.composed.retries, 20),
            settings.retry_most_seconds,
        )
        wait *= self._jitter.uniform(0.8, 1.2)
        return micros(now + timedelta(seconds=max(wait, result.retry_after or 0)))

    def tidy(self, *, now: datetime) -> Mapping[str, int]:
        """Repair what a dead process left, and give up on what stayed unknown too long."""
        at = micros(now)
        with self._store.write() as connection:
            expired = planning.expire(connection, at)
            again, perhaps, quarantined = outbox.reap(connection, now=at)
            for row in quarantined:
                self._task(connection, "quarantined", f"message:{row.id}", at)
            settled = outbox.settle_unknown(
                connection, now=at, before=at - int(self._settings.unknown_minutes * 60 * SECOND)
            )
            planning.mark_dirty(connection, [row.patient_id for row in [*settled, *quarantined]])
        return {
            "expired": expired,
            "recovered": again,
            "unknown": perhaps,
            "quarantined": len(quarantined),
            "settled": len(settled),
        }

    def _task(self, connection: Connection, kind: str, subject: str, at: int) -> None:
        planning.open_tasks(
            connection,
            [(reserve(connection, "task", 1), kind, subject, 1, SENTENCES[kind], "", at, at)],
        )


def _row(result: Result, at: int) -> dict[str, object]:
    return {
        "attempt": result.envelope.attempt_id,
        "message": result.envelope.composed.message_id,
        "token": result.envelope.token,
        "code": result.code,
        "provider_id": result.provider_id,
        "now": at,
    }


def routes_in_order(
    routes: Iterable[Route], resting: Mapping[str, datetime], now: datetime
) -> list[Route]:
    """Healthy routes in the order of the configuration; a resting one comes back when its pause
    ends."""
    return [route for route in routes if resting.get(route.id, now) <= now]
