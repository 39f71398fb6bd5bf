"""Writing a patient's answer into a DPI that speaks FHIR R4: read, decide, change, put back.

Interactions: https://hl7.org/fhir/R4/http.html (read, update, conditional update, If-Match).
The French guide "Gestion d'agendas partagés" (ANS) declares update and conditional update by
identifier, no PATCH. So the whole resource is put back, under `If-Match` where the server gave
an ETag; a version that changed meanwhile (412) is read and judged anew.

A failed read never counts as perhaps written; a failed PUT does, unless no connection was made.
Errors carry status codes, never a URL or a text of the server's.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import httpx
import msgspec

from adapters.dpi.fhir_change import (
    Found,
    Json,
    appointments_of,
    changed,
    contained_patient,
    encoded,
    found,
    identifier_of,
    is_this_patient,
    number_of,
    patient_line,
    settled,
)
from adapters.dpi.fhir_http import HEADERS, Access, origin, retry_after
from adapters.dpi.fhir_values import Reading, ipp, reference_id
from reminders.errors import Misconfigured, NotSent, Refused, SendError, Throttled, Unknown
from reminders.ports import Change, Written

ROUNDS = 3  # readings of a version that somebody else keeps changing
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
LOGICAL_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
WRITES = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
CONFLICT, CHANGED_MEANWHILE, GONE = 409, 412, (404, 410)

Way = Literal["update", "conditional"]


class _Interaction(msgspec.Struct, frozen=True):
    code: str = ""


class _Resource(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    interaction: tuple[_Interaction, ...] = ()
    conditional_update: bool = False


class _Rest(msgspec.Struct, frozen=True):
    resource: tuple[_Resource, ...] = ()


class _Statement(msgspec.Struct, frozen=True):
    rest: tuple[_Rest, ...] = ()


class FhirWriter:
    """One server. A connection of its own for each change: they are few."""

    def __init__(self, access: Access, reading: Reading) -> None:
        self._access = access
        self._reading = reading
        self._way: Way | None = None  # unknown until asked

    async def write(self, change: Change, *, now: datetime) -> Written:
        """See ports.AppointmentWriter."""
        access = self._access
        async with httpx.AsyncClient(
            auth=access.auth,
            headers={**HEADERS, **access.headers},
            timeout=access.timeout,
            verify=access.tls,
            proxy=access.proxy,
            trust_env=False,
            follow_redirects=False,
        ) as http:
            return await _Writing(self, http, change, now).run()

    @property
    def access(self) -> Access:
        return self._access

    @property
    def reading(self) -> Reading:
        return self._reading

    async def way(self, http: httpx.AsyncClient) -> Way:
        """How this server takes a change; asked once. Raises Refused if it declares no way.

        A server that declares nothing readable is given the ordinary PUT.
        """
        if self._way is None:
            response = await exchange(http, "GET", f"{self._access.base_url}/metadata")
            self._way = _declared(response)
        return self._way


class _Writing:
    """One change on its way."""

    def __init__(
        self, writer: FhirWriter, http: httpx.AsyncClient, change: Change, now: datetime
    ) -> None:
        self._writer = writer
        self._base = writer.access.base_url
        self._reading = writer.reading
        self._http = http
        self._change = change
        self._now = now

    async def run(self) -> Written:
        way = await self._writer.way(self._http)
        for _ in range(ROUNDS):
            one = await self._find()
            if one is None:
                return Written.CLOSED
            if (done := settled(one, self._change)) is not None:
                return done
            line = patient_line(one, self._reading, self._now)
            if not await self._is_the_patients(one, line):
                return Written.CHANGED
            if (resource := changed(one, self._change, line)) is None:
                return Written.ALREADY
            if self._change.doubtful and not one.etag:
                raise Refused("fhir no_etag")  # the first one may still arrive: two would be two
            response = await self._put(way, one, resource)
            if response.is_success:
                return Written.DONE
            if response.status_code not in (CONFLICT, CHANGED_MEANWHILE):
                raise Refused(f"fhir {response.status_code}")
        raise NotSent(f"fhir {CHANGED_MEANWHILE}")

    # --- finding it --------------------------------------------------------------------------

    async def _find(self) -> Found | None:
        """The appointment under its number: where that is a logical id, else by its identifier."""
        number, system = self._change.external_id, self._reading.appointment_system
        if not system and LOGICAL_ID.fullmatch(number):
            one = await self._read(number)
            if one is not None and number_of(one, self._reading) == number:
                return one
        logical_id = await self._search(f"{system}|{number}" if system else number)
        return None if logical_id is None else await self._read(logical_id)

    async def _read(self, logical_id: str) -> Found | None:
        response = await exchange(self._http, "GET", f"{self._base}/Appointment/{logical_id}")
        if response.status_code in GONE:
            return None
        _expect_success(response)
        one = found(response.content, response.headers.get("etag", ""))
        if one is None:
            raise Refused("fhir not_appointment")
        return one

    async def _search(self, identifier: str) -> str | None:
        """The logical id of the one appointment with this identifier. Raises Refused: several."""
        response = await exchange(
            self._http, "GET", f"{self._base}/Appointment", params={"identifier": identifier}
        )
        _expect_success(response)
        try:
            ids = {
                one.seen.id
                for one in appointments_of(response.content)
                if number_of(one, self._reading) == self._change.external_id  # filters may lie
            }
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Refused("fhir not_searchset") from None
        if len(ids) > 1:
            raise Refused("fhir duplicate_number")
        return next(iter(ids), None)

    async def _is_the_patients(self, one: Found, line: int) -> bool:
        """The slot may have been given to somebody else since: theirs is not ours to cancel."""
        actor = one.seen.participant[line].actor
        if (body := contained_patient(one, actor)) is None:
            if not actor.reference:
                number = ipp([actor.identifier], self._reading) if actor.identifier else None
                return number is not None and number.value == self._change.patient
            body = await self._patient(actor.reference)
        try:
            return is_this_patient(body, self._change.patient, self._reading)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Refused("fhir not_patient") from None

    async def _patient(self, reference: str) -> bytes:
        """Raises Refused for a reference to another server, or to nothing."""
        reference = reference.partition("/_history/")[0]
        place = httpx.URL(f"{self._base}/").join(reference)
        if origin(place) != origin(httpx.URL(self._base)) or not reference_id(reference):
            raise Refused("fhir foreign_patient")
        response = await exchange(self._http, "GET", str(place))
        _expect_success(response)
        return response.content

    # --- changing it -------------------------------------------------------------------------

    async def _put(self, way: Way, one: Found, resource: Json) -> httpx.Response:
        place, params = f"{self._base}/Appointment/{one.seen.id}", dict[str, str]()
        if way == "conditional":
            place = f"{self._base}/Appointment"
            params = {"identifier": identifier_of(one, self._reading)}
            if not params["identifier"]:
                raise Refused("fhir no_identifier")
        headers = {**WRITES, **({"If-Match": one.etag} if one.etag else {})}
        return await exchange(
            self._http, "PUT", place, params=params, headers=headers, body=encoded(resource)
        )


async def exchange(
    http: httpx.AsyncClient,
    method: Literal["GET", "PUT"],
    place: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> httpx.Response:
    """A 2xx, 3xx or 4xx that is the caller's to judge; anything else raises SendError."""
    lost: type[SendError] = NotSent if method == "GET" else Unknown
    try:
        response = await http.request(
            method, place, params=params or None, headers=headers, content=body
        )
    except NEVER_SENT as error:
        raise NotSent(f"fhir {type(error).__name__}") from None
    except httpx.RequestError as error:
        raise lost(f"fhir {type(error).__name__}") from None
    status = response.status_code
    if status in (401, 403):
        raise Misconfigured(f"fhir {status}")
    if status == 429:
        raise Throttled("fhir 429", retry_after(response))
    if status >= 500:
        raise lost(f"fhir {status}")
    return response


def _expect_success(response: httpx.Response) -> None:
    if not response.is_success:
        raise Refused(f"fhir {response.status_code}")


def _declared(response: httpx.Response) -> Way:
    ways = _of_appointments(response) if response.is_success else ()
    if not ways:
        return "update"
    if any(each.code == "update" for one in ways for each in one.interaction):
        return "update"
    if any(one.conditional_update for one in ways):
        return "conditional"
    raise Refused("fhir update_not_declared")


def _of_appointments(response: httpx.Response) -> Sequence[_Resource]:
    try:
        statement = msgspec.json.decode(response.content, type=_Statement)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ()
    return [one for rest in statement.rest for one in rest.resource if one.type == "Appointment"]
