"""Objections: who wants to be written to no more, over what, about what, and how it ends.

An objection is recorded on the pair (person, address) and works on both halves (ADR 0011):

- the address: nothing leaves to it over the channel, about anybody, known today or not;
- the person: nothing about them leaves over the channel, to whatever address the DPI may bring.

A suspension (somebody else holds the number) has the first half only: once the DPI has the right
number, the patient is written to there. Both halves reach as far as the scope: "all", one service
("service:{uf}") or one appointment ("appointment:{id}").

In force for every intent committed after the transaction that records it: an intent and an
objection wait for each other on the patient's row.
"""

from collections.abc import Sequence
from datetime import datetime

from reminders.domain.answer import Priority
from reminders.domain.reply import Action, interpret
from reminders.services.tasks import SENTENCES
from reminders.store import answers, facts, objections, outbox, planning, receipts
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.objections import WHOLE
from reminders.store.types import DAY, micros

WRITTEN_TO = 30 * DAY  # a stop covers whoever the address was written to about in this time
BLOCK_LIST_EVERY = DAY
CHUNK = 100  # numbers of a block list recorded in one transaction

# How it was told. A patient may take back what a patient told, never what staff or a provider did.
BY_SMS, BY_PAGE, BY_EMAIL, BY_STAFF, BY_PROVIDER = "reply", "page", "email", "staff", "provider"
BY_PATIENT = (BY_SMS, BY_PAGE, BY_EMAIL)


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
    scopes: Sequence[str] = (WHOLE,),
) -> int:
    """Record an objection of these people at this address ("all": over no channel any more):
    how many rows are new. Without a person it is the address's alone."""
    people = [*patients, *receipts.patients_at(connection, address)]
    planning.mark_dirty(connection, people)
    new = objections.record(
        connection, planning.address_key(secret, address), patients,
        channel=channel, scopes=scopes, origin=origin, by=by, at=at,
    )  # fmt: skip
    outbox.forbid(connection, sorted(set(people)), of="patient_id", now=at)
    return new


def concerned(connection: Connection, secret: bytes, address: str, at: int) -> list[int]:
    """Everybody an objection at this address may be about: whom it serves, and about whom it
    was written to of late."""
    key = planning.address_key(secret, address)
    recent = answers.written_to(connection, key, since=at - WRITTEN_TO)
    return sorted({*recent, *receipts.patients_at(connection, address)})


def resume(
    connection: Connection,
    secret: bytes,
    address: str,
    *,
    origins: Sequence[str],
    channel: str = WHOLE,
    by: str = "",
    at: int,
) -> int:
    """End what was told at this address in these ways; one told for every channel goes on for
    the others. How many objections ended."""
    key = planning.address_key(secret, address)
    people = [row.patient_id for row in objections.at_key(connection, key) if row.patient_id]
    planning.mark_dirty(connection, [*people, *receipts.patients_at(connection, address)])
    ended = objections.withdraw(connection, key, origins=origins, channel=channel, by=by, at=at)
    return len(ended)


def lift(
    connection: Connection,
    secret: bytes,
    row: Record,
    addresses: Sequence[str],
    *,
    by: str,
    at: int,
) -> int:
    """End one objection (`store/objections.find`) with what was told with it: how many ended.
    `addresses`: those it may be about, of which only a hash is kept."""
    people = objections.told_with(connection, row)
    for address in addresses:
        if planning.address_key(secret, address) == bytes(row.address_key):
            people += receipts.patients_at(connection, address)
    planning.mark_dirty(connection, people)
    planning.mark_patients_of(connection, "recipient_key = :key", key=row.address_key)
    return objections.end_telling(connection, row, by=by, at=at)


def still_objects(
    connection: Connection,
    secret: bytes,
    address: str,
    channel: str,
    patients: Sequence[int] = (),
) -> bool:
    """Does anything still keep messages from this address, or from those it serves or these
    `patients`? Then nobody may be promised that they come again."""
    people = {*patients, *receipts.patients_at(connection, address)}
    standing = [
        *objections.at_key(connection, planning.address_key(secret, address)),
        *objections.of_people(connection, sorted(people)),
    ]
    return any(
        row.channel in (WHOLE, channel) and not row.scope.startswith("appointment:")
        for row in standing
    )


def told_to_stand(
    connection: Connection,
    secret: bytes,
    address: str,
    channel: str,
    patients: Sequence[int],
    subject: str,
    *,
    at: int,
) -> bool:
    """Messages are wanted again and something still stands in the way: True, and a task."""
    stands = still_objects(connection, secret, address, channel, patients)
    if stands:
        _task(connection, "start_stands", subject, at)
    return stands


