"""Options and steps every command shares. What only some need is loaded when they need it."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from reminders.cli.errors import PipeClosed, Screen
from reminders.clock import Clock, OffsetClock, SystemClock
from reminders.errors import ConfigurationError, Problem, RepairNeeded

if TYPE_CHECKING:
    from reminders.config import Settings
    from reminders.store.engine import Store

out = Screen(highlight=False, soft_wrap=True, markup=False)

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

MODES = {
    "rehearsal": "RÉPÉTITION : rien ne part",
    "test": "TEST : seulement vers les adresses de only_to",
    "live": "réel",
}


def settings_of(config: Path, *, working: bool = False) -> Settings:
    """The settings of a command. One that works on its own (cron, serve) logs what it does; one
    that a person waits for says so itself, and logs only at the level "debug"."""
    from reminders.bootstrap import configured
    from reminders.cli import logs

    settings = configured(config)
    level = settings.logs.level
    logs.configure(level if working or level == "debug" else "error")
    return settings


@contextmanager
def opened(settings: Settings, *, create: bool = True) -> Iterator[Store]:
    """The hospital's database at this release's schema.

    `create` False is for commands that only look: they make no database out of a wrong path.
    """
    from reminders.bootstrap import open_store
    from reminders.store.migrate import migrate

    store = open_store(settings)
    try:
        if not create and not store.exists:
            raise RepairNeeded(
                Problem(
                    "base de données",
                    "elle n'existe pas encore",
                    "lancer d'abord reminders run, ou vérifier store › url",
                )
            )
        migrate(store)
        yield store
    finally:
        store.close()


def clock_of(settings: Settings, at: str | None, *, harmless: bool = False) -> Clock:
    """The clock of a command. `harmless`: nothing can leave whatever the mode (dry run).

    Raises ConfigurationError when --at could make a real provider send at a made-up moment.
    """
    from reminders.bootstrap import on_loopback

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


def amount(number: int, one: str, many: str) -> str:
    """1 message prévu, 2 messages prévus, 1 234 messages prévus."""
    return f"{number:,} {one if number < 2 else many}".replace(",", "\u202f")


def operator() -> str:
    """Who is at the keyboard, for the audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "inconnu"


def agreed(question: str) -> bool:
    """Ask a person; no answer (a closed input, cron) is no."""
    out.print(f"{question} [o/N] ", end="")
    answer = sys.stdin.readline()
    if not answer:
        out.print("\nPersonne pour répondre : ajouter --yes pour se passer de la question.")
    return answer.strip().lower() in ("o", "oui", "y", "yes")


def print_json(value: Mapping[str, object]) -> None:
    try:
        out.file.write(json.dumps(value, ensure_ascii=False) + "\n")
    except BrokenPipeError:
        raise PipeClosed from None
