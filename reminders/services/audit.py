"""The audit as people read it: who saw and did what, when, about what."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.store import audit
from reminders.store.audit import NEWEST, Place
from reminders.store.engine import Record, Store
from reminders.store.types import instant, micros

# A subject is one of our ids behind its kind. Ten digits without a leading zero: no telephone
# number, French or international, reads as one, whatever is typed into the field; no name either.
NUMBERED = ("patient", "appointment", "task", "message", "account", "writing", "hold", "holdout")
NAMED = ("uf", "template", "sheet", "protocol", "day")  # by a code somebody configured, or a date
SUBJECT = re.compile(
    rf"(?:{'|'.join(NUMBERED)}):[1-9]\d{{0,9}}"
    rf"|(?:{'|'.join(NAMED)}):(?!.*\d{{10}})[A-Za-z0-9][\w./-]{{0,59}}"
)


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; "" and None: anything. The last day is meant whole."""

    actor: str = ""
    action: str = ""
    subject: str = ""  # "patient:12"
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime  # UTC
    actor: str  # a login, or the account of the machine a command was typed on
    name: str  # "" for whoever has no account
    account: int | None
    action: str  # a code
    subject: str
    details: Mapping[str, str] = field(default_factory=dict)  # codes and counts


@dataclass(frozen=True, slots=True)
class Actor:
    actor: str
    name: str


def look(
    store: Store, sought: Sought, zone: ZoneInfo, *, after: str = "", limit: int
) -> tuple[list[Line], str]:
    """Lines found, the newest first, and where the next page begins ("": nowhere)."""
    with store.read() as connection:
        found = audit.page(connection, _stored(sought, zone), before=_place(after), limit=limit + 1)
    shown = found[:limit]
    more = f"{shown[-1].at}-{shown[-1].id}" if len(found) > limit else ""
    return [_line(row) for row in shown], more


def everything(store: Store, sought: Sought, zone: ZoneInfo) -> Iterator[Line]:
    """All of them, the newest first, a batch in memory at a time."""
    return (_line(row) for row in audit.every(store, _stored(sought, zone)))


def actors(store: Store) -> Sequence[Actor]:
    with store.read() as connection:
        return [Actor(row.actor, row.name) for row in audit.actors(connection)]


def _stored(sought: Sought, zone: ZoneInfo) -> audit.Sought:
    def midnight(day: date) -> int:
        return micros(datetime.combine(day, time(), zone))

    return audit.Sought(
        sought.actor,
        sought.action,
        sought.subject,
        since=midnight(sought.first) if sought.first else None,
        until=midnight(sought.last + timedelta(days=1)) if sought.last else None,
    )


def _place(text: str) -> Place:
    """Where a page begins, as the page before said; the newest for anything else."""
    found = re.fullmatch(r"(\d{1,18})-(\d{1,18})", text)
    return (int(found[1]), int(found[2])) if found else NEWEST


def _line(row: Record) -> Line:
    return Line(
        at=instant(row.at),
        actor=row.actor,
        name=row.name,
        account=row.account,
        action=row.action,
        subject=row.subject,
        details=_details(row.detail),
    )


def _details(text: str) -> Mapping[str, str]:
    """What was noted beside: a JSON object, or one code."""
    with suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return {name: _plain(value) for name, value in found.items()}
    return {"": text} if text else {}


def _plain(value: object) -> str:
    """A list as its members, nothing as nothing."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
