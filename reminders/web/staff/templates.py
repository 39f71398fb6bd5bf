"""Message templates: the list, one template, its versions, where it serves, and the rules."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template import FILTERS, VARIABLES
from reminders.domain.template_key import (
    LANGUAGES,
    PURPOSES,
    TemplateKey,
    key_of,
)
from reminders.domain.template_rules import RULES
from reminders.rendering import shipped
from reminders.services.template_preview import (
    coming,
    glimpse,
    on_invented,
    on_real,
    shown_ufs,
)
from reminders.services.templates import Stored, situation, stored
from reminders.store import templates
from reminders.store.engine import Record
from reminders.store.types import instant, micros
from reminders.web.staff import templates_decide, templates_edit
from reminders.web.staff.templates_shown import (
    LABELS,
    changed_parts,
    key_of_visit,
    may_exist,
    named,
    shown,
)
from reminders.web.staff.visit import Route, Visit

PAGE = 20
# The order in which a patient meets them.
GROUPS = (
    (N_("Rappels"), ("booking", "preparation", "confirm", "short", "rebook")),
    (N_("Changements"), ("correction", "notice")),
    (
        N_("Séances"),
        ("session_cancelled", "session_moved", "session_late", "session_place",
         "session_doubtful"),
    ),
    (N_("Réponses aux patients"), ()),
)  # fmt: skip


@dataclass(slots=True)
class Cell:
    """One template in the list: `live` its number in service; `None` everywhere: it is missing."""

    key: TemplateKey
    live: int = 0
    waiting: list[Record] = field(default_factory=list)
    to_come: list[Record] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)

    @property
    def missing(self) -> bool:
        return not (self.live or self.waiting or self.to_come)


@dataclass(frozen=True, slots=True)
class Line:
    family: str
    channel: str
    cells: Sequence[Cell]


@dataclass(slots=True)
class Purpose:
    purpose: str
    label: str
    steps: list[str]
    text: str = ""  # the SMS in French, what most patients read
    lines: list[Line] = field(default_factory=list)


def everything(visit: Visit) -> Response:
    now = micros(visit.now)
    with visit.staff.store.read() as connection:
        found = templates.overview(connection, now)
        writing = templates.draft_keys(connection)
    cells, texts = _cells(found, writing)
    steps = _steps(visit)
    wanted = {name: visit.query.get(name, "") for name in ("langue", "canal", "famille", "etat")}
    groups = _groups(cells, texts, steps, wanted)
    ours = [row for row in found if row.state == "proposed" and row.origin != "shipped"]
    brought = [row for row in found if row.state == "proposed" and row.origin == "shipped"]
    begun = {(_key(row), row.author) for row in writing}
    refused = [
        row for row in found if row.state == "rejected" and (_key(row), row.author) not in begun
    ]
    return visit.page(
        "templates/list.html",
        groups=groups,
        wanted=wanted,
        columns=[one for one in LANGUAGES if wanted["langue"] in ("", one)],
        ours=[(row, _key(row), instant(row.proposed_at)) for row in ours],
        brought=_by_language(brought),
        refused=[(row, _key(row)) for row in refused],
        labels=LABELS,
    )


def _key(row: Record) -> TemplateKey:
    return key_of(row.purpose, row.language, row.family, row.channel)


def _by_language(rows: Sequence[Record]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        found[row.language] += 1
    return dict(found)


def _cells(
    found: Sequence[Record], writing: Sequence[Record]
) -> tuple[dict[TemplateKey, Cell], dict[str, str]]:
    cells: dict[TemplateKey, Cell] = {}
    texts: dict[str, str] = {}
    for row in found:
        cell = cells.setdefault(_key(row), Cell(_key(row)))
        if row.live:
            cell.live = row.number
            if row.language == "fr" and row.channel == "sms":
                texts.setdefault(row.purpose, glimpse(row.body, "fr"))
        elif row.state == "proposed":
            cell.waiting.append(row)
        elif row.state != "rejected":
            cell.to_come.append(row)
    for row in writing:
        cells.setdefault(_key(row), Cell(_key(row))).writers.append(row.author)
    return cells, texts


def _steps(visit: Visit) -> dict[str, list[str]]:
    """purpose -> the steps of the protocols that services follow."""
    found: dict[str, list[str]] = defaultdict(list)
    for unit in visit.staff.rules.units.values():
        for step in unit.steps:
            if step.id not in found[step.purpose]:
                found[step.purpose].append(step.id)
    return found


def _groups(
    cells: Mapping[TemplateKey, Cell],
    texts: Mapping[str, str],
    steps: Mapping[str, list[str]],
    wanted: Mapping[str, str],
) -> list[tuple[str, list[Purpose]]]:
    """Every purpose there is a text for, ships with the release, or a protocol asks for."""
    known = {key.purpose for key in cells} | set(steps) | {one.purpose for one in shipped()}
    placed = {purpose for _, those in GROUPS for purpose in those}
    others = sorted(known - placed)
    groups = []
    for title, those in GROUPS:
        purposes = [one for one in those if one in known]
        if not those:
            purposes = [one for one in others if one.startswith("ack")]
        groups.append((title, purposes))
    groups.append((N_("Autres"), [one for one in others if not one.startswith("ack")]))
    shown_groups = []
    for title, those_known in groups:
        listed = [_purpose(one, cells, texts, steps, wanted) for one in those_known]
        listed = [one for one in listed if one.lines]
        if listed:
            shown_groups.append((title, listed))
    return shown_groups


def _purpose(
    purpose: str,
    cells: Mapping[TemplateKey, Cell],
    texts: Mapping[str, str],
    steps: Mapping[str, list[str]],
    wanted: Mapping[str, str],
) -> Purpose:
    found = Purpose(
        purpose, PURPOSES.get(purpose, purpose), steps.get(purpose, []), texts.get(purpose, "")
    )
    kinds = {(key.channel, key.family) for key in cells if key.purpose == purpose}
    kinds = kinds or {("sms", "any")}
    order = {"link": 0, "reply": 1, "any": 2}
    for channel, family in sorted(kinds, key=lambda one: (one[0] != "sms", order[one[1]])):
        if wanted["canal"] not in ("", channel) or wanted["famille"] not in ("", family):
            continue
        keys = [key_of(purpose, one, family, channel) for one in LANGUAGES
                if wanted["langue"] in ("", one)]  # fmt: skip
        line = Line(family, channel, [cells.get(key, Cell(key)) for key in keys])
        if _is_wanted(line, wanted["etat"]):
            found.lines.append(line)
    return found


def _is_wanted(line: Line, state: str) -> bool:
    tests: dict[str, Callable[[Cell], bool]] = {
        "attente": lambda cell: bool(cell.waiting),
        "brouillon": lambda cell: bool(cell.writers),
        "manque": lambda cell: cell.missing,
        "venir": lambda cell: bool(cell.to_come),
    }
    return state not in tests or any(tests[state](cell) for cell in line.cells)


# --- one template ------------------------------------------------------------------------------


def one(visit: Visit) -> Response:
    """What the patient reads today, and what waits."""
    key = key_of_visit(visit)
    if key is None:
        return visit.missing()
    rules = visit.staff.rules
    with visit.staff.store.read() as connection:
        there = situation(connection, key, now=visit.now)
        ufs = shown_ufs(rules, visit.viewer.ufs(May.SEE_TEMPLATES))
        appointments = coming(connection, ufs, now=visit.now, limit=1) if there.live else []
    if there.newest is None and not may_exist(visit, key):
        return visit.missing()
    examples = []
    if there.live:
        examples = on_real(
            rules, key, there.live.text, appointments, named=named(visit), now=visit.now
        ) or on_invented(rules, key, there.live.text, now=visit.now)[:1]  # fmt: skip
    if examples and examples[0].person and named(visit) != frozenset():
        visit.saw("template.seen", f"template:{key.slug}")
    return visit.page(
        "templates/one.html",
        key=key,
        there=there,
        example=shown(examples[0]) if examples else None,
        labels=LABELS,
        may_edit=visit.viewer.may(May.EDIT_TEMPLATES),
        steps=_steps(visit).get(key.purpose, []),
    )


def history(visit: Visit) -> Response:
    """Every version, newest first, each with what it changed."""
    key = key_of_visit(visit)
    if key is None:
        return visit.missing()
    before = _number(visit.query.get("avant", "")) or 1_000_000_000
    with visit.staff.store.read() as connection:
        found = [
            stored(row)
            for row in templates.history(connection, key.values, before=before, limit=PAGE + 2)
        ]
        there = situation(connection, key, now=visit.now)
    live = there.live.id if there.live else 0
    by_id = {version.id: version for version in found}
    lines = [
        (version, changed_parts(_base(version, place, found, by_id), version), version.id == live)
        for place, version in enumerate(found[:PAGE])
    ]
    return visit.page(
        "templates/history.html",
        key=key,
        lines=lines,
        more=found[PAGE - 1].number if len(found) > PAGE else 0,
        first=before < 1_000_000_000,
        labels=LABELS,
        may_approve=visit.viewer.everywhere(May.APPROVE_TEMPLATES),
        now=visit.now,
    )


def _base(
    version: Stored, place: int, found: Sequence[Stored], by_id: Mapping[int, Stored]
) -> Stored | None:
    """What a version is compared with: what it was written from, else the one before."""
    if version.origin != "rollback" and version.base_id in by_id:
        return by_id[version.base_id]
    return found[place + 1] if place + 1 < len(found) else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def uses(visit: Visit) -> Response:
    """Which steps of which protocols send it, for which services."""
    key = key_of_visit(visit)
    if key is None:
        return visit.missing()
    rules = visit.staff.rules
    book = rules.book
    found = []
    for protocol in sorted(book.protocols.values(), key=lambda one: one.id):
        ufs = sorted(uf for uf, table in book.services.items() if table.protocol == protocol.id)
        for step in protocol.step:
            if step.template == key.purpose and key.channel in step.channels:
                services = [(uf, book.services[uf].label) for uf in ufs]
                found.append((protocol.id, step, services))
    senders = [
        (route.id, route.family)
        for route in visit.staff.routes
        if route.channel == key.channel and key.family in ("any", route.family)
    ]
    return visit.page(
        "templates/uses.html",
        key=key,
        uses=found,
        senders=senders,
        writes=visit.viewer.may(May.WRITE_TO_SESSION),
        rebooks=sorted(rules.rebooks) if key.purpose == "rebook" else [],
        labels=LABELS,
        public=bool(rules.public_url),
    )


def rules_page(visit: Visit) -> Response:
    """Variables, filters and every rule of the lint, with examples."""
    return visit.page(
        "templates/rules.html", rules=RULES, variables=VARIABLES, filters=FILTERS, labels=LABELS
    )


_ONE = "/modeles/{modele}"
ROUTES = (
    Route("GET", "/modeles", May.SEE_TEMPLATES, everything),
    Route("GET", "/modeles/regles", May.SEE_TEMPLATES, rules_page),
    Route("GET", _ONE, May.SEE_TEMPLATES, one),
    Route("GET", f"{_ONE}/historique", May.SEE_TEMPLATES, history),
    Route("GET", f"{_ONE}/usages", May.SEE_TEMPLATES, uses),
    *templates_edit.ROUTES,
    *templates_decide.ROUTES,
)
