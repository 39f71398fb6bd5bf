"""Accounts of the staff: made, entered, locked, reset; and the sessions they hold.

A wrong login, a wrong password and a locked account get the same answer after the same work, so
that nobody learns who has an account. Every change is a line of the audit.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import BoundedSemaphore

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from reminders.domain.access import Grant, Role, Viewer
from reminders.domain.marking import N_, filled
from reminders.domain.phone import Kind, classify
from reminders.domain.sign_in import (
    CODE_LASTS,
    LOCKED,
    SECOND_FACTOR_WAITS,
    SPOKEN,
    STEP_SECONDS,
    TRIES,
    Lasting,
    password_problem,
)
from reminders.store import accounts, facts
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import MINUTE, instant, instant_or_none, micros

_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # none is mistaken for another
_hasher = PasswordHasher()  # Argon2id, RFC 9106's second recommendation: 64 MiB a hash
_few_at_once = BoundedSemaphore(4)  # or a crowd at the door would take all memory
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))
ISSUER = "Rappels"


class Refused(Exception):
    """What somebody asked for an account cannot be; `field` names what to correct."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


@dataclass(frozen=True, slots=True)
class Ticket:
    """A session just opened: the token goes to the browser and is kept nowhere else."""

    token: str
    stage: str  # code: the second factor is asked | enrol: it must be set up | open


@dataclass(frozen=True, slots=True)
class Present:
    """Who a session's token stands for."""

    viewer: Viewer
    session: int
    form_key: bytes
    stage: str
    stale: bool  # when it was last used has to be written down


# --- made and changed -------------------------------------------------------------------------


def create(
    store: Store,
    *,
    login: str,
    name: str,
    grants: Sequence[Grant],
    actor: str,
    now: datetime,
    language: str = SPOKEN[0],
) -> str:
    """Make an account, whose pages speak `language`; the one-time code to hand to its person.
    Raises Refused."""
    login = login.strip().lower()
    good = all(one.isalnum() or one in ".-_@" for one in login) and login.strip(".-_@")
    if not good or len(login) > 60:  # « .. » would be no address of a page
        raise Refused(N_("Identifiant attendu : lettres, chiffres, point, tiret ou @."), "login")
    if not name.strip():
        raise Refused(N_("Indiquer le nom de la personne."), "name")
    if language not in SPOKEN:
        raise Refused(N_("Cette langue n’est pas connue : fr ou en."), "language")
    code = _new_code()
    with store.write() as connection:
        made = accounts.add(
            connection,
            {
                "login": login,
                "name": name.strip()[:80],
                "phone": "",
                "language": language,
                "grants": written(grants),
                "code_hash": _digest(code),
                "code_until": micros(now + CODE_LASTS),
                "created_at": micros(now),
                "created_by": actor,
            },
        )
        if not made:
            taken = filled(N_("L’identifiant « %(login)s » est déjà pris."), login=login)
            raise Refused(taken, "login")
        _note(connection, now, actor, "account.create", made, login=login)
    return code


def reset(store: Store, login: str, *, actor: str, now: datetime) -> str:
    """Forget password and second factor, end every session; a new one-time code. Raises Refused."""
    code = _new_code()
    with store.write() as connection:
        account = _known(accounts.by_login(connection, login.strip().lower()))
        accounts.change(
            connection,
            "reset",
            account.id,
            code_hash=_digest(code),
            code_until=micros(now + CODE_LASTS),
        )
        accounts.end_all(connection, account.id, at=micros(now))
        _note(connection, now, actor, "account.reset", account.id)
    return code


def allow(store: Store, login: str, grants: Sequence[Grant], *, actor: str, now: datetime) -> None:
    """Give these roles instead of those held. Raises Refused for the last administrator."""
    with store.write() as connection:
        account = _known(accounts.by_login(connection, login))
        accounts.change(connection, "grants", account.id, grants=written(grants))
        if accounts.administrators(connection) == 0:
            raise Refused(N_("Il faut garder un compte d’administrateur au moins."), "grants")
        codes = ",".join(sorted(str(one.role) for one in grants))
        _note(connection, now, actor, "account.grants", account.id, roles=codes)


def set_enabled(store: Store, login: str, enabled: bool, *, actor: str, now: datetime) -> None:
    """Let somebody in again, or shut them out and end their sessions. Raises Refused."""
    with store.write() as connection:
        account = _known(accounts.by_login(connection, login))
        if enabled:
            accounts.change(connection, "enable", account.id)
        else:
            accounts.change(connection, "disable", account.id, at=micros(now))
            accounts.end_all(connection, account.id, at=micros(now))
            if accounts.administrators(connection) == 0:
                raise Refused(N_("Il faut garder un compte d’administrateur au moins."))
        _note(
            connection, now, actor, "account.enable" if enabled else "account.disable", account.id
        )


