"""A month's units counted by service and every dimension, and what of it may not be told.

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
    hidden_rows,
    hide,
    hide_nested,
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
from reminders.services.rollup_audit import given_away
from reminders.store.engine import Record

Ints = NDArray[np.int64]
ALL = WHOLE  # in the place of a service: the whole hospital
KNOWN = ("new", "known")
SLOTS = PENDING + 1  # outcomes and the pending ones
# Order of the columns of `rollup`.
_COUNTED = (*(OUTCOMES.index(one) for one in (
    Outcome.ATTENDED, Outcome.NO_SHOW, Outcome.CANCELLED_EARLY, Outcome.CANCELLED_LATE,
    Outcome.CANCELLED_BY_HOSPITAL, Outcome.UNKNOWN,
)), PENDING)  # fmt: skip
_MISSED, _UNKNOWN = OUTCOMES.index(Outcome.NO_SHOW), OUTCOMES.index(Outcome.UNKNOWN)
_CAME = OUTCOMES.index(Outcome.ATTENDED)

Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Units:
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
class _Dimension:
    """`place`: of each unit's value; `name`: what is stored of a place."""

    place: Callable[[_Units], Ints]
    name: Callable[[_Units, int], str]
    hides: bool = True  # False: only a median is told of it


def _listed(field: str, names: Sequence[str]) -> _Dimension:
    return _Dimension(lambda units: units.of(field), lambda _, place: names[place])


def _plain(field: str, *, hides: bool = True) -> _Dimension:
    return _Dimension(lambda units: units.of(field), lambda _, place: str(place), hides)


def _week_place(units: _Units) -> Ints:
    """Where in the month its Monday is, from 6 days before the first on."""
    return units.of("day") - units.of("weekday") + 7


def _week_name(units: _Units, place: int) -> str:
    return (units.month.first_day + timedelta(days=place - 7)).isoformat()


DIMENSIONS: Mapping[str, _Dimension] = {
    "week": _Dimension(_week_place, _week_name),
    "weekday": _plain("weekday"),
    "hour": _plain("hour"),
    "lead": _listed("lead", LEAD_BANDS),
    "known": _listed("known", KNOWN),
    "age": _listed("age", AGE_BANDS),
    "channel": _listed("channel", CHANNELS),
    "language": _Dimension(lambda units: units.of("language"), lambda _, place: language_of(place)),
    "template": _plain("template"),
    "reach": _listed("reach", REACHES),
    "motive": _listed("motive", MOTIVES),
    "handled": _plain("handled", hides=False),
}
WIDE = ("language", "template")  # of which few of many places are taken
# What is decided by the same facts: whom we reach how, in which language, with what text.
RELATED = ("channel", "template", "language", "reach")
FINE, COARSE = "template", "channel"  # a text leaves by one channel; none by none


Named = tuple[str, str, str]  # a line: (uf, dimension, value)


def count(
    month: int, found: Sequence[Record], *, kept: Collection[Named] = ()
) -> tuple[Rows, Rows]:
    """Rows of `rollup` and of `rollup_sum`. `kept`: what was hidden when the month was closed
    stays hidden, with what protects it now, as what was told then is there to be subtracted."""
    if not found:
        return [], []
    units = _columns(month, found)
    table = _Table(units, np.zeros_like(units.uf), ("",))
    services = {uf: table.groups[uf, ""] for uf in units.ufs}
    tables = {name: _table(units, name, dimension) for name, dimension in DIMENSIONS.items()}
    hiding = {name: one for name, one in tables.items() if DIMENSIONS[name].hides}
    kept_rows = _kept_rows(table, hiding, kept)
    rows_out = hidden_rows(services, kept_rows)
    secret = _everyone(units).small or ALL in kept_rows or len(rows_out) == 1
    people = [table.patients(n, 0) for n in range(len(units.ufs))]
    counts = table.rows("all", rows_out, None, secret=secret)
    hidings = _hidden_together(hiding, rows_out, kept)
    for name, table in tables.items():
        counts += table.rows(name, rows_out, hidings.get(name), secret=secret)
    return counts, _sums(units, people, rows_out, secret=secret)


def _kept_rows(
    whole: "_Table", tables: Mapping[str, "_Table"], kept: Collection[Named]
) -> set[str]:
    """Services, or ALL, that were hidden, or that have become the very line that was."""
    return {
        uf
        for uf, name, value in kept
        if name == "all"
        or (
            name in tables
            and tables[name].units_of.get((uf, value)) == whole.units_of.get((uf, ""))
        )
    } & {uf for uf, _ in whole.units_of}


