"""The benchmarks run and tell the truth about what was done; how fast is not asserted anywhere.

Rows and ledgers are compared by the benchmarks themselves: a run that did something else fails.
"""

import json
import math
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHMARKS
from tests.bench.delivery import check
from tests.bench.measure import Pairs, Taken, compare, quartiles, slope, take_turns

LINES = {
    "plan": ["plan"],
    "replan": ["replan"],
    "deliver": ["deliver"],
    "claim": ["claim-sqlite", "window-sqlite", "claim-postgresql", "window-postgresql"],
    "webhook": ["webhook"],
    "memory": ["memory"],
    "pages": [],  # one of each page of the staff
    "backlog": ["backlog /", "backlog /a-traiter", "backlog /appels", "backlog /services"],
    "reports": ["recount", "report", "lag", "look at all"],
    "savings": ["savings-sqlite", "savings-postgresql"],
    "start": ["start-explain", "start-run"],
    "idle": ["idle"],
}
# Two minutes together: with the other long proofs (`./dev nightly`).
LONG = {"replan", "claim", "webhook", "memory", "pages", "backlog", "savings", "start", "idle"}


def test_every_benchmark_is_tried_here() -> None:
    assert set(BENCHMARKS) == set(LINES)


def all_pages(names: list[str]) -> bool:
    return len(names) > 10 and all(name.startswith("page /") for name in names)


@pytest.mark.parametrize(
    "name",
    [pytest.param(one, marks=pytest.mark.nightly if one in LONG else ()) for one in LINES],
)
@pytest.mark.timeout(300)
def test_a_benchmark_prints_one_json_object_a_line(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--only", name, "--quick", "--tiny"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = [line["name"] for line in lines]
    assert names == LINES[name] or (name == "pages" and all_pages(names))
    for line in lines:
        assert {"ours", "baseline", "ratio", "unit", "goal", "met"} <= set(line)
        assert isinstance(line["met"], bool)
        numbers = [line[key] for key in ("ours", "baseline", "ratio", "goal")]
        assert all(math.isfinite(number) and number >= 0 for number in numbers)


def test_ours_and_the_baseline_take_turns_and_the_first_one_does_not_count() -> None:
    order: list[str] = []

    def note(who: str) -> Taken:
        order.append(who)
        return Taken(len(order))

    found = take_turns(lambda: note("A"), lambda: note("B"), 3)
    assert order == ["A", "B"] * 4
    assert [one.seconds for one in found.ours] == [3, 5, 7]
    assert [one.seconds for one in found.baseline] == [4, 6, 8]


def test_a_goal_is_met_by_the_lower_quartile_not_by_the_best_pair() -> None:
    lucky = Pairs([Taken(1, 1)] * 4, [Taken(0.2, 1)] * 3 + [Taken(5, 1)])
    figure = compare("lucky", lucky, 10, "rows/s", 0.5)
    assert (figure.ratio, figure.met) == (0.2, False)


def test_quartiles_of_a_single_pair_are_that_pair() -> None:
    assert quartiles([0.4]) == (0.4, 0.4, 0.4)


def test_time_that_grows_with_size_has_slope_one_and_constant_time_slope_zero() -> None:
    assert slope([10, 100, 1000], [0.1, 1, 10]) == pytest.approx(1)
    assert slope([10, 100, 1000], [2, 2, 2]) == pytest.approx(0)


@pytest.mark.parametrize(
    "ledger",
    [
        pytest.param([], id="nothing arrived"),
        pytest.param([("+33639980001", "Bonjour")] * 2, id="it arrived twice"),
        pytest.param([("+33639980001", "Bonsoir")], id="another text arrived"),
        pytest.param([("+33639980002", "Bonjour")], id="somebody else got it"),
    ],
)
def test_a_run_whose_ledger_differs_from_the_providers_is_void(
    tmp_path: Path, ledger: list[tuple[str, str]]
) -> None:
    with sqlite3.connect(tmp_path / "hospital.db") as database:
        database.execute("CREATE TABLE message (state)")
        database.execute("INSERT INTO message VALUES ('ACCEPTED')")
        database.execute("CREATE TABLE attempt (address, body, state, provider_id)")
        database.execute(
            "INSERT INTO attempt VALUES ('+33639980001', 'Bonjour', 'ACCEPTED', 'SM1')"
        )
    database.close()
    check(tmp_path, [{"To": "+33639980001", "Body": "Bonjour"}])
    with pytest.raises(AssertionError):
        check(tmp_path, [{"To": to, "Body": body} for to, body in ledger])
