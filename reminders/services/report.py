"""The month's no-shows by service: counts by domain/outcome.py, intervals from Wilson."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import EARLY, Attendance, Outcome, Tally, outcome_of
from reminders.services.rules import Rules
from reminders.statistics.proportion import Interval, wilson_interval
from reminders.store import reporting
from reminders.store.engine import Store
from reminders.store.types import MICROSECOND, instant, instant_or_none, micros


@dataclass(frozen=True, slots=True)
class Line:
    """One service of the report. `interval` None: nothing is known, the rate is a dash."""

    uf: str
    label: str
    tally: Tally
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class MonthReport:
    year: int
    month: int
    lines: tuple[Line, ...]
    total: Line


def month_report(
    store: Store, rules: Rules, year: int, month: int, zone: ZoneInfo, *, now: datetime
) -> MonthReport:
    """Appointments that start in a civil month of their site, of `zone` where it is not known;
    those still to come are left out."""
    zones = {desk.zone for desk in rules.desks.values()} | {zone}
    counts: dict[str, Counter[Outcome]] = {}
    for one in sorted(zones, key=str):
        start, end = _month(year, month, one)
        found = outcomes_by_service(store, start, min(end, now), now=now)
        counts |= {
            uf: outcomes
            for uf, outcomes in found.items()
            if (rules.desks[uf].zone if uf in rules.desks else zone) == one
        }
    lines = tuple(_line(uf, _label(rules, uf), found) for uf, found in sorted(counts.items()))
    total: Counter[Outcome] = sum(counts.values(), Counter())
    return MonthReport(year, month, lines, _line("", "Tous les services", total))


def _month(year: int, month: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    after = (year + month // 12, month % 12 + 1)
    return (
        datetime(year, month, 1, tzinfo=zone).astimezone(UTC),
        datetime(*after, 1, tzinfo=zone).astimezone(UTC),
    )


def _label(rules: Rules, uf: str) -> str:
    if uf in rules.desks:
        return rules.desks[uf].label
    return f"UF {uf} sans réglage" if uf else "Sans UF"


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


def _line(uf: str, label: str, counts: Counter[Outcome]) -> Line:
    tally = Tally(dict(counts))
    interval = None
    if tally.known:
        interval = wilson_interval(counts[Outcome.NO_SHOW], tally.known)
    return Line(uf, label, tally, interval)
