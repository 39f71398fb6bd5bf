"""Writing to a session: one text to everybody who has an appointment of a day and an agenda.

Looking changes nothing. Sending is one transaction: every message, every call that replaces one
and the end of the reminders a called-off session makes untrue; the same request twice is one.
Whether the appointments are cancelled or moved stays the DPI's to say.
"""

from collections import Counter, defaultdict, namedtuple
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from reminders.domain.booking import Address, Booking, Person, Step
from reminders.domain.calendar import civil_day
from reminders.domain.marking import N_
from reminders.domain.outbox import dedupe_key
from reminders.domain.recipient import address_for, number_zone
from reminders.domain.writing import (
    ASKS_A_NUMBER,
    CALLED_OFF,
    MOST,
    NO_CALL,
    SESSION,
    Session,
    moment_for,
)
from reminders.errors import TemplateError
from reminders.failpoint import failpoint
from reminders.services.compose import Composed, Composer, Route, Templates
from reminders.services.plan import people_of
from reminders.services.rules import Rules
from reminders.services.tasks import SENTENCES
from reminders.store import facts, planning, syncing, templates
from reminders.store import writing as written
from reminders.store.engine import Connection, Record, Store, reserve
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


# --- looking -------------------------------------------------------------------------------------


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
        return _survey(connection, means, session, purpose, ufs, now)


def _survey(
    connection: Connection,
    means: Means,
    session: Session,
    purpose: str,
    ufs: Collection[str] | None,
    now: datetime,
) -> Survey:
    if mistake := session.mistake():
        raise Refused("session", mistake)
    if purpose not in SESSION:
        raise Refused("purpose", N_("Choisir ce que le message doit dire."))
    start, end = session.bounds(means.zone)
    if end <= now:
        raise Refused("session", N_("Cette séance est passée : il est trop tard pour l’écrire."))
    if session.uf:
        ufs = [session.uf] if ufs is None or session.uf in ufs else []
    found = written.session(
        connection,
        ufs=ufs, agenda=session.agenda, start=micros(start), end=micros(end), purpose=purpose,
        limit=MOST + 1,
    )  # fmt: skip
    if len(found) > MOST:
        return Survey(session, purpose, too_many=True)
    chosen, missed = addressed(connection, means, found, now)
    approved = (
        Templates.of(templates.versions(connection, now=micros(now))) if chosen else Templates([])
    )
    recipients, unsaid = composed(means, approved, purpose, chosen, found, now)
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
        f"{row.family or ''} {row.given or ''}".strip(),
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


class _Draft(NamedTuple):
    """A message before it is one, as composing reads it."""

    id: int
    kind: str
    channel: str
    patient_id: int
    recipient: str
    relation: str
    purpose: str
    language: str
    site_id: str
    closes_at: int
    retries: int = 0


