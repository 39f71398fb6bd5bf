"""Tables as files: CSV as French spreadsheets open it, and XLSX. Both stream: memory stays flat
however many rows there are, and no cell can become a formula.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, count, islice
from math import isfinite
from typing import IO, Any, cast

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from reminders.domain.cells import LINES_AT_ONCE, MARK, harmless

MOST_ROWS = 1_048_575  # Excel's, without the heads
LONGEST_CELL = 32_767  # Excel's; longer ones would be left out whole
LONGEST_NAME = 31
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OPTIONS = {
    "constant_memory": True,  # a row is on disk before the next is made
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


@dataclass(frozen=True, slots=True)
class Share:
    """A fraction of one, shown as a percentage."""

    value: float


Cell = str | int | float | Share | date | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` may be read once only. `widths`: of the columns, in letters."""

    name: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    widths: Sequence[int] = ()


def csv_pieces(table: Sheet) -> Iterator[bytes]:
    """Semicolons behind a mark, decimal commas, a share as a number of hundredths: its column
    says the unit. A text that could run is made harmless; a number cannot run."""
    kept = io.StringIO()
    kept.write(MARK)
    writer = csv.writer(kept, delimiter=";", lineterminator="\r\n")
    writer.writerow([harmless(head) for head in table.heads])
    for number, row in enumerate(table.rows, 1):
        writer.writerow([_written(cell) for cell in row])
        if number % LINES_AT_ONCE == 0:
            yield _emptied(kept)
    yield _emptied(kept)


def _emptied(kept: io.StringIO) -> bytes:
    piece = kept.getvalue().encode()
    kept.seek(0)
    kept.truncate()
    return piece


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return harmless(cell)
    if isinstance(cell, Share):
        return _number(100 * cell.value)
    return cell.isoformat() if isinstance(cell, date) else _number(cell)


def _number(value: float) -> str:
    if not isfinite(value):
        return ""
    text = str(value) if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text).replace(".", ",")


def write_xlsx(
    stream: IO[bytes], sheets: Iterable[Sheet], *, made: datetime, most_rows: int = MOST_ROWS
) -> None:
    """Text is written as text, whatever it begins with. A table longer than Excel's goes on in
    another sheet."""
    book = Workbook(cast("Any", stream), OPTIONS)
    book.set_properties({"created": made.replace(tzinfo=None)})
    forms = _Forms(book)
    names: set[str] = set()
    for table in sheets:
        rows = iter(table.rows)
        name = table.name
        for part in count(2):
            _write_sheet(book, _name(name, names), table, islice(rows, most_rows), forms)
            following = next(rows, None)
            if following is None:
                break
            rows, name = chain([following], rows), f"{table.name} {part}"
    book.close()


class _Forms:
    def __init__(self, book: Workbook) -> None:
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.share = book.add_format({"num_format": "0.0 %", "valign": "top"})
        self.whole = book.add_format({"num_format": "#,##0", "valign": "top"})
        self.number = book.add_format({"num_format": "#,##0.00", "valign": "top"})
        self.date = book.add_format({"num_format": "dd/mm/yyyy", "valign": "top"})


def _write_sheet(
    book: Workbook, name: str, table: Sheet, rows: Iterable[Sequence[Cell]], forms: _Forms
) -> None:
    page = book.add_worksheet(name)
    for column, width in enumerate(table.widths):
        page.set_column(column, column, width)
    page.freeze_panes(1, 0)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    for column, head in enumerate(table.heads):
        page.write_string(0, column, head, forms.head)
    for number, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            _write_cell(page, number, column, cell, forms)


def _write_cell(page: Any, row: int, column: int, cell: Cell, forms: _Forms) -> None:
    if isinstance(cell, str):
        page.write_string(row, column, cell[:LONGEST_CELL], forms.text)
    elif isinstance(cell, date):
        page.write_datetime(row, column, datetime(cell.year, cell.month, cell.day), forms.date)  # noqa: DTZ001 - a civil day
    elif isinstance(cell, Share):
        page.write_number(row, column, cell.value, forms.share)
    elif isinstance(cell, int):
        page.write_number(row, column, cell, forms.whole)
    elif cell is not None and isfinite(cell):
        page.write_number(row, column, cell, forms.number)


def _name(wanted: str, taken: set[str]) -> str:
    """Excel's rules: 31 letters, seven forbidden signs, no apostrophe at an end, each once."""
    plain = FORBIDDEN.sub(" ", wanted).strip("' ") or "Feuille"
    name, number = plain[:LONGEST_NAME].strip("' "), 2
    while name.casefold() in taken:
        end = f" ({number})"
        name, number = plain[: LONGEST_NAME - len(end)].strip("' ") + end, number + 1
    taken.add(name.casefold())
    return name
