"""Every count of the no-show report opens a list of as many, for whoever sees those patients."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest

from reminders.domain import report_unit
from reminders.domain.access import Grant
from reminders.domain.report_list import ISSUES, MEASURES
from reminders.services import accounts
from reminders.services.rollup import refresh
from reminders.store.engine import run
from reminders.web.staff.reports_figures import formula_of, name_of
from reminders.web.staff.words import Words
from tests.support.clinic import paris
from tests.support.office import Clerk, Office, Role
from tests.support.reading import french_in
from tests.support.reported import reported
from tests.support.stores import SqliteFiles
from tests.support.workday import workday
from tests.web.staff.test_every_page import NAMES, counting

LINK = re.compile(r'<a href="(/rapports/liste\?[^"]*)">([^<]*)</a>')
UNIT = re.compile(r'<tr><th scope="row"><a href="(/rendez-vous/\d+)">.*?</tr>')
TIMES = re.compile(r'<td class="number"[^>]*>([^<]+)</td>')
NEXT = re.compile(r'<a href="([^"]*)" rel="next">')
SINCE = "/rapports?du=2026-10&au=2026-11"


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """November: what the workday's two weeks came to, but of some nobody knows."""
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("lists"))) as store:
        office = workday(store, count=360)  # fewer have no channel that may be told
        office.at(paris("2026-10-20 09:00"))
        refresh(store, office.rules, now=office.now)
        yield office


def whole(text: str) -> int:
    """« 1 234 », or the number in a sentence."""
    found = re.search(r"\d[\d\s]*", text)
    assert found is not None, text
    return int(re.sub(r"\s", "", found[0]))


def opened(clerk: Clerk, address: str) -> dict[str, int]:
    """Every list the page links to, with the figure that opens it."""
    page = clerk.get(address).text
    return {html.unescape(to): whole(text) for to, text in LINK.findall(page)}


def length(clerk: Clerk, address: str) -> int:
    """How many a list has on all its pages; of what an appointment may have several, their sum."""
    seen: list[str] = []
    times = 0
    while address:
        answer = clerk.get(address)
        assert answer.status_code == 200, address
        rows = list(UNIT.finditer(answer.text))
        seen += [row[1] for row in rows]
        several = re.search(r"quoi=(contacts|messages|freed|refilled)\b", address)
        times += sum(whole(TIMES.findall(row[0])[-1]) if several else 1 for row in rows)
        following = NEXT.search(answer.text)
        address = html.unescape(following[1]) if following else ""
    assert len(seen) == len(set(seen))
    return times


@pytest.mark.parametrize(
    ("ufs", "address"),
    [
        ((), SINCE),
        ((), "/rapports?du=2026-10&au=2026-10&parmi=channel:sms"),
        ((), "/rapports?du=2026-09&au=2026-10&service=4220&service=4230"),
        ((), "/rapports?du=2026-06&au=2026-10&site=sud"),
        (("4220",), SINCE),
        (("4220", "4230"), SINCE),
    ],
)
def test_every_figure_opens_a_list_of_as_many(
    office: Office, ufs: tuple[str, ...], address: str
) -> None:
    clerk = office.clerk(Role.MANAGER, login=f"manager-{len(ufs)}", ufs=ufs)
    found = opened(clerk, address)
    assert len(found) > 3
    assert {to: length(clerk, to) for to in found} == found


def test_no_kind_of_figure_is_left_without_its_list(office: Office) -> None:
    found = [dict(parse_qsl(urlsplit(to).query)) for to in opened(boss(office), SINCE)]
    lines = {one.get("parmi", "").partition(":")[0] for one in found}
    assert lines >= {"weekday", "hour", "lead", "age", "channel", "language", "template", "known"}
    assert {"service", "ligne", "semaine"} <= {name for one in found for name in one}
    told = {one["quoi"] for one in found if "quoi" in one}
    assert {one.partition(":")[0] for one in told} >= {"reach", "motive"}
    # There may be none; who came is not told where few had no reminder.
    seldom = {"recontacts", "freed", "refilled", "handled", "alone", "came"}
    assert told >= set(MEASURES) - seldom
    assert {one["issue"] for one in found if "issue" in one} >= {
        "attended", "unknown", "known", "expected",
    }  # fmt: skip


def boss(office: Office) -> Clerk:
    return office.clerk(Role.MANAGER, login="boss")