class _Item(NamedTuple):
    message_id: int
    step: str
    appointment_id: int
    version: int
    starts_at: int
    uf: str
    kind: str
    external_id: str
    duration_minutes: int | None
    given: str
    patient_id: int
    told_before: int | None = None


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
) -> tuple[Composed, Route]:
    """The text as it would leave now. Raises TemplateError."""
    draft = _Draft(
        0, "staff", address.channel, visits[0].patient, address.value, address.relation, purpose,
        language, means.rules.desks[visits[0].uf].site_id, micros(closes),
    )  # fmt: skip
    items = [
        _Item(
            0, "staff", one.appointment, one.version, micros(one.starts_at), one.uf, one.kind,
            one.number, one.duration_minutes, one.given, one.patient,
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
                shared, now,
            )  # fmt: skip
        except TemplateError as error:
            missed += [Missed(visit, error.code) for visit in one.visits]
            continue
        recipients.append(
            Recipient(*one, text.subject, text.text, text.segments, text.segments * route.price_eur)
        )
    return recipients, missed


# --- sending -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody confirmed: the numbers they saw, and above 500 the number they typed."""

    request: str  # the form's own, so that the same form sent twice is one writing
    by: str
    patients: int
    typed: str = ""


def send(
    store: Store,
    means: Means,
    session: Session,
    purpose: str,
    ufs: Collection[str] | None,
    order: Order,
    *,
    now: datetime,
) -> int:
    """Plan every text and every call: the writing's key, the one of the first time if the
    request is known. Raises Refused, and nothing is planned."""
    with store.write() as connection:
        one_at_a_time(connection, order.request)
        if (known := written.find_request(connection, order.request)) is not None:
            return int(known.id)
        means.rules.follow(connection)
        seen = _survey(connection, means, session, purpose, ufs, now)
        _confirmed(seen, order)
        patients = {v.patient for one in seen.recipients for v in one.visits}
        patients |= {one.visit.patient for one in seen.missed if one.visit.patient}
        planning.mark_dirty(connection, patients)
        key = reserve(connection, "writing", 1)
        start, end = session.bounds(means.zone)
        written.add(
            connection,
            {
                "id": key, "request": order.request, "kind": "session", "purpose": purpose,
                "uf": session.uf, "agenda": session.agenda, "starts_at": micros(start),
                "ends_at": micros(end), "patients": seen.patients, "calls": seen.calls,
                "segments": seen.segments, "price_eur": seen.price_eur,
                "created_at": micros(now), "created_by": order.by,
            },
        )  # fmt: skip
        plan_texts(connection, means, key, order.request, purpose, seen, now)
        if purpose in CALLED_OFF:
            called_off = [v.appointment for v in _visits(seen)]
            written.stop(connection, called_off, why="session", by=order.by, at=micros(now))
        facts.audit(
            connection, at=micros(now), actor=order.by, action="write", subject=f"writing:{key}",
            purpose=purpose, patients=seen.patients, calls=seen.calls,
        )  # fmt: skip
        failpoint("writing.before_commit")
    failpoint("writing.after_commit")
    return key


def one_at_a_time(connection: Connection, request: str) -> None:
    """Whoever writes by hand waits for whoever does: what is already written is then seen, and
    two people who write to one session at once do not both reach its patients."""
    facts.replace(connection, "writing", request)


def _visits(seen: Survey) -> Iterable[Visit]:
    yield from (visit for one in seen.recipients for visit in one.visits)
    yield from (one.visit for one in seen.missed)


def _confirmed(seen: Survey, order: Order) -> None:
    if seen.too_many:
        raise Refused("too_many", N_("Trop de rendez-vous : choisir un agenda, des heures."), seen)
    if not seen.recipients and not seen.calls:
        raise Refused("nobody", N_("Personne n’est à prévenir pour cette séance."), seen)
    if seen.patients != order.patients:
        raise Refused(
            "changed",
            N_("La liste a changé depuis que vous l’avez lue : vérifiez, puis confirmez."),
            seen,
        )
    if seen.asks_a_number and order.typed.replace(" ", "") != str(seen.patients):
        raise Refused("number", N_("Écrivez le nombre de patients pour confirmer cet envoi."), seen)


def plan_texts(
    connection: Connection,
    means: Means,
    writing: int,
    request: str,
    purpose: str,
    seen: Survey,
    now: datetime,
) -> None:
    """The decisions, messages, lines and calls of a writing, by a handful of statements."""
    at = micros(now)
    step = f"staff:{writing}"
    next_decision = reserve(connection, "decision", max(1, seen.appointments))
    next_message = reserve(connection, "message", max(1, seen.patients))
    decisions: list[tuple[object, ...]] = []
    messages: list[tuple[object, ...]] = []
    items: list[tuple[object, ...]] = []
    lines: list[tuple[object, ...]] = []
    for number, one in enumerate(seen.recipients):
        key, opens, closes = next_message + number, micros(one.opens), micros(one.closes)
        messages.append(
            (key, dedupe_key("staff", request, one.patient, one.visits[0].appointment), "staff",
             one.address.channel, "PLANNED", one.patient, one.address.value,
             planning.address_key(means.secret, one.address.value), one.address.relation,
             means.rules.desks[one.visits[0].uf].site_id, purpose, one.language, opens, opens,
             closes, at, at)
        )  # fmt: skip
        for visit in one.visits:
            decision = next_decision + len(decisions)
            decisions.append(
                (decision, visit.appointment, step, visit.version, "PLANNED", "", purpose, opens,
                 closes, at)
            )  # fmt: skip
            items.append((decision, one.address.channel, key))
            lines.append(
                (writing, visit.appointment, visit.version, visit.patient, decision, key, "", "")
            )
    for lost in seen.missed:
        visit, decision = lost.visit, next_decision + len(decisions)
        decisions.append(
            (decision, visit.appointment, step, visit.version, "SUPPRESSED", lost.reason, purpose,
             None, None, at)
        )  # fmt: skip
        lines.append(
            (writing, visit.appointment, visit.version, visit.patient, decision, 0, lost.reason,
             f"call_{purpose}" if lost.call else "")
        )  # fmt: skip
    planning.insert_plan(connection, decisions, messages, items)
    written.add_lines(connection, lines)
    _call(connection, purpose, [(one.visit, at) for one in seen.missed if one.call])


def _call(connection: Connection, purpose: str, calls: Sequence[tuple[Visit, int]]) -> None:
    kind = f"call_{purpose}" if purpose in SESSION else "call_not_reached"
    if calls:
        first = reserve(connection, "task", len(calls))
        planning.open_tasks(
            connection,
            [
                (first + n, kind, f"appointment:{visit.appointment}", visit.version,
                 SENTENCES[kind], visit.uf, at, at)
                for n, (visit, at) in enumerate(calls)
            ],
            priority=2,
        )  # fmt: skip


# --- what became of it ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """One writing as it stands: how many appointments of each outcome, and a page of them."""

    writing: Record
    counts: Mapping[str, int]
    lines: Sequence[Record]
    after: tuple[int, int] | None
    reminders_stopped: bool = field(default=False)

    @property
    def waiting(self) -> int:
        return self.counts.get("planned", 0) + self.counts.get("held", 0)


PAGE = 50


def progress(
    store: Store,
    writing: int,
    *,
    outcome: str = "",
    after: tuple[int, int] = (0, 0),
    ufs: Collection[str] | None = None,
) -> Progress | None:
    with store.read() as connection:
        row = written.find(connection, writing)
        if row is None:
            return None
        found = written.page(
            connection, writing, outcome=outcome, after=after, limit=PAGE + 1, ufs=ufs
        )
        counts = written.counts(connection, writing)
    shown = found[:PAGE]
    last = shown[-1] if len(found) > PAGE else None
    return Progress(
        row, counts, shown, (last.starts_at, last.appointment_id) if last is not None else None,
        row.purpose in CALLED_OFF,
    )  # fmt: skip


def find(store: Store, writing: int) -> Record | None:
    with store.read() as connection:
        return written.find(connection, writing)


def recent(store: Store, ufs: Collection[str] | None) -> Sequence[Record]:
    """The last sessions written to, newest first."""
    with store.read() as connection:
        return written.recent(connection, ufs=ufs)


def call_back(store: Store, writing: int, *, by: str, now: datetime) -> int:
    """Withdraw every text of a writing that has not left, with the calls that stood for one and
    the end of the reminders: how many appointments are told nothing by it. Again changes nothing.
    """
    at = micros(now)
    with store.write() as connection:
        row = written.find(connection, writing)
        if row is None:
            return 0
        planning.mark_dirty(connection, written.patients_of(connection, writing))
        found = written.call_back(connection, writing, by=by, at=at)
        appointments = [one.appointment_id for one in found]
        written.resume(connection, appointments, why=["session"])
        kinds = sorted({one.task for one in found if one.task})
        if kinds:
            subjects = [f"appointment:{one.appointment_id}" for one in found if one.task]
            syncing.close_tasks(connection, subjects, kinds)
        if found:
            facts.audit(
                connection, at=at, actor=by, action="call back", subject=f"writing:{writing}",
                appointments=len(found),
            )  # fmt: skip
    return len(found)


def follow_up(store: Store, rules: Rules, *, now: datetime) -> int:
    """Bring every writing in line with what is known now: texts that may no longer leave are
    cancelled, those whose hours passed wait for the next, and whom no text reached is called.
    How many appointments somebody calls about. Doing it twice changes nothing."""
    called = 0
    with store.read() as connection:
        waiting = written.open_writings(connection, now=micros(now))
    for row in waiting:
        with store.write() as connection:
            called += _follow(connection, rules, row, now)
    return called


def _follow(connection: Connection, rules: Rules, row: Record, now: datetime) -> int:
    at = micros(now)
    waiting = written.unsent(connection, row.id)
    written.part_past(connection, waiting, at=at)
    written.forbid(connection, waiting, at=at)
    _wait_again(connection, rules, row.id, now)
    called = 0
    lines: list[dict[str, object]] = []
    calls: list[tuple[Visit, int]] = []
    for one in written.failed(connection, row.id):
        reason = one.reason if one.state == "CANCELLED" and one.reason else "not_reached"
        stands = one.status == "booked" and one.version == one.cycle and one.starts_at > at
        call = stands and reason not in NO_CALL
        kind = f"call_{row.purpose}" if row.kind == "session" else "call_not_reached"
        lines.append(
            {"appointment": one.appointment_id, "reason": reason, "task": kind if call else ""}
        )
        if call:
            visit = Visit(
                one.appointment_id, one.cycle, 0, instant(one.starts_at), one.uf, "", "", "", None,
                "", "",
            )  # fmt: skip
            calls.append((visit, at))
            called += 1
    written.mark(connection, row.id, lines)
    _call(connection, row.purpose, calls)
    if row.ends_at <= at:
        written.close(connection, row.id, at=at)
    return called


def _wait_again(connection: Connection, rules: Rules, writing: int, now: datetime) -> None:
    again: list[dict[str, object]] = []
    for one in written.expired(connection, writing, now=micros(now)):
        unit = rules.units.get(one.uf)
        moment = unit and moment_for(instant(one.starts_at), unit.hours, one.zone or "", now=now)
        if moment:
            opens, closes = micros(moment[0]), micros(moment[1])
            again.append({"id": one.id, "opens": opens, "closes": closes, "now": micros(now)})
    written.wait_again(connection, again)
