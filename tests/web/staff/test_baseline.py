"""The starting point on a page: the rates, where to begin, what the data lack."""

import html
import re

from reminders.domain.access import Role
from reminders.store.engine import Store
from tests.support.office import Clerk, office_on
from tests.support.past import MISSED, OPEN, imported, was, year

SERVICES = [
    {"uf": "4220", "site": "sud", "label": "Consultations, accueil B2", "slot_cost_eur": 80},
    {"uf": "4230", "site": "sud", "label": "Imagerie, accueil C1"},
    {"uf": "6600", "site": "sud", "label": "Centre de jour"},
]


def text(page: str) -> str:
    """What is read, without what is drawn."""
    plain = re.sub(r"<svg.*?</svg>", " ", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", plain)).replace("\u00a0", " ").split())


def shown(clerk: Clerk, address: str = "/rapports/depart") -> str:
    answer = clerk.get(address)
    assert answer.status_code == 200, answer.text[:500]
    return text(answer.text)


def test_without_a_past_it_says_how_to_bring_one(store: Store) -> None:
    office = office_on(store, service=SERVICES)
    page = shown(office.clerk(Role.MANAGER))
    assert "Rien n’a encore été repris du passé." in page
    assert "reminders baseline import passe.csv --check" in page


def test_rates_where_to_begin_and_the_state_of_the_data(store: Store) -> None:
    few = [was(900 + n, uf="6600", **MISSED) for n in range(2)]
    imported(store, *year(), *year(weeks=20, uf="4230", first=500), *few,
             *[was(950 + n, **OPEN) for n in range(30)])  # fmt: skip
    office = office_on(store, service=SERVICES)
    page = shown(office.clerk(Role.MANAGER))
    assert "Hypothèse : rien ne le mesure ici Par où commencer" in page
    assert "1. Consultations, accueil B2" in page  # the one whose slots have a cost
    assert re.search(r"accueil B2 5\d 25,0 % ", page)  # 26 missed in half a year, of 104
    assert "Imagerie, accueil C1" in page
    assert "Centre de jour masqué (< 5)" in page
    assert "Rendez-vous dont on ne sait pas ce qu’ils sont devenus" in page
    assert "points sans rien à signaler" in page


def test_a_service_is_told_by_every_kind(store: Store) -> None:
    imported(store, *year())
    office = office_on(store, service=SERVICES)
    page = shown(office.clerk(Role.MANAGER), "/rapports/depart?service=4220")
    for title in ("Délai entre la prise et le rendez-vous", "Jour de la semaine", "Heure", "Âge",
                  "Nouveau ou déjà venu, et délai"):  # fmt: skip
        assert title in page
    assert "28 à 55 jours" in page


def test_it_begins_with_where_to_begin_and_a_service_with_its_rate(store: Store) -> None:
    few = [was(900 + n, uf="6600", **MISSED) for n in range(2)]
    imported(store, *year(), *year(weeks=20, uf="4230", first=500), *few)
    office = office_on(store, service=SERVICES)
    clerk = office.clerk(Role.MANAGER)
    page = shown(clerk)
    assert re.search(r"Commencer par Consultations, accueil B2 : 5\d non-venues par an\.", page)
    assert re.search(r"moins \(environ \d+ ans\)", page)  # not hundreds of months
    page = shown(clerk, "/rapports/depart?service=4220")
    assert "Point de départ – Consultations, accueil B2" in page
    assert "Avant le programme, 25,0 % des rendez-vous de ce service ont été manqués" in page
    assert re.search(r"\d+ rendez-vous, du \d", page) is None  # those of the whole hospital
    small = clerk.get("/rapports/depart?service=6600")
    assert "Avant le programme" not in text(small.text)


def test_nobody_is_shown_a_service_that_is_not_theirs(store: Store) -> None:
    imported(store, *year(), *year(weeks=20, uf="4230", first=500))
    office = office_on(store, service=SERVICES)
    clerk = office.clerk(Role.MANAGER, ufs=["4220"])
    page = shown(clerk)
    assert "Consultations, accueil B2" in page
    assert "Imagerie" not in page
    assert clerk.get("/rapports/depart?service=4230").status_code == 404
