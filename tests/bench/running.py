"""What the service costs when there is nothing to do: starting, and waiting."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from tests.bench.measure import Figure, Size, Taken, compare, short, stopwatch, take_turns

PAIRS = {"tiny": 1, "quick": 3, "full": 9}
WATCHED = {"tiny": 1.0, "quick": 5.0, "full": 20.0}  # seconds
COMMAND = (sys.executable, "-m", "reminders.cli")
CONFIGURATION = """
mode = "rehearsal"
[web]
internal_port = {port}
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"
[[service]]
uf = "4220"
site = "sud"
label = "Consultations, accueil B2"
[[dpi]]
id = "agenda"
kind = "csv"
path = "export/*.csv"
"""
# What each command cannot do without, imported and nothing else.
LIBRARIES = {
    "explain": "import typer, phonenumbers",
    "run": "import typer, rich.console, pydantic, sqlalchemy, alembic.command, jinja2.sandbox, "
    "httpx_aiohttp",
}
WAITING = "import time, sys; print(flush=True)\nwhile True: time.sleep(1)"


def measure_start(size: Size) -> Iterator[Figure]:
    """Commands with nothing to do, beside the import of the libraries they stand on."""
    with hospital() as folder:
        commands = {
            "explain": (*COMMAND, "explain", "sms", "Bonjour"),
            "run": (*COMMAND, "run", "--config", str(folder / "hospital.toml")),
        }
        for name, command in commands.items():
            bare = (sys.executable, "-c", LIBRARIES[name])
            found = take_turns(partial(_run, command), partial(_run, bare), PAIRS[size])
            yield compare(
                f"start-{name}", found, 1, "starts/s", 0.5,
                milliseconds=_milliseconds(found.ours),
                libraries_milliseconds=_milliseconds(found.baseline),
            )  # fmt: skip


def _milliseconds(taken: Sequence[Taken]) -> float:
    return short(statistics.median(one.seconds for one in taken) * 1000)


def _run(command: Sequence[str]) -> Taken:
    with stopwatch() as taken:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return taken


def measure_idle(size: Size) -> Iterator[Figure]:
    """`serve` on a day without work, beside a process that only sleeps a second at a time."""
    with hospital() as folder:
        port = _free_port()
        file = folder / "hospital.toml"
        file.write_text(CONFIGURATION.format(port=port))
        ours = _busy(
            (*COMMAND, "serve", "--config", str(file)), WATCHED[size], f"http://127.0.0.1:{port}"
        )
        baseline = _busy((sys.executable, "-c", WAITING), WATCHED[size])
        yield Figure(
            "idle", ours[0], baseline[0], ours[0] / max(baseline[0], 0.01), "% of a core", 1.0,
            ours[0] <= 1.0, {"seconds": WATCHED[size], "megabytes": short(ours[1])},
        )  # fmt: skip


@contextmanager
def hospital() -> Iterator[Path]:
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "export").mkdir()
        (folder / "hospital.toml").write_text(CONFIGURATION.format(port=0))
        yield folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _busy(command: Sequence[str], seconds: float, page: str = "") -> tuple[float, float]:
    """The share of a core a process takes once it is up, in percent, and its memory in MB."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        _answered(f"{page}/healthz" if page else "")
        time.sleep(min(3.0, seconds))  # the first bells have rung
        before = cpu_seconds(process.pid)
        with stopwatch() as taken:
            time.sleep(seconds)
        used = cpu_seconds(process.pid) - before
        return 100 * used / taken.seconds, _megabytes(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def _answered(page: str) -> None:
    """Return once the page answers."""
    while page:
        try:
            urlopen(page).close()
            return
        except URLError:
            time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
