"""The staff's words: every sentence of the sources is in the catalogues, in both languages."""

from collections import defaultdict
from collections.abc import Sequence

import pytest
from babel.messages.catalog import Message

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


def test_a_sentence_says_the_same_on_every_page() -> None:
    """All catalogues are one when a page is shown: the last one read would win."""
    said = defaultdict(set)
    for subject in SAID:
        for one in catalogues.kept("en", subject):
            if one.id and _text(one.string):
                said[one.id].add(_text(one.string))
    assert {one: texts for one, texts in said.items() if len(texts) > 1} == {}


WORDS = {  # one English word for one of ours, wherever it appears (DESIGN, "Words")
    "DPI": "EHR",
    "groupe témoin": "hold-out",
    "protocole": "protocol",
    "modèle": "template",
    "opposition": "objection",
    "opérateur": "provider",
    "secrétariat": "desk",
    "courriel": "mail",
    "canal": "channel",
    "brouillon": "draft",
    "agenda": "diary",
    "À traiter": "To do",
}
ELSEWHERE = ("[[dpi]]",)  # a name of the configuration, the same in both languages


@pytest.mark.parametrize("word", WORDS)
def test_one_word_has_one_translation(word: str) -> None:
    astray = [
        _text(one.id)
        for subject in SAID
        for one in catalogues.kept("en", subject)
        if one.id and word in _without(_text(one.id)) and WORDS[word].lower() not in _low(one)
    ]
    assert astray == []


def _low(one: Message) -> str:
    return _text(one.string).lower()


def _text(said: str | Sequence[str] | None) -> str:
    return said if isinstance(said, str) else " / ".join(said or ())


def _without(text: str) -> str:
    for one in ELSEWHERE:
        text = text.replace(one, "")
    return text


def test_the_pages_offer_the_languages_there_are_catalogues_for() -> None:
    assert set(LANGUAGES) == set(catalogues.LANGUAGES)
