"""kill -9 at every named point between the lease and the result of a message.

The child is the command itself, every provider on loopback and in a process of its own. The
parent kills it when it reports a point, three times over, then lets passes come until nothing
moves: the providers' ledger must show no duplicate, and whoever is not in it must be UNKNOWN or
on the staff list (R1, R2).
"""

import re
from pathlib import Path

import pytest

from reminders import failpoint
from tests.faults.hospital import Hospital, Patient, copy_of
from tests.faults.processes import Provider
from tests.support.postgres import Server

HERE = Path(__file__).parents[2] / "reminders"
ROUNDS = [0, *(pytest.param(number, marks=pytest.mark.nightly) for number in range(1, 7))]
NTH = (1, 2, 1)  # which time the point is reached when the process dies: three kills a round


@pytest.mark.parametrize("round_", ROUNDS)
@pytest.mark.parametrize("point", failpoint.BETWEEN_LEASE_AND_RESULT)
def test_a_kill_anywhere_duplicates_and_loses_nothing(
    point: str, round_: int, due: Hospital, people: list[Patient], sms: Provider, tmp_path: Path
) -> None:
    hospital = copy_of(due, tmp_path, sms)
    for nth in NTH:
        assert hospital.killed_at(f"{point}:{nth + round_ % 2}"), f"{point} was never reached"
    hospital.settles()
    assert sum(hospital.check(people).values()) == len(people)


IN_CI = {"intent.after_commit", "send.after_submit"}


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, marks=() if point in IN_CI else pytest.mark.nightly)
        for point in failpoint.BETWEEN_LEASE_AND_RESULT
    ],
)
def test_a_kill_duplicates_and_loses_nothing_on_postgresql(
    point: str, people: list[Patient], sms: Provider, postgres_server: Server, tmp_path: Path
) -> None:
    hospital = Hospital(tmp_path, sms, postgres_server.create_database())
    hospital.exports(people)
    hospital.opens()
    for nth in NTH:
        assert hospital.killed_at(f"{point}:{nth}"), f"{point} was never reached"
    hospital.settles()
    assert sum(hospital.check(people).values()) == len(people)


def test_every_named_point_is_in_the_code_and_no_other() -> None:
    named = [
        name
        for path in HERE.rglob("*.py")
        for name in re.findall(r'\bfailpoint\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    ]
    assert sorted(named) == sorted(failpoint.POINTS)
    assert len(failpoint.BETWEEN_LEASE_AND_RESULT) >= 12
