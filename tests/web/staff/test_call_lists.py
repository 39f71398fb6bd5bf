"""Every count of calls opens a list of as many, for whoever sees all their patients."""

import html
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from reminders.domain.access import Grant
from reminders.domain.calls import Motive
from reminders.domain.report import Month
from reminders.services import accounts, months
from reminders.services.calls import import_calls, note
from tests.support.clinic import PARIS, paris, visit
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.reading import french_in
from tests.support.reported import reported
from tests.support.stores import SqliteFiles
from tests.support.workday import workday
from tests.web.staff.test_every_page import NAMES, counting
from tests.web.staff.test_reports_list import NEXT, whole

PAGE = "/rapports/appels"
LINK = re.compile(r'<a href="(/rapports/appels/liste\?[^"]*)">([^<]*)</a>')
ANY = re.compile(r'<a href="(/rapports/(?:appels/)?liste\?[^"]*)">([^<]*)</a>')
ROW = re.compile(r'<tr><th scope="row">.*?</tr>')


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("calls"))) as store:
        yield workday(store)


def called(office: Office, folder: Path, lines: Sequence[str]) -> None:
    """A telephone system's file: date;service, and perhaps the patient's number."""
    file = folder / "appels.csv"
    file.write_text("\n".join(("Date;Service;IPP", *lines)), encoding="utf-8")
    import_calls(office.store, office.rules, file, PARIS, actor="nadia", now=office.now)


def opened(clerk: Clerk, address: str = PAGE) -> dict[str, str]:
    found = LINK.findall(clerk.get(address).text)
    return {html.unescape(to): told for to, told in found}


def rows(clerk: Clerk, address: str) -> list[str]:
    """All rows of a list, on all its pages."""
    found: list[str] = []
    while address:
        answer = clerk.get(address)
        assert answer.status_code == 200, address
        found += ROW.findall(answer.text)
        following = NEXT.search(answer.text)
        address = html.unescape(following[1]) if following else ""
    return found


@pytest.mark.parametrize("ufs", [(), ("4220",), ("4220", "4230")])
@pytest.mark.parametrize("service", ["", "?service=4220"])
def test_every_count_opens_a_list_of_as_many(
    office: Office, ufs: tuple[str, ...], service: str
) -> None:
    clerk = office.clerk(Role.MANAGER, login=f"manager-{len(ufs)}", ufs=ufs)
    found = opened(clerk, PAGE + service)
    counts = {to: whole(told) for to, told in found.items() if "%" not in told}
    assert {to: len(rows(clerk, to)) for to in counts} == counts
    assert {"mois", "motif"} <= {name for to in found for name in re.findall(r"(\w+)=", to)}
    (linked,) = (to for to in found if "quoi=linked" in to)
    assert all("/rendez-vous/" in one for one in rows(clerk, linked))
    everything = next(to for to in counts if "quoi" not in to and "motif" not in to)
    assert found[linked] == f"{round(100 * len(rows(clerk, linked)) / counts[everything])}\u00a0%"


def test_a_file_opens_what_was_kept_of_it_and_what_nobody_knows(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER, login="files")
    files = {to: whole(told) for to, told in opened(clerk).items() if "fichier" in to}
    assert sorted(files.values()) == [39, 69]
    unlinked = next(to for to in files if "unlinked" in to)
    assert not [one for one in rows(clerk, unlinked) if "/rendez-vous/" in one]
    service = office.clerk(Role.MANAGER, login="one", ufs=["4220"])
    assert "Fichiers importés" not in service.get(PAGE).text
    assert service.get(unlinked).status_code == 404  # it is of every service


def test_a_row_says_when_about_what_and_from_whom(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER, login="reads")
    noted = next(to for to in opened(clerk) if "noted" in to)
    (row,) = (re.sub(r"<[^>]+>", " ", one) for one in rows(clerk, noted))
    assert re.search(r"mer. 14 oct., 10.h.* sera en retard .*noté par", row)
    everything = rows(clerk, f"{PAGE}/liste?mois=2026-10")
    days = [whole(one) for one in everything]
    assert days == sorted(days, reverse=True)
    assert any(">mar. 13 oct.</th>" in one for one in everything)  # no hour is known
    assert any("/patients/" in one for one in everything)


def test_a_list_opens_for_whoever_sees_all_its_patients(office: Office) -> None:
    reader = office.clerk(Role.READER, login="reader")
    assert "Octobre 2026" in reader.get(PAGE).text
    assert opened(reader) == {}
    assert reader.get(f"{PAGE}/liste?mois=2026-10").status_code == 403
    grants = [Grant(Role.READER), Grant(Role.AGENT, uf="4220")]
    accounts.create(office.store, login="mixed", name="Mixte Exemple", grants=grants,
                    actor="tests", now=office.now)  # fmt: skip
    mixed = office.clerk(login="mixed")
    assert opened(mixed) == {}
    assert mixed.get(f"{PAGE}/liste?mois=2026-10").status_code == 404
    assert opened(mixed, f"{PAGE}?service=4220")
    some = office.clerk(Role.MANAGER, login="some", ufs=["4220"])
    assert some.get(f"{PAGE}/liste?mois=2026-10&service=4230").status_code == 404


@pytest.mark.parametrize(
    "typed", ["mois=2026-13", "mois=x", "quoi=late", "motif=rien", "apres=x", "apres=1",
              "fichier=x", "fichier=-1", "service=9999x"],
)  # fmt: skip
def test_an_address_of_no_count_leads_nowhere(office: Office, typed: str) -> None:
    clerk = office.clerk(Role.MANAGER, login="typed", ufs=["4220", "4230"])
    assert clerk.get(f"{PAGE}/liste?{typed}").status_code == 404


