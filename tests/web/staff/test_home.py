"""The first page, the lists its numbers open, and what is held: over HTTP, by role."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reminders.domain.appointment import AppointmentRecord, Status
from reminders.errors import BadRecipient
from reminders.services.hold import hold_everything, release_hold
from reminders.services.worklist import tend
from reminders.store import money
from reminders.store.engine import Store
from reminders.store.types import micros
from reminders.web.staff.todo import TABS
from tests.support.clinic import paris, someone, visit, visits
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles

HOUR = timedelta(hours=1)
SPACES = re.compile(r"\s+")


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield office_on(store)


def text(answer: Any) -> str:
    """What a person reads of a page."""
    assert answer.status_code < 500, answer.text[:2_000]
    plain = re.sub(r"<[^>]+>", " ", answer.text.split("<main", 1)[1])
    return SPACES.sub(" ", plain.replace("&nbsp;", " "))


def tomorrow(numbers: Sequence[int], **changes: Any) -> list[AppointmentRecord]:
    return visits(numbers, starts="2026-10-13 15:00", **changes)


def busy(office: Office) -> Office:
    """Monday, half past ten: five texts left, one was refused; one patient has no address."""
    office.read(
        *tomorrow(range(1, 6)),
        *tomorrow([6], uf="4230"),
        visit(7, "2026-10-13 15:00", patient=someone(7, contacts=())),
        visit(8, "2026-10-20 15:00", uf="9001"),
    )
    office.release()
    office.plan()
    office.at(paris("2026-10-12 10:30"))
    office.providers["main"].script["+33639980001"] = [BadRecipient("bad")]
    office.deliver()
    tend(office.store, office.rules, now=office.now)
    return office


def held(office: Office) -> int:
    """Two texts wait because somebody stopped all sending; the hold's key."""
    office.read(*tomorrow([1, 2]))
    office.release()
    office.plan()
    office.now += 2 * HOUR
    hold_everything(office.store, "changement de DPI", now=office.now, by="paul")
    office.leave()
    return int(office.value("SELECT MAX(id) FROM hold"))


def half(office: Office, source: str = "agenda") -> int:
    """A file with 28 of 40 appointments waits; its hold's key."""
    office.read(*visits(range(40)), source=source, content_hash="monday")
    office.release()
    office.read(*visits(range(12, 40)), source=source, content_hash="tuesday")
    return int(office.value("SELECT MAX(id) FROM hold WHERE code = 'vanished'"))


# --- the first page ------------------------------------------------------------------------------


def test_nothing_yet_is_said_in_words(office: Office) -> None:
    page = text(office.clerk(Role.MANAGER).get("/"))
    assert "Aujourd’hui, lundi 12 octobre" in page
    assert "Aucun message n’est prévu aujourd’hui." in page
    assert page.count("pas encore de mesure") == 4
    assert "0,0 %" not in page
    assert "Source « agenda » jamais lue" in page


def test_every_number_opens_its_list(office: Office) -> None:
    busy(office)
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get("/").text
    numbers = re.findall(r'href="(/messages\?etat=[a-z-]+)"><b>(\d+)</b>', page)
    assert dict(numbers)["/messages?etat=partis"] == "5"
    assert dict(numbers)["/messages?etat=non-remis"] == "1"
    assert dict(numbers)["/messages?etat=non-envoyes"] == "1"
    for address, number in numbers:
        assert clerk.get(address).text.count("<tr><td") == int(number), address


def test_what_is_not_sent_says_why_and_opens_it(office: Office) -> None:
    busy(office)
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get("/").text
    assert "1 · aucune adresse utilisable" in page
    found = text(clerk.get("/messages?etat=non-envoyes&raison=no_contact"))
    assert "aucune adresse utilisable" in found
    assert "Léa EXEMPLE" in found


def test_an_unmapped_service_comes_first_and_leads_to_its_setting(office: Office) -> None:
    busy(office)
    page = office.clerk(Role.ADMINISTRATOR).get("/").text
    assert "UF 9001 sans réglage\u00a0: 1 rendez-vous à venir" in page
    assert 'href="/services/uf/9001"' in page
    assert page.index("UF 9001") < page.index("Pas d’adresse publique")


