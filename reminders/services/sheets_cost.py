"""What the SMS that say a sheet cost in a month: those really sent, as templates count them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.config import PreparationTable
from reminders.domain.template_key import key_of
from reminders.services.compose import Route
from reminders.services.rules import Rules
from reminders.services.sheets import about
from reminders.services.template_preview import Rendering, Volume, monthly_cost, price_of
from reminders.services.templates import MONTH, families_of, month_of, serving
from reminders.store import sheets
from reminders.store.engine import Connection, Record
from reminders.store.types import micros

Key = tuple[str, str, str]  # (purpose, language, family) of an SMS
Volumes = Mapping[Key, Volume]


@dataclass(frozen=True, slots=True)
class Cost:
    """A month's SMS that say a sheet, to the patients it is about. `before`: with the sheet in
    service, or none; the same messages."""

    messages: int = 0
    euros: float = 0.0
    before: float = 0.0


def volumes_of(
    connection: Connection,
    texts: Sequence[Record],
    rules: Rules,
    routes: Sequence[Route],
    table: PreparationTable,
    *,
    now: datetime,
) -> Volumes:
    """How much of each SMS goes to the patients a sheet is about, by the templates' own rule:
    what left in thirty days, else what waits. `texts`: in service."""
    ufs, kind, others = about(rules.book, table)
    found = sheets.texts_about(connection, ufs, kind, others, micros(now), micros(now - MONTH))
    live: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in texts:
        if row.channel == "sms":
            live[row.purpose].add((row.language, row.family))
    families = families_of(rules, routes, "sms")
    sent: dict[Key, int] = defaultdict(int)
    waiting: dict[Key, int] = defaultdict(int)
    for row in found:
        if row.what == "sent":
            sent[row.purpose, row.language, row.family] += row.messages
        elif serves := serving(row.purpose, "sms", row.language, live[row.purpose], families):
            waiting[row.purpose, *serves] += row.messages
    return {key: month_of(sent[key], waiting[key]) for key in {*sent, *waiting}}


def cost_of(
    volumes: Volumes,
    told: Mapping[Key, Rendering],
    before: Mapping[Key, Rendering],
    routes: Sequence[Route],
) -> Cost:
    """`told`, `before`: the texts that say the sheet, with it and as they are now."""

    def euros(those: Mapping[Key, Rendering]) -> float:
        return sum(
            monthly_cost([one], volumes[key].messages, price_of(key_of(*key, "sms"), routes))
            for key, one in those.items()
            if key in volumes
        )

    messages = sum(volumes[key].messages for key in told if key in volumes)
    return Cost(messages, euros(told), euros(before))
