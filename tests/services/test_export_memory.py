"""An export of many rows needs no more memory than one of few."""

import os
import subprocess
import sys
from pathlib import Path

from reminders.store.engine import Store, insert_rows
from tests.support.stores import address

FEW, MANY = 5_000, 120_000
MOST_MORE = 20 * 1024  # kilobytes

EXPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from reminders.services.export import Wanted, export
from reminders.services.export_files import Zip
from reminders.store.engine import Store, open_engine

store = Store(open_engine(sys.argv[1]))
with Path(sys.argv[2]).open("wb") as stream:
    sink = Zip(stream)
    now = datetime(2026, 10, 14, tzinfo=UTC)
    export(store, sink, Wanted(), ZoneInfo("Europe/Paris"), now=now, by="tests")
    sink.close()
store.close()
# Not ru_maxrss: a process begins with its parent's.
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def peak(store: Store, target: Path) -> int:
    """The most memory a process of its own held while it exported, in kilobytes."""
    done = subprocess.run(
        [sys.executable, "-c", EXPORT, address(store), str(target)],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    return int(done.stdout)


def fill(store: Store, start: int, end: int) -> None:
    with store.write() as connection:
        insert_rows(
            connection,
            "decision",
            ("id", "appointment_id", "step", "cycle", "state", "reason", "purpose", "decided_at"),
            [(n, n, "J-3", 1, "SUPPRESSED", "no_contact", "confirm", 1_760_000_000_000_000 + n)
             for n in range(start, end)],
        )  # fmt: skip


def test_memory_does_not_grow_with_what_is_exported(store: Store, tmp_path: Path) -> None:
    fill(store, 1, FEW)
    few = peak(store, tmp_path / "few.zip")
    fill(store, FEW, MANY)
    many = peak(store, tmp_path / "many.zip")
    assert (tmp_path / "many.zip").stat().st_size > 4 * (tmp_path / "few.zip").stat().st_size
    assert many - few < MOST_MORE
