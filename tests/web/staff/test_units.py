"""The pages of services: what sends nothing first, what a change will do, and who may."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reminders.config import ServiceTable
from reminders.services import units
from reminders.store.engine import Store
from tests.support.clinic import SETTINGS, visit, visits
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles

FORM: dict[str, Any] = {
    "number": "0", "label": "Consultations, accueil D1", "site": "sud", "sensitivity": "normal",
    "protocol": "default", "sender": "", "slot_cost_eur": "52,50", "phone": "01 99 00 44 44",
    "manager_email": "", "escalation_desk": "", "desk_opens": "8h30", "desk_closes": "17:30",
    "desk_days": ["1", "2"],
}  # fmt: skip


@pytest.fixture
def store(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Store]:
    """What the pages stand on is proved on both databases (tests/services)."""
    with sqlite_files.migrated(tmp_path) as opened:
        yield opened


@pytest.fixture
def office(store: Store) -> Office:
    found = office_on(store)
    found.read(*visits(range(1, 5), uf="4999", agenda="AG-D1"), visit(9))
    found.release()
    found.plan()
    return found


def manager(office: Office, **where: Any) -> Clerk:
    return office.clerk(Role.MANAGER, login="nadia", **where)


def text_of(page: str) -> str:
    plain = re.sub(r"<[^>]+>", " ", page).replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"\s+", " ", plain)


def typed(**changes: Any) -> dict[str, Any]:
    return FORM | {"geste": "apercu"} | changes


def test_what_sends_nothing_is_said_first_with_what_waits(office: Office) -> None:
    page = text_of(manager(office).get("/services").text)
    assert page.index("1 UF sans réglage") < page.index("Services réglés")
    assert "4 rendez-vous attendent." in page
    assert "agenda AG-D1" in page


def test_a_new_service_is_excluded_until_somebody_chooses(office: Office) -> None:
    page = manager(office).get("/services/uf/4999").text
    assert re.search(r'value="excluded" checked', page)


def test_the_page_says_what_it_will_do_before_it_does_it(office: Office) -> None:
    clerk = manager(office)
    answer = clerk.post("/services/uf/4999", typed())
    page = text_of(answer.text)
    assert answer.status_code == 200
    assert "4 rendez-vous à venir recevront des rappels" in page
    assert "Enregistrer" in page
    assert office.value("SELECT COUNT(*) FROM service_version") == 0


def test_once_saved_its_appointments_are_planned(office: Office) -> None:
    clerk = manager(office)
    said = clerk.follow(clerk.post("/services/uf/4999", typed(geste="enregistrer"))).text
    assert "C’est enregistré" in said
    office.plan()
    assert office.reasons()["J-3"] == "PLANNED"
    page = text_of(clerk.get("/services/uf/4999").text)
    assert "premier réglage" in page
    assert "Nadia Exemple" in page


def test_each_mistake_is_told_at_its_field_and_nothing_typed_is_lost(office: Office) -> None:
    answer = manager(office).post(
        "/services/uf/4999",
        typed(label="", phone="12", desk_opens="25h", escalation_desk="Cadre D"),
    )
    assert answer.status_code == 422
    for field in ("label", "phone", "desk_opens"):
        assert f'id="{field}-error"' in answer.text
        assert f'href="#{field}"' in answer.text
    assert 'value="Cadre D"' in answer.text
    assert 'value="25h"' in answer.text


def test_a_name_of_sensitive_care_asks_for_a_second_word(office: Office) -> None:
    clerk = manager(office)
    told = typed(label="Psychiatrie, accueil D1")
    answer = clerk.post("/services/uf/4999", told)
    assert answer.status_code == 422
    assert 'name="sure"' in answer.text
    assert clerk.post("/services/uf/4999", told | {"sure": "1"}).status_code == 200


def test_two_people_at_once_both_see_both_settings(office: Office) -> None:
    clerk = manager(office)
    clerk.post("/services/uf/4999", typed(geste="enregistrer"))
    late = clerk.post(
        "/services/uf/4999", typed(geste="enregistrer", label="Accueil D9", phone="01 99 00 44 44")
    )
    page = text_of(late.text)
    assert late.status_code == 409
    assert "Consultations, accueil D1" in page
    assert 'value="Accueil D9"' in late.text
    number = re.search(r'name="number" value="(\d+)"', late.text)
    assert number is not None
    again = clerk.post(
        "/services/uf/4999",
        typed(geste="enregistrer", label="Accueil D9", number=number[1]),
    )
    assert again.status_code == 303


def test_what_the_file_defines_is_read_and_not_written(office: Office) -> None:
    clerk = manager(office)
    page = clerk.get("/services/uf/4220").text
    assert "fichier de configuration" in page
    assert 'name="label"' not in page
    answer = clerk.post("/services/uf/4220", typed(geste="enregistrer"))
    assert answer.status_code == 409
    assert office.value("SELECT COUNT(*) FROM service_version") == 0


def test_the_files_line_is_named(store: Store) -> None:
    office = office_on(store)
    office.settings.remember({("service", 0): 12}, {})
    page = text_of(manager(office).get("/services/uf/4220").text)
    assert "ligne 12" in page
    assert "fichier, ligne 12" in text_of(manager(office).get("/services").text)


def test_who_manages_one_service_sees_no_other_and_maps_none(office: Office) -> None:
    clerk = manager(office, ufs=["4230"])
    page = clerk.get("/services").text
    assert "Imagerie" in page
    assert "Consultations" not in page
    assert "sans réglage" not in page
    assert clerk.get("/services/uf/4220").status_code == 404
    assert clerk.get("/services/uf/4999").status_code == 404
    assert clerk.post("/services/uf/4999", typed(geste="enregistrer")).status_code == 404


def test_nobody_moves_a_service_to_a_site_they_do_not_manage(store: Store) -> None:
    nord = {"id": "nord", "name": "Hôpital Nord", "short_name": "Nord", "phone": "01 99 00 00 01"}
    office = office_on(store, site=[*SETTINGS["site"], nord])
    table = ServiceTable(uf="4999", site="sud", label="Accueil D1", sensitivity="normal")
    units.save(store, office.rules, table, number=0, actor="paul", now=office.now)
    found = office.rules
    with store.read() as connection:
        found.follow(connection)
    clerk = manager(office, sites=["sud"])
    clerk.get("/services")  # this process follows
    moved = clerk.post("/services/uf/4999", typed(geste="enregistrer", number="1", site="nord"))
    assert moved.status_code == 404
    kept = clerk.post("/services/uf/4999", typed(geste="enregistrer", number="1"))
    assert kept.status_code == 303


def test_who_may_only_look_gets_no_form(office: Office) -> None:
    clerk = office.clerk(Role.READER, login="lecteur")
    page = clerk.get("/services/uf/4999").text
    assert 'name="label"' not in page
    assert clerk.post("/services/uf/4999", typed()).status_code == 403


def test_a_unit_nobody_knows_has_no_page(office: Office) -> None:
    assert manager(office).get("/services/uf/rien").status_code == 404
