"""Over real sockets: what certainly did not leave, and what perhaps did.

Each failure is produced by a peer that really refuses, hangs, resets or cuts: no exception is
imitated, so a new version of the HTTP stack cannot silently turn "perhaps sent" into "try again".
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from struct import pack

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reminders.errors import NotSent, SendError, Unknown
from reminders.ports import Sms, SmsSender, Wiring

SMS = Sms("A1b2C3d4E5f6G7h8I", "+33639980001", "Votre RDV demain 10h.", timedelta(hours=2))
QUICK = Wiring("main", timeout_seconds=1.0)
PATIENT = Wiring("main", timeout_seconds=20.0)

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def peer(
    misbehave: Answer, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that reads every POST to its end, then misbehaves; it tells the time when asked.
    Yields its address and the bodies it has read."""
    bodies: list[bytes] = []
    serving = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if head.startswith(b"get "):
            return await answer_time(writer)
        length = head.split(b"content-length:")[1].split(b"\r\n")[0]
        bodies.append(await reader.readexactly(int(length)))
        return await misbehave(writer)

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve_and_close(reader, writer)))

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{port}", bodies
        finally:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)


async def answer_time(writer: asyncio.StreamWriter) -> None:
    now = str(int(datetime.now(UTC).timestamp())).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
    writer.write(head + b"Content-Length: %d\r\n\r\n" % len(now) + now)
    await writer.drain()


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    peer_socket = writer.get_extra_info("socket")
    peer_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
    writer.transport.abort()


async def hang(_writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def trickle(writer: asyncio.StreamWriter) -> None:
    """Always a little more, never an end: no single read is late, the whole is."""
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def cut(writer: asyncio.StreamWriter) -> None:
    writer.write(b'HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"sid": "SM')
    await writer.drain()


async def babble(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 smtp.example.org ESMTP\r\n")
    await writer.drain()


async def nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")
    await writer.drain()


def self_signed(folder: Path) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 that nobody has a reason to trust; kept in `folder`/ca.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    day = timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + day)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


class ThreeAnswersContract:
    """An adapter supplies `sender`, its own transport included."""

    def sender(self, address: str, wiring: Wiring) -> SmsSender:
        raise NotImplementedError

    async def failure(self, address: str, wiring: Wiring = PATIENT) -> SendError:
        sender = self.sender(address, wiring)
        try:
            with pytest.raises(SendError) as failure:
                await sender.send(SMS)
        finally:
            await sender.aclose()
        assert SMS.to not in str(failure.value)
        return failure.value

    @pytest.mark.anyio
    async def test_a_refused_connection_sent_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        assert isinstance(await self.failure(f"http://127.0.0.1:{port}"), NotSent)

    @pytest.mark.anyio
    async def test_a_name_that_does_not_resolve_sent_nothing(self) -> None:
        assert isinstance(await self.failure("http://sms.invalid"), NotSent)

    @pytest.mark.anyio
    async def test_a_certificate_nobody_vouches_for_sent_nothing(self, tmp_path: Path) -> None:
        async with peer(hang, self_signed(tmp_path)) as (address, bodies):
            assert isinstance(await self.failure(address), NotSent)
        assert bodies == []

    @pytest.mark.anyio
    async def test_a_tls_handshake_that_never_ends_sent_nothing(self) -> None:
        async with peer(hang) as (address, bodies):
            tls = address.replace("http:", "https:")
            assert isinstance(await self.failure(tls, QUICK), NotSent)
        assert bodies == []

    @pytest.mark.anyio
    async def test_a_message_still_waiting_for_a_connection_was_not_sent(self) -> None:
        """The only connection is busy with another message, which nobody answers."""
        wiring = Wiring("main", timeout_seconds=2.0, connections=1)
        read = asyncio.Event()

        async def read_and_hang(writer: asyncio.StreamWriter) -> None:
            read.set()
            await hang(writer)

        async with peer(read_and_hang) as (address, bodies):
            sender = self.sender(address, wiring)
            first = asyncio.create_task(sender.send(SMS))
            await read.wait()
            with pytest.raises(NotSent):
                await sender.send(SMS)
            with pytest.raises(Unknown):
                await first
            await sender.aclose()
        assert len(bodies) == 1

    @pytest.mark.anyio
    @pytest.mark.parametrize("misbehave", [close, reset, cut, babble, nonsense])
    async def test_once_read_the_message_may_have_been_sent(self, misbehave: Answer) -> None:
        async with peer(misbehave) as (address, bodies):
            failure = await self.failure(address)
        assert isinstance(failure, Unknown)
        assert len(bodies) == 1, "and nothing tries again by itself"

    @pytest.mark.anyio
    @pytest.mark.parametrize("misbehave", [hang, trickle])
    async def test_an_answer_that_does_not_come_in_time_is_unknown(self, misbehave: Answer) -> None:
        async with peer(misbehave) as (address, bodies):
            assert isinstance(await self.failure(address, QUICK), Unknown)
        assert len(bodies) == 1

    @pytest.mark.anyio
    async def test_a_task_cancelled_while_sending_leaves_an_unknown(self) -> None:
        read = asyncio.Event()

        async def read_and_hang(writer: asyncio.StreamWriter) -> None:
            read.set()
            await hang(writer)

        async with peer(read_and_hang) as (address, _):
            sender = self.sender(address, PATIENT)
            sending = asyncio.create_task(sender.send(SMS))
            await read.wait()
            sending.cancel()
            with pytest.raises(Unknown):
                await sending
            await sender.aclose()