def test_a_look_is_in_the_audit_in_words(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER, Role.ADMINISTRATOR, login="looked")
    for asked in ("mois=2026-10&service=4220&motif=unknown", "mois=2026-10&quoi=linked"):
        clerk.get(f"{PAGE}/liste?{asked}")
    kept = office.rows(
        "SELECT subject, detail FROM audit WHERE action = 'calls.list' AND actor = 'looked' "
        "ORDER BY id"
    )
    assert [(row.subject, json.loads(row.detail)["note"]) for row in kept] == [
        ("uf:4220", "unknown"), ("", "linked"),
    ]  # fmt: skip
    page = clerk.get("/journal?acteur=looked").text
    for said in ("a ouvert la liste des appels derrière un chiffre", "motif non noté",
                 "Appels rattachés à un rendez-vous"):  # fmt: skip
        assert said in page


def test_a_page_of_a_list_is_few_statements_and_speaks_english(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER, login="english")
    clerk.post("/compte/langue", langue="en")
    for address in (PAGE, f"{PAGE}?service=6600", *list(opened(clerk))):
        with counting(office.store) as heard:
            answer = clerk.get(address)
        assert len(heard) <= 6, "\n".join(heard)
        assert len(answer.content) <= 60_000
        assert french_in(answer.text, NAMES) == [], address


def test_a_merged_file_leads_to_the_one_that_stays(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        office = office_on(store, now=paris("2026-10-12 09:00"))
        office.read(visit(1), visit(2))
        called(office, tmp_path, ["01/10/2026;4230;0000002"])
        clerk = office.clerk(Role.MANAGER)
        ids = [row.id for row in office.rows("SELECT id FROM patient ORDER BY id")]
        assert f"/patients/{ids[1]}" in clerk.get(f"{PAGE}/liste").text
        with store.write() as connection:
            connection.exec_driver_sql(
                f"UPDATE patient SET merged_into = {ids[0]} WHERE id = {ids[1]}"
            )
        assert f"/patients/{ids[0]}" in clerk.get(f"{PAGE}/liste").text


def test_the_month_the_savings_describe_opens_its_calls(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        office = reported(store)
        lines = [f"{day:02}/10/2026;{uf}" for day in range(1, 7) for uf in ("4220", "4230")]
        called(office, tmp_path, [*lines, "01/10/2026;4230"])
        clerk = office.clerk(Role.MANAGER)
        for service, number in (("", 13), ("&service=4220", 6)):
            found = opened(clerk, f"/rapports/economies?mois=2026-10{service}")
            assert {to: whole(told) for to, told in found.items()} == {
                f"{PAGE}/liste?mois=2026-10&quoi=once{service}": number
            }
            assert [len(rows(clerk, to)) for to in found] == [number]
        reader = office.clerk(Role.READER, login="reader")
        assert opened(reader, "/rapports/economies?mois=2026-10") == {}


def test_a_call_noted_and_in_a_file_is_listed_once(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    """Of the fifth three were noted and two are in the file; of the sixth it is two and four."""
    with sqlite_files.migrated(tmp_path) as store:
        office = reported(store)
        lines = ["05/10/2026;4220"] * 2 + ["06/10/2026;4220"] * 4 + ["07/10/2026;4230"]
        called(office, tmp_path, lines)
        known = office.rows("SELECT id, patient_id FROM appointment WHERE uf = '4220' ORDER BY id")
        for n, day in enumerate((5, 5, 5, 6, 6)):
            note(store, known[n].id, known[n].patient_id, "4220", Motive.MOVE, PARIS,
                 actor="nadia", now=paris(f"2026-10-{day:02} 10:00"))  # fmt: skip
        clerk = office.clerk(Role.MANAGER)
        for service, number in (("", 8), ("&service=4220", 7)):
            (told,) = opened(clerk, f"/rapports/economies?mois=2026-10{service}").items()
            assert whole(told[1]) == number
            found = rows(clerk, told[0])
            assert len(found) == number
            assert sum("noté par" in one for one in found) == 3
        assert len(rows(clerk, f"{PAGE}/liste?mois=2026-10")) == 12


def test_the_messages_of_a_month_open_the_list_of_its_report(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER, login="messages")
    page = clerk.get("/rapports/economies?mois=2026-10").text
    (told,) = re.findall(r'<a href="/rapports/liste\?[^"]*quoi=messages[^"]*">([^<]*)</a>', page)
    assert whole(told) > 20


def test_a_closed_month_opens_the_lists_as_they_are_today(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        office = reported(store)
        lines = [f"{day:02}/10/2026;4220" for day in range(1, 8)]
        called(office, tmp_path, lines)
        months.close(store, office.rules, Month(2026, 10), by="", now=office.now)
        clerk = office.clerk(Role.MANAGER)
        page = clerk.get("/rapports/mois/2026-10").text
        assert "ouvre la liste d’aujourd’hui" in page
        found = {html.unescape(to): whole(told) for to, told in ANY.findall(page)}
        assert sorted(found.values()) == [7, 20, 110]
        for to, number in found.items():
            assert len(rows(clerk, to)) == number
        reader = office.clerk(Role.READER, login="reader").get("/rapports/mois/2026-10").text
        assert ANY.findall(reader) == []
        assert "ouvre la liste d’aujourd’hui" not in reader
