"""Appointments to come, to show a text on; and texts to a member of staff's own phone."""

from collections.abc import Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, listed, reserve, rows, run
from reminders.store.planning import insert_plan
from reminders.store.types import DAY

# A service with nothing booked must not make a page look through years of appointments.
COMING = 60 * DAY


def coming(connection: Connection, ufs: Sequence[str], *, now: int, limit: int) -> Sequence[Record]:
    """The next booked appointments of these services, with what a text may say of their patient;
    `shared`: the number serves somebody else too. Whoever may not be written to is not shown."""
    if not ufs:
        return []
    return listed(
        connection,
        "SELECT a.id AS appointment_id, a.version, a.starts_at, a.uf, a.kind, a.external_id, "
        "a.duration_minutes, p.id AS patient_id, p.given, p.family, p.proxy, p.email, "
        "COALESCE(NULLIF(p.spoken, ''), p.language) AS language, "
        "CASE WHEN p.proxy_phone <> '' THEN p.proxy_phone ELSE p.phone END AS number, "
        "CASE WHEN p.phone <> '' AND EXISTS (SELECT 1 FROM patient o WHERE o.phone = p.phone "
        "AND o.id <> p.id) THEN 1 ELSE 0 END AS shared "
        "FROM appointment a JOIN patient p ON p.id = a.patient_id "
        "WHERE a.starts_at > :now AND a.starts_at < :until AND a.status = 'booked' "
        "AND a.uf IN :ids "
        "AND p.deceased = 0 AND p.blocked = '' AND p.merged_into IS NULL "
        "ORDER BY a.starts_at, a.id LIMIT :limit",
        list(ufs),
        now=now,
        until=now + COMING,
        limit=limit,
    ).all()


def add_test(
    connection: Connection,
    *,
    dedupe_key: str,
    account: str,
    recipient: str,
    recipient_key: bytes,
    purpose: str,
    language: str,
    family: str,
    body: str,
    at: int,
    until: int,
) -> int:
    """One message in the outbox that is about nobody: its key."""
    message = reserve(connection, "message", 1)
    insert_plan(
        connection,
        [],
        [
            (message, dedupe_key, "test", "sms", "PLANNED", 0, recipient, recipient_key, "", "",
             purpose, language, at, at, until, at, at)
        ],
        [],
    )  # fmt: skip
    run(
        connection,
        "INSERT INTO template_test (message_id, account, family, body, created_at) "
        "VALUES (:message, :account, :family, :body, :at)",
        message=message,
        account=account,
        family=family,
        body=body,
        at=at,
    )
    return message


def tests_of(connection: Connection, messages: Sequence[int]) -> dict[int, Record]:
    """message -> its family and text."""
    if not messages:
        return {}
    found = listed(
        connection,
        "SELECT message_id, family, body FROM template_test WHERE message_id IN :ids",
        list(messages),
    ).all()
    return {row.message_id: row for row in found}


def tests_since(connection: Connection, account: str, since: int) -> int:
    found = rows(
        connection,
        "SELECT COUNT(*) AS number FROM template_test "
        "WHERE account = :account AND created_at > :since",
        account=account,
        since=since,
    )
    return int(found[0].number)


def last_tests(connection: Connection, account: str, limit: int = 3) -> Sequence[Record]:
    """What became of somebody's last tests."""
    return rows(
        connection,
        "SELECT t.created_at, m.state, m.reason FROM template_test t "
        "JOIN message m ON m.id = t.message_id WHERE t.account = :account "
        "ORDER BY t.created_at DESC LIMIT :limit",
        account=account,
        limit=limit,
    )
