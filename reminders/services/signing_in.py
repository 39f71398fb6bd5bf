"""Signing in, and the sessions it opens.

A wrong login, a wrong password and a locked account get the same answer after the same work, so
that nobody learns who has an account.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import pyotp

from reminders.domain.access import Viewer
from reminders.domain.marking import N_
from reminders.domain.sign_in import LOCKED, SECOND_FACTOR_WAITS, TRIES, Lasting, password_problem
from reminders.services.accounts import Present, Refused, is_locked, known, noted, read_grants
from reminders.services.passwords import digest, hash_of, matches, step_of
from reminders.store import accounts
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import MINUTE, instant_or_none, micros

ISSUER = "Rappels"
WRONG = N_(
    "Identifiant ou mot de passe incorrect. Après cinq essais, le compte attend quinze minutes."
)

WRONG_FIGURES = N_(
    "Ce code n’est pas le bon. Attendre le suivant et le recopier. Après cinq essais, le compte "
    "attend quinze minutes."
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session just opened: the token goes to the browser and is kept nowhere else."""

    token: str
    stage: str  # code: the second factor is asked | enrol: it must be set up | open


def sign_in(
    store: Store,
    login: str,
    password: str,
    *,
    second_factor: bool,
    browser: str,
    lasting: Lasting,
    now: datetime,
) -> Ticket:
    """Open a session by password; its stage says what is still asked. Raises Refused."""
    with store.read() as connection:
        account = accounts.by_login(connection, login.strip().lower())
    good = matches(account.password if account else "", password)
    if account is None:
        raise Refused(WRONG)
    locked = instant_or_none(account.locked_until)
    if not good or account.disabled_at is not None or (locked is not None and locked > now):
        with store.write() as connection:
            if not good:
                _failed(connection, account, now)
            noted(connection, now, account.login, "sign-in.refused", account.id)
        raise Refused(WRONG)
    if account.totp_confirmed:
        return _open(store, account, "code", SECOND_FACTOR_WAITS, browser, now)
    if second_factor:
        return _open(store, account, "enrol", SECOND_FACTOR_WAITS, browser, now)
    return enter(store, account.id, browser=browser, lasting=lasting, now=now)


def first_sign_in(store: Store, login: str, code: str, password: str, *, now: datetime) -> str:
    """Set the password by the one-time code; the account's language. Raises Refused."""
    if problem := password_problem(password, login.strip()):
        raise Refused(problem, "password")
    hashed = hash_of(password)
    wrong = Refused(
        N_("Ce code n’est pas le bon, a déjà servi, ou date de plus de 48 heures."), "code"
    )
    with store.read() as connection:
        account = accounts.by_login(connection, login.strip().lower())
    if account is None or account.disabled_at is not None or is_locked(account, now):
        raise wrong
    with store.write() as connection:
        done = accounts.use_code(connection, account.id, digest(code), hashed, at=micros(now))
        if not done:
            _failed(connection, account, now)
        noted(connection, now, account.login, "sign-in.first" if done else "sign-in.refused",
              account.id)  # fmt: skip
    if not done:
        raise wrong
    return str(account.language)


def enrolment(store: Store, present: Present) -> str:
    """The secret of a second factor, base32, made once until it is confirmed. Raises Refused."""
    with store.write() as connection:
        account = known(accounts.by_id(connection, present.viewer.account))
        if account.totp_confirmed:
            raise Refused(N_("Le second facteur est déjà en place."))
        if account.totp:
            return str(account.totp)
        secret = pyotp.random_base32()
        accounts.change(connection, "totp", account.id, totp=secret)
        return secret