def _hidden_together(
    tables: Mapping[str, "_Table"], rows_out: frozenset[str], kept: Collection[Named]
) -> dict[str, Hiding]:
    """What each table hides. One never tells what another one hides: lines that are the very same
    appointments are hidden in both, with what protects them there, and where what is small is the
    sum and difference of lines of other tables, the cheapest of these are hidden too."""
    same: dict[str, set[Key]] = {name: set() for name in tables}
    for uf, name, value in kept:
        if uf not in rows_out and name in tables and (uf, value) in tables[name].units_of:
            same[name].add((uf, value))
    found = _hidden_apart(tables, rows_out, same, frozenset(tables))
    while True:
        more = _the_same(tables, rows_out, found)
        if not any(more.values()):
            more = _giving_away(tables, rows_out, found, same)
        if not any(more.values()):
            return found
        for name, keys in more.items():
            same[name] |= keys
        changed = frozenset(name for name, keys in more.items() if keys)
        found |= _hidden_apart(tables, rows_out, same, changed)


def _the_same(
    tables: Mapping[str, "_Table"], rows_out: frozenset[str], found: Mapping[str, Hiding]
) -> dict[str, set[Key]]:
    """Told lines that are the very appointments of a hidden one."""
    secret = {
        tables[name].units_of[key]
        for name, hiding in found.items()
        for key in _hidden_keys(hiding)
        if key[0] not in rows_out
    }
    return {
        name: {key for key, those in table.units_of.items() if those in secret}
        - _hidden_keys(found[name])
        for name, table in tables.items()
    }


def _giving_away(
    tables: Mapping[str, "_Table"],
    rows_out: frozenset[str],
    found: Mapping[str, Hiding],
    same: Mapping[str, set[Key]],
) -> dict[str, set[Key]]:
    """What to hide because something small, or of `same`, follows from lines of several tables."""
    related = {name: tables[name].audited(same[name]) for name in RELATED}
    hidden = frozenset((name, key) for name in RELATED for key in _hidden_keys(found[name]))
    one = tables[FINE]
    more: dict[str, set[Key]] = {name: set() for name in found}
    for name, key in given_away(related, one.ufs, one.uf, rows_out, hidden, HIDDEN_BELOW):
        more[name].add(key)
    return more


def _hidden_keys(hiding: Hiding) -> frozenset[Key]:
    return hiding.cells | {(WHOLE, column) for column in hiding.columns}


def _hidden_apart(
    tables: Mapping[str, "_Table"],
    rows_out: frozenset[str],
    same: Mapping[str, set[Key]],
    names: frozenset[str],
) -> dict[str, Hiding]:
    """Of these tables, each as if there were no other one; but texts within their channels."""
    fine, coarse = tables[FINE], tables[COARSE]
    within = fine.within(coarse) if names & {FINE, COARSE} else None
    alone = names if within is None else names - {FINE, COARSE}
    found = {name: hide(tables[name].groups, rows_out, same[name]) for name in alone}
    if within is not None:
        found[FINE], found[COARSE] = hide_nested(
            fine.groups, coarse.groups, within, rows_out, same[FINE], same[COARSE]
        )
    return found


def _columns(month: int, found: Sequence[Record]) -> _Units:
    patient, fate = _numbers(found, "patients"), _numbers(found, "fates")
    if int(patient.max()) >> _PATIENT_BITS:
        patient = np.unique(patient, return_inverse=True)[1].astype(np.int64)
    outcome = fate >> FATE["outcome"].shift & FATE["outcome"].mask
    return _Units(
        Month.of_number(month),
        tuple(row.uf for row in found),
        np.repeat(np.arange(len(found)), [row.number for row in found]),
        patient,
        int(patient.max()).bit_length(),
        _numbers(found, "kinds"),
        fate,
        outcome,
        (outcome != PENDING) & (outcome != _UNKNOWN),
        [[int(getattr(row, name)) for name in _QUANTITIES] for row in found],
    )


_PATIENT_BITS = 32  # of keys that are taken as they are: others by their place among all
_QUANTITIES = ("contacts", "messages", "segments", "cost")


def _numbers(found: Sequence[Record], name: str) -> Ints:
    return np.concatenate([np.fromstring(getattr(row, name), np.int64, sep=",") for row in found])


