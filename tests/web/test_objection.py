"""The pages that stop messages, over HTTP: what a tap stops, what a scanner does not."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from reminders.domain.appointment import AppointmentRecord, ContactPoint
from reminders.ports import Received
from reminders.services.receive import Taken
from reminders.store.engine import Store, rows
from reminders.store.schema import metadata
from reminders.web.patient import Desk, Public
from reminders.web.public import public_app
from reminders.web.words import catalogues
from tests.support.clinic import paris, settings_with, someone, visit
from tests.support.mailroom import LIVE, Mailroom

URL = "https://rdv.example.org"
MAIL = (ContactPoint("email", "lea.test@example.org"),)
BOTH = (ContactPoint("phone", "06 39 98 00 01"), *MAIL)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def _take(_provider: str, _received: Received) -> Taken:
    raise AssertionError("no provider calls")


async def _hinted(_provider: str, _received: Received) -> None:
    raise AssertionError("no provider calls")


class Patient:
    """Somebody whose J-3 message has left, at the link it carried. `replies`: SMS of ours can
    be answered."""

    def __init__(self, store: Store, *records: AppointmentRecord, replies: bool = False) -> None:
        settings = settings_with(**{**LIVE, "web": {"public_url": URL}})
        self.room = Mailroom(store, settings=settings)
        self.room.read(*(records or (visit(1, starts="2026-10-16 09:30"),)))
        self.room.release()
        self.room.plan()
        self.room.at(paris("2026-10-13 10:05"))
        self.room.deliver()
        public = Public(
            store=store,
            rules=self.room.rules,
            secret=self.room.secret,
            page_key=b"k" * 32,
            desk=Desk("CH Exemple", "01 99 00 12 34"),
            now=lambda: self.room.now,
            changed=self._changed,
            replies=replies,
        )
        app = public_app({}, {}, URL, _take, _hinted, public)
        self.http = TestClient(app, base_url=URL, follow_redirects=True)

    async def _changed(self) -> None:
        """Nothing is planned again: what is stopped is stopped by the intent's own check."""

    def link(self, kind: str = "r", number: int = 0) -> str:
        found = re.search(rf"{URL}(/{kind}/[A-Za-z0-9_-]{{22}})", self.room.sent[number].text)
        assert found, self.room.sent[number].text
        return found[1]

    @property
    def stop(self) -> str:
        return self.link() + "/stop"

    def tap(self, choice: str) -> str:
        response = self.http.post(self.stop, data={"do": choice})
        assert response.status_code == 200
        return response.text.replace("&#39;", "'")

    def next_texts(self, day: str = "2026-10-15 10:05") -> list[str]:
        """Who gets what is due that day, with no planning and with."""
        before = len(self.room.sent)
        self.room.at(paris(day))
        self.room.deliver()
        self.room.plan_everybody()
        self.room.deliver()
        return [sent.to for sent in self.room.sent[before:]]


def everything(store: Store) -> dict[str, Sequence[Any]]:
    with store.read() as connection:
        return {
            table: [tuple(row) for row in rows(connection, f"SELECT * FROM {table}")]
            for table in metadata.tables
        }


# --- the page behind a text's link -------------------------------------------------------------


def test_the_patients_page_leads_there(store: Store) -> None:
    patient = Patient(store)

    page = patient.http.get(patient.link()).text
    assert f'href="{patient.stop}"' in page
    shown = patient.http.get(patient.stop).text
    for text in ("CH Exemple", "01 99 00 12 34", "Plus aucun SMS", "Ni SMS ni courriel"):
        assert text in shown


def test_no_more_texts_means_e_mail_from_now_on(store: Store) -> None:
    patient = Patient(store, visit(1, starts="2026-10-16 09:30", patient=someone(contacts=BOTH)))

    assert "nous ne vous enverrons plus de SMS" in patient.tap("channel")

    assert patient.next_texts() == ["lea.test@example.org"]


def test_neither_texts_nor_e_mails_means_nothing(store: Store) -> None:
    patient = Patient(store, visit(1, starts="2026-10-16 09:30", patient=someone(contacts=BOTH)))

    patient.tap("all")

    assert patient.next_texts() == []
    assert patient.room.reasons()["J-1"] == "objection"
    assert patient.room.appointment().answer == "none"


