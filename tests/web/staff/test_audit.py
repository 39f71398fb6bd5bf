"""The audit: who saw and did what is found and exported, and no name stands in an address."""

import ast
import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from reminders.domain.access import Role
from reminders.services import accounts
from reminders.services.object import object_address
from reminders.store import facts
from reminders.store.engine import Store, insert_rows
from reminders.store.types import micros
from reminders.web.staff.appointments import DONE
from reminders.web.staff.audit_words import ACTIONS, DETAILS, FLAGS
from tests.support.office import Clerk, Office, office_on


@pytest.fixture
def office(store: Store) -> Office:
    return office_on(store)


def administrator(office: Office) -> Clerk:
    return office.clerk(Role.ADMINISTRATOR, login="ada", name="Ada Exemple")


def note(office: Office, actor: str, action: str, subject: str = "", **detail: object) -> None:
    with office.store.write() as connection:
        facts.audit(
            connection, at=micros(office.now), actor=actor, action=action, subject=subject, **detail
        )


def see(clerk: Clerk, address: str = "/journal") -> str:
    response = clerk.get(address)
    assert response.status_code == 200, response.text[:500]
    return unescape(response.text)


def lines(page: str) -> int:
    return page.count("<tr><td>")


def test_what_was_done_is_told_in_words(office: Office) -> None:
    ada = administrator(office)
    object_address(office.store, office.secret, "06 39 98 00 07", now=office.now, by="nadia")
    page = see(ada)
    assert "a enregistré une opposition" in page
    assert "Ada Exemple" in page
    assert "s’est connecté" in page
    assert "06" not in page.split("<table")[1].split("</table>")[0]  # a form key may hold it


def test_a_code_without_words_is_shown_as_it_is(office: Office) -> None:
    note(office, "nadia", "something.new", "patient:12", weight="3")
    page = see(administrator(office))
    assert "something.new" in page
    assert "weight\u00a0: 3" in page


def test_what_stands_beside_a_line_is_written_for_its_reader(office: Office) -> None:
    """A share, a moment, a day and a list; nothing where there is nothing."""
    note(office, "nadia", "holdout.propose", "holdout:1", share=0.1, without=[], typed_by="",
         until="2027-09-29T07:55:00.000002+00:00")  # fmt: skip
    note(office, "nadia", "costs.enter", "costs:2", since="2026-10-01", ufs=["4220", "4230"])
    note(office, "nadia", "template.propose", "template:3", note="2026-13-45", share="beaucoup")
    page = see(administrator(office)).replace("\u00a0", " ")
    assert "2026-13-45, part : beaucoup<" in page
    assert "part : 10,0 %, jusqu’à : mercredi 29 septembre 2027 à 9 h 55<" in page
    assert "à partir du : 01/10/2026, UF : 4220, 4230<" in page
    assert "[]" not in page


def told(page: str) -> list[str]:
    """The lines of the page as they are read, without what one skips."""
    rows = page.split("<tbody>")[1].split("</tbody>")[0].split("<tr>")[1:]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).replace("\u00a0", " ").split()) for row in rows]


