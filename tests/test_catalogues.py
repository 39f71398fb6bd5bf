"""The staff's words: every sentence of the sources is in the catalogues, in both languages."""

import pytest

from reminders.web.staff.words import LANGUAGES
from tests.support import catalogues

SAID = catalogues.sentences()


@pytest.mark.parametrize("subject", sorted(SAID))
def test_catalogues_say_what_the_sources_say(subject: str) -> None:
    """`python -m tests.support.catalogues` brings them up to date."""
    for language in catalogues.LANGUAGES:
        fresh = catalogues.refreshed(language, subject, SAID[subject])
        kept = catalogues.kept(language, subject)
        assert {str(one.id) for one in kept} == {str(one.id) for one in fresh}, language


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
@pytest.mark.parametrize("subject", sorted(SAID))
def test_every_sentence_is_translated_with_its_values(subject: str, language: str) -> None:
    assert catalogues.untranslated(language, subject) == []


def test_the_pages_offer_the_languages_there_are_catalogues_for() -> None:
    assert set(LANGUAGES) == set(catalogues.LANGUAGES)
