"""The agendas of a day, and the one somebody means who types its name."""

from collections.abc import Collection, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from reminders.domain.search import folded
from reminders.services.attendance import bounds
from reminders.services.rules import Rules
from reminders.store import appointments
from reminders.store.appointments import Wanted
from reminders.store.engine import Store
from reminders.store.types import micros


def agendas_of(
    store: Store,
    rules: Rules,
    day: date,
    zone: ZoneInfo,
    ufs: Collection[str] | None,
    *,
    uf: str = "",
) -> list[tuple[str, int]]:
    """(agenda, its booked appointments) of a civil day in `zone`, of one service or of those of
    `ufs` (None: every one that is set up), by name."""
    held = list(rules.desks) if ufs is None else sorted(ufs)
    wanted = [one for one in held if one == uf] if uf else held
    start, end = bounds(day, zone)
    span = Wanted(micros(start), micros(end), wanted, status="booked")
    with store.read() as connection:
        found = appointments.agendas(connection, span)
    return [(row.agenda, int(row.number)) for row in found if row.agenda]


def meant(agendas: Sequence[tuple[str, int]], typed: str) -> str:
    """The agenda of a day that is meant, whatever its case, accents or signs; "" where none or
    several are."""
    if any(name == typed for name, _ in agendas):
        return typed
    alike = [name for name, _ in agendas if folded(name) == folded(typed)]
    return alike[0] if len(alike) == 1 else ""
