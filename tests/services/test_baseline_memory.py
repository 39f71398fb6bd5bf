"""Reading a long past needs hardly more memory than reading a short one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reminders.store.engine import Store
from tests.support.past_file import write_past
from tests.support.stores import address

FEW, MANY = 3_000, 30_000
MOST_MORE = 40 * 1024  # kilobytes; hospitals' hours and dates fill caches of a fixed size
NIGHTLY = 1_000_000  # lines, as a large hospital's year

IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.dpi.csv_file import create
from reminders.ports import Wiring
from reminders.services.baseline import reading
from reminders.services.rules import rules_of
from reminders.store.engine import Store, open_engine
from tests.support.clinic import settings_with

store, file = Store(open_engine(sys.argv[1])), Path(sys.argv[2])
now, zone = datetime(2026, 10, 12, tzinfo=UTC), ZoneInfo("Europe/Paris")
feed = create({"path": "*.csv"}, Wiring("agenda", file.parent, zone)).file(file, now=now)
with reading(store, rules_of(settings_with()), feed, zone=zone, now=now) as found:
    found.keep(now=now, by="tests")
store.close()
# Not ru_maxrss: a process begins with its parent's.
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def peak(store: Store, file: Path) -> int:
    """The most memory a process of its own held while it read and counted, in kilobytes."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, address(store), str(file)],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
        timeout=3_000,
    )
    return int(done.stdout)


def test_memory_hardly_grows_with_the_length_of_the_past(store: Store, tmp_path: Path) -> None:
    few = peak(store, write_past(tmp_path / "few.csv", FEW))
    many = peak(store, write_past(tmp_path / "many.csv", MANY))
    assert many - few < MOST_MORE


@pytest.mark.nightly
def test_a_million_lines_are_read_in_the_memory_of_a_hundred_thousand(
    store: Store, tmp_path: Path
) -> None:
    tenth = peak(store, write_past(tmp_path / "tenth.csv", NIGHTLY // 10))
    whole = peak(store, write_past(tmp_path / "whole.csv", NIGHTLY))
    assert whole - tenth < 2 * MOST_MORE
