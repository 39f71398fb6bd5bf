"""kill -9 while somebody writes to a session: all of its patients are told, or none yet, and the
same form sent again tells nobody twice (R1, R2)."""

from pathlib import Path

import pytest

from reminders import failpoint
from tests.faults.hospital import Hospital, Patient, copy_of
from tests.faults.processes import Provider

WRITES = "tests.faults.writes"


@pytest.mark.parametrize("point", failpoint.WRITING)
def test_a_session_is_written_to_whole_or_not_at_all(
    point: str, due: Hospital, people: list[Patient], sms: Provider, tmp_path: Path
) -> None:
    hospital = copy_of(due, tmp_path, sms)
    with hospital.starts("form-1", point=point, program=WRITES) as writer:
        assert writer.dies_at_its_point()
    committed = point == "writing.after_commit"
    assert hospital.count("kind = 'staff'") == (len(people) if committed else 0)
    assert hospital.count("kind <> 'staff' AND state = 'PLANNED'") == len(people)
    with hospital.starts("form-1", program=WRITES) as writer:  # the person sends the form again
        ended = writer.ends()
        assert ended.code == 0, ended.err
    assert hospital.count("kind = 'staff'") == len(people)
    hospital.settles()
    assert len(hospital.asks("SELECT id FROM writing")) == 1
    told = [entry.to for entry in hospital.submissions()]
    assert sorted(told) == sorted(one.phone for one in people)
    assert all("n'aura pas lieu" in entry.text for entry in hospital.submissions())
