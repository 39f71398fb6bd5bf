"""A sheet as patients will read it: in texts in service, on their page, on real appointments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reminders.config import PreparationTable
from reminders.domain.preparation import Preparation
from reminders.domain.template_key import TemplateKey, TemplateText, key_of
from reminders.domain.wording import hour
from reminders.errors import TemplateError
from reminders.rendering import Renderer
from reminders.services.compose import Route
from reminders.services.remembered import Counting, at_once
from reminders.services.rules import Book, Desk, Rules
from reminders.services.sheets import (
    Changed,
    Use,
    Version,
    about,
    changes,
    reach,
    uses_of,
    version_from,
    with_sheet,
)
from reminders.services.sheets_cost import Cost, Volumes, cost_of, volumes_of
from reminders.services.sheets_form import TRANSLATED
from reminders.services.template_preview import (
    INVENTED_DESK,
    Rendering,
    linked,
    on_real,
    rendered,
    values_of,
    version_of,
)
from reminders.store import sheets, template_samples, templates
from reminders.store.engine import Record, Store
from reminders.store.sheets import Concerned
from reminders.store.types import micros

MOST = 6  # texts shown
SHOWN = 10  # real appointments an approver sees
FIRST = ("preparation", "confirm", "short")  # the texts that lean on a sheet most


@dataclass(frozen=True, slots=True)
class Told:
    """One text in service, as it would read with this sheet."""

    use: Use
    rendering: Rendering

    @property
    def segments(self) -> int:
        return self.rendering.measure.segments if self.use.channel == "sms" else 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody is writing, as patients would read it."""

    told: tuple[Told, ...] = ()
    cost: Cost = field(default_factory=Cost)
    appointments: int = 0
    patients: int = 0
    foreign: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OnPage:
    """What the patient's page says of the sheet, for an appointment at half past nine."""

    instructions: tuple[str, ...]
    documents: tuple[str, ...]
    places: tuple[str, ...]
    arrival: str
    map_url: str
    preadmission_url: str
    acknowledge: bool


@dataclass(frozen=True, slots=True)
class Look:
    """A version beside the one in service, and what it would change for whom."""

    version: Version
    live: Version | None
    changed: tuple[Changed, ...]
    appointments: int
    patients: int
    cost: Cost
    told: tuple[Told, ...]
    page: OnPage | None
    real: tuple[Rendering, ...]
    real_of: Use | None  # the text the real renderings are of
    foreign: Mapping[str, int]  # messages a month in other languages


def look(
    store: Store,
    rules: Rules,
    routes: Sequence[Route],
    name: str,
    number: int,
    *,
    named: frozenset[str] | None,
    now: datetime,
    counted: Counting[Volumes] = at_once,
    reached: Counting[Concerned] = at_once,
) -> Look | None:
    """None for a version nobody wrote. `named`: services whose patients may be named. `counted`
    and `reached` may answer with what was counted a moment ago."""
    at = micros(now)
    with store.read() as connection:
        rows = sheets.versions(connection, name, limit=1_000)
        found = {row.number: version_from(row) for row in rows}
        version = found.get(number)
        if version is None or version.table is None:
            return None
        about_it = version.table
        ufs, kind, others = about(rules.book, about_it)
        appointments, patients, foreign = reach(connection, rules.book, about_it, at, reached)
        texts = templates.versions(connection, at)
        volumes = counted(
            (ufs, kind, others),
            lambda: volumes_of(connection, texts, rules, routes, about_it, now=now),
        )
        coming = template_samples.coming(connection, ufs, now=at, limit=3 * SHOWN)
    live = next((one for one in found.values() if one.state == "approved"), None)
    before = found.get(version.base) if version.state != "proposed" else live
    every = told_by(texts, rules, version.table, now=now)
    told = in_language(every)
    old = before.table if before else None
    without = told_by(texts, rules, old or _empty(version.table), now=now)
    cost = _cost(every, without, routes, volumes)
    book = with_sheet(rules, version.table)
    those = [row for row in coming if book.preparation(row.uf, row.kind) is not None]
    use = next((one.use for one in sent_of(told, routes)), None)
    real = _on_real(rules.as_if(book), texts, use, those[:SHOWN], named, now)
    return Look(
        version, live, tuple(changes(old, version.table, rules.book)), appointments, patients, cost,
        (*told[:MOST], *in_others(every, routes)),
        on_page(version.table), tuple(real), use, foreign,
    )  # fmt: skip


def _on_real(
    rules: Rules,
    texts: Sequence[Record],
    use: Use | None,
    appointments: Sequence[Record],
    named: frozenset[str] | None,
    now: datetime,
) -> list[Rendering]:
    if use is None:
        return []
    key, text = _written(texts, use)
    return on_real(rules, key, text, appointments, named=named, now=now)


def _written(texts: Sequence[Record], use: Use) -> tuple[TemplateKey, TemplateText]:
    key = key_of(use.purpose, use.language, use.family, use.channel)
    row = next(
        one
        for one in texts
        if (one.purpose, one.language, one.family, one.channel)
        == (use.purpose, use.language, use.family, use.channel)
    )
    return key, TemplateText(row.body, row.subject, row.html)


def in_others(told: Sequence[Told], routes: Sequence[Route]) -> tuple[Told, ...]:
    """The SMS of each other language that says most of a sheet, as it would leave."""
    found = []
    for language in TRANSLATED:
        mine = in_language(told, language)
        found += (sent_of(mine, routes) or list(mine))[:1]
    return tuple(found)


