"""A person's lists of tasks: theirs, those of their services, the late and the ended ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reminders.domain.access import May, Viewer
from reminders.services.accounts import read_grants
from reminders.services.rules import Rules
from reminders.services.worklist import START, scope_of
from reminders.store import accounts, worklist
from reminders.store.engine import Record, Store
from reminders.store.types import micros
from reminders.store.worklist import COUNTED

TABS = tuple(worklist.TABS)  # mine, open, late, done
PAGE = 50
SHOWN_FOR = timedelta(days=30)  # how long an ended task stands among the ended
LAST = (2**62, 0, 2**62)  # before the latest ended task
MOST_COLLEAGUES = 1_000

Place = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of a tab. `counts`: of every tab, COUNTED meaning that or more."""

    counts: Mapping[str, int]
    tasks: Sequence[Record]
    after: Place | None


def tab(
    store: Store,
    rules: Rules,
    name: str,
    ufs: frozenset[str] | None,
    *,
    me: str,
    after: Place | None = None,
    limit: int = PAGE,
    now: datetime,
) -> Tab:
    """A page of the tasks of these services (None: all), after the last one of the page before.

    Open ones by priority and deadline, ended ones the latest first.
    """
    with store.read() as connection:
        counts, found = worklist.tab(
            connection,
            name,
            scope_of(rules, ufs),
            me=me,
            now=micros(now),
            since=micros(now - SHOWN_FOR),
            after=after or first_of(name),
            limit=limit + 1,
        )
    shown = found[:limit]
    return Tab(counts, shown, place_of(name, shown[-1]) if len(found) > limit else None)


def first_of(name: str) -> Place:
    return LAST if name == "done" else START


def place_of(name: str, row: Record) -> Place:
    """Where a task stands in a tab."""
    if name == "done":
        return row.resolved_at or 0, 0, row.id
    return row.priority, row.place, row.id


def next_after(
    store: Store,
    rules: Rules,
    name: str,
    ufs: frozenset[str] | None,
    done: Record,
    *,
    me: str,
    now: datetime,
) -> int | None:
    """The task to do after this one: the following of its tab, else the first."""
    for after in (place_of(name, done), None):
        found = tab(store, rules, name, ufs, me=me, after=after, limit=1, now=now).tasks
        if found and found[0].id != done.id:
            return int(found[0].id)
    return None


def of_viewer(store: Store, rules: Rules, task: int, ufs: frozenset[str] | None) -> Record | None:
    """A task, if it is one of these services; None as if there were none."""
    with store.read() as connection:
        row = worklist.find(connection, task)
    return row if row is not None and scope_of(rules, ufs).holds(row) else None


def colleagues(store: Store, rules: Rules, uf: str) -> dict[str, str]:
    """login -> name of those who may do a service's tasks, in the order of their names."""
    sites = {one: desk.site_id for one, desk in rules.desks.items()}
    with store.read() as connection:
        found = accounts.page(connection, after="", limit=MOST_COLLEAGUES)
    able = [
        one
        for one in found
        if one.disabled_at is None
        and Viewer(one.id, one.login, one.name, read_grants(one.grants), sites).may_in(
            May.DO_TASKS, uf
        )
    ]
    return {one.login: one.name for one in sorted(able, key=lambda one: one.name.casefold())}


__all__ = [
    "COUNTED", "PAGE", "TABS", "Place", "Tab", "colleagues", "next_after", "of_viewer",
    "place_of", "tab",
]  # fmt: skip
