"""Who an appointment is for: the patient's cells as the core's record."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from adapters.dpi import csv_values as values
from adapters.dpi import csv_words as words
from adapters.dpi.csv_cells import LONGEST_ID, CellProblem, Cells, Reading
from adapters.dpi.csv_layout import Layout
from reminders.domain.appointment import ContactPoint, Holder, PatientRecord

# Every column of each kind is read: a file may have two for mobiles. Labels decide nothing.
CONTACTS = (
    ("landline", "home", Holder.SELF),
    ("mobile", "mobile", Holder.SELF),
    ("work_phone", "work", Holder.SELF),
    ("email", "", Holder.SELF),
    ("parent_phone", "", Holder.PARENT),
    ("parent_email", "", Holder.PARENT),
    ("guardian_phone", "", Holder.GUARDIAN),
    ("guardian_email", "", Holder.GUARDIAN),
)


class Patients:
    """The patients of one file. What forbids writing to somebody, told on one line, holds for
    that patient's later lines too: the last one told is what the store keeps."""

    def __init__(self, layout: Layout, reading: Reading) -> None:
        self._ipp_width = reading.ipp_width
        self._this_year = reading.now.astimezone(reading.zone).year
        self._contacts = [
            (place, use, holder)
            for name, use, holder in CONTACTS
            for place in layout.places.get(name, ())
        ]
        self._forbidding: dict[str, PatientRecord] = {}

    def of(self, row: Cells, cells: Sequence[str]) -> PatientRecord | None:
        """None without a number: nobody can be told apart by name. Raises CellProblem."""
        if not row.ipp:
            return None
        patient = PatientRecord(
            self._number(row.ipp),
            "",
            row.used_name or row.birth_name,
            row.given,
            self._born(row.birth_date) if row.birth_date else None,
            words.sex_of(row.sex),
            words.language_of(row.language) if row.language else "",
            words.flagged(row.deceased) if row.deceased else False,
            True,
            words.identity_of(row.identity) if row.identity else "",
            words.flagged(row.confidential) if row.confidential else False,
            words.flagged(row.protected) if row.protected else False,
            words.refuses(row.consent),
            tuple(
                [
                    ContactPoint(
                        "email" if "@" in cells[place] else "phone", cells[place], use, 0, who
                    )
                    for place, use, who in self._contacts
                    if cells[place]
                ]
            ),
        )
        if patient.sms_refused or patient.deceased or patient.confidential:
            patient = self._remember(patient)
        elif patient.identifier in self._forbidding:
            patient = all_told(patient, self._forbidding[patient.identifier])
        return patient

    def _remember(self, patient: PatientRecord) -> PatientRecord:
        known = self._forbidding.get(patient.identifier)
        told = all_told(patient, known) if known else patient
        self._forbidding[patient.identifier] = replace(
            told, family="", given="", birth_date=None, contacts=()
        )
        return told

    def _number(self, text: str) -> str:
        try:
            number = values.identifier(text, self._ipp_width)
        except ValueError as error:
            raise CellProblem("ipp", "excel", str(error)) from None
        if len(number) > LONGEST_ID:
            sentence = (
                f"IPP de plus de {LONGEST_ID} caractères : vérifier que la colonne est la bonne"
            )
            raise CellProblem("ipp", "bad_ipp", sentence)
        return number

    def _born(self, text: str) -> date | None:
        try:
            return values.birth_date(text, self._this_year)
        except ValueError as error:
            sentence = f"{error} ; un mineur pourrait être pris pour un majeur"
            raise CellProblem("birth_date", "bad_birth_date", sentence) from None


def all_told(patient: PatientRecord, other: PatientRecord) -> PatientRecord:
    """This patient with everything that forbids writing of both."""
    return replace(
        patient,
        deceased=patient.deceased or other.deceased,
        confidential=patient.confidential or other.confidential,
        sms_refused=patient.sms_refused or other.sms_refused,
    )
