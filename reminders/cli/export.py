"""`reminders export`: everything in open formats, or what is held about one patient."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    amount,
    clock_of,
    opened,
    operator,
    out,
    settings_of,
    zone_of,
)
from reminders.errors import Problem, RepairNeeded
from reminders.services.export import Sink, Wanted
from reminders.services.export import export as write_export
from reminders.services.export_files import Folder, Zip, new_file

UNFINISHED = ".en-cours"  # what a killed export leaves behind is not taken for one


def export(
    destination: Annotated[
        Path, typer.Argument(metavar="DOSSIER|FICHIER.zip", help="Il ne doit pas exister.")
    ],
    patient: Annotated[
        int | None,
        typer.Option(
            "--patient",
            metavar="CLÉ",
            help="Ce qui est gardé sur un seul patient, pour le lui remettre (RGPD, art. 15) ; la "
            "clé est dans l'adresse de sa page.",
        ),
    ] = None,
    no_names: Annotated[
        bool,
        typer.Option("--no-names", help="Sans noms, adresses, naissances, numéros ni textes."),
    ] = False,
    service: Annotated[
        list[str] | None,
        typer.Option("--service", metavar="UF", help="Cette UF seulement ; peut se répéter."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Tout sortir en formats ouverts : CSV, JSON Lines, et leur description."""
    settings = settings_of(config)
    if patient is not None and (no_names or service):
        raise RepairNeeded(
            Problem("--patient", "il dit tout d'une personne", "l'employer sans autre option")
        )
    wanted = Wanted(not no_names, frozenset(service) if service else None, patient)
    now = clock_of(settings, at, harmless=True).now()
    with opened(settings, create=False) as store, _sink(destination) as sink:
        try:
            done = write_export(store, sink, wanted, zone_of(settings), now=now, by=operator())
        except LookupError:
            raise RepairNeeded(
                Problem("--patient", "patient inconnu", "lire sa clé dans l'adresse de sa page")
            ) from None
    rows = amount(done.rows, "ligne", "lignes")
    out.print(Text(f"Exporté : {len(done.tables)} tables, {rows}, dans {destination}"))
    out.print("À protéger comme un dossier de soins : chiffrer pour transporter, effacer ensuite.")


@contextmanager
def _sink(destination: Path) -> Iterator[Sink]:
    """Where the files go; under their own name once they are complete."""
    if destination.exists():
        raise RepairNeeded(
            Problem(str(destination), "existe déjà", "choisir un autre nom : rien n'est écrasé")
        )
    unfinished = destination.with_name(destination.name + UNFINISHED)
    try:
        if destination.suffix.lower() == ".zip":
            with new_file(unfinished) as stream:
                archive = Zip(stream)
                yield archive
                archive.close()
        else:
            unfinished.mkdir(mode=0o700)
            yield Folder(unfinished)
    except FileExistsError:
        raise RepairNeeded(
            Problem(str(unfinished), "reste d'un export interrompu", "l'effacer, puis relancer")
        ) from None
    except BaseException:
        _remove(unfinished)
        raise
    os.rename(unfinished, destination)


def _remove(unfinished: Path) -> None:
    if unfinished.is_dir():
        shutil.rmtree(unfinished, ignore_errors=True)
    else:
        unfinished.unlink(missing_ok=True)
