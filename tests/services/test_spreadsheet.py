"""Tables people bring: CSV as spreadsheets save it, and XLSX."""

from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from reminders.errors import RepairNeeded
from reminders.services.spreadsheet import columns, open_sheet


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_csv_is_read_however_it_was_saved(separator: str, encoding: str, tmp_path: Path) -> None:
    text = 'Date,Motif\r\n01/10/2026,décalé\r\n\r\n02/10/2026,"a\nb"\r\nfin,\r\n'
    file = tmp_path / "appels.csv"
    file.write_bytes(text.replace(",", separator).encode(encoding))
    _, sheet = open_sheet(file)
    assert sheet.heads == ("Date", "Motif")
    found = [(n, cells) for n, cells in sheet.lines if any(cells)]
    assert found == [
        (2, ("01/10/2026", "décalé")), (4, ("02/10/2026", "a\nb")), (6, ("fin", "")),
    ]  # fmt: skip


def test_the_titles_say_the_separator_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "appels.csv"
    file.write_text("\n \nDate,Motif\n01/10/2026,x\n")
    _, sheet = open_sheet(file)
    assert sheet.heads == ("Date", "Motif")
    assert list(sheet.lines) == [(4, ("01/10/2026", "x"))]


def test_a_workbook_is_read_with_its_dates(tmp_path: Path) -> None:
    file = tmp_path / "appels.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet, dates = book.add_worksheet(), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.write_row(0, 0, ["Date", "IPP"])
        sheet.write_datetime(1, 0, datetime(2026, 10, 1), dates)  # noqa: DTZ001 - a cell has no zone
        sheet.write_number(1, 1, 1234567)
        sheet.write_datetime(2, 0, datetime(2026, 10, 1, 9, 30), dates)  # noqa: DTZ001
    _, found = open_sheet(file)
    assert list(found.lines) == [(2, ("2026-10-01", "1234567")), (3, ("2026-10-01 09:30:00", ""))]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"PK\x03\x04 nothing", b"a\0b", b"\xd0\xcf\x11\xe0\0"]
)
def test_what_is_no_table_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "appels.csv"
    file.write_bytes(content)
    with pytest.raises(RepairNeeded) as refused:
        open_sheet(file)[1]
    assert refused.value.problem.where == "appels.csv"
    assert refused.value.problem.remedy


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RepairNeeded):
        open_sheet(tmp_path / "absent.csv")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    file = tmp_path / "appels.csv"
    file.write_text("DÉBUT;Motif\n", encoding="utf-8")
    _, sheet = open_sheet(file)
    known = {"date": ("date", "debut"), "motive": ("motif",), "service": ("service", "uf")}
    assert columns(sheet, known, ["date"], "appels.csv") == {"date": 0, "motive": 1}
    with pytest.raises(RepairNeeded, match="service"):
        columns(sheet, known, ["service"], "appels.csv")
