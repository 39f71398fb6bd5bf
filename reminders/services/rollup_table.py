"""A month's units, and how they split by service and the values of one dimension.

One pass over packed numbers (domain/report_unit.py): a month of a large hospital, two hundred
thousand units, takes some tenths of a second.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reminders.domain.hiding import (
    WHOLE,
    Column,
    Group,
    Hiding,
    Key,
)
from reminders.domain.outcome import Outcome
from reminders.domain.report import HIDDEN_BELOW, Month
from reminders.domain.report_unit import (
    AGE_BANDS,
    CHANNELS,
    FATE,
    KIND,
    LEAD_BANDS,
    MOTIVES,
    OUTCOMES,
    PENDING,
    REACHES,
    language_of,
)
from reminders.services.rollup_audit import Table as Audited

Ints = NDArray[np.int64]
Rows = list[tuple[object, ...]]
ALL = WHOLE  # in the place of a service: the whole hospital
KNOWN = ("new", "known")
SLOTS = PENDING + 1  # outcomes and the pending ones
# Order of the columns of `rollup`.
_COUNTED = (*(OUTCOMES.index(one) for one in (
    Outcome.ATTENDED, Outcome.NO_SHOW, Outcome.CANCELLED_EARLY, Outcome.CANCELLED_LATE,
    Outcome.CANCELLED_BY_HOSPITAL, Outcome.UNKNOWN,
)), PENDING)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Units:
    """Columns of the month's units; services as places in a list."""

    month: Month
    ufs: tuple[str, ...]
    uf: Ints
    patient: Ints
    bits: int  # that hold any of the patients
    kind: Ints
    fate: Ints
    outcome: Ints
    known: NDArray[np.bool_]
    quantities: Sequence[Sequence[int]]  # of each service, in the order of _QUANTITIES

    def of(self, name: str) -> Ints:
        if name in KIND:
            return self.kind >> KIND[name].shift & KIND[name].mask
        return self.fate >> FATE[name].shift & FATE[name].mask


@dataclass(frozen=True, slots=True)
class Split:
    """`place`: of each unit's value; `name`: what is stored of a place."""

    place: Callable[[Units], Ints]
    name: Callable[[Units, int], str]
    hides: bool = True  # False: only a median is told of it


def _listed(field: str, names: Sequence[str]) -> Split:
    return Split(lambda units: units.of(field), lambda _, place: names[place])


def _plain(field: str, *, hides: bool = True) -> Split:
    return Split(lambda units: units.of(field), lambda _, place: str(place), hides)


def _week_place(units: Units) -> Ints:
    """Where in the month its Monday is, from 6 days before the first on."""
    return units.of("day") - units.of("weekday") + 7


def _week_name(units: Units, place: int) -> str:
    return (units.month.first_day + timedelta(days=place - 7)).isoformat()


DIMENSIONS: Mapping[str, Split] = {
    "week": Split(_week_place, _week_name),
    "weekday": _plain("weekday"),
    "hour": _plain("hour"),
    "lead": _listed("lead", LEAD_BANDS),
    "known": _listed("known", KNOWN),
    "age": _listed("age", AGE_BANDS),
    "channel": _listed("channel", CHANNELS),
    "language": Split(lambda units: units.of("language"), lambda _, place: language_of(place)),
    "template": _plain("template"),
    "reach": _listed("reach", REACHES),
    "motive": _listed("motive", MOTIVES),
    "handled": _plain("handled", hides=False),
}
WIDE = ("language", "template")  # of which few of many places are taken


def firsts(ordered: Ints) -> NDArray[np.bool_]:
    """Which of sorted values differ from the one before."""
    first = np.empty(len(ordered), np.bool_)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return first


