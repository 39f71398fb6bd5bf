"""The cheapest provider there can be, in a process of its own: it takes, counts and says thanks.

    python -m tests.bench.sink

prints its port. A POST is answered as Twilio would; `GET /ledger` gives every body taken since
the last one, a line each, and forgets them.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

THANKS = b'{"sid": "SM%032d", "status": "queued", "num_segments": "1"}'
HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
taken: list[bytes] = []


class Sink(asyncio.Protocol):
    def __init__(self) -> None:
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none, by name

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            head = self._waiting[:end].lower()
            start = end + 4
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._waiting) < start + size:
                return
            self._answer(head, self._waiting[start : start + size])
            self._waiting = self._waiting[start + size :]

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /ledger"):
            answer = b"\n".join(taken)
            taken.clear()
        else:
            taken.append(body)
            answer = THANKS % len(taken)
        self._transport.write(HEAD % len(answer) + answer)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def sink() -> Iterator[int]:
    """The port of a running sink; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sink"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(_serve())
    except ImportError:  # where uvloop does not exist
        asyncio.run(_serve())