# What is written -> what a tired administrator reads behind the hour and the person.
READ = [
    ("export", "", {"names": 0}, "a exporté les données sans les noms"),
    ("export", "", {"names": 1, "ufs": "4220,4230"},
     "a exporté les données avec les noms, UF : 4220,4230"),
    ("answer cancelled", "appointment:7", {},
     "a noté par téléphone que le patient ne vient pas rendez-vous 7"),
    ("stop reminders", "appointment:7", {}, "a arrêté les rappels d’un rendez-vous rendez-vous 7"),
    ("discard-messages", "hold:3", {"messages": 12},
     "a abandonné des messages retenus envoi retenu 3 messages : 12"),
    ("patient.search", "", {"note": "name,birth"}, "a cherché un patient nom, date de naissance"),
    ("attendance.mark", "appointment:7", {"note": "came"}, "a noté une venue rendez-vous 7 venu"),
    ("task.end", "task:5", {"note": "no-answer"}, "a terminé une tâche tâche 5 ne répond pas"),
    ("call.note", "appointment:7", {"note": "move"},
     "a noté un appel rendez-vous 7 veut une autre date"),
    ("report.list", "uf:", {"note": "no-show"},
     "a ouvert la liste derrière un chiffre du rapport tout l’établissement Non venus"),
    ("savings.list", "", {"note": "slot"},
     "a ouvert la liste derrière les économies créneaux perdus"),
    ("cost.set", "", {"component": "slot", "since": "2026-10-01"},
     "a saisi un coût composante : Un créneau que personne n’a utilisé, à partir du : 01/10/2026"),
    ("say", "appointment:7", {"answer": "reschedule"},
     "a noté ce que dit un patient au téléphone rendez-vous 7 réponse : veut une autre date"),
    ("object", "patient:9", {"channel": "sms", "scope": "service:4220", "patients": 1},
     "a enregistré une opposition patient 9 canal : SMS, portée : un service (4220), patients : 1"),
    ("template.approve", "template:confirm.fr.any.sms",
     {"template": "confirm.fr.any.sms", "number": 4, "reach": 12, "warnings": ["long_sentence"],
      "effective": "2026-10-14T06:00:00+00:00", "alone": True},
     "a approuvé un modèle modèle Demande de confirmation, français, SMS version : 4, patients "
     "concernés : 12, avertissements acceptés : Phrase trop longue, en service : mercredi 14 "
     "octobre à 8 h 00, sans seconde personne"),
    ("template.propose", "template:confirm.fr.any.sms", {"origin": "import"},
     "a proposé un modèle modèle Demande de confirmation, français, SMS par quelle voie : importé"),
    ("template.reject", "template:confirm.fr.any.sms", {"reason": "unclear"},
     "a refusé un modèle modèle Demande de confirmation, français, SMS raison : Difficile à "
     "comprendre"),
    ("template.test", "message:12", {"template": "confirm.fr.any.sms"},
     "s’est envoyé un essai message 12 modèle : Demande de confirmation, français, SMS"),
    ("list appointments", "day:2026-10-14", {},
     "a ouvert les rendez-vous d’un jour jour 14/10/2026"),
    ("holdout.stop", "holdout:1", {"was": "approved"},
     "a arrêté le groupe témoin groupe témoin avant : en cours"),
    ("holdout.propose", "holdout:1", {"share": 0.1, "without": ["4220"]},
     "a proposé un groupe témoin groupe témoin part : 10,0 %, UF laissées de côté : 4220"),
    ("baseline.remove", "baseline:0", {}, "a effacé les rendez-vous passés repris état de départ"),
    ("month.close", "", {"month": "2026-09", "revision": 1},
     "a clos un mois mois : septembre 2026, révision : 1"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "subject", "detail", "read"), READ)
def test_a_line_says_in_words_what_was_done(
    action: str, subject: str, detail: dict[str, object], read: str, office: Office
) -> None:
    office.hire(Role.AGENT, login="nadia", name="Nadia Exemple")
    note(office, "nadia", action, subject, **detail)
    (line,) = told(see(administrator(office), "/journal?compte=nadia"))
    assert line.partition("Nadia Exemple nadia ")[2] == read


def test_an_account_is_told_by_its_person_and_found_by_their_login(office: Office) -> None:
    office.hire(Role.AGENT, login="nadia", name="Nadia Exemple")
    accounts.reset(office.store, "nadia", actor="root", now=office.now)
    ada = administrator(office)
    page = see(ada, "/journal?action=account.reset")
    (line,) = told(page)
    assert line.endswith("root a remis un compte à zéro compte Nadia Exemple (nadia)")
    assert 'href="/comptes/nadia"' in page
    (cells,) = exported(ada, action="account.reset")
    assert cells[5] == "account:nadia"
    answer = ada.post("/journal", objet="account", numero="Nadia")
    assert re.fullmatch(r"/journal\?sujet=account:\d+", answer.headers["location"])
    found = see(ada, answer.headers["location"])
    assert len(told(found)) == 2  # made, reset
    assert 'name="numero" value="nadia"' in found
    assert ada.post("/journal", objet="account", numero="personne").status_code == 422


