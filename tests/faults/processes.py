"""Real processes of the service and of the providers, and the means to stop them anywhere."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from reminders.simulation.faults import Fault
from reminders.simulation.ledger import Entry, read
from reminders.simulation.sms_servers import TwilioAccount
from tests.support.nursery import MAIN, Born

_byte_code = tempfile.TemporaryDirectory(prefix="byte-code-")
PATIENCE = 120.0  # seconds; only a process that is stuck for good ever takes them


def environment(**more: str) -> dict[str, str]:
    """What a process gets. Its byte code is kept for the next one, even where the parent was
    told to leave none beside the sources: compiling is half of a short command's life."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if sys.dont_write_bytecode:
        kept["PYTHONPYCACHEPREFIX"] = _byte_code.name
    return {**kept, "PYTHONUTF8": "1", **more}


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


class Child:
    """One command of the service as a process, its output kept in files."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, point: str = "", program: str = MAIN
    ) -> None:
        self._folder = folder
        self._report = folder / "reached"
        armed = {"REMINDERS_FAILPOINT": point, "REMINDERS_FAILPOINT_REPORT": str(self._report)}
        self.process = Born(program, arguments, folder, armed if point else {})

    def reaches_its_point(self) -> bool:
        """Wait for the report; False if the process ended without having come there."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None  # asked first: it may report, then end
            if self._report.exists():
                return True
            if ended:
                return False
            time.sleep(0.005)
        raise AssertionError("the process neither ended nor reached its point")

    def dies_at_its_point(self) -> bool:
        reached = self.reaches_its_point()
        if reached:
            self.kill()
        return reached

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def ends(self) -> Ended:
        code = self.process.wait(PATIENCE)
        return Ended(code, self._text("out"), self._text("err"))

    def _text(self, name: str) -> str:
        return (self._folder / name).read_text(encoding="utf-8")

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()


@dataclass(frozen=True, slots=True)
class Provider:
    """A simulated provider in a process of its own; its ledger is the truth."""

    port: int
    ledger: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def entries(self) -> list[Entry]:
        return list(read(self.ledger))


TWILIO = TwilioAccount()


@contextmanager
def provider(
    folder: Path,
    *faults: Fault,
    module: str = "sms_servers",
    port: int = 0,
) -> Iterator[Provider]:
    """`module`: sms_servers or smtp_server of reminders.simulation."""
    ledger = folder / f"{module}.jsonl"
    arguments = ["--port", str(port), "--ledger", str(ledger)]
    if faults:
        script = folder / f"{module}.faults.json"
        script.write_text(json.dumps([asdict(fault) for fault in faults]), encoding="utf-8")
        arguments += ["--faults", str(script)]
    process = subprocess.Popen(
        [sys.executable, "-m", f"reminders.simulation.{module}", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        yield Provider(json.loads(process.stdout.readline())["port"], ledger, process)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        if process.stdout is not None:
            process.stdout.close()


def counts(ended: Ended) -> Mapping[str, object]:
    """What `run --json` printed."""
    found: Mapping[str, object] = json.loads(ended.out)
    return found
