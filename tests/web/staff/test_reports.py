"""The no-show report's page: what an address may ask for, and what is taken away."""

import csv
import html
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import python_calamine

from reminders.domain.report import Asked, Dimension, Handling, Month
from reminders.services import months
from reminders.services.no_show_report import no_show_report
from reminders.web.staff.reports_export import flat
from reminders.web.staff.reports_words import line_name
from reminders.web.staff.visit import Truth
from reminders.web.staff.words import Words
from tests.support.clinic import PARIS, paris
from tests.support.office import Office, Role
from tests.support.reported import reported
from tests.support.stores import SqliteFiles

OCTOBER = {"du": "2026-10", "au": "2026-10"}


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield reported(store)


def test_a_report_says_whether_its_month_can_still_change(office: Office) -> None:
    office.at(paris("2026-11-20 09:00"))
    clerk, some = office.clerk(Role.READER), office.clerk(Role.READER, login="un", ufs=["4220"])
    open_, one, many = "Provisoire au 20/11/2026 à 9 h 00", "Mois clos, révision", "Mois clos :"
    october, link = "/rapports?du=2026-10&au=2026-10", 'href="/rapports/mois/2026-10"'
    assert open_ in plain(clerk.get(october).text)
    months.close(office.store, office.rules, Month(2026, 10), by="", now=office.now)
    office.at(paris("2026-11-22 10:30"))
    page = plain(clerk.get(october).text)
    assert "Mois clos, révision 1, arrêté le 20/11/2026 : ces chiffres, comptés le 22/11" in page
    assert (link in page, "Provisoire" in page) == (True, False)
    page = plain(clerk.get("/rapports?du=2026-10&au=2026-11").text)
    assert "Mois clos : octobre 2026 (révision 1, arrêté le 20/11/2026)." in page
    assert (link in page, "Provisoire au 22/11/2026 à 10 h 30" in page, one in page) == (
        True, True, False,
    )  # fmt: skip
    page = plain(some.get(october).text)  # who may not see closed months is not sent there
    assert (one in page, link in page, many in page) == (True, False, False)


def plain(text: str) -> str:
    return html.unescape(text).replace("\u00a0", " ").replace("\u202f", " ")


def test_the_sentence_comes_first_with_its_denominator_and_its_interval(office: Office) -> None:
    page = office.clerk(Role.READER).get("/rapports?du=2026-10&au=2026-10").text
    answer = page.split('<p class="answer">', 1)[1].split("</p>", 1)[0].replace("\u00a0", " ")
    assert answer.startswith("En octobre 2026, 18,2 % des rendez-vous suivis")
    assert "20 sur 110 dont l’issue est connue (intervalle à 95 % :" in answer
    assert page.index('class="answer"') < page.index('class="filters"') < page.index("<svg")


def test_a_filtered_sentence_says_of_whom_it_is_and_leads_back_to_all(office: Office) -> None:
    clerk = office.clerk(Role.READER)
    some = office.clerk(Role.READER, login="un", ufs=["4220"])
    october = "/rapports?du=2026-10&au=2026-10"
    whole = plain(clerk.get(october).text)
    assert "En octobre 2026, 18,2 % des" in whole
    assert "Enlever les filtres" not in whole
    assert "Rapport des non-venues, en octobre 2026 ·" in whole  # its name as a tab, as a PDF
    page = plain(clerk.get(october + "&service=4230&parmi=weekday:2").text)
    assert "En octobre 2026 (Imagerie, accueil C1 ; jour : mardi), 21,1 % des" in page
    assert f'href="{october}"' in page
    assert "Le filtre « Seulement » garde l’évolution et l’ensemble" in page
    assert "En octobre 2026 (Consultations, accueil B2), 16,7 % des" in plain(
        some.get(october).text
    )
    nobody = plain(clerk.get("/rapports?du=2025-01&au=2025-01&service=4230").text)
    assert "En janvier 2025 (Imagerie, accueil C1) : aucun rendez-vous n’est compté." in nobody


