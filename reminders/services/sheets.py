"""Preparation sheets: drafts, proposals, approval by a second person, and who reads them.

A version is never changed. Patients read the approved one of the highest number; what the
configuration file defines is the file's (DESIGN 7.11).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.config import PreparationTable, Settings
from reminders.domain.template import variables_used
from reminders.domain.template_diff import Piece, difference
from reminders.domain.template_life import MANY_PATIENTS
from reminders.domain.worklist import ABOUT_INSTRUCTIONS
from reminders.errors import TemplateError
from reminders.services.rules import Book, Rules, Stored, book_of, content_of, stored, table_of
from reminders.services.sheets_form import LABELS, SheetForm, draft_of, filled, taken, warnings
from reminders.services.tasks import SENTENCES
from reminders.services.units import line_of
from reminders.services.units_save import NotSaved, changing
from reminders.store import facts, sheets, templates
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, instant_or_none, micros

# What a template may say of a sheet, and the patient's page shows.
VARIABLES = frozenset(
    {
        "consignes_sms", "point_accueil", "consignes", "documents_a_apporter", "batiment",
        "etage", "porte", "adresse", "lien_itineraire", "lien_preadmission", "heure_arrivee",
    }
)  # fmt: skip
STATES = ("proposed", "approved", "refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable version; `table` None where this release cannot read it."""

    number: int
    base: int
    restores: int
    table: PreparationTable | None
    author: str
    at: datetime
    state: str
    decided_by: str
    decided_at: datetime | None
    alone: bool
    remark: str


@dataclass(frozen=True, slots=True)
class Draft:
    form: SheetForm
    base: int
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One sheet in the list. `table`: what patients read; None while nothing is approved."""

    name: str
    table: PreparationTable | None
    line: int | None = None  # of the configuration file that owns it
    in_file: bool = False
    live: Version | None = None
    waiting: Version | None = None
    draft: Draft | None = None


def in_file(settings: Settings, name: str) -> bool:
    return any(one.id == name for one in settings.preparation)


def overview(store: Store, rules: Rules, *, actor: str) -> list[Line]:
    """Every sheet: what is read, what waits for approval, and one's own drafts."""
    with store.read() as connection:
        live = {row.name: version_from(row) for row in sheets.live(connection)}
        waiting = {row.name: version_from(row) for row in sheets.waiting(connection)}
        drafts = {row.name: _draft(row) for row in sheets.drafts(connection, actor)}
    settings = rules.settings
    owned = {one.id: one for one in settings.preparation}
    return [
        Line(
            name,
            owned[name] if name in owned else (live[name].table if name in live else None),
            line=line_of(settings, "preparation", name, "id") if name in owned else None,
            in_file=name in owned,
            live=None if name in owned else live.get(name),
            waiting=None if name in owned else waiting.get(name),
            draft=None if name in owned else drafts.get(name),
        )
        for name in sorted({*owned, *live, *waiting, *drafts})
    ]


def version_from(row: Record) -> Version:
    return Version(
        row.number, row.base, row.restores, table_of(row.content, PreparationTable), row.author,
        instant(row.at), row.state, row.decided_by, instant_or_none(row.decided_at),
        bool(row.alone), row.remark,
    )  # fmt: skip


def _draft(row: Record) -> Draft | None:
    form = draft_of(row.content)
    return None if form is None else Draft(form, row.base, instant(row.saved_at))


# --- one sheet -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """A message template in service that says something of the sheet."""

    purpose: str
    language: str
    family: str
    channel: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    table: PreparationTable | None  # what patients read
    line: int | None
    in_file: bool
    versions: tuple[Version, ...]  # latest first
    draft: Draft | None
    appointments: int
    patients: int
    uses: tuple[Use, ...]
    scripts: tuple[str, ...]  # tasks whose suggested words read from the sheet
    ufs: tuple[str, ...]  # services whose patients read it

    @property
    def live(self) -> Version | None:
        found = (one for one in self.versions if one.state == "approved")
        return None if self.in_file else next(found, None)

    @property
    def waiting(self) -> Version | None:
        found = (one for one in self.versions if one.state == "proposed")
        return None if self.in_file else next(found, None)

    def version(self, number: int) -> Version | None:
        return next((one for one in self.versions if one.number == number), None)


def page(store: Store, rules: Rules, name: str, *, actor: str, now: datetime) -> Page | None:
    """Everything about one sheet; None if nobody ever wrote one of that name."""
    at = micros(now)
    with store.read() as connection:
        versions = tuple(version_from(row) for row in sheets.versions(connection, name))
        row = sheets.draft(connection, name, actor)
        owned = next((one for one in rules.settings.preparation if one.id == name), None)
        table = owned or next((one.table for one in versions if one.state == "approved"), None)
        told = table or next((one.table for one in versions), None)
        ufs, kind, others = about(rules.book, told)
        appointments, patients, _ = sheets.concerned(connection, ufs, kind, others, at)
        texts = templates.versions(connection, at)
    draft = _draft(row) if row is not None else None
    if owned is None and not versions and draft is None:
        return None
    return Page(
        name, table, line_of(rules.settings, "preparation", name, "id") if owned else None,
        owned is not None, versions, draft, appointments, patients, uses_of(texts),
        tuple(SENTENCES[one] for one in sorted(ABOUT_INSTRUCTIONS) if one in SENTENCES), ufs,
    )  # fmt: skip


