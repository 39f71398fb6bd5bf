"""The memory a whole country's day takes: read, compared, planned, in a process of its own.

python -m tests.bench.scale FOLDER APPOINTMENTS
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from reminders.services.plan import plan
from reminders.services.rules import rules_of
from reminders.services.startup import secret_of
from tests.bench.hospital import NOW, Agenda, open_store, read_agenda, settings
from tests.bench.measure import Figure, Size, quiet, short, stopwatch

APPOINTMENTS = {"tiny": 300, "quick": 30_000, "full": 1_000_000}
PER_PATIENT = 3
FEW = 30
GOAL = 400  # MB


def measure_memory(size: Size) -> Iterator[Figure]:
    """`ours` and `baseline`: the most memory the process ever held, with all appointments and
    with a handful."""
    count = APPOINTMENTS[size]
    few, many = _child(FEW), _child(count)
    ours, baseline = many["megabytes"], few["megabytes"]
    yield Figure(
        "memory", ours, baseline, ours / baseline, "MB", GOAL, ours <= GOAL,
        {
            "appointments": count,
            "messages": round(many["messages"]),
            "read_per_second": short(count / many["read"]),
            "planned_per_second": short(count / many["planned"]),
            "read_again_per_second": short(count / many["again"]),
            "database_megabytes": round(many["database"]),
        },
    )  # fmt: skip


def _child(appointments: int) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.scale", folder, str(appointments)],
            check=True,
            stdout=subprocess.PIPE,
        )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _live(folder: Path, appointments: int) -> dict[str, float]:
    """A first reading, its plan, and the next reading of the same appointments."""
    configured = settings(folder)
    agenda = Agenda(appointments, PER_PATIENT)
    later = NOW + timedelta(hours=1)
    with closing(open_store(folder, configured)) as store:
        rules, secret = rules_of(configured), secret_of(store, "address_key")
        with stopwatch() as read:
            first = read_agenda(store, configured, agenda)
        with stopwatch() as planned:
            done = plan(store, rules, secret, now=NOW)
        with stopwatch() as again:
            second = read_agenda(store, configured, agenda, "again.csv", later)
            plan(store, rules, secret, now=later)
    assert (first.created, second.created, second.changed) == (appointments, 0, 0)
    return {
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "messages": done.planned,
        "read": read.seconds,
        "planned": planned.seconds,
        "again": again.seconds,
        "database": (folder / "hospital.db").stat().st_size / 1024**2,
    }


if __name__ == "__main__":
    quiet()
    print(json.dumps(_live(Path(sys.argv[1]), int(sys.argv[2]))))
