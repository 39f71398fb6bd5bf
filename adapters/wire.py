"""One HTTP exchange with a provider, its failures sorted into the three answers.

The transport is aiohttp's behind httpx's API. Under it the httpx exception class says nothing
about what left this machine (httpx-aiohttp 0.2.0 raises ConnectTimeout for a server that closed
after reading the request), so the decision is made on the cause: only failures known to come
before the first byte of the request are "not sent", everything else may have arrived.
"""

import asyncio
import functools
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from reminders.errors import (
    ConfigurationError,
    Misconfigured,
    NotSent,
    Problem,
    SendError,
    Throttled,
    Unknown,
)
from reminders.ports import Wiring

T = TypeVar("T")

# Name resolution, refused connection, TLS and certificates are ClientConnectorError; the wait
# for a free connection and the connection itself are ConnectionTimeoutError; the last one is a
# proxy that would not open the tunnel.
NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)
# Shorter than the 5 s of common servers: a POST that meets a connection being closed is Unknown.
KEEPALIVE_SECONDS = 4.0
AT_ONCE = 8  # questions in flight during a poll: sending keeps the other connections


class Client(httpx.AsyncClient):
    """A client whose transport `exchange` speaks to itself: redirections, cookies and hooks are
    not for a provider, and httpx spends more on them than on the request."""

    def __init__(self, transport: httpx.AsyncBaseTransport, **options: Any) -> None:
        super().__init__(transport=transport, trust_env=False, **options)
        self.transport = transport


def client(
    wiring: Wiring,
    base_url: str,
    *,
    auth: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Client:
    """A client for one provider; it belongs to the event loop that first uses it.

    `wiring.timeout_seconds` bounds a whole exchange; waiting for a free connection and
    connecting may take half of it. The environment's proxies are ignored: only what the
    configuration names is used. Raises ConfigurationError for an unreadable CA file.
    """
    seconds = wiring.timeout_seconds
    return Client(
        transport or _transport(wiring),
        base_url=base_url,
        headers={**(headers or {}), **(_basic(*auth) if auth else {})},
        timeout=httpx.Timeout(seconds, connect=seconds / 2, pool=seconds / 2),
    )


def _basic(user: str, password: str) -> dict[str, str]:
    """RFC 7617."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def _transport(wiring: Wiring) -> httpx.AsyncBaseTransport:
    try:
        trust = _trust(wiring.ca_file and wiring.base_dir / wiring.ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            [
                Problem(
                    f"{wiring.id}.ca_file",
                    "certificat d'autorité illisible",
                    "indiquer un fichier PEM lisible",
                )
            ]
        ) from error
    return AiohttpTransport(
        verify=trust,
        trust_env=False,
        limits=httpx.Limits(max_connections=wiring.connections, keepalive_expiry=KEEPALIVE_SECONDS),
        proxy=httpx.Proxy(wiring.proxy) if wiring.proxy else None,
    )


@functools.cache  # reading every root takes a tenth of a second
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """The public roots httpx carries, the system's, and the hospital's own CA if it names one."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


class Form:
    """A form posted to one address again and again: what never changes is put together once."""

    def __init__(self, http: Client, path: str) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self._like = http.build_request("POST", path, headers=form)
        del self._like.headers["Content-Length"]

    def request(self, fields: Mapping[str, str]) -> httpx.Request:
        like = self._like
        request = httpx.Request(
            like.method,
            like.url,
            headers=like.headers,
            content=urlencode(fields).encode(),
            extensions=like.extensions,
        )
        request.headers.encoding = "ascii"  # else httpx finds out again, header by header
        return request


async def exchange(http: Client, request: httpx.Request) -> httpx.Response:
    """A 2xx, or a 4xx that is the caller's to read. Anything else raises SendError.

    NotSent: nothing left. Throttled: 429. Misconfigured: credentials rejected, or an answer
    that is no API's (redirection). Unknown: the request may have arrived, a cancelled task and
    the end of the time allowed included.
    """
    try:
        async with asyncio.timeout(http.timeout.read):
            response = await _answer(http, request)
    except (Exception, asyncio.CancelledError) as error:
        cause = error.__cause__ if isinstance(error, httpx.HTTPError) else None
        name = type(cause or error).__name__
        raise (NotSent if isinstance(cause, NEVER_SENT) else Unknown)(name) from error
    _refuse_what_is_no_answer(response)
    return response


async def _answer(http: Client, request: httpx.Request) -> httpx.Response:
    """The whole answer, redirections included, or what the transport raises."""
    response = await http.transport.handle_async_request(request)
    response.request = request
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise
    return response


def _refuse_what_is_no_answer(response: httpx.Response) -> None:
    status = response.status_code
    code = f"http {status}"
    if status == 429:
        raise Throttled(code, retry_after(response))
    if status in (401, 403, 407) or status < 200 or 300 <= status < 400:
        raise Misconfigured(code)
    if status == 408 or status >= 500:
        raise Unknown(code)


def retry_after(response: httpx.Response) -> float | None:
    """Seconds the server asks us to wait (RFC 9110 §10.2.3); None where it says nothing usable.

    A date is compared with the answer's own Date, so that our clock plays no part.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until, date = _http_date(text), _http_date(response.headers.get("date", ""))
    return None if until is None or date is None else max(0.0, (until - date).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def document(response: httpx.Response) -> Any:
    """The JSON of an answer. Raises Unknown if a success cannot be read; a failure gives None."""
    try:
        return response.json()
    except ValueError as error:
        if response.is_success:
            raise Unknown("unreadable answer") from error
        return None


def fields(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; {} for a failure without one. Raises Unknown as document."""
    found = document(response)
    if isinstance(found, dict):
        return found
    if response.is_success:
        raise Unknown("unreadable answer")
    return {}


async def ask_each(ids: Sequence[str], ask: Callable[[str], Awaitable[T]]) -> list[T]:
    """What `ask` answers for every id, a few at a time, in order.

    An id whose question failed is left out, for the next poll to ask again, so that one
    failure cannot hide the others. Raises the failure if nothing at all was answered, and
    Misconfigured always.
    """
    answers: list[T] = []
    failure: SendError | None = None
    for start in range(0, len(ids), AT_ONCE):
        batch = (ask(each) for each in ids[start : start + AT_ONCE])
        for result in await asyncio.gather(*batch, return_exceptions=True):
            if isinstance(result, Misconfigured) or (
                isinstance(result, BaseException) and not isinstance(result, SendError)
            ):
                raise result
            if isinstance(result, SendError):
                failure = result
            else:
                answers.append(result)
    if failure is not None and not answers:
        raise failure
    return answers
