"""The hold-out's page: what it says of the effect, and who may decide what."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reminders.domain.holdout import Arm
from reminders.domain.report import Month
from reminders.services import money, months
from reminders.services.holdout import State, approve, propose, standing, stop
from reminders.web.staff.visit import Truth
from tests.support.comparison import ENDS, NOW, Comparison
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles

PLACE = "/rapports/temoin"
SPACES = re.compile(r"\s+")


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield office_on(store)


@pytest.fixture
def later(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    """Three months into a hold-out of a fifth."""
    with sqlite_files.migrated(tmp_path) as store:
        yield office_on(store, now=NOW)


def text(answer: Any) -> str:
    assert answer.status_code < 500, answer.text[:2_000]
    plain = html.unescape(re.sub(r"<[^>]+>", " ", answer.text.split("<main", 1)[1]))
    return SPACES.sub(" ", plain.replace("\u00a0", " ").replace("\u202f", " "))


def measured(office: Office) -> None:
    trial = Comparison(office.store)
    trial.arm(Arm.REMINDED, 8_000, 560)
    trial.arm(Arm.HELD, 2_000, 260)


def state(office: Office) -> State:
    return standing(office.store, now=office.now).state


def number(office: Office) -> str:
    return str(standing(office.store, now=office.now).id)


# --- what it says --------------------------------------------------------------------------------


def test_without_a_hold_out_the_first_line_says_that_nothing_is_measured(office: Office) -> None:
    page = text(office.clerk(Role.MANAGER).get(PLACE))
    assert "Pas mesuré : aucun effet n’est affiché Aucun groupe témoin approuvé" in page
    assert "Proposer ce groupe témoin" in page
    assert "<svg" not in office.clerk(Role.MANAGER).get(PLACE).text


def test_a_measured_effect_has_its_sentence_its_picture_its_table_and_its_checks(
    later: Office,
) -> None:
    measured(later)
    answer = later.clerk(Role.READER).get(PLACE)
    page = text(answer)
    assert "Mesuré : tirage au sort Du 01/03/2026 au 01/06/2026, 480 non-venues évitées" in page
    # In the table, and drawn and told in both pictures, that of a telephone too.
    assert page.count("−6,0 points (−8,4 à −3,6)") == 5
    assert answer.text.count('role="img"') == 2
    assert page.count("✓") == 0  # the shape is the style's; the word is there
    assert page.count("en ordre") == 4
    assert "2 000 patients sans rappels pour 2 000 attendus" in page
    assert "Hypothèse, d’après les études" in page


def test_a_simulated_truth_is_drawn_beside_the_estimate(later: Office) -> None:
    measured(later)
    clerk = later.clerk(Role.READER)
    assert "hôpital simulé" not in text(clerk.get(PLACE))
    truth = Truth(later.now, appointments=1_000, missed=50, without=105)
    demo = later.visitor(truth=lambda: truth)
    demo.client.cookies = clerk.client.cookies
    answer = demo.get(PLACE)
    assert answer.text.count('class="truth"') == 2  # the second picture is for a telephone
    # 5,5 points of everybody, a fifth of whom no reminder was sent.
    assert "La vérité de cet hôpital simulé −6,9 points" in text(answer)


def test_below_power_the_smallest_effect_is_said_and_no_estimate(later: Office) -> None:
    trial = Comparison(later.store)
    trial.arm(Arm.REMINDED, 800, 40)
    trial.arm(Arm.HELD, 200, 40)
    page = text(later.clerk(Role.READER).get(PLACE))
    assert "Pas encore mesurable" in page
    assert "Plus petit effet détectable : 7,0 points." in page
    assert "Mesuré par tirage au sort" not in page
    assert "± 7,0 points" in page
    assert "L’effet qu’on saurait voir, dessiné" in page
    assert "l’estimation et son intervalle" not in page  # none is drawn


def test_an_alarm_is_shown_and_no_effect(later: Office) -> None:
    trial = Comparison(later.store)
    trial.arm(Arm.REMINDED, 8_000, 560)
    trial.arm(Arm.HELD, 1_800, 234)
    page = text(later.clerk(Role.READER).get(PLACE))
    assert "Aucun effet affiché : les groupes comptent 1 800 et 8 000 patients" in page
    assert "alarme Les groupes ont la taille que donne le tirage" in page
    assert "points (" not in page


def test_outcomes_missing_more_in_one_arm_are_an_alarm(later: Office) -> None:
    trial = Comparison(later.store)
    trial.arm(Arm.REMINDED, 8_000, 560, unknown=400)
    trial.arm(Arm.HELD, 2_000, 260, unknown=180)
    page = text(later.clerk(Role.READER).get(PLACE))
    assert "alarme L’issue manque autant dans les deux groupes (5,0 % avec rappels" in page
    assert "évitées" not in page


def test_numbers_that_would_point_at_somebody_are_hidden(later: Office) -> None:
    trial = Comparison(later.store)
    trial.arm(Arm.REMINDED, 100, 3)
    trial.arm(Arm.HELD, 25, 2)
    trial.arm(Arm.REMINDED, 4, 0, excluded="protected")
    page = text(later.clerk(Role.READER).get(PLACE))
    assert "masqué (< 5)" in page
    rows = re.findall(r"(Avec rappels|Sans rappels|Majeur protégé) ([^A-Z]*)", page)
    assert all(" 3 " not in told and " 2 " not in told for _, told in rows)
    assert "Majeur protégé masqué (< 5)" in page


def test_the_first_page_hides_what_the_page_hides(later: Office) -> None:
    trial = Comparison(later.store)
    trial.arm(Arm.REMINDED, 160, 20)
    trial.arm(Arm.HELD, 40, 3)
    money.compute(later.store, later.rules, now=later.now)
    clerk = later.clerk(Role.MANAGER)
    assert "pas encore mesurable trop peu de patients" in text(clerk.get("/"))
    for place in (PLACE, "/rapports/economies"):
        page = text(clerk.get(place))
        assert "Pas encore mesurable : trop peu de patients." in page
        assert "étectable" not in page.replace("plus petit effet détectable,", "")
        assert "7,5 %" not in page


def test_it_speaks_english(later: Office) -> None:
    measured(later)
    clerk = later.clerk(Role.MANAGER)
    clerk.post("/compte/langue", {"langue": "en", "retour": "/"})
    page = text(clerk.get(PLACE))
    assert "480 no-shows avoided" in page
    assert "-6.0 points" in page.replace("−", "-")
    assert "Avec rappels" not in page


# --- who decides ---------------------------------------------------------------------------------


def proposed(office: Office, clerk: Clerk, **fields: str) -> Any:
    told = {"numero": number(office), "part": "20", "fin": "2027-09-01"} | fields
    return clerk.post(f"{PLACE}/proposer", told)


def test_the_protocol_is_told_in_the_readers_language(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    clerk.follow(proposed(office, clerk, sans="4230"))
    clerk.post("/compte/langue", langue="en")
    page = html.unescape(clerk.get(PLACE).text)
    protocol = page[page.index('<pre class="protocol"') : page.index("</pre>")]
    assert "PROTOCOL: HOLD-OUT GROUP" in protocol
    assert "State: proposed, not approved yet" in protocol
    told = " ".join(protocol.split())
    assert "20% of patients, drawn at random" in told
    assert "The services Imagerie, accueil C1; sensitive" in told
    assert "final result on 01/09/2027" in told
    assert not re.search("[éèà«]", protocol.replace("Imagerie", "").replace("Hôpital", ""))
    assert max(map(len, protocol.splitlines()[1:])) <= 96


def test_proposed_read_and_approved_by_a_named_person(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    page = text(clerk.follow(proposed(office, clerk, sans="4230")))
    assert "Rien ne change avant son approbation." in page
    assert state(office) is State.PROPOSED
    assert "PROTOCOLE : GROUPE TÉMOIN" in page
    assert "Imagerie, accueil C1" in page
    unread = clerk.post(f"{PLACE}/approuver", {"numero": number(office), "nom": "Dr Claire Test"})
    assert unread.status_code == 422
    assert 'value="Dr Claire Test"' in unread.text
    assert state(office) is State.PROPOSED
    told = {"numero": number(office), "nom": "Dr Claire Test", "lu": "oui"}
    page = text(clerk.follow(clerk.post(f"{PLACE}/approuver", told)))
    assert "Groupe témoin en cours. 20 % des patients, jusqu’au 01/09/2027." in page
    assert "Approuvé par Dr Claire Test" in page
    line = office.rows("SELECT actor, detail FROM audit WHERE action = 'holdout.approve'")[0]
    assert line.actor == "Dr Claire Test"
    assert "manager" in line.detail


def test_nobody_approves_without_a_name(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    proposed(office, clerk)
    answer = clerk.post(f"{PLACE}/approuver", {"numero": number(office), "nom": " ", "lu": "oui"})
    assert answer.status_code == 422
    assert "Écrire le nom de la personne qui en répond." in answer.text
    assert state(office) is State.PROPOSED


def test_stopping_says_the_consequence_and_asks_for_it(office: Office) -> None:
    propose(office.store, office.rules, now=office.now, by="nadia")
    approve(office.store, now=office.now, by="Claire")
    clerk = office.clerk(Role.ADMINISTRATOR)
    assert "de nouveau au prochain passage. La comparaison s’arrête là" in text(clerk.get(PLACE))
    assert clerk.post(f"{PLACE}/arreter", {"numero": number(office)}).status_code == 422
    assert state(office) is State.APPROVED
    done = clerk.post(f"{PLACE}/arreter", {"numero": number(office), "vu": "oui"})
    assert "les rappels reprennent au prochain passage" in text(clerk.follow(done))
    assert state(office) is State.STOPPED


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"part": "beaucoup"}, "Part illisible"),
        ({"part": "80"}, "Part illisible"),
        ({"fin": "demain"}, "Date illisible"),
        ({"fin": "2026-01-01"}, "La date finale est passée"),
        ({"fin": "2090-01-01"}, "gardés"),
        ({"sans": "0000"}, "n’est plus réglé"),
    ],
)
def test_mistakes_are_named_and_what_was_typed_is_kept(
    office: Office, fields: dict[str, str], sentence: str
) -> None:
    clerk = office.clerk(Role.MANAGER)
    answer = proposed(office, clerk, **fields)
    assert answer.status_code == 422
    assert sentence in text(answer)
    for name in ("part", "fin"):
        if name in fields:
            assert f'value="{fields[name]}"' in answer.text
    assert state(office) is State.NONE


def test_of_two_people_the_second_sees_what_the_first_decided(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    proposed(office, clerk)
    seen = number(office)
    approve(office.store, now=office.now, by="Claire")
    stop(office.store, now=office.now, by="nadia")
    propose(office.store, office.rules, now=office.now, by="nadia")
    answer = clerk.post(f"{PLACE}/approuver", {"numero": seen, "nom": "Alex Test", "lu": "oui"})
    assert answer.status_code == 409
    assert "Quelqu’un vient d’en décider" in answer.text
    assert state(office) is State.PROPOSED


def test_who_answers_for_one_service_does_not_decide_for_the_hospital(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER, login="imagerie", ufs=["4230"])
    assert "Décider" not in text(clerk.get(PLACE))
    assert proposed(office, clerk).status_code == 403
    assert state(office) is State.NONE


def test_a_reader_looks_and_does_not_decide(office: Office) -> None:
    clerk = office.clerk(Role.READER)
    assert "Décider" not in text(clerk.get(PLACE))
    assert proposed(office, clerk).status_code == 403


def test_the_page_knows_at_once_what_was_decided(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    clerk.get(PLACE)
    proposed(office, clerk)
    assert "Groupe témoin proposé" in text(clerk.get(PLACE))


def test_the_final_result_stays_when_another_hold_out_begins(later: Office) -> None:
    measured(later)
    later.at(ENDS + timedelta(days=5))
    stop(later.store, now=later.now, by="nadia")
    clerk = later.clerk(Role.MANAGER)
    assert "regard final" in text(clerk.get(PLACE))
    propose(later.store, later.rules, now=later.now, by="nadia")
    approve(later.store, now=later.now, by="Claire")
    assert "ou mois pas encore clos" in text(clerk.get(PLACE))
    later.at(datetime(2027, 4, 10, 6, tzinfo=UTC))
    months.close(later.store, later.rules, Month(2027, 3), by="", now=later.now)
    page = text(clerk.get(PLACE))
    assert "Comparaisons précédentes" in page
    assert "du 01/03/2026 au 01/03/2027 −6,0 points" in page
