"""From FHIR resources to records: no socket, every rule by name."""

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dpi.fhir_records import appointment_record, patient_record, related_contacts
from adapters.dpi.fhir_resources import Appointment, Patient, Period, RelatedPerson
from adapters.dpi.fhir_values import (
    UF_PLACES,
    EntryProblem,
    Reading,
    UfPlace,
    current,
    instant,
)
from reminders.domain.appointment import AppointmentRecord, Holder, PatientRecord, Status

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 10, 13, 7, 55, tzinfo=UTC)
READING = Reading(zone=PARIS)


def read_patient(reading: Reading = READING, **fields: Any) -> PatientRecord:
    resource = msgspec.json.decode(json.dumps({"id": "p1", **fields}), type=Patient)
    return patient_record(resource, reading, now=NOW)


def read(reading: Reading = READING, **fields: Any) -> AppointmentRecord:
    whole = {"id": "a1", "status": "booked", "start": "2026-10-16T09:30:00+02:00", **fields}
    resource = msgspec.json.decode(json.dumps(whole), type=Appointment)
    line = resource.participant[0] if resource.participant else None
    return appointment_record(resource, line, None, reading, row=1)


def coded(*codes: str, system: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes]}


# --- identity --------------------------------------------------------------------------------

INS = {"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "279035121518989", "type": coded("PI")}
PI = {"system": "urn:oid:1.2.250.1.999.1", "value": "0001234", "type": coded("PI")}
OTHER = {"system": "urn:labo", "value": "L77"}


@pytest.mark.parametrize("suffix", ["2", "8", "9", "10", "11", "12"])
def test_the_national_identity_is_dropped_whatever_its_type_says(suffix: str) -> None:
    ins = {**INS, "system": f"urn:oid:1.2.250.1.213.1.4.{suffix}"}
    record = read_patient(identifier=[ins, PI])
    assert (record.identifier, record.authority) == ("0001234", "1.2.250.1.999.1")
    assert "279035121518989" not in repr(read_patient(identifier=[ins]))


def test_the_national_identity_is_dropped_by_type_where_its_system_is_missing() -> None:
    ins = {"value": "279035121518989", "type": coded("INS-NIR", "PI")}
    assert "279035121518989" not in repr(read_patient(identifier=[ins]))


def test_the_configured_systems_come_before_the_type() -> None:
    reading = Reading(zone=PARIS, ipp_systems=("urn:absent", "urn:labo"))
    assert read_patient(reading, identifier=[PI, OTHER]).identifier == "L77"
    assert read_patient(identifier=[OTHER, PI]).identifier == "0001234"


def test_an_old_number_is_not_the_patients_number() -> None:
    old = {**PI, "value": "0009999", "use": "old"}
    assert read_patient(identifier=[old, PI]).identifier == "0001234"


def test_without_a_number_the_logical_id_serves() -> None:
    record = read_patient(identifier=[OTHER])
    assert (record.identifier, record.authority) == ("p1", "")


def test_the_name_in_use_comes_before_the_birth_name() -> None:
    birth = {"use": "official", "family": "NAISSANCE", "given": ["Dominique", "Anne"]}
    used = {"use": "usual", "family": "EXEMPLE"}
    maiden = {"use": "maiden", "family": "ANCIEN", "given": ["Ancien"]}
    record = read_patient(name=[maiden, birth, used])
    assert (record.family, record.given) == ("EXEMPLE", "Dominique")


@pytest.mark.parametrize(
    ("codes", "status"),
    [(["VALI"], "VALI"), (["VALI", "DOUA"], "DOUA"), (["DPOT", "CACH"], "CACH"), ([], "")],
)
def test_the_gravest_identity_status_counts(codes: list[str], status: str) -> None:
    parts = [{"url": "identityStatus", "valueCoding": {"code": code}} for code in codes]
    how = {"url": "validationMode", "valueCoding": {"code": "CN"}}
    url = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-identity-reliability"
    assert (
        read_patient(extension=[{"url": url, "extension": [how, *parts]}]).identity_status == status
    )


def test_death_is_read_in_both_its_forms() -> None:
    assert read_patient(deceasedBoolean=True).deceased
    assert read_patient(deceasedDateTime="2026-09").deceased
    assert not read_patient(deceasedBoolean=False).deceased
    assert not read_patient(active=False).active


def test_a_restricted_record_is_confidential() -> None:
    assert read_patient(meta={"security": [{"code": "V"}]}).confidential
    assert not read_patient(meta={"security": [{"code": "N"}]}).confidential


def test_the_preferred_language_comes_first() -> None:
    spoken = [{"language": coded("fr")}, {"language": coded("ar"), "preferred": True}]
    assert read_patient(communication=spoken).language == "ar"
    assert read_patient(communication=spoken[:1]).language == "fr"
    assert read_patient().language == ""


@pytest.mark.parametrize("text", ["1979", "1979-03", "", "1979-02-30"])
def test_a_partial_or_impossible_birth_date_is_none(text: str) -> None:
    assert read_patient(birthDate=text).birth_date is None
    assert read_patient(birthDate="1979-03-28").birth_date == date(1979, 3, 28)


# --- contacts --------------------------------------------------------------------------------


def values(**fields: Any) -> list[str]:
    return [point.value for point in read_patient(**fields).contacts]


def test_phones_and_mails_in_use_are_kept_as_written() -> None:
    told = [
        {"system": "phone", "value": "06 39 98 00 01", "use": "home", "rank": 2},
        {"system": "sms", "value": "0639980002", "use": "mobile", "rank": 1},
        {"system": "email", "value": "lea.test@example.org"},
        {"system": "fax", "value": "01 99 00 00 03"},
        {"system": "phone", "value": " "},
        {"system": "phone", "value": "06 39 98 00 05", "use": "old"},
    ]
    kept = read_patient(telecom=told).contacts
    assert [(point.system, point.value, point.use, point.rank) for point in kept] == [
        ("phone", "06 39 98 00 01", "home", 2),
        ("phone", "0639980002", "mobile", 1),
        ("email", "lea.test@example.org", "", 0),
    ]


@pytest.mark.parametrize(
    ("period", "kept"),
    [
        ({"end": "2026-10-12"}, False),
        ({"end": "2026-10-13"}, True),  # that whole day
        ({"end": "2026-10"}, True),
        ({"end": "2026-09"}, False),
        ({"end": "2026"}, True),
        ({"end": "2025"}, False),
        ({"end": "2026-10-13T09:54:59+02:00"}, False),
        ({"end": "2026-10-13T09:55:00+02:00"}, True),
        ({"end": "jamais"}, False),
        ({"end": "²026"}, False),
        ({"end": "2026-02-31"}, False),
        ({"end": "9999"}, True),
        ({"end": "9999-12-31"}, True),
        ({"start": "2026-11-01"}, False),
        ({"start": "2026-10-13", "end": "2027-01-01"}, True),
    ],
)
def test_an_address_whose_period_is_over_is_not_used(period: dict[str, str], kept: bool) -> None:
    point = {"system": "phone", "value": "06 39 98 00 01", "period": period}
    assert bool(values(telecom=[point])) is kept


@pytest.mark.parametrize(
    ("codes", "whose"),
    [
        (["MTH"], Holder.PARENT),
        (["FTH", "GUARD"], Holder.GUARDIAN),
        (["STPFTH"], Holder.OTHER),
        (["inconnu"], Holder.OTHER),
        ([], Holder.OTHER),
    ],
)
def test_only_parents_and_guardians_speak_for_a_patient(codes: list[str], whose: Holder) -> None:
    phone = {"system": "phone", "value": "06 39 98 00 09"}
    contact = {"relationship": [coded(*codes)], "telecom": [phone]}
    assert [point.holder for point in read_patient(contact=[contact]).contacts] == [whose]
    person = msgspec.convert(contact, type=RelatedPerson)
    assert [point.holder for point in related_contacts(person, READING, now=NOW)] == [whose]


def test_a_related_person_no_longer_active_is_not_used() -> None:
    phone = {"system": "phone", "value": "06 39 98 00 09"}
    for gone in ({"active": False}, {"period": {"end": "2020"}}):
        person = msgspec.convert({"telecom": [phone], **gone}, type=RelatedPerson)
        assert related_contacts(person, READING, now=NOW) == ()


# --- appointment -----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.UNKNOWN])
def test_every_fhir_status_is_kept(status: Status) -> None:
    assert read(status=status.value).status is status


def test_an_unknown_status_is_never_booked() -> None:
    assert read(status="confirmed").status is Status.UNKNOWN


def test_an_appointment_its_patient_declined_is_looked_at_by_people() -> None:
    line = [{"actor": {"reference": "Patient/p1"}, "status": "declined"}]
    assert read(participant=line).status is Status.UNKNOWN
    assert read(participant=line, status="cancelled").status is Status.CANCELLED


def test_the_configured_system_gives_the_number() -> None:
    both = [{"system": "urn:demande", "value": "D1"}, {"system": "urn:agenda", "value": "F9"}]
    assert read(identifier=both).external_id == "D1"
    assert (
        read(Reading(PARIS, appointment_system="urn:agenda"), identifier=both).external_id == "F9"
    )
    assert read(Reading(PARIS, appointment_system="urn:autre"), identifier=both).external_id == "a1"
    assert read(identifier=[{"value": "sans système"}]).external_id == "a1"


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-10-16T09:30:00", "no_offset"),
        ("2026-10-16", "no_offset"),
        ("demain", "bad_date"),
        ("0001-01-01T00:00:00+02:00", "bad_date"),
        ("", "no_start"),
    ],
)
def test_a_start_that_is_no_instant_is_refused(start: str, code: str) -> None:
    with pytest.raises(EntryProblem) as raised:
        read(start=start)
    assert raised.value.code == code


