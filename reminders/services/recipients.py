"""Who is written to, told by telephone: a number or an e-mail address that counts before the
DPI's, until somebody withdraws it or the DPI has a newer contact (ADR 0012)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reminders.domain.marking import N_
from reminders.domain.patient import mail_address
from reminders.domain.phone import Phone, classify
from reminders.domain.protocol import Person
from reminders.domain.recipient import is_minor, relation_on
from reminders.domain.telling import not_to_be_told
from reminders.store import facts, planning, recipients
from reminders.store.engine import Connection, Record, Store
from reminders.store.objections import WHOLE
from reminders.store.types import micros

WHY_NOT = {
    "represented": N_(
        "Ce patient est mineur ou protégé : on écrit à son représentant. Indiquer le numéro de "
        "celui-ci."
    ),
    "of_age": N_("Ce patient est majeur : choisir « le patient » ou « un proche »."),
    "not_protected": N_(
        "Le DPI ne signale pas de mesure de protection : choisir « un proche », ou faire corriger "
        "le DPI."
    ),
    "minor": N_("Ce patient est mineur : choisir « un parent » ou « le tuteur »."),
    "protected": N_("Ce patient est protégé : choisir « le tuteur »."),
    "unknown": N_("Dire de qui est cette adresse."),
    "nothing": N_("Donner un numéro de mobile ou une adresse de courriel."),
    "mail": N_("Cette adresse de courriel n’en est pas une."),
    "purged": N_("L’identité de ce patient est effacée : rien ne peut plus lui être écrit."),
    "blocked": N_("Rien n’est écrit à ce patient : décès, identité bloquée ou dossier fusionné."),
}


class NotTold(Exception):
    """`field`: phone | email | relation | ""; the sentence is for people."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(field)
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody said on the telephone, as it was typed."""

    relation: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a recipient would change. Addresses as they will be written to, "" for none.

    `waiting`: texts that have not left. `objecting`: channels over which nothing will leave to
    the new address. `others`: patients the new number serves already.
    """

    relation: str
    phone: str
    email: str
    before: tuple[str, str]
    waiting: int
    objecting: frozenset[str]
    others: int


def look(store: Store, secret: bytes, patient: int, told: Told, *, now: datetime) -> Change:
    """What telling this would do; nothing is written. Raises NotTold."""
    with store.read() as connection:
        row, number, email = _accepted(connection, patient, told, now.date())
        new = _columns(row, told.relation, number, email)
        phone, mail = _shown(new, told.relation)
        keys = {
            channel: planning.address_key(secret, address)
            for channel, address in (("sms", phone), ("email", mail))
            if address
        }
        effective = {name: getattr(row, f"now_{name}") for name in ADDRESSES}
        return Change(
            relation=told.relation,
            phone=phone,
            email=mail,
            before=_shown(effective, _written_to(row, str(row.now_proxy), now.date())),
            waiting=len(recipients.waiting(connection, patient)),
            objecting=_objecting(
                planning.objections(connection, [patient], list(keys.values())), patient, keys
            ),
            others=recipients.others_at(connection, number.e164 or email, patient),
        )


def tell(
    store: Store,
    secret: bytes,
    patient: int,
    told: Told,
    *,
    origin: str,
    by: str,
    now: datetime,
) -> bool:
    """From now on this patient's texts go there; those that have not left are called back and
    planned again. False: this form was taken before. Raises NotTold."""
    at = micros(now)
    with store.write() as connection:
        recipients.lock(connection, patient)
        if recipients.known(connection, origin):
            return False
        recipients.end(connection, patient, ended="replaced", by=by, at=at)
        row, number, email = _accepted(connection, patient, told, now.date())
        new = _columns(row, told.relation, number, email)
        recipients.tell(
            connection, row, new, relation=told.relation,
            told=(number.e164 or "", number.zone or "", email), origin=origin, by=by, at=at,
        )  # fmt: skip
        _send_there(connection, secret, patient, new, told.relation, at)
        facts.audit(
            connection, at=at, actor=by, action="tell recipient", subject=f"patient:{patient}",
            relation=told.relation,
        )  # fmt: skip
    return True


