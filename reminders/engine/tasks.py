"""What a process does when it is woken: the same few verbs for `run`, `serve` and the demo.

Losing or doubling a wake-up changes nothing: the outbox holds what is due.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from typing import cast

import structlog

from reminders.clock import Clock
from reminders.config import DpiTable, Settings
from reminders.domain.guard import Limits
from reminders.engine.intake import Intake
from reminders.engine.journal import asking_failed, broken_source, feed_read, holds_changed
from reminders.engine.letters import send_letters
from reminders.engine.pump import PassSummary, Pump
from reminders.engine.writeback import write_answers, writers
from reminders.engine.writer import Writer
from reminders.errors import ReminderError
from reminders.ports import AppointmentSource, BlockList, EmailSender, Received, SmsSender
from reminders.services.answer import pass_on, take_replies
from reminders.services.deliver import Delivery
from reminders.services.freshness import hold_stale, stale_sources
from reminders.services.money import compute_daily
from reminders.services.months import close_due
from reminders.services.objections import block_list_due, take_block_list
from reminders.services.plan import PlanSummary, plan
from reminders.services.purge import PurgeSummary, purge
from reminders.services.rebook import invite_missed
from reminders.services.receive import Taken, receive
from reminders.services.rollup import count_month, is_behind, look_again, stale_months
from reminders.services.rules import Rules
from reminders.services.sheets_life import enter_due
from reminders.services.sync import FeedSummary, SyncOptions, sync
from reminders.services.worklist import tend
from reminders.services.writeback import close_entered
from reminders.services.writing_follow import follow_up
from reminders.store import counts, holds, outbox, receipts
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros

log = structlog.get_logger()

RECEIPTS_AWAITED = timedelta(days=3)
MOST_ROUNDS = 10  # next channels and providers opened within one pass


@dataclass(slots=True)
class Pass:
    """One pass of the daily run, in numbers."""

    feeds: list[FeedSummary] = field(default_factory=list)
    plan: PlanSummary = field(default_factory=PlanSummary)
    sent: PassSummary = field(default_factory=PassSummary)
    repaired: dict[str, int] = field(default_factory=dict)
    purged: PurgeSummary | None = None
    held: Sequence[Record] = ()
    today: dict[str, int] = field(default_factory=dict)
    tasks_open: int = 0
    misconfigured: bool = False  # a provider refuses our credentials


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a working process has, put together by the composition root."""

    settings: Settings
    rules: Rules
    store: Store
    clock: Clock
    secret: bytes
    sources: Sequence[tuple[DpiTable, AppointmentSource]]
    senders: Mapping[str, SmsSender]
    delivery: Delivery
    keep_inputs: bool = False
    mail: EmailSender | None = None  # for managers; patients' e-mails leave through the pump


