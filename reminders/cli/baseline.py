"""`reminders baseline`: what was before the programme, looked at first, then counted."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reminders.cli.baseline_shown import (
    json_of,
    lines_json,
    print_findings,
    print_kept,
    print_lines,
    print_starts,
    starts_json,
    told_json,
    write_lines,
)
from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    agreed,
    amount,
    clock_of,
    opened,
    operator,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.domain.baseline_count import Split
from reminders.errors import (
    ConfigurationError,
    FeedRefused,
    Problem,
    RepairNeeded,
    SourceUnavailable,
)
from reminders.services import baseline as service
from reminders.services.baseline_rates import kept, rates, slot_costs, starts
from reminders.services.rules import rules_in

baseline = typer.Typer(
    help="L'état de départ : ce que devenaient les rendez-vous avant le programme.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MOST_MONTHS = 24


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"


FormatOption = Annotated[
    Format, typer.Option("--format", metavar="text|json|csv", help="Forme de la sortie.")
]


@baseline.callback()
def _baseline() -> None:
    """L'état de départ : ce que devenaient les rendez-vous avant le programme."""


@baseline.command("import")
def import_(
    file: Annotated[
        Path | None, typer.Argument(metavar="FICHIER", help="CSV de 3 à 12 mois de rendez-vous.")
    ] = None,
    dpi: Annotated[bool, typer.Option("--dpi", help="Demander ces mois au DPI lui-même.")] = False,
    months: Annotated[
        int, typer.Option("--months", metavar="N", help="Mois à demander au DPI.")
    ] = 12,
    source: Annotated[
        str, typer.Option("--source", metavar="ID", help="Source ([[dpi]]) dont c'est le format.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Montrer l'état des données, sans rien reprendre.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Reprendre sans poser la question.")] = False,
    form: FormatOption = Format.TEXT,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Montrer l'état des données, puis les compter. Ne crée aucun rendez-vous, aucun message."""
    from reminders.bootstrap import past_of_dpi, past_of_file

    settings = settings_of(config)
    now = clock_of(settings, at, harmless=True).now()
    if (file is None) == (not dpi):
        problem = Problem("baseline import", "donner un FICHIER, ou --dpi", "l'un des deux")
        raise ConfigurationError([problem])
    _refuse_forms(form, asked=not (yes or check))
    if not 1 <= months <= MOST_MONTHS:
        problem = Problem("--months", f"de 1 à {MOST_MONTHS}", "écrire par exemple 12")
        raise ConfigurationError([problem])
    try:
        if file is None:
            since = now - timedelta(days=months * 365 // 12)
            origin, feed = past_of_dpi(settings, source, since=since, now=now)
        else:
            origin, feed = service.FILE, past_of_file(settings, file, source, now=now)
    except (FeedRefused, SourceUnavailable) as error:
        place = str(file or "--dpi")
        raise RepairNeeded(Problem(place, error.sentence, "rien n'a été changé")) from None
    with opened(settings) as store:
        rules, zone = rules_in(store, settings), zone_of(settings)
        with service.reading(store, rules, feed, zone=zone, now=now, origin=origin) as found:
            if form is Format.JSON:
                print_json(told_json(found, zone))
            else:
                print_findings(found, zone)
            if check:
                return
            found.refuse_if_nothing()
            if not yes and not agreed("Compter ces rendez-vous comme état de départ ?"):
                out.print("Rien n'a été changé.")
                return
            found.keep(now=now, by=operator())
    if form is not Format.JSON:
        counted = amount(found.appointments, "rendez-vous compté", "rendez-vous comptés")
        out.print(f"{counted}. À lire : reminders baseline show, ou la page /rapports/depart.")


def _refuse_forms(form: Format, *, asked: bool) -> None:
    """A program that reads JSON answers no question; what is found is no table."""
    if form is Format.CSV:
        problem = Problem("--format csv", "l'état des données n'est pas un tableau", "text ou json")
        raise ConfigurationError([problem])
    if form is Format.JSON and asked:
        what, remedy = "aucune question ne peut y être posée", "ajouter --yes, ou --check"
        raise ConfigurationError([Problem("--format json", what, remedy)])


@baseline.command()
def show(
    uf: Annotated[str, typer.Option("--uf", metavar="UF", help="Un seul service.")] = "",
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="|".join(split.value for split in Split),
            help="Les taux, par quoi ; sans cette option : par où commencer.",
        ),
    ] = "",
    form: FormatOption = Format.TEXT,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """L'état des données, par où commencer, les taux de non-venue."""
    splits = _splits(by, uf)
    settings = settings_of(config)
    now, zone = clock_of(settings, at, harmless=True).now(), zone_of(settings)
    with opened(settings, create=False) as store:
        found = kept(store)
        if found is None:
            remedy = "lancer d'abord reminders baseline import FICHIER"
            raise RepairNeeded(Problem("état de départ", "rien n'a été repris", remedy))
        lines = rates(store, splits, uf=uf)
        if uf and not any(lines.values()):
            what = f"aucun rendez-vous de l'UF « {uf} » n'a été repris"
            raise RepairNeeded(Problem("--uf", what, "donner son code : reminders baseline show"))
        rules = rules_in(store, settings)
        begin = starts(store, found, slot_costs(store, rules, now.astimezone(zone).date()))
        labels = {name: desk.label for name, desk in rules.desks.items()}
    if form is Format.JSON:
        print_json(json_of(found, zone) | {"start": starts_json(begin), "rates": lines_json(lines)})
    elif form is Format.CSV:
        write_lines(out.file, lines)
    else:
        if not by:
            print_kept(found, zone)
            print_starts(begin, labels)
        print_lines(lines, labels, uf)


def _splits(by: str, uf: str) -> Sequence[Split]:
    if not by:
        return [one for one in Split if one is not Split.CELL] if uf else [Split.SERVICE]
    if by not in {one.value for one in Split}:
        known = ", ".join(one.value for one in Split)
        raise ConfigurationError([Problem("--by", f"« {by} » est inconnu", f"choisir : {known}")])
    if by == Split.CELL and not uf:
        raise ConfigurationError([Problem("--by cell", "trop de lignes", "ajouter --uf UF")])
    return [Split(by)]


@baseline.command()
def remove(
    yes: Annotated[bool, typer.Option("--yes", help="Effacer sans poser la question.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Effacer l'état de départ : l'effet n'est plus ajusté."""
    settings = settings_of(config)
    now = clock_of(settings, at, harmless=True).now()
    with opened(settings, create=False) as store:
        if kept(store) is None:
            out.print("Il n'y avait pas d'état de départ.")
            return
        if not yes and not agreed("Effacer l'état de départ ? L'effet ne sera plus ajusté."):
            out.print("Rien n'a été changé.")
            return
        service.remove(store, now=now, by=operator())
    out.print(Text("État de départ effacé."))
