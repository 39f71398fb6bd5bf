"""`reminders report`: the no-show report of some months, for a person, a program, a spreadsheet."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from reminders.cli.common import (
    DEFAULT_CONFIG,
    AtOption,
    ConfigOption,
    JsonOption,
    clock_of,
    opened,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.domain.canonical import plain
from reminders.domain.outcome import Outcome
from reminders.domain.report import (
    HIDDEN_BELOW,
    LONGEST,
    Asked,
    Dimension,
    Figures,
    Hidden,
    Line,
    Month,
    NoShowReport,
)
from reminders.errors import ConfigurationError, Problem, RepairNeeded
from reminders.services.months import Standing, standing_of
from reminders.services.no_show_report import no_show_report, unmapped
from reminders.services.report_files import csv_pieces, write_xlsx
from reminders.services.rollup import refresh
from reminders.services.rules import Rules, rules_in
from reminders.web.staff.reports_asked import few
from reminders.web.staff.reports_export import flat, workbook
from reminders.web.staff.reports_shown import full_point, steps
from reminders.web.staff.reports_words import (
    SIGNALS,
    answer,
    besides,
    interval,
    left_out,
    outside,
    standing,
)
from reminders.web.staff.words import Words

HEADS = {
    Outcome.ATTENDED: "Venus",
    Outcome.NO_SHOW: "Non\nvenus",
    Outcome.CANCELLED_EARLY: "Ann.\n≥ 48 h",
    Outcome.CANCELLED_LATE: "Ann.\n< 48 h",
    Outcome.CANCELLED_BY_HOSPITAL: "Hôp.",
    Outcome.UNKNOWN: "Inc.",
}
METHOD = (
    "Ann. : annulés, au moins ou moins de 48 h avant ; Hôp. : par l'hôpital ; Inc. : issue "
    "inconnue.\nTaux : non venus parmi les rendez-vous encore prévus quand leur premier rappel "
    "était dû et dont l'issue est connue, annulés compris ; intervalle de Wilson à 95 %.\n"
    "Taux national : parmi les seuls venus et non venus, comme les chiffres nationaux.\n"
    f"« masqué » : moins de {HIDDEN_BELOW} patients, ou ce qui permettrait de les retrouver.\n"
    "Ce rapport décrit ; ce que les rappels changent : reminders holdout effect."
)

UNWRITABLE = "on ne peut pas y écrire"
Said = tuple[str, Sequence[str], str]  # services, what may still change, of whom alone


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


def report(
    month: Annotated[str, typer.Option("--month", metavar="AAAA-MM", help="Le mois.")],
    until: Annotated[
        str, typer.Option("--until", metavar="AAAA-MM", help="Dernier mois, s'il y en a plusieurs.")
    ] = "",
    service: Annotated[
        list[str], typer.Option("--service", metavar="UF", help="Cette UF ; l'option peut revenir.")
    ] = [],  # noqa: B006  typer copies it
    form: Annotated[
        Format, typer.Option("--format", metavar="text|json|csv|xlsx", help="Forme de la sortie.")
    ] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FICHIER", help="Où écrire csv ou xlsx.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
    at: AtOption = None,
) -> None:
    """Les non-venues d'un ou de plusieurs mois, par service."""
    form = Format.JSON if as_json else form
    if form is Format.XLSX and output is None:
        problem = Problem("--format xlsx", "un classeur ne se lit pas ici", "ajouter --output")
        raise ConfigurationError([problem])
    settings = settings_of(config)
    asked = _asked(month, until, service)
    now = clock_of(settings, at, harmless=True).now()
    with opened(settings, create=False) as store:
        rules = rules_in(store, settings)
        _known(rules, service)
        refresh(store, rules, now=now)  # without `serve` nothing counted since the last run
        found = no_show_report(store, rules, asked, ufs=None, now=now, every=asked.every)
        nowhere = unmapped(store, rules, asked)
        stands = standing_of(store, asked.first, asked.last)
    words = Words("fr", zone_of(settings), now)
    told = standing(words, stands, now)
    of = few(words, [rules.desks[uf].label for uf in service])
    if form is Format.JSON:
        print_json(_json(found) | {"unmapped": nowhere} | _stands(stands, now))
    elif form is Format.TEXT:
        _print(words, found, nowhere, told, of)
    else:
        _write(words, found, form, output, (_scope(rules, service), told, of), now)


def _asked(month: str, until: str, services: list[str]) -> Asked:
    months = []
    for name, text in (("--month", month), ("--until", until or month)):
        try:
            months.append(Month.parse(text))
        except ValueError:
            problem = Problem(name, "mois illisible", "écrire par exemple 2026-10")
            raise ConfigurationError([problem]) from None
    if not 0 <= months[1].number - months[0].number < LONGEST:
        problem = Problem("--until", f"de 1 à {LONGEST} mois", "après --month, cinq ans au plus")
        raise ConfigurationError([problem])
    return Asked(months[0], months[1], ufs=frozenset(services))


def _known(rules: Rules, services: list[str]) -> None:
    if unknown := sorted({uf for uf in services if uf not in rules.desks}):
        what = f"UF sans réglage : {', '.join(unknown)}"
        raise ConfigurationError([Problem("--service", what, f"choisir : {_list(rules)}")])


def _list(rules: Rules) -> str:
    known = sorted(rules.desks)
    return ", ".join(known[:20]) + (", …" if len(known) > 20 else "")


def _scope(rules: Rules, services: list[str]) -> str:
    if not services:
        return "Tous les services."
    return "Services : " + ", ".join(rules.desks[uf].label for uf in services) + "."


# --- for a person --------------------------------------------------------------------------------


