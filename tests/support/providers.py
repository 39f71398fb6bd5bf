"""The simulated providers in a thread of the test's own process, and what they took."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.types import Receive, Scope, Send

from reminders.clock import SystemClock
from reminders.simulation.faults import Fault, FaultScript
from reminders.simulation.ledger import Entry, Ledger, read
from reminders.simulation.listening import listening
from reminders.simulation.sms_servers import Callbacks, SmsProviders
from reminders.simulation.smtp_server import SmtpServer
from reminders.simulation.twilio_api import TwilioAccount

TWILIO = TwilioAccount()


@dataclass
class Providers:
    """Twilio's and OVHcloud's APIs and a mail server on loopback."""

    ledger: Path
    sms_url: str = ""
    smtp_port: int = 0
    addresses: list[str] = field(default_factory=list)  # path and query of every request
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _sms: SmsProviders | None = None

    @property
    def taken(self) -> list[Entry]:
        """Every submission accepted so far, in order."""
        return list(read(self.ledger))

    def reply(self, entry: Entry, text: str) -> int | None:
        """A patient answers; the HTTP status of the webhook, None without one."""
        assert self._sms is not None
        work = self._sms.reply(entry.to, text, entry)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def report(self, entry: Entry, status: str, *, error_code: str | None = None) -> int | None:
        """The provider tells what became of a message; as `reply`."""
        assert self._sms is not None
        work = self._sms.report(entry, status, error_code=error_code)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def set_callbacks(self, callbacks: Callbacks) -> None:
        assert self._sms is not None
        self._sms.callbacks = callbacks


@contextmanager
def providers(folder: Path, faults: Sequence[Fault] = ()) -> Iterator[Providers]:
    """Running while the block does; the ledger stays."""
    peers = Providers(folder / "ledger.jsonl")
    started, failed = threading.Event(), list[BaseException]()
    stop = asyncio.Event()

    async def serve() -> None:
        ledger, script = Ledger(peers.ledger), FaultScript(faults)
        sms = peers._sms = SmsProviders(ledger, script, SystemClock().now)
        smtp = SmtpServer(ledger, script, SystemClock().now)

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                peers.addresses.append(f"{scope['path']}?{scope['query_string'].decode()}")
            await sms.app(scope, receive, send)

        async with listening(watched) as port:
            peers.sms_url, peers.smtp_port = f"http://127.0.0.1:{port}", await smtp.start()
            started.set()
            await stop.wait()
        await smtp.aclose()
        await sms.aclose()
        ledger.close()

    def run() -> None:
        try:
            peers._loop.run_until_complete(serve())
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(60)
    assert not failed, failed
    try:
        yield peers
    finally:
        peers._loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        peers._loop.close()
