"""Patients as the desk meets them: who calls, what happened, what they say by telephone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reminders.domain.answer import AnswerKind, Priority
from reminders.domain.marking import N_
from reminders.domain.search import Asked, asked
from reminders.services.answer import Given, give
from reminders.services.notes import plain, write
from reminders.store import facts, patients, planning, subjects, worklist
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.patients import EVERYTHING, KINDS, MOST
from reminders.store.types import instant, micros

Ufs = frozenset[str] | None
LAST = (2**62, 0, 0)  # before everything there will ever be
LINES = 50  # of a timeline on one page
AHEAD = 30

# --- search --------------------------------------------------------------------------------------

WAYS = {1: "own", 2: "proxy", 3: "told", 4: "replaced", 5: "written"}


@dataclass(frozen=True, slots=True)
class Found:
    """`ways`: how the number or address searched for is theirs, and since when (None: now)."""

    row: Record
    next: datetime | None
    last: datetime | None
    ways: tuple[tuple[str, datetime | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    asked: Asked
    found: Sequence[Found] = ()
    more: bool = False  # there are others: the search must say more


def search(store: Store, secret: bytes, typed: str, ufs: Ufs, *, now: datetime) -> Findings:
    """Whom this may be, among those whose appointments the reader may see; MOST at most."""
    wanted = asked(typed, now.date())
    within = None if ufs is None else sorted(ufs)
    with store.read() as connection:
        ids, ways = _looked_up(connection, secret, wanted, within)
        rows = patients.shown(connection, ids, within, now=micros(now))
        kept = [row for row in rows if _fits(wanted, row)]
    found = [_found(row, ways.get(row.id, ())) for row in kept]
    return Findings(wanted, found[:MOST], len(rows) > MOST)


_Ways = dict[int, tuple[tuple[str, datetime | None], ...]]


def _looked_up(
    connection: Connection, secret: bytes, wanted: Asked, ufs: Sequence[str] | None
) -> tuple[list[int], _Ways]:
    ids: list[int] = []
    ways: _Ways = {}
    born = [day.isoformat() for day in wanted.born]
    if address := wanted.phone or wanted.mail:
        key = planning.address_key(secret, address)
        for row in patients.by_address(connection, address, key):
            way = (WAYS[row.way], instant(row.at) if row.at else None)
            ways[row.id] = (*ways.get(row.id, ()), way)
        ids += ways
    if wanted.identifiers:
        ids += patients.by_identifier(connection, wanted.identifiers)
    elsewhere = bool(address or wanted.identifiers)
    if wanted.names and not elsewhere and wanted.problem != "too_short":
        ids += patients.by_name(connection, wanted.splits, born, wanted.year, ufs)
    elif born and not address and not wanted.names:
        ids += patients.by_birth(connection, born, ufs)
    return list(dict.fromkeys(ids)), ways


def _fits(wanted: Asked, row: Record) -> bool:
    """Names typed beside a number hold together with it, and so does a birth date."""
    address = bool(wanted.phone or wanted.mail)
    if address and wanted.born and row.birth_date not in {d.isoformat() for d in wanted.born}:
        return False
    if address and wanted.year and not row.birth_date.startswith(f"{wanted.year:04}"):
        return False
    if not wanted.names or not (address or wanted.identifiers):
        return True
    families = [str(getattr(row, f"{one}_key")) for one in patients.FAMILIES]
    givens = [str(getattr(row, f"{one}_key")) for one in patients.GIVENS]
    return any(
        any(key.startswith(family) for key in families)
        and any(key.startswith(given) for key in givens)
        for family, given in wanted.splits
    )


def _found(row: Record, ways: tuple[tuple[str, datetime | None], ...]) -> Found:
    return Found(
        row,
        None if row.next is None else instant(row.next),
        None if row.last is None else instant(row.last),
        ways,
    )


# --- one person ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One moment of a person's history. What a, b, c, d mean: store/patients.py, by `kind`."""

    at: datetime
    kind: str
    id: int
    about: int  # the appointment, 0 = none
    uf: str
    starts_at: datetime | None
    a: str
    b: str
    c: str
    d: str
    who: str
    body: str
    n: int


@dataclass(frozen=True, slots=True)
class Person:
    """`files`: the person's own, then those merged into it. `past` and `ahead`: oldest first;
    `older`: where the page before begins, None at the beginning. `elsewhere`: appointments in
    services the reader does not see."""

    root: int
    files: Sequence[Record]
    visits: Sequence[Record]
    objections: Sequence[Record]
    past: Sequence[Line]
    ahead: Sequence[Line]
    older: tuple[int, int, int] | None
    elsewhere: int

    @property
    def own(self) -> Record:
        return self.files[0]


