"""Every form in which French exports write a value, and those nobody should guess at."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from reminders.domain.appointment import CancelledBy, Holder, RowProblem, Status
from reminders.domain.patient import reach
from tests.adapters.dpi.csv_export import Folder, cells, export


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


AT_NINE_THIRTY = datetime(2026, 10, 14, 7, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 10, 13, 22, tzinfo=UTC)

DATES = (
    "14/10/2026",
    "14/10/26",
    "2026-10-14",
    "20261014",
    "14-10-2026",
    "14.10.2026",
    "14 10 2026",
    "2026/10/14",
    "mercredi 14 octobre 2026",
    "Mercredi 14 Octobre 2026",
    "MERCREDI 14 OCTOBRE 2026",
    "mer. 14 oct. 2026",
    "Mer 14/10/2026",
    "le mercredi 14 octobre 2026",
    "14 octobre 2026",
    "14 oct 2026",
    "14-oct-26",
    "14-oct.-26",
    "46309",
    "46309,0",
    "46309.00",
    "14/10/2026 00:00",
    "14/10/2026 00:00:00",
    "2026-10-14T00:00:00",
    "2026-10-14 00:00:00.000",
    " 14/10/2026 ",
    "14/10/2026\u00a0",
)
HOURS = (
    "9h30", "09h30", "9H30", "09:30", "9:30", "0930", "930", "9 h 30", "09 h 30", "9h 30",
    "09:30:00", "9h30mn", "9h30 min", "9 h 30 mn", "093000", "93000", "09.30", "9.30",
    "09:30:00.000",
    "0,395833333333333", "0.395833333", ",395833", "30/12/1899 09:30:00", "01/01/1900 09:30",
    "1899-12-30 09:30:00", "1899-12-30T09:30:00", "09h30m00s",
)  # fmt: skip
COMBINED = (
    "14/10/2026 09:30",
    "14/10/2026 9h30",
    "14/10/2026 à 9h30",
    "14/10/2026 09:30:00",
    "14/10/26 9h30",
    "2026-10-14 09:30",
    "2026-10-14T09:30",
    "2026-10-14T09:30:00",
    "2026-10-14 09:30:00.000",
    "2026-10-14T09:30:00+02:00",
    "2026-10-14T07:30:00Z",
    "2026-10-14T07:30:00.000Z",
    "2026-10-14T03:30:00-0400",
    "20261014 0930",
    "202610140930",
    "20261014093000",
    "20261014T093000",
    "mercredi 14 octobre 2026 à 9h30",
    "mercredi 14 octobre 2026, 09:30",
    "46309,3958333333",
    "46309.395833",
    "14-10-2026 - 09:30",
)


@pytest.mark.parametrize("text", DATES)
def test_a_date_in_any_form_is_the_same_day(folder: Folder, text: str) -> None:
    record = folder.only(export(cells(DATE_RDV=text)))
    assert (record.starts_at, record.all_day) == (AT_NINE_THIRTY, False)


@pytest.mark.parametrize("text", DATES)
def test_without_an_hour_only_the_day_is_known(folder: Folder, text: str) -> None:
    for hour in ("", "00:00", "00h00"):
        record = folder.only(export(cells(DATE_RDV=text, HEURE_RDV=hour)))
        assert (record.starts_at, record.all_day) == (MIDNIGHT, True)


@pytest.mark.parametrize("text", HOURS)
def test_an_hour_in_any_form_is_the_same(folder: Folder, text: str) -> None:
    assert folder.only(export(cells(HEURE_RDV=text))).starts_at == AT_NINE_THIRTY


@pytest.mark.parametrize(
    ("text", "hour"), [("9h", 7), ("9 h", 7), ("9", 7), ("14", 12), ("8 heures", 6)]
)
def test_a_whole_hour_needs_no_minutes(folder: Folder, text: str, hour: int) -> None:
    assert folder.only(export(cells(HEURE_RDV=text))).starts_at == datetime(
        2026, 10, 14, hour, tzinfo=UTC
    )


@pytest.mark.parametrize("text", COMBINED)
def test_date_and_hour_may_share_a_cell(folder: Folder, text: str) -> None:
    row = cells(DATE_RDV=text)
    del row["HEURE_RDV"]
    record = folder.only(export(row))
    assert (record.starts_at, record.all_day) == (AT_NINE_THIRTY, False)


def test_an_hour_of_its_own_goes_before_the_one_in_the_date(folder: Folder) -> None:
    record = folder.only(export(cells(DATE_RDV="14/10/2026 08:00:00", HEURE_RDV="9h30")))
    assert record.starts_at == AT_NINE_THIRTY


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no_date"),
        ("demain", "bad_date"),
        ("31/02/2026", "bad_date"),
        ("00/00/0000", "bad_date"),
        ("14/10", "bad_date"),
        ("14/1O/2026", "bad_date"),
        ("2026-13-01", "bad_date"),
        ("14 octembre 2026", "bad_date"),
        ("0001-01-01", "bad_date"),
        ("31/12/2099", "far"),
        ("4,6309E+04", "bad_date"),
        ("14/10/2026 25:00", "bad_hour"),
        ("2026-10-14T07:30:00+99:99", "bad_date"),
        ("14/10/20266", "bad_date"),
        ("1/1/2026/3", "bad_hour"),
        ("146309", "bad_date"),
        ("2026", "bad_date"),
        ("14/10/1926", "bad_date"),
        ("1014-10-14", "bad_date"),
    ],
)
def test_a_date_nobody_can_read_costs_its_line(folder: Folder, text: str, code: str) -> None:
    good = cells(NUM_RDV="R2", DATE_RDV="28/10/2026")
    rows = folder.rows(export(cells(DATE_RDV=text, HEURE_RDV=""), good))
    (problem,) = (row for row in rows if isinstance(row, RowProblem))
    assert (problem.code, problem.column, problem.external_id) == (code, "DATE_RDV", "R000123")
    assert (problem.row, len(rows)) == (2, 2)


@pytest.mark.parametrize(
    "text", ["25h", "9h75", "matin", "24:00", "9h30 ou 10h", "-9", "9999", "930h"]
)
def test_an_hour_nobody_can_read_costs_its_line(folder: Folder, text: str) -> None:
    (problem,) = folder.problems(export(cells(HEURE_RDV=text)))
    assert (problem.code, problem.column, problem.external_id) == (
        "bad_hour",
        "HEURE_RDV",
        "R000123",
    )
    assert "9h30" in problem.sentence


def test_the_day_comes_first_always(folder: Folder) -> None:
    assert folder.only(export(cells(DATE_RDV="05/10/2026"))).starts_at == datetime(
        2026, 10, 5, 7, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        ("24/10/2026 09:30", datetime(2026, 10, 24, 7, 30, tzinfo=UTC)),
        ("26/10/2026 09:30", datetime(2026, 10, 26, 8, 30, tzinfo=UTC)),
        ("25/10/2026 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the first of the two
        ("28/03/2027 02:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC)),  # an hour that is not
    ],
)
def test_hours_are_the_sites_across_a_clock_change(
    folder: Folder, local: str, utc: datetime
) -> None:
    assert folder.only(export(cells(DATE_RDV=local, HEURE_RDV=""))).starts_at == utc


def test_another_zone_can_be_said(folder: Folder) -> None:
    record = folder.only(export(cells()), timezone="Indian/Reunion")
    assert record.starts_at == datetime(2026, 10, 14, 5, 30, tzinfo=UTC)


# --- what Excel does -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "639980012",
        "6,39980012E+08",
        "6.39980012E+08",
        "6,39980012e+8",
        "33639980012",
        "639980012,0",
        "639980012.0",
        "+33 6 39 98 00 12",
        "06.39.98.00.12",
        "06 39 98 00 12 (fils)",
        "Port. 06 39 98 00 12",
        "01 99 00 12 34 / 06 39 98 00 12",
        '="0639980012"',
        "'0639980012",
        "0033639980012",
    ],
)
def test_a_mobile_survives_excel_and_typists(folder: Folder, text: str) -> None:
    for column in ("TEL_FIXE", "TEL_PORTABLE"):  # labels lie: the number decides
        both = {"TEL_FIXE": "", "TEL_PORTABLE": ""}
        record = folder.only(export(cells(**(both | {column: text}))))
        assert record.patient is not None
        assert reach(record.patient).phone == "+33639980012"


@pytest.mark.parametrize("text", ["6,4E+08", "6,3998E+08", "6,39980E+08", "#########"])
def test_a_number_excel_rounded_is_nobodys(folder: Folder, text: str) -> None:
    record = folder.only(export(cells(TEL_FIXE="", TEL_PORTABLE=text)))
    assert record.patient is not None
    assert reach(record.patient).phone == ""
    assert reach(record.patient).problem == "invalid_number"


def test_the_zeros_excel_ate_are_given_back_to_an_ipp(folder: Folder) -> None:
    for text in ("1234", "1234,0", "1234.0", "0001234", '="0001234"'):
        record = folder.only(export(cells(IPP=text)), ipp_width=7)
        assert record.patient is not None
        assert record.patient.identifier == "0001234"
    record = folder.only(export(cells(IPP="1234")))
    assert record.patient is not None
    assert record.patient.identifier == "1234"  # nobody said how long an IPP is
    record = folder.only(export(cells(IPP="A1234")), ipp_width=7)
    assert record.patient is not None
    assert record.patient.identifier == "A1234"


@pytest.mark.parametrize("column", ["NUM_RDV", "IPP"])
@pytest.mark.parametrize("text", ["1,23457E+11", "1.2E+7", "1E+12"])
def test_an_identifier_excel_rounded_costs_its_line(folder: Folder, column: str, text: str) -> None:
    (problem,) = folder.problems(export(cells(**{column: text})))
    assert (problem.code, problem.column) == ("excel", column)
    assert problem.external_id == ("" if column == "NUM_RDV" else "R000123")
    assert "texte" in problem.sentence


# --- the patient -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("28/03/1979", date(1979, 3, 28)),
        ("28/03/79", date(1979, 3, 28)),
        ("1979-03-28", date(1979, 3, 28)),
        ("19790328", date(1979, 3, 28)),
        ("28 mars 1979", date(1979, 3, 28)),
        ("1979-03-28T00:00:00", date(1979, 3, 28)),
        ("28/03/1979 00:00:00", date(1979, 3, 28)),
        ("28942", date(1979, 3, 28)),
        ("01/01/1938", date(1938, 1, 1)),
        ("7306", date(1920, 1, 1)),
        ("05/06/15", date(2015, 6, 5)),  # eleven, rather than a hundred and eleven
        ("05/06/26", date(2026, 6, 5)),
        ("05/06/27", date(1927, 6, 5)),
        ("", None),
        ("00/00/1979", None),
        ("00/03/1979", None),
        ("28/00/1979", None),
        ("1979", None),
        ("03/1979", None),
        ("19790000", None),
        ("1979-00-00", None),
    ],
)
def test_a_birth_date_is_whole_or_unknown(folder: Folder, text: str, born: date | None) -> None:
    record = folder.only(export(cells(DATE_NAISSANCE=text)))
    assert record.patient is not None
    assert record.patient.birth_date == born


@pytest.mark.parametrize(
    "text", ["inconnue", "31/02/1979", "28/03/2031", "28/03/1979x9", "12345678"]
)
def test_a_birth_date_nobody_can_read_costs_its_line(folder: Folder, text: str) -> None:
    (problem,) = folder.problems(export(cells(DATE_NAISSANCE=text)))
    assert (problem.code, problem.column) == ("bad_birth_date", "DATE_NAISSANCE")


def test_the_name_in_use_goes_before_the_one_of_birth(folder: Folder) -> None:
    record = folder.only(export(cells(NOM_USAGE="MODELE")))
    assert record.patient is not None
    assert (record.patient.family, record.patient.given) == ("MODELE", "Léa")


def test_contacts_are_passed_on_with_whose_they_are(folder: Folder) -> None:
    row = cells(
        TEL_TRAVAIL="01 99 00 99 99", TEL_MERE="06 39 98 00 77", TEL_TUTEUR="06 39 98 00 88"
    )
    row |= {"EMAIL_PARENT": "parent.test@example.org", "MAIL_TUTEUR": "tuteur.test@example.org"}
    record = folder.only(export(row))
    assert record.patient is not None
    assert [(one.system, one.value, one.use, one.holder) for one in record.patient.contacts] == [
        ("phone", "01 99 00 12 34", "home", Holder.SELF),
        ("phone", "06.39.98.00.12", "mobile", Holder.SELF),
        ("phone", "01 99 00 99 99", "work", Holder.SELF),
        ("email", "lea.test@example.org", "", Holder.SELF),
        ("phone", "06 39 98 00 77", "", Holder.PARENT),
        ("email", "parent.test@example.org", "", Holder.PARENT),
        ("phone", "06 39 98 00 88", "", Holder.GUARDIAN),
        ("email", "tuteur.test@example.org", "", Holder.GUARDIAN),
    ]


def test_an_address_in_a_phone_column_is_an_address(folder: Folder) -> None:
    record = folder.only(export(cells(TEL_FIXE="lea.test@example.org", EMAIL="")))
    assert record.patient is not None
    assert reach(record.patient).email == "lea.test@example.org"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        *((text, False) for text in ("O", "OUI", "oui", "1", "X", "Vrai", "Accord", "", "NR")),
        *((text, True) for text in ("N", "NON", "non", "0", "Faux", "Refus", "Opposition")),
    ],
)
def test_consent_is_read_and_a_doubt_is_a_refusal(folder: Folder, text: str, refused: bool) -> None:
    record = folder.only(export(cells(CONSENT_SMS=text)))
    assert record.patient is not None
    assert record.patient.sms_refused is refused


@pytest.mark.parametrize(
    "no", [{"CONSENT_SMS": "N"}, {"DECEDE": "O"}, {"CONFIDENTIEL": "O"}], ids=str
)
def test_a_no_on_one_line_holds_for_the_patients_other_lines(
    folder: Folder, no: dict[str, str]
) -> None:
    """The store keeps what the last line of a patient says."""
    silent = {"DECEDE": "", "CONFIDENTIEL": ""}
    rows = [cells(NUM_RDV=f"R{n}", **(silent | (no if n == 1 else {}))) for n in range(4)]
    rows.append(cells(NUM_RDV="R9", IPP="0009999", **silent))
    patients = [record.patient for record in folder.records(export(*rows))]
    told = [p and (p.sms_refused or p.deceased or p.confidential) for p in patients]
    assert told == [False, True, True, True, False]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_no_on_one_line_of_an_appointment_holds_for_it(
    folder: Folder, order: tuple[int, int]
) -> None:
    lines = [cells(CODE_AGENDA="AG1"), cells(CODE_AGENDA="AG2", CONSENT_SMS="N")]
    record = folder.only(export(*(lines[place] for place in order)))
    assert record.patient is not None
    assert record.patient.sms_refused


@pytest.mark.parametrize(
    ("text", "flag"),
    [("", False), ("N", False), ("non", False), ("0", False), ("O", True), ("X", True),
     ("03/10/2026", True), ("?", True)],
)  # fmt: skip
def test_death_and_secrecy_are_believed_on_a_word(folder: Folder, text: str, flag: bool) -> None:
    record = folder.only(export(cells(DECEDE=text, CONFIDENTIEL=text, TUTELLE=text)))
    patient = record.patient
    assert patient is not None
    assert (patient.deceased, patient.confidential, patient.protected_adult) == (flag, flag, flag)


@pytest.mark.parametrize(
    ("text", "status"), [("VALI", "VALI"), ("anom", "ANOM"), ("Cachée", "CACH"), ("", "")]
)
def test_the_state_of_an_identity_is_read(folder: Folder, text: str, status: str) -> None:
    record = folder.only(export(cells(STATUT_IDENTITE=text)))
    assert record.patient is not None
    assert record.patient.identity_status == status


def test_sex_and_language_are_read_and_never_guessed(folder: Folder) -> None:
    for sex, language, read in [
        ("F", "FR", ("female", "fr")),
        ("M", "fr-FR", ("male", "fr-fr")),
        ("Mme", "Français", ("female", "fr")),
        ("H", "arabe", ("male", "ar")),
        ("2", "", ("female", "")),
        ("?", "klingon du nord", ("", "")),
    ]:
        record = folder.only(export(cells(SEXE=sex, LANGUE=language)))
        assert record.patient is not None
        assert (record.patient.sex, record.patient.language) == read


def test_a_slot_without_patient_is_no_appointment(folder: Folder) -> None:
    nobody = dict.fromkeys(("NUM_RDV", "IPP", "NOM_NAISSANCE", "NOM_USAGE", "PRENOM"), "")
    assert len(folder.records(export(cells(), cells(**nobody)))) == 1


def test_an_appointment_without_ipp_is_told_without_patient(folder: Folder) -> None:
    record = folder.only(export(cells(IPP="")))
    assert (record.external_id, record.patient) == ("R000123", None)


# --- the appointment -------------------------------------------------------------------------

STATUSES = {
    "Planifié": Status.BOOKED,
    "PREVU": Status.BOOKED,
    "prévue": Status.BOOKED,
    "Pris": Status.BOOKED,
    "Confirmé": Status.BOOKED,
    "confirmée": Status.BOOKED,
    "Confirmé(e)": Status.BOOKED,
    "Honoré": Status.FULFILLED,
    "Venu": Status.FULFILLED,
    "Venue": Status.FULFILLED,
    "Arrivé": Status.ARRIVED,
    "Absent": Status.NOSHOW,
    "absente": Status.NOSHOW,
    "Non venu": Status.NOSHOW,
    "Non-venu": Status.NOSHOW,
    "NON_VENU": Status.NOSHOW,
    "NVNE": Status.NOSHOW,
    "Non venu non excusé": Status.NOSHOW,
    "Annulé": Status.CANCELLED,
    "Annulée": Status.CANCELLED,
    "ANNULE": Status.CANCELLED,
    "Reporté": Status.CANCELLED,
    "Déplacé": Status.CANCELLED,
    "Supprimé": Status.ENTERED_IN_ERROR,
    "Attente": Status.WAITLIST,
    "Liste d'attente": Status.WAITLIST,
    "Liste d’attente": Status.WAITLIST,
    "booked": Status.BOOKED,
    "checked-in": Status.CHECKED_IN,
    "Provisoire": Status.PENDING,
    "": Status.UNKNOWN,
    "Vu": Status.UNKNOWN,
    "Non confirmé": Status.UNKNOWN,
    "Non honorable": Status.UNKNOWN,
    "Annulation refusée": Status.UNKNOWN,
}
WHO = {
    "Excusé": CancelledBy.PATIENT,
    "Annulé par patient": CancelledBy.PATIENT,
    "Annulé par le patient": CancelledBy.PATIENT,
    "Annulée par la patiente": CancelledBy.PATIENT,
    "Annulé par l'hôpital": CancelledBy.HOSPITAL,
    "Annulé par l’hôpital": CancelledBy.HOSPITAL,
    "ANNULE SERVICE": CancelledBy.HOSPITAL,
    "Annulé": CancelledBy.UNKNOWN,
}


@pytest.mark.parametrize(("word", "status"), STATUSES.items())
def test_status_words_are_known_and_others_are_not_guessed(
    folder: Folder, word: str, status: Status
) -> None:
    assert folder.only(export(cells(STATUT=word))).status is status


@pytest.mark.parametrize(("word", "by"), WHO.items())
def test_who_cancelled_is_read_from_the_status(folder: Folder, word: str, by: CancelledBy) -> None:
    record = folder.only(export(cells(STATUT=word)))
    assert (record.status, record.cancelled_by) == (Status.CANCELLED, by)


@pytest.mark.parametrize(
    ("reason", "by"),
    [
        ("Demande du patient", CancelledBy.PATIENT),
        ("La famille a appelé", CancelledBy.PATIENT),
        ("Praticien absent", CancelledBy.HOSPITAL),
        ("grève", CancelledBy.HOSPITAL),
        ("le praticien prévient le patient", CancelledBy.UNKNOWN),
        ("autre", CancelledBy.UNKNOWN),
    ],
)
def test_who_cancelled_is_read_from_the_reason(
    folder: Folder, reason: str, by: CancelledBy
) -> None:
    assert folder.only(export(cells(STATUT="Annulé", MOTIF_ANNULATION=reason))).cancelled_by is by
    assert folder.only(export(cells(STATUT="Annulé", ANNULE_PAR=reason))).cancelled_by is by
    kept = folder.only(export(cells(MOTIF_ANNULATION=reason)))
    assert kept.cancelled_by is CancelledBy.UNKNOWN  # it is not cancelled


def test_a_site_may_say_what_its_words_mean(folder: Folder) -> None:
    own = {"Vu": "fulfilled", "": "booked", "Pris": "pending", "Désisté!": "cancelled-by-patient"}
    for word, status in [
        ("vu", Status.FULFILLED),
        ("", Status.BOOKED),
        ("PRIS", Status.PENDING),
        ("désisté!", Status.CANCELLED),
        ("Prévu", Status.BOOKED),
    ]:
        assert folder.only(export(cells(STATUT=word)), statuses=own).status is status


def test_a_file_without_status_column_lists_what_is_booked(folder: Folder) -> None:
    row = cells()
    del row["STATUT"]
    assert folder.only(export(row)).status is Status.BOOKED


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("20", 20), ("20,0", 20), ("20.5", 20), ("20 min", 20), ("20mn", 20), ("0h20", 20),
     ("00:20", 20), ("1h", 60), ("1h30", 90), ("1 h 05", 65), ("00:20:00", 20), ("", None),
     ("0", None), ("long", None), ("20'", 20)],
)  # fmt: skip
def test_a_duration_is_minutes_or_unknown(folder: Folder, text: str, minutes: int | None) -> None:
    assert folder.only(export(cells(DUREE=text))).duration_minutes == minutes


def test_the_rest_of_an_appointment_is_passed_on(folder: Folder) -> None:
    record = folder.only(export(cells(DATE_MODIF="12/10/2026 18:05:09")))
    assert (record.uf, record.site, record.agenda) == ("4220", "Site Sud", "AG12")
    assert (record.kind, record.place) == ("Consultation", "Bât B niv 2")
    assert record.booked_at == datetime(2026, 9, 1, 8, 12, tzinfo=UTC)
    assert record.modified_at == datetime(2026, 10, 12, 16, 5, tzinfo=UTC)
    assert record.row == 2


@pytest.mark.parametrize("text", ["hier", "31/02/2026", "", "01/09/2026 99:99"])
def test_when_it_was_booked_is_known_or_not(folder: Folder, text: str) -> None:
    assert folder.only(export(cells(DATE_CREATION=text))).booked_at is None
