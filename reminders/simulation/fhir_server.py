"""A DPI that speaks FHIR R4 over HTTP, and the ways in which real ones fail.

GET /Appointment (date, status, _lastUpdated, patient, _id, _include, _count, opaque next links),
/Patient and /RelatedPerson (_id, identifier, patient, _lastUpdated), POST /Patient/_search,
GET /{type}/{id} with ETag, GET /metadata. With a clock also PUT /Appointment/{id} and PUT
/Appointment?identifier=, under If-Match. Bearer token; errors are OperationOutcomes.
"""

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, Literal
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reminders.simulation.fhir_store import FhirStore, Stored

MEDIA_TYPE = "application/fhir+json"
KEPT_SEARCHES = 256  # an older next link answers 410
LARGEST_PAGE = 1000
KINDS = ("Appointment", "Patient", "RelatedPerson")

Broken = Literal[
    "",
    "empty",  # every search finds nothing
    "truncated",  # the page stops in the middle
    "html",  # 200 with a login page
    "next_500",  # the first page is fine, the second fails
    "gone",  # the first page is fine, the second expired (410)
    "partial",  # half of the first page, no next link, the true total
    "stale",  # searches answered as the first time, unless no-cache is asked
    "ignore_filters",  # a search finds every resource of its type
    "no_last_updated",  # 400 not-supported for _lastUpdated
    "no_include",  # _include is ignored
    "loop",  # the next link leads to the same page
    "foreign_link",  # the next link leads to another host
    "not_searchset",  # another kind of Bundle
    "outcome",  # 200 with an OperationOutcome
]


# What happens to the next PUT instead of an ordinary answer.
WriteFault = Literal[
    "",
    "hang",  # nothing is written, nobody is answered
    "500",  # nothing is written
    "429",  # nothing is written: come back later
    "hang_after",  # written, and nobody is answered
    "500_after",  # written, and the answer says it was not
    "drop_after",  # written, and the answer breaks off
    "race",  # somebody else changes the appointment just before
]
HANGS = 3600.0  # seconds: longer than anybody waits


@dataclass(slots=True)
class Faults:
    """What is wrong at the moment; change it while the server runs."""

    broken: Broken = ""
    busy: int = 0  # so many next requests answer 503
    retry_after: str = "1"
    post_search: bool = True
    totals: bool = True
    write: WriteFault = ""
    writes: int = 0  # so many next PUTs meet it
    etags: bool = True
    declares: tuple[str, ...] = ("update",)  # update, conditional: what /metadata says of PUT


@dataclass(slots=True)
class Seen:
    """What clients asked, for tests: method, path with query, and the headers of each."""

    requests: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)  # appointments put by clients


@dataclass(frozen=True, slots=True)
class Search:
    """A search in progress: what it found, so that its pages never shift."""

    kind: str
    found: Sequence[Stored]
    count: int
    include: bool


class Refusal(Exception):
    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics


def fhir_app(
    store: FhirStore,
    *,
    token: str = "",
    faults: Faults | None = None,
    seen: Seen | None = None,
    clock: Callable[[], datetime] | None = None,
) -> ASGIApp:
    """The server. Mount it at the root; with `token`, every request but /metadata needs it.

    `clock` stamps what clients write; without one it can only be read.
    """
    seen = seen or Seen()
    server = _Server(store, faults or Faults(), seen, clock)
    routes = [
        Route("/metadata", server.metadata),
        Route("/Patient/_search", server.search_by_post, methods=["POST"]),
        Route("/Appointment", server.update, methods=["PUT"]),
        Route("/Appointment/{id}", server.update, methods=["PUT"]),
        *(Route(f"/{kind}", server.search, name=kind) for kind in KINDS),
        *(Route(f"/{kind}/{{id}}", server.read, name=f"{kind}/id") for kind in KINDS),
    ]
    app = Starlette(routes=routes, exception_handlers={Refusal: _refused, 404: _not_found})
    return _Gate(app, token, server.faults, seen)


