"""The day list for attendance: of one's services, what others said never written over unseen."""

import re
from datetime import timedelta

import pytest

from reminders.domain.appointment import Status
from reminders.domain.outcome import Attendance
from reminders.services.day_list import Wish, mark_day
from reminders.store.engine import Store
from tests.support.clinic import PARIS, paris, someone
from tests.support.office import Office, Role
from tests.support.work import EVIL, office_at_work, the_dpi_says
from tests.web.staff.test_todo import nadia, statements, text_of

LIST = "/presences?jour=2026-10-13"


@pytest.fixture
def office(store: Store) -> Office:
    office = office_at_work(store)
    office.at(paris("2026-10-13 12:00"))
    return office


def key(office: Office, number: int) -> int:
    return int(office.appointment(number).id)


def marked(office: Office) -> dict[int, str]:
    return {n: office.appointment(n).attendance for n in (1, 2, 3, 4, 90)}


def form(office: Office, **words: str) -> dict[str, str]:
    """p1="came", seen1="absent": fields as the page has them."""
    found = {"jour": "2026-10-13"}
    for name, word in words.items():
        letters, number = re.sub(r"\d", "", name), re.sub(r"\D", "", name)
        found[f"{'p' if letters == 'p' else 'vu'}_{key(office, int(number))}"] = word
    return found


def says_paul(office: Office, number: int, word: str) -> None:
    office.hire(Role.AGENT, login="paul", name="Paul Martin")
    wish = {key(office, number): Wish(Attendance(word), Attendance.UNMARKED)}
    mark_day(office.store, office.rules, wish, PARIS, None, by="paul", now=office.now)


def test_a_line_an_appointment_with_what_is_missing_on_top(office: Office) -> None:
    page = nadia(office, "4220").get("/presences").text
    told = text_of(page)
    assert "Présences, mardi 13 octobre" in told
    assert "4 à renseigner" in told
    assert page.count("data-line=") == 4
    for part in ("8 h 10", "EXEMPLE Léa", "né(e) le 28/03/1979", "IPP 0000001", "Dr B"):
        assert part in told, part
    assert "AILLEURS" not in page


def test_one_save_for_the_page(office: Office) -> None:
    clerk = nadia(office, "4220")
    fields = form(office, p1="came", vu1="", p2="absent", vu2="", p3="excused", vu3="", vu4="")
    page = clerk.follow(clerk.post("/presences", fields)).text
    assert "3 lignes enregistrées." in text_of(page)
    assert marked(office) == {1: "came", 2: "absent", 3: "excused", 4: "", 90: ""}
    assert "1 à renseigner" in text_of(page)
    undone = form(office, p2="", vu2="absent", p1="came", vu1="came")
    assert "1 ligne enregistrée." in text_of(clerk.follow(clerk.post("/presences", undone)).text)
    assert marked(office)[2] == ""
    nothing = clerk.follow(clerk.post("/presences", form(office, p1="came", vu1="came")))
    assert "Rien n’était à enregistrer" in nothing.text


def test_a_key_saves_its_line_and_gets_it_back(office: Office) -> None:
    clerk = nadia(office)
    one = key(office, 1)
    answer = clerk.post("/presences", form(office, p1="absent", vu1=""), ligne=str(one))
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith("<tr")
    assert f'name="vu_{one}" value="absent"' in answer.text
    assert "Nadia Exemple" in answer.text
    assert marked(office)[1] == "absent"


def test_what_a_colleague_said_meanwhile_is_told_and_stays(office: Office) -> None:
    clerk = nadia(office)
    says_paul(office, 1, "absent")
    answer = clerk.post("/presences", form(office, p1="came", vu1="", p2="came", vu2=""))
    assert answer.status_code == 409
    told = text_of(answer.text)
    assert "1 ligne n’a pas été enregistrée" in told
    assert "1 autre l’a été." in told
    assert "Quelqu’un a noté autre chose entre-temps" in told
    assert "Paul Martin" in told
    assert (marked(office)[1], marked(office)[2]) == ("absent", "came")
    one = key(office, 1)
    assert re.search(rf'name="p_{one}" value="came"[^>]* checked', answer.text), "typed is kept"
    assert f'name="vu_{one}" value="absent"' in answer.text
    clerk.post("/presences", form(office, p1="came", vu1="absent"))
    assert marked(office)[1] == "came", "seen, then decided"


@pytest.mark.parametrize("status", [Status.ARRIVED, Status.NOSHOW, Status.CANCELLED])
def test_what_the_dpi_says_is_shown_and_stands(office: Office, status: Status) -> None:
    the_dpi_says(office, status=status)
    clerk = nadia(office, "4220")
    page = clerk.get("/presences").text
    line = page[page.index(f'data-line="{key(office, 1)}"') :]
    assert "le DPI" in line[: line.index("</tr>")]
    assert 'type="radio"' not in line[: line.index("</tr>")]
    answer = clerk.post("/presences", form(office, p1="excused", vu1=""))
    assert answer.status_code == 409
    assert "Le DPI dit déjà" in answer.text
    assert marked(office)[1] == ""


