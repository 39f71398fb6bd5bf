"""Preparation sheets: drafts, proposals, approval by a second person, and who reads them.

A version is never changed. Patients read the approved one of the highest number; what the
configuration file defines is the file's (DESIGN 7.11).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.config import PreparationTable, Settings
from reminders.domain.marking import N_
from reminders.domain.marking import filled as filled_in
from reminders.domain.template import variables_used
from reminders.domain.template_diff import Piece, difference
from reminders.domain.worklist import ABOUT_INSTRUCTIONS
from reminders.errors import TemplateError
from reminders.services.remembered import Counting, at_once
from reminders.services.rules import Book, Rules, Stored, book_of, table_of
from reminders.services.sheets_form import LABELS, SheetForm, draft_of, filled, untranslated
from reminders.services.tasks import SENTENCES
from reminders.services.units import line_of
from reminders.store import sheets, templates
from reminders.store.engine import Connection, Record, Store
from reminders.store.sheets import Concerned
from reminders.store.types import instant, instant_or_none, micros

# What a template may say of a sheet, and the patient's page shows.
VARIABLES = frozenset(
    {
        "consignes_sms", "point_accueil", "consignes", "documents_a_apporter", "batiment",
        "etage", "porte", "adresse", "lien_itineraire", "lien_preadmission", "heure_arrivee",
    }
)  # fmt: skip
STATES = ("proposed", "scheduled", "approved", "refused", "withdrawn")


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
    effective_at: datetime | None = None  # None: from the moment of the decision


@dataclass(frozen=True, slots=True)
class Draft:
    form: SheetForm
    base: int
    saved_at: datetime
    revision: int


@dataclass(frozen=True, slots=True)
class Line:
    """One sheet in the list. `table`: what patients read; None while nothing is approved."""

    name: str
    table: PreparationTable | None
    line: int | None = None  # of the configuration file that owns it
    in_file: bool = False
    live: Version | None = None
    waiting: Version | None = None
    to_come: Version | None = None  # approved for a later day
    refused: Version | None = None  # the newest version, if it was turned down
    draft: Draft | None = None


def in_file(settings: Settings, name: str) -> bool:
    return any(one.id == name for one in settings.preparation)


def overview(store: Store, rules: Rules, *, actor: str) -> list[Line]:
    """Every sheet: what is read, what waits for approval, and one's own drafts."""
    with store.read() as connection:
        live = {row.name: version_from(row) for row in sheets.live(connection)}
        waiting = {row.name: version_from(row) for row in sheets.waiting(connection)}
        aside = [(row.name, version_from(row)) for row in sheets.set_aside(connection)]
        drafts = {row.name: draft_from(row) for row in sheets.drafts(connection, actor)}
    to_come = {name: one for name, one in aside if one.state == "scheduled"}
    refused = {name: one for name, one in aside if one.state == "refused"}
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
            to_come=None if name in owned else to_come.get(name),
            refused=None if name in owned else refused.get(name),
            draft=None if name in owned else drafts.get(name),
        )
        for name in sorted({*owned, *live, *waiting, *to_come, *refused, *drafts})
    ]


def version_from(row: Record) -> Version:
    return Version(
        row.number, row.base, row.restores, table_of(row.content, PreparationTable), row.author,
        instant(row.at), row.state, row.decided_by, instant_or_none(row.decided_at),
        bool(row.alone), row.remark, instant_or_none(row.effective_at),
    )  # fmt: skip


def draft_from(row: Record) -> Draft | None:
    form = draft_of(row.content)
    return None if form is None else Draft(form, row.base, instant(row.saved_at), row.revision)


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
    foreign: Mapping[str, int]  # messages a month in other languages

    @property
    def live(self) -> Version | None:
        found = (one for one in self.versions if one.state == "approved")
        return None if self.in_file else next(found, None)

    @property
    def waiting(self) -> Version | None:
        found = (one for one in self.versions if one.state == "proposed")
        return None if self.in_file else next(found, None)

    @property
    def to_come(self) -> Version | None:
        found = (one for one in self.versions if one.state == "scheduled")
        return None if self.in_file else next(found, None)

    def given_back(self, login: str) -> Version | None:
        """Somebody's own proposal that was refused, while nothing newer was written."""
        last = self.versions[0] if self.versions else None
        return last if last and last.state == "refused" and last.author == login else None

    def version(self, number: int) -> Version | None:
        return next((one for one in self.versions if one.number == number), None)


