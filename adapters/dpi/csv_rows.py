"""From the cells of a line to the core's record.

A cell nobody can read costs its line only where acting on the rest could harm: a wrong hour, a
minor taken for an adult. A phone or a duration is passed on or left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from zoneinfo import ZoneInfo

from adapters.dpi import csv_values as values
from adapters.dpi import csv_words as words
from adapters.dpi.csv_layout import Layout
from reminders.domain.appointment import (
    AppointmentRecord,
    CancelledBy,
    ContactPoint,
    Holder,
    PatientRecord,
    RowProblem,
    Status,
)

Row = AppointmentRecord | RowProblem
FURTHEST = timedelta(days=3 * 366)  # 31/12/2099 is how some write "no date"
LONGEST_ID = 64
MIDNIGHT = time()
UNREADABLE = "\ufffd"

# The cells a record is made of, in the order `_Reader` unpacks them.
USED = (
    "number", "status", "date", "hour", "duration", "ipp", "birth_name", "used_name", "given",
    "birth_date", "sex", "landline", "mobile", "work_phone", "email", "uf", "agenda",
    "agenda_label", "kind", "place", "site", "booked_at", "modified_at", "cancelled_by",
    "cancel_reason", "consent", "language", "identity", "deceased", "confidential", "protected",
    "parent_phone", "parent_email", "guardian_phone", "guardian_email",
)  # fmt: skip
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


@dataclass(frozen=True, slots=True)
class Reading:
    """How this site's values are to be read."""

    zone: ZoneInfo
    now: datetime
    statuses: Mapping[str, words.Told]
    ipp_width: int = 0


class CellProblem(Exception):
    def __init__(self, column: str, code: str, sentence: str) -> None:
        super().__init__(code)
        self.column = column  # ours
        self.code = code
        self.sentence = sentence


