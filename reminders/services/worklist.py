"""Tasks for people: who has one, until when, how it ended. Every verb is told by name and kept.

Two people take the same task: one has it, the other is told who. Past its deadline, in the
opening hours of the desk, a task is also the escalation desk's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.answer import AnswerKind, Priority
from reminders.domain.calendar import to_utc
from reminders.domain.marking import N_, filled
from reminders.domain.preparation import Preparation
from reminders.domain.search import folded
from reminders.domain.worklist import (
    PREPARATION_CALL,
    TRIES,
    TRY_AGAIN,
    DeskHours,
    Ending,
    deadline,
    speaks_for,
    tried_again,
)
from reminders.services.answer import Given, give
from reminders.services.objections import lift, object_to
from reminders.services.rules import Rules
from reminders.services.tasks import SENTENCES
from reminders.store import answers, objections, planning, reversals, subjects, tending, worklist
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.types import MICROSECOND, instant, micros
from reminders.store.worklist import EVERYTHING, Scope

SOON = timedelta(hours=24)
CALLED_BEFORE = 2  # days before the appointment: when whom no text reached is called
NO_CONTACT = "call_no_contact"
GRACE = timedelta(hours=2)  # who is late may still be called, then the call list lets go
MOST = 100  # tasks on one page
SYSTEM = "reminders"  # who does what nobody did by hand
START = (-1, 0, 0)

WRONG_NUMBER = "wrong-number"  # how a suspension by staff was told
GIVEN = {Ending.CONFIRMED: AnswerKind.CONFIRMED, Ending.CANCELLED: AnswerKind.CANCELLED}


class TaskRefused(Exception):
    """A verb that cannot be: `code` for programs, the sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


def _unknown() -> TaskRefused:
    return TaskRefused("unknown", N_("Cette tâche n'existe pas, ou a été effacée."))


# --- the list ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of tasks; `after` continues it, None at its end."""

    tasks: Sequence[Record]
    after: tuple[int, int, int] | None


def scope_of(rules: Rules, ufs: frozenset[str] | None) -> Scope:
    """The tasks of these services (None: all), and what was left undone whose desk they are, by
    their code or name."""
    if ufs is None:
        return EVERYTHING
    desks = {folded(name) for uf in ufs for name in (uf, _label(rules, uf))}
    left = [o.uf for o in rules.offices.values() if o.escalation and folded(o.escalation) in desks]
    return Scope(ufs, frozenset(left))


def _label(rules: Rules, uf: str) -> str:
    return rules.offices[uf].label if uf in rules.offices else uf


def tasks(
    store: Store,
    rules: Rules,
    *,
    state: str = "open",
    uf: str = "",
    late: bool = False,
    after: tuple[int, int, int] = START,
    limit: int = MOST,
    now: datetime,
) -> Listing:
    """Medical alerts first, then today's, then cancellations; the nearest deadline first.

    `uf` also finds what was escalated to a desk of that name.
    """
    limit = max(1, min(limit, MOST))
    with store.read() as connection:
        found = worklist.page(
            connection,
            state=state,
            scope=scope_of(rules, frozenset({uf}) if uf else None),
            late_at=micros(now) if late else None,
            after=after,
            limit=limit + 1,
        )
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return Listing(shown, (last.priority, last.place, last.id) if last is not None else None)


# --- verbs -------------------------------------------------------------------------------------


def take(store: Store, task: int, actor: str, *, now: datetime) -> None:
    with store.write() as connection:
        if not worklist.take(connection, task, actor, at=micros(now)):
            row = _open(connection, task)
            if row.assignee != actor:
                raise _held(row)


def release(store: Store, task: int, actor: str, *, now: datetime) -> None:
    with store.write() as connection:
        if not worklist.release(connection, task, actor, at=micros(now)):
            row = _open(connection, task)
            if row.assignee:
                raise _held(row)


def hand_over(
    store: Store, rules: Rules, task: int, actor: str, *, to: str = "", uf: str = "", now: datetime
) -> None:
    """To a person, a service, or a person of another service; whoever has it now."""
    if not to and not uf:
        raise TaskRefused("invalid", N_("Dire à qui la passer : « to » (compte) ou « uf »."))
    if uf and uf not in rules.offices:
        raise TaskRefused("invalid", N_("Cette UF n'est pas dans la configuration."))
    with store.write() as connection:
        if not worklist.hand_over(connection, task, actor, to=to, uf=uf, at=micros(now)):
            _open(connection, task)


