"""The configuration as the services use it: units, steps, routes' prices, people's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from reminders.config import PreparationTable, ServiceTable, Settings, SiteTable, StepTable
from reminders.domain.calendar import ContactHours
from reminders.domain.preparation import Preparation
from reminders.domain.protocol import Step, Unit
from reminders.domain.worklist import DeskHours


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
class Rules:
    """Everything planning and rendering need, derived once from the settings."""

    mode: str
    only_to: frozenset[str]
    units: Mapping[str, Unit]
    desks: Mapping[str, Desk]
    preparations_by_service: Mapping[str, Preparation]
    preparations_by_type: Mapping[str, Preparation]
    slot_costs: Mapping[str, float]
    offices: Mapping[str, Office]
    rebooks: frozenset[str] = frozenset()  # UF whose patients are invited after a no-show
    public_url: str = ""  # "" = no page for patients: no text carries a link

    def preparation(self, uf: str, kind: str) -> Preparation | None:
        """The sheet of the appointment's type, else of its service; never of a neutral one."""
        desk = self.desks.get(uf)
        if desk is None or desk.sensitivity != "normal":
            return None
        return self.preparations_by_type.get(kind) or self.preparations_by_service.get(uf)


def rules_of(settings: Settings) -> Rules:
    sites = settings.sites
    sheets = [(table, _preparation(table)) for table in settings.preparation]
    return Rules(
        mode=settings.mode,
        only_to=frozenset(settings.only_to),
        units={
            one.uf: _unit(one, sites[one.site], settings.protocols[one.protocol].step)
            for one in settings.service
        },
        desks={one.uf: _desk(one, sites[one.site]) for one in settings.service},
        preparations_by_service={t.service: sheet for t, sheet in sheets if t.service},
        preparations_by_type={t.type: sheet for t, sheet in sheets if t.type},
        offices={one.uf: _office(one, sites[one.site]) for one in settings.service},
        slot_costs={one.uf: one.slot_cost_eur for one in settings.service},
        rebooks=frozenset(
            one.uf
            for one in settings.service
            if settings.protocols[one.protocol].after_no_show
            and one.effective_sensitivity == "normal"
        ),
        public_url=settings.web.public_url or "",
    )


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
    )
