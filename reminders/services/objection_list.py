"""Objections as a list: what is in force, since when, by whom; addresses stay hashes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reminders.domain.patient import mail_address
from reminders.domain.phone import classify
from reminders.store import objections, patients, planning
from reminders.store.engine import Record, Store

Ufs = frozenset[str] | None
PAGE = 50
FIRST = 2**62


@dataclass(frozen=True, slots=True)
class Filters:
    """ "" is any. Names of store/objections: ORIGINS, CHANNELS, SCOPES, STATES."""

    origin: str = ""
    channel: str = ""
    scope: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    rows: Sequence[Record]
    after: int | None  # where the next page begins


@dataclass(frozen=True, slots=True)
class Checked:
    """An address somebody asked about: what stands there. `address` "": it is none, and why."""

    address: str
    why: str
    rows: Sequence[Record] = ()


def listing(store: Store, filters: Filters, ufs: Ufs, *, before: int = FIRST) -> Listing:
    """The latest first, of patients the reader may see and of numbers that are nobody's."""
    with store.read() as connection:
        found = objections.page(
            connection, origin=filters.origin, channel=filters.channel, scope=filters.scope,
            state=filters.state, ufs=None if ufs is None else sorted(ufs), before=before,
            limit=PAGE + 1,
        )  # fmt: skip
    return Listing(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def everything(store: Store, filters: Filters, ufs: Ufs) -> Iterator[Record]:
    """The same, page after page to its end."""
    before: int | None = FIRST
    while before is not None:
        page = listing(store, filters, ufs, before=before)
        yield from page.rows
        before = page.after


def check(store: Store, secret: bytes, typed: str, ufs: Ufs) -> Checked:
    """What is in force at a number or e-mail address."""
    phone = classify(typed)
    address = mail_address(typed) if "@" in typed else phone.e164 or ""
    if not address:
        return Checked("", "" if "@" in typed else phone.reason)
    with store.read() as connection:
        found = objections.page(
            connection, state="active", ufs=None if ufs is None else sorted(ufs),
            keys=[planning.address_key(secret, address)], before=FIRST, limit=PAGE,
        )  # fmt: skip
    return Checked(address, "", found)


def one(store: Store, objection: int, ufs: Ufs) -> tuple[Record, list[Record]] | None:
    """An objection about a patient the reader may see, and that person's files."""
    with store.read() as connection:
        row = objections.find(connection, objection)
        if row is None or row.patient_id is None:
            return None
        within = None if ufs is None else sorted(ufs)
        files = list(patients.files(connection, row.patient_id, within))
    if ufs is not None and not any(one.seen for one in files):
        return None
    return (row, files) if files else None


def others(store: Store, row: Record) -> int:
    """How many other patients the same telling was about."""
    with store.read() as connection:
        return len(set(objections.told_with(connection, row)) - {row.patient_id})
