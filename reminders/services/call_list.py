"""Calls of patients, counted by month; and the calls behind a count, for those who see patients."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.calls import UNTOLD, Motive, Which
from reminders.domain.report import Month
from reminders.store import call_lists as stored
from reminders.store.call_lists import NEWEST, Place, Sought
from reminders.store.engine import Record, Store
from reminders.store.lists import Ufs
from reminders.store.types import instant, micros

PAGE = 50
FEWEST = 5  # below it a motive's count is not told, nor the smallest other one of its month


@dataclass(slots=True)
class Counted:
    """One month's calls."""

    month: Month
    number: int = 0
    linked: int = 0
    noted: int = 0
    motives: dict[Motive, int] = field(default_factory=dict)

    def told(self) -> list[tuple[Motive, int | None]]:
        """Counts by motive; None where one may not be told, nor worked out from the total."""
        present = sorted(self.motives.items(), key=lambda one: one[1])
        hidden = {one for one, number in present if number < FEWEST}
        if len(hidden) == 1 and len(present) > 1:
            hidden.add(present[1][0])
        found = [(one, self.motives.get(one, 0)) for one in Motive]
        return [(one, None if one in hidden else number) for one, number in found if number]


@dataclass(frozen=True, slots=True)
class Call:
    """`hour` None: the file told the day only. `by`: who noted it, "" for one of a file.
    `appointment` and `patient` 0: not known."""

    day: date
    hour: datetime | None
    uf: str
    motive: Motive
    by: str
    appointment: int
    starts_at: datetime | None
    patient: int


@dataclass(frozen=True, slots=True)
class Calls:
    """`after`: where the next page begins, None: nowhere."""

    calls: Sequence[Call]
    number: int
    after: Place | None


def months(store: Store, ufs: Ufs, *, since: Month) -> list[Counted]:
    """Those with any call since then, the newest first."""
    found: dict[str, Counted] = {}
    with store.read() as connection:
        counted = stored.by_month(connection, ufs, since=since.first_day.isoformat())
    for row in counted:
        one = found.setdefault(row.month, Counted(Month.parse(row.month)))
        one.number += int(row.number)
        one.linked += int(row.linked)
        one.noted += int(row.noted)
        one.motives[Motive(row.motive)] = int(row.number)
    return list(found.values())


def of_month(
    month: Month, ufs: Ufs, zone: ZoneInfo, which: Which = Which.ALL, motive: Motive | None = None
) -> Sought:
    """The calls of its civil days."""
    start, end = month.between(zone)
    day = timedelta(days=1)  # calls keep the civil day they had, whatever the zone is now
    return Sought(
        which, ufs, start.date().isoformat(), end.date().isoformat(), micros(start - day),
        micros(end + day), motive=motive,
    )  # fmt: skip


def listed(store: Store, sought: Sought, zone: ZoneInfo, *, before: Place = NEWEST) -> Calls:
    """The next calls of a count, the newest first."""
    with store.read() as connection:
        found = stored.page(connection, sought, before=before, limit=PAGE + 1)
        number = stored.number(connection, sought)
    shown = found[:PAGE]
    after = (shown[-1].at, shown[-1].id) if len(found) > PAGE else None
    return Calls([_call(row, zone) for row in shown], number, after)


def _call(row: Record, zone: ZoneInfo) -> Call:
    at, noted = instant(row.at), row.file_id == 0
    known = row.starts_at is not None
    return Call(
        date.fromisoformat(row.day),
        at if noted or at.astimezone(zone).time() != UNTOLD else None,
        row.uf,
        Motive(row.motive),
        row.author if noted else "",
        row.appointment_id if known else 0,
        instant(row.starts_at) if known else None,
        row.patient_id,
    )
