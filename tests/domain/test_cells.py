"""No cell of ours is run by a spreadsheet, and what programs read back is what was written."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.cells import guarded, harmless, may_run, sheet, unguarded

FORMULAS = [
    "=1+1",
    "=HYPERLINK('http://example.org','x')",
    "+33639980012",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\u202e=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff20SUM(A1)",
]
texts = st.text() | st.builds(
    lambda start, rest: start + rest, st.sampled_from([*FORMULAS, "'", "'=", " '"]), st.text()
)


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_only_a_text(cell: str) -> None:
    assert may_run(cell)
    assert harmless(cell) == guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Léa", "12/10/2026", "a=b", "1-2", "é", "« oui »"])
def test_a_plain_text_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == guarded(cell) == cell


@given(texts)
def test_the_guard_is_taken_off_without_loss(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell


@given(texts)
def test_what_is_guarded_begins_no_formula(cell: str) -> None:
    assert not may_run(guarded(cell))
    assert not may_run(harmless(cell))


@given(st.lists(st.tuples(texts, texts), max_size=8))
def test_a_sheet_reads_back_line_by_line(lines: list[tuple[str, str]]) -> None:
    written = b"".join(sheet(("Nom", "Détail"), lines)).decode("utf-8-sig")
    read = list(csv.reader(io.StringIO(written, newline=""), delimiter=";"))
    assert read == [["Nom", "Détail"], *[[harmless(a), harmless(b)] for a, b in lines]]


def test_a_sheet_comes_in_pieces_however_long_it_is() -> None:
    pieces = list(sheet(("n",), ([str(number)] for number in range(1_700))))
    assert len(pieces) == 4
    assert b"".join(pieces).count(b"\r\n") == 1_701
