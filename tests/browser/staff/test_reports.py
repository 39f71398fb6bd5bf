"""The no-show report as a manager reads it before a board: without JavaScript, filtered by a link,
taken away as a workbook, and on paper."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.looking import look_at
from tests.support.office import Office, Role
from tests.support.reported import reported
from tests.support.stores import SqliteFiles


@pytest.fixture(scope="module")
def served(
    sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, str]]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("reports"))) as store:
        with ThreadPoolExecutor(1) as thread:  # the browser's loop counts as running in ours
            office = thread.submit(reported, store).result()
        with office.served() as address:
            yield office, address


@pytest.fixture
def page(browser: Browser, served: tuple[Office, str]) -> Iterator[Page]:
    office, address = served
    with browser.new_context(
        locale="fr-FR", viewport={"width": 1280, "height": 900}, java_script_enabled=False
    ) as context:
        tab = context.new_page()
        office.sign_in(tab, address, Role.MANAGER)
        yield tab


def test_a_report_is_filtered_shared_taken_away_and_printed(
    page: Page, served: tuple[Office, str], browser: Browser
) -> None:
    office, address = served
    page.goto(address)
    page.get_by_role("link", name="Rapports").first.click()
    page.get_by_label("De", exact=True).select_option("2026-10")
    page.get_by_label("À", exact=True).select_option("2026-10")
    page.get_by_role("button", name="Afficher").click()
    assert "du=2026-10" in page.url
    sentence = page.locator(".answer").inner_text()
    assert "En octobre 2026" in sentence
    expect(page.locator("svg[role=img]").first).to_be_visible()

    with browser.new_context(locale="fr-FR", viewport={"width": 360, "height": 740}) as other:
        shared = other.new_page()
        office.sign_in(shared, address, Role.MANAGER)
        shared.goto(page.url)  # the address is the report
        assert shared.locator(".answer").inner_text() == sentence
        look_at(shared)

    with page.expect_download() as taken:
        page.get_by_role("button", name="Classeur (XLSX)").click()
    assert taken.value.suggested_filename == "non-venues-2026-10-2026-10.xlsx"

    page.emulate_media(media="print")
    expect(page.locator("nav").first).to_be_hidden()
    expect(page.get_by_role("button", name="Afficher")).to_be_hidden()
    expect(page.locator(".answer")).to_be_visible()


PAPER = (710, 994)  # CSS pixels inside the margins of A4
TOO_FAR = """width => [...document.querySelectorAll("table, th, td, svg")]
    .filter(one => one.checkVisibility() && !one.closest(".away"))
    .filter(one => one.getBoundingClientRect().right > width + 1
        || (one.tagName == "TH" && one.scrollWidth > one.clientWidth + 1))
    .map(one => one.innerText || one.tagName)"""
TALL = "document.querySelector('.report').getBoundingClientRect().height"


@pytest.mark.parametrize("path", ["/rapports?du=2026-10&au=2026-10", "/rapports/temoin"])
def test_a_report_fits_its_paper(page: Page, served: tuple[Office, str], path: str) -> None:
    """No column is cut, and pages are filled: it printed twelve, with a picture above each table
    that said the same."""
    _, address = served
    page.goto(address + path)
    printed = page.pdf(prefer_css_page_size=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    page.set_viewport_size({"width": PAPER[0], "height": PAPER[1]})
    page.emulate_media(media="print")
    assert page.evaluate(TOO_FAR, PAPER[0]) == []
    tall = page.evaluate(TALL) / PAPER[1]
    assert pages <= 1 + ceil(1.15 * tall), f"{tall:.1f} pages of content on {pages}"
    headings = page.locator("section:visible > h2").count()
    assert pages <= max(2, ceil(headings / 3)), f"{headings} parts on {pages} pages"
