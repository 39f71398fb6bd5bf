"""`reminders costs`: what things cost, entered with a range and a source."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
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
    operator,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.config import Settings
from reminders.domain.savings import Component, UnitCost
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services import costs as service
from reminders.services.costs import COMPONENTS, FIELDS, CostForm
from reminders.services.rules import Rules, rules_in
from reminders.services.spreadsheet import columns, open_sheet

costs = typer.Typer(
    help="Ce que coûtent un créneau perdu, un message, un appel, une tâche, le service.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
WORDS = ", ".join(one.value for one in Component)
HEADS = ("Quoi", "UF", "Valeur", "Au plus bas", "Au plus haut", "Depuis", "Source")
TITLES = {
    "component": ("component", "quoi", "composante"),
    "uf": ("uf", "service"),
    "value": ("value", "valeur"),
    "low": ("low", "au plus bas", "bas", "minimum"),
    "high": ("high", "au plus haut", "haut", "maximum"),
    "source": ("source",),
    "valid_from": ("valid_from", "valid from", "depuis", "valable a partir du"),
}
CsvOption = Annotated[bool, typer.Option("--csv", help="Sortie CSV (point-virgule).")]
FIELD_NAMES = {
    "component": "QUOI", "uf": "--uf", "value": "VALEUR", "low": "--low", "high": "--high",
    "source": "--source", "valid_from": "--from",
}  # fmt: skip


@costs.callback()
def _costs() -> None:
    """Ce que coûtent un créneau perdu, un message, un appel, une tâche, le service."""


@costs.command("list")
def list_costs(
    day: Annotated[
        str | None, typer.Option("--day", metavar="AAAA-MM-JJ", help="Aujourd'hui sinon.")
    ] = None,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Ce qui vaut un jour donné : saisi, ou à défaut repris des réglages."""
    settings = settings_of(config)
    asked = _day(day) or _today(settings, at)
    with opened(settings, create=False) as store:
        found = service.costs_on(store, rules_in(store, settings), asked)
    if as_json:
        print_json({"day": asked.isoformat(), "costs": [_json(one) for one in found]})
    elif as_csv:
        write_csv(out.file, HEADS, (_cells(one) for one in found))
    else:
        _print(asked, found)


def _today(settings: Settings, at: str | None) -> date:
    return clock_of(settings, at, harmless=True).now().astimezone(zone_of(settings)).date()


def _day(text: str | None) -> date | None:
    found = service.civil_day(text) if text is not None else None
    if text is not None and found is None:
        raise ConfigurationError(
            [Problem("--day", "date illisible", "écrire par exemple 2026-10-01")]
        )
    return found


def _cells(one: UnitCost) -> tuple[str, ...]:
    amounts = (_euros(n) for n in (one.value, one.low, one.high))
    return (
        one.component.value, one.uf or "toutes", *amounts,
        "réglage" if one.configured else f"{one.valid_from:%d/%m/%Y}", one.source,
    )  # fmt: skip


def _euros(value: float) -> str:
    text = f"{value:.4f}".rstrip("0")
    return (text + "00"[: max(0, 2 - len(text.partition(".")[2]))]).replace(".", ",")


def _json(one: UnitCost) -> dict[str, object]:
    return {
        "component": one.component.value,
        "uf": one.uf,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "source": one.source,
        "valid_from": one.valid_from.isoformat(),
        "configured": one.configured,
    }


def _print(day: date, found: tuple[UnitCost, ...]) -> None:
    table = Table(
        title=f"Coûts unitaires au {day:%d/%m/%Y}, en euros", title_justify="left", box=None,
        padding=(0, 2, 0, 0),
    )  # fmt: skip
    for head in HEADS:
        table.add_column(head)
    for one in found:
        table.add_row(*(Text(cell) for cell in _cells(one)))
    out.print(table)
    known = {one.component for one in found}
    if missing := [one.value for one in Component if one not in known]:
        out.print(f"Sans montant : {', '.join(missing)}. reminders costs set QUOI VALEUR …")
    words = (f"{one.value}, {name[:1].lower()}{name[1:]}" for one, name in COMPONENTS.items())
    out.print(Text(f"Quoi : {' ; '.join(words)}."))


