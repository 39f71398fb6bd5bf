"""`reminders stats`: the numbers of a comparison, for whoever checks ours or brings their own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from reminders.cli.common import JsonOption, out, print_json
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services.spreadsheet import columns, open_sheet
from reminders.statistics.comparison import Comparison, Measure, NoRatio, compare

stats = typer.Typer(help="Comparer deux proportions.", no_args_is_help=True, rich_markup_mode=None)
MEASURES = {
    Measure.RISK_DIFFERENCE: "différence de risque",
    Measure.RISK_RATIO: "rapport de risques",
    Measure.ODDS_RATIO: "rapport de cotes",
}
COLUMNS = ("x1", "n1", "x0", "n0", "measure")


@stats.callback()
def _stats() -> None:
    """Comparer deux proportions."""


@dataclass(frozen=True, slots=True)
class Counts:
    where: str
    x1: int
    n1: int
    x0: int
    n0: int
    measure: Measure


@stats.command("compare")
def compare_(
    treated: Annotated[str | None, typer.Option("--treated", metavar="X/N")] = None,
    control: Annotated[str | None, typer.Option("--control", metavar="X/N")] = None,
    measure: Annotated[
        str | None, typer.Option("--measure", metavar="rr|rd|or", help="Par défaut : rd.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FICHIER", help="CSV, XLSX : x1,n1,x0,n0,measure."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Estimation, intervalle à 95 % et p, observations indépendantes seulement."""
    if file is None:
        _say(_of_options(treated, control, measure or "rd"), as_json=as_json, alone=True)
        return
    _refuse_both(treated, control, measure)
    for case in _of_file(file):
        _say(case, as_json=as_json, alone=False)


def _refuse_both(treated: str | None, control: str | None, measure: str | None) -> None:
    given = (("--treated", treated), ("--control", control), ("--measure", measure))
    what, remedy = "donné avec --file, qui a ses propres colonnes", "donner l'un ou l'autre"
    if problems := [Problem(name, what, remedy) for name, value in given if value is not None]:
        raise ConfigurationError(problems)


def _say(case: Counts, *, as_json: bool, alone: bool) -> None:
    """One comparison; in a file, one that does not exist is said in its place."""
    try:
        found = compare(case.x1, case.n1, case.x0, case.n0, case.measure)
    except NoRatio:
        if alone:
            raise RepairNeeded(Problem(case.where, NONE, "vérifier les effectifs")) from None
        _say_none(case, as_json=as_json)
        return
    except ValueError as error:
        raise RepairNeeded(Problem(case.where, _why(error), "vérifier les effectifs")) from None
    if as_json:
        print_json(_json(found))
    else:
        _tell(case, found)


NONE = "un bras n'a aucun événement (ou que des événements) : ce rapport n'existe pas"


def _say_none(case: Counts, *, as_json: bool) -> None:
    if as_json:
        nothing = dict.fromkeys(("estimate", "low", "high", "p", "method"))
        print_json({"measure": case.measure.value, **nothing, "why": "no ratio"})
    else:
        out.print(f"{_counts(case)} : {NONE}", markup=False)


def _counts(case: Counts) -> str:
    named = MEASURES[case.measure]
    return f"{case.x1}/{case.n1} contre {case.x0}/{case.n0} : {named}"


def _why(error: ValueError) -> str:
    if str(error).startswith("too many"):
        return "effectifs trop grands (10¹⁵ au plus)"
    return "effectifs impossibles (il faut 0 ≤ x ≤ n et n ≥ 1)"


def _json(found: Comparison) -> dict[str, object]:
    return {
        "measure": found.measure.value,
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "method": found.method,
    }


def _tell(case: Counts, found: Comparison) -> None:
    def number(value: float) -> str:
        return f"{value:.4f}".replace(".", ",")

    p = "< 0,0001" if found.p < 0.0001 else f"= {number(found.p)}"
    out.print(
        f"{_counts(case)} "
        f"{number(found.estimate)} (IC 95 % {number(found.low)} à {number(found.high)}), p {p} "
        f"[{found.method} ; p : z groupé]",
        markup=False,
    )


def _of_options(treated: str | None, control: str | None, measure: str) -> Counts:
    problems = [
        Problem(name, "absent", "écrire par exemple 387/592, ou donner --file")
        for name, value in (("--treated", treated), ("--control", control))
        if value is None
    ]
    if problems:
        raise ConfigurationError(problems)
    x1, n1 = _fraction("--treated", str(treated))
    x0, n0 = _fraction("--control", str(control))
    return Counts("--treated, --control", x1, n1, x0, n0, _measure("--measure", measure))


def _fraction(where: str, text: str) -> tuple[int, int]:
    some, _, whole = text.partition("/")
    counts = _whole(some), _whole(whole)
    if counts[0] is None or counts[1] is None:
        raise ConfigurationError(
            [Problem(where, f"« {text} » n'est pas une fraction", "écrire par exemple 387/592")]
        )
    return counts[0], counts[1]


def _measure(where: str, word: str) -> Measure:
    try:
        return Measure(word.strip().lower())
    except ValueError:
        raise ConfigurationError(
            [Problem(where, f"« {word} » est inconnu", "choisir parmi : rr, rd, or")]
        ) from None


def _of_file(file: Path) -> Iterator[Counts]:
    """As other tables people bring: whatever their spreadsheet makes of it."""
    _, sheet = open_sheet(file)
    where = columns(sheet, {name: (name,) for name in COLUMNS}, COLUMNS, file.name)
    told = 0
    for number, cells in sheet.lines:
        if any(cells):
            told += 1
            row = {name: cells[at] if at < len(cells) else "" for name, at in where.items()}
            yield _row(f"{file.name}, ligne {number}", row)
    if not told:
        raise RepairNeeded(Problem(file.name, "aucune ligne", "écrire une comparaison par ligne"))


def _row(where: str, row: Mapping[str, str]) -> Counts:
    x1, n1, x0, n0 = (_whole(row[name]) for name in COLUMNS[:4])
    if x1 is None or n1 is None or x0 is None or n0 is None:
        raise RepairNeeded(
            Problem(where, "x1, n1, x0 et n0 doivent être des nombres entiers", "corriger la ligne")
        )
    return Counts(where, x1, n1, x0, n0, _measure(where, row["measure"]))


def _whole(text: str) -> int | None:
    """Digits as people write them: what Python takes for a number besides (1_000) is a slip."""
    plain = text.strip()
    if not re.fullmatch(r"-?[0-9]{1,4000}", plain):
        return None
    return int(plain)
