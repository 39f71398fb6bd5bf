"""What would leave, rendered by the same composer: for a dry run and before a release."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.errors import TemplateError
from reminders.services.compose import Composer, Route, Templates
from reminders.store import outbox, previews, templates
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, instant_or_none, micros

BATCH = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it would leave, or one decision that will not: then `state` says why.

    `address` is whole: whoever prints it masks it. `moment` None: no moment was ever set.
    """

    moment: datetime | None
    closes_at: datetime | None
    address: str
    channel: str
    purpose: str
    step: str
    appointments: tuple[str, ...]
    state: str  # planned | held | suppressed | blocked
    reason: str = ""
    template: int = 0
    segments: int = 0
    price_eur: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    due: int
    total: int
    price_eur: float
    lines: tuple[Line, ...]


def planned_lines(
    store: Store, composer: Composer, routes: Sequence[Route], *, now: datetime
) -> Iterator[Line]:
    """Every message that waits, by moment; streamed in batches."""
    after: tuple[int, int] = (0, 0)
    with store.read() as connection:
        approved = Templates.of(templates.versions(connection, micros(now)))
        while batch := previews.waiting(connection, micros(now), after, BATCH):
            yield from _render(connection, composer, routes, approved, batch, now)
            after = (batch[-1].opens_at, batch[-1].id)


def _render(
    connection: Connection,
    composer: Composer,
    routes: Sequence[Route],
    approved: Templates,
    batch: Sequence[Record],
    now: datetime,
) -> Iterator[Line]:
    items: dict[int, list[Record]] = defaultdict(list)
    for item in outbox.items_of(connection, [row.id for row in batch]):
        items[item.message_id].append(item)
    numbers = {row.recipient for row in batch if row.channel == "sms"}
    shared = frozenset(outbox.shared_numbers(connection, list(numbers)))
    for row in batch:
        usable = [route for route in routes if route.channel == row.channel]
        yield _line(row, items[row.id], composer, usable, approved, shared, now)


def _line(
    row: Record,
    items: Sequence[Record],
    composer: Composer,
    routes: Sequence[Route],
    approved: Templates,
    shared: frozenset[str],
    now: datetime,
) -> Line:
    state, reason = ("held", "hold") if row.state == "HELD" else ("planned", "")
    text, version, segments, price = "", 0, 0, 0.0
    try:
        composed, route = composer.compose_first(row, items, routes, approved, shared, now=now)
        text, version, segments = composed.text, composed.version_id, composed.segments
        price = segments * route.price_eur
    except TemplateError as error:
        state, reason = "blocked", error.code
    except Exception:  # one text our program cannot make does not hide the others
        state, reason = "blocked", "not_composed"
    return Line(
        moment=instant(row.opens_at),
        closes_at=instant(row.closes_at),
        address=row.recipient,
        channel=row.channel,
        purpose=row.purpose,
        step=row.step,
        appointments=tuple(i.external_id for i in items),
        state=state,
        reason=reason,
        template=version,
        segments=segments,
        price_eur=price,
        text=text,
    )


def suppressed_lines(store: Store, *, now: datetime) -> Iterator[Line]:
    """Decisions that will send nothing, for appointments still to come, with their reason."""
    after = 0
    with store.read() as connection:
        while batch := previews.suppressed(connection, micros(now), after, BATCH):
            for row in batch:
                yield Line(
                    moment=instant_or_none(row.opens_at),
                    closes_at=instant_or_none(row.closes_at),
                    address="",
                    channel="",
                    purpose=row.purpose,
                    step=row.step,
                    appointments=(row.external_id,),
                    state="suppressed",
                    reason=row.reason,
                )
            after = batch[-1].id


def waiting_to_leave(
    store: Store,
    composer: Composer,
    routes: Sequence[Route],
    *,
    now: datetime,
    until: datetime,
    limit: int,
) -> Waiting:
    """Counts and price of what leaves before `until`, and the first `limit` texts."""
    due, total, price = 0, 0, 0.0
    shown: list[Line] = []
    for line in planned_lines(store, composer, routes, now=now):
        total += 1
        if line.moment is not None and line.moment < until:
            due += 1
            price += line.price_eur
        if len(shown) < limit:
            shown.append(line)
    return Waiting(due, total, price, tuple(shown))
