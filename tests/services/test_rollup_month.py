"""No table of a month tells what another one hides: checked by solving all their sums together."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from reminders.domain.report import HIDDEN_BELOW
from reminders.domain.report_unit import FATE, KIND, language_number, packed
from reminders.services.rollup_month import count
from reminders.services.rollup_table import ALL, DIMENSIONS

# (channel, text, language): what leaves by no channel is no text, and speaks no language.
WAYS = ((0, 0, ""), (1, 11, "fr"), (1, 12, "fr"), (1, 13, "ar"), (2, 21, "fr"), (2, 22, "ar"))
PEOPLE = st.lists(
    st.lists(st.sampled_from([0, 0, 1, 2, 3, 5, 8, 30]), min_size=len(WAYS), max_size=len(WAYS)),
    min_size=1, max_size=4,
)  # fmt: skip


def month_of(sizes: Sequence[Sequence[int]]) -> list[Any]:
    """A service for each list: so many patients, an appointment each, of each of WAYS."""
    found, patient = [], 0
    for service, line in enumerate(sizes):
        kinds, fates, patients = [], [], []
        for size, (channel, template, language) in zip(line, WAYS, strict=True):
            for _ in range(size):
                patient += 1
                patients.append(patient)
                kinds.append(packed(KIND, weekday=1, day=5, language=language_number(language)))
                fates.append(packed(FATE, channel=channel, template=template))
        if patients:
            found.append(SimpleNamespace(
                uf=f"s{service}", number=len(patients), patients=text(patients),
                kinds=text(kinds), fates=text(fates), contacts=0, messages=0, segments=0, cost=0,
            ))  # fmt: skip
    return found


def text(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


Atom = tuple[str, int]  # the patients of a service that go one of WAYS
VALUES = {
    "channel": [("", "sms", "email")[channel] for channel, _, _ in WAYS],
    "template": [str(template) for _, template, _ in WAYS],
    "language": [language for _, _, language in WAYS],
}


def made_of(row: Sequence[Any], atoms: Sequence[Atom]) -> list[float]:
    """A line as a sum of atoms."""
    _, uf, dim, value = row[:4]
    values = VALUES.get(dim)
    return [
        float((uf in (ALL, service)) and (values is None or values[way] == value))
        for service, way in atoms
    ]


MEANT = {"all", *VALUES}


def following(
    sizes: list[list[int]], rows: Sequence[Any], some: Sequence[Any]
) -> list[tuple[str, str, str]]:
    """Those that are a combination of what is told."""
    atoms = [
        (f"s{n}", way) for n, line in enumerate(sizes) for way, size in enumerate(line) if size
    ]
    told = np.array([made_of(row, atoms) for row in rows if row[2] in MEANT and not row[4]])
    if not len(told):
        return []
    rank = np.linalg.matrix_rank(told)
    return [
        row[1:4]
        for row in some
        if row[2] in MEANT and np.linalg.matrix_rank(np.vstack([told, made_of(row, atoms)])) == rank
    ]


@given(PEOPLE)
@example([[3, 30, 30, 30, 8, 0], [30, 30, 30, 30, 30, 30]])
@example([[3, 30, 0, 0, 5, 8], [5, 30, 0, 0, 8, 0], [30, 30, 30, 0, 30, 0]])
def test_no_table_tells_what_another_one_hides(sizes: list[list[int]]) -> None:
    if sum(map(sum, sizes)) < HIDDEN_BELOW:
        return
    rows, _ = count(24_320, month_of(sizes))
    small = [row for row in rows if int(str(row[5])) < HIDDEN_BELOW and row[2] in MEANT]
    assert all(row[4] for row in small)
    assert not following(sizes, rows, small)


def test_what_is_the_same_people_is_hidden_in_every_table() -> None:
    """Three were sent nothing: neither their channel, nor their text, nor their language."""
    rows, _ = count(24_320, month_of([[3, 30, 30, 30, 8, 5], [30, 30, 30, 30, 30, 30]]))
    hidden = {row[1:4] for row in rows if row[4]}
    assert {("s0", "channel", ""), ("s0", "template", "0"), ("s0", "language", "")} <= hidden
    assert set(DIMENSIONS) > set(VALUES)


@given(PEOPLE, PEOPLE)
@example([[3, 30, 30, 30, 8, 5], [30] * 6], [[9, 30, 30, 30, 8, 5], [30] * 6])
@example([[0, 4, 0, 0, 0, 0], [0, 12, 0, 0, 0, 0], [0, 30, 0, 0, 0, 0]],
         [[0, 0, 0, 0, 0, 0], [0, 12, 0, 0, 0, 0], [0, 30, 0, 0, 0, 0]])  # fmt: skip
def test_what_was_hidden_when_a_month_was_closed_follows_from_no_later_count(
    before: list[list[int]], after: list[list[int]]
) -> None:
    first, _ = count(24_320, month_of(before))
    if not sum(map(sum, after)) or any(row[1:3] == (ALL, "all") and row[4] for row in first):
        return  # nothing of it was told
    kept = [(str(row[1]), str(row[2]), str(row[3])) for row in first if row[4]]
    rows, _ = count(24_320, month_of(after), kept=kept)
    assert all(row[4] for row in rows if row[1:4] in kept)
    follow = following(after, rows, [row for row in rows if row[1:4] in kept])
    services = {row[1] for row in rows if row[2] == "all" and row[4]}
    assert not [line for line in follow if line[0] not in services or line[1] == "all"]
