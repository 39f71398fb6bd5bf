"""The no-show report of a hospital of ten million appointments, beside the bare query.

Units are written straight to the store, as twenty services over four years would have left them;
everything after that is what serves in earnest: counting all months anew, keeping them fresh while
messages and answers arrive, reading the report of one month.
"""

import sqlite3
import statistics
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from reminders.bootstrap import Application, build
from reminders.cli.bells import ROLLUP_SECONDS
from reminders.clock import OffsetClock
from reminders.domain.report import Asked, Month
from reminders.domain.report_unit import FATE, KIND, Field, language_number
from reminders.services.no_show_report import no_show_report
from reminders.services.rollup import recompute, recount, refresh
from reminders.store import rollups
from reminders.store.engine import Connection, run
from reminders.store.types import DAY, micros
from tests.bench.hospital import NOW, settings
from tests.bench.measure import Figure, Size, Taken, quartiles, short, stopwatch, take_turns
from tests.bench.pages import fill

APPOINTMENTS = {"tiny": 2_000, "quick": 300_000, "full": 10_000_000}
REPORTS = {"tiny": 3, "quick": 40, "full": 100}
COUNTS = {"tiny": 1, "quick": 3, "full": 2}
CHANGES = 200  # appointments that change between two bells, on a busy morning
MONTH = Month(2026, 9)


def measure_reports(size: Size) -> Iterator[Figure]:
    with TemporaryDirectory() as place:
        folder = Path(place)
        application = build(settings(folder), OffsetClock(NOW))
        store, number = application.store, APPOINTMENTS[size]
        with store.write() as connection:
            fill(connection, number)
            _enter_all(connection)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
            connection.commit()
        yield _recount(application, folder, number, COUNTS[size])
        yield _reading(application, folder, number, REPORTS[size])
        yield _lag(application, number)
        store.close()
    yield _from_nothing(min(number, APPOINTMENTS["quick"]))


# --- counting everything --------------------------------------------------------------------------


PLAIN = (
    "SELECT month, uf, fate & 7 AS outcome, COUNT(*), COUNT(DISTINCT patient_id) FROM report_unit "
    "WHERE counted = 1 GROUP BY month, uf, fate & 7"
)


def _recount(application: Application, folder: Path, number: int, pairs: int) -> Figure:
    """What `reminders recount` runs."""
    refresh(application.store, application.rules, now=NOW)  # the filling is not the figure

    def ours() -> Taken:
        with stopwatch() as taken:
            assert recount(application.store, application.rules, now=NOW) > 1
        return taken

    def baseline() -> Taken:
        with Bare(folder) as connection, stopwatch() as taken:
            assert len(connection.execute(PLAIN).fetchall()) > 1
        return taken

    found = take_turns(ours, baseline, pairs)
    times = [
        mine.seconds / base.seconds for mine, base in zip(found.ours, found.baseline, strict=True)
    ]
    return Figure(
        "recount", statistics.median(one.seconds for one in found.ours),
        statistics.median(one.seconds for one in found.baseline), statistics.median(times),
        "s", 1.5, quartiles(times)[2] <= 1.5,
        {"appointments": number, "pairs": [short(one) for one in times]},
    )  # fmt: skip


# --- reading one month ----------------------------------------------------------------------------


BARE = (
    "SELECT dim, value, SUM(attended), SUM(no_show), SUM(cancelled_early), SUM(cancelled_late), "
    "SUM(cancelled_by_hospital), SUM(unknown), SUM(pending), SUM(patients) FROM rollup "
    "WHERE month BETWEEN ? AND ? GROUP BY dim, value"
)


def _reading(application: Application, folder: Path, number: int, times: int) -> Figure:
    """The whole report as the page asks for it, against one sum over the same months' counts."""
    asked, month = Asked(MONTH, MONTH), MONTH.number
    ours, theirs, units = [], [], 0
    with Bare(folder) as connection:
        for _ in range(times + 2):
            started = perf_counter()
            found = no_show_report(application.store, application.rules, asked, ufs=None, now=NOW)
            ours.append(1_000 * (perf_counter() - started))
            assert found.figures is not None
            units = found.figures.tally.total
            started = perf_counter()
            assert connection.execute(BARE, (month - 5, month + 1)).fetchall()
            theirs.append(1_000 * (perf_counter() - started))
    ratios = [mine / base for mine, base in zip(ours[2:], theirs[2:], strict=True)]
    return Figure(
        "report", statistics.median(ours[2:]), statistics.median(theirs[2:]),
        statistics.median(ratios), "ms", 3.0, quartiles(ratios)[2] <= 3.0,
        {"appointments": number, "p99": short(sorted(ours[2:])[-1]),
         "units": units, "quartiles": [short(q) for q in quartiles(ratios)]},
    )  # fmt: skip


