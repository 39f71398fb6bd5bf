"""Appointments that are over, as a feed: for tests of the baseline."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from reminders.domain.appointment import AppointmentRecord, CancelledBy, RowProblem, Status
from reminders.ports import FeedInfo
from reminders.services.baseline import Candidate, reading
from reminders.services.rules import rules_of
from reminders.store.engine import Store
from tests.support.clinic import MONDAY, PARIS, paris, settings_with, someone

Record = AppointmentRecord | RowProblem
CAME: dict[str, Any]
MISSED: dict[str, Any]
LATE: dict[str, Any]
EARLY: dict[str, Any]
OPEN: dict[str, Any]
HOSPITAL: dict[str, Any]
CAME, MISSED, LATE, EARLY, OPEN, HOSPITAL = (
    {"status": Status.FULFILLED},
    {"status": Status.NOSHOW},
    {"status": Status.CANCELLED, "before": timedelta(hours=5)},
    {"status": Status.CANCELLED, "before": timedelta(days=4)},
    {"status": Status.BOOKED},
    {
        "status": Status.CANCELLED,
        "before": timedelta(days=1),
        "cancelled_by": CancelledBy.HOSPITAL,
    },
)
_numbers = count(1)


@dataclass
class MemoryPast:
    records: Sequence[Record]
    unknown_words: Mapping[str, int] = field(default_factory=dict)
    fails_with: Exception | None = None
    info: FeedInfo = field(
        default_factory=lambda: FeedInfo("passé.csv", MONDAY, "snapshot", "5eed")
    )

    def rows(self) -> Iterator[Record]:
        yield from self.records
        if self.fails_with is not None:
            raise self.fails_with


def was(
    patient: int = 1, starts: str | datetime = "2026-06-09 09:30", **changes: Any
) -> AppointmentRecord:
    """An appointment of a patient that was kept unless `changes` say otherwise: booked thirty
    days ahead, under a number of its own. `before`: how long before the start it was called
    off; `born`: the patient's year of birth, None unknown."""
    number = next(_numbers)
    starts_at = starts if isinstance(starts, datetime) else paris(starts)
    before = changes.pop("before", None)
    born = changes.pop("born", 1979)
    base = AppointmentRecord(
        external_id=f"P{number}",
        status=Status.FULFILLED,
        starts_at=starts_at,
        patient=someone(patient, birth_date=born and date(born, 3, 28)),
        uf="4220",
        booked_at=starts_at - timedelta(days=30),
        modified_at=None if before is None else starts_at - before,
        row=number,
    )
    return replace(base, **changes)


def year(*, weeks: int = 26, each: int = 4, uf: str = "4220", first: int = 1) -> list[Record]:
    """So many appointments each Tuesday before MONDAY's October, each of somebody else; one of
    four missed, another one called off late."""
    start = paris("2026-10-06 09:00")
    found: list[Record] = []
    for week in range(weeks):
        for place in range(each):
            how = (MISSED, LATE, CAME, CAME)[place % 4]
            moment = start - timedelta(weeks=week) + timedelta(minutes=15 * place)
            found.append(was(first + week * each + place, moment, uf=uf, **how))
    return found


@contextmanager
def read(
    store: Store, *records: Record, now: datetime = MONDAY, **feed: Any
) -> Iterator[Candidate]:
    rules = rules_of(settings_with())
    with reading(store, rules, MemoryPast(records, **feed), zone=PARIS, now=now) as found:
        yield found


def imported(store: Store, *records: Record, now: datetime = MONDAY, **feed: Any) -> Candidate:
    """Read and kept."""
    with read(store, *records, now=now, **feed) as found:
        found.keep(now=now, by="nadia")
    return found
