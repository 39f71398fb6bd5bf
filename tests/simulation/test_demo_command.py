"""`reminders demo --once`, as a newcomer types it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "days",
    [
        pytest.param((), marks=pytest.mark.nightly, id="a fortnight"),
        pytest.param(("--days", "3"), id="three days"),
    ],
)
@pytest.mark.timeout(400)
def test_a_whole_life_is_one_table_and_leaves_nothing_behind(
    tmp_path: Path, days: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reminders.cli", "demo", "--once", *days],
        env=os.environ | {"TMPDIR": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=390,  # a fortnight lived twice: half a minute on two idle cores
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert done.stdout.count("┏") == 1  # one table
    cells = [line.split("│")[1:-1] for line in done.stdout.splitlines() if "│" in line]
    rows = {words[0].strip(): [count.strip() for count in words[1:]] for words in cells}
    left, ledger, silent = rows["SMS partis"]
    assert left == ledger != "0"
    assert silent == "—"
    assert int(rows["Réponses de patients"][0]) > 0
    assert rows["Réponses de patients"][0] == rows["Réponses de patients"][1]
    assert len(set(rows["Issues des rendez-vous"])) == 1
    assert "disent la même chose" in done.stdout
    assert list(tmp_path.iterdir()) == []
