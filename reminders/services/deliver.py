"""Delivery: lease, render, intent, then (elsewhere) the send, and the record of its answer.

Synchronous and short: the asyncio pump (engine/pump.py) calls it off the event loop. No
transaction is open while a byte travels.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import NamedTuple

from reminders.config import DeliveryTable
from reminders.domain.booking import CORRECTION
from reminders.domain.guard import Brake
from reminders.domain.phone import classify
from reminders.errors import TemplateError
from reminders.failpoint import failpoint
from reminders.services.brake import SendBrake
from reminders.services.compose import Composed, Composer, Overruled, Route, Templates
from reminders.services.objections import blocked_by_provider, concerned
from reminders.services.receive import join_early_receipts, join_left_receipts
from reminders.services.rules import Rules
from reminders.services.tasks import SENTENCES
from reminders.services.template_test import compose_test
from reminders.store import holds, links, outbox, planning, template_samples, templates
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.links import token_hash
from reminders.store.types import DAY, HOUR, SECOND, instant, micros

LINK_OUTLIVES_START = 4 * HOUR  # who is late still finds the desk's telephone
STOP_LINK_LASTS = 180 * DAY  # an old e-mail must still be able to stop the next ones
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
    throttled: bool = False
    bad_recipient: bool = False
    opted_out: bool = False
    misconfigured: bool = False
    elsewhere: bool = False  # another provider can take it at once


@dataclass(slots=True)
class Window:
    envelopes: list[Envelope] = field(default_factory=list)
    leased: int = 0
    rehearsed: int = 0
    refused: int = 0  # something forbade them at the last moment
    wait_until: datetime | None = None  # the pace permits nothing before

    def add(self, other: "Window") -> None:
        self.envelopes += other.envelopes
        self.leased += other.leased
        self.rehearsed += other.rehearsed
        self.refused += other.refused
        if other.wait_until is not None:
            self.wait_for(other.wait_until)

    def wait_for(self, slot: datetime) -> None:
        """The earliest moment any provider has room again."""
        self.wait_until = slot if self.wait_until is None else min(self.wait_until, slot)


class _Leased(NamedTuple):
    """Messages taken under a fencing token. `told_by`: the revision of the rules at that moment."""

    token: int
    rows: Sequence[Record]
    told_by: int


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
        self._brake = SendBrake(
            Brake(settings.brake_least, settings.brake_times), rules.settings.site[0].zone
        )
        self._jitter = Random()
        self._only_to = frozenset(plain_address(address) for address in rules.only_to)

    def open_window(
        self,
        routes: Sequence[Route],
        limit: int,
        *,
        now: datetime,
        still: Callable[[], datetime] | None = None,
        away: Sequence[Route] = (),
    ) -> Window:
        """Lease, render and commit the intent of up to `limit` messages that may start within a
        second. `routes` are the healthy ones, in order of preference; a text that only one of
        those `away` could send waits for it. `still` tells the present again once the texts are
        rendered: a process that slept meanwhile (a suspended machine) must not judge its intents
        by the hour it fell asleep."""
        window = Window()
        for channel in ("sms", "email"):
            usable = [route for route in routes if route.channel == channel]
            if usable and limit > len(window.envelopes):
                free = limit - len(window.envelopes)
                self._open_channel(
                    window, usable, channel, free, now, still or (lambda: now),
                    patient=any(route.channel == channel for route in away),
                )  # fmt: skip
        return window

    def _open_channel(
        self,
        window: Window,
        routes: Sequence[Route],
        channel: str,
        limit: int,
        now: datetime,
        still: Callable[[], datetime],
        *,
        patient: bool,
    ) -> None:
        """`patient`: another provider of this channel will be back, it may have the template."""
        taken = self._lease(window, routes[0], channel, limit, now)
        if taken is None:
            return
        failpoint("lease.after_commit")
        window.leased += len(taken.rows)
        composed, failed = self._compose(taken.rows, routes, now)
        failpoint("render.done")
        again = self._commit(window, taken, composed, failed, still, patient=patient)
        failpoint("intent.after_commit")
        if again:
            window.refused += len(again)
            with self._store.write() as connection:
                planning.mark_dirty(connection, again)

    def _lease(
        self, window: Window, first: Route, channel: str, limit: int, now: datetime
    ) -> _Leased | None:
        """What may leave within a second: as many as the pace and the brake leave room for."""
        at = micros(now)
        with self._store.write() as connection:
            told_by = self._rules.follow(connection, held=True)
            room = self._brake.room(connection, now=now)
            if room == 0 and outbox.waiting(connection, now=at, channel=channel):
                self._brake.hold(connection, now=now)
            holds.hold_due(connection, at)
            if room == 0:
                return None
            allowed, slot = outbox.allowance(connection, first.id, first.rate, now=at)
            if room is not None:
                limit = min(limit, room)
            if allowed == 0:
                if outbox.waiting(connection, now=at, channel=channel):
                    window.wait_for(instant(slot))
                return None
            token, leased = outbox.lease(
                connection,
                channel,
                now=at,
                until=at + int(self._settings.lease_seconds * SECOND),
                limit=min(limit, allowed),
            )
            failpoint("lease.before_commit")
        return _Leased(token, leased, told_by) if leased else None

    def _commit(
        self,
        window: Window,
        taken: _Leased,
        composed: Sequence[tuple[Composed, Route]],
        failed: Sequence[tuple[Record, Exception]],
        still: Callable[[], datetime],
        *,
        patient: bool,
    ) -> list[int]:
        """The intents, in one transaction; the patients of what something forbade, or other rules
        do not want, to be decided afresh."""
        with self._store.write() as connection:
            changed = self._rules.follow(connection, held=True) != taken.told_by
            now = still()  # asked once the database is ours: we may have waited for it
            if changed:  # what was composed may no longer be said so: once more
                outbox.give_back(
                    connection, taken.token, [row.id for row in taken.rows],
                    opens_at=micros(now), now=micros(now),
                )  # fmt: skip
                return []
            before, rehearsed = len(window.envelopes), window.rehearsed
            leaving = self._without_repeats(connection, taken.token, composed, now)
            refused = self._intend(connection, taken.token, leaving, window, now)
            overruled = [row for row, error in failed if isinstance(error, Overruled)]
            waiting = [row.id for row, error in failed if patient and _no_template(error)]
            waiting += [row.id for row in overruled]
            outbox.give_back(
                connection, taken.token, waiting, opens_at=micros(now + RECHECK), now=micros(now)
            )
            self._set_aside(connection, taken.token, failed, micros(now))
            slots = [one.slot for one in window.envelopes[before:]]
            slots += [now] * (window.rehearsed - rehearsed)
            self._brake.count(connection, slots, gone=True)
            failpoint("intent.before_commit")
        return [text.patient_id for text in refused] + [row.patient_id for row in overruled]

    def _compose(
        self, leased: Sequence[Record], routes: Sequence[Route], now: datetime
    ) -> tuple[list[tuple[Composed, Route]], list[tuple[Record, Exception]]]:
        with self._store.read() as connection:
            items: dict[int, list[Record]] = defaultdict(list)
            for item in outbox.items_of(connection, [row.id for row in leased]):
                items[item.message_id].append(item)
            numbers = {row.recipient for row in leased if row.channel == "sms"}
            shared = frozenset(outbox.shared_numbers(connection, list(numbers)))
            approved = Templates.of(templates.versions(connection, micros(now)))
            tests = template_samples.tests_of(
                connection, [row.id for row in leased if row.kind == "test"]
            )
        failpoint("render.before")
        composed: list[tuple[Composed, Route]] = []
        failed: list[tuple[Record, Exception]] = []
        for row in leased:
            try:
                if row.kind == "test":
                    composed.append(compose_test(row, tests.get(row.id), routes))
                    continue
                composed.append(
                    self._composer.compose_first(
                        row, items[row.id], routes, approved, shared, now=now
                    )
                )
            except Exception as error:  # whatever it is, it is this row's alone
                failed.append((row, error))
        return composed, failed

    def _set_aside(
        self,
        connection: Connection,
        token: int,
        failed: Sequence[tuple[Record, Exception]],
        at: int,
    ) -> None:
        """A text with a gap never leaves: the message waits for the person who can fill it."""
        broken = [row for row, error in failed if not isinstance(error, TemplateError)]
        planning.mark_dirty(connection, [row.patient_id for row in broken])
        outbox.quarantine(connection, token, [row.id for row in broken], now=at)
        for row in broken:
            self._task(connection, "not_composed", f"message:{row.id}", at)
        for row, error in failed:
            if isinstance(error, TemplateError):
                kind = "no_template" if _no_template(error) else "empty_variable"
                if outbox.suppress(connection, token, [row.id], kind, now=at):
                    self._task(connection, kind, f"message:{row.id}", at)

    def _intend(
        self,
        connection: Connection,
        token: int,
        composed: Sequence[tuple[Composed, Route]],
        window: Window,
        now: datetime,
    ) -> list[Composed]:
        """Commit what nothing forbids, to leave at its slot or, outside live mode, to stay; the
        texts something forbids are returned."""
        quiet = outbox.quiet_patients(connection, [text.patient_id for text, _ in composed])
        later = [text.message_id for text, _ in composed if text.patient_id not in quiet]
        refused: list[Composed] = []
        staying: list[tuple[Composed, Route]] = []
        by_route: dict[Route, list[Composed]] = defaultdict(list)
        for text, route in composed:
            if text.patient_id not in quiet:
                continue
            if self._may_leave(text):
                by_route[route].append(text)
            else:
                staying.append((text, route))
        self._rehearse(connection, token, staying, refused, window, now)
        for route in sorted(by_route, key=lambda one: one.id):  # one order for every process
            later += self._pace(connection, token, route, by_route[route], refused, window, now)
        self._give_back(connection, token, later, refused, now)
        return refused

    def _without_repeats(
        self,
        connection: Connection,
        token: int,
        composed: Sequence[tuple[Composed, Route]],
        now: datetime,
    ) -> list[tuple[Composed, Route]]:
        """What left twice in a day for one address stays; a person hears of it, but where a
        telephone answers our thanks by itself."""
        again = self._brake.again(connection, [text for text, _ in composed], now=now)
        if not again:
            return list(composed)
        ids = {text.message_id for text in again}
        outbox.suppress(connection, token, sorted(ids), "repeated", now=micros(now))
        for text in again:
            if text.kind != "ack":
                self._task(connection, "repeated", f"message:{text.message_id}", micros(now))
        return [one for one in composed if one[0].message_id not in ids]

    def _pace(
        self,
        connection: Connection,
        token: int,
        route: Route,
        texts: Sequence[Composed],
        refused: list[Composed],
        window: Window,
        now: datetime,
    ) -> list[int]:
        """Give each text of one provider its slot; those it has none for are returned."""
        at = micros(now)
        allowed, slot = outbox.allowance(connection, route.id, route.rate, now=at)
        permitted = outbox.permit(
            connection, token, [t.message_id for t in texts[:allowed]], now=at
        )
        chosen = [(t, route) for t in texts[:allowed] if t.message_id in permitted]
        # What the correction tells, a reminder of the day it leaves need not repeat (ADR 0008).
        told = [text.patient_id for text, _ in chosen if text.kind == CORRECTION]
        planning.mark_dirty(connection, told)
        refused += [t for t in texts[:allowed] if t.message_id not in permitted]
        if gap := outbox.gap_of(route.rate):
            outbox.take_slots(connection, route.id, slot + gap * len(chosen))
        failpoint("intent.permitted")
        slots = [slot + gap * n for n in range(len(chosen))]
        window.envelopes += self._write_attempts(connection, token, chosen, slots, "SENDING", at)
        return [text.message_id for text in texts[allowed:]]

    def _may_leave(self, text: Composed) -> bool:
        if self._rules.mode == "test":
            return plain_address(text.address) in self._only_to
        return self._rules.mode == "live"

    def _rehearse(
        self,
        connection: Connection,
        token: int,
        staying: Sequence[tuple[Composed, Route]],
        refused: list[Composed],
        window: Window,
        now: datetime,
    ) -> None:
        """Outside live mode a text passes the same checks, is recorded, and stays here."""
        at = micros(now)
        permitted = outbox.permit(connection, token, [t.message_id for t, _ in staying], now=at)
        done = [(text, route) for text, route in staying if text.message_id in permitted]
        refused += [text for text, _ in staying if text.message_id not in permitted]
        reason = "test_mode" if self._rules.mode == "test" else "rehearsal"
        outbox.stay(connection, token, [text.message_id for text, _ in done], reason, now=at)
        self._write_attempts(connection, token, done, [at] * len(done), "REHEARSED", at)
        window.rehearsed += len(done)

    def _give_back(
        self,
        connection: Connection,
        token: int,
        later: Sequence[int],
        refused: Sequence[Composed],
        now: datetime,
    ) -> None:
        """The refused ones are looked at again a little later, once the planner has decided them
        afresh; those nobody decides again are withdrawn. The others only found no room."""
        at, again = micros(now), micros(now + RECHECK)
        outbox.give_back(connection, token, later, opens_at=at, now=at)
        messages = [text.message_id for text in refused]
        outbox.forbid(connection, messages, now=at)
        outbox.give_back(connection, token, messages, opens_at=again, now=at)

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
        links.add(
            connection,
            [
                (token_hash(e.composed.token), e.composed.message_id, "answer",
                 max(told[2] for told in e.composed.told) + LINK_OUTLIVES_START)
                for e in envelopes
                if e.composed.token
            ]
            + [
                (token_hash(e.composed.stop_token), e.composed.message_id, "objection",
                 at + STOP_LINK_LASTS)
                for e in envelopes
                if e.composed.stop_token
            ],
            at=at,
        )  # fmt: skip
        return envelopes

    def record(self, results: Sequence[Result], *, now: datetime) -> None:
        """Write a batch of answers in one transaction (group commit)."""
        at = micros(now)
        by_answer: dict[Answer, list[Result]] = defaultdict(list)
        # In one order everywhere, so that two processes never wait for each other's rows.
        results = sorted(results, key=lambda result: result.envelope.composed.message_id)
        for result in results:
            by_answer[result.answer].append(result)
        with self._store.write() as connection:
            self._mark(connection, results, at)
            accepted = by_answer[Answer.ACCEPTED]
            outbox.record_accepted(connection, [_row(r, at) for r in accepted])
            join_early_receipts(
                connection,
                self._secret,
                [(r.envelope.route.id, r.provider_id) for r in accepted if r.provider_id],
                at,
            )
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
            not_sent = [result.envelope.slot for result in by_answer[Answer.NOT_SENT]]
            self._brake.count(connection, not_sent, gone=False)
            failpoint("result.before_commit")
        failpoint("result.after_commit")

    def _mark(self, connection: Connection, results: Sequence[Result], at: int) -> None:
        """Whom the planner must look at again: another channel may open, or what was decided
        while this text perhaps left must be decided again now that it has not."""
        patients: list[int] = []
        messages: list[int] = []
        for result in results:
            composed = result.envelope.composed
            if result.opted_out:
                patients += concerned(connection, self._secret, composed.address, at)
            if result.answer in (Answer.REFUSED, Answer.NOT_SENT):
                messages.append(composed.message_id)
        planning.mark_dirty(connection, patients + planning.patients_behind(connection, messages))

    def _after_refusal(self, connection: Connection, refused: Sequence[Result], at: int) -> None:
        for result in refused:
            composed = result.envelope.composed
            if result.opted_out:
                blocked_by_provider(
                    connection, self._secret, composed.address, channel=composed.channel,
                    by=result.envelope.route.id, at=at, patient=composed.patient_id,
                )  # fmt: skip
            elif result.bad_recipient:
                self._task(connection, "bad_recipient", f"message:{composed.message_id}", at)

    def _again(self, result: Result, now: datetime) -> int:
        """When to try again: at once elsewhere, else later and later, with jitter."""
        if result.elsewhere:
            return micros(now)
        settings = self._settings
        wait = settings.retry_first_seconds * 2 ** min(result.envelope.composed.retries, 20)
        if result.misconfigured:
            wait = settings.retry_most_seconds  # until somebody repairs it, haste is useless
        wait = min(wait, settings.retry_most_seconds) * self._jitter.uniform(0.8, 1.2)
        return micros(now + timedelta(seconds=wait + (result.retry_after or 0)))

    def tidy(self, *, now: datetime) -> Mapping[str, int]:
        """Expire, recover, settle: everything that needs no answer from outside."""
        at = micros(now)
        with self._store.write() as connection:
            expired = planning.expire(connection, at)
        return {"expired": expired, **self.recover(now=now), **self.settle(now=now)}

    def recover(self, *, now: datetime) -> dict[str, int]:
        """Repair what a dead process left between its lease and its result."""
        at = micros(now)
        with self._store.write() as connection:
            again, perhaps, quarantined = outbox.reap(connection, now=at)
            for row in quarantined:
                self._task(connection, "quarantined", f"message:{row.id}", at)
        with self._store.write() as connection:
            join_left_receipts(connection, self._secret, at)
        return {"recovered": again, "unknown": perhaps, "quarantined": len(quarantined)}

    def settle(self, *, now: datetime) -> dict[str, int]:
        """Give up on what stayed unknown too long: another channel, or a person."""
        at = micros(now)
        before = at - int(self._settings.unknown_minutes * 60 * SECOND)
        with self._store.write() as connection:
            return {"settled": outbox.settle_unknown(connection, now=at, before=before)}

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
        "reason": outbox.reason_of(
            result.code, opted_out=result.opted_out, bad_recipient=result.bad_recipient
        ),
        "provider_id": result.provider_id,
        "now": at,
    }


def plain_address(address: str) -> str:
    """One spelling of an address, to compare with: E.164, or lower-case e-mail."""
    plain = address.strip().lower()
    return plain if "@" in plain else classify(plain).e164 or plain


def _no_template(error: Exception) -> bool:
    return isinstance(error, TemplateError) and error.code == "no_template"