def start_again(
    connection: Connection, secret: bytes, number: str, subject: str, *, at: int
) -> bool:
    """START: SMS come again if it was by SMS or on the page that they were stopped. False where
    staff or a provider still stand in the way: a task says so, and nothing may be promised."""
    resume(connection, secret, number, origins=(BY_SMS, BY_PAGE), channel="sms", at=at)
    return not told_to_stand(connection, secret, number, "sms", (), subject, at=at)


def blocked_by_provider(
    connection: Connection,
    secret: bytes,
    address: str,
    *,
    channel: str,
    by: str,
    at: int,
    patient: int | None = None,
    clear: bool = False,
) -> bool:
    """A provider refuses this address: as if its holder had told us. True if that is news.

    Some providers take CANCEL, END or ARRET for a stop. Unless the wish is `clear`, or was told
    us before, each appointment to come that was asked about becomes a task: the patient may have
    meant to cancel it.
    """
    key = planning.address_key(secret, address)
    told = any(
        row.scope == WHOLE and row.channel in (WHOLE, channel)
        for row in objections.at_key(connection, key)
    )
    recent = answers.written_to(connection, key, since=at - WRITTEN_TO)
    people = sorted({*recent, *([] if patient is None else [patient])})
    new = object_to(
        connection, secret, address,
        patients=people, channel=channel, origin=BY_PROVIDER, by=by, at=at,
    )  # fmt: skip
    if new and not told and not clear:
        _ask_what_was_meant(connection, key, at)
    return new > 0


def _ask_what_was_meant(connection: Connection, key: bytes, at: int) -> None:
    kind = "provider_stop"
    for visit in objections.unanswered(connection, key, since=at - WRITTEN_TO, now=at):
        planning.open_tasks(
            connection,
            [
                (reserve(connection, "task", 1), kind, f"appointment:{visit.id}", visit.version,
                 SENTENCES[kind], visit.uf, at, at)
            ],
            priority=int(Priority.CANCELLATION),
        )  # fmt: skip


def heed_provider(
    connection: Connection, secret: bytes, provider: str, number: str, text: str, did: str, at: int
) -> None:
    """What a provider did to its own block list because of a reply: "set" or "lifted"."""
    if did == "set":
        clear = interpret(text, "fr").action is Action.OPT_OUT
        blocked_by_provider(
            connection, secret, number, channel="sms", by=provider, at=at, clear=clear
        )
    elif did == "lifted":
        resume(
            connection, secret, number, origins=(BY_PROVIDER,), channel="sms", by=provider, at=at
        )


def answered_by_provider(connection: Connection, key: bytes, provider: str) -> bool:
    """Does the provider block this number itself? Then it has answered the stop itself, and
    would refuse our answer."""
    return any(
        row.origin == BY_PROVIDER and row.recorded_by == provider
        for row in objections.at_key(connection, key)
    )


# --- a provider's block list, once a day -------------------------------------------------------


def block_list_due(store: Store, provider: str, *, now: datetime) -> bool:
    with store.read() as connection:
        last = facts.read(connection, f"block-list:{provider}")
    return not last or int(last) + BLOCK_LIST_EVERY <= micros(now)


def take_block_list(
    store: Store, secret: bytes, provider: str, numbers: Sequence[str], *, now: datetime
) -> int:
    """Record the numbers of a provider's own block list we did not know of: how many.

    A number that left the list is not written to again for that: an answer cut short would look
    the same. Somebody of the hospital says so (`reminders object --withdraw`).
    """
    at = micros(now)
    with store.read() as connection:
        known = objections.listed_by(connection, provider)
    fresh = [
        one for one in dict.fromkeys(numbers) if planning.address_key(secret, one) not in known
    ]
    for first in range(0, len(fresh), CHUNK):
        with store.write() as connection:
            for number in fresh[first : first + CHUNK]:
                blocked_by_provider(connection, secret, number, channel="sms", by=provider, at=at)
    with store.write() as connection:
        facts.replace(connection, f"block-list:{provider}", str(at))
    return len(fresh)


def _task(connection: Connection, kind: str, subject: str, at: int) -> None:
    planning.open_tasks(
        connection,
        [(reserve(connection, "task", 1), kind, subject, 1, SENTENCES[kind], "", at, at)],
    )
