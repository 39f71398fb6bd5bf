"""Objections as rows: what is in force at an address or for a person, and how it ends.

A row is the pair (address, person) with a channel and a scope. The address is kept as a keyed
hash only. In force it forbids every text over the channel, within the scope, to the address
(whoever it is about) and about the person (whatever the address): docs/adr/0011.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from reminders.store.answers import CURRENT_ANSWER, MAY_HAVE_LEFT
from reminders.store.engine import Record, insert_rows, reserve, rows, run
from reminders.store.planning import among

WHOLE = "all"

COLUMNS = (
    "id", "address_key", "patient_id", "channel", "scope", "origin", "recorded_at", "recorded_by",
)  # fmt: skip


def record(
    connection: Connection,
    key: bytes,
    patients: Sequence[int],
    *,
    channel: str,
    scopes: Iterable[str] = (WHOLE,),
    origin: str,
    by: str,
    at: int,
) -> int:
    """One row for each person and scope, nobody's where no person is known: how many are new.

    What is in force already is not told twice: a block list is read again every day.
    """
    known = {
        (row.patient_id, row.channel, row.scope, row.origin) for row in at_key(connection, key)
    }
    people: list[int | None] = list(dict.fromkeys(patients)) or [None]
    fresh = [
        (person, scope)
        for scope in scopes
        for person in people
        if (person, channel, scope, origin) not in known
    ]
    first = reserve(connection, "objection", len(fresh)) if fresh else 0
    insert_rows(
        connection,
        "objection",
        COLUMNS,
        [
            (first + n, key, person, channel, scope, origin, at, by)
            for n, (person, scope) in enumerate(fresh)
        ],
    )
    return len(fresh)


def at_key(connection: Connection, key: bytes) -> Sequence[Record]:
    """What is in force at an address."""
    return rows(
        connection,
        "SELECT id, patient_id, channel, scope, origin, recorded_by, recorded_at FROM objection "
        "WHERE address_key = :key AND withdrawn_at IS NULL ORDER BY id",
        key=key,
    )


def of_people(connection: Connection, patients: Sequence[int]) -> Sequence[Record]:
    """What is in force for these people, at whatever address they told it."""
    return among(
        connection,
        "SELECT id, patient_id, channel, scope, origin, recorded_by, recorded_at FROM objection "
        "WHERE patient_id IN :ids AND withdrawn_at IS NULL ORDER BY id",
        patients,
    )


def withdraw(
    connection: Connection,
    key: bytes,
    *,
    origins: Sequence[str],
    channel: str = WHOLE,
    by: str = "",
    at: int,
) -> Sequence[Record]:
    """End what was told in these ways at an address, for one channel or ("all") for every one.

    `by` "": whoever recorded it. One that was told for every channel goes on for the others.
    """
    ended = among(
        connection,
        "UPDATE objection SET withdrawn_at = :at WHERE address_key = :key AND origin IN :ids "
        "AND withdrawn_at IS NULL AND (:channel = 'all' OR channel IN ('all', :channel)) "
        "AND (:by = '' OR recorded_by = :by) "
        "RETURNING patient_id, channel, scope, origin, recorded_by",
        list(origins),
        at=at,
        key=key,
        channel=channel,
        by=by,
    )
    other = {"sms": "email", "email": "sms"}.get(channel)
    for row in ended if other else ():
        if row.channel == WHOLE:
            record(
                connection, key, [] if row.patient_id is None else [row.patient_id],
                channel=other or "", scopes=[row.scope], origin=row.origin, by=row.recorded_by,
                at=at,
            )  # fmt: skip
    return ended


def listed_by(connection: Connection, provider: str) -> set[bytes]:
    """The addresses this provider's own block list covers, as far as we know already."""
    found = rows(
        connection,
        "SELECT DISTINCT address_key FROM objection WHERE origin = 'provider' "
        "AND recorded_by = :provider AND withdrawn_at IS NULL",
        provider=provider,
    )
    return {bytes(row.address_key) for row in found}


def unanswered(connection: Connection, key: bytes, *, since: int, now: int) -> Sequence[Record]:
    """Appointments to come that a text to this address told and nobody answered for."""
    return rows(
        connection,
        "SELECT DISTINCT ap.id, ap.version, ap.uf, ap.starts_at FROM message m "
        "JOIN attempt a ON a.message_id = m.id JOIN told t ON t.attempt_id = a.id "
        "JOIN appointment ap ON ap.id = t.appointment_id WHERE m.recipient_key = :key "
        f"AND {MAY_HAVE_LEFT} AND a.started_at > :since AND ap.status = 'booked' "
        f"AND ap.starts_at > :now AND {CURRENT_ANSWER} = 'none' ORDER BY ap.starts_at, ap.id",
        key=key,
        since=since,
        now=now,
    )


