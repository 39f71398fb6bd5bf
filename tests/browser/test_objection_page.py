"""The pages that stop messages, in a real browser: telephones, no JavaScript, screen readers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_patient_page import NARROW, WIDE, fits, violations
from tests.support.clinic import someone, visit
from tests.support.served import served
from tests.support.stores import SqliteFiles
from tests.web.test_objection import MAIL, Patient


@contextmanager
def written_to(files: SqliteFiles, folder: Path, *, by_mail: bool) -> Iterator[tuple[Patient, str]]:
    """Somebody who got a message, and the address our pages are served at."""
    record = visit(1, starts="2026-10-16 09:30", **({"patient": someone(contacts=MAIL)}
                                                     if by_mail else {}))  # fmt: skip
    with ExitStack() as stack:
        store = stack.enter_context(files.migrated(folder))
        # A thread of its own: in this one playwright's event loop counts as running.
        with ThreadPoolExecutor(1) as elsewhere:
            patient = elsewhere.submit(Patient, store, record).result()
        yield patient, stack.enter_context(served(cast(Any, patient.http.app)))


def check(page: Page) -> None:
    for size in (NARROW, WIDE):
        page.set_viewport_size(cast(Any, size))
        assert fits(page), size
        assert violations(page) == [], size


@pytest.mark.parametrize("code", ["fr", "ar"])
def test_each_page_fits_a_telephone_and_can_be_read_aloud(
    browser: Browser, sqlite_files: SqliteFiles, tmp_path: Path, code: str
) -> None:
    with (
        written_to(sqlite_files, tmp_path, by_mail=False) as (patient, address),
        browser.new_context(viewport=cast(Any, NARROW)) as context,
    ):
        page = context.new_page()
        page.goto(f"{address}{patient.stop}?lang={code}")
        check(page)
        page.locator("main button").last.click()
        expect(page.get_by_role("status")).to_be_visible()
        check(page)


def test_a_telephone_without_javascript_stops_and_starts(
    browser: Browser, sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with (
        written_to(sqlite_files, tmp_path, by_mail=False) as (patient, address),
        browser.new_context(
            locale="fr-FR", viewport=cast(Any, NARROW), java_script_enabled=False
        ) as context,
    ):
        page = context.new_page()
        page.goto(address + patient.link())
        page.get_by_role("link", name="Ne plus recevoir ces messages").click()
        page.get_by_role("button", name="Plus aucun SMS").click()
        expect(page.get_by_role("status")).to_contain_text("plus de SMS")
        page.get_by_role("button", name="Recevoir à nouveau les messages").click()
        expect(page.get_by_role("button", name="Plus aucun SMS")).to_be_visible()
        page.get_by_role("link", name="Revenir au rendez-vous").click()
        expect(page.get_by_role("button", name="Je viens")).to_be_visible()
        assert patient.room.value("SELECT COUNT(*) FROM objection WHERE withdrawn_at IS NULL") == 0


def test_the_link_of_an_e_mail_is_one_button(
    browser: Browser, sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with (
        written_to(sqlite_files, tmp_path, by_mail=True) as (patient, address),
        browser.new_context(locale="fr-FR", viewport=cast(Any, NARROW)) as context,
    ):
        page = context.new_page()
        page.goto(address + patient.link("u"))
        check(page)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button")).to_have_count(1)
        page.get_by_role("button", name="Plus aucun courriel").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("plus de courriel")
        check(page)