def test_what_somebody_may_not_repair_names_whose_it_is(office: Office) -> None:
    busy(office)
    for role, led in ((Role.MANAGER, True), (Role.AGENT, False), (Role.READER, False)):
        page = office.clerk(role).get("/")
        assert ('href="/services/uf/9001"' in page.text) is led
        assert ("À signaler à un responsable du service." in text(page)) is not led
    assert "Voir l’UF 9001" in office.clerk(Role.AGENT).get("/services").text


@pytest.mark.parametrize("role", [Role.AGENT, Role.MANAGER])
def test_every_link_of_the_first_page_opens_what_it_says(office: Office, role: Role) -> None:
    busy(office)
    clerk = office.clerk(role)
    page = clerk.get("/").text
    links = set(re.findall(r'href="(/(?!assets)[^"#]*)', page))
    assert {one: clerk.get(unescape(one)).status_code for one in links} == dict.fromkeys(links, 200)
    tabs = {one for one in links if one.startswith("/a-traiter?onglet=")}
    assert tabs <= {f"/a-traiter?onglet={tab}" for tab in TABS}


@pytest.mark.parametrize("role", [Role.READER, Role.ADMINISTRATOR, Role.AUTHOR])
def test_who_may_not_see_patients_sees_no_name(office: Office, role: Role) -> None:
    busy(office)
    half(office, "imagerie")
    clerk = office.clerk(role)
    hold = office.value("SELECT MAX(id) FROM hold")
    for address in ("/", "/messages?etat=prevus", "/messages?etat=non-envoyes", "/injoignables",
                    "/mesures", "/retenus", f"/retenus/{hold}"):  # fmt: skip
        answer = clerk.get(address)
        assert answer.status_code == 200, address
        assert "EXEMPLE" not in answer.text, address
        assert "3998" not in answer.text, address
        assert "/rendez-vous/" not in answer.text, address


def test_figures_and_lists_are_of_ones_services(office: Office) -> None:
    busy(office)
    clerk = office.clerk(Role.AGENT, login="imagerie", ufs=["4230"])
    page = clerk.get("/").text
    assert "Services\u00a0: Imagerie, accueil C1" in page
    assert dict(re.findall(r'etat=([a-z-]+)"><b>(\d+)</b>', page))["partis"] == "1"
    assert "9001" not in page
    listed = text(clerk.get("/messages?etat=partis"))
    assert listed.count("Imagerie, accueil C1") == 1
    assert "Consultations" not in listed
    assert "Aucun : chaque patient" in text(clerk.get("/injoignables"))


def test_figures_say_what_they_are_of(office: Office) -> None:
    office.read(
        *visits(range(45), starts="2026-10-20 09:30", status=Status.FULFILLED),
        *visits(range(100, 105), starts="2026-10-20 09:30", status=Status.NOSHOW),
        *visits(range(200, 210), starts="2026-10-20 09:30"),
        *visits(range(300, 303), starts="2026-10-20 09:30", status=Status.NOSHOW, uf="4230"),
        *visits(range(400, 420), starts="2026-10-20 09:30", status=Status.FULFILLED, uf="4230"),
    )
    office.at(paris("2026-11-10 09:00"))
    clerk = office.clerk(Role.MANAGER)
    page = text(clerk.get("/"))
    assert "11,0 %" in page  # 8 of 73
    assert "entre 5,7 % et 20,2 %" in page
    assert "8 absents sur 73 issues connues, annulations comprises" in page
    assert "issue inconnue pour 12 % des rendez-vous" in page
    assert "du mar. 13 oct. au lun. 9 nov." in page
    imaging = office.clerk(Role.MANAGER, login="imagerie", ufs=["4230"])
    assert "3 absents sur 23" in text(imaging.get("/"))
    by_service = text(clerk.get("/mesures"))
    assert "11,0 % (8/73)" in by_service
    assert "13,0 % (3/23)" in by_service


