"""CSV as French spreadsheets open it, without a cell that a spreadsheet would run."""

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from typing import IO

MARK = "\ufeff"  # Excel reads accents rightly only behind it
# What begins a formula (OWASP, CSV injection); full-width forms become these on normalising.
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(stream: IO[str], heads: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Semicolons, as Excel expects where the comma is the decimal sign."""
    stream.write(MARK)
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([harmless(cell) for cell in line] for line in lines)


def harmless(cell: str) -> str:
    """The cell behind an apostrophe if a spreadsheet could take it for a formula.

    Blanks and invisible characters before the sign protect nobody: some programs drop them.
    """
    if cell.startswith(STARTS):
        return f"'{cell}"
    seen = unicodedata.normalize("NFKC", cell)
    seen = "".join(each for each in seen if unicodedata.category(each) not in ("Cf", "Cc"))
    return f"'{cell}" if seen.lstrip().startswith(STARTS) else cell