class Reopened(StrEnum):
    """What became of what a task's ending had done."""

    NOTHING = "nothing"  # it had done nothing, or something newer replaced it
    TAKEN_BACK = "taken-back"
    STANDS = "stands"  # the hospital was told of it already


def reopen(store: Store, secret: bytes, task: int, actor: str, *, now: datetime) -> Reopened:
    """Back to the list, and what its ending did is taken back: the answer, unless it was passed
    on (`domain/answer.SLIP`), the suspension of a wrong number."""
    with store.write() as connection:
        row = worklist.find(connection, task)
        if row is None:
            raise _unknown()
        if not worklist.reopen(connection, task, actor, at=micros(now)):
            return Reopened.NOTHING
        if row.resolution in {one.value for one in GIVEN}:
            return _take_back(connection, row, micros(now))
        if row.resolution == Ending.WRONG_NUMBER.value:
            return _write_again(connection, secret, row, actor, micros(now))
    return Reopened.NOTHING


def _take_back(connection: Connection, row: Record, at: int) -> Reopened:
    given = answers.given_through(connection, row.id, appointments_of(connection, row))
    if not given:
        return Reopened.NOTHING
    undone = [answers.undo(connection, one.id, now=at) for one in given]
    return Reopened.TAKEN_BACK if all(undone) else Reopened.STANDS


def _write_again(
    connection: Connection, secret: bytes, row: Record, actor: str, at: int
) -> Reopened:
    address = _called(connection, row)
    for one in objections.at_key(connection, planning.address_key(secret, address)):
        if (one.origin, one.recorded_at) == (WRONG_NUMBER, row.resolved_at):
            told = objections.find(connection, one.id)
            if told is not None and lift(connection, secret, told, [address], by=actor, at=at):
                return Reopened.TAKEN_BACK
    return Reopened.NOTHING


def resolve(
    store: Store,
    secret: bytes,
    task: int,
    ending: Ending,
    actor: str,
    *,
    appointment: int | None = None,
    version: int | None = None,
    now: datetime,
) -> None:
    """End a task, with the effect its ending has, in one transaction.

    Confirmed and cancelled are the answer of the patient, given through staff; a wrong number is
    written to no more. Who reached nobody ends nothing: the try is kept, and the task comes back
    (`tend` says when). `appointment` is needed where a task is about several. `version`: the one
    that was read to the patient; an answer about another hour is refused (None: whatever stands).
    """
    with store.write() as connection:
        row = worklist.find(connection, task)
        if row is None:
            raise _unknown()
        if ending is Ending.ENTERED and row.kind not in reversals.ENTER_KINDS:
            raise TaskRefused("invalid", "Cette tâche ne demande rien à enregistrer dans le DPI.")
        if ending in TRIES:
            _tried(connection, row, ending, actor, now)
            return
        if not worklist.resolve(connection, task, actor, ending.value, at=micros(now)):
            _not_ended(worklist.find(connection, task) or row, ending, actor)
            return
        if ending in GIVEN:
            one = _as_read(_the_appointment(connection, row, appointment), version)
            _give(connection, row, one, GIVEN[ending], actor, now)
        elif ending is Ending.WRONG_NUMBER:
            _suspend(connection, secret, row, actor, micros(now))


def _tried(connection: Connection, row: Record, ending: Ending, actor: str, now: datetime) -> None:
    back = micros(now + TRY_AGAIN)
    if worklist.try_again(connection, row.id, actor, ending.value, at=micros(now), back=back):
        return
    row = _open(connection, row.id)
    if row.assignee not in ("", actor):
        raise _held(row)


def _not_ended(row: Record, ending: Ending, actor: str) -> None:
    """The same ending by the same person again is no mistake."""
    if row.state == "open":
        raise _held(row)
    if (row.resolved_by, row.resolution) != (actor, ending.value):
        raise _done(row)


def _open(connection: Connection, task: int) -> Record:
    row = worklist.find(connection, task)
    if row is None:
        raise _unknown()
    if row.state != "open":
        raise _done(row)
    return row


