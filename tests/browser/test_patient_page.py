"""The patient's page in a real browser: telephones, keyboards, no JavaScript, screen readers."""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from reminders.domain.appointment import Status
from tests.support.clinic import SETTINGS, paris, someone, visit
from tests.support.looking import broken
from tests.support.served import served
from tests.support.stores import SqliteFiles
from tests.support.telephone import SHEET, Linked

NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 900}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LONG_SHEET = SHEET | {
    "instructions": "Ne rien manger après minuit.\nL'eau est permise.\n" * 12
    + "https://" + "tres-long-mot" * 12,
    "documents": ["Carte Vitale", "Carte de mutuelle", "Ordonnance", "Anciens examens", "x" * 90],
    "building": "Bâtiment B, derrière la maternité", "floor": "2e étage", "door": "porte 12",
    "map_url": "https://example.org/plan", "preadmission_url": "https://example.org/dossier",
}  # fmt: skip
NEUTRAL = [SETTINGS["service"][0] | {"sensitivity": "neutral"}]
TWO = (
    visit(1, starts="2026-10-16 09:30"),
    visit(2, starts="2026-10-16 14:00", patient=someone(1)),
)


@dataclass
class Hospital:
    """Makes linked patients, each with a database and an address of their own."""

    databases: SqliteFiles
    folder: Path
    stack: ExitStack
    made: int = 0
    addresses: dict[int, str] = field(default_factory=dict)

    def link(self, *records: Any, **changes: Any) -> tuple[Linked, str]:
        self.made += 1
        folder = self.folder / str(self.made)
        folder.mkdir()
        store = self.stack.enter_context(self.databases.migrated(folder))
        # A thread of its own: in this one playwright's event loop counts as running.
        with ThreadPoolExecutor(1) as elsewhere:
            linked = elsewhere.submit(Linked, store, *records, secure=False, **changes).result()
        return linked, self.stack.enter_context(served(linked.app)) + linked.path


@pytest.fixture
def hospital(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Hospital]:
    with ExitStack() as stack:
        yield Hospital(sqlite_files, tmp_path, stack)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A telephone's screen, without JavaScript: the page needs none."""
    with browser.new_context(
        locale="fr-FR", viewport=cast(Any, NARROW), java_script_enabled=False
    ) as context:
        yield context.new_page()


@pytest.fixture
def narrow(browser: Browser) -> Iterator[Page]:
    with browser.new_context(locale="fr-FR", viewport=cast(Any, NARROW)) as context:
        yield context.new_page()


# --- every state ---------------------------------------------------------------------------------


def opened(hospital: Hospital, page: Page, *records: Any, **changes: Any) -> Linked:
    linked, address = hospital.link(*records, **changes)
    page.goto(address)
    return linked


def tap(page: Page, name: str) -> Page:
    with page.expect_navigation():  # the next act needs the answer, not only the click
        page.get_by_role("button", name=name).first.click()
    return page


def follow(page: Page, name: str) -> Page:
    with page.expect_navigation():
        page.get_by_role("link", name=name).click()
    return page


def cancel(page: Page) -> Page:
    tap(page, "Je ne peux pas venir")
    tap(page, "Oui, annuler")
    return page


def give_birth_date(page: Page, year: str = "1979") -> Page:
    for label, value in (("Jour", "28"), ("Mois", "3"), ("Année", year)):
        page.get_by_label(label, exact=True).fill(value)
    with page.expect_navigation():
        page.get_by_role("button", name="Voir", exact=True).click()
    return page


def five_tries(page: Page) -> Page:
    for year in range(1990, 1995):
        give_birth_date(page, str(year))
    return page


def moved(linked: Linked, page: Page) -> Page:
    linked.room.read(visit(1, starts="2026-10-17 14:05"))
    linked.room.plan()
    page.reload()
    return page


def by_hospital(linked: Linked, page: Page) -> Page:
    linked.room.read(visit(1, starts="2026-10-16 09:30", status=Status.CANCELLED), visit(2))
    page.reload()
    return page


def later(linked: Linked, page: Page, moment: str) -> Page:
    linked.at(paris(moment))
    page.reload()
    return page


