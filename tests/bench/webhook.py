"""A provider's receipts taken durably before the 2xx, beside an endpoint that does nothing.

Both are served in a process of their own by the same stack (FastAPI, its middleware, uvicorn) and
asked by the same client over 32 connections. Once the last 2xx came our process is killed: what
it answered for must be in the database.

    python -m tests.bench.webhook FOLDER   serves the hospital in FOLDER, or nothing without one
"""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

from fastapi import Request, Response

from adapters.sms.twilio import _signature
from reminders.bootstrap import build
from reminders.cli.serving import _server, listening
from reminders.clock import OffsetClock
from reminders.config import Settings
from reminders.ports import Received
from reminders.services.receive import Taken as Stored
from reminders.web.public import public_app
from tests.bench.delivery import plan_for_today
from tests.bench.hospital import NOW, settings
from tests.bench.measure import (
    Figure,
    Size,
    Taken,
    compare,
    quiet,
    stopwatch,
    syncs_per_second,
    take_turns,
)
from tests.bench.running import cpu_seconds
from tests.bench.sink import sink

CALLBACKS = {"tiny": 150, "quick": 2_000, "full": 10_000}
PAIRS = {"tiny": 1, "quick": 5, "full": 9}
CONNECTIONS = 32
PUBLIC = "https://rdv.example.org"
ANSWER = b"HTTP/1.1 204"
NOOP = "/noop"


def measure_webhook(size: Size) -> Iterator[Figure]:
    with TemporaryDirectory() as place, sink() as port:
        original = Path(place) / "original"
        original.mkdir()
        deliver_all(original, port, CALLBACKS[size])
        told = receipts_of(original)
        assert len(told) == CALLBACKS[size]

        def ours() -> Taken:
            with TemporaryDirectory(dir=place) as name:
                folder = Path(name)
                copy(original / "hospital.db", folder)
                with serving(folder) as (process, address):
                    path, requests = told_by_twilio(folder, port, told)
                    taken = _asked(process.pid, address, requests)
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                assert path.startswith("/callbacks/")
                check(folder, len(told))
            return taken

        def baseline() -> Taken:
            _, requests = told_by_twilio(original, port, told, path=NOOP)
            with serving(None) as (process, address):
                return _asked(process.pid, address, requests)

        found = take_turns(ours, baseline, PAIRS[size])
        yield compare(
            "webhook", found, CALLBACKS[size], "callbacks/s", 0.45,
            connections=CONNECTIONS, syncs_per_second=round(syncs_per_second(Path(place))),
        )  # fmt: skip


def deliver_all(folder: Path, port: int, messages: int) -> None:
    plan_for_today(folder, settings(folder, port), messages)

    async def run() -> None:
        application = build(settings(folder, port), OffsetClock(NOW))
        try:
            await application.tasks.deliver()
        finally:
            await application.aclose()

    asyncio.run(run())


def receipts_of(folder: Path) -> list[tuple[str, str]]:
    """(provider's id, our reference) of every text that left."""
    with closing(sqlite3.connect(folder / "hospital.db")) as database:
        return database.execute(
            "SELECT provider_id, reference FROM attempt WHERE state = 'ACCEPTED' ORDER BY id"
        ).fetchall()


def told_by_twilio(
    folder: Path, port: int, told: Sequence[tuple[str, str]], path: str = ""
) -> tuple[str, list[bytes]]:
    """The requests Twilio sends once the texts arrived, signed, ready to be written."""
    if not path:
        application = build(public(folder, port), OffsetClock(NOW))
        path = application.callback_paths["main"]
        application.store.close()
    return path, [_request(path, provider_id, reference) for provider_id, reference in told]


def _request(path: str, provider_id: str, reference: str) -> bytes:
    target = f"{path}?ref={reference}"
    form = [("MessageSid", provider_id), ("MessageStatus", "delivered"), ("To", "+33639980000")]
    body = urlencode(form).encode()
    signature = _signature(PUBLIC + target, form, "secret").decode()
    return (
        f"POST {target} HTTP/1.1\r\nHost: rdv.example.org\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Twilio-Signature: {signature}\r\n\r\n"
    ).encode() + body


def _asked(server: int, address: str, requests: Sequence[bytes]) -> Taken:
    """The time of the cores is that of both sides."""
    before = cpu_seconds(server)
    taken = asyncio.run(ask(address, requests))
    taken.cpu += cpu_seconds(server) - before
    return taken


async def ask(address: str, requests: Sequence[bytes]) -> Taken:
    """Every request once, over connections that stay open, each waiting for its own answer."""
    host, _, port = address.partition(":")
    waiting = iter(requests)
    streams = [await asyncio.open_connection(host, int(port)) for _ in range(CONNECTIONS)]

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for request in waiting:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(ANSWER), head

    with stopwatch() as taken:
        await asyncio.gather(*(work(*stream) for stream in streams))
    for _, writer in streams:
        writer.close()
    return taken


def check(folder: Path, callbacks: int) -> None:
    """Everything acknowledged survived the kill, once."""
    with closing(sqlite3.connect(folder / "hospital.db")) as database:
        (stored,) = database.execute("SELECT COUNT(*) FROM receipt").fetchone()
        states = database.execute("SELECT DISTINCT state FROM message").fetchall()
    assert stored == callbacks, stored
    assert states == [("DELIVERED",)], states


@contextmanager
def serving(folder: Path | None) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "tests.bench.webhook", *([str(folder)] if folder else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def public(folder: Path, port: int = 9) -> Settings:
    ours = settings(folder, port)
    web = ours.web.model_copy(update={"public_url": PUBLIC, "public_port": 0, "internal_port": 0})
    return ours.model_copy(update={"web": web, "dpi": ()})


async def _serve_ours(folder: Path) -> None:
    application = build(public(folder), OffsetClock(NOW))
    async with listening(application) as addresses:
        print(addresses[1], flush=True)
        await asyncio.Event().wait()


async def _serve_nothing() -> None:
    async def take(provider: str, received: Received) -> Stored:
        raise AssertionError("nobody sends this")

    async def hinted(provider: str, received: Received) -> None:
        raise AssertionError("nobody sends this")

    async def noop(request: Request) -> Response:
        await request.body()
        return Response(status_code=204)

    app = public_app({}, {}, PUBLIC, take, hinted)
    app.add_api_route(NOOP, noop, methods=["POST"], response_class=Response)
    server = _server(app)
    server.config.host, server.config.port = "127.0.0.1", 0
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"127.0.0.1:{port}", flush=True)
    await running


if __name__ == "__main__":
    quiet()
    asyncio.run(_serve_ours(Path(sys.argv[1])) if sys.argv[1:] else _serve_nothing())
