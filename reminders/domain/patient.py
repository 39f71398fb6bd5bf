"""Who may be written to, and where: a patient record reduced to what sending needs."""

import re
from dataclasses import dataclass

from reminders.domain.appointment import ContactPoint, Holder, PatientRecord
from reminders.domain.phone import Kind, Phone, numbers_in

# HL7 table 0445 as used in France: identities nobody may be written to under (DOMAIN 2.3).
BLOCKED_IDENTITIES = frozenset({"ANOM", "CACH", "FICT", "USUR", "DESA", "DOUA", "INVA", "COLV"})

_MAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")


@dataclass(frozen=True, slots=True)
class Reach:
    """The addresses of one patient. `problem`: why there is no number ("" if there is one)."""

    phone: str = ""
    phone_zone: str = ""
    email: str = ""
    proxy: str = ""  # "parent" | "guardian" | ""
    proxy_phone: str = ""
    proxy_zone: str = ""
    proxy_email: str = ""
    problem: str = ""


def blocked_reason(patient: PatientRecord) -> str:
    """Why nobody may write to this identity, in the ledger's word; "" if one may.

    Death is kept apart (`deceased`): it is re-read at every send.
    """
    if patient.identity_status.strip().upper() in BLOCKED_IDENTITIES:
        return "identity"
    if patient.confidential:
        return "confidential"
    return "" if patient.active else "inactive"


def reach(patient: PatientRecord) -> Reach:
    """Classify every contact point by what it is, never by its label; none of work, by default."""
    usable = [
        point
        for point in patient.contacts
        if not point.ended and point.use not in ("old", "work") and point.value.strip()
    ]
    own = _ordered(usable, Holder.SELF)
    phone, problem = _number(own)
    proxy, points = _proxy(usable, protected=patient.protected_adult)
    proxy_phone, _ = _number(points)
    return Reach(
        phone=phone.e164 or "" if phone else "",
        phone_zone=phone.zone or "" if phone else "",
        email=_mail(own),
        proxy=proxy,
        proxy_phone=proxy_phone.e164 or "" if proxy_phone else "",
        proxy_zone=proxy_phone.zone or "" if proxy_phone else "",
        proxy_email=_mail(points),
        problem=problem,
    )


def _ordered(points: list[ContactPoint], holder: Holder) -> list[ContactPoint]:
    """Ranked ones first, then those the DPI calls mobile, then the rest in its order."""
    mine = [point for point in points if point.holder is holder]
    return sorted(mine, key=lambda p: (p.rank == 0, p.rank, p.use != "mobile"))


def _proxy(points: list[ContactPoint], *, protected: bool) -> tuple[str, list[ContactPoint]]:
    """The representative whose addresses are kept; protocol rules say when they are used."""
    holders = [Holder.PARENT, Holder.GUARDIAN]
    for holder in reversed(holders) if protected else holders:
        found = _ordered(points, holder)
        if found:
            return holder.value, found
    return "", []


def _number(points: list[ContactPoint]) -> tuple[Phone | None, str]:
    """The first number an SMS may go to, else why there is none."""
    problem = "no_contact"
    for point in points:
        if _MAIL.fullmatch(point.value.strip()):
            continue
        for number in numbers_in(point.value):
            if number.textable:
                return number, ""
            if number.kind in (Kind.LANDLINE, Kind.VOIP):
                problem = "landline_only"
            elif problem == "no_contact":
                problem = "invalid_number"
    return None, problem


def _mail(points: list[ContactPoint]) -> str:
    for point in points:
        if address := mail_address(point.value):
            return address
    return ""


def mail_address(text: str) -> str:
    """The e-mail address this text is, "" if it is none."""
    address = text.strip()
    return address if len(address) <= 254 and _MAIL.fullmatch(address) else ""
