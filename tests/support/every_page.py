"""Every page of the staff, at an address that shows something: made from the table of routes."""

import re
from collections.abc import Callable, Mapping, Sequence

from reminders.domain.access import GIVES, Role
from reminders.web.staff.routes import ROUTES
from reminders.web.staff.visit import Route
from tests.support import door
from tests.support.door import MOMENTS, Moment
from tests.support.office import Clerk, Office, Response

PAGES = tuple(one for one in ROUTES if one.method == "GET")
VIEWS = (*PAGES, *MOMENTS)  # what is behind the door, and the door in all its states
PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")

# What a place in an address stands for: the rows it may be filled with, most telling first.
PLACES: Mapping[str, str] = {
    "task": "SELECT id FROM task WHERE state = 'open' AND appointment_id IS NOT NULL ORDER BY "
    "priority, id",
    "appointment": "SELECT t.appointment_id AS id FROM told t LEFT JOIN answer n "
    "ON n.appointment_id = t.appointment_id ORDER BY COALESCE(n.id, 999999), t.appointment_id",
    "patient": "SELECT a.patient_id AS id FROM told t "
    "JOIN appointment a ON a.id = t.appointment_id "
    "LEFT JOIN answer n ON n.appointment_id = a.id ORDER BY COALESCE(n.id, 999999), a.id",
    "objection": "SELECT id FROM objection WHERE patient_id IS NOT NULL AND withdrawn_at IS NULL "
    "UNION ALL SELECT 999999 ORDER BY 1",
    "login": "SELECT login AS id FROM account ORDER BY login",
    "hold": "SELECT id FROM hold WHERE released_at IS NULL ORDER BY id",
    "uf": "SELECT MIN(uf) AS id FROM appointment",
    "month": "SELECT month AS id FROM month_closing",
    "protocol": "SELECT 'default' AS id",
    "writing": "SELECT id FROM writing ORDER BY id",
    "modele": "SELECT 'confirm.fr.any.sms' AS id",
    "numero": "SELECT 1 AS id",
    "protocoles/name": "SELECT protocol AS id FROM protocol_version",
    "consignes/name": "SELECT sheet AS id FROM sheet_version",
    "consignes/number": "SELECT number AS id FROM sheet_version ORDER BY number DESC",
}


def name_of(one: Route | Moment) -> str:
    return f"{one.path} {one.name}" if isinstance(one, Moment) else f"{one.method} {one.path}"


def role_for(route: Route) -> Role:
    """A role that may open it: the one that sees most of it."""
    order = (Role.MANAGER, Role.ADMINISTRATOR, Role.APPROVER, Role.AGENT)
    return next(role for role in order if route.may is None or route.may in GIVES[role])


def address_in(office: Office, route: Route) -> str:
    """The route's address in this office. A place nobody named here fails."""
    return address_of(route, lambda sql: [row.id for row in office.rows(sql)[:1]])


def address_of(route: Route, ask: Callable[[str], Sequence[object]]) -> str:
    """The route's address where `ask` says which keys there are, for places and their rows."""

    def filled(found: re.Match[str]) -> str:
        folder = route.path.split("/")[1]
        name = found[1] if found[1] in PLACES else f"{folder}/{found[1]}"
        assert name in PLACES, f"say in tests/support/every_page.py what {{{name}}} stands for"
        keys = ask(PLACES[name])
        assert keys, f"there is nothing for {{{name}}}"
        return str(keys[0])

    return PLACE.sub(filled, route.path)


def shown(
    office: Office, one: Route | Moment, *, language: str = ""
) -> tuple[Clerk, Callable[[], Response]]:
    """Somebody at a browser, and what shows them this page."""
    if isinstance(one, Moment):
        return door.shown(office, one, language=language)
    role = role_for(one)
    clerk = office.clerk(role, login=f"{language}-{role}" if language else "")
    address = address_in(office, one)  # after it: the first account here is this one's
    if language:
        clerk.post("/compte/langue", langue=language)
    return clerk, lambda: clerk.get(address)
