"""Requests of other systems: each is answered once, and its repetition gets the same answer."""

from sqlalchemy import Connection

from reminders.store.engine import Record, rows, run


def claim_request(connection: Connection, key: str, body_hash: bytes, *, at: int) -> Record | None:
    """None: new, and ours to answer in this transaction; else the request as it was answered."""
    new = run(
        connection,
        "INSERT INTO request (key, body_hash, status, created_at) "
        "VALUES (:key, :hash, 0, :at) ON CONFLICT (key) DO NOTHING",
        key=key,
        hash=body_hash,
        at=at,
    )
    if new:
        return None
    return rows(
        connection, "SELECT body_hash, status, response FROM request WHERE key = :key", key=key
    )[0]


def answer_request(connection: Connection, key: str, status: int, response: str) -> None:
    run(
        connection,
        "UPDATE request SET status = :status, response = :response WHERE key = :key",
        status=status,
        response=response,
        key=key,
    )


def forget_request(connection: Connection, key: str) -> None:
    run(connection, "DELETE FROM request WHERE key = :key", key=key)
