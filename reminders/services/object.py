"""An objection told to staff: in force for every intent committed after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.domain.patient import mail_address
from reminders.domain.phone import classify
from reminders.errors import Problem, RepairNeeded
from reminders.services.objections import BY_STAFF, lift, object_to, resume, still_objects
from reminders.store import facts, objections, planning, receipts
from reminders.store.engine import Store
from reminders.store.objections import WHOLE
from reminders.store.types import micros


@dataclass(frozen=True, slots=True)
class Objected:
    address: str
    patients: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """`ended`: how many objections; `stands`: another, told at another address, still holds."""

    address: str
    ended: int
    stands: bool


def object_address(
    store: Store,
    secret: bytes,
    address: str,
    *,
    now: datetime,
    by: str,
    channel: str = "all",
    scope: str = WHOLE,
) -> Objected:
    """Nobody writes to this address any more, nor to the patients it serves, by any channel, or
    by one only; about anything, or about one service or appointment only (`scope`).

    Raises RepairNeeded for what is neither a telephone number nor an e-mail address.
    """
    known = _known(address)
    at = micros(now)
    with store.write() as connection:
        patients = receipts.patients_at(connection, known)
        object_to(
            connection, secret, known,
            patients=patients, channel=channel, scopes=[scope], origin=BY_STAFF, by=by, at=at,
        )  # fmt: skip
        facts.audit(connection, at=at, actor=by, action="object", patients=len(patients))
    return Objected(known, len(patients))


def withdraw_at(store: Store, secret: bytes, address: str, *, now: datetime, by: str) -> Withdrawn:
    """Somebody of the hospital says that this address may be written to again, whoever asked
    for the contrary and how.

    Raises RepairNeeded as `object_address`.
    """
    known = _known(address)
    at = micros(now)
    with store.write() as connection:
        key = planning.address_key(secret, known)
        origins = sorted({row.origin for row in objections.at_key(connection, key)})
        ended = resume(connection, secret, known, origins=origins, at=at)
        channel = "email" if "@" in known else "sms"
        stands = still_objects(connection, secret, known, channel)
        facts.audit(connection, at=at, actor=by, action="withdraw objection", ended=ended)
    return Withdrawn(known, ended, stands)


def object_person(
    store: Store,
    secret: bytes,
    patients: Sequence[int],
    *,
    now: datetime,
    by: str,
    address: str = "",
    channel: str = WHOLE,
    scope: str = WHOLE,
) -> int:
    """Nothing is written about these files of one person any more, over the channel, within the
    scope, wherever it would go; with an `address`, nothing to it either, about anybody. How many
    objections are new."""
    at = micros(now)
    with store.write() as connection:
        people = set(patients)
        if address:
            people.update(receipts.patients_at(connection, address))
        new = object_to(
            connection, secret, address or f"patient:{min(patients)}", patients=sorted(people),
            channel=channel, scopes=[scope], origin=BY_STAFF, by=by, at=at,
        )  # fmt: skip
        facts.audit(
            connection, at=at, actor=by, action="object", subject=f"patient:{min(patients)}",
            channel=channel, scope=scope, patients=len(people),
        )  # fmt: skip
    return new


def withdraw_one(
    store: Store,
    secret: bytes,
    objection: int,
    addresses: Sequence[str],
    *,
    now: datetime,
    by: str,
) -> bool:
    """End one objection, with what the same person told at the same moment: the patient wants
    messages again. False: it has ended already. `addresses`: those the patients it is about are
    known at, of which one may be its own (only a hash of that is kept)."""
    at = micros(now)
    with store.write() as connection:
        row = objections.find(connection, objection)
        if row is None or row.withdrawn_at is not None:
            return False
        ended = lift(connection, secret, row, addresses, by=by, at=at)
        subject = f"patient:{row.patient_id}" if row.patient_id is not None else ""
        facts.audit(
            connection, at=at, actor=by, action="withdraw objection", subject=subject, ended=ended
        )
    return ended > 0


def _known(told: str) -> str:
    """The address as patients' rows have it."""
    what = "cette adresse de courriel n'en est pas une"
    if "@" in told:
        known = mail_address(told)
    else:
        phone = classify(told)
        known, what = phone.e164 or "", phone.reason
    if not known:
        raise RepairNeeded(Problem("adresse", what, "donner un numéro ou une adresse de courriel"))
    return known
