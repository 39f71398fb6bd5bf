"""Looking at a session before one writes to it: who would be told, in which words, at what price.

Nothing is changed here; the same look is taken again when the writing is confirmed.
"""

from collections import Counter, defaultdict, namedtuple
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from reminders.domain.booking import Address, Booking, Person, Step
from reminders.domain.calendar import civil_day
from reminders.domain.marking import N_
from reminders.domain.recipient import address_for, number_zone
from reminders.domain.writing import (
    ASKS_A_NUMBER,
    MOST,
    NO_CALL,
    NOTHING,
    SESSION,
    Details,
    Session,
    moment_for,
)
from reminders.errors import TemplateError
from reminders.services.compose import Composed, Composer, Draft, Item, Route, Templates
from reminders.services.plan import people_of
from reminders.services.rules import Rules
from reminders.store import templates
from reminders.store import writing as written
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, micros

CHANNELS = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Means:
    """What composing a text needs."""

    rules: Rules
    composer: Composer
    routes: Sequence[Route]
    secret: bytes
    zone: ZoneInfo


class Visit(NamedTuple):
    """One appointment of a session."""

    appointment: int
    version: int
    patient: int  # 0: the DPI told none
    starts_at: datetime
    uf: str
    agenda: str
    kind: str
    number: str
    duration_minutes: int | None
    given: str
    name: str
    holds: int = 0  # in force, that keep back what is written about it


@dataclass(frozen=True, slots=True)
class Recipient:
    """One text to one person about their appointments of the session."""

    visits: tuple[Visit, ...]
    address: Address
    language: str
    opens: datetime
    closes: datetime
    subject: str
    text: str
    segments: int
    price_eur: float

    @property
    def patient(self) -> int:
        return self.visits[0].patient


@dataclass(frozen=True, slots=True)
class Missed:
    """An appointment no text can tell, and why; `call`: somebody calls instead."""

    visit: Visit
    reason: str

    @property
    def call(self) -> bool:
        return self.reason not in NO_CALL


@dataclass(frozen=True, slots=True)
class Survey:
    """Who would be written to, who not, what it costs. `too_many`: more than one writing may
    reach; nobody is then."""

    session: Session
    purpose: str
    recipients: tuple[Recipient, ...] = ()
    missed: tuple[Missed, ...] = ()
    too_many: bool = False

    @property
    def patients(self) -> int:
        return len(self.recipients)

    @property
    def appointments(self) -> int:
        return sum(len(one.visits) for one in self.recipients) + len(self.missed)

    @property
    def calls(self) -> int:
        return sum(one.call for one in self.missed)

    @property
    def segments(self) -> int:
        return sum(one.segments for one in self.recipients)

    @property
    def price_eur(self) -> float:
        return sum(one.price_eur for one in self.recipients)

    @property
    def reasons(self) -> Counter[str]:
        return Counter(one.reason for one in self.missed)

    @property
    def channels(self) -> Counter[str]:
        return Counter(one.address.channel for one in self.recipients)

    @property
    def asks_a_number(self) -> bool:
        return self.patients > ASKS_A_NUMBER