def about(
    book: Book, table: PreparationTable | None
) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """(services, type, types that have a sheet of their own) of whom a sheet is about."""
    if table is None:
        return (), "", ()
    normal = tuple(sorted(uf for uf, desk in book.desks.items() if desk.sensitivity == "normal"))
    if table.type:
        return normal, table.type, ()
    others = tuple(sorted(book.preparations_by_type))
    return tuple(uf for uf in normal if uf == table.service), "", others


def uses_of(texts: Sequence[Record]) -> tuple[Use, ...]:
    """The templates in service whose text, subject or HTML says something of a sheet."""
    found = []
    for row in texts:
        said: set[str] = set()
        for part in (row.body, row.subject, row.html):
            try:
                said |= variables_used(part, row.channel) if part else frozenset()
            except TemplateError:  # one that no longer passes says nothing
                continue
        if used := said & VARIABLES:
            found.append(
                Use(row.purpose, row.language, row.family, row.channel, tuple(sorted(used)))
            )
    return tuple(sorted(found, key=lambda one: (one.purpose, one.language, one.channel)))


@dataclass(frozen=True, slots=True)
class Changed:
    """One field of two versions, word by word."""

    label: str
    pieces: tuple[Piece, ...]


def changes(old: PreparationTable | None, new: PreparationTable | None) -> list[Changed]:
    """What differs from one version to another, field by field; every field of a first one."""
    before = _spoken(old) if old is not None else {}
    after = _spoken(new) if new is not None else {}
    return [
        Changed(label, tuple(difference(before.get(key, ""), after.get(key, ""))))
        for key, label in LABELS.items()
        if before.get(key, "") != after.get(key, "")
    ]


def _spoken(table: PreparationTable) -> dict[str, str]:
    form = filled(table)
    told = {key: getattr(form, key) for key in LABELS if key not in ("subject", "acknowledge")}
    return told | {
        "subject": form.about,
        "acknowledge": "oui" if table.acknowledge else "non",
        "arrive_minutes_before": f"{table.arrive_minutes_before} min",
    }


# --- verbs ---------------------------------------------------------------------------------------


def save_draft(store: Store, form: SheetForm, *, base: int, actor: str, now: datetime) -> None:
    """Keep what one person types, right or wrong: it survives a closed tab."""
    with store.write() as connection:
        sheets.save_draft(connection, form.name, actor, form.content, base=base, at=micros(now))


def drop_draft(store: Store, name: str, *, actor: str) -> None:
    with store.write() as connection:
        sheets.drop_draft(connection, name, actor)


def propose(
    store: Store, rules: Rules, table: PreparationTable, *, base: int, actor: str, now: datetime
) -> int:
    """Offer a sheet for approval: its number. An earlier proposal of one's own is withdrawn.

    Raises NotSaved: « changed » if another version was approved since `base`, « waiting » while
    somebody else's proposal waits, « file », « subject » if another sheet has its appointments.
    """
    settings, at = rules.settings, micros(now)
    if in_file(settings, table.id):
        raise NotSaved("file", line_of(settings, "preparation", table.id, "id"))
    with store.write() as connection:
        last, live = sheets.latest(connection, table.id)
        if live != base:
            raise NotSaved("changed")
        _refuse_taken(rules, connection, table)
        waiting = [r for r in sheets.waiting(connection) if r.name == table.id]
        if any(row.author != actor for row in waiting):
            raise NotSaved("waiting")
        for row in waiting:
            sheets.decide(connection, table.id, row.number, "withdrawn", by=actor, at=at)
        if not sheets.add(
            connection, table.id, last + 1, content_of(table), base=base, author=actor, at=at
        ):
            raise NotSaved("waiting")
        sheets.drop_draft(connection, table.id, actor)
        _note(connection, "propose", table.id, last + 1, actor, at)
    return last + 1


def _refuse_taken(rules: Rules, connection: Connection, table: PreparationTable) -> None:
    """Two sheets never speak for the same appointments."""
    kind, subject = ("uf", table.service) if table.service else ("type", table.type)
    present = book_of(rules.settings, stored(connection))
    if taken(table.id, kind, subject or "", present) is not None:
        raise NotSaved("subject")


