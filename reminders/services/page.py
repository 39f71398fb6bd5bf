"""The patient's page behind a link: what it may show, and what a tap does.

Before the birth date is given it shows the establishment's short name, the day, the hour and the
desk's telephone; a neutral service's shows the telephone only. Reading changes nothing; every
deed is a POST, done once however often it is sent (DESIGN 7.5, DOMAIN 6).
"""

import hmac
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Literal
from zoneinfo import ZoneInfo

from reminders.domain.answer import AnswerKind, Priority
from reminders.domain.ics import Event, calendar
from reminders.domain.outbox import dedupe_key
from reminders.domain.preparation import Preparation
from reminders.services.answer import Given, give
from reminders.services.objections import object_to
from reminders.services.rules import Desk, Rules
from reminders.services.tasks import SENTENCES
from reminders.store import answers, links, planning
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.links import token_hash
from reminders.store.types import instant, instant_or_none, micros

TRIES = 5
CHECKED_SECONDS = 30 * 60  # how long a birth date stays given on one telephone

State = Literal["open", "cancelled", "past"]
Deed = Literal["confirm", "cancel", "reschedule", "question", "not-me", "undo", "read"]

KINDS: dict[Deed, AnswerKind] = {
    "confirm": AnswerKind.CONFIRMED,
    "cancel": AnswerKind.CANCELLED,
    "reschedule": AnswerKind.RESCHEDULE,
    "question": AnswerKind.QUESTION,
    "not-me": AnswerKind.NOT_ME,
    "read": AnswerKind.READ,
}
TASKS = {
    AnswerKind.RESCHEDULE: "reply_reschedule",
    AnswerKind.QUESTION: "reply_question",
    AnswerKind.NOT_ME: "reply_wrong_number",
}
REASONS = ("health", "work", "transport", "forgot", "better", "other")  # why not; optional


@dataclass(frozen=True, slots=True)
class Visit:
    """One appointment on the page. `undo`: the answer that may be taken back, until when."""

    appointment: int
    cycle: int
    starts_at: datetime
    zone: ZoneInfo
    state: State
    moved: bool
    answer: str
    undo: int | None
    undo_until: datetime | None
    read: bool
    asked: bool
    sheet: Preparation | None
    duration_minutes: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """What one link shows now. `checkable`: the birth date is known and no made-up one.

    `neutral`: one of its services is, so that all is hidden before the birth date. `not_me`:
    whoever holds the telephone said that the message was not theirs.
    """

    link: int
    patient: int
    purpose: str
    short_name: str
    name: str
    phone: str
    address: str
    neutral: bool
    not_me: bool
    visits: tuple[Visit, ...]
    language: str
    checkable: bool
    tries_left: int
    birth_date: date | None
    recipient: str
    channel: str

    @property
    def may_check(self) -> bool:
        return self.checkable and self.tries_left > 0


def open_page(store: Store, rules: Rules, token: str, *, now: datetime) -> Page | None:
    """None: no such link, or it has expired. Changes nothing."""
    with store.read() as connection:
        rules.follow(connection)
        found = links.find(connection, token_hash(token), now=micros(now))
        if found is None:
            return None
        told = links.visits(connection, found.message_id)
    return _page(rules, found, told, now)


def _page(rules: Rules, found: Record, told: Sequence[Record], now: datetime) -> Page | None:
    desk = next((rules.desks[row.uf] for row in told if row.uf in rules.desks), None)
    if desk is None:
        return None
    born = date.fromisoformat(found.birth_date) if found.birth_date else None
    return Page(
        link=found.id,
        patient=found.patient_id,
        purpose=found.purpose,
        short_name=desk.short_name,
        name=desk.establishment,
        phone=desk.phone,
        address=desk.address,
        neutral=any(_is_neutral(rules, row.uf) for row in told),
        not_me=any(row.times_not_me for row in told),
        visits=tuple(_visit(rules, desk, row, now) for row in told),
        language=found.spoken or found.language,
        checkable=born is not None and not presumed(born),
        tries_left=max(0, TRIES - found.tries),
        birth_date=born,
        recipient=found.recipient,
        channel=found.channel,
    )


def _is_neutral(rules: Rules, uf: str) -> bool:
    """Also a service that has no setting any more."""
    desk = rules.desks.get(uf)
    return desk is None or desk.sensitivity != "normal"


def _visit(rules: Rules, desk: Desk, row: Record, now: datetime) -> Visit:
    starts_at = instant(row.starts_at)
    state: State = "open"
    if row.status == "cancelled" or row.status == "entered-in-error":
        state = "cancelled"
    elif starts_at <= now or row.status != "booked":
        state = "past"
    until = instant_or_none(row.effective_at)
    undoable = row.undo_id is not None and until is not None and until > now
    return Visit(
        appointment=row.id,
        cycle=row.version,
        starts_at=starts_at,
        zone=desk.zone,
        state=state,
        moved=row.version != row.told_cycle,
        answer=row.answer,
        undo=row.undo_id if undoable else None,
        undo_until=until if undoable else None,
        read=bool(row.times_read),
        asked=bool(row.times_asked),
        sheet=rules.preparation(row.uf, row.kind),
        duration_minutes=row.duration_minutes,
    )


