"""The messages of one appointment that have not left, word for word as they would leave now."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from reminders.errors import TemplateError
from reminders.services.compose import Templates
from reminders.services.writing_survey import Means
from reminders.store import appointments, outbox, templates
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros


@dataclass(frozen=True, slots=True)
class Text:
    """`reason`: why it cannot be composed; the words are "" then."""

    at: datetime
    channel: str
    recipient: str
    subject: str = ""
    body: str = ""
    segments: int = 0
    price_eur: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Texts:
    appointment: int
    uf: str
    starts_at: datetime
    texts: tuple[Text, ...]


def texts_of(store: Store, means: Means, appointment: int, *, now: datetime) -> Texts | None:
    """None: no such appointment. Four statements; nothing changes."""
    with store.read() as connection:
        rows = appointments.waiting(connection, appointment)
        if not rows:
            return None
        waiting = [row for row in rows if row.id is not None]
        items: dict[int, list[Record]] = defaultdict(list)
        for item in outbox.items_of(connection, [row.id for row in waiting]):
            items[item.message_id].append(item)
        shared = frozenset(outbox.shared_numbers(connection, [row.recipient for row in waiting]))
        approved = Templates.of(templates.versions(connection, now=micros(now)))
    return Texts(
        appointment,
        rows[0].uf,
        instant(rows[0].starts_at),
        tuple(_text(means, row, items[row.id], approved, shared, now) for row in waiting),
    )


def _text(
    means: Means,
    row: Record,
    items: list[Record],
    approved: Templates,
    shared: frozenset[str],
    now: datetime,
) -> Text:
    at = instant(row.opens_at)
    routes = [route for route in means.routes if route.channel == row.channel]
    try:
        found, route = means.composer.compose_first(row, items, routes, approved, shared, now=now)
    except TemplateError as error:
        return Text(at, row.channel, row.recipient, reason=error.code)
    price = found.segments * route.price_eur
    return Text(at, row.channel, row.recipient, found.subject, found.text, found.segments, price)