def test_a_cancelled_appointment_may_have_lost_its_start() -> None:
    assert read(start="", status="cancelled").starts_at is None


def test_the_length_is_told_or_computed() -> None:
    assert read(minutesDuration=45).duration_minutes == 45
    assert read(end="2026-10-16T10:00:00+02:00").duration_minutes == 30
    assert read(end="2026-10-16T09:00:00+02:00").duration_minutes is None
    assert read().duration_minutes is None


ROOM = {"reference": "Location/L5", "identifier": {"system": "urn:uf", "value": "4220"}}
TEAM = {"reference": "https://dpi.example.org/fhir/HealthcareService/H7"}
WHERE: dict[str, Any] = {
    "participant": [{"actor": ROOM}, {"actor": TEAM}],
    "specialty": [coded("394579002", system="http://snomed.info/sct")],
}


@pytest.mark.parametrize(
    ("system", "places", "uf"),
    [
        ("", None, "H7"),
        ("urn:uf", None, "4220"),
        ("urn:autre", None, ""),
        ("", ("Location",), "4220"),
        ("", ("specialty", "Location"), "394579002"),
        ("http://snomed.info/sct", None, "394579002"),
        ("", ("serviceType",), ""),
    ],
)
def test_the_unit_is_read_where_the_site_says(
    system: str, places: tuple[UfPlace, ...] | None, uf: str
) -> None:
    reading = Reading(PARIS, uf_system=system, uf_from=places or UF_PLACES)
    assert read(reading, **WHERE).uf == uf
    assert read(serviceType=[coded("CS", "4220", system="x")], **WHERE).uf == "CS"


