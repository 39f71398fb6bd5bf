"""Who may take data away takes what they may see, and it is written down before it leaves."""

import io
import json
import zipfile
from html import unescape
from typing import Any

import pytest

from reminders.domain.access import Role
from reminders.store.engine import Store
from tests.support.clinic import someone, visit
from tests.support.office import Clerk, Office, office_on


@pytest.fixture
def office(store: Store) -> Office:
    office = office_on(store)
    office.read(
        visit(1, uf="4220", patient=someone(1, family="ICI")),
        visit(2, uf="4230", patient=someone(2, family="AILLEURS")),
        visit(3, uf="4220", patient=someone(3, family="DEUX")),
        visit(4, uf="4230", patient=someone(3, family="DEUX")),
    )
    return office


def zipped(response: Any) -> dict[str, bytes]:
    assert response.status_code == 200, response.text[:500]
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def lines(files: dict[str, bytes], table: str) -> list[dict[str, Any]]:
    return [json.loads(one) for one in files[f"data/{table}.jsonl"].splitlines()]


def everything(clerk: Clerk, **fields: str) -> dict[str, bytes]:
    return zipped(clerk.post("/export", fields))


def test_a_manager_of_the_whole_hospital_chooses_with_or_without_names(office: Office) -> None:
    manager = office.clerk(Role.MANAGER)
    bare = everything(manager, noms="non")
    assert len(lines(bare, "patient")) == 3
    assert "family" not in lines(bare, "patient")[0]
    named = everything(manager, noms="oui")
    assert {one["family"] for one in lines(named, "patient")} == {"ICI", "AILLEURS", "DEUX"}


def test_who_sees_no_patient_exports_no_name_whatever_the_form_says(office: Office) -> None:
    ada = office.clerk(Role.ADMINISTRATOR)
    assert "votre rôle ne voit pas les patients" in unescape(ada.get("/export").text)
    files = everything(ada, noms="oui")
    assert "family" not in lines(files, "patient")[0]
    assert b"AILLEURS" not in b"".join(files.values())


def test_a_manager_of_one_service_takes_that_service_away(office: Office) -> None:
    manager = office.clerk(Role.MANAGER, login="cadre", ufs=("4220",))
    assert "4220" in manager.get("/export").text
    files = everything(manager, noms="oui")
    assert {one["family"] for one in lines(files, "patient")} == {"ICI", "DEUX"}
    assert {one["uf"] for one in lines(files, "appointment")} == {"4220"}
    assert "data/audit.jsonl" not in files


def test_an_administrator_who_is_an_agent_elsewhere_gets_no_names(office: Office) -> None:
    """Names need the right to patients wherever the export reaches."""
    from reminders.domain.access import Grant
    from reminders.services import accounts

    login = office.hire(Role.ADMINISTRATOR, login="deux")
    grants = [Grant(Role.ADMINISTRATOR), Grant(Role.AGENT, uf="4220")]
    accounts.allow(office.store, login, grants, actor="tests", now=office.now)
    clerk = office.clerk(Role.ADMINISTRATOR, login="deux")
    assert "family" not in lines(everything(clerk, noms="oui"), "patient")[0]


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUTHOR, Role.APPROVER, Role.READER])
def test_others_take_nothing_away(office: Office, role: Role) -> None:
    clerk = office.clerk(role)
    assert clerk.get("/export").status_code == 403
    assert clerk.post("/export").status_code == 403


def test_it_is_written_down_by_whom_and_with_what(office: Office) -> None:
    everything(office.clerk(Role.MANAGER, login="cadre"), noms="oui")
    (row,) = office.rows("SELECT actor, detail FROM audit WHERE action = 'export'")
    assert (row.actor, json.loads(row.detail)) == ("cadre", {"names": 1})


def test_a_person_is_handed_everything_about_them(office: Office) -> None:
    manager = office.clerk(Role.MANAGER)
    key = office.patient(3).id
    page = unescape(manager.get(f"/patients/{key}/export").text)
    assert "article 15" in page
    files = zipped(manager.post(f"/patients/{key}/export"))
    assert [one["family"] for one in lines(files, "patient")] == ["DEUX"]
    assert len(lines(files, "appointment")) == 2
    assert "Vos données" in files["LISEZ-MOI.md"].decode()
    (row,) = office.rows("SELECT subject FROM audit WHERE action = 'export.patient'")
    assert row.subject == f"patient:{key}"


def test_the_patients_page_leads_there_who_may_go(office: Office) -> None:
    page = f"/patients/{office.patient(1).id}"
    assert f'href="{page}/export"' in office.clerk(Role.MANAGER).get(page).text
    assert f'href="{page}/export"' not in office.clerk(Role.AGENT).get(page).text


def test_a_part_of_a_person_is_handed_to_nobody(office: Office) -> None:
    manager = office.clerk(Role.MANAGER, login="cadre", ufs=("4220",))
    both = f"/patients/{office.patient(3).id}/export"
    assert manager.get(both).status_code == manager.post(both).status_code == 403
    assert "d’autres services" in unescape(manager.get(both).text)
    elsewhere = f"/patients/{office.patient(2).id}/export"
    assert manager.get(elsewhere).status_code == manager.post(elsewhere).status_code == 404
    assert manager.get(f"/patients/{office.patient(1).id}/export").status_code == 200
    assert office.value("SELECT COUNT(*) FROM audit WHERE action = 'export.patient'") == 0


def test_an_administrator_hands_over_nobodys_data(office: Office) -> None:
    """They see no patient: a request for access goes to who does."""
    address = f"/patients/{office.patient(1).id}/export"
    assert office.clerk(Role.ADMINISTRATOR).post(address).status_code == 404
