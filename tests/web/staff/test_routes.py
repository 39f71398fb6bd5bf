"""Generated from the table of routes: who may open what, and what a foreign form changes."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from reminders.domain.access import GIVES, May, Role
from reminders.web.staff.routes import MENU, ROUTES
from reminders.web.staff.visit import Route
from tests.support.office import Clerk, Office, office_on
from tests.support.stores import SqliteFiles

POSTS = [one for one in ROUTES if one.method == "POST"]
CLOSED = 403


def address_of(route: Route) -> str:
    """The route with something in each of its places; nothing of the kind exists."""
    return re.sub(r"\{\w+(:\w+)?\}", lambda found: "999" if found[1] else "rien", route.path)


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("routes"))) as store:
        yield office_on(store)


@pytest.fixture(scope="module")
def clerks(office: Office) -> dict[Role, Clerk]:
    return {role: office.clerk(role) for role in Role}


@cache
def may(role: Role, route: Route) -> bool:
    return route.may is None or route.may in GIVES[role]


def ask(clerk: Clerk, route: Route) -> int:
    """The status; leaving is not tried: it would end the session of the next question."""
    address = address_of(route)
    if route.method == "GET":
        return int(clerk.get(address).status_code)
    return int(clerk.post(address).status_code)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.path != "/deconnexion"], ids=name_of)
def test_a_route_opens_to_the_roles_that_hold_its_permission(
    route: Route, clerks: dict[Role, Clerk]
) -> None:
    for role, clerk in clerks.items():
        status = ask(clerk, route)
        assert status < 500, (role, status)
        assert (status != CLOSED) == may(role, route), (role, status)


@pytest.mark.parametrize("route", [r for r in ROUTES if r.everywhere], ids=name_of)
def test_what_is_about_the_whole_hospital_opens_to_no_role_of_a_part(
    route: Route, office: Office
) -> None:
    """Every role at once, for one service."""
    part = office.clerk(*Role, login="partie", ufs=["4220"])
    assert ask(part, route) == CLOSED


def test_rights_the_audit_and_closed_months_are_about_the_whole_hospital(office: Office) -> None:
    whole = ("/comptes", "/journal", "/rapports/mois")
    assert all(one.everywhere for one in ROUTES if one.path.startswith(whole))
    decided = [r for r in ROUTES if r.may is May.APPROVE_TEMPLATES and "/modeles" in r.path]
    assert decided
    assert all(one.everywhere for one in decided)
    menu = office.clerk(*Role, login="partie", ufs=["4220"]).get("/").text
    assert 'href="/comptes"' not in menu
    assert 'href="/journal"' not in menu


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_stranger_is_led_to_the_door(route: Route, office: Office) -> None:
    stranger = office.visitor()
    address = address_of(route)
    answer = stranger.get(address) if route.method == "GET" else stranger.send(address, {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/connexion")


@pytest.mark.parametrize("route", POSTS, ids=name_of)
def test_a_form_without_this_sessions_token_changes_nothing(
    route: Route, office: Office, clerks: dict[Role, Clerk]
) -> None:
    clerk = next(clerks[role] for role in Role if may(role, route))
    other = office.clerk(Role.MANAGER, login="somebody-else")
    before = counted(office)
    address = address_of(route)
    foreign = {"sec-fetch-site": "cross-site"}
    elsewhere = {"origin": "https://evil.example"}
    for answer in (
        clerk.send(address, {}),
        clerk.send(address, {"jeton": "x"}),
        clerk.send(address, {"jeton": other.token()}),
        clerk.send(address, {"jeton": clerk.token()}, **foreign),
        clerk.send(address, {"jeton": clerk.token()}, **elsewhere),
    ):
        assert answer.status_code == CLOSED
    assert counted(office) == before


def counted(office: Office) -> list[tuple[str, int]]:
    """Rows of every table."""
    names = office.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [(one.name, office.value(f'SELECT count(*) FROM "{one.name}"')) for one in names]


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "GET"], ids=name_of)
def test_every_answer_carries_the_headers(route: Route, clerks: dict[Role, Clerk]) -> None:
    clerk = next(clerks[role] for role in Role if may(role, route))
    headers = clerk.get(address_of(route)).headers
    assert "unsafe" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_looking_changes_nothing_but_the_audit(office: Office, clerks: dict[Role, Clerk]) -> None:
    for clerk in clerks.values():
        clerk.get("/compte")
    before = dict(counted(office))
    for route in ROUTES:
        if route.method == "GET":
            for clerk in clerks.values():
                clerk.get(address_of(route))
    after = dict(counted(office))
    ours = {"audit", "sequence"}
    assert {n: c for n, c in after.items() if n not in ours} == {
        n: c for n, c in before.items() if n not in ours
    }


def test_no_two_routes_share_an_address() -> None:
    names = [name_of(route) for route in ROUTES]
    assert len(set(names)) == len(names)


def test_the_menu_leads_to_pages_that_exist_and_ask_the_same() -> None:
    known = {route.path: route.may for route in ROUTES if route.method == "GET"}
    for _, entries in MENU:
        for address, _, permission in entries:
            assert known.get(address) == permission, address


def test_every_permission_is_asked_somewhere_and_given_to_somebody() -> None:
    given = frozenset().union(*GIVES.values())
    assert given == set(May)
