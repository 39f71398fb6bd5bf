"""The way out as the configuration names it: a private authority and a proxy, for every adapter.

Real TLS and a real proxy on loopback; nothing is trusted or called that hospital.toml does not
name.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from reminders.bootstrap import Application, build
from reminders.clock import SystemClock
from reminders.config import load
from reminders.errors import ConfigurationError, Misconfigured, NotSent, SourceUnavailable
from reminders.ports import AppointmentSource, Email, Sms
from tests.support.authority import authority

pytestmark = pytest.mark.anyio

SMS = Sms("0123456789abcdefg", "+33639980012", "RDV le 14/10 à 9h30", timedelta(hours=1))
EMAIL = Email("0123456789abcdefg", "lea@example.org", "RDV", "Bonjour", "<p>Bonjour</p>")
BASE = """
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"

[[dpi]]
id = "agenda"
kind = "fhir"
base_url = "{http}/fhir"

[[sms]]
id = "main"
kind = "twilio"
base_url = "{http}"
account_sid = "ACtest"
auth_token = "x"
sender = "CHExemple"

[[sms]]
id = "secours"
kind = "ovh"
base_url = "{http}/1.0"
service_name = "sms-ab1-1"
application_key = "a"
application_secret = "b"
consumer_key = "c"
sender = "CHExemple"

[email]
host = "{mail_host}"
port = {mail_port}
security = "{security}"
sender = "rdv@example.org"
"""


class Peers:
    """One TLS server that answers as Twilio, OVHcloud or a FHIR server, and one of mail."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.mails = 0

    def answer(self, line: str) -> object:
        if "/Messages.json" in line:
            return {"sid": "SM" + "0" * 32, "status": "queued"}
        if "/auth/time" in line:
            return int(datetime.now(UTC).timestamp())
        if "/jobs" in line:
            return {"ids": [1], "validReceivers": ["+33639980012"], "invalidReceivers": []}
        if "/metadata" in line:
            return {
                "resourceType": "CapabilityStatement",
                "status": "active",
                "fhirVersion": "4.0.1",
            }
        return {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = [one for one in head.lower().split("\r\n") if one.startswith("content-length:")]
        await reader.readexactly(int(length[0].split(":")[1]) if length else 0)
        line = head.split("\r\n", 1)[0]
        self.asked.append(line)
        body = json.dumps(self.answer(line)).encode()
        kind = b"application/fhir+json" if "/fhir" in line else b"application/json"
        writer.write(
            b"HTTP/1.1 %d OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % (201 if "/Messages.json" in line else 200, kind, len(body))
            + body
        )
        await writer.drain()
        writer.close()

    async def handle_DATA(self, *_: object) -> str:
        self.mails += 1
        return "250 OK"


class Proxy:
    """An HTTP proxy that opens tunnels, wherever they are asked to lead, to one port."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.opened: list[str] = []

    async def tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.opened.append(head.split("\r\n", 1)[0])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def listening(handler: object, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def mail(peers: Peers, context: ssl.SSLContext, security: str) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    implicit = security == "tls"

    def conversation() -> SMTP:
        return SMTP(peers, tls_context=None if implicit else context, hostname="mail.example.org")

    server = await loop.create_server(
        conversation, "127.0.0.1", 0, ssl=context if implicit else None
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def application(
    folder: Path, text: str, *, http: str, mail_port: int = 1, security: str = "starttls"
) -> AsyncIterator[Application]:
    filled = BASE.format(http=http, mail_host="localhost", mail_port=mail_port, security=security)
    (folder / "hospital.toml").write_text(text + filled, encoding="utf-8")
    built = build(load(folder / "hospital.toml", {}), SystemClock())
    try:
        yield built
    finally:
        await built.aclose()


def source_of(built: Application) -> AppointmentSource:
    return built.tasks._parts.sources[0][1]


def read(built: Application) -> int:
    feeds = list(source_of(built).feeds(now=datetime.now(UTC), since=None))
    return sum(len(list(feed.rows())) for feed in feeds)


async def test_a_private_authority_is_trusted_by_sms_and_dpi(tmp_path: Path) -> None:
    peers, context = Peers(), authority(tmp_path)
    async with listening(peers.http, context) as port:
        trusting = '[network]\nca_file = "ca.pem"\n'
        async with application(tmp_path, trusting, http=f"https://127.0.0.1:{port}") as built:
            assert (await built.sms["main"].send(SMS)).provider_id.startswith("SM")
            assert (await built.sms["secours"].send(SMS)).provider_id == "1"
            assert await asyncio.to_thread(read, built) == 0
    assert len(peers.asked) >= 4


async def test_without_it_nothing_is_sent_or_read(tmp_path: Path) -> None:
    peers, context = Peers(), authority(tmp_path)
    async with (
        listening(peers.http, context) as port,
        application(tmp_path, "", http=f"https://127.0.0.1:{port}") as built,
    ):
        for name in ("main", "secours"):
            with pytest.raises(NotSent):
                await built.sms[name].send(SMS)
        with pytest.raises(SourceUnavailable):
            await asyncio.to_thread(read, built)
    assert peers.asked == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_leaves_over_tls_that_the_private_authority_vouches_for(
    tmp_path: Path, security: str
) -> None:
    peers, context = Peers(), authority(tmp_path)
    async with mail(peers, context, security) as port:
        options = {"http": "https://127.0.0.1:1", "mail_port": port, "security": security}
        trusting = '[network]\nca_file = "ca.pem"\n'
        async with application(tmp_path, trusting, **options) as built:  # type: ignore[arg-type]
            await built.email["email"].send(EMAIL)
        assert peers.mails == 1
        async with application(tmp_path, "", **options) as built:  # type: ignore[arg-type]
            with pytest.raises((NotSent, Misconfigured)):
                await built.email["email"].send(EMAIL)
    assert peers.mails == 1


async def test_everything_http_goes_through_the_configured_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names are resolved by the proxy, never here; the environment's proxy is ignored."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    peers, context = Peers(), authority(tmp_path)
    async with listening(peers.http, context) as port:
        proxy = Proxy(port)
        async with listening(proxy.tunnel) as own:
            text = f'[network]\nca_file = "ca.pem"\nproxy = "http://127.0.0.1:{own}"\n'
            async with application(tmp_path, text, http="https://sms.example.org") as built:
                assert (await built.sms["main"].send(SMS)).provider_id
                assert (await built.sms["secours"].send(SMS)).provider_id
                assert await asyncio.to_thread(read, built) == 0
    assert {line.split()[0] for line in proxy.opened} == {"CONNECT"}
    assert all("sms.example.org:443" in line for line in proxy.opened)
    assert len(proxy.opened) >= 3


async def test_a_proxy_that_is_down_means_not_sent(tmp_path: Path) -> None:
    text = '[network]\nproxy = "http://127.0.0.1:1"\n'
    async with application(tmp_path, text, http="https://sms.example.org") as built:
        for name in ("main", "secours"):
            with pytest.raises(NotSent):
                await built.sms[name].send(SMS)
        with pytest.raises(SourceUnavailable):
            await asyncio.to_thread(read, built)


def test_an_authority_that_is_not_there_is_one_mistake(tmp_path: Path) -> None:
    text = '[network]\nca_file = "absent.pem"\n' + BASE.format(
        http="https://sms.example.org", mail_host="localhost", mail_port=1, security="tls"
    )
    (tmp_path / "hospital.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refusal:
        load(tmp_path / "hospital.toml", {})
    (problem,) = refusal.value.problems
    assert problem.where == "network › ca_file (ligne 2)"
