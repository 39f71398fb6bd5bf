"""The FHIR source against the simulated DPI, over real sockets."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.dpi.fhir import FhirSource
from reminders.domain.appointment import AppointmentRecord, CancelledBy, RowProblem, Status
from tests.adapters.dpi.fhir_dpi import (
    BEFORE,
    IPP,
    NOW,
    Dpi,
    Port,
    appointment,
    only,
    opened,
    patient,
    poll,
    records,
)
from tests.contracts.appointment_source import FAMILY, GIVEN, PHONE, AppointmentSourceContract, Told


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with opened() as port:
        yield port


@pytest.fixture
def dpi(port: Port) -> Dpi:
    return port.dpi()


class TestFhir(AppointmentSourceContract):
    @pytest.fixture(autouse=True)
    def _dpi(self, port: Port) -> None:
        self.port = port
        self.dpi = port.dpi()

    def holding(self, told: Sequence[Told]) -> FhirSource:
        for each in told:
            self._put(each)
        return self.dpi.source()

    def _put(self, told: Told, **fields: object) -> None:
        name = {"family": FAMILY, "given": [GIVEN]}
        telecom = {"system": "phone", "value": PHONE, "use": "mobile"}
        whose = int(told.ipp)
        self.dpi.hold(
            patient(whose, name=[name], telecom=[telecom]),
            appointment(
                int(told.number[1:]),
                whose=whose,
                identifier=[{"system": "urn:agenda", "value": told.number}],
                status=told.status,
                start=told.starts_at.isoformat(),
                end=(told.starts_at + timedelta(minutes=20)).isoformat(),
                **fields,  # type: ignore[arg-type]
            ),
        )

    def with_a_bad_row(self, good: Sequence[Told], bad: Told) -> FhirSource:
        source = self.holding(good)
        self._put(bad, minutesDuration=f"{FAMILY} {PHONE}")
        return source

    def cut(self, told: Sequence[Told]) -> FhirSource:
        self.holding(told)
        self.dpi.faults.broken = "truncated"
        return self.dpi.source(page_size=2)

    def unreachable(self) -> FhirSource:
        self.dpi.faults.busy = 1_000
        return self.dpi.source()


# --- what is read ----------------------------------------------------------------------------


def test_an_appointment_arrives_with_its_patient(dpi: Dpi) -> None:
    dpi.hold(
        patient(1),
        appointment(
            1,
            identifier=[{"system": "urn:agenda", "value": "R000123"}],
            minutesDuration=30,
            created="2026-09-01",
            appointmentType={"coding": [{"code": "CS"}]},
        ),
    )
    record = only(dpi.source())
    assert record.patient is not None
    assert record == AppointmentRecord(
        external_id="R000123",
        status=Status.BOOKED,
        starts_at=NOW + timedelta(days=3),
        patient=record.patient,
        uf="4220",
        duration_minutes=30,
        kind="CS",
        booked_at=datetime(2026, 8, 31, 22, tzinfo=UTC),  # midnight in Paris
        modified_at=BEFORE,
        row=1,
    )
    assert (record.patient.identifier, record.patient.authority) == ("0000001", "1.2.250.1.999.1")
    assert [point.value for point in record.patient.contacts] == ["06 39 98 00 12"]


def test_every_page_is_read_and_each_appointment_told_once(dpi: Dpi) -> None:
    dpi.fill(25)
    found = records(dpi.source(page_size=4))
    assert sorted(record.external_id for record in found) == sorted(f"a{n}" for n in range(1, 26))
    assert all(record.patient for record in found)
    assert sum("_getpages" in path for path in dpi.paths()) == 6


def test_a_snapshot_says_its_window_and_when_the_poll_began(dpi: Dpi) -> None:
    feed, _ = poll(dpi.source(history_days=7, horizon_days=30))
    assert feed.info.mode == "snapshot"
    assert feed.info.as_of == NOW
    assert feed.info.window == (NOW - timedelta(days=7), NOW + timedelta(days=30))


def test_searches_ask_not_to_be_answered_from_a_cache(dpi: Dpi) -> None:
    dpi.faults.broken = "stale"
    dpi.fill(1)
    source = dpi.source()
    assert only(source).status is Status.BOOKED
    dpi.hold(appointment(1, status="cancelled"), at=NOW)
    assert only(source).status is Status.CANCELLED


def test_filters_a_server_ignores_are_applied_here(dpi: Dpi) -> None:
    dpi.faults.broken = "ignore_filters"
    dpi.hold(
        patient(1),
        appointment(1),
        appointment(2, whose=1, days=91),
        appointment(3, whose=1, days=-15),
        appointment(4, whose=1, status="waitlist"),
        appointment(5, whose=1, days=-13),
    )
    source = dpi.source(status=["booked", "cancelled"])
    assert {record.external_id for record in records(source)} == {"a1", "a5"}


def test_patients_the_page_does_not_include_are_fetched_in_one_query(dpi: Dpi) -> None:
    dpi.faults.broken = "no_include"
    dpi.fill(12)
    assert all(record.patient for record in records(dpi.source()))
    assert sum(path.startswith("/Patient") for path in dpi.paths()) == 1


def test_without_include_patients_are_fetched_all_the_same(dpi: Dpi) -> None:
    dpi.fill(3)
    assert all(record.patient for record in records(dpi.source(include=False)))
    assert not any("_include" in path for path in dpi.paths())


def test_an_appointment_without_patient_is_told_without_one(dpi: Dpi) -> None:
    dpi.hold(appointment(1, participant=[]), appointment(2, whose=99))
    assert [record.patient for record in records(dpi.source())] == [None, None]


def by_number(number: int, value: str, **more: object) -> dict[str, object]:
    actor = {"type": "Patient", "identifier": {"system": IPP, "value": value, **more}}
    return appointment(number, participant=[{"actor": actor}])


@pytest.mark.parametrize("post", [True, False])
def test_a_patient_named_by_number_only_is_looked_up(dpi: Dpi, post: bool) -> None:
    dpi.faults.post_search = post
    dpi.hold(patient(1), patient(2), by_number(1, "0000001"), by_number(2, "0000404"))
    found = {record.external_id: record.patient for record in records(dpi.source())}
    assert found["a1"] is not None
    assert found["a1"].identifier == "0000001"
    assert found["a2"] is None


@pytest.mark.parametrize("include", [True, False])
def test_a_server_that_ignores_what_it_is_asked_never_swaps_patients(
    dpi: Dpi, include: bool
) -> None:
    dpi.faults.broken = "ignore_filters"
    dpi.hold(*(patient(number) for number in range(1, 6)))
    dpi.hold(by_number(2, "0000002"), appointment(4), by_number(9, "0000404"))
    found = {record.external_id: record.patient for record in records(dpi.source(include=include))}
    assert {number: who and who.identifier for number, who in found.items()} == {
        "a2": "0000002",
        "a4": "0000004",
        "a9": None,
    }


def test_a_patients_number_stays_out_of_urls_where_the_server_allows_it(dpi: Dpi) -> None:
    dpi.hold(patient(1), by_number(1, "0000001"))
    assert only(dpi.source()).patient
    assert not any("0000001" in path for path in dpi.paths())


def test_a_number_two_patients_share_names_nobody(dpi: Dpi) -> None:
    twin = patient(2, identifier=patient(1)["identifier"])
    dpi.hold(patient(1), twin, by_number(1, "0000001"))
    assert only(dpi.source()).patient is None


def test_the_national_identity_is_never_searched_for(dpi: Dpi) -> None:
    ins = {"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "279035121518989"}
    dpi.hold(appointment(1, participant=[{"actor": {"type": "Patient", "identifier": ins}}]))
    assert only(dpi.source()).patient is None
    assert not any(path.startswith("/Patient") for path in dpi.paths())


def test_a_reference_to_another_server_is_not_taken_for_a_patient_of_this_one(dpi: Dpi) -> None:
    elsewhere = {"actor": {"reference": "https://autre.example.org/fhir/Patient/p1"}}
    here = {"actor": {"reference": f"{dpi.url}/Patient/p1/_history/3"}}
    dpi.hold(
        patient(1), appointment(1, participant=[elsewhere]), appointment(2, participant=[here])
    )
    found = {record.external_id: record.patient for record in records(dpi.source())}
    assert found["a1"] is None
    assert found["a2"] is not None


def test_parents_of_minors_are_fetched_when_asked_for(dpi: Dpi) -> None:
    parent = {
        "resourceType": "RelatedPerson",
        "id": "r1",
        "patient": {"reference": "Patient/p1"},
        "relationship": [{"coding": [{"code": "MTH"}]}],
        "telecom": [{"system": "phone", "value": "06 39 98 00 77"}],
    }
    dpi.hold(patient(1, birthDate="2015-01-01", telecom=[]), patient(2), parent)
    dpi.hold(appointment(1), appointment(2), appointment(3, whose=1, days=4))
    assert only_of(records(dpi.source()), "a1") == []
    found = records(dpi.source(related_persons=True, page_size=1))
    for number in ("a1", "a3"):
        assert only_of(found, number) == [("parent", "06 39 98 00 77")]
    assert sum("/RelatedPerson?patient=Patient%2Fp1" in path for path in dpi.paths()) == 1


def only_of(found: list[AppointmentRecord], number: str) -> list[tuple[str, str]]:
    (record,) = (each for each in found if each.external_id == number)
    assert record.patient is not None
    return [(point.holder, point.value) for point in record.patient.contacts]


# --- a bad entry -----------------------------------------------------------------------------


def test_a_bad_entry_is_set_aside_and_the_rest_goes_on(dpi: Dpi) -> None:
    dpi.hold(patient(1), appointment(1), appointment(2, whose=1, minutesDuration="vingt"))
    dpi.hold(appointment(3, whose=1, specialty="cardiologie"))
    _, rows = poll(dpi.source())
    problems = [row for row in rows if isinstance(row, RowProblem)]
    assert {(each.external_id, each.column, each.code) for each in problems} == {
        ("a2", "minutesDuration", "bad_field"),
        ("a3", "specialty", "bad_field"),
    }
    assert [row.external_id for row in rows if isinstance(row, AppointmentRecord)] == ["a1"]


def test_a_start_without_offset_is_refused_for_that_row_only(dpi: Dpi) -> None:
    dpi.hold(patient(1), appointment(1), appointment(2, whose=1, start="2026-10-16T09:30:00"))
    _, rows = poll(dpi.source(), since=BEFORE)
    codes = {row.external_id: getattr(row, "code", "") for row in rows}
    assert codes == {"a1": "", "a2": "no_offset"}


def test_an_appointment_of_several_patients_is_left_to_people(dpi: Dpi) -> None:
    both = [{"actor": {"reference": f"Patient/p{n}"}} for n in (1, 2)]
    dpi.hold(patient(1), patient(2), appointment(1, participant=both))
    _, (row,) = poll(dpi.source())
    assert isinstance(row, RowProblem)
    assert row.code == "several_patients"


def test_two_appointments_of_one_number_are_told_and_not_confused(dpi: Dpi) -> None:
    same = [{"system": "urn:demande", "value": "D1"}]
    dpi.hold(patient(1), appointment(1, identifier=same))
    dpi.hold(appointment(2, whose=1, days=4, identifier=same))
    _, rows = poll(dpi.source())
    assert [getattr(row, "code", "") for row in rows] == ["", "duplicate_number"]


# --- changes only ----------------------------------------------------------------------------


def test_a_delta_asks_for_what_changed_with_an_overlap(dpi: Dpi) -> None:
    dpi.fill(5)
    dpi.hold(appointment(3, days=4), at=NOW - timedelta(minutes=6))
    dpi.hold(appointment(4, days=4), at=NOW - timedelta(minutes=8))
    feed, rows = poll(dpi.source(), since=NOW - timedelta(minutes=5))
    assert feed.info.mode == "delta"
    assert feed.info.window is None
    assert [row.external_id for row in rows] == ["a3"]


def test_a_delta_tells_what_left_the_window(dpi: Dpi) -> None:
    dpi.hold(patient(1))
    dpi.hold(appointment(1, days=200), at=NOW)
    dpi.hold(appointment(2, whose=1, status="entered-in-error"), at=NOW)
    found = records(dpi.source(status=["booked", "cancelled"]), since=NOW)
    assert {record.external_id for record in found} == {"a1", "a2"}


def test_a_delta_rereads_the_appointments_of_changed_patients(dpi: Dpi) -> None:
    dpi.fill(4)
    dpi.hold(patient(2, deceasedBoolean=True), at=NOW)
    record = records(dpi.source(), since=NOW)[0]
    assert record.external_id == "a2"
    assert record.patient is not None
    assert record.patient.deceased


def test_a_change_of_both_is_told_once(dpi: Dpi) -> None:
    dpi.hold(patient(1), appointment(1), at=NOW)
    assert len(records(dpi.source(), since=NOW)) == 1


@pytest.mark.parametrize("broken", ["no_last_updated", "ignore_filters"])
def test_a_server_that_cannot_tell_changes_is_read_whole_and_remembered(
    dpi: Dpi, broken: str
) -> None:
    dpi.fill(3)
    dpi.faults.broken = broken  # type: ignore[assignment]
    source = dpi.source()
    for _ in range(2):
        feed, rows = poll(source, since=NOW)
        assert feed.info.mode == "snapshot"
        assert len(rows) == 3
    assert sum("_lastUpdated" in path for path in dpi.paths()) == 1


def test_moments_without_a_zone_are_refused(dpi: Dpi) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        list(dpi.source().feeds(now=naive, since=None))
    with pytest.raises(ValueError, match="naive"):
        list(dpi.source().feeds(now=NOW, since=naive))


def test_who_cancelled_is_told(dpi: Dpi) -> None:
    system = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
    for number, code in enumerate(("pat-cpp", "prov", "other"), start=1):
        reason = {"coding": [{"system": system, "code": code}]}
        dpi.hold(patient(number), appointment(number, status="cancelled", cancelationReason=reason))
    found = {record.external_id: record.cancelled_by for record in records(dpi.source())}
    assert found == {
        "a1": CancelledBy.PATIENT,
        "a2": CancelledBy.HOSPITAL,
        "a3": CancelledBy.UNKNOWN,
    }


def test_accepting_rejecting_and_forgetting_leave_the_dpi_alone(dpi: Dpi) -> None:
    source = dpi.source()
    feed, _ = poll(source)
    asked = len(dpi.seen.requests)
    feed.accept()
    feed.reject(["partial"])
    assert source.forget(before=NOW) == 0
    assert len(dpi.seen.requests) == asked


def test_the_same_poll_gives_the_same_rows(dpi: Dpi) -> None:
    dpi.fill(6)
    source = dpi.source(page_size=4)
    first, second = records(source), records(source)
    assert [replace(row, row=0) for row in first] == [replace(row, row=0) for row in second]
