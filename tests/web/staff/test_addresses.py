"""Addresses nobody meant: none ends in an error, and none in an answer for programs."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from reminders.domain.access import Role
from tests.support.every_page import PAGES, name_of, role_for
from tests.support.office import Office
from tests.support.stores import SqliteFiles
from tests.support.work import hidden, office_at_work

FAR = "9" * 20  # more than any key
NUMBERED = [one for one in PAGES if ":int}" in one.path]
LISTS = [one for one in PAGES if "{" not in one.path]


@pytest.fixture
def office(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Office]:
    with sqlite_files.migrated(tmp_path) as store:
        yield office_at_work(store)


@pytest.mark.parametrize("address", ["/nulle-part", "/patients/abc", "/a-traiter/12/"])
def test_an_unknown_address_is_a_page(office: Office, address: str) -> None:
    answer = office.clerk(Role.AGENT).get(address)
    assert answer.status_code == 404
    assert "Cette page n’existe pas" in answer.text
    assert 'href="/a-traiter"' in answer.text  # the menu is there
    stranger = office.visitor().get(address)
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/connexion")


def test_an_address_of_a_form_that_is_opened_says_so(office: Office) -> None:
    answer = office.clerk(Role.AGENT).get("/a-traiter/1/terminer")
    assert answer.status_code == 405
    assert "Revenir à la page d’avant" in answer.text


def test_programs_are_answered_as_programs_are(office: Office) -> None:
    assert office.clerk(Role.AGENT).get("/api/nowhere").json() == {"detail": "Not Found"}


@pytest.mark.parametrize("route", NUMBERED, ids=name_of)
def test_a_number_larger_than_any_key_is_nothing(office: Office, route: object) -> None:
    path = getattr(route, "path")  # noqa: B009
    address = re.sub(r"\{\w+(:\w+)?\}", FAR, path)
    assert office.clerk(role_for(route)).get(address).status_code == 404  # type: ignore[arg-type]


@pytest.mark.parametrize("route", LISTS, ids=name_of)
def test_a_place_larger_than_any_is_no_error(office: Office, route: object) -> None:
    path = getattr(route, "path")  # noqa: B009
    clerk = office.clerk(role_for(route))  # type: ignore[arg-type]
    for value in (FAR, f"{FAR}.{FAR}", f"{FAR}.{FAR}.{FAR}"):
        far = "&".join(
            f"{name}={value}" for name in
            ("apres", "avant", "suite", "page", "fait", "heure", "revision", "jour", "mois")
        )  # fmt: skip
        assert clerk.get(f"{path}?{far}").status_code < 500


def test_another_language_keeps_what_the_page_showed(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    page = clerk.get("/rendez-vous?jour=2026-10-13&uf=4220").text
    back = unescape(hidden(page, "retour"))
    answer = clerk.post("/compte/langue", langue="en", retour=back)
    assert answer.headers["location"] == "/rendez-vous?jour=2026-10-13&uf=4220"


def test_another_language_after_a_form_leads_to_the_page_around_it(office: Office) -> None:
    clerk = office.clerk(Role.AGENT)
    for address, around in (
        ("/a-traiter/1/terminer", "/a-traiter/1"), ("/patients", "/patients"),
    ):  # fmt: skip
        refused = clerk.client.post(address, data={})  # without its token: a page that says so
        assert refused.status_code == 403
        assert hidden(refused.text, "retour") == around
