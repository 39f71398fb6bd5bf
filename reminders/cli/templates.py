"""`reminders templates`: every text as a plain file, and back in as proposals."""

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
)
from reminders.services.rules import rules_in
from reminders.services.template_files import Imported, export, import_

templates_app = typer.Typer(
    help="Les modèles de messages en fichiers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Argument(metavar="DOSSIER")]


@templates_app.callback()
def _templates() -> None:
    """Les modèles de messages en fichiers."""


@templates_app.command("export")
def export_(
    folder: Folder,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    at: AtOption = None,
) -> None:
    """Écrire toutes les versions de tous les modèles, et ce qu'il en est advenu."""
    settings = settings_of(config)
    with opened(settings, create=False) as store:
        done = export(store, folder, now=clock_of(settings, at, harmless=True).now())
    if as_json:
        print_json({"templates": done.templates, "versions": done.versions})
        return
    told = amount(done.templates, "modèle", "modèles")
    out.print(Text(f"{told}, {amount(done.versions, 'version', 'versions')} : {folder}"))


@templates_app.command("import")
def import_command(
    folder: Folder,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Dire ce qui serait proposé, sans rien écrire.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    at: AtOption = None,
) -> None:
    """Proposer les textes d'un dossier. Rien n'est approuvé : une personne les relit."""
    settings = settings_of(config)
    now = clock_of(settings, at, harmless=True).now()
    with opened(settings, create=False) as store:
        rules = rules_in(store, settings)
        done = import_(store, rules, folder, by=operator(), now=now, dry_run=dry_run)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "proposed": done.proposed,
                "changes": [
                    {"template": one.template, "outcome": one.outcome, "number": one.number,
                     "warnings": list(one.warnings)}
                    for one in done.changes
                ],
            }
        )  # fmt: skip
        return
    _print(done, dry_run)


def _print(done: Imported, dry_run: bool) -> None:
    for one in done.changes:
        if one.outcome == "proposed":
            out.print(Text(f"{one.template} : version {one.number} proposée"))
            for warning in one.warnings:
                out.print(Text(f"  Attention : {warning}"))
    same = len(done.changes) - done.proposed
    told = f"{amount(done.proposed, 'texte proposé', 'textes proposés')}, {same} déjà connus."
    out.print(Text(f"À blanc, rien n'est écrit : {told}" if dry_run else told))
