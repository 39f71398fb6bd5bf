"""`reminders explain`: what one text costs, what one number is."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from reminders.cli.common import JsonOption, out, print_json, settings_of
from reminders.domain.phone import Kind, Phone, classify, numbers_in
from reminders.domain.sms import Measure, measure, replacement
from reminders.errors import Problem, RepairNeeded

explain = typer.Typer(
    help="Expliquer un texte de SMS ou un numéro.", no_args_is_help=True, rich_markup_mode=None
)
FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FICHIER.csv", help="Première colonne, une ligne d'en-tête."),
]

ExplainConfig = Annotated[
    Path | None,
    typer.Option("--config", metavar="FICHIER", help="Pour le prix ; rien n'est lu sans elle."),
]

KINDS = {
    Kind.MOBILE: "mobile",
    Kind.LANDLINE: "ligne fixe",
    Kind.VOIP: "ligne 09 ou box",
    Kind.OTHER: "autre",
    Kind.INVALID: "inutilisable",
}


@explain.command("sms")
def explain_sms(
    text: Annotated[str | None, typer.Argument(metavar="TEXTE")] = None,
    file: FileOption = None,
    as_json: JsonOption = False,
    config: ExplainConfig = None,
) -> None:
    """Alphabet, segments et caractères coûteux d'un texte."""
    prices = [sender.price_per_segment_eur for sender in settings_of(config).sms] if config else []
    for one in values_of(text, file):
        found = measure(one)
        if as_json:
            print_json(
                {
                    "text": one,
                    "encoding": found.encoding,
                    "units": found.units,
                    "segments": found.segments,
                    "costly": list(found.costly),
                }
            )
        else:
            _tell_sms(one, found, prices[0] if prices else None)


def _tell_sms(text: str, found: Measure, price: float | None) -> None:
    alphabet = "GSM-7" if found.encoding == "gsm7" else "Unicode (UCS-2)"
    plural = "s" if found.units > 1 else ""
    out.print(Text(text))
    cost = "" if price is None else f" · {found.segments * price:.2f} €".replace(".", ",")
    out.print(f"  {found.segments} SMS · {found.units} unité{plural} · {alphabet}{cost}")
    for character in found.costly:
        other = replacement(character)
        advice = f"écrire « {other} »" if other else "le retirer"
        name = f"« {character} »" if character.strip() else f"U+{ord(character):04X} (invisible)"
        out.print(Text(f"  {name} fait passer en Unicode : {advice}"))


@explain.command("phone")
def explain_phone(
    raw: Annotated[str | None, typer.Argument(metavar="NUMÉRO")] = None,
    file: FileOption = None,
    as_json: JsonOption = False,
    config: ExplainConfig = None,
) -> None:
    """Le numéro au format international, ou pourquoi il est inutilisable."""
    if config:
        settings_of(config)  # the rules are the same for every hospital; its file must be right
    for one in values_of(raw, file):
        phone = best_of(one)
        if as_json:
            print_json(
                {
                    "raw": one,
                    "e164": phone.e164,
                    "kind": phone.kind.value,
                    "zone": phone.zone,
                    "reason": phone.reason,
                }
            )
        else:
            number = phone.e164 or "pas de numéro"
            zone = f" · {phone.zone}" if phone.zone else ""
            reason = f" · {phone.reason}" if phone.reason else ""
            out.print(Text(f"{one} → {number} · {KINDS[phone.kind]}{zone}{reason}"))


def best_of(raw: str) -> Phone:
    """The number a message would go to: the first mobile of the cell, else what it is."""
    whole = classify(raw)
    if whole.e164 is not None:
        return whole
    found = numbers_in(raw)
    return next((phone for phone in found if phone.textable), found[0] if found else whole)


def values_of(value: str | None, file: Path | None) -> Iterator[str]:
    if file is None:
        if value is None:
            raise RepairNeeded(
                Problem("explain", "rien à expliquer", "donner un texte, ou --file FICHIER.csv")
            )
        yield value
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, _separator(stream.readline()))
            for row in rows:
                yield row[0] if row else ""
    except OSError:
        raise RepairNeeded(Problem(str(file), "fichier illisible", "vérifier le chemin")) from None
    except (UnicodeDecodeError, csv.Error):
        raise RepairNeeded(
            Problem(str(file), "ce n'est pas un CSV en UTF-8", "l'enregistrer en CSV UTF-8")
        ) from None


def _separator(header: str) -> type[csv.excel]:
    class Found(csv.excel):
        # A header of one column: a comma in a text below it is the text's own.
        delimiter = max(";,\x1f", key=lambda mark: (header.count(mark), mark == "\x1f"))

    return Found