def test_a_template_is_found_under_the_number_older_lines_hold(office: Office) -> None:
    """The line itself is never changed: it is read by the name that pages have now."""
    (version,) = office.rows(
        "SELECT id FROM template_version WHERE purpose = 'confirm' AND language = 'fr' "
        "AND family = 'any' AND channel = 'sms'"
    )
    slug = "confirm.fr.any.sms"
    note(office, "nadia", "template.approve", f"template:{version.id}")
    note(office, "nadia", "template.seen", f"template:{slug}")
    note(office, "nadia", "template.seen", "template:999999")  # its version is gone
    note(office, "nadia", "template.seen", "template:short.fr.reply.sms")
    ada = administrator(office)
    answer = ada.post("/journal", objet="template", numero=slug)
    for address in (answer.headers["location"], f"/journal?sujet=template:{version.id}"):
        page = see(ada, address)
        assert all("Demande de confirmation, français, SMS" in line for line in told(page))
        assert len(told(page)) == 2
        assert page.count(f'href="/modeles/{slug}"') == 2
    cells = exported(ada, sujet=f"template:{slug}")
    assert [line[5] for line in cells] == [f"template:{slug}", f"template:{slug}"]
    assert any("modèle 999999" in line for line in told(see(ada)))
    kept = office.rows("SELECT subject FROM audit WHERE action = 'template.approve'")
    assert [one.subject for one in kept] == [f"template:{version.id}"]


def exported(clerk: Clerk, **asked: str) -> list[list[str]]:
    text = clerk.post("/journal/export", asked).content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))[1:]


def test_what_is_looked_for_comes_back_as_codes_in_the_address(office: Office) -> None:
    note(office, "nadia", "hold")
    note(office, "marc", "patient.see", "patient:12")
    note(office, "nadia", "patient.see", "patient:121")
    ada = administrator(office)
    answer = ada.post(
        "/journal", compte="nadia", objet="patient", numero="121", action="", du="", au=""
    )
    assert answer.headers["location"] == "/journal?compte=nadia&sujet=patient:121"
    page = see(ada, answer.headers["location"])
    assert lines(page) == 1
    assert 'value="121"' in page


@pytest.mark.parametrize(
    "typed", ["MARTIN", "06 39 98 00 12", "0639980012", "33639980012", "12 bis"]
)
def test_a_name_or_number_typed_into_the_field_never_reaches_an_address(
    office: Office, typed: str
) -> None:
    ada = administrator(office)
    answer = ada.post("/journal", objet="patient", numero=typed)
    assert answer.status_code == 422
    assert "location" not in answer.headers
    assert typed in unescape(answer.text)  # what was typed is kept
    assert "Ni nom ni téléphone ici" in unescape(answer.text)


def test_a_day_is_looked_for_whole(office: Office) -> None:
    note(office, "nadia", "hold")
    office.now += timedelta(days=1)
    note(office, "nadia", "release")
    ada = administrator(office)
    page = see(ada, "/journal?du=2026-10-12&au=2026-10-12&compte=nadia")
    assert "a suspendu les envois" in page.split("<table")[1]
    assert "a libéré les envois" not in page.split("<table")[1]
    assert ada.post("/journal", du="12/10/2026").status_code == 422


def test_a_long_audit_is_paged(office: Office) -> None:
    with office.store.write() as connection:
        insert_rows(
            connection,
            "audit",
            ("id", "at", "actor", "action", "subject", "detail"),
            [(900_000 + n, micros(office.now) - n, "nadia", "hold", "", "") for n in range(1_000)],
        )
    ada = administrator(office)
    first = see(ada, "/journal?compte=nadia")
    assert lines(first) == 50
    following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    second = see(ada, following)
    assert lines(second) == 50
    assert 'rel="first"' in second


