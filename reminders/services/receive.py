"""Receipts, replies and objections: stored before the provider is told we have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.failpoint import failpoint
from reminders.ports import InboundSms, Received
from reminders.services.tasks import SENTENCES
from reminders.store import planning, receipts
from reminders.store.engine import Connection, Store, reserve
from reminders.store.types import micros


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
        fresh = receipts.store_receipts(connection, provider, received.receipts, at)
        _apply(connection, secret, fresh, at)
        replies = _store_replies(connection, secret, provider, received.replies, at)
        failpoint("receipt.before_commit")
    failpoint("receipt.after_commit")
    return Taken(len(fresh), replies)


def join_early_receipts(
    connection: Connection, accepted: Sequence[tuple[str, str]], at: int
) -> None:
    """Receipts that came before our own write are joined now that the provider's id is known."""
    waiting = receipts.waiting_for(connection, accepted)
    if waiting:
        _apply(connection, b"", waiting, at)


def _apply(connection: Connection, secret: bytes, fresh: Sequence[int], at: int) -> None:
    receipts.join_attempts(connection, fresh)
    receipts.raise_states(connection, fresh, at)
    for row in receipts.consequences(connection, fresh):
        if row.message_state == "REFUSED" and row.state in ("delivered", "accepted"):
            _task(connection, "receipt_after_refusal", f"message:{row.message_id}", at)
        if row.state != "undelivered":
            continue
        planning.mark_dirty(connection, [row.patient_id])
        if row.opted_out and secret:
            object_to(
                connection, secret, row.address, patients=[row.patient_id],
                channel=row.channel, origin="provider", by=row.provider, at=at,
            )  # fmt: skip
        elif row.bad_recipient:
            _task(connection, "bad_recipient", f"message:{row.message_id}", at)


def _store_replies(
    connection: Connection, secret: bytes, provider: str, replies: Sequence[InboundSms], at: int
) -> int:
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


def object_to(
    connection: Connection,
    secret: bytes,
    address: str,
    *,
    patients: Sequence[int],
    channel: str,
    origin: str,
    by: str,
    at: int,
) -> None:
    """Record that nobody may be written to at this address, nor these patients at all over the
    channel ("all": over none). In force for every intent committed after this transaction."""
    key = planning.address_key(secret, address)
    receipts.store_objection(connection, key, patients, channel, origin, by, at)
    planning.mark_dirty(connection, patients)
