"""Which feeds a person must look at before anything of them is applied (R11)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.guard import FeedShape, Limits, examine, verdicts

LIMITS = Limits()


def shape(expected: int = 1_000, **changes: object) -> FeedShape:
    base: dict[str, object] = {"known": 1_000, "vanished": 0, "common": 1_000, "moved_together": 0}
    return FeedShape(expected, **(base | changes))  # type: ignore[arg-type]


def code(found: FeedShape) -> str:
    verdict = examine(found, LIMITS)
    return verdict.code if verdict else ""


def test_an_ordinary_feed_passes() -> None:
    assert code(shape(same_weekday=(980, 1_010, 1_020))) == ""
    assert code(shape(vanished=10, moved_together=50)) == ""


def test_a_first_feed_has_nothing_to_be_compared_with() -> None:
    assert code(shape(3, known=0, common=0)) == ""


def test_an_empty_feed_is_always_odd() -> None:
    assert code(shape(0, known=0, common=0)) == "empty"


@pytest.mark.parametrize(
    ("expected", "odd"), [(499, True), (500, False), (2_000, False), (2_001, True)]
)
def test_less_than_half_or_more_than_twice_the_weekdays_median_is_odd(
    expected: int, odd: bool
) -> None:
    assert code(shape(expected, same_weekday=(900, 1_000, 5_000))) == ("volume" if odd else "")


def test_small_numbers_vary_by_chance() -> None:
    assert code(shape(2, same_weekday=(6, 6), known=6)) == ""
    assert code(shape(1, same_weekday=(6, 6), known=6)) == "volume"


@pytest.mark.parametrize(
    ("vanished", "known", "odd"),
    [(10, 20, False), (11, 20, True), (100, 1_000, False), (101, 1_000, True)],
)
def test_more_than_ten_and_more_than_a_tenth_vanished_is_odd(
    vanished: int, known: int, odd: bool
) -> None:
    assert code(shape(vanished=vanished, known=known)) == ("vanished" if odd else "")


@pytest.mark.parametrize(
    ("together", "common", "odd"),
    [(2, 2, False), (3, 59, True), (3, 60, False), (50, 1_000, False), (51, 1_000, True)],
)
def test_many_moved_by_one_same_offset_is_odd(together: int, common: int, odd: bool) -> None:
    assert code(shape(moved_together=together, common=common)) == ("moved" if odd else "")


def test_everything_odd_is_told_the_worst_first() -> None:
    found = verdicts(
        shape(400, same_weekday=(1_000,), vanished=600, moved_together=300, common=400), LIMITS
    )
    assert [verdict.code for verdict in found] == ["volume", "vanished", "moved"]


@given(st.builds(
    FeedShape, *[st.integers(0, 5_000)] * 5, st.lists(st.integers(0, 5_000), max_size=5),
))  # fmt: skip
def test_any_feed_gets_a_verdict_that_a_person_can_read(found: FeedShape) -> None:
    verdict = examine(found, LIMITS)
    if verdict is not None:
        assert verdict.code in {"empty", "volume", "vanished", "moved"}
        assert verdict.sentence[-1] in ".?"
    if found.expected == 0:
        assert verdict is not None
