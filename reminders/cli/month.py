"""`reminders month`: figures frozen on the stated day, and their revisions."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    JsonOption,
    clock_of,
    local,
    opened,
    operator,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.domain.canonical import Change, Plain
from reminders.domain.report import Month
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services import months as service
from reminders.services.months import Closed, Why
from reminders.services.rules import rules_in

month = typer.Typer(
    help="Les mois clos : leurs chiffres gelés, et leurs révisions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MonthArgument = Annotated[str, typer.Argument(metavar="AAAA-MM", help="Par exemple 2026-10.")]
SHOWN = 40  # changes told one by one
WHY = {
    Why.DATA: "données arrivées depuis",
    Why.PROGRAM: "autre version du programme, données inchangées",
    Why.BOTH: "données arrivées depuis et autre version du programme",
}


@month.callback()
def _month() -> None:
    """Les mois clos : leurs chiffres gelés, et leurs révisions."""


def month_of(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError:
        raise ConfigurationError(
            [Problem("MOIS", "mois illisible", "écrire par exemple 2026-10")]
        ) from None


@month.command("list")
def list_months(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> None:
    """Les mois clos, le plus récent d'abord, avec leurs révisions."""
    settings = settings_of(config)
    zone = zone_of(settings)
    with opened(settings, create=False) as store:
        found = service.listed(store)
    if as_json:
        print_json({"months": [_head(one) for those in found for one in those]})
        return
    if not found:
        out.print(f"Aucun mois clos. Un mois se clôt le {settings.reports.closes_on_day} suivant.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("Mois", "Révision", "Clos le", "Par", "Version", "Changements"):
        table.add_column(head)
    for those in found:
        for one in those:
            table.add_row(
                one.month, str(one.revision), local(one.at, zone), one.by or "le service",
                one.version, f"{len(one.changes)}, {WHY[one.why]}" if one.revision > 1 else "",
            )  # fmt: skip
    out.print(table)


@month.command()
def show(
    asked: MonthArgument,
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="N", help="La dernière sinon.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Les chiffres d'un mois clos, tels qu'ils ont été gelés."""
    settings = settings_of(config)
    with opened(settings, create=False) as store:
        found = service.find(store, month_of(asked), revision)
    if found is None:
        remedy = f"lancer : reminders month close {asked}"
        raise RepairNeeded(Problem(f"mois {asked}", "il n'est pas clos", remedy))
    if as_json:
        print_json(_head(found) | {"content": found.content})
        return
    _tell(found)
    for line in _lines(found.content):
        out.print(Text(line))


@month.command()
def close(asked: MonthArgument, config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None) -> None:
    """Geler les chiffres d'un mois fini, avant son jour ou à la main."""
    settings = settings_of(config)
    now = clock_of(settings, at, harmless=True).now()
    with opened(settings) as store:
        rules = rules_in(store, settings)
        found, mine = service.close(store, rules, month_of(asked), by=operator(), now=now)
    if not mine:
        out.print("Ce mois était déjà clos : rien n'a changé. reminders month revise le révise.")
    _tell(found)


@month.command()
def revise(
    asked: MonthArgument, config: ConfigOption = DEFAULT_CONFIG, at: AtOption = None
) -> None:
    """Geler ce que les données arrivées depuis font d'un mois clos, sous le numéro suivant."""
    settings = settings_of(config)
    now = clock_of(settings, at, harmless=True).now()
    with opened(settings) as store:
        rules = rules_in(store, settings)
        found = service.revise(store, rules, month_of(asked), by=operator(), now=now)
    if found is None:
        out.print("Rien n'a changé depuis la dernière révision.")
        return
    _tell(found)


def _head(one: Closed) -> dict[str, object]:
    return {
        "month": one.month,
        "revision": one.revision,
        "closed_at": one.at.isoformat(),
        "closed_by": one.by,
        "code_version": one.version,
        "digest": one.digest,
        "intact": one.intact,
        "why": one.why.value,
        "changes": [{"where": place, "before": a, "after": b} for place, a, b in one.changes],
    }


def _tell(one: Closed) -> None:
    who = f"par {one.by}" if one.by else "par le service"
    out.print(
        Text(
            f"{one.month}, révision {one.revision}, gelé le {one.at:%d/%m/%Y} {who}, version "
            f"{one.version}, empreinte {one.digest[:12]}."
        )
    )
    if not one.intact:
        out.print("ATTENTION : l'empreinte ne correspond pas au contenu. Prévenir le support.")
    if one.why is not Why.FIRST:
        out.print(f"Pourquoi : {WHY[one.why]}.")
    for place, before, after in one.changes[:SHOWN]:
        out.print(Text(f"  {place} : {_said(before)} → {_said(after)}"))
    if len(one.changes) > SHOWN:
        out.print(f"  … et {len(one.changes) - SHOWN} autres : --json les donne tous.")


def _said(value: Change | Plain) -> str:
    if value is None:
        return "—"
    return str(value)


def _lines(content: dict[str, Plain]) -> list[str]:
    """The figures one looks for first; --json has all of them."""
    inputs, money = content["inputs"], content["savings"]
    assert isinstance(inputs, dict)
    assert isinstance(money, dict)
    found = _counted(inputs)
    total = money.get("total")
    if isinstance(total, dict):
        found.append(
            f"Économie depuis le début du groupe témoin : {total['central']:.0f} € "
            f"({total['low']:.0f} à {total['high']:.0f}), après frais."
        )
    else:
        found.append(f"Économie : non mesurée ({money['verdict']}).")
    return found


def _counted(inputs: dict[str, Plain]) -> list[str]:
    if inputs["hidden"]:
        return ["Masqué : trop peu de patients dans ce mois pour en dire les chiffres."]
    return [
        f"Rendez-vous suivis à l'issue connue : {inputs['known']}, dont non-venues : "
        f"{inputs['missed']} ; issue inconnue : {inputs['unknown']}.",
        f"Messages partis pendant le mois : {inputs['messages']} ; "
        f"appels enregistrés : {inputs['calls']}.",
    ]