def otpauth(secret: str, login: str) -> str:
    """The address an authenticator application reads (Key Uri Format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def prove(
    store: Store, present: Present, code: str, *, browser: str, lasting: Lasting, now: datetime
) -> Ticket:
    """The second factor: ends the waiting session and opens a real one. Raises Refused."""
    wrong = Refused(WRONG_FIGURES, "code")
    with store.read() as connection:
        account = known(accounts.by_id(connection, present.viewer.account))
    if is_locked(account, now):
        raise wrong
    step = step_of(account.totp, code, now)
    with store.write() as connection:
        if step is None or not accounts.take_step(connection, account.id, step):
            _failed(connection, account, now)
            noted(connection, now, account.login, "sign-in.refused", account.id)
            step = None
        else:
            accounts.end(connection, present.session, account.id, at=micros(now))
    if step is None:
        raise wrong
    return enter(store, account.id, browser=browser, lasting=lasting, now=now)


def enter(store: Store, account: int, *, browser: str, lasting: Lasting, now: datetime) -> Ticket:
    """Open a session without asking anything more."""
    with store.write() as connection:
        found = known(accounts.by_id(connection, account))
        accounts.change(connection, "signed_in", account, at=micros(now))
        noted(connection, now, found.login, "sign-in", account)
    return _open(store, found, "open", lasting.most, browser, now)


def enter_as(store: Store, login: str, *, browser: str, lasting: Lasting, now: datetime) -> Ticket:
    """Open a session of an account by its login, asking nothing: the demo's doors. Raises
    Refused."""
    with store.read() as connection:
        account = known(accounts.by_login(connection, login))
    return enter(store, account.id, browser=browser, lasting=lasting, now=now)


def present(
    store: Store, token: str, *, sites: Mapping[str, str], lasting: Lasting, now: datetime
) -> Present | None:
    """Who holds this token; None for one that ended, was revoked, or nobody used for long."""
    at = micros(now)
    with store.read() as connection:
        found = accounts.session(
            connection,
            sha256(token.encode()).digest(),
            at=at,
            idle_since=micros(now - lasting.idle),
        )
    if found is None:
        return None
    viewer = Viewer(
        account=found.id,
        login=found.login,
        name=found.name,
        grants=read_grants(found.grants),
        sites=sites,
        language=found.language,
    )
    stale = at - int(found.seen_at) > MINUTE
    return Present(viewer, found.session, bytes(found.form_key), found.stage, stale)


def sign_out(store: Store, present: Present, session: int = 0, *, now: datetime) -> bool:
    """End this session, or another one of the same account."""
    with store.write() as connection:
        ended = accounts.end(
            connection, session or present.session, present.viewer.account, at=micros(now)
        )
        if ended:
            noted(connection, now, present.viewer.login, "sign-out", present.viewer.account)
        return ended


def forget_sessions(store: Store, before: int) -> int:
    """Delete sessions that expired before an instant (µs): how many."""
    with store.write() as connection:
        return accounts.forget_sessions(connection, before=before)


def change_password(store: Store, present: Present, old: str, new: str, *, now: datetime) -> None:
    """Ends every other session of the account. Raises Refused."""
    with store.read() as connection:
        account = known(accounts.by_id(connection, present.viewer.account))
    if not matches(account.password, old):
        raise Refused(N_("Le mot de passe actuel n’est pas celui-là."), "old")
    if problem := password_problem(new, account.login):
        raise Refused(problem, "new")
    hashed = hash_of(new)
    with store.write() as connection:
        accounts.change(connection, "password", account.id, password=hashed)
        accounts.end_all(connection, account.id, at=micros(now), but=present.session)
        noted(connection, now, account.login, "account.password", account.id)


def _open(
    store: Store, account: Record, stage: str, lasts: timedelta, browser: str, now: datetime
) -> Ticket:
    token = secrets.token_urlsafe(32)
    with store.write() as connection:
        accounts.open_session(
            connection,
            {
                "token_hash": sha256(token.encode()).digest(),
                "account_id": account.id,
                "form_key": secrets.token_bytes(32),
                "stage": stage,
                "browser": browser[:120],
                "at": micros(now),
                "expires_at": micros(now + lasts),
            },
        )
    return Ticket(token, stage)


def _failed(connection: Connection, account: Record, now: datetime) -> None:
    accounts.failed(connection, account.id, tries=TRIES, until=micros(now + LOCKED))
