"""The day after a missed appointment, one neutral text says how to take another (off by default).

It goes to the number the reminder went to, or to nobody, and only where the DPI or a person said
that the patient did not come: silence invites nobody. Excluded and neutral services never write.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.calendar import next_permitted, permitted_window, to_utc
from reminders.domain.outbox import dedupe_key
from reminders.services.rules import Rules
from reminders.store import rebooking
from reminders.store.engine import Store
from reminders.store.types import instant, micros

HOUR = time(10)  # of the day after
LOOKED_BACK = timedelta(days=4)  # a no-show told later is too old to be written about


def invite_missed(store: Store, rules: Rules, *, now: datetime) -> int:
    """Plan the texts of the last days' missed appointments, each once: how many."""
    ufs = sorted(rules.rebooks)
    if not ufs:
        return 0
    planned = 0
    with store.write() as connection:
        found = rebooking.missed(connection, ufs, micros(now - LOOKED_BACK), micros(now))
        zones = rebooking.zones(connection, [one.patient_id for one in found])
        for one in found:
            opens, closes = _moment(rules, one.uf, instant(one.starts_at), zones[one.patient_id])
            if closes <= now:
                continue
            rebooking.invite(
                connection, one, dedupe_key("rebook", one.id, one.version),
                opens_at=micros(opens), closes_at=micros(closes), at=micros(now),
            )  # fmt: skip
            planned += 1
    return planned


def _moment(rules: Rules, uf: str, starts_at: datetime, zone: str) -> tuple[datetime, datetime]:
    """From ten o'clock of the next permitted day to the end of its permitted hours."""
    hours = rules.units[uf].hours
    number = ZoneInfo(zone) if zone else None
    day = starts_at.astimezone(hours.zone).date() + timedelta(days=1)
    opens = next_permitted(to_utc(day, HOUR, hours.zone), hours, number)
    closes = permitted_window(opens.astimezone(hours.zone).date(), hours, number)[1]
    return opens.astimezone(UTC), closes
