"""The audit and the export without JavaScript: searched, and taken away as files."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reminders.domain.access import Role
from tests.support.looking import look_at
from tests.support.office import Office
from tests.support.stores import SqliteFiles
from tests.support.workday import workday


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("audit"))) as store:
        yield workday(store)


@pytest.fixture(scope="module")
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A tab that runs no program, on a telephone."""
    size = {"width": 360, "height": 800}
    with browser.new_context(java_script_enabled=False, viewport=size) as context:  # type: ignore[arg-type]
        yield context.new_page()


def test_the_audit_is_searched_and_exported_without_javascript(
    office: Office, address: str, plain: Page
) -> None:
    office.sign_in(plain, address, Role.ADMINISTRATOR)
    plain.goto(address + "/journal")
    plain.get_by_label("Quoi").select_option("hold")
    plain.get_by_role("button", name="Chercher").click()
    expect(plain.get_by_text("Aucune ligne ne correspond")).to_be_visible()
    plain.get_by_role("link", name="Tout voir").click()
    plain.get_by_label("Qui").select_option("nadia")
    plain.get_by_role("button", name="Chercher").click()
    assert plain.url.endswith("/journal?compte=nadia")
    expect(plain.get_by_text("a libéré les envois").last).to_be_visible()
    with plain.expect_download() as taken:
        plain.get_by_role("button", name="Exporter ces lignes").click()
    content = Path(taken.value.path()).read_text(encoding="utf-8-sig")
    assert content.count("\n") >= 2
    assert all(";nadia;" in line for line in content.splitlines()[1:])


def test_what_is_typed_wrong_is_kept_and_said(office: Office, address: str, page: Page) -> None:
    office.sign_in(page, address, Role.ADMINISTRATOR)
    page.goto(address + "/journal")
    page.get_by_label("Numéro").fill("MARTIN")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Ni nom ni téléphone ici")
    expect(page.get_by_label("Numéro")).to_have_value("MARTIN")
    assert "MARTIN" not in page.url
    look_at(page)


def test_the_export_is_one_file_a_browser_keeps(office: Office, address: str, plain: Page) -> None:
    office.sign_in(plain, address, Role.MANAGER)
    plain.goto(address + "/export")
    with plain.expect_download() as taken:
        plain.get_by_role("button", name="Télécharger le ZIP").click()
    with zipfile.ZipFile(taken.value.path()) as archive:
        assert archive.testzip() is None
        assert b"MARTIN" not in archive.read("data/patient.csv")
