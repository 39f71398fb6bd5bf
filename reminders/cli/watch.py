"""Commands of people who watch over sending: hold, release, object, purge."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from reminders.bootstrap import Application, build
from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    agreed,
    amount,
    clock_of,
    end_of_day,
    local,
    opened,
    operator,
    out,
    settings_of,
    zone_of,
)
from reminders.cli.errors import HELD
from reminders.domain.mask import mask_address
from reminders.errors import Problem, RepairNeeded
from reminders.services.hold import hold_everything, release_holds
from reminders.services.object import Withdrawn, object_address, withdraw_at
from reminders.services.preview import waiting_to_leave
from reminders.services.startup import secret_of
from reminders.services.story import CHANNELS
from reminders.store.objections import WHOLE

SHOWN = 20  # rendered messages a release shows


class Channel(StrEnum):
    ALL = "all"
    SMS = "sms"
    EMAIL = "email"


def hold(
    reason: Annotated[str, typer.Option("--why", metavar="RAISON")] = "suspendu à la main",
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Suspendre tous les envois, tout de suite."""
    settings = settings_of(config)
    clock = clock_of(settings, at)
    with opened(settings) as store:
        new = hold_everything(store, reason, now=clock.now(), by=operator())
    out.print("Envois suspendus." if new else "Les envois étaient déjà suspendus.")
    out.print("Pour reprendre : reminders release")


def release(
    yes: Annotated[bool, typer.Option("--yes", help="Ne pas demander confirmation.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Montrer ce qui partira, puis reprendre les envois."""
    settings = settings_of(config)
    application = build(settings, clock_of(settings, at))
    try:
        holds = application.tasks.holds()
        if not holds:
            out.print("Aucun envoi n'est retenu.")
            return
        zone = zone_of(settings)
        for one in holds:
            source = f"source « {one.source_id} »" if one.source_id else "tous les envois"
            out.print(Text(f"Retenu : {source} — {one.sentence}"))
        _preview(application)
        if not yes and not agreed("Libérer ces envois ?"):
            out.print("Rien n'est changé.")
            raise typer.Exit(HELD)
        if {one.id for one in application.tasks.holds()} != {one.id for one in holds}:
            out.print("Un autre motif vient de retenir les envois : relancer pour le voir.")
            raise typer.Exit(HELD)  # nobody has looked at that one
        back, late = release_holds(application.store, now=application.clock.now(), by=operator())
        out.print(
            f"Libéré par {operator()}, {local(application.clock.now(), zone)} : "
            f"{amount(back, 'message repris', 'messages repris')}, {late} dont le moment est passé."
        )
        out.print("Ils partiront au prochain passage (reminders run, ou serve).")
    finally:
        asyncio.run(application.aclose())


def _preview(application: Application) -> None:
    """Counts, price and twenty rendered messages, as a person must see them before they leave."""
    now = application.clock.now()
    shown = waiting_to_leave(
        application.store,
        application.composer,
        application.routes,
        now=now,
        until=end_of_day(now, zone_of(application.settings)),
        limit=SHOWN,
    )
    price = f"{shown.price_eur:.2f}".replace(".", ",")
    out.print(
        f"{amount(shown.due, 'message partirait', 'messages partiraient')} aujourd'hui pour "
        f"environ {price} € ; {shown.total} en tout sont prévus."
        + (" Les premiers :" if shown.lines else "")
    )
    for line in shown.lines:
        text = line.text.strip().replace("\n", "\n      ")
        channel = CHANNELS.get(line.channel, line.channel)
        out.print(Text(f"  {mask_address(line.address)} · {channel} : {text}"))


def object_(
    address: Annotated[str, typer.Argument(metavar="TÉLÉPHONE|COURRIEL")],
    only: Annotated[
        Channel, typer.Option("--channel", help="Les SMS ou les courriels seulement.")
    ] = Channel.ALL,
    service: Annotated[
        str, typer.Option("--service", metavar="UF", help="Les messages de cette UF seulement.")
    ] = "",
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Lever toute opposition à cette adresse.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Enregistrer l'opposition d'une personne, ou la lever."""
    settings = settings_of(config)
    now = clock_of(settings, at).now()
    if service and service not in {one.uf for one in settings.service}:
        problem = Problem("--service", f"l'UF « {service} » n'est pas réglée", "donner son code")
        raise RepairNeeded(problem)
    if withdraw and (service or only is not Channel.ALL):
        problem = Problem("--withdraw", "il lève tout", "l'employer sans --service ni --channel")
        raise RepairNeeded(problem)
    with opened(settings) as store:
        secret = secret_of(store, "address_key")
        if withdraw:
            _withdraw(withdraw_at(store, secret, address, now=now, by=operator()))
            return
        people = object_address(
            store, secret, address, now=now, by=operator(), channel=only.value,
            scope=f"service:{service}" if service else WHOLE,
        )  # fmt: skip
    out.print(
        f"Opposition enregistrée pour {mask_address(people.address)} : "
        f"{people.patients} patient(s) connu(s) à cette adresse. Elle vaut dès maintenant."
    )


def _withdraw(done: Withdrawn) -> None:
    masked = mask_address(done.address)
    out.print(
        f"{amount(done.ended, 'opposition levée', 'oppositions levées')} pour {masked}."
        if done.ended
        else f"Aucune opposition n'était notée pour {masked}."
    )
    if done.stands:
        out.print("Une opposition donnée à une autre adresse du patient reste en vigueur.")


def purge(config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None) -> None:
    """Effacer les données dont la durée est passée."""
    settings = settings_of(config)
    clock = clock_of(settings, at)
    application = build(settings, clock)
    try:
        done = application.tasks.purge()
    finally:
        asyncio.run(application.aclose())
    out.print(
        f"Effacés : {done.bodies} textes, {done.identities} identités, {done.replies} réponses, "
        f"{done.messages} messages, {done.appointments} rendez-vous, "
        f"{done.inputs} lignes d'anomalie."
    )
