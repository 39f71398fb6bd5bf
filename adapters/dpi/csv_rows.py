"""From the cells of a line to the core's record.

A cell nobody can read costs its line only where acting on the rest could harm: a wrong hour, a
minor taken for an adult. A phone or a duration is passed on or left out.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b

from adapters.dpi import csv_values as values
from adapters.dpi import csv_words as words
from adapters.dpi.csv_cells import LONGEST_ID, CellProblem, Cells, Reading, picker, usable
from adapters.dpi.csv_layout import Layout
from adapters.dpi.csv_patients import CONTACTS, Patients
from reminders.domain.appointment import (
    AppointmentRecord,
    CancelledBy,
    PatientRecord,
    RowProblem,
    Status,
)

Row = AppointmentRecord | RowProblem
FURTHEST = timedelta(days=3 * 366)  # 31/12/2099 is how some write "no date"
FIRST_YEAR = 1990  # no appointment is older: "2026" alone would be a day of 1905 to Excel
MIDNIGHT = time()
WORDS_KEPT = 100
LOOKED_AT = frozenset({*Cells._fields, *(name for name, _, _ in CONTACTS)})


class Rows:
    """Reads the rows of one file, and remembers what concerns the file as a whole."""

    def __init__(self, layout: Layout, reading: Reading) -> None:
        self.layout = layout
        self._zone = reading.zone
        self._pick = picker(layout)
        self._patients = Patients(layout, reading)
        self._numbered = "number" in layout.columns
        self._has_status = "status" in layout.columns
        self._latest = reading.now + FURTHEST
        self._start = lru_cache(65_536)(self._start_of)
        self._moment = lru_cache(65_536)(self._moment_of)
        self._status = lru_cache(1_024)(lambda word: words.status_of(word, reading.statuses))
        self.month_first = 0  # dates that exist only if the month comes first
        self.day_first = 0  # ... only if the day does
        self.unknown_words: dict[str, int] = {}

    def number_of(self, cells: Sequence[str]) -> str:
        """The appointment's number, "" where it cannot be told."""
        place = self.layout.columns.get("number")
        if place is None or place >= len(cells):
            return ""
        try:
            found = values.identifier(cells[place])
        except ValueError:
            return ""
        return found if len(found) <= LONGEST_ID and usable(found) else ""

    def number_of_misfit(self, cells: Sequence[str]) -> str:
        """The number of a line whose columns have shifted: believed only before the shift. A
        wrong one would let the appointment of this line pass for vanished."""
        first = self.layout.columns.get("number") == 0
        return self.number_of(cells) if first and 2 * len(cells) >= self.layout.width else ""

    def read(self, cells: Sequence[str], line: int) -> Row | None:
        """`cells` has the layout's width. None: a slot without patient, no appointment."""
        stripped = list(map(str.strip, cells))
        stripped.append("")  # stands for every column the file has not
        row = self._pick(stripped)
        if not (row.number or row.ipp or row.birth_name or row.used_name):
            return None
        try:
            if not usable("".join(stripped)):
                self._refuse_garbled(stripped)
            patient = self._patients.of(row, stripped)
            starts_at, all_day = self._starting(row)
            number = (
                self._number(row.number)
                if self._numbered
                else self._composite(row, patient, starts_at, all_day)
            )
            return self._record(row, number, patient, starts_at, all_day, line)
        except CellProblem as problem:
            column = self.layout.name(problem.column)
            number = self.number_of(stripped)
            return RowProblem(line, column, problem.code, problem.sentence, number)

    def _refuse_garbled(self, cells: Sequence[str]) -> None:
        """Raises CellProblem, unless what is unreadable stands where nobody looks."""
        for ours, places in self.layout.places.items():
            if ours in LOOKED_AT and not all(usable(cells[place]) for place in places):
                raise CellProblem(
                    ours, "encoding", "caractère illisible : préciser encoding ou corriger l'export"
                )

    def _record(
        self,
        row: Cells,
        number: str,
        patient: PatientRecord | None,
        starts_at: datetime,
        all_day: bool,
        line: int,
    ) -> AppointmentRecord:
        status, by = self._told(row.status)
        if status is Status.CANCELLED and by is CancelledBy.UNKNOWN:
            by = words.cancelled_by(f"{row.cancelled_by} {row.cancel_reason}")
        return AppointmentRecord(
            number,
            status,
            starts_at,
            patient,
            row.uf,
            row.site,
            values.minutes_of(row.duration),
            row.agenda or row.agenda_label,
            row.kind,
            row.place,
            self._moment(row.booked_at) if row.booked_at else None,
            self._moment(row.modified_at) if row.modified_at else None,
            by,
            all_day,
            line,
        )

    def _told(self, word: str) -> words.Told:
        """A file without a status column lists what is booked."""
        if not self._has_status:
            return Status.BOOKED, CancelledBy.UNKNOWN
        told: words.Told = self._status(word)
        if told[0] is Status.UNKNOWN:
            known = word[:40]
            if known in self.unknown_words or len(self.unknown_words) < WORDS_KEPT:
                self.unknown_words[known] = self.unknown_words.get(known, 0) + 1
        return told

    # --- its number --------------------------------------------------------------------------

    def _number(self, text: str) -> str:
        if not text:
            raise CellProblem("number", "no_number", "numéro de rendez-vous vide : à renseigner")
        try:
            found = values.identifier(text)
        except ValueError as error:
            raise CellProblem("number", "excel", str(error)) from None
        if len(found) > LONGEST_ID:
            sentence = (
                f"numéro de plus de {LONGEST_ID} caractères : vérifier que la colonne est la bonne"
            )
            raise CellProblem("number", "no_number", sentence)
        return found

    def _composite(
        self, row: Cells, patient: PatientRecord | None, starts_at: datetime, all_day: bool
    ) -> str:
        """IPP, date, hour and agenda as one number that shows none of them."""
        if patient is None:
            raise CellProblem(
                "ipp", "no_number", "ni numéro de rendez-vous ni IPP : en exporter un des deux"
            )
        local = f"{starts_at.astimezone(self._zone):%Y%m%d%H%M}"
        key = (patient.identifier, local[: 8 if all_day else 12], row.agenda or row.agenda_label)
        return "c-" + blake2b("\x1f".join(key).encode(), digest_size=10).hexdigest()

    # --- its moments -------------------------------------------------------------------------

    def _starting(self, row: Cells) -> tuple[datetime, bool]:
        starts_at, all_day = self._start(row.date, row.hour)
        if starts_at > self._latest:
            raise CellProblem("date", "far", "date dans plus de trois ans : à vérifier dans le DPI")
        return starts_at, all_day

    def _start_of(self, day_text: str, hour_text: str) -> tuple[datetime, bool]:
        """The start, and whether only its day is known. Midnight is how exports write no hour."""
        if not day_text:
            raise CellProblem("date", "no_date", "date du rendez-vous vide : à renseigner")
        day, rest, offset = self._date(day_text)
        told_with_day = self._hour(rest, "date")
        if offset is not None and told_with_day is not None:
            return datetime.combine(day, told_with_day, UTC) - offset, False
        hour = self._hour(hour_text, "hour") or told_with_day
        local = datetime.combine(day, hour or MIDNIGHT, self._zone)
        return local.astimezone(UTC), hour is None

    def _date(self, text: str) -> tuple[date, str, timedelta | None]:
        try:
            day, rest = values.date_and_rest(text)
            before, offset = values.offset_of(rest)
        except values.MonthFirst as error:
            self.month_first += 1
            raise CellProblem("date", "bad_date", str(error)) from None
        except ValueError as error:
            raise CellProblem("date", "bad_date", str(error)) from None
        if day.year < FIRST_YEAR:
            raise CellProblem("date", "bad_date", "année impossible : à corriger dans le DPI")
        if day.day > 12:
            self.day_first += 1
        return day, before.strip(values.BETWEEN), offset

    def _hour(self, text: str, column: str) -> time | None:
        """None for midnight: nobody is expected then."""
        try:
            hour = values.hour_of(text)
        except ValueError as error:
            raise CellProblem(column, "bad_hour", str(error)) from None
        return None if hour == MIDNIGHT else hour

    def _moment_of(self, text: str) -> datetime | None:
        """When something was recorded; None if nobody can tell: it decides nothing alone."""
        try:
            if text[10:11] == " ":  # day and hour are few, their combinations many
                day, rest = values.date_and_rest(text[:10])[0], text[11:]
            else:
                day, rest = values.date_and_rest(text)
            before, offset = values.offset_of(rest)
            hour = values.hour_of(before.strip(values.BETWEEN)) or MIDNIGHT
        except ValueError:
            return None
        if offset is not None:
            return datetime.combine(day, hour, UTC) - offset
        return datetime.combine(day, hour, self._zone).astimezone(UTC)
