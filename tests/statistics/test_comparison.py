"""Comparisons against published tables, and what must hold for any counts."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from reminders.statistics.comparison import Measure, compare

# Published counts and intervals. `decimals`: as printed; `status`: exact, or by how much it may
# differ where the paper's counts per arm are derived or its figure is adjusted.
DATA = Path(__file__).parents[1] / "data" / "published_comparisons.csv"


def published() -> list[dict[str, str]]:
    with DATA.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", published(), ids=lambda row: row["study"])
def test_published_intervals_are_reproduced(row: dict[str, str]) -> None:
    x1, n1, x0, n0 = (int(row[name]) for name in ("x1", "n1", "x0", "n0"))
    found = compare(x1, n1, x0, n0, Measure(row["measure"].lower()))

    stated = re.match(r"\+-([0-9.]+)", row["status"])
    assert stated or row["status"] == "exact"
    within = (float(stated[1]) if stated else 0.5 * 10 ** -int(row["decimals"])) + 1e-12
    for ours, theirs in ((found.estimate, "reported"), (found.low, "lo"), (found.high, "hi")):
        assert abs(ours - float(row[theirs])) <= within, theirs


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize("counts", [(387, 592, 356, 596), (3, 40, 9, 55), (80, 355, 62, 354)])
def test_intervals_are_those_of_statsmodels(
    counts: tuple[int, int, int, int], measure: Measure
) -> None:
    kind, method = {
        Measure.RISK_DIFFERENCE: ("diff", "newcomb"),
        Measure.RISK_RATIO: ("ratio", "log"),
        Measure.ODDS_RATIO: ("odds-ratio", "logit"),
    }[measure]
    theirs = confint_proportions_2indep(*counts, compare=kind, method=method, correction=False)
    found = compare(*counts, measure)
    assert (found.low, found.high) == pytest.approx(theirs, rel=1e-9)


def test_the_pooled_test_gives_the_published_p() -> None:
    assert compare(387, 592, 356, 596, Measure.RISK_RATIO).p == pytest.approx(0.0446, abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "measure"),
    [
        ((0, 10, 5, 10), Measure.RISK_RATIO),
        ((5, 10, 0, 10), Measure.ODDS_RATIO),
        ((10, 10, 5, 10), Measure.ODDS_RATIO),
        ((11, 10, 5, 10), Measure.RISK_DIFFERENCE),
        ((0, 0, 5, 10), Measure.RISK_DIFFERENCE),
        ((-1, 10, 5, 10), Measure.RISK_DIFFERENCE),
    ],
)
def test_what_does_not_exist_is_refused(
    counts: tuple[int, int, int, int], measure: Measure
) -> None:
    with pytest.raises(ValueError, match=r"impossible counts|no .*ratio"):
        compare(*counts, measure)


ARMS = st.integers(2, 5_000).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n)))


@given(ARMS, ARMS, st.sampled_from(Measure))
def test_the_interval_holds_the_estimate_and_turns_with_the_arms(
    one: tuple[int, int], other: tuple[int, int], measure: Measure
) -> None:
    here, there = compare(*one, *other, measure), compare(*other, *one, measure)

    assert here.low <= here.estimate <= here.high
    assert 0 <= here.p <= 1
    assert here.p == pytest.approx(there.p)
    if measure is Measure.RISK_DIFFERENCE:
        assert here.low == pytest.approx(-there.high)
    else:
        assert here.low == pytest.approx(1 / there.high)
