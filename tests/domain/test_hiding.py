"""What is hidden cannot be worked out: checked by solving the sums, not by the rule itself."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, count

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from reminders.domain.hiding import (
    Column,
    Group,
    Hiding,
    Key,
    enough,
    hidden_rows,
    hide,
    hide_nested,
    together,
)
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
    told = told_of(cells, rows_out, found)
    return {key for key in found.cells if fixed(cells, [key], told)}


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
@example([[1, 2, 60, 60], [60, 60, 60, 60]])  # a circle of both, another of what is added to them
def test_no_few_patients_of_one_line_follow_together(sizes: list[list[int]]) -> None:
    cells, rows_out = table_of(sizes)
    if not enough(cells.values()):
        return
    found = hide(cells, rows_out)
    some = few_together(cells)
    assert not [group for group in some if fixed(cells, group, told_of(cells, rows_out, found))]


def few_together(cells: Mapping[Key, Group]) -> list[Sequence[Key]]:
    """Cells of one row, or of one column, that are about too few patients together."""
    lines = [
        [key for key in sorted(cells, key=str) if key[way] == name]
        for way in (0, 1)
        for name in {key[way] for key in cells}
    ]
    return [
        group
        for line in lines
        for size in range(1, min(len(line), 3) + 1)
        for group in combinations(line, size)
        if not enough(cells[key] for key in group)
    ]


def told_of(
    cells: Mapping[Key, Group], rows_out: frozenset[str], found: Hiding
) -> list[Sequence[Key]]:
    """The sums of cells that reports are made of."""
    keys = sorted(cells, key=str)
    told: list[Sequence[Key]] = [[key] for key in keys if key not in found.cells]
    told += [[k for k in keys if k[0] == row] for row in {k[0] for k in keys} - rows_out]
    told += [[k for k in keys if k[1] == name] for name in {k[1] for k in keys} - found.columns]
    return [*told, keys]


def fixed(keys: Iterable[Key], some: Sequence[Key], told: Sequence[Sequence[Key]]) -> bool:
    """Is the sum of some cells a combination of the sums that are told?"""
    place = {key: n for n, key in enumerate(sorted(keys, key=str))}
    matrix = np.zeros((len(told) + 1, len(place)))
    for n, line in enumerate([*told, some]):
        for key in line:
            matrix[n, place[key]] += 1
    return bool(np.linalg.matrix_rank(matrix) == np.linalg.matrix_rank(matrix[:-1]))


WITHIN: Mapping[Column, Column] = {"v0": "", "v1": "sms", "v2": "sms", "v3": "email"}


@given(SIZES)
@example([[3, 60, 5, 7], [0, 60, 60, 60]])  # nothing left: the text of none is the channel of none
@example([[3, 60, 5, 60], [9, 60, 60, 60], [0, 2, 60, 9]])
def test_what_the_finer_table_hides_the_coarser_one_does_not_tell(sizes: list[list[int]]) -> None:
    """Texts, and the channels they leave by: every sum of both tables is one of the finer cells."""
    fine, rows_out = table_of(sizes)
    if not enough(fine.values()):
        return
    parts: dict[Key, list[Key]] = {}
    for key in sorted(fine, key=str):
        parts.setdefault((key[0], WITHIN[key[1]]), []).append(key)
    coarse = {key: together(fine[one] for one in parts[key]) for key in parts}
    texts, channels = hide_nested(fine, coarse, WITHIN, rows_out)
    told = told_of(fine, rows_out, texts)
    for line in told_of(coarse, rows_out, channels):
        told.append([one for key in line for one in parts[key]])
    small = [[key] for key, group in fine.items() if group.small]
    small += [parts[key] for key, group in coarse.items() if group.small]
    assert not [some for some in small if fixed(fine, some, told)]


def test_a_small_service_hides_beside_a_small_one_rather_than_the_whole() -> None:
    """A month of seven services: one with two known patients took the hospital's line of new and
    known ones, 800 appointments, with it."""
    sizes = [[34, 208], [2, 118], [36, 250], [31, 189], [19, 97], [60, 81]]
    found = hide(*table_of(sizes))
    assert found.cells == {("s1", "v0"), ("s1", "v1"), ("s4", "v0"), ("s4", "v1")}
    assert not found.columns


def test_cells_another_table_hides_do_not_follow_either() -> None:
    cells, rows_out = table_of([[50, 60, 70], [80, 90, 60]])
    same = {("s0", "v0")}
    found = hide(cells, rows_out, same)
    assert same < found.cells
    assert not same & follows(cells, rows_out, found)


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
    assert found.cells == {(row, column) for row in ("s0", "s1") for column in ("v0", "v1")}
    assert not found.columns  # the wholes are told: the cheapest circle is of cells
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