def remarks(table: PreparationTable, book: Book, reach: int) -> list[str]:
    """What the approver ticks: the sheet's own remarks, and that it reaches very many."""
    return warnings(table, book) + (["many"] if reach > MANY_PATIENTS else [])


def may_approve(author: str, by: str, settings: Settings) -> bool:
    return author != by or not settings.templates.two_people


def approve(
    store: Store,
    rules: Rules,
    name: str,
    number: int,
    *,
    actor: str,
    ticked: Sequence[str],
    now: datetime,
) -> None:
    """Patients read this version from now on, in every text that has not left.

    Raises NotSaved: « own » by its author where two people are asked for, « warned » while a
    remark is not ticked, « decided », « changed » if another version came into service since it
    was written, « unknown », « file », « subject ».
    """
    settings, at = rules.settings, micros(now)
    if in_file(settings, name):
        raise NotSaved("file", line_of(settings, "preparation", name, "id"))
    with changing(store, rules, now=now) as connection:
        row = sheets.version(connection, name, number)
        table = table_of(row.content, PreparationTable) if row is not None else None
        if row is None or table is None:
            raise NotSaved("unknown")
        if row.state != "proposed":
            raise NotSaved("decided")
        if not may_approve(row.author, actor, settings):
            raise NotSaved("own")
        if sheets.latest(connection, name)[1] != row.base:
            raise NotSaved("changed")
        _refuse_taken(rules, connection, table)
        ufs, kind, others = about(rules.book, table)
        reach = sheets.concerned(connection, ufs, kind, others, at)[1]
        if set(remarks(table, rules.book, reach)) - set(ticked):
            raise NotSaved("warned")
        sheets.decide(
            connection, name, number, "approved", by=actor, at=at, alone=row.author == actor
        )
        _note(connection, "approve", name, number, actor, at)


def refuse(store: Store, name: str, number: int, *, actor: str, remark: str, now: datetime) -> None:
    """Send a proposal back with a word to its author. Raises NotSaved(« decided »)."""
    at = micros(now)
    with store.write() as connection:
        if not sheets.decide(
            connection, name, number, "refused", by=actor, at=at, remark=remark[:300]
        ):
            raise NotSaved("decided")
        _note(connection, "refuse", name, number, actor, at)


def withdraw(store: Store, name: str, number: int, *, actor: str, now: datetime) -> None:
    """One's own proposal, before anybody decided; it becomes a draft again."""
    at = micros(now)
    with store.write() as connection:
        row = sheets.version(connection, name, number)
        if row is None or row.author != actor:
            raise NotSaved("unknown")
        if not sheets.decide(connection, name, number, "withdrawn", by=actor, at=at):
            raise NotSaved("decided")
        table = table_of(row.content, PreparationTable)
        if table is not None and sheets.draft(connection, name, actor) is None:
            form = filled(table)
            sheets.save_draft(connection, name, actor, form.content, base=row.base, at=at)
        _note(connection, "withdraw", name, number, actor, at)


def restore(
    store: Store, rules: Rules, name: str, number: int, *, actor: str, now: datetime
) -> int:
    """Back to a version that was approved before: one person may, it has been read by two.

    Raises NotSaved: « unknown » for one never approved, « subject », « file », « changed ».
    """
    settings, at = rules.settings, micros(now)
    if in_file(settings, name):
        raise NotSaved("file", line_of(settings, "preparation", name, "id"))
    with changing(store, rules, now=now) as connection:
        row = sheets.version(connection, name, number)
        last, live = sheets.latest(connection, name)
        table = table_of(row.content, PreparationTable) if row is not None else None
        if row is None or table is None or row.state != "approved" or number == live:
            raise NotSaved("unknown")
        _refuse_taken(rules, connection, table)
        added = sheets.add(
            connection, name, last + 1, row.content, base=live, author=actor, at=at,
            restores=number,
        )  # fmt: skip
        if not added:
            raise NotSaved("changed")
        sheets.decide(connection, name, last + 1, "approved", by=actor, at=at, alone=True)
        _note(connection, "restore", name, last + 1, actor, at, restores=number)
    return last + 1


def _note(
    connection: Connection, what: str, name: str, number: int, actor: str, at: int, **more: object
) -> None:
    facts.audit(
        connection, at=at, actor=actor, action=f"sheet.{what}", subject=f"sheet:{name}",
        version=number, **more,
    )  # fmt: skip


def with_sheet(rules: Rules, table: PreparationTable) -> Book:
    """The book as it would be: for a preview."""
    book = rules.book
    kept = {name: one for name, one in book.sheets.items() if name != table.id}
    told = Stored(book.services, book.protocols, kept | {table.id: table})
    return book_of(rules.settings, told, book.revision)


def kinds(store: Store, *, now: datetime) -> list[str]:
    """The types of appointments the DPI names, most frequent first."""
    with store.read() as connection:
        return [row.kind for row in sheets.kinds(connection, micros(now))]
