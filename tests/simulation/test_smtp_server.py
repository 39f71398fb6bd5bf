"""The simulated mail server: driven by the standard library, by raw bytes and by our adapter."""

import asyncio
import contextlib
import json
import signal
import smtplib
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from adapters.email.smtp import Smtp, create
from reminders.errors import BadRecipient, Misconfigured, NotSent, Refused, SendError, Unknown
from reminders.ports import Email, Wiring
from reminders.simulation.faults import Fault, FaultScript, Kind
from reminders.simulation.ledger import Entry, Ledger, read
from reminders.simulation.smtp_server import SmtpServer

TUESDAY = datetime(2026, 10, 6, 7, 55, tzinfo=UTC)
EMAIL = Email(
    "A1b2C3d4E5f6G7h8I",
    "zoe.exemple@example.org",
    "Rappel : mardi 13 octobre à 9 h",
    "Bonjour Zoé,\n.un point en début de ligne\n\nÀ mardi.\n",
    "<p>À mardi.</p>",
)


@contextlib.asynccontextmanager
async def served(
    folder: Path, *faults: Fault, credentials: tuple[str, str] | None = None
) -> AsyncIterator[tuple[int, Path]]:
    path = folder / "ledger.jsonl"
    ledger = Ledger(path)
    server = SmtpServer(ledger, FaultScript(faults), lambda: TUESDAY, credentials=credentials)
    try:
        yield await server.start(), path
    finally:
        await server.aclose()
        ledger.close()


@contextlib.asynccontextmanager
async def adapter(port: int, **options: Any) -> AsyncIterator[Smtp]:
    table = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "rdv@example.org"}
    sender = create(table | options, Wiring("email", timeout_seconds=1.5))
    try:
        yield sender
    finally:
        await sender.aclose()


def held(path: Path) -> list[Entry]:
    return list(read(path))


@pytest.mark.anyio
async def test_a_message_of_our_adapter_is_in_the_ledger_as_it_was_written(tmp_path: Path) -> None:
    async with served(tmp_path) as (port, ledger), adapter(port) as sender:
        accepted = await sender.send(EMAIL)
    [entry] = held(ledger)
    assert (entry.reference, entry.provider_id) == (EMAIL.reference, accepted.provider_id)
    assert (entry.to, entry.subject) == (EMAIL.to, EMAIL.subject)
    assert entry.text == EMAIL.text
    assert (entry.channel, entry.at) == ("email", "2026-10-06T07:55:00.000+00:00")


@pytest.mark.anyio
async def test_one_connection_takes_many_messages(tmp_path: Path) -> None:
    async with served(tmp_path) as (port, ledger), adapter(port, connections=1) as sender:
        for _ in range(5):
            await sender.send(EMAIL)
    assert len(held(ledger)) == 5


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "answer", "taken"),
    [
        ("refuse", BadRecipient, 0),
        ("reject_credentials", Misconfigured, 0),
        ("throttle", NotSent, 0),
        ("fail_500", Refused, 0),
        ("drop", Unknown, 0),
        ("hang", Unknown, 0),
        ("accept_then_drop", Unknown, 1),
        ("accept_then_500", Unknown, 1),
    ],
)
async def test_each_fault_is_met_with_the_right_one_of_three_answers(
    tmp_path: Path, kind: Kind, answer: type[SendError], taken: int
) -> None:
    async with served(tmp_path, Fault("smtp", kind)) as (port, ledger), adapter(port) as sender:
        with pytest.raises(answer) as failed:
            await sender.send(EMAIL)
        assert type(failed.value) is answer
        assert len(held(ledger)) == taken
        await sender.send(EMAIL)  # the fault is over
    assert len(held(ledger)) == taken + 1


@pytest.mark.anyio
async def test_who_must_authenticate_and_does_not_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, credentials=("rdv", "secret")) as (port, ledger):
        async with adapter(port) as nobody:
            with pytest.raises(Misconfigured):
                await nobody.send(EMAIL)
        async with adapter(port, username="rdv", password="wrong") as stranger:
            with pytest.raises(Misconfigured):
                await stranger.send(EMAIL)
        assert held(ledger) == []
        async with adapter(port, username="rdv", password="secret") as known:
            await known.send(EMAIL)
    assert len(held(ledger)) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content",
    [
        b"Subject: bare\r\n\r\nline feed\nhere\r\n.\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 1_100 + b"\r\n.\r\n",
        "Subject: accents\r\n\r\nÀ mardi\r\n.\r\n".encode(),
    ],
    ids=["bare line feed", "line too long", "8 bits"],
)
async def test_what_some_server_somewhere_would_refuse_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    async with served(tmp_path) as (port, ledger):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        for command in (b"HELO here", b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.org>"):
            writer.write(command + b"\r\n")
            while (line := await reader.readline())[3:4] == b"-":
                pass
            assert line.startswith(b"250"), line
        writer.write(b"DATA\r\n")
        assert (await reader.readline()).startswith(b"354")
        writer.write(content)
        assert (await reader.readline()).startswith(b"554 5.6.0")
        writer.write(b"QUIT\r\n")
        assert (await reader.readline()).startswith(b"221")
        writer.close()
    assert held(ledger) == []


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple["Popen[str]", int, Path]]:
    path = tmp_path / "ledger.jsonl"
    words = ["-m", "reminders.simulation.smtp_server", "--ledger", str(path)]
    words += ["--credentials", "rdv:secret"]
    with Popen([sys.executable, *words], stdout=PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            yield started, json.loads(started.stdout.readline())["port"], path
        finally:
            started.kill()


def test_the_standard_library_is_served_by_a_process_that_ends_when_told(
    process: tuple["Popen[str]", int, Path],
) -> None:
    started, port, path = process
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.login("rdv", "secret")
        text = "Subject: Rappel\r\nMessage-ID: <R2@example.org>\r\n\r\n..deux points\r\n"
        client.sendmail("rdv@example.org", ["a@example.org", "b@example.org"], text)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("rdv@example.org", [""], text)
    assert [(one.to, one.reference, one.text) for one in held(path)] == [
        ("a@example.org", "R2", "..deux points\n"),
        ("b@example.org", "R2", "..deux points\n"),
    ]
    started.send_signal(signal.SIGTERM)
    assert started.wait(timeout=30) == 0
