"""Patients and objections over HTTP: who calls is found, and what they say is kept once."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reminders.services.object import object_address
from reminders.store.engine import run
from tests.support.clinic import paris, someone, visit
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles
from tests.support.workday import ATTACKS

NUMBER = "06 39 98 00 01"
PEOPLE = (
    visit(1, patient=someone(1, family="DUPONT", given="Léa")),
    visit(2, patient=someone(2, family="DUPONT-MARTIN", given="Zoé"), uf="4230"),
    visit(3, patient=someone(3, family="MARTIN", given="Léo")),
)


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        office = office_on(store)
        office.read(*PEOPLE)
        office.release()
        office.plan()
        yield office


@pytest.fixture
def clerk(office: Office) -> Clerk:
    return office.clerk(Role.AGENT)


def text(response: Any) -> str:
    return html.unescape(response.text).replace("\u00a0", " ")


def seek(clerk: Clerk, typed: str) -> Any:
    return clerk.post("/patients", qui=typed)


def page_of(office: Office, number: int = 1) -> str:
    return f"/patients/{office.patient(number).id}"


def audited(office: Office) -> list[tuple[str, str, str]]:
    found = office.rows("SELECT action, subject, detail FROM audit ORDER BY id")
    return [(one.action, one.subject, one.detail) for one in found]


# --- search --------------------------------------------------------------------------------------


def test_who_calls_is_found_by_any_spelling_of_the_number(office: Office, clerk: Clerk) -> None:
    for typed in (NUMBER, "+33639980001", "06.39.98.00/01", "0033 6 39 98 00 01"):
        answer = seek(clerk, typed)
        assert answer.headers["location"] == page_of(office)
        assert f"Cherché comme numéro de téléphone {NUMBER}" in text(clerk.follow(answer))


def test_several_are_listed_and_how_it_was_read_is_said(clerk: Clerk) -> None:
    said = text(seek(clerk, "dupont"))
    assert "Cherché comme nom ou prénom « dupont »." in said
    assert "DUPONT-MARTIN" in said


def test_nobody_found_is_explained(clerk: Clerk) -> None:
    said = text(seek(clerk, "inconnu"))
    assert "Les identités sont effacées 90 jours après" in said
    assert 'value="inconnu"' in said


def test_what_cannot_be_looked_for_says_why_and_stays_typed(clerk: Clerk) -> None:
    assert seek(clerk, "   ").status_code == 422
    assert "numéro fixe" in text(seek(clerk, "01 99 00 12 34"))


def test_no_address_and_no_audit_line_holds_what_was_typed(office: Office, clerk: Clerk) -> None:
    seek(clerk, "martin 1979")
    seek(clerk, NUMBER)
    lines = [one for one in audited(office) if one[0] == "patient.search"]
    assert [one[2] for one in lines] == ['{"note": "name,year"}', '{"note": "phone"}']
    assert "0639980001" not in repr(audited(office)).replace(" ", "")


def test_a_service_finds_and_opens_its_own_patients_only(office: Office) -> None:
    imaging = office.clerk(Role.AGENT, login="imagerie", ufs=["4230"])
    assert "DUPONT Léa" not in text(seek(imaging, "dupont"))
    assert imaging.get(page_of(office)).status_code == 404
    for path, fields in (
        ("dire", {"rdv": "1:1", "dit": "cancelled"}),
        ("notes", {"note": "x", "service": "4230"}),
        ("destinataire", {"qui": "patient", "telephone": NUMBER, "confirme": "oui"}),
        ("destinataire/retirer", {}),
        ("opposition", {"canal": "all", "portee": "all"}),
    ):
        assert imaging.post(f"{page_of(office)}/{path}", fields).status_code == 404, path
    for table in ("answer", "note", "recipient", "objection"):
        assert office.value(f"SELECT COUNT(*) FROM {table}") == 0


def test_a_merged_file_leads_to_who_it_is_now(office: Office, clerk: Clerk) -> None:
    kept, gone = office.patient(1).id, office.patient(3).id
    with office.store.write() as connection:
        run(connection, "UPDATE patient SET merged_into = :a WHERE id = :b", a=kept, b=gone)
    answer = clerk.get(f"/patients/{gone}")
    assert answer.headers["location"] == f"/patients/{kept}"
    assert "1 dossier fusionné" in text(clerk.follow(answer))


# --- what is said --------------------------------------------------------------------------------


def said(office: Office, kind: str, **more: str) -> dict[str, str]:
    one = office.appointment(1)
    return {"rdv": f"{one.id}:{one.version}", "dit": kind, "demande": "formulaire1"} | more


def test_a_cancellation_by_telephone_is_kept_once_and_its_consequence_said(
    office: Office, clerk: Clerk
) -> None:
    path = page_of(office)
    shown = text(clerk.follow(clerk.post(f"{path}/dire", said(office, "cancelled"))))
    assert "L’annulation est notée" in shown
    assert "Reste à l’enregistrer dans le DPI" in shown
    again = text(clerk.follow(clerk.post(f"{path}/dire", said(office, "cancelled"))))
    assert "C’était déjà noté" in again
    [answer] = office.rows("SELECT * FROM answer")
    assert (answer.channel, answer.actor) == ("staff", "agent")
    assert answer.origin == "staff:formulaire1:cancelled"
    assert "annule" in shown


def test_another_answer_on_the_same_sheet_is_no_repetition(office: Office, clerk: Clerk) -> None:
    """The browser's way back shows the sheet again: what is chosen then is what was said."""
    path = page_of(office)
    clerk.post(f"{path}/dire", said(office, "cancelled"))
    shown = text(clerk.follow(clerk.post(f"{path}/dire", said(office, "confirmed"))))
    assert "C’était déjà noté" not in shown
    assert office.appointment(1).answer == "confirmed"
    clerk.post(
        f"{path}/dire", said(office, "cancelled")
    )  # the first one sent again changes nothing
    assert office.appointment(1).answer == "confirmed"


