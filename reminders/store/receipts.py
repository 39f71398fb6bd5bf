"""Receipts and replies: inserted once, joined to their attempt whenever it is known, and
applied by rank, so that any order and any repetition end in the same state (R6)."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.ports import InboundSms, Receipt
from reminders.store.engine import Record, listed, many, reserve, rows
from reminders.store.outbox import RANK, reason_of
from reminders.store.planning import among
from reminders.store.recipients import SERVED

# their word -> the state it proves
STATES = (
    "CASE r.state WHEN 'accepted' THEN 'ACCEPTED' WHEN 'delivered' THEN 'DELIVERED' "
    "ELSE 'UNDELIVERED' END"
)


# A provider that told us "certainly not sent" and then sends a receipt was wrong: the message
# has left, and must not leave again.
UNSENT = "state IN ('PLANNED', 'LEASED', 'HELD', 'CANCELLED', 'EXPIRED', 'SUPPRESSED')"


def store_receipts(
    connection: Connection, provider: str, receipts: Sequence[Receipt], at: int
) -> tuple[list[int], int]:
    """The keys of those that tell something new, and how many events were not known before.

    An event told again with a reference it lacked (a callback knew one name, a poll the other)
    is bound by it if nothing else could.
    """
    if not receipts:
        return [], 0
    first = reserve(connection, "receipt", len(receipts))
    fresh: list[int] = []
    for number, receipt in enumerate(receipts):
        found = rows(
            connection,
            "INSERT INTO receipt (id, provider, event, reference, provider_id, state, code, "
            "opted_out, bad_recipient, received_at) VALUES (:id, :provider, :event, :reference, "
            ":provider_id, :state, :code, :opted_out, :bad_recipient, :at) "
            "ON CONFLICT (provider, event) DO UPDATE SET reference = CASE "
            "WHEN receipt.reference = '' THEN excluded.reference ELSE receipt.reference END, "
            "provider_id = CASE WHEN receipt.provider_id = '' THEN excluded.provider_id "
            "ELSE receipt.provider_id END WHERE receipt.attempt_id IS NULL "
            "AND ((receipt.reference = '' AND excluded.reference <> '') "
            "OR (receipt.provider_id = '' AND excluded.provider_id <> '')) RETURNING id",
            id=first + number,
            provider=provider,
            event=receipt.event,
            reference=receipt.reference,
            provider_id=receipt.provider_id,
            state=receipt.state.value,
            code=receipt.code,
            opted_out=int(receipt.opted_out),
            bad_recipient=int(receipt.bad_recipient),
            at=at,
        )
        fresh += [row.id for row in found]
    return list(dict.fromkeys(fresh)), sum(key >= first for key in set(fresh))


def left_alone(connection: Connection, *, since: int) -> list[int]:
    """Recent receipts bound to nothing whose attempt is known by now."""
    found = rows(
        connection,
        "SELECT r.id FROM receipt r WHERE r.attempt_id IS NULL AND r.received_at > :since "
        "AND (EXISTS (SELECT 1 FROM attempt a WHERE r.reference <> '' "
        "AND a.reference = r.reference) OR EXISTS (SELECT 1 FROM attempt a "
        "WHERE r.provider_id <> '' AND a.provider = r.provider "
        "AND a.provider_id = r.provider_id))",
        since=since,
    )
    return [row.id for row in found]


def waiting_for(connection: Connection, accepted: Sequence[tuple[str, str]]) -> list[int]:
    """Receipts stored before their attempt's provider id was: their keys."""
    wanted = set(accepted)
    found = among(
        connection,
        "SELECT id, provider, provider_id FROM receipt WHERE attempt_id IS NULL "
        "AND provider_id IN :ids",
        [provider_id for _, provider_id in accepted],
    )
    return [row.id for row in found if (row.provider, row.provider_id) in wanted]


def _for(connection: Connection, sql: str, ids: Sequence[int], **values: object) -> None:
    if ids:
        listed(connection, sql, ids, **values)


def join_attempts(connection: Connection, receipts: Sequence[int]) -> None:
    _for(
        connection,
        "UPDATE receipt SET attempt_id = COALESCE("
        "(SELECT a.id FROM attempt a WHERE receipt.reference <> '' "
        " AND a.reference = receipt.reference), "
        "(SELECT MAX(a.id) FROM attempt a WHERE receipt.provider_id <> '' "
        " AND a.provider = receipt.provider AND a.provider_id = receipt.provider_id)) "
        "WHERE id IN :ids AND attempt_id IS NULL",
        receipts,
    )