def unlock(store: Store, login: str, *, actor: str, now: datetime) -> None:
    with store.write() as connection:
        account = _known(accounts.by_login(connection, login))
        accounts.change(connection, "unlock", account.id)
        _note(connection, now, actor, "account.unlock", account.id)


def set_profile(
    store: Store, viewer: Viewer, *, name: str, phone: str, language: str, now: datetime
) -> None:
    """One's own name, telephone (E.164 or as one writes it) and language. Raises Refused."""
    number = ""
    if phone.strip():
        found = classify(phone)
        if found.kind is not Kind.MOBILE or not found.e164:
            raise Refused(
                N_("Un numéro de mobile est attendu, par exemple 06 39 98 00 00."), "phone"
            )
        number = found.e164
    if not name.strip():
        raise Refused(N_("Indiquer votre nom."), "name")
    with store.write() as connection:
        accounts.change(
            connection,
            "profile",
            viewer.account,
            name=name.strip()[:80],
            phone=number,
            language=language if language in SPOKEN else SPOKEN[0],
        )
        _note(connection, now, viewer.login, "account.profile", viewer.account)


def set_language(store: Store, viewer: Viewer, language: str) -> None:
    with store.write() as connection:
        accounts.change(connection, "language", viewer.account, language=language)


def change_password(store: Store, present: Present, old: str, new: str, *, now: datetime) -> None:
    """Ends every other session of the account. Raises Refused."""
    with store.read() as connection:
        account = _known(accounts.by_id(connection, present.viewer.account))
    if not _matches(account.password, old):
        raise Refused(N_("Le mot de passe actuel n’est pas celui-là."), "old")
    if problem := password_problem(new, account.login):
        raise Refused(problem, "new")
    hashed = _hash(new)
    with store.write() as connection:
        accounts.change(connection, "password", account.id, password=hashed)
        accounts.end_all(connection, account.id, at=micros(now), but=present.session)
        _note(connection, now, account.login, "account.password", account.id)


# --- signing in ---------------------------------------------------------------------------------

WRONG = N_(
    "Identifiant ou mot de passe incorrect. Après cinq essais, le compte attend quinze minutes."
)

WRONG_FIGURES = N_(
    "Ce code n’est pas le bon. Attendre le suivant et le recopier. Après cinq essais, le compte "
    "attend quinze minutes."
)


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
    good = _matches(account.password if account else _NOBODY, password)
    if account is None:
        raise Refused(WRONG)
    locked = instant_or_none(account.locked_until)
    if not good or account.disabled_at is not None or (locked is not None and locked > now):
        with store.write() as connection:
            if not good:
                _failed(connection, account, now)
            _note(connection, now, account.login, "sign-in.refused", account.id)
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
    hashed = _hash(password)
    wrong = Refused(
        N_("Ce code n’est pas le bon, a déjà servi, ou date de plus de 48 heures."), "code"
    )
    with store.read() as connection:
        account = accounts.by_login(connection, login.strip().lower())
    if account is None or account.disabled_at is not None or _is_locked(account, now):
        raise wrong
    with store.write() as connection:
        done = accounts.use_code(connection, account.id, _digest(code), hashed, at=micros(now))
        if not done:
            _failed(connection, account, now)
        _note(connection, now, account.login, "sign-in.first" if done else "sign-in.refused",
              account.id)  # fmt: skip
    if not done:
        raise wrong
    return str(account.language)


def enrolment(store: Store, present: Present) -> str:
    """The secret of a second factor, base32, made once until it is confirmed. Raises Refused."""
    with store.write() as connection:
        account = _known(accounts.by_id(connection, present.viewer.account))
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
        account = _known(accounts.by_id(connection, present.viewer.account))
    if _is_locked(account, now):
        raise wrong
    step = _step_of(account.totp, code, now)
    with store.write() as connection:
        if step is None or not accounts.take_step(connection, account.id, step):
            _failed(connection, account, now)
            _note(connection, now, account.login, "sign-in.refused", account.id)
            step = None
        else:
            accounts.end(connection, present.session, account.id, at=micros(now))
    if step is None:
        raise wrong
    return enter(store, account.id, browser=browser, lasting=lasting, now=now)


def enter(store: Store, account: int, *, browser: str, lasting: Lasting, now: datetime) -> Ticket:
    """Open a session without asking anything more."""
    with store.write() as connection:
        found = _known(accounts.by_id(connection, account))
        accounts.change(connection, "signed_in", account, at=micros(now))
        _note(connection, now, found.login, "sign-in", account)
    return _open(store, found, "open", lasting.most, browser, now)


def enter_as(store: Store, login: str, *, browser: str, lasting: Lasting, now: datetime) -> Ticket:
    """Open a session of an account by its login, asking nothing: the demo's doors. Raises
    Refused."""
    with store.read() as connection:
        account = _known(accounts.by_login(connection, login))
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
            _note(connection, now, present.viewer.login, "sign-out", present.viewer.account)
        return ended


