"""`reminders answers` and `reminders attendance`: the desk's day, read and filled in."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

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
    local,
    opened,
    operator,
    out,
    print_json,
    settings_of,
    zone_of,
)
from reminders.domain.answer import AnswerKind
from reminders.domain.outcome import Attendance
from reminders.errors import ConfigurationError, Problem
from reminders.services.attendance import (
    Agreement,
    Presence,
    Said,
    Visit,
    answers_of,
    day_of,
    mark,
    untreated,
)
from reminders.services.rules import rules_in

answers = typer.Typer(
    help="Ce que les patients ont répondu.", no_args_is_help=True, rich_markup_mode=None
)
attendance = typer.Typer(
    help="Qui est venu : lire et compléter la journée.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

DayOption = Annotated[
    str | None, typer.Option("--day", metavar="AAAA-MM-JJ", help="Le jour ; aujourd'hui sinon.")
]
CsvOption = Annotated[
    bool, typer.Option("--csv", help="Sortie CSV (point-virgule) pour un tableur.")
]

ANSWERS = {
    AnswerKind.CONFIRMED: "vient",
    AnswerKind.CANCELLED: "annule",
    AnswerKind.RESCHEDULE: "demande une autre date",
    AnswerKind.QUESTION: "pose une question",
    AnswerKind.NOT_ME: "n'est pas la bonne personne",
    AnswerKind.READ: "a lu les consignes",
}
CHANNELS = {
    "sms": "SMS",
    "page": "page web",
    "email": "courriel",
    "api": "autre logiciel",
    "staff": "secrétariat",
}
AGREEMENTS = {
    Agreement.YES: "oui",
    Agreement.NO: "NON TRAITÉE",
    Agreement.UNDO: "pas encore : le patient peut se raviser",
    Agreement.WRITING: "écriture en cours",
    Agreement.AGAINST: "ANNULÉ : appeler",
    Agreement.PAST: "rendez-vous changé depuis",
    Agreement.NOTHING: "rien à y faire",
}
PRESENCES = {
    Presence.CAME: "venu",
    Presence.ABSENT: "absent",
    Presence.EXCUSED: "excusé",
    Presence.CANCELLED: "annulé",
    Presence.ASKED: "annulé par le patient, NON TRAITÉ",
    Presence.EXPECTED: "attendu",
    Presence.TO_VALIDATE: "arrivée non notée : À VALIDER",
}
TOLD_BY = {"dpi": "DPI", "patient": "patient"}
WORDS = {
    "came": Attendance.CAME,
    "absent": Attendance.ABSENT,
    "excused": Attendance.EXCUSED,
    "none": Attendance.UNMARKED,
}


def _day(text: str | None, now: datetime, zone: ZoneInfo) -> date:
    if text is None:
        return now.astimezone(zone).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            [Problem("--day", "jour illisible", "écrire par exemple 2026-10-14")]
        ) from None


# --- answers -----------------------------------------------------------------------------------


@answers.callback()
def _answers() -> None:
    """Ce que les patients ont répondu."""


@answers.command("list")
def list_answers(
    day: DayOption = None,
    to_treat: Annotated[
        bool,
        typer.Option(
            "--untreated", help="Les annulations que le DPI ne montre pas, quel que soit leur jour."
        ),
    ] = False,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Les réponses reçues un jour, et si le DPI dit la même chose."""
    settings = settings_of(config)
    zone, now = zone_of(settings), clock_of(settings, at, harmless=True).now()
    asked = _day(day, now, zone)
    with opened(settings, create=False) as store:
        found = untreated(store, now=now) if to_treat else answers_of(store, asked, zone, now=now)
    if as_json:
        print_json(
            {
                "day": None if to_treat else asked.isoformat(),
                "answers": [_answer_json(one) for one in found],
            }
        )
    elif as_csv:
        write_csv(out.file, ANSWER_HEADS, (_answer_cells(one, zone, dated) for one in found))
    else:
        title = "Annulations non traitées" if to_treat else f"Réponses du {asked:%d/%m/%Y}"
        received = local if to_treat else hour
        _print(title, ANSWER_HEADS, [_answer_cells(one, zone, local, received) for one in found])
        left = sum(one.agreement is Agreement.NO for one in found)
        if left:
            out.print(f"{amount(left, 'réponse', 'réponses')} à enregistrer dans le DPI.")


