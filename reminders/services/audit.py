"""The audit as people read it: who saw and did what, when, about what.

Lines are never changed: where an older release wrote another name for a thing, it is read under
the name it has now, and found by it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.store import audit
from reminders.store.audit import NEWEST, Place
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, micros

# A subject is one of our ids behind its kind. Ten digits without a leading zero: no telephone
# number, French or international, reads as one, whatever is typed into the field; no name either.
NUMBERED = ("patient", "appointment", "task", "message", "account", "writing", "hold", "holdout")
NAMED = ("uf", "template", "sheet", "protocol", "day")  # by a code somebody configured, or a date
NAMED_NOW = ("account", "template")  # whose numbers have a name people know
DIGITS = 11  # no key of ours is as long
DOTS = 3  # of a template's slug
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
    subject: str  # by its present name: a template's slug, whatever the line itself holds
    details: Mapping[str, str] = field(default_factory=dict)  # codes and counts
    person: str = ""  # of a subject that is an account: its person's name
    login: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    actor: str
    name: str


def look(
    store: Store, sought: Sought, zone: ZoneInfo, *, after: str = "", limit: int
) -> tuple[list[Line], str]:
    """Lines found, the newest first, and where the next page begins ("": nowhere)."""
    with store.read() as connection:
        stored = _stored(connection, sought, zone)
        found = audit.page(connection, stored, before=_place(after), limit=limit + 1)
        shown = found[:limit]
        lines = _lines(connection, shown)
    more = f"{shown[-1].at}-{shown[-1].id}" if len(found) > limit else ""
    return lines, more


def everything(store: Store, sought: Sought, zone: ZoneInfo) -> Iterator[Line]:
    """All of them, the newest first, a batch in memory at a time."""
    with store.read() as connection:
        stored = _stored(connection, sought, zone)
    for batch in audit.every(store, stored):
        with store.read() as connection:
            lines = _lines(connection, batch)
        yield from lines


def account_of(store: Store, login: str) -> str:
    """The subject that stands for somebody's account; "" for nobody's."""
    with store.read() as connection:
        found = audit.account(connection, login.strip().lower())
    return f"account:{found}" if found else ""


def login_of(store: Store, subject: str) -> str:
    """Whose account a subject is; "" for any other."""
    key = _key(subject, "account")
    if not key:
        return ""
    with store.read() as connection:
        found = audit.accounts(connection, [key]).get(key)
    return str(found.login) if found else ""


def actors(store: Store) -> Sequence[Actor]:
    with store.read() as connection:
        return [Actor(row.actor, row.name) for row in audit.actors(connection)]


def _stored(connection: Connection, sought: Sought, zone: ZoneInfo) -> audit.Sought:
    def midnight(day: date) -> int:
        return micros(datetime.combine(day, time(), zone))

    return audit.Sought(
        sought.actor,
        sought.action,
        _names(connection, sought.subject) if sought.subject else (),
        since=midnight(sought.first) if sought.first else None,
        until=midnight(sought.last + timedelta(days=1)) if sought.last else None,
    )


def _place(text: str) -> Place:
    """Where a page begins, as the page before said; the newest for anything else."""
    found = re.fullmatch(r"(\d{1,18})-(\d{1,18})", text)
    return (int(found[1]), int(found[2])) if found else NEWEST


def _names(connection: Connection, subject: str) -> list[str]:
    """A subject under each name a line may hold: there are older ones of
    template:137, a version, where we write the template."""
    kind, _, name = subject.partition(":")
    if kind != "template":
        return [subject]
    key = _key(subject, "template")
    slug = audit.slugs(connection, [key]).get(key, "") if key else name
    if slug.count(".") != DOTS:
        return [subject]
    return [f"template:{slug}", *(f"template:{one}" for one in audit.versions(connection, slug))]


def _key(subject: str, kind: str) -> int:
    """The number behind a kind; 0 where there is none."""
    said, _, number = subject.partition(":")
    return int(number) if said == kind and number.isdecimal() and len(number) < DIGITS else 0


def _lines(connection: Connection, found: Sequence[Record]) -> list[Line]:
    keys = {kind: sorted({_key(row.subject, kind) for row in found} - {0}) for kind in NAMED_NOW}
    people = audit.accounts(connection, keys["account"])
    slugs = audit.slugs(connection, keys["template"])
    return [_line(row, people, slugs) for row in found]


def _line(row: Record, people: Mapping[int, Record], slugs: Mapping[int, str]) -> Line:
    person = people.get(_key(row.subject, "account"))
    slug = slugs.get(_key(row.subject, "template"))
    return Line(
        at=instant(row.at),
        actor=row.actor,
        name=row.name,
        account=row.account,
        action=row.action,
        subject=f"template:{slug}" if slug else row.subject,
        details=_details(row.detail),
        person=person.name if person else "",
        login=person.login if person else "",
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
