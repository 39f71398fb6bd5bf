"""Appointments as staff look at them, find them, and act for a patient on the telephone."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.access import narrowed
from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import Status
from reminders.domain.calendar import to_utc
from reminders.domain.marking import N_
from reminders.domain.outbox import FAILED, State
from reminders.domain.outcome import Outcome, why_closed
from reminders.services.answer import Given, give
from reminders.services.observed import outcome_of_row
from reminders.store import appointments, facts, planning
from reminders.store import writing as written
from reminders.store.appointments import COUNTED, Place, Wanted
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, micros

PAGE = 50
LONGEST = 366  # days of a search


class Refused(Exception):
    """What cannot be done to an appointment: `code` for programs, the sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


# --- lists ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: civil days, both included, and what they are narrowed to.

    `hour` is the first hour of a single day to show. `ufs`: chosen ones, of those that may be
    seen; none chosen: all of those.
    """

    first: date
    last: date
    ufs: frozenset[str] = frozenset()
    agenda: str = ""
    status: str = ""
    answer: str = ""
    reason: str = ""
    hour: int = 0
    outcome: str = ""  # of OUTCOMES

    def wanted(self, may_see: frozenset[str] | None, zone: ZoneInfo) -> Wanted:
        return Wanted(
            micros(to_utc(self.first, time(self.hour), zone)),
            micros(to_utc(self.last + timedelta(days=1), time(0), zone)),
            narrowed(may_see, self.ufs),
            self.agenda,
            self.status,
            self.answer,
            self.reason,
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the messages of one appointment, in one word, and why where there is none.

    failed | held | unknown | delivered | left | planned | none
    """

    word: str
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of appointments. `after` continues it; `partly`: the search stopped there because
    it had looked at enough, not because the page is full."""

    rows: Sequence[Record]
    told: Mapping[int, Told]
    after: Place | None = None
    partly: bool = False
    number: int = 0  # of all, COUNTED + 1 for more; 0: not counted
    later: int = 0  # of those, from the hour on that is asked for
    agendas: Sequence[Record] = ()

    @property
    def uncountable(self) -> bool:
        return self.number > COUNTED


# What became of an appointment, counted as the figures of the first page are (store/home.py).
OUTCOMES: Mapping[str, Callable[[Record, int], bool]] = {
    "no-show": lambda row, now: _became(row, now) is Outcome.NO_SHOW,
    "confirmed": lambda row, now: bool(row.said_yes),
    "cancelled-early": lambda row, now: _became(row, now) is Outcome.CANCELLED_EARLY,
}


def _became(row: Record, now: int) -> Outcome | None:
    return None if row.elsewhere else outcome_of_row(row, now)


def _of_outcome(
    connection: Connection, wanted: Wanted, outcome: str, after: Place | None, now: int
) -> tuple[Sequence[Record], Place | None, bool]:
    """As `appointments.page`, of those that became this."""
    looked = appointments.examined(connection, wanted, after=after)
    kept = [row for row in looked if row.fits and OUTCOMES[outcome](row, now)]
    shown = appointments.lines(connection, [row.id for row in kept[:PAGE]]) if kept else ()
    if len(kept) > PAGE:
        return shown, (kept[PAGE - 1].starts_at, kept[PAGE - 1].id), False
    if len(looked) == appointments.MOST:
        return shown, (looked[-1].starts_at, looked[-1].id), True
    return shown, None, False


def look(
    store: Store,
    search: Search,
    may_see: frozenset[str] | None,
    zone: ZoneInfo,
    *,
    after: Place | None = None,
    counted: bool = False,
    now: datetime,
) -> Listing:
    """The next page of what is looked for. `counted`: say how many there are, and the agendas
    of one day where a few services are looked at."""
    wanted = search.wanted(may_see, zone)
    with store.read() as connection:
        if search.outcome:
            rows, following, partly = _of_outcome(
                connection, wanted, search.outcome, after, micros(now)
            )
        else:
            rows, following, partly = appointments.page(connection, wanted, after=after, limit=PAGE)
        told = _told(appointments.messages_of(connection, [row.id for row in rows]))
        day = replace(search, hour=0).wanted(may_see, zone)
        number, agendas = _counted(connection, day) if counted else (0, ())
        later = number
        if counted and search.hour:
            later = appointments.count(connection, wanted)
    return Listing(rows, told, following, partly, number, later, agendas)


def _counted(connection: Connection, day: Wanted) -> tuple[int, Sequence[Record]]:
    """How many in a whole day, and its agendas where a few services are looked at."""
    if day.ufs is None or len(day.ufs) > appointments.FEW:
        return appointments.count(connection, day), ()
    agendas = appointments.agendas(connection, day)
    return sum(one.number for one in agendas if day.agenda in ("", one.agenda)), agendas


def _told(found: Sequence[Record]) -> dict[int, Told]:
    lines: dict[int, list[Record]] = {}
    for row in found:
        lines.setdefault(row.appointment_id, []).append(row)
    return {appointment: in_one_word(rows) for appointment, rows in lines.items()}


_ORDER = ("failed", "held", "unknown", "delivered", "left", "planned")


def in_one_word(decisions: Sequence[Record]) -> Told:
    """What somebody at the desk wants to know first: what went wrong, else what was reached.

    A text that was delivered after another failed has reached the patient.
    """
    words: dict[str, Record] = {}
    for row in decisions:
        if (word := _word(row)) and word not in words:
            words[word] = row
    if "delivered" in words:
        words.pop("failed", None)
    for word in _ORDER:
        if word in words:
            row = words[word]
            why = row.message_reason or "" if word in ("failed", "held") else ""
            return Told(word, why, instant(row.opens_at) if row.opens_at else None)
    reasons = [row.reason for row in decisions if row.reason]
    telling = [one for one in reasons if one not in ("past", "booked_late", "same_day")]
    return Told("none", (telling or reasons or [""])[0])


def _word(row: Record) -> str:
    state = row.message_state
    if state is None or (row.state != "PLANNED" and state in (State.PLANNED, State.CANCELLED)):
        return ""
    if state in (State.PLANNED, State.LEASED):
        return "planned"
    if state == State.HELD:
        return "held"
    if state == State.UNKNOWN:
        return "unknown"
    if state == State.DELIVERED:
        return "delivered"
    if state in (State.SENDING, State.ACCEPTED):
        return "left"
    return "failed" if state in FAILED else ""


# --- one appointment's story ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened, or will: `kind` names it, `row` holds its facts."""

    at: datetime
    kind: str
    row: Record
    decision: Record | None = None  # of a submission: what it was for