def presumed(born: date) -> bool:
    """The first of January stands in records for « unknown »: it proves nothing."""
    return (born.month, born.day) == (1, 1)


# --- deeds -----------------------------------------------------------------------------------


def do(
    store: Store,
    rules: Rules,
    secret: bytes,
    token: str,
    deed: Deed,
    *,
    about: tuple[int, int],
    form: str,
    reason: str = "",
    now: datetime,
) -> bool:
    """One tap about (appointment, cycle). True if it is in force, also when sent again; False if
    the appointment moved, was cancelled or began since the page was shown: nothing is changed.

    `form` names the sheet the tap came from, so that the same one counts once.
    """
    with store.write() as connection:
        found = links.find(connection, token_hash(token), now=micros(now))
        page = (
            _page(rules, found, links.visits(connection, found.message_id), now) if found else None
        )
        visit = _still(page, about)
        if page is None or visit is None:
            return False
        if deed == "undo":
            return visit.undo is not None and answers.undo(connection, visit.undo, now=micros(now))
        kind = KINDS[deed]
        origin = f"page:{page.link}:{form}"
        given = Given(kind, (about,), "page", origin, reason=reason if reason in REASONS else "")
        if give(connection, given, now=now):
            _follow_up(connection, secret, page, visit, kind, origin, now)
        return True


def _still(page: Page | None, about: tuple[int, int]) -> Visit | None:
    """The visit as the patient saw it, if it still stands so."""
    if page is None:
        return None
    return next(
        (one for one in page.visits if (one.appointment, one.cycle) == about
         and one.state == "open"),
        None,
    )  # fmt: skip


def _follow_up(
    connection: Connection,
    secret: bytes,
    page: Page,
    visit: Visit,
    kind: AnswerKind,
    origin: str,
    now: datetime,
) -> None:
    at = micros(now)
    if kind is AnswerKind.NOT_ME:
        object_to(  # the address alone: the patient is written to at the right one
            connection, secret, page.recipient, patients=[], channel=page.channel,
            origin="wrong-number", by="page", at=at,
        )  # fmt: skip
    if task := TASKS.get(kind):
        row = answers.appointments(connection, [visit.appointment])[0]
        soon = (visit.starts_at - now).total_seconds() < 24 * 3600
        planning.open_tasks(
            connection,
            [
                (reserve(connection, "task", 1), task, f"answer:{origin}", 1, SENTENCES[task],
                 row.uf, at, at)
            ],
            priority=int(Priority.TODAY if soon else Priority.REST),
        )  # fmt: skip


def choose_language(store: Store, token: str, language: str, *, now: datetime) -> None:
    """Remember the language a patient chose, for the messages to come."""
    with store.write() as connection:
        if found := links.find(connection, token_hash(token), now=micros(now)):
            links.speak(connection, found.patient_id, language)


# --- the birth date --------------------------------------------------------------------------


def digits(text: str) -> int | None:
    """A number written in any script's digits; None for anything else."""
    cleaned = text.strip()
    try:
        return int("".join(str(unicodedata.digit(one)) for one in cleaned)) if cleaned else None
    except ValueError:
        return None


def check_birth_date(
    store: Store, rules: Rules, token: str, day: str, month: str, year: str, *, now: datetime
) -> bool:
    """Is this the birth date? A wrong one counts; after five the desk's telephone is left.

    What is no date (a letter, an empty field) is not a try: it teaches nobody anything.
    """
    page = open_page(store, rules, token, now=now)
    given = (digits(year), digits(month), digits(day))
    if page is None or not page.may_check or page.birth_date is None or None in given:
        return False
    born = page.birth_date
    with store.write() as connection:
        if not links.take_try(connection, page.link, most=TRIES):
            return False
        right = given == (born.year, born.month, born.day)
        if right:
            links.give_back_try(connection, page.link)
        return right


def checked_until(secret: bytes, token: str, until: int) -> str:
    """The proof a telephone keeps that the birth date was given, until a second since 1970."""
    return f"{until}.{_proof(secret, token, until)}"


def is_checked(secret: bytes, token: str, proof: str, *, now: datetime) -> bool:
    until, _, mark = proof.partition(".")
    if not until.isascii() or not until.isdigit() or len(until) > 12:
        return False
    right = _proof(secret, token, int(until)).encode()
    return int(until) > now.timestamp() and hmac.compare_digest(mark.encode(), right)


def _proof(secret: bytes, token: str, until: int) -> str:
    return blake2b(f"checked:{token}:{until}".encode(), key=secret, digest_size=16).hexdigest()


def calendar_of(page: Page, visit: Visit, *, now: datetime) -> bytes:
    """The appointment for the telephone's calendar: no place, no reason."""
    event = Event(
        uid=f"{dedupe_key('appointment', visit.appointment)}@reminders",
        sequence=visit.cycle,
        starts_at=visit.starts_at,
        ends_at=None,
        zone=visit.zone,
        summary=f"Rendez-vous – {page.short_name}",
    )
    return calendar([event], cancelled=visit.state == "cancelled", stamp=now)
