"""Files as hospitals make them: encodings, separators, headers, quotes, titles, totals, damage."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reminders.domain.appointment import AppointmentRecord, RowProblem
from reminders.errors import FeedRefused
from tests.adapters.dpi.csv_export import EXEMPLE, HEADERS, Folder, cells, export, line


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


ENCODINGS = (
    "utf-8", "utf-8-sig", "cp1252", "iso8859-1", "iso8859-15", "utf-16", "utf-16-le", "utf-16-be",
    "mac_roman", "cp850",
)  # fmt: skip
SEPARATORS = (";", ",", "\t", "|")
PEOPLE = (
    "Léa",
    "HÉLÈNE",
    "François",
    "Noël",
    "Benoît",
    "Zoë",
    "Agnès",
    "Jérôme",
    "Maëlle",
    "André",
)


def refused(folder: Folder, content: str | bytes, **options: Any) -> FeedRefused:
    with pytest.raises(FeedRefused) as raised:
        folder.rows(content, **options)
    assert "EXEMPLE" not in raised.value.sentence
    assert "agenda.csv" in raised.value.sentence
    return raised.value


# --- encodings and separators ----------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("quoted", [True, False])
def test_encoding_and_separator_are_found_out(
    folder: Folder, encoding: str, separator: str, quoted: bool
) -> None:
    rows = [
        cells(NUM_RDV=f"R{n}", PRENOM=name, STATUT="Confirmé", LIEU="Bât B")
        for n, name in enumerate(PEOPLE)
    ]
    content = export(*rows, separator=separator, quoted=quoted)
    found = folder.records(content, written_in=encoding)
    assert [record.patient and record.patient.given for record in found] == list(PEOPLE)
    assert {record.place for record in found} == {"Bât B"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["Léa", "HÉLÈNE", "Agnès", "François"])
def test_a_single_accent_is_enough(folder: Folder, encoding: str, name: str) -> None:
    content = export(cells(PRENOM=name, STATUT="Pris", LIEU=""))
    record = folder.only(content, written_in=encoding)
    assert record.patient is not None
    assert record.patient.given == name


@pytest.mark.parametrize(
    ("encoding", "place"), [("cp1252", "Porte – l’accueil"), ("iso8859-15", "Cœur 5 €")]
)
def test_signs_tell_old_encodings_apart(folder: Folder, encoding: str, place: str) -> None:
    assert folder.only(export(cells(LIEU=place)), written_in=encoding).place == place


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman"])
def test_an_accent_far_down_counts_as_much_as_one_at_the_top(folder: Folder, encoding: str) -> None:
    plain = [cells(NUM_RDV=f"R{n}", STATUT="Pris", PRENOM="Jean", LIEU="") for n in range(2_000)]
    late = cells(NUM_RDV="R9999", STATUT="Pris", PRENOM="Zoé", LIEU="")
    last = folder.records(export(*plain, late), written_in=encoding)[-1]
    assert last.patient is not None
    assert last.patient.given == "Zoé"


def test_a_letter_cut_in_half_costs_its_line_not_the_encoding(folder: Folder) -> None:
    rows = [cells(NUM_RDV=f"R{n}") for n in range(60)]
    content = export(*rows).encode()
    broken = content.replace("Léa".encode(), b"L\xc3", 1)
    found = folder.rows(broken)
    (problem,) = (row for row in found if isinstance(row, RowProblem))
    assert (problem.code, problem.column, problem.row) == ("encoding", "PRENOM", 2)
    assert problem.external_id == "R0"
    assert len(found) == 60
    names = {
        row.patient.given for row in found if isinstance(row, AppointmentRecord) and row.patient
    }
    assert names == {"Léa"}


def test_what_nobody_looks_at_may_be_garbled(folder: Folder) -> None:
    row = cells(PRATICIEN="D\ufffdr", COMMENTAIRE="\ufffd") | {"INCONNU": "\ufffd"}
    assert folder.only(export(row)).external_id == "R000123"
    (problem,) = folder.problems(export(row | {"TEL_FIXE": "\ufffd"}))
    assert (problem.code, problem.column) == ("encoding", "TEL_FIXE")


def test_a_zero_byte_far_down_is_refused(folder: Folder) -> None:
    rows = [cells(NUM_RDV=f"R{n}") for n in range(9_000)]
    content = export(*rows, cells(NUM_RDV="R\x009"))
    assert refused(folder, content).code == "encoding"


def test_an_encoding_can_be_said(folder: Folder) -> None:
    record = folder.only(export(cells(PRENOM="Zoá")), written_in="cp850", encoding="cp850")
    assert record.patient is not None
    assert record.patient.given == "Zoá"


@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00" * 50, b"NUM_RDV;DATE_RDV\x00;IPP\r\n" * 3],
)
def test_what_is_no_text_is_refused(folder: Folder, content: bytes) -> None:
    assert refused(folder, content).code == "encoding"


def test_a_line_without_end_is_refused_without_reading_it_whole(folder: Folder) -> None:
    assert refused(folder, export(cells()) + "x" * 200_000).code == "encoding"


# --- headers ---------------------------------------------------------------------------------

VARIANTS = {
    "NUM_RDV": ("N°RDV", "N° RDV", "n° rdv", "IDRDV", "Id RDV", "No RDV", "Numéro de RDV",
                "numéro du rendez-vous", "num rdv"),
    "DATE_RDV": ("DateRdv", "Date RV", "date rdv", "Date du rendez-vous", "DATE", "Date de RDV"),
    "HEURE_RDV": ("H. début", "Heure", "heure rdv", "Heure début", "Heure de début", "H. RDV"),
    "TEL_PORTABLE": ("Portable", "Tél. mobile", "GSM", "Mobile", "TEL PORTABLE", "Tél. portable",
                     "Téléphone portable"),
    "EMAIL": ("Mél", "Courriel", "E-mail", "Mail", "Adresse e-mail"),
    "IPP": ("ipp", "N° IPP", "Numéro IPP", "NIP", "I.P.P."),
    "PRENOM": ("Prénom", "prénom patient"),
    "NOM_NAISSANCE": ("Nom de naissance", "Nom patronymique"),
    "DATE_NAISSANCE": ("Né(e) le", "DDN", "Date de naissance", "Date naiss.", "Né le"),
    "STATUT": ("Statut", "État", "Etat RDV", "Statut du RDV"),
    "CODE_UF": ("UF", "Code UF", "code uf", "N° UF"),
    "DUREE": ("Durée", "Durée (min)", "durée en minutes"),
    "CONSENT_SMS": ("Consentement SMS", "SMS", "Accord SMS"),
    "DATE_CREATION": ("Créé le", "Date de création", "Pris le"),
    "LANGUE": ("Langue", "Langue parlée"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs"), [(ours, one) for ours, names in VARIANTS.items() for one in names]
)
def test_a_header_is_known_under_many_names(folder: Folder, ours: str, theirs: str) -> None:
    row = {theirs if name == ours else name: cell for name, cell in cells().items()}
    assert folder.only(export(row)) == folder.only(export(cells()))


def test_the_order_of_columns_does_not_matter(folder: Folder) -> None:
    shuffled = dict(reversed(cells().items()))
    assert folder.only(export(shuffled)) == folder.only(export(cells()))


def test_the_surest_of_two_headers_is_the_one(folder: Folder) -> None:
    row = {"DATE": "01/01/2027", "Heure": "23h", "NOM": "AUTRE"} | cells()
    assert folder.only(export(row)) == folder.only(export(cells(NOM_USAGE="")))


def test_every_column_with_a_number_is_read(folder: Folder) -> None:
    row = cells(TEL_FIXE="", TEL_PORTABLE="") | {
        "Tél. 1": "01 99 00 12 34",
        "GSM": "06 39 98 00 77",
    }
    record = folder.only(export(row | {"Tel2": "06 39 98 00 88"}))
    assert record.patient is not None
    found = [point.value for point in record.patient.contacts if point.system == "phone"]
    assert found == ["01 99 00 12 34", "06 39 98 00 77", "06 39 98 00 88"]


def test_a_site_may_name_its_own_headers(folder: Folder) -> None:
    row = {{"NUM_RDV": "Clé", "DATE_RDV": "Quand"}.get(k, k): v for k, v in cells().items()}
    found = folder.only(export(row), headers={"CLE": "NUM_RDV", "Quand ?": "Date RDV"})
    assert found == folder.only(export(cells()))


def test_a_site_may_have_a_column_ignored(folder: Folder) -> None:
    record = folder.only(export(cells()), headers={"EMAIL": "", "CONSENT_SMS": ""})
    assert record.patient is not None
    assert all(point.system == "phone" for point in record.patient.contacts)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_file_without_header_is_read_by_columns(folder: Folder, separator: str) -> None:
    names = ["NUM_RDV", "", "DATE_RDV", "HEURE_RDV", "IPP", ""]
    rows = [
        ("R1", "x", "14/10/2026", "9h30", "0001234", "y"),
        ("R2", "x", "15/10/2026", "", "7", ""),
    ]
    content = "\n".join(line(row, separator) for row in rows)
    found = folder.records(content, columns=names)
    assert [record.external_id for record in found] == ["R1", "R2"]
    assert found[0].row == 1


def test_a_file_whose_columns_no_longer_fit_is_refused(folder: Folder) -> None:
    names = ["NUM_RDV", "DATE_RDV", "IPP"]
    error = refused(folder, "R1;14/10/2026;7;nouveau\n", columns=names)
    assert error.code == "header_changed"
    assert "4 colonnes au lieu des 3" in error.sentence


def test_a_file_without_header_and_without_columns_is_refused(folder: Folder) -> None:
    error = refused(folder, line(EXEMPLE.values()) + "\n")
    assert error.code == "no_header"
    assert "columns" in error.sentence


@pytest.mark.parametrize("content", ["", "\r\n\r\n", "# rien\r\n", "\ufeff", "\x1a"])
def test_an_empty_file_is_refused(folder: Folder, content: str) -> None:
    assert refused(folder, content).code == "empty"


def test_a_header_alone_is_a_file_without_appointments(folder: Folder) -> None:
    assert folder.rows(export()) == []
    assert folder.rows(export().rstrip()) == []


def test_the_layout_tells_a_changed_header(folder: Folder) -> None:
    def layout(content: str, **options: Any) -> str:
        folder.drop(content)
        (feed,) = folder.feeds(**options)
        return feed.info.layout

    usual = layout(export(cells()))
    assert usual == layout(export(cells(NUM_RDV="R2"), cells()))
    assert usual == layout(export(cells(), separator=",").replace("STATUT", "Statut"))
    assert usual != layout(export(cells(NOUVEAU="")))
    assert usual != layout(export(dict(reversed(cells().items()))))


# --- what stands around the data -------------------------------------------------------------


def numbers(folder: Folder, content: str, **options: Any) -> list[str]:
    return [record.external_id for record in folder.records(content, **options)]


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_any_end_of_line_will_do(folder: Folder, end: str) -> None:
    assert numbers(folder, export(cells(), cells(NUM_RDV="R2"), end=end)) == ["R000123", "R2"]


@pytest.mark.parametrize(
    "before",
    [
        "sep=;\r\n",
        '"sep=;"\r\n',
        "# export du 13/10/2026\r\n",
        "Export des rendez-vous du 13/10/2026\r\n\r\n",
        "Hôpital Exemple;;;\r\nÉdité le 13/10/2026;;;\r\n",
        "\r\n\r\n",
        '#"commentaire\r\n',
    ],
)
def test_titles_and_comments_may_come_before_the_header(folder: Folder, before: str) -> None:
    record = folder.only(before + export(cells()))
    assert record.external_id == "R000123"
    assert record.row == before.count("\n") + 2


def test_a_separator_may_be_announced(folder: Folder) -> None:
    assert numbers(folder, "sep=|\r\n" + export(cells(), separator="|")) == ["R000123"]


@pytest.mark.parametrize(
    "after",
    [
        "Total;1",
        "TOTAL : 1 rendez-vous\r\n",
        "Nombre de lignes;1\r\n",
        "1 lignes\r\n",
        "FIN\r\n",
        "Fin de fichier",
        "EOF",
        "Total;" + ";" * 20 + "1;" + ";" * 6 + "\r\n",
        ";" * 28 + "\r\n",
        "\r\n   \r\n",
        "\x1a",
        "# fin",
        "Édité le 13/10/2026 par AGENDA\r\n",
    ],
)
def test_a_total_or_an_end_mark_is_no_appointment(folder: Folder, after: str) -> None:
    assert numbers(folder, export(cells()) + after) == ["R000123"]


def test_comments_blank_lines_and_repeated_headers_are_passed_over(folder: Folder) -> None:
    header = ";".join(HEADERS) + "\r\n"
    body = export(cells()) + "# page 2\r\n\r\n" + header
    content = body + line(cells(NUM_RDV="R2").values()) + "\r\n" + header.lower()
    found = folder.records(content)
    assert [(record.external_id, record.row) for record in found] == [("R000123", 2), ("R2", 6)]


def test_a_separator_at_the_end_of_each_line_is_nothing(folder: Folder) -> None:
    content = export(cells(), cells(NUM_RDV="R2")).replace("\r\n", ";\r\n")
    assert numbers(folder, content) == ["R000123", "R2"]
    header, *lines = content.splitlines()
    without = "\r\n".join([header[:-1], *lines])
    assert numbers(folder, without) == ["R000123", "R2"]


def test_one_separator_more_than_the_other_lines_have_is_a_shift(folder: Folder) -> None:
    lines = export(*(cells(NUM_RDV=f"R{n}") for n in range(9))).splitlines(keepends=True)
    for extra in (';"LIEU"', ";"):
        lines[1] = lines[1].replace(";", f"{extra};", 1)
        problems = folder.problems("".join(lines))
        assert [(one.code, one.row) for one in problems] == [("columns", 2)]


# --- quotes ----------------------------------------------------------------------------------


def test_quotes_separators_and_line_breaks_may_stand_in_a_quoted_cell(folder: Folder) -> None:
    row = cells(LIEU='Bât "B"; niv 2', COMMENTAIRE="ligne 1\r\nligne 2\nligne 3")
    after = cells(NUM_RDV="R2", COMMENTAIRE="")
    found = folder.records(export(row, after))
    assert [record.row for record in found] == [2, 5]
    assert found[0].place == 'Bât "B"; niv 2'


def test_quotes_may_be_left_out_where_they_are_not_needed(folder: Folder) -> None:
    content = export(cells(), quoted=False).replace("EXEMPLE", '"EXEMPLE"')
    assert folder.only(content) == folder.only(export(cells()))


def test_a_quote_inside_an_unquoted_cell_is_a_quote(folder: Folder) -> None:
    row = cells(LIEU='salle 5" B')
    found = folder.records(export(row, cells(NUM_RDV="R2"), quoted=False))
    assert [record.place for record in found] == ['salle 5" B', "Bât B niv 2"]


def test_a_quote_that_never_closes_costs_its_line_only(folder: Folder) -> None:
    good = [cells(NUM_RDV=f"R{n}") for n in range(1, 150)]
    lines = export(*good).splitlines(keepends=True)
    lines[3] = lines[3].replace('"Léa"', '"Léa')
    rows = folder.rows("".join(lines))
    bad = [row for row in rows if isinstance(row, RowProblem)]
    assert [(one.code, one.row, one.external_id) for one in bad] == [("columns", 4, "R3")]
    assert len(rows) == 149


def test_a_quote_that_never_closes_in_an_unquoted_file_costs_its_line_only(folder: Folder) -> None:
    good = [cells(NUM_RDV=f"R{n}") for n in range(1, 300)]
    lines = export(*good, quoted=False).splitlines(keepends=True)
    lines[3] = lines[3].replace("Léa", '"Léa')
    rows = folder.rows("".join(lines))
    bad = [row for row in rows if isinstance(row, RowProblem)]
    assert [(one.code, one.row, one.external_id) for one in bad] == [("columns", 4, "")]
    assert len(rows) == 299


# --- bad lines -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "external_id"),
    [
        (lambda text: text.replace('"Léa";', ""), "columns", "R9"),
        (lambda text: text.replace('"Léa"', '"Léa";"Rose"'), "columns", "R9"),
        (lambda text: '"R9";"Planifié"\r\n', "columns", ""),
        (lambda text: "n'importe quoi\r\n", "columns", ""),
        (lambda text: text.replace('"R9"', '""'), "no_number", ""),
        (lambda text: text.replace('"R9"', f'"{"9" * 65}"'), "no_number", ""),
        (lambda text: text.replace('"0001234"', f'"{"9" * 65}"'), "bad_ipp", "R9"),
    ],
)
def test_a_bad_line_is_set_aside_and_the_others_go_on(
    folder: Folder, change: object, code: str, external_id: str
) -> None:
    assert callable(change)
    bad = change(line(cells(NUM_RDV="R9").values()) + "\r\n")
    after = line(cells(NUM_RDV="R2").values()) + "\r\n"
    rows = folder.rows(export(cells()) + bad + after)
    (problem,) = (row for row in rows if isinstance(row, RowProblem))
    assert (problem.row, problem.code) == (3, code)
    assert problem.external_id == external_id
    good = [row.external_id for row in rows if isinstance(row, AppointmentRecord)]
    assert good == ["R000123", "R2"]


def test_behind_a_shift_no_number_is_believed(folder: Folder) -> None:
    """A wrong one would let this line's appointment pass for vanished."""
    first = dict(sorted(cells().items(), key=lambda item: item[0] == "NUM_RDV"))
    lines = export(first, first | {"NUM_RDV": "R9"}, first).splitlines(keepends=True)
    lines[2] = lines[2].replace('"Léa"', '"Léa";"Rose"')
    problems = folder.problems("".join(lines))
    assert [(one.code, one.row, one.external_id) for one in problems] == [("columns", 3, "")]


