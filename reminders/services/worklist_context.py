"""Everything a person needs to do one task, and the day's calls: read when asked, never kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from reminders.domain.access import narrowed
from reminders.domain.answer import Priority
from reminders.domain.calendar import to_utc
from reminders.domain.marking import N_
from reminders.domain.reply import interpret
from reminders.domain.wording import grouped_phone, hour, lasting, long_date
from reminders.domain.worklist import ABOUT_INSTRUCTIONS, CALL, TELL_DETAILS, suggested
from reminders.services.rules import Rules
from reminders.services.worklist import appointments_of, scope_of, telephone
from reminders.store import subjects, worklist
from reminders.store import writing as written
from reminders.store.engine import Connection, Record, Store
from reminders.store.subjects import CallPlace
from reminders.store.types import instant, instant_or_none, micros

PRIORITIES = {
    Priority.ALERT: "alerte médicale",
    Priority.TODAY: "aujourd'hui",
    Priority.CANCELLATION: "annulation",
    Priority.REST: "à traiter",
}
WHOM = {
    "patient": N_("le patient"),
    "parent": N_("un parent"),
    "guardian": N_("le tuteur"),
    "helper": N_("un proche"),
}
NO_NUMBER = N_("Pas de numéro ici : voir le téléphone fixe dans le DPI.")


def moment(value: int | None) -> str | None:
    """ISO 8601, UTC."""
    found = instant_or_none(value)
    return found.isoformat() if found is not None else None


def line(rules: Rules, row: Record, *, now: datetime) -> dict[str, Any]:
    """One task of a list: no word of a patient, no name."""
    office = rules.offices.get(row.uf)
    deadline = instant_or_none(row.deadline_at)
    return {
        "id": row.id,
        "kind": row.kind,
        "sentence": row.sentence,
        "priority": PRIORITIES[Priority(row.priority)],
        "uf": row.uf,
        "service": office.label if office else "",
        "state": "done" if row.state == "done" else "taken" if row.assignee else "free",
        "assignee": row.assignee,
        "taken_at": moment(row.taken_at),
        "created_at": moment(row.created_at),
        "deadline": moment(row.deadline_at),
        "late": row.state == "open" and deadline is not None and deadline <= now,
        "escalated_at": moment(row.escalated_at),
        "escalation_desk": office.escalation if office and row.escalated_at else "",
        "resolved_at": moment(row.resolved_at),
        "resolved_by": row.resolved_by,
        "resolution": row.resolution,
    }


def whole(store: Store, rules: Rules, task: int, *, now: datetime) -> dict[str, Any] | None:
    """One task with all that is known of what it is about; None if there is none."""
    with store.read() as connection:
        row = worklist.find(connection, task)
        if row is None:
            return None
        found = subjects.appointments(connection, appointments_of(connection, row))
        told = line(rules, row, now=now) | {
            "reply": _reply(connection, row),
            "appointments": [_appointment(connection, rules, one) for one in found],
            "events": [
                {"at": moment(one.at), "actor": one.actor, "action": one.action,
                 "detail": one.detail}
                for one in worklist.events(connection, row.id)
            ],
        }  # fmt: skip
        said = details_of(connection, row.kind, [one.id for one in found[:1]])
    return told | {"words": words(rules, row.kind, row.uf, found[0] if found else None, said=said)}


def _reply(connection: Connection, row: Record) -> dict[str, Any] | None:
    kind, _, key = row.subject.partition(":")
    if kind != "inbound":
        return None
    found = subjects.reply(connection, int(key))
    if found is None:
        return None
    return {
        "text": found.body,
        "from": grouped_phone(found.sender),
        "received_at": moment(found.received_at),
        "why": interpret(found.body).why,
        "answers_text": found.answers or "",
        "sent_at": moment(found.started_at),
    }


def _appointment(connection: Connection, rules: Rules, one: Record) -> dict[str, Any]:
    zone = zone_of(rules, one.uf)
    return {
        "id": one.id,
        "source": one.source_id,
        "number": one.external_id,
        "version": one.version,
        "starts_at": moment(one.starts_at),
        "when": when(one.starts_at, zone),
        "uf": one.uf,
        "status": one.status,
        "answer": one.answer,
        "patient": _patient(one),
        "told": [
            {"at": moment(text.started_at), "channel": text.channel, "state": text.state,
             "told_start": moment(text.told_start), "text": text.body}
            for text in subjects.texts(connection, one.id)
        ],
        "answers": [
            {"at": moment(said.given_at), "kind": said.kind, "channel": said.channel,
             "actor": said.actor, "reason": said.reason,
             "in_force": said.superseded_at is None and said.undone_at is None
             and said.cycle == one.version}
            for said in subjects.answers(connection, one.id)
        ],
    }  # fmt: skip


def _patient(one: Record) -> dict[str, Any] | None:
    if one.patient_id is None:
        return None
    number, whose = telephone(one)
    return {
        "family": one.family,
        "given": one.given,
        "birth_date": one.birth_date,
        "identifier": one.identifier,
        "language": one.spoken or one.language,
        "telephone": grouped_phone(number),
        "whom": WHOM[whose],
        "email": one.email,
        "note": "" if number else NO_NUMBER,
    }


def zone_of(rules: Rules, uf: str) -> ZoneInfo:
    """Where an appointment takes place; an unknown service's, at the first one's."""
    office = rules.offices.get(uf) or next(iter(rules.offices.values()), None)
    return office.hours.zone if office is not None else ZoneInfo("Europe/Paris")


def when(starts_at: int, zone: ZoneInfo) -> str:
    """mardi 13 octobre à 9h30"""
    local = instant(starts_at).astimezone(zone)
    return f"{long_date(local.date(), 'fr')} à {hour(local, 'fr')}"


# Where one text is printed for several patients: each has their hour on their own line.
THEIR_HOUR = "[jour et heure de la ligne]"


Said = Mapping[tuple[int, str], Record]  # what was written about (appointment, purpose)


def details_of(connection: Connection, kind: str, appointments: Sequence[int]) -> Said:
    """How late, or where instead: what a call of this kind tells as the text does."""
    return written.said(connection, appointments) if kind in TELL_DETAILS else {}


def words(
    rules: Rules,
    kind: str,
    uf: str,
    one: Record | None,
    said_when: str = "",
    said: Said = MappingProxyType({}),
) -> str:
    """What to say, with the sheet where it is about instructions. `said_when`: instead of its
    day and hour."""
    desk = rules.desks.get(uf) or next(iter(rules.desks.values()), None)
    if desk is None:
        return ""
    details = said.get((one.id, kind.removeprefix(CALL))) if one is not None else None
    told = suggested(
        kind,
        place=desk.establishment,
        when=said_when or (when(one.starts_at, zone_of(rules, one.uf)) if one is not None else ""),
        late=lasting(details.late_minutes, "fr") if details and details.late_minutes else "",
        there=details.new_place if details else "",
    )
    sheet = rules.preparation(one.uf, one.kind) if one is not None else None
    if sheet is None or kind not in ABOUT_INSTRUCTIONS:
        return told
    parts = [told, sheet.instructions or sheet.sms]
    if sheet.documents:
        parts.append(f"À apporter : {', '.join(sheet.documents)}.")
    if sheet.arrival_point:
        parts.append(f"Se présenter : {sheet.arrival_point}.")
    return "\n".join(part for part in parts if part)


# --- the day's calls -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the call list; nothing in it needs a decision first."""

    task: int
    version: int  # of the appointment whose hour is told here
    hour: str
    when: str
    starts_at: datetime
    uf: str
    service: str
    family: str
    given: str
    birth_date: str
    identifier: str
    telephone: str  # "" = in the DPI only
    whom: str
    why: str
    words: str
    printed: str  # `words` for everybody with the same reason and sheet
    assignee: str
    number: str = ""  # E.164 of `telephone`
    holder: str = ""  # the name of `assignee`
    priority: str = ""
    tries: int = 0  # in vain, so far
    tried_at: datetime | None = None
    back_at: datetime | None = None  # until when it then waits
    of: int = 0  # how many calls the list has, of all its pages

    @property
    def place(self) -> CallPlace:
        """Where it stands on the list."""
        return int(self.back_at is not None), micros(self.starts_at), self.task

    def plain(self) -> dict[str, Any]:
        """For programs: instants in ISO 8601, UTC."""
        told = asdict(self)
        del told["of"]
        for name in ("starts_at", "tried_at", "back_at"):
            told[name] = told[name].isoformat() if told[name] is not None else None
        return told