def _print(
    words: Words,
    found: NoShowReport,
    nowhere: Mapping[str, int],
    stands: Sequence[str],
    of: str,
) -> None:
    out.print(Text(answer(words, found, of)))
    if found.figures is None:
        for said in outside(words, nowhere):
            out.print(Text(said))
        return
    for said in (
        *stands, *besides(words, found.figures), *left_out(words, found), *outside(words, nowhere)
    ):  # fmt: skip
        out.print(Text(said))
    if not found.fresh:
        out.print(Text("Des changements de ces dernières secondes ne sont pas encore comptés."))
    out.print()
    out.print(_services(words, found))
    out.print()
    out.print(_work(words, found))
    out.print()
    for point in found.trend.points:
        if point.rate is not None and point.signal != "within":
            when = full_point(words, found.trend.every, point)
            told = words.gettext(SIGNALS[point.signal])
            out.print(Text(f"À regarder : {when}, {words.percent(point.rate)}, {told}"))
    out.print(Text(METHOD))


def _services(words: Words, found: NoShowReport) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("Service", min_width=20)
    for name in (*HEADS.values(), "Taux et\nintervalle", "Taux\nnational"):
        table.add_column(name, justify="right", no_wrap=True)
    services = found.breakdown(Dimension.SERVICE)
    for line in services.lines if services else ():
        table.add_row(line.label or line.value or "sans UF", *_cells(words, line))
    assert found.figures is not None
    table.add_row("Ensemble", *_told(words, found.figures))
    return table


def _work(words: Words, found: NoShowReport) -> Table:
    """From the reminder to the visit, then who wrote or called, and what it cost."""
    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False)
    table.add_column(min_width=38)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for step in steps(words, found.funnel) if found.funnel else ():
        of = f"{words.percent(step.share)} {step.of}" if step.share is not None else ""
        table.add_row(step.name[:1].upper() + step.name[1:], words.number(step.number), of)
    if (seen := found.contacts) is not None:
        rate = f"{words.number(seen.rate, 2)} par patient suivi" if seen.rate is not None else ""
        table.add_row("Contacts (SMS, page, appels notés)", words.number(seen.contacts), rate)
        again = f"sur {words.number(seen.contacted)} rendez-vous avec un contact"
        table.add_row("Relances sous 7 jours", words.number(seen.recontacts), again)
        alone = f"sur {words.number(seen.answered)} rendez-vous avec une réponse"
        table.add_row("Réponses closes sans personne", words.number(seen.alone), alone)
    if found.handling is not None and found.handling.median is not None:
        number = words.number(found.handling.number)
        table.add_row("Réponse traitée en", words.lasting(found.handling.median * 60),
                      f"médiane de {number} réponses confiées à une personne")  # fmt: skip
    if found.sent is not None:
        cost = f"{words.number(found.sent.segments)} SMS facturés, {words.euros(found.sent.cost)}"
        table.add_row("Messages partis à leur sujet", words.number(found.sent.messages), cost)
    if found.freed is not None and found.refilled is not None:
        freed = f"sur {words.number(found.freed)} rendus"
        table.add_row("Créneaux redonnés", words.number(found.refilled), freed)
    return table


def _cells(words: Words, line: Line | Hidden) -> Iterator[str]:
    if isinstance(line, Hidden):
        yield from ("", "", "", "", "", "", "masqué", "")
        return
    yield from _told(words, line.figures)


def _told(words: Words, figures: Figures) -> Iterator[str]:
    yield from (words.number(figures.tally[outcome]) for outcome in HEADS)
    rate = figures.primary
    yield f"{words.percent(rate.value)}\n{interval(words, rate)}" if rate else "—"
    yield words.percent(figures.national.value) if figures.national else "—"


# --- for others ----------------------------------------------------------------------------------


def _json(found: NoShowReport) -> dict[str, Any]:
    """The report's value as it is (domain/report.py); a hidden line says `hidden` and no more."""
    told = plain(found)
    assert isinstance(told, dict)
    told["hidden_below"] = HIDDEN_BELOW
    told["breakdowns"] = {
        one.dimension.value: {
            "masked": one.masked,
            "lines": [_line_json(line) for line in one.lines],
        }
        for one in found.breakdowns
    }
    return dict(told)


def _stands(found: Standing, now: datetime) -> dict[str, Any]:
    """When it was counted, and what of its period is closed."""
    closed = [
        {"month": one.month, "revision": one.revision, "closed_at": one.at.isoformat()}
        for one in found.closed
    ]
    return {"counted_at": now.isoformat(), "provisional": found.provisional, "closed": closed}


def _line_json(line: Line | Hidden) -> Any:
    told = plain(line)
    assert isinstance(told, dict)
    return {"hidden": isinstance(line, Hidden), **told}


def _write(
    words: Words, found: NoShowReport, form: Format, output: Path | None, said: Said, now: datetime
) -> None:
    if output is None:
        for piece in csv_pieces(flat(words, found, *said)):
            out.file.write(piece.decode())
        return
    try:
        with output.open("wb") as stream:
            _fill(stream, words, found, form, said, now)
    except OSError as error:
        what = "son dossier n'existe pas" if isinstance(error, FileNotFoundError) else UNWRITABLE
        raise RepairNeeded(Problem(str(output), what, "choisir un autre --output")) from None
    out.print(Text(f"Écrit : {output}"))


def _fill(
    stream: IO[bytes], words: Words, found: NoShowReport, form: Format, said: Said, now: datetime
) -> None:
    if form is Format.CSV:
        stream.writelines(csv_pieces(flat(words, found, *said)))
    else:
        made = now.astimezone(words.zone)
        write_xlsx(stream, workbook(words, found, *said), made=made)