def forget_sessions(store: Store, before: int) -> int:
    """Delete sessions that expired before an instant (µs): how many."""
    with store.write() as connection:
        return accounts.forget_sessions(connection, before=before)


# --- shown --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sitting:
    """One open session, for its person to recognise."""

    session: int
    browser: str
    opened_at: datetime
    seen_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An account as a page shows it. `state`: open | waiting | locked | disabled."""

    login: str
    name: str
    phone: str
    language: str
    grants: tuple[Grant, ...]
    state: str
    second_factor: bool
    signed_in_at: datetime | None
    locked_until: datetime | None
    sessions: Sequence[Sitting] = ()


def has_accounts(store: Store) -> bool:
    with store.read() as connection:
        return bool(accounts.page(connection, after="", limit=1))


def own(store: Store, present: Present, *, now: datetime) -> Told:
    """One's own account with its open sessions."""
    with store.read() as connection:
        found = _known(accounts.by_id(connection, present.viewer.account))
        sittings = accounts.sessions(connection, found.id, at=micros(now), limit=20)
    return _told(
        found,
        now,
        [
            Sitting(
                one.id,
                one.browser,
                instant(one.created_at),
                instant(one.seen_at),
                one.id == present.session,
            )
            for one in sittings
        ],
    )


def account(store: Store, login: str, *, now: datetime) -> Told | None:
    with store.read() as connection:
        found = accounts.by_login(connection, login)
    return None if found is None else _told(found, now)


def everybody(store: Store, *, after: str, limit: int, now: datetime) -> list[Told]:
    """Accounts in the order of their logins, after one of them."""
    with store.read() as connection:
        return [_told(one, now) for one in accounts.page(connection, after=after, limit=limit)]


def _told(found: Record, now: datetime, sittings: Sequence[Sitting] = ()) -> Told:
    if found.disabled_at is not None:
        state = "disabled"
    elif _is_locked(found, now):
        state = "locked"
    else:
        state = "open" if found.password else "waiting"
    return Told(
        login=found.login,
        name=found.name,
        phone=found.phone,
        language=found.language,
        grants=read_grants(found.grants),
        state=state,
        second_factor=bool(found.totp_confirmed),
        signed_in_at=instant_or_none(found.signed_in_at),
        locked_until=instant_or_none(found.locked_until),
        sessions=sittings,
    )


# --- parts --------------------------------------------------------------------------------------


def written(grants: Sequence[Grant]) -> str:
    return json.dumps([{"role": g.role, "site": g.site, "uf": g.uf} for g in grants])


def read_grants(text: str) -> tuple[Grant, ...]:
    return tuple(Grant(Role(one["role"]), one["site"], one["uf"]) for one in json.loads(text))


def open_doors(
    store: Store, doors: Mapping[str, tuple[str, Sequence[Grant]]], *, now: datetime
) -> None:
    """The demo's accounts, login -> (name, grants): without a password, nobody else gets in."""
    for login, (name, grants) in doors.items():
        with suppress(Refused):  # it is there already
            create(store, login=login, name=name, grants=grants, actor="démonstration", now=now)


def _new_code() -> str:
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    return "-".join(groups)


def _digest(code: str) -> bytes:
    plain = "".join(one for one in code.upper() if one.isalnum())
    return sha256(plain.encode()).digest()


def _hash(password: str) -> str:
    with _few_at_once:
        return _hasher.hash(password)


def _matches(hashed: str, password: str) -> bool:
    try:
        with _few_at_once:
            return _hasher.verify(hashed or _NOBODY, password) and bool(hashed)
    except (VerificationError, InvalidHashError):
        return False


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """The 30-second step a code belongs to: the present one or a neighbour (RFC 6238 §5.2)."""
    plain = "".join(one for one in code if one.isdigit())
    if not secret or len(plain) != 6:
        return None
    totp = pyotp.TOTP(secret)
    for near in (0, -1, 1):
        moment = now + timedelta(seconds=near * STEP_SECONDS)
        if secrets.compare_digest(totp.at(moment), plain):
            return int(moment.timestamp()) // STEP_SECONDS
    return None


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


def _is_locked(account: Record, now: datetime) -> bool:
    until = instant_or_none(account.locked_until)
    return until is not None and until > now


def _known(account: Record | None) -> Record:
    if account is None:
        raise Refused(N_("Ce compte n’existe pas."), "login")
    return account


def _note(
    connection: Connection, now: datetime, actor: str, action: str, account: int, **detail: object
) -> None:
    facts.audit(
        connection,
        at=micros(now),
        actor=actor,
        action=action,
        subject=f"account:{account}",
        **detail,
    )
