"""What the simulated providers really accepted: the truth every proof compares with.

One JSON object a line, appended and fsynced before the provider answers, so that a killed
service cannot make the ledger forget a message a patient would have received.
"""

import json
import os
from collections.abc import Iterator
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


class Ledger:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def append(self, entry: Entry) -> None:
        """Durable when this returns."""
        line = json.dumps(asdict(entry), ensure_ascii=False) + "\n"
        os.write(self._descriptor, line.encode())
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def read(path: Path) -> Iterator[Entry]:
    """Every complete line; a last one cut by a kill was never answered and is left out."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            yield Entry(**json.loads(line))


def instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