class _Gate:
    """What happens before any resource is looked at: who asks, and whether we are busy."""

    def __init__(self, app: ASGIApp, token: str, faults: Faults, seen: Seen) -> None:
        self._app = app
        self._token = token
        self._faults = faults
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self._seen.requests.append((request.method, where, dict(request.headers)))
        response = self._stopped(request)
        await (response or self._app)(scope, receive, send)

    def _stopped(self, request: Request) -> Response | None:
        if self._faults.busy > 0:
            self._faults.busy -= 1
            busy = outcome(503, "throttled", "try again later")
            busy.headers["Retry-After"] = self._faults.retry_after
            return busy
        if self._token and request.url.path != "/metadata":
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not secrets.compare_digest(given.encode(), self._token.encode()):
                return outcome(401, "login", "a bearer token is needed")
        return None


class _Server:
    def __init__(
        self, store: FhirStore, faults: Faults, seen: Seen, clock: Callable[[], datetime] | None
    ) -> None:
        self.faults = faults
        self._store = store
        self._seen = seen
        self._clock = clock
        self._lock = Lock()
        self._searches: OrderedDict[str, Search] = OrderedDict()
        self._cache: dict[str, bytes] = {}

    # --- endpoints ---------------------------------------------------------------------------

    async def metadata(self, request: Request) -> Response:
        resources: list[dict[str, Any]] = [
            {"type": kind, "interaction": [{"code": "read"}, {"code": "search-type"}]}
            for kind in KINDS
        ]
        if self._clock and "update" in self.faults.declares:
            resources[0]["interaction"].append({"code": "update"})
        resources[0]["conditionalUpdate"] = bool(
            self._clock and "conditional" in self.faults.declares
        )
        statement = {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-01-01",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "resource": resources}],
        }
        return JSONResponse(statement, media_type=MEDIA_TYPE)

    async def read(self, request: Request) -> Response:
        kind = request.url.path.split("/")[1]
        stored = self._store.stored(kind, request.path_params["id"])
        if stored is None:
            raise Refusal(404, "not-found", f"no such {kind}")
        headers = _etag(stored) if self.faults.etags else {}
        return Response(stored.body, media_type=MEDIA_TYPE, headers=headers)

    async def update(self, request: Request) -> Response:
        fault = self.faults.write if self.faults.writes > 0 else ""
        self.faults.writes -= bool(fault)
        if fault == "hang":
            await asyncio.sleep(HANGS)
        if fault in ("500", "429"):
            raise Refusal(int(fault), "exception", "nothing was written")
        logical_id = self._updated(request)
        if fault == "race" and (other := self._store.get("Appointment", logical_id)):
            self._store.put_appointment({**other, "comment": "somebody else"}, self._now())
        whole = await self._replace(request, logical_id)
        match fault:
            case "hang_after":
                await asyncio.sleep(HANGS)
            case "500_after":
                raise Refusal(500, "exception", "it was written all the same")
            case "drop_after":
                return _Broken()
        return JSONResponse(whole, media_type=MEDIA_TYPE)

    def _now(self) -> datetime:
        if self._clock is None:
            raise Refusal(405, "not-supported", "this server can only be read")
        return self._clock()

    def _updated(self, request: Request) -> str:
        """The id in the path, else of the one appointment the condition names."""
        if "id" in request.path_params:
            return str(request.path_params["id"])
        named = self._find("Appointment", request.query_params.multi_items())
        if "identifier" not in request.query_params or len(named) != 1:
            raise Refusal(412, "multiple-matches", "the condition must name one appointment")
        return named[0].id

    async def _replace(self, request: Request, logical_id: str) -> dict[str, Any]:
        try:
            resource = json.loads(await request.body())
        except ValueError:
            raise Refusal(400, "structure", "not JSON") from None
        if self._store.get("Appointment", logical_id) is None:
            raise Refusal(404, "not-found", "no such Appointment")
        if resource.get("resourceType") != "Appointment" or resource.get("id") != logical_id:
            raise Refusal(400, "invalid", "the resource must name its own id")
        wanted = request.headers.get("if-match", "").removeprefix('W/"').removesuffix('"')
        whole = self._store.replace_appointment(
            resource, self._now(), version=int(wanted) if wanted else None
        )
        if whole is None:
            raise Refusal(412, "conflict", "another version is there by now")
        self._seen.changes.append(whole)
        return whole

    async def search(self, request: Request) -> Response:
        return self._answer(request.url.path[1:], request.query_params.multi_items(), request)

    async def search_by_post(self, request: Request) -> Response:
        if not self.faults.post_search:
            raise Refusal(405, "not-supported", "use GET")
        body = (await request.body()).decode()
        return self._answer("Patient", parse_qsl(body, keep_blank_values=True), request)

    # --- searching ---------------------------------------------------------------------------

    def _answer(self, kind: str, asked: Sequence[tuple[str, str]], request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        if self.faults.broken == "stale":
            return self._from_cache(kind, asked, request, base)
        return _page_response(self._page(kind, asked, base), self.faults.broken)

    def _from_cache(
        self, kind: str, asked: Sequence[tuple[str, str]], request: Request, base: str
    ) -> Response:
        key = f"{kind}?{[each for each in asked if each[0] not in ('date', '_lastUpdated')]}"
        if key not in self._cache or "no-cache" in request.headers.get("cache-control", ""):
            self._cache[key] = self._page(kind, asked, base)
        return Response(self._cache[key], media_type=MEDIA_TYPE)

    def _page(self, kind: str, asked: Sequence[tuple[str, str]], base: str) -> bytes:
        token = dict(asked).get("_getpages", "")
        if token:
            return self._next_page(token, base)
        search = Search(
            kind,
            [] if self.faults.broken == "empty" else self._find(kind, asked),
            _count(asked),
            ("_include", "Appointment:patient") in asked and self.faults.broken != "no_include",
        )
        return self._bundle(search, 0, base)

    def _find(self, kind: str, asked: Sequence[tuple[str, str]]) -> Sequence[Stored]:
        wanted: dict[str, list[str]] = {}
        for name, value in asked:
            wanted.setdefault(name, []).append(value)
        if self.faults.broken == "no_last_updated" and "_lastUpdated" in wanted:
            raise Refusal(400, "not-supported", "_lastUpdated is not supported")
        if self.faults.broken == "ignore_filters":
            wanted = {}
        return self._store.select(
            kind,
            start=_interval(wanted["date"]) if "date" in wanted else None,
            changed_since=_changed(wanted.get("_lastUpdated", [])),
            ids=_either(wanted.get("_id")),
            identifiers=_either(wanted.get("identifier")),
            patients=_either(wanted.get("patient")),
            statuses=frozenset(_either(wanted.get("status")) or ()),
        )

    def _next_page(self, token: str, base: str) -> bytes:
        if self.faults.broken == "next_500":
            raise Refusal(500, "exception", "the database is gone")
        name, _, offset = token.partition("-")
        with self._lock:
            search = self._searches.get(name)
        if search is None or not offset.isdigit() or self.faults.broken == "gone":
            raise Refusal(410, "expired", "this search has expired")
        return self._bundle(search, int(offset), base, name)

    def _bundle(self, search: Search, offset: int, base: str, name: str = "") -> bytes:
        page = search.found[offset : offset + search.count]
        more = offset + search.count < len(search.found)
        links = [("self", f"{base}/{search.kind}")]
        if more and self.faults.broken != "partial":
            name = name or self._keep(search)
            links.append(("next", self._next_link(base, search, f"{name}-{offset + search.count}")))
        if self.faults.broken == "partial":
            page = page[: len(page) // 2]
        entries = [_entry(base, search.kind, stored, "match") for stored in page]
        if search.include:
            entries += [
                _entry(base, "Patient", stored, "include") for stored in self._patients_of(page)
            ]
        kind = "collection" if self.faults.broken == "not_searchset" else "searchset"
        total = f'"total":{len(search.found)},' if self.faults.totals else ""
        link = ",".join(f'{{"relation":"{rel}","url":"{url}"}}' for rel, url in links)
        head = f'{{"resourceType":"Bundle","type":"{kind}",{total}"link":[{link}],"entry":['
        return head.encode() + b",".join(entries) + b"]}"

    def _next_link(self, base: str, search: Search, token: str) -> str:
        if self.faults.broken == "foreign_link":
            base = "http://autre.example.org"
        if self.faults.broken == "loop":
            token = token.partition("-")[0] + "-0"
        return f"{base}/{search.kind}?_getpages={token}"

    def _keep(self, search: Search) -> str:
        name = secrets.token_urlsafe(12).replace("-", "_")
        with self._lock:
            self._searches[name] = search
            if len(self._searches) > KEPT_SEARCHES:
                self._searches.popitem(last=False)
        return name

    def _patients_of(self, page: Iterable[Stored]) -> Iterable[Stored]:
        for reference in dict.fromkeys(stored.patient for stored in page):
            patient = self._store.stored("Patient", reference.removeprefix("Patient/"))
            if patient is not None:
                yield patient


# --- parameters ------------------------------------------------------------------------------


def _count(asked: Sequence[tuple[str, str]]) -> int:
    text = dict(asked).get("_count", "20")
    if not text.isdigit() or int(text) == 0:
        raise Refusal(400, "value", "_count must be a positive whole number")
    return min(int(text), LARGEST_PAGE)


def _either(values: Sequence[str] | None) -> list[str] | None:
    """Commas mean "or"; an escaped one is part of the value."""
    if values is None:
        return None
    parts = [part for value in values for part in value.replace("\\,", "\0").split(",")]
    return [part.replace("\0", ",").replace("\\", "") for part in parts]


def _interval(values: Sequence[str]) -> tuple[float, float]:
    lower, upper = 0.0, float("inf")
    for value in values:
        moment = _moment(value[2:])
        if value.startswith("ge"):
            lower = max(lower, moment)
        elif value.startswith("lt"):
            upper = min(upper, moment)
        else:
            raise Refusal(400, "not-supported", "date takes ge and lt")
    return lower, upper


def _changed(values: Sequence[str]) -> float | None:
    if not all(value.startswith("ge") for value in values):
        raise Refusal(400, "not-supported", "_lastUpdated takes ge")
    return max((_moment(value[2:]) for value in values), default=None)


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, "value", "not a date") from None
    if moment.tzinfo is None:
        raise Refusal(400, "value", "this server wants instants with their offset")
    return moment.timestamp()


# --- answers ---------------------------------------------------------------------------------


def _entry(base: str, kind: str, stored: Stored, mode: str) -> bytes:
    head = f'{{"fullUrl":"{base}/{kind}/{stored.id}","search":{{"mode":"{mode}"}},"resource":'
    return head.encode() + stored.body + b"}"


def _page_response(body: bytes, broken: Broken) -> Response:
    if broken == "truncated":
        return Response(body[: len(body) // 2], media_type=MEDIA_TYPE)
    if broken == "html":
        return Response("<html><body>Connexion</body></html>", media_type="text/html")
    if broken == "outcome":
        return outcome(200, "exception", "something went wrong")
    return Response(body, media_type=MEDIA_TYPE)


class _Broken(Response):
    """An answer that breaks off after its head: the connection closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = [(b"content-length", b"1000"), (b"content-type", MEDIA_TYPE.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionResetError


def _etag(stored: Stored) -> dict[str, str]:
    return {"ETag": f'W/"{stored.version}"'}


def outcome(status: int, code: str, diagnostics: str) -> JSONResponse:
    issue = {"severity": "error", "code": code, "diagnostics": diagnostics}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return outcome(error.status, error.code, error.diagnostics)


async def _not_found(request: Request, error: Exception) -> Response:
    return outcome(404, "not-supported", "no such endpoint")
