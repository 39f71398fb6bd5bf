"""Accounts of the staff: made, changed, reset, shown. Every change is a line of the audit."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from reminders.domain.access import Grant, Role, Viewer
from reminders.domain.marking import N_, filled
from reminders.domain.phone import Kind, classify
from reminders.domain.sign_in import CODE_LASTS, SPOKEN
from reminders.services.passwords import digest, new_code
from reminders.store import accounts, facts
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, instant_or_none, micros


class Refused(Exception):
    """What somebody asked for an account cannot be; `field` names what to correct."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


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
    code = new_code()
    with store.write() as connection:
        made = accounts.add(
            connection,
            {
                "login": login,
                "name": name.strip()[:80],
                "phone": "",
                "language": language,
                "grants": written(grants),
                "code_hash": digest(code),
                "code_until": micros(now + CODE_LASTS),
                "created_at": micros(now),
                "created_by": actor,
            },
        )
        if not made:
            taken = filled(N_("L’identifiant « %(login)s » est déjà pris."), login=login)
            raise Refused(taken, "login")
        noted(connection, now, actor, "account.create", made, login=login)
    return code


def reset(store: Store, login: str, *, actor: str, now: datetime) -> str:
    """Forget password and second factor, end every session; a new one-time code. Raises Refused."""
    code = new_code()
    with store.write() as connection:
        account = known(accounts.by_login(connection, login.strip().lower()))
        accounts.change(
            connection,
            "reset",
            account.id,
            code_hash=digest(code),
            code_until=micros(now + CODE_LASTS),
        )
        accounts.end_all(connection, account.id, at=micros(now))
        noted(connection, now, actor, "account.reset", account.id)
    return code


def allow(store: Store, login: str, grants: Sequence[Grant], *, actor: str, now: datetime) -> None:
    """Give these roles instead of those held. Raises Refused for the last administrator."""
    with store.write() as connection:
        account = known(accounts.by_login(connection, login))
        accounts.change(connection, "grants", account.id, grants=written(grants))
        if accounts.administrators(connection) == 0:
            raise Refused(N_("Il faut garder un compte d’administrateur au moins."), "grants")
        codes = ",".join(sorted(str(one.role) for one in grants))
        noted(connection, now, actor, "account.grants", account.id, roles=codes)


def set_enabled(store: Store, login: str, enabled: bool, *, actor: str, now: datetime) -> None:
    """Let somebody in again, or shut them out and end their sessions. Raises Refused."""
    with store.write() as connection:
        account = known(accounts.by_login(connection, login))
        if enabled:
            accounts.change(connection, "enable", account.id)
        else:
            accounts.change(connection, "disable", account.id, at=micros(now))
            accounts.end_all(connection, account.id, at=micros(now))
            if accounts.administrators(connection) == 0:
                raise Refused(N_("Il faut garder un compte d’administrateur au moins."))
        noted(
            connection, now, actor, "account.enable" if enabled else "account.disable", account.id
        )


def unlock(store: Store, login: str, *, actor: str, now: datetime) -> None:
    with store.write() as connection:
        account = known(accounts.by_login(connection, login))
        accounts.change(connection, "unlock", account.id)
        noted(connection, now, actor, "account.unlock", account.id)


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
        noted(connection, now, viewer.login, "account.profile", viewer.account)


def set_language(store: Store, viewer: Viewer, language: str) -> None:
    with store.write() as connection:
        accounts.change(connection, "language", viewer.account, language=language)


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
        found = known(accounts.by_id(connection, present.viewer.account))
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
    elif is_locked(found, now):
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


def is_locked(account: Record, now: datetime) -> bool:
    until = instant_or_none(account.locked_until)
    return until is not None and until > now


def known(account: Record | None) -> Record:
    if account is None:
        raise Refused(N_("Ce compte n’existe pas."), "login")
    return account


def noted(
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