def test_a_question_becomes_a_task_and_its_words_a_note(office: Office, clerk: Clerk) -> None:
    fields = said(office, "question", mots="Peut-elle manger avant ?")
    shown = text(clerk.follow(clerk.post(f"{page_of(office)}/dire", fields)))
    assert "Peut-elle manger avant ?" in shown
    assert office.tasks() == ["reply_question"]


def test_what_moved_meanwhile_is_refused_and_what_was_typed_stays(
    office: Office, clerk: Clerk
) -> None:
    fields = said(office, "confirmed", mots="vient avec sa fille")
    fields["rdv"] = fields["rdv"].partition(":")[0] + ":9"
    answer = clerk.post(f"{page_of(office)}/dire", fields)
    assert answer.status_code == 409
    assert "vient avec sa fille" in answer.text
    missing = clerk.post(f"{page_of(office)}/dire", said(office, "") | {"rdv": ""})
    assert missing.status_code == 422


def test_an_appointment_of_somebody_else_is_not_answered(office: Office, clerk: Clerk) -> None:
    answer = clerk.post(f"{page_of(office, 3)}/dire", said(office, "cancelled"))
    assert answer.status_code == 422
    assert office.value("SELECT COUNT(*) FROM answer") == 0


def test_a_note_too_long_is_kept_on_the_page(office: Office, clerk: Clerk) -> None:
    path = f"{page_of(office)}/notes"
    assert clerk.post(path, note="x" * 501, service="4220").status_code == 422
    shown = clerk.follow(clerk.post(path, note="Préfère le matin", service="4220"))
    assert "Préfère le matin" in text(shown)


# --- recipients and objections -------------------------------------------------------------------


def test_a_recipient_is_shown_what_changes_then_told_then_withdrawn(
    office: Office, clerk: Clerk
) -> None:
    path, fields = page_of(office), {"qui": "helper", "telephone": "06 39 98 77 77"}
    check = text(clerk.post(f"{path}/destinataire", fields))
    assert "06 39 98 77 77" in check
    assert re.search(r"\d messages? qui n", check)
    assert office.value("SELECT COUNT(*) FROM recipient") == 0
    told = clerk.post(f"{path}/destinataire", fields | {"confirme": "oui", "demande": "demande99"})
    assert "dit par téléphone" in text(clerk.follow(told))
    assert office.patient(1).proxy_phone == "+33639987777"
    back = clerk.post(f"{path}/destinataire/retirer")
    assert "adresse du DPI" in text(clerk.follow(back))
    assert office.patient(1).proxy_phone == ""


def test_a_landline_is_refused_beside_its_field(office: Office, clerk: Clerk) -> None:
    fields = {"qui": "patient", "telephone": "01 99 00 12 34"}
    answer = clerk.post(f"{page_of(office)}/destinataire", fields)
    assert answer.status_code == 422
    assert "Ligne fixe : pas de SMS" in text(answer)
    assert "01 99 00 12 34" in answer.text


