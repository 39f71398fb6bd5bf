"""A mail server that follows a script: each stage answers, hangs, hangs up or resets."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

Misbehaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]
Script = Mapping[str, "str | Misbehaviour"]  # stage -> an answer, or something worse

POLITE: Script = {
    "greeting": "220 scripted ESMTP",
    "EHLO": "250-scripted\r\n250 SIZE 1000000",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 Go on",
    "dot": "250 2.0.0 Taken",
    "RSET": "250 OK",
    "QUIT": "221 Bye",
}
HALFWAY = "halfway"  # after the first line of the message; its end is not read


class Over(Exception):
    """The conversation ends here."""


async def close(writer: asyncio.StreamWriter) -> None:
    raise Over


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()
    raise Over


async def hang(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def cut(writer: asyncio.StreamWriter) -> None:
    """A positive answer that never ends."""
    writer.write(b"250 2.0.0 Tak")
    await writer.drain()
    raise Over


async def half(writer: asyncio.StreamWriter) -> None:
    """The first line of two."""
    writer.write(b"250-Taken\r\n")
    await writer.drain()
    raise Over


@dataclass
class Seen:
    """What the server has read. `messages` have reached their final dot."""

    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def stage(self, name: str) -> asyncio.Event:
        return self.reached.setdefault(name, asyncio.Event())

    def count(self, verb: str) -> int:
        return sum(command.startswith(verb) for command in self.commands)


@contextlib.asynccontextmanager
async def scripted(*scripts: Script) -> AsyncIterator[Seen]:
    """Serves on loopback: the nth connection follows the nth script, later ones the last."""
    seen, serving = Seen(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = scripts[min(seen.connections, len(scripts)) - 1]
        try:
            with contextlib.suppress(Over, ConnectionError, asyncio.IncompleteReadError):
                await _follow({**POLITE, **script}, reader, writer, seen)
        finally:
            writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        seen.writers.append(writer)
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _follow(
    script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen
) -> None:
    async def act(stage: str) -> str:
        seen.stage(stage).set()
        answer = script[stage]
        if not isinstance(answer, str):
            await answer(writer)
            return ""
        writer.write(f"{answer}\r\n".encode())
        await writer.drain()
        return answer

    await act("greeting")
    while True:
        command = (await reader.readuntil(b"\r\n")).decode().rstrip("\r\n")
        seen.commands.append(command)
        if command.startswith("RCPT"):
            seen.recipients.append(command)
        if (await act(command[:4].upper())).startswith("354"):
            if HALFWAY in script:
                await reader.readuntil(b"\r\n")
                await act(HALFWAY)
            seen.messages.append(await reader.readuntil(b"\r\n.\r\n"))
            await act("dot")
