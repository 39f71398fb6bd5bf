"""The pages of money with figures on them, in a real browser: axe-core, no sideways scrolling,
and on paper."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.support.office import Role
from tests.support.stores import SqliteFiles
from tests.support.trial import measured

PAGES = (
    "/rapports/couts",
    "/rapports/economies",
    "/rapports/economies?h-no-shows=1&no-shows-n=200&h-slot=1&h-errors=1&errors-n=abc",
    "/rapports/economies/liste",
    "/rapports/mois",
    "/rapports/mois/2026-03",
    "/rapports/appels",
)


@pytest.fixture(scope="module")
def tabs(
    browser: Browser, sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[int, Page]]]:
    """The address, and a manager's tab of each width."""
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("money"))) as store:
        with ThreadPoolExecutor(1) as thread:  # the browser's loop counts as running in ours
            office = thread.submit(measured, store).result()
        with office.served() as address:
            found = {}
            for width in (1280, 360):
                context = browser.new_context(viewport={"width": width, "height": 800})
                found[width] = context.new_page()
                office.sign_in(found[width], address, Role.MANAGER)
            yield address, found
            for page in found.values():
                page.context.close()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", PAGES)
def test_figures_are_accessible_at_both_widths(
    path: str, width: int, tabs: tuple[str, dict[int, Page]]
) -> None:
    address, pages = tabs
    page = pages[width]
    page.goto(address + path)
    for one in page.locator("details").all():
        one.evaluate("one => one.open = true")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide = page.evaluate(
        "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
    )
    assert wide <= 0


def test_a_picture_is_whole_on_a_telephone_and_the_wide_one_on_paper(
    tabs: tuple[str, dict[int, Page]],
) -> None:
    address, pages = tabs
    seen = """() => [...document.querySelectorAll("svg.chart")].filter(one => one.checkVisibility())
        .map(one => [one.classList.contains("narrow"), one.getBoundingClientRect().right
            <= one.closest("figure").getBoundingClientRect().right])"""
    found = {}
    for width, page in pages.items():
        page.goto(address + "/rapports/temoin")
        found[width] = page.evaluate(seen)
    pages[360].emulate_media(media="print")
    paper = pages[360].evaluate(seen)
    pages[360].emulate_media(media="screen")
    assert found == {1280: [[False, True]], 360: [[True, True]]}
    assert [narrow for narrow, _ in paper] == [False]


UNFOLDED = """() => [...document.querySelectorAll(".report details:not(.noprint)")]
    .map(one => one.lastElementChild)
    .filter(one => !one.checkVisibility() || one.getBoundingClientRect().height < 5)
    .map(one => one.innerText)"""


@pytest.mark.parametrize(
    "path",
    ["/rapports/economies", "/rapports/temoin", "/rapports/mois/2026-03", "/rapports/couts"],
)
def test_on_paper_a_report_says_whose_it_is_and_hides_nothing_that_unfolds(
    path: str, tabs: tuple[str, dict[int, Page]]
) -> None:
    """Formulas and unit costs printed as headings over nothing."""
    address, pages = tabs
    page = pages[1280]
    page.goto(address + path)
    page.emulate_media(media="print")
    said = page.locator(".paper:visible").all_inner_texts()
    back, folded = page.locator(".back:visible").count(), page.evaluate(UNFOLDED)
    page.emulate_media(media="screen")
    assert said[0] == "Centre hospitalier Exemple"
    assert "Imprimé le 01/06/2026 à 2\u00a0h\u00a000 par Manager Exemple" in said[-1]
    assert (back, folded) == (0, [])