def in_language(told: Sequence[Told], language: str = "fr") -> tuple[Told, ...]:
    return tuple(one for one in told if one.use.language == language)


def told_by(
    texts: Sequence[Record], rules: Rules, table: PreparationTable, *, now: datetime
) -> tuple[Told, ...]:
    """The texts in service that say something of a sheet, filled with this one."""
    book = with_sheet(rules, table)
    desk = _desk(book, table)
    sheet = _sheet(book, table)
    start = datetime.combine(
        now.astimezone(desk.zone).date() + timedelta(days=3), datetime.min.time(), desk.zone
    ) + timedelta(hours=9, minutes=30)
    steps = {
        step.purpose
        for uf, unit in book.units.items()
        if table.service is None or uf == table.service
        for step in unit.steps
    }
    found: list[Told] = []
    for use in uses_of(texts):
        if use.purpose not in steps:
            continue
        try:
            key, text = _written(texts, use)
        except TemplateError:
            continue
        values = values_of(key, desk, [start.astimezone(UTC)], sheet)
        values = linked(rules, key, values)
        told = rendered(Renderer(), version_of(key, text), "", start, values)
        found.append(Told(use, told))
    found.sort(key=lambda one: (_rank(one.use.purpose), one.use.channel != "sms"))
    return tuple(found)


def sent_of(told: Sequence[Told], routes: Sequence[Route]) -> list[Told]:
    """Of these texts the SMS that would leave: of each message that of the first sender."""
    ours = {(one.use.purpose, one.use.family): one for one in told if one.use.channel == "sms"}
    sent = []
    for purpose in dict.fromkeys(purpose for purpose, _ in ours):
        families = [f for route in routes if route.channel == "sms" for f in (route.family, "any")]
        one = next((ours[purpose, f] for f in families if (purpose, f) in ours), None)
        sent += [one] if one else []
    return sent


def _cost(
    told: Sequence[Told], without: Sequence[Told], routes: Sequence[Route], volumes: Volumes
) -> Cost:
    now, before = (
        {
            (one.use.purpose, one.use.language, one.use.family): one.rendering
            for one in those
            if one.use.channel == "sms"
        }
        for those in (told, without)
    )
    return cost_of(volumes, now, before, routes)


def _empty(table: PreparationTable) -> PreparationTable:
    """The sheet that says nothing in an SMS: what its price is compared with."""
    return table.model_copy(update={"sms": "", "arrival_point": ""})


def _rank(purpose: str) -> int:
    return FIRST.index(purpose) if purpose in FIRST else len(FIRST)


def _desk(book: Book, table: PreparationTable) -> Desk:
    if table.service in book.desks:
        return book.desks[table.service or ""]
    normal = (desk for _, desk in sorted(book.desks.items()) if desk.sensitivity == "normal")
    return next(normal, INVENTED_DESK)


def _sheet(book: Book, table: PreparationTable) -> Preparation:
    found = (
        book.preparations_by_service.get(table.service)
        if table.service
        else book.preparations_by_type.get(table.type or "")
    )
    return found or Preparation(table.id)


def on_page(table: PreparationTable) -> OnPage:
    early = datetime(2026, 1, 1, 9, 30, tzinfo=UTC) - timedelta(minutes=table.arrive_minutes_before)
    places = (table.arrival_point, table.building, table.floor, table.door, table.address)
    return OnPage(
        instructions=tuple(one for one in (table.instructions or table.sms).split("\n") if one),
        documents=table.documents,
        places=tuple(one for one in places if one),
        arrival=hour(early, "fr") if table.arrive_minutes_before else "",
        map_url=table.map_url or "",
        preadmission_url=table.preadmission_url or "",
        acknowledge=table.acknowledge,
    )


def preview(
    store: Store,
    rules: Rules,
    routes: Sequence[Route],
    table: PreparationTable,
    *,
    now: datetime,
    counted: Counting[Volumes] = at_once,
    reached: Counting[Concerned] = at_once,
) -> Reading:
    """The texts in service with what somebody is writing; nothing is kept."""
    at = micros(now)
    with store.read() as connection:
        texts = templates.versions(connection, at)
        ufs, kind, others = about(rules.book, table)
        appointments, patients, foreign = reach(connection, rules.book, table, at, reached)
        volumes = counted(
            (ufs, kind, others),
            lambda: volumes_of(connection, texts, rules, routes, table, now=now),
        )
    every = told_by(texts, rules, table, now=now)
    live = rules.book.sheets.get(table.id)
    without = told_by(texts, rules, live or _empty(table), now=now)
    cost = _cost(every, without, routes, volumes)
    told = (*in_language(every)[:MOST], *in_others(every, routes))
    return Reading(told, cost, appointments, patients, foreign)


def to_own_phone(
    store: Store, rules: Rules, routes: Sequence[Route], table: PreparationTable, *, now: datetime
) -> tuple[TemplateKey, TemplateText, Preparation] | None:
    """The SMS that says most of a sheet, for a test on one's own phone; None where none does."""
    with store.read() as connection:
        texts = templates.versions(connection, micros(now))
    sent = sent_of(in_language(told_by(texts, rules, table, now=now)), routes)
    if not sent:
        return None
    key, text = _written(texts, sent[0].use)
    return key, text, _sheet(with_sheet(rules, table), table)