class Rows:
    """Reads the rows of one file, and remembers what concerns the file as a whole."""

    def __init__(self, layout: Layout, reading: Reading) -> None:
        self.layout = layout
        self._reading = reading
        self._cells: Callable[[Sequence[str]], tuple[str, ...]] = itemgetter(
            *(layout.columns.get(name, layout.width) for name in USED)
        )
        self._numbered = "number" in layout.columns
        self._has_status = "status" in layout.columns
        self._contacts = [
            (USED.index(name), use, holder)
            for name, use, holder in CONTACTS
            if name in layout.columns
        ]
        self._this_year = reading.now.astimezone(reading.zone).year
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
        return found if len(found) <= LONGEST_ID and UNREADABLE not in found else ""

    def number_of_misfit(self, cells: Sequence[str]) -> str:
        """The number of a line whose columns have shifted: believed only before the shift. A
        wrong one would let the appointment of this line pass for vanished."""
        first = self.layout.columns.get("number") == 0
        return self.number_of(cells) if first and 2 * len(cells) >= self.layout.width else ""

    def read(self, cells: list[str], line: int) -> Row | None:
        """`cells` has the layout's width. None: a slot without patient, no appointment."""
        cells = list(map(str.strip, cells))
        cells.append("")  # stands for every column the file has not
        row = self._cells(cells)
        external_id = ""
        try:
            if not row[0] and not row[5] and not row[6] and not row[7]:
                return None
            if UNREADABLE in "".join(row):
                raise self._garbled(row)
            patient = self._patient(row)
            if self._numbered:
                external_id = self._number(row[0])
            starts_at, all_day = self._starting(row)
            if not self._numbered:
                external_id = self._composite(row, patient, starts_at, all_day)
            return self._record(row, external_id, patient, starts_at, all_day, line)
        except CellProblem as problem:
            if self._numbered:
                external_id = external_id or self.number_of(cells)
            return RowProblem(
                line,
                self.layout.name(problem.column),
                problem.code,
                problem.sentence,
                external_id,
            )

    # --- the appointment ---------------------------------------------------------------------

    def _record(
        self,
        row: tuple[str, ...],
        external_id: str,
        patient: PatientRecord | None,
        starts_at: datetime | None,
        all_day: bool,
        line: int,
    ) -> AppointmentRecord:
        status, by = self._told(row[1])
        if status is Status.CANCELLED and by is CancelledBy.UNKNOWN and (row[23] or row[24]):
            by = words.cancelled_by(f"{row[23]} {row[24]}")
        return AppointmentRecord(
            external_id,
            status,
            starts_at,
            patient,
            row[15],
            row[20],
            values.minutes_of(row[4]),
            row[16] or row[17],
            row[18],
            row[19],
            self._known_moment(row[21]),
            self._known_moment(row[22]),
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
            self.unknown_words[word[:40]] = self.unknown_words.get(word[:40], 0) + 1
        return told

    def _number(self, text: str) -> str:
        if not text:
            raise CellProblem("number", "no_number", "numéro de rendez-vous vide : à renseigner")
        try:
            found = values.identifier(text)
        except ValueError as error:
            raise CellProblem("number", "excel", str(error)) from None
        if len(found) > LONGEST_ID:
            raise CellProblem("number", "no_number", "numéro de rendez-vous trop long")
        return found

    def _composite(
        self,
        row: tuple[str, ...],
        patient: PatientRecord | None,
        starts_at: datetime | None,
        all_day: bool,
    ) -> str:
        """IPP, date, hour and agenda as one number that shows none of them."""
        if patient is None or starts_at is None:
            raise CellProblem(
                "ipp", "no_number", "ni numéro de rendez-vous ni IPP : ligne impossible à suivre"
            )
        local = starts_at.astimezone(self._reading.zone)
        key = (
            patient.identifier,
            f"{local:%Y%m%d%H%M}"[: 8 if all_day else 12],
            row[16] or row[17],
        )
        return "c-" + blake2b("\x1f".join(key).encode(), digest_size=10).hexdigest()

    def _starting(self, row: tuple[str, ...]) -> tuple[datetime, bool]:
        starts_at, all_day = self._start(row[2], row[3])
        if starts_at > self._latest:
            raise CellProblem("date", "far", "date dans plus de trois ans : à vérifier dans le DPI")
        return starts_at, all_day

    def _start_of(self, day_text: str, hour_text: str) -> tuple[datetime, bool]:
        """The start, and whether only its day is known. Midnight is how exports write no hour."""
        if not day_text:
            raise CellProblem("date", "no_date", "date du rendez-vous vide")
        day, rest, offset = self._date(day_text)
        told_with_day = self._hour(rest, "date")
        if offset is not None and told_with_day is not None:
            return datetime.combine(day, told_with_day, UTC) - offset, False
        hour = self._hour(hour_text, "hour") or told_with_day
        local = datetime.combine(day, hour or MIDNIGHT, self._reading.zone)
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

    def _known_moment(self, text: str) -> datetime | None:
        return self._moment(text) if text else None

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
        return datetime.combine(day, hour, self._reading.zone).astimezone(UTC)

    # --- the patient -------------------------------------------------------------------------

    def _patient(self, row: tuple[str, ...]) -> PatientRecord | None:
        """None without a number: nobody can be told apart by name."""
        if not row[5]:
            return None
        try:
            number = values.identifier(row[5], self._reading.ipp_width)
        except ValueError as error:
            raise CellProblem("ipp", "excel", str(error)) from None
        if len(number) > LONGEST_ID:
            raise CellProblem("ipp", "bad_ipp", "IPP trop long")
        return PatientRecord(
            number,
            "",
            row[7] or row[6],
            row[8],
            self._born(row[9]) if row[9] else None,
            words.sex_of(row[10]),
            words.language_of(row[26]) if row[26] else "",
            words.flagged(row[28]) if row[28] else False,
            True,
            words.identity_of(row[27]) if row[27] else "",
            words.flagged(row[29]) if row[29] else False,
            words.flagged(row[30]) if row[30] else False,
            words.refuses(row[25]),
            tuple(
                [
                    ContactPoint("email" if "@" in row[place] else "phone", row[place], use, 0, who)
                    for place, use, who in self._contacts
                    if row[place]
                ]
            ),
        )

    def _born(self, text: str) -> date | None:
        try:
            return values.birth_date(text, self._this_year)
        except ValueError as error:
            raise CellProblem(
                "birth_date",
                "bad_birth_date",
                f"{error} : un mineur pourrait être pris pour majeur",
            ) from None

    def _garbled(self, row: tuple[str, ...]) -> CellProblem:
        column = next(name for name, cell in zip(USED, row, strict=True) if UNREADABLE in cell)
        return CellProblem(
            column, "encoding", "caractère illisible : préciser encoding ou corriger l'export"
        )
