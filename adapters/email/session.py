"""Connections to a mail server: opened, kept, replaced; and one mail transaction.

aiosmtplib's own `sendmail` and `data` cannot tell a failure before the final dot from one after
it, which is the difference between "try again" and "never again". This uses its commands one by
one and writes the dot itself.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import aiosmtplib

from reminders.errors import Misconfigured

GO_ON, SHUTTING_DOWN, DONE = 354, 421, 250
FLUSH_SECONDS = 0.005  # between two looks at what the kernel has not taken yet

_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?![.\d])")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered, its free text left out: that quotes addresses.

    `stage` is what it answered to: "hello", "mail", "rcpt", "data" or "dot". `status` is the
    enhanced status code (RFC 3463), "" if there is none.
    """

    stage: str
    code: int
    status: str = ""

    @property
    def positive(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"smtp {self.code} {self.status}".rstrip()


class ServerRefused(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(slots=True)
class Progress:
    """Whether the server may have the whole message: set just before the final dot is written."""

    complete: bool = False


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect, and as whom. `context` None: in clear."""

    host: str
    port: int
    helo: str
    context: ssl.SSLContext | None
    tls_at_once: bool = False  # else STARTTLS
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class Session:
    """One connection. Commands raise ServerRefused, or whatever broke the connection."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self.used_at = 0.0
        self._between_messages = True

    @property
    def alive(self) -> bool:
        return self._client.is_connected

    @classmethod
    async def open(cls, server: Server, seconds: float) -> "Session":
        """Connected, TLS verified, authenticated, greeted. `seconds` bounds each answer.

        Raises ServerRefused; Misconfigured if the server offers no STARTTLS or no
        authentication; anything else is the network's or TLS's.
        """
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=server.helo,
            timeout=seconds,
            use_tls=server.context is not None and server.tls_at_once,
            start_tls=server.context is not None and not server.tls_at_once,
            tls_context=server.context,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except BaseException as error:
            client.close()
            if isinstance(error, aiosmtplib.SMTPResponseException):
                raise ServerRefused(_reply("hello", error.code, error.message)) from None
            # Time-outs and lost connections are OSError too; what is left is an offer missing.
            if isinstance(error, aiosmtplib.SMTPException) and not isinstance(error, OSError):
                raise Misconfigured("smtp starttls or auth not offered") from None
            raise
        return cls(client)

    async def mail(self, sender: str, size: int, *, seconds: float | None = None) -> None:
        """Begin a transaction; a previous one that was refused midway is dropped first."""
        if not self._between_messages:
            await self._command("mail", b"RSET", seconds=seconds)
            self._between_messages = True
        told = b" SIZE=%d" % size if self._client.supports_extension("size") else b""
        await self._command("mail", b"MAIL FROM:<%b>%b" % (sender.encode(), told), seconds=seconds)
        self._between_messages = False

    async def rcpt(self, recipient: str) -> None:
        await self._command("rcpt", b"RCPT TO:<%b>" % recipient.encode())

    async def data(self, content: bytes, progress: Progress) -> None:
        """Give the message. Returns once the server has taken responsibility for it.

        Until `progress.complete` no failure can have delivered anything: a server must drop a
        message that has no end (RFC 5321 §4.1.1.4).
        """
        await self._command("data", b"DATA", expected=GO_ON)
        protocol = self._client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("closed")
        protocol.write(_LEADING_DOT.sub(b"..", content))
        await self._flushed()
        progress.complete = True
        protocol.write(b".\r\n")
        answer = await protocol.read_response()
        reply = _reply("dot", answer.code, answer.message)
        self._between_messages = True
        if reply.code == SHUTTING_DOWN or not (reply.positive or 400 <= reply.code < 600):
            self.close()  # going away, or out of step with us
        if not reply.positive:
            raise ServerRefused(reply)

    async def _flushed(self) -> None:
        """Return once the kernel has taken all that was written, if the peer is still there."""
        transport = cast(asyncio.WriteTransport, self._client.transport)
        await asyncio.sleep(0)  # a hang-up that has arrived shows now
        while self.alive and transport.get_write_buffer_size():
            await asyncio.sleep(FLUSH_SECONDS)
        if not self.alive:
            raise aiosmtplib.SMTPServerDisconnected("closed")

    async def _command(
        self, stage: str, line: bytes, *, expected: int = DONE, seconds: float | None = None
    ) -> None:
        answer = await self._client.execute_command(line, timeout=seconds or self._client.timeout)
        reply = _reply(stage, answer.code, answer.message)
        fits = reply.code == expected if expected == GO_ON else reply.positive
        if not fits:
            raise ServerRefused(reply)

    def close(self) -> None:
        """Take leave without waiting for the answer."""
        if self._client.protocol is not None and self._between_messages:
            with suppress(aiosmtplib.SMTPException):
                self._client.protocol.write(b"QUIT\r\n")
        self._client.close()


class Pool:
    """A few sessions, kept between messages. Belongs to the event loop that first uses it."""

    def __init__(self, server: Server, *, most: int, idle_seconds: float, seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._places = asyncio.Semaphore(most)
        self._idle: list[Session] = []

    @asynccontextmanager
    async def begun(self, sender: str, size: int) -> AsyncIterator[Session]:
        """A session whose server has taken MAIL, kept for the next message unless it broke.

        A kept connection that turns out to be dead is replaced, once: nothing had left. Waiting
        for a place may take half the time allowed (TimeoutError).
        """
        async with asyncio.timeout(self._seconds / 2):
            await self._places.acquire()
        try:
            session = await self._begin(sender, size)
            try:
                yield session
            except ServerRefused:
                self._keep(session)
                raise
            except BaseException:
                session.close()
                raise
            self._keep(session)
        finally:
            self._places.release()

    async def _begin(self, sender: str, size: int) -> Session:
        if (kept := self._take()) and await self._still_serves(kept, sender, size):
            return kept
        fresh = await Session.open(self._server, self._seconds)
        try:
            await fresh.mail(sender, size)
        except BaseException:
            fresh.close()
            raise
        return fresh

    async def _still_serves(self, session: Session, sender: str, size: int) -> bool:
        try:
            # An answer that tarries comes from a connection a firewall has forgotten.
            await session.mail(sender, size, seconds=self._seconds / 4)
        except ServerRefused as refused:
            if refused.reply.code == SHUTTING_DOWN:
                return False
            self._keep(session)
            raise
        except OSError:
            session.close()
            return False
        except BaseException:
            session.close()
            raise
        return True

    def _take(self) -> Session | None:
        """The last used session that is alive and was used lately; the others are closed."""
        oldest = asyncio.get_running_loop().time() - self._idle_seconds
        usable = list[Session]()
        for session in self._idle:
            if session.alive and session.used_at >= oldest:
                usable.append(session)
            else:
                session.close()
        self._idle = usable
        return usable.pop() if usable else None

    def _keep(self, session: Session) -> None:
        if session.alive:
            session.used_at = asyncio.get_running_loop().time()
            self._idle.append(session)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _reply(stage: str, code: int, text: str) -> Reply:
    found = _STATUS.match(text)
    return Reply(stage, code, found[1] if found else "")