def test_an_objection_is_recorded_listed_and_lifted(office: Office, clerk: Clerk) -> None:
    path = page_of(office)
    fields = {"canal": "sms", "portee": "service:4220", "adresse": ""}
    shown = text(clerk.follow(clerk.post(f"{path}/opposition", fields)))
    assert "Ne veut plus de messages : SMS, pour le service Consultations, accueil B2" in shown
    [one] = office.rows("SELECT * FROM objection")
    assert (one.recorded_by, one.origin) == ("agent", "staff")
    assert "DUPONT" in text(clerk.get("/oppositions?etat=active"))
    assert "DUPONT" not in text(clerk.get("/oppositions?etat=ended"))
    lifted = clerk.post(f"/oppositions/{one.id}/lever")
    assert "messages reprennent" in text(clerk.follow(lifted))
    assert office.value("SELECT withdrawn_by FROM objection") == "agent"


def test_a_number_is_checked_without_being_in_an_address(office: Office, clerk: Clerk) -> None:
    object_address(office.store, office.secret, NUMBER, now=office.now, by="nadia")
    answer = clerk.post("/oppositions/verifier", numero="+33 6 39 98 00 01")
    assert "1 opposition en vigueur" in text(answer)
    assert "aucune opposition" in text(clerk.post("/oppositions/verifier", numero="0639980002"))
    assert clerk.post("/oppositions/verifier", numero="bonjour").status_code == 422
    clerk.post("/oppositions/lever", numero=NUMBER)
    assert office.value("SELECT COUNT(*) FROM objection WHERE withdrawn_at IS NULL") == 0


def test_the_export_runs_no_formula_and_holds_no_number(office: Office) -> None:
    evil = someone(4, family="=HYPERLINK(1)", given="@SUM(1)")
    office.pass_days(0.1)
    office.read(*PEOPLE, visit(4, patient=evil))
    object_address(office.store, office.secret, "06 39 98 00 04", now=office.now, by="nadia")
    sheet = office.clerk(Role.MANAGER).get("/oppositions/export").content.decode("utf-8-sig")
    assert "'=HYPERLINK(1);'@SUM(1)" in sheet
    assert "39980004" not in sheet
    assert office.clerk(Role.AGENT).get("/oppositions/export").status_code == 403


def test_an_administrator_exports_nobodys_name(office: Office) -> None:
    object_address(office.store, office.secret, NUMBER, now=office.now, by="nadia")
    sheet = office.clerk(Role.ADMINISTRATOR).get("/oppositions/export").text
    assert "DUPONT" not in sheet


# --- what comes from outside ---------------------------------------------------------------------


def test_nothing_typed_or_read_becomes_markup(office: Office, clerk: Clerk) -> None:
    for number, attack in enumerate(ATTACKS[:5]):
        office.pass_days(0.01)
        family = someone(1, family=attack, given=attack)
        office.read(visit(1, patient=family), *PEOPLE[1:])
        path = page_of(office)
        clerk.post(f"{path}/notes", note=attack, service="4220", demande=f"attaque{number}")
        fields = said(office, "question", mots=attack, demande=f"question{number}")
        clerk.post(f"{path}/dire", fields)
        for answer in (
            clerk.get(path), seek(clerk, attack), clerk.get(f"{path}/destinataire"),
            clerk.post(f"{path}/destinataire", qui="patient", telephone=attack, courriel=attack),
            clerk.get(f"{path}/opposition"), clerk.post("/oppositions/verifier", numero=attack),
            clerk.post(f"{path}/notes", note=attack * 50, service="4220"),
        ):  # fmt: skip
            assert attack not in answer.text
            assert "<svg/onload" not in answer.text


def test_every_page_seen_is_a_line_of_the_audit(office: Office, clerk: Clerk) -> None:
    clerk.get(page_of(office))
    clerk.get("/oppositions")
    actions = [(one[0], one[1]) for one in audited(office)]
    assert ("patient.view", f"patient:{office.patient(1).id}") in actions
    assert ("objections.view", "") in actions
    shown = text(office.clerk(Role.MANAGER).get(f"{page_of(office)}?voir=actes"))
    assert "A consulté ce dossier" in shown


def test_a_day_that_is_past_is_not_offered(office: Office, clerk: Clerk) -> None:
    office.at(paris("2026-10-21 09:00"))
    assert "Aucun rendez-vous à venir" in text(clerk.get(page_of(office)))