def page(
    store: Store,
    rules: Rules,
    name: str,
    *,
    actor: str,
    now: datetime,
    whole: bool = True,
    reached: Counting[Concerned] = at_once,
) -> Page | None:
    """Everything about one sheet; None if nobody ever wrote one of that name.

    `whole` False: its versions and one's draft, not whom it is about nor which texts say it.
    """
    at = micros(now)
    with store.read() as connection:
        versions = tuple(version_from(row) for row in sheets.versions(connection, name))
        row = sheets.draft(connection, name, actor)
        owned = next((one for one in rules.settings.preparation if one.id == name), None)
        table = owned or next((one.table for one in versions if one.state == "approved"), None)
        told = table or next((one.table for one in versions), None)
        ufs, _, _ = about(rules.book, told)
        appointments = patients = 0
        texts: Sequence[Record] = ()
        foreign: Mapping[str, int] = {}
        if whole:
            appointments, patients, foreign = reach(connection, rules.book, told, at, reached)
            texts = templates.versions(connection, at)
    draft = draft_from(row) if row is not None else None
    if owned is None and not versions and draft is None:
        return None
    return Page(
        name, table, line_of(rules.settings, "preparation", name, "id") if owned else None,
        owned is not None, versions, draft, appointments, patients, uses_of(texts),
        tuple(SENTENCES[one] for one in sorted(ABOUT_INSTRUCTIONS) if one in SENTENCES), ufs,
        foreign,
    )  # fmt: skip


def reach(
    connection: Connection,
    book: Book,
    table: PreparationTable | None,
    at: int,
    reached: Counting[Concerned],
) -> Concerned:
    """Whom a sheet is about from a moment on (store/sheets)."""
    ufs, kind, others = about(book, table)
    foreign = table is not None and bool(untranslated(table))
    return reached(
        (ufs, kind, others, foreign),
        lambda: sheets.concerned(connection, ufs, kind, others, at, foreign=foreign),
    )


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
    """One field of two versions, word by word. `said`: each piece is a sentence of ours, to be
    told in the reader's language."""

    label: str
    pieces: tuple[Piece, ...]
    said: bool = False
    language: str = "fr"


def changes(
    old: PreparationTable | None, new: PreparationTable | None, book: Book
) -> list[Changed]:
    """What differs from one version to another, field by field; every field of a first one."""
    return differences(filled(old) if old else None, filled(new) if new else None, book)


def differences(old: SheetForm | None, new: SheetForm | None, book: Book) -> list[Changed]:
    """The same of what two people typed, right or wrong."""
    before = _spoken(old, book) if old is not None else {}
    after = _spoken(new, book) if new is not None else {}
    return [
        _changed(key, label, before.get(key, ""), after.get(key, ""))
        for key, label in LABELS.items()
        if before.get(key, "") != after.get(key, "")
    ]


def _changed(key: str, label: str, old: str, new: str) -> Changed:
    if key not in ("subject", "acknowledge", "arrive_minutes_before"):
        language = key[:2] if key[:3] in ("en_", "ar_") else "fr"
        return Changed(label, tuple(difference(old, new)), language=language)
    whole = [Piece("gone", old)] if old else []
    return Changed(label, (*whole, *([Piece("new", new)] if new else [])), said=True)


def _spoken(form: SheetForm, book: Book) -> dict[str, str]:
    told = {key: getattr(form, key) for key in LABELS if key not in ("subject", "acknowledge")}
    minutes = form.arrive_minutes_before
    return told | {
        "subject": subject_said(form.about, book),
        "acknowledge": N_("oui") if form.acknowledge else N_("non"),
        "arrive_minutes_before": filled_in(N_("%(minutes)s min avant"), minutes=minutes)
        if minutes not in ("", "0")
        else N_("à l’heure"),
    }


def subject_said(about: str, book: Book) -> str:
    """« uf:4220 » by the service's name, « type:Scanner » as a type of appointment."""
    kind, _, subject = about.partition(":")
    if kind == "type":
        return filled_in(N_("type « %(type)s »"), type=subject)
    known = book.services.get(subject)
    return f"{known.label} ({subject})" if known else subject


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
