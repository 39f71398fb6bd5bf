"""A hold as a person looks at it: what the gate saw, what would leave, who may decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

from reminders.domain.mask import mask_address
from reminders.errors import TemplateError
from reminders.services.compose import Composer, Route, Templates
from reminders.services.hold import Seen
from reminders.store import holding, holds, templates
from reminders.store.engine import Record, Store
from reminders.store.lists import Ufs
from reminders.store.types import instant, instant_or_none, micros

PAGE = 20  # ended holds on a page
HIDDEN = "***"  # of the SMS alphabet; for a first name whoever looks may not read


@dataclass(frozen=True, slots=True)
class Reason:
    id: int
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Appointment:
    """One the held feed would cancel (`told` None) or move to `told`."""

    id: int
    fate: str  # vanished | moved
    uf: str
    starts_at: datetime
    told: datetime | None
    name: str  # "" where it may not be seen


@dataclass(frozen=True, slots=True)
class Text:
    """A message that waits, as it would leave; or `problem`: why it cannot be composed."""

    appointment: int
    uf: str
    moment: datetime
    channel: str
    address: str  # masked
    name: str
    text: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """One occasion: a hold and those placed with it, for the same input at the same moment."""

    id: int
    reasons: tuple[Reason, ...]  # in force; of an ended one, all of them
    source: str
    at: datetime
    by: str
    has_file: bool  # a file waits, and could be discarded
    seen: Seen | None
    held: int  # messages due, that a release lets leave
    late: int  # messages whose moment has passed
    later: int  # messages due before the end of the day
    price_eur: float  # of the `held`, as the samples cost
    appointments: Sequence[Appointment]
    texts: Sequence[Text]
    elsewhere: bool  # it holds services the viewer does not decide about
    ended: str = ""  # released | discarded
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A hold in the list of them."""

    id: int
    source: str
    code: str
    sentence: str
    at: datetime
    by: str
    ended: str
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class Listing:
    active: Sequence[Line]
    ended: Sequence[Line]
    after: tuple[int, int] | None


def holds_of(store: Store, after: tuple[int, int] | None = None) -> Listing:
    with store.read() as connection:
        found = holding.page(connection, after, PAGE + 1)
    active = [_line(row) for row in found if row.released_at is None]
    ended = [row for row in found if row.released_at is not None]
    last = ended[PAGE - 1] if len(ended) > PAGE else None
    return Listing(
        active,
        [_line(row) for row in ended[:PAGE]],
        None if last is None else (last.released_at, last.id),
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A hold in force, as it is told to who writes something that waits for it."""

    id: int
    source: str
    at: datetime
    by: str


def kept_back(store: Store, appointments: Sequence[int] = (), *, writing: int = 0) -> list[Kept]:
    """The holds in force that what is written about these appointments, or was by this writing,
    waits for: it leaves only if somebody releases them."""
    with store.read() as connection:
        found = (
            holds.over_writing(connection, writing)
            if writing
            else holds.over(connection, appointments)
        )
    return [Kept(row.id, row.source_id, instant(row.placed_at), row.placed_by) for row in found]


def _line(row: Record) -> Line:
    return Line(
        row.id, row.source_id, row.code, row.sentence, instant(row.placed_at), row.placed_by,
        (row.ended or "released") if row.released_at is not None else "",
        instant_or_none(row.released_at), row.released_by,
    )  # fmt: skip


def held_of(
    store: Store,
    composer: Composer,
    routes: Sequence[Route],
    hold: int,
    *,
    ufs: Ufs,
    named: Ufs,
    decides: Ufs = None,
    zone: ZoneInfo,
    now: datetime,
) -> Held | None:
    """`ufs`: the services whose texts the viewer sees; `named`: those whose patients;
    `decides`: those they release for. None: there is no such hold."""
    at = micros(now)
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    until = micros(datetime.combine(tomorrow, time(0), zone))
    with store.read() as connection:
        found = holding.occasion(connection, hold, at, until, decides)
        if not found:
            return None
        first = found[0]
        active = [row for row in found if row.released_at is None] or list(found)
        about = holding.samples(connection, [row.id for row in active])
        rows: Sequence[Record] = ()
        if first.released_at is None and first.held:
            rows = holding.messages(connection, first.source_id, at, ufs)
        approved = Templates.of(templates.versions(connection, at) if rows else ())
    texts = [_text(composer, routes, approved, those, named, now) for those in _by_message(rows)]
    prices = [price for _, price in texts]
    return Held(
        id=hold,
        reasons=tuple(Reason(row.id, row.code, row.sentence) for row in active),
        source=first.source_id,
        at=instant(first.placed_at),
        by=first.placed_by,
        has_file=bool(first.feed_hash),
        seen=next((seen for row in found if (seen := Seen.read(row.evidence))), None),
        held=first.held,
        late=first.late,
        later=first.later,
        price_eur=first.held * sum(prices) / len(prices) if prices else 0.0,
        appointments=[_appointment(row, named) for row in about if ufs is None or row.uf in ufs],
        texts=[text for text, _ in texts],
        elsewhere=bool(first.beyond),
        ended=(first.ended or "released") if first.released_at is not None else "",
        ended_at=instant_or_none(first.released_at),
        ended_by=first.released_by,
    )


def _appointment(row: Record, named: Ufs) -> Appointment:
    return Appointment(
        row.id, row.fate, row.uf, instant(row.starts_at), instant_or_none(row.told),
        _name(row, named),
    )  # fmt: skip


def _name(row: Record, named: Ufs) -> str:
    seen = named is None or row.uf in named
    return f"{row.given or ''} {row.family or ''}".strip() if seen else ""


def _by_message(rows: Sequence[Record]) -> list[list[Record]]:
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(row.message, []).append(row)
    return list(found.values())


def _text(
    composer: Composer,
    routes: Sequence[Route],
    approved: Templates,
    rows: Sequence[Record],
    named: Ufs,
    now: datetime,
) -> tuple[Text, float]:
    """The text and its price, composed as the sender will."""
    first, text, problem, price = rows[0], "", "", 0.0
    items = [_part(row) | _hidden(row, named) for row in rows]
    message = _part(first) | {"id": first.message, "kind": first.message_kind}
    usable = [route for route in routes if route.channel == first.channel]
    shared = frozenset({first.recipient} if first.shared else ())
    try:
        composed, route = composer.compose_first(
            _record(message), [_record(item) for item in items], usable, approved, shared, now=now
        )
        text, price = composed.text, composed.segments * route.price_eur
    except TemplateError as error:
        problem = error.code
    except Exception:  # one text our program cannot make does not hide the others
        problem = "not_composed"
    sample = Text(
        appointment=first.appointment_id,
        uf=first.uf,
        moment=instant(first.opens_at),
        channel=first.channel,
        address=mask_address(first.recipient),
        name=_name(first, named),
        text=text,
        problem=problem,
    )
    return sample, price


def _part(row: Record) -> dict[str, Any]:
    return dict(row._mapping)


def _hidden(row: Record, named: Ufs) -> dict[str, Any]:
    seen = named is None or row.uf in named
    return {"message_id": row.message} | ({} if seen else {"given": HIDDEN})


def _record(values: Mapping[str, Any]) -> Record:
    return cast(Record, SimpleNamespace(**values))
