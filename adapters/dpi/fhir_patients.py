"""Who the patient of an appointment is: included, fetched by reference, or found by number.

Nothing is guessed: a patient counts only if the answer carries the very id or number asked for,
whatever the server's filters did.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

import httpx
import msgspec

from adapters.dpi.fhir_http import NotUnderstood, Session
from adapters.dpi.fhir_records import patient_record, related_contacts
from adapters.dpi.fhir_resources import (
    Appointment,
    Bundle,
    Head,
    Identifier,
    Participant,
    Patient,
    Reference,
    RelatedPerson,
)
from adapters.dpi.fhir_values import Reading, actor_type, current, ipp, is_ins
from reminders.domain.appointment import PatientRecord

BATCH = 50  # ids in one query: 50 UUIDs make a URL of 2 kB
REMEMBERED = 20_000  # patients kept from page to page
MAJORITY = 18
LOGICAL_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
PAGES = 200  # of one batch, at most

decode_head = msgspec.json.Decoder(Head).decode
decode_patient = msgspec.json.Decoder(Patient).decode
decode_related = msgspec.json.Decoder(RelatedPerson).decode


@dataclass(slots=True)
class Abilities:
    """What a server turned out not to offer, remembered between polls of one process."""

    delta: bool = True
    patient_changes: bool = True
    post_search: bool = True


class Patients:
    """The patients of one feed. Keys: `Patient/id`, a bundle's fullUrl, `system|number`."""

    def __init__(
        self,
        session: Session,
        reading: Reading,
        abilities: Abilities,
        *,
        base_url: str,
        now: datetime,
        related_persons: bool,
    ) -> None:
        self._session = session
        self._reading = reading
        self._abilities = abilities
        self._base = base_url
        self._now = now
        self._related = related_persons
        self._known: dict[str, PatientRecord | None] = {}
        self._alias: dict[str, str] = {}  # fullUrl -> Patient/id
        self._parents_of: set[str] = set()  # minors already asked about

    # --- learning ----------------------------------------------------------------------------

    def include(self, full_url: str, raw: msgspec.Raw) -> None:
        """A patient that came with the page. An unreadable one stays unknown: no message."""
        try:
            patient = decode_patient(raw)
            record = patient_record(patient, self._reading, now=self._now)
        except msgspec.ValidationError:
            return
        key = f"Patient/{patient.id}" if patient.id else full_url
        if full_url:
            self._alias[full_url] = key
        if self._known.get(key) is None:
            self._known[key] = record

    def start_page(self) -> None:
        """Before a page's own patients are included: bound what is kept of earlier ones."""
        if len(self._known) > REMEMBERED:
            self._known.clear()
            self._alias.clear()
            self._parents_of.clear()

    def prepare(self, appointments: Sequence[Appointment]) -> None:
        """Fetch, in batches, whoever these appointments name and the page did not include."""
        keys = {self.key(line.actor) for each in appointments for line in self.lines(each)}
        missing = sorted(key for key in keys if key and key not in self._known)
        self._fetch_by_id([key for key in missing if key.startswith("Patient/")])
        self._fetch_by_number([key for key in missing if "|" in key])
        if self._related:
            self._fetch_parents(key for key in keys if key.startswith("Patient/"))

    def of(self, participant: Participant | None, appointment: Appointment) -> PatientRecord | None:
        """None: nobody told, not readable, or not certain who it is."""
        if participant is None:
            return None
        if participant.actor.reference.startswith("#"):
            return self._contained(participant.actor.reference[1:], appointment)
        return self._known.get(self.key(participant.actor))

    # --- naming ------------------------------------------------------------------------------

    def lines(self, appointment: Appointment) -> list[Participant]:
        """The lines of an appointment that name a patient and are in force."""
        return [
            each
            for each in appointment.participant
            if self._is_patient(each.actor, appointment)
            and current(each.period, self._now, self._reading.zone)
        ]

    def _is_patient(self, actor: Reference, appointment: Appointment) -> bool:
        if actor.reference.startswith("#"):
            return self._contained(actor.reference[1:], appointment) is not None
        if kind := actor_type(actor):
            return kind == "Patient"
        if actor.reference:
            return actor.reference in self._alias
        number = actor.identifier
        return number is not None and (is_ins(number) or ipp([number], self._reading) is not None)

    def key(self, actor: Reference) -> str:
        """How this patient is known here; "" if there is nothing to ask for.

        An absolute reference to another server is never taken for one of ours.
        """
        reference = actor.reference.partition("/_history/")[0]
        if reference in self._alias:
            return self._alias[reference]
        local = reference.removeprefix(f"{self._base}/")
        kind, _, logical_id = local.partition("/")
        if kind == "Patient" and LOGICAL_ID.fullmatch(logical_id):
            return local
        if not reference and actor.identifier and (number := self._ipp(actor.identifier)):
            return f"{number.system}|{number.value}"
        return ""

    def _ipp(self, number: Identifier) -> Identifier | None:
        """An identifier usable as the hospital's number; a declared patient's needs no type."""
        return ipp([number], self._reading) or (
            number if number.system and number.value and not is_ins(number) else None
        )

    def _contained(self, logical_id: str, appointment: Appointment) -> PatientRecord | None:
        for raw in appointment.contained:
            try:
                head = decode_head(raw)
                if head.resource_type == "Patient" and head.id == logical_id:
                    return patient_record(decode_patient(raw), self._reading, now=self._now)
            except msgspec.ValidationError:
                continue
        return None

    # --- asking ------------------------------------------------------------------------------

    def _fetch_by_id(self, keys: Sequence[str]) -> None:
        for batch in batches(keys):
            self._known.update(dict.fromkeys(batch))
            ids = ",".join(key.removeprefix("Patient/") for key in batch)
            for patient in self._patients(
                self._session.url("Patient", ("_id", ids), ("_count", str(BATCH)))
            ):
                if f"Patient/{patient.id}" in batch:
                    self._known[f"Patient/{patient.id}"] = self._record(patient)

    def _fetch_by_number(self, keys: Sequence[str]) -> None:
        """By POST, so that a patient's number stays out of URLs, where the server allows it."""
        for batch in batches(keys):
            found: dict[str, list[Patient]] = {key: [] for key in batch}
            for patient in self._by_number(",".join(escaped(key) for key in batch)):
                for each in patient.identifier:
                    if each.use != "old":
                        found.get(f"{each.system}|{each.value}", []).append(patient)
            for key, patients in found.items():  # two patients of one number: nobody
                self._known[key] = self._record(patients[0]) if len(patients) == 1 else None

    def _by_number(self, numbers: str) -> Iterator[Patient]:
        form = {"identifier": numbers, "_count": str(BATCH)}
        if self._abilities.post_search:
            url = self._session.url("Patient/_search")
            try:
                first = self._session.bundle(url, form=form)
                return self._read(self._session.following(first, url, at_most=PAGES))
            except NotUnderstood:
                self._abilities.post_search = False
        return self._patients(self._session.url("Patient", *form.items()))

    def _patients(self, url: httpx.URL) -> Iterator[Patient]:
        return self._read(self._session.pages(url, at_most=PAGES))

    def _read(self, pages: Iterable[Bundle]) -> Iterator[Patient]:
        for page in pages:
            for entry in page.entry:
                try:
                    if decode_head(entry.resource).resource_type == "Patient":
                        yield decode_patient(entry.resource)
                except msgspec.DecodeError:
                    continue  # unreadable: stays unknown

    def _record(self, patient: Patient) -> PatientRecord:
        return patient_record(patient, self._reading, now=self._now)

    # --- parents of minors -------------------------------------------------------------------

    def _fetch_parents(self, keys: Iterable[str]) -> None:
        minors = [
            key
            for key in keys
            if key not in self._parents_of
            and (known := self._known.get(key))
            and self._minor(known)
        ]
        self._parents_of.update(minors)
        for batch in batches(sorted(minors)):
            url = self._session.url("RelatedPerson", ("patient", ",".join(batch)))
            for page in self._session.pages(url, at_most=PAGES):
                for entry in page.entry:
                    self._add_related(entry.resource, frozenset(batch))

    def _add_related(self, raw: msgspec.Raw, asked: frozenset[str]) -> None:
        try:
            if decode_head(raw).resource_type != "RelatedPerson":
                return
            person = decode_related(raw)
        except msgspec.DecodeError:
            return
        key = self.key(person.patient)
        known = self._known.get(key)
        if key in asked and known:
            more = related_contacts(person, self._reading, now=self._now)
            fresh = tuple(each for each in more if each not in known.contacts)
            self._known[key] = replace(known, contacts=known.contacts + fresh)

    def _minor(self, patient: PatientRecord) -> bool:
        if patient.birth_date is None:
            return False
        today = self._now.astimezone(self._reading.zone).date()
        born = patient.birth_date
        had_birthday = (today.month, today.day) >= (born.month, born.day)
        return today.year - born.year - (not had_birthday) < MAJORITY


def escaped(key: str) -> str:
    """`system|value` as a search token: commas and the like of the value are data."""
    system, _, value = key.partition("|")
    return "|".join(re.sub(r"([\\,$|])", r"\\\1", part) for part in (system, value))


def batches(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, BATCH)):
        yield batch
