"""Appointments over HTTP: who sees which, what is asked before it is done, at what cost."""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reminders.domain.appointment import ContactPoint, Status
from reminders.ports import InboundSms, Received
from reminders.services.hold import hold_everything, place_hold
from reminders.services.receive import receive
from reminders.store.engine import Store
from reminders.store.types import micros
from tests.support.clinic import paris, someone, visit
from tests.support.office import Office, Role, office_on
from tests.support.stores import SqliteFiles

TUESDAY = "2026-10-13"
DAY = f"/rendez-vous?jour={TUESDAY}"
MOST_STATEMENTS = 6
MOST_BYTES = 60_000
PAYLOADS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}",
    "'-alert(1)-'", "javascript:alert(1)", "</blockquote><svg onload=alert(1)>",
)  # fmt: skip


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield filled(store)


def filled(store: Store, *records: Any) -> Office:
    office = office_on(store)
    office.read(
        *(records or [
            visit(1, f"{TUESDAY} 09:30", agenda="Dr TEST"),
            visit(2, f"{TUESDAY} 10:00", patient=someone(2, contacts=())),
            visit(3, f"{TUESDAY} 11:00", uf="4230"),
            visit(4, f"{TUESDAY} 11:20", uf="9999"),
            visit(5, f"{TUESDAY} 14:00", status=Status.CANCELLED),
            visit(6, "2026-10-20 09:00", agenda="Dr TEST"),
        ])
    )  # fmt: skip
    office.release()
    office.plan()
    office.at(paris("2026-10-12 10:05"))
    office.deliver()
    return office


def text(response: Any) -> str:
    """What is read on a page."""
    body = response.text.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def links(response: Any) -> set[str]:
    return set(re.findall(r'href="(/rendez-vous/\d+)"', response.text))


def key(office: Office, number: int) -> int:
    return int(office.appointment(number).id)


@contextmanager
def counted(store: Store) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(_c: object, _u: object, statement: str, *_: object) -> None:
        if statement.split(maxsplit=1)[0] not in ("BEGIN", "PRAGMA"):
            statements.append(statement)

    event.listen(store.engine, "before_cursor_execute", count)
    try:
        yield statements
    finally:
        event.remove(store.engine, "before_cursor_execute", count)


# --- who sees what -------------------------------------------------------------------------------


