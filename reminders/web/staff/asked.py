"""What the address of a list asks for: a day, a service, the page after another."""

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import urlencode

from reminders.domain.access import May
from reminders.web.staff.visit import Visit

FARTHEST = timedelta(days=3_660)  # from today: an address is not a calendar


def address(path: str, **asked: object) -> str:
    """`path` with what is asked for; nothing of what is not."""
    query = urlencode({name: value for name, value in asked.items() if value not in ("", None)})
    return f"{path}?{query}" if query else path


def today(visit: Visit) -> date:
    return visit.now.astimezone(visit.staff.zone).date()


def day_of(visit: Visit, text: str) -> date:
    """The civil day an address names; today where it names none that can be."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today(visit)
    return day if abs(day - today(visit)) <= FARTHEST else today(visit)


def cursor(text: str, size: int) -> tuple[int, ...] | None:
    """The whole numbers of « 1.2.3 »; None for anything else."""
    parts = text.split(".")
    if len(parts) != size or not all(one.isascii() and one.isdigit() for one in parts):
        return None
    numbers = tuple(int(one) for one in parts)
    return numbers if max(numbers) < 2**63 else None


def dotted(place: Sequence[int] | None) -> str:
    return "" if place is None else ".".join(str(one) for one in place)


def services(visit: Visit, may: May) -> list[tuple[str, str]]:
    """(UF, label) of the services a person holds, by their labels."""
    held = visit.viewer.ufs(may)
    offices = visit.staff.rules.offices
    found = [(uf, one.label) for uf, one in offices.items() if held is None or uf in held]
    return sorted(found, key=lambda one: (one[1].casefold(), one[0]))


def service_of(visit: Visit, may: May, text: str) -> str:
    """The service an address narrows a list to, if the person holds it; "" for all of theirs."""
    held = visit.viewer.ufs(may)
    return text if text and (held is None or text in held) else ""
