"""Texts in Arabic and in easy French: whole for every kind of patient, and off until reviewed."""

import re
from typing import Any

import pytest

from reminders.domain.lint import lint
from reminders.domain.preparation import build_variables
from reminders.domain.reply import Action, interpret
from reminders.domain.sms import measure
from reminders.domain.wording import hour, joined, long_date, spoken
from reminders.rendering import Renderer, Shipped, Version, shipped
from tests.support.bookings import paris
from tests.test_rendering import CASES, ORDINARY

RENDERER = Renderer()
NEW = [text for text in shipped() if text.language in ("ar", "falc")]
SMS = [text for text in NEW if text.channel == "sms"]
MAILS = [text for text in NEW if text.channel == "email"]
LINK = "https://rdv.ch-exemple.fr/r/7Kq2Zt9dAbCdEfGhIjKlMn"
# Who, when, where and a link fill two segments; four such values at their longest need one more.
LONGEST = {"ar": 3, "falc": 3}


def name(text: Shipped) -> str:
    return f"{text.language}-{text.purpose}-{text.family}"


every_sms = pytest.mark.parametrize("text", SMS, ids=name)
every_mail = pytest.mark.parametrize("text", MAILS, ids=name)


def variables(text: Shipped, case: str) -> dict[str, str]:
    given: dict[str, Any] = ORDINARY | CASES[case] | {
        "language": text.language, "channel": text.channel,
    }  # fmt: skip
    return build_variables(**given)


def version(text: Shipped) -> Version:
    return Version(
        1, text.purpose, text.language, text.family, text.channel, text.body, text.subject,
        text.html,
    )  # fmt: skip


def said(text: Shipped, case: str) -> str:
    given = variables(text, case)
    if text.family == "link":
        given["lien_confirmation"] = LINK
    return RENDERER.render(version(text), given)


def test_every_language_has_every_text() -> None:
    keys: dict[str, set[tuple[str, str, str]]] = {}
    for text in shipped():
        keys.setdefault(text.language, set()).add((text.purpose, text.family, text.channel))
    assert set(keys) == {"fr", "en", "ar", "falc"}
    assert all(found == keys["fr"] for found in keys.values())


def test_what_nobody_read_is_marked_so() -> None:
    assert {text.language for text in shipped() if not text.reviewed} == {"ar", "falc"}


@every_sms
def test_an_sms_is_two_segments_with_the_desk_phone(text: Shipped) -> None:
    phone = "0199001234" if text.language == "ar" else "01 99 00 12 34"
    for case in CASES:
        body = said(text, case)
        found = measure(body)
        most = LONGEST[text.language] if case == "the longest" else 2
        assert found.segments <= most, f"{found.units} {case}: {body}"
        assert found.encoding == ("ucs2" if text.language == "ar" else "gsm7")
        assert phone in body
        assert not re.search(r"\s{2}|\s[,.،]|\.\.|\n", body), body


@every_sms
def test_no_text_hides_a_character_or_leaves_latin_digits(text: Shipped) -> None:
    body = said(text, "ordinary")
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069٠-٩]", body)


@every_sms
def test_the_lint_refuses_nothing(text: Shipped) -> None:
    family: Any = text.family if text.family != "any" else "link"
    found = [one for one in lint(text.body, channel="sms", family=family)
             if one.level == "refused"]  # fmt: skip
    assert found == []


@every_mail
def test_an_e_mail_is_whole_and_says_its_language(text: Shipped) -> None:
    for case in CASES:
        subject, plain, html = RENDERER.render_email(version(text), variables(text, case))
        assert len(subject) <= 80
        assert ('lang="ar" dir="rtl"' in html) == (text.language == "ar")
        hours = ("9:30", "11:00") if text.language == "ar" else ("9 heures 30", "11 heures")
        assert any(hour in plain and hour in html for hour in (*hours, "10:45", "10 heures 45"))
        assert "None" not in plain + html + subject
        assert not re.search("Bonjour|Accueil :|appelez", html if text.language == "ar" else "")


@pytest.mark.parametrize("text", [t for t in SMS if t.language == "falc"], ids=name)
def test_easy_french_has_short_sentences_and_no_shortening(text: Shipped) -> None:
    body = said(text, "ordinary")
    assert not re.search(r"\bRDV\b|\bTél\b|\d\d/\d\d|\dh\d|mer\.", body), body
    for sentence in re.split(r"(?<=[.?])\s", body.replace(LINK, "")):
        assert len(sentence.split()) <= 16, sentence
    if "octobre" in body:
        assert re.search("mercredi 14 octobre à 9 heures 30|lundi 12 octobre à 11 heures", body)


def test_the_words_a_text_asks_for_are_the_words_we_understand() -> None:
    for text in SMS:
        if (text.purpose, text.family) == ("short", "reply"):
            yes, no = ("نعم", "لا") if text.language == "ar" else ("OUI", "NON")
            body = said(text, "ordinary")
            assert yes in body
            assert no in body
            assert interpret(yes, text.language).action is Action.CONFIRM
            assert interpret(no, text.language).action is Action.CANCEL
            assert yes not in said(text, "shared number")


def test_dates_are_said_as_their_readers_say_them() -> None:
    moment = paris("2026-08-01 09:05")
    assert long_date(moment.date(), "ar") == "السبت 1 أغسطس"
    assert long_date(moment.date(), "falc") == "samedi 1er août"
    assert long_date(moment.date(), "falc", plain=True) == "samedi 1er aout"
    assert joined(["9:05", "11:00", "14:30"], "ar") == "9:05، 11:00 و14:30"
    assert hour(paris("2026-08-01 14:00").astimezone(ORDINARY["zone"]), "falc") == "14 heures"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "expected"),
    [("fr", "fr"), ("ar", "ar"), ("ar-MA", "ar"), ("ara", "ar"), ("EN", "en"), ("falc", "falc"),
     ("FALC", "falc"), ("fa", "fr"), ("", "fr"), ("pt", "fr"), ("fra", "fr")],
)  # fmt: skip
def test_an_unknown_language_is_french(given: str, expected: str) -> None:
    assert spoken(given) == expected