# --- a cut file ------------------------------------------------------------------------------


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
def test_a_file_cut_inside_its_last_line_is_refused(
    folder: Folder, quoted: bool, encoding: str
) -> None:
    whole = export(cells(), cells(NUM_RDV="R2"), quoted=quoted)
    last = whole.rstrip("\r\n").rindex("\n") + 1
    end = whole.rindex(";")  # from there on the last cell alone is cut, which harms nothing
    for at in range(last + 1, end + 1, 7):
        error = refused(folder, whole[:at].encode(encoding))
        assert (error.code, error.line) == ("truncated", 3)


def test_a_file_cut_inside_a_quoted_cell_of_many_lines_is_refused(folder: Folder) -> None:
    whole = export(cells(), cells(NUM_RDV="R2", COMMENTAIRE="a\r\nb\r\nc"))
    error = refused(folder, whole[: whole.index('c"')])
    assert (error.code, error.line) == ("truncated", 3)


def test_the_last_line_needs_no_end(folder: Folder) -> None:
    assert numbers(folder, export(cells(), cells(NUM_RDV="R2")).rstrip()) == ["R000123", "R2"]


# --- never month-first -----------------------------------------------------------------------


def test_a_file_written_month_first_is_refused_whole(folder: Folder) -> None:
    rows = [cells(NUM_RDV=f"R{n}", DATE_RDV=f"10/{n:02}/2026") for n in range(1, 29)]
    assert refused(folder, export(*rows)).code == "month_first"


