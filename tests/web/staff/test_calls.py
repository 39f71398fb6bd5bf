"""The calls of a day: by hour, of one's services, ended with one click, printable."""

import re
from datetime import timedelta

import pytest

from reminders.domain.worklist import SPOKEN, TRIES, Ending
from reminders.services.answer import pass_on
from reminders.services.worklist import resolve as end
from reminders.services.worklist import take
from reminders.store.engine import Store
from reminders.store.types import instant
from tests.support.clinic import paris, someone
from tests.support.office import Clerk, Office, Role
from tests.support.work import EVIL, calls_to_make, hidden, office_at_work, the_dpi_says
from tests.web.staff.test_todo import nadia, state, statements, text_of


@pytest.fixture
def office(store: Store) -> Office:
    return office_at_work(store)


def names_in_order(page: str) -> list[str]:
    return re.findall(r'id="appel-(\d+)"', page)


def test_the_calls_of_the_day_by_hour(office: Office) -> None:
    tasks = calls_to_make(office, [3, 1, 2])
    page = nadia(office).get("/appels").text
    assert names_in_order(page) == [str(task) for task in tasks]
    told = text_of(page)
    for part in (
        "Appels du jour, lundi 12 octobre", "8 h 10", "mar. 13 oct.", "EXEMPLE Léa",
        "Ni mobile ni courriel utilisable", "Je vous rappelle votre rendez-vous du mardi 13",
        "06 39 98 00 01", "3 appels",
    ):  # fmt: skip
        assert part in told, part
    assert 'href="tel:+33639980001"' in page
    for ending in SPOKEN:
        assert f'value="{tasks[0]}:{ending.value}"' in page


@pytest.mark.parametrize("ending", [one for one in SPOKEN if one not in TRIES])
def test_one_click_ends_a_call(office: Office, ending: Ending) -> None:
    one, other = calls_to_make(office, [1, 2])
    clerk = nadia(office)
    seen = f"vu_{one}"
    answer = clerk.post("/appels", {
        "fin": f"{one}:{ending.value}", f"suite_{one}": str(other),
        seen: hidden(clerk.get("/appels").text, seen),
    })  # fmt: skip
    assert answer.headers["location"] == f"/appels?fait={one}#appel-{other}"
    assert state(office, one) == ("done", "nadia", ending.value)
    page = clerk.follow(answer).text
    assert names_in_order(page) == [str(other)]
    assert "C’est noté" in page
    assert f'action="/a-traiter/{one}/rouvrir"' in page


def test_a_call_leaves_the_list_as_its_appointment_begins(office: Office) -> None:
    one, other = calls_to_make(office, [1, 2])
    clerk = nadia(office)
    seen = f"vu_{one}"
    read = {seen: hidden(clerk.get("/appels").text, seen)}
    office.at(instant(office.appointment(1).starts_at))
    for address in ("/appels", "/appels?jour=2026-10-12", "/appels?tout=1"):
        assert names_in_order(clerk.get(address).text) == [str(other)]
    late = clerk.post("/appels", {"fin": f"{one}:confirmed", **read})  # read before, said after
    assert late.status_code == 409
    assert "a déjà commencé" in late.text
    assert f"#appel-{one}" not in late.text


def test_the_list_says_how_many_there_are_on_every_page_and_on_paper(store: Store) -> None:
    office = office_at_work(store, 105)
    calls_to_make(office, range(1, 106))
    clerk = nadia(office)
    first = clerk.get("/appels").text
    assert len(names_in_order(first)) == 100
    assert "105 appels à passer" in text_of(first)
    assert "105 appels, 100 seulement sur cette liste" in text_of(first)
    after = re.search(r'href="(/appels\?apres=[^"]+)" rel="next"', first)
    assert after is not None
    second = clerk.get(after[1]).text
    assert len(names_in_order(second)) == 5
    assert "105 appels, 5 seulement sur cette liste" in text_of(second)
    whole = clerk.get("/appels?tout=1").text
    assert len(names_in_order(whole)) == 105
    assert "seulement sur cette liste" not in text_of(whole)
    assert 'href="/appels?tout=1"' in first


@pytest.mark.parametrize("ending", sorted(TRIES))
def test_a_try_in_vain_is_kept_and_the_call_comes_back_last(office: Office, ending: Ending) -> None:
    one, other = calls_to_make(office, [1, 2])
    clerk = nadia(office)
    answer = clerk.post("/appels", {"fin": f"{one}:{ending.value}", f"suite_{one}": str(other)})
    assert answer.headers["location"] == f"/appels#appel-{other}"
    clerk.post("/appels", {"fin": f"{one}:{ending.value}"})  # the button pressed twice
    assert state(office, one) == ("open", "", "")
    page = clerk.follow(answer).text
    assert names_in_order(page) == [str(other), str(one)]
    told = text_of(page)
    assert "essayé 1 fois : 10 h 05 · à rappeler dès : 13 h 05" in told
    assert f'action="/a-traiter/{one}/rouvrir"' not in page
    office.at(office.now + timedelta(hours=3, minutes=1))
    page = clerk.get("/appels").text
    assert names_in_order(page) == [str(one), str(other)]
    assert "à rappeler dès" not in text_of(page)
    clerk.post("/appels", {"fin": f"{one}:{ending.value}"})
    page = text_of(clerk.get("/appels").text)
    assert "essayé 2 fois, la dernière : 13 h 06 · à rappeler dès : 16 h 06" in page
    told = text_of(clerk.get(f"/rendez-vous/{office.appointment(1).id}").text)
    assert told.count("Appel sans suite, à refaire") == 2


