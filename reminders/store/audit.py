"""Reading the audit: who saw and did what. Written by `facts.audit`, shortened by the purge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from reminders.store.engine import Record, Store, rows
from reminders.store.planning import among
from reminders.store.worklist import scoped

BATCH = 2_000  # lines a reading of everything takes at once
MOST_ACTORS = 2_000

Place = tuple[int, int]  # (moment in microseconds, key) of a line
NEWEST: Place = (2**63 - 1, 2**63 - 1)


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; "" and None look for anything. `since` <= moment < `until`."""

    actor: str = ""
    action: str = ""
    subjects: Sequence[str] = ()  # one thing under each of the names it had
    since: int | None = None
    until: int | None = None


def page(connection: Connection, sought: Sought, *, before: Place, limit: int) -> Sequence[Record]:
    """The newest lines older than a place, with the name of whoever has an account."""
    where, values = _conditions(sought)
    several = sought.subjects if len(sought.subjects) > 1 else None
    if sought.until is not None:
        before = min(before, (sought.until, 0))
    return scoped(
        connection,
        "SELECT a.id, a.at, a.actor, a.action, a.subject, a.detail, c.id AS account, "
        "COALESCE(c.name, '') AS name FROM audit a LEFT JOIN account c ON c.login = a.actor "
        f"WHERE (a.at, a.id) < (:at, :id){where} ORDER BY a.at DESC, a.id DESC LIMIT :limit",
        several,
        at=before[0],
        id=before[1],
        limit=limit,
        **values,
    )


def every(store: Store, sought: Sought) -> Iterator[Sequence[Record]]:
    """All lines found, the newest first, in batches. Lines are only appended: short readings
    one after the other see the same as a single long one, and nobody waits for whoever downloads
    slowly."""
    before = NEWEST
    while True:
        with store.read() as connection:
            found = page(connection, sought, before=before, limit=BATCH)
        yield found
        if len(found) < BATCH:
            return
        before = (found[-1].at, found[-1].id)


def accounts(connection: Connection, ids: Sequence[int]) -> dict[int, Record]:
    """The accounts of these keys: id -> (login, name)."""
    found = among(connection, "SELECT id, login, name FROM account WHERE id IN :ids", ids)
    return {row.id: row for row in found}


def account(connection: Connection, login: str) -> int | None:
    found = rows(connection, "SELECT id FROM account WHERE login = :login", login=login)
    return int(found[0].id) if found else None


_KEY = "purpose || '.' || language || '.' || family || '.' || channel"


def slugs(connection: Connection, versions: Sequence[int]) -> dict[int, str]:
    """Versions of templates -> the template's name in addresses."""
    sql = f"SELECT id, {_KEY} AS slug FROM template_version WHERE id IN :ids"
    return {row.id: row.slug for row in among(connection, sql, versions)}


def versions(connection: Connection, slug: str) -> Sequence[int]:
    """Every version of a template."""
    purpose, language, family, channel = slug.split(".")
    found = rows(
        connection,
        "SELECT id FROM template_version WHERE purpose = :purpose AND language = :language "
        "AND family = :family AND channel = :channel ORDER BY id",
        purpose=purpose, language=language, family=family, channel=channel,
    )  # fmt: skip
    return [row.id for row in found]


def actors(connection: Connection) -> Sequence[Record]:
    """Everybody the audit names: (actor, account or None, name). One step of the index each."""
    return rows(
        connection,
        f"WITH RECURSIVE one (actor) AS ({_FIRST} UNION ALL SELECT ({_NEXT}) FROM one "
        "WHERE one.actor IS NOT NULL) SELECT one.actor, c.id AS account, "
        "COALESCE(c.name, '') AS name FROM one LEFT JOIN account c ON c.login = one.actor "
        "WHERE one.actor IS NOT NULL ORDER BY one.actor LIMIT :limit",
        limit=MOST_ACTORS,
    )


_FIRST = "SELECT min(actor) FROM audit"
_NEXT = "SELECT min(a.actor) FROM audit a WHERE a.actor > one.actor"
_SAYS = {
    "actor": "a.actor = :actor",
    "action": "a.action = :action",
    "since": "a.at >= :since",
}


def _conditions(sought: Sought) -> tuple[str, dict[str, object]]:
    """Only what is asked for stands in the statement, so that its index is used."""
    values = {name: getattr(sought, name) for name in _SAYS}
    asked = {name: value for name, value in values.items() if value not in ("", None)}
    where = "".join(f" AND {_SAYS[name]}" for name in asked)
    if len(sought.subjects) > 1:
        return f"{where} AND a.subject IN :ids", asked
    if sought.subjects:  # the index then has the order, too
        return f"{where} AND a.subject = :subject", asked | {"subject": sought.subjects[0]}
    return where, asked