def test_nobody_of_another_service_is_shown_or_marked(office: Office) -> None:
    clerk = nadia(office, "4220")
    for address in ("", "?liste=4230", "?liste=4230%7CDr+A", "?reste=1"):
        page = clerk.get(f"/presences{address}").text
        assert "AILLEURS" not in page
        assert "Imagerie" not in page
    there = {"jour": "2026-10-13", f"p_{key(office, 90)}": "absent", f"vu_{key(office, 90)}": ""}
    clerk.post("/presences", there)
    assert clerk.post("/presences", there, ligne="1").status_code == 404
    rest = clerk.post("/presences/reste", mot="absent", reste_ligne=str(key(office, 90)))
    assert "AILLEURS" not in clerk.follow(rest).text
    assert marked(office)[90] == ""


def test_an_agenda_and_what_is_left_of_it(office: Office) -> None:
    clerk = nadia(office)
    page = clerk.get(f"{LIST}&liste=4220%7CDr+A").text
    assert page.count("data-line=") == 2
    assert "2 à renseigner" in text_of(page)
    says_paul(office, 2, "came")
    left = clerk.get(f"{LIST}&liste=4220%7CDr+A&reste=1").text
    assert left.count("data-line=") == 1
    says_paul(office, 4, "came")
    assert "Tout est renseigné" in clerk.get(f"{LIST}&liste=4220%7CDr+A&reste=1").text


def test_what_is_left_is_marked_together_only_once_somebody_saw_whom(office: Office) -> None:
    clerk = nadia(office, "4220")
    says_paul(office, 2, "came")
    keys = [str(key(office, n)) for n in (1, 2, 3, 90)]
    asked = clerk.post("/presences/reste", {"mot": "absent", "reste_ligne": keys})
    assert asked.status_code == 200
    assert "Noter 2 patients : absents" in text_of(asked.text)
    assert marked(office) == {1: "", 2: "came", 3: "", 4: "", 90: ""}, "only asked"
    fields = dict(re.findall(r'name="((?:p|vu)_\d+)" value="([^"]*)"', asked.text))
    clerk.post("/presences", {"jour": "2026-10-13"} | fields)
    assert marked(office) == {1: "absent", 2: "came", 3: "absent", 4: "", 90: ""}


def test_nobody_is_marked_before_their_hour(office: Office) -> None:
    office.now -= timedelta(hours=3, minutes=45)  # 8:15
    clerk = nadia(office, "4220")
    page = clerk.get("/presences").text
    assert page.count('data-mark="v"') == 1
    assert "à partir de 8 h 20" in text_of(page)
    answer = clerk.post("/presences", form(office, p2="came", vu2=""))
    assert answer.status_code == 409
    assert "pas encore commencé" in answer.text
    assert marked(office)[2] == ""


@pytest.mark.parametrize(
    "fields",
    [{"p_x": "came"}, {"p_1": "mort"}, {"p_99999999999999999999": "came"}, {"ligne": "1"}],
)
def test_odd_fields_change_nothing(office: Office, fields: dict[str, str]) -> None:
    before = marked(office)
    assert nadia(office).post("/presences", fields).status_code in (303, 404)
    assert marked(office) == before


def test_names_are_text(office: Office) -> None:
    the_dpi_says(office, agenda=EVIL, patient=someone(1, family=EVIL))
    page = nadia(office).get("/presences").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_day_without_appointments_says_so(office: Office) -> None:
    assert "Aucun rendez-vous ce jour-là" in nadia(office).get("/presences?jour=2026-12-25").text


def test_marks_are_in_the_audit_by_number(office: Office) -> None:
    nadia(office).post("/presences", form(office, p1="absent", vu1=""))
    (kept,) = office.rows("SELECT actor, subject, detail FROM audit WHERE action = :a",
                          a="attendance.mark")  # fmt: skip
    assert (kept.actor, kept.subject) == ("nadia", f"appointment:{key(office, 1)}")


def test_a_full_page_is_few_statements_and_bytes(store: Store) -> None:
    office = office_at_work(store, 70)
    office.at(paris("2026-10-13 21:00"))
    clerk = nadia(office)
    clerk.get("/compte")
    with statements(store) as found:
        answer = clerk.get("/presences")
    assert len([sql for sql in found if sql.startswith("SELECT")]) <= 1 + 2, found
    assert int(answer.headers["content-length"]) <= 60_000
    assert answer.text.count("data-line=") == 50
    after = re.search(r'href="(/presences\?[^"]+)" rel="next"', answer.text)
    assert after is not None
    assert clerk.get(after[1].replace("&amp;", "&")).text.count("data-line=") == 21
