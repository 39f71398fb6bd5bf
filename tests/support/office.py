"""The staff's pages over HTTP: a hospital with an account of each role, signed in or not.

`Office` is a `Mailroom` with pages. `office.clerk(Role.AGENT)` is a browser signed in as an agent;
`clerk.post` carries the token of the session's own forms. `office.served()` puts the same pages on
loopback for Chromium, and `office.sign_in(page, role)` enters there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Page

from reminders.domain.access import Grant, Role
from reminders.domain.sign_in import Lasting
from reminders.rendering import Renderer
from reminders.services import accounts, signing_in
from reminders.services.compose import Composer, Route
from reminders.store.engine import Store
from reminders.store.migrate import is_current
from reminders.web.internal import Inside, internal_app
from reminders.web.staff.visit import Staff
from tests.support.clinic import MONDAY, PARIS, settings_with
from tests.support.mailroom import LIVE, Mailroom
from tests.support.served import served

TOKEN = re.compile(r'name="jeton" value="([^"]+)"')
LONG = Lasting(timedelta(days=3_650), timedelta(days=3_650))  # tests let days pass
Response = Any  # httpx's


@dataclass
class Clerk:
    """Somebody at a browser without JavaScript."""

    client: TestClient
    login: str = ""

    def get(self, address: str) -> Response:
        return self.client.get(address, follow_redirects=False)

    def post(self, address: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Response:
        """Send a form of this session. A field may have several values."""
        return self.send(address, {"jeton": self.token(), **(fields or {}), **more})

    def send(self, address: str, fields: Mapping[str, Any], **headers: str) -> Response:
        """Send a form as it is, without the session's token."""
        return self.client.post(address, data=fields, headers=headers, follow_redirects=False)

    def follow(self, response: Response) -> Response:
        """The page a POST leads to."""
        assert response.status_code == 303, (response.status_code, response.text[:2_000])
        return self.get(response.headers["location"])

    def token(self) -> str:
        found = TOKEN.search(self.get("/compte").text)
        assert found is not None, "not signed in"
        return found[1]


@dataclass
class Office(Mailroom):
    doors: Mapping[str, str] = field(default_factory=dict)
    secure: bool = False
    second_factor: bool = False
    lasting: Lasting = LONG

    def staff(self) -> Staff:
        return Staff(
            store=self.store,
            settings=self.settings,
            rules=self.rules,
            secret=self.secret,
            zone=PARIS,
            now=lambda: self.now,
            composer=Composer(self.rules, Renderer()),
            routes=self.routes,
            is_current=lambda: is_current(self.store),
            doors=self.doors,
            secure=self.secure,
            second_factor=self.second_factor,
            lasting=self.lasting,
        )

    def app(self, **changes: Any) -> FastAPI:
        staff = replace(self.staff(), **changes)
        inside = Inside(
            store=self.store,
            zone=PARIS,
            mode=self.settings.mode,
            now=lambda: self.now,
            resting=dict,
            is_current=lambda: is_current(self.store),
        )
        return internal_app(inside, staff)

    def visitor(self, **changes: Any) -> Clerk:
        """Somebody who is not signed in."""
        scheme = "https" if self.secure else "http"
        return Clerk(TestClient(self.app(**changes), base_url=f"{scheme}://rappels.example.org"))

    def hire(
        self, *roles: Role, login: str = "", name: str = "", sites: Sequence[str] = (),
        ufs: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """An account of these roles, everywhere or at these places; its login."""
        login = login or "-".join(roles)
        places = [(site, "") for site in sites] + [("", uf) for uf in ufs] or [("", "")]
        grants = [Grant(role, site, uf) for role in roles for site, uf in places]
        with_name = name or f"{login.title()} Exemple"
        known = accounts.account(self.store, login, now=self.now)
        if known is None:
            accounts.create(
                self.store, login=login, name=with_name, grants=grants, actor="tests", now=self.now
            )
        return login

    def clerk(self, *roles: Role, **where: Any) -> Clerk:
        """Somebody of these roles, signed in."""
        login = self.hire(*roles, **where)
        one = self.visitor()
        ticket = self.ticket(login)
        name = "__Host-session" if self.secure else "session"
        one.client.cookies.set(name, ticket, domain="rappels.example.org")
        one.login = login
        return one

    def ticket(self, login: str) -> str:
        return signing_in.enter_as(
            self.store, login, browser="Firefox, Linux", lasting=self.lasting, now=self.now
        ).token

    @contextmanager
    def served(self, **changes: Any) -> Iterator[str]:
        """The pages on loopback: their address."""
        with served(self.app(**changes)) as address:
            yield address

    def sign_in(self, page: Page, address: str, *roles: Role, **where: Any) -> None:
        """A real browser, signed in, on the first page."""
        ticket = self.ticket(self.hire(*roles, **where))
        page.context.add_cookies([{"name": "session", "value": ticket, "url": address}])
        page.goto(address)


def office_on(store: Store, *, now: datetime = MONDAY, **changes: Any) -> Office:
    """An office that sends, its texts and pacers in place."""
    settings = settings_with(**{**LIVE, **changes})
    routes = (Route("main", "sms", "reply", price_eur=0.06), Route("email", "email"))
    return Office(store, now=now, settings=settings, routes=routes)


__all__ = ["Clerk", "Office", "Role", "office_on"]
