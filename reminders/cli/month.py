"""`reminders month`: figures frozen on the stated day, and their revisions."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
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
from reminders.clock import SystemClock
from reminders.config import Settings
from reminders.domain.report import Month
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services import months as service
from reminders.services.months import Closed, Why
from reminders.services.rules import rules_in
from reminders.web.staff.months import PLACES, answer, shown
from reminders.web.staff.savings_words import VERDICTS
from reminders.web.staff.words import Words

month = typer.Typer(
    help="Les mois clos : leurs chiffres gelés, et leurs révisions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MonthArgument = Annotated[str, typer.Argument(metavar="AAAA-MM", help="Par exemple 2026-10.")]
COUNTED = ("known", "missed", "unknown", "messages", "calls")
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
    words = _words(settings)
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
        table.add_column(head, no_wrap=head != "Changements")
    for those in found:
        for one in those:
            table.add_row(
                one.month, str(one.revision), words.dated(one.at), one.by or "le service",
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
    _tell(_words(settings), found)


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
    _tell(_words(settings), found)


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
    _tell(_words(settings), found)


def _words(settings: Settings) -> Words:
    return Words("fr", zone_of(settings), SystemClock().now())


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


def _tell(words: Words, one: Closed) -> None:
    """What it says, then which revision it is, then what that one changed."""
    for line in _lines(words, one):
        out.print(Text(line))
    who = f"par {one.by}" if one.by else "par le service"
    out.print(
        Text(
            f"{one.month}, révision {one.revision}, gelé le {words.dated(one.at)} {who}, version "
            f"{one.version}, empreinte {one.digest[:12]}."
        )
    )
    if not one.intact:
        out.print("ATTENTION : l'empreinte ne correspond pas au contenu. Prévenir le support.")
    if one.why is not Why.FIRST:
        out.print(f"Pourquoi cette révision : {WHY[one.why]}.")
    _changed(words, one)


def _changed(words: Words, one: Closed) -> None:
    """Those that have a name; the program's own names are for programs."""
    told = [change for change in one.changes if change[0] in PLACES]
    for place, before, after in told:
        name = words.gettext(PLACES[place])
        said = f"{shown(words, place, before)} → {shown(words, place, after)}"
        out.print(Text(f"  {name}{words.colon} {said}"))
    if rest := len(one.changes) - len(told):
        others = amount(rest, "autre chiffre", "autres chiffres")
        out.print(f"  … et {others} : --json donne tout.")


def _lines(words: Words, found: Closed) -> list[str]:
    """The figures one looks for first; --json has all of them."""
    inputs, money = found.content["inputs"], found.content["savings"]
    assert isinstance(inputs, dict)
    assert isinstance(money, dict)
    lines = [said] if (said := answer(words, found)) else []
    lines += _counted(words, inputs)
    total: Any = money.get("total")
    if isinstance(total, dict):
        central, low, high = (words.euros(total[name], 0) for name in ("central", "low", "high"))
        lines.append(
            f"Économie depuis le début du groupe témoin : {central} (intervalle à 95 % : {low} à "
            f"{high}), après frais."
        )
    else:
        verdict = str(money["verdict"])
        few = bool(money.get("hidden")) and verdict == "too-small"
        why = "Pas encore mesurable : trop peu de patients." if few else VERDICTS.get(verdict, "")
        lines.append(f"Économie : non mesurée. {words.gettext(why)}")
    return lines


def _counted(words: Words, inputs: Mapping[str, Any]) -> list[str]:
    if inputs["hidden"]:
        return ["Masqué : trop peu de patients dans ce mois pour en dire les chiffres."]
    told = {name: words.number(inputs[name]) for name in COUNTED}
    return [
        f"Rendez-vous suivis à l'issue connue : {told['known']}, dont non-venues : "
        f"{told['missed']} ; issue inconnue : {told['unknown']}.",
        f"Messages partis pendant le mois : {told['messages']} ; "
        f"appels enregistrés : {told['calls']}.",
    ]