def counted_in(clerk: Clerk, address: str) -> int:
    """The appointments of a list, over all of its pages."""
    found: set[str] = set()
    while address:
        page = clerk.get(unescape(address)).text
        found |= set(re.findall(r'href="(/rendez-vous/\d+)"', page))
        onward = re.search(r'href="([^"]+)" rel="next"', page) or re.search(
            r'<a href="([^"]+)">Chercher plus loin', page
        )
        address = onward[1] if onward else ""
    return len(found)


def test_every_figure_opens_the_appointments_it_counts(office: Office) -> None:
    said = visits(range(500, 560), starts="2026-10-20 09:30")
    office.read(
        *visits(range(45), starts="2026-10-20 09:30", status=Status.FULFILLED),
        *visits(range(100, 155), starts="2026-10-20 09:30", status=Status.NOSHOW),
        *visits(range(300, 303), starts="2026-10-20 09:30", status=Status.NOSHOW, uf="4230"),
        *visits(range(400, 420), starts="2026-10-20 09:30", status=Status.FULFILLED, uf="4230"),
        *said,
    )
    office.release()
    office.plan()
    office.at(paris("2026-10-13 10:00"))
    office.deliver()
    clerk = office.clerk(Role.MANAGER)
    clerk.post(
        f"/rendez-vous/{office.appointment(500).id}/reponse", reponse="confirmed", version="1"
    )
    office.read(
        *visits(range(600, 604), starts="2026-10-20 09:30", status=Status.CANCELLED),
        mode="delta",
    )
    office.at(paris("2026-11-10 09:00"))
    page = clerk.get("/").text
    for words, number in (("no-show", 58), ("confirmed", 1), ("cancelled-early", 4)):
        [to] = re.findall(rf'href="(/rendez-vous/recherche[^"]+issue={words})"', page)
        assert counted_in(clerk, to) == number, words
    assert "58 absents sur" in text(clerk.get("/"))
    by_service = clerk.get("/mesures").text
    [one] = re.findall(r'href="([^"]+uf=4230[^"]+issue=no-show)">\(3/23\)</a>', by_service)
    assert counted_in(clerk, one) == 3
    [whole] = re.findall(r'href="([^"]+)">\(58/[0-9]+\)</a>', by_service)
    assert counted_in(clerk, whole) == 58
    reader = office.clerk(Role.READER)
    for address in ("/", "/mesures"):
        assert "/rendez-vous/recherche" not in reader.get(address).text


def test_open_tasks_open_their_list(office: Office) -> None:
    busy(office)
    assert re.search(r'<a href="/a-traiter">\d+', office.clerk(Role.AGENT).get("/").text)
    assert 'href="/a-traiter"' not in office.clerk(Role.READER).get("/").text


def test_a_small_service_is_hidden_by_the_rule_of_the_reports(office: Office) -> None:
    office.read(
        *visits(range(45), starts="2026-10-20 09:30", status=Status.FULFILLED),
        *visits(range(300, 304), starts="2026-10-20 09:30", status=Status.NOSHOW, uf="4230"),
        *visits(range(400, 420), starts="2026-10-20 09:30", uf="4230"),
    )
    office.at(paris("2026-11-10 09:00"))
    page = text(office.clerk(Role.MANAGER).get("/mesures"))
    assert "8,2 % (4/49)" in page  # the whole
    assert "(4/4)" not in page
    assert "(0/45)" not in page  # else the other is found by subtraction
    assert page.count("masqué (&lt; 5)") == 2
    imaging = office.clerk(Role.MANAGER, login="imagerie", ufs=["4230"])
    assert "4 absents" not in text(imaging.get("/"))


