"""Options and steps every command shares."""

import getpass
import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from reminders.bootstrap import on_loopback
from reminders.clock import Clock, OffsetClock, SystemClock
from reminders.config import Settings, load
from reminders.errors import ConfigurationError, Problem

out = Console(highlight=False, soft_wrap=True)

ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FICHIER", help="Fichier de configuration.")
]
AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="INSTANT",
        help="Comme si l'on était à cet instant (2026-10-13T10:00). "
        "Refusé si un message pourrait vraiment partir.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
DEFAULT_CONFIG = Path("hospital.toml")


def settings_of(config: Path) -> Settings:
    return load(config)


def clock_of(settings: Settings, at: str | None, *, harmless: bool = False) -> Clock:
    """The clock of a command. `harmless`: nothing can leave whatever the mode (dry run).

    Raises ConfigurationError when --at could make a real provider send at a made-up moment.
    """
    if at is None:
        return SystemClock()
    moment = _instant(at, settings)
    if not (harmless or settings.mode == "rehearsal" or on_loopback(settings)):
        raise ConfigurationError(
            [
                Problem(
                    "--at",
                    "refusé : un message pourrait vraiment partir",
                    "ajouter --dry-run, passer en mode rehearsal, "
                    "ou n'utiliser que des opérateurs locaux (127.0.0.1)",
                )
            ]
        )
    return OffsetClock(moment)


def _instant(text: str, settings: Settings) -> datetime:
    """An instant with its offset, else a civil time of the first site."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            [Problem("--at", "instant illisible", "écrire par exemple 2026-10-13T10:00")]
        ) from None
    if moment.tzinfo is None:
        zone = settings.site[0].zone if settings.site else ZoneInfo("Europe/Paris")
        moment = moment.replace(tzinfo=zone)
    return moment


def zone_of(settings: Settings) -> ZoneInfo:
    return settings.site[0].zone if settings.site else ZoneInfo("Europe/Paris")


def end_of_day(now: datetime, zone: ZoneInfo) -> datetime:
    """Midnight that ends the civil day of `now`."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(0), zone)


def local(moment: datetime | None, zone: ZoneInfo) -> str:
    """mar. 14/10 9:30, in the hospital's civil time; a dash for none."""
    if moment is None:
        return "—"
    there = moment.astimezone(zone)
    day = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")[there.weekday()]
    return f"{day} {there:%d/%m} {there:%H:%M}"


def operator() -> str:
    """Who is at the keyboard, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "inconnu"


def print_json(value: Mapping[str, object]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