ANSWER_HEADS = ("Source", "Numéro", "Rendez-vous", "UF", "Réponse", "Reçue", "Par", "Dans le DPI")
Shown = Callable[[datetime, ZoneInfo], str]


def hour(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def dated(moment: datetime, zone: ZoneInfo) -> str:
    """As a French spreadsheet reads a date."""
    return f"{moment.astimezone(zone):%d/%m/%Y %H:%M}"


def _answer_cells(
    one: Said, zone: ZoneInfo, shown: Shown, received: Shown | None = None
) -> Sequence[str]:
    return (
        one.source,
        one.number,
        shown(one.starts_at, zone),
        one.uf,
        ANSWERS[one.answer],
        (received or shown)(one.given_at, zone),
        CHANNELS.get(one.channel, one.channel),
        AGREEMENTS[one.agreement],
    )


def _answer_json(one: Said) -> dict[str, object]:
    return {
        "source": one.source,
        "appointment": one.number,
        "starts_at": one.starts_at.isoformat(),
        "uf": one.uf,
        "answer": one.answer.value,
        "given_at": one.given_at.isoformat(),
        "channel": one.channel,
        "dpi": one.agreement.value,
    }


# --- attendance --------------------------------------------------------------------------------


@attendance.callback()
def _attendance() -> None:
    """Qui est venu : lire et compléter la journée."""


@attendance.command("list")
def list_attendance(
    day: DayOption = None,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Les rendez-vous d'un jour : qui est venu, et qui reste à valider."""
    settings = settings_of(config)
    zone, now = zone_of(settings), clock_of(settings, at, harmless=True).now()
    asked = _day(day, now, zone)
    with opened(settings, create=False) as store:
        found = day_of(store, rules_in(store, settings), asked, zone, now=now)
    if as_json:
        print_json({"day": asked.isoformat(), "appointments": [_visit_json(one) for one in found]})
    elif as_csv:
        write_csv(out.file, VISIT_HEADS, (_visit_cells(one, zone) for one in found))
    else:
        _print(
            f"Présences du {asked:%d/%m/%Y}",
            VISIT_HEADS,
            [_visit_cells(one, zone) for one in found],
        )
        left = sum(one.presence is Presence.TO_VALIDATE for one in found)
        if left:
            out.print(
                f"{amount(left, 'arrivée non notée', 'arrivées non notées')} : venu ou absent, "
                "seul le service peut le dire.\n"
                "reminders attendance mark SOURCE RENDEZ-VOUS came|absent|excused"
            )


VISIT_HEADS = ("Source", "Numéro", "Heure", "UF", "État", "Selon")


def _visit_cells(one: Visit, zone: ZoneInfo) -> Sequence[str]:
    return (
        one.source,
        one.number,
        hour(one.starts_at, zone),
        one.uf,
        PRESENCES[one.presence],
        TOLD_BY.get(one.told_by, one.told_by),
    )


def _visit_json(one: Visit) -> dict[str, object]:
    return {
        "source": one.source,
        "appointment": one.number,
        "starts_at": one.starts_at.isoformat(),
        "uf": one.uf,
        "state": one.presence.value,
        "told_by": one.told_by,
    }


@attendance.command("mark")
def mark_attendance(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="id de la source ([[dpi]]).")],
    number: Annotated[str, typer.Argument(metavar="RENDEZ-VOUS", help="Numéro dans le DPI.")],
    word: Annotated[
        str, typer.Argument(metavar="came|absent|excused|none", help="none retire la marque.")
    ],
    config: ConfigOption = DEFAULT_CONFIG,
    at: AtOption = None,
) -> None:
    """Noter qu'un patient est venu (came), absent, ou excusé (excused)."""
    if word not in WORDS:
        raise ConfigurationError(
            [Problem(f"« {word} »", "inconnu", f"choisir parmi : {', '.join(WORDS)}")]
        )
    settings = settings_of(config)
    now = clock_of(settings, at, harmless=True).now()
    with opened(settings, create=False) as store:
        mark(store, source, number, WORDS[word], by=operator(), now=now)
    if WORDS[word] is Attendance.UNMARKED:
        out.print(Text(f"Rendez-vous {number} : marque retirée."))
        return
    out.print(
        Text(
            f"Rendez-vous {number} : {PRESENCES[Presence(word)]}, noté par {operator()}. Si le DPI "
            "dit autre chose (arrivé, non venu, annulé), c'est le DPI qui compte."
        )
    )


def _print(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    if not lines:
        out.print(f"{title} : rien.")
        return
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    out.print(table)
