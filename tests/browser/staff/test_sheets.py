"""Writing a sheet in Chromium: its name, the draft that saves itself, and two windows at once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.staff.test_services import furnished
from tests.support.office import Office, Role
from tests.support.stores import SqliteFiles

NEW, WRITE = "/consignes/nouvelle", "/consignes/imagerie/modifier"
SAVED, SENTENCE = "#enregistre", "Phrase du SMS"


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield furnished(store)


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


@pytest.fixture
def context(browser: Browser, office: Office, address: str) -> Iterator[BrowserContext]:
    """A browser of the author's."""
    with browser.new_context(locale="fr-FR") as one:
        page = one.new_page()
        office.sign_in(page, address, Role.AUTHOR, login="zoe")
        page.close()
        yield one


def tab(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(address)
    return page


def expect_saved(page: Page, revision: int) -> None:
    kept = page.locator(f"{SAVED} [data-revision='{revision}']")
    expect(kept).to_contain_text("brouillon enregistré à", timeout=30_000)


def test_a_draft_saves_itself_once_it_has_a_name(context: BrowserContext, address: str) -> None:
    """Nothing is kept under half a name; then the tab may be closed without a button."""
    page = tab(context, address + NEW)
    page.get_by_label("Nom de la fiche").press_sequentially("jo")
    page.wait_for_timeout(4_000)  # longer than a draft waits
    expect(page.locator(SAVED)).to_have_text("pas encore de brouillon")
    page.get_by_label("Nom de la fiche").press_sequentially("ur")
    page.keyboard.press("Tab")  # the name is whole
    expect_saved(page, 1)
    page.get_by_label("Pour qui").select_option("uf:4300")
    expect_saved(page, 2)
    expect(page).to_have_url(f"{address}/consignes/jour/modifier")
    expect(page.get_by_label("Nom de la fiche")).not_to_be_editable()
    page.get_by_label(SENTENCE, exact=True).press_sequentially("Venir avec ses radios.")
    expect_saved(page, 3)
    page.close()
    again = tab(context, f"{address}/consignes/jour/modifier")
    expect(again.get_by_label(SENTENCE, exact=True)).to_have_value("Venir avec ses radios.")
    expect(again.get_by_label("Pour qui")).to_have_value("uf:4300")
    expect(again.locator(SAVED)).to_contain_text("Brouillon gardé")


def test_a_name_that_is_taken_is_said_at_once_and_another_saves(
    context: BrowserContext, address: str
) -> None:
    page = tab(context, address + NEW)
    page.get_by_label("Nom de la fiche").fill("imagerie")
    page.get_by_label(SENTENCE, exact=True).press_sequentially("Venir avec ses radios.")
    expect(page.locator(SAVED)).to_have_text(re.compile("Ce nom est déjà pris"), timeout=30_000)
    page.get_by_label("Nom de la fiche").fill("jour")
    page.get_by_label(SENTENCE, exact=True).focus()
    expect_saved(page, 1)


def test_two_windows_never_overwrite_each_other(context: BrowserContext, address: str) -> None:
    first, second = tab(context, address + WRITE), tab(context, address + WRITE)
    first.get_by_label(SENTENCE, exact=True).fill("Venir sans manger.")
    expect_saved(first, 1)
    second.get_by_label(SENTENCE, exact=True).fill("Venir avec une ordonnance.")
    expect(second.locator(SAVED)).to_contain_text("a changé dans une autre fenêtre", timeout=30_000)
    second.get_by_role("button", name="Garder le brouillon").click()
    expect(second.get_by_role("alert")).to_contain_text("Rien n’est perdu")
    expect(second.get_by_role("alert")).to_contain_text("manger")  # what the first one kept
    expect(second.get_by_label(SENTENCE, exact=True)).to_have_value("Venir avec une ordonnance.")
    untouched = tab(context, address + WRITE)
    expect(untouched.get_by_label(SENTENCE, exact=True)).to_have_value("Venir sans manger.")
    second.get_by_role("button", name="Garder le brouillon").click()  # having seen both
    expect(second.get_by_role("status").first).to_contain_text("Le brouillon est gardé.")
    expect(second.get_by_label(SENTENCE, exact=True)).to_have_value("Venir avec une ordonnance.")
