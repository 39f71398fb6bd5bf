"""CSV as French spreadsheets open it, written to the screen or a file."""

import csv
from collections.abc import Iterable, Sequence
from typing import IO

from reminders.domain.cells import MARK, STARTS, harmless

__all__ = ["MARK", "STARTS", "harmless", "write_csv"]


def write_csv(stream: IO[str], heads: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Semicolons, as Excel expects where the comma is the decimal sign."""
    stream.write(MARK)
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([harmless(cell) for cell in line] for line in lines)
