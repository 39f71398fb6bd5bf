"""One text for one value, and what differs between two of them."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.canonical import canonical, differences, digest_of, plain

leaves = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    name: Colour
    at: datetime
    shares: tuple[float, ...]


def test_a_value_has_one_text() -> None:
    thing = Thing(Colour.RED, datetime(2026, 10, 1, tzinfo=UTC), (0.1 + 0.2, np.float64(2)))
    text = '{"at":"2026-10-01T00:00:00+00:00","name":"red","shares":[0.3,2.0]}'
    assert canonical(thing) == text
    assert (
        canonical({Colour.RED: {3, 1}, "d": date(2026, 1, 1)}) == '{"d":"2026-01-01","red":[1,3]}'
    )


def test_what_has_no_form_is_refused() -> None:
    for value in (object(), datetime(2026, 1, 1)):  # noqa: DTZ001 - that is the point
        with pytest.raises(TypeError):
            canonical(value)


@given(values)
def test_the_text_is_the_value(value: object) -> None:
    text = canonical(value)
    assert json.loads(text) == plain(value)
    assert canonical(json.loads(text)) == text
    assert digest_of(text) == digest_of(canonical(value))


@given(values, values)
def test_nothing_differs_exactly_where_texts_are_equal(one: object, other: object) -> None:
    first, second = plain(one), plain(other)
    found = differences(first, second)
    if canonical(one) == canonical(other):
        assert found == []
    assert all(before != after for _, before, after in found)


def test_a_change_is_told_by_its_place() -> None:
    before = {"total": {"central": 1.0}, "lines": [{"uf": "4220", "n": 1}, {"uf": "4230", "n": 2}]}
    after = {"total": {"central": 2.0}, "lines": [{"uf": "4210", "n": 9}, *before["lines"]]}
    assert differences(plain(before), plain(after)) == [
        ("lines.4210", None, {"n": 9, "uf": "4210"}), ("total.central", 1.0, 2.0),
    ]  # fmt: skip
