"""One line a case: bookings, people and services for the rules of planning."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from reminders.domain.calendar import ContactHours
from reminders.domain.protocol import Address, Booking, Person, Step, Unit

PARIS = ZoneInfo("Europe/Paris")
STEPS = (
    Step("J-7", "preparation", 7, booked_days_before=10),
    Step("J-3", "confirm", 3),
    Step("J-1", "short", 1),
)


def paris(text: str) -> datetime:
    """2026-06-12 09:00, in the hospital's civil time."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def unit(**changes: Any) -> Unit:
    base = Unit("4220", "sud", "sud:Accueil B2", "normal", ContactHours(PARIS), STEPS)
    return replace(base, **changes)


def person(**changes: Any) -> Person:
    base = Person(1, addresses=(Address("sms", "+33639980012", "Europe/Paris"),))
    return replace(base, **changes)


def booking(starts: str, number: int = 1, **changes: Any) -> Booking:
    long_ago = paris("2026-01-01 08:00")
    base = Booking(
        id=number,
        source="agenda",
        starts_at=paris(starts),
        cycle=1,
        status="booked",
        uf="4220",
        unit=unit(),
        version_at=long_ago,
        first_seen_at=long_ago,
        booked_at=long_ago,
    )
    return replace(base, **changes)


__all__ = ["PARIS", "STEPS", "booking", "date", "paris", "person", "time", "unit"]
