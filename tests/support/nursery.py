"""Commands of the service as processes of their own, born with the program already loaded.

Loading takes two seconds of a core and the proofs by kill -9 start hundreds of commands. A server
process (multiprocessing's own) loads the program once and forks for each command: what is born is
a process like any other, with its own threads, connections and locks, which shares nothing with
its siblings and may be stopped or killed anywhere. What tests start through `Desk.start` goes the
long way of a fresh interpreter.
"""

import importlib
import multiprocessing
import os
import pkgutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Lock

import reminders
from reminders import failpoint

MAIN = "reminders.cli"
_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload([f"{__name__}_loaded"])


class Born:
    """A process with the few methods of `subprocess.Popen` that its tests need; any thread may
    ask."""

    def __init__(
        self, program: str, arguments: Sequence[str], place: Path, more: Mapping[str, str]
    ) -> None:
        self._asking = Lock()  # its code can be read once
        self._process: ForkServerProcess = _nursery.Process(
            target=_live, args=(program, tuple(arguments), str(place), dict(more)), daemon=True
        )
        self._process.start()

    def poll(self) -> int | None:
        """Its exit code, negative if a signal ended it."""
        with self._asking:
            return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None and self._process.pid is not None:
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(self._process.pid, number)

    def wait(self, seconds: float) -> int:
        """Its exit code. Raises TimeoutError."""
        connection.wait([self._process.sentinel], seconds)
        code = self.poll()
        if code is None:
            raise TimeoutError(f"the process did not end within {seconds} s")
        return code


def load() -> None:
    """Import all of the program. Nothing in it does anything when imported."""
    for module in pkgutil.walk_packages(reminders.__path__, "reminders."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _live(program: str, arguments: Sequence[str], place: str, more: Mapping[str, str]) -> None:
    for number, name in ((1, "out"), (2, "err")):
        kept = os.open(os.path.join(place, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(kept, number)
        os.close(kept)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(more)
    importlib.reload(failpoint)  # it looks at its environment once
    sys.argv = [program, *arguments]
    importlib.import_module(program).main()
