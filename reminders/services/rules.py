"""The rules as the services use them: units, steps, routes' prices, people's words.

What the configuration file defines is the file's, everything else the database's (DESIGN 7.11).
`Rules` is what a process holds; its `Book` is exchanged whole when somebody changes the rules on
a page of this or another process, so a service never looks half changed, let alone unmapped.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from threading import Lock
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from reminders.config import (
    PreparationTable,
    ProtocolTable,
    ServiceTable,
    Settings,
    SiteTable,
    StepTable,
)
from reminders.config.tables import Table
from reminders.domain.calendar import ContactHours
from reminders.domain.preparation import Preparation, Translation
from reminders.domain.protocol import Step, Unit
from reminders.domain.worklist import DeskHours
from reminders.store import sheets, units
from reminders.store.engine import Connection, Record, Store


@dataclass(frozen=True, slots=True)
class Desk:
    """What a text may say of a service: nothing here betrays what care it gives."""

    site_id: str
    establishment: str
    short_name: str
    phone: str
    zone: ZoneInfo
    label: str
    address: str
    sensitivity: str


@dataclass(frozen=True, slots=True)
class Office:
    """Who does a service's tasks, and when. `escalation`: who gets those left undone."""

    uf: str
    label: str
    hours: DeskHours
    escalation: str = ""
    manager_email: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the pages own, as the database holds it. The file's own come before it."""

    services: Mapping[str, ServiceTable] = field(default_factory=dict)
    protocols: Mapping[str, ProtocolTable] = field(default_factory=dict)
    sheets: Mapping[str, PreparationTable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Book:
    """Everything the file and the database say at one revision. Never changed, only replaced."""

    revision: int
    services: Mapping[str, ServiceTable]
    protocols: Mapping[str, ProtocolTable]
    sheets: Mapping[str, PreparationTable]
    units: Mapping[str, Unit]
    desks: Mapping[str, Desk]
    preparations_by_service: Mapping[str, Preparation]
    preparations_by_type: Mapping[str, Preparation]
    slot_costs: Mapping[str, float]
    offices: Mapping[str, Office]
    rebooks: frozenset[str]  # UF whose patients are invited after a no-show
    senders: Mapping[str, str]  # UF -> the route tried first
    lost: frozenset[str]  # UF whose site or protocol the file no longer has: nothing is sent

    def preparation(self, uf: str, kind: str) -> Preparation | None:
        """The sheet of the appointment's type, else of its service; never of a neutral one."""
        desk = self.desks.get(uf)
        if desk is None or desk.sensitivity != "normal":
            return None
        return self.preparations_by_type.get(kind) or self.preparations_by_service.get(uf)

    def may_tell(self, ufs: Sequence[str]) -> bool:
        """May one text be about appointments in all these services? Not where one has been
        excluded, or told more discreetly than another, since it was planned."""
        found = {self.desks[uf].sensitivity if uf in self.desks else "" for uf in ufs}
        return len(found) == 1 and found <= {"normal", "neutral"}

    def asks(self, uf: str, step: str, purpose: str) -> bool:
        """Does the service's protocol still have this step, and for this kind of text?"""
        unit = self.units.get(uf)
        return unit is not None and any(
            (one.id, one.purpose) == (step, purpose) for one in unit.steps
        )


class Rules:
    """The rules of a working process. Each reading of an attribute sees the present book; who
    needs several things of one moment takes `book` once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.mode = settings.mode
        self.only_to = frozenset(settings.only_to)
        self.public_url = settings.web.public_url or ""  # "" = no page: no text carries a link
        self._book = book_of(settings)
        self._turning = Lock()

    @property
    def book(self) -> Book:
        return self._book

    @property
    def revision(self) -> int:
        return self._book.revision

    @property
    def units(self) -> Mapping[str, Unit]:
        return self._book.units

    @property
    def desks(self) -> Mapping[str, Desk]:
        return self._book.desks

    @property
    def preparations_by_service(self) -> Mapping[str, Preparation]:
        return self._book.preparations_by_service

    @property
    def preparations_by_type(self) -> Mapping[str, Preparation]:
        return self._book.preparations_by_type

    @property
    def slot_costs(self) -> Mapping[str, float]:
        return self._book.slot_costs

    @property
    def offices(self) -> Mapping[str, Office]:
        return self._book.offices

    @property
    def rebooks(self) -> frozenset[str]:
        return self._book.rebooks

    @property
    def senders(self) -> Mapping[str, str]:
        return self._book.senders

    def preparation(self, uf: str, kind: str) -> Preparation | None:
        return self._book.preparation(uf, kind)

    def as_if(self, book: Book) -> "Rules":
        """Rules by which a preview composes; nobody works by them."""
        other = Rules(self.settings)
        other._book = book
        return other

    def follow(self, connection: Connection, *, held: bool = False) -> int:
        """Take over what was changed elsewhere: the revision, as this transaction sees it.

        One key read while nothing changed. `held`: nobody changes the rules before our commit;
        it must then be the first statement that waits for anything. Not for the transaction of
        a change: what is not committed yet is nobody's rule.
        """
        revision = units.revision(connection, held=held)
        if revision > self._book.revision:
            book = book_of(self.settings, stored(connection), revision)
            with self._turning:  # a slower reader never brings back an older book
                if book.revision > self._book.revision:
                    self._book = book
        return revision

    def catch_up(self, store: Store) -> None:
        """Before a form is read against the rules in force."""
        with store.read() as connection:
            self.follow(connection)


def rules_of(settings: Settings) -> Rules:
    """The file's own rules; `follow` adds the database's."""
    return Rules(settings)


def rules_in(store: Store, settings: Settings) -> Rules:
    """The rules in force, for a process that only looks."""
    rules = Rules(settings)
    rules.catch_up(store)
    return rules


def stored(connection: Connection) -> Stored:
    return Stored(
        services=_tables(units.services(connection), ServiceTable),
        protocols=_tables(units.protocols(connection), ProtocolTable),
        sheets=_tables(sheets.live(connection), PreparationTable),
    )


T = TypeVar("T", bound=Table)


def _tables(found: Sequence[Record], kind: type[T]) -> dict[str, T]:
    """A version that this release cannot read is left out, as if nobody had written it."""
    read = {row.name: table_of(row.content, kind) for row in found}
    return {name: one for name, one in read.items() if one is not None}


def table_of(content: str, kind: type[T]) -> T | None:
    try:
        return kind.model_validate(json.loads(content))
    except (ValidationError, ValueError):
        return None


def content_of(table: Table) -> str:
    """The JSON of a version: hours as people write them, what says nothing left out."""
    told = table.model_dump(exclude_defaults=True)
    return json.dumps(told, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    raise TypeError(type(value).__name__)


def book_of(settings: Settings, owned: Stored | None = None, revision: int = 0) -> Book:
    """The rules of the file and, for what it does not define, those of the pages."""
    owned = owned or Stored()
    sites = settings.sites
    protocols = {**owned.protocols, **settings.protocols}
    told = {**owned.services, **settings.services}
    services = {
        uf: one for uf, one in told.items() if one.site in sites and one.protocol in protocols
    }
    tables = _in_force(settings, owned)
    prepared = [(table, _preparation(table)) for table in tables.values()]
    return Book(
        revision=revision,
        services=_kept(services),
        protocols=_kept(protocols),
        sheets=_kept(tables),
        units=_kept(
            {
                uf: _unit(one, sites[one.site], protocols[one.protocol].step)
                for uf, one in services.items()
            }
        ),
        desks=_kept({uf: _desk(one, sites[one.site]) for uf, one in services.items()}),
        preparations_by_service=_kept({t.service: one for t, one in prepared if t.service}),
        preparations_by_type=_kept({t.type: one for t, one in prepared if t.type}),
        slot_costs=_kept(
            {uf: one.slot_cost_eur for uf, one in services.items() if one.slot_cost_eur is not None}
        ),
        offices=_kept({uf: _office(one, sites[one.site]) for uf, one in services.items()}),
        rebooks=frozenset(
            uf
            for uf, one in services.items()
            if protocols[one.protocol].after_no_show and one.effective_sensitivity == "normal"
        ),
        senders=_kept({uf: one.sender for uf, one in services.items() if one.sender}),
        lost=frozenset(told.keys() - services.keys()),
    )


K = TypeVar("K")
V = TypeVar("V")


def _kept(found: dict[K, V]) -> Mapping[K, V]:
    return MappingProxyType(found)


def _in_force(settings: Settings, owned: Stored) -> dict[str, PreparationTable]:
    """The pages' sheets, then the file's: of two about the same the later one is read."""
    named = {one.id: one for one in settings.preparation}
    return {k: v for k, v in owned.sheets.items() if k not in named} | named


def _unit(service: ServiceTable, site: SiteTable, steps: tuple[StepTable, ...]) -> Unit:
    return Unit(
        uf=service.uf,
        site=site.id,
        place=f"{site.id}:{service.label}",
        sensitivity=service.effective_sensitivity,
        hours=hours_of(site),
        steps=tuple(_step(step) for step in steps),
    )


def hours_of(site: SiteTable) -> ContactHours:
    return ContactHours(
        zone=site.zone,
        earliest=site.earliest,
        latest=site.latest,
        weekdays=frozenset(day - 1 for day in site.days),
        region=site.region,
    )


def _step(step: StepTable) -> Step:
    return Step(
        id=step.id,
        purpose=step.template,
        day=step.day,
        hour=step.hour,
        latest=step.latest,
        channels=step.channels,
        unless_answered=step.condition == "unless_answered",
        booked_days_before=step.booked_days_before,
    )


def _desk(service: ServiceTable, site: SiteTable) -> Desk:
    return Desk(
        site_id=site.id,
        establishment=site.name,
        short_name=site.short_name,
        phone=service.phone or site.phone,
        zone=site.zone,
        label=service.label,
        address=site.address,
        sensitivity=service.effective_sensitivity,
    )


def _office(service: ServiceTable, site: SiteTable) -> Office:
    return Office(
        uf=service.uf,
        label=service.label,
        hours=DeskHours(
            zone=site.zone,
            opens=service.desk_opens,
            closes=service.desk_closes,
            weekdays=frozenset(day - 1 for day in service.desk_days),
            region=site.region,
        ),
        escalation=service.escalation_desk,
        manager_email=service.manager_email or "",
    )


def _preparation(table: PreparationTable) -> Preparation:
    return Preparation(
        id=table.id,
        instructions=table.instructions,
        sms=table.sms,
        documents=table.documents,
        arrival_point=table.arrival_point,
        building=table.building,
        floor=table.floor,
        door=table.door,
        address=table.address,
        map_url=table.map_url or "",
        preadmission_url=table.preadmission_url or "",
        arrive_minutes_before=table.arrive_minutes_before,
        acknowledge=table.acknowledge,
        translations=tuple(
            (language, Translation(one.instructions, one.sms, one.documents))
            for language, one in table.translations.items()
        ),
    )
