"""Every page of the door in every state somebody may see it in: first, refused, locked.

A `Moment` is a page of the door and what was typed there just before. It is shown the same way
over HTTP (`shown`) and in Chromium (`typed`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pyotp
from playwright.sync_api import Page

from reminders.domain.access import Grant, Role
from reminders.domain.sign_in import TRIES
from reminders.services import accounts, signing_in
from tests.support.office import Clerk, Office, Response

PASSWORD = "une phrase que je retiens"
LOGIN, CODE = "{login}", "{code}"  # of the account made for the moment
DOORS = {"agent": "Nadia Marchand"}  # the demo's
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Moment:
    name: str
    path: str
    stage: str = ""  # the session already waits for this: code | enrol
    fields: Sequence[tuple[str, str]] = ()  # what is typed there
    times: int = 1  # how often
    demo: bool = False


def _password(typed: str, login: str = LOGIN) -> tuple[tuple[str, str], ...]:
    return ("identifiant", login), ("mot_de_passe", typed)


def _chosen(code: str, password: str, again: str) -> tuple[tuple[str, str], ...]:
    return (*_password(password), ("code", code), ("encore", again))


WRONG, SHUT = "pas la bonne phrase", TRIES + 1
FIRST = "/connexion/premiere-fois"
FIGURES = (("code", "000 000"),)
MOMENTS = (
    Moment("first view", "/connexion"),
    Moment("demo", "/connexion", demo=True),
    Moment("wrong password", "/connexion", fields=_password(WRONG)),
    Moment("nobody", "/connexion", fields=_password(WRONG, "nobody")),
    Moment("locked", "/connexion", fields=_password(WRONG), times=SHUT),
    Moment("first view", FIRST),
    Moment("wrong code", FIRST, fields=_chosen("AAAA-BBBB-CCCC-DDDD", PASSWORD, PASSWORD)),
    Moment("easy password", FIRST, fields=_chosen(CODE, "motdepasse123", "motdepasse123")),
    Moment("two passwords", FIRST, fields=_chosen(CODE, PASSWORD, WRONG)),
    Moment("locked", FIRST, fields=_chosen("AAAA", PASSWORD, PASSWORD), times=SHUT),
    Moment("chosen", FIRST, fields=_chosen(CODE, PASSWORD, PASSWORD)),
    Moment("first view", "/connexion/code", "code"),
    Moment("wrong code", "/connexion/code", "code", FIGURES),
    Moment("locked", "/connexion/code", "code", FIGURES, SHUT),
    Moment("first view", "/connexion/application", "enrol"),
    Moment("wrong code", "/connexion/application", "enrol", FIGURES),
    Moment("locked", "/connexion/application", "enrol", FIGURES, SHUT),
)  # fmt: skip


def attacked(moment: Moment, attack: str) -> Moment:
    """The same moment, whatever is typed in the open being an attack."""
    open_fields = ("identifiant", "code")
    typed = [(name, attack if name in open_fields else text) for name, text in moment.fields]
    return replace(moment, fields=typed)


def shown(
    office: Office, moment: Moment, *, language: str = ""
) -> tuple[Clerk, Callable[[], Response]]:
    """A visitor, and what shows them the moment: the last thing asked of the server."""
    login, code = _hired(office)
    visitor = office.visitor(second_factor=True, doors=DOORS if moment.demo else {})
    if moment.stage:
        ticket = _waiting(office, login, code, moment.stage)
        visitor.client.cookies.set("session", ticket, domain="rappels.example.org")
    if language:
        visitor.client.post("/connexion/langue", data={"langue": language})
    if not moment.fields:
        return visitor, lambda: visitor.get(moment.path)
    fields = _filled(moment, login, code)
    for _ in range(moment.times - 1):
        visitor.send(moment.path, fields)
    return visitor, lambda: visitor.send(moment.path, fields)


def typed(office: Office, page: Page, address: str, moment: Moment) -> None:
    """The same in a browser: the page is left as the moment shows it."""
    login, code = _hired(office)
    if moment.stage:
        ticket = _waiting(office, login, code, moment.stage)
        page.context.add_cookies([{"name": "session", "value": ticket, "url": address}])
    page.goto(address + moment.path)
    for _ in range(moment.times if moment.fields else 0):
        for name, text in _filled(moment, login, code).items():
            page.locator(f"[name={name}]").fill(text)
        page.locator("button.main").click()


def _filled(moment: Moment, login: str, code: str) -> dict[str, str]:
    own = {LOGIN: login, CODE: code}
    return {name: own.get(text, text) for name, text in moment.fields}


def _hired(office: Office) -> tuple[str, str]:
    """A new account: its login and its one-time code."""
    login = f"porte.{next(_numbers)}"
    grants = [Grant(Role.AGENT)]
    code = accounts.create(
        office.store, login=login, name="Zoé Exemple", grants=grants, actor="tests", now=office.now
    )
    return login, code


def _waiting(office: Office, login: str, code: str, stage: str) -> str:
    """The ticket of a session of this account that waits for its second factor."""
    store, now, lasting = office.store, office.now, office.lasting
    signing_in.first_sign_in(store, login, code, PASSWORD, now=now)
    ticket = _entered(office, login)
    if stage == "enrol":
        return ticket
    present = signing_in.present(store, ticket, sites={}, lasting=lasting, now=now)
    assert present is not None
    figures = pyotp.TOTP(signing_in.enrolment(store, present)).at(now)
    signing_in.prove(store, present, figures, browser="Firefox, Linux", lasting=lasting, now=now)
    return _entered(office, login)


def _entered(office: Office, login: str) -> str:
    return signing_in.sign_in(
        office.store, login, PASSWORD, second_factor=True, browser="Firefox, Linux",
        lasting=office.lasting, now=office.now,
    ).token  # fmt: skip
