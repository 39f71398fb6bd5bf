"""Reading the configuration file: TOML in, frozen settings out, every mistake named at once.

Any key may be replaced by `<key>_file` (a path whose content is the value) or by an environment
variable: REMINDERS_<TABLE>_<KEY>, or REMINDERS_<TABLE>_<ID>_<KEY> for a table that repeats
(REMINDERS_SMS_MAIN_AUTH_TOKEN). The environment wins over the file. No value is ever quoted in
a mistake: it may be a secret.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reminders.config.checking import cross_check
from reminders.config.mistakes import Where, explain
from reminders.config.tables import (
    AdapterTable,
    DpiTable,
    EmailTable,
    KeyPath,
    Settings,
    SmsTable,
    nearest_line,
)
from reminders.errors import ConfigurationError, Problem

FILE_KEYS_KEPT = frozenset({"ca_file"})  # keys ending in _file that are paths, not secrets
SINGLE = (
    "store",
    "web",
    "network",
    "delivery",
    "gate",
    "retention",
    "logs",
    "templates",
    "reports",
    "privacy",
    "email",
)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration file as far as it can be read.

    `settings` is None when the file has mistakes; `adapters` are the tables that stand by
    themselves all the same, so that their adapters can name mistakes of their own.
    """

    settings: Settings | None
    problems: tuple[Problem, ...]
    adapters: tuple[tuple[str, AdapterTable], ...]
    fallback: Settings  # empty, but knows the file's folder and lines