def test_a_slip_in_a_file_written_day_first_costs_its_line(folder: Folder) -> None:
    rows = [cells(NUM_RDV=f"R{n}", DATE_RDV=f"{n:02}/10/2026") for n in range(1, 29)]
    found = folder.rows(export(*rows, cells(DATE_RDV="10/14/2026")))
    assert [row.code for row in found if isinstance(row, RowProblem)] == ["bad_date"]


# --- without a number ------------------------------------------------------------------------


def without_number(**changes: str) -> dict[str, str]:
    row = cells(**changes)
    del row["NUM_RDV"]
    return row


def test_without_a_number_ipp_date_hour_and_agenda_make_one(folder: Folder) -> None:
    base = without_number()
    same = [base, without_number(STATUT="Annulé", TEL_PORTABLE="", LIEU="ailleurs")]
    other = [
        without_number(IPP="0001235"),
        without_number(DATE_RDV="15/10/2026"),
        without_number(HEURE_RDV="10h"),
        without_number(HEURE_RDV=""),
        without_number(CODE_AGENDA="AG13"),
    ]
    assert len({folder.only(export(row)).external_id for row in same}) == 1
    assert len({folder.only(export(row)).external_id for row in (base, *other)}) == 6


def test_a_number_made_up_names_nobody_and_outlives_the_program(folder: Folder) -> None:
    number = folder.only(export(without_number())).external_id
    assert number == "c-33b362e914ae5b49bb2a"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_without_a_number_the_order_of_lines_does_not_matter_either(
    folder: Folder, order: tuple[int, int]
) -> None:
    lines = [without_number(STATUT="Annulé"), without_number(STATUT="Planifié")]
    record = folder.only(export(*(lines[place] for place in order)))
    assert record.status == "booked"


