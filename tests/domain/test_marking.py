"""Sentences that keep their form: what a table kept is recognised, whatever its values were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain import guard
from reminders.domain.guard import FeedShape, Limits, verdicts
from reminders.domain.marking import Filled, filled, recognised
from reminders.services.feed_words import FORMS, parts_of

LIMITS = Limits()
COUNTS = st.integers(0, 200_000)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)


@given(NAMES, NAMES)
def test_a_kept_sentence_is_the_same_again(file: str, who: str) -> None:
    for form in FORMS:
        given_values = {name: f"{file}{who}{name}" for name in _names(form)}
        sentence = filled(form, **given_values)
        again = recognised(str(sentence), FORMS)
        assert again == sentence
        assert isinstance(again, Filled)


def _names(form: str) -> list[str]:
    return [one.partition(")")[0] for one in form.split("%(")[1:]]


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_all_that_the_gate_says_of_a_feed_is_recognised(
    expected: int, known: int, vanished: int, common: int, moved: int
) -> None:
    """Also when everything at once is odd: its sentences are kept as one text."""
    shape = FeedShape(expected, known, vanished, common, moved, same_weekday=(400, 410))
    said = [verdict.sentence for verdict in verdicts(shape, LIMITS)]
    told = parts_of(" ".join(said)) if said else []
    assert [str(one) for one in told] == said
    assert all(isinstance(one, Filled) for one in told)


@pytest.mark.parametrize("theirs", ["Changement de logiciel lundi.", "export.csv est vide.", ""])
def test_what_others_said_stays_as_they_said_it(theirs: str) -> None:
    assert "".join(parts_of(theirs)) == theirs
    assert not any(isinstance(one, Filled) for one in parts_of(theirs))


def test_values_keep_their_place() -> None:
    again = recognised(str(filled(guard.VANISHED, gone=12, known=345)), guard.SENTENCES)
    assert isinstance(again, Filled)
    assert again.values == {"gone": "12", "known": "345"}