def test_the_figures_say_when_and_are_new_when_asked(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    assert "à 9 h 00" in text(clerk.get("/")).replace("\u00a0", " ")
    office.read(*tomorrow([1]))
    office.plan()
    assert "Aucun message n’est prévu" in text(clerk.get("/"))
    assert "Aucun message n’est prévu" not in text(clerk.get("/?frais=1"))


def test_a_hold_is_told_first_with_a_way_to_look(office: Office) -> None:
    hold = held(office)
    page = office.clerk(Role.READER).get("/").text
    assert page.index("changement de DPI") < page.index("Messages du jour")
    assert f'href="/retenus/{hold}"' in page


def test_a_resting_provider_is_told(office: Office) -> None:
    one = office.visitor(resting=lambda: {"main": office.now + 4 * timedelta(minutes=1)})
    one.client.cookies.set(
        "session", office.ticket(office.hire(Role.MANAGER)), domain="rappels.example.org"
    )
    assert "Opérateur « main » laissé de côté" in text(one.get("/"))


def test_it_speaks_english(office: Office) -> None:
    busy(office)
    half(office, "imagerie")
    clerk = office.clerk(Role.MANAGER)
    clerk.post("/compte/langue", {"langue": "en", "retour": "/"})
    hold = office.value("SELECT MAX(id) FROM hold")
    for address in ("/", "/mesures", "/messages", "/injoignables", "/retenus", f"/retenus/{hold}"):
        page = clerk.get(address)
        assert page.status_code == 200
        assert 'lang="en"' in page.text
    page = text(clerk.get("/"))
    assert "Today, Monday 12 October" in page
    assert "Messages du jour" not in page


# --- the lists -----------------------------------------------------------------------------------


def test_a_list_has_pages_and_days(office: Office) -> None:
    office.read(*tomorrow(range(60)))
    office.release()
    office.plan()
    clerk = office.clerk(Role.AGENT)
    first = clerk.get("/messages?etat=prevus")
    assert first.text.count("<tr><td") == 50
    following = re.search(r'href="([^"]+)" rel="next">Suite', first.text)
    assert following is not None
    second = clerk.get(following[1].replace("&amp;", "&"))
    assert second.text.count("<tr><td") == 10
    assert "Début de la liste" in second.text
    assert "Aucun message ce jour-là." in text(clerk.get("/messages?jour=2026-10-11"))
    for nonsense in ("jour=hier", "etat=tout", "apres=x", "apres=1.2", "raison=x"):
        assert clerk.get(f"/messages?{nonsense}").status_code == 200


def test_a_line_leads_to_its_appointments_story(office: Office) -> None:
    busy(office)
    page = office.clerk(Role.AGENT).get("/messages?etat=partis").text
    assert f'href="/rendez-vous/{office.appointment(2).id}"' in page


def test_whom_no_message_reaches_is_listed_with_the_task(office: Office) -> None:
    busy(office)
    clerk = office.clerk(Role.AGENT)
    assert "1" in text(clerk.get("/"))
    page = clerk.get("/injoignables")
    assert "Léa EXEMPLE" in page.text
    assert re.search(r'href="/a-traiter/\d+"', page.text)


# --- what is held --------------------------------------------------------------------------------


def look(clerk: Clerk, hold: int) -> str:
    return text(clerk.get(f"/retenus/{hold}"))


def fields(page: Any, **more: str) -> dict[str, Any]:
    """What the forms of a hold's page carry."""
    seen = sorted(set(re.findall(r'name="motif" value="(\d+)"', page.text)))
    number = re.search(r'name="nombre" value="(\d+)"', page.text)
    found = {"motif": seen, "vu": "oui", "nombre": number[1] if number else "0"}
    return {k: v for k, v in (found | more).items() if v}


def test_a_hold_shows_what_was_seen_and_ten_examples(office: Office) -> None:
    hold = half(office)
    page = look(office.clerk(Role.MANAGER), hold)
    assert "12 rendez-vous à venir ont disparu du fichier" in page
    for told in ("À venir dans le fichier 28", "Connus jusqu’ici 40", "Disparus du fichier 12"):
        assert told.split(" ")[-1] in page
    assert page.count("Léa EXEMPLE") == 10
    assert "12 rendez-vous sont annulés" in page


def test_looking_at_names_is_in_the_audit(office: Office) -> None:
    hold = half(office)
    office.clerk(Role.MANAGER).get(f"/retenus/{hold}")
    assert office.value("SELECT subject FROM audit WHERE action = 'see-hold'") == f"hold:{hold}"
    office.clerk(Role.READER).get(f"/retenus/{hold}")
    assert office.value("SELECT COUNT(*) FROM audit WHERE action = 'see-hold'") == 1


def test_releasing_lets_the_file_be_applied(office: Office) -> None:
    hold = half(office)
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get(f"/retenus/{hold}")
    done = clerk.follow(clerk.post(f"/retenus/{hold}/liberer", fields(page)))
    assert "Libéré par Manager Exemple" in text(done)
    assert office.holds() == []
    summary = office.read(*visits(range(12, 40)), content_hash="tuesday")
    assert (summary.status, summary.vanished) == ("accepted", 12)


def test_discarding_the_file_keeps_it_away(office: Office) -> None:
    hold = half(office)
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get(f"/retenus/{hold}")
    done = clerk.follow(clerk.post(f"/retenus/{hold}/ecarter-fichier", fields(page)))
    assert "Écarté par Manager Exemple" in text(done)
    summary = office.read(*visits(range(12, 40)), content_hash="tuesday")
    assert summary.code == "discarded"


def test_releasing_lets_the_messages_leave_and_home_says_so_at_once(office: Office) -> None:
    hold = held(office)
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get(f"/retenus/{hold}")
    assert "2 messages dont l’heure est venue." in text(page)
    assert "‖ retenus" in text(clerk.get("/"))
    said = text(clerk.follow(clerk.post(f"/retenus/{hold}/liberer", fields(page))))
    assert "2 messages repartent dans la minute." in said
    home = text(clerk.get("/"))
    assert "changement de DPI" not in home
    assert "‖ retenus" not in home
    assert office.leave() == 2


def test_discarded_messages_never_leave(office: Office) -> None:
    hold = held(office)
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get(f"/retenus/{hold}")
    said = text(clerk.follow(clerk.post(f"/retenus/{hold}/ecarter-messages", fields(page))))
    assert "2 messages écartés : ils ne partiront pas. La retenue demeure." in said
    assert "Aucun message n’attend." in said
    assert office.holds() == ["manual"]
    found = text(clerk.get("/messages?etat=non-envoyes"))
    assert found.count("écarté par une personne") == 2 + 1  # the lines, and the reason


def test_nothing_happens_without_having_looked(office: Office) -> None:
    hold = held(office)
    clerk = office.clerk(Role.MANAGER)
    for verb in ("liberer", "ecarter-messages", "ecarter-fichier"):
        answer = clerk.post(f"/retenus/{hold}/{verb}", {"motif": str(hold)})
        assert answer.status_code == 422
        assert "Cocher d’abord" in answer.text
    assert office.holds() == ["manual"]


def test_a_reason_that_came_meanwhile_is_shown_first(office: Office) -> None:
    office.read(*visits(range(30)))
    office.release()
    office.read(window=(office.now - 14 * 24 * HOUR, office.now + 90 * 24 * HOUR))
    first, second = [row.id for row in office.rows("SELECT id FROM hold WHERE ended = ''")]
    clerk = office.clerk(Role.MANAGER)
    answer = clerk.post(f"/retenus/{first}/liberer", {"motif": str(first), "vu": "oui"})
    assert answer.status_code == 409
    assert "Un autre motif" in answer.text
    assert f'value="{second}"' in answer.text
    assert len(office.holds()) == 2


def test_of_two_people_the_second_reads_who_decided(office: Office) -> None:
    hold = half(office)
    office.hire(Role.MANAGER, login="paul")
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get(f"/retenus/{hold}")
    seen = [int(one) for one in fields(page)["motif"]]
    release_hold(office.store, hold, seen, now=office.now, by="paul")
    answer = clerk.post(f"/retenus/{hold}/ecarter-fichier", fields(page))
    assert answer.status_code == 409
    assert "Paul Exemple a déjà décidé" in answer.text
    assert "Libéré par Paul Exemple" in answer.text


def test_a_manager_of_one_service_does_not_decide_for_others(office: Office) -> None:
    hold = held(office)
    clerk = office.clerk(Role.MANAGER, login="imagerie", ufs=["4230"])
    page = clerk.get(f"/retenus/{hold}")
    assert "ne sont pas les vôtres" in page.text
    assert "Léa" not in page.text
    assert clerk.post(f"/retenus/{hold}/liberer", fields(page)).status_code == 403
    assert clerk.post("/retenus/suspendre", {"motif": "panne"}).status_code == 403
    assert office.holds() == ["manual"]
    own = office.clerk(Role.MANAGER, login="accueil", ufs=["4220"])
    page = own.get(f"/retenus/{hold}")
    assert own.post(f"/retenus/{hold}/liberer", fields(page)).status_code == 303


def test_an_agent_looks_and_does_not_decide(office: Office) -> None:
    hold = held(office)
    clerk = office.clerk(Role.AGENT)
    page = clerk.get(f"/retenus/{hold}")
    assert "Un cadre ou un administrateur peut libérer" in page.text
    assert 'name="vu"' not in page.text
    answer = clerk.post(f"/retenus/{hold}/liberer", {"motif": str(hold), "vu": "oui"})
    assert answer.status_code == 403


def test_everything_can_be_stopped_with_a_reason(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    answer = clerk.post("/retenus/suspendre", {"motif": ""})
    assert answer.status_code == 422
    done = clerk.follow(clerk.post("/retenus/suspendre", {"motif": "<b>changement</b> de DPI"}))
    assert "Tous les envois sont suspendus." in text(done)
    assert "<b>changement</b>" not in done.text
    assert office.holds() == ["manual"]


def test_there_is_no_other_hold(office: Office) -> None:
    assert office.clerk(Role.MANAGER).get("/retenus/999").status_code == 404


# --- costs ---------------------------------------------------------------------------------------


def test_each_page_asks_little_of_the_database(office: Office) -> None:
    busy(office)
    half(office, "imagerie")
    hold = office.value("SELECT MAX(id) FROM hold")
    clerk = office.clerk(Role.MANAGER)
    statements: list[str] = []
    event.listen(
        office.store.engine, "before_cursor_execute",
        lambda _c, _k, statement, *_: statements.append(statement),
    )  # fmt: skip
    for address in ("/", "/mesures", "/messages?etat=prevus", "/messages?etat=non-envoyes",
                    "/injoignables", "/retenus", f"/retenus/{hold}"):  # fmt: skip
        office.now += HOUR  # nothing is remembered
        clerk.get(address)
        statements.clear()
        office.now += HOUR
        answer = clerk.get(address)
        assert answer.status_code == 200
        asked = [one for one in statements if not one.startswith(("BEGIN", "COMMIT"))]
        assert len(asked) <= 6, (address, asked)
        assert len(answer.content) < 400_000


def test_estimates_are_told_only_where_they_are_measured(store: Store) -> None:
    office = office_on(store)
    manager = office.clerk(Role.MANAGER)
    page = manager.get("/").text
    assert "aucun groupe témoin n’est en cours" in page
    kept = {
        "verdict": "measured", "avoided": [630.2, 405.0, 854.1], "units": 1000,
        "calls": {"measured": True}, "drivers": [
            {"name": "refilled", "number": 38.4, "low": 20.2, "high": 56.6},
            {"name": "call", "number": -210.3, "low": -300.1, "high": -120.2},
        ],
    }  # fmt: skip
    with store.write() as connection:
        money.keep(connection, "", at=micros(office.now), content=json.dumps(kept))
    page = manager.get("/?frais=1").text
    for said in ("Non-venues évitées", "<b>630</b>", "entre 405 et 854", "<b>38</b>",
                 "entre 20 et 57", "<b>210</b>", "entre 120 et 300",
                 "estimation, par tirage au sort"):  # fmt: skip
        assert said in page
    kept["avoided"] = [120.0, -40.2, 280.0]
    kept["drivers"] = [{"name": "refilled", "number": 0.0, "low": 0.0, "high": 0.0}]
    with store.write() as connection:
        money.keep(connection, "", at=micros(office.now + HOUR), content=json.dumps(kept))
    page = manager.get("/?frais=1").text
    assert "aucun effet établi" in page
    assert "entre -40 et 280" in page.replace("\u2212", "-")
    assert "aucun créneau repris dans les deux groupes" in page
    assert "entre 0 et 0" not in page
    assert "<b>120</b>" not in page
    assert "Estimations" not in office.clerk(Role.AGENT).get("/").text
    assert "Estimations" not in office.clerk(Role.MANAGER, login="un", ufs=["4220"]).get("/").text
