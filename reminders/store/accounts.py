"""Accounts and their sessions. A verb is one conditional UPDATE."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from reminders.store.engine import Record, reserve, rows, run

ACCOUNT = (
    "a.id, a.login, a.name, a.phone, a.language, a.grants, a.password, a.code_hash, a.code_until, "
    "a.totp, a.totp_confirmed, a.totp_step, a.failures, a.locked_until, a.created_at, "
    "a.signed_in_at, a.disabled_at"
)


def add(connection: Connection, values: Mapping[str, object]) -> int:
    """The key of the new account; 0 if the login is taken."""
    key = reserve(connection, "account", 1)
    changed = run(
        connection,
        "INSERT INTO account (id, login, name, phone, language, grants, code_hash, code_until, "
        "created_at, created_by) VALUES (:id, :login, :name, :phone, :language, :grants, "
        ":code_hash, :code_until, :created_at, :created_by) ON CONFLICT (login) DO NOTHING",
        id=key,
        **values,
    )
    return key if changed else 0


def by_login(connection: Connection, login: str) -> Record | None:
    return _one(rows(connection, f"SELECT {ACCOUNT} FROM account a WHERE login = :l", l=login))


def by_id(connection: Connection, account: int) -> Record | None:
    return _one(rows(connection, f"SELECT {ACCOUNT} FROM account a WHERE id = :i", i=account))


def page(connection: Connection, *, after: str, limit: int) -> Sequence[Record]:
    return rows(
        connection,
        f"SELECT {ACCOUNT}, (SELECT count(*) FROM staff_session s WHERE s.account_id = a.id "
        "AND s.ended_at IS NULL) AS sessions FROM account a WHERE a.login > :after "
        "ORDER BY a.login LIMIT :limit",
        after=after,
        limit=limit,
    )


def names(connection: Connection, limit: int = 10_000) -> dict[str, str]:
    """login -> name, also of those who left: what they did keeps their name."""
    found = rows(connection, "SELECT login, name FROM account LIMIT :limit", limit=limit)
    return {one.login: one.name for one in found}


def administrators(connection: Connection) -> int:
    """How many may still manage accounts: administrators of the whole hospital."""
    found = rows(
        connection,
        "SELECT count(*) AS n FROM account WHERE disabled_at IS NULL AND grants LIKE :everywhere",
        everywhere='%{"role": "administrator", "site": "", "uf": ""}%',
    )
    return int(found[0].n)


CHANGES = {
    name: f"UPDATE account SET {sets} WHERE id = :id"
    for name, sets in {
        "profile": "name = :name, phone = :phone, language = :language",
        "grants": "grants = :grants",
        "language": "language = :language",
        "disable": "disabled_at = COALESCE(disabled_at, :at)",
        "enable": "disabled_at = NULL, failures = 0, locked_until = NULL",
        "unlock": "failures = 0, locked_until = NULL",
        "reset": "password = '', totp = '', totp_confirmed = 0, totp_step = 0, failures = 0, "
        "locked_until = NULL, code_hash = :code_hash, code_until = :code_until",
        "rehash": "password = :password",
        "password": "password = :password, failures = 0, locked_until = NULL",
        "totp": "totp = :totp, totp_confirmed = 0",
        "signed_in": "failures = 0, locked_until = NULL, signed_in_at = :at",
    }.items()
}


def change(connection: Connection, what: str, account: int, **values: object) -> bool:
    return run(connection, CHANGES[what], id=account, **values) == 1


def use_code(connection: Connection, account: int, code: bytes, password: str, *, at: int) -> bool:
    """The one-time code sets a first password, once."""
    return (
        run(
            connection,
            "UPDATE account SET password = :password, code_hash = :none, code_until = NULL, "
            "failures = 0, locked_until = NULL WHERE id = :id AND code_hash = :code "
            "AND code_hash <> :none AND code_until > :at",
            id=account,
            password=password,
            code=code,
            none=b"",
            at=at,
        )
        == 1
    )


def take_step(connection: Connection, account: int, step: int) -> bool:
    """A second factor's step is good once: false if it, or a later one, was already used."""
    return (
        run(
            connection,
            "UPDATE account SET totp_step = :step, totp_confirmed = 1 "
            "WHERE id = :id AND totp_step < :step",
            id=account,
            step=step,
        )
        == 1
    )


def failed(connection: Connection, account: int, *, tries: int, until: int) -> None:
    run(
        connection,
        "UPDATE account SET failures = CASE WHEN failures + 1 >= :tries THEN 0 "
        "ELSE failures + 1 END, locked_until = CASE WHEN failures + 1 >= :tries THEN :until "
        "ELSE locked_until END WHERE id = :id",
        id=account,
        tries=tries,
        until=until,
    )


# --- sessions ----------------------------------------------------------------------------------


def open_session(connection: Connection, values: Mapping[str, object]) -> int:
    key = reserve(connection, "staff_session", 1)
    run(
        connection,
        "INSERT INTO staff_session (id, token_hash, account_id, form_key, stage, browser, "
        "created_at, seen_at, expires_at) VALUES (:id, :token_hash, :account_id, :form_key, "
        ":stage, :browser, :at, :at, :expires_at)",
        id=key,
        **values,
    )
    return key


def session(
    connection: Connection, token_hash: bytes, *, at: int, idle_since: int
) -> Record | None:
    """The session of a token that still holds, with its account: one statement."""
    return _one(
        rows(
            connection,
            f"SELECT {ACCOUNT}, s.id AS session, s.form_key, s.stage, s.seen_at "
            "FROM staff_session s JOIN account a ON a.id = s.account_id "
            "WHERE s.token_hash = :hash AND s.ended_at IS NULL AND s.expires_at > :at "
            "AND s.seen_at > :idle AND a.disabled_at IS NULL",
            hash=token_hash,
            at=at,
            idle=idle_since,
        )
    )


def seen(connection: Connection, session: int, *, at: int) -> None:
    run(connection, "UPDATE staff_session SET seen_at = :at WHERE id = :id", id=session, at=at)


def end(connection: Connection, session: int, account: int, *, at: int) -> bool:
    return (
        run(
            connection,
            "UPDATE staff_session SET ended_at = :at "
            "WHERE id = :id AND account_id = :account AND ended_at IS NULL",
            id=session,
            account=account,
            at=at,
        )
        == 1
    )


def end_all(connection: Connection, account: int, *, at: int, but: int = 0) -> int:
    return run(
        connection,
        "UPDATE staff_session SET ended_at = :at "
        "WHERE account_id = :account AND id <> :but AND ended_at IS NULL",
        account=account,
        at=at,
        but=but,
    )


def sessions(connection: Connection, account: int, *, at: int, limit: int) -> Sequence[Record]:
    return rows(
        connection,
        "SELECT id, browser, created_at, seen_at FROM staff_session WHERE account_id = :account "
        "AND ended_at IS NULL AND expires_at > :at AND stage = 'open' "
        "ORDER BY seen_at DESC LIMIT :limit",
        account=account,
        at=at,
        limit=limit,
    )


def forget_sessions(connection: Connection, *, before: int) -> int:
    """Sessions that ended long ago."""
    return run(connection, "DELETE FROM staff_session WHERE expires_at < :at", at=before)


def _one(found: Sequence[Record]) -> Record | None:
    return found[0] if found else None
