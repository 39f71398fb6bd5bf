"""The fields of FHIR R4 resources this service reads, and no other.

Everything a reminder has no use for (addresses, reasons, diagnoses, photos, notes) is dropped
while decoding. Resources: https://hl7.org/fhir/R4/appointment.html, patient.html,
relatedperson.html, bundle.html, operationoutcome.html.

Entries of a bundle stay raw until read one by one, so that one bad entry spoils only itself.
"""

import msgspec


class Resource(msgspec.Struct, frozen=True, rename="camel"):
    """Every struct here: camelCase on the wire, unknown fields ignored."""


class Coding(Resource, frozen=True):
    system: str = ""
    code: str = ""


class Concept(Resource, frozen=True):
    coding: tuple[Coding, ...] = ()
    text: str = ""


class Period(Resource, frozen=True):
    start: str = ""
    end: str = ""


class Identifier(Resource, frozen=True):
    use: str = ""
    type: Concept = Concept()
    system: str = ""
    value: str = ""


class Reference(Resource, frozen=True):
    reference: str = ""
    type: str = ""
    identifier: Identifier | None = None
    display: str = ""


class Meta(Resource, frozen=True):
    version_id: str = ""
    last_updated: str = ""
    security: tuple[Coding, ...] = ()


class Head(Resource, frozen=True):
    """What tells one resource from another before it is read."""

    resource_type: str = ""
    id: str = ""


class Named(Head, frozen=True):
    """What is left to name an appointment that cannot be read."""

    identifier: tuple[Identifier, ...] = ()


# --- appointment -----------------------------------------------------------------------------


class Participant(Resource, frozen=True):
    actor: Reference = Reference()
    status: str = ""
    period: Period = Period()


class Appointment(Resource, frozen=True):
    status: str
    id: str = ""
    meta: Meta = Meta()
    identifier: tuple[Identifier, ...] = ()
    cancelation_reason: Concept | None = None  # R4 spelling
    cancellation_reason: Concept | None = None  # R5 spelling, seen on R4 servers
    service_type: tuple[Concept, ...] = ()
    specialty: tuple[Concept, ...] = ()
    appointment_type: Concept = Concept()
    start: str = ""
    end: str = ""
    minutes_duration: int | None = None
    created: str = ""
    participant: tuple[Participant, ...] = ()
    contained: tuple[msgspec.Raw, ...] = ()


# --- patient ---------------------------------------------------------------------------------


class Name(Resource, frozen=True):
    use: str = ""
    family: str = ""
    given: tuple[str, ...] = ()
    period: Period = Period()


class Telecom(Resource, frozen=True):
    system: str = ""
    value: str = ""
    use: str = ""
    rank: int = 0
    period: Period = Period()


class Communication(Resource, frozen=True):
    language: Concept = Concept()
    preferred: bool = False


class Extension(Resource, frozen=True):
    url: str = ""
    extension: tuple["Extension", ...] = ()
    value_coding: Coding | None = None
    value_code: str = ""
    value_codeable_concept: Concept | None = None


class PatientContact(Resource, frozen=True):
    relationship: tuple[Concept, ...] = ()
    telecom: tuple[Telecom, ...] = ()
    period: Period = Period()


class Patient(Resource, frozen=True):
    id: str = ""
    meta: Meta = Meta()
    extension: tuple[Extension, ...] = ()
    identifier: tuple[Identifier, ...] = ()
    active: bool = True
    name: tuple[Name, ...] = ()
    telecom: tuple[Telecom, ...] = ()
    gender: str = ""
    birth_date: str = ""
    deceased_boolean: bool = False
    deceased_date_time: str = ""
    contact: tuple[PatientContact, ...] = ()
    communication: tuple[Communication, ...] = ()


class RelatedPerson(Resource, frozen=True):
    active: bool = True
    patient: Reference = Reference()
    relationship: tuple[Concept, ...] = ()
    telecom: tuple[Telecom, ...] = ()
    period: Period = Period()


# --- what carries them -----------------------------------------------------------------------


class Search(Resource, frozen=True):
    mode: str = ""


class Entry(Resource, frozen=True):
    full_url: str = ""
    resource: msgspec.Raw = msgspec.Raw()
    search: Search = Search()


class Link(Resource, frozen=True):
    relation: str = ""
    url: str = ""


class Bundle(Resource, frozen=True):
    resource_type: str = ""
    type: str = ""
    total: int | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[Entry, ...] = ()


class Issue(Resource, frozen=True):
    severity: str = ""
    code: str = ""
    diagnostics: str = ""  # read for the name of an ignored parameter, never repeated


class OperationOutcome(Resource, frozen=True):
    resource_type: str = ""
    issue: tuple[Issue, ...] = ()
