"""What the simulated providers really accepted: the truth every proof compares with.

One JSON object a line, appended and fsynced before the provider answers, so that a killed
service cannot make the ledger forget a message a patient would have received.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One submission a provider took. `at` is the simulated instant (ISO 8601, UTC)."""

    provider: str  # id of the simulated provider: "twilio", "ovh", "smtp"
    channel: str  # "sms" or "email"
    reference: str  # the service's own reference as the wire carried it
    provider_id: str
    to: str
    text: str
    subject: str = ""
    at: str = ""
    sender: str = ""
    unsubscribe: str = ""  # an e-mail's List-Unsubscribe header


class Ledger:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, entry: Entry) -> None:
        """Durable when this returns."""
        self.append_many([entry])

    def append_many(self, entries: Sequence[Entry]) -> None:
        """All durable when this returns, for the price of one fsync."""
        lines = (json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
        left = "".join(lines).encode()
        while left:
            left = left[os.write(self._descriptor, left) :]
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class SharedLedger:
    """A ledger for one event loop: submissions in flight together share one fsync."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, entry: Entry) -> None:
        """Durable when this returns. Raises OSError if the disk refuses."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await asyncio.shield(written)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error: OSError | None = None
            try:
                await asyncio.to_thread(self._ledger.append_many, [entry for entry, _ in batch])
            except OSError as refused:
                error = refused
            for _, written in batch:
                if error is None:
                    written.set_result(None)
                else:
                    written.set_exception(error)


def read(path: Path) -> Iterator[Entry]:
    """Every complete line; a last one cut by a kill was never answered and is left out."""
    if not path.exists():
        return
    *complete, _cut = path.read_bytes().split(b"\n")  # splitlines() would cut at U+2028 too
    for line in complete:
        yield Entry(**json.loads(line))


def instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
