"""What a hold-out saved, counted in comparisons of very different sizes.

Every unit has its outcome, every third a task done and a call in vain, every second a call of a
file: what the savings join. Nothing gathers statistics first but what the engine does by itself,
as in a hospital that was started this morning.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from reminders.domain.holdout import Arm
from reminders.domain.savings import Component, UnitCost
from reminders.services import costs, money
from reminders.services.rules import rules_of
from reminders.store.engine import Store, open_engine, rows, run
from reminders.store.migrate import migrate
from reminders.store.types import micros
from tests.bench.hospital import SERVICES, settings
from tests.bench.measure import Figure, Size, short, slope, stopwatch
from tests.support.comparison import CAME, CANCELLED, MISSED, NOW, SINCE, Comparison
from tests.support.postgres import serve

PATIENTS: dict[Size, tuple[int, ...]] = {
    "tiny": (2_500, 3_000),
    "quick": (4_000, 8_000, 16_000),
    "full": (5_000, 20_000, 80_000),
}
ROUNDS = {"tiny": 1, "quick": 3, "full": 3}
GOAL = 1.25  # in proportion, and the sorting that comes with it
PRICES = {
    Component.SLOT: 80, Component.TASK: 5, Component.CALL: 8, Component.FEE: 900,
    Component.HOSTING: 120,
}  # fmt: skip


def measure_savings(size: Size) -> Iterator[Figure]:
    """`ours` and `baseline` are the seconds of the largest and the smallest comparison, `slope`
    the exponent fitted through all: 1 is in proportion, 2 is each unit with each."""
    with TemporaryDirectory() as place, serve() as server:
        for engine in ("sqlite", "postgresql"):
            taken = []
            for number in PATIENTS[size]:
                url = (
                    f"sqlite:///{place}/{number}.db"
                    if engine == "sqlite"
                    else server.create_database()
                )
                taken.append(_seconds(url, number, ROUNDS[size], Path(place)))
            units = [units for units, _ in taken]
            seconds = [seconds for _, seconds in taken]
            exponent = slope(units, seconds)
            yield Figure(
                f"savings-{engine}", seconds[-1], seconds[0], seconds[-1] / seconds[0], "s", GOAL,
                exponent <= GOAL,
                {"slope": round(exponent, 3), "units": units, "s": [short(one) for one in seconds]},
            )  # fmt: skip


def _seconds(url: str, patients: int, rounds: int, folder: Path) -> tuple[int, float]:
    rules = rules_of(settings(folder))
    with _compared(url, patients) as store:
        taken = []
        for _ in range(rounds):
            with stopwatch() as watch:
                told = money.money(store, rules, now=NOW)
            taken.append(watch.seconds)
        assert told["verdict"] == "measured", told
        with store.read() as connection:
            units = rows(connection, "SELECT COUNT(*) AS number FROM unit_entry")[0].number
        return units, median(taken)


@contextmanager
def _compared(url: str, patients: int) -> Iterator[Store]:
    store = Store(open_engine(url))
    migrate(store)
    try:
        _fill(store, patients)
        entered = [
            UnitCost(one, value, value, value, "bench", date(2026, 1, 1))
            for one, value in PRICES.items()
        ]
        costs.add(store, entered, actor="bench", now=SINCE)
        yield store
    finally:
        store.close()


def _fill(store: Store, patients: int) -> None:
    trial, part = Comparison(store), patients // 20 // len(SERVICES)
    for uf in SERVICES:
        reminded = [[MISSED]] * 2 + [[CANCELLED, CAME]] * 2 + [[CAME, CAME]] * 12
        trial.patients(Arm.REMINDED, reminded * part, uf=uf)
        trial.patients(Arm.HELD, ([[MISSED]] * 3 + [[CANCELLED, CAME]]) * part, uf=uf)
    with store.write() as connection:
        run(
            connection,
            "INSERT INTO task (id, kind, subject, state, created_at, appointment_id, resolved_at, "
            "resolved_by) SELECT id, 'call_no_contact', 'appointment:' || id, 'done', :at, id, "
            ":at, 'nadia' FROM appointment WHERE id % 3 = 0",
            at=micros(SINCE),
        )
        run(
            connection,
            "INSERT INTO task_event (id, task_id, at, actor, action) "
            "SELECT id, id, :at, 'nadia', 'try' FROM task",
            at=micros(SINCE),
        )
        run(
            connection,
            "INSERT INTO call_entry (id, line_key, day, at, uf, motive, patient_id, "
            "appointment_id, file_id, recorded_at) SELECT appointment_id, 'k' || appointment_id, "
            "'2026-04-10', entered_at, uf, 'other', patient_id, appointment_id, 1, entered_at "
            "FROM unit_entry WHERE appointment_id % 2 = 0",
        )
