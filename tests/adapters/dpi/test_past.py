"""Sources tell a past that is counted: a file read where it lies, a DPI asked month by month."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.dpi.csv_file import CsvSource, create
from reminders.domain.appointment import AppointmentRecord, RowProblem, Status
from reminders.errors import FeedRefused, SourceUnavailable
from reminders.ports import FileSource, PastSource, Wiring
from tests.adapters.dpi.csv_export import NOW, cells, export
from tests.adapters.dpi.fhir_dpi import Dpi, Port, appointment, opened, patient


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with opened() as port:
        yield port


def source(folder: Path, **options: object) -> CsvSource:
    found = create({"path": "export/*.csv", **options}, Wiring("agenda", folder))
    assert isinstance(found, CsvSource)
    return found


def test_a_file_is_read_as_the_sources_own_and_left_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "passe_2025.csv"
    rows = [cells(NUM_RDV=f"R{n}", DATE_RDV="14/10/2025", STATUT="Vu") for n in range(3)]
    file.write_text(export(*rows, cells(STATUT="Bof"), cells(DATE_RDV="31/02/2025")), "utf-8")
    agenda = source(tmp_path, statuses={"Vu": "fulfilled"})
    assert isinstance(agenda, FileSource)
    feed = agenda.file(file, now=NOW)
    told = list(feed.rows())
    good = [one for one in told if isinstance(one, AppointmentRecord)]
    assert [one.status for one in good] == [Status.FULFILLED] * 3 + [Status.UNKNOWN]
    assert sum(isinstance(one, RowProblem) for one in told) == 1
    assert dict(feed.unknown_words) == {"Bof": 1}
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_lines_of_one_appointment_stay_several(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(export(cells(), cells(CODE_AGENDA="AG13"), cells(NUM_RDV="R2")), "utf-8")
    told = list(source(tmp_path).file(file, now=NOW).rows())
    assert [one.external_id for one in told] == ["R000123", "R000123", "R2"]


def test_what_is_no_csv_is_said_with_its_remedy(tmp_path: Path) -> None:
    book = tmp_path / "a.xlsx"
    book.write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(FeedRefused, match="CSV UTF-8"):
        source(tmp_path).file(book, now=NOW)
    with pytest.raises(SourceUnavailable, match=r"b\.csv"):
        source(tmp_path).file(tmp_path / "b.csv", now=NOW)
    empty = tmp_path / "c.csv"
    empty.write_text("")
    with pytest.raises(FeedRefused):
        list(source(tmp_path).file(empty, now=NOW).rows())


def test_a_dpi_is_asked_for_a_year_a_month_at_a_time(port: Port) -> None:
    dpi: Dpi = port.dpi()
    dpi.hold(
        patient(1), *(appointment(n, whose=1, days=-n * 20, status="noshow") for n in range(20))
    )
    found = dpi.source()
    assert isinstance(found, PastSource)
    feed = found.past(NOW - timedelta(days=365), NOW, now=NOW)
    told = [one for one in feed.rows() if isinstance(one, AppointmentRecord)]
    assert sorted(one.external_id for one in told) == sorted(f"a{n}" for n in range(1, 19))
    assert {one.status for one in told} == {Status.NOSHOW}
    assert feed.info.window == (NOW - timedelta(days=365), NOW)
