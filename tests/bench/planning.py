"""Planning beside a bare `executemany` of the very rows it writes.

The baseline gets everything for nothing: no patient is read, nothing is decided, the rows are
ready in memory. Same tables and indexes, same file, same durability (WAL, synchronous=FULL).
"""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from reminders.services.plan import plan
from reminders.services.rules import rules_of
from reminders.services.startup import secret_of
from reminders.store.engine import Store, open_engine
from tests.bench.hospital import NOW, Agenda, Ready, open_store, read_agenda, settings
from tests.bench.measure import (
    Figure,
    Size,
    Taken,
    compare,
    stopwatch,
    syncs_per_second,
    take_turns,
)

APPOINTMENTS = {"tiny": 150, "quick": 3_000, "full": 10_000}
PAIRS = {"tiny": 1, "quick": 3, "full": 9}
COMMIT = 1_000  # messages, with their decisions and items, in one transaction of the baseline
TABLES = ("decision", "message", "message_item")
Rows = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Bench:
    """A hospital whose agenda is read but not planned yet, ready to be copied."""

    folder: Path
    original: Path

    @contextmanager
    def copy(self) -> Iterator[Path]:
        with TemporaryDirectory(dir=self.folder) as place:
            shutil.copy(self.original, place)
            yield Path(place)


@contextmanager
def unplanned(size: Size) -> Iterator[Bench]:
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "original").mkdir()
        configured = settings(folder / "original")
        with closing(open_store(folder / "original", configured)) as store:
            read_agenda(store, configured, Agenda(APPOINTMENTS[size]))
        yield Bench(folder, folder / "original" / "hospital.db")


def planned_in(folder: Path) -> Taken:
    """What it takes to plan everything that is to be planned."""
    configured = settings(folder)
    with closing(Store(open_engine(configured.store.url, folder))) as store:
        rules, secret = rules_of(configured), secret_of(store, "address_key")
        with stopwatch() as taken:
            plan(store, rules, secret, now=NOW)
    return taken


def rows_of(folder: Path) -> Rows:
    with closing(sqlite3.connect(folder / "hospital.db")) as database:
        return {
            table: database.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            for table in TABLES
        }


def inserted_in(folder: Path, rows: Rows) -> Taken:
    """What it takes to insert them as fast as the driver can."""
    with closing(bare(folder)) as database, stopwatch() as taken:
        size = len(rows["message"])
        for start in range(0, size, COMMIT):
            database.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                _insert(database, table, rows[table][start : start + COMMIT])
            database.execute("COMMIT")
    return taken


def bare(folder: Path) -> sqlite3.Connection:
    """The driver alone, with the service's own settings."""
    database = sqlite3.connect(folder / "hospital.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -32000"):
        database.execute(f"PRAGMA {pragma}")
    return database


def _insert(database: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def measure_plan(size: Size) -> Iterator[Figure]:
    with unplanned(size) as bench:
        with bench.copy() as folder:
            planned_in(folder)
            rows = rows_of(folder)
        count = len(rows["message"])
        assert count == 3 * APPOINTMENTS[size], "every appointment has its three messages"

        def ours() -> Taken:
            with bench.copy() as folder:
                taken = planned_in(folder)
                assert rows_of(folder) == rows
                return taken

        def baseline() -> Taken:
            with bench.copy() as folder:
                taken = inserted_in(folder, rows)
                assert rows_of(folder) == rows
                return taken

        found = take_turns(ours, baseline, PAIRS[size])
        yield compare(
            "plan", found, count, "messages/s", 0.30, aim=0.50,
            appointments=APPOINTMENTS[size], syncs_per_second=round(syncs_per_second(bench.folder)),
        )  # fmt: skip


def measure_replan(size: Size) -> Iterator[Figure]:
    """The next day's pass over an unchanged agenda, read, compared and planned again, beside the
    bare insertion of what it has no need to write."""
    with unplanned(size) as bench:
        configured = settings(bench.original.parent)
        planned_in(bench.original.parent)
        rows = rows_of(bench.original.parent)
        empty = bench.folder / "empty"
        empty.mkdir()
        open_store(empty, configured).close()
        agenda = Ready(list(Agenda(APPOINTMENTS[size]).records()))
        later = NOW + timedelta(hours=1)

        def ours() -> Taken:
            with bench.copy() as folder:
                with closing(Store(open_engine(configured.store.url, folder))) as store:
                    rules, secret = rules_of(configured), secret_of(store, "address_key")
                    with stopwatch() as taken:
                        summary = read_agenda(store, configured, agenda, "again.csv", later)
                        found = plan(store, rules, secret, now=later)
                assert (summary.rows, summary.changed, found.patients) == (
                    len(rows["message"]) // 3,
                    0,
                    0,
                )
                assert rows_of(folder) == rows
                return taken

        def baseline() -> Taken:
            with TemporaryDirectory(dir=bench.folder) as place:
                shutil.copy(empty / "hospital.db", place)
                taken = inserted_in(Path(place), rows)
                assert rows_of(Path(place)) == rows
                return taken

        found = take_turns(ours, baseline, PAIRS[size])
        yield compare(
            "replan", found, len(rows["message"]), "messages/s", 1.0,
            appointments=APPOINTMENTS[size], syncs_per_second=round(syncs_per_second(bench.folder)),
        )  # fmt: skip