def test_a_breakdown_draws_what_may_be_told_where_that_compares_something(office: Office) -> None:
    page = office.clerk(Role.READER).get("/rapports?du=2026-10&au=2026-10").text
    assert 'id="par-service-titre"' in page  # two services
    assert 'id="par-weekday-titre"' not in page  # all on a Tuesday: the table says it
    assert 'id="weekday"' in page


def test_a_week_that_is_not_over_is_drawn_hollow(office: Office) -> None:
    """On Sunday 25 October the week of the 19th still runs: its rate may change."""
    clerk = office.clerk(Role.READER)
    assert "point unfinished" not in clerk.get("/rapports?du=2026-10&au=2026-10").text
    sunday = office.visitor(now=lambda: paris("2026-10-25 12:00"))
    sunday.client.cookies = clerk.client.cookies
    assert sunday.get("/rapports?du=2026-10&au=2026-10").text.count("point unfinished") == 2


@pytest.mark.parametrize(
    "asked",
    ["du=x", "du=2026-10&au=2026-09", "du=2000-01&au=2026-10", "parmi=rien", "parmi=weekday:99",
     "parmi=weekday:x", "parmi=hour:24", "parmi=known:perhaps", "parmi=service:4220"],
)  # fmt: skip
def test_an_address_that_asks_for_nothing_known_says_what_is_wrong(
    office: Office, asked: str
) -> None:
    answer = office.clerk(Role.READER).get(f"/rapports?{asked}")
    assert answer.status_code == 422
    assert "À corriger" in answer.text


def test_a_shared_link_to_other_peoples_services_is_refused_not_narrowed(office: Office) -> None:
    clerk = office.clerk(Role.READER, login="imagerie", ufs=["4230"])
    assert clerk.get("/rapports?service=4230").status_code == 200
    for answer in (
        clerk.get("/rapports?service=4230&service=4220"),
        clerk.post("/rapports/export", OCTOBER | {"service": "4220", "format": "csv"}),
    ):
        assert answer.status_code == 403
        assert "pas les vôtres (4220)" in answer.text


