"""Answers are taken, acknowledged and passed on: from an SMS, the page, or another system."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reminders.domain.answer import (
    AnswerKind,
    History,
    Priority,
    Subject,
    Verdict,
    decide_reply,
    effective_at,
)
from reminders.domain.calendar import next_permitted, permitted_window
from reminders.domain.outbox import dedupe_key
from reminders.domain.reply import Intent, Reading, interpret
from reminders.domain.reply_text import CONTINUES_WITHIN, may_continue
from reminders.failpoint import failpoint
from reminders.services.objections import (
    BY_SMS,
    WRITTEN_TO,
    answered_by_provider,
    object_to,
    start_again,
)
from reminders.services.rules import Rules
from reminders.services.tasks import SENTENCES
from reminders.services.writeback import WRITTEN_BACK
from reminders.store import answers, outbox, planning, reversals, worklist, writeback
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.reversals import CHANGED_MIND
from reminders.store.types import instant, instant_or_none, micros

PASSED_ON = {AnswerKind.CONFIRMED: "", AnswerKind.CANCELLED: "answer_cancelled"}


@dataclass(frozen=True, slots=True)
class Given:
    """One answer about appointments as the patient saw them: (appointment, cycle) pairs."""

    kind: AnswerKind
    about: tuple[tuple[int, int], ...]
    channel: str  # sms | page | email | api | staff
    origin: str  # unique: the same origin twice is one answer
    actor: str = "patient"
    reason: str = ""


def give(connection: Connection, given: Given, *, now: datetime) -> int:
    """Record an answer in the caller's transaction, exactly once: how many were new.

    Reminders of what is cancelled stop with this transaction; what cannot be undone follows
    when the answer is passed on (`pass_on`).
    """
    fresh = answers.add(
        connection,
        [(appointment, cycle, given.kind.value) for appointment, cycle in given.about],
        channel=given.channel,
        origin=given.origin,
        actor=given.actor,
        reason=given.reason,
        at=micros(now),
        effective_at=micros(effective_at(given.kind, given.channel, now)),
    )
    return len(fresh)


def take_replies(store: Store, rules: Rules, secret: bytes, *, now: datetime) -> int:
    """Act on every reply nobody looked at yet, each in its own transaction: how many.

    A reply that may be the first part of a longer one waits for the rest; others do not wait
    for it.
    """
    taken = 0
    while True:
        with store.write() as connection:
            found = _next(connection, now)
            if found is None:
                return taken
            reply, body = found
            _take(connection, rules, secret, reply, body, now)
            failpoint("reply.before_commit")
        failpoint("reply.after_commit")
        taken += 1


def _next(connection: Connection, now: datetime) -> tuple[Record, str] | None:
    """The first reply that is complete, and its whole text."""
    for reply in answers.unhandled(connection):
        body, last, parts = reply.body, reply, []
        for part in answers.followers(connection, reply) if may_continue(reply.body) else ():
            if not may_continue(last.body) or not _soon(last, instant(part.received_at)):
                break
            body, last = body + part.body, part
            parts.append(part.id)
        if may_continue(last.body) and _soon(last, now):
            continue
        if parts:
            answers.join(connection, reply.id, body, parts, now=micros(now))
        return reply, body
    return None


def _soon(part: Record, then: datetime) -> bool:
    return then - instant(part.received_at) < CONTINUES_WITHIN


def _take(
    connection: Connection,
    rules: Rules,
    secret: bytes,
    reply: Record,
    body: str,
    now: datetime,
) -> None:
    reading = interpret(body, reply.language or "fr")
    found = answers.subjects(connection, reply)
    subjects = [_subject(row) for row in found]
    verdict = decide_reply(reading, subjects, _history(connection, reply), now=now)
    for appointment, cycle, kind in verdict.answers:
        give(
            connection,
            Given(kind, ((appointment, cycle),), "sms", f"inbound:{reply.id}"),
            now=now,
        )
    at = micros(now)
    _open_task(connection, verdict, reply, subjects, at)
    _about_the_number(connection, secret, verdict, reading, reply, at)
    if verdict.resumes:
        told = start_again(connection, secret, reply.sender, f"inbound:{reply.id}", at=at)
    else:
        told = not (
            verdict.objects and answered_by_provider(connection, reply.sender_key, reply.provider)
        )
    if verdict.acknowledgement and told:
        _acknowledge(connection, rules, verdict, reply, subjects, now)
    answers.handled(connection, reply.id, reading.intent.value, reading.action.value, now=at)


def _subject(row: Record) -> Subject:
    return Subject(
        appointment=row.appointment_id,
        patient=row.patient_id,
        uf=row.uf,
        told_cycle=row.told_cycle,
        cycle=row.version,
        status=row.status,
        starts_at=instant(row.starts_at),
        answer=row.answer,
        settled=bool(row.settled),
        message=row.message_id,
    )


def _history(connection: Connection, reply: Record) -> History:
    row = answers.history(connection, reply)
    return History(
        last_intent=row.last_intent or "",
        last_intent_at=instant_or_none(row.last_at),
        acknowledged_today=row.acknowledged,
        reachable=reply.sender.startswith("+") and len(reply.sender) > 8,
    )


def _open_task(
    connection: Connection, verdict: Verdict, reply: Record, subjects: Sequence[Subject], at: int
) -> None:
    if not verdict.task:
        return
    uf = subjects[0].uf if subjects else ""
    planning.open_tasks(
        connection,
        [
            (reserve(connection, "task", 1), verdict.task, f"inbound:{reply.id}", 1,
             SENTENCES[verdict.task], uf, at, at)
        ],
        priority=int(verdict.priority),
    )  # fmt: skip
    if verdict.task == CHANGED_MIND:  # of several: the one whose cancellation it takes back
        back = [one for one in subjects if one.answer == AnswerKind.CANCELLED and one.settled]
        worklist.bind(connection, verdict.task, f"inbound:{reply.id}", back[-1].appointment)


def _about_the_number(
    connection: Connection,
    secret: bytes,
    verdict: Verdict,
    reading: Reading,
    reply: Record,
    at: int,
) -> None:
    if verdict.objects or reading.intent is Intent.DECEASED:
        people = answers.written_to(connection, reply.sender_key, since=at - WRITTEN_TO)
        object_to(
            connection, secret, reply.sender, patients=people,
            channel="sms" if verdict.objects else "all",
            origin=BY_SMS if verdict.objects else reading.intent.value, by=reply.provider, at=at,
        )  # fmt: skip
    elif verdict.suspends:  # the number alone: the patient is written to at the right one
        object_to(
            connection, secret, reply.sender, patients=[], channel="sms",
            origin=reading.intent.value, by=reply.provider, at=at,
        )  # fmt: skip


def _acknowledge(
    connection: Connection,
    rules: Rules,
    verdict: Verdict,
    reply: Record,
    subjects: Sequence[Subject],
    now: datetime,
) -> None:
    """One text back, at the next permitted moment. Without an appointment nothing is known of
    who should speak: the task says that somebody calls."""
    if not subjects:
        return
    row = answers.appointments(connection, [subjects[0].appointment])[0]
    unit = rules.units.get(row.uf)
    if unit is None:
        return
    opens = next_permitted(now, unit.hours, None)
    closes = permitted_window(opens.astimezone(unit.hours.zone).date(), unit.hours, None)[1]
    message = answers.insert_acknowledgement(
        connection,
        key=dedupe_key("ack", reply.id),
        reply=reply,
        purpose=verdict.acknowledgement,
        appointment=row,
        opens_at=micros(opens),
        closes_at=micros(max(closes, opens + timedelta(minutes=30))),
        at=micros(now),
    )
    outbox.forbid(connection, [message], now=micros(now))  # an earlier stop may be in force


def pass_on(store: Store, *, now: datetime, writes: Collection[str] = ()) -> int:
    """Tell the hospital what was answered and can no longer be undone: how many answers.

    A source of `writes` is written to (services/writeback.py). For the others a cancellation
    becomes a line for the desk; a confirmation needs nobody, unless it takes back a cancellation
    that was passed on: somebody says whether the place is still there (R26).
    """
    at = micros(now)
    with store.write() as connection:
        due = answers.to_pass_on(connection, now=at)
        rows = {row.id: row for row in answers.appointments(connection, _ids(due))}
        due_now = [one for one in due if rows[one.appointment_id].status == "booked"]
        written = {
            one.id
            for one in due_now
            if rows[one.appointment_id].source_id in writes and AnswerKind(one.kind) in WRITTEN_BACK
        }
        writeback.add(connection, [one for one in due_now if one.id in written], at=at)
        # Who ends the desk's line by saying that the patient cancels does not open another.
        desk = [one.appointment_id for one in due_now if one.channel == "staff"]
        known = writeback.told_to_enter(connection, desk)
        planning.open_tasks(
            connection,
            [
                (reserve(connection, "task", 1), kind, f"appointment:{one.appointment_id}",
                 one.id, SENTENCES[kind], rows[one.appointment_id].uf, at, at)
                for one in due_now
                if (kind := PASSED_ON.get(AnswerKind(one.kind), "")) and one.id not in written
                and not (one.channel == "staff" and one.appointment_id in known)
            ],
            priority=int(Priority.CANCELLATION),
        )  # fmt: skip
        # The place may be somebody else's by now. What is written to the DPI hears it there.
        confirmed = [
            one.id for one in due_now
            if one.kind == AnswerKind.CONFIRMED.value and one.id not in written
        ]  # fmt: skip
        planning.open_tasks(
            connection,
            [
                (reserve(connection, "task", 1), CHANGED_MIND, f"appointment:{one.appointment_id}",
                 one.cancellation, SENTENCES[CHANGED_MIND], rows[one.appointment_id].uf, at, at)
                for one in reversals.taken_back(connection, confirmed)
            ],
            priority=int(Priority.CANCELLATION),
        )  # fmt: skip
    return len(due)


def _ids(due: Sequence[Record]) -> list[int]:
    return sorted({one.appointment_id for one in due})
