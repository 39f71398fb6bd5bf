"""Services, protocols and consignes in Chromium: every state at both widths, and two journeys."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reminders.config import PreparationTable, ProtocolTable, ServiceTable
from reminders.services import protocols, sheets_life, units
from reminders.store.engine import Store
from tests.support.clinic import SETTINGS, visits
from tests.support.looking import TELEPHONE, look_at
from tests.support.office import Office, Role, office_on
from tests.support.stores import SqliteFiles

LONG = "Consultations pluridisciplinaires, pavillon Sainte-Anne-de-Longueville, entrée B2"[:80]
STEPS = [
    {"day": "booking", "template": "booking"},
    {"day": "J-7", "template": "preparation", "booked_days_before": 10},
    {"day": "J-1", "hour": "17:00", "template": "short", "condition": "unless_answered"},
]
SHEET = PreparationTable(
    id="imagerie", service="4230", instructions="Ne rien manger après minuit.\nL’eau est permise.",
    sms="Venir à jeun.", documents=("carte Vitale", "ordonnance"), arrival_point="Accueil C1",
    arrive_minutes_before=15,
)  # fmt: skip


def furnished(store: Store) -> Office:
    """Lived in a thread of its own: where a browser is open its loop counts as running here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_furnished, store).result()


def _furnished(store: Store) -> Office:
    quiet = {"uf": "6600", "site": "sud", "label": LONG, "sensitivity": "neutral"}
    office = office_on(store, service=[*SETTINGS["service"], quiet])
    rules, now = office.rules, office.now
    bloc = ProtocolTable.model_validate({"id": "bloc", "step": STEPS})
    protocols.save(store, rules, bloc, number=0, actor="paul", now=now)
    unit = ServiceTable(uf="4300", site="sud", label="Hôpital de jour", protocol="bloc")
    units.save(store, rules, unit, number=0, actor="paul", now=now)
    sheets_life.propose(store, rules, SHEET, base=0, actor="anne", now=now)
    sheets_life.approve(store, rules, "imagerie", 1, actor="paul", ticked=(), now=now)
    later = SHEET.model_copy(update={"sms": "Scanner : venir à jeun.", "acknowledge": True})
    sheets_life.propose(store, rules, later, base=1, actor="anne", now=now)
    office.read(
        *visits(range(1, 9), starts="2026-10-16 09:30", uf="4999", agenda="AG-D1"),
        *visits(range(10, 16), starts="2026-10-16 10:30", uf="4300"),
        *visits(range(20, 24), starts="2026-10-16 11:30", uf="4230"),
    )
    office.release()
    office.plan()
    return office


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield furnished(store)


PATHS = (
    "/services", "/services/uf/4999", "/services/uf/4300", "/services/uf/6600",
    "/protocoles/bloc", "/protocoles/bloc/modifier",
    "/protocoles/nouveau?copie=default", "/consignes/imagerie",
    "/consignes/imagerie/modifier", "/consignes/nouvelle", "/consignes/imagerie/versions/1",
    "/consignes/imagerie/versions/2",
)  # fmt: skip


def test_every_page_and_state_is_accessible(office: Office, browser: Browser) -> None:
    with office.served() as address, browser.new_context(viewport=TELEPHONE) as context:
        page = context.new_page()
        office.sign_in(page, address, Role.MANAGER, Role.APPROVER, login="chef")
        for path in PATHS:
            page.goto(address + path)
            look_at(page)
        _service_states(page, address)
        _protocol_states(page, address)
        _sheet_states(page, address)


def _send(page: Page, deed: str = "apercu") -> None:
    page.locator(f"button[name=geste][value={deed}]").last.click()


def _service_states(page: Page, address: str) -> None:
    page.goto(f"{address}/services/uf/4999")
    page.get_by_label("Nom lu par les patients").fill("Psychiatrie, accueil D1")
    page.get_by_label("Ordinaire").check()
    page.get_by_label("Ouverture", exact=True).fill("25h")
    _send(page)
    expect(page.get_by_role("heading", name="À corriger")).to_be_visible()
    look_at(page)
    page.get_by_label("Ce nom peut désigner").check()
    page.get_by_label("Ouverture", exact=True).fill("8:30")
    _send(page)
    expect(page.get_by_role("heading", name="Ce que cela fera")).to_be_visible()
    look_at(page)


