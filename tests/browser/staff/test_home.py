"""Home in a real browser: nothing yet, a full day, errors; and a hold looked at and released."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from reminders.errors import BadRecipient, Unknown
from reminders.services.hold import hold_everything
from reminders.services.worklist import tend
from tests.support.clinic import paris, someone, visit, visits
from tests.support.looking import look_at
from tests.support.office import Office, Role, office_on
from tests.support.stores import SqliteFiles

SERVICES = [
    {"uf": "4220", "site": "sud", "label": "Consultations externes de chirurgie orthopédique et "
     "traumatologique, accueil B2"},
    {"uf": "4230", "site": "sud", "label": "Imagerie, accueil C1"},
]  # fmt: skip
LONG = someone(9, given="Marie-Antoinette", family="DE LA TOUR-D’AUVERGNE-LAURAGUAIS")
SENTENCE = "changement_de_dossier_patient_informatisé_du_centre_hospitalier_" * 2


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield office_on(store, service=SERVICES)


def aside(work: object) -> None:
    """On a thread of its own: the browser's loop runs in this one."""
    thread = Thread(target=work)  # type: ignore[arg-type]
    thread.start()
    thread.join()


def busy(office: Office) -> None:
    """Monday, 10:30: texts left, one refused, one in doubt; patients and a service out of reach."""
    office.read(
        *visits(range(1, 8), starts="2026-10-13 15:00"),
        visit(9, "2026-10-13 15:00", patient=LONG),
        visit(20, "2026-10-13 15:00", patient=someone(20, contacts=())),
        visit(30, "2026-10-20 15:00", uf="9001"),
    )
    office.release()
    office.plan()
    office.at(paris("2026-10-12 10:30"))
    office.providers["main"].script["+33639980001"] = [BadRecipient("bad")]
    office.providers["main"].script["+33639980002"] = [Unknown("timeout")]
    aside(office.deliver)
    tend(office.store, office.rules, now=office.now)


def hold(office: Office) -> None:
    """A file without 12 of 40 appointments waits, and somebody stopped everything."""
    office.read(*visits(range(100, 140)), source="imagerie", content_hash="a")
    office.release()
    office.read(*visits(range(112, 140)), source="imagerie", content_hash="b")
    hold_everything(office.store, SENTENCE, now=office.now, by="nadia.b")
    office.read(*visits(range(200, 215), starts="2026-10-13 16:00"), source="labo")
    office.plan()
    office.leave()


def tab(browser: Browser, width: int = 1280, *, script: bool = True) -> Page:
    page = browser.new_context(
        locale="fr-FR", viewport={"width": width, "height": 800}, java_script_enabled=script
    ).new_page()
    page.set_default_timeout(30_000)
    return page


def test_every_state_of_home_is_accessible(browser: Browser, office: Office) -> None:
    lists = ("/messages?etat=non-remis", "/messages?etat=non-envoyes", "/injoignables", "/mesures")
    page = tab(browser, 360)
    resting = {"operateur-au-nom-vraiment-tres-long": office.now + timedelta(minutes=4)}
    with office.served(resting=lambda: resting) as at:
        office.sign_in(page, at, Role.MANAGER)
        for address in ("/", "/messages", "/retenus", *lists):
            page.goto(at + address)
            look_at(page)  # nothing yet
        busy(office)
        hold(office)
        held = [row.id for row in office.rows("SELECT id FROM hold WHERE ended = ''")]
        for address in ("/?frais=1", *lists, "/retenus", *(f"/retenus/{one}" for one in held)):
            page.goto(at + address)
            look_at(page)
        page.get_by_role("button", name="English").click()
        page.goto(f"{at}/")
        look_at(page)
    page.context.close()


def test_a_hold_is_looked_at_and_released_without_javascript(
    browser: Browser, office: Office
) -> None:
    busy(office)
    hold(office)
    page = tab(browser, script=False)
    with office.served() as at:
        office.sign_in(page, at, Role.MANAGER)
        alert = page.get_by_role("status").filter(has_text="12 rendez-vous à venir ont disparu")
        alert.get_by_role("link", name="Voir pourquoi").click()
        expect(page.get_by_role("heading", name="Source « imagerie » retenue")).to_be_visible()
        expect(page.get_by_role("row", name="Léa EXEMPLE")).to_have_count(10)
        page.get_by_role("button", name="Libérer les envois").click()
        assert "vanished" in office.holds()  # the tick is missing: nothing was sent
        page.get_by_label("J’ai regardé les chiffres et les exemples.").check()
        page.get_by_role("button", name="Libérer les envois").click()
        expect(page.get_by_text("Libéré par manager")).to_be_visible()
        summary = office.read(*visits(range(112, 140)), source="imagerie", content_hash="b")
        assert (summary.status, summary.vanished) == ("accepted", 12)
        page.get_by_role("link", name="Rappels", exact=True).click()
        expect(page.get_by_text("ont disparu du fichier")).to_have_count(0)
    page.context.close()


def test_the_days_numbers_are_followed_with_keys(browser: Browser, office: Office) -> None:
    busy(office)
    page = tab(browser)
    with office.served() as at:
        office.sign_in(page, at, Role.AGENT)
        page.get_by_role("link", name="non remis ou refusés").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Le numéro")).to_have_count(0)
        expect(page.get_by_role("row")).to_have_count(2)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("**/rendez-vous/*")
    page.context.close()