def test_a_finer_filter_tells_nothing_it_does_not_count(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    assert "Créneaux redonnés" in clerk.get("/rapports?du=2026-10&au=2026-10").text
    page = clerk.get("/rapports?du=2026-10&au=2026-10&parmi=known:new").text
    assert "Intervalle à 95" in page.replace("\u00a0", " ")
    assert "Créneaux redonnés" not in page
    assert "#reponses" not in page
    told = clerk.post("/rapports/export", OCTOBER | {"format": "csv", "parmi": "known:new"})
    assert "créneaux rendus" not in told.content.decode("utf-8-sig")


def test_a_count_of_a_service_opens_its_list_for_who_sees_its_patients(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get("/rapports?du=2026-10&au=2026-10").text
    to = "/rapports/liste?du=2026-10&amp;au=2026-10&amp;service=4220&amp;issue=no-show"
    assert f'<a href="{to}">12</a>' in page
    first = clerk.get(html.unescape(to)).text
    assert len(set(re.findall(r'href="(/rendez-vous/\d+)"', first))) == 12
    came = "/rapports/liste?du=2026-10&au=2026-10&service=4220&issue=attended"
    seen: list[str] = []
    while came:
        told = clerk.get(came).text
        seen += re.findall(r'<th scope="row"><a href="(/rendez-vous/\d+)"', told)
        more = re.search(r'href="(/rapports/liste[^"]*apres=[^"]*)"', told)
        came = html.unescape(more[1]) if more else ""
    assert len(seen) == len(set(seen)) == 60
    lone = office.clerk(Role.READER, login="reports-only")
    assert to not in lone.get("/rapports?du=2026-10&au=2026-10").text
    assert lone.get(html.unescape(to)).status_code in (403, 404)
    other = office.clerk(Role.MANAGER, login="imaging", ufs=["4230"])
    assert other.get(html.unescape(to)).status_code == 404
    for wrong in ("issue=late", "issue=no-show&service=9999x", "issue=no-show&apres=x"):
        assert other.get(f"/rapports/liste?du=2026-10&au=2026-10&{wrong}").status_code == 404


def test_a_service_nobody_knows_is_said_to_be_one(office: Office) -> None:
    page = office.clerk(Role.MANAGER).get("/rapports?du=2026-10&au=2026-10&service=9999").text
    assert "UF 9999, sans réglage" in page
    assert "aucun rendez-vous n’est compté" in page


def test_nothing_counted_is_not_told_as_too_few(office: Office) -> None:
    page = office.clerk(Role.MANAGER).get("/rapports?du=2025-01&au=2025-01").text
    assert "aucun rendez-vous n’est compté" in page
    assert "trop peu de patients" not in page


def test_a_waiting_time_is_told_as_closely_as_it_is_counted(office: Office) -> None:
    asked = Asked(Month(2026, 10), Month(2026, 10))
    found = no_show_report(office.store, office.rules, asked, ufs=None, now=office.now)
    slow = replace(found, handling=Handling(7, 179.57828, 8.43))
    rows = [row[2:] for row in flat(Words("fr", PARIS, office.now), slow, "", ()).rows
            if row[0] == "Traitement des réponses"]  # fmt: skip
    assert rows[1:] == [
        ("", 180.0, "minutes", "à un dixième près"), ("", 8.4, "minutes", "à un dixième près"),
    ]  # fmt: skip


def test_what_is_taken_away_says_the_same_and_is_in_the_audit(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    told = clerk.post("/rapports/export", OCTOBER | {"format": "csv"})
    lines = list(csv.reader(io.StringIO(told.content.decode("utf-8-sig")), delimiter=";"))
    assert ["Ensemble", "", "Non venus", "20", "rendez-vous", ""] in lines
    stands = [plain(line[3]) for line in lines if line[1] == "État des chiffres"]
    assert len(stands) == 1
    one = clerk.post("/rapports/export", OCTOBER | {"format": "csv", "service": "4230"}).content
    assert "En octobre 2026 (Imagerie, accueil C1), 21,1 %" in plain(one.decode("utf-8-sig"))
    assert stands[0].startswith("Provisoire au ")
    book = clerk.post("/rapports/export", OCTOBER | {"format": "xlsx"})
    pages = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(book.content))
    assert pages.sheet_names[:3] == ["À lire d’abord", "Ensemble", "Évolution"]
    assert {"Par service", "Délai"} <= set(pages.sheet_names)  # none is cut at 31 letters
    whole = pages.get_sheet_by_name("Ensemble").to_python()
    assert whole[1][:3] == ["En octobre 2026", 90, 20]
    read_first = pages.get_sheet_by_name("À lire d’abord").to_python()
    assert [plain(str(row[1])) for row in read_first if row[0] == "État des chiffres"] == stands
    assert office.value("SELECT count(*) FROM audit WHERE action = 'report.export'") == 3
    assert clerk.post("/rapports/export", OCTOBER | {"format": "exe"}).status_code == 422


@pytest.mark.parametrize(
    ("value", "label", "said"),
    [
        ("0", "", "Aucun rappel parti"),
        ("7", "confirm · sms · link · fr · 2",
         "Demande de confirmation · SMS avec lien · Français · version 2"),
        ("9", "confirm · sms · reply · fr · 2",
         "Demande de confirmation · SMS à réponse · Français · version 2"),
        ("8", "bloc · email · any · en · 1", "bloc · Courriel · Anglais · version 1"),
    ],
)  # fmt: skip
def test_a_text_is_named_as_staff_name_it(value: str, label: str, said: str) -> None:
    words = Words("fr", ZoneInfo("Europe/Paris"), datetime(2026, 10, 14, tzinfo=UTC))
    assert line_name(words, Dimension.TEMPLATE, value, label) == said


@pytest.mark.parametrize("address", ["/rapports?du=2026-10&au=2026-10", "/rapports/temoin"])
def test_only_a_simulated_hospital_says_its_truth(office: Office, address: str) -> None:
    clerk = office.clerk(Role.MANAGER)
    assert "Vérité" not in clerk.get(address).text
    truth = Truth(office.now, appointments=1000, missed=50, without=80)
    demo = office.visitor(truth=lambda: truth)
    demo.client.cookies = clerk.client.cookies
    page = demo.get(address).text
    assert "Simulé" in page
    assert "30 non-venues évitées, 3,0 points" in page.replace("\u00a0", " ")
