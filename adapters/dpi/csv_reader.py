"""The lines of a CSV export: where each begins, what is a header, a comment, a footer, a cut."""

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from adapters.dpi.csv_layout import SEPARATORS, Layout, layout_of, separator_of, split
from adapters.dpi.csv_values import plain
from reminders.errors import FeedRefused

LONGEST_LINE = 32_768  # characters; a longer one is no line of an export
LONGEST_RECORD = 65_536  # under the 131,072 at which the csv module gives up on a cell
MOST_JOINED = 100  # lines one quoted cell may hold
HEADER_WITHIN = 20  # lines: titles may stand before the header
SAMPLE = 50  # lines that tell how many cells a line has
SKIPPED = "#\x1a"  # first characters of a comment, and of what ends a DOS file

_FOOTER = re.compile(
    r"(?:sous total|total|nombre|nb|fin|eof|trailer|edite|edition|imprime|page|genere|export)\b"
    r"|\d+ (?:lignes?|enregistrements?|rdv|rendez vous)\b"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a site says of its files; what it does not say is found out."""

    separator: str = ""
    columns: tuple[str, ...] = ()  # of a file without header
    headers: Mapping[str, str] = field(default_factory=dict)  # a header's key -> our field


@dataclass(slots=True)  # not frozen: there is one for each line
class Line:
    """One record of the file. `number`: its first line, from 1. `misfit`: why it is unusable."""

    number: int
    cells: list[str]
    misfit: str = ""


class Table:
    """A CSV file whose header is known. Every reading starts anew and streams.

    Raises FeedRefused for a file without content or without a header.
    """

    def __init__(self, path: Path, encoding: str, shape: Shape, name: str) -> None:
        self._path = path
        self._encoding = encoding
        self._name = name
        self.layout, self._first = self._find_header(shape)
        self._width = self._usual_width()

    def lines(self) -> Iterator[Line]:
        """Every record after the header. Raises FeedRefused where the file was cut."""
        layout, first, width = self.layout, self._first, self._width
        date_at, used = layout.columns["date"], layout.width
        with self._open() as file:
            for number, text, cells in self._records(file, layout.separator, width):
                if number < first:
                    continue
                if len(cells) != width or (width > used and not self._fits(cells)):
                    if not _is_footer(cells):
                        yield self._misfit(number, text, cells)
                    continue
                start = cells[date_at]
                if not start[:1].isdecimal() and (
                    (not start.strip() and _is_footer(cells)) or layout.repeats(cells)
                ):
                    continue
                yield Line(number, cells if width == used else cells[:used])

    # --- the header --------------------------------------------------------------------------

    def _find_header(self, shape: Shape) -> tuple[Layout, int]:
        """The layout, and the line from which data may stand."""
        wanted, seen = shape.separator, 0
        with self._open() as file:
            for number, text, _ in self._records(file, ";", None):
                if hint := re.fullmatch(r'"?sep=(.)"?', text.strip("\r\n"), re.IGNORECASE):
                    wanted = wanted or hint[1]
                    continue
                seen += 1
                if shape.columns:
                    return self._given(shape, text, wanted), number
                separator = separator_of(text, wanted, shape.headers)
                layout = layout_of(split(text, separator), separator, shape.headers)
                if layout is not None:
                    return layout, number + 1
                if seen == HEADER_WITHIN:
                    break
        if not seen:
            raise FeedRefused("empty", f"{self._name} est vide. Vérifier l'export du DPI.")
        raise FeedRefused(
            "no_header",
            f"{self._name} : aucun en-tête reconnu dans les {HEADER_WITHIN} premières lignes (il "
            "faut une date de rendez-vous et deux autres colonnes connues). Faire correspondre "
            "les noms avec l'option headers, ou donner columns si le fichier n'a pas d'en-tête.",
            line=1,
        )

    def _given(self, shape: Shape, first: str, wanted: str) -> Layout:
        """The layout of a file without header; its first line tells the separator."""
        width = len(shape.columns)
        separator = wanted or min(SEPARATORS, key=lambda one: abs(len(split(first, one)) - width))
        named = [name or f"colonne {place}" for place, name in enumerate(shape.columns, 1)]
        layout = layout_of(named, separator, shape.headers)
        found = split(first, separator)
        if layout is None or not _fits(found, width):
            raise FeedRefused(
                "header_changed",
                f"{self._name} : {len(found)} colonnes au lieu des {width} de l'option columns. "
                "Vérifier l'export, puis corriger columns.",
                line=1,
            )
        return layout

    def _usual_width(self) -> int:
        """Cells of a line: the header's, or more where every line ends in a separator. A line
        that differs from the others has lost its columns."""
        widths = Counter[int]()
        with self._open() as file:
            for number, _, cells in self._records(file, self.layout.separator, None):
                if number >= self._first and self._fits(cells):
                    widths[len(cells)] += 1
                if widths.total() == SAMPLE:
                    break
        return widths.most_common(1)[0][0] if widths else self.layout.width

    def _fits(self, cells: Sequence[str]) -> bool:
        return _fits(cells, self.layout.width)

    # --- lines -------------------------------------------------------------------------------

    def _open(self) -> TextIO:
        return self._path.open(encoding=self._encoding, errors="replace", newline="")

    def _records(
        self, file: TextIO, separator: str, width: int | None
    ) -> Iterator[tuple[int, str, list[str]]]:
        """(first line, text, cells) of every record; blank lines and comments are left out.

        A quoted cell may hold line breaks, so an open line takes the following ones with it, if
        together they fit the header (`width`); a stray quote costs its own line, no other.
        """
        waiting: deque[str] = deque()
        number = 0
        while line := waiting.popleft() if waiting else file.readline(LONGEST_LINE):
            number += 1
            if len(line) >= LONGEST_LINE:
                raise self._endless(number)
            if line[0] in SKIPPED or line.isspace():
                continue
            cells = split(line, separator)
            if '"' in line and (line.count('"') % 2 or len(cells) != width):
                taken = self._joined(line, file, waiting, separator, width, number)
                if len(taken) > 1:
                    text = "".join(taken)
                    yield number, text, split(text, separator)
                    number += len(taken) - 1
                    continue
            yield number, line, cells

    def _joined(
        self,
        line: str,
        file: TextIO,
        waiting: deque[str],
        separator: str,
        width: int | None,
        number: int,
    ) -> list[str]:
        """The lines of the record this one begins; the others go back to `waiting`."""
        taken = [line]
        text, cut = line, False
        while still_open := _left_open(text, separator):
            more = waiting.popleft() if waiting else file.readline(LONGEST_LINE)
            cut = not more
            if cut or len(taken) == MOST_JOINED or len(text) > LONGEST_RECORD:
                waiting.extendleft([more] if more else [])
                break
            taken.append(more)
            text += more
        if not still_open and width in (None, len(split(text, separator))):
            return taken
        rest = taken[1:]
        if cut and width and not any(len(split(one, separator)) == width for one in rest):
            raise self._cut(number)
        waiting.extendleft(reversed(rest))
        return [line]

    def _misfit(self, number: int, text: str, cells: list[str]) -> Line:
        width = self._width
        if not text.endswith(("\n", "\r")) and len(cells) < width:
            raise self._cut(number)
        return Line(
            number,
            cells,
            f"{len(cells)} colonnes au lieu de {width} : il manque ou il y a en trop un "
            "séparateur ou un guillemet ; corriger la ligne dans le DPI ou l'export",
        )

    def _cut(self, number: int) -> FeedRefused:
        return FeedRefused(
            "truncated",
            f"{self._name} s'arrête au milieu de la ligne {number} : fichier incomplet, rien n'est "
            "appliqué. Relancer l'export.",
            line=number,
        )

    def _endless(self, number: int) -> FeedRefused:
        return FeedRefused(
            "encoding",
            f"{self._name}, ligne {number} : ligne de plus de {LONGEST_LINE} caractères, ce n'est "
            "pas un fichier CSV. Vérifier l'export.",
            line=number,
        )


def _fits(cells: Sequence[str], width: int) -> bool:
    """As many cells as the header, or more of which the last ones are empty."""
    return len(cells) >= width and not any(cell.strip() for cell in cells[width:])


def _left_open(text: str, separator: str) -> bool:
    """Does this text end inside a quoted cell?"""
    at = 0
    while at >= 0:
        while text[at : at + 1] == " ":
            at += 1
        if text[at : at + 1] == '"':
            at = _closing(text, at + 1)
            if at < 0:
                return True
        at = text.find(separator, at)
        at = at + 1 if at >= 0 else -1
    return False


def _closing(text: str, at: int) -> int:
    """Where the quote closes a cell whose content begins at `at`; -1 if nothing does."""
    while (at := text.find('"', at)) >= 0:
        if text[at + 1 : at + 2] != '"':
            return at + 1
        at += 2
    return -1


def _is_footer(cells: Sequence[str]) -> bool:
    """A total or an end mark: a few words, no data. Also a line of nothing but separators."""
    filled = [cell for cell in cells if cell.strip()]
    return not filled or (
        len(filled) <= 3 and bool(_FOOTER.match(plain(filled[0]).replace("-", " ")))
    )
