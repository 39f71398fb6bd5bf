"""The cells of a line that matter here, by name; and what may be wrong with one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from adapters.dpi.csv_layout import Layout
from adapters.dpi.csv_words import StatusWords

LONGEST_ID = 64
UNUSABLE = ("\ufffd", "\x00")  # what decoding could not read; what PostgreSQL cannot store


class Cells(NamedTuple):
    """What a record is made of; "" where the file has no such column. Names as `SYNONYMS`."""

    number: str
    status: str
    date: str
    hour: str
    duration: str
    ipp: str
    birth_name: str
    used_name: str
    given: str
    birth_date: str
    sex: str
    uf: str
    agenda: str
    agenda_label: str
    kind: str
    place: str
    site: str
    booked_at: str
    modified_at: str
    cancelled_by: str
    cancel_reason: str
    consent: str
    language: str
    identity: str
    deceased: str
    confidential: str
    protected: str


class CellProblem(Exception):
    """`column` is ours; `sentence` is French and quotes nothing of the cell."""

    def __init__(self, column: str, code: str, sentence: str) -> None:
        super().__init__(code)
        self.column = column
        self.code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Reading:
    """How this site's values are to be read."""

    zone: ZoneInfo
    now: datetime
    statuses: StatusWords
    ipp_width: int = 0


def picker(layout: Layout) -> Callable[[Sequence[str]], Cells]:
    """Picks them from a row that ends in one empty cell, which stands for absent columns."""
    pick: Callable[[Sequence[str]], Any] = itemgetter(
        *(layout.columns.get(name, layout.width) for name in Cells._fields)
    )
    return lambda cells: Cells._make(pick(cells))


def usable(text: str) -> bool:
    return UNUSABLE[0] not in text and UNUSABLE[1] not in text