def told(connection: Connection, receipts: Sequence[int]) -> Sequence[Record]:
    """What these receipts say of whose message, before anything is changed for it."""
    return among(
        connection,
        "SELECT r.state, r.opted_out, r.bad_recipient, r.provider, a.address, a.channel, "
        "a.state AS attempt_state, m.id AS message_id, m.patient_id, m.settled_at, "
        "m.state AS message_state FROM receipt r JOIN attempt a ON a.id = r.attempt_id "
        "JOIN message m ON m.id = a.message_id WHERE r.id IN :ids ORDER BY r.id",
        receipts,
    )


def raise_states(connection: Connection, receipts: Sequence[int], at: int) -> None:
    """Move attempts and messages up to the highest rank any receipt proves; never down. Two
    receipts of one rank agree on the greater code, so that their order changes nothing."""
    found = among(
        connection,
        f"SELECT r.attempt_id, r.provider_id, r.code, {STATES} AS state, r.opted_out, "
        "r.bad_recipient FROM receipt r "
        "WHERE r.id IN :ids AND r.attempt_id IS NOT NULL AND r.state <> 'unknown' "
        "ORDER BY r.attempt_id",
        receipts,
    )
    values = [
        {"attempt": row.attempt_id, "state": row.state, "code": row.code,
         "reason": reason_of(row.code, opted_out=row.opted_out, bad_recipient=row.bad_recipient),
         "provider_id": row.provider_id, "now": at}
        for row in found
    ]  # fmt: skip
    rank, new = RANK.format("state"), RANK.format("CAST(:state AS TEXT)")
    many(
        connection,
        "UPDATE message SET state = :state, reason = :reason, lease_until = NULL, leases = 0, "
        "updated_at = :now WHERE id = (SELECT message_id FROM attempt WHERE id = :attempt) "
        f"AND ({rank} < {new} OR ({rank} = {new} AND reason < :reason) OR ({UNSENT} AND EXISTS "
        "(SELECT 1 FROM attempt WHERE id = :attempt AND state = 'NOT_SENT')))",
        values,
    )
    many(
        connection,
        "UPDATE attempt SET state = :state, code = :code, finished_at = :now, "
        "provider_id = CASE WHEN provider_id = '' THEN :provider_id ELSE provider_id END "
        f"WHERE id = :attempt AND ({rank} < {new} OR ({rank} = {new} AND code < :code) "
        "OR state = 'NOT_SENT')",
        values,
    )


def store_replies(
    connection: Connection, provider: str, replies: Sequence[tuple[InboundSms, bytes]], at: int
) -> list[str]:
    """The provider's ids of those that are new. A reply is bound to the last message that went
    to its sender."""
    new: list[str] = []
    for reply, key in replies:
        found = rows(
            connection,
            "INSERT INTO inbound (id, provider, provider_id, sender, sender_key, recipient, body, "
            "received_at, attempt_id) VALUES (:id, :provider, :provider_id, :sender, :key, "
            ":recipient, :body, :at, (SELECT MAX(a.id) FROM attempt a JOIN message m "
            "ON m.id = a.message_id WHERE m.recipient_key = :key AND a.provider = :provider "
            "AND a.state NOT IN ('NOT_SENT', 'REFUSED', 'REHEARSED'))) "
            "ON CONFLICT (provider, provider_id) DO NOTHING RETURNING id",
            id=reserve(connection, "inbound", 1),
            provider=provider,
            provider_id=reply.provider_id,
            sender=reply.sender,
            key=key,
            recipient=reply.recipient,
            body=reply.text,
            at=at,
        )
        new += [reply.provider_id] * len(found)
    return new


def patients_at(connection: Connection, address: str) -> list[int]:
    """Everybody this number or e-mail address serves, however the address is spelt."""
    return [row.id for row in rows(connection, SERVED, address=address)]


def outstanding(
    connection: Connection, provider: str, *, since: int, limit: int = 200
) -> list[str]:
    """Provider ids of recent submissions whose fate is not final, for a provider to be asked.

    The latest first: numbers long switched off must not keep it from being asked about today's.
    """
    found = rows(
        connection,
        "SELECT provider_id FROM attempt WHERE provider = :provider AND provider_id <> '' "
        "AND state IN ('ACCEPTED', 'UNKNOWN') AND started_at > :since "
        "ORDER BY started_at DESC, id DESC LIMIT :limit",
        provider=provider,
        since=since,
        limit=limit,
    )
    return [row.provider_id for row in found]
