"""The simulated DPI, asked as any FHIR client would."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from reminders.simulation.fhir_server import Faults, fhir_app
from reminders.simulation.fhir_store import FhirStore

NOW = datetime(2026, 10, 13, 7, 55, tzinfo=UTC)


class Client:
    """Speaks to the application in memory: sockets are proved with the adapter."""

    def __init__(self, store: FhirStore, **settings: Any) -> None:
        self.faults = Faults()
        app = fhir_app(store, faults=self.faults, **settings)
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://dpi.invalid"
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._http.get(path, headers=headers)

    async def all(self, path: str) -> list[dict[str, Any]]:
        """The entries of every page."""
        entries: list[dict[str, Any]] = []
        following: str | None = path
        while following:
            page = (await self.get(following)).raise_for_status().json()
            entries += page["entry"]
            following = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
        return entries

    async def ids(self, path: str) -> list[str]:
        return [entry["resource"]["id"] for entry in await self.all(path)]


def patient(number: int) -> dict[str, Any]:
    return {"id": f"p{number}", "identifier": [{"system": "urn:ipp", "value": f"{number:05}"}]}


def appointment(number: int, *, days: float, status: str = "booked") -> dict[str, Any]:
    start = (NOW + timedelta(days=days)).isoformat()
    who = [{"actor": {"reference": f"Patient/p{number}"}}]
    return {"id": f"a{number}", "status": status, "start": start, "participant": who}


@pytest.fixture
def store() -> FhirStore:
    store = FhirStore()
    for number in range(1, 8):
        store.put_patient(patient(number), NOW)
        store.put_appointment(appointment(number, days=number), NOW + timedelta(minutes=number))
    return store


@pytest.fixture
def client(store: FhirStore) -> Client:
    return Client(store)


def instant(days: float) -> str:
    return f"{NOW + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.anyio
async def test_dates_hold_their_lower_end_and_not_their_upper_one(client: Client) -> None:
    path = f"/Appointment?date=ge{instant(2)}&date=lt{instant(4)}"
    assert await client.ids(path) == ["a2", "a3"]


@pytest.mark.anyio
async def test_changes_are_found_by_their_moment(client: Client) -> None:
    since = f"{NOW + timedelta(minutes=6):%Y-%m-%dT%H:%M:%SZ}"
    assert await client.ids(f"/Appointment?_lastUpdated=ge{since}") == ["a6", "a7"]


@pytest.mark.anyio
async def test_statuses_and_ids_are_lists(client: Client, store: FhirStore) -> None:
    store.put_appointment(appointment(2, days=2, status="cancelled"), NOW)
    assert await client.ids("/Appointment?status=cancelled,noshow") == ["a2"]
    assert sorted(await client.ids("/Appointment?_id=a1,a5,a99")) == ["a1", "a5"]


@pytest.mark.anyio
async def test_pages_follow_each_other_and_do_not_shift(client: Client, store: FhirStore) -> None:
    first = (await client.get("/Appointment?_count=3")).json()
    assert first["total"] == 7
    store.delete("Appointment", "a1")
    store.put_appointment(appointment(8, days=8), NOW)
    following = next(link["url"] for link in first["link"] if link["relation"] == "next")
    assert len(await client.ids(following)) == 4


@pytest.mark.anyio
async def test_patients_come_with_their_appointments_when_asked_for(client: Client) -> None:
    entries = await client.all("/Appointment?_count=4&_include=Appointment:patient")
    modes = [(entry["search"]["mode"], entry["resource"]["resourceType"]) for entry in entries]
    assert modes.count(("match", "Appointment")) == modes.count(("include", "Patient")) == 7


@pytest.mark.anyio
async def test_patients_are_found_by_number(client: Client) -> None:
    assert await client.ids("/Patient?identifier=urn:ipp|00003") == ["p3"]
    assert await client.ids("/Patient?identifier=urn:ipp|00099") == []


@pytest.mark.anyio
async def test_each_put_makes_a_version(client: Client, store: FhirStore) -> None:
    store.put_appointment(appointment(1, days=9), NOW + timedelta(hours=1))
    answer = await client.get("/Appointment/a1")
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.json()["meta"] == {
        "versionId": "2",
        "lastUpdated": "2026-10-13T08:55:00.000+00:00",
    }
    assert await client.ids(f"/Appointment?date=ge{instant(8)}&date=lt{instant(10)}") == ["a1"]
    assert await client.ids(f"/Appointment?date=ge{instant(0)}&date=lt{instant(2)}") == []


@pytest.mark.anyio
async def test_what_is_not_there_is_told_in_an_outcome(client: Client) -> None:
    for path, status in (("/Appointment/a99", 404), ("/Slot", 404), ("/Appointment?_count=x", 400)):
        answer = await client.get(path)
        assert answer.status_code == status
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert answer.headers["content-type"] == "application/fhir+json"


@pytest.mark.anyio
async def test_only_the_right_token_opens(store: FhirStore) -> None:
    client = Client(store, token="s3cret")
    assert (await client.get("/Appointment")).status_code == 401
    assert (await client.get("/Appointment", Authorization="Bearer autre")).status_code == 401
    assert (await client.get("/Appointment", Authorization="Bearer s3cret")).status_code == 200
    assert (await client.get("/metadata")).json()["fhirVersion"] == "4.0.1"


@pytest.mark.anyio
async def test_a_search_of_one_day_does_not_read_the_other_thousands() -> None:
    store = FhirStore()
    reads: list[str] = []
    for number in range(5_000):
        store.put_appointment(appointment(number, days=number / 50), NOW)
    shelf = store._shelves["Appointment"]
    shelf.by_id = Watched(shelf.by_id, reads)
    found = await Client(store).ids(
        f"/Appointment?date=ge{instant(40)}&date=lt{instant(41)}&_count=100"
    )
    assert len(found) == 50
    assert len(reads) == 50


class Watched(dict[str, Any]):
    """Counts the appointments that are looked at."""

    def __init__(self, content: dict[str, Any], reads: list[str]) -> None:
        super().__init__(content)
        self._reads = reads

    def __getitem__(self, key: str) -> Any:
        self._reads.append(key)
        return super().__getitem__(key)


def test_what_is_held_can_be_read_back(store: FhirStore) -> None:
    assert len(store.list("Patient")) == 7
    held = store.get("Patient", "p1")
    assert held is not None
    assert held["resourceType"] == "Patient"
    assert store.get("Patient", "p99") is None


def test_a_change_without_a_zone_is_refused(store: FhirStore) -> None:
    with pytest.raises(ValueError, match="naive"):
        store.put_patient(patient(1), NOW.replace(tzinfo=None))


@pytest.fixture
def stale(store: FhirStore) -> Client:
    client = Client(store)
    client.faults.broken = "stale"
    return client


@pytest.mark.anyio
async def test_a_stale_server_answers_anew_only_when_told_to(
    stale: Client, store: FhirStore
) -> None:
    assert len(await stale.ids("/Patient")) == 7
    store.put_patient(patient(8), NOW)
    assert len(await stale.ids("/Patient")) == 7
    fresh = await stale.get("/Patient", **{"Cache-Control": "no-cache"})
    assert fresh.json()["total"] == 8
