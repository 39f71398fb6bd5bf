"""The pages of protocols: a time line, next week in figures, a difference before saving."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reminders.config import ProtocolTable, ServiceTable
from reminders.services import protocols, units
from reminders.services.compose import Route
from reminders.store.engine import Store
from reminders.web.staff.protocols import dots
from tests.support.clinic import visits
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.stores import SqliteFiles
from tests.web.staff.test_units import text_of

TWO = {"day": "J-2", "template": "confirm"}
ONE = {"day": "J-1", "hour": "17:00", "template": "short", "condition": "unless_answered"}
BLOC = ProtocolTable.model_validate({"id": "bloc", "step": [TWO, ONE]})
UNIT = ServiceTable(
    uf="4999", site="sud", label="Accueil D1", sensitivity="normal", protocol="bloc"
)


@pytest.fixture
def store(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Store]:
    """What the pages stand on is proved on both databases (tests/services)."""
    with sqlite_files.migrated(tmp_path) as opened:
        yield opened


@pytest.fixture
def office(store: Store) -> Office:
    found = office_on(store)
    found.routes = (Route("main", "sms", "reply", price_eur=0.05),)
    protocols.save(store, found.rules, BLOC, number=0, actor="paul", now=found.now)
    units.save(store, found.rules, UNIT, number=0, actor="paul", now=found.now)
    found.read(*visits(range(1, 5), starts="2026-10-16 09:30", uf="4999"))
    found.release()
    found.plan()
    return found


def manager(office: Office, **where: Any) -> Clerk:
    return office.clerk(Role.MANAGER, login="nadia", **where)


def steps(*lines: dict[str, str], **more: Any) -> dict[str, Any]:
    base = {
        "id": "", "day": "2", "hour": "10:00", "latest": "", "channels": "sms,email",
        "template": "confirm", "condition": "always", "booked": "0",
    }  # fmt: skip
    told = {f"step_{key}": [(base | line)[key] for line in lines] for key in base}
    return {"number": "1", "geste": "apercu"} | told | more


def test_a_protocol_is_drawn_and_told(office: Office) -> None:
    page = manager(office).get("/protocoles/bloc").text
    assert page.count('class="dot"') == 2
    told = text_of(page)
    assert told.index("2 jours avant") < told.index("La veille") < told.index("Le rendez-vous")
    assert "Seulement si le patient n’a pas encore répondu" in told
    assert "17 h 00" in told


def test_next_week_is_told_in_figures(office: Office) -> None:
    told = text_of(manager(office).get("/protocoles/bloc").text)
    assert "8 messages" in told


def test_an_edit_says_its_difference_and_then_saves(office: Office) -> None:
    clerk = manager(office)
    form = steps({"day": "3"}, {"day": "1", "template": "short"})
    told = text_of(clerk.post("/protocoles/bloc/modifier", form).text)
    assert "Ce que cela fera" in told
    assert "J-3 SMS 0 4" in told
    assert "J-2 SMS 4 0" in told
    assert "SMS des sept jours : environ 0,40 € (à présent : 0,40 €)" in told
    assert office.value("SELECT COUNT(*) FROM protocol_version") == 1
    done = clerk.post("/protocoles/bloc/modifier", form | {"geste": "enregistrer"})
    assert "J-3" in clerk.follow(done).text
    office.plan()
    assert office.reasons()["J-3"] == "PLANNED"


def test_lines_are_added_and_removed_without_a_script(office: Office) -> None:
    clerk = manager(office)
    page = clerk.post("/protocoles/bloc/modifier", steps({}, geste="ajouter")).text
    assert page.count('name="step_day"') == 2
    page = clerk.post("/protocoles/bloc/modifier", steps({}, {"day": "1"}, geste="retirer-0")).text
    assert page.count('name="step_day"') == 1


def test_mistakes_are_told_at_their_line(office: Office) -> None:
    answer = manager(office).post(
        "/protocoles/bloc/modifier", steps({}, {"day": "trop", "hour": "25:00"})
    )
    assert answer.status_code == 422
    assert 'id="day-1-error"' in answer.text
    assert 'value="trop"' in answer.text


def test_two_people_at_once_both_see_both(office: Office) -> None:
    clerk = manager(office)
    clerk.post("/protocoles/bloc/modifier", steps({"day": "4"}, geste="enregistrer"))
    late = clerk.post("/protocoles/bloc/modifier", steps({"day": "5"}, geste="enregistrer"))
    assert late.status_code == 409
    assert "J-4" in late.text
    assert 'name="step_day" value="5"' in late.text
    assert 'name="number" value="2"' in late.text


def test_a_copy_gets_a_name_of_its_own(office: Office) -> None:
    clerk = manager(office)
    page = clerk.get("/protocoles/nouveau?copie=default").text
    assert page.count('name="step_day"') == 3
    taken = clerk.post("/protocoles/nouveau", steps({}, name="bloc", number="0"))
    assert taken.status_code == 422
    made = clerk.post(
        "/protocoles/nouveau", steps({}, name="endo", number="0", geste="enregistrer")
    )
    assert made.headers["location"] == "/protocoles/endo"


def test_what_the_file_or_the_release_owns_is_not_edited(office: Office) -> None:
    clerk = manager(office)
    assert "Livré avec le service" in text_of(clerk.get("/protocoles/default").text)
    assert clerk.get("/protocoles/default/modifier").status_code == 404
    answer = clerk.post("/protocoles/default/modifier", steps({}, geste="enregistrer"))
    assert answer.status_code == 404


def test_who_manages_one_service_does_not_change_anothers_protocol(office: Office) -> None:
    clerk = manager(office, ufs=["4230"])
    assert clerk.get("/protocoles/bloc").status_code == 200
    assert clerk.get("/protocoles/bloc/modifier").status_code == 404


def test_the_drawing_keeps_the_distance_of_the_days() -> None:
    xs = {dot.label: dot.x for dot in dots(BLOC)}
    assert xs["J"] - xs["J-1"] == xs["J-1"] - xs["J-2"]
    booking = ProtocolTable.model_validate(
        {"id": "a", "step": [{"day": "booking", "template": "booking"}]}
    )
    assert [dot.label for dot in dots(booking)] == ["booking", "J"]
    assert [dot.label for dot in dots(ProtocolTable(id="b"))] == ["J"]