def test_one_appointment_is_stopped_and_the_others_are_told(store: Store) -> None:
    patient = Patient(
        store,
        visit(1, starts="2026-10-16 09:30"),
        visit(2, starts="2026-10-20 09:30", patient=someone(1)),
    )

    assert "pour ce rendez-vous" in patient.tap("appointment")

    assert patient.next_texts() == []
    assert patient.room.reasons(1)["J-1"] == "objection"
    assert patient.next_texts("2026-10-19 10:05") == ["+33639980001"]
    assert "20/10" in patient.room.sent[-1].text


def test_all_appointments_a_message_told_are_stopped_together(store: Store) -> None:
    patient = Patient(
        store,
        visit(1, starts="2026-10-16 09:30"),
        visit(2, starts="2026-10-16 14:00", patient=someone(1)),
    )

    assert "pour ces rendez-vous" in patient.tap("appointment")

    assert patient.next_texts() == []


@pytest.mark.parametrize("choice", ["appointment", "channel", "all"])
def test_whatever_is_stopped_can_be_started_again(store: Store, choice: str) -> None:
    patient = Patient(store)
    assert "Recevoir à nouveau" in patient.tap(choice)

    assert "Plus aucun SMS" in patient.tap("resume")

    assert patient.next_texts() == ["+33639980001"]
    assert patient.room.tasks() == []


def test_the_same_tap_twice_is_one_objection(store: Store) -> None:
    patient = Patient(store)

    patient.tap("channel")
    patient.tap("channel")

    assert patient.room.value("SELECT COUNT(*) FROM objection") == 1


def test_nothing_is_promised_while_staff_still_object(store: Store) -> None:
    patient = Patient(store)
    patient.tap("channel")
    patient.room.object("06 39 98 00 01")

    page = patient.tap("resume")

    assert "appelez le secrétariat" in page
    assert "restent arrêtés" in page
    assert patient.next_texts() == []
    assert "start_stands" in patient.room.tasks()


@pytest.mark.parametrize("replies", [True, False])
def test_start_is_offered_only_where_somebody_reads_it(store: Store, replies: bool) -> None:
    patient = Patient(store, replies=replies)

    assert ("START" in patient.tap("channel")) == replies


@pytest.mark.parametrize("code", sorted(catalogues()))
def test_the_page_speaks_every_language(store: Store, code: str) -> None:
    patient = Patient(store)
    words = catalogues()[code]

    page = patient.http.get(f"{patient.stop}?lang={code}").text

    assert words["stop_sms"] in page
    assert ('dir="rtl"' in page.split("<head>")[0]) == (code == "ar")
    data = {"do": "channel", "lang": code, "chosen": "1"}
    said = patient.http.post(patient.stop, data=data).text
    assert words["said_stop_sms"] in said.replace("&#39;", "'")


# --- an e-mail's own link ----------------------------------------------------------------------


@pytest.fixture
def reader(store: Store) -> Patient:
    """Somebody who got an e-mail."""
    record = visit(1, starts="2026-10-16 09:30", patient=someone(contacts=MAIL))
    reader = Patient(store, record)
    assert [sent.to for sent in reader.room.sent] == ["lea.test@example.org"]
    return reader


def test_one_click_stops_e_mails_to_this_address(reader: Patient) -> None:
    response = reader.http.post(reader.link("u"), data=ONE_CLICK, follow_redirects=False)

    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    row = reader.room.rows("SELECT channel, scope, origin FROM objection")[0]
    assert tuple(row) == ("email", "all", "email")
    assert reader.next_texts() == []
    assert reader.room.appointment().answer == "none"


def test_one_click_as_mail_programs_may_also_write_it(reader: Patient) -> None:
    """RFC 8058 §3.1 allows multipart/form-data."""
    files = {"List-Unsubscribe": (None, "One-Click")}

    assert reader.http.post(reader.link("u"), files=files).status_code == 200
    assert reader.next_texts() == []


def test_one_click_leaves_texts_alone(store: Store) -> None:
    record = visit(1, starts="2026-10-16 09:30", patient=someone(contacts=MAIL))
    reader = Patient(store, record)
    reader.http.post(reader.link("u"), data=ONE_CLICK)

    reader.room.read(visit(1, starts="2026-10-16 09:30", patient=someone(contacts=BOTH)))

    assert reader.next_texts() == ["+33639980001"]


