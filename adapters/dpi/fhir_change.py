"""What an answer changes in a FHIR Appointment, and when it may. Pure, on the resource as sent.

The resource is changed as the JSON it came as: elements and extensions we know nothing of go
back as they were, decimals digit for digit. Read-modify-write: https://hl7.org/fhir/R4/http.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from adapters.dpi.fhir_resources import Appointment, Head, Participant, Patient, Reference
from adapters.dpi.fhir_values import (
    EntryProblem,
    Reading,
    actor_type,
    current,
    external_id,
    instant,
    ipp,
    is_ins,
)
from reminders.errors import Refused
from reminders.ports import Change, Written

Json = dict[str, Any]

REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
BY_PATIENT = {"coding": [{"system": REASONS, "code": "pat", "display": "Patient"}]}
OPEN = frozenset({"booked", "pending"})

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Found:
    """One appointment as the server holds it now."""

    whole: Json
    seen: Appointment  # the same, as the reader sees it
    etag: str = ""


def found(body: bytes, etag: str = "") -> Found | None:
    """The appointment of an answer; None if it is none, or cannot be read."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        whole = _decode(body)
        if not isinstance(whole, dict) or whole.get("resourceType") != "Appointment":
            return None
        return Found(whole, msgspec.json.decode(body, type=Appointment), etag)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def encoded(resource: Json) -> bytes:
    return _encode(resource)


def number_of(one: Found, reading: Reading) -> str:
    return external_id(one.seen.identifier, one.seen.id, reading)


def identifier_of(one: Found, reading: Reading) -> str:
    """`system|value` under which a conditional update finds this appointment; "" for none."""
    wanted = number_of(one, reading)
    for each in one.seen.identifier:
        if each.value == wanted and each.system:
            return f"{each.system}|{each.value}"
    return ""


# --- whose it is -----------------------------------------------------------------------------


def patient_line(one: Found, reading: Reading, now: datetime) -> int:
    """The place of the patient's line among the participants. Raises Refused: none, several."""
    lines = [
        place
        for place, line in enumerate(one.seen.participant)
        if _names_a_patient(line, one, reading) and current(line.period, now, reading.zone)
    ]
    if len(lines) != 1:
        raise Refused("fhir patient_line")
    return lines[0]


def _names_a_patient(line: Participant, one: Found, reading: Reading) -> bool:
    actor = line.actor
    if actor.reference.startswith("#"):
        return contained_patient(one, actor) is not None
    if kind := actor_type(actor):
        return kind == "Patient"
    number = actor.identifier
    return number is not None and (is_ins(number) or ipp([number], reading) is not None)


def contained_patient(one: Found, actor: Reference) -> bytes | None:
    for raw in one.seen.contained:
        head = msgspec.json.decode(raw, type=Head)
        if head.resource_type == "Patient" and f"#{head.id}" == actor.reference:
            return bytes(raw)
    return None


def is_this_patient(body: bytes, patient: str, reading: Reading) -> bool:
    """Does a Patient resource carry the identifier the reader would have told?"""
    told = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=Patient)
    number = ipp(told.identifier, reading)
    return (number.value if number else told.id) == patient


# --- what is changed -------------------------------------------------------------------------


def settled(one: Found, change: Change) -> Written | None:
    """Why nothing is to be written; None: this very version may be changed."""
    if change.answer == "cancelled" and one.seen.status == "cancelled":
        return Written.ALREADY
    if one.seen.status not in OPEN:
        return Written.CLOSED
    try:
        start = instant(one.seen.start, "start")
    except EntryProblem:
        return Written.CHANGED
    return None if start == change.starts_at else Written.CHANGED


def changed(one: Found, change: Change, line: int) -> Json | None:
    """The whole resource with this one change; None if it says so already."""
    if change.answer == "cancelled":
        return {**one.whole, "status": "cancelled", "cancelationReason": BY_PATIENT}
    participants = list(one.whole["participant"])
    if participants[line].get("status") == "accepted":
        return None
    participants[line] = {**participants[line], "status": "accepted"}
    return {**one.whole, "participant": participants}


def appointments_of(body: bytes) -> Iterator[Found]:
    """The appointments of a searchset. Raises MsgspecError for what is no Bundle."""
    bundle = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=_Bundle)
    for entry in bundle.entry:
        if (one := found(bytes(entry.resource))) is not None:
            yield one


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw(b"null")


class _Bundle(msgspec.Struct, frozen=True):
    entry: tuple[_Entry, ...] = ()
