"""`reminders calls import`: what telephony knows of patients' calls."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    JsonOption,
    amount,
    clock_of,
    opened,
    operator,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.cli.errors import REPAIR, say
from reminders.cli.worklist import calls_app
from reminders.services.calls import Imported, import_calls
from reminders.services.rules import rules_in


@calls_app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FICHIER", help="CSV ou XLSX : date, heure, service, motif, rendez-vous ou ipp."
        ),
    ],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Lire un fichier d'appels de patients. Une ligne déjà connue n'est pas comptée deux fois."""
    settings = settings_of(config)
    clock, zone = clock_of(settings, at, harmless=True), zone_of(settings)
    with opened(settings) as store:
        rules = rules_in(store, settings)
        found = import_calls(store, rules, file, zone, actor=operator(), now=clock.now())
    if as_json:
        print_json(_json(found))
    else:
        for line in _told(found):
            out.print(Text(line))
    for problem in found.problems:
        say(problem)
    if found.refused:
        raise typer.Exit(REPAIR)


def _told(found: Imported) -> list[str]:
    if found.already is not None:
        return ["Ce fichier a déjà été lu : rien n'a changé."]
    told = [
        f"{amount(found.lines, 'ligne lue', 'lignes lues')}, "
        f"{amount(found.kept, 'appel gardé', 'appels gardés')} dont "
        f"{amount(found.unlinked, 'sans rendez-vous connu', 'sans rendez-vous connu')}, "
        f"{amount(found.repeated, 'déjà connu', 'déjà connus')}, "
        f"{amount(found.refused, 'refusée', 'refusées')}."
    ]
    if found.refused:
        told.append(
            "Les lignes refusées sont nommées ci-dessous : les corriger dans le fichier, et "
            "l'importer de nouveau. Les autres ne seront pas comptées deux fois."
        )
    if found.refused > len(found.problems):
        told.append(f"Les {len(found.problems)} premières sont montrées.")
    return told


def _json(found: Imported) -> dict[str, object]:
    return {
        "lines": found.lines,
        "kept": found.kept,
        "repeated": found.repeated,
        "unlinked": found.unlinked,
        "refused": found.refused,
        "already": found.already.isoformat() if found.already else None,
        "problems": [
            {"where": one.where, "what": one.what, "remedy": one.remedy} for one in found.problems
        ],
    }


__all__ = ["calls_app"]