def test_a_figure_opens_for_whoever_sees_all_its_patients(office: Office) -> None:
    """Reports of everything, patients of one service: the lists of that one, and no other."""
    grants = [Grant(Role.READER), Grant(Role.AGENT, uf="4220")]
    accounts.create(office.store, login="mixed", name="Mixte Exemple", grants=grants,
                    actor="tests", now=office.now)  # fmt: skip
    clerk = office.clerk(login="mixed")
    page = clerk.get(SINCE).text
    assert "Un chiffre ouvre sa liste à qui voit les patients de tous les services" in page
    found = opened(clerk, SINCE)
    assert {dict(parse_qsl(urlsplit(to).query)).get("service") for to in found} == {"4220"}
    assert {to: length(clerk, to) for to in found} == found
    for typed in ("", "&service=4230", "&ligne=site:sud", "&parmi=channel:sms", "&quoi=sent"):
        assert clerk.get(f"/rapports/liste?du=2026-10&au=2026-11{typed}").status_code == 404
    reader = office.clerk(Role.READER)
    assert opened(reader, SINCE) == {}
    assert "Un chiffre ouvre sa liste" not in reader.get(SINCE).text
    assert reader.get("/rapports/liste?service=4220").status_code == 403


@pytest.mark.parametrize(
    "typed",
    ["issue=late", "quoi=nothing", "quoi=reach:pigeon", "quoi=sent&parmi=channel:sms",
     "semaine=x", "semaine=2026-10-13", "ligne=service:4220", "ligne=site:", "apres=x",
     "apres=1.4220", "apres=-1.4220.1", "parmi=age:7-8", "parmi=rien", "service=9999x"],
)  # fmt: skip
def test_an_address_of_no_count_leads_nowhere(office: Office, typed: str) -> None:
    clerk = office.clerk(Role.MANAGER, login="one", ufs=["4220"])
    assert clerk.get(f"/rapports/liste?du=2026-10&au=2026-11&{typed}").status_code == 404


def test_a_line_that_is_hidden_has_no_list(sqlite_files: SqliteFiles, tmp_path: Path) -> None:
    """Nor has the address somebody types for it anything to show."""
    with sqlite_files.migrated(tmp_path) as store:
        office = reported(store)
        with store.write() as connection:
            run(connection, "UPDATE rollup SET hidden = 1 WHERE dim = 'weekday'")
        clerk = office.clerk(Role.MANAGER)
        assert "parmi=weekday" not in "".join(opened(clerk, SINCE))
        day = clerk.get("/rapports/liste?du=2026-10&au=2026-10&parmi=weekday:2&issue=known")
        assert "Le rapport compte 0 rendez-vous." in day.text.replace("\u00a0", " ")
        assert UNIT.search(day.text) is None


def test_a_look_is_in_the_audit_once_without_a_word_about_anybody(office: Office) -> None:
    clerk = office.clerk(Role.MANAGER, login="looked")
    clerk.get("/rapports/liste?du=2026-10&au=2026-11&issue=known&parmi=channel:sms")
    clerk.get("/rapports/liste?du=2026-10&au=2026-11&service=4220&quoi=motive:confirmed")
    kept = office.rows(
        "SELECT subject, detail FROM audit WHERE action = 'report.list' AND actor = 'looked' "
        "ORDER BY id"
    )
    assert [(row.subject, json.loads(row.detail)["note"]) for row in kept] == [
        ("", "known channel:sms"), ("uf:4220", "motive:confirmed"),
    ]  # fmt: skip


@pytest.mark.parametrize("asked", ["issue=known&parmi=template:0", "quoi=messages", "issue=known"])
def test_a_page_of_a_list_is_few_statements_and_bytes(office: Office, asked: str) -> None:
    clerk = boss(office)
    address = f"/rapports/liste?du=2022-01&au=2026-11&{asked}"
    clerk.get(address)
    with counting(office.store) as heard:
        answer = clerk.get(address)
    assert answer.status_code == 200
    assert len(heard) <= 6, "\n".join(heard)
    assert len(answer.content) <= 60_000


def test_every_answer_and_every_reason_has_its_words() -> None:
    words = Words("fr", ZoneInfo("Europe/Paris"), datetime(2026, 10, 14, tzinfo=UTC))
    for code in report_unit.MOTIVES[1:]:
        assert name_of(words, f"motive:{code}")[0].isupper(), code
    for code in (*ISSUES, *MEASURES, *(f"reach:{one}" for one in report_unit.REACHES)):
        assert name_of(words, code)[0].isupper(), code
        assert formula_of(words, code).endswith("."), code


@pytest.mark.parametrize("kind", ["issue", "quoi"])
def test_every_list_speaks_english(office: Office, kind: str) -> None:
    clerk = office.clerk(Role.MANAGER, login="english")
    clerk.post("/compte/langue", langue="en")
    known = ISSUES if kind == "issue" else (*MEASURES, "reach:mobile", "motive:confirmed")
    for code in known:
        page = clerk.get(f"/rapports/liste?du=2026-10&au=2026-11&{kind}={code}")
        assert page.status_code == 200
        assert french_in(page.text, NAMES) == [], code
