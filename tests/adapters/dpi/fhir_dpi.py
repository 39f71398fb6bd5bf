"""A simulated DPI on loopback, the resources it holds, and the source that reads it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.dpi.fhir import FhirOptions, FhirSource
from reminders.domain.appointment import AppointmentRecord, RowProblem
from reminders.ports import Feed, Wiring
from reminders.simulation.fhir_server import Faults, Seen, fhir_app
from reminders.simulation.fhir_store import FhirStore

NOW = datetime(2026, 10, 13, 7, 55, tzinfo=UTC)
BEFORE = NOW - timedelta(days=1)
IPP = "urn:oid:1.2.250.1.999.1"
MOBILE = "06 39 98 00 12"

Json = dict[str, Any]


def patient(number: int, **fields: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [
            {"type": {"coding": [{"code": "PI"}]}, "system": IPP, "value": f"{number:07}"}
        ],
        "name": [{"family": "EXEMPLE", "given": ["Léa"]}],
        "telecom": [{"system": "phone", "value": MOBILE, "use": "mobile"}],
        "birthDate": "1979-03-28",
        **fields,
    }


def appointment(number: int, *, whose: int | None = None, days: float = 3, **fields: Any) -> Json:
    start = NOW + timedelta(days=days)
    who = {"actor": {"reference": f"Patient/p{whose or number}"}, "status": "accepted"}
    return {
        "resourceType": "Appointment",
        "id": f"a{number}",
        "status": "booked",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=20)).isoformat(),
        "participant": [who],
        "serviceType": [{"coding": [{"code": "4220"}]}],
        **fields,
    }


@dataclass(slots=True)
class Dpi:
    url: str
    store: FhirStore
    faults: Faults
    seen: Seen
    slept: list[float] = field(default_factory=list)

    def hold(self, *resources: Json, at: datetime = BEFORE) -> None:
        for resource in resources:
            put = {
                "Patient": self.store.put_patient,
                "Appointment": self.store.put_appointment,
                "RelatedPerson": self.store.put_related_person,
            }[resource["resourceType"]]
            put(resource, at)

    def fill(self, count: int) -> None:
        for number in range(1, count + 1):
            self.hold(patient(number), appointment(number, days=number / 10))

    def source(self, **options: Any) -> FhirSource:
        settings = FhirOptions.model_validate({"base_url": self.url, **options})
        return FhirSource(settings, Wiring(id="dpi"), sleep=self.slept.append)

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.seen.requests]


def poll(
    source: FhirSource, *, now: datetime = NOW, since: datetime | None = None
) -> tuple[Feed, list[AppointmentRecord | RowProblem]]:
    (feed,) = source.feeds(now=now, since=since)
    return feed, list(feed.rows())


def records(source: FhirSource, *, since: datetime | None = None) -> list[AppointmentRecord]:
    _, rows = poll(source, since=since)
    problems = [row for row in rows if isinstance(row, RowProblem)]
    assert not problems
    return [row for row in rows if isinstance(row, AppointmentRecord)]


def only(source: FhirSource) -> AppointmentRecord:
    (record,) = records(source)
    return record


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The application on a port of its own, over real sockets, while the block runs."""
    # asyncio sends without delay only on sockets that name TCP; else each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(
        app, ws="none", lifespan="off", log_config=None, access_log=False, loop="asyncio"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listener.close()


@dataclass(slots=True)
class Port:
    """A listening port whose server is replaced for each test: starting one takes long."""

    url: str = ""
    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)

    def dpi(self, **settings: Any) -> Dpi:
        store, faults, seen = FhirStore(), Faults(), Seen()
        self.app = fhir_app(store, faults=faults, seen=seen, **settings)
        return Dpi(self.url, store, faults, seen)

    def script(self, *pages: Json) -> Dpi:
        """A server that answers these pages in order, whatever it is asked."""

        async def page(request: Request) -> JSONResponse:
            number = int(request.query_params.get("page", "0"))
            more = [{"relation": "next", "url": f"?page={number + 1}"}]
            links = more if number + 1 < len(pages) else []
            whole = {"resourceType": "Bundle", "type": "searchset", "link": links}
            return JSONResponse({**whole, **pages[number]})

        self.app = Starlette(routes=[Route("/{anything:path}", page)])
        return Dpi(self.url, FhirStore(), Faults(), Seen())


@contextmanager
def opened() -> Iterator[Port]:
    port = Port()
    with serving(port) as port.url:
        yield port


@contextmanager
def simulated(**settings: Any) -> Iterator[Dpi]:
    with opened() as port:
        yield port.dpi(**settings)
