"""The hospital's patients and appointments as FHIR R4 resources."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from reminders.simulation.hospital import PARIS, Booking
from reminders.simulation.people import Line, Person, canonical

IPP_SYSTEM = "urn:oid:1.2.250.1.999.1.1"
APPOINTMENT_SYSTEM = "urn:oid:1.2.250.1.999.1.2"
UF_SYSTEM = "urn:oid:1.2.250.1.999.1.3"
CANCELLATION = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
RELIABILITY = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability"

Resource = dict[str, Any]


def patient_resource(person: Person, *, changed_number: bool = False) -> Resource:
    """The patient as the DPI knows them; with `changed_number`, after a new mobile was told."""
    lines = renumbered(person).lines if changed_number else person.lines
    parents = [_telecom(line) for line in lines if line.holder == "parent"]
    own = [_telecom(line) for line in lines if line.holder == "self"]
    if changed_number:
        own += [_telecom(line) | {"use": "old"} for line in person.lines if line not in lines]
    resource: Resource = {
        "id": person.id,
        "active": person.active,
        "identifier": [
            {
                "system": IPP_SYSTEM,
                "value": f"80{person.id[1:]}",
                "type": {"coding": [{"code": "PI"}]},
            }
        ],
        "extension": [
            {
                "url": RELIABILITY,
                "extension": [{"url": "identityStatus", "valueCoding": {"code": person.identity}}],
            }
        ],
        "name": [{"use": "official", "family": person.family.upper(), "given": [person.given]}],
        "gender": person.sex,
        "birthDate": person.birth_date.isoformat(),
        "telecom": own,
        "communication": [{"language": {"coding": [{"code": person.language}]}, "preferred": True}],
    }
    if parents:
        role = {"coding": [{"system": ROLES, "code": "MTH"}]}
        resource["contact"] = [{"relationship": [role], "telecom": parents}]
    if person.deceased:
        resource["deceasedBoolean"] = True
    return resource


def renumbered(person: Person) -> Person:
    """The person once the DPI knows the new mobile number; the others stay."""
    new = Line(
        "phone", person.new_mobile, "mobile", person.lines[0].holder if person.lines else "self"
    )
    kept = tuple(x for x in person.lines if not canonical(x.value).startswith("+336"))
    return replace(person, lines=(new, *kept))


def appointment_resource(
    booking: Booking, status: str, starts_at: datetime, cancelled_by: str = ""
) -> Resource:
    """The appointment as it stands. `cancelled_by`: "patient", "hospital" or ""."""
    ends_at = starts_at + timedelta(minutes=booking.unit.minutes)
    resource: Resource = {
        "id": f"rdv-{booking.id}",
        "identifier": [{"system": APPOINTMENT_SYSTEM, "value": booking.id}],
        "status": status,
        "serviceType": [{"coding": [{"system": UF_SYSTEM, "code": booking.unit.uf}]}],
        "start": starts_at.astimezone(PARIS).isoformat(),
        "end": ends_at.astimezone(PARIS).isoformat(),
        "minutesDuration": booking.unit.minutes,
        "created": booking.booked_at.astimezone(PARIS).isoformat(timespec="seconds"),
        "participant": [
            {"actor": {"reference": f"Patient/{booking.person.id}"}, "status": "accepted"},
            {
                "actor": {"reference": f"HealthcareService/agenda-{booking.unit.uf}"},
                "status": "accepted",
            },
        ],
    }
    if cancelled_by:
        code = "pat" if cancelled_by == "patient" else "prov"
        resource["cancelationReason"] = {"coding": [{"system": CANCELLATION, "code": code}]}
    return resource


def _telecom(line: Line) -> Resource:
    return {"system": line.system, "value": line.value, "use": line.use}