@dataclass(frozen=True, slots=True)
class Life:
    """One appointment: what happened, oldest first, and what is still to come."""

    appointment: Record
    past: tuple[Moment, ...] = ()
    coming: tuple[Moment, ...] = ()
    decisions: Sequence[Record] = field(default=())

    @property
    def starts_at(self) -> datetime:
        return instant(self.appointment.starts_at)


def life_of(store: Store, appointment: int, *, now: datetime) -> Life | None:
    """Everything the store holds about one appointment, by four statements, one more
    if it ever changed. None: unknown."""
    with store.read() as connection:
        row = appointments.find(connection, appointment)
        if row is None:
            return None
        decisions = appointments.decisions(connection, appointment)
        attempts = appointments.attempts(connection, appointment)
        events = appointments.events(
            connection, appointment, patient=row.patient_id or 0, uf=row.uf
        )
        changes = appointments.changes(connection, appointment) if row.version > 1 else []
    moments = [*_own(row, changes), *_decided(decisions, now), *_sent(attempts, decisions)]
    moments += [Moment(instant(one.at), one.what, one) for one in events if one.at is not None]
    moments.sort(key=lambda one: (one.at, _RANK.get(one.kind, 2)))
    past = tuple(one for one in moments if one.at <= now)
    coming = tuple(one for one in moments if one.at > now)
    return Life(row, past, coming, decisions)


_RANK = {"read": 0, "reply": 1, "start": 3}  # of one moment, what led to the others first


def _own(row: Record, changes: Sequence[Record]) -> list[Moment]:
    """What the DPI and the desk said of the appointment itself."""
    found = [Moment(instant(row.first_seen_at), "read", row)]
    found += [Moment(instant(one.at), "moved", one) for one in changes]
    if row.version > 1 and not any(one.version == row.version for one in changes):
        found.append(Moment(instant(row.version_at), "changed", row))  # before changes were kept
    if row.cancelled_at is not None:
        found.append(Moment(instant(row.cancelled_at), "cancelled", row))
    if row.attended_at is not None:
        found.append(Moment(instant(row.attended_at), "attended", row))
    found.append(Moment(instant(row.starts_at), "start", row))
    return found


