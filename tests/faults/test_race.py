"""Eight real processes, one outbox of due messages, one sink: no double, none lost.

Thousands in the suite, ten thousand in the nightly run.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.hospital import A_PASS, Hospital, patients
from tests.faults.processes import Provider, counts, provider
from tests.support.postgres import Server

RACERS = 8


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Provider]:
    with provider(tmp_path) as running:
        yield running


def race(hospital: Hospital, rows: int) -> Counter[str]:
    """What became of the messages, and that the work was shared."""
    people = patients(rows)
    hospital.exports(people)
    hospital.opens()
    with ExitStack() as stack:
        running = [stack.enter_context(hospital.starts("run", "--json")) for _ in range(RACERS)]
        ended = [child.ends() for child in running]
    assert [one.code for one in ended] == [0] * RACERS, [one.err for one in ended]
    sent = [sum(counts(one)["answers"].values()) for one in ended]  # type: ignore[attr-defined]
    assert sum(number > 0 for number in sent) > RACERS / 2, f"hardly a race: {sent}"
    hospital.at += A_PASS
    hospital.settles()
    return hospital.check(people)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rows", [2_000, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_eight_processes_race_on_postgresql(
    rows: int, postgres_server: Server, sink: Provider, tmp_path: Path
) -> None:
    url = postgres_server.create_database()
    hospital = Hospital(tmp_path / "a", sink, url, lease=60, timeout=30, in_flight=50)
    assert race(hospital, rows) == {"in the ledger, ACCEPTED": rows}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rows", [1_000, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_eight_processes_race_on_sqlite(rows: int, sink: Provider, tmp_path: Path) -> None:
    hospital = Hospital(tmp_path / "a", sink, lease=60, timeout=30, in_flight=50)
    assert race(hospital, rows) == {"in the ledger, ACCEPTED": rows}
