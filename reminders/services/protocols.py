"""Protocols as the pages show them: their steps, whom they serve, and what they do next week."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reminders.config import DEFAULT_PROTOCOL, ProtocolTable, Settings, StepTable
from reminders.domain.sms import measure
from reminders.domain.template import VARIABLES
from reminders.errors import TemplateError
from reminders.rendering import Renderer
from reminders.services.compose import Route, Templates
from reminders.services.rules import Book, Rules, Stored, book_of, content_of, table_of
from reminders.services.units import Revision, line_of
from reminders.services.units_save import NotSaved, changing
from reminders.store import facts, templates, units
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, micros

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Protocol:
    """`owned`: by the pages. Else by the file, at `line`, or by the release itself (no line)."""

    table: ProtocolTable
    owned: bool
    ufs: tuple[str, ...] = ()
    line: int | None = None
    number: int = 0
    author: str = ""
    at: datetime | None = None

    @property
    def id(self) -> str:
        return self.table.id

    @property
    def steps(self) -> list[StepTable]:
        return in_order(self.table)


def in_order(table: ProtocolTable) -> list[StepTable]:
    """As time passes: what is said at the booking, then the farthest day first."""
    return sorted(table.step, key=lambda one: (one.day is not None, -(one.day or 0), one.hour))


def in_file(settings: Settings, name: str) -> bool:
    """The release's own protocol is nobody's to change either."""
    return name in settings.protocols


def overview(store: Store, rules: Rules) -> list[Protocol]:
    with store.read() as connection:
        rules.follow(connection)
        written = {row.name: row for row in units.protocols(connection)}
    book = rules.book
    return [
        _protocol(rules.settings, book, table, written.get(name))
        for name, table in sorted(book.protocols.items())
    ]


def _protocol(settings: Settings, book: Book, table: ProtocolTable, row: Record | None) -> Protocol:
    ufs = tuple(sorted(uf for uf, one in book.services.items() if one.protocol == table.id))
    if in_file(settings, table.id) or row is None:
        return Protocol(table, False, ufs, line=line_of(settings, "protocol", table.id, "id"))
    return Protocol(table, True, ufs, None, row.number, row.author, instant(row.at))


@dataclass(frozen=True, slots=True)
class Page:
    protocol: Protocol
    history: tuple[Revision, ...]


def one(store: Store, rules: Rules, name: str) -> Page | None:
    with store.read() as connection:
        rules.follow(connection)
        rows = units.history(connection, "protocol_version", name)
    table = rules.book.protocols.get(name)
    if table is None:
        return None
    owned = None if in_file(rules.settings, name) else next(iter(rows), None)
    if owned is not None:
        table = table_of(owned.content, ProtocolTable) or table
    return Page(
        _protocol(rules.settings, rules.book, table, owned),
        tuple(Revision(row.number, row.author, instant(row.at), row.content) for row in rows),
    )


def save(
    store: Store, rules: Rules, table: ProtocolTable, *, number: int, actor: str, now: datetime
) -> None:
    """Write a protocol's next version; `number`: the one its form was filled from, 0 for a new.

    Raises NotSaved: the file owns that name, or somebody saved another version since.
    """
    if in_file(rules.settings, table.id):
        raise NotSaved("file", line_of(rules.settings, "protocol", table.id, "id"))
    at = micros(now)
    with changing(store, rules, now=now) as connection:
        present = _number(connection, table.id)
        added = present == number and units.add(
            connection, "protocol_version", table.id, number + 1, content_of(table),
            author=actor, at=at,
        )  # fmt: skip
        if not added:
            raise NotSaved("changed")
        facts.audit(
            connection, at=at, actor=actor, action="protocol.save",
            subject=f"protocol:{table.id}", version=number + 1, steps=len(table.step),
        )  # fmt: skip


def _number(connection: Connection, name: str) -> int:
    found = units.history(connection, "protocol_version", name, limit=1)
    return int(found[0].number) if found else 0


def with_protocol(rules: Rules, table: ProtocolTable) -> Book:
    """The book as it would be: for a preview."""
    book = rules.book
    protocols = {**book.protocols, table.id: table}
    return book_of(rules.settings, Stored(book.services, protocols, book.sheets), book.revision)


# --- what it does next week ----------------------------------------------------------------------


@dataclass(slots=True)
class Line:
    """One step in the coming seven days. `cost` in euros, at the length of a usual text."""

    step: str
    purpose: str
    messages: Counter[str] = field(default_factory=Counter)  # channel -> messages
    withheld: Counter[str] = field(default_factory=Counter)  # reason -> decisions against it
    cost: float = 0.0


@dataclass(slots=True)
class Week:
    lines: list[Line] = field(default_factory=list)
    nothing: Counter[str] = field(default_factory=Counter)  # reason -> appointments told nothing

    @property
    def messages(self) -> int:
        return sum(sum(line.messages.values()) for line in self.lines)

    @property
    def cost(self) -> float:
        return sum(line.cost for line in self.lines)

    @property
    def untold(self) -> int:
        return sum(self.nothing.values())

    @property
    def withheld(self) -> Counter[str]:
        """reason -> steps that will not leave, whichever the step."""
        return sum((line.withheld for line in self.lines), Counter[str]())


def week(
    store: Store,
    ufs: Sequence[str],
    table: ProtocolTable,
    routes: Sequence[Route],
    *,
    now: datetime,
) -> Week:
    """What is decided for these services in the coming seven days, from the plan as it stands."""
    reach = max((step.day or 0 for step in table.step), default=0)
    at, end = micros(now), micros(now + WEEK)
    with store.read() as connection:
        rows = units.week(connection, ufs, now=at, end=end, reach=reach)
        texts = Templates.of(templates.versions(connection, at))
    prices = prices_of(texts, routes, {step.template for step in table.step})
    found = Week()
    lines: dict[str, Line] = {}
    for row in rows:
        if not row.step:
            found.nothing[row.reason] += row.number
            continue
        line = lines.setdefault(row.step, Line(row.step, row.purpose))
        if row.state == "PLANNED" and row.channel:
            line.messages[row.channel] += row.number
            line.purpose = row.purpose
        elif row.state != "PLANNED":
            line.withheld[row.reason] += row.number
    order = {step.id: place for place, step in enumerate(in_order(table))}
    found.lines = sorted(lines.values(), key=lambda one: (order.get(one.step, 99), one.step))
    for line in found.lines:
        line.cost = line.messages["sms"] * prices.get(line.purpose, 0.0)
    return found


def prices_of(
    texts: Templates, routes: Sequence[Route], purposes: set[str] | frozenset[str]
) -> dict[str, float]:
    """purpose -> euros of one SMS: the French text in service, filled with usual values."""
    route = next((one for one in routes if one.channel == "sms"), None)
    if route is None:
        return {}
    return {
        purpose: segments(texts, purpose, route.family) * route.price_eur for purpose in purposes
    }


_USUAL = {
    name: one.example for name, one in VARIABLES.items() if "sms" in one.channels
}  # the examples the editor shows
_renderer = Renderer()


def segments(texts: Templates, purpose: str, family: str) -> int:
    """How many parts a usual SMS of this purpose has; 1 where no text serves it yet."""
    version = texts.find(purpose, "fr", family, "sms")
    if version is None:
        return 1
    usual = {k: v for k, v in _USUAL.items() if not VARIABLES[k].optional or k in _KEPT}
    try:
        return measure(_renderer.render(version, usual)).segments
    except TemplateError:
        return 1


_KEPT = frozenset({"consignes_sms", "point_accueil"})  # most texts of a service with a sheet


def standard(name: str) -> bool:
    """Does the release bring it? A file may define one of the same name."""
    return name == DEFAULT_PROTOCOL.id


def prices_now(
    store: Store, routes: Sequence[Route], tables: Sequence[ProtocolTable], *, now: datetime
) -> dict[str, float]:
    """purpose -> euros of one SMS, for every step of these protocols."""
    with store.read() as connection:
        texts = Templates.of(templates.versions(connection, micros(now)))
    return prices_of(texts, routes, {step.template for one in tables for step in one.step})


def cost_of(
    steps: Mapping[tuple[str, str], int], table: ProtocolTable, prices: Mapping[str, float]
) -> float:
    """Euros of a forecast's steps (step, channel)."""
    purposes = {step.id: step.template for step in table.step}
    return sum(
        number * prices.get(purposes.get(step, ""), 0.0)
        for (step, channel), number in steps.items()
        if channel == "sms"
    )
