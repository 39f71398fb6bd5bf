"""The pages of preparation sheets: written by one, approved by another, read by patients."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from reminders import rendering
from reminders.domain.template import variables_used
from reminders.services.remembered import Measured, Resting
from reminders.store.engine import Store
from reminders.store.sheets import Concerned
from tests.support.clinic import visits
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles
from tests.web.staff.test_units import text_of

FORM: dict[str, Any] = {
    "base": "0", "revision": "0", "about": "uf:4230",
    "instructions": "Ne rien manger après minuit.",
    "sms": "Venir à jeun.", "documents": "carte Vitale\r\nordonnance",
    "arrive_minutes_before": "15", "arrival_point": "Accueil C1", "geste": "apercu",
}  # fmt: skip


@pytest.fixture
def store(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Store]:
    """What the pages stand on is proved on both databases (tests/services)."""
    with sqlite_files.migrated(tmp_path) as opened:
        yield opened


@pytest.fixture
def office(store: Store) -> Office:
    found = office_on(store)
    found.read(*visits(range(1, 5), uf="4230"))
    found.release()
    found.plan()
    return found


def author(office: Office, **where: Any) -> Clerk:
    return office.clerk(Role.AUTHOR, login="anne", **where)


def approver(office: Office, *more: Role, **where: Any) -> Clerk:
    return office.clerk(Role.APPROVER, *more, login="paul", **where)


def propose(office: Office, **changes: Any) -> str:
    """The address of the version."""
    new = {"name": "imagerie", "geste": "proposer"} | changes
    answer = author(office).post("/consignes/nouvelle", FORM | new)
    assert answer.status_code == 303, text_of(answer.text)[:2_000]
    return str(answer.headers["location"])


def second(office: Office, **changes: Any) -> str:
    """The address of a version written over the first."""
    told = FORM | {"base": "1", "geste": "proposer", "sms": "Sans manger."} | changes
    answer = author(office).post("/consignes/imagerie/modifier", told)
    assert answer.status_code == 303, text_of(answer.text)[:2_000]
    return str(answer.headers["location"])


def test_a_sheet_is_seen_as_patients_will_before_it_is_proposed(office: Office) -> None:
    clerk = author(office)
    answer = clerk.post("/consignes/nouvelle", FORM | {"name": "imagerie"})
    told = text_of(clerk.follow(answer).text)
    assert "Ce que liront les patients" in told
    assert "Venir à jeun." in told
    assert "Arriver à 9h15" in told
    assert office.value("SELECT COUNT(*) FROM sheet_version") == 0
    assert office.value("SELECT COUNT(*) FROM sheet_draft") == 1


def test_a_second_person_puts_it_in_service(office: Office) -> None:
    address = propose(office)
    own = text_of(author(office).get(address).text)
    assert "Approuver" not in own
    other = approver(office)
    assert "Approuver" in other.get(address).text
    done = other.follow(other.post(f"{address}/approuver"))
    told = text_of(done.text)
    assert "La fiche est en service." in told
    assert "4 rendez-vous à venir concernés" in told
    assert "Consignes non lues à J-2" in told  # whose suggested words read it
    assert "modèles de message" in told


def test_nobody_approves_what_they_wrote(office: Office) -> None:
    both = approver(office)
    made = both.post("/consignes/nouvelle", FORM | {"name": "imagerie", "geste": "proposer"})
    address = made.headers["location"]
    assert "une autre personne doit l’approuver" in text_of(both.get(address).text)
    assert both.post(f"{address}/approuver").status_code == 409
    assert office.value("SELECT state FROM sheet_version") == "proposed"


def test_a_remark_is_ticked_or_nothing_is_approved(office: Office) -> None:
    address = propose(office, sms="Scanner : venir à jeun.")
    other = approver(office)
    refused = other.post(f"{address}/approuver")
    assert refused.status_code == 409
    assert "Cocher d’abord" in text_of(refused.text)
    assert other.post(f"{address}/approuver", lu="sensitive_sms").status_code == 303


def test_what_is_not_translated_is_told_to_its_author_and_its_approver(office: Office) -> None:
    with office.store.write() as connection:
        connection.exec_driver_sql("UPDATE patient SET language = 'en'")
        connection.exec_driver_sql("UPDATE message SET language = 'en'")
    waiting = office.value("SELECT COUNT(*) FROM message WHERE state = 'PLANNED'")
    warned = (
        "Pas de traduction en anglais. Messages par mois qui diront ces mots en français, "
        f"marqués « (in French) » : {waiting}."
    )
    clerk = author(office)
    told = text_of(clerk.post("/consignes/nouvelle/apercu", FORM | {"name": "imagerie"}).text)
    assert warned in told
    assert "(in French) Venir à jeun." in told
    address = propose(office)
    other = approver(office)
    assert warned in text_of(other.get(address).text)
    assert other.post(f"{address}/approuver").status_code == 409
    assert other.post(f"{address}/approuver", lu="untranslated_en").status_code == 303
    assert warned in text_of(other.get("/consignes/imagerie").text)

    english = {"en_sms": "Come fasting.", "en_instructions": "Eat nothing.", "en_documents": "card"}
    address = second(office, sms="Venir à jeun.", **english)
    told = text_of(other.get(address).text)
    assert "Pas de traduction" not in told
    assert "Phrase du SMS, en anglais" in told
    assert "Come fasting. To cancel" in told
    assert other.post(f"{address}/approuver").status_code == 303
    assert "Come fasting." in text_of(other.get("/consignes/imagerie").text)


def test_a_refusal_tells_its_author_why(office: Office) -> None:
    address = propose(office)
    other = approver(office)
    other.post(f"{address}/refuser", mot="Trop court")
    assert "Trop court" in author(office).get("/consignes/imagerie").text


def test_a_draft_is_kept_right_or_wrong(office: Office) -> None:
    clerk = author(office)
    told = FORM | {"name": "genou", "about": "", "sms": "x" * 80, "geste": "brouillon"}
    page = clerk.follow(clerk.post("/consignes/nouvelle", told)).text
    assert "x" * 80 in page
    assert "votre brouillon" in clerk.get("/consignes").text
    dropped = clerk.post("/consignes/genou/modifier", FORM | {"geste": "abandonner"})
    assert dropped.status_code == 303
    assert office.value("SELECT COUNT(*) FROM sheet_draft") == 0


def test_mistakes_are_told_at_their_field_and_nothing_typed_is_lost(office: Office) -> None:
    told = FORM | {"name": "Été", "sms": "x" * 61, "map_url": "javascript:alert(1)"}
    answer = author(office).post("/consignes/nouvelle", told)
    assert answer.status_code == 422
    for field in ("name", "sms", "map_url"):
        assert f'id="{field}-error"' in answer.text
    assert "ordonnance" in answer.text


def test_a_page_compiles_no_text_it_compiled_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It shows and prices all that is in service, several times: it took a second and a half."""
    address = propose(office)
    clerk = approver(office)
    compiled = [0]
    parse = Environment._parse

    def counted(*asked: Any) -> Any:
        compiled[0] += 1
        return parse(*asked)

    monkeypatch.setattr(Environment, "_parse", counted)
    rendering._compiled.cache_clear()
    variables_used.cache_clear()
    work = []
    for _ in range(2):
        before = compiled[0]
        assert clerk.get(address).status_code == 200
        work.append(compiled[0] - before)
    assert work[0] > 50
    assert work[1] == 0