FIRST = (0, -1, 0)
MOST_CALLS = 1_000  # of one day and page


def calls(
    store: Store,
    rules: Rules,
    day: date,
    *,
    uf: str = "",
    ufs: frozenset[str] | None = None,
    after: CallPlace = FIRST,
    limit: int = MOST_CALLS,
    now: datetime,
) -> list[Call]:
    """The calls of a civil day, by hour of the appointment: what can be done by that evening,
    about appointments that have not begun. Whom somebody tried to call comes
    last until it is time again. `after`: the place of the last one of the page before."""
    scope = scope_of(rules, narrowed(ufs, [uf] if uf else []))
    start, end = _civil(rules, day, uf)
    with store.read() as connection:
        found = subjects.calls(
            connection, scope, now=micros(now), start=start, end=end, after=after, limit=limit
        )
        said = written.said(connection, [row.id for row in found if row.task_kind in TELL_DETAILS])
    return [_call(rules, row, said) for row in found]


def _civil(rules: Rules, day: date, uf: str) -> tuple[int, int]:
    zone = zone_of(rules, uf)
    first, last = (to_utc(one, time(0), zone) for one in (day, day + timedelta(days=1)))
    return micros(first), micros(last)


def _call(rules: Rules, row: Record, said: Said) -> Call:
    number, whose = telephone(row)
    zone = zone_of(rules, row.uf)
    office = rules.offices.get(row.uf)
    return Call(
        task=row.task_id,
        version=row.version,
        hour=hour(instant(row.starts_at).astimezone(zone), "fr"),
        when=when(row.starts_at, zone),
        starts_at=instant(row.starts_at),
        uf=row.uf,
        service=office.label if office else "",
        family=row.family or "",
        given=row.given or "",
        birth_date=row.birth_date or "",
        identifier=row.identifier or "",
        telephone=grouped_phone(number),
        whom=WHOM[whose],
        why=row.sentence,
        words=words(rules, row.task_kind, row.uf, row, said=said),
        printed=words(rules, row.task_kind, row.uf, row, THEIR_HOUR, said),
        assignee=row.assignee,
        number=number,
        holder=row.holder,
        priority=PRIORITIES[Priority(row.priority)],
        tries=row.tries,
        tried_at=instant_or_none(row.tried_at),
        back_at=instant(row.due_at) if row.waits else None,
        of=row.number,
    )
