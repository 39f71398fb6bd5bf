"""What is hidden cannot be worked out: checked by solving the sums, not by the rule itself."""

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from reminders.domain.hiding import Group, Hiding, Key, hidden_rows, hide
from reminders.domain.report import HIDDEN_BELOW

SIZES = st.lists(
    st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 5, 7, 60, -1, -3, -9]), min_size=4, max_size=4),
    min_size=1,
    max_size=6,
)


def table_of(sizes: Sequence[Sequence[int]]) -> tuple[dict[Key, Group], frozenset[str]]:
    """Patients each of one cell, below 0 still to come; services by row."""
    number = count(1)
    cells: dict[Key, Group] = {}
    services: dict[str, Group] = {}
    for r, line in enumerate(sizes):
        known: set[int] = set()
        coming: set[int] = set()
        for c, size in enumerate(line):
            people = frozenset(next(number) for _ in range(abs(size)))
            (known if size > 0 else coming).update(people)
            if size:
                cells[f"s{r}", f"v{c}"] = group_of(people, coming=size < 0)
        if known or coming:
            services[f"s{r}"] = group_of(frozenset(known or coming), coming=not known)
    return cells, hidden_rows(services)


def group_of(people: frozenset[int], *, coming: bool = False) -> Group:
    number, few = len(people), people if len(people) < HIDDEN_BELOW else frozenset[int]()
    return Group(0, few, waiting=number) if coming else Group(number, few)


def follows(cells: Mapping[Key, Group], rows_out: frozenset[str], found: Hiding) -> set[Key]:
    """Cells whose value the published sums fix: their unit vector is a combination of those."""
    keys = sorted(cells, key=str)
    place = {key: n for n, key in enumerate(keys)}

    def total(some: Sequence[Key]) -> list[float]:
        vector = [0.0] * len(keys)
        for key in some:
            vector[place[key]] = 1.0
        return vector

    told = [total([key]) for key in keys if key not in found.cells]
    told += [total([k for k in keys if k[0] == row]) for row in {k[0] for k in keys} - rows_out]
    told += [
        total([k for k in keys if k[1] == name]) for name in {k[1] for k in keys} - found.columns
    ]
    told.append(total(keys))
    rank = np.linalg.matrix_rank(np.array(told))
    return {key for key in keys if np.linalg.matrix_rank(np.array([*told, total([key])])) == rank}


@given(SIZES)
@example([[1, 60, 60, 60], [60, 60, 60, 60]])
@example([[60, 3, 3, 60], [60, 60, 3, 60]])
@example([[3, 3, 60, 60], [3, 3, 2, 60], [60, 60, 4, 3], [0, 0, 3, 3]])
@example([[3, -9, 60, 60], [60, -1, 60, 60]])
def test_no_small_cell_follows_from_what_is_told(sizes: list[list[int]]) -> None:
    cells, rows_out = table_of(sizes)
    known = sum(group.patients for group in cells.values())
    if (known or sum(group.waiting for group in cells.values())) < HIDDEN_BELOW:
        return  # the whole month is hidden
    found = hide(cells, rows_out)
    small = {key for key, group in cells.items() if group.small}
    assert small <= found.cells
    assert not small & follows(cells, rows_out, found)


@given(SIZES)
def test_what_is_left_of_a_row_is_never_a_few_patients(sizes: list[list[int]]) -> None:
    cells, rows_out = table_of(sizes)
    found = hide(cells, rows_out)
    for row in {key[0] for key in cells} - rows_out:
        assert not is_few([cells[key] for key in found.cells if key[0] == row])
    for column in {key[1] for key in cells} - found.columns:
        assert not is_few([cells[key] for key in found.cells if key[1] == column])


def is_few(hidden: Sequence[Group]) -> bool:
    """What is left of a sum: outcomes of fewer than five, or nobody's and fewer than five come."""
    known = sum(group.patients for group in hidden)
    return bool(hidden) and (known or sum(group.waiting for group in hidden)) < HIDDEN_BELOW


def test_five_patients_are_told_and_four_are_not() -> None:
    cells, rows_out = table_of([[5, 6, 60, 70], [4, 6, 60, 70]])
    found = hide(cells, rows_out)
    assert found.cells == {("s1", "v0"), ("s1", "v1")}  # and the smallest beside it
    assert not hide(*table_of([[5, 6, 60, 70], [5, 6, 60, 70]])).cells


def test_one_patient_who_comes_often_is_still_one() -> None:
    again = frozenset({1})
    cells: dict[Key, Group] = {
        ("a", "x"): Group(1, again),
        ("b", "x"): Group(1, again),
        ("c", "x"): Group(1, again),
        ("a", "y"): Group(50),
        ("b", "y"): Group(50),
        ("c", "y"): Group(50),
    }
    assert "x" in hide(cells, frozenset()).columns


def test_patients_still_to_come_hide_nobody() -> None:
    """Of known outcomes four are too few, however many are expected beside them."""
    few = Group(3, frozenset({1, 2, 3}))
    coming = Group(0, waiting=40)
    found = hide({("a", "x"): few, ("a", "y"): coming, ("a", "z"): Group(9)}, frozenset())
    assert found.cells == {("a", "x"), ("a", "z")}  # y's forty would add no outcome to x's three
    assert not hide({("a", "y"): coming, ("a", "z"): Group(9)}, frozenset()).cells
    assert hide({("a", "y"): Group(0, frozenset({7}), waiting=1), ("a", "z"): coming,
                 ("a", "v"): Group(9)}, frozenset()).cells == {("a", "y"), ("a", "v")}  # fmt: skip


def test_a_service_too_small_takes_the_smallest_other_one_along() -> None:
    services = {"a": Group(3, frozenset({1, 2, 3})), "b": Group(40), "c": Group(30)}
    assert hidden_rows(services) == {"a", "c"}
    assert hidden_rows({"b": Group(40), "c": Group(30)}) == frozenset()