def person(
    store: Store,
    secret: bytes,
    patient: int,
    ufs: Ufs,
    *,
    kinds: Sequence[str] = EVERYTHING,
    before: tuple[int, int, int] = LAST,
    now: datetime,
) -> Person | None:
    """Everything about one person that the reader may see; None: nobody, or nobody they see."""
    within, at = (None if ufs is None else sorted(ufs)), micros(now)
    chosen = [kind for kind in KINDS if kind in kinds]
    with store.read() as connection:
        files = patients.files(connection, patient, within)
        if not files or not (ufs is None or any(one.seen for one in files)):
            return None
        acting = patients.standing(connection, patient, _keys(secret, files), within, now=at)
        lines = patients.history(
            connection, patient, chosen, within, now=at, before=before, limit=LINES + 1,
            ahead=AHEAD if before == LAST else 0,
        )  # fmt: skip
    lines = sorted(lines, key=lambda row: (row.at, row.place, row.id))
    past = [row for row in reversed(lines) if not row.coming]
    last = past[LINES - 1] if len(past) > LINES else None
    return Person(
        root=patient,
        files=files,
        visits=[one for one in acting if one.kind == "visit"],
        objections=[one for one in acting if one.kind == "objection"],
        past=[_line(row) for row in reversed(past[:LINES])],
        ahead=[_line(row) for row in lines if row.coming],
        older=None if last is None else (last.at, last.place, last.id),
        elsewhere=sum(one.elsewhere for one in files),
    )


def seen_by(store: Store, patient: int, ufs: Ufs) -> Sequence[Record]:
    """The files of one person, empty for whoever sees none of their appointments."""
    with store.read() as connection:
        files = patients.files(connection, patient, None if ufs is None else sorted(ufs))
    return files if ufs is None or any(one.seen for one in files) else ()


def _keys(secret: bytes, files: Sequence[Record]) -> list[bytes]:
    addresses = {
        address
        for one in files
        for address in (one.phone, one.email, one.proxy_phone, one.proxy_email)
        if address
    }
    return [planning.address_key(secret, address) for address in sorted(addresses)]


def _line(row: Record) -> Line:
    return Line(
        instant(row.at), row.kind, row.id, row.about, row.uf,
        instant(row.starts_at) if row.starts_at else None,
        row.a, row.b, row.c, row.d, row.who, row.body, row.n,
    )  # fmt: skip


# --- what the patient says by telephone ----------------------------------------------------------

SAYS = {
    "confirmed": AnswerKind.CONFIRMED,
    "cancelled": AnswerKind.CANCELLED,
    "reschedule": AnswerKind.RESCHEDULE,
    "question": AnswerKind.QUESTION,
}
FOLLOWS = {AnswerKind.RESCHEDULE: "reply_reschedule", AnswerKind.QUESTION: "reply_question"}
ASKED = {  # whoever takes the task finds the patient's words among the notes of their file
    "reply_reschedule": N_("Demande une autre date, dit par téléphone : voir son dossier."),
    "reply_question": N_("Pose une question, dit par téléphone : voir la note de son dossier."),
}
SOON = timedelta(hours=24)


class NotSaid(Exception):
    """`code`: unknown | moved | cancelled | past | note; the sentence is for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Said:
    """`new` False: this form was taken before. `task`: somebody has something to do now."""

    kind: AnswerKind
    new: bool
    task: bool
    source: str


def say(
    store: Store,
    appointment: int,
    version: int,
    kind: str,
    *,
    request: str,
    by: str,
    words: str = "",
    now: datetime,
) -> Said:
    """Record what a patient says of an appointment as the page showed it (`version`), once for
    each `request`. A question, or the wish for another date, is also a task; `words` become a
    note. Raises NotSaid, and NotNoted for words that cannot be kept."""
    given, at, origin = SAYS[kind], micros(now), f"staff:{request}:{kind}"
    body = plain(words) if words.strip() else ""
    with store.write() as connection:
        row = _standing(connection, appointment, version, now)
        new = give(connection, Given(given, ((row.id, row.version),), "staff", origin, by), now=now)
        if not new:
            return Said(given, False, given in FOLLOWS, row.source_id)
        if task := FOLLOWS.get(given, ""):
            _open_task(connection, task, row, origin, at)
        if body:
            write(
                connection, row.patient_id, body, uf=row.uf, origin=origin, by=by, now=now,
                appointment=row.id,
            )  # fmt: skip
        facts.audit(
            connection, at=at, actor=by, action="say", subject=f"appointment:{row.id}",
            answer=given.value,
        )  # fmt: skip
    return Said(given, True, bool(task), row.source_id)


def _standing(connection: Connection, appointment: int, version: int, now: datetime) -> Record:
    found = subjects.appointments(connection, [appointment])
    if not found or found[0].patient_id is None:
        raise NotSaid("unknown", N_("Ce rendez-vous n’existe plus ici."))
    planning.mark_dirty(connection, [found[0].patient_id])  # what follows is as of now
    row = subjects.appointments(connection, [appointment])[0]
    if row.status != "booked":
        raise NotSaid("cancelled", N_("Ce rendez-vous n’est plus prévu dans le DPI."))
    if row.version != version:
        raise NotSaid("moved", N_("Ce rendez-vous a changé entre-temps : le relire au patient."))
    if instant(row.starts_at) <= now:
        raise NotSaid("past", N_("Ce rendez-vous a déjà commencé : noter la présence."))
    return row


def _open_task(connection: Connection, kind: str, row: Record, origin: str, at: int) -> None:
    subject = f"answer:{origin}"
    soon = instant(row.starts_at) - instant(at) < SOON
    planning.open_tasks(
        connection,
        [(reserve(connection, "task", 1), kind, subject, 1, ASKED[kind], row.uf, at, at)],
        priority=int(Priority.TODAY if soon else Priority.REST),
    )
    worklist.bind(connection, kind, subject, row.id)
