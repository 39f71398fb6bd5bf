"""The rows of one search: entries sorted by kind, read one by one, counted against the total."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from adapters.dpi.fhir_http import Session
from adapters.dpi.fhir_patients import Patients, decode_head
from adapters.dpi.fhir_records import appointment_record
from adapters.dpi.fhir_resources import (
    Appointment,
    Bundle,
    Entry,
    Head,
    Meta,
    Named,
    OperationOutcome,
)
from adapters.dpi.fhir_values import UTC_ZONE, EntryProblem, Reading, external_id, known_instant
from reminders.domain.appointment import AppointmentRecord, RowProblem

decode_appointment = msgspec.json.Decoder(Appointment).decode
decode_named = msgspec.json.Decoder(Named).decode
decode_outcome = msgspec.json.Decoder(OperationOutcome).decode


class Dated(Head, frozen=True):
    meta: Meta = Meta()


decode_dated = msgspec.json.Decoder(Dated).decode


@dataclass(frozen=True, slots=True)
class Found:
    row: int
    appointment: Appointment


class Reader:
    """Reads the pages of one query, in order.

    `told`: number -> logical id of what this feed already gave, so that each appointment is
    told once. `only`: keep the appointments of these patients (`Patient/id`).
    """

    def __init__(
        self,
        session: Session,
        patients: Patients,
        reading: Reading,
        told: dict[str, str],
        *,
        only: frozenset[str] | None = None,
    ) -> None:
        self._session = session
        self._patients = patients
        self._reading = reading
        self._told = told
        self._only = only
        self._row = 0
        self._seen: dict[str, str] = {}  # logical id -> version
        self._count = 0  # distinct matches
        self._moved = False  # one was seen twice in two versions
        self._totals: list[int] = []

    def read(self, page: Bundle) -> Iterator[AppointmentRecord | RowProblem]:
        if page.total is not None:
            self._totals.append(page.total)
        self._patients.start_page()
        found = [each for entry in page.entry if (each := self._sort(entry))]
        self._patients.prepare([each.appointment for each in found if isinstance(each, Found)])
        for each in found:
            if isinstance(each, RowProblem):
                yield each
            elif (row := self._record(each)) is not None:
                yield row

    def check_complete(self, *, exactly: bool = False) -> None:
        """Raises FeedRefused("partial") if fewer were seen than announced.

        `exactly` (a snapshot): nor more, nor a page's total unlike another's, nor one
        appointment in two versions: pages that shift while being read hide appointments.
        """
        if not exactly:
            if self._totals and self._count < min(self._totals):
                raise self._partial(min(self._totals))
            return
        for total in self._totals:
            if total != self._count:
                raise self._partial(total)
        if self._moved and not self._totals:
            raise self._session.refused(
                "partial", "des rendez-vous ont changé pendant la lecture ; nouvel essai plus tard"
            )

    def _partial(self, total: int) -> Exception:
        return self._session.refused(
            "partial", f"lecture incomplète : {self._count} rendez-vous lus, {total} annoncés"
        )

    # --- one entry ---------------------------------------------------------------------------

    def _sort(self, entry: Entry) -> Found | RowProblem | None:
        try:
            head = decode_head(entry.resource)
        except msgspec.DecodeError:
            head = Head()
        if head.resource_type == "Appointment" and entry.search.mode != "include":
            return self._appointment(head, entry.resource)
        if head.resource_type == "Patient":
            self._patients.include(entry.full_url, entry.resource)
        elif head.resource_type == "OperationOutcome":
            self._check_outcome(entry.resource)
        elif entry.search.mode == "match" or not head.resource_type:
            self._row += 1
            self._count += 1
            return RowProblem(
                self._row, "resource", "not_appointment", "Entrée qui n'est pas un rendez-vous"
            )
        return None

    def _check_outcome(self, raw: msgspec.Raw) -> None:
        """A warning rides along; an error says that this page is not whole."""
        if any(issue.severity in ("error", "fatal") for issue in decoded_outcome(raw).issue):
            raise self._session.refused("partial", "le serveur signale un résultat incomplet")

    def _appointment(self, head: Head, raw: msgspec.Raw) -> Found | RowProblem | None:
        try:
            appointment = decode_appointment(raw)
        except msgspec.ValidationError as error:
            if self._repeated(head.id, ""):
                return None
            path = str(error).rpartition("`$")[2].strip("`.") or "resource"
            return self._problem(raw, path, "bad_field", f"Champ illisible : {path}")
        if self._repeated(head.id, appointment.meta.version_id + appointment.meta.last_updated):
            return None
        return Found(self._row, appointment)

    def _repeated(self, logical_id: str, version: str) -> bool:
        if logical_id and logical_id in self._seen:
            self._moved |= self._seen[logical_id] != version
            return True
        if logical_id:
            self._seen[logical_id] = version
        self._row += 1
        self._count += 1
        return False

    def _record(self, found: Found) -> AppointmentRecord | RowProblem | None:
        appointment = found.appointment
        lines = self._patients.lines(appointment)
        if self._only is not None and not any(
            self._patients.key(line.actor) in self._only for line in lines
        ):
            return None
        number = external_id(appointment.identifier, appointment.id, self._reading)
        if len(lines) > 1:
            return self._refuse(
                found,
                number,
                "participant",
                "several_patients",
                "Rendez-vous de plusieurs patients",
            )
        line = lines[0] if lines else None
        patient = self._patients.of(line, appointment)
        try:
            record = appointment_record(appointment, line, patient, self._reading, row=found.row)
        except EntryProblem as problem:
            return self._refuse(found, number, problem.column, problem.code, problem.sentence)
        return self._once(record, appointment.id)

    def _once(
        self, record: AppointmentRecord, logical_id: str
    ) -> AppointmentRecord | RowProblem | None:
        before = self._told.get(record.external_id)
        if before is None:
            self._told[record.external_id] = logical_id
            return record
        if before and before == logical_id:  # told by the pass before
            return None
        return RowProblem(
            record.row,
            "identifier",
            "duplicate_number",
            "Deux rendez-vous portent le même numéro ; réglez appointment_system",
            record.external_id,
        )

    def _refuse(
        self, found: Found, number: str, column: str, code: str, sentence: str
    ) -> RowProblem:
        return RowProblem(found.row, column, code, sentence, number)

    def _problem(self, raw: msgspec.Raw, column: str, code: str, sentence: str) -> RowProblem:
        """The appointment's number all the same, so that it does not count as vanished."""
        try:
            named = decode_named(raw)
        except msgspec.ValidationError:
            named = Named(id=decode_head(raw).id)
        number = external_id(named.identifier, named.id, self._reading)
        return RowProblem(self._row, column, code, sentence, number)


def decoded_outcome(raw: msgspec.Raw) -> OperationOutcome:
    try:
        return decode_outcome(raw)
    except msgspec.DecodeError:
        return OperationOutcome()


def ignored_filter(page: Bundle, parameter: str, asked: datetime) -> bool:
    """Did the server answer without this filter? It says so, or an entry is older than asked."""
    for entry in page.entry:
        dated = _dated(entry)
        if dated.resource_type == "OperationOutcome":
            if any(
                issue.code == "not-supported" and parameter in issue.diagnostics
                for issue in decoded_outcome(entry.resource).issue
            ):
                return True
        elif entry.search.mode != "include":
            changed = known_instant(dated.meta.last_updated, UTC_ZONE)
            if changed is not None and changed < asked - timedelta(seconds=1):
                return True
    return False


def last_updates(page: Bundle, kind: str) -> Iterable[str]:
    """Logical ids of the resources of this kind."""
    for entry in page.entry:
        dated = _dated(entry)
        if dated.resource_type == kind and dated.id:
            yield dated.id


def _dated(entry: Entry) -> Dated:
    try:
        return decode_dated(entry.resource)
    except msgspec.DecodeError:
        return Dated()
