"""Which lines of a month's tables may not be told (domain/hiding.py), one table beside the other:
what one hides no other tells, nor several together (services/rollup_audit.py)."""

from collections.abc import Collection, Mapping

from reminders.domain.hiding import (
    WHOLE,
    Hiding,
    Key,
    hide,
    hide_nested,
)
from reminders.domain.report import HIDDEN_BELOW
from reminders.services.rollup_audit import given_away
from reminders.services.rollup_table import Table

# What is decided by the same facts: whom we reach how, in which language, with what text.
RELATED = ("channel", "template", "language", "reach")
FINE, COARSE = "template", "channel"  # a text leaves by one channel; none by none


Named = tuple[str, str, str]  # a line: (uf, dimension, value)


def kept_rows(whole: Table, tables: Mapping[str, Table], kept: Collection[Named]) -> set[str]:
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


def hidden_together(
    tables: Mapping[str, Table], rows_out: frozenset[str], kept: Collection[Named]
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
    tables: Mapping[str, Table], rows_out: frozenset[str], found: Mapping[str, Hiding]
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
    tables: Mapping[str, Table],
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
    tables: Mapping[str, Table],
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
