"""Appointments in a real browser: why nothing was sent, and a session written to, end to end."""

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from reminders.domain.appointment import ContactPoint
from reminders.services.compose import Route
from tests.support.clinic import paris, someone, visit
from tests.support.looking import look_at
from tests.support.office import Office, Role, office_on
from tests.support.stores import SqliteFiles

LONG = someone(20, given="Marie-Antoinette", family="DE LA TOUR-D’AUVERGNE-LAURAGUAIS")
AGENDA = "Consultations du mardi matin, Dr Marie-Antoinette TEST-EXEMPLE"


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        one = office_on(store)
        one.routes = (Route("main", "sms", "link", price_eur=0.06), Route("email", "email"))
        one.read(
            *[visit(n, f"2026-10-20 {9 + n // 6:02}:{n % 6 * 10:02}", agenda=AGENDA)
              for n in range(1, 13)],
            visit(20, "2026-10-20 15:00", patient=LONG, agenda=AGENDA),
            visit(21, "2026-10-20 15:20", agenda=AGENDA, patient=someone(21, contacts=())),
            visit(30, "2026-10-13 09:30"),
            visit(31, "2026-10-13 10:00", patient=someone(
                31, contacts=(ContactPoint("phone", "01 99 00 00 31"),))),
        )  # fmt: skip
        one.release()
        one.plan()
        one.at(paris("2026-10-12 10:05"))
        deliver(one)
        yield one


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


def deliver(office: Office) -> None:
    """On a thread of its own: the browser's loop runs in this one."""
    thread = Thread(target=office.deliver)
    thread.start()
    thread.join()


def tab(browser: Browser, width: int = 1280, *, script: bool = True) -> Page:
    context = browser.new_context(
        locale="fr-FR", viewport={"width": width, "height": 800}, java_script_enabled=script
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    return page


def test_why_nothing_was_sent_is_found_with_keys_only(
    browser: Browser, office: Office, address: str
) -> None:
    page = tab(browser)
    office.sign_in(page, address, Role.AGENT)
    page.goto(f"{address}/rendez-vous?jour=2026-10-12")
    page.keyboard.press("n")  # the next day
    expect(page.get_by_role("heading", name="mardi 13 octobre")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/rendez-vous/\d+$"))
    expect(page.get_by_text("Rappel J-1 : pas de message")).to_be_visible()
    why = page.locator(".entry", has_text="Rappel J-1 : pas de message").locator("summary").first
    why.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Seulement un numéro fixe.").last).to_be_visible()
    expect(page.get_by_text("Demander un mobile au patient").last).to_be_visible()
    future = page.locator(".story > .now ~ .entry")
    expect(future).to_have_count(1)
    assert future.evaluate("one => getComputedStyle(one).borderLeftStyle") == "dashed"
    page.context.close()


def test_a_session_is_written_to_without_javascript_and_followed(
    browser: Browser, office: Office, address: str
) -> None:
    page = tab(browser, script=False)
    office.sign_in(page, address, Role.AGENT)
    before = len(office.sent)
    page.get_by_role("navigation", name="Principale").get_by_role(
        "link", name="Écrire à une séance"
    ).click()
    page.get_by_label("Jour de la séance").fill("2026-10-20")
    page.get_by_label("Service").select_option(label="Consultations, accueil B2")
    page.get_by_label("La séance est reportée").check()
    page.get_by_role("button", name="Voir qui le recevrait").click()
    expect(page.get_by_role("heading", name="13 patients recevront ce message")).to_be_visible()
    expect(page.locator(".bubble").first).to_contain_text("est reporté. Ne venez pas")
    expect(page.get_by_text("aucune adresse utilisable").first).to_be_visible()
    assert len(office.sent) == before
    page.get_by_role("button", name=re.compile("Envoyer à 13 patients : 0,78")).click()
    page.wait_for_url(re.compile(r"/ecrire/\d+$"))
    deliver(office)
    page.reload()
    expect(page.get_by_role("link", name="13 partis")).to_be_visible()
    page.get_by_role("link", name="1 sans message").click()
    expect(page.get_by_text("à appeler")).to_be_visible()
    texts = [sent.text for sent in office.sent[before:]]
    assert len(texts) == 13
    assert all("Ne venez pas, une autre date suivra." in text for text in texts)
    page.context.close()


def test_a_patient_cancels_on_the_telephone(browser: Browser, office: Office, address: str) -> None:
    page = tab(browser, 360)
    office.sign_in(page, address, Role.AGENT)
    page.goto(f"{address}/rendez-vous/{office.appointment(5).id}")
    page.get_by_role("button", name="Il annule").click()
    expect(page.get_by_role("status")).to_contain_text("le patient annule")
    expect(page.get_by_text("Le patient annule (par téléphone)")).to_be_visible()
    assert office.appointment(5).answer == "cancelled"
    page.context.close()


def test_every_state_is_accessible_and_fits(browser: Browser, office: Office, address: str) -> None:
    """Empty, long, wrong, refused, withdrawn: what a walk over the routes does not see."""
    page = tab(browser, 360)
    office.sign_in(page, address, Role.AGENT)
    one, lost = office.appointment(20).id, office.appointment(31).id
    for path in (
        "/rendez-vous?jour=2026-10-25",
        "/rendez-vous?jour=2026-10-20&uf=4220",
        "/rendez-vous/recherche?du=2026-10-01&motif=landline_only",
        "/rendez-vous/recherche?du=2026-10-01&statut=noshow",
        f"/rendez-vous/{one}",
        f"/rendez-vous/{one}/a-venir",
        "/ecrire?jour=2026-10-20&message=session_late",
        "/ecrire?jour=2026-10-25&uf=4220&message=session_late",
        "/ecrire?jour=2026-10-20&uf=4220&message=session_cancelled",
    ):
        page.goto(address + path)
        look_at(page)
    page.get_by_role("button", name=re.compile("Envoyer à 13 patients")).click()
    look_at(page)
    page.get_by_role("button", name="Retirer les 13 messages").click()
    expect(page.get_by_role("status")).to_contain_text("14 rendez-vous ne recevront pas")
    look_at(page)
    page.goto(f"{address}/rendez-vous/{lost}")
    for summary in page.locator("main summary").all():
        summary.click()
    look_at(page)
    page.emulate_media(media="print")
    assert page.locator(".deeds").is_hidden()
    assert page.locator(".story").is_visible()
    page.context.close()
