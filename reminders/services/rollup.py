"""Keep the counts of the no-show report fresh: what changed is looked at again, and nothing else.

Three steps, each its own short transaction. `look_again` takes changed appointments off a list
that triggers write (migration 0011), lets those enter whose time has come, and says what became of
each and of those around it: a move stays with its origin, a refill with the slot it took. A month
in which anything then differs is stale; `count_month` counts it in one pass over its units.
`recompute` does all of it for everything, and comes to the same.

An appointment enters when its first reminder would be due (domain.holdout.entry_moment, whoever
can be reached, whether a hold-out runs or not), with what is known of it then; from there on that
never changes, whatever is corrected later.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from reminders.domain.report import Month
from reminders.services.rollup_entry import enter
from reminders.services.rollup_fate import settle
from reminders.services.rollup_month import count
from reminders.services.rules import Rules
from reminders.store import facts
from reminders.store import rollups as stored
from reminders.store.engine import Connection, Store
from reminders.store.types import micros

AT_ONCE = 500  # appointments looked at in one transaction: some hundredths of a second
MANY = 5_000  # likewise while everything is recomputed and nobody waits
ENTERING = "enter"
# Which rules (domain/hiding.py, store/slots.py, services/rollup_fate.py) months were counted by:
# under others, every unit is looked at and every month counted anew.
COUNTING = "6"


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look did. `more`: there may be more to look at."""

    units: int
    more: bool


def refresh(store: Store, rules: Rules, *, now: datetime) -> int:
    """Until nothing is left to look at nor to count: how many appointments were looked at."""
    if not is_behind(store, rules, now=now):
        return 0
    total = 0
    while True:
        looked = look_again(store, rules, now=now)
        total += looked.units
        if not looked.more:
            break
    for month, stale in stale_months(store):
        count_month(store, month, stale, now=now)
    return total


def recompute(store: Store, rules: Rules, *, now: datetime) -> int:
    """Look at every appointment, and count every month that is not purged of any."""
    with store.write() as connection:
        stored.hold(connection)
        facts.replace(connection, stored.FILL, "enter:0")
        stored.mark_all_stale(connection)
    total = 0
    while True:
        looked = look_again(store, rules, now=now, at_once=MANY)
        total += looked.units
        if not looked.more:
            break
    for month, stale in stale_months(store):
        count_month(store, month, stale, now=now)
    return total


def recount(store: Store, rules: Rules, *, now: datetime) -> int:
    """Look at what changed, then count every month anew from its units: how many months."""
    refresh(store, rules, now=now)
    with store.write() as connection:
        stored.hold(connection)
        stored.mark_all_stale(connection)
    months = stale_months(store)
    for month, stale in months:
        count_month(store, month, stale, now=now)
    return len(months)


def stale_months(store: Store) -> list[tuple[int, int]]:
    """(month, how often it changed): the latest first, which is what people look at."""
    with store.read() as connection:
        return [(row.month, row.stale) for row in stored.stale_months(connection)]


def count_month(store: Store, month: int, stale: int, *, now: datetime) -> bool:
    """Count it, unless it changes meanwhile: then the next call does. Nobody waits for it."""
    with store.read() as connection:
        fresh = {row.month: row.stale for row in stored.stale_months(connection)}
        if fresh.get(month, 0) < stale:
            return False
        stale = fresh[month]
        units = stored.units_of_month(connection, month)
        name = str(Month.of_number(month))
        kept = stored.hidden_when_closed(connection, month, name)
    counts, sums = count(month, units, kept=[(row.uf, row.dim, row.value) for row in kept])
    with store.write() as connection:
        stored.hold(connection)
        return stored.put_month(connection, month, stale, counts, sums, at=micros(now))


# --- looking --------------------------------------------------------------------------------------


def look_again(store: Store, rules: Rules, *, now: datetime, at_once: int = AT_ONCE) -> Looked:
    """One transaction's worth: what changed first, then what time changed, then what was never
    looked at (a database older than these counts)."""
    at = micros(now)
    with store.write() as connection:
        stored.hold(connection)
        _follow_rules(connection, rules, at)
        ids = stored.take_changed(connection, at_once) or stored.turned(connection, at, at_once)
        if ids:
            months = enter(connection, rules, ids, now)
            months |= settle(connection, stored.around(connection, ids), at)
            stored.mark_stale(connection, months)
            return Looked(len(ids), more=True)
        return _fill(connection, rules, now, at_once)


def is_behind(store: Store, rules: Rules, *, now: datetime) -> bool:
    """Is anything still to be looked at or counted? Reads only."""
    with store.read() as connection:
        rules.follow(connection)
        known = facts.read(connection, stored.RULES)
        return known != _digest(rules) or stored.is_behind(connection, micros(now))


def _follow_rules(connection: Connection, rules: Rules, at: int) -> None:
    """Other steps or hours: what has not entered will enter at another moment. Other rules of
    counting: what became of each unit is looked at again, and every month counted anew."""
    rules.follow(connection)
    before = facts.read(connection, stored.RULES)
    if not facts.replace(connection, stored.RULES, _digest(rules)) or not before:
        return
    stored.look_at_coming(connection, at)
    if not before.startswith(f"{COUNTING}:"):
        stored.mark_all_stale(connection)
        if not (facts.read(connection, stored.FILL) or ENTERING).startswith(ENTERING):
            facts.replace(connection, stored.FILL, "settle:0")


def _digest(rules: Rules) -> str:
    """Of what decides when appointments enter, and what of them may be told."""
    units = rules.units
    told = repr([(uf, units[uf].steps, units[uf].hours) for uf in sorted(units)])
    return f"{COUNTING}:{blake2b(told.encode(), digest_size=16).hexdigest()}"


def _fill(connection: Connection, rules: Rules, now: datetime, at_once: int) -> Looked:
    """First all entries, then what became of them: one may be the move of any other."""
    phase, _, after = (facts.read(connection, stored.FILL) or f"{ENTERING}:0").partition(":")
    if phase == stored.DONE:
        return Looked(0, more=False)
    entering = phase == ENTERING
    table = "appointment" if entering else "report_unit"
    ids = stored.following(connection, table, int(after), at_once)
    if not ids:
        facts.replace(connection, stored.FILL, "settle:0" if entering else stored.DONE)
        return Looked(0, more=True)
    if entering:
        stored.mark_stale(connection, enter(connection, rules, ids, now))
    else:
        stored.mark_stale(connection, settle(connection, ids, micros(now)))
    facts.replace(connection, stored.FILL, f"{phase}:{ids[-1]}")
    return Looked(len(ids), more=True)
