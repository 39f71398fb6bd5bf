"""« Vous m'avez envoyé un SMS »: the caller is found in one field, and what they say is kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reminders.domain.access import Role
from tests.support.clinic import someone, visit
from tests.support.looking import look_at
from tests.support.office import Office, office_on
from tests.support.stores import SqliteFiles

LONG = someone(
    2, family="D’ALEMBERT-VANDENBROUCKE DE LA ROCHEFOUCAULD", given="Jean-Baptiste Marie Alexandre"
)
TYPED = "06 39.98-00/01"


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("patients"))) as store:
        office = office_on(store)
        numbers = range(10, 80)
        many = [visit(n, patient=someone(n, family="MARTIN", given=f"Ana{n}")) for n in numbers]
        office.read(visit(1), visit(2, patient=LONG), *many)
        office.release()
        office.plan()
        yield office


@pytest.fixture(scope="module")
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


def enter(
    browser: Browser, office: Office, address: str, *, width: int = 1280, javascript: bool = True
) -> Page:
    context = browser.new_context(
        locale="fr-FR", viewport={"width": width, "height": 800}, java_script_enabled=javascript
    )
    page = context.new_page()
    office.sign_in(page, address, Role.MANAGER)
    return page


def test_who_calls_is_found_and_cancels_with_the_keyboard_alone(
    browser: Browser, office: Office, address: str
) -> None:
    page = enter(browser, office, address)
    page.goto(f"{address}/patients")
    page.keyboard.press("Escape")  # the field has the focus already; leave it and come back by key
    page.keyboard.press("/")
    page.keyboard.type(TYPED)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("EXEMPLE")
    expect(page.locator(".said")).to_contain_text("Cherché comme numéro de téléphone")
    assert "0639" not in page.url.replace(" ", "")
    page.keyboard.press("e")
    page.keyboard.press("Tab")  # from which appointment to what is said
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("Elle est en voyage")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_contain_text("L’annulation est notée")
    expect(page.locator(".story")).to_contain_text("Elle est en voyage")
    assert office.value("SELECT kind FROM answer") == "cancelled"
    page.context.close()


def test_the_recipient_is_changed_without_javascript(
    browser: Browser, office: Office, address: str
) -> None:
    page = enter(browser, office, address, width=360, javascript=False)
    page.goto(f"{address}/patients")
    page.get_by_label("Qui appelle").fill("jean-baptiste d'alembert")
    page.get_by_role("button", name="Chercher").click()
    page.get_by_role("link", name="Changer de destinataire").click()
    page.get_by_label("Un proche").check()
    page.get_by_label("Mobile").fill("06 39 98 77 77")
    page.get_by_role("button", name="Voir ce qui change").click()
    expect(page.get_by_role("main")).to_contain_text("messages qui ne sont pas partis")
    page.get_by_role("button", name="Écrire à cette adresse").click()
    expect(page.get_by_role("main")).to_contain_text("dit par téléphone")
    assert office.patient(2).proxy_phone == "+33639987777"
    page.context.close()


# --- every state, at both widths ------------------------------------------------------------------


def press(page: Page, what: str) -> None:
    """What is looked at next is the answer, not the page it was pressed on."""
    with page.expect_navigation():
        page.click(what)


def seek(typed: str) -> Callable[[Page, str], None]:
    def run(page: Page, address: str) -> None:
        page.goto(f"{address}/patients")
        page.fill("#qui", typed)
        press(page, "form.seek button")

    return run


def recipient(number: str, whose: str = "patient") -> Callable[[Page, str], None]:
    def run(page: Page, address: str) -> None:
        seek("rochefoucauld")(page, address)
        page.goto(f"{page.url}/destinataire")
        page.check(f"input[value={whose}]")
        page.fill("#telephone", number)
        press(page, "main form button")

    return run


def object_and_see(page: Page, address: str) -> None:
    seek("0000012")(page, address)
    here = page.url
    page.goto(f"{here}/opposition")
    press(page, "main form button")


def noted(page: Page, address: str) -> None:
    seek("0000013")(page, address)
    page.fill("#note", "Très longue note sans aucun blanc : " + "x" * 300)
    press(page, "section[aria-labelledby=noter] button")


def checked(page: Page, address: str) -> None:
    object_and_see(page, address)
    page.goto(f"{address}/oppositions")
    page.fill("#numero", "06 39 98 00 12")
    press(page, "form[action$=verifier] button")


def lifting(page: Page, address: str) -> None:
    object_and_see(page, address)
    press(page, "text=Lever cette opposition")


STATES: dict[str, Callable[[Page, str], None]] = {
    "seventy found": seek("martin"),
    "nobody found": seek("inconnu"),
    "nothing typed": seek(" "),
    "a landline": seek("01 99 00 12 34"),
    "a landline told": recipient("01 99 00 12 34"),
    "whose is wrong": recipient("06 39 98 55 55", "parent"),
    "what would change": recipient("06 39 98 55 55", "helper"),
    "an objection": object_and_see,
    "a long note": noted,
    "a number checked": checked,
    "an objection to lift": lifting,
}


def test_every_state_is_accessible(browser: Browser, office: Office, address: str) -> None:
    page = enter(browser, office, address, width=360)
    for name, reach in STATES.items():
        reach(page, address)
        look_at(page, name)
    page.context.close()