def too_many(page: Page) -> Page:
    base = page.url.partition("/r/")[0]
    for number in range(31):
        page.request.get(f"{base}/r/{number:022}")
    page.goto(f"{base}/r/{'x' * 22}")
    return page


STATES: dict[str, Callable[[Hospital, Page], object]] = {
    "open": lambda h, p: opened(h, p),
    "confirmed": lambda h, p: (opened(h, p), tap(p, "Je viens")),
    "cancel step": lambda h, p: (opened(h, p), tap(p, "Je ne peux pas venir")),
    "cancelled with undo": lambda h, p: (opened(h, p), cancel(p)),
    "cancelled without undo": lambda h, p: (
        one := opened(h, p), cancel(p), later(one, p, "2026-10-13 10:25")),
    "another date": lambda h, p: (opened(h, p), tap(p, "Demander une autre date")),
    "a question": lambda h, p: (opened(h, p), tap(p, "Poser une question")),
    "not me step": lambda h, p: (opened(h, p), tap(p, "Ce n'est pas pour moi")),
    "not me": lambda h, p: (
        opened(h, p), tap(p, "Ce n'est pas pour moi"), tap(p, "Oui, ce n'est pas pour moi")),
    "stop step": lambda h, p: (opened(h, p), follow(p, "Ne plus recevoir ces messages")),
    "stopped": lambda h, p: (
        opened(h, p), follow(p, "Ne plus recevoir ces messages"), tap(p, "Plus aucun SMS")),
    "moved": lambda h, p: moved(opened(h, p), p),
    "cancelled by the hospital": lambda h, p: by_hospital(opened(h, p), p),
    "past": lambda h, p: later(opened(h, p), p, "2026-10-16 10:00"),
    "two on a day": lambda h, p: opened(h, p, *TWO),
    "two on a day, with the sheet": lambda h, p: (
        opened(h, p, *TWO, preparation=[LONG_SHEET]), tap(p, "Je viens"), give_birth_date(p)),
    "neutral before": lambda h, p: opened(h, p, service=NEUTRAL),
    "neutral after": lambda h, p: (opened(h, p, service=NEUTRAL), give_birth_date(p)),
    "wrong birth date": lambda h, p: (opened(h, p), give_birth_date(p, "1978")),
    "five tries": lambda h, p: (opened(h, p), five_tries(p)),
    "no sheet": lambda h, p: (opened(h, p, preparation=[]), give_birth_date(p)),
    "a long sheet": lambda h, p: (opened(h, p, preparation=[LONG_SHEET]), give_birth_date(p)),
    "instructions read": lambda h, p: (
        opened(h, p), give_birth_date(p), tap(p, "J'ai lu les consignes")),
    "a lost link": lambda h, p: (opened(h, p), p.goto(p.url[:-22] + "x" * 22)),
    "too many": lambda h, p: (opened(h, p), too_many(p)),
    "English": lambda h, p: (opened(h, p), p.goto(p.url + "?lang=en")),
    "easy to read": lambda h, p: (opened(h, p), p.goto(p.url + "?lang=falc")),
    "Arabic": lambda h, p: (opened(h, p), p.goto(p.url + "?lang=ar")),
    "Arabic with the sheet": lambda h, p: (
        opened(h, p, preparation=[LONG_SHEET]), give_birth_date(p), p.goto(p.url + "?lang=ar")),
    "easy to read with the sheet": lambda h, p: (
        opened(h, p, preparation=[LONG_SHEET]), give_birth_date(p), p.goto(p.url + "?lang=falc")),
}  # fmt: skip