def _decided(decisions: Sequence[Record], now: datetime) -> list[Moment]:
    """A text that will leave stands where it will; what is not sent, where that was decided."""
    found = []
    for row in decisions:
        state = row.message_state if row.state == "PLANNED" and row.message_state else row.state
        if state in (State.PLANNED, State.LEASED, State.HELD):
            opens = instant(row.message_opens_at or row.opens_at or row.decided_at)
            kind = "held" if state == State.HELD else "planned"
            found.append(Moment(max(opens, now + timedelta(microseconds=1)), kind, row))
        elif state in _WITHOUT_ATTEMPT:
            found.append(Moment(instant(row.decided_at), "not_sent", row))
    return found


_WITHOUT_ATTEMPT = frozenset(
    {"SUPPRESSED", State.CANCELLED, State.EXPIRED, State.QUARANTINED}
)  # the others are told by their submission


def _sent(attempts: Sequence[Record], decisions: Sequence[Record]) -> list[Moment]:
    of_message = {row.message_id: row for row in decisions if row.message_id is not None}
    return [
        Moment(instant(row.started_at), "sent", row, of_message.get(row.message_id))
        for row in attempts
    ]


# --- acting for the patient ----------------------------------------------------------------------


CLOSED = {
    "past": N_("Ce rendez-vous a déjà commencé."),
    "not_booked": N_("Ce rendez-vous n’est plus prévu dans le DPI."),
}


def still_open(connection: Connection, appointment: int, now: datetime) -> Record:
    """An appointment to come that the DPI holds as booked. Raises Refused."""
    row = appointments.find(connection, appointment)
    if row is None:
        raise Refused("unknown", N_("Ce rendez-vous n’existe pas, ou a été effacé."))
    if why := why_closed(Status(row.status), instant(row.starts_at), now):
        raise Refused(why, CLOSED[why])
    return row


def uf_of(store: Store, appointment: int) -> str | None:
    """The service of an appointment; None: there is none."""
    with store.read() as connection:
        row = appointments.find(connection, appointment)
    return None if row is None else str(row.uf)


def answer_by_phone(
    store: Store,
    appointment: int,
    kind: AnswerKind,
    *,
    version: int,
    request: str,
    by: str,
    now: datetime,
) -> bool:
    """What the patient says on the telephone, once for each form: True if it is news. `version`:
    of the appointment as it was read to them.

    Raises Refused where it can no longer be said, or where it has moved since (R26).
    """
    with store.write() as connection:
        row = still_open(connection, appointment, now)
        if row.version != version:
            raise Refused(
                "moved", N_("Ce rendez-vous a changé entre-temps : le relire au patient.")
            )
        given = Given(kind, ((row.id, row.version),), "staff", f"staff:{request}:{kind.value}", by)
        new = give(connection, given, now=now) > 0
        if new:
            _audit(connection, appointment, f"answer {kind.value}", by, now)
    return new


def stop_reminders(store: Store, appointment: int, *, by: str, now: datetime) -> bool:
    """No more reminders of this appointment as it stands; a new date, a correction or a
    cancellation is still told. True if it is news."""
    with store.write() as connection:
        row = still_open(connection, appointment, now)
        planning.mark_dirty(connection, [row.patient_id] if row.patient_id else [])
        new = written.stop(connection, [appointment], why="staff", by=by, at=micros(now)) > 0
        if new:
            _audit(connection, appointment, "stop reminders", by, now)
    return new


def resume_reminders(store: Store, appointment: int, *, by: str, now: datetime) -> bool:
    """Reminders come again. True if it is news."""
    with store.write() as connection:
        row = still_open(connection, appointment, now)
        planning.mark_dirty(connection, [row.patient_id] if row.patient_id else [])
        new = written.resume(connection, [appointment], why=["staff", "session"]) > 0
        if new:
            _audit(connection, appointment, "resume reminders", by, now)
    return new


def _audit(connection: Connection, appointment: int, action: str, by: str, now: datetime) -> None:
    facts.audit(
        connection, at=micros(now), actor=by, action=action, subject=f"appointment:{appointment}"
    )


def ufs_of_site(sites: Mapping[str, str], site: str) -> Collection[str]:
    """The services of a site."""
    return frozenset(uf for uf, where in sites.items() if where == site)
