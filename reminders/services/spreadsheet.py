"""Tables people bring as a file, CSV or XLSX: the cells of each line as text.

CSV: UTF-8 or Windows, semicolon, comma or tab, as a spreadsheet saves it. XLSX: the first sheet,
dates written 2026-10-01, with the hour where it has one.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from reminders.errors import Problem, RepairNeeded

LARGEST = 60_000_000  # bytes
UNPACKED = 600_000_000
SEPARATORS = (";", ",", "\t")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`heads` as written, without the space around; `lines`: (number as a reader counts, cells)."""

    heads: tuple[str, ...]
    lines: Iterator[tuple[int, tuple[str, ...]]]


def open_sheet(file: Path) -> tuple[bytes, Sheet]:
    """A file's bytes and its table. Raises RepairNeeded, naming the file and the remedy."""
    try:
        content = file.read_bytes() if file.stat().st_size <= LARGEST else None
    except OSError:
        raise _refused(file, "fichier illisible", "vérifier le chemin et les droits") from None
    if content is None:
        raise _refused(file, "fichier trop gros (60 Mo au plus)", "le couper en plusieurs")
    rows = _xlsx(content, file) if content[:4] == b"PK\x03\x04" else _csv(content, file)
    for number, cells in rows:
        if any(cells):
            return content, Sheet(cells, rows)
        if number > 50:
            break
    raise _refused(file, "aucune ligne de titres", "mettre le nom des colonnes en première ligne")


def _refused(file: Path, what: str, remedy: str) -> RepairNeeded:
    return RepairNeeded(Problem(file.name, what, remedy))


def _csv(content: bytes, file: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    if b"\0" in content:
        raise _refused(file, "ce n'est ni un CSV ni un XLSX", "l'enregistrer en CSV UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    head = next((line for line in io.StringIO(text) if line.strip()), "")
    separator = max(SEPARATORS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return _csv_rows(reader, file)


def _csv_rows(reader: Any, file: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    begun = 1
    try:
        for cells in reader:
            yield begun, tuple(cell.strip() for cell in cells)
            begun = reader.line_num + 1
    except csv.Error:
        raise _refused(
            file, f"ligne {begun} : un guillemet n'est pas fermé", "corriger cette ligne"
        ) from None


def _xlsx(content: bytes, file: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(one.file_size for one in packed.infolist()) > UNPACKED:
                raise _refused(file, "classeur trop gros", "le couper en plusieurs")
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, IndexError):
        raise _refused(file, "classeur illisible", "l'enregistrer de nouveau en XLSX") from None
    return ((n, tuple(_cell(one) for one in row)) for n, row in enumerate(rows, 1))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a spreadsheet has no whole numbers
    return str(value).strip()


def columns(
    sheet: Sheet, known: Mapping[str, Sequence[str]], needed: Sequence[str], place: str
) -> dict[str, int]:
    """Our name of a column -> where it is, by any of its titles, however written. Raises
    RepairNeeded naming those that are needed and not there."""
    titles = {_plain(head): where for where, head in reversed(list(enumerate(sheet.heads)))}
    found = {
        name: titles[title] for name, those in known.items() for title in those if title in titles
    }
    if missing := [known[name][0] for name in needed if name not in found]:
        raise RepairNeeded(
            Problem(
                place,
                f"colonne absente : {', '.join(missing)}",
                "l'ajouter à la ligne des titres",
            )
        )
    return found


def _plain(head: str) -> str:
    return head.lower().translate(str.maketrans("éèêëàâîïôûùç_-", "eeeeaaiiouuc  ")).strip()
