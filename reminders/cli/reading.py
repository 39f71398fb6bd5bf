"""`reminders explain reply` and `reminders replies`: how answers are understood, and how well."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from reminders.cli.common import JsonOption, out, print_json
from reminders.cli.errors import errors
from reminders.cli.explain import FileOption, explain, values_of
from reminders.domain.reply import Action, Intent, Reading, interpret
from reminders.errors import Problem, RepairNeeded

replies = typer.Typer(
    help="Vérifier comment les réponses sont comprises.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
LanguageOption = Annotated[
    str, typer.Option("--language", metavar="fr", help="Langue du message auquel on répond.")
]

ACTIONS = {
    Action.CONFIRM: "confirmer le rendez-vous",
    Action.CANCEL: "annuler le rendez-vous",
    Action.HUMAN: "demander à une personne",
    Action.CONFIRM_AND_HUMAN: "confirmer, et demander à une personne",
    Action.CANCEL_AND_HUMAN: "annuler, et le faire vérifier par une personne",
    Action.OPT_OUT: "ne plus écrire",
    Action.OPT_OUT_AND_HUMAN: "ne plus écrire, et demander à une personne",
    Action.OPT_IN: "écrire de nouveau",
    Action.SUPPRESS_AND_HUMAN: "suspendre ce numéro, et demander à une personne",
    Action.URGENT: "alerter une personne tout de suite",
    Action.NONE: "ne rien faire",
}


@explain.command("reply")
def explain_reply(
    text: Annotated[str | None, typer.Argument(metavar="TEXTE")] = None,
    file: FileOption = None,
    as_json: JsonOption = False,
    language: LanguageOption = "fr",
) -> None:
    """Ce qu'une réponse de patient veut dire, et ce qui est fait sans personne."""
    for one in values_of(text, file):
        found = interpret(one, language)
        if as_json:
            print_json(
                {
                    "text": one,
                    "intent": found.intent.value,
                    "action": found.action.value,
                    "why": found.why,
                }
            )
        else:
            out.print(Text(one))
            out.print(f"  {found.intent.value} → {ACTIONS[found.action]} : {found.why}")


@dataclass(frozen=True, slots=True)
class Judged:
    text: str
    label: str
    action: str
    found: Reading

    @property
    def agrees(self) -> bool:
        return (self.found.intent.value, self.found.action.value) == (self.label, self.action)


@replies.command("evaluate")
def evaluate(
    file: Annotated[
        Path, typer.Argument(metavar="FICHIER.csv", help="Colonnes text,label,action.")
    ],
    as_json: JsonOption = False,
    language: LanguageOption = "fr",
) -> None:
    """Précision et rappel par intention sur des réponses étiquetées, et chaque désaccord."""
    judged = [
        Judged(row["text"], row["label"], row["action"], interpret(row["text"], language))
        for row in _labelled(file)
    ]
    if not judged:
        raise RepairNeeded(Problem(str(file), "aucune ligne", "text,label,action puis des lignes"))
    scores = [_score(judged, name, by_action=False) for name in _names(judged, by_action=False)]
    scores += [_score(judged, name, by_action=True) for name in _names(judged, by_action=True)]
    if as_json:
        for score in scores:
            print_json(score)
        for one in judged:
            if not one.agrees:
                print_json(_disagreement(one))
        print_json(_summary(judged))
        return
    _print_scores("Intentions", [s for s in scores if s["kind"] == "intent"])
    _print_scores("Actions", [s for s in scores if s["kind"] == "action"])
    _print_disagreements(judged)


