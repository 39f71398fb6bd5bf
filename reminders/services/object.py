"""An objection told to staff: in force for every intent committed after it."""

from dataclasses import dataclass
from datetime import datetime

from reminders.domain.patient import mail_address
from reminders.domain.phone import classify
from reminders.errors import Problem, RepairNeeded
from reminders.services.receive import object_to
from reminders.store import facts, receipts
from reminders.store.engine import Store
from reminders.store.types import micros


@dataclass(frozen=True, slots=True)
class Objected:
    address: str
    patients: int


def object_address(
    store: Store, secret: bytes, address: str, *, now: datetime, by: str
) -> Objected:
    """Nobody writes to this address any more, nor to the patients it serves, by any channel.

    Raises RepairNeeded for what is neither a telephone number nor an e-mail address.
    """
    known = _known(address)
    at = micros(now)
    with store.write() as connection:
        patients = receipts.patients_at(connection, known)
        object_to(
            connection, secret, known,
            patients=patients, channel="all", origin="staff", by=by, at=at,
        )  # fmt: skip
        facts.audit(connection, at=at, actor=by, action="object", patients=len(patients))
    return Objected(known, len(patients))


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
