"""The exchange shared by all HTTP adapters, over real sockets and over answers made up."""

import asyncio
from pathlib import Path

import httpx
import pytest

from adapters.wire import ask_each, client, document, exchange, fields, retry_after
from reminders.errors import (
    ConfigurationError,
    Misconfigured,
    NotSent,
    Refused,
    SendError,
    Throttled,
    Unknown,
)
from reminders.ports import (
    Accepted,
    Callback,
    Capabilities,
    Receipt,
    Received,
    Sms,
    SmsSender,
    Wiring,
)
from tests.contracts.three_answers import ThreeAnswersContract, answer_time, peer, self_signed

WIRING = Wiring("main")


class BareSender:
    """The least an adapter can do with the wire."""

    capabilities = Capabilities()

    def __init__(self, address: str, wiring: Wiring) -> None:
        self._http = client(wiring, address)

    async def send(self, sms: Sms) -> Accepted:
        request = self._http.build_request("POST", "/send", content=sms.text.encode())
        return Accepted(str(fields(await exchange(self._http, request))["id"]))

    async def lookup(self, reference: str) -> Receipt | None:
        return None

    async def poll(self, provider_ids: object) -> Received:
        return Received()

    def receive(self, callback: Callback) -> Received:
        return Received()

    async def aclose(self) -> None:
        await self._http.aclose()


class TestThreeAnswers(ThreeAnswersContract):
    def sender(self, address: str, wiring: Wiring) -> SmsSender:
        return BareSender(address, wiring)


async def answered(response: httpx.Response) -> httpx.Response:
    """What `exchange` makes of this answer."""
    transport = httpx.MockTransport(lambda _request: response)
    async with client(WIRING, "http://sms.example.org", transport=transport) as http:
        return await exchange(http, http.build_request("GET", "/"))


@pytest.mark.anyio
@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 410, 422])
async def test_what_the_caller_must_read_is_returned(status: int) -> None:
    assert (await answered(httpx.Response(status))).status_code == status


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Misconfigured),
        (302, Misconfigured),
        (307, Misconfigured),
        (401, Misconfigured),
        (403, Misconfigured),
        (407, Misconfigured),
        (408, Unknown),
        (429, Throttled),
        (500, Unknown),
        (502, Unknown),
        (503, Unknown),
        (504, Unknown),
    ],
)
async def test_every_other_status_is_one_of_the_answers(status: int, kind: type[SendError]) -> None:
    elsewhere = {"location": "http://elsewhere.example.org/"}
    with pytest.raises(kind) as failure:
        await answered(httpx.Response(status, headers=elsewhere))
    assert type(failure.value) is kind
    assert failure.value.code == f"http {status}"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 0 "}, 0.0),
        (
            {
                "retry-after": "Tue, 06 Oct 2026 10:00:30 GMT",
                "date": "Tue, 06 Oct 2026 10:00:00 GMT",
            },
            30.0,
        ),
        (
            {
                "retry-after": "Tue, 06 Oct 2026 09:00:00 GMT",
                "date": "Tue, 06 Oct 2026 10:00:00 GMT",
            },
            0.0,
        ),
        ({"retry-after": "Tue, 06 Oct 2026 10:00:30 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon", "date": "Tue, 06 Oct 2026 10:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_the_wait_a_server_asks_for_is_in_seconds_whatever_its_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(httpx.Response(429, headers=headers)) == seconds


@pytest.mark.parametrize("text", ["<html>", "", '{"id": '])
def test_a_success_that_cannot_be_read_is_unknown_and_a_failure_is_empty(text: str) -> None:
    with pytest.raises(Unknown):
        document(httpx.Response(200, text=text))
    assert fields(httpx.Response(404, text=text)) == {}


def test_a_success_that_is_no_object_is_unknown() -> None:
    with pytest.raises(Unknown):
        fields(httpx.Response(200, json=["SM1"]))


@pytest.mark.anyio
async def test_a_private_authority_is_trusted_when_the_configuration_names_it(
    tmp_path: Path,
) -> None:
    context = self_signed(tmp_path)
    trusting = Wiring("main", base_dir=tmp_path, ca_file=Path("ca.pem"))
    async with peer(answer_time, context) as (address, _), client(trusting, address) as http:
        response = await exchange(http, http.build_request("GET", "/auth/time"))
    assert response.status_code == 200


def test_an_authority_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    wiring = Wiring("main", base_dir=tmp_path, ca_file=Path("missing.pem"))
    with pytest.raises(ConfigurationError) as refusal:
        client(wiring, "https://sms.example.org")
    assert "main.ca_file" in str(refusal.value)


@pytest.mark.anyio
async def test_the_configured_proxy_is_used_and_the_environment_s_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with peer(answer_time) as (proxy, _):
        async with client(Wiring("main", proxy=proxy), "http://sms.invalid") as http:
            through = await exchange(http, http.build_request("GET", "/"))
        async with client(WIRING, proxy) as http:
            direct = await exchange(http, http.build_request("GET", "/"))
    assert (through.status_code, direct.status_code) == (200, 200)


@pytest.mark.anyio
async def test_a_proxy_that_opens_no_tunnel_sent_nothing() -> None:
    async def refuse(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await refuse(writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client(Wiring("main", proxy=proxy), "https://sms.invalid") as http:
            with pytest.raises(NotSent):
                await exchange(http, http.build_request("POST", "/", content=b"x"))


@pytest.mark.anyio
async def test_one_failed_question_does_not_hide_the_other_answers() -> None:
    async def ask(each: str) -> str:
        if each == "7":
            raise Unknown("http 500")
        return each

    ids = [str(number) for number in range(20)]
    assert await ask_each(ids, ask) == [each for each in ids if each != "7"]


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [NotSent, Unknown, Refused, Misconfigured])
async def test_a_poll_that_learns_nothing_says_why(kind: type[SendError]) -> None:
    async def ask(_each: str) -> str:
        raise kind("http 500")

    with pytest.raises(kind):
        await ask_each(["1", "2"], ask)
    assert await ask_each([], ask) == []
