"""A month's units counted by service and every dimension, and what of it may not be told.

The tables are of services/rollup_table.py, what they hide of services/rollup_hiding.py.
"""

from collections.abc import Collection, Sequence

import numpy as np

from reminders.domain.hiding import (
    hidden_rows,
)
from reminders.domain.outcome import Outcome
from reminders.domain.report import Month
from reminders.domain.report_unit import (
    FATE,
    OUTCOMES,
    PENDING,
)
from reminders.services.rollup_hiding import Named, hidden_together, kept_rows
from reminders.services.rollup_table import (
    ALL,
    DIMENSIONS,
    Ints,
    Rows,
    Table,
    Units,
    everyone,
    firsts,
    table_of,
)
from reminders.store.engine import Record

_MISSED, _UNKNOWN = OUTCOMES.index(Outcome.NO_SHOW), OUTCOMES.index(Outcome.UNKNOWN)
_CAME = OUTCOMES.index(Outcome.ATTENDED)
_PATIENT_BITS = 32  # of keys that are taken as they are: others by their place among all
_QUANTITIES = ("contacts", "messages", "segments", "cost")


def count(
    month: int, found: Sequence[Record], *, kept: Collection[Named] = ()
) -> tuple[Rows, Rows]:
    """Rows of `rollup` and of `rollup_sum`. `kept`: what was hidden when the month was closed
    stays hidden, with what protects it now, as what was told then is there to be subtracted."""
    if not found:
        return [], []
    units = _columns(month, found)
    table = Table(units, np.zeros_like(units.uf), ("",))
    services = {uf: table.groups[uf, ""] for uf in units.ufs}
    tables = {name: table_of(units, name, dimension) for name, dimension in DIMENSIONS.items()}
    hiding = {name: one for name, one in tables.items() if DIMENSIONS[name].hides}
    whole_kept = kept_rows(table, hiding, kept)
    rows_out = hidden_rows(services, whole_kept)
    secret = everyone(units).small or ALL in whole_kept or len(rows_out) == 1
    people = [table.patients(n, 0) for n in range(len(units.ufs))]
    counts = table.rows("all", rows_out, None, secret=secret)
    hidings = hidden_together(hiding, rows_out, kept)
    for name, table in tables.items():
        counts += table.rows(name, rows_out, hidings.get(name), secret=secret)
    return counts, _sums(units, people, rows_out, secret=secret)


def _columns(month: int, found: Sequence[Record]) -> Units:
    patient, fate = _numbers(found, "patients"), _numbers(found, "fates")
    if int(patient.max()) >> _PATIENT_BITS:
        patient = np.unique(patient, return_inverse=True)[1].astype(np.int64)
    outcome = fate >> FATE["outcome"].shift & FATE["outcome"].mask
    return Units(
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


def _numbers(found: Sequence[Record], name: str) -> Ints:
    return np.concatenate([np.fromstring(getattr(row, name), np.int64, sep=",") for row in found])


def _sums(
    units: Units,
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
    patients = int(np.count_nonzero(firsts(np.sort(units.patient))))
    found.append((month, ALL, int(secret), patients, *whole, *everything, *together))
    return found


_MEASURES = ("entered", "planned", "sent", "delivered", "answered", "came", "freed", "refilled",
             "replied", "alone", "contacted", "recontacts")  # fmt: skip


def _measures(units: Units) -> list[list[int]]:
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


def _squares(units: Units, group: Ints, size: int) -> list[list[int]]:
    """Over the patients of each group: what the design effect needs (statistics/control.py)."""
    missed = units.outcome == _MISSED
    key = ((group << units.bits | units.patient) << 1 | missed)[units.known]
    key.sort()
    starts = np.flatnonzero(firsts(key >> 1))
    if not len(starts):
        return [[0, 0, 0] for _ in range(size)]
    n = np.diff(starts, append=len(key))
    m = np.add.reduceat(key & 1, starts)
    owner = key[starts] >> 1 + units.bits
    sums = [np.bincount(owner, weights=one, minlength=size) for one in (n * n, n * m, m * m)]
    return [[int(one[g]) for one in sums] for g in range(size)]
