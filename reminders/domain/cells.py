"""Cells that no spreadsheet runs, and the two ways we write CSV.

For people: semicolons behind a mark, as French spreadsheets open it (`sheet`). For programs: RFC
4180, and a guard that can be taken off again (`guarded`, `unguarded`).
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

MARK = "\ufeff"  # Excel reads accents rightly only behind it
# What begins a formula (OWASP, CSV injection); full-width forms become these on normalising.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
GUARD = "'"  # what a spreadsheet takes for "this is text"
LINES_AT_ONCE = 500


def may_run(cell: str) -> bool:
    """Could a spreadsheet take this text for a formula?

    Blanks and invisible characters before the sign protect nobody: some programs drop them.
    """
    if cell.startswith(STARTS):
        return True
    if cell[:1].isalnum() and cell.isascii():
        return False
    seen = unicodedata.normalize("NFKC", cell)
    seen = "".join(each for each in seen if unicodedata.category(each) not in ("Cf", "Cc"))
    return seen.lstrip().startswith(STARTS)


def harmless(cell: str) -> str:
    """The cell behind an apostrophe if a spreadsheet could take it for a formula."""
    return f"{GUARD}{cell}" if may_run(cell) else cell


def guarded(cell: str) -> str:
    """As `harmless`, and without loss: a text that begins with an apostrophe gets one too, so that
    exactly one is to be taken off whatever begins with one."""
    return f"{GUARD}{cell}" if cell.startswith(GUARD) or may_run(cell) else cell


def unguarded(cell: str) -> str:
    return cell.removeprefix(GUARD)


def sheet(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """A CSV as French spreadsheets open it, in pieces: semicolons, where the comma is the decimal
    sign."""
    kept = io.StringIO()
    kept.write(MARK)
    writer = csv.writer(kept, delimiter=";", lineterminator="\r\n")
    writer.writerow(heads)
    for number, line in enumerate(lines, 1):
        writer.writerow([harmless(cell) for cell in line])
        if number % LINES_AT_ONCE == 0:
            yield _emptied(kept)
    yield _emptied(kept)


def _emptied(kept: io.StringIO) -> bytes:
    piece = kept.getvalue().encode()
    kept.seek(0)
    kept.truncate()
    return piece
