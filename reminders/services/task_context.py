"""One task with all that a person needs to do it, as its page shows it.

A task shows the appointment it is about; of a message's other appointments only those of
services the viewer holds. Nothing here is kept: it is read when somebody opens the task.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from reminders.domain.worklist import SPOKEN, Ending
from reminders.services.rules import Rules
from reminders.services.worklist import scope_of, telephone
from reminders.services.worklist_context import NO_NUMBER, WHOM, details_of, words
from reminders.store import subjects, worklist
from reminders.store.engine import Record, Store
from reminders.store.planning import address_key
from reminders.store.reversals import ENTER_KINDS
from reminders.store.types import instant, instant_or_none

UNREACHED = (Ending.MOVED, Ending.VOICEMAIL, Ending.NO_ANSWER, Ending.WRONG_NUMBER, Ending.OTHER)


@dataclass(frozen=True, slots=True)
class About:
    """One appointment of a task and its patient."""

    id: int
    version: int
    patient: int | None
    starts_at: datetime
    all_day: bool
    uf: str
    service: str
    status: str
    answer: str
    number: str  # in the DPI
    source: str
    family: str
    given: str
    born: date | None
    identifier: str
    language: str
    telephone: str  # E.164; "": see `note`
    whom: str
    email: str
    note: str

    @property
    def read(self) -> str:
        """What a form says was read: the appointment and its version."""
        return f"{self.id}.{self.version}"

    @property
    def name(self) -> str:
        return " ".join(one for one in (self.family, self.given) if one)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `what`: told | reply | answer | event | objection."""

    what: str
    at: datetime
    who: str  # a person's name, a number for a reply
    code: str
    state: str
    body: str
    appointment: int
    told_start: datetime | None = None


@dataclass(frozen=True, slots=True)
class Context:
    task: Record
    about: Sequence[About]
    hidden: int  # appointments of the same message in services the viewer does not hold
    history: Sequence[Event]  # the latest first
    words: str
    endings: Sequence[Ending]

    @property
    def reply(self) -> Event | None:
        """What the patient wrote, where the task is about that."""
        return next((one for one in self.history if one.state == "this"), None)

    @property
    def objections(self) -> Sequence[Event]:
        return [one for one in self.history if one.what == "objection"]

    @property
    def sender(self) -> str:
        """The number a reply came from, where no appointment knows one to call."""
        return self.reply.who if self.reply and not any(o.telephone for o in self.about) else ""


def context(
    store: Store, rules: Rules, secret: bytes, task: int, ufs: frozenset[str] | None
) -> Context | None:
    """None where there is no such task in these services (None: all)."""
    with store.read() as connection:
        row = worklist.find(connection, task)
        if row is None or not scope_of(rules, ufs).holds(row):
            return None
        people = subjects.people(connection, task)
        seen = [one for one in people if _may_see(row, one, ufs)]
        number = next((told for one in seen if (told := telephone(one)[0])), "")
        key = address_key(secret, number) if number else b""
        found = subjects.history(connection, task, ufs, key=key)
        said = details_of(connection, row.kind, [one.id for one in seen[:1]])
    return Context(
        task=row,
        about=[_about(rules, one) for one in seen],
        hidden=len(people) - len(seen),
        history=[_event(one) for one in found],
        words=words(rules, row.kind, row.uf, seen[0] if seen else None, said=said),
        endings=endings_of(row, seen),
    )


def _may_see(row: Record, one: Record, ufs: frozenset[str] | None) -> bool:
    return ufs is None or one.uf in ufs or one.uf == row.uf or one.id == row.appointment_id


def endings_of(row: Record, about: Sequence[Record]) -> Sequence[Ending]:
    """How this task can end, the ordinary way first: an answer needs an appointment, a call
    somebody to call, and what is entered in the DPI a task that asks for it."""
    entered = (Ending.ENTERED,) if row.kind in ENTER_KINDS else ()
    if any(one.status in ("booked", "cancelled") for one in about):
        return entered + SPOKEN
    called = about or row.subject.startswith("inbound:")
    return entered + (UNREACHED if called else (Ending.OTHER,))


def _about(rules: Rules, one: Record) -> About:
    number, whose = telephone(one)
    office = rules.offices.get(one.uf)
    return About(
        id=one.id,
        version=one.version,
        patient=one.patient_id,
        starts_at=instant(one.starts_at),
        all_day=bool(one.all_day),
        uf=one.uf,
        service=office.label if office else "",
        status=one.status,
        answer=one.answer,
        number=one.external_id,
        source=one.source_id,
        family=one.family or "",
        given=one.given or "",
        born=date.fromisoformat(one.birth_date) if one.birth_date else None,
        identifier=one.identifier or "",
        language=one.spoken or one.language,
        telephone=number,
        whom=WHOM[whose],
        email=one.email or "",
        note="" if number else NO_NUMBER,
    )


def _event(row: Record) -> Event:
    return Event(
        what=row.what,
        at=instant(row.at),
        who=row.who,
        code=row.code,
        state=row.state,
        body=row.body,
        appointment=row.appointment,
        told_start=instant_or_none(row.more or None) if row.what == "told" else None,
    )