def _labelled(file: Path) -> Sequence[Mapping[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [c for c in ("text", "label", "action") if c not in (reader.fieldnames or ())]
            if missing:
                raise RepairNeeded(
                    Problem(
                        str(file),
                        f"colonne absente : {', '.join(missing)}",
                        "écrire text,label,action à la première ligne",
                    )
                )
            rows = list(reader)
    except OSError:
        raise RepairNeeded(Problem(str(file), "fichier illisible", "vérifier le chemin")) from None
    except (UnicodeDecodeError, csv.Error):
        raise RepairNeeded(
            Problem(str(file), "ce n'est pas un CSV en UTF-8", "l'enregistrer en CSV UTF-8")
        ) from None
    _warn_of_unknown_words(rows)
    return rows


def _warn_of_unknown_words(rows: Sequence[Mapping[str, str]]) -> None:
    """A label nobody knows would count as a disagreement for ever: better said than searched."""
    for column, known in (("label", Intent), ("action", Action)):
        strange = sorted({row[column] or "" for row in rows} - {word.value for word in known})
        if strange:
            errors.print(
                Text(
                    f"Colonne {column} : « {', '.join(strange)} » n'est pas un mot connu, "
                    "compté comme désaccord."
                )
            )


def _names(judged: Sequence[Judged], *, by_action: bool) -> list[str]:
    order = [word.value for word in (Action if by_action else Intent)]
    used = {_pair(one, by_action=by_action)[side] for one in judged for side in (0, 1)}
    return [name for name in order if name in used] + sorted(used - set(order))


def _pair(one: Judged, *, by_action: bool) -> tuple[str, str]:
    """(wanted, found)"""
    if by_action:
        return one.action, one.found.action.value
    return one.label, one.found.intent.value


def _score(judged: Sequence[Judged], name: str, *, by_action: bool) -> dict[str, object]:
    pairs = [_pair(one, by_action=by_action) for one in judged]
    hits = sum(wanted == found == name for wanted, found in pairs)
    found = sum(found == name for _, found in pairs)
    wanted = sum(wanted == name for wanted, _ in pairs)
    return {
        "kind": "action" if by_action else "intent",
        "name": name,
        "wanted": wanted,
        "found": found,
        "precision": hits / found if found else None,
        "recall": hits / wanted if wanted else None,
    }


def _disagreement(one: Judged) -> dict[str, object]:
    return {
        "text": one.text,
        "label": one.label,
        "action": one.action,
        "found_intent": one.found.intent.value,
        "found_action": one.found.action.value,
        "why": one.found.why,
    }


CLEAR = frozenset({"confirm", "cancel", "optout", "optin", "none"})


def _summary(judged: Sequence[Judged]) -> dict[str, object]:
    """`handled`: the share of clear answers (labelled with an action that needs nobody) that no
    person is asked about."""
    clear = [one for one in judged if one.action in CLEAR]
    alone = sum(one.found.action.value in CLEAR for one in clear)
    return {
        "kind": "summary",
        "replies": len(judged),
        "agree": sum(one.agrees for one in judged),
        "clear": len(clear),
        "handled": alone / len(clear) if clear else None,
        "false_cancels": sum(
            "cancel" in one.found.action.value and "cancel" not in one.action for one in judged
        ),
        "false_confirms": sum(
            "confirm" in one.found.action.value and "confirm" not in one.action for one in judged
        ),
    }


def _share(value: object) -> str:
    return "—" if value is None else f"{100 * float(str(value)):.1f} %".replace(".", ",")


def _print_scores(title: str, scores: Sequence[Mapping[str, object]]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("Mot")
    for name in ("Attendus", "Trouvés", "Précision", "Rappel"):
        table.add_column(name, justify="right")
    for score in scores:
        table.add_row(
            str(score["name"]),
            str(score["wanted"]),
            str(score["found"]),
            _share(score["precision"]),
            _share(score["recall"]),
        )
    out.print(table)


def _print_disagreements(judged: Sequence[Judged]) -> None:
    apart = [one for one in judged if not one.agrees]
    for one in apart:
        out.print(
            Text(
                f"« {one.text} » : attendu {one.label} / {one.action}, "
                f"compris {one.found.intent.value} / {one.found.action.value} ({one.found.why})"
            )
        )
    summary = _summary(judged)
    out.print(
        f"{len(judged)} réponses, {summary['agree']} d'accord, {len(apart)} désaccords. "
        f"Annulations à tort : {summary['false_cancels']}. "
        f"Confirmations à tort : {summary['false_confirms']}. "
        f"Réponses claires traitées sans personne : {_share(summary['handled'])}."
    )