# --- freshness ------------------------------------------------------------------------------------


def _lag(application: Application, number: int) -> Figure:
    """From a change to its count, at worst: the wait for the bell, and its work."""
    store, took = application.store, []
    refresh(store, application.rules, now=NOW)
    for turn in range(5):
        with store.write() as connection:
            changed = run(
                connection,
                "UPDATE appointment SET attendance = :word, attended_at = :now WHERE id IN "
                "(SELECT id FROM appointment WHERE starts_at BETWEEN :since AND :now "
                "ORDER BY id LIMIT :many)",
                word="came" if turn % 2 else "absent",
                now=micros(NOW),
                since=micros(NOW - timedelta(days=20)),
                many=CHANGES,
            )
        started = perf_counter()
        assert refresh(store, application.rules, now=NOW) >= min(changed, 1)
        took.append(perf_counter() - started)
    worst = ROLLUP_SECONDS + max(took)
    return Figure(
        "lag", worst, ROLLUP_SECONDS, worst / ROLLUP_SECONDS, "s", 5.0, worst <= 5.0,
        {"appointments": number, "changes": CHANGES, "work": [short(one) for one in took]},
    )  # fmt: skip


def _from_nothing(number: int) -> Figure:
    """What `reminders recount --look-again` runs, and the first start of an older database: every
    appointment looked at, and everything counted, against the same GROUP BY of what it made. No
    goal: it is done once, in the background."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        application = build(settings(folder), OffsetClock(NOW))
        store = application.store
        with store.write() as connection:
            fill(connection, number)
            run(connection, "DELETE FROM rollup_dirty")
        with stopwatch() as taken:
            recompute(store, application.rules, now=NOW)
        with Bare(folder) as connection, stopwatch() as bare:
            connection.execute(PLAIN).fetchall()
        store.close()
    return Figure(
        "look at all", taken.seconds, bare.seconds, taken.seconds / bare.seconds, "s", 0.0, True,
        {"appointments": number, "a second": round(number / taken.seconds)},
    )  # fmt: skip


class Bare:
    """The driver alone, on the same file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hospital.db"

    def __enter__(self) -> sqlite3.Connection:
        self._connection = sqlite3.connect(self._path)
        self._connection.execute("PRAGMA cache_size = -32000")
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


# --- the hospital ---------------------------------------------------------------------------------


def _shifted(fields: Mapping[str, Field], **values: str) -> str:
    return " | ".join(f"(({value}) << {fields[name].shift})" for name, value in values.items())


def _enter_all(connection: Connection) -> None:
    """Units of what started, as `look_again` would have left them: kinds vary over all values."""
    day = "CAST(strftime('%d', a.starts_at / 1000000, 'unixepoch') AS INTEGER)"
    kind = _shifted(
        KIND, weekday="1 + (a.id % 5)", hour="8 + a.id % 10", day=day, lead="a.id / 7 % 7",
        known="a.id / 3 % 2", age="a.patient_id % 7", reach="a.patient_id / 11 % 2",
        language=f"CASE a.patient_id % 20 WHEN 0 THEN {language_number('ar')} "
        f"ELSE {language_number('fr')} END",
    )  # fmt: skip
    fate = _shifted(
        FATE, outcome="CASE a.status WHEN 'noshow' THEN 1 WHEN 'cancelled' THEN 3 ELSE 0 END",
        channel="1", planned="1", sent="1", delivered="1", answered="a.id / 2 % 2",
        motive="a.id % 3", template="1 + a.id % 4",
    )  # fmt: skip
    run(
        connection,
        "INSERT INTO report_unit (appointment_id, patient_id, uf, month, starts_at, entered_at, "
        "counted, kind, fate, messages, segments, cost, contacts) SELECT a.id, a.patient_id, a.uf, "
        "CAST(strftime('%Y', a.starts_at / 1000000, 'unixepoch') AS INTEGER) * 12 "
        "+ CAST(strftime('%m', a.starts_at / 1000000, 'unixepoch') AS INTEGER) - 1, "
        f"a.starts_at, a.starts_at - 7 * {DAY}, 1, {kind}, {fate}, 1, 1, 60000, a.id % 2 "
        "FROM appointment a WHERE a.starts_at < :now AND a.patient_id IS NOT NULL",
        now=micros(NOW),
    )
    run(connection, "DELETE FROM rollup_dirty")
    run(
        connection,
        "INSERT INTO setting (key, value) VALUES (:key, 'done') "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key=rollups.FILL,
    )
