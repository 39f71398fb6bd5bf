"""A process that sleeps longer than its lease and wakes up: others have done its work.

It is stopped as SIGSTOP does at a named point, other passes come and finish, then it goes on.
What it still believes must neither reach the provider nor the database. The points are such that
no transaction is open: a process stopped in one keeps everybody from writing to SQLite.
"""

import time
from pathlib import Path

import pytest

from tests.faults.hospital import Hospital, Patient, copy_of
from tests.faults.processes import Child, Provider

REPEATS = [0, *(pytest.param(number, marks=pytest.mark.nightly) for number in range(1, 6))]


def sleeps_through(hospital: Hospital, zombie: Child) -> None:
    """Its lease ends in real time too, and the passes of others leave nothing to do."""
    assert zombie.reaches_its_point()
    time.sleep(hospital.lease + 0.2)
    hospital.settles()


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("point", ["lease.after_commit", "render.before", "render.done"])
def test_a_zombie_with_an_old_lease_sends_nothing(
    point: str, repeat: int, due: Hospital, people: list[Patient], sms: Provider, tmp_path: Path
) -> None:
    hospital = copy_of(due, tmp_path, sms)
    with hospital.starts("run", "--json", point=f"{point}:{repeat + 1}:stop") as zombie:
        sleeps_through(hospital, zombie)
        zombie.wake()
        assert zombie.ends().code == 0
    fates = hospital.check(people)
    # Of a later window, answers to the one before may have been on their way when it fell asleep:
    # these messages left once, and nobody who could still say so heard of it.
    perhaps = fates.pop("in the ledger, UNKNOWN", 0)
    assert perhaps <= (hospital.in_flight if repeat else 0)
    assert fates == {"in the ledger, ACCEPTED": len(people) - perhaps}


@pytest.mark.parametrize("repeat", REPEATS)
def test_bytes_that_have_not_left_a_second_after_their_intent_never_do(
    repeat: int, due: Hospital, people: list[Patient], sms: Provider, tmp_path: Path
) -> None:
    hospital = copy_of(due, tmp_path, sms)
    with hospital.starts("run", "--json", point="send.before_slot:1:stop") as zombie:
        sleeps_through(hospital, zombie)
        left = len(hospital.submissions())
        zombie.wake()
        assert zombie.ends().code == 0
    assert len(hospital.submissions()) == left < len(people)
    fates = hospital.check(people)
    assert fates["UNKNOWN"] == len(people) - left


@pytest.mark.parametrize("repeat", REPEATS)
@pytest.mark.parametrize("point", ["send.before_submit", "send.after_submit", "result.queued"])
def test_an_answer_that_comes_after_its_lease_is_not_written_over_what_others_found(
    point: str, repeat: int, due: Hospital, people: list[Patient], sms: Provider, tmp_path: Path
) -> None:
    hospital = copy_of(due, tmp_path, sms)
    with hospital.starts("run", "--json", point=f"{point}:1:stop") as zombie:
        sleeps_through(hospital, zombie)
        zombie.wake()
        assert zombie.ends().code == 0
    hospital.check(people)