def test_a_person_who_opens_the_link_finds_one_button_and_the_way_back(reader: Patient) -> None:
    page = reader.http.get(reader.link("u")).text
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    assert fields == ONE_CLICK

    said = reader.http.post(reader.link("u"), data=fields).text
    assert "plus de courriel" in said
    assert "Recevoir à nouveau" in said
    again = reader.http.post(reader.link("u"), data={"do": "resume"}).text
    assert "Plus aucun courriel" in again
    assert reader.next_texts() == ["lea.test@example.org"]


def test_an_e_mail_of_long_ago_still_stops_the_next_ones(reader: Patient) -> None:
    reader.room.at(paris("2027-04-01 10:00"))

    assert reader.http.get(reader.link()).status_code == 404
    assert reader.http.post(reader.link("u"), data=ONE_CLICK).status_code == 200
    reader.room.at(paris("2027-04-12 10:00"))
    assert reader.http.post(reader.link("u"), data=ONE_CLICK).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"List-Unsubscribe": "one-click"}, {"List-Unsubscribe": ""}, {"do": "all"}, {"do": "x"}],
)
def test_any_other_body_stops_nothing(reader: Patient, body: dict[str, str]) -> None:
    assert reader.http.post(reader.link("u"), data=body).status_code == 400
    assert reader.room.value("SELECT COUNT(*) FROM objection") == 0


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"List-Unsubscribe=One-Click", "text/plain"),
        (b"List-Unsubscribe=One-Click&a=" + b"x" * 5000, "application/x-www-form-urlencoded"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"--x\r\nbroken", "multipart/form-data"),
    ],
)
def test_a_body_that_is_no_form_of_ours_stops_nothing(
    reader: Patient, content: bytes, kind: str
) -> None:
    response = reader.http.post(reader.link("u"), content=content, headers={"Content-Type": kind})

    assert response.status_code == 400
    assert reader.room.value("SELECT COUNT(*) FROM objection") == 0


# --- both ----------------------------------------------------------------------------------------


def test_scanners_change_nothing(reader: Patient) -> None:
    """Whatever follows the links of an e-mail, and the links of the pages behind them."""
    before = everything(reader.room.store)
    waiting, seen = [reader.link(), reader.stop, reader.link("u")], set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for method in ("GET", "HEAD", "OPTIONS"):
            for query in ("", "?do=all", "?List-Unsubscribe=One-Click"):
                reader.http.request(method, path + query if "?" not in path else path)
        page = reader.http.get(path).text
        links = re.findall(r'(?:href|action)="(\??[^"]*)"', page)
        base = path.partition("?")[0]
        waiting += [base + one if one.startswith("?") else one for one in links if one[0] in "/?"]

    assert len(seen) > 10
    assert everything(reader.room.store) == before


def test_a_link_serves_its_own_purpose_only(reader: Patient) -> None:
    answer, objection = reader.link()[3:], reader.link("u")[3:]

    assert reader.http.get(f"/r/{objection}").status_code == 404
    assert reader.http.get(f"/r/{objection}/stop").status_code == 404
    assert reader.http.post(f"/r/{objection}/stop", data={"do": "all"}).status_code == 404
    assert reader.http.get(f"/u/{answer}").status_code == 404
    assert reader.http.post(f"/u/{answer}", data=ONE_CLICK).status_code == 404
    assert reader.room.value("SELECT COUNT(*) FROM objection") == 0


@pytest.mark.parametrize("token", ["x", "a" * 22, "%00" * 22, "é" * 22, "a" * 4000])
def test_a_link_nobody_made_stops_nothing(reader: Patient, token: str) -> None:
    assert reader.http.get(f"/u/{token}").status_code == 404
    assert reader.http.post(f"/u/{token}", data=ONE_CLICK).status_code == 404
    assert reader.http.get(f"/r/{token}/stop").status_code == 404
    assert reader.http.post(f"/r/{token}/stop", data={"do": "all"}).status_code == 404
    assert reader.room.value("SELECT COUNT(*) FROM objection") == 0


@pytest.mark.parametrize("kind", ["u", "stop"])
def test_nothing_is_kept_followed_or_scripted(reader: Patient, kind: str) -> None:
    response = reader.http.get(reader.stop if kind == "stop" else reader.link("u"))

    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in response.headers["x-robots-tag"]
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "<script" not in response.text
    assert len(response.text.encode()) < 15_000
    for kept in ("Léa", "EXEMPLE", "Consultations", "lea.test", "16 octobre"):
        assert kept not in response.text
