"""The appointments behind a count of the no-show report, for those who see their patients.

The list of a count is of its very units: the same months and services, those that may be told
(domain/report_list.py). Whoever sees only some of them opens the lists of those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.domain.access import May, Viewer
from reminders.domain.outcome import Outcome
from reminders.domain.report import Asked, Dimension, Month
from reminders.domain.report_list import Behind, Counted
from reminders.domain.report_unit import FATE, OUTCOMES, PENDING
from reminders.services.no_show_report import places, text_label
from reminders.services.rollup_table import ALL
from reminders.services.rules import Rules
from reminders.store import facts, rollup_reading
from reminders.store import report_lists as stored
from reminders.store.engine import Connection, Record, Store
from reminders.store.report_lists import FIRST, Place
from reminders.store.rollups import SEALED
from reminders.store.types import instant

PAGE = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """An appointment as it was first booked. `outcome` None: still to come; `times`: how often it
    counts."""

    appointment: int
    uf: str
    starts_at: datetime
    outcome: Outcome | None
    times: int


@dataclass(frozen=True, slots=True)
class Listing:
    """`number`: the count that opened it; `after`: where the next page begins, None: nowhere;
    `purged`: the month up to which appointments may have left, if it is of the period; `text`:
    the text of a first reminder that it is of."""

    units: Sequence[Listed]
    number: int
    after: Place | None
    purged: Month | None
    text: str = ""


def services_of(
    rules: Rules, asked: Asked, ufs: frozenset[str] | None, site: str = ""
) -> Sequence[str] | None:
    """The services a count is of, None for the whole hospital; with `site`: those of its line,
    which tells of each alone."""
    chosen = places(rules, asked, ufs)
    if not site:
        return None if chosen == [ALL] else chosen
    there = [uf for uf, desk in rules.desks.items() if desk.site_id == site]
    return sorted(uf for uf in there if chosen == [ALL] or uf in chosen)


def opens(viewer: Viewer, ufs: Sequence[str] | None) -> bool:
    """Does this person see the patients of all these services, as well as their reports?"""
    both = (May.SEE_PATIENTS, May.SEE_REPORTS)
    if ufs is None:
        return all(viewer.everywhere(one) for one in both)
    return bool(ufs) and all(viewer.may_in(one, uf) for one in both for uf in ufs)


def listed(
    store: Store, asked: Asked, behind: Behind, ufs: Sequence[str] | None, *, after: Place = FIRST
) -> Listing:
    """The next units of a count. Raises ValueError for a count the report does not tell."""
    counted = behind.counted()
    first, last = asked.first.number, asked.last.number
    with store.read() as connection:
        found, more = stored.page(connection, counted, ufs, first, last, after=after, limit=PAGE)
        number = stored.number(connection, counted, ufs, first, last)
        sealed = int(facts.read(connection, SEALED) or 0)
        text = _text(connection, counted)
    purged = Month.of_number(sealed) if sealed >= first else None
    return Listing([_unit(row) for row in found], number, more, purged, text)


def _unit(row: Record) -> Listed:
    place = FATE["outcome"].of(row.fate)
    outcome = None if place == PENDING else OUTCOMES[place]
    return Listed(row.id, row.uf, instant(row.starts_at), outcome, int(row.times))


def _text(connection: Connection, counted: Counted) -> str:
    dimension, value = counted.line or ("", "")
    if dimension != Dimension.TEMPLATE or value == "0":
        return ""
    found = rollup_reading.templates(connection, [int(value)])
    return "" if value not in found else text_label(found[value])