def _table(units: _Units, name: str, dimension: _Dimension) -> "_Table":
    place = dimension.place(units)
    if name in WIDE:
        taken, place = np.unique(place, return_inverse=True)
        names = [dimension.name(units, int(one)) for one in taken]
    else:
        size = int(place.max()) + 1
        present = np.bincount(place, minlength=size) > 0
        names = [dimension.name(units, n) if there else "" for n, there in enumerate(present)]
    return _Table(units, place, names)


def _firsts(ordered: Ints) -> NDArray[np.bool_]:
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


def _everyone(units: _Units) -> Group:
    nobody = np.zeros_like(units.uf)
    return _Table(replace(units, ufs=("",), uf=nobody), nobody, ("",)).groups["", ""]


class _Table:
    """Services by the values of one dimension.

    Who is in which cell is read off one sorted list of numbers: value, patient, service, and a
    last bit that is 0 for a known outcome, which so comes first of its patient's there.
    """

    def __init__(self, units: _Units, place: Ints, names: Sequence[str]) -> None:
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
        pairs = key[_firsts(key >> 1)]
        people = pairs >> 1 + among
        value = people >> units.bits
        cells = (pairs >> 1 & (1 << among) - 1) * self._width + value
        known = pairs & 1 == 0
        self._present = np.bincount(cells, minlength=size).tolist()
        self._known = np.bincount(cells[known], minlength=size).tolist()
        self._all = np.bincount(value[_firsts(people)], minlength=self._width).tolist()
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

    def within(self, other: "_Table") -> dict[Column, Column] | None:
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


def _sums(
    units: _Units,
    people: Sequence[int],
    rows_out: frozenset[str],
    *,
    secret: bool,
) -> Rows:
    by_uf = _measures(units)
    squares = _squares(units, units.uf, len(units.ufs))
    together = _squares(units, np.zeros_like(units.uf), 1)[0]
    month = units.month.number
    found: Rows = [
        (month, uf, int(secret or uf in rows_out), people[n],
         *by_uf[n], *units.quantities[n], *squares[n])
        for n, uf in enumerate(units.ufs)
    ]  # fmt: skip
    whole = [sum(column) for column in zip(*by_uf, strict=True)]
    everything = [sum(column) for column in zip(*units.quantities, strict=True)]
    patients = int(np.count_nonzero(_firsts(np.sort(units.patient))))
    found.append((month, ALL, int(secret), patients, *whole, *everything, *together))
    return found


_MEASURES = ("entered", "planned", "sent", "delivered", "answered", "came", "freed", "refilled",
             "replied", "alone", "contacted", "recontacts")  # fmt: skip


def _measures(units: _Units) -> list[list[int]]:
    """By service, in the order of _MEASURES."""
    outcome = units.outcome
    due = outcome != PENDING
    yes = {name: units.of(name) == 1 for name in (
        "planned", "sent", "delivered", "answered", "freed", "refilled", "alone", "contacted",
        "recontact", "freed_again", "refilled_again",
    )}  # fmt: skip
    flags = [
        due, due & yes["planned"], due & yes["sent"], due & yes["delivered"],
        due & yes["answered"] & yes["sent"], due & yes["sent"] & (outcome == _CAME),
        due & yes["freed"], due & yes["refilled"], yes["answered"], yes["alone"],
        yes["contacted"], yes["recontact"],
    ]  # fmt: skip
    size = len(units.ufs)
    columns = [np.bincount(units.uf[flag], minlength=size) for flag in flags]
    for name in ("freed", "refilled"):  # slots: whoever moved may give two of them back
        columns[_MEASURES.index(name)] += np.bincount(
            units.uf[due & yes[f"{name}_again"]], minlength=size
        )
    return [[int(column[n]) for column in columns] for n in range(size)]


def _squares(units: _Units, group: Ints, size: int) -> list[list[int]]:
    """Over the patients of each group: what the design effect needs (statistics/control.py)."""
    missed = units.outcome == _MISSED
    key = ((group << units.bits | units.patient) << 1 | missed)[units.known]
    key.sort()
    starts = np.flatnonzero(_firsts(key >> 1))
    if not len(starts):
        return [[0, 0, 0] for _ in range(size)]
    n = np.diff(starts, append=len(key))
    m = np.add.reduceat(key & 1, starts)
    owner = key[starts] >> 1 + units.bits
    sums = [np.bincount(owner, weights=one, minlength=size) for one in (n * n, n * m, m * m)]
    return [[int(one[g]) for one in sums] for g in range(size)]
