"""Small counts are hidden, and cannot be worked out from the sums beside them."""

from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.baseline_count import (
    SMALLEST,
    Counted,
    Margin,
    Split,
    hidden,
    margins_of,
)
from reminders.domain.outcome import Outcome, Tally


def kind(patients: int, *, unknown: int = 0, **parts: str) -> Counted:
    tally = Tally({Outcome.ATTENDED: patients, Outcome.UNKNOWN: unknown})
    return Counted("4220", patients, tally, **parts)


def tables(known: Sequence[str], leads: Sequence[str]) -> st.SearchStrategy[list[Counted]]:
    places = [(one, other) for one in known for other in leads]
    sizes = st.lists(st.integers(1, 30), min_size=len(places), max_size=len(places))
    return sizes.map(
        lambda found: [
            kind(size, known=one, lead=other)
            for size, (one, other) in zip(found, places, strict=True)
        ]
    )


def sums(counts: Sequence[Counted], out: frozenset[int], margin: Margin) -> list[list[Counted]]:
    """What each sum of a margin hides."""
    groups: dict[tuple[str, ...], list[Counted]] = defaultdict(list)
    for place, one in enumerate(counts):
        if place in out:
            groups[tuple(getattr(one, name) for name in margin)].append(one)
    return list(groups.values())


@given(counts=tables(("known", "new"), ("<1", "1-2", "3-6", "?")))
def test_no_sum_gives_away_what_it_hides(counts: list[Counted]) -> None:
    margins = margins_of(Split.KNOWN_LEAD)
    assert set(margins) == {(), ("known",), ("lead",)}
    out = hidden(counts, margins)
    for place, one in enumerate(counts):
        assert place in out or not one.small
    for margin in margins:
        for group in sums(counts, out, margin):
            whole = [one for one in counts if all(
                getattr(one, name) == getattr(group[0], name) for name in margin
            )]  # fmt: skip
            together = max(one.patients for one in group)  # each may be in all of them
            assert len(group) == len(whole) or (len(group) > 1 and together >= SMALLEST)


def test_nothing_small_hides_nothing() -> None:
    assert hidden([kind(5), kind(9)]) == frozenset()
    assert hidden([]) == frozenset()


def test_a_small_one_takes_the_next_smallest_with_it() -> None:
    assert hidden([kind(40), kind(3), kind(9), kind(20)]) == {1, 2}
    assert hidden([kind(40), kind(2), kind(1), kind(20)]) == {1, 2, 3}  # 2 + 1 are not five
    assert hidden([kind(40), kind(4), kind(4), kind(20)]) == {1, 2, 3}


def test_the_same_patients_on_two_days_are_not_added_up() -> None:
    """Three who come on Tuesdays and Thursdays: all less Mondays would be those three."""
    days = [kind(30, weekday="1"), kind(3, weekday="2"), kind(3, weekday="4")]
    assert hidden(days) == {0, 1, 2}
    assert hidden([*days, kind(8, weekday="5")]) == {1, 2, 3}


def test_few_known_outcomes_are_a_small_count_too() -> None:
    assert kind(4, unknown=30).small
    assert not kind(5, unknown=30).small
