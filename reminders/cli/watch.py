"""Commands of people who watch over sending: hold, release, object, purge."""

import asyncio
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
from reminders.services.hold import hold_everything, release_holds
from reminders.services.object import object_address
from reminders.services.preview import waiting_to_leave
from reminders.services.startup import secret_of
from reminders.services.story import CHANNELS

SHOWN = 20  # rendered messages a release shows


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
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Enregistrer l'opposition d'une personne."""
    settings = settings_of(config)
    clock = clock_of(settings, at)
    with opened(settings) as store:
        people = object_address(
            store, secret_of(store, "address_key"), address, now=clock.now(), by=operator()
        )
    out.print(
        f"Opposition enregistrée pour {mask_address(people.address)} : "
        f"{people.patients} patient(s) connu(s) à cette adresse. Elle vaut dès maintenant."
    )


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