def withdraw(store: Store, secret: bytes, patient: int, *, by: str, now: datetime) -> bool:
    """The DPI's contact counts again; False where none was told."""
    at = micros(now)
    with store.write() as connection:
        recipients.lock(connection, patient)
        if not recipients.end(connection, patient, ended="withdrawn", by=by, at=at):
            return False
        row = recipients.find(connection, patient)
        assert row is not None
        back = {name: str(getattr(row, name)) for name in ADDRESSES}
        _send_there(connection, secret, patient, back, _written_to(row, row.proxy, now.date()), at)
        facts.audit(
            connection, at=at, actor=by, action="withdraw recipient", subject=f"patient:{patient}"
        )
    return True


def _send_there(
    connection: Connection,
    secret: bytes,
    patient: int,
    columns: Mapping[str, str],
    relation: str,
    at: int,
) -> None:
    """The planner writes the reminders again; what staff wrote is sent to the new address."""
    recipients.call_back(connection, patient, at=at)
    about = "" if relation == "patient" else relation
    for channel, value in zip(("sms", "email"), _shown(columns, relation), strict=True):
        key = planning.address_key(secret, value) if value else b""
        recipients.readdress(connection, patient, channel, (value, key, about), at=at)


def _accepted(
    connection: Connection, patient: int, told: Told, today: date
) -> tuple[Record, Phone, str]:
    """The patient as the DPI has them, and what was told of them. Raises NotTold."""
    row = recipients.find(connection, patient)
    if row is None or row.contact_problem == "purged":
        raise NotTold("", WHY_NOT["purged"])
    if row.deceased or row.blocked or row.merged_into is not None:
        raise NotTold("", WHY_NOT["blocked"])
    refused = not_to_be_told(
        told.relation,
        minor=is_minor(_born(row), today),
        protected=bool(row.protected),
        represented=_written_to(row, row.proxy, today) != "patient",
    )
    if refused:
        raise NotTold("relation", WHY_NOT[refused])
    number, email = _number(told.phone), _mail(told.email)
    if number.e164 is None and not email:
        raise NotTold("phone", WHY_NOT["nothing"])
    return row, number, email


ADDRESSES = (
    "phone", "phone_zone", "email", "proxy", "proxy_phone", "proxy_zone", "proxy_email",
    "contact_problem",
)  # fmt: skip


def _columns(row: Record, relation: str, number: Phone, email: str) -> dict[str, str]:
    """The DPI's columns with what was told in them. A representative's other address stays
    theirs; another representative's is nobody's."""
    new = {name: str(getattr(row, name)) for name in ADDRESSES}
    sms = {"phone": number.e164 or "", "zone": number.zone or ""}
    if relation == "patient":
        if sms["phone"]:
            new |= {"phone": sms["phone"], "phone_zone": sms["zone"], "contact_problem": ""}
        return new | ({"email": email} if email else {})
    if row.proxy != relation:
        new |= {"proxy": relation, "proxy_phone": "", "proxy_zone": "", "proxy_email": ""}
    if sms["phone"]:
        new |= {"proxy_phone": sms["phone"], "proxy_zone": sms["zone"]}
    return new | ({"proxy_email": email} if email else {})


def _shown(columns: Mapping[str, str], relation: str) -> tuple[str, str]:
    """The number and the e-mail address this holder is written to at."""
    before = "" if relation == "patient" else "proxy_"
    return columns[f"{before}phone"], columns[f"{before}email"]


def _written_to(row: Record, proxy: str, today: date) -> str:
    """Who is written to: patient, parent, guardian or helper."""
    person = Person(
        row.id, birth_date=_born(row), protected=bool(row.protected), representative=proxy
    )
    return relation_on(person, today) or "patient"


def _born(row: Record) -> date | None:
    return date.fromisoformat(row.birth_date) if row.birth_date else None


def _number(typed: str) -> Phone:
    phone = classify(typed)
    if typed.strip() and not phone.textable:
        raise NotTold("phone", phone.reason)
    return phone


def _mail(typed: str) -> str:
    if typed.strip() and not mail_address(typed):
        raise NotTold("email", WHY_NOT["mail"])
    return mail_address(typed)


def _objecting(
    standing: Sequence[Record], patient: int, keys: Mapping[str, bytes]
) -> frozenset[str]:
    found: set[str] = set()
    for row in standing:
        for channel in ("sms", "email"):
            about = row.patient_id == patient or bytes(row.address_key) == keys.get(channel)
            if about and row.scope == WHOLE and row.channel in (WHOLE, channel):
                found.add(channel)
    return frozenset(found)
