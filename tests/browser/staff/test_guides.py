"""The guides show the pages as they are: each address they name answers, each picture exists.

`GUIDE_IMAGES=1 pytest tests/browser/staff/test_guides.py` takes the pictures anew.
"""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize

from reminders.domain.access import Role
from tests.support.every_page import PLACES
from tests.support.office import Office
from tests.support.stores import SqliteFiles
from tests.support.trial import measured
from tests.support.workday import workday

DOCS = Path(__file__).parents[3] / "docs"
IMAGES = DOCS / "images"
GUIDES = ("guide-agents.md", "guide-cadres.md")
TAKE = bool(os.environ.get("GUIDE_IMAGES"))
WIDE: ViewportSize = {"width": 1160, "height": 760}


@dataclass(frozen=True)
class Picture:
    name: str
    role: Role
    address: str
    trial: bool = False  # at the hospital whose comparison has run for three months


PICTURES = (
    Picture("guide-agents-a-traiter", Role.AGENT, "/a-traiter"),
    Picture("guide-agents-tache", Role.AGENT, "/a-traiter/{task}"),
    Picture("guide-agents-appels", Role.AGENT, "/appels"),
    Picture("guide-agents-patient", Role.AGENT, "/patients/{patient}"),
    Picture("guide-agents-rendez-vous", Role.AGENT, "/rendez-vous/{appointment}"),
    Picture("guide-agents-presences", Role.AGENT, "/presences"),
    Picture("guide-agents-ecrire", Role.AGENT, "/ecrire"),
    Picture("guide-cadres-accueil", Role.MANAGER, "/"),
    Picture("guide-cadres-retenus", Role.MANAGER, "/retenus/{hold}"),
    Picture("guide-cadres-services", Role.MANAGER, "/services"),
    Picture("guide-cadres-protocole", Role.MANAGER, "/protocoles/{protocol}"),
    Picture("guide-cadres-modele", Role.APPROVER, "/modeles"),
    Picture("guide-cadres-journal", Role.ADMINISTRATOR, "/journal"),
    Picture("guide-cadres-comptes", Role.ADMINISTRATOR, "/comptes"),
    Picture("guide-cadres-non-venues", Role.MANAGER, "/rapports?du=2026-03&au=2026-04", trial=True),
    Picture("guide-cadres-depart", Role.MANAGER, "/rapports/depart"),
    Picture("guide-cadres-effet", Role.MANAGER, "/rapports/temoin", trial=True),
    Picture("guide-cadres-economies", Role.MANAGER, "/rapports/economies", trial=True),
    Picture("guide-cadres-mois", Role.MANAGER, "/rapports/mois/2026-03", trial=True),
)


@pytest.fixture(scope="module")
def office(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("guides"))) as store:
        office = workday(store)
        for role, name in ((Role.AGENT, "Nadia Exemple"), (Role.MANAGER, "Camille Exemple"),
                           (Role.APPROVER, "Alex Exemple"), (Role.AUTHOR, "Dominique Exemple"),
                           (Role.ADMINISTRATOR, "Sacha Exemple")):  # fmt: skip
            office.hire(role, login=str(role), name=name)
        yield office


@pytest.fixture(scope="module")
def address(office: Office) -> Iterator[str]:
    with office.served() as at:
        yield at


@pytest.fixture(scope="module")
def trial(
    sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, str]]:
    with sqlite_files.migrated(Path(tmp_path_factory.mktemp("guides-trial"))) as store:
        with ThreadPoolExecutor(1) as thread:  # the browser's loop counts as running in ours
            office = thread.submit(measured, store).result()
        office.hire(Role.MANAGER, login=str(Role.MANAGER), name="Camille Exemple")
        with office.served() as at:
            yield office, at


def text_of(guide: str) -> str:
    return (DOCS / guide).read_text(encoding="utf-8")


def filled(office: Office, path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(office.rows(PLACES[found[1]])[0].id), path)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda one: one.name)
def test_a_picture_is_of_a_page_that_answers(
    picture: Picture,
    office: Office,
    address: str,
    trial: tuple[Office, str],
    browser: Browser,
) -> None:
    if picture.trial:
        office, address = trial
    assert any(f"images/{picture.name}.png" in text_of(guide) for guide in GUIDES)
    place = filled(office, picture.address)
    if not TAKE:
        assert office.clerk(picture.role).get(place).status_code == 200
        return
    with browser.new_context(locale="fr-FR", viewport=WIDE, color_scheme="light") as context:
        page = context.new_page()
        office.sign_in(page, address, picture.role)
        page.goto(address + place)
        page.screenshot(path=IMAGES / f"{picture.name}.png")


@pytest.mark.parametrize("guide", GUIDES)
def test_every_picture_of_a_guide_is_taken_here_and_says_what_it_shows(guide: str) -> None:
    shown = re.findall(r"!\[([^\]]*)\]\(images/([\w-]+)\.png\)", text_of(guide))
    assert shown
    assert {name for _, name in shown} <= {one.name for one in PICTURES}
    assert all(len(words) > 10 for words, _ in shown)
    missing = [name for _, name in shown if not (IMAGES / f"{name}.png").is_file()]
    assert TAKE or missing == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_address_a_guide_names_answers(guide: str, office: Office) -> None:
    """As who may do all: `/journal` and the like stand in backquotes."""
    clerk = office.clerk(Role.MANAGER, Role.ADMINISTRATOR, Role.APPROVER, login="toutes")
    named = set(re.findall(r"`(/[a-z/-]*)`", text_of(guide)))
    assert named
    assert {one: clerk.get(one).status_code for one in named} == dict.fromkeys(named, 200)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_word_of_the_menu_a_guide_names_is_there(guide: str, office: Office) -> None:
    """**In bold after « Menu : »**: what people look for on the screen."""
    clerk = office.clerk(Role.MANAGER, Role.ADMINISTRATOR, Role.APPROVER, login="toutes")
    menu = clerk.get("/").text
    named = set(re.findall(r"\*\*Menu › ([^*]+)\*\*", text_of(guide)))
    assert named
    assert [one for one in named if f">{one}</a>" not in menu] == []
