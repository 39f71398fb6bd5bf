"""What holds for every file: a row written in any accepted form is read as the same record, a
cut file tells no lie, and no bytes at all bring the reader down."""

from datetime import UTC, date, datetime, time
from itertools import permutations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dpi.csv_merge import merged, one_of, repeated
from reminders.domain.appointment import (
    AppointmentRecord,
    CancelledBy,
    PatientRecord,
    RowProblem,
    Status,
)
from reminders.errors import FeedRefused
from tests.adapters.dpi.csv_export import HEADERS, Folder, cells, export, line

PARIS = ZoneInfo("Europe/Paris")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
DATE_FORMS = (
    lambda d: f"{d:%d/%m/%Y}",
    lambda d: f"{d:%d/%m/%y}",
    lambda d: f"{d:%Y-%m-%d}",
    lambda d: f"{d:%Y%m%d}",
    lambda d: f"{d:%d-%m-%Y}",
    lambda d: f"{d:%d.%m.%Y}",
    lambda d: f"{d.day}/{d.month}/{d.year}",
    lambda d: f"{DAYS[d.weekday()]} {d.day} {MONTHS[d.month - 1]} {d.year}",
    lambda d: (
        f"{DAYS[d.weekday()].capitalize()} {'1er' if d.day == 1 else d.day} "
        f"{MONTHS[d.month - 1]} {d.year}"
    ),
    lambda d: f"{(d - date(1899, 12, 30)).days}",
    lambda d: f"{d:%d/%m/%Y} 00:00:00",
    lambda d: f"{d:%Y-%m-%d}T00:00:00",
)
HOUR_FORMS = (
    lambda t: f"{t.hour}h{t:%M}",
    lambda t: f"{t:%H:%M}",
    lambda t: f"{t:%H%M}",
    lambda t: f"{t.hour}{t:%M}",
    lambda t: f"{t.hour} h {t:%M}",
    lambda t: f"{t:%H:%M}:00",
    lambda t: f"30/12/1899 {t:%H:%M}:00",
    lambda t: f"{(t.hour * 60 + t.minute) / 1440:.10f}".replace(".", ","),
)
PHONE_FORMS = (
    lambda n: n,
    lambda n: " ".join(n[i : i + 2] for i in range(0, 10, 2)),
    lambda n: ".".join(n[i : i + 2] for i in range(0, 10, 2)),
    lambda n: n[1:],
    lambda n: f"+33{n[1:]}",
)
NAMES = st.text("abcdefghijklmnopqrstuvwxyzéèêëàâîïôûüç '-", min_size=1, max_size=20).map(
    lambda text: f"N{text.strip()}"
)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@given(data=st.data())
def test_a_row_written_in_any_form_is_read_as_the_same_record(
    base: Path, data: st.DataObject
) -> None:
    pick = data.draw
    day = pick(st.dates(date(2026, 1, 1), date(2029, 9, 1)))
    hour = pick(st.times(time(1, 0), time(23, 59))).replace(second=0, microsecond=0)
    born = pick(st.dates(date(1928, 1, 1), date(2026, 9, 1)))
    name = pick(NAMES)
    phone = f"063998{pick(st.integers(0, 9999)):04}"
    word, status = pick(
        st.sampled_from(
            [("Planifié", Status.BOOKED), ("ANNULE", Status.CANCELLED), ("nvne", Status.NOSHOW)]
        )
    )
    row = cells(
        NUM_RDV=f"R{pick(st.integers(1, 10**9))}",
        STATUT=word,
        DATE_RDV=pick(st.sampled_from(DATE_FORMS))(day),
        HEURE_RDV=pick(st.sampled_from(HOUR_FORMS))(hour),
        DATE_NAISSANCE=pick(st.sampled_from(DATE_FORMS))(born),
        PRENOM=name,
        TEL_PORTABLE=pick(st.sampled_from(PHONE_FORMS))(phone),
    )
    order = pick(st.permutations(HEADERS))
    content = export(
        {header: row[header] for header in order},
        separator=pick(st.sampled_from(";,|\t")),
        quoted=True,
        end=pick(st.sampled_from(["\r\n", "\n"])),
    )
    encoding = pick(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    record = Folder(base).only(content, written_in=encoding)
    local = datetime.combine(day, hour, PARIS)
    assert (record.external_id, record.status) == (row["NUM_RDV"], status)
    assert (record.starts_at, record.all_day) == (local.astimezone(UTC), False)
    assert record.patient is not None
    assert (record.patient.given, record.patient.birth_date) == (name.strip(), born)
    assert row["TEL_PORTABLE"] in [point.value for point in record.patient.contacts]


WHOLE = export(
    *(
        cells(NUM_RDV=f"R{n}", IPP=f"{n:07}", HEURE_RDV=f"{8 + n}h15", COMMENTAIRE="a\nb; c")
        for n in range(5)
    )
)


@given(cut=st.integers(0, len(WHOLE.encode())), encoding=st.sampled_from(["utf-8", "cp1252"]))
def test_a_cut_file_is_refused_or_tells_the_truth(base: Path, cut: int, encoding: str) -> None:
    folder = Folder(base)
    truth = folder.records(WHOLE, written_in=encoding)
    rows, code = read_anything(folder, WHOLE.encode(encoding)[:cut])
    assert code in ("", "truncated", "empty", "no_header")
    assert rows == truth[: len(rows)]


def read_anything(
    folder: Folder, content: bytes
) -> tuple[list[AppointmentRecord | RowProblem], str]:
    """The rows, or why there are none."""
    try:
        return folder.rows(content), ""
    except FeedRefused as refusal:
        return [], refusal.code


HEADER = (";".join(HEADERS) + "\r\n").encode()


@given(content=st.binary(max_size=400), with_header=st.booleans())
def test_no_bytes_bring_the_reader_down(base: Path, content: bytes, with_header: bool) -> None:
    rows, code = read_anything(Folder(base), HEADER * with_header + content)
    assert all(row.row > 0 for row in rows)
    assert code or with_header  # without a header nothing can be believed


@given(
    at=st.integers(0, len(WHOLE)),
    length=st.integers(0, 60),
    put=st.text('";\n\r\t|,#=0123456789/:hé\ufeff\x00\x1a', max_size=30),
)
def test_a_damaged_file_is_read_or_refused(base: Path, at: int, length: int, put: str) -> None:
    damaged = WHOLE[:at] + put + WHOLE[at + length :]
    for row in read_anything(Folder(base), damaged.encode())[0]:
        assert row.row > 0
        if isinstance(row, RowProblem):
            assert row.sentence
            assert row.code


@given(
    row=st.lists(
        st.text(st.characters(codec="utf-8"), max_size=30),
        min_size=len(HEADERS),
        max_size=len(HEADERS),
    )
)
def test_any_text_in_any_cell_is_read_or_set_aside(base: Path, row: list[str]) -> None:
    content = export(cells()) + line(row) + "\r\n"
    for one in read_anything(Folder(base), content.encode())[0]:
        if isinstance(one, RowProblem):
            assert one.sentence.isprintable()


@pytest.mark.parametrize("text", ["9" * 30_000, " " * 30_000 + "x", "9 " * 15_000, "1/" * 15_000])
@pytest.mark.parametrize("column", ["DATE_RDV", "HEURE_RDV", "DATE_NAISSANCE", "STATUT", "DUREE"])
def test_a_huge_cell_costs_no_more_than_its_size(base: Path, column: str, text: str) -> None:
    assert len(Folder(base).rows(export(cells(**{column: text}), cells(NUM_RDV="R2")))) == 2


# --- several lines of one appointment --------------------------------------------------------

MOMENTS = st.sampled_from([datetime(2026, 10, 14, 7, 15 * n, tzinfo=UTC) for n in range(3)])
LINES = st.builds(
    AppointmentRecord,
    external_id=st.just("R1"),
    status=st.sampled_from(Status),
    starts_at=MOMENTS,
    patient=st.just(PatientRecord("0001234")),
    uf=st.sampled_from(["", "4220", "4230"]),
    agenda=st.sampled_from(["", "AG1", "AG2"]),
    place=st.sampled_from(["", "B2"]),
    duration_minutes=st.sampled_from([None, 20, 30]),
    booked_at=st.none() | MOMENTS,
    modified_at=st.none() | MOMENTS,
    cancelled_by=st.sampled_from(CancelledBy),
    all_day=st.booleans(),
    row=st.just(7),
)


@given(st.lists(LINES, min_size=1, max_size=4))
def test_the_order_of_lines_never_matters(lines: list[AppointmentRecord]) -> None:
    assert len({one_of(list(order)) for order in permutations(lines)}) == 1


@given(st.lists(st.sampled_from(["R1", "R2", "R3", "R4", ""]), max_size=12))
def test_each_number_is_told_once_and_nothing_is_lost(numbers: list[str]) -> None:
    rows = [
        AppointmentRecord(number, Status.BOOKED, None, None, row=place)
        if number
        else RowProblem(place, "", "columns", "essai")
        for place, number in enumerate(numbers)
    ]
    lines = repeated(numbers)
    told = list(merged(rows, lines))
    assert sorted(row.external_id for row in told if row.external_id) == sorted(set(numbers) - {""})
    assert len(told) - len(set(numbers) - {""}) == numbers.count("")
    assert not lines
