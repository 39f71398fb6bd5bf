"""Receipts, replies and objections: stored before the provider is told we have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.failpoint import failpoint
from reminders.ports import InboundSms, Received
from reminders.services.objections import blocked_by_provider, concerned, heed_provider
from reminders.services.tasks import SENTENCES
from reminders.store import planning, receipts
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.types import DAY, micros

LEFT_ALONE = 3 * DAY  # a receipt older than this that fits no attempt is not ours


@dataclass(frozen=True, slots=True)
class Taken:
    """How much of what came was new."""

    receipts: int = 0
    replies: int = 0


def receive(
    store: Store, secret: bytes, provider: str, received: Received, *, now: datetime
) -> Taken:
    """Apply what a provider told, exactly once, whatever the order and repetition.

    Committed when this returns; only then may the provider get its 2xx.
    """
    at = micros(now)
    with store.write() as connection:
        fresh, new = receipts.store_receipts(connection, provider, received.receipts, at)
        _apply(connection, secret, fresh, at)
        replies = _store_replies(connection, secret, provider, received.replies, at)
        for reply in received.replies:
            if reply.block and reply.provider_id in replies:  # once, however often it is told
                heed_provider(
                    connection, secret, provider, reply.sender, reply.text, reply.block, at
                )
        failpoint("receipt.before_commit")
    failpoint("receipt.after_commit")
    return Taken(new, len(replies))


def join_early_receipts(
    connection: Connection, secret: bytes, accepted: Sequence[tuple[str, str]], at: int
) -> None:
    """Receipts that came before our own write are joined now that the provider's id is known."""
    if waiting := receipts.waiting_for(connection, accepted):
        _apply(connection, secret, waiting, at)


def join_left_receipts(connection: Connection, secret: bytes, at: int) -> None:
    """A receipt and our own write committed side by side saw nothing of each other: joined here."""
    if left := receipts.left_alone(connection, since=at - LEFT_ALONE):
        _apply(connection, secret, left, at)


def _apply(connection: Connection, secret: bytes, fresh: Sequence[int], at: int) -> None:
    """Bind receipts to their attempts and let each prove what it proves."""
    receipts.join_attempts(connection, fresh)
    told = receipts.told(connection, fresh)
    _mark(connection, secret, told, at)
    receipts.raise_states(connection, fresh, at)
    for row in told:
        if row.attempt_state in ("REFUSED", "NOT_SENT") and row.state in ("delivered", "accepted"):
            _task(connection, "receipt_after_refusal", f"message:{row.message_id}", at)
        if row.opted_out:
            blocked_by_provider(
                connection, secret, row.address,
                channel=row.channel, by=row.provider, at=at, patient=row.patient_id,
            )  # fmt: skip
        elif row.bad_recipient:
            _task(connection, "bad_recipient", f"message:{row.message_id}", at)


def _mark(connection: Connection, secret: bytes, told: Sequence[Record], at: int) -> None:
    """Whom the planner must look at again: a channel failed, or what passed for failed did not."""
    patients: list[int] = []
    messages: list[int] = []
    for row in told:
        if row.opted_out:
            patients += concerned(connection, secret, row.address, at)
        if (
            row.state == "undelivered"
            or row.settled_at is not None
            or row.message_state not in ("SENDING", "UNKNOWN", "ACCEPTED", "DELIVERED")
        ):
            messages.append(row.message_id)
    planning.mark_dirty(connection, patients + planning.patients_behind(connection, messages))


def _store_replies(
    connection: Connection, secret: bytes, provider: str, replies: Sequence[InboundSms], at: int
) -> list[str]:
    return receipts.store_replies(
        connection,
        provider,
        [(reply, planning.address_key(secret, reply.sender)) for reply in replies],
        at,
    )


def _task(connection: Connection, kind: str, subject: str, at: int) -> None:
    planning.open_tasks(
        connection,
        [(reserve(connection, "task", 1), kind, subject, 1, SENTENCES[kind], "", at, at)],
    )
