"""Files people open in a spreadsheet: nothing runs, nothing is lost, memory stays flat."""

import csv
import io
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.cells import harmless
from reminders.services.report_files import Cell, Share, Sheet, csv_pieces, write_xlsx

NOW = datetime(2026, 10, 14, 8, 0, tzinfo=UTC)
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u00a0=1+1",
    "＝1+1", "＋1", "－1", "＠SUM(A1)", "\u200b=1+1", '=HYPERLINK("http://x.example","y")',
    "=cmd|' /C calc'!A0", "=WEBSERVICE(\"http://x.example\")", "@import", "-2+3+cmd|' /C calc'!A0",
    "=DDE(\"cmd\";\"/C calc\";\"x\")", "\ufeff=1", "{=1+1}", "http://x.example/", "mailto:x",
)  # fmt: skip


def xlsx(*sheets: Sheet, **more: int) -> Any:
    kept = io.BytesIO()
    write_xlsx(kept, sheets, made=NOW, **more)
    return python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(kept.getvalue()))


def raw(*sheets: Sheet) -> str:
    """The XML of every sheet."""
    import zipfile

    kept = io.BytesIO()
    write_xlsx(kept, sheets, made=NOW)
    with zipfile.ZipFile(kept) as book:
        return "".join(book.read(one).decode() for one in book.namelist() if "sheet" in one)


def written(table: Sheet) -> list[list[str]]:
    text = b"".join(csv_pieces(table)).decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula(text: str) -> None:
    table = Sheet("t", [text], [[text, "x"]])
    assert "<f>" not in raw(table)
    assert "hyperlink" not in raw(table)
    kept = xlsx(table).get_sheet_by_index(0).to_python()
    assert str(kept[1][0]).replace("_x000D_", "\r").strip() == text.strip()
    (head, *_), (cell, *_) = written(table)
    for one in (head, cell):
        assert harmless(one) == one, one
        assert one.lstrip("'") == text


@given(st.text(max_size=40))
def test_whatever_is_typed_is_text_in_both(text: str) -> None:
    table = Sheet("t", ["h"], [[text]])
    cell = written(table)[1][0] if written(table)[1:] and written(table)[1] else ""
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in (text, f"'{text}")


def test_numbers_are_numbers_and_nothing_is_an_empty_cell() -> None:
    row: list[Cell] = [-3, 2.5, Share(0.125), None, date(2026, 10, 1), float("nan"), 1_234_567]
    table = Sheet("t", ["a", "b", "c", "d", "e", "f", "g"], [row])
    assert written(table)[1] == ["-3", "2,5", "12,5", "", "2026-10-01", "", "1234567"]
    kept = xlsx(table).get_sheet_by_index(0).to_python()[1]
    assert kept[:4] == [-3.0, 2.5, 0.125, ""]
    assert kept[4] == date(2026, 10, 1)
    assert kept[6] == 1_234_567


def test_a_text_longer_than_a_cell_is_cut_and_not_left_out() -> None:
    kept = xlsx(Sheet("t", ["h"], [["x" * 40_000]])).get_sheet_by_index(0).to_python()
    assert len(kept[1][0]) == 32_767


def test_names_of_sheets_are_made_possible_and_unique() -> None:
    names = ("A/B:C*D?E[F]\\G", "x" * 40, "x" * 40, "", "'a'", "a")
    book = xlsx(*(Sheet(name, ["h"], []) for name in names))
    assert book.sheet_names == ["A B C D E F  G", "x" * 31, "x" * 27 + " (2)", "Feuille", "a",
                                "a (2)"]  # fmt: skip


def test_a_table_longer_than_a_sheet_goes_on_in_the_next() -> None:
    book = xlsx(Sheet("t", ["h"], [[n] for n in range(9)]), most_rows=4)
    assert book.sheet_names == ["t", "t 2", "t 3"]
    told = [
        row[0] for n in range(3) for row in book.get_sheet_by_index(n).to_python() if row[0] != "h"
    ]
    assert told == list(range(9))


WRITE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from reminders.services.report_files import Share, Sheet, csv_pieces, write_xlsx
kind, many, target = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
rows = ((f"Service {n}", n, Share(n % 100 / 100), "=1+1", None, n / 7) for n in range(many))
table = Sheet("t", ["a", "b", "c", "d", "e", "f"], rows)
with target.open("wb") as stream:
    if kind == "csv":
        stream.writelines(csv_pieces(table))
    else:
        write_xlsx(stream, [table], made=datetime(2026, 10, 14, tzinfo=UTC))
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def peak(kind: str, many: int, target: Path) -> int:
    """The most memory a process of its own held, in kilobytes."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", WRITE, kind, str(many), str(target)], cwd=root, text=True,
        env=os.environ | {"PYTHONPATH": root}, capture_output=True, check=True, timeout=240,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_memory_does_not_grow_with_the_rows(kind: str, tmp_path: Path) -> None:
    few, many = peak(kind, 10_000, tmp_path / "few"), peak(kind, 200_000, tmp_path / "many")
    assert (tmp_path / "many").stat().st_size > 10 * (tmp_path / "few").stat().st_size
    assert many - few < 4 * 1024, (few, many)
