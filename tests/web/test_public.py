"""The public listener: what a provider gets, whatever it or the database does."""

import asyncio
from collections.abc import Mapping, Sequence

import httpx
import pytest

from reminders.errors import Forged, Problem, RepairNeeded
from reminders.ports import Accepted, Callback, Capabilities, Receipt, ReceiptState, Received, Sms
from reminders.services.receive import Taken
from reminders.simulation.listening import listening
from reminders.web.public import LONGEST_BODY, public_app

pytestmark = pytest.mark.anyio

SECRET = "/callbacks/main/0123456789abcdef0123456789abcdef"
DELIVERED = Received(receipts=(Receipt("e1", ReceiptState.DELIVERED, provider_id="SM1"),))


class Sender:
    """Reads every callback as told, and remembers what it was shown."""

    capabilities = Capabilities()

    def __init__(self, answer: Received | Exception = DELIVERED) -> None:
        self.answer = answer
        self.shown: list[Callback] = []

    async def send(self, sms: Sms) -> Accepted:
        raise NotImplementedError

    async def lookup(self, reference: str) -> Receipt | None:
        return None

    async def poll(self, provider_ids: Sequence[str]) -> Received:
        return Received()

    def receive(self, callback: Callback) -> Received:
        self.shown.append(callback)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def aclose(self) -> None:
        return


class Desk:
    """Takes what is received, once its database is up."""

    def __init__(self) -> None:
        self.stored: list[Received] = []
        self.hints: list[Received] = []
        self.failure: Exception | None = None
        self.may_ask = asyncio.Event()

    async def take(self, _provider: str, received: Received) -> Taken:
        if self.failure is not None:
            raise self.failure
        self.stored.append(received)
        return Taken(len(received.receipts), len(received.replies))

    async def hinted(self, _provider: str, received: Received) -> None:
        await self.may_ask.wait()
        self.hints.append(received)


def client(sender: Sender, desk: Desk) -> httpx.AsyncClient:
    app = public_app(
        {"main": sender}, {"main": SECRET}, "https://rdv.example.org", desk.take, desk.hinted
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://inside.example.org",
    )


async def test_what_is_stored_is_acknowledged() -> None:
    sender, desk = Sender(), Desk()
    async with client(sender, desk) as http:
        assert (await http.post(f"{SECRET}/status?ref=abc", content=b"a=1")).status_code == 204
    assert desk.stored == [DELIVERED]


async def test_the_signature_is_checked_against_the_configured_address() -> None:
    """Never against what the request or a proxy's header says of itself."""
    sender = Sender()
    headers: Mapping[str, str] = {
        "Host": "evil.example.org",
        "X-Forwarded-Host": "evil.example.org",
        "X-Forwarded-Proto": "http",
        "Forwarded": "host=evil.example.org",
    }
    async with client(sender, Desk()) as http:
        await http.post(f"{SECRET}/status?ref=a%2Fb&x=", content=b"a=1", headers=headers)
    (shown,) = sender.shown
    assert shown.url == f"https://rdv.example.org{SECRET}/status?ref=a%2Fb&x="
    assert (shown.method, shown.body) == ("POST", b"a=1")


async def test_while_the_database_is_down_nothing_is_acknowledged_and_nothing_lost() -> None:
    sender, desk = Sender(), Desk()
    async with client(sender, desk) as http:
        desk.failure = RepairNeeded(Problem("base de données", "inaccessible"))
        first = await http.post(f"{SECRET}/status", content=b"a=1")
        desk.failure = RuntimeError("EXEMPLE Léa 0639980012")
        second = await http.post(f"{SECRET}/status", content=b"a=1")
        desk.failure = None
        third = await http.post(f"{SECRET}/status", content=b"a=1")
    assert [answer.status_code for answer in (first, second, third)] == [503, 503, 204]
    assert first.text == second.text == "try again"
    assert desk.stored == [DELIVERED]


@pytest.mark.parametrize(
    ("failure", "status"), [(Forged("twilio"), 403), (KeyError("0639980012"), 503)]
)
async def test_what_cannot_be_believed_or_read_is_not_acknowledged(
    failure: Exception, status: int
) -> None:
    desk = Desk()
    async with client(Sender(failure), desk) as http:
        answer = await http.post(f"{SECRET}/status", content=b"a=1")
    assert answer.status_code == status
    assert "0639980012" not in answer.text
    assert desk.stored == []


@pytest.mark.parametrize(("size", "status"), [(LONGEST_BODY, 204), (LONGEST_BODY + 1, 413)])
async def test_a_body_larger_than_any_callback_is_refused(size: int, status: int) -> None:
    sender = Sender()
    async with client(sender, Desk()) as http:
        answer = await http.post(f"{SECRET}/status", content=b"x" * size)
    assert answer.status_code == status
    assert len(sender.shown) == (1 if status == 204 else 0)


@pytest.mark.parametrize(
    "path",
    ["/", "/callbacks", "/callbacks/main", SECRET[:-1], f"/x{SECRET}", "/metrics", "/docs", "/r/x"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_everything_else_is_not_there(method: str, path: str) -> None:
    sender = Sender()
    async with client(sender, Desk()) as http:
        answer = await http.request(method, path)
    assert answer.status_code == 404
    assert sender.shown == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_only_get_and_post_reach_a_provider_s_adapter(method: str) -> None:
    sender = Sender()
    async with client(sender, Desk()) as http:
        assert (await http.request(method, f"{SECRET}/status")).status_code == 405
    assert sender.shown == []


@pytest.mark.parametrize("path", ["/", f"{SECRET}/status"])
async def test_every_answer_forbids_keeping_framing_and_guessing(path: str) -> None:
    async with client(Sender(), Desk()) as http:
        headers = (await http.get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]


async def test_a_hint_is_answered_before_its_provider_is_asked() -> None:
    """OVHcloud waits for our answer while we would wait for its own."""
    sender, desk = Sender(Received(hints=True, hinted=("12",))), Desk()
    app = public_app({"main": sender}, {"main": SECRET}, "", desk.take, desk.hinted)
    async with listening(app) as port, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{port}{SECRET}?id=12", timeout=60)
        assert answer.status_code == 204
        assert desk.hints == []
        desk.may_ask.set()
        async with asyncio.timeout(60):
            while not desk.hints:
                await asyncio.sleep(0.01)
    assert desk.hints == [sender.answer]