def _protocol_states(page: Page, address: str) -> None:
    page.goto(f"{address}/protocoles/bloc/modifier")
    page.get_by_label("Jours avant").nth(1).fill("bientôt")
    _send(page)
    look_at(page)
    page.get_by_label("Jours avant").nth(1).fill("2")
    _send(page)
    expect(page.get_by_role("heading", name="Ce que cela fera")).to_be_visible()
    look_at(page)


def _sheet_states(page: Page, address: str) -> None:
    page.goto(f"{address}/consignes/nouvelle")
    _send(page, "proposer")
    expect(page.get_by_role("heading", name="À corriger")).to_be_visible()
    look_at(page)
    page.get_by_label("Nom de la fiche").fill("jour")
    page.get_by_label("Pour qui").select_option("uf:4300")
    page.get_by_label("Phrase du SMS", exact=True).press_sequentially("Venir avec ses radios.")
    expect(page.get_by_role("heading", name="Ce que liront les patients")).to_be_visible()
    expect(
        page.get_by_text("Venir avec ses radios.").first
    ).to_be_visible()  # it follows the typing
    look_at(page)


def test_mapping_a_unit_makes_its_appointments_be_planned(office: Office, page: Page) -> None:
    """By keyboard, from the list to the saved settings."""
    with office.served() as address:
        office.sign_in(page, address, Role.MANAGER, login="nadia")
        page.goto(f"{address}/services")
        page.get_by_role("link", name="Régler l’UF 4999").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Nom lu par les patients").focus()
        page.keyboard.type("Consultations, accueil D1")
        page.get_by_label("Exclu").focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        expect(page.get_by_label("Ordinaire")).to_be_checked()
        page.get_by_label("Nom lu par les patients").press("Enter")
        expect(page.get_by_text("rendez-vous à venir recevront des rappels")).to_be_visible()
        page.get_by_role("button", name="Enregistrer").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("C’est enregistré")
        expect(page.get_by_text("UF sans réglage")).to_have_count(0)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(office.plan).result()
    planned = office.value(
        "SELECT COUNT(*) FROM decision d JOIN appointment a ON a.id = d.appointment_id "
        "WHERE a.uf = '4999' AND d.state = 'PLANNED'"
    )
    assert planned > 0


def test_a_sheet_goes_from_one_person_to_another_to_the_patients_page(
    office: Office, browser: Browser
) -> None:
    """Without JavaScript. What is approved is what the patient's page and its texts are made of."""
    with (
        office.served() as address,
        browser.new_context(locale="fr-FR", java_script_enabled=False) as one,
        browser.new_context(locale="fr-FR", java_script_enabled=False) as other,
    ):
        author, judge = one.new_page(), other.new_page()
        office.sign_in(author, address, Role.AUTHOR, login="zoe")
        office.sign_in(judge, address, Role.APPROVER, login="yves")
        author.goto(f"{address}/consignes/nouvelle")
        author.get_by_label("Nom de la fiche").fill("jour")
        author.get_by_label("Pour qui").select_option("uf:4300")
        author.get_by_label("Consignes", exact=True).fill("Venir accompagné.")
        author.get_by_label("Phrase du SMS", exact=True).fill("Venir avec ses radios.")
        _send(author)
        expect(author.locator(".phone")).to_contain_text("Venir accompagné.")
        author.get_by_role("button", name="Proposer").click()
        author.wait_for_url("**/versions/*")
        version = author.url
        expect(author.get_by_role("button", name="Approuver")).to_have_count(0)
        judge.goto(version)
        judge.get_by_role("button", name="Approuver").click()
        expect(judge.get_by_role("status")).to_contain_text("La fiche est en service.")
    rules = office.rules
    rules.catch_up(office.store)
    sheet = rules.preparation("4300", "")
    assert sheet is not None
    assert sheet.instructions == "Venir accompagné."
