"""The pages of message templates over HTTP: who sees what, what is kept, what is escaped."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reminders.domain.appointment import ContactPoint
from reminders.domain.template_key import TemplateText, key_from
from reminders.services import accounts
from reminders.services.compose import Route
from reminders.services.template_preview import FAMILY, GIVEN
from reminders.services.templates import propose, save_draft, situation
from reminders.store.engine import Store, run
from reminders.web.staff import templates_decide
from tests.support.clinic import someone, visit, visits
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles

PHONE = "{{ telephone_secretariat }}"
SLUG = "confirm.fr.any.sms"
PAGE = f"/modeles/{SLUG}"
GOOD = f"Le {{{{ date_rdv }}}} à {{{{ heure_rdv }}}}, {{{{ etablissement_court }}}}. {PHONE}"
XSS = "<script>window.hit=1</script><img src=x onerror=window.hit=1>"


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        one = office_on(store)
        one.routes = (Route("main", "sms", "link", price_eur=0.06), Route("email", "email"))
        one.read(*visits(range(1, 13)))
        one.release()
        one.plan()
        yield one


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return unescape(found[1])


def typed(clerk: Clerk, body: str, *, page: str = PAGE, **more: Any) -> dict[str, Any]:
    """The form of the editor as a browser would send it."""
    there = clerk.get(f"{page}/ecrire").text
    fields = {name: hidden(there, name) for name in ("base", "revision", "garde", "volume")}
    return {**fields, "texte": body, **more}


def write(clerk: Clerk, body: str, do: str = "enregistrer", **more: Any) -> Any:
    page = more.pop("page", PAGE)
    return clerk.post(f"{page}/ecrire", typed(clerk, body, page=page, faire=do, **more))


def draft(office: Office, by: str = "author", slug: str = SLUG) -> str:
    with office.store.read() as connection:
        found = situation(connection, key_from(slug), now=office.now).draft_of(by)
    return found.text.body if found else ""


def live(office: Office, slug: str = SLUG) -> str:
    with office.store.read() as connection:
        found = situation(connection, key_from(slug), now=office.now).live
    return found.text.body if found else ""


def proposal(office: Office, body: str, by: str = "awa", slug: str = SLUG, **parts: str) -> str:
    """The address of a version that waits."""
    key = key_from(slug)
    with office.store.read() as connection:
        head = situation(connection, key, now=office.now).head
    base = head.id if head else 0
    saved = save_draft(
        office.store, key, TemplateText(body, **parts), author=by, base=base, revision=0,
        now=office.now,
    )  # fmt: skip
    number = propose(
        office.store, office.rules, key, author=by, revision=saved.revision, now=office.now
    )
    return f"/modeles/{slug}/version/{number}"


def ticks(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'name="vu" value="([^"]*)"', page)]


def test_the_list_says_what_serves_waits_and_is_missing(office: Office) -> None:
    proposal(office, GOOD)
    page = office.clerk(Role.AUTHOR).get("/modeles").text
    assert "1 texte attend d’être relu" in page
    assert "version 1 en service" in page
    assert "J-3" in page
    assert "livrés avec le logiciel attendent d’être relus en arabe" in page
    with office.store.write() as connection:
        run(connection, "DELETE FROM template_version WHERE purpose = 'notice' AND language = 'en'")
    page = office.clerk(Role.AUTHOR).get("/modeles?etat=manque").text
    assert f'href="/modeles/notice.en.any.sms/ecrire"' in page  # noqa: F541
    assert "/modeles/booking.fr.any.sms" not in page
    empty = office.clerk(Role.AUTHOR).get("/modeles?etat=venir").text
    assert "Aucun modèle ne répond à ces filtres" in empty


def test_who_only_reads_is_offered_nothing_to_write(office: Office) -> None:
    reader = office.clerk(Role.READER)
    assert "Modifier" not in reader.get(PAGE).text
    assert "/ecrire" not in reader.get("/modeles").text.replace('href="/ecrire"', "")
    assert reader.get(f"{PAGE}/ecrire").status_code == 403


def test_a_template_shows_what_the_patient_reads(office: Office) -> None:
    page = office.clerk(Role.AUTHOR).get(PAGE).text
    assert "20/10" in page
    assert "Sur un vrai rendez-vous" in page
    assert "Xxxxxxx Xxxxxxxx" in page
    assert "EXEMPLE" not in page


def test_names_are_shown_to_those_who_may_see_them_where_they_may(office: Office) -> None:
    other = someone(40, family="AILLEURS")
    office.read(visit(40, "2026-10-20 08:00", uf="4230", patient=other), mode="delta")
    both = office.clerk(Role.AGENT, Role.APPROVER)
    assert "Léa AILLEURS" in both.get(f"{PAGE}/ecrire").text
    assert "Léa EXEMPLE" in both.get(f"{PAGE}/ecrire?exemple=1").text
    approver = office.clerk(Role.APPROVER)
    shown = approver.get(proposal(office, GOOD)).text
    assert "EXEMPLE" not in shown
    some = office.clerk(Role.APPROVER, ufs=["4220"], login="some")
    fewer = some.get(f"{PAGE}/version/2").text
    at_eight = f"8\u00a0h\u00a000, {GIVEN} {FAMILY}"
    assert at_eight in shown
    assert at_eight not in fewer
    seen = office.rows("SELECT DISTINCT actor FROM audit WHERE action = 'template.seen'")
    assert [one.actor for one in seen] == [both.login]


def test_what_is_typed_is_previewed_and_not_kept(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    answer = author.post(
        f"{PAGE}/apercu", {"texte": f"Venez à l’hôpital. {PHONE}", "volume": "900"}
    )
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "Venez à l’hôpital. 01 99 00 12 34" in answer.text
    assert "54,00" not in answer.text
    assert "54 €" in answer.text.replace("\u00a0", " ").replace("\u202f", " ")
    assert 'value="ecrire:' in answer.text
    assert draft(office) == ""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("a {{ motif }} " + PHONE, "interdite"),
        ("a {{ x }} " + PHONE, "inconnue"),
        ("{{ prenom", "accolades"),
        ("Répondez OUI. " + PHONE, "Ce message ne peut pas recevoir de réponse"),
        ("Sans téléphone", "Le téléphone manque"),
        ("{{ ''.__class__ }}", "sans calcul"),
        ("{% include 'x' %}", "cette balise"),
    ],
)
def test_an_error_is_said_and_what_was_typed_is_kept(office: Office, body: str, told: str) -> None:
    author = office.clerk(Role.AUTHOR)
    answer = write(author, f"Bonjour\n{body}", "proposer")
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert told in page
    assert f"Bonjour\n{body}" in page
    assert draft(office) == f"Bonjour\n{body}"
    assert told in unescape(author.get(f"{PAGE}/ecrire").text)


def test_a_costly_character_is_replaced_in_place_everywhere_or_kept(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    body = f"L’hôpital, côté B. {PHONE}"
    author.follow(write(author, body))
    place = body.index("ô")
    author.follow(write(author, body, f"ecrire:{place}"))
    assert draft(office).startswith("L’hopital, côté")
    author.follow(write(author, body, "partout:ô"))
    assert draft(office).startswith("L’hopital, coté")
    author.follow(write(author, body, "tous"))
    assert draft(office).startswith("L'hopital, coté")
    page = author.follow(write(author, body, "garder:ô")).text
    assert draft(office) == body
    assert "Gardés par choix" in page
    assert re.findall(r'value="garder:(.)"', page) == ["’"]
    page = author.follow(write(author, body, "choisir")).text
    assert re.findall(r'value="garder:(.)"', page) == ["’", "ô"]


def test_letters_of_another_script_are_one_remark_and_nothing_to_choose(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    page = author.follow(write(author, f"موعدكم يوم {{{{ date_rdv }}}}. {PHONE}")).text
    assert page.count("Ces lettres ne sont pas de l’alphabet des SMS") == 1
    assert 'value="garder:' not in page


def test_a_costly_character_that_costs_nothing_more_is_not_said_to(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    page = author.follow(write(author, f"À demain, {PHONE}")).text
    assert "Ce texte n’en fait pas un SMS de plus." in page
    page = author.follow(write(author, f"{GOOD} À demain. " + "Merci de venir. " * 3)).text
    assert re.search(r"Dans le plus long cas, \d SMS.; sans eux, 1\.", page)


def test_every_mistake_of_an_e_mail_names_its_part(office: Office) -> None:
    author, mail = office.clerk(Role.AUTHOR), "confirm.fr.any.email"
    page = author.follow(write(
        author, f"Bonjour\n{{% if prenom %}}x\n{PHONE}", page=f"/modeles/{mail}",
        objet="Le {{ date }}", mise_en_forme=f"<p>\n{{{{ motif }}}} {PHONE}</p>",
    )).text  # fmt: skip
    remarks = re.findall(r'<div class="status problem">\s*<p>(.*?)</p>', page, re.DOTALL)
    told = [re.sub(r"\s+", " ", unescape(re.sub("<[^>]*>", "", one))) for one in remarks]
    assert len(told) == 3
    assert any("Ligne 2 : la condition « {% if prenom %} »" in one for one in told)
    assert any("« date_rdv » ?" in one and one.endswith("(Objet)") for one in told)
    assert any("Ligne 2" in one and one.endswith("(Mise en forme)") for one in told)


def test_a_mistake_stands_beside_its_line(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    body = f"Bonjour\n{'très ' * 40}{{{{ motif }}}} {'loin ' * 40}\n{PHONE}"
    page = author.follow(write(author, body)).text
    (written,) = re.findall(r'class="written"[^>]*><code>(.*?)</code>', page)
    assert "{{ motif }}" in written
    assert (written[0], written[-1]) == ("…", "…")
    page = author.follow(write(author, f"Le {{{{ motif }}}} <b>\u202e. {PHONE}")).text
    assert page.count('class="written"') == 2
    assert "<code>Le {{ motif }} &lt;b&gt;[U+202E]. {{ telephone_secretariat }}</code>" in page


def test_a_first_text_differs_from_nothing(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    assert "<ins>" not in author.get(f"{PAGE}/version/1").text
    assert "<ins>" not in author.get(f"{PAGE}/historique").text
    waiting = proposal(office, GOOD)
    assert "<ins>" in author.get(waiting).text


def test_one_leafs_through_the_appointments(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    page = author.follow(write(author, GOOD, "exemple:3")).text
    assert "4 sur 10" in page
    page = author.follow(write(author, GOOD, "avec:exemples")).text
    assert "1 sur 6" in page
    assert "Cas ordinaire" in page
    assert "10 sur 10" in author.get(f"{PAGE}/ecrire?exemple=99").text


def test_proposed_by_one_approved_by_another(office: Office) -> None:
    author, approver = office.clerk(Role.AUTHOR), office.clerk(Role.APPROVER)
    page = author.follow(write(author, GOOD, "proposer"))
    assert "Version 2 proposée" in page.text
    assert "une autre personne le relit" in page.text
    version = f"{PAGE}/version/2"
    asked = approver.get(version).text
    assert "Sur 10 vrais rendez-vous à venir" in asked
    assert "<del>" in asked
    assert "<ins>" in asked
    done = approver.post(f"{version}/approuver", en_service=hidden(asked, "en_service"))
    assert "Version 2 en service" in approver.follow(done).text
    assert live(office) == GOOD


def test_an_author_who_may_approve_cannot_approve_their_own(office: Office) -> None:
    both = office.clerk(Role.AUTHOR, Role.APPROVER, login="both")
    both.follow(write(both, GOOD, "proposer"))
    page = both.get(f"{PAGE}/version/2").text
    assert "/approuver" not in page
    before = live(office)
    refused = both.post(f"{PAGE}/version/2/approuver", en_service="1")
    assert refused.status_code == 422
    assert "On n’approuve pas son propre texte" in refused.text
    assert live(office) == before


def test_a_hospital_may_decide_that_one_person_is_enough(office: Office) -> None:
    office.settings = office.settings.model_copy(
        update={"templates": office.settings.templates.model_copy(update={"two_people": False})}
    )
    both = office.clerk(Role.APPROVER, login="both")
    asked = both.follow(write(both, GOOD, "proposer")).text
    assert "cela reste écrit" in asked
    both.follow(both.post(f"{PAGE}/version/2/approuver", en_service=hidden(asked, "en_service")))
    assert live(office) == GOOD
    assert "seule, comme l’établissement l’autorise" in both.get(PAGE).text


def test_warnings_are_ticked_and_what_was_ticked_stays(office: Office) -> None:
    approver = office.clerk(Role.APPROVER)
    version = proposal(
        office, f"Scanner le {{{{ date_rdv }}}} à {{{{ heure_rdv }}}} à l'hôpital. {PHONE}"
    )
    asked = approver.get(version).text
    marks = ticks(asked)
    assert len(marks) == 2
    fields = {"en_service": hidden(asked, "en_service"), "vu": marks[:1]}
    answer = approver.post(f"{version}/approuver", fields)
    assert answer.status_code == 422
    assert answer.text.count("checked") == 2  # one warning, and « tout de suite »
    approver.follow(approver.post(f"{version}/approuver", fields | {"vu": marks}))
    assert live(office).startswith("Scanner")


def test_a_day_is_chosen_and_a_past_one_refused(office: Office) -> None:
    approver = office.clerk(Role.APPROVER)
    version = proposal(office, GOOD)
    fields = {"en_service": hidden(approver.get(version).text, "en_service"), "quand": "plus-tard"}
    for wrong in ({}, {"jour": "2026-10-01"}, {"jour": "x"}, {"jour": "2026-10-20", "heure": "y"}):
        answer = approver.post(f"{version}/approuver", {**fields, **wrong})
        assert answer.status_code == 422, wrong
    done = approver.post(f"{version}/approuver", {**fields, "jour": "2026-10-20", "heure": "08:00"})
    page = approver.follow(done).text
    assert "mardi 20 octobre à 8\u00a0h\u00a000" in page
    assert live(office) != GOOD
    approver.follow(approver.post(f"{version}/annuler"))
    office.pass_days(10)
    assert live(office) != GOOD


def test_five_hundred_patients_are_said_and_agreed_to(office: Office) -> None:
    office.read(*visits(range(1, 520)))
    office.release()
    office.plan()
    approver = office.clerk(Role.APPROVER)
    version = proposal(office, GOOD)
    asked = approver.get(version).text
    assert "Ce texte ira à 519 patients" in asked
    fields = {"en_service": hidden(asked, "en_service")}
    answer = approver.post(f"{version}/approuver", fields)
    assert "Ce texte ira à 519 patients\u00a0: le confirmer d’abord" in answer.text
    approver.follow(approver.post(f"{version}/approuver", {**fields, "patients": "519"}))
    assert live(office) == GOOD


def test_a_proposal_is_refused_with_a_reason_its_author_reads(office: Office) -> None:
    approver = office.clerk(Role.APPROVER)
    version = proposal(office, GOOD, by="author")
    assert approver.post(f"{version}/refuser").status_code == 422
    fields = {"raison": "unclear", "precision": "Dire l'heure"}
    approver.follow(approver.post(f"{version}/refuser", fields))
    page = office.clerk(Role.AUTHOR).get(version).text
    assert "Difficile à comprendre" in page
    assert "Dire l&#39;heure" in page
    again = office.clerk(Role.AUTHOR).get(f"{PAGE}/ecrire").text
    assert GOOD in again  # writing starts again from what was refused
    assert "a été refusée par Approver Exemple" in again
    assert "Dire l&#39;heure" in again
    listed = office.clerk(Role.AUTHOR).get("/modeles").text
    assert "1 texte refusé, à reprendre" in listed.replace("\u00a0", " ")
    assert approver.post(f"{version}/refuser", fields).status_code == 422


def test_an_author_takes_a_proposal_back(office: Office) -> None:
    version = proposal(office, GOOD, by="author")
    office.clerk(Role.APPROVER)
    assert office.clerk(Role.APPROVER).post(f"{version}/retirer").status_code == 422
    author = office.clerk(Role.AUTHOR)
    author.follow(author.post(f"{version}/retirer"))
    assert "retirée" in author.get(f"{PAGE}/historique").text


def test_one_person_puts_an_older_text_back(office: Office) -> None:
    approver = office.clerk(Role.APPROVER)
    before = live(office)
    version = proposal(office, GOOD)
    fields = {"en_service": hidden(approver.get(version).text, "en_service")}
    approver.follow(approver.post(f"{version}/approuver", fields))
    page = approver.get(f"{PAGE}/historique").text
    assert f"{PAGE}/version/1/revenir" in page
    approver.follow(approver.post(f"{PAGE}/version/1/revenir"))
    assert live(office) == before
    assert "Retour à un texte antérieur" in approver.get(f"{PAGE}/historique").text
    assert office.clerk(Role.AUTHOR).post(f"{PAGE}/version/2/revenir").status_code == 403


def test_going_back_to_a_text_that_reaches_many_says_how_many_first(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    approver = office.clerk(Role.APPROVER)
    before, version = live(office), proposal(office, GOOD)
    fields = {"en_service": hidden(approver.get(version).text, "en_service")}
    approver.follow(approver.post(f"{version}/approuver", fields))
    monkeypatch.setattr(templates_decide, "MANY_PATIENTS", 0)
    asked = approver.post(f"{PAGE}/version/1/revenir")
    assert asked.status_code == 422
    number = re.search(r'name="patients" value="(\d+)"', asked.text)
    assert number is not None
    assert f"Ce texte ira à {number[1]} patient" in asked.text.replace("\u00a0", " ")
    assert live(office) != before
    approver.follow(approver.post(f"{PAGE}/version/1/revenir", {"patients": number[1]}))
    assert live(office) == before


def test_who_approves_for_one_service_puts_nothing_in_service_for_all(office: Office) -> None:
    approver = office.clerk(Role.APPROVER)
    version, before = proposal(office, GOOD), live(office)
    fields = {"en_service": hidden(approver.get(version).text, "en_service")}
    some = office.clerk(Role.APPROVER, ufs=["4230"], login="some")
    assert "/approuver" not in some.get(version).text
    for act in ("approuver", "refuser", "annuler"):
        assert some.post(f"{version}/{act}", fields).status_code == 403
    assert some.post(f"{PAGE}/version/1/revenir").status_code == 403
    assert live(office) == before


def test_two_people_on_one_template_see_both_texts(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    author.follow(write(author, GOOD))
    proposal(office, f"Celui d’Awa. {PHONE}", by="awa")
    page = author.get(f"{PAGE}/ecrire").text
    assert "est plus récente que le texte dont vous êtes parti" in page
    answer = write(author, GOOD, "proposer")
    assert answer.status_code == 409
    both = unescape(answer.text)
    assert "Celui d’Awa." in both
    assert GOOD in both
    fields = {name: hidden(answer.text, name) for name in ("base", "revision")}
    kept = author.post(f"{PAGE}/ecrire", {**fields, "texte": GOOD, "faire": "enregistrer"})
    author.follow(kept)
    page = author.follow(write(author, GOOD, "proposer"))
    assert "Version 3 proposée" in page.text


def test_two_windows_of_one_person_lose_nothing(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    first = typed(author, "Première fenêtre", faire="enregistrer")
    second = typed(author, "Deuxième fenêtre", faire="enregistrer")
    author.follow(author.post(f"{PAGE}/ecrire", first))
    answer = author.post(f"{PAGE}/ecrire", second)
    assert answer.status_code == 409
    assert "Première fenêtre" in answer.text
    assert "Deuxième fenêtre" in answer.text
    assert draft(office) == "Première fenêtre"
    assert author.post(f"{PAGE}/brouillon", second).status_code == 409


def test_a_draft_saves_itself_and_can_be_thrown_away(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    answer = author.post(f"{PAGE}/brouillon", typed(author, "En cours"))
    assert 'data-revision="1"' in answer.text
    assert draft(office) == "En cours"
    author.follow(write(author, "En cours", "abandonner"))
    assert draft(office) == ""
    assert author.post(f"{PAGE}/brouillon", {"texte": "a" * 4_001}).status_code == 422


def test_a_test_goes_to_ones_own_phone(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    assert "n’a pas de téléphone" in write(author, GOOD, "essai").text
    with office.store.write() as connection:
        run(connection, "UPDATE account SET phone = '+33639980055' WHERE login = 'author'")
    assert accounts.account(office.store, "author", now=office.now) is not None
    page = author.follow(write(author, GOOD, "essai")).text
    assert "Essai en route vers votre téléphone" in page
    office.deliver()
    assert [sent.to for sent in office.sent] == ["+33639980055"]
    assert office.sent[0].text.endswith("01 99 00 12 34")
    for _ in range(9):
        write(author, GOOD, "essai")
    assert "Déjà 10 essais en un jour" in write(author, GOOD, "essai").text


def test_a_new_language_starts_from_the_french_text(office: Office) -> None:
    with office.store.write() as connection:
        run(connection, "DELETE FROM template_version WHERE language = 'en'")
    author = office.clerk(Role.AUTHOR)
    page = f"/modeles/{SLUG.replace('.fr.', '.en.')}"
    assert "ces patients reçoivent le français" in author.get(page).text
    assert live(office) in unescape(author.get(f"{page}/ecrire").text)
    done = write(author, f"Appointment. {PHONE}", "proposer", page=page)
    assert "Version 1 proposée" in author.follow(done).text


def test_what_is_written_or_named_stays_words(office: Office) -> None:
    """Templates, subjects, notes, reasons, names of patients and of staff."""
    shared = (ContactPoint("phone", "06 39 98 77 77"),)
    office.read(*(
        visit(n, "2026-10-13 09:30", patient=someone(n, given=XSS, family=XSS, contacts=shared))
        for n in (60, 61)
    ))  # fmt: skip
    both = office.clerk(Role.AGENT, Role.APPROVER, login="both", name=XSS)
    mail = "/modeles/confirm.fr.any.email"
    body = f"{XSS} {{% if prenom %}}{{{{ prenom }}}}{{% endif %}} {PHONE}"
    for page in (PAGE, mail):
        write(both, body, page=page, objet=XSS, note=XSS)
    fields = {"texte": body, "objet": XSS}
    hand = {**fields, "mise_en_forme": f"<p>{body}</p>"}
    version = proposal(office, body, by="awa")
    both.post(f"{version}/refuser", {"raison": "other", "precision": XSS})
    pages = [
        both.get(f"{PAGE}/ecrire"), both.get(f"{mail}/ecrire"), both.get(version),
        both.get(f"{PAGE}/historique"), both.get("/modeles"), both.get(PAGE),
        both.post(f"{PAGE}/apercu", fields), both.post(f"{mail}/apercu", hand),
    ]  # fmt: skip
    for answer in pages:
        assert answer.status_code == 200, answer.text[-300:]
        assert "<script>window" not in answer.text
        assert "<img src=x" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "style=" not in answer.text
    assert "window.hit=1" in pages[0].text


@pytest.mark.parametrize(
    "path",
    [
        "/modeles/rien", "/modeles/short.fr.any.fax", "/modeles/..%2f..%2fetc",
        "/modeles/inconnu.fr.any.sms", "/modeles/inconnu.fr.any.sms/ecrire",
        f"{PAGE}/version/99", f"{PAGE}/version/99999999999999999999999",
    ],
)  # fmt: skip
def test_what_does_not_exist_is_said_to_be_missing(office: Office, path: str) -> None:
    assert office.clerk(Role.APPROVER).get(path).status_code == 404


def test_where_a_template_serves_is_told(office: Office) -> None:
    clerk = office.clerk(Role.READER)
    page = clerk.get(f"{PAGE}/usages").text
    assert "J-3" in page
    assert "Consultations, accueil B2 (4220)" in page
    assert "ne sert pas" in clerk.get("/modeles/confirm.fr.link.sms/usages").text
    assert "ce texte ne part jamais" in clerk.get("/modeles/short.fr.reply.sms/usages").text


def test_every_rule_and_variable_is_explained(office: Office) -> None:
    page = unescape(office.clerk(Role.READER).get("/modeles/regles").text)
    for told in ("{{ heure_rdv }}", "capitale", "Mot qui arrête tous les messages", "Au lieu de"):
        assert told in page


def statements(store: Store) -> list[str]:
    """The SQL a page runs, its transactions apart."""
    found: list[str] = []

    def note(_c: object, _cu: object, sql: str, *_: object) -> None:
        if not sql.startswith(("BEGIN", "PRAGMA")):
            found.append(sql)

    event.listen(store.engine, "before_cursor_execute", note)
    return found


@pytest.mark.parametrize(
    "path",
    ["/modeles", PAGE, f"{PAGE}/ecrire", f"{PAGE}/historique", f"{PAGE}/version/2",
     f"{PAGE}/usages", "/modeles/regles"],
)  # fmt: skip
def test_a_page_asks_little_and_weighs_little(office: Office, path: str) -> None:
    proposal(office, GOOD)
    clerk = office.clerk(Role.APPROVER)
    clerk.get(path)
    asked = statements(office.store)
    answer = clerk.client.get(path, headers={"accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert len(asked) <= 6, asked
    assert int(answer.headers["content-length"]) < 60_000


def test_the_preview_asks_one_question(office: Office) -> None:
    author = office.clerk(Role.AUTHOR)
    token = author.token()
    asked = statements(office.store)
    author.send(f"{PAGE}/apercu", {"jeton": token, "texte": GOOD})
    assert len(asked) <= 2, asked  # who it is, and the appointments


def test_the_pages_speak_english_to_who_reads_english(office: Office) -> None:
    login = office.hire(Role.APPROVER, login="ann")
    with office.store.write() as connection:
        run(connection, "UPDATE account SET language = 'en' WHERE login = :l", l=login)
    ann = office.clerk(Role.APPROVER, login="ann")
    page = unescape(ann.get(f"{PAGE}/ecrire").text)
    for told in ("What the patient will read", "Propose", "Where to go", "1 of 10"):
        assert told in page
    refused = unescape(write(ann, "{{ motif }} l’hôpital", "proposer").text)
    assert "Forbidden variable" in refused
    assert "interdite" not in refused
    warned = unescape(ann.post(f"{PAGE}/apercu", {"texte": f"Scanner. {PHONE}"}).text)
    assert "“Scanner” may reveal care" in warned