def _held(row: Record) -> TaskRefused:
    if not row.assignee:
        return TaskRefused("held", N_("Libre."))
    return TaskRefused("held", filled(N_("%(who)s s'en occupe déjà."), who=row.holder))


def _done(row: Record) -> TaskRefused:
    if not row.resolved_by:
        return TaskRefused("done", N_("Déjà traitée."))
    return TaskRefused("done", filled(N_("Déjà traitée par %(who)s."), who=row.doer))


def _give(
    connection: Connection,
    row: Record,
    one: Record,
    kind: AnswerKind,
    actor: str,
    now: datetime,
) -> None:
    if one.status == "cancelled" and kind is AnswerKind.CANCELLED:
        return  # the DPI already says so
    if one.status != "booked":
        raise TaskRefused(
            "cancelled", N_("Ce rendez-vous est annulé dans le DPI : choisir « autre ».")
        )
    if instant(one.starts_at) <= now:
        raise TaskRefused("past", N_("Ce rendez-vous a déjà commencé : choisir « autre »."))
    if one.answer != kind.value or reversals.is_doubted(connection, one.id):
        origin = f"staff:task:{row.id}:{reserve(connection, 'task_event', 1)}"
        give(connection, Given(kind, ((one.id, one.version),), "staff", origin, actor), now=now)


def _as_read(one: Record, version: int | None) -> Record:
    """R26: nobody says yes or no to an hour they were not told."""
    if version is not None and one.version != version:
        raise TaskRefused(
            "moved", N_("Ce rendez-vous vient de changer : relire l'heure, redemander.")
        )
    return one


def _the_appointment(connection: Connection, row: Record, wanted: int | None) -> Record:
    found = subjects.appointments(connection, appointments_of(connection, row))
    if wanted is not None:
        found = [one for one in found if one.id == wanted]
    if not found:
        raise TaskRefused("invalid", N_("Cette tâche n'est liée à aucun rendez-vous de ce genre."))
    if len(found) > 1:
        raise TaskRefused("which", N_("Cette tâche concerne plusieurs rendez-vous : dire lequel."))
    return found[0]


def appointments_of(connection: Connection, row: Record) -> list[int]:
    """What a task is about, the earliest first."""
    known = [one.id for one in subjects.about(connection, [row.subject]).get(row.subject, [])]
    return known or ([row.appointment_id] if row.appointment_id is not None else [])


def _suspend(connection: Connection, secret: bytes, row: Record, actor: str, at: int) -> None:
    """The number that was written to or called gets nothing more; its patient is written to
    again once the DPI has the right one."""
    address = _called(connection, row)
    if address:
        object_to(
            connection, secret, address, patients=[],
            channel="email" if "@" in address else "sms", origin=WRONG_NUMBER, by=actor, at=at,
        )  # fmt: skip


def _called(connection: Connection, row: Record) -> str:
    """The address that was written to, else the number to call."""
    found = subjects.appointments(connection, appointments_of(connection, row))
    return _written_to(connection, row) or next(
        (telephone(one)[0] for one in found if telephone(one)[0]), ""
    )


def _written_to(connection: Connection, row: Record) -> str:
    kind, _, key = row.subject.partition(":")
    if kind == "inbound" and (reply := subjects.reply(connection, int(key))) is not None:
        return str(reply.sender)
    return subjects.written_to(connection, int(key)) if kind == "message" else ""


def telephone(one: Record) -> tuple[str, str]:
    """(number, whose) to call about an appointment: a minor's or protected adult's
    representative first. "" if the store knows none: landlines stay in the DPI."""
    born = date.fromisoformat(one.birth_date) if one.birth_date else None
    day = instant(one.starts_at).date()
    if one.proxy_phone and speaks_for(one.proxy, born, day, protected=bool(one.protected)):
        return one.proxy_phone, one.proxy
    return one.phone or "", "patient"


# --- what nobody does by hand --------------------------------------------------------------------


