"""A simulated mail server: enough of ESMTP to take reminders, and to fail as servers do.

As a process of its own: `python -m reminders.simulation.smtp_server --port 0 --ledger FILE`
prints one JSON line, {"port": 2525}, once it takes connections, and serves until it is ended.

It is strict where real servers differ: bare line feeds, lines over 998 characters and octets
above 127 are refused, because some server somewhere would. In clear and for loopback only.
"""

import argparse
import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

from reminders.clock import SystemClock
from reminders.simulation.faults import Fault, FaultScript, load_faults
from reminders.simulation.intake import FOREVER, Accepted, Intake
from reminders.simulation.ledger import Entry, Ledger, SharedLedger, instant

PROVIDER = "smtp"
LINE_OCTETS = 1_000  # RFC 5321 §4.5.3.1.6, CRLF included
MOST_OCTETS = 10_000_000


class _HangUp(Exception):
    """Close the connection without another word."""


class SmtpServer:
    """Every message it takes is in the ledger, fsynced, before the final dot is answered.

    `accepted` is told of each of them, as the SMS providers tell theirs. With `credentials`
    (user name, password) a client must authenticate. Belongs to one event loop.

    Faults strike the nth MAIL: "reject_credentials" (535) and "throttle" (451) answer it,
    "refuse" (550 5.1.1) answers RCPT, the others come instead of the answer to the final dot;
    "accept_then_500" cuts that answer short, as no server takes a message and says it did not.
    """

    def __init__(
        self,
        ledger: Ledger,
        faults: FaultScript,
        clock: Callable[[], datetime],
        *,
        accepted: Accepted | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.intake = Intake(SharedLedger(ledger), faults, accepted)
        self.clock = clock
        self.credentials = credentials
        self._server: asyncio.Server | None = None
        self._conversations = set[asyncio.Task[None]]()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """The port, which takes connections from now on."""
        self._server = await asyncio.start_server(self._connected, host, port, backlog=1024)
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def aclose(self) -> None:
        if self._server is not None:
            self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, _HangUp):
                await _Conversation(self, reader, writer).run()
        finally:
            writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


