"""The FHIR source against a server written by others (sekmet-fhir), in a process of its own."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from adapters.dpi.fhir import FhirOptions, FhirSource
from reminders.domain.appointment import CancelledBy, Status
from reminders.errors import SourceUnavailable
from reminders.ports import Change, Wiring, Written
from tests.adapters.dpi.fhir_dpi import IPP, NOW, Json, appointment, patient, poll, records

TOKEN = "un-jeton-de-test"
STARTUP = 60.0  # seconds; it imports a great deal
FAR = 365 * 20  # days: a server with a clock of its own stamps changes with the real date


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("sekmet")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    base = f"http://127.0.0.1:{port}/fhir"
    settings = {
        "base_url": base,
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(home),
        "db_path": str(home / "sekmet.db"),
        "simulator": {"enabled": False},
        "server_auth": {"types": ["bearer"], "tokens": [TOKEN]},
    }
    (home / "settings.yaml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", "uvicorn"),
                *("--factory", "sekmet.main:app_factory"),
                *("--host", "127.0.0.1", "--port", str(port)),
            ],
            cwd=home,
            env={**os.environ, "SEKMET_CONFIG": str(home / "settings.yaml")},
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(f"{base}/metadata", process, home / "log")
            yield base
        finally:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTUP
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"sekmet-fhir did not start: {log.read_text(errors='replace')[-2000:]}")


class Hospital:
    """Writes through the peer's own API, as its users would."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._http = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)

    def put(self, resource: Json) -> None:
        where = f"{self.base}/{resource['resourceType']}/{resource['id']}"
        self._http.put(where, json=resource).raise_for_status()

    def delete(self, kind: str, logical_id: str) -> None:
        self._http.delete(f"{self.base}/{kind}/{logical_id}").raise_for_status()

    def source(self, token: str = TOKEN, **options: object) -> FhirSource:
        settings = {"base_url": self.base, "auth": "bearer", "token": token, **options}
        return FhirSource(FhirOptions.model_validate(settings), Wiring(id="peer"))

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def hospital(server: str) -> Iterator[Hospital]:
    hospital = Hospital(server)
    for number in range(1, 8):
        hospital.put(patient(number))
        hospital.put(appointment(number, days=number))
    yield hospital
    hospital.close()


def test_a_foreign_server_is_read_page_by_page_with_its_patients(hospital: Hospital) -> None:
    found = [each for each in records(hospital.source(page_size=3)) if len(each.external_id) == 2]
    assert sorted(record.external_id for record in found) == [f"a{n}" for n in range(1, 8)]
    for record in found:
        assert record.patient is not None
        assert record.patient.identifier == f"000000{record.external_id[1:]}"
        assert record.patient.authority == IPP.removeprefix("urn:oid:")
        assert record.uf == "4220"
        assert record.status is Status.BOOKED


def test_patients_are_fetched_from_it_in_batches(hospital: Hospital) -> None:
    assert all(record.patient for record in records(hospital.source(include=False)))


def test_patients_are_found_there_by_number(hospital: Hospital) -> None:
    actor = {"type": "Patient", "identifier": {"system": IPP, "value": "0000003"}}
    hospital.put(appointment(20, days=40, participant=[{"actor": actor, "status": "accepted"}]))
    found = {record.external_id: record.patient for record in records(hospital.source())}
    named = found["a20"]
    assert named is not None
    assert named.identifier == "0000003"
    hospital.delete("Appointment", "a20")


def test_a_move_and_a_cancellation_there_are_seen_here(hospital: Hospital) -> None:
    reason = {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason",
                "code": "pat",
            }
        ]
    }
    hospital.put(appointment(11, whose=1, days=8))
    hospital.put(appointment(11, whose=1, days=9))
    hospital.put(appointment(12, whose=2, status="cancelled", cancelationReason=reason))
    found = {record.external_id: record for record in records(hospital.source())}
    assert found["a11"].starts_at == NOW + timedelta(days=9)
    assert found["a12"].status is Status.CANCELLED
    assert found["a12"].cancelled_by is CancelledBy.PATIENT


def test_a_deleted_appointment_is_missing_from_the_next_snapshot(hospital: Hospital) -> None:
    hospital.put(appointment(30, whose=1, days=30))
    assert "a30" in {record.external_id for record in records(hospital.source())}
    hospital.delete("Appointment", "a30")
    assert "a30" not in {record.external_id for record in records(hospital.source())}


def test_what_changed_since_a_moment_is_asked_for_and_only_that(hospital: Hospital) -> None:
    source = hospital.source()
    feed, rows = poll(source, since=NOW - timedelta(days=FAR))
    assert feed.info.mode == "delta"
    assert len(rows) >= 7
    feed, rows = poll(source, since=NOW + timedelta(days=FAR))
    assert (feed.info.mode, rows) == ("delta", [])


def test_answers_are_written_there_once_and_read_back(hospital: Hospital) -> None:
    waiting = [{"actor": {"reference": "Patient/p1"}, "status": "needs-action"}]
    hospital.put(appointment(41, whose=1, days=41, participant=waiting))
    change = Change("a41", "0000001", NOW + timedelta(days=41), "confirmed")
    source = hospital.source()

    assert asyncio.run(source.write(change, now=NOW)) is Written.DONE
    assert asyncio.run(source.write(change, now=NOW)) is Written.ALREADY

    off = Change("a41", "0000001", NOW + timedelta(days=41), "cancelled")
    assert asyncio.run(source.write(off, now=NOW)) is Written.DONE
    assert asyncio.run(source.write(off, now=NOW)) is Written.ALREADY
    found = {record.external_id: record for record in records(source)}
    assert found["a41"].status is Status.CANCELLED
    assert found["a41"].cancelled_by is CancelledBy.PATIENT
    hospital.delete("Appointment", "a41")


def test_its_refusal_of_a_wrong_token_names_the_credentials(hospital: Hospital) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        poll(hospital.source(token="autre"))
    assert raised.value.code == "credentials"
