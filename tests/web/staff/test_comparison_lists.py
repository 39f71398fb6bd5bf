"""What the pages of the comparison count opens a list of as many, and unblinds nobody."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reminders.domain.holdout import Arm
from reminders.services import holdout
from reminders.store.engine import rows, run
from tests.support.comparison import CAME, ENDS, MISSED, NOW, OPEN, SINCE, Comparison
from tests.support.office import Clerk, Office, Role, office_on
from tests.support.reading import french_in
from tests.support.reported import reported
from tests.support.stores import SqliteFiles
from tests.web.staff.test_every_page import NAMES
from tests.web.staff.test_reports_list import NEXT, UNIT, whole

PLACE = "/rapports/temoin"
LIST = "/rapports/economies/liste"
REPORTED = re.compile(r'<a href="(/rapports/liste\?[^"]*)">([^<]*)</a>')
LINK = re.compile(r'<a href="(/rapports/economies/liste\?[^"]*)">([^<]*)</a>')


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    """Three months into a hold-out of a fifth; a few were left out before the draw."""
    with sqlite_files.migrated(tmp_path) as store:
        trial = Comparison(store)
        trial.arm(Arm.REMINDED, 480, 30, unknown=20)
        trial.arm(Arm.HELD, 115, 18, unknown=6)
        first = trial.patients(Arm.HELD, [[CAME] * 3])[0]
        with store.read() as connection:
            (one,) = rows(connection, "SELECT patient_id FROM appointment WHERE id = :id", id=first)
        trial.patients(Arm.HELD, [[CAME], [CAME]], merged_into=one.patient_id)
        trial.patients(Arm.REMINDED, [[MISSED]] * 7, excluded="neutral")
        trial.patients(Arm.REMINDED, [[OPEN]] * 3, excluded="protected")
        yield office_on(store, now=NOW)


def opened(clerk: Clerk) -> dict[str, str]:
    return {html.unescape(to): told for to, told in LINK.findall(clerk.get(PLACE).text)}


def length(clerk: Clerk, address: str) -> int:
    number = 0
    while address:
        answer = clerk.get(address)
        assert answer.status_code == 200, address
        number += len(UNIT.findall(answer.text))
        following = NEXT.search(answer.text)
        address = html.unescape(following[1]) if following else ""
    return number


def test_every_count_of_the_comparison_opens_a_list_of_as_many(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    holdout.stop(office.store, now=office.now, by="Claire")
    found = opened(clerk)
    for arm in ("held", "reminded"):
        assert {one for one in found if f"bras={arm}" in one} == {
            f"{LIST}?quoi={what}&bras={arm}"
            for what in ("patients", "entered", "known", "no-shows", "unknown")
        }
    counts = {to: whole(told) for to, told in found.items() if "%" not in told}
    assert {to: length(clerk, to) for to in counts} == counts
    assert length(clerk, f"{LIST}?quoi=unknown&bras=held") == 6  # a share on the page
    assert counts[f"{LIST}?quoi=entered&bras=held"] == 120
    # One came three times, and twice under files that were merged into theirs since.
    assert counts[f"{LIST}?quoi=patients&bras=held"] == 115 + 1
    assert counts[f"{LIST}?quoi=left-out&pourquoi=neutral"] == 7
    assert "pourquoi=protected" not in "".join(found)  # three: hidden


def test_who_is_in_an_arm_is_not_listed_while_they_may_come(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    page = clerk.get(PLACE).text
    assert "n’est pas listé tant que ces patients peuvent encore venir" in page
    assert not [one for one in opened(clerk) if re.search("entered|written|patients", one)]
    for what in ("patients", "entered", "written"):
        assert clerk.get(f"{LIST}?quoi={what}&bras=held").status_code == 404
    office.now = ENDS + timedelta(days=32)
    assert clerk.get(f"{LIST}?quoi=entered&bras=held").status_code == 200
    assert clerk.get(f"{LIST}?quoi=left-out&pourquoi=nothing").status_code == 404


def test_whoever_sees_some_patients_only_is_led_to_no_list_of_all(office: Office) -> None:
    clerk = office.clerk(Role.READER, login="reader")
    assert opened(clerk) == {}
    some = office.clerk(Role.MANAGER, login="imaging", ufs=["4230"])
    assert opened(some) == {}
    assert length(some, f"{LIST}?quoi=known&bras=held") == 0


def test_a_comparison_that_was_stopped_lists_what_it_counted(office: Office) -> None:
    """Not those who came afterwards, everybody reminded."""
    holdout.stop(office.store, now=SINCE + timedelta(days=6, hours=14), by="Claire")
    clerk = office.clerk(Role.MANAGER)
    found = {to: told for to, told in opened(clerk).items() if "quoi=known" in to}
    assert len(found) == 2
    assert {to: length(clerk, to) for to in found} == {to: whole(n) for to, n in found.items()}


def test_the_month_the_savings_describe_opens_the_lists_of_its_report(
    sqlite_files: SqliteFiles, tmp_path: Path
) -> None:
    with sqlite_files.migrated(tmp_path) as store:
        office = reported(store)
        clerk = office.clerk(Role.MANAGER)
        for service, counts in (("", [110, 20]), ("&service=4220", [72, 12])):
            page = clerk.get(f"/rapports/economies?mois=2026-10{service}").text
            found = {html.unescape(to): whole(told) for to, told in REPORTED.findall(page)}
            assert list(found.values()) == counts
            assert {to: length(clerk, to) for to in found} == found
        reader = office.clerk(Role.READER).get("/rapports/economies?mois=2026-10").text
        assert "110" in reader
        assert REPORTED.search(reader) is None
        with store.write() as connection:
            run(connection, "UPDATE rollup SET hidden = 1 WHERE dim = 'all'")
        hidden = office.clerk(Role.MANAGER, login="other")
        assert "masqué" in hidden.get("/rapports/economies?mois=2026-10").text
        assert REPORTED.search(hidden.get("/rapports/economies?mois=2026-10").text) is None


def test_every_figure_says_its_formula(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER)
    for address, formula in (
        (PLACE, "Taux = non venus / issues connues, dans chaque groupe."),
        ("/mesures", "Non-venues évitées = (taux sans rappels − taux avec rappels)"),
        ("/rapports/economies", "Issues, messages et masquage : ceux du rapport"),
    ):
        page = clerk.get(address).text.replace("\u00a0", " ")
        assert formula in page, address


def test_the_lists_and_formulas_of_the_comparison_speak_english(office: Office) -> None:
    holdout.stop(office.store, now=office.now, by="Claire")
    clerk = office.clerk(Role.MANAGER)
    clerk.post("/compte/langue", langue="en")
    for address in (PLACE, "/mesures", *opened(clerk)):
        page = clerk.get(address).text.partition('<pre class="protocol"')[0]
        assert french_in(page, NAMES) == [], address