class Refused(Exception):
    """A writing that cannot be: `code` for programs, the sentence for people, and how things
    stand now."""

    def __init__(self, code: str, sentence: str, survey: Survey | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.survey = survey


def survey(
    store: Store,
    means: Means,
    session: Session,
    purpose: str,
    ufs: Collection[str] | None,
    *,
    now: datetime,
) -> Survey:
    """Who a session's text would reach. `ufs`: the services the sender may write for, None all.

    Raises Refused for what is no session.
    """
    with store.read() as connection:
        return look(connection, means, session, purpose, ufs, now)


def look(
    connection: Connection,
    means: Means,
    session: Session,
    purpose: str,
    ufs: Collection[str] | None,
    now: datetime,
) -> Survey:
    """The same within somebody's transaction."""
    if mistake := session.mistake():
        raise Refused("session", mistake)
    if purpose not in SESSION:
        raise Refused("purpose", N_("Choisir ce que le message doit dire."))
    field, wrong = session.details.mistake()
    if wrong:
        raise Refused(field, wrong)
    start, end = session.bounds(means.zone)
    if end <= now:
        raise Refused("session", N_("Cette séance est passée : il est trop tard pour l’écrire."))
    if session.uf:
        ufs = [session.uf] if ufs is None or session.uf in ufs else []
    found = written.session(
        connection,
        ufs=ufs, agenda=session.agenda, start=micros(start), end=micros(end), purpose=purpose,
        late=session.details.late_minutes, place=session.details.place, limit=MOST + 1,
    )  # fmt: skip
    if len(found) > MOST:
        return Survey(session, purpose, too_many=True)
    chosen, missed = addressed(connection, means, found, now)
    approved = (
        Templates.of(templates.versions(connection, now=micros(now))) if chosen else Templates([])
    )
    recipients, unsaid = composed(means, approved, purpose, chosen, found, now, session.details)
    missed = sorted([*missed, *unsaid], key=lambda one: (one.visit.starts_at, one.visit.name))
    return Survey(session, purpose, tuple(recipients), tuple(missed))


class _Chosen(NamedTuple):
    """Whom and when, before the words."""

    visits: tuple[Visit, ...]
    address: Address
    language: str
    opens: datetime
    closes: datetime


def addressed(
    connection: Connection, means: Means, found: Sequence[Record], now: datetime
) -> tuple[list[_Chosen], list[Missed]]:
    """The recipients of a session's appointments, one for each patient and address."""
    rows = {row.id: _seen(row) for row in found if row.id is not None}
    people, objects_about = people_of(
        connection, means.rules, means.secret, list(rows.values()), now=now
    )
    known = {person.id: person for person in people}
    missed: list[Missed] = []
    together: dict[tuple[object, ...], list[tuple[Visit, Address]]] = defaultdict(list)
    for row in found:
        visit, person = _visit(row), known.get(row.id or 0)
        about = _About(visit.appointment, visit.patient, visit.uf)
        refused = objects_about(cast(Record, about)) if person else frozenset[str]()
        reason, address = _to_whom(means, row, visit, person, refused, now)
        if address is None:
            missed.append(Missed(visit, reason))
            continue
        desk = means.rules.desks[visit.uf]
        together[visit.patient, desk.site_id, desk.sensitivity, address].append((visit, address))
    chosen = []
    for members in together.values():
        visits, address = tuple(visit for visit, _ in members), members[0][1]
        moment = _moment(means, known[visits[0].patient], visits, now)
        if moment is None:
            missed += [Missed(visit, "no_moment") for visit in visits]
            continue
        chosen.append(_Chosen(visits, address, known[visits[0].patient].language, *moment))
    return chosen, missed


class _About(NamedTuple):
    id: int
    patient_id: int
    uf: str


def _seen(row: Record) -> Record:
    """The patient of a session's row, as planning reads one."""
    fields = row._fields[: -written.ADDED_COUNT]
    return cast(Record, namedtuple("Seen", fields)(*row[: -written.ADDED_COUNT]))


def _visit(row: Record) -> Visit:
    return Visit(
        row.appointment_id, row.version, row.id or 0, instant(row.starts_at), row.uf, row.agenda,
        row.kind, row.external_id, row.duration_minutes, row.given or "",
        f"{row.family or ''} {row.given or ''}".strip(), row.holds,
    )  # fmt: skip


def _to_whom(
    means: Means,
    row: Record,
    visit: Visit,
    person: Person | None,
    refused: frozenset[str],
    now: datetime,
) -> tuple[str, Address | None]:
    """(why no text goes, whom it goes to): the rules of any reminder, its caps and hour apart."""
    unit = means.rules.units.get(visit.uf)
    if visit.starts_at <= now:
        return "past", None
    if person is None:
        return "no_patient", None
    if row.written:
        return "already_written", None
    if row.answer == "cancelled":
        return "cancellation_asked", None
    if person.blocked:
        return person.blocked, None
    if unit is None:
        return "unmapped", None
    if unit.sensitivity == "excluded":
        return "excluded", None
    if row.all_day:
        return "no_hour", None
    booking = Booking(
        visit.appointment, "", visit.starts_at, visit.version, "booked", visit.uf, unit, now, now,
        objects=refused,
    )  # fmt: skip
    step = Step("staff", "", None, channels=CHANNELS)
    address = address_for(person, booking, step, civil_day(now, unit.hours.zone))
    if address is None:
        objects = (person.objects or refused) and person.addresses
        return ("objection" if objects else person.no_contact), None
    return "", address


def _moment(
    means: Means, person: Person, visits: Sequence[Visit], now: datetime
) -> tuple[datetime, datetime] | None:
    hours = means.rules.units[visits[0].uf].hours
    zone = number_zone(person, civil_day(now, hours.zone))
    return moment_for(min(visit.starts_at for visit in visits), hours, zone, now=now)


def compose(
    means: Means,
    approved: Templates,
    purpose: str,
    visits: Sequence[Visit],
    address: Address,
    language: str,
    closes: datetime,
    shared: frozenset[str],
    now: datetime,
    details: Details = NOTHING,
) -> tuple[Composed, Route]:
    """The text as it would leave now. Raises TemplateError."""
    draft = Draft(
        0, "staff", address.channel, visits[0].patient, address.value, address.relation, purpose,
        language, means.rules.desks[visits[0].uf].site_id, micros(closes),
    )  # fmt: skip
    items = [
        Item(
            0, "staff", one.appointment, one.version, micros(one.starts_at), one.uf, one.kind,
            one.number, one.duration_minutes, one.given, one.patient, None,
            details.late_minutes, details.place,
        )
        for one in visits
    ]  # fmt: skip
    routes = [route for route in means.routes if route.channel == address.channel]
    return means.composer.compose_first(
        cast(Record, draft), cast("Sequence[Record]", items), routes, approved, shared, now=now
    )


def composed(
    means: Means,
    approved: Templates,
    purpose: str,
    chosen: Sequence[_Chosen],
    found: Sequence[Record],
    now: datetime,
    details: Details = NOTHING,
) -> tuple[list[Recipient], list[Missed]]:
    """Every text as it would be read; one that would have a gap is not sent."""
    shared = frozenset(
        number
        for row in found
        for number, many in ((row.phone, row.phone_shared), (row.proxy_phone, row.proxy_shared))
        if many
    )
    recipients: list[Recipient] = []
    missed: list[Missed] = []
    for one in chosen:
        try:
            text, route = compose(
                means, approved, purpose, one.visits, one.address, one.language, one.closes,
                shared, now, details,
            )  # fmt: skip
        except TemplateError as error:
            missed += [Missed(visit, error.code) for visit in one.visits]
            continue
        recipients.append(
            Recipient(*one, text.subject, text.text, text.segments, text.segments * route.price_eur)
        )
    return recipients, missed