def load(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check a configuration file.

    Raises ConfigurationError with every mistake found, each naming its table, key and, where
    the file shows it, its line. A relative path in the file starts at the file's folder.
    """
    found = read(path, environment)
    if found.settings is None:
        raise ConfigurationError(found.problems)
    return found.settings


def read(path: Path, environment: Mapping[str, str] | None = None) -> Draft:
    """Raises ConfigurationError only for what cannot be read at all."""
    text = _text(path)
    data = _toml(text, path)
    base_dir = path.resolve().parent
    lines = dict(_lines(text))
    _apply_environment(data, os.environ if environment is None else environment)
    where = Where(data, lines)
    problems: list[Problem] = []
    secret_files = dict(_apply_files(data, base_dir, problems, where))
    settings = None
    try:
        settings = Settings.model_validate(data | {"base_dir": base_dir})
        settings.remember(lines, secret_files)
    except ValidationError as error:
        problems += [explain(one, where) for one in error.errors(include_input=False)]
    else:
        problems += cross_check(settings, where)
    fallback = Settings(base_dir=base_dir)
    fallback.remember(lines, secret_files)
    return Draft(None if problems else settings, tuple(problems), tuple(_adapters(data)), fallback)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(
            [
                Problem(
                    str(path),
                    "fichier introuvable",
                    "l'écrire (docs/configuration.md), ou l'indiquer avec --config FICHIER",
                )
            ]
        ) from None
    except IsADirectoryError:
        raise ConfigurationError(
            [Problem(str(path), "c'est un dossier", "indiquer le fichier lui-même")]
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            [Problem(str(path), "n'est pas en UTF-8", "l'enregistrer en UTF-8")]
        ) from None
    except OSError:
        raise ConfigurationError(
            [Problem(str(path), "illisible", "vérifier ses droits (chmod, chown)")]
        ) from None


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where, what = _toml_mistake(str(error))
        raise ConfigurationError(
            [Problem(f"{path.name}{where}", what, "corriger à cet endroit")]
        ) from None


_TOML_WORDS = {
    "Invalid value": "valeur illisible (un texte se met entre guillemets)",
    "Invalid initial character for a key part": "un nom de clé est attendu",
    "Expected '=' after a key in a key/value pair": "« = » attendu après le nom de la clé",
    "Cannot overwrite a value": "clé ou table déjà écrite plus haut",
    "Expected newline or end of document after a statement": "fin de ligne attendue",
    "Unclosed array": "liste ouverte et jamais fermée par « ] »",
    "Unterminated string": "guillemet fermant absent",
    "Expected ']' at the end of a table declaration": "« ] » attendu à la fin de la table",
    "Expected ']]' at the end of an array declaration": "« ]] » attendu à la fin de la table",
}


def _toml_mistake(sentence: str) -> tuple[str, str]:
    """(place, French sentence) of the TOML reader's own "Unclosed array (at line 3, column 5)"."""
    what, _, place = sentence.partition(" (at ")
    number = re.match(r"line (\d+), column (\d+)", place)
    where = f" (ligne {number[1]}, colonne {number[2]})" if number else ", fin du fichier"
    known = next((word for key, word in _TOML_WORDS.items() if what.startswith(key)), None)
    if what.startswith("Cannot declare"):
        known = "table déjà écrite plus haut"
    return where, known or "ce n'est pas du TOML valable"


def _lines(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Where each table and key stands: ("sms", 0, "sender") -> line, from 1."""
    counts: dict[str, int] = {}
    place: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[(\[?)\s*([\w.\-]+)\s*\]", line):
            name = header[2]
            if header[1]:
                counts[name] = counts.get(name, -1) + 1
                for inner in [key for key in counts if key.startswith(name + ".")]:
                    del counts[inner]
            place = _path(name, counts)
            yield place, number
        elif key := re.match(r"\s*([\w\-]+)\s*=", line):
            yield (*place, key[1]), number


def _path(name: str, counts: Mapping[str, int]) -> KeyPath:
    path: list[str | int] = []
    parts = name.split(".")
    for depth, part in enumerate(parts, 1):
        path.append(part)
        if (number := counts.get(".".join(parts[:depth]))) is not None:
            path.append(number)
    return tuple(path)


def _tables(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield (name,), value
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, dict):
                    yield (name, index), item


def _apply_environment(data: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Each variable goes to the table with the longest matching name: « main_2 », not « main »."""
    asked = {key: value for key, value in environment.items() if key.startswith("REMINDERS_")}
    for name in SINGLE:
        if any(key.startswith(f"REMINDERS_{name.upper()}_") for key in asked):
            data.setdefault(name, {})
    tables = {_prefix(path, table): table for path, table in _tables(data)}
    for key, value in asked.items():
        matching = [prefix for prefix in tables if key.startswith(prefix)]
        if matching:
            prefix = max(matching, key=len)
            tables[prefix][key.removeprefix(prefix).lower()] = value
    if mode := asked.get("REMINDERS_MODE"):
        data["mode"] = mode
    if only_to := asked.get("REMINDERS_ONLY_TO"):
        data["only_to"] = [one.strip() for one in only_to.split(",") if one.strip()]


def _prefix(path: KeyPath, table: Mapping[str, Any]) -> str:
    words = ["REMINDERS", str(path[0])]
    if len(path) > 1:
        words.append(str(table.get("id", table.get("uf", path[1]))))
    return re.sub(r"\W", "_", "_".join(words)).upper() + "_"


def _apply_files(
    data: dict[str, Any], base_dir: Path, problems: list[Problem], where: Where
) -> Iterator[tuple[KeyPath, Path]]:
    """Put the content of each `…_file` in the place of its key, unless the environment did."""
    for path, table in _tables(data):
        for key in [k for k in table if k.endswith("_file") and k not in FILE_KEYS_KEPT]:
            file, name = base_dir / str(table.pop(key)), key.removesuffix("_file")
            if name in table:
                continue
            try:
                table[name] = file.read_text(encoding="utf-8-sig").strip()
                yield (*path, name), file
            except (OSError, UnicodeDecodeError):
                # An empty value would be a second mistake about the same thing; a missing one too.
                table[name] = "illisible"
                problems.append(
                    Problem(
                        where.place(*path, key),
                        "fichier illisible ou absent",
                        "créer ce fichier, lisible par le service seul (chmod 600)",
                    )
                )


def _adapters(data: Mapping[str, Any]) -> Iterator[tuple[str, AdapterTable]]:
    for group, model in (("dpi", DpiTable), ("sms", SmsTable)):
        found = data.get(group)
        for table in found if isinstance(found, list) else ():
            if (valid := _valid(model, table)) is not None:
                yield group, valid
    if "email" in data and (valid := _valid(EmailTable, data["email"])) is not None:
        yield "email", valid


def _valid(model: type[M], table: object) -> M | None:
    try:
        return model.model_validate(table)
    except ValidationError:
        return None


__all__ = ["Draft", "load", "nearest_line", "read"]