def test_without_number_and_ipp_a_line_cannot_be_followed(folder: Folder) -> None:
    (problem,) = folder.problems(export(without_number(IPP="")))
    assert (problem.code, problem.column) == ("no_number", "IPP")


# --- several lines of one appointment --------------------------------------------------------


def test_lines_of_one_number_make_one_appointment_wherever_they_stand(folder: Folder) -> None:
    room = cells(CODE_AGENDA="SALLE 2", HEURE_RDV="9h45", DUREE="30", LIEU="Salle 2")
    doctor = cells(CODE_AGENDA="AG12", HEURE_RDV="9h30", DUREE="20", DATE_CREATION="")
    others = [cells(NUM_RDV=f"R{n}") for n in range(5)]
    orders = [
        [room, doctor, *others],
        [doctor, room, *others],
        [*others, doctor, room],
        [room, *others, doctor],
        [doctor, *others[:2], room, *others[2:]],
    ]
    found = []
    for order in orders:
        records = folder.records(export(*order))
        assert len(records) == 6
        (one,) = (record for record in records if record.external_id == "R000123")
        found.append((one.starts_at, one.duration_minutes, one.agenda, one.place, one.booked_at))
    expected = (
        datetime(2026, 10, 14, 7, 30, tzinfo=UTC), 30, "AG12+SALLE 2", "Bât B niv 2",
        datetime(2026, 9, 1, 8, 12, tzinfo=UTC),
    )  # fmt: skip
    assert found == [expected] * len(orders)


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ("Planifié", "Annulé", "booked"),
        ("Reporté", "Planifié", "booked"),
        ("Annulé", "Annulé", "cancelled"),
        ("Absent", "Planifié", "noshow"),
        ("Honoré", "Absent", "fulfilled"),
        ("Planifié", "Vu", "unknown"),
        ("Supprimé", "Annulé", "cancelled"),
    ],
)
def test_what_happened_goes_before_what_was_planned(
    folder: Folder, first: str, second: str, merged: str
) -> None:
    for one, other in ((first, second), (second, first)):
        assert folder.only(export(cells(STATUT=one), cells(STATUT=other))).status == merged