def test_whoever_is_refused_reads_what_the_refusal_counted(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large hospital a page counts now and then; what is to be ticked is of this moment."""
    address = propose(office)
    clerk = approver(office)
    known: dict[object, Measured[Concerned]] = {}

    def kept(_: object, key: object, make: Callable[[], Concerned], **__: object) -> object:
        return known[key] if key in known else known.setdefault(key, Measured(office.now, make()))

    monkeypatch.setattr(Resting, "get", kept)
    assert "· 4 rendez-vous à venir concernés" in text_of(clerk.get(address).text)
    office.read(*visits(range(1, 8), uf="4230"))
    office.plan()
    assert "· 4 rendez-vous à venir concernés" in text_of(clerk.get(address).text)
    answer = clerk.post(f"{address}/approuver", {"quand": "plus-tard"})
    assert answer.status_code == 422
    assert "· 7 rendez-vous à venir concernés" in text_of(answer.text)


def test_two_people_at_once_lose_nothing(office: Office) -> None:
    approver(office).post(f"{propose(office)}/approuver")
    late = {"base": "0", "revision": "0", "sms": "Sans manger.", "geste": "proposer"}
    answer = author(office).post("/consignes/imagerie/modifier", FORM | late)
    told = text_of(answer.text)
    assert answer.status_code == 409
    assert "entrée en service depuis" in told
    assert 'value="Sans manger."' in answer.text
    assert "<del>" in answer.text
    assert 'name="base" value="1"' in answer.text


def test_one_may_go_back_to_an_approved_version(office: Office) -> None:
    other = approver(office)
    other.post(f"{propose(office)}/approuver")
    second = author(office).post(
        "/consignes/imagerie/modifier",
        FORM | {"base": "1", "sms": "Sans manger.", "geste": "proposer"},
    )
    other.post(f"{second.headers['location']}/approuver")
    back = other.post("/consignes/imagerie/versions/1/revenir")
    assert back.status_code == 303
    told = text_of(other.get("/consignes/imagerie").text)
    assert "(retour à la version 1)" in told


def test_real_appointments_are_shown_and_named_only_to_those_who_may(office: Office) -> None:
    address = propose(office)
    masked = text_of(approver(office).get(address).text)
    assert "Sur 4 rendez-vous réels à venir" in masked
    assert "EXEMPLE" not in masked
    named = office.clerk(Role.APPROVER, Role.AGENT, login="deux")
    assert "EXEMPLE" in text_of(named.get(address).text)


def test_who_writes_for_one_service_writes_for_no_other(office: Office) -> None:
    address = propose(office)
    elsewhere = office.clerk(Role.AUTHOR, login="zoe", ufs=["4220"])
    assert elsewhere.get("/consignes/imagerie/modifier").status_code == 200  # nothing live yet
    told = FORM | {"geste": "proposer", "name": "autre"}
    assert elsewhere.post("/consignes/nouvelle", told).status_code == 422
    judge = office.clerk(Role.APPROVER, login="yves", ufs=["4220"])
    assert judge.post(f"{address}/approuver").status_code == 404


def test_what_the_file_defines_is_read_and_not_written(store: Store) -> None:
    owned = {"id": "labo", "service": "4220", "sms": "Boire de l'eau."}
    office = office_on(store, preparation=[owned])
    office.settings.remember({("preparation", 0): 40}, {})
    clerk = author(office)
    assert "ligne 40" in text_of(clerk.get("/consignes/labo").text)
    assert clerk.get("/consignes/labo/modifier").status_code == 404


# --- as texts are edited -------------------------------------------------------------------------


def test_what_is_typed_is_shown_and_keeps_itself(office: Office) -> None:
    clerk = author(office)
    shown = clerk.post("/consignes/nouvelle/apercu", FORM | {"name": "imagerie"})
    assert "Venir à jeun." in text_of(shown.text)
    assert office.value("SELECT COUNT(*) FROM sheet_draft") == 0
    first = clerk.post("/consignes/nouvelle/brouillon", FORM | {"name": "imagerie"})
    assert 'data-revision="1"' in first.text
    assert 'data-here="/consignes/imagerie"' in first.text
    again = clerk.post("/consignes/imagerie/brouillon", FORM | {"revision": "1", "sms": "Non."})
    assert 'data-revision="2"' in again.text
    assert 'value="Non."' in clerk.get("/consignes/imagerie/modifier").text
    assert clerk.post("/consignes/nouvelle/brouillon", FORM | {"name": "Été"}).status_code == 422
    broken = clerk.post("/consignes/imagerie/apercu", FORM | {"sms": "x" * 61})
    assert "au plus 60 caractères" in text_of(broken.text)


def test_two_windows_lose_nothing(office: Office) -> None:
    clerk = author(office)
    clerk.post("/consignes/nouvelle/brouillon", FORM | {"name": "imagerie"})
    clerk.post("/consignes/imagerie/brouillon", FORM | {"revision": "1", "sms": "Sans boire."})
    late = FORM | {"revision": "1", "sms": "Sans manger."}
    assert clerk.post("/consignes/imagerie/brouillon", late).status_code == 409
    answer = clerk.post("/consignes/imagerie/modifier", late | {"geste": "brouillon"})
    assert answer.status_code == 409
    assert 'value="Sans manger."' in answer.text
    assert "boire" in text_of(answer.text)
    assert "Sans boire." in clerk.get("/consignes/imagerie/modifier").text
    kept = clerk.post(
        "/consignes/imagerie/modifier", late | {"revision": "2", "geste": "brouillon"}
    )
    assert kept.status_code == 303


def test_its_price_is_said_before_and_after(office: Office) -> None:
    address = propose(office, sms="Venir à jeun, avec ses radios et sa carte de groupe sanguin.")
    told = text_of(approver(office).get(address).text)
    assert "0,48 € par mois, pour 8 SMS : comme aujourd’hui" in told  # four patients, two texts
    assert "Sont comptés les SMS des trente derniers jours" in told


def test_a_costlier_sentence_says_by_how_much(office: Office) -> None:
    approver(office).post(f"{propose(office)}/approuver")
    address = second(office, sms="Venir à jeun ☕", arrival_point="Accueil C1")
    told = text_of(approver(office).get(address).text)
    assert "de plus" in told


def test_it_may_serve_from_a_day_on(office: Office) -> None:
    address, other = propose(office), approver(office)
    none = other.post(f"{address}/approuver", quand="plus-tard")
    assert none.status_code == 422
    assert "Indiquer le jour" in text_of(none.text)
    done = other.post(f"{address}/approuver", quand="plus-tard", jour="2026-10-14", heure="08:00")
    told = text_of(other.follow(done).text)
    assert "à partir du mercredi 14 octobre à 8 h 00" in told
    assert "en service plus tard" in text_of(other.get("/consignes").text)
    assert other.post(f"{address}/annuler").status_code == 303
    assert office.value("SELECT state FROM sheet_version") == "withdrawn"


def test_its_sentence_goes_to_ones_own_phone(office: Office) -> None:
    clerk = author(office)
    told = FORM | {"name": "imagerie", "geste": "essai"}
    none = clerk.post("/consignes/nouvelle", told)
    assert none.status_code == 422
    assert "Votre compte n’a pas de téléphone" in text_of(none.text)
    clerk.post("/compte", nom="Anne Exemple", telephone="06 39 98 00 01")
    sent = clerk.post("/consignes/imagerie/modifier", told | {"revision": "1"})
    assert sent.status_code == 303, text_of(sent.text)[:2_000]
    assert "Venir à jeun." in str(office.value("SELECT body FROM template_test"))


def test_a_difference_is_said_in_the_readers_words(office: Office) -> None:
    address = propose(office, acknowledge="1")
    other = approver(office)
    assert "uf:4230" not in other.get(address).text
    other.post("/compte/langue", langue="en")
    assert ">yes<" in re.sub(r"<span.*?</span>", "", other.get(address).text)


def test_a_refused_sheet_is_its_authors_to_write_again(office: Office) -> None:
    address = propose(office, sms="Venir sans rien manger.")
    approver(office).post(f"{address}/refuser", mot="Trop long")
    clerk = author(office)
    listed = text_of(clerk.get("/consignes").text)
    assert "a été refusée par Paul Exemple" in listed
    assert "Trop long" in listed
    page = clerk.get("/consignes/imagerie/modifier").text
    assert 'value="Venir sans rien manger."' in page
    assert "Trop long" in page
    assert "refusée" in text_of(approver(office).get("/consignes").text)


def test_people_are_called_by_their_names(office: Office) -> None:
    address = propose(office)
    assert "écrite par Anne Exemple" in text_of(approver(office).get(address).text)
    approver(office).post(f"{address}/approuver")
    for page in ("/consignes", "/consignes/imagerie"):
        assert "Anne Exemple" in text_of(approver(office).get(page).text)
