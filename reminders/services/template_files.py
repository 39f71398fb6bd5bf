"""Templates as plain files: every version out, texts back in as proposals.

A folder holds `manifest.json` and, for each template, one folder of its versions:
`fr/confirm.link.sms/v0007.txt`; an e-mail's version is `v0007.subject.txt`, `v0007.txt` and
`v0007.html`. What comes back in is, of each template, the version the manifest calls `live`.
Nothing is approved here: whoever reads it decides.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reminders.domain.template_key import TemplateKey, TemplateText, key_from
from reminders.errors import ConfigurationError, Problem, TemplateError
from reminders.services.rules import Rules
from reminders.services.template_preview import complete
from reminders.services.template_review import Review, review
from reminders.services.templates import Situation, Stored, add_version, situation, stored
from reminders.store import templates
from reminders.store.engine import Connection, Store
from reminders.store.types import micros

FORMAT = 1
MANIFEST = "manifest.json"
ENDS = {"body": "txt", "subject": "subject.txt", "html": "html"}
BATCH = 500
MOST_BYTES = 200_000  # of one file: more is not a template


@dataclass(frozen=True, slots=True)
class Exported:
    templates: int
    versions: int


def export(store: Store, folder: Path, *, now: datetime) -> Exported:
    """Write every version of every template, and what became of it.

    Raises ConfigurationError if the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise ConfigurationError(
            [Problem(str(folder), "ce dossier contient autre chose", "en donner un vide")]
        )
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    with store.read() as connection:
        live = {row.id for row in templates.versions(connection, micros(now))}
        for version in _all(connection):
            _write(folder, version)
            entries.append(_entry(version, version.id in live))
    manifest = {"format": FORMAT, "exported_at": now.isoformat(), "versions": entries}
    (folder / MANIFEST).write_text(
        json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return Exported(len({one["template"] for one in entries}), len(entries))


def _all(connection: Connection) -> Iterator[Stored]:
    after = 0
    while batch := templates.everything(connection, after, BATCH):
        yield from map(stored, batch)
        after = batch[-1].id


def _place(key: TemplateKey) -> Path:
    return Path(key.language) / f"{key.purpose}.{key.family}.{key.channel}"


def _files(key: TemplateKey, number: int) -> dict[str, Path]:
    """part -> its file, from the folder of the export."""
    parts = ("body",) if key.channel == "sms" else ("body", "subject", "html")
    return {part: _place(key) / f"v{number:04}.{ENDS[part]}" for part in parts}


def _write(folder: Path, version: Stored) -> None:
    for part, file in _files(version.key, version.number).items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(getattr(version.text, part) + "\n", encoding="utf-8")


def _entry(version: Stored, live: bool) -> dict[str, Any]:
    moments = {
        name: moment.isoformat()
        for name in ("proposed_at", "approved_at", "effective_at")
        if (moment := getattr(version, name)) is not None
    }
    people = {
        name: value
        for name in ("author", "approved_by", "note")
        if (value := getattr(version, name))
    }
    return {
        "template": version.key.slug,
        "number": version.number,
        "state": version.state,
        "live": live,
        **people,
        **moments,
    }


# --- back in ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One template of the folder: `proposed`, or `same` as what serves or already waits."""

    template: str
    outcome: str
    number: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Imported:
    changes: list[Change] = field(default_factory=list)

    @property
    def proposed(self) -> int:
        return sum(one.outcome == "proposed" for one in self.changes)


def import_(
    store: Store, rules: Rules, folder: Path, *, by: str, now: datetime, dry_run: bool = False
) -> Imported:
    """Propose, of each template of the folder, the text its manifest calls live: all or nothing.

    Raises ConfigurationError naming every file, line and mistake at once; nothing is then
    written. `dry_run`: nothing is written either way.
    """
    problems: list[Problem] = []
    texts = _texts(folder, problems)
    numbers = _numbers(folder)
    done = Imported()
    with store.write() as connection:
        templates.lock(connection)
        for key, text in sorted(texts.items()):
            there = situation(connection, key, now=now)
            if _known(there, text):
                done.changes.append(Change(key.slug, "same"))
                continue
            found = review(rules, key, text)
            problems += _mistakes(found, _files(key, numbers[key]))
            warnings = tuple(one.sentence for one in found.warned)
            number = (there.newest.number if there.newest else 0) + 1
            if not (dry_run or problems):
                base = there.head.id if there.head else 0
                number = add_version(
                    connection, key, text, author=by, origin="import", base=base, now=now
                )
            done.changes.append(Change(key.slug, "proposed", number, warnings))
        if problems:
            raise ConfigurationError(problems)  # and what was written before goes with it
    return done


def _known(there: Situation, text: TemplateText) -> bool:
    """Does this text serve already, or wait?"""
    known = [one for one in (there.live, *there.waiting, *there.to_come) if one is not None]
    whole = complete(there.key, text)
    return any(complete(there.key, one.text) == whole for one in known)


def _mistakes(found: Review, files: Mapping[str, Path]) -> list[Problem]:
    return [
        Problem(
            _where(files[one.part], one.line),
            one.sentence,
            "corriger le fichier, puis importer de nouveau",
        )
        for one in found.refused
    ]


def _where(file: Path, line: int | None) -> str:
    return f"{file}" + (f", ligne {line}" if line else "")


def _numbers(folder: Path) -> dict[TemplateKey, int]:
    """The live version of each template, else the newest."""
    entries = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["versions"]
    chosen: dict[TemplateKey, tuple[bool, int]] = {}
    for one in entries:
        key = key_from(one["template"])
        rank = (one.get("live") is True, int(one["number"]))
        chosen[key] = max(chosen.get(key, rank), rank)
    return {key: number for key, (_, number) in chosen.items()}


def _texts(folder: Path, problems: list[Problem]) -> dict[TemplateKey, TemplateText]:
    manifest = folder / MANIFEST
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ConfigurationError(
                [Problem(str(manifest), "format inconnu", "exporter avec cette version")]
            )
        numbers = _numbers(folder)
    except (OSError, UnicodeDecodeError):
        remedy = "donner un dossier écrit par reminders templates export"
        raise ConfigurationError([Problem(str(manifest), "fichier illisible", remedy)]) from None
    except json.JSONDecodeError as error:
        where = _where(manifest, error.lineno)
        raise ConfigurationError([Problem(where, "JSON mal écrit", "le corriger")]) from None
    except (KeyError, TypeError, ValueError, TemplateError) as error:
        reason = f"une entrée n'a pas la forme attendue ({type(error).__name__})"
        raise ConfigurationError([Problem(str(manifest), reason, "exporter de nouveau")]) from None
    found = {}
    for key, number in numbers.items():
        parts = {part: _read(folder, file, problems) for part, file in _files(key, number).items()}
        if None not in parts.values():
            found[key] = _text(parts).normalised(key.channel)
    return found


def _text(parts: Mapping[str, str | None]) -> TemplateText:
    return TemplateText(parts["body"] or "", parts.get("subject") or "", parts.get("html") or "")


def _read(folder: Path, file: Path, problems: list[Problem]) -> str | None:
    path = folder / file
    try:
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            problems.append(Problem(str(file), "ce n'est pas un modèle", "retirer ce fichier"))
            return None
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if file.name.endswith(".html"):
            return ""  # made from the text
        problems.append(Problem(str(file), "fichier absent", "le remettre ou exporter de nouveau"))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problems.append(Problem(_where(file, line), "lettres illisibles", "enregistrer en UTF-8"))
    except OSError as error:
        problems.append(
            Problem(str(file), f"illisible ({type(error).__name__})", "voir ses droits")
        )
    return None
