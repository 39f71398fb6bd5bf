"""The pages of money with figures on them, in a real browser: axe-core, no sideways scrolling,
and on paper."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.looking import BOTH, SCREEN, look_at
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
def manager(
    browser: Browser, sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Page]]:
    """The address, and a manager's tab."""
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("money"))) as store:
        with ThreadPoolExecutor(1) as thread:  # the browser's loop counts as running in ours
            office = thread.submit(measured, store).result()
        with office.served() as address, browser.new_context(viewport=SCREEN) as context:
            page = context.new_page()
            office.sign_in(page, address, Role.MANAGER)
            yield address, page


@pytest.mark.parametrize("path", PAGES)
def test_figures_are_accessible_at_both_widths(path: str, manager: tuple[str, Page]) -> None:
    address, page = manager
    page.goto(address + path)
    for one in page.locator("details").all():
        one.evaluate("one => one.open = true")
    look_at(page)


def test_a_picture_is_whole_on_a_telephone_and_the_wide_one_on_paper(
    manager: tuple[str, Page],
) -> None:
    address, page = manager
    seen = """() => [...document.querySelectorAll("svg.chart")].filter(one => one.checkVisibility())
        .map(one => [one.classList.contains("narrow"), one.getBoundingClientRect().right
            <= one.closest("figure").getBoundingClientRect().right])"""
    page.goto(address + "/rapports/temoin")
    found = {}
    for size in BOTH:
        page.set_viewport_size(size)
        found[size["width"]] = page.evaluate(seen)
    page.emulate_media(media="print")
    paper = page.evaluate(seen)
    page.emulate_media(media="screen")
    page.set_viewport_size(SCREEN)
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
    path: str, manager: tuple[str, Page]
) -> None:
    """Formulas and unit costs printed as headings over nothing."""
    address, page = manager
    page.goto(address + path)
    page.emulate_media(media="print")
    said = page.locator(".paper:visible").all_inner_texts()
    back, folded = page.locator(".back:visible").count(), page.evaluate(UNFOLDED)
    page.emulate_media(media="screen")
    assert said[0] == "Centre hospitalier Exemple"
    assert "Imprimé le 01/06/2026 à 2\u00a0h\u00a000 par Manager Exemple" in said[-1]
    assert (back, folded) == (0, [])
