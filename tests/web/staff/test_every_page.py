"""What holds for every page, whatever it shows: few statements, few bytes, nothing foreign runs."""

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from reminders.domain.access import Role
from reminders.store.engine import Store
from reminders.web.staff.sign_in import DOOR
from reminders.web.staff.visit import Route
from tests.support.door import MOMENTS, Moment, attacked
from tests.support.every_page import PAGES, VIEWS, address_in, name_of, shown
from tests.support.office import Clerk, Office
from tests.support.reading import french_in, said
from tests.support.stores import SqliteFiles
from tests.support.workday import ATTACKS, FAMILIES, GIVENS, SERVICES, workday

MOST_STATEMENTS = 6
WRITTEN = 3  # a refusal at the door is written down: the try, and its line of the audit
MOST_BYTES = 60_000
WORK = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
NAMES = (*FAMILIES, *GIVENS, *(str(one["label"]) for one in SERVICES))


def lived(
    files: SqliteFiles, factory: pytest.TempPathFactory, *, hostile: bool = False
) -> Iterator[Office]:
    with files.migrated(Path(factory.mktemp("workday"))) as store:
        yield workday(store, hostile=hostile)


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    yield from lived(sqlite_files, tmp_path_factory)


@pytest.fixture(scope="module")
def besieged(
    sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    yield from lived(sqlite_files, tmp_path_factory, hostile=True)


@contextmanager
def counting(store: Store) -> Iterator[list[str]]:
    """The statements the block sends to the database, transactions' own words left out."""
    said: list[str] = []

    def heard(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(WORK):
            said.append(statement)

    event.listen(store.engine, "before_cursor_execute", heard)
    try:
        yield said
    finally:
        event.remove(store.engine, "before_cursor_execute", heard)


def test_every_page_of_the_door_is_among_them() -> None:
    assert {path for path, method, _ in DOOR if method == "GET"} == {one.path for one in MOMENTS}


@pytest.mark.parametrize("one", VIEWS, ids=name_of)
def test_a_page_asks_little_and_weighs_little(one: Route | Moment, office: Office) -> None:
    clerk, ask = shown(office, one)
    at_the_door = isinstance(one, Moment)
    most = MOST_STATEMENTS + (WRITTEN if isinstance(one, Moment) and one.fields else 0)
    if not at_the_door:
        ask()  # what a process reads once
    with counting(office.store) as heard:
        answer = ask()
    expected = {200, 403, 422} if at_the_door else {200, 303}
    assert answer.status_code in expected, answer.text[:2_000]
    assert len(heard) <= most, "\n".join(heard)
    if "text/html" in answer.headers.get("content-type", ""):
        weight = len(gzip.compress(answer.content, 5)) + _assets(clerk, answer.text)
        assert weight <= MOST_BYTES, weight


def _assets(clerk: Clerk, text: str) -> int:
    """Compressed bytes of the styles and programs a first visit loads."""
    found = set(re.findall(r'(?:href|src)="(/assets/[^"]+)"', text))
    return sum(len(gzip.compress(clerk.get(one).content, 5)) for one in found)


@pytest.mark.parametrize("one", VIEWS, ids=name_of)
def test_nothing_from_outside_becomes_markup(one: Route | Moment, besieged: Office) -> None:
    for typed in ATTACKS[:5] if isinstance(one, Moment) and one.fields else ("",):
        view = attacked(one, typed) if isinstance(one, Moment) and typed else one
        text = shown(besieged, view)[1]().text
        for attack in ATTACKS[:5]:
            assert attack not in text
        assert "<svg/onload" not in text
        assert "49<svg" not in text.replace("&lt;", "<")  # nor is it a template
        assert 'href="javascript:' not in text


@pytest.mark.parametrize("one", VIEWS, ids=name_of)
def test_no_page_carries_inline_style_or_program(one: Route | Moment, office: Office) -> None:
    """The policy would refuse them: what a page needs is in its files."""
    text = shown(office, one)[1]().text
    for mark in (" style=", "<style", " onclick=", " onload=", "<script>", 'href="http'):
        assert mark not in text, mark


@pytest.mark.parametrize("one", VIEWS, ids=name_of)
def test_every_page_speaks_english(one: Route | Moment, office: Office) -> None:
    answer = shown(office, one, language="en")[1]()
    if "text/html" in answer.headers.get("content-type", ""):
        assert '<html lang="en">' in answer.text
        assert french_in(answer.text, NAMES) == []


LOOSE = re.compile(r"(?<=\S) (?=[:;?!»](?:\s|$))|« |(?<=\d) (?=%|€)")


@pytest.mark.parametrize("one", VIEWS, ids=name_of)
def test_no_french_line_begins_with_its_punctuation(one: Route | Moment, office: Office) -> None:
    """A space before a colon, a question mark, a per cent or inside quotes never breaks."""
    answer = shown(office, one)[1]()
    if "text/html" in answer.headers.get("content-type", ""):
        assert [one for one in said(answer.text) if LOOSE.search(one)] == []


def test_who_may_not_see_patients_reads_no_name(office: Office) -> None:
    """Readers and administrators open what they may; no patient's name is in it."""
    names = [one.family for one in office.rows("SELECT DISTINCT family FROM patient")]
    import html

    for role in (Role.READER, Role.ADMINISTRATOR, Role.AUTHOR, Role.APPROVER):
        clerk = office.clerk(role)
        for route in PAGES:
            text = html.unescape(clerk.get(address_in(office, route)).text)
            for name in names:
                assert name not in text, (role, route.path, name)
