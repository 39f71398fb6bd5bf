"""The notice and the statement on a telephone and a screen: readable by all, whole on paper."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from reminders.services.notice import notice_of
from reminders.web.documents import documents_router
from reminders.web.patient import patient_router
from tests.support.clinic import MONDAY, settings_with
from tests.support.looking import look_at
from tests.support.served import served
from tests.web.test_documents import FULL, PAGES

LONG = {
    "privacy": FULL["privacy"]
    | {
        "controller": "Centre hospitalier universitaire intercommunal " + "Exemple-" * 12,
        "dpo": "delegue-a-la-protection-des-donnees-" * 4 + "@example.org",
    }
}
STATES: dict[str, dict[str, Any]] = {"whole": FULL, "blank": {}, "long": FULL | LONG}


@pytest.fixture(scope="module", params=list(STATES))
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    app = FastAPI()
    notice = notice_of(settings_with(**STATES[request.param]))
    app.include_router(documents_router(notice, lambda: MONDAY))
    app.include_router(patient_router(None))  # type: ignore[arg-type]  # for its style sheet
    with served(app) as at:
        yield at


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    with browser.new_context(locale="fr-FR") as context:
        yield context.new_page()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_read_it(path: str, language: str, address: str, tab: Page) -> None:
    tab.goto(f"{address}{path}?lang={language}")
    look_at(tab)


def test_one_goes_from_one_to_the_other_and_to_english_by_keyboard(
    address: str, page: Page
) -> None:
    page.goto(f"{address}/information?lang=fr")
    page.get_by_role("link", name="English").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your personal data")
    page.get_by_role("link", name="Accessibility: not compliant").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Accessibility statement")