def test_nobody_who_works_here_is_named() -> None:
    doctor = {"reference": "Practitioner/d1", "display": "Dr TEST Paul"}
    room = {"reference": "Location/L5", "display": "Bât B niv 2"}
    record = read(participant=[{"actor": doctor}, {"actor": room}])
    assert (record.agenda, record.place) == ("d1", "Bât B niv 2")
    assert "TEST" not in repr(record)


# --- rules -----------------------------------------------------------------------------------


@given(st.datetimes(), st.integers(-840, 840))
def test_an_instant_is_the_same_whatever_the_offset_it_is_written_with(
    moment: datetime, minutes: int
) -> None:
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    moment = moment.replace(year=1901 + moment.year % 290, day=min(moment.day, 28))
    text = f"{moment.isoformat()}{sign}{size // 60:02}:{size % 60:02}"
    assert instant(text, "start") == datetime.fromisoformat(text)
    assert instant(text, "start").tzinfo is UTC


@given(st.text(max_size=12))
def test_no_period_however_badly_written_raises(text: str) -> None:
    current(Period(start=text, end=text), NOW, PARIS)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_period_that_ends_on_a_day_includes_it_and_not_the_next(day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=PARIS)
    period = Period(end=day.isoformat())
    assert current(period, noon, PARIS)
    assert not current(period, datetime.fromtimestamp(noon.timestamp() + 86_400, UTC), PARIS)