def find(connection: Connection, objection: int) -> Record | None:
    found = rows(
        connection,
        "SELECT id, address_key, patient_id, channel, scope, origin, recorded_at, recorded_by, "
        "withdrawn_at FROM objection WHERE id = :id",
        id=objection,
    )
    return found[0] if found else None


# What one person told at one moment, about however many patients, is ended as a whole.
_TOLD_WITH = (
    "address_key = :key AND channel = :channel AND scope = :scope AND origin = :origin "
    "AND recorded_at = :told_at AND withdrawn_at IS NULL"
)


def told_with(connection: Connection, row: Record) -> list[int]:
    """The patients an objection was told about, in force still."""
    found = rows(
        connection,
        f"SELECT DISTINCT patient_id FROM objection WHERE {_TOLD_WITH} "
        "AND patient_id IS NOT NULL ORDER BY patient_id",
        **_telling(row),
    )
    return [one.patient_id for one in found]


def end_telling(connection: Connection, row: Record, *, by: str, at: int) -> int:
    return run(
        connection,
        f"UPDATE objection SET withdrawn_at = :at, withdrawn_by = :by WHERE {_TOLD_WITH}",
        at=at,
        by=by,
        **_telling(row),
    )


def _telling(row: Record) -> dict[str, object]:
    return {
        "key": row.address_key, "channel": row.channel, "scope": row.scope, "origin": row.origin,
        "told_at": row.recorded_at,
    }  # fmt: skip


# --- the list ------------------------------------------------------------------------------------

# What a reply said of its number is a way of its own: a suspension.
ORIGINS = {
    "patient": "o.origin IN ('reply', 'page', 'email')",
    "staff": "o.origin IN ('staff', 'api')",
    "provider": "o.origin = 'provider'",
    "number": "o.origin NOT IN ('reply', 'page', 'email', 'staff', 'api', 'provider')",
}
CHANNELS = {"all": "o.channel = 'all'", "sms": "o.channel = 'sms'", "email": "o.channel = 'email'"}
SCOPES = {
    "all": "o.scope = 'all'",
    "service": "o.scope LIKE 'service:%'",
    "appointment": "o.scope LIKE 'appointment:%'",
}
STATES = {"active": "o.withdrawn_at IS NULL", "ended": "o.withdrawn_at IS NOT NULL"}


def page(
    connection: Connection,
    *,
    origin: str = "",
    channel: str = "",
    scope: str = "",
    state: str = "",
    ufs: Sequence[str] | None = None,
    keys: Sequence[bytes] = (),
    before: int,
    limit: int,
) -> Sequence[Record]:
    """The latest objections before a key. `ufs`: about patients of these services, or about a
    number alone; None: all. `keys`: at these addresses only."""
    wanted = [
        found[name]
        for found, name in (
            (ORIGINS, origin), (CHANNELS, channel), (SCOPES, scope), (STATES, state)
        )
        if name in found
    ]  # fmt: skip
    named: dict[str, object] = {f"k{number}": key for number, key in enumerate(keys)}
    if named:
        wanted.append(f"o.address_key IN ({', '.join(f':{name}' for name in named)})")
    if ufs is not None:
        wanted.append(
            "(o.patient_id IS NULL OR EXISTS (SELECT 1 FROM appointment a "
            "WHERE a.patient_id = o.patient_id AND a.uf IN :ids)) "
            "AND (o.scope = 'all' OR v.uf IN :ids "
            "OR (o.scope LIKE 'service:%' AND substr(o.scope, 9) IN :ids))"
        )
    sql = (
        "SELECT o.id, o.patient_id, o.channel, o.scope, o.origin, o.recorded_at, o.recorded_by, "
        "o.withdrawn_at, o.withdrawn_by, COALESCE(p.family, '') AS family, "
        "COALESCE(p.given, '') AS given, COALESCE(p.identifier, '') AS identifier, "
        "COALESCE(p.merged_into, p.id) AS person, v.starts_at, v.uf FROM objection o "
        "LEFT JOIN patient p ON p.id = o.patient_id LEFT JOIN appointment v "
        "ON v.patient_id = o.patient_id AND o.scope = 'appointment:' || CAST(v.id AS TEXT) "
        f"WHERE {' AND '.join(['o.id < :before', *wanted])} ORDER BY o.id DESC LIMIT :limit"
    )
    if ufs is None:
        return rows(connection, sql, before=before, limit=limit, **named)
    return among(connection, sql, list(ufs), before=before, limit=limit, **named)