def tend(store: Store, rules: Rules, *, now: datetime) -> int:
    """Give new tasks their owner and deadline, hurry today's, escalate what is late, call whom
    the instructions were not read by, end the calls that are of no use any more and what the
    patient took back: how many tasks changed. Doing it twice changes nothing."""
    at = micros(now)
    with store.write() as connection:
        rules.follow(connection)
        _call_unread(connection, rules, now)
        over = tending.end_read_calls(connection)
        worklist.add_events(connection, over, SYSTEM, "resolve", "not-needed", at=at)
        past = tending.end_past_calls(connection, before=micros(now - GRACE))
        worklist.add_events(connection, past, SYSTEM, "resolve", "past", at=at)
        reached = tending.end_reached_calls(connection, now=at)
        worklist.add_events(connection, reached, SYSTEM, "resolve", "reached", at=at)
        back = reversals.end_taken_back(connection)
        worklist.add_events(connection, back, SYSTEM, "resolve", reversals.ENDED, at=at)
        new = _adopt(connection, rules, now)
        hurried = tending.hurry(connection, now=at, until=micros(now + SOON))
        late = tending.escalate(connection, at=at)
        worklist.add_events(connection, [row.id for row in late], SYSTEM, "escalate", "", at=at)
    return len(over) + len(past) + len(reached) + len(back) + new + hurried + len(late)


def _adopt(connection: Connection, rules: Rules, now: datetime) -> int:
    total = 0
    while found := tending.fresh(connection):
        about = subjects.about(connection, [row.subject for row in found])
        tending.adopt(
            connection, [_owned(rules, row, about.get(row.subject, []), now) for row in found]
        )
        total += len(found)
    return total


def _owned(rules: Rules, row: Record, about: Sequence[Record], now: datetime) -> dict[str, object]:
    first = about[0] if about else None
    uf = row.uf or (first.uf if first is not None else "")
    starts_at = instant(first.starts_at) if first is not None else None
    hurried = starts_at is not None and timedelta(0) <= starts_at - now < SOON
    priority = Priority(min(row.priority, Priority.TODAY) if hurried else row.priority)
    since = instant(max(row.created_at, row.due_at or 0))
    if row.tried_at and row.due_at == row.tried_at + TRY_AGAIN // MICROSECOND:
        since = tried_again(instant(row.tried_at), hours_of(rules, uf), starts_at=starts_at)
    elif row.kind == NO_CONTACT and first is not None:
        since = max(since, _called_from(rules, first))
    return {
        "id": row.id,
        "uf": uf,
        "appointment": row.appointment_id or (first.id if first is not None else None),
        "due": micros(since),
        "deadline": micros(deadline(since, priority, hours_of(rules, uf), starts_at=starts_at)),
    }


def hours_of(rules: Rules, uf: str) -> DeskHours:
    """The desk's; what no service owns waits for the first one's desk."""
    office = rules.offices.get(uf) or next(iter(rules.offices.values()), None)
    return office.hours if office is not None else DeskHours(ZoneInfo("Europe/Paris"))


def _call_unread(connection: Connection, rules: Rules, now: datetime) -> None:
    """Mandatory instructions not acknowledged by J-2 become calls of that day's list."""
    watched = [uf for uf in rules.offices if _may_be_mandatory(rules, uf)]
    if not watched:
        return
    farthest = now + timedelta(days=CALLED_BEFORE + 2)
    found = [
        row
        for row in tending.unread(connection, watched, now=micros(now), until=micros(farthest))
        if (sheet := rules.preparation(row.uf, row.kind)) is not None
        and sheet.acknowledge
        and _called_from(rules, row) <= now
    ]
    planning.open_tasks(
        connection,
        [
            (reserve(connection, "task", 1), PREPARATION_CALL, f"appointment:{row.id}",
             row.version, SENTENCES[PREPARATION_CALL], row.uf, micros(now), micros(now))
            for row in found
        ],
    )  # fmt: skip


def _may_be_mandatory(rules: Rules, uf: str) -> bool:
    sheets: list[Preparation | None] = [rules.preparations_by_service.get(uf)]
    sheets += rules.preparations_by_type.values()
    return any(sheet is not None and sheet.acknowledge for sheet in sheets)


def _called_from(rules: Rules, row: Record) -> datetime:
    """The beginning of the second civil day before the appointment."""
    hours = hours_of(rules, row.uf)
    day = instant(row.starts_at).astimezone(hours.zone).date() - timedelta(days=CALLED_BEFORE)
    return to_utc(day, hours.opens.min, hours.zone)
