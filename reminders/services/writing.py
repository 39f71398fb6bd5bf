"""Writing to a session: one text to everybody who has an appointment of a day and an agenda.

Sending is one transaction: every message, every call that replaces one and the end of the
reminders a called-off session makes untrue; the same request twice is one. Calling back withdraws
what has not left. Whether the appointments are cancelled or moved stays the DPI's to say.
Who would be told is looked at in `writing_survey`, what became of it in `writing_follow`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.domain.marking import N_
from reminders.domain.outbox import dedupe_key
from reminders.domain.writing import CALLED_OFF, SESSION, Session
from reminders.failpoint import failpoint
from reminders.services.tasks import SENTENCES
from reminders.services.worklist import SYSTEM
from reminders.services.writing_survey import Means, Refused, Survey, Visit, look
from reminders.store import facts, planning, syncing, worklist
from reminders.store import writing as written
from reminders.store.engine import Connection, Store, reserve
from reminders.store.types import micros


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
        seen = look(connection, means, session, purpose, ufs, now)
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
                "late_minutes": session.details.late_minutes, "new_place": session.details.place,
            },
        )  # fmt: skip
        plan_texts(connection, means, key, order.request, purpose, seen, now)
        written.replace_unsent(connection, key, at=micros(now))
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
    open_calls(connection, writing, purpose, [(one.visit, at) for one in seen.missed if one.call])


def open_calls(
    connection: Connection, writing: int, purpose: str, calls: Sequence[tuple[Visit, int]]
) -> None:
    """Somebody calls whom no text tells, each from its moment on; and once more who was called
    already, where this text says something else."""
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
    if calls and purpose in SESSION:
        at = max(moment for _, moment in calls)
        about = [visit.appointment for visit, _ in calls]
        anew = written.call_anew(connection, writing, kind, about, at=at)
        worklist.add_events(connection, anew, SYSTEM, "reopen", "", at=at)


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