def test_the_export_is_a_sheet_that_runs_nothing_and_a_line_of_the_audit(office: Office) -> None:
    note(office, "=cmd|' /C calc'!A0", "hold", "patient:12", count=2)
    ada = administrator(office)
    response = ada.post("/journal/export")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/csv")
    assert "journal-2026-10-12.csv" in response.headers["content-disposition"]
    read = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=";"))
    assert read[0][:3] == ["Date et heure", "Identifiant", "Nom"]
    hold = next(line for line in read if line[4] == "hold")
    assert hold[0] == "2026-10-12T09:00:00+02:00"
    assert hold[1] == "'=cmd|' /C calc'!A0"
    assert hold[3] == "a suspendu les envois"
    assert hold[5:] == ["patient:12", "count\u00a0: 2"]
    assert "a exporté le journal" in see(ada).split("<table")[1]


def test_the_export_holds_what_was_looked_for(office: Office) -> None:
    note(office, "nadia", "hold")
    note(office, "marc", "release")
    response = administrator(office).post("/journal/export", compte="marc")
    read = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig")), delimiter=";"))
    assert [line[1] for line in read[1:]] == ["marc"]


def test_who_administers_one_site_is_not_shown_the_whole_hospital(office: Office) -> None:
    clerk = office.clerk(Role.ADMINISTRATOR, login="locale", sites=("sud",))
    for answer in (clerk.get("/journal"), clerk.post("/journal"), clerk.post("/journal/export")):
        assert answer.status_code == 403
        assert "tout l’établissement" in unescape(answer.text)


def test_reading_the_audit_is_itself_a_line_of_it(office: Office) -> None:
    ada = administrator(office)
    see(ada)
    office.store.close()
    assert "a consulté le journal" in see(ada).split("<table")[1]


def test_every_action_is_one_sentence_that_follows_a_name() -> None:
    assert all(words[0].islower() and not words.endswith(".") for words in ACTIONS.values())


def test_every_action_of_the_program_has_its_words() -> None:
    """A code made of parts is here by what it may become."""
    made = {f"sheet.{one}" for one in ("approve", "propose", "refuse", "restore", "withdraw")}
    made |= {f"template.{one}" for one in ("reject", "call-off", "withdraw")}
    made |= {"export", "export.patient"}
    made |= {f"answer {one}" for one in DONE}
    parts = {one.partition(".")[2] for one in made}
    assert (_said() - parts | made) - set(ACTIONS) == set()
    assert {"hold", "sign-in", "patient.view"} <= _said()


def test_every_detail_of_the_program_has_its_label() -> None:
    given = _labels()
    assert {"reach", "messages", "alone", "restores"} <= given
    assert given - set(DETAILS) - set(FLAGS) == set()


def _labels() -> set[str]:
    """The names of what is written beside a line: `audit(…, name=…)`, `_note(…, name=…)`."""
    found: set[str] = set()
    for path in (Path(__file__).parents[3] / "reminders" / "services").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and _named(call) in ("audit", "_note", "noted", "_told"):
                found |= {one.arg for one in call.keywords if one.arg}
                for one in ast.walk(call):
                    if isinstance(one, ast.Dict):
                        found |= {
                            key.value for key in one.keys
                            if isinstance(key, ast.Constant) and isinstance(key.value, str)
                        }  # fmt: skip
    return found - {"at", "actor", "action", "subject"}


def _named(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _said() -> set[str]:
    """The actions written down anywhere: `audit(action=…)`, `saw(…)`, `_note(…)`, `noted(…)`."""
    found: set[str] = set()
    for path in (Path(__file__).parents[3] / "reminders").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                found |= set(_actions(call))
    return {one for one in found if one and not one.endswith((".", ":"))}


def _actions(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "saw":
        parts: list[ast.expr] = call.args[:1]
    elif name == "audit":
        parts = [one.value for one in call.keywords if one.arg == "action"]
    elif name in ("_note", "noted", "_audit", "_told"):
        parts = [one for one in call.args if isinstance(one, ast.Constant | ast.IfExp)]
    else:
        return
    for part in parts:
        for one in ast.walk(part):
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value
