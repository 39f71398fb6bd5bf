"""Every page in a real browser, at both widths: axe-core, no sideways scrolling, no attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from reminders.domain.access import Role
from reminders.web.staff.visit import Route
from tests.support.every_page import PAGES, address_in, name_of, role_for
from tests.support.office import Office
from tests.support.stores import SqliteFiles
from tests.support.workday import workday

WIDTHS = (1280, 360)
DOWNLOADS = {"/oppositions/export"}
HTML_PAGES = [one for one in PAGES if one.path not in DOWNLOADS]
DOOR = ("/connexion", "/connexion/premiere-fois")


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("pages"))) as store:
        yield workday(store)


@pytest.fixture(scope="module")
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


@pytest.fixture(scope="module")
def pages(browser: Browser, office: Office, address: str) -> Iterator[dict[tuple[Role, int], Page]]:
    """A tab for each role and width, signed in."""
    tabs = {}
    for width in WIDTHS:
        for role in {role_for(route) for route in PAGES}:
            context = browser.new_context(locale="fr-FR", viewport={"width": width, "height": 800})
            tabs[role, width] = context.new_page()
            office.sign_in(tabs[role, width], address, role)
    yield tabs
    for tab in tabs.values():
        tab.context.close()


def look_at(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide = page.evaluate(
        "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
    )
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("route", HTML_PAGES, ids=name_of)
def test_every_page_is_accessible_at_both_widths(
    route: Route, width: int, office: Office, address: str, pages: dict[tuple[Role, int], Page]
) -> None:
    page = pages[role_for(route), width]
    answer = page.goto(address + address_in(office, route))
    assert answer is not None
    if "text/html" in answer.headers.get("content-type", ""):
        look_at(page)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", DOOR)
def test_the_door_is_accessible(path: str, width: int, browser: Browser, address: str) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(address + path)
        look_at(page)


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
