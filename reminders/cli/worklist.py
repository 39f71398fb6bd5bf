"""`reminders calls`: the day's telephone calls, to print or to open in a spreadsheet."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from reminders.cli.cells import write_csv
from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    JsonOption,
    amount,
    clock_of,
    opened,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.errors import ConfigurationError, Problem
from reminders.services.rules import rules_in
from reminders.services.worklist_context import Call, calls

calls_app = typer.Typer(
    help="Les appels du jour, par heure de rendez-vous.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

HEADS = (
    "Tâche", "Rendez-vous", "UF", "Service", "Nom", "Prénom", "Né(e) le", "IPP", "Téléphone",
    "Qui appeler", "Pourquoi", "Que dire", "Pris par",
)  # fmt: skip
IN_THE_DPI = "dans le DPI"


@calls_app.callback()
def _calls() -> None:
    """Les appels du jour, par heure de rendez-vous."""


@calls_app.command("list")
def list_calls(
    day: Annotated[
        str | None,
        typer.Option("--day", metavar="AAAA-MM-JJ", help="Le jour des appels ; aujourd'hui sinon."),
    ] = None,
    uf: Annotated[str, typer.Option("--uf", metavar="UF", help="D'une UF seulement.")] = "",
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Sortie CSV (point-virgule) pour un tableur.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Qui appeler ce jour-là, à quel numéro, pourquoi, et que dire.

    La liste contient des noms et des numéros : la détruire après usage.
    """
    settings = settings_of(config)
    now = clock_of(settings, at, harmless=True).now()
    asked = _day(day, now, zone_of(settings))
    with opened(settings, create=False) as store:
        found = calls(store, rules_in(store, settings), asked, uf=uf, now=now)
    if as_json:
        print_json({"day": asked.isoformat(), "calls": [one.plain() for one in found]})
    elif as_csv:
        write_csv(out.file, HEADS, (_cells(one) for one in found))
    else:
        _print(asked, found, zone_of(settings))


def _day(text: str | None, now: datetime, zone: ZoneInfo) -> date:
    if text is None:
        return now.astimezone(zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            [Problem("--day", "jour illisible", "écrire par exemple 2026-10-14")]
        ) from None


def _born(one: Call) -> str:
    return f"{date.fromisoformat(one.birth_date):%d/%m/%Y}" if one.birth_date else ""


def _cells(one: Call) -> Sequence[str]:
    return (
        str(one.task), one.when, one.uf, one.service, one.family, one.given, _born(one),
        one.identifier, one.telephone or IN_THE_DPI, one.whom, one.why, one.words, one.assignee,
    )  # fmt: skip


def _tried(one: Call, zone: ZoneInfo) -> str:
    if one.tried_at is None:
        return ""
    last = f"le {one.tried_at.astimezone(zone):%d/%m/%Y à %H:%M}"
    return f" Essayé {one.tries} fois, dernière fois {last}."


def _print(day: date, found: Sequence[Call], zone: ZoneInfo) -> None:
    """One call a paragraph, with a box to tick: it is read with a telephone in the other hand."""
    if not found:
        out.print(f"Appels du {day:%d/%m/%Y} : aucun.")
        return
    missing = found[0].of - len(found)
    only = f", les {len(found)} premiers seulement" if missing > 0 else ""
    out.print(f"Appels du {day:%d/%m/%Y} : {amount(found[0].of, 'appel', 'appels')}{only}")
    for one in found:
        taken = f" — pris par {one.assignee}" if one.assignee else ""
        born = f", né(e) le {_born(one)}" if one.birth_date else ""
        for line in (
            "",
            f"[ ] {one.when} — UF {one.uf} {one.service}{taken}",
            f"    {one.family} {one.given}{born}, IPP {one.identifier}",
            f"    Téléphone {one.telephone or IN_THE_DPI} ({one.whom})",
            f"    {one.why}{_tried(one, zone)}",
            *(f"    « {words} »" for words in one.words.splitlines()),
        ):
            out.print(Text(line))
