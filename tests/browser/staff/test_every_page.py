"""Every page in a real browser, at both widths: axe-core, no sideways scrolling, no attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from reminders.domain.access import Role
from reminders.web.staff.visit import Route
from tests.support.door import DOORS, MOMENTS, Moment, attacked, typed
from tests.support.every_page import PAGES, address_in, name_of, role_for
from tests.support.looking import TELEPHONE, look_at
from tests.support.office import Office
from tests.support.stores import SqliteFiles
from tests.support.workday import ATTACKS, workday

DOWNLOADS = {"/oppositions/export"}
HTML_PAGES = [one for one in PAGES if one.path not in DOWNLOADS]


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("pages"))) as store:
        yield workday(store)


@pytest.fixture(scope="module")
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


@pytest.fixture(scope="module")
def pages(browser: Browser, office: Office, address: str) -> Iterator[dict[Role, Page]]:
    """A tab for each role, signed in."""
    tabs = {}
    for role in {role_for(route) for route in PAGES}:
        tabs[role] = browser.new_context(locale="fr-FR", viewport=TELEPHONE).new_page()
        office.sign_in(tabs[role], address, role)
    yield tabs
    for tab in tabs.values():
        tab.context.close()


@pytest.mark.parametrize("route", HTML_PAGES, ids=name_of)
def test_every_page_is_accessible_at_both_widths(
    route: Route, office: Office, address: str, pages: dict[Role, Page]
) -> None:
    page = pages[role_for(route)]
    answer = page.goto(address + address_in(office, route))
    assert answer is not None
    if "text/html" in answer.headers.get("content-type", ""):
        look_at(page)


@pytest.fixture(scope="module")
def doors(office: Office) -> Iterator[dict[bool, str]]:
    """The same office asking a second factor: a hospital's door, and the demo's."""
    with (
        office.served(second_factor=True) as at,
        office.served(second_factor=True, doors=DOORS) as demo,
    ):
        yield {False: at, True: demo}


@pytest.mark.parametrize("moment", MOMENTS, ids=name_of)
def test_the_door_is_accessible_in_each_of_its_states(
    moment: Moment, browser: Browser, office: Office, doors: dict[bool, str]
) -> None:
    with browser.new_context(locale="fr-FR", viewport=TELEPHONE) as context:
        page = context.new_page()
        typed(office, page, doors[moment.demo], moment)
        look_at(page)
        broken = "[...document.images].filter(one => !one.naturalWidth).length"
        assert page.evaluate(broken) == 0  # the picture of the second factor


def test_no_attack_runs(browser: Browser, sqlite_files: SqliteFiles, tmp_path: Path) -> None:
    """Names, replies, agendas and kinds that are programs stay words, page after page."""
    with sqlite_files.migrated(tmp_path) as store:
        besieged = workday(store, hostile=True)
        with besieged.served() as at, browser.new_context() as context:
            page = context.new_page()
            for role in (Role.MANAGER, Role.ADMINISTRATOR, Role.APPROVER):
                besieged.sign_in(page, at, role)
                for route in HTML_PAGES:
                    if role_for(route) == role:
                        page.goto(at + address_in(besieged, route))
                        assert page.evaluate("window.hit === undefined"), route.path


def test_no_attack_runs_at_the_door(
    browser: Browser, office: Office, doors: dict[bool, str]
) -> None:
    refused = [one for one in MOMENTS if one.name.startswith("wrong")]
    assert {one.path for one in refused} == {one.path for one in MOMENTS}
    with browser.new_context() as context:
        page = context.new_page()
        for moment in refused:
            for attack in ATTACKS:
                typed(office, page, doors[False], attacked(moment, attack))
                assert page.evaluate("window.hit === undefined"), moment.name