@pytest.mark.parametrize("ending", [Ending.CONFIRMED, Ending.CANCELLED])
def test_an_hour_that_moved_since_the_list_was_read_is_not_noted(
    office: Office, ending: Ending
) -> None:
    one, _ = calls_to_make(office, [1, 2])
    clerk = nadia(office)
    seen = f"vu_{one}"
    read = {seen: hidden(clerk.get("/appels").text, seen)}
    the_dpi_says(office, starts_at=paris("2026-10-14 11:15"))
    answer = clerk.post("/appels", {"fin": f"{one}:{ending.value}", **read})
    assert answer.status_code == 409
    assert "a changé entre-temps" in answer.text
    assert state(office, one) == ("open", "", "")
    assert office.appointment(1).answer != ending.value


def test_a_wrong_key_is_taken_back_by_opening_the_call_again(office: Office) -> None:
    one, _ = calls_to_make(office, [1, 2])
    clerk = nadia(office)
    seen = f"vu_{one}"
    read = {seen: hidden(clerk.get("/appels").text, seen)}
    for minutes, said, answer in (
        (1, "est repris", "none"),
        (2, "déjà été transmise", "cancelled"),
    ):
        clerk.post("/appels", {"fin": f"{one}:cancelled", **read})
        assert office.appointment(1).answer == "cancelled"
        office.at(office.now + timedelta(minutes=minutes))
        pass_on(office.store, now=office.now)
        assert said in clerk.follow(clerk.post(f"/a-traiter/{one}/rouvrir")).text
        assert office.appointment(1).answer == answer


def test_on_paper_a_reason_is_said_once_and_no_hour_is_anothers(office: Office) -> None:
    calls_to_make(office, [1, 2, 3])
    page = text_of(nadia(office).get("/appels").text)
    _, _, paper = page.partition("Que dire")
    assert paper.count("[jour et heure de la ligne]") == 1
    assert "à 8h" not in paper


def test_two_on_the_same_call(office: Office) -> None:
    one, other = calls_to_make(office, [1, 2])
    office.hire(Role.AGENT, login="paul", name="Paul Martin")
    take(office.store, one, "paul", now=office.now)
    end(office.store, office.secret, other, Ending.OTHER, "paul", now=office.now)
    clerk = nadia(office)
    assert "prise par Paul Martin" in clerk.get("/appels").text
    for task, said in ((one, "s’occupe déjà"), (other, "déjà été noté par Paul Martin")):
        answer = clerk.post("/appels", fin=f"{task}:voicemail")
        assert answer.status_code == 409
        assert said in answer.text
    assert state(office, one) == ("open", "paul", "")


def test_only_the_calls_of_one_s_services(office: Office) -> None:
    (mine,), (theirs,) = calls_to_make(office, [1]), calls_to_make(office, [90], uf="4230")
    clerk = nadia(office, "4220")
    for address in ("/appels", "/appels?service=4230", "/appels?service=4220"):
        page = clerk.get(address).text
        assert names_in_order(page) == [str(mine)]
        assert "AILLEURS" not in page
    assert clerk.post("/appels", fin=f"{theirs}:confirmed").status_code == 404
    assert state(office, theirs)[0] == "open"
    everybody = office.clerk(Role.MANAGER)
    assert names_in_order(everybody.get("/appels").text) == [str(mine), str(theirs)]
    assert names_in_order(everybody.get("/appels?service=4230").text) == [str(theirs)]


def test_a_day_without_calls_says_so(office: Office) -> None:
    page = nadia(office).get("/appels?jour=2026-10-20").text
    assert "Personne à appeler ce jour-là" in page
    assert "mardi 20 octobre" in page


@pytest.mark.parametrize("day", ["hier", "2026-13-45", "9999-01-01", "0001-01-01"])
def test_a_day_that_cannot_be_is_today(office: Office, day: str) -> None:
    assert "lundi 12 octobre" in nadia(office).get(f"/appels?jour={day}").text


@pytest.mark.parametrize("fields", [{}, {"fin": "x"}, {"fin": "1:rien"}, {"fin": "999999:other"}])
def test_an_odd_result_changes_nothing(office: Office, fields: dict[str, str]) -> None:
    (task,) = calls_to_make(office, [1])
    assert nadia(office).post("/appels", fields).status_code == 404
    assert state(office, task)[0] == "open"


def test_names_are_text(office: Office) -> None:
    the_dpi_says(office, patient=someone(1, family=EVIL))
    calls_to_make(office, [1])
    page = nadia(office).get("/appels").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_full_page_is_few_statements_and_bytes_and_goes_on(store: Store) -> None:
    office = office_at_work(store, 120)
    calls_to_make(office, range(1, 121))
    clerk: Clerk = nadia(office)
    clerk.get("/compte")
    with statements(store) as found:
        answer = clerk.get("/appels")
    assert len([sql for sql in found if sql.startswith("SELECT")]) <= 1 + 1, found
    assert int(answer.headers["content-length"]) <= 60_000
    first = names_in_order(answer.text)
    following = re.search(r'href="(/appels\?apres=[^"]+)" rel="next"', answer.text)
    assert following is not None
    second = names_in_order(clerk.get(following[1]).text)
    assert len(set(first + second)) == 120
