"""The patient's page over HTTP: what it shows, to whom, and what a tap does."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from reminders.domain.appointment import Status
from reminders.services.answer import pass_on
from reminders.services.page import check_birth_date
from reminders.store.engine import Store
from reminders.web.words import catalogues
from tests.support.clinic import SETTINGS, paris, someone, visit
from tests.support.telephone import SHEET, Telephone


@pytest.fixture
def telephone(store: Store) -> Telephone:
    return Telephone(store)


def test_the_page_shows_who_when_and_the_telephone_and_no_more(telephone: Telephone) -> None:
    page = telephone.see()

    for shown in ("CH Exemple", "vendredi 16 octobre", "9 h 30", "01 99 00 12 34", "Je viens"):
        assert shown in page
    for kept in ("Accueil B2", "jeun", "Carte Vitale", "Léa", "EXEMPLE", "Consultations", "4220"):
        assert kept not in page


@pytest.mark.parametrize("language", list(catalogues()))
def test_a_page_and_its_style_are_small(store: Store, language: str) -> None:
    telephone = Telephone(
        store,
        visit(1, starts="2026-10-16 09:30"),
        visit(2, starts="2026-10-16 14:00", patient=someone(1)),
    )
    style = len(telephone.http.get("/r/style.css").content)

    shut = telephone.see(f"?lang={language}")
    telephone.give_birth_date()
    for page in (shut, telephone.see(f"?lang={language}")):
        assert len(page.encode()) + style < 15_000


def test_reading_changes_nothing(telephone: Telephone) -> None:
    before = telephone.room.outbox()

    for query in (
        "",
        "?step=cancel&visit=1",
        "?lang=ar",
        "?do=confirm",
        "?do=cancel&appointment=1",
    ):
        telephone.see(query)
        assert telephone.http.head(telephone.path + query).status_code == 200
    telephone.http.get(telephone.path + "/agenda-1.ics")

    assert telephone.answer == "none"
    assert telephone.room.outbox() == before
    assert telephone.room.value("SELECT COUNT(*) FROM answer") == 0


def test_a_tap_confirms(telephone: Telephone) -> None:
    page = telephone.tap("confirm").text

    assert telephone.answer == "confirmed"
    assert "nous vous attendons" in page


def test_the_same_tap_twice_is_one_answer(telephone: Telephone) -> None:
    page = telephone.see()

    telephone.tap("confirm", page)
    telephone.tap("confirm", page)

    assert telephone.room.value("SELECT COUNT(*) FROM answer") == 1


def test_cancelling_takes_a_second_tap_and_can_be_undone(telephone: Telephone) -> None:
    page = telephone.see()
    assert 'value="cancel"' not in re.sub(r"<form method=\"get\".*?</form>", "", page, flags=re.S)

    page = telephone.tap("cancel", reason="work").text
    assert telephone.answer == "cancelled"
    assert telephone.room.reasons()["J-1"] == "cancellation_asked"
    assert pass_on(telephone.room.store, now=telephone.room.now) == 0
    assert "changer d'avis jusqu'à 10 h 20" in page.replace("&#39;", "'")

    telephone.room.at(telephone.room.now + timedelta(minutes=14))
    telephone.tap("undo")
    assert telephone.answer == "none"
    assert telephone.room.reasons()["J-1"] == "PLANNED"
    telephone.room.at(telephone.room.now + timedelta(minutes=5))
    assert pass_on(telephone.room.store, now=telephone.room.now) == 0


def test_after_a_quarter_of_an_hour_the_hospital_knows(telephone: Telephone) -> None:
    telephone.tap("cancel")
    telephone.room.at(telephone.room.now + timedelta(minutes=16))

    assert 'value="undo"' not in telephone.see()
    assert "Pour revenir sur cette annulation, appelez" in telephone.see()
    assert pass_on(telephone.room.store, now=telephone.room.now) == 1
    assert "answer_cancelled" in telephone.room.tasks()


def test_a_question_is_noted_whatever_was_answered(telephone: Telephone) -> None:
    telephone.tap("confirm")
    page = telephone.tap("question").text

    assert "nous vous attendons" in page
    assert "vous rappelle pour votre question" in page
    assert 'value="question"' not in page


def test_a_request_for_another_date_keeps_the_appointment(telephone: Telephone) -> None:
    page = telephone.tap("reschedule").text

    assert "ce rendez-vous est maintenu" in page
    assert "Je viens" in page


def test_who_is_not_the_patient_sees_no_appointment_any_more(telephone: Telephone) -> None:
    posted = "".join(re.findall(r'<form method="post".*?</form>', telephone.see(), re.S))
    assert "confirm" in posted
    assert "not-me" not in posted
    page = telephone.tap("not-me").text

    assert "Nous n'écrirons plus ici" in page.replace("&#39;", "'")
    assert "9 h 30" not in page
    assert "01 99 00 12 34" in page


@pytest.mark.parametrize(
    ("deed", "task"),
    [("reschedule", "reply_reschedule"), ("question", "reply_question"),
     ("not-me", "reply_wrong_number")],
)  # fmt: skip
def test_what_needs_a_person_becomes_a_task(telephone: Telephone, deed: str, task: str) -> None:
    telephone.tap(deed)

    assert task in telephone.room.tasks()


def test_who_is_not_the_patient_is_written_to_no_more(telephone: Telephone) -> None:
    telephone.tap("not-me")
    telephone.room.plan()
    telephone.room.at(paris("2026-10-15 10:05"))
    telephone.room.deliver()

    assert len(telephone.room.sent) == 1


def test_the_birth_date_opens_the_sheet(telephone: Telephone) -> None:
    page = telephone.give_birth_date().text

    for shown in ("Accueil B2", "Venir à jeun.", "Carte Vitale", "9 h 15"):
        assert shown in page
    telephone.tap("read")
    assert "vous avez lu les consignes" in telephone.see()
    assert telephone.answer == "none"


def test_instructions_are_read_in_the_pages_language_or_marked_as_french(store: Store) -> None:
    told = SHEET | {"en": {"instructions": "Come fasting."}}
    telephone = Telephone(store, preparation=[told])
    telephone.give_birth_date()

    page = telephone.http.get(f"{telephone.path}?lang=en").text
    assert "<p>Come fasting.</p>" in page
    assert "jeun" not in page
    assert re.search(r'<ul lang="fr" dir="ltr"><li>Carte Vitale', page)
    arabic = telephone.http.get(f"{telephone.path}?lang=ar").text
    assert re.search(r'<p lang="fr" dir="ltr">Venir à jeun', arabic)
    assert "Come fasting" not in arabic


@pytest.mark.parametrize(
    "digits", [("٢٨", "٣", "١٩٧٩"), ("２８", "３", "１９７９"), ("28", "03", "1979")]
)
def test_any_digits_are_read(telephone: Telephone, digits: tuple[str, str, str]) -> None:
    assert "Accueil B2" in telephone.give_birth_date(*digits).text


def test_five_wrong_birth_dates_leave_the_telephone(telephone: Telephone) -> None:
    for year in range(1990, 1995):
        page = telephone.give_birth_date(year=str(year)).text
        assert "ne correspond pas" in page
        assert "Accueil B2" not in page

    assert "Accueil B2" not in telephone.give_birth_date().text
    assert "Accueil B2" not in telephone.see()
    assert 'name="year"' not in telephone.see()
    assert "Je viens" in telephone.see()


def test_what_is_no_date_is_not_a_try(telephone: Telephone) -> None:
    for day, month, year in [("", "3", "1979"), ("28", "mars", "1979"), ("x", "y", "z")] * 3:
        page = telephone.give_birth_date(day, month, year).text
        assert "ne correspond pas" in page

    assert "Accueil B2" in telephone.give_birth_date().text


def test_no_more_than_five_are_tried_however_many_come_at_once(telephone: Telephone) -> None:
    def try_one(year: int) -> bool:
        room = telephone.room
        token = telephone.path.rpartition("/")[2]
        return check_birth_date(room.store, room.rules, token, "28", "3", str(year), now=room.now)

    with ThreadPoolExecutor(8) as many:
        assert not any(many.map(try_one, range(1940, 1970)))

    assert telephone.room.value("SELECT tries FROM link") == 5
    assert "Accueil B2" not in telephone.give_birth_date().text


def test_a_right_birth_date_costs_no_try(telephone: Telephone) -> None:
    for _ in range(7):
        telephone.http.cookies.clear()
        assert "Accueil B2" in telephone.give_birth_date().text


def test_what_is_typed_comes_back_as_it_was_and_never_as_markup(telephone: Telephone) -> None:
    page = telephone.give_birth_date('"><b>', "3", "1979").text

    assert "<b>" not in page
    assert 'value="1979"' in page


def test_a_proof_of_one_link_opens_no_other(telephone: Telephone) -> None:
    telephone.give_birth_date()
    proof = telephone.http.cookies["checked"]
    telephone.http.cookies.clear()
    forged = proof[:-1] + ("0" if proof[-1] != "0" else "1")

    for cookie in (forged, "9999999999.", "1.2", "x", proof.replace(".", "0.")):
        assert "Accueil B2" not in telephone.see(Cookie=f"checked={cookie}")
    assert "Accueil B2" in telephone.see(Cookie=f"checked={proof}")


def test_a_presumed_birth_date_proves_nothing(store: Store) -> None:
    unknown = someone(1, birth_date=date(1979, 1, 1))
    telephone = Telephone(store, visit(1, starts="2026-10-16 09:30", patient=unknown))

    assert "Accueil B2" not in telephone.give_birth_date("1", "1", "1979").text
    assert "appelez le secrétariat" in telephone.see()


def test_a_neutral_service_shows_the_telephone_only_before_the_birth_date(store: Store) -> None:
    services = [SETTINGS["service"][0] | {"sensitivity": "neutral"}]
    telephone = Telephone(store, service=services)
    page = telephone.see()

    assert "01 99 00 12 34" in page
    for kept in ("16 octobre", "9 h 30", "Je viens", "Consultations"):
        assert kept not in page
    assert "9 h 30" in telephone.give_birth_date().text
    assert telephone.http.get(telephone.path + "/agenda-1.ics").status_code == 404


def test_a_neutral_service_is_not_answered_before_the_birth_date(store: Store) -> None:
    services = [SETTINGS["service"][0] | {"sensitivity": "neutral"}]
    telephone = Telephone(store, service=services)
    row = telephone.room.appointment()
    for query in ("?step=cancel&visit=1", "?step=not-me"):
        assert "16 octobre" not in telephone.see(query)
    for deed in ("confirm", "cancel", "reschedule", "read"):
        fields = {"do": deed, "appointment": str(row.id), "cycle": str(row.version), "form": "x"}
        response = telephone.http.post(telephone.path, data=fields)
        assert response.status_code == 409
        assert "16 octobre" not in response.text
    assert telephone.answer == "none"

    telephone.give_birth_date()
    telephone.tap("confirm")
    assert telephone.answer == "confirmed"


def test_without_a_sheet_the_page_says_where_and_claims_nothing(store: Store) -> None:
    site = SETTINGS["site"][0] | {"address": "1 rue du Test, 75001 Paris"}
    telephone = Telephone(store, preparation=[], site=[site])

    assert "rue du Test" not in telephone.see()
    page = telephone.give_birth_date().text
    assert "1 rue du Test, 75001 Paris" in page
    assert "En cas de doute, appelez" in page


def test_a_link_ends_four_hours_after_the_start(telephone: Telephone) -> None:
    telephone.room.at(paris("2026-10-16 13:29"))
    assert "est passé" in telephone.see()
    telephone.room.at(paris("2026-10-16 13:31"))
    assert telephone.http.get(telephone.path).status_code == 404


def test_an_hour_that_changed_is_shown_and_an_old_page_answers_nothing(
    telephone: Telephone,
) -> None:
    old = telephone.see()
    telephone.room.read(visit(1, starts="2026-10-16 14:00"))
    telephone.room.plan()

    response = telephone.tap("confirm", old)

    assert response.status_code == 409
    assert "14 h" in response.text
    assert telephone.answer == "none"
    assert "a changé depuis notre message" in telephone.see()


def test_a_cancelled_appointment_cannot_be_confirmed(telephone: Telephone) -> None:
    old = telephone.see()
    telephone.room.read(visit(1, starts="2026-10-16 09:30", status=Status.CANCELLED), visit(2))

    assert telephone.tap("confirm", old).status_code == 409
    assert telephone.answer == "none"
    assert "est annulé" in telephone.see()


def test_two_appointments_of_a_day_are_answered_one_by_one(store: Store) -> None:
    telephone = Telephone(
        store,
        visit(1, starts="2026-10-16 09:30"),
        visit(2, starts="2026-10-16 14:00", patient=someone(1)),
    )
    telephone.tap("confirm")

    assert telephone.room.appointment(1).answer == "confirmed"
    assert telephone.room.appointment(2).answer == "none"


@pytest.mark.parametrize(
    ("language", "word"),
    [("fr", "Je viens"), ("en", "I am coming"), ("ar", "سأحضر"), ("falc", "Oui, je viens")],
)
def test_every_language_is_chosen_by_name(telephone: Telephone, language: str, word: str) -> None:
    page = telephone.see(f"?lang={language}")

    assert word in page
    assert ('dir="rtl"' in page.split("<head>")[0]) == (language == "ar")
    for other in catalogues().values():
        assert other["own_name"] in page


def test_the_browsers_language_is_used_where_the_record_names_none(store: Store) -> None:
    telephone = Telephone(store)

    assert "I am coming" in telephone.see(**{"Accept-Language": "de, en;q=0.8, fr;q=0.5"})
    assert "Je viens" in telephone.see(**{"Accept-Language": "de;q=0.9"})


def test_a_language_nobody_chose_is_not_remembered(telephone: Telephone) -> None:
    telephone.http.headers["accept-language"] = "en"
    shown = telephone.see()
    assert "I am coming" in shown
    telephone.tap("confirm", shown)
    telephone.tap("cancel")

    assert telephone.room.patient().spoken == ""


def test_a_chosen_language_stays_through_every_step(telephone: Telephone) -> None:
    asked = telephone.see("?lang=en&step=cancel&visit=1")
    assert f'href="{telephone.path}?lang=en"' in asked
    assert "?lang=ar&amp;step=cancel&amp;visit=1" in asked or "?lang=ar&step=cancel" in asked
    assert "Your cancellation is recorded" in telephone.tap("cancel", asked).text


SPANISH = """
from pathlib import Path
from reminders.store.engine import Store, open_engine
from reminders.store.migrate import migrate
from tests.support.telephone import Telephone
store = Store(open_engine("sqlite:///es.db", Path(".")))
migrate(store)
telephone = Telephone(store)
shown = telephone.see("?lang=es")
telephone.tap("confirm", shown)
print(shown, telephone.room.patient().spoken)
"""


def test_a_new_language_is_one_file(tmp_path: Path) -> None:
    """Spanish, Portuguese, Turkish: a catalogue beside the others, and nothing else."""
    root = Path(__file__).parents[2]
    words = shutil.copytree(root / "templates", tmp_path / "templates") / "pages/patient/words"
    spanish = (words / "en.toml").read_text(encoding="utf-8")
    for old, new in (('"English"', '"Español"'), ('"en"', '"es"'), ("I am coming", "Sí, voy")):
        spanish = spanish.replace(old, new)
    (words / "es.toml").write_text(spanish, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-c", SPANISH], cwd=tmp_path, text=True, capture_output=True,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{root}", "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    for shown in ('<html lang="es"', "Sí, voy", "Español", "العربية"):
        assert shown in ended.stdout
    assert ended.stdout.strip().endswith(" es")


def test_a_language_answered_in_is_remembered(telephone: Telephone) -> None:
    telephone.tap("confirm", telephone.see("?lang=en"))

    assert telephone.room.patient().spoken == "en"


@pytest.mark.parametrize("path", ["", "?step=cancel&visit=1", "/agenda-1.ics"])
def test_nothing_is_kept_followed_or_indexed(telephone: Telephone, path: str) -> None:
    headers = telephone.http.get(telephone.path + path).headers

    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "noindex" in headers["x-robots-tag"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]


def test_the_page_runs_no_script_and_asks_no_other_host(telephone: Telephone) -> None:
    page = telephone.see() + telephone.give_birth_date().text

    assert "<script" not in page
    assert "style=" not in page
    ours = r"/r/|/information\?|/accessibilite\?|tel:|\?lang=|#"
    assert not re.search(rf'(?:src|href|action)="(?!{ours})', page)


@pytest.mark.parametrize("token", ["x", "a" * 22, "A" * 21 + "/", "%00" * 22, "é" * 22])
def test_a_link_nobody_made_shows_the_desks_telephone(telephone: Telephone, token: str) -> None:
    response = telephone.http.get(f"/r/{token}")

    assert response.status_code == 404
    if response.text.startswith("<!doctype"):
        assert "01 99 00 12 34" in response.text


def test_guessing_links_is_slowed_down_and_never_keeps_a_patient_out(telephone: Telephone) -> None:
    codes = {telephone.http.get(f"/r/{number:022}").status_code for number in range(40)}

    assert codes == {404, 429}
    assert "Je viens" in telephone.see()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "confirm"},
        {"do": "confirm", "appointment": "1", "cycle": "x"},
        {"do": "confirm", "appointment": "999999", "cycle": "1"},
        {"do": "drop table"},
        {"do": "undo", "appointment": "1", "cycle": "1"},
    ],
)
def test_a_form_that_is_not_ours_changes_nothing(
    telephone: Telephone, fields: dict[str, str]
) -> None:
    response = telephone.http.post(telephone.path, data=fields)

    assert response.status_code in (400, 404, 409)
    assert telephone.answer == "none"


def test_the_calendar_file_holds_no_place_and_no_reason(telephone: Telephone) -> None:
    content = telephone.http.get(telephone.path + "/agenda-1.ics").text

    assert "BEGIN:VEVENT" in content
    assert "CH Exemple" in content
    for kept in ("Accueil", "jeun", "Consultations", "Léa"):
        assert kept not in content


def test_every_catalogue_has_every_text() -> None:
    keys = {code: set(words.texts) for code, words in catalogues().items()}

    assert all(found == keys["fr"] for found in keys.values())
