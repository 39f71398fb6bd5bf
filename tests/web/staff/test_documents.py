"""The notice inside the hospital: the patients' words, and what somebody still has to fill in."""

from html import unescape

import pytest

from reminders.domain.access import Role
from reminders.store.engine import Store
from tests.support.office import Office, office_on
from tests.web.test_documents import FULL


@pytest.fixture
def office(store: Store) -> Office:
    return office_on(store)


def test_what_is_missing_is_named_with_its_place_in_the_file(office: Office) -> None:
    page = unescape(office.clerk(Role.READER).get("/documents").text)
    assert "privacy › dpo" in page
    assert "sms «\u00a0main\u00a0» › company" in page
    assert "dpo@ch-exemple.fr" in page


def test_a_complete_notice_asks_for_nothing(store: Store) -> None:
    office = office_on(store, privacy=FULL["privacy"], sms=FULL["sms"], email=None)
    for path in ("/documents", "/documents/information", "/documents/accessibilite"):
        page = unescape(office.clerk(Role.AGENT).get(path).text)
        assert "À compléter" not in page
        assert "à compléter" not in page
    assert "dpo@example.org" in unescape(
        office.clerk(Role.AGENT).get("/documents/information").text
    )


def test_inside_the_hospital_no_page_leads_elsewhere(office: Office) -> None:
    for path in ("/documents/information", "/documents/accessibilite"):
        page = office.clerk(Role.AGENT).get(path).text
        assert 'href="http' not in page
        assert "www.cnil.fr" in page or "www.defenseurdesdroits.fr" in page
