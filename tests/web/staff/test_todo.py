"""To do: each sees their services, one has a task, nothing typed is lost."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from reminders.domain.worklist import SPOKEN, TRIES, Ending
from reminders.services.answer import pass_on
from reminders.services.worklist import resolve as end
from reminders.services.worklist import take, tend
from reminders.store.engine import Store
from tests.support.clinic import paris, someone, visit
from tests.support.office import Clerk, Office, Role
from tests.support.work import EVIL, calls_to_make, hidden, office_at_work, the_dpi_says, writes


@pytest.fixture
def office(store: Store) -> Office:
    return office_at_work(store)


def nadia(office: Office, *ufs: str) -> Clerk:
    return office.clerk(Role.AGENT, login="nadia", name="Nadia Exemple", ufs=ufs)


def text_of(page: str) -> str:
    """What one reads, on one line, its spaces as plain ones."""
    plain = re.sub(r"<[^>]+>", " ", page).replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"\s+", " ", plain)


def state(office: Office, task: int) -> tuple[str, str, str]:
    row = office.rows("SELECT state, assignee, resolution FROM task WHERE id = :i", i=task)[0]
    return row.state, row.assignee, row.resolution


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    found: list[str] = []

    def heard(_c: object, _cursor: object, sql: str, *_rest: object) -> None:
        found.append(sql)

    event.listen(store.engine, "before_cursor_execute", heard)
    yield found
    event.remove(store.engine, "before_cursor_execute", heard)


def test_a_list_says_what_who_and_until_when(office: Office) -> None:
    writes(office, "Où se garer ?")
    writes(office, "J'ai très mal à la poitrine", 2)
    page = text_of(nadia(office).get("/a-traiter").text)
    assert page.index("Réponse qui parle de santé") < page.index("Pose une question.")
    assert "EXEMPLE Léa" in page
    assert "à traiter avant 10 h 20" in page  # a quarter of an hour
    assert "à traiter avant 11 h 05" in page
    office.at(office.now + timedelta(hours=3))
    assert "en retard depuis 2 h" in text_of(nadia(office).get("/a-traiter").text)


def test_the_tabs_hold_what_they_say(office: Office) -> None:
    one, other = writes(office, "Où se garer ?"), writes(office, "Peut-on manger ?", 2)
    clerk = nadia(office)
    take(office.store, one, "nadia", now=office.now)
    assert f"/a-traiter/{one}?" in clerk.get("/a-traiter?onglet=miennes").text
    assert f"/a-traiter/{other}?" not in clerk.get("/a-traiter?onglet=miennes").text
    assert "Rien n’est en retard" in clerk.get("/a-traiter?onglet=retard").text
    end(office.store, office.secret, one, Ending.OTHER, "nadia", now=office.now)
    done = text_of(clerk.get("/a-traiter?onglet=faites").text)
    assert "fait, ou autre" in done
    assert "Nadia Exemple" in done
    assert "terminée : 10 h 05" in done


def test_the_whole_context_on_one_page(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    page = nadia(office).get(f"/a-traiter/{task}").text
    told = text_of(page)
    for part in (
        "Bonjour, ici Centre hospitalier Exemple.", "Appeler 06 39 98 00 01", "Où se garer ?",
        "né(e) le 28/03/1979", "IPP 0000001", "mardi 13 octobre à 8 h 10", "aucune opposition",
        "Consultations, accueil B2", office.sent[0].text,
    ):  # fmt: skip
        assert part in told, part
    assert 'href="tel:+33639980001"' in page
    office.object("+33639980001")
    assert "Ne veut plus" in text_of(nadia(office).get(f"/a-traiter/{task}").text)


@pytest.mark.parametrize("address", ["/a-traiter", "/a-traiter/{}", "/a-traiter/{}/passer"])
def test_nobody_of_another_service_is_shown(office: Office, address: str) -> None:
    there = writes(office, "Faut-il un masque dans la salle ?", 90)
    for clerk, seen in ((nadia(office, "4220"), False), (office.clerk(Role.MANAGER), True)):
        for tab in ("services", "miennes", "retard", "faites"):
            answer = clerk.get(address.format(there) + f"?onglet={tab}")
            assert (answer.status_code == 404) == ("{}" in address and not seen)
            assert ("AILLEURS" in answer.text) <= seen
            assert ("masque" in answer.text) <= seen
    listed = nadia(office, "4220").get("/a-traiter?service=4230")
    assert "AILLEURS" not in listed.text


@pytest.mark.parametrize("verb", ["prendre", "rendre", "terminer", "passer", "rouvrir"])
def test_nobody_does_a_task_of_another_service(office: Office, verb: str) -> None:
    there = writes(office, "Faut-il un masque dans la salle ?", 90)
    before = state(office, there)
    answer = nadia(office, "4220").post(
        f"/a-traiter/{there}/{verb}", {"fin": "other", "a": "nadia"}
    )
    assert answer.status_code == 404
    assert state(office, there) == before


def test_take_give_back_end_and_open_again(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    clerk = nadia(office)
    assert "prise par vous" in clerk.follow(clerk.post(f"/a-traiter/{task}/prendre")).text
    assert "Prendre la tâche" in clerk.follow(clerk.post(f"/a-traiter/{task}/rendre")).text
    answer = clerk.post(f"/a-traiter/{task}/terminer", fin="moved")
    assert state(office, task) == ("done", "nadia", "moved")
    page = clerk.follow(answer).text
    assert "C’est noté : autre date donnée." in text_of(page)
    assert f'action="/a-traiter/{task}/rouvrir"' in page, "a slip is undone at once"
    assert "de nouveau à traiter" in clerk.follow(clerk.post(f"/a-traiter/{task}/rouvrir")).text
    assert state(office, task) == ("open", "", "")


def test_after_one_comes_the_next_of_the_same_tab(office: Office) -> None:
    first, second = writes(office, "Où se garer ?"), writes(office, "Peut-on manger ?", 2)
    clerk = nadia(office)
    answer = clerk.post(f"/a-traiter/{first}/terminer", fin="other", onglet="services")
    assert answer.headers["location"] == f"/a-traiter/{second}?fait={first}"
    answer = clerk.post(f"/a-traiter/{second}/terminer", fin="other", onglet="services")
    assert answer.headers["location"] == f"/a-traiter?fait={second}"
    assert "Rien à traiter" in clerk.follow(answer).text


@pytest.mark.parametrize("ending", SPOKEN)
def test_every_ending_is_kept_with_its_effect(office: Office, ending: Ending) -> None:
    task = writes(office, "Où se garer ?")
    clerk = nadia(office)
    read = hidden(clerk.get(f"/a-traiter/{task}").text, "rdv")
    answer = clerk.post(f"/a-traiter/{task}/terminer", fin=ending.value, rdv=read)
    assert answer.status_code == 303
    tried = ending in TRIES  # nobody was spoken to: it comes back
    assert state(office, task) == (("open", "", "") if tried else ("done", "nadia", ending.value))
    if tried:
        assert f"fait={task}" not in answer.headers["location"]
        assert "À rappeler dans trois heures" in text_of(clerk.follow(answer).text)
        assert "a appelé" in text_of(clerk.get(f"/a-traiter/{task}").text)
    answer = office.appointment(1).answer
    told = {Ending.CONFIRMED: "confirmed", Ending.CANCELLED: "cancelled"}
    assert answer == told.get(ending, "question")
    objections = office.value("SELECT COUNT(*) FROM objection WHERE origin = 'wrong-number'")
    assert objections == (1 if ending is Ending.WRONG_NUMBER else 0)


def test_a_cancellation_to_enter_ends_first_of_all_as_entered(office: Office) -> None:
    question = writes(office, "Où se garer ?")
    writes(office, "Je ne pourrai pas venir")
    pass_on(office.store, now=office.now)
    tend(office.store, office.rules, now=office.now)
    task = office.value("SELECT id FROM task WHERE kind = 'answer_cancelled'")
    clerk = nadia(office)
    page = clerk.get(f"/a-traiter/{task}").text
    choices = re.findall(r'name="fin" value="([^"]+)"', page)
    assert choices[0] == "entered"
    assert "1 enregistré dans le DPI" in text_of(page)
    assert 'value="entered"' not in clerk.get(f"/a-traiter/{question}").text
    refused = clerk.post(f"/a-traiter/{question}/terminer", fin="entered")
    assert refused.status_code == 409
    answer = clerk.post(f"/a-traiter/{task}/terminer", fin="entered", rdv=hidden(page, "rdv"))
    assert "C’est noté : enregistré dans le DPI." in text_of(clerk.follow(answer).text)
    assert state(office, task) == ("done", "nadia", "entered")
    assert state(office, question)[0] == "open"
    assert office.appointment(1).answer == "cancelled"


@pytest.mark.parametrize("ending", [Ending.CONFIRMED, Ending.CANCELLED])
def test_an_hour_that_moved_since_the_task_was_opened_is_read_again(
    office: Office, ending: Ending
) -> None:
    task = writes(office, "Où se garer ?")
    clerk = nadia(office)
    read = hidden(clerk.get(f"/a-traiter/{task}").text, "rdv")
    the_dpi_says(office, starts_at=paris("2026-10-14 11:15"))
    for shown in ({"rdv": read}, {}):
        answer = clerk.post(f"/a-traiter/{task}/terminer", {"fin": ending.value, **shown})
        assert answer.status_code == 409
        assert state(office, task) == ("open", "", "")
        assert office.appointment(1).answer != ending.value
    page = clerk.post(f"/a-traiter/{task}/terminer", fin=ending.value, rdv=read).text
    assert "a changé entre-temps" in page
    assert "11 h 15" in text_of(page)
    read = hidden(page, "rdv")  # what the answer shows can be read to the patient and noted
    assert clerk.post(f"/a-traiter/{task}/terminer", fin=ending.value, rdv=read).status_code == 303
    assert office.appointment(1).answer == ending.value


def test_an_end_must_be_chosen(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    for fields in ({}, {"fin": "n'importe"}):
        answer = nadia(office).post(f"/a-traiter/{task}/terminer", fields)
        assert answer.status_code == 422
        assert "Choisir d’abord" in answer.text
    assert state(office, task)[0] == "open"


def test_whoever_comes_second_is_told_who_and_keeps_their_choice(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    office.hire(Role.AGENT, login="paul", name="Paul Martin")
    take(office.store, task, "paul", now=office.now)
    clerk = nadia(office)
    for verb in ("prendre", "rendre"):
        answer = clerk.post(f"/a-traiter/{task}/{verb}")
        assert (answer.status_code, "Paul Martin" in answer.text) == (409, True)
    answer = clerk.post(f"/a-traiter/{task}/terminer", fin="voicemail")
    assert answer.status_code == 409
    assert "Paul Martin s’en occupe déjà" in answer.text
    assert "Votre choix, gardé : message laissé." in text_of(answer.text)
    assert state(office, task) == ("open", "paul", "")

    taken = clerk.post(f"/a-traiter/{task}/passer", a="nadia", fin="voicemail")
    assert state(office, task)[1] == "nadia"
    page = clerk.follow(taken).text
    assert re.search(r'value="voicemail"[^>]* checked', page)


def test_what_is_done_already_is_said_with_by_whom(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    office.hire(Role.AGENT, login="paul", name="Paul Martin")
    end(office.store, office.secret, task, Ending.OTHER, "paul", now=office.now)
    answer = nadia(office).post(f"/a-traiter/{task}/terminer", fin="voicemail")
    assert answer.status_code == 409
    assert "Déjà traitée par Paul Martin" in answer.text
    assert state(office, task) == ("done", "paul", "other")


def test_a_task_goes_to_whom_may_do_it_and_to_no_other(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    office.hire(Role.AGENT, login="paul", name="Paul Martin", ufs=["4220"])
    office.hire(Role.AGENT, login="zoe", name="Zoé Ailleurs", ufs=["4230"])
    clerk = nadia(office, "4220")
    form = clerk.get(f"/a-traiter/{task}/passer").text
    assert "Paul Martin" in form
    assert "Zoé Ailleurs" not in form
    for fields in ({}, {"a": "zoe"}, {"a": "personne"}, {"uf": "9999"}, {"uf": "4220"}):
        answer = clerk.post(f"/a-traiter/{task}/passer", fields)
        assert answer.status_code == 422, fields
    assert state(office, task)[1] == ""
    clerk.post(f"/a-traiter/{task}/passer", a="paul")
    assert state(office, task)[1] == "paul"
    answer = clerk.post(f"/a-traiter/{task}/passer", uf="4230", a="zoe")
    assert answer.headers["location"] == "/a-traiter"
    assert state(office, task)[1] == "zoe"
    assert clerk.get(f"/a-traiter/{task}").status_code == 404, "it is another service's now"
    assert "EXEMPLE" in office.clerk(Role.AGENT, login="zoe").get(f"/a-traiter/{task}").text


def test_of_several_appointments_one_is_named(store: Store) -> None:
    office = office_at_work(store, 1)
    both = visit(1).patient
    office.read(
        visit(1, "2026-10-13 08:10", agenda="Dr B"), visit(5, "2026-10-13 15:00", patient=both),
        visit(90, "2026-10-13 09:30", uf="4230"),
    )  # fmt: skip
    with store.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO told (attempt_id, appointment_id, cycle, starts_at, place) "
            "SELECT t.attempt_id, a.id, 1, a.starts_at, '' FROM told t, appointment a, "
            "appointment b WHERE b.id = t.appointment_id AND b.external_id = 'R1' "
            "AND a.external_id = 'R5'"
        )
    task = writes(office, "Je ne viens pas à celui de 15h")
    clerk = nadia(office)
    assert "Pour quel rendez-vous" in clerk.get(f"/a-traiter/{task}").text
    answer = clerk.post(f"/a-traiter/{task}/terminer", fin="cancelled")
    assert answer.status_code == 409
    assert "dire lequel" in answer.text
    wrong = clerk.post(
        f"/a-traiter/{task}/terminer",
        fin="cancelled",
        rdv=f"{office.appointment(90).id}.1",
    )
    assert wrong.status_code == 409
    clerk.post(f"/a-traiter/{task}/terminer", fin="cancelled", rdv=f"{office.appointment(5).id}.1")
    assert office.appointment(5).answer == "cancelled"
    assert office.appointment(1).answer != "cancelled"


def test_what_patients_write_is_text(office: Office) -> None:
    the_dpi_says(office, patient=someone(1, family=EVIL, given=EVIL))
    task = writes(office, f"{EVIL} {{{{ 7*7 }}}} ?")
    clerk = nadia(office)
    for address in ("/a-traiter", f"/a-traiter/{task}", f"/a-traiter/{task}/passer"):
        page = clerk.get(address).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert" in page or address.endswith("passer")


def test_a_page_is_few_statements_and_few_bytes(store: Store) -> None:
    office = office_at_work(store, 60)
    calls_to_make(office, range(1, 61))
    task = writes(office, "Où se garer ?")
    clerk = nadia(office)
    clerk.get("/compte")
    for address in ("/a-traiter", f"/a-traiter/{task}", f"/a-traiter/{task}/passer"):
        with statements(store) as found:
            answer = clerk.get(address)
        asked = [sql for sql in found if sql.startswith(("SELECT", "WITH"))]
        assert len(asked) <= 1 + 4, "\n".join(asked)
        assert int(answer.headers.get("content-length", 0)) <= 60_000
        assert answer.headers["content-encoding"] == "gzip"
    assert clerk.get("/a-traiter").text.count("data-open") == 50
    after = re.search(r'href="(/a-traiter\?apres=[^"]+)" rel="next"', clerk.get("/a-traiter").text)
    assert after is not None
    assert clerk.get(after[1]).text.count("data-open") == 11


def test_opening_a_task_is_in_the_audit_without_a_word_of_the_patient(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    clerk = nadia(office)
    read = hidden(clerk.get(f"/a-traiter/{task}").text, "rdv")
    clerk.post(f"/a-traiter/{task}/terminer", fin="confirmed", rdv=read)
    kept = office.rows(
        "SELECT actor, action, subject, detail FROM audit WHERE actor = 'nadia' ORDER BY id"
    )
    assert [(one.action, one.subject) for one in kept][-2:] == [
        ("task.view", f"task:{task}"), ("task.end", f"task:{task}"),
    ]  # fmt: skip
    assert not any("garer" in one.detail or "EXEMPLE" in one.detail for one in kept)


def test_in_english_too(office: Office) -> None:
    task = writes(office, "Où se garer ?")
    clerk = nadia(office)
    clerk.post("/compte/langue", langue="en")
    page = text_of(clerk.get(f"/a-traiter/{task}").text)
    assert "Asks a question." in page
    assert "to do before 11:05" in page
    assert "Où se garer ?" in page


@pytest.mark.parametrize(
    "address",
    ["/a-traiter?onglet=x&service=y&apres=z", "/a-traiter?apres=1.2", "/a-traiter?fait=abc",
     "/a-traiter?apres=0.99999999999999999999.1", "/a-traiter?onglet=faites&apres=1.1.1"],
)  # fmt: skip
def test_an_odd_address_shows_a_list(office: Office, address: str) -> None:
    assert nadia(office).get(address).status_code == 200
    assert nadia(office).get("/a-traiter/99999999").status_code == 404