def fits(page: Page) -> bool:
    root = "document.documentElement"
    return bool(page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"))


def violations(page: Page, rules: Sequence[str] = RULES) -> list[str]:
    found = broken(page, runOnly=rules).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def test_axe_sees_what_is_wrong(narrow: Page) -> None:
    narrow.set_content("<html><body><img src='data:,'><input></body></html>")
    assert {found.partition(":")[0] for found in violations(narrow)} >= {
        "html-has-lang", "image-alt", "label",
    }  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_state_fits_a_telephone_and_can_be_read_aloud(
    hospital: Hospital, narrow: Page, state: str
) -> None:
    STATES[state](hospital, narrow)
    for size in (NARROW, WIDE):
        narrow.set_viewport_size(cast(Any, size))
        assert fits(narrow), size
        assert violations(narrow) == [], size
    narrow.emulate_media(color_scheme="dark")
    assert violations(narrow, ["color-contrast"]) == [], "dark"
    narrow.set_viewport_size({"width": 320, "height": 640})
    assert fits(narrow), "WCAG 1.4.10"
    narrow.set_viewport_size({"width": 180, "height": 370})  # 360 px at 200 %
    assert fits(narrow), "200 %"


# --- without a pointer, without JavaScript ------------------------------------------------------


def reach(page: Page, name: str) -> None:
    """Press Tab until the named control has the focus, and see that it shows it."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and name in (focused.inner_text() or str(focused.get_attribute("id"))):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"« {name} » was never reached")


def press(page: Page, name: str) -> None:
    reach(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_patient_confirms_with_the_keyboard_alone(hospital: Hospital, narrow: Page) -> None:
    linked = opened(hospital, narrow)
    press(narrow, "Je viens")
    expect(narrow.get_by_role("status")).to_contain_text("nous vous attendons")
    expect(narrow).to_have_title("Merci, nous vous attendons. · CH Exemple")
    assert linked.answer == "confirmed"


def test_a_patient_cancels_and_takes_it_back_with_the_keyboard_alone(
    hospital: Hospital, narrow: Page
) -> None:
    linked = opened(hospital, narrow)
    press(narrow, "Je ne peux pas venir")
    expect(narrow).to_have_title(re.compile("Annuler ce rendez-vous"))
    assert linked.answer == "none"
    narrow.keyboard.press("Tab")  # the desk's telephone
    narrow.keyboard.press("Tab")  # the reasons
    narrow.keyboard.press("ArrowDown")
    expect(narrow.get_by_label("Ma santé ne me le permet pas")).to_be_checked()
    press(narrow, "Oui, annuler")
    assert linked.answer == "cancelled"
    expect(narrow.get_by_text("changer d'avis jusqu'à 10 h 20")).to_be_visible()
    press(narrow, "Garder mon rendez-vous")
    assert linked.answer == "none"
    expect(narrow.get_by_role("button", name="Je viens")).to_be_visible()


def test_one_may_step_back_from_cancelling(hospital: Hospital, narrow: Page) -> None:
    linked = opened(hospital, narrow)
    press(narrow, "Je ne peux pas venir")
    press(narrow, "Non, revenir")
    expect(narrow.get_by_role("button", name="Je viens")).to_be_visible()
    assert linked.answer == "none"


def test_a_wrong_birth_date_is_said_first_and_leads_to_its_field(
    hospital: Hospital, narrow: Page
) -> None:
    opened(hospital, narrow)
    for field_, value in (("day", "28"), ("month", "3"), ("year", "1978")):
        reach(narrow, field_)
        narrow.keyboard.type(value)
    with narrow.expect_navigation():
        narrow.keyboard.press("Enter")

    expect(narrow).to_have_title(re.compile("^Erreur"))
    expect(narrow.get_by_role("alert")).to_be_focused()
    press(narrow, "Date de naissance du patient")
    expect(narrow.get_by_label("Jour", exact=True)).to_be_focused()
    year = narrow.get_by_label("Année", exact=True)
    expect(year).to_have_value("1978")
    expect(year).to_have_attribute("aria-invalid", "true")
    year.fill("1979")
    narrow.keyboard.press("Enter")
    expect(narrow.get_by_text("Accueil B2")).to_be_visible()


def test_the_page_is_read_in_the_order_it_is_seen(hospital: Hospital, narrow: Page) -> None:
    opened(hospital, narrow)
    seen = []
    for _ in range(12):
        narrow.keyboard.press("Tab")
        top = "document.activeElement.getBoundingClientRect().top + window.scrollY"
        seen.append(round(float(narrow.evaluate(top))))
    assert seen == sorted(seen)
    heights = narrow.evaluate(
        "[...document.querySelectorAll('button, a, input:not([type=hidden])')]"
        ".map(one => one.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44


def test_all_of_it_works_without_javascript(hospital: Hospital, phone: Page) -> None:
    linked = opened(hospital, phone)
    tap(phone, "Je viens")
    expect(phone.get_by_text("nous vous attendons")).to_be_visible()
    give_birth_date(phone)
    expect(phone.get_by_text("Venir à jeun.")).to_be_visible()
    tap(phone, "J'ai lu les consignes")
    expect(phone.get_by_text("vous avez lu les consignes")).to_be_visible()
    cancel(phone)
    tap(phone, "Garder mon rendez-vous")
    assert linked.answer == "confirmed"


def test_two_appointments_are_told_apart_by_name(hospital: Hospital, narrow: Page) -> None:
    linked = opened(hospital, narrow, *TWO)
    for name in ("Je viens", "Je ne peux pas venir", "Demander une autre date"):
        names = [one.inner_text() for one in narrow.get_by_role("button", name=name).all()]
        assert len(set(names)) == 2, names
    narrow.get_by_role("button", name="Je viens – vendredi 16 octobre à 14 h").click()
    assert linked.room.appointment(1).answer == "none"
    assert linked.room.appointment(2).answer == "confirmed"


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_french_sheet_is_read_as_french(hospital: Hospital, narrow: Page, language: str) -> None:
    opened(hospital, narrow)
    give_birth_date(narrow)
    narrow.goto(f"{narrow.url}?lang={language}")
    for text in ("Venir à jeun.", "Carte Vitale", "Accueil B2"):
        french = narrow.get_by_text(text).locator("xpath=ancestor-or-self::*[@lang][1]")
        expect(french).to_have_attribute("lang", "fr")
        expect(french).to_have_attribute("dir", "ltr")
    hour = narrow.locator(".hour bdi")
    expect(hour).to_have_text("9:30")
    expect(hour).to_have_attribute("dir", "ltr")


def test_what_the_browser_finds_wrong_is_nothing(hospital: Hospital, narrow: Page) -> None:
    found: list[str] = []
    narrow.on("console", lambda line: found.append(line.text))
    narrow.on("requestfailed", lambda request: found.append(request.url))
    opened(hospital, narrow)
    narrow.wait_for_load_state("networkidle")
    assert found == []


# --- whoever looks before the patient does -------------------------------------------------------


def test_a_scanner_changes_nothing(hospital: Hospital, browser: Browser) -> None:
    """It GETs, HEADs, prefetches, follows every link and runs every script it finds."""
    linked, address = hospital.link(*TWO)
    before = linked.room.outbox(), linked.room.rows("SELECT * FROM link")
    with browser.new_context() as context:
        page = context.new_page()
        seen = crawl(context, page, address)
        page.goto(address)
        for path in seen:
            page.evaluate(PREFETCH, path)
        page.wait_for_load_state("networkidle")

    assert {"", "?lang=ar", "/agenda-1.ics"} <= {path.removeprefix(address) for path in seen}
    assert (linked.room.outbox(), linked.room.rows("SELECT * FROM link")) == before
    assert linked.room.value("SELECT COUNT(*) FROM answer") == 0
    assert linked.answer == "none"


PREFETCH = """address => {
    const link = document.createElement("link");
    link.rel = "prefetch"; link.href = address; document.head.append(link);
    document.querySelectorAll("script").forEach(one => eval(one.textContent));
}"""


def crawl(context: BrowserContext, page: Page, start: str) -> set[str]:
    """Every address of ours a robot finds from one link, asked by GET and by HEAD."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        address = waiting.pop()
        if address in seen or not address.startswith(start.partition("/r/")[0]):
            continue
        seen.add(address)
        context.request.head(address)
        answer = context.request.get(address)
        if "text/html" in answer.headers.get("content-type", ""):
            page.goto(address)
            waiting += page.evaluate(
                "[...document.querySelectorAll('a[href]')].map(one => one.href)"
            )
            waiting += page.evaluate(
                "[...document.querySelectorAll('form[method=get]')].map(one => "
                "one.action + '?' + new URLSearchParams(new FormData(one)))"
            )
    return seen
