"""From FHIR resources to the core's records: pure, `now` is an argument.

What is left out on purpose: the INS (whatever its type says, by OID), names of staff, reasons,
every identifier or telecom marked old or whose period is over.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from adapters.dpi.fhir_resources import (
    Appointment,
    Concept,
    Extension,
    Name,
    Participant,
    Patient,
    Reference,
    RelatedPerson,
    Telecom,
)
from adapters.dpi.fhir_values import (
    UTC_ZONE,
    EntryProblem,
    Reading,
    actor_type,
    birth_date,
    codes,
    current,
    external_id,
    instant,
    ipp,
    known_instant,
    reference_id,
)
from reminders.domain.appointment import (
    AppointmentRecord,
    CancelledBy,
    ContactPoint,
    Holder,
    PatientRecord,
    Status,
)

# https://terminology.hl7.org/CodeSystem-appointment-cancellation-reason.html
HOSPITAL_REASONS = frozenset({"maint", "oth-room", "oth-err", "oth-oerr"})

# Statuses that may lack a start (R4 invariants app-3 and app-4).
TIMELESS = frozenset({Status.PROPOSED, Status.CANCELLED, Status.WAITLIST})

# FR Core writes table 0445 here; older guides under other names of the same thing.
IDENTITY_EXTENSION = re.compile(r"ident(ity)?-?reliability$", re.IGNORECASE)
# Several codes may be told: the one that forbids most is the one that counts.
IDENTITY_BY_GRAVITY = (
    *("ANOM", "CACH", "FICT", "USUR", "DESA", "DOUA", "INVA", "COLV"),
    *("DPOT", "COLP", "DOUT", "HOMA"),
)
CONFIDENTIAL = frozenset({"R", "V", "CEL", "VIP"})  # v3-Confidentiality, v3-ActCode

# v3-RoleCode (ANS: TRE_R216); step- and in-law parents hold no parental authority.
PARENTS = frozenset(
    {"PRN", "MTH", "FTH", "NPRN", "NMTH", "NFTH", "ADOPTP", "ADOPTM", "ADOPTF", "GESTM"}
)
GUARDIANS = frozenset({"GUARD", "GUADLTM"})

AGENDAS = ("PractitionerRole", "Practitioner", "Device", "HealthcareService")  # in this order
PHONES = frozenset({"phone", "sms"})
UNUSED_NAMES = frozenset({"old", "maiden", "nickname", "anonymous", "temp"})
NAME_ORDER = ("usual", "", "official")  # the name the person uses comes first


# --- patient ---------------------------------------------------------------------------------


def patient_record(patient: Patient, reading: Reading, *, now: datetime) -> PatientRecord:
    """A patient without the INS. Without any IPP the logical id serves, authority "" (the
    source's own)."""
    number = ipp(patient.identifier, reading)
    names = _names(patient.name, now, reading.zone)
    return PatientRecord(
        identifier=number.value if number else patient.id,
        authority=number.system.removeprefix("urn:oid:") if number else "",
        family=next((name.family for name in names if name.family), ""),
        given=next((name.given[0] for name in names if name.given), ""),
        birth_date=birth_date(patient.birth_date),
        sex=patient.gender,
        language=_language(patient),
        deceased=patient.deceased_boolean or bool(patient.deceased_date_time),
        active=patient.active,
        identity_status=identity_status(patient.extension),
        confidential=any(label.code in CONFIDENTIAL for label in patient.meta.security),
        contacts=(
            *contact_points(patient.telecom, Holder.SELF, reading, now=now),
            *_contacts_of_others(patient, reading, now),
        ),
    )


def _names(names: Sequence[Name], now: datetime, zone: ZoneInfo) -> list[Name]:
    usable = [
        each for each in names if each.use not in UNUSED_NAMES and current(each.period, now, zone)
    ]
    order = {use: rank for rank, use in enumerate(NAME_ORDER)}
    return sorted(usable, key=lambda name: order.get(name.use, len(order)))


def _language(patient: Patient) -> str:
    spoken = sorted(patient.communication, key=lambda each: not each.preferred)
    for each in spoken:
        for coding in each.language.coding:
            if coding.code:
                return coding.code
    return ""


def _contacts_of_others(
    patient: Patient, reading: Reading, now: datetime
) -> Iterable[ContactPoint]:
    for contact in patient.contact:
        if current(contact.period, now, reading.zone):
            yield from contact_points(
                contact.telecom, holder(contact.relationship), reading, now=now
            )


def identity_status(extensions: Sequence[Extension]) -> str:
    """The table 0445 code of FR Core's identity reliability; the gravest if several are told.

    https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability
    """
    told = [
        code
        for extension in extensions
        if IDENTITY_EXTENSION.search(extension.url)
        for code in _identity_codes(extension)
    ]
    for code in IDENTITY_BY_GRAVITY:
        if code in told:
            return code
    return told[0] if told else ""


def _identity_codes(extension: Extension) -> Iterable[str]:
    """Codes of the extension itself and of its parts, but for how the identity was checked."""
    for part in (extension, *extension.extension):
        if part.url.startswith("validation") or part.url == "identityCollectionMethod":
            continue
        codings = [part.value_coding] if part.value_coding else []
        if part.value_codeable_concept:
            codings.extend(part.value_codeable_concept.coding)
        yield from (code for code in (part.value_code, *(c.code for c in codings)) if code)


def holder(relationship: Iterable[Concept]) -> Holder:
    """Whose address a related person's is. An unknown word is OTHER: never written to."""
    told = set().union(*(codes(concept) for concept in relationship))
    if told & GUARDIANS:
        return Holder.GUARDIAN
    return Holder.PARENT if told & PARENTS else Holder.OTHER


def contact_points(
    telecom: Iterable[Telecom], whose: Holder, reading: Reading, *, now: datetime
) -> Iterable[ContactPoint]:
    """Phones and e-mails in use now, as written; fax, pager and links are no contact."""
    for each in telecom:
        system = "phone" if each.system in PHONES else each.system
        if system not in ("phone", "email") or not each.value.strip() or each.use == "old":
            continue
        if current(each.period, now, reading.zone):
            yield ContactPoint(system, each.value, each.use, each.rank, whose)


def related_contacts(
    person: RelatedPerson, reading: Reading, *, now: datetime
) -> tuple[ContactPoint, ...]:
    if not person.active or not current(person.period, now, reading.zone):
        return ()
    return tuple(contact_points(person.telecom, holder(person.relationship), reading, now=now))


# --- appointment -----------------------------------------------------------------------------


def appointment_record(
    appointment: Appointment,
    participant: Participant | None,
    patient: PatientRecord | None,
    reading: Reading,
    *,
    row: int,
) -> AppointmentRecord:
    """One appointment of one patient (`participant` is that patient's line in it).

    Raises EntryProblem: no number, a start that is missing, unreadable or without offset.
    """
    number = external_id(appointment.identifier, appointment.id, reading)
    if not number:
        raise EntryProblem("identifier", "no_id", "Rendez-vous sans identifiant ni numéro")
    status = _status(appointment, participant)
    starts_at = _start(appointment, status)
    actors = [(actor_type(each.actor), each.actor) for each in appointment.participant]
    return AppointmentRecord(
        external_id=number,
        status=status,
        starts_at=starts_at,
        patient=patient,
        uf=unit(appointment, actors, reading),
        duration_minutes=_minutes(appointment, starts_at),
        agenda=_agenda(actors),
        kind=_kind(appointment.appointment_type),
        place=next((a.display for kind, a in actors if kind == "Location" and a.display), ""),
        booked_at=known_instant(appointment.created, reading.zone),
        modified_at=known_instant(appointment.meta.last_updated, reading.zone),
        cancelled_by=cancelled_by(appointment),
        row=row,
    )


def _status(appointment: Appointment, participant: Participant | None) -> Status:
    """The FHIR word; one nobody knows is `unknown`. So is an appointment still open that its
    patient declined: staff look, nobody is reminded."""
    try:
        status = Status(appointment.status)
    except ValueError:
        return Status.UNKNOWN
    declined = participant is not None and participant.status == "declined"
    still_open = status in (Status.BOOKED, Status.PENDING, Status.PROPOSED)
    return Status.UNKNOWN if declined and still_open else status


def _start(appointment: Appointment, status: Status) -> datetime | None:
    if appointment.start:
        return instant(appointment.start, "start")
    if status in TIMELESS:
        return None
    raise EntryProblem("start", "no_start", "Rendez-vous sans heure de début")


def _minutes(appointment: Appointment, starts_at: datetime | None) -> int | None:
    if appointment.minutes_duration:
        return appointment.minutes_duration if appointment.minutes_duration > 0 else None
    ends_at = known_instant(appointment.end, UTC_ZONE)
    if starts_at is None or ends_at is None or ends_at <= starts_at:
        return None
    return (ends_at - starts_at) // timedelta(minutes=1)


def _kind(concept: Concept) -> str:
    return next((coding.code for coding in concept.coding if coding.code), concept.text)


def cancelled_by(appointment: Appointment) -> CancelledBy:
    """Who cancelled, by the reason's code: pat* the patient, prov* and failures the hospital."""
    reason = appointment.cancelation_reason or appointment.cancellation_reason
    told = codes(reason) if reason else set()
    if any(code == "pat" or code.startswith("pat-") for code in told):
        return CancelledBy.PATIENT
    if any(code.startswith("prov") or code in HOSPITAL_REASONS for code in told):
        return CancelledBy.HOSPITAL
    return CancelledBy.UNKNOWN


def unit(
    appointment: Appointment, actors: Sequence[tuple[str, Reference]], reading: Reading
) -> str:
    """The code the configuration maps to a service; "" = none told (unmapped, no message).

    The places of `uf_from` are asked in order: a coding's code, or a participant's identifier,
    else (without a configured system) the id in its reference. With `uf_system` only codes and
    identifiers of that system count, so that a national nomenclature is never taken for a UF.
    """
    for place in reading.uf_from:
        if place in ("serviceType", "specialty"):
            concepts = appointment.service_type if place == "serviceType" else appointment.specialty
            told = [(coding.system, coding.code) for each in concepts for coding in each.coding]
        else:
            told = [named for kind, actor in actors if kind == place for named in _names_of(actor)]
        for system, code in told:
            if code and (not reading.uf_system or system == reading.uf_system):
                return code
    return ""


def _names_of(actor: Reference) -> Iterable[tuple[str, str]]:
    if actor.identifier:
        yield actor.identifier.system, actor.identifier.value
    yield "", reference_id(actor.reference)


def _agenda(actors: Sequence[tuple[str, Reference]]) -> str:
    """The identifier or id of whose agenda it is; never a display name."""
    for wanted in AGENDAS:
        for kind, actor in actors:
            if kind == wanted:
                return next((name for _, name in _names_of(actor) if name), "")
    return ""
