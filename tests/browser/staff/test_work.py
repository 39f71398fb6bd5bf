"""The day's work in a real browser: tasks and attendance by keyboard, calls on paper, and all of
it without JavaScript; every state at both widths."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from reminders.domain.access import Role
from reminders.domain.worklist import Ending
from reminders.services.worklist import resolve, take, tend
from tests.support.clinic import paris, someone
from tests.support.looking import look_at
from tests.support.office import Office
from tests.support.stores import SqliteFiles
from tests.support.work import LONG, calls_to_make, office_at_work, the_dpi_says, writes


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store, ThreadPoolExecutor(1) as aside:
        # Delivering needs a loop of its own; the browser has this thread's.
        yield aside.submit(office_at_work, store, 30).result()


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


@pytest.fixture
def enter(browser: Browser, office: Office, address: str) -> Iterator[Callable[..., Page]]:
    opened: list[BrowserContext] = []

    def come(width: int = 1280, javascript: bool = True) -> Page:
        context = browser.new_context(
            locale="fr-FR",
            viewport={"width": width, "height": 800},
            java_script_enabled=javascript,
        )
        opened.append(context)
        page = context.new_page()
        office.sign_in(page, address, Role.AGENT, login="nadia", name="Nadia Exemple")
        return page

    yield come
    for context in opened:
        context.close()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def outcome(office: Office, task: int) -> tuple[str, str, str]:
    row = office.rows("SELECT state, assignee, resolution FROM task WHERE id = :i", i=task)[0]
    return row.state, row.assignee, row.resolution


def attendances(office: Office) -> list[str]:
    found = office.rows(
        "SELECT attendance FROM appointment WHERE uf = '4220' AND starts_at < :end "
        "ORDER BY starts_at",
        end=int(paris("2026-10-14 00:00").timestamp() * 1_000_000),
    )
    return [row.attendance for row in found]


def test_an_agent_does_a_task_by_keyboard_alone_and_the_next_one_comes(
    office: Office, address: str, enter: Callable[..., Page]
) -> None:
    first, second = writes(office, "Où se garer ?"), writes(office, "Peut-on manger ?", 2)
    page = enter()
    page.goto(f"{address}/a-traiter")
    press(page, "j", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pose une question.")
    expect(page.get_by_text("Où se garer ?").first).to_be_visible()
    press(page, "t")
    expect(page.get_by_role("button", name="Rendre la tâche")).to_be_visible()
    assert outcome(office, first) == ("open", "nadia", "")
    press(page, "r", "3", "Enter")
    expect(page.get_by_role("status")).to_contain_text("autre date donnée")
    assert outcome(office, first) == ("done", "nadia", "moved")
    expect(page.get_by_text("Peut-on manger ?").first).to_be_visible()

    press(page, "z")  # it was a slip: back to the first
    expect(page.get_by_text("Où se garer ?").first).to_be_visible()
    assert outcome(office, first)[0] == "open"
    press(page, "1", "Enter")
    expect(page.get_by_text("Peut-on manger ?").first).to_be_visible()
    assert office.appointment(1).answer == "confirmed"
    press(page, "p")
    expect(page.get_by_role("heading", level=1)).to_have_text("Passer la tâche")
    assert outcome(office, second)[0] == "open"


def test_without_javascript_a_task_is_done_and_a_day_filled_in(
    office: Office, address: str, enter: Callable[..., Page]
) -> None:
    task = writes(office, "Où se garer ?")
    page = enter(360, javascript=False)
    page.goto(f"{address}/a-traiter")
    page.get_by_role("link", name="Pose une question.").click()
    page.get_by_role("button", name="Prendre la tâche").click()
    page.get_by_label(re.compile("ne vient pas")).check()
    page.get_by_role("button", name="Terminer").click()
    expect(page.get_by_role("status")).to_contain_text("ne vient pas")
    assert outcome(office, task) == ("done", "nadia", "cancelled")
    assert office.appointment(1).answer == "cancelled"

    office.at(paris("2026-10-13 18:00"))
    page.goto(f"{address}/presences?liste=4220%7CDr+A")
    lines = page.locator("[data-line]")
    expect(lines).to_have_count(15)
    lines.nth(0).get_by_label("venu", exact=True).check()
    lines.nth(1).get_by_label("absent", exact=True).check()
    page.get_by_role("button", name="Enregistrer la page").click()
    expect(page.get_by_role("status").first).to_contain_text("2")
    assert office.appointment(2).attendance == "came"
    assert office.appointment(4).attendance == "absent"


def test_a_day_of_thirty_is_filled_in_by_one_key_a_line(
    office: Office, address: str, enter: Callable[..., Page]
) -> None:
    office.at(paris("2026-10-13 18:00"))
    page = enter()
    page.goto(f"{address}/presences?liste=4220")
    expect(page.locator("[data-line]")).to_have_count(30)
    expect(page.locator("[data-counts=silent] b")).to_have_text("30")
    press(page, *("vvavxv" * 5))
    expect(page.locator("[data-counts=silent] b")).to_have_text("0")
    expect(page.locator("[data-waiting]")).to_have_count(0)
    assert attendances(office) == ["came", "came", "absent", "came", "excused", "came"] * 5

    press(page, "k", "k", "a", "u")  # a slip, taken back: what it was before is said again
    expect(page.locator("[data-counts=silent] b")).to_have_text("1")
    press(page, "v", "j", "u")  # then one stands on the last line, which was wrong
    expect(page.locator("[data-counts=silent] b")).to_have_text("1")
    press(page, "a")
    expect(page.locator("[data-counts=silent] b")).to_have_text("0")
    expect(page.locator("[data-waiting]")).to_have_count(0)
    assert attendances(office)[-1] == "absent"
    page.reload()
    expect(page.locator("[data-state=absent]")).to_have_count(6)


def test_a_mark_that_could_not_be_stored_stays_to_be_saved(
    office: Office, address: str, enter: Callable[..., Page]
) -> None:
    office.at(paris("2026-10-13 18:00"))
    page = enter()
    page.goto(f"{address}/presences?liste=4220")
    page.route("**/presences", lambda route: route.abort())
    press(page, "v")
    expect(page.get_by_text("Pas enregistré")).to_be_visible()
    assert attendances(office)[0] == ""
    page.unroute("**/presences")
    page.get_by_role("button", name="Enregistrer la page").click()
    expect(page.get_by_role("status").first).to_contain_text("1")
    assert attendances(office)[0] == "came"


def test_the_calls_are_ended_with_a_key_and_printed_twenty_five_a_sheet(
    office: Office, address: str, enter: Callable[..., Page]
) -> None:
    the_dpi_says(office, number=30, patient=someone(1, family=LONG, given="Jean-Christophe"))
    tasks = calls_to_make(office, range(1, 31))
    page = enter()
    page.goto(f"{address}/appels")
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    assert sheets == 2
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation").first).to_be_hidden()
    expect(page.get_by_role("button", name="Voir")).to_be_hidden()
    expect(page.get_by_text("☐ ne répond pas").first).to_be_visible()
    page.emulate_media(media="screen")

    press(page, "j", "3")
    expect(page.get_by_role("status")).to_contain_text("autre date")
    expect(page.locator("tbody tr")).to_have_count(29)
    press(page, "5")  # one stands on the next line already
    expect(page.get_by_role("status")).to_contain_text("ne répond pas")
    expect(page.locator("tbody tr")).to_have_count(29)
    expect(page.locator("tbody tr").last).to_contain_text("essayé 1 fois")
    assert [outcome(office, one)[2] for one in tasks[:3]] == ["moved", "", ""]


def states(office: Office) -> dict[str, str]:
    """Addresses that show each page in each of its states."""
    the_dpi_says(office, number=30, patient=someone(1, family=LONG, given=LONG))
    free, held, done = (
        writes(office, f"Où se garer ? {'Très longue question. ' * 12}", 1),
        writes(office, "J'ai très mal à la poitrine", 2),
        writes(office, "Peut-on manger ?", 3),
    )
    office.hire(Role.AGENT, login="paul", name=f"Paul {LONG}")
    take(office.store, held, "paul", now=office.now)
    resolve(office.store, office.secret, done, Ending.OTHER, "paul", now=office.now)
    calls_to_make(office, [4, 5, 6])
    office.object("+33639980001")
    office.at(office.now + timedelta(hours=2))
    tend(office.store, office.rules, now=office.now)
    return {
        "list": "/a-traiter",
        "late": "/a-traiter?onglet=retard",
        "nothing mine": "/a-traiter?onglet=miennes",
        "done": "/a-traiter?onglet=faites",
        "task": f"/a-traiter/{free}",
        "task of another": f"/a-traiter/{held}",
        "task done": f"/a-traiter/{done}",
        "undo": f"/a-traiter/{free}?fait={done}",
        "hand over": f"/a-traiter/{free}/passer",
        "missing": "/a-traiter/999999",
        "calls": "/appels",
        "no calls": "/appels?jour=2026-12-01",
        "attendance to come": "/presences?jour=2026-10-13",
        "no appointments": "/presences?jour=2026-12-25",
    }


def test_every_state_can_be_read_aloud_and_fits(
    office: Office, address: str, enter: Callable[..., Page]
) -> None:
    shown, page = states(office), enter(360)
    for name, path in shown.items():
        page.goto(address + path)
        look_at(page, name)
    page.goto(address + shown["task"])
    page.locator("form.endings").evaluate("one => { one.noValidate = true; one.submit(); }")
    expect(page.get_by_role("alert")).to_be_visible()
    look_at(page, "an end must be chosen")
    office.at(paris("2026-10-13 18:00"))
    page.goto(f"{address}/presences")
    look_at(page, "attendance")
    page.keyboard.press("a")
    expect(page.locator("[data-state=absent]")).to_have_count(1)
    look_at(page, "a line marked")
    with page.expect_navigation():
        page.get_by_role("button", name="Tous venus…").click()
    look_at(page, "what is left")


def test_one_key_leads_to_the_search_for_who_calls(enter: Callable[..., Page]) -> None:
    page = enter()
    for place in ("/", "/a-traiter", "/appels"):
        page.goto(page.url.rpartition("/")[0] + place)
        press(page, "/")
        page.wait_for_url("**/patients")
        expect(page.locator("#qui")).to_be_focused()
