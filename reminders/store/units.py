"""What the pages own of services and protocols: versions, and the revision everybody follows.

Planners and senders hold the revision while they work (`held`), whoever changes the rules raises
it: so their transactions come before or after a change, never across it.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store import facts
from reminders.store.engine import Record, listed, reserve, rows, run
from reminders.store.planning import PATIENT_COLUMNS, among
from reminders.store.types import DAY

REVISION = "rules_revision"


def begin(connection: Connection) -> None:
    """The row of the revision exists from a process's first start on."""
    facts.add(connection, REVISION, "0")


def revision(connection: Connection, *, held: bool = False) -> int:
    """How often the rules of the pages have changed. `held`: not again before our commit."""
    lock = " FOR SHARE" if held and connection.dialect.name != "sqlite" else ""
    found = rows(connection, f"SELECT value FROM setting WHERE key = :key{lock}", key=REVISION)
    return int(found[0].value) if found else 0


def raise_revision(connection: Connection) -> int:
    """First in the transaction of a change: waits for those that hold the present one."""
    found = rows(
        connection,
        "INSERT INTO setting (key, value) VALUES (:key, '1') ON CONFLICT (key) DO UPDATE "
        "SET value = CAST(CAST(setting.value AS BIGINT) + 1 AS TEXT) RETURNING value",
        key=REVISION,
    )
    return int(found[0].value)


def services(connection: Connection) -> Sequence[Record]:
    """The version in force of each UF the pages own."""
    return rows(
        connection,
        "SELECT uf AS name, number, content, author, at FROM service_version v WHERE number = "
        "(SELECT MAX(o.number) FROM service_version o WHERE o.uf = v.uf) ORDER BY uf",
    )


def protocols(connection: Connection) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT protocol AS name, number, content, author, at FROM protocol_version v WHERE "
        "number = (SELECT MAX(o.number) FROM protocol_version o WHERE o.protocol = v.protocol) "
        "ORDER BY protocol",
    )


_NAMED = {"service_version": "uf", "protocol_version": "protocol"}


def add(
    connection: Connection,
    table: str,
    name: str,
    number: int,
    content: str,
    *,
    author: str,
    at: int,
) -> bool:
    """Write version `number`; False if somebody else's has it: nothing is written then."""
    return (
        run(
            connection,
            f"INSERT INTO {table} (id, {_NAMED[table]}, number, content, author, at) "
            "VALUES (:id, :name, :number, :content, :author, :at) "
            f"ON CONFLICT ({_NAMED[table]}, number) DO NOTHING",
            id=reserve(connection, table, 1),
            name=name,
            number=number,
            content=content,
            author=author,
            at=at,
        )
        > 0
    )


def history(
    connection: Connection, table: str, name: str, limit: int = 20, before: int = 2**62
) -> Sequence[Record]:
    """The versions of one UF or protocol, latest first."""
    return rows(
        connection,
        f"SELECT number, content, author, at FROM {table} WHERE {_NAMED[table]} = :name "
        "AND number < :before ORDER BY number DESC LIMIT :limit",
        name=name,
        before=before,
        limit=limit,
    )


def mark(connection: Connection, ufs: Sequence[str], now: int) -> int:
    """Everybody with an appointment to come in these services is planned again."""
    if not ufs:
        return 0
    return listed(
        connection,
        "UPDATE patient SET dirty = 1 WHERE id IN (SELECT a.patient_id FROM appointment a "
        "WHERE a.starts_at > :now AND a.uf IN :ids)",
        ufs,
        now=now,
    ).rowcount


def close_unmapped(connection: Connection, uf: str, *, by: str, at: int) -> int:
    """The task that asked for this service's settings is done."""
    return run(
        connection,
        "UPDATE task SET state = 'done', resolved_at = :at, resolved_by = :by, "
        "resolution = 'done' WHERE kind = 'unmapped_uf' AND subject = :subject "
        "AND state = 'open'",
        subject=f"uf:{uf}",
        at=at,
        by=by,
    )