def test_the_day_shows_who_comes_when_and_what_they_were_told(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    read = text(clerk.get(DAY))
    assert "Mardi 13 octobre" in read or "mardi 13 octobre" in read
    assert "EXEMPLE Léa" in read
    assert "aucune adresse utilisable" in read
    assert "annulé" in read
    assert links(clerk.get(DAY)) == {f"/rendez-vous/{key(office, n)}" for n in range(1, 6)}
    assert links(clerk.get(f"{DAY}&heure=11")) == {
        f"/rendez-vous/{key(office, n)}" for n in (3, 4, 5)
    }


@pytest.mark.parametrize("ufs", [[], ["4220", "4230"]])
def test_an_hour_that_is_chosen_leaves_the_day_its_number(office: Office, ufs: list[str]) -> None:
    clerk = office.clerk(Role.AGENT, ufs=ufs)
    whole = 4 if ufs else 5
    assert f"{whole} rendez-vous ce jour." in text(clerk.get(DAY))
    for hour, later in ((11, whole - 2), (14, 1), (19, 0)):
        with counted(office.store) as statements:
            read = text(clerk.get(f"{DAY}&heure={hour}"))
        assert f"À partir de {hour} h : {later} rendez-vous ({whole} dans la journée)." in read
        assert len(statements) <= MOST_STATEMENTS, statements
    assert "il y en a plus tôt dans la journée" in read
    assert "Le DPI n’en a pas transmis" not in read
    assert '<option value="Dr TEST">' in clerk.get(f"{DAY}&uf=4220&heure=19").text


def test_a_search_by_reason_shows_it_beside_what_left(office: Office) -> None:
    office.pass_days(1.3)
    office.deliver()  # a week before the 20th: this text left
    office.object("06 39 98 00 06")
    office.plan_everybody()
    clerk = office.clerk(Role.AGENT)
    address = "/rendez-vous/recherche?du=2026-10-13"
    found = text(clerk.get(f"{address}&motif=objection"))
    assert "parti Un message de moins : opposition du patient" in found
    assert "Un message de moins" not in text(clerk.get(address))


def test_a_search_says_what_it_changed_of_its_days(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    search = "/rendez-vous/recherche?du=2026-10-13&au="
    assert "« Au » était avant « Du »" in text(clerk.get(f"{search}2026-10-01"))
    assert "un an au plus" in text(clerk.get(f"{search}2028-10-01"))
    for good in ("2026-10-13", "2026-10-20", ""):
        page = clerk.get(f"{search}{good}")
        assert "était avant" not in text(page)
        assert "un an au plus" not in text(page)
    options = re.findall(
        r"<option value=[^>]+>([^<]+)</option>", page.text.partition('id="statut"')[2]
    )
    statuses = options[: options.index("toutes")]
    assert len(set(statuses)) == len(statuses)


def test_a_secretary_of_one_service_sees_and_touches_no_other(office: Office) -> None:
    clerk = office.clerk(Role.AGENT, ufs=["4230"])
    assert links(clerk.get(DAY)) == {f"/rendez-vous/{key(office, 3)}"}
    assert links(clerk.get(f"{DAY}&uf=4220")) == set()
    assert links(clerk.get("/rendez-vous/recherche?du=2026-10-01&uf=4220")) == set()
    hidden = f"/rendez-vous/{key(office, 1)}"
    assert clerk.get(hidden).status_code == 404
    assert clerk.get(f"{hidden}/a-venir").status_code == 404
    before = office.outbox()
    deeds: dict[str, dict[str, str]] = {
        "reponse": {"reponse": "cancelled"}, "renvoyer": {}, "rappels": {"rappels": "arreter"},
        "presence": {"presence": "came"},
    }  # fmt: skip
    for address, form in deeds.items():
        assert clerk.post(f"{hidden}/{address}", form).status_code == 404
    assert office.outbox() == before
    assert office.appointment(1).answer == "none"


def test_looking_changes_nothing_but_the_audit(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    before = office.outbox(), office.rows("SELECT * FROM appointment ORDER BY id")
    for address in (
        DAY, f"/rendez-vous/{key(office, 1)}", f"/rendez-vous/{key(office, 6)}/a-venir",
        "/rendez-vous/recherche", "/ecrire",
        "/ecrire?jour=2026-10-20&uf=4220&message=session_cancelled",
    ):  # fmt: skip
        assert clerk.get(address).status_code == 200
    assert (office.outbox(), office.rows("SELECT * FROM appointment ORDER BY id")) == before
    seen = [row.subject for row in office.rows("SELECT subject FROM audit WHERE actor = 'agent'")]
    assert f"appointment:{key(office, 1)}" in seen


def test_a_search_keeps_its_filters_in_the_address_and_names_nobody_there(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    found = clerk.get("/rendez-vous/recherche?du=2026-10-12&au=2026-10-30&motif=no_contact")
    assert links(found) == {f"/rendez-vous/{key(office, 2)}"}
    assert "EXEMPLE" not in "".join(re.findall(r'href="([^"]*)"', found.text))
    gone = clerk.get("/rendez-vous/recherche?du=2026-10-12&statut=cancelled&agenda=rien")
    assert "Aucun rendez-vous ne correspond" in text(gone)


@pytest.mark.parametrize(
    "address",
    [
        "/rendez-vous?jour=hier&heure=99&apres=x.y&uf=%00",
        "/rendez-vous?jour=9999-12-31&apres=99999999999999999999.1",
        "/rendez-vous/recherche?du=&au=0001-01-01&statut=x&motif=%27%20OR%201=1&reponse=%3Cscript",
        "/rendez-vous/recherche?du=2026-10-01&au=2099-01-01&site=ailleurs",
        "/ecrire?jour=demain&uf=4220&message=session_late",
        "/ecrire?jour=2026-10-20&uf=4220&de=25:00&message=session_late",
        "/ecrire?jour=2026-10-20&message=session_late",
        "/ecrire?jour=2026-10-20&uf=4220&message=autre&suite=zzz",
        "/ecrire/1?etat=x&apres=1",
    ],
)
def test_what_is_typed_wrong_is_no_error_of_ours(office: Office, address: str) -> None:
    assert office.clerk(Role.AGENT).get(address).status_code in (200, 404, 422)


# --- one story -----------------------------------------------------------------------------------


def test_why_nothing_was_sent_is_read_where_it_stands(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    read = text(clerk.get(f"/rendez-vous/{key(office, 2)}"))
    assert "Rappel J-1 : pas de message" in read
    assert "Pourquoi ? Aucune adresse utilisable. Demander un mobile" in read
    assert "À traiter : Ni mobile ni courriel utilisable" in read


def test_a_sent_text_is_shown_word_for_word_with_its_price(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    read = text(clerk.get(f"/rendez-vous/{key(office, 1)}"))
    assert office.sent[0].text in read
    assert re.search(r"1 SMS · 0,\d\d €", read)
    assert read.index(office.sent[0].text) < read.index("maintenant")


def test_what_will_leave_is_read_word_for_word(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    read = text(clerk.get(f"/rendez-vous/{key(office, 6)}/a-venir"))
    assert "Rappel : rendez-vous le mar. 20/10 à 9h, CH Exemple." in read


# --- acting --------------------------------------------------------------------------------------


def form_of(page: Any, action: str) -> dict[str, str]:
    """The hidden fields of the form that leads there."""
    form = page.text.partition(f'method="post" action="{action}"')[2].partition("</form>")[0]
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: unescape(value) for name, value in found.items()}


def test_a_cancellation_by_telephone_counts_once_however_often_it_is_sent(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    page = f"/rendez-vous/{key(office, 6)}"
    form = form_of(clerk.get(page), f"{page}/reponse") | {"reponse": "cancelled"}
    for _ in range(3):
        done = clerk.send(f"{page}/reponse", form)
        assert done.status_code == 303
    assert "le patient annule" in text(clerk.follow(done))
    assert office.value("SELECT COUNT(*) FROM answer") == 1
    assert office.value("SELECT actor FROM answer") == "agent"


def test_a_refusal_is_said_with_its_reason_on_the_page_itself(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    gone = clerk.post(f"/rendez-vous/{key(office, 5)}/renvoyer")
    assert gone.status_code == 409
    assert "Ce rendez-vous n’est plus prévu dans le DPI." in text(gone)
    unreached = clerk.post(f"/rendez-vous/{key(office, 2)}/renvoyer")
    assert "Rien n’est renvoyé : aucune adresse utilisable" in text(unreached)
    early = clerk.post(f"/rendez-vous/{key(office, 6)}/presence", {"presence": "came"})
    assert early.status_code == 409


def test_sending_again_stopping_and_resuming_are_told_in_the_story(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    page = f"/rendez-vous/{key(office, 6)}"
    form = form_of(clerk.get(page), f"{page}/renvoyer")
    for _ in range(2):
        assert clerk.send(f"{page}/renvoyer", form).status_code == 303
    office.deliver()
    assert len([sent for sent in office.sent if sent.to == "+33639980006"]) == 1
    clerk.post(f"{page}/rappels", {"rappels": "arreter"})
    read = text(clerk.get(page))
    assert "Renvoi demandé : SMS au patient" in read
    assert "Rappels arrêtés pour ce rendez-vous par Agent Exemple" in read
    clerk.post(f"{page}/rappels", {"rappels": "reprendre"})
    assert "Rappels repris par Agent Exemple" in text(clerk.get(page))


def test_a_day_leads_to_the_attendance_of_what_it_shows(office: Office) -> None:
    office.at(paris(f"{TUESDAY} 12:00"))
    clerk = office.clerk(Role.AGENT)
    for chosen, there in (("&uf=4220", "R1 R2"), ("&uf=4220&agenda=Dr TEST", "R1")):
        page = clerk.get(DAY + chosen).text
        found = re.search(r'href="(/presences[^"]+)"', page)
        assert found
        shown = clerk.get(unescape(found[1])).text
        keys = {f"R{n}" for n in range(1, 5) if f'name="p_{office.appointment(n).id}"' in shown}
        assert sorted(keys) == there.split()


def test_presence_is_marked_once_the_hour_has_come(office: Office) -> None:
    office.at(paris(f"{TUESDAY} 10:30"))
    clerk = office.clerk(Role.AGENT)
    page = f"/rendez-vous/{key(office, 1)}"
    done = clerk.post(f"{page}/presence", {"presence": "absent"})
    assert "Présence notée absent par Agent Exemple" in text(clerk.follow(done))
    assert office.appointment(1).attendance == "absent"
    other = clerk.post(f"{page}/presence", {"presence": "came", "vu": ""})  # a page read before
    assert (other.status_code, office.appointment(1).attendance) == (409, "absent")
    clerk.post(f"{page}/presence", {"presence": "came", "vu": "absent"})
    assert office.appointment(1).attendance == "came"


def test_what_the_records_system_says_of_a_presence_is_not_contradicted(office: Office) -> None:
    office.at(paris(f"{TUESDAY} 20:00"))
    with office.store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE appointment SET status = 'noshow' WHERE external_id = 'R1'"
        )
    clerk = office.clerk(Role.AGENT)
    page = f"/rendez-vous/{key(office, 1)}"
    assert "Le DPI dit déjà ce qu’il en est" in text(clerk.get(page))
    assert clerk.post(f"{page}/presence", {"presence": "came"}).status_code == 409
    assert office.appointment(1).attendance == ""


def test_a_story_names_people_and_every_move_from_and_to(office: Office) -> None:
    clerk = office.clerk(Role.AGENT, login="l.durand", name="Louise Durand")
    page = f"/rendez-vous/{key(office, 6)}"

    def at(day: int, hour: int) -> int:
        return micros(paris(f"2026-11-{day} {hour:02}:00"))

    with office.store.write() as connection:
        for version, (was, now) in enumerate(((14, 15), (15, 16)), start=2):
            connection.exec_driver_sql(
                "INSERT INTO appointment_change SELECT id, "
                f"{version}, first_seen_at + {version}, {at(was, 9)}, 0, uf, 'booked', "
                f"{at(now, 10)}, 0, uf, 0 "
                "FROM appointment WHERE external_id = 'R6'"
            )
        connection.exec_driver_sql("UPDATE appointment SET version = 3 WHERE external_id = 'R6'")
    clerk.post(f"{page}/appel", {"motif": "place"})
    clerk.post(f"{page}/rappels", {"rappels": "arreter"})
    for read in (text(clerk.get(page)), text(clerk.get(
        f"/patients/{office.patient(6).id}?voir=rendez-vous"
    ))):  # fmt: skip
        assert "du samedi 14 novembre à 9 h 00 au dimanche 15 novembre à 10 h 00" in read
        assert "du dimanche 15 novembre à 9 h 00 au lundi 16 novembre à 10 h 00" in read
    story = text(clerk.get(page))
    assert "Le patient a téléphoné : lieu ou heure d’arrivée par Louise Durand" in story
    assert "Rappels arrêtés pour ce rendez-vous par Louise Durand" in story
    assert "l.durand" not in story


def test_names_are_read_once_however_many_are_nobodys(office: Office) -> None:
    """Programs and people who left before accounts were kept are no reason to ask each time."""
    clerk = office.clerk(Role.AGENT)
    page = f"/rendez-vous/{key(office, 6)}"
    with office.store.write() as connection:
        for number, actor in enumerate(("svi", "robot", "borne"), start=1):
            connection.exec_driver_sql(
                "INSERT INTO audit (id, at, actor, action, subject, detail) SELECT "
                f"90000 + {number}, first_seen_at + {number}, '{actor}', 'stop reminders', "
                "'appointment:' || id, '{}' FROM appointment WHERE external_id = 'R6'"
            )
    assert all(f"par {one}" in text(clerk.get(page)) for one in ("svi", "robot", "borne"))
    with counted(office.store) as statements:
        clerk.get(page)
    assert not [one for one in statements if "SELECT login, name FROM account" in one]


# --- writing to a session ------------------------------------------------------------------------

SESSION = "/ecrire?jour=2026-10-20&uf=4220&message=session_cancelled"


def session(office: Office, number: int = 60) -> None:
    office.read(
        *[
            visit(100 + n, f"2026-10-20 {9 + n // 30:02}:{n % 30 * 2:02}", agenda="Dr TEST")
            for n in range(number)
        ],
        visit(99, "2026-10-20 17:00", patient=someone(99, contacts=()), agenda="Dr TEST"),
    )
    office.release()
    office.plan()


def test_an_agenda_is_offered_and_found_however_it_is_typed(office: Office) -> None:
    session(office, 3)
    clerk = office.clerk(Role.AGENT)
    form = clerk.get("/ecrire?jour=2026-10-20&uf=4220").text
    assert re.search(r'<option value="Dr TEST">4(\s|&nbsp;|\u00a0)rendez-vous', form)
    found = clerk.get(SESSION + "&agenda=dr  test")
    assert found.status_code == 200
    assert "3 patients recevront ce message" in text(found)
    assert 'name="agenda" value="Dr TEST"' in found.text
    wrong = clerk.get(SESSION + "&agenda=Dr TSET")
    assert wrong.status_code == 422
    assert "Aucun rendez-vous à cet agenda ce jour-là" in text(wrong)
    assert "Dr TEST" in wrong.text


def test_how_late_or_where_instead_is_written_read_and_followed(office: Office) -> None:
    session(office, 3)
    clerk = office.clerk(Role.AGENT)
    late = "/ecrire?jour=2026-10-20&uf=4220&message=session_late"
    refused = {"trente": "Un retard se dit en minutes", "9999": "de 1 à 600", "0": "de 1 à 600"}
    for typed, sentence in refused.items():
        wrong = clerk.get(f"{late}&retard={typed}")
        assert wrong.status_code == 422
        assert sentence in text(wrong)
        assert f'value="{typed}"' in wrong.text  # kept, to be corrected
    page = clerk.get(f"{late}&retard=40 min&lieu=Porte 4")  # a place is of another text
    assert "retard d&#39;environ 40 min pour" in page.text
    assert "Porte 4" not in text(page).split("Ce que lira")[1]
    clerk.send("/ecrire", form_of(page, "/ecrire"))
    assert "Du retard est prévu (40 min)" in text(clerk.get("/ecrire/1"))
    there = "/ecrire?jour=2026-10-20&uf=4220&message=session_place&lieu="
    assert "de quels soins" in text(clerk.get(f"{there}Cardiologie"))
    page = clerk.get(f"{there}Hall 2, porte 4")
    assert "Nouveau lieu : Hall 2, porte 4." in text(page)
    clerk.send("/ecrire", form_of(page, "/ecrire"))
    assert "Le lieu change (Hall 2, porte 4)" in text(clerk.get("/ecrire/2"))
    office.deliver()
    assert sum("porte 4" in one.text for one in office.sent) == 3
    assert sum("40 min" in one.text for one in office.sent) == 3


def test_a_session_that_is_over_is_not_written_to(office: Office) -> None:
    session(office, 3)
    office.at(paris("2026-10-21 09:00"))
    clerk = office.clerk(Role.AGENT)
    for answer in (clerk.get(SESSION), clerk.post("/ecrire", {
        "jour": "2026-10-20", "uf": "4220", "message": "session_cancelled", "patients": "4",
    })):  # fmt: skip
        assert answer.status_code == 422
        assert "Cette séance est passée" in text(answer)


def test_a_session_is_written_to_with_the_numbers_that_were_read(office: Office) -> None:
    session(office)
    clerk = office.clerk(Role.AGENT)
    page = clerk.get(SESSION)
    read = text(page)
    assert "60 patients recevront ce message" in read
    assert "Envoyer à 60 patients" in read
    assert "1 rendez-vous sans message possible" in read
    assert "se fait dans le DPI" in read
    form = form_of(page, "/ecrire")
    assert form["patients"] == "60"
    sent = [clerk.send("/ecrire", form) for _ in range(3)]
    assert {one.headers["location"] for one in sent} == {"/ecrire/1"}
    assert office.value("SELECT COUNT(*) FROM message WHERE kind = 'staff'") == 60
    before = len(office.sent)
    office.deliver()
    assert len(office.sent) - before == 60
    read = text(clerk.get("/ecrire/1"))
    assert "60 partis" in read
    assert "1 sans message" in read
    assert "EXEMPLE Léa" in text(clerk.get("/ecrire/1?etat=not_written"))


HELD = "Envois retenus depuis 10 h 05, par nadia."
IF_RELEASED = "Ce message ne part que si quelqu’un les libère."


def test_while_sending_is_held_nobody_is_told_that_a_session_leaves(office: Office) -> None:
    session(office, 3)
    clerk = office.clerk(Role.AGENT)
    assert "Départ : tout de suite" in text(clerk.get(SESSION))
    hold_everything(office.store, "panne", now=office.now, by="nadia")
    page = clerk.get(SESSION)
    read = text(page)
    assert "Départ : quand les envois seront libérés" in read
    assert "tout de suite" not in read
    assert read.index(HELD) < read.index(IF_RELEASED) < read.index("Envoyer à 3 patients")
    assert re.search(r'<a href="/retenus/\d+">Voir pourquoi', page.text)

    done = clerk.send("/ecrire", form_of(page, "/ecrire"))
    after = clerk.follow(done)
    assert "les envois sont retenus : rien ne part avant qu’ils soient libérés" in text(after)
    assert HELD in text(after)

    office.release()
    office.deliver()
    assert "retenus" not in text(clerk.get("/ecrire/1")).replace("0 retenus", "")


def test_a_held_source_holds_what_is_sent_again_about_it(office: Office) -> None:
    """A hold of another source is no matter."""
    clerk = office.clerk(Role.AGENT)
    page = f"/rendez-vous/{key(office, 6)}"

    def hold(source: str) -> None:
        with office.store.write() as connection:
            place_hold(connection, source, "stale", "vieux", now=office.now, by="reminders")

    hold("autre")
    assert "Renvoyer maintenant" in text(clerk.get(page))
    hold("agenda")
    read = text(clerk.get(page))
    assert "(source « agenda »)" in read
    assert "par le contrôle automatique." in read
    assert read.index(IF_RELEASED) < read.index("Renvoyer quand les envois seront libérés")
    done = clerk.send(f"{page}/renvoyer", form_of(clerk.get(page), f"{page}/renvoyer"))
    assert "les envois sont retenus : il part s’ils sont libérés" in text(clerk.follow(done))


def test_each_sort_of_text_is_read_before_it_is_sent(office: Office) -> None:
    mail = (ContactPoint("email", "e@example.org"),)
    office.read(
        visit(101, "2026-10-20 09:00"), visit(102, "2026-10-20 09:20", patient=someone(
            102, contacts=mail)),
        visit(103, "2026-10-20 10:00", patient=someone(103, language="en")),
    )  # fmt: skip
    office.release()
    read = text(office.clerk(Role.AGENT).get(SESSION))
    assert "le rendez-vous du 20/10 à 9h n'aura pas lieu" in read
    assert "Objet : Rendez-vous annulé : 20/10" in read
    assert "the appointment of 20/10 at 10:00 will not take place" in read


def test_a_changed_list_is_shown_again_with_the_new_numbers(office: Office) -> None:
    session(office, 12)
    clerk = office.clerk(Role.AGENT)
    form = form_of(clerk.get(SESSION), "/ecrire")
    office.object("06 39 98 01 05")
    again = clerk.send("/ecrire", form)
    assert again.status_code == 409
    assert "La liste a changé" in text(again)
    assert "Envoyer à 11 patients" in text(again)
    assert clerk.send("/ecrire", form_of(again, "/ecrire")).status_code == 303


def test_what_has_not_left_is_withdrawn_from_its_page(office: Office) -> None:
    session(office, 5)
    office.at(paris("2026-10-12 21:00"))
    clerk = office.clerk(Role.AGENT)
    clerk.send("/ecrire", form_of(clerk.get(SESSION), "/ecrire"))
    read = text(clerk.get("/ecrire/1"))
    assert "Retirer les 5 messages qui ne sont pas partis" in read
    done = clerk.post("/ecrire/1/retirer")
    assert "6 rendez-vous ne recevront pas ce message." in text(clerk.follow(done))
    office.at(paris("2026-10-13 09:30"))
    before = len(office.sent)
    office.deliver()
    assert [sent.to for sent in office.sent[before:] if sent.to.startswith("+3363998010")] == []


def test_nobody_writes_to_a_service_that_is_not_theirs(office: Office) -> None:
    session(office, 5)
    clerk = office.clerk(Role.AGENT)
    form = form_of(clerk.get(SESSION), "/ecrire")
    clerk.send("/ecrire", form)
    other = office.clerk(Role.AGENT, login="autre", ufs=["4230"])
    assert "Aucun rendez-vous prévu" in text(other.get(SESSION))
    own = {name: value for name, value in form.items() if name != "jeton"} | {"demande": "x"}
    assert other.post("/ecrire", own).status_code == 409
    assert other.get("/ecrire/1").status_code == 404
    assert other.post("/ecrire/1/retirer").status_code == 404
    assert office.value("SELECT COUNT(*) FROM writing") == 1


# --- what others typed ---------------------------------------------------------------------------


class Seen(HTMLParser):
    """Refuses what a browser would obey."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "img", "svg", "iframe")
        for name, value in attrs:
            assert not name.startswith("on")
            assert not (value or "").lower().startswith("javascript:") or name == "value"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_agendas_and_numbers_are_shown_never_obeyed(
    sqlite_files: SqliteFiles, tmp_path: Path, payload: str
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        office = filled(
            store,
            visit(1, f"{TUESDAY} 09:30", agenda=payload, kind=payload, place=payload,
                  patient=someone(1, family=payload, given=payload)),
            visit(2, f"{TUESDAY} 10:30", external_id=f"R2{payload}", agenda=payload,
                  patient=someone(2, family=payload, given=payload, contacts=())),
        )  # fmt: skip
        said = InboundSms("in-1", "+33639980001", "+33639989999", payload)
        receive(store, office.secret, "main", Received(replies=(said,)), now=office.now)
        clerk = office.clerk(Role.AGENT)
        one = key(office, 1)
        assert payload.split()[0] in unescape(clerk.get(f"/rendez-vous/{one}").text)
        pages = [
            clerk.get(DAY), clerk.get(f"{DAY}&uf=4220"), clerk.get(f"/rendez-vous/{one}"),
            clerk.get("/rendez-vous/recherche?du=2026-10-12"),
            clerk.get(f"/ecrire?jour={TUESDAY}&uf=4220&message=session_late"),
        ]  # fmt: skip
        clerk.send("/ecrire", form_of(pages[-1], "/ecrire"))
        pages.append(clerk.get("/ecrire/1"))
        for page in pages:
            assert page.status_code == 200
            Seen(page.text.partition("<main")[2])


# --- the cost ------------------------------------------------------------------------------------


def pages_of(office: Office) -> dict[str, str]:
    one = office.value("SELECT MAX(id) FROM appointment WHERE external_id = 'R1'")
    return {
        "day": "/rendez-vous?jour=2026-10-20",
        "day of a service": "/rendez-vous?jour=2026-10-20&uf=4220",
        "search": "/rendez-vous/recherche?du=2026-10-20&statut=booked&motif=booked_late",
        "outcome": "/rendez-vous/recherche?du=2026-10-12&issue=confirmed&uf=4220",
        "story": f"/rendez-vous/{one}",
        "texts": f"/rendez-vous/{key(office, 100)}/a-venir",
        "form": "/ecrire",
        "survey": SESSION,
        "progress": "/ecrire/1",
    }


def test_every_page_takes_six_statements_and_sixty_kilobytes_at_the_most(office: Office) -> None:
    session(office, 200)
    clerk = office.clerk(Role.AGENT)
    clerk.send("/ecrire", form_of(clerk.get(SESSION.replace("cancelled", "late")), "/ecrire"))
    office.object("06 39 98 01 05")
    for name, address in pages_of(office).items():
        with counted(office.store) as statements:
            page = clerk.get(address)
        assert page.status_code == 200, name
        assert len(statements) <= MOST_STATEMENTS, (name, statements)
        assert len(gzip.compress(page.content, 6)) < MOST_BYTES, name


def test_pages_of_a_day_follow_each_other_to_its_end(office: Office) -> None:
    session(office, 130)
    clerk = office.clerk(Role.AGENT)
    seen: list[str] = []
    address = "/rendez-vous?jour=2026-10-20"
    for _ in range(10):
        page = clerk.get(address)
        seen += sorted(links(page))
        found = re.findall(r'href="([^"]+)" rel="next">Suite', page.text)
        if not found:
            break
        address = unescape(found[0])
    assert len(seen) == len(set(seen)) == 132
