"""kill -9 while answers are written into the DPI: its own ledger shows each change once."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reminders import failpoint
from reminders.bootstrap import build, configured
from reminders.clock import OffsetClock
from reminders.domain.answer import AnswerKind
from reminders.services.answer import Given, give
from reminders.services.writeback import LEASE, WAITS
from reminders.store.engine import Store, open_engine, rows
from tests.adapters.dpi.fhir_dpi import NOW, Dpi, appointment, patient, simulated
from tests.faults.processes import PATIENCE, Child

CONFIGURATION = """
mode = "live"
[store]
url = "sqlite:///hospital.db"
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
kind = "fhir"
base_url = "{url}"
write_back = true
[[sms]]
id = "main"
kind = "twilio"
base_url = "http://127.0.0.1:9"
account_sid = "AC1"
auth_token = "x"
sender = "CHExemple"
"""
SAID = {1: AnswerKind.CONFIRMED, 2: AnswerKind.CANCELLED, 3: AnswerKind.CANCELLED}


@dataclass
class Hospital:
    """One installation on SQLite, whose DPI lives in the test's process."""

    folder: Path
    dpi: Dpi
    at: datetime = NOW

    def passes(self) -> None:
        settings = configured(self.folder / "hospital.toml")

        async def one() -> None:
            application = build(settings, OffsetClock(self.at))
            try:
                await application.tasks.one_pass(purging=False)
            finally:
                await application.aclose()

        asyncio.run(one())

    @contextmanager
    def starts(self, point: str = "") -> Iterator[Child]:
        place = self.folder / f"run-{len(list(self.folder.iterdir()))}"
        place.mkdir()
        config = ("--config", str(self.folder / "hospital.toml"), "--at", self.at.isoformat())
        child = Child(["run", "--json", *config], place, point)
        try:
            yield child
        finally:
            child.close()

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = Store(open_engine("sqlite:///hospital.db", self.folder))
        try:
            yield store
        finally:
            store.close()

    def answered(self) -> None:
        with self.store() as store, store.write() as connection:
            for number, kind in SAID.items():
                (one,) = rows(
                    connection,
                    "SELECT id, version FROM appointment WHERE external_id = :number",
                    number=f"a{number}",
                )
                about = ((one.id, one.version),)
                give(connection, Given(kind, about, "sms", f"test:{number}"), now=self.at)

    def asks(self, sql: str) -> list[Any]:
        with self.store() as store, store.read() as connection:
            return list(rows(connection, sql))

    def settles(self) -> None:
        """Passes until nothing is due any more."""
        for wait in (LEASE, *WAITS):
            self.at += wait
            self.passes()
        assert not self.asks("SELECT 1 FROM write_back WHERE state = 'due'")

    def check(self) -> None:
        """Each answer is one change in the DPI's ledger, the one that was said."""
        assert Counter(change["id"] for change in self.dpi.seen.changes) == {
            f"a{number}": 1 for number in SAID
        }
        for change in self.dpi.seen.changes:
            said = SAID[int(change["id"][1:])]
            expected = "cancelled" if said is AnswerKind.CANCELLED else "booked"
            assert change["status"] == expected
        states = self.asks("SELECT state FROM write_back")
        assert [row.state for row in states] == ["done"] * len(SAID)
        assert not self.asks("SELECT 1 FROM task WHERE kind LIKE 'write_back%'")


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """It knows its appointments, and three patients have answered."""
    with simulated(clock=lambda: NOW) as dpi:
        for number in range(1, 6):
            who = [{"actor": {"reference": f"Patient/p{number}"}, "status": "needs-action"}]
            dpi.hold(patient(number), appointment(number, participant=who))
        text = CONFIGURATION.format(url=dpi.url)
        (tmp_path / "hospital.toml").write_text(text, encoding="utf-8")
        hospital = Hospital(tmp_path, dpi)
        hospital.passes()
        hospital.answered()
        yield hospital


@pytest.mark.parametrize("point", failpoint.WRITE_BACK)
@pytest.mark.parametrize("nth", [1, pytest.param(3, marks=pytest.mark.nightly)])
def test_a_dead_process_leaves_each_change_once(point: str, nth: int, hospital: Hospital) -> None:
    with hospital.starts(f"{point}:{nth}") as child:
        assert child.dies_at_its_point(), f"{point} was never reached"
    written = nth - 1 + (point == "writeback.result")
    assert len(hospital.dpi.seen.changes) == written
    hospital.settles()
    hospital.check()


def test_a_process_that_dies_waiting_for_the_dpis_answer_leaves_one_change(
    hospital: Hospital,
) -> None:
    hospital.dpi.faults.write, hospital.dpi.faults.writes = "hang_after", 1
    with hospital.starts() as child:
        deadline = time.monotonic() + PATIENCE
        while not hospital.dpi.seen.changes and time.monotonic() < deadline:
            time.sleep(0.01)
        child.kill()
    assert len(hospital.dpi.seen.changes) == 1
    hospital.settles()
    hospital.check()


def test_a_dpi_that_takes_and_does_not_say_so_gets_each_change_once(hospital: Hospital) -> None:
    hospital.dpi.faults.write, hospital.dpi.faults.writes = "drop_after", 2
    hospital.passes()
    hospital.settles()
    hospital.check()


def test_what_was_written_comes_back_with_the_next_reading(hospital: Hospital) -> None:
    hospital.passes()
    hospital.at += timedelta(days=1, minutes=1)
    hospital.passes()
    found = hospital.asks("SELECT external_id, status, cancelled_by, answer FROM appointment")
    assert {
        row.external_id: (row.status, row.cancelled_by) for row in found if row.answer != "none"
    } == {
        "a1": ("booked", "unknown"),
        "a2": ("cancelled", "patient"),
        "a3": ("cancelled", "patient"),
    }
    assert not hospital.asks("SELECT 1 FROM task WHERE kind LIKE 'call_%' AND state = 'open'")