@lru_cache(maxsize=1)
def _drawn(number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two numbers under 2²⁶ for each unit, so that sums stay exact."""
    draw = np.random.default_rng(number)
    halves = draw.integers(0, 1 << 26, (2, number)).astype(np.float64)
    return halves[0], halves[1]


def table_of(units: Units, name: str, dimension: Split) -> "Table":
    place = dimension.place(units)
    if name in WIDE:
        taken, place = np.unique(place, return_inverse=True)
        names = [dimension.name(units, int(one)) for one in taken]
    else:
        size = int(place.max()) + 1
        present = np.bincount(place, minlength=size) > 0
        names = [dimension.name(units, n) if there else "" for n, there in enumerate(present)]
    return Table(units, place, names)


def everyone(units: Units) -> Group:
    nobody = np.zeros_like(units.uf)
    return Table(replace(units, ufs=("",), uf=nobody), nobody, ("",)).groups["", ""]


class Table:
    """Services by the values of one dimension.

    Who is in which cell is read off one sorted list of numbers: value, patient, service, and a
    last bit that is 0 for a known outcome, which so comes first of its patient's there.
    """

    def __init__(self, units: Units, place: Ints, names: Sequence[str]) -> None:
        self._units, self.names = units, names
        self._width = len(names)
        size = len(units.ufs) * self._width
        cell = units.uf * self._width + place
        self._counts = np.bincount(cell * SLOTS + units.outcome, minlength=size * SLOTS).reshape(
            len(units.ufs), self._width, SLOTS
        )
        among = len(units.ufs).bit_length()
        key = ((place << units.bits | units.patient) << among | units.uf) << 1 | ~units.known
        key.sort()
        pairs = key[firsts(key >> 1)]
        people = pairs >> 1 + among
        value = people >> units.bits
        cells = (pairs >> 1 & (1 << among) - 1) * self._width + value
        known = pairs & 1 == 0
        self._present = np.bincount(cells, minlength=size).tolist()
        self._known = np.bincount(cells[known], minlength=size).tolist()
        self._all = np.bincount(value[firsts(people)], minlength=self._width).tolist()
        self._few = self._names_of_few(cells, people & (1 << units.bits) - 1, known)
        taken = [one for one, number in enumerate(self._present) if number]
        self.groups = {self._key(one): self._group(one) for one in taken}
        self.place, self.uf, self.ufs = place, units.uf, units.ufs
        self.units_of = self._marks(cell, taken)

    def _names_of_few(
        self, cells: Ints, patients: Ints, known: NDArray[np.bool_]
    ) -> dict[int, frozenset[int]]:
        """All patients of the cells that have under HIDDEN_BELOW: of known outcome, or, where
        none is known, all who are waited for."""
        none = np.array(self._known) == 0
        number = np.where(none, self._present, self._known)
        mine = (number < HIDDEN_BELOW)[cells] & (known | none[cells])
        found: dict[int, set[int]] = {}
        for cell, patient in zip(cells[mine].tolist(), patients[mine].tolist(), strict=True):
            found.setdefault(cell, set()).add(patient)
        return {cell: frozenset(those) for cell, those in found.items()}

    def patients(self, uf: int, value: int) -> int:
        return int(self._present[uf * self._width + value])

    def _group(self, cell: int) -> Group:
        few = self._few.get(cell, frozenset())
        if number := int(self._known[cell]):
            return Group(number, few)
        return Group(0, few, waiting=int(self._present[cell]))

    def _key(self, cell: int) -> Key:
        return self._units.ufs[cell // self._width], self.names[cell % self._width]

    def _marks(self, cell: Ints, taken: Sequence[int]) -> dict[Key, tuple[int, ...]]:
        """Of each line a number that only lines of the very same units have, almost surely: the
        sum of theirs. Of columns, too."""
        size = len(self._units.ufs) * self._width
        parts = [
            np.bincount(cell, weights=half, minlength=size).astype(np.int64)
            for half in _drawn(len(cell))
        ]
        wholes = [one.reshape(-1, self._width).sum(axis=0) for one in parts]
        found = {self._key(one): tuple(int(part[one]) for part in parts) for one in taken}
        return found | {
            (WHOLE, name): tuple(int(part[v]) for part in wholes)
            for v, name in enumerate(self.names)
            if self._all[v]
        }

    def within(self, other: "Table") -> dict[Column, Column] | None:
        """Of which value of another table each value of this one is; None: not of one alone."""
        width = len(other.names)
        pairs = np.unique(self.place * width + other.place)
        if len(np.unique(pairs // width)) < len(pairs):
            return None
        return {self.names[int(p) // width]: other.names[int(p) % width] for p in pairs}

    def audited(self, secret: Collection[Key]) -> Audited:
        sizes = {key: group.size for key, group in self.groups.items()}
        wholes = {
            (WHOLE, name): int(size) for name, size in zip(self.names, self._all, strict=True)
        }
        return Audited(self.place, self.names, sizes | wholes | dict.fromkeys(secret, 0))

    def rows(
        self, name: str, rows_out: frozenset[str], hiding: Hiding | None, *, secret: bool
    ) -> Rows:
        month, found = self._units.month.number, Rows()
        for n, uf in enumerate(self._units.ufs):
            for v, value in enumerate(self.names):
                patients = self.patients(n, v)
                if patients:
                    hidden = uf in rows_out or (hiding is not None and (uf, value) in hiding.cells)
                    found.append((month, uf, name, value, int(secret or hidden), patients,
                                  *_counts(self._counts[n, v])))  # fmt: skip
        for v, value in enumerate(self.names):
            if self._all[v]:
                hidden = hiding is not None and value in hiding.columns
                found.append((month, ALL, name, value, int(secret or hidden), self._all[v],
                              *_counts(self._counts[:, v].sum(axis=0))))  # fmt: skip
        return found


def _counts(slots: Ints) -> list[int]:
    return [int(slots[place]) for place in _COUNTED]