class _Conversation:
    def __init__(
        self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._greeted = False
        self._known = server.credentials is None
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._fault: Fault | None = None
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "EHLO": self._ehlo,
            "HELO": self._ehlo,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }

    async def run(self) -> None:
        await self._say("220 mail.example.org ESMTP simulated")
        while True:
            verb, _, rest = (await self._line()).partition(" ")
            command = self._commands.get(verb.upper())
            if command is None:
                await self._say("500 5.5.2 Unknown command")
            else:
                await command(rest)

    async def _say(self, *lines: str) -> None:
        *others, last = lines
        told = [f"{line[:3]}-{line[4:]}" for line in others] + [last]
        self._writer.write("".join(f"{line}\r\n" for line in told).encode())
        await self._writer.drain()

    async def _line(self) -> str:
        line = await self._reader.readuntil(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r\n")

    async def _ehlo(self, _name: str) -> None:
        self._greeted = True
        self._forget()
        auth = ["250 AUTH PLAIN LOGIN"] if self._server.credentials else []
        size = f"250 SIZE {MOST_OCTETS}"
        await self._say("250 mail.example.org", *auth, size, "250 ENHANCEDSTATUSCODES")

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if self._server.credentials is None:
            return await self._say("503 5.5.1 Nobody need authenticate here")
        if mechanism.upper() == "PLAIN":
            given = _decoded(initial) if initial else await self._ask("")
            _, _, given = given.partition("\0")
        elif mechanism.upper() == "LOGIN":
            user = _decoded(initial) if initial else await self._ask("Username:")
            given = f"{user}\0{await self._ask('Password:')}"
        else:
            return await self._say("504 5.5.4 Unknown mechanism")
        expected = "\0".join(self._server.credentials)
        self._known = hmac.compare_digest(given.encode(), expected.encode())
        return await self._say(
            "235 2.7.0 Welcome" if self._known else "535 5.7.8 Credentials rejected"
        )

    async def _ask(self, what: str) -> str:
        await self._say(f"334 {base64.b64encode(what.encode()).decode()}")
        return _decoded(await self._line())

    async def _mail(self, rest: str) -> None:
        if not self._greeted or self._sender is not None:
            return await self._say("503 5.5.1 Not now")
        if not self._known:
            return await self._say("530 5.7.0 Authentication required")
        self._fault = self._server.intake.faults.next(PROVIDER, at=self._server.clock())
        match self._fault:
            case Fault(kind="reject_credentials"):
                return await self._say("535 5.7.8 Credentials rejected")
            case Fault(kind="throttle"):
                return await self._say("451 4.7.1 Too many messages")
        if (sender := _path(rest, "FROM:")) is None:
            return await self._say("501 5.5.4 Syntax: MAIL FROM:<address>")
        self._sender = sender
        return await self._say("250 2.1.0 OK")

    async def _rcpt(self, rest: str) -> None:
        if self._sender is None:
            return await self._say("503 5.5.1 MAIL first")
        if not (recipient := _path(rest, "TO:")):
            return await self._say("501 5.1.3 Syntax: RCPT TO:<address>")
        if self._fault is not None and self._fault.kind == "refuse":
            return await self._say(f"550 5.1.1 <{recipient}> User unknown")
        self._recipients.append(recipient)
        return await self._say("250 2.1.5 OK")

    async def _data(self, _rest: str) -> None:
        if not self._recipients:
            return await self._say("503 5.5.1 RCPT first")
        await self._say("354 End with a line that holds one dot")
        content, problem = await self._content()
        recipients, fault = self._recipients, self._fault
        self._forget()
        if problem:
            return await self._say(f"554 5.6.0 {problem}")
        return await self._decide(content, recipients, fault)

    async def _content(self) -> tuple[bytes, str]:
        """The message, its dots undoubled, and what is wrong with its form ("" = nothing)."""
        lines, octets, problem = list[bytes](), 0, ""
        while (line := await self._reader.readuntil(b"\n")) != b".\r\n":
            octets += len(line)
            if not line.endswith(b"\r\n") or line.count(b"\r") != 1:
                problem = "Bare line feed or carriage return"
            elif len(line) > LINE_OCTETS:
                problem = "Line too long"
            elif not line.isascii():
                problem = "8-bit content"
            elif octets > MOST_OCTETS:
                problem = "Too big"
            else:
                lines.append(line.removeprefix(b"."))
        return b"".join(lines), problem

    async def _decide(self, content: bytes, recipients: list[str], fault: Fault | None) -> None:
        match fault:
            case Fault(kind="hang", seconds=seconds):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds or FOREVER):
                        await self._reader.read()  # until the client gives up
                raise _HangUp
            case Fault(kind="drop"):
                raise _HangUp
            case Fault(kind="fail_500"):
                return await self._say("554 5.3.0 Transaction failed")
        letter = _read(content)
        for recipient in recipients:
            entry = letter.entry(recipient, at=instant(self._server.clock()))
            await self._server.intake.take(entry)
        match fault:
            case Fault(kind="accept_then_drop"):
                raise _HangUp
            case Fault(kind="accept_then_500"):
                self._writer.write(b"25")
                raise _HangUp
        return await self._say("250 2.0.0 Taken")

    def _forget(self) -> None:
        self._sender, self._recipients, self._fault = None, [], None

    async def _rset(self, _rest: str) -> None:
        self._forget()
        await self._say("250 2.0.0 OK")

    async def _noop(self, _rest: str) -> None:
        await self._say("250 2.0.0 OK")

    async def _quit(self, _rest: str) -> None:
        await self._say("221 2.0.0 Bye")
        raise _HangUp


@dataclass(frozen=True, slots=True)
class _Letter:
    message_id: str
    sender: str
    subject: str
    text: str
    unsubscribe: str

    def entry(self, recipient: str, *, at: str) -> Entry:
        return Entry(
            provider=PROVIDER,
            channel="email",
            reference=self.message_id.partition("@")[0],
            provider_id=self.message_id,
            to=recipient,
            text=self.text,
            subject=self.subject,
            at=at,
            sender=self.sender,
            unsubscribe=self.unsubscribe,
        )


def _read(content: bytes) -> _Letter:
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain", "html"))
    return _Letter(
        message_id=str(message["Message-ID"] or "").strip().strip("<>"),
        sender=str(message["From"] or ""),
        subject=str(message["Subject"] or ""),
        text=body.get_content().replace("\r\n", "\n") if body is not None else "",
        unsubscribe=str(message["List-Unsubscribe"] or ""),
    )


def _path(rest: str, keyword: str) -> str | None:
    """The address between <>; None where the command is malformed."""
    path, _, _parameters = rest.removeprefix(keyword).strip().partition(" ")
    known = rest.upper().startswith(keyword) and path.startswith("<") and path.endswith(">")
    return path[1:-1] if known else None


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _HangUp from None


async def _serve(arguments: argparse.Namespace) -> None:
    faults = FaultScript(load_faults(arguments.faults) if arguments.faults else ())
    user, _, password = arguments.credentials.partition(":")
    server = SmtpServer(
        Ledger(arguments.ledger),
        faults,
        SystemClock().now,
        credentials=(user, password) if user else None,
    )
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    port = await server.start(port=arguments.port)
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    await ended.wait()
    await server.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="reminders.simulation.smtp_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--faults", type=Path, help="JSON: a list of faults")
    parser.add_argument("--credentials", metavar="USER:PASSWORD", default="")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
