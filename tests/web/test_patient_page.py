"""The patient's page over HTTP: what it shows, to whom, and what a tap does."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from reminders.config import Settings
from reminders.domain.appointment import Status
from reminders.services.answer import pass_on
from reminders.services.compose import Route
from reminders.store.engine import Store
from reminders.web.patient import Desk, Public, patient_router
from reminders.web.words import catalogues
from tests.support.clinic import SETTINGS, paris, settings_with, someone, visit
from tests.support.mailroom import LIVE, Mailroom

URL = "https://rdv.example.org"
SHEET: dict[str, Any] = {
    "id": "b2",
    "service": "4220",
    "instructions": "Venir à jeun.",
    "documents": ["Carte Vitale", "Ordonnance"],
    "arrival_point": "Accueil B2",
    "arrive_minutes_before": 15,
}


def configured(**changes: Any) -> Settings:
    return settings_with(
        **(dict(LIVE) | {"web": {"public_url": URL}, "preparation": [SHEET]} | changes)
    )


class Telephone:
    """A patient's browser, on the page of the link their J-3 text carried."""

    def __init__(self, store: Store, *records: Any, **changes: Any) -> None:
        self.room = Mailroom(store, settings=configured(**changes), routes=(Route("main", "sms"),))
        self.room.read(*(records or (visit(1, starts="2026-10-16 09:30"),)))
        self.room.release()
        self.room.plan()
        self.room.at(paris("2026-10-13 10:05"))
        self.room.deliver()
        text = self.room.sent[0].text
        found = re.search(rf"{URL}(/r/[A-Za-z0-9_-]{{22}})", text)
        assert found, text
        self.path = found[1]
        app = FastAPI()
        app.include_router(
            patient_router(
                Public(
                    store=store,
                    rules=self.room.rules,
                    secret=self.room.secret,
                    page_key=b"k" * 32,
                    desk=Desk("CH Exemple", "01 99 00 12 34"),
                    now=lambda: self.room.now,
                    changed=self._changed,
                )
            )
        )
        self.http = TestClient(app, base_url=URL, follow_redirects=True)

    async def _changed(self) -> None:
        self.room.plan()

    def see(self, query: str = "", **headers: str) -> str:
        response = self.http.get(self.path + query, headers=headers)
        assert response.status_code == 200
        return response.text

    def tap(self, deed: str, page: str = "", **more: str) -> Any:
        """Send the form of this deed as the page shows it."""
        shown = page or self.see("?step=cancel&visit=1" if deed == "cancel" else "")
        for form in re.findall(r"<form method=\"post\">(.*?)</form>", shown, re.S):
            fields = dict(re.findall(r'name="([a-z]+)" value="([^"]*)"', form))
            if fields.get("do") == deed:
                fields.pop("reason", None)
                return self.http.post(self.path, data=fields | more)
        raise AssertionError(f"no form for {deed}")

    def give_birth_date(self, day: str = "28", month: str = "3", year: str = "1979") -> Any:
        fields = {"do": "birth", "day": day, "month": month, "year": year}
        return self.http.post(self.path, data=fields)

    @property
    def answer(self) -> str:
        found: str = self.room.appointment().answer
        return found


@pytest.fixture
def telephone(store: Store) -> Telephone:
    return Telephone(store)


def test_the_page_shows_who_when_and_the_telephone_and_no_more(telephone: Telephone) -> None:
    page = telephone.see()

    for shown in ("CH Exemple", "vendredi 16 octobre", "9 h 30", "01 99 00 12 34", "Je viens"):
        assert shown in page
    for kept in ("Accueil B2", "jeun", "Carte Vitale", "Léa", "EXEMPLE", "Consultations", "4220"):
        assert kept not in page
    assert len(page.encode()) < 15_000


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

    assert "Revenir" not in telephone.see()
    assert pass_on(telephone.room.store, now=telephone.room.now) == 1
    assert "answer_cancelled" in telephone.room.tasks()


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
    assert "horaire a changé" in telephone.see()


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
    assert not re.search(r'(?:src|href|action)="(?!/r/|tel:)', page)


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
