"""How `reminders baseline` says what it found: for a person, for a program, for a spreadsheet."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from reminders.cli.cells import write_csv
from reminders.cli.common import amount, out
from reminders.domain.baseline_count import FIELDS, SMALLEST, Split
from reminders.domain.baseline_quality import Check, Finding, Part, Weight, as_told
from reminders.services.baseline import Candidate
from reminders.services.baseline_rates import (
    SUPPOSED_HIGH,
    SUPPOSED_LOW,
    Kept,
    Line,
    Start,
    Starts,
)
from reminders.services.baseline_words import MEANINGS, SPLITS, WEIGHTS, french, kinds
from reminders.services.voices import day, number, percent, rare, typeset

LONGEST_NAME = 24  # characters of a service
NAMED = 5  # services and weeks a finding names
Rates = Mapping[Split, Sequence[Line]]
ABOUT_RATES = (
    "Taux : non-venues parmi les rendez-vous encore prévus au moment du premier rappel et dont "
    "l'issue est connue, annulés compris ; intervalle de Wilson à 95 %. « attendus » : parmi les "
    "seuls venus et non venus, comme les chiffres nationaux. « — » : moins de "
    f"{SMALLEST} patients ou rendez-vous, ou ce qui permettrait de le déduire."
)


def say(text: str) -> None:
    out.print(Text(typeset(text)))


# --- the state of the data -----------------------------------------------------------------------


def print_findings(found: Candidate, zone: ZoneInfo) -> None:
    """Before anything is kept."""
    say(f"Lu : {found.feed.info.name}")
    if found.first_at is None or found.last_at is None:
        say("Aucun rendez-vous passé à compter.")
    else:
        say(
            f"À compter : {number(found.appointments)} rendez-vous, du {day(found.first_at, zone)} "
            f"au {day(found.last_at, zone)} ({amount(found.weeks, 'semaine', 'semaines')})."
        )
    say("\nÉtat des données")
    for one in found.findings:
        if one.weight is not Weight.NOTHING:
            _finding(one)
    absent = [one for one in found.findings if one.weight is Weight.NOTHING]
    if absent:
        names = "\n".join(f"  ✓ {MEANINGS[one.check].title}" for one in absent)
        say(f"○ RIEN À SIGNALER :\n{names}\n")
    say("Les patients venus avant le premier rendez-vous du fichier passent pour nouveaux.")


def _finding(one: Finding) -> None:
    meaning = MEANINGS[one.check]
    say(f"▲ {WEIGHTS[one.weight].upper()} : {meaning.title}{_amount(one)}")
    if one.services:
        say(f"  services : {_parts(one.services)}")
    if one.weeks:
        say(f"  semaines du : {_parts([_dated(part) for part in one.weeks])}")
    for change in one.changes[:NAMED]:
        say(
            f"  UF {change.uf}, semaine du {_french(change.monday)} : « annulé tard » passe de "
            f"{percent(change.before)} à {percent(change.after)} des absents (p {rare(change.p)})"
        )
    if one.words:
        say("  " + " ; ".join(f"« {word} » ({number(many)})" for word, many in one.words[:10]))
    if one.lines:
        say(f"  lignes : {', '.join(map(str, one.lines))}")
    say(f"  {meaning.consequence}")
    say(f"  → {meaning.remedy}")


def _amount(one: Finding) -> str:
    if one.check is Check.SHORT:
        return f" : {amount(one.number, 'semaine', 'semaines')}"
    if one.check is Check.LONG:
        return f" : {number(one.number)} jours"
    if one.check is Check.CODING:
        return f" : {one.number}"
    return f" : {number(one.number)} sur {number(one.whole)} ({percent(one.share)})"


def _parts(parts: Sequence[Part]) -> str:
    named = [
        f"{part.name} ({number(part.number)} sur {number(part.whole)})" for part in parts[:NAMED]
    ]
    more = len(parts) - len(named)
    return ", ".join(named) + (f" et {more} autre{'s' if more > 1 else ''}" if more > 0 else "")


def _dated(part: Part) -> Part:
    return Part(_french(part.name), part.number, part.whole)


def _french(iso: str) -> str:
    return f"{date.fromisoformat(iso):%d/%m/%Y}"


# --- what is kept --------------------------------------------------------------------------------


def print_kept(found: Kept, zone: ZoneInfo) -> None:
    say(
        f"État de départ : {number(found.appointments)} rendez-vous, du "
        f"{day(found.first_at, zone)} au {day(found.last_at, zone)}. "
        f"Repris le {day(found.imported_at, zone)} par {found.imported_by}."
    )
    say("\nÉtat des données")
    told = [one for one in found.findings if one.weight in (Weight.SERIOUS, Weight.WARNING)]
    for one in told:
        _finding(one)
    others = len(found.findings) - len(told)
    say(f"Les {others} autres points regardés : --format json, ou la page /rapports/depart.\n")


def print_starts(found: Starts, labels: Mapping[str, str]) -> None:
    order = "du coût évitable" if found.by_cost else "du nombre de non-venues, faute de coûts"
    say(f"Par où commencer, dans l'ordre {order}")
    for place, one in enumerate(found.ranked, 1):
        say(f"{place}. {_named(one.uf, labels)}")
        say(
            f"   {_rate(one.line)} de non-venues hors rendez-vous pris le jour même, "
            f"{number(round(one.missed_a_year))} par an"
        )
        say(f"   évitable : {_avoidable(one)}")
        say(f"   à mesurer : {_needed(one)}")
    if found.small:
        say(f"{amount(found.small, 'service trop petit', 'services trop petits')} pour être dits.")
    say(
        f"Hypothèse, pas une mesure : de {percent(SUPPOSED_LOW)} (des rappels partent déjà) à "
        f"{percent(SUPPOSED_HIGH)} (aucun rappel avant) de non-venues en moins, au coût du "
        "créneau. Les rendez-vous pris le jour même n'y sont pas. À mesurer : rendez-vous à "
        "observer avec 10 % de patients témoins, et mois au volume actuel.\n"
    )


def _avoidable(one: Start) -> str:
    if one.avoidable is None:
        return "coût du créneau inconnu (reminders costs)"
    low, high = one.avoidable
    return f"{number(round(low))} à {number(round(high))} € par an (hypothèse)"


def _needed(one: Start) -> str:
    if not one.needed:
        return "trop peu de non-venues pour le dire"
    return " ; ".join(
        f"−{percent(1 - each.ratio)} avec {number(each.appointments)} rendez-vous "
        f"({_months(each.months)})"
        for each in one.needed[:2]
    )


def _months(months: float) -> str:
    return "moins d'un mois" if months < 1 else f"{round(months)} mois"


def _named(uf: str, labels: Mapping[str, str]) -> str:
    return f"{uf} {labels[uf]}" if uf in labels else uf


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _rate(line: Line) -> str:
    rate, interval = line.rate, line.interval
    if rate is None or interval is None:
        return "—"
    low, high = (percent(one).removesuffix(" %") for one in (interval.low, interval.high))
    return f"{percent(rate)} [{low} ; {high}]"


def print_lines(found: Rates, labels: Mapping[str, str], uf: str = "") -> None:
    """`uf`: all are of that service, which is said once."""
    for split, lines in found.items():
        title = f"{SPLITS[split]} · {_named(uf, labels)}" if uf else SPLITS[split]
        table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        if not uf:
            table.add_column("Service")
        if split is not Split.SERVICE:
            table.add_column("Sorte")
        for head in ("Rendez-vous", "Non-venues", "Taux", "Attendus"):
            table.add_column(head, justify="right", no_wrap=True)
        for line in lines:
            named = _short(_named(line.counted.uf, labels))
            names = [] if uf else [Text(named if split is Split.SERVICE else line.counted.uf)]
            if split is not Split.SERVICE:
                names.append(Text(kinds(french, line.counted, split)))
            table.add_row(*names, *_figures(line))
        out.print(table)
        out.print()
    say(f"{ABOUT_RATES} Ceux pris le jour même y sont.")


def _figures(line: Line) -> Sequence[str]:
    if line.hidden:
        return ("—",) * 4
    expected = line.expected_rate
    return (
        number(line.counted.appointments),
        number(line.counted.missed),
        _rate(line),
        "—" if expected is None else percent(expected),
    )


# --- for programs --------------------------------------------------------------------------------


def told_json(found: Candidate, zone: ZoneInfo) -> dict[str, object]:
    return {
        "name": found.feed.info.name,
        "appointments": found.appointments,
        "with_outcome": found.told,
        "first_day": _day(found.first_at, zone),
        "last_day": _day(found.last_at, zone),
        "weeks": found.weeks,
        "findings": [finding_json(one) for one in found.findings],
    }


def finding_json(one: Finding) -> dict[str, Any]:
    meaning = MEANINGS[one.check]
    return as_told(one) | {"consequence": meaning.consequence, "remedy": meaning.remedy}


def json_of(found: Kept, zone: ZoneInfo) -> dict[str, object]:
    return {
        "appointments": found.appointments,
        "first_day": _day(found.first_at, zone),
        "last_day": _day(found.last_at, zone),
        "weeks": found.weeks,
        "imported_at": found.imported_at.isoformat(),
        "imported_by": found.imported_by,
        "findings": [finding_json(one) for one in found.findings],
    }


def _day(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return None if moment is None else moment.astimezone(zone).date().isoformat()


def starts_json(found: Starts) -> dict[str, object]:
    return {
        "ranked_by": "avoidable cost (hypothesis)" if found.by_cost else "no-shows",
        "too_small": found.small,
        "services": [
            {
                "uf": one.uf,
                "rate": one.line.rate,
                "no_shows_a_year": one.missed_a_year,
                "slot_cost": one.cost.value if one.cost else None,
                "hypothesis_avoidable_euros_a_year": one.avoidable,
                "comparison": [
                    {"ratio": n.ratio, "appointments": n.appointments, "months": n.months}
                    for n in one.needed
                ],
            }
            for one in found.ranked
        ],
    }


def lines_json(found: Rates) -> list[dict[str, object]]:
    return [
        {"by": split.value, "uf": line.counted.uf}
        | {name: getattr(line.counted, name) for name in FIELDS if getattr(line.counted, name)}
        | _line_json(line)
        for split, lines in found.items()
        for line in lines
    ]


def _line_json(line: Line) -> dict[str, object]:
    if line.hidden:
        return {"hidden": True}
    interval, bounds = line.interval, line.bounds
    return {
        "hidden": False,
        "patients": line.counted.patients,
        "outcomes": {one.value: many for one, many in line.counted.tally.counts.items()},
        "rate": line.rate,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "if_unknown_came": bounds[0] if bounds else None,
        "if_unknown_missed": bounds[1] if bounds else None,
        "rate_among_expected": line.expected_rate,
    }


HEADS = (
    "Selon", "UF", "Nouveau ou connu", "Délai (jours)", "Jour (1 = lundi)", "Heure", "Âge (ans)",
    "Patients", "Rendez-vous à l'issue connue", "Non-venues", "Taux", "Bas", "Haut", "Masqué",
)  # fmt: skip


def write_lines(stream: IO[str], found: Rates) -> None:
    write_csv(
        stream, HEADS, (_cells(split, one) for split, those in found.items() for one in those)
    )


def _cells(split: Split, line: Line) -> Sequence[str]:
    names = [split.value, line.counted.uf, *(getattr(line.counted, name) for name in FIELDS)]
    if line.hidden:
        return [*names, *[""] * 6, "oui"]
    interval = line.interval
    rates = (line.rate, interval.low if interval else None, interval.high if interval else None)
    counts = (line.counted.patients, line.counted.appointments, line.counted.missed)
    told = ["" if one is None else f"{one:.4f}".replace(".", ",") for one in rates]
    return [*names, *map(str, counts), *told, "non"]