class Tasks:
    def __init__(self, parts: Parts, pump: Pump, writer: Writer) -> None:
        self._parts = parts
        self._pump = pump
        self._writer = writer
        self._sending = asyncio.Lock()
        self._holds_told: frozenset[tuple[str, str]] = frozenset()
        self._has_read = False  # every source once, since this process began
        self._was_stale: list[str] = []  # at the last watch
        self._written_to = writers(parts.settings, parts.sources)
        self._intake = Intake(self._receive, writer)

    def sync(self) -> list[FeedSummary]:
        """Read every source once. One that fails does not stop the others."""
        parts = self._parts
        gate = parts.settings.gate
        options = SyncOptions(
            limits=Limits(**gate.model_dump()),
            live=parts.settings.mode == "live",
            keep_inputs=parts.keep_inputs,
            oldest=timedelta(days=parts.settings.retention.identity_days),
            zone=parts.settings.site[0].zone,
        )
        found: list[FeedSummary] = []
        for table, source in parts.sources:
            try:
                new = sync(parts.store, table, source, options, now=parts.clock.now())
            except ReminderError:
                raise
            except Exception as error:
                new = [broken_source(table.id, error)]
            for feed in new:
                feed_read(feed)
            found += new
        self._holds_told = holds_changed(self._holds_told, self.holds())
        return found

    def plan(self) -> PlanSummary:
        parts = self._parts
        enter_due(parts.store, parts.rules, now=parts.clock.now())
        invite_missed(parts.store, parts.rules, now=parts.clock.now())
        follow_up(parts.store, parts.rules, now=parts.clock.now())
        done = plan(parts.store, parts.rules, parts.secret, now=parts.clock.now())
        if done.patients:
            log.info(
                "planned", patients=done.patients, messages=done.planned, withdrawn=done.withdrawn
            )
        return done

    def open_today(self) -> int:
        with self._parts.store.write() as connection:
            return outbox.open_today(connection, now=micros(self._parts.clock.now()))

    async def deliver(self, *, all_day: bool = False) -> PassSummary:
        """Send what is due, and what a refusal or a failure opens next, until nothing is left.

        `all_day`: the hours of this civil day's steps do not count (ADR 0007).
        """
        total = PassSummary()
        async with self._sending:
            for _ in range(MOST_ROUNDS):
                one = await self._pump.run_until_quiet()
                total.answers += one.answers
                total.codes += one.codes
                total.rehearsed += one.rehearsed
                total.misconfigured += one.misconfigured
                if not one.answers["REFUSED"] and not one.answers["NOT_SENT"]:
                    break
                if self.stopping:
                    break
                replanned = await self._writer.call(self.plan)
                if all_day:
                    await self._writer.call(self.open_today)
                if not replanned.planned and not self._more_due():
                    break
        if total.answers or total.rehearsed:
            log.info(
                "delivered",
                answers=dict(total.answers),
                codes=dict(total.codes),
                rehearsed=total.rehearsed,
            )
        return total

    def _more_due(self) -> bool:
        with self._parts.store.read() as connection:
            return outbox.waiting(connection, now=micros(self._parts.clock.now()))

    async def repair(self) -> dict[str, int]:
        """Ask about the undecided, recover what a dead process left, expire what is past."""
        delivery, now = self._parts.delivery, self._parts.clock.now()
        found = await self._writer.call(lambda: delivery.recover(now=now))
        await self._look_up()  # before anything is given up
        repaired = dict(await self._writer.call(lambda: delivery.tidy(now=now)))
        repaired = {name: number + found.get(name, 0) for name, number in repaired.items()}
        if any(repaired.values()):
            log.info("repaired", **repaired)
        if repaired["settled"] or repaired["quarantined"]:
            await self._writer.call(self.plan)
        return repaired

    async def _look_up(self) -> None:
        for name, sender in self._parts.senders.items():
            if not sender.capabilities.lookup:
                continue
            with self._parts.store.read() as connection:
                waiting = [row.reference for row in outbox.unknown(connection, name)]
            for reference in waiting:
                try:
                    receipt = await sender.lookup(reference)
                except Exception as error:  # an odd answer must not stop the others
                    asking_failed("look-up failed", name, error)
                    break
                if receipt is not None:
                    await self.take(name, Received(receipts=(receipt,)))

    async def poll(self, only: str | None = None, hinted: Sequence[str] = ()) -> Taken:
        """Ask providers for receipts and replies they may not have been able to push.

        `hinted`: provider ids of messages one provider says changed; asked first.
        """
        total = Taken()
        for name, sender in self._parts.senders.items():
            if only is not None and name != only:
                continue
            since = micros(self._parts.clock.now() - RECEIPTS_AWAITED)
            with self._parts.store.read() as connection:
                waiting = receipts.outstanding(connection, name, since=since)
            try:
                received = await sender.poll(list(hinted) or waiting)
            except Exception as error:  # nor may it keep due messages from leaving
                asking_failed("poll failed", name, error)
                continue
            taken = await self.take(name, received)
            total = Taken(total.receipts + taken.receipts, total.replies + taken.replies)
        return total

    async def block_lists(self) -> int:
        """Once a day each provider that keeps a block list is asked for it: how many numbers of
        theirs we did not know."""
        parts, found = self._parts, 0
        for name, sender in parts.senders.items():
            now = parts.clock.now()
            if not sender.capabilities.block_list or not block_list_due(parts.store, name, now=now):
                continue
            try:
                numbers = await cast(BlockList, sender).blocked()
            except Exception as error:  # asked again at the next bell
                asking_failed("block list not read", name, error)
                continue
            new = await self._writer.call(
                partial(take_block_list, parts.store, parts.secret, name, numbers, now=now)
            )
            if new:
                log.info("block list read", provider=name, new=new)
            found += new
        if found:
            await self._writer.call(self.plan)
        return found

    async def take(self, provider: str, received: Received) -> Taken:
        """Durable when this returns: only then may a provider get its 2xx."""
        if not received.receipts and not received.replies:
            return Taken()
        taken = await self._intake.take(provider, received)
        if taken.receipts or taken.replies:
            log.info("received", provider=provider, receipts=taken.receipts, replies=taken.replies)
        if taken.replies:
            try:
                await self.answers()
            except Exception as error:  # stored is stored: the next bell reads it
                log.error("replies not read", error=type(error).__name__)
        return taken

    def _receive(self, provider: str, received: Received) -> Taken:
        parts = self._parts
        return receive(parts.store, parts.secret, provider, received, now=parts.clock.now())

    async def answers(self) -> int:
        """Act on replies, tell the hospital what can no longer be undone, plan what changed."""
        parts, now = self._parts, self._parts.clock.now()
        read = await self._writer.call(
            lambda: take_replies(parts.store, parts.rules, parts.secret, now=now)
        )
        told = await self._writer.call(
            lambda: pass_on(parts.store, now=now, writes=self._written_to)
        )
        if read or told:
            log.info("answers", replies=read, passed_on=told)
            await self._writer.call(self.plan)
        return read + told

    async def tend(self) -> int:
        """Owners and deadlines of new tasks, what is late, who must be called."""
        parts, now = self._parts, self._parts.clock.now()
        return await self._writer.call(lambda: tend(parts.store, parts.rules, now=now))

    async def roll_up(self) -> int:
        """Keep the counts of the reports fresh: how many appointments were looked at again.

        Nothing changed costs a few index probes. Writers wait for a look of some hundredths of a
        second at most; a month is counted while nobody waits.
        """
        parts, seen = self._parts, 0
        if not is_behind(parts.store, parts.rules, now=parts.clock.now()):
            return 0
        while not self.stopping:
            looked = await self._writer.call(
                lambda: look_again(parts.store, parts.rules, now=parts.clock.now())
            )
            seen += looked.units
            if not looked.more:
                break
        for month, stale in stale_months(parts.store):
            await asyncio.to_thread(count_month, parts.store, month, stale, now=parts.clock.now())
        return seen

    async def tell_managers(self) -> int:
        """The daily e-mail of each service that has late tasks."""
        parts = self._parts
        return await send_letters(parts.store, parts.rules, parts.mail, self._writer, parts.clock)

    async def close_months(self) -> int:
        """Freeze the months whose day has come, and compute today's savings: how many months.

        On a thread of its own: it reads much and writes two rows, and senders do not wait.
        """
        parts, now = self._parts, self._parts.clock.now()
        try:
            closed, revised = await asyncio.to_thread(close_due, parts.store, parts.rules, now=now)
            await asyncio.to_thread(compute_daily, parts.store, parts.rules, now=now)
        except Exception as error:  # asked again at the next bell; the day's work goes on
            asking_failed("month not closed", "", error)
            return 0
        for one in closed:
            log.info("month closed", month=one.month)
        for one in revised:
            log.info("month revised", month=one.month, revision=one.revision)
        return len(closed)

    async def write_back(self) -> int:
        """Write into the DPI what was passed on for it, one answer after the other: how many.

        Nothing waits for it: a slow DPI delays this and nothing else.
        """
        parts = self._parts
        now = parts.clock.now()
        await self._writer.call(lambda: close_entered(parts.store, now=now))
        done = await write_answers(
            parts.store, self._written_to, self._writer, parts.clock, lambda: self.stopping
        )
        if done:
            log.info("answers written", answers=dict(done))
        return done.total()

    async def plan_later(self) -> PlanSummary:
        """Planned on the writer's thread: what a tap on the page changed takes effect at once."""
        return await self._writer.call(self.plan)

    async def sync_and_plan(self) -> list[FeedSummary]:
        """One reading of every source, planned at once.

        The reading has a thread of its own: a slow DPI must not make callbacks and sending wait.
        """
        try:
            feeds = await asyncio.to_thread(self.sync)
        finally:
            self._has_read = True
        await self._writer.call(self.plan)
        return feeds

    async def watch(self) -> None:
        """Hold each source whose data stays too old, even while a reading of it hangs.

        Not before this process has read once, nor at first sight: after a pause of the machine
        what is old is about to be read anew. Until then nothing is sent of it.
        """
        if not self._has_read:
            return
        parts, now = self._parts, self._parts.clock.now()
        stale = await self._writer.call(self._stale)
        before, self._was_stale = self._was_stale, stale
        again = [name for name in stale if name in before]
        zone = parts.settings.site[0].zone
        await self._writer.call(lambda: hold_stale(parts.store, self._limits, again, zone, now=now))

    def _stale(self) -> list[str]:
        parts = self._parts
        return stale_sources(parts.store, self._limits, now=parts.clock.now())

    @property
    def _limits(self) -> dict[str, float]:
        return {table.id: table.oldest_minutes for table in self._parts.settings.dpi}

    async def deliver_if_due(self) -> None:
        """Nothing due costs one index probe; nothing is sent on data too old to act on."""
        if not self._has_read or not await self._writer.call(self._more_due):
            return
        if not await self._writer.call(self._stale):
            await self.deliver()

    async def purge_later(self) -> PurgeSummary:
        return await self._writer.call(self.purge)

    def stop(self) -> None:
        """Begin nothing new: what is in flight ends and is recorded."""
        self._pump.stop()

    @property
    def stopping(self) -> bool:
        return self._pump.stopping

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Entered once what is in flight is recorded; nothing is sent while the block runs."""
        async with self._sending:
            yield

    @property
    def resting(self) -> dict[str, datetime]:
        return self._pump.resting

    def purge(self) -> PurgeSummary:
        parts = self._parts
        sources = [source for _, source in parts.sources]
        return purge(parts.store, parts.settings.retention, sources, now=parts.clock.now())

    def next_due(self) -> datetime | None:
        """The next moment at which sending or repairing could do something."""
        with self._parts.store.read() as connection:
            found = outbox.next_due(connection, now=micros(self._parts.clock.now()))
        return None if found is None else instant(found)

    def holds(self) -> Sequence[Record]:
        with self._parts.store.read() as connection:
            return holds.active(connection)

    async def one_pass(self, *, purging: bool = True) -> Pass:
        """sync → plan → deliver → purge: the daily run, safe to repeat every five minutes."""
        done = Pass()
        done.repaired = await self.repair()
        await self.poll()  # before planning: a receipt may open the next channel
        await self.block_lists()
        await self.answers()
        done.feeds = await self._writer.call(self.sync)
        done.plan = await self._writer.call(self.plan)
        await self._writer.call(self.open_today)
        done.sent = await self.deliver(all_day=True)
        await self.write_back()
        await self.tend()
        await self.tell_managers()
        await self.roll_up()
        await self.close_months()  # while the month's appointments are not purged
        if purging and not self.stopping:
            done.purged = await self._writer.call(self.purge)
        self._count(done)
        return done

    def _count(self, done: Pass) -> None:
        """What the day looks like once the pass is over."""
        now = self._parts.clock.now()
        zone = self._parts.settings.site[0].zone
        start = datetime.combine(now.astimezone(zone).date(), time(0), zone)
        with self._parts.store.read() as connection:
            done.held = holds.active(connection)
            done.today = counts.by_state(
                connection, micros(start), micros(start + timedelta(days=1))
            )
            done.tasks_open = counts.open_tasks(connection)
        done.misconfigured = done.sent.misconfigured > 0