def test_the_slot_that_was_left_does_not_speak_for_the_new_one(folder: Folder) -> None:
    left = cells(STATUT="Déplacé", DATE_RDV="14/10/2026", CODE_AGENDA="AG1")
    new = cells(STATUT="Planifié", DATE_RDV="21/10/2026", CODE_AGENDA="AG2")
    record = folder.only(export(left, new))
    assert record.starts_at == datetime(2026, 10, 21, 7, 30, tzinfo=UTC)
    assert record.agenda == "AG2"


def test_a_line_that_stands_goes_before_one_with_an_hour_that_does_not(folder: Folder) -> None:
    record = folder.only(export(cells(STATUT="Annulé"), cells(STATUT="Planifié", HEURE_RDV="")))
    assert (record.status, record.all_day) == ("booked", True)


def test_one_number_for_two_patients_is_nobodys(folder: Folder) -> None:
    (problem,) = folder.problems(export(cells(), cells(NUM_RDV="R2"), cells(IPP="0009999")))
    assert (problem.code, problem.external_id) == ("several_patients", "R000123")
    assert "0009999" not in problem.sentence


def test_an_unreadable_line_of_several_does_not_spoil_the_readable_one(folder: Folder) -> None:
    rows = folder.rows(export(cells(), cells(HEURE_RDV="matin")))
    assert sorted(type(row).__name__ for row in rows) == ["AppointmentRecord", "RowProblem"]