@costs.command("set")
def set_cost(
    component: Annotated[str, typer.Argument(metavar="QUOI", help=WORDS)],
    value: Annotated[str, typer.Argument(metavar="VALEUR", help="Euros, par exemple 52,50.")],
    low: Annotated[str, typer.Option("--low", metavar="EUROS", help="Au plus bas.")] = "",
    high: Annotated[str, typer.Option("--high", metavar="EUROS", help="Au plus haut.")] = "",
    source: Annotated[str, typer.Option("--source", metavar="TEXTE", help="Qui le dit.")] = "",
    valid_from: Annotated[
        str, typer.Option("--from", metavar="AAAA-MM-JJ", help="À partir de quand.")
    ] = "",
    uf: Annotated[str, typer.Option("--uf", metavar="UF", help="Toutes sinon.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Saisir un coût. L'ancien reste dans l'historique ; VALEUR « none » retire celui d'une UF."""
    settings = settings_of(config)
    clock, today = clock_of(settings, at, harmless=True), _today(settings, at)
    form = CostForm(component, uf, value, low, high, source, valid_from)
    with opened(settings) as store:
        rules = rules_in(store, settings)
        if value == "none":
            part = next((one for one in Component if one.value == component), None)
            day = service.civil_day(valid_from)
            if part is None or day is None:
                raise ConfigurationError([Problem("costs set", "QUOI ou --from illisible", WORDS)])
            service.withdraw(store, part, uf, day, actor=operator(), now=clock.now())
            out.print("Retiré à partir de ce jour ; l'historique le garde.")
            return
        cost = _read("costs set", form, rules, today)
        service.add(store, [cost], actor=operator(), now=clock.now())
    out.print(Text(" · ".join(_cells(cost))))


def _read(place: str, form: CostForm, rules: Rules, today: date) -> UnitCost:
    cost, errors = service.read(form, rules, today=today)
    if cost is None:
        raise ConfigurationError(
            [
                Problem(f"{place}, {FIELD_NAMES[name]}", "refusé", said[:1].lower() + said[1:])
                for name, said in errors.items()
            ]
        )
    return cost


TWICE = "une ligne plus haut dit déjà ce coût, de cette UF, à partir de ce jour"


def _place(cost: UnitCost) -> tuple[str, str, date]:
    return cost.component, cost.uf, cost.valid_from


@costs.command("import")
def import_costs(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="CSV ou XLSX.")],
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Saisir tous les coûts d'un fichier, ou aucun si une ligne est fausse."""
    settings = settings_of(config)
    clock, today = clock_of(settings, at, harmless=True), _today(settings, at)
    _, sheet = open_sheet(file)
    needed = [name for name in FIELDS if name != "uf"]
    where = columns(sheet, TITLES, needed, file.name)
    problems: list[Problem] = []
    found: list[UnitCost] = []
    with opened(settings) as store:
        rules = rules_in(store, settings)
        for number, cells in sheet.lines:
            if not any(cells):
                continue
            told = {name: cells[at] if at < len(cells) else "" for name, at in where.items()}
            cost, errors = service.read(service.typed(told), rules, today=today)
            if cost is not None:
                if _place(cost) in map(_place, found):
                    line = f"{file.name}, ligne {number}"
                    problems.append(Problem(line, TWICE, "n'en garder qu'une"))
                found.append(cost)
            problems += [
                Problem(f"{file.name}, ligne {number}, {TITLES[name][0]}", "refusé", said)
                for name, said in errors.items()
            ]
        if problems:
            raise ConfigurationError(problems)
        if not found:
            raise RepairNeeded(Problem(file.name, "aucune ligne", "ajouter les coûts"))
        service.add(store, found, actor=operator(), now=clock.now())
    out.print(f"{amount(len(found), 'coût saisi', 'coûts saisis')}.")