_COMING = (
    "uf, COUNT(*) AS coming, COUNT(DISTINCT patient_id) AS patients, MIN(starts_at) AS first, "
    "MIN(agenda) AS agenda, MIN(NULLIF(place, '')) AS place, MIN(site_id) AS site"
)


def coming(connection: Connection, now: int) -> Sequence[Record]:
    """Per UF: its booked appointments to come, the first of them, and where the DPI says it is."""
    return rows(
        connection,
        f"SELECT {_COMING} FROM appointment "
        "WHERE starts_at > :now AND status = 'booked' GROUP BY uf ORDER BY uf",
        now=now,
    )


def coming_of(connection: Connection, ufs: Sequence[str], now: int) -> Sequence[Record]:
    """The same count for these UF only."""
    return among(
        connection,
        f"SELECT {_COMING} FROM appointment WHERE starts_at > :now "
        "AND status = 'booked' AND uf IN :ids GROUP BY uf",
        ufs,
        now=now,
    )


def concerned(
    connection: Connection, ufs: Sequence[str], *, now: int, limit: int
) -> Sequence[Record]:
    """The patients with appointments to come in these services, as planning reads them."""
    return among(
        connection,
        f"SELECT {PATIENT_COLUMNS} FROM patient WHERE id IN (SELECT a.patient_id "
        "FROM appointment a WHERE a.uf IN :ids AND a.starts_at > :now AND a.status = 'booked') "
        "ORDER BY id LIMIT :limit",
        ufs,
        now=now,
        limit=limit,
    )


# Decisions of the plan itself: not what answers somebody, what staff write, or an invitation.
_PLANNED = "{0}.step NOT LIKE 'ack:%' AND {0}.step NOT LIKE 'staff:%' AND {0}.step <> 'rebook'"


def week(
    connection: Connection, ufs: Sequence[str], *, now: int, end: int, reach: int
) -> Sequence[Record]:
    """What is decided for these services until `end`: per step, channel, state and reason.

    A decision without a moment counts where its appointment starts. The rows without a step
    count appointments that start by then and get nothing, by the reason decided last. `reach`:
    days before the appointment at which the earliest step opens.
    """
    return among(
        connection,
        "SELECT d.step, MAX(d.purpose) AS purpose, d.state, d.reason, "
        "COALESCE(m.channel, '') AS channel, "
        "COUNT(DISTINCT COALESCE(m.id, -d.id)) AS number "
        "FROM appointment a JOIN decision d ON d.appointment_id = a.id AND d.cycle = a.version "
        "LEFT JOIN message_item i ON i.decision_id = d.id AND d.state = 'PLANNED' "
        "LEFT JOIN message m ON m.id = i.message_id "
        "AND m.state NOT IN ('CANCELLED', 'REFUSED', 'EXPIRED', 'SUPPRESSED') "
        "WHERE a.uf IN :ids AND a.starts_at > :now AND a.starts_at < :last "
        f"AND a.status = 'booked' AND {_PLANNED.format('d')} AND d.step <> '*' "
        "AND COALESCE(d.opens_at, a.starts_at) >= :now "
        "AND COALESCE(d.opens_at, a.starts_at) < :end "
        "GROUP BY d.step, d.state, d.reason, COALESCE(m.channel, '') "
        "UNION ALL SELECT '', '', '', d.reason, '', COUNT(*) FROM appointment a "
        "JOIN decision d ON d.appointment_id = a.id AND d.cycle = a.version "
        "WHERE a.uf IN :ids AND a.starts_at > :now AND a.starts_at < :end "
        "AND a.status = 'booked' AND d.id = (SELECT MAX(o.id) FROM decision o WHERE "
        f"o.appointment_id = a.id AND o.cycle = a.version AND {_PLANNED.format('o')}) "
        "AND NOT EXISTS (SELECT 1 FROM decision p WHERE p.appointment_id = a.id "
        f"AND p.cycle = a.version AND p.state = 'PLANNED' AND {_PLANNED.format('p')}) "
        "GROUP BY d.reason",
        ufs,
        now=now,
        end=end,
        last=end + (reach + 3) * DAY,  # a weekend and a holiday move a step earlier
    )
