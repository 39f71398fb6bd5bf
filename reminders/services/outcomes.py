"""What became of appointments, by service: each judged by domain/outcome.py, counted in groups."""

from collections import Counter
from datetime import datetime

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import EARLY, Attendance, Outcome, outcome_of
from reminders.store import reporting
from reminders.store.engine import Store
from reminders.store.types import MICROSECOND, instant, instant_or_none, micros


def outcomes_by_service(
    store: Store, start: datetime, end: datetime, *, now: datetime
) -> dict[str, Counter[Outcome]]:
    """UF -> outcomes of its appointments that start in [start, end)."""
    counts: dict[str, Counter[Outcome]] = {}
    with store.read() as connection:
        groups = reporting.outcomes(connection, micros(start), micros(end), EARLY // MICROSECOND)
    for group in groups:
        outcome = outcome_of(
            Status(group.status),
            instant(group.starts_at),
            instant_or_none(group.cancelled_at),
            CancelledBy(group.cancelled_by or "unknown"),
            now,
            asked_at=instant_or_none(group.asked_at),
            marked=Attendance(group.attendance),
        )
        if outcome is not None:
            counts.setdefault(group.uf, Counter())[outcome] += group.number
    return counts
