"""Writing and approving texts in a real browser: with keys only, without JavaScript, at 360 px."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from reminders.domain.template_key import TemplateText, key_from
from reminders.services.compose import Route
from reminders.services.templates import save_draft, situation
from reminders.store.engine import run
from tests.support.clinic import someone, visit, visits
from tests.support.looking import look_at
from tests.support.office import Office, Role, office_on
from tests.support.stores import SqliteFiles

PHONE = "{{ telephone_secretariat }}"
WHEN = "le {{ date_rdv }} à {{ heure_rdv }}"
PAGE = "/modeles/confirm.fr.any.sms"


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        one = office_on(store)
        one.routes = (Route("main", "sms", "link", price_eur=0.06), Route("email", "email"))
        long = someone(20, given="Marie-Antoinette", family="DE LA TOUR-D’AUVERGNE-LAURAGUAIS")
        one.read(*visits(range(1, 13)), visit(20, "2026-10-13 09:30", patient=long))
        one.release()
        one.plan()
        yield one


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


def tab(browser: Browser, width: int = 1280, *, script: bool = True) -> Page:
    context = browser.new_context(
        locale="fr-FR", viewport={"width": width, "height": 800}, java_script_enabled=script
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    return page


def drafted(office: Office, slug: str, body: str, by: str, **parts: str) -> None:
    key = key_from(slug)
    with office.store.read() as connection:
        head = situation(connection, key, now=office.now).head
    save_draft(
        office.store, key, TemplateText(body, **parts), author=by, base=head.id if head else 0,
        revision=0, now=office.now,
    )  # fmt: skip


def test_a_text_is_written_approved_by_another_and_sent(
    browser: Browser, office: Office, address: str
) -> None:
    page = tab(browser)
    troubles: list[str] = []
    page.on(
        "console",
        lambda one: (
            troubles.append(one.text)
            if one.type == "error" and not one.location["url"].endswith("/favicon.ico")
            else None
        ),
    )
    page.on("pageerror", lambda one: troubles.append(str(one)))
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(f"{address}/modeles")
    page.get_by_role(
        "link", name=re.compile("Demande de confirmation, SMS · français · tous")
    ).first.click()
    page.get_by_role("link", name="Modifier").click()
    text = page.get_by_label("Texte", exact=True)
    text.fill(f"Bonjour, à l’hôpital le {{{{ date_rdv }}}}. {PHONE}")
    expect(page.locator("#apercu .bubble").first).to_have_text(
        "Bonjour, à l’hôpital le 13/10. 01 99 00 12 34"
    )
    expect(page.locator("#enregistre")).to_contain_text("brouillon enregistré à")
    page.get_by_role("button", name="Exemple suivant").click()
    expect(page.locator("#apercu .bubble").first).to_contain_text("20/10")
    page.get_by_role("button", name="Tout remplacer").click()
    expect(page.get_by_label("Texte", exact=True)).to_have_value(re.compile("à l'hopital le"))
    page.get_by_text("Variables : ce qui change").click()
    page.get_by_role("button", name="Insérer heure_rdv").click()
    expect(page.get_by_label("Texte", exact=True)).to_have_value(re.compile("heure_rdv"))
    expect(page.locator("#apercu .bubble").first).to_contain_text("9h30")
    page.get_by_role("button", name="Proposer").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 2 proposée")
    office.sign_in(page, address, Role.APPROVER)
    page.goto(f"{address}/modeles")
    page.get_by_role("link", name=re.compile("Demande de confirmation")).first.click()
    page.get_by_role("button", name="Mettre en service").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 2 en service")
    assert troubles == []
    page.context.close()
    office.pass_days(5.3)
    with ThreadPoolExecutor(1) as elsewhere:  # playwright's loop runs in this thread
        elsewhere.submit(office.deliver).result()
    assert office.sent
    assert {sent.text for sent in office.sent} == {
        "Bonjour, à l'hopital le 20/10. 01 99 00 12 349h30"
    }


def test_it_is_done_with_the_keyboard_alone(browser: Browser, office: Office, address: str) -> None:
    page = tab(browser)
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(f"{address}/modeles")

    def reach(name: str) -> None:
        """Tab until this is focused, as somebody without a mouse does."""
        for _ in range(120):
            page.keyboard.press("Tab")
            here = page.evaluate(
                "(document.activeElement.getAttribute('aria-label') ?? '') + ' ' + "
                "document.activeElement.textContent"
            )
            if name in here:
                return
        raise AssertionError(f"the keyboard never comes to {name}")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/modeles/[a-z_]+\.fr\."))
    page.keyboard.press("e")
    page.wait_for_url("**/ecrire")
    page.get_by_label("Texte", exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(f"Au clavier, {WHEN}, {PHONE}")
    reach("Proposer")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Version 2 proposée")
    version = page.url
    office.sign_in(page, address, Role.APPROVER)
    page.goto(version)
    reach("Mettre en service")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("Version 2 en service")
    page.context.close()


def test_it_is_done_without_javascript(browser: Browser, office: Office, address: str) -> None:
    page = tab(browser, script=False)
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(f"{address}{PAGE}/ecrire")
    text = page.get_by_label("Texte", exact=True)
    text.fill("Sans programme, {{ motif }}")
    page.get_by_role("button", name="Proposer").click()
    expect(page.get_by_role("alert")).to_contain_text("interdite")
    expect(text).to_have_value("Sans programme, {{ motif }}")
    text.fill(f"Sans programme, {WHEN}, hôpital, {PHONE}")
    page.get_by_role("button", name="Actualiser l’aperçu").click()
    expect(page.locator(".bubble").first).to_contain_text("hôpital, 01 99 00 12 34")
    page.get_by_role("button", name="Exemple suivant").click()
    expect(page.locator("#apercu")).to_contain_text("2 sur 10")
    page.get_by_role("button", name=re.compile("écrire « o »")).click()
    expect(text).to_have_value(re.compile("hopital"))
    page.get_by_role("button", name="Proposer").click()
    page.wait_for_url("**/version/*")
    version = page.url
    office.sign_in(page, address, Role.APPROVER)
    page.goto(version)
    page.get_by_role("button", name="Mettre en service").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 2 en service")
    page.goto(f"{address}{PAGE}/historique")
    page.get_by_role("button", name=re.compile("Remettre ce texte en service")).click()
    expect(page.get_by_role("status").first).to_contain_text("de nouveau en service")
    page.context.close()


def test_every_state_is_accessible_at_both_widths(
    browser: Browser, office: Office, address: str
) -> None:
    """The list, the writing with errors and with none, two texts, an approval refused, history."""
    limps = "{% if point_accueil %}{{ point_accueil }}{% endif %}"
    costly = f"Scanner à l’hôpital, {limps}. {PHONE}"
    drafted(office, "confirm.fr.any.sms", costly, "author")
    drafted(office, "short.fr.any.sms", "Bonjour\n{{ motif }} " + "mot " * 40, "author")
    drafted(office, "confirm.fr.any.email", "Bonjour {{ x }}", "author", subject="")
    drafted(office, "booking.fr.any.email", f"Bonjour {PHONE}", "author", subject="Objet")
    page = tab(browser)
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(f"{address}{PAGE}/ecrire")
    page.get_by_role("button", name="Proposer").click()
    page.wait_for_url("**/version/*")
    version = page.url.removeprefix(address)
    drafted(office, "confirm.fr.any.sms", f"Un autre texte. {PHONE}", "author")
    page.context.close()
    page = tab(browser, 360)
    office.sign_in(page, address, Role.AUTHOR)
    for path in (
        "/modeles", "/modeles?etat=venir", "/modeles/regles", PAGE,
        f"{PAGE}/ecrire", "/modeles/short.fr.any.sms/ecrire", f"{PAGE}/usages",
        "/modeles/confirm.fr.any.email/ecrire", "/modeles/booking.fr.any.email/ecrire",
        "/modeles/booking.fr.any.email", "/modeles/confirm.ar.any.sms/ecrire",
        "/modeles/confirm.ar.any.sms", version,
    ):  # fmt: skip
        page.goto(address + path)
        look_at(page)
    page.goto(f"{address}/modeles/short.fr.any.sms/ecrire")
    page.get_by_role("button", name="Proposer").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look_at(page)
    office.sign_in(page, address, Role.APPROVER, Role.AGENT, login="names")
    for path in (version, f"{PAGE}/historique", f"{PAGE}/version/1"):
        page.goto(address + path)
        look_at(page)
    page.goto(address + version)
    page.get_by_role("button", name="Mettre en service").click()
    expect(page.get_by_role("alert")).to_contain_text("Cocher chaque avertissement")
    look_at(page)
    page.context.close()


def test_both_texts_are_shown_accessibly(browser: Browser, office: Office, address: str) -> None:
    page = tab(browser, 360)
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(f"{address}{PAGE}/ecrire")
    revision = page.locator("input[name=revision]").input_value()
    key = key_from("confirm.fr.any.sms")
    save_draft(
        office.store, key, TemplateText(f"Ailleurs. {PHONE}"), author="author",
        base=0, revision=int(revision), now=office.now,
    )  # fmt: skip
    page.get_by_label("Texte", exact=True).fill(f"Ici. {PHONE}")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("heading", name="Deux textes")).to_be_visible()
    look_at(page)
    page.get_by_role("button", name="Garder mon texte").click()
    expect(page.get_by_label("Texte", exact=True)).to_have_value(f"Ici. {PHONE}")
    page.context.close()


def test_what_needs_javascript_is_shown_with_it_only(
    browser: Browser, office: Office, address: str
) -> None:
    for script in (True, False):
        page = tab(browser, script=script)
        office.sign_in(page, address, Role.AUTHOR)
        page.goto(f"{address}{PAGE}/ecrire")
        page.get_by_text("Variables : ce qui change").click()
        refresh = page.get_by_role("button", name="Actualiser l’aperçu")
        expect(refresh).to_be_visible(visible=not script)
        insert = page.get_by_role("button", name="Insérer heure_rdv")
        expect(insert).to_be_visible(visible=script)
        page.context.close()


# --- when nothing can be saved -------------------------------------------------------------------

SHEETS = "/consignes/nouvelle"
WRITTEN = [("/modeles/confirm.fr.any.sms/ecrire", "texte"), (SHEETS, "instructions")]


def end_every_session(office: Office) -> None:
    """As after an hour without a key."""
    with office.store.write() as connection:
        run(connection, "UPDATE staff_session SET ended_at = created_at")


@pytest.mark.parametrize(("where", "field"), WRITTEN)
def test_a_session_that_ends_takes_no_text_with_it(
    browser: Browser, office: Office, address: str, where: str, field: str
) -> None:
    page = tab(browser)
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(address + where)
    if where == SHEETS:
        page.locator("#name").fill("scanner")
        page.locator("#name").blur()
    end_every_session(office)
    text = page.locator(f"#{field}")
    text.fill(f"Bonjour. {PHONE}")
    notice = page.get_by_role("alert").filter(has_text="Votre session a expiré")
    expect(notice).to_be_visible()
    expect(page.locator("#enregistre")).to_have_text("pas enregistré")
    assert page.get_by_text("Mot de passe").count() == 0  # no form of the door in the page
    page.get_by_role("button", name="Proposer").click()
    expect(notice).to_be_visible()
    assert page.url == address + where
    expect(text).to_have_value(f"Bonjour. {PHONE}")
    with page.expect_popup() as opened:
        notice.get_by_role("link").click()
    expect(opened.value.get_by_role("heading")).to_have_text("Connexion")
    office.sign_in(opened.value, address, Role.AUTHOR)  # in the other window
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#enregistre")).to_contain_text("brouillon enregistré à")
    expect(notice).to_be_hidden()
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    if where == SHEETS:
        return
    page.get_by_role("button", name="Proposer").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 2 proposée")
    page.context.close()


def test_another_persons_session_takes_no_draft(
    browser: Browser, office: Office, address: str
) -> None:
    page = tab(browser)
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(f"{address}{PAGE}/ecrire")
    other = page.context.new_page()
    office.sign_in(other, address, Role.APPROVER)
    page.get_by_label("Texte", exact=True).fill(f"Bonjour. {PHONE}")
    page.evaluate("document.activeElement.blur()")
    expect(page.get_by_role("alert").filter(has_text="un autre compte")).to_be_visible()
    assert office.value("SELECT count(*) FROM template_draft") == 0
    page.context.close()


def test_a_network_that_is_gone_is_told_and_tried_again(
    browser: Browser, office: Office, address: str
) -> None:
    page = tab(browser)
    office.sign_in(page, address, Role.AUTHOR)
    page.goto(f"{address}{PAGE}/ecrire")
    page.context.set_offline(True)
    page.get_by_label("Texte", exact=True).fill(f"Bonjour. {PHONE}")
    notice = page.get_by_role("alert").filter(has_text="nouvel essai")
    expect(notice).to_be_visible()
    expect(page.locator("#enregistre")).to_have_text("pas enregistré")
    page.get_by_role("button", name="Proposer").click()
    expect(page.get_by_label("Texte", exact=True)).to_have_value(f"Bonjour. {PHONE}")
    page.context.set_offline(False)
    expect(page.locator("#enregistre")).to_contain_text("brouillon enregistré à")
    expect(notice).to_be_hidden()
    page.context.close()
