"""kill -9 while appointments are read and planned: the next pass finishes what was begun."""

from dataclasses import replace
from pathlib import Path

import pytest

from reminders import failpoint
from tests.faults.hospital import Hospital, copy_of, patients
from tests.faults.processes import Provider

PEOPLE = patients(12)
ROUNDS = [0, *(pytest.param(number, marks=pytest.mark.nightly) for number in range(1, 7))]
KILLS = 3


def opened(folder: Path, sms: Provider) -> Hospital:
    """Its first export is read and released, nothing has left: the night before the day."""
    hospital = Hospital(folder, sms)
    hospital.exports(PEOPLE)
    return hospital


@pytest.mark.parametrize("round_", ROUNDS)
@pytest.mark.parametrize("point", failpoint.BEFORE_LEASE)
def test_a_first_export_survives_its_reader(
    point: str, round_: int, sms: Provider, tmp_path: Path
) -> None:
    hospital = Hospital(tmp_path, sms)
    for kill in range(KILLS):
        hospital.exports([*PEOPLE, *patients(kill + 1, first=100)], f"rdv-{kill}.csv")
        assert hospital.killed_at(point), f"{point} was never reached"
    hospital.opens()
    hospital.settles()
    everybody = [*PEOPLE, *patients(KILLS, first=100)]
    assert hospital.check(everybody) == {"in the ledger, ACCEPTED": len(everybody)}


@pytest.mark.parametrize("point", failpoint.BEFORE_LEASE)
def test_a_cancellation_or_a_move_read_by_a_dead_process_still_counts(
    point: str, due: Hospital, sms: Provider, tmp_path: Path
) -> None:
    """R3: known once committed, whoever committed it; unknown ones are read again."""
    hospital = copy_of(due, tmp_path, sms)
    everybody = patients(hospital.count("1 = 1"))
    cancelled, moved, *others = everybody
    changed = [
        replace(cancelled, status="annulé"),
        replace(moved, day="29/10/2026"),
        *others,
    ]
    hospital.exports(changed, "rdv-2.csv")
    assert hospital.killed_at(point), f"{point} was never reached"
    hospital.settles()
    written = {entry.to for entry in hospital.submissions()}
    assert written == {one.phone for one in others}
    hospital.check(others)
