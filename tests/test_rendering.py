"""What patients read: every shipped text, for every kind of patient, and never a gap."""

import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.lint import lint
from reminders.domain.preparation import Preparation, build_variables
from reminders.domain.sms import measure
from reminders.errors import TemplateError
from reminders.rendering import Renderer, Shipped, Version, shipped
from tests.support.bookings import PARIS, paris

SESSION = {
    "session_cancelled",
    "session_moved",
    "session_late",
    "session_place",
    "session_doubtful",
}
PURPOSES = {"booking", "preparation", "confirm", "short", "correction", "notice"} | SESSION
SHEET = Preparation(
    "sheet",
    instructions="Ne rien manger après minuit.\nL'eau est permise.",
    sms="Venir à jeun.",
    documents=("carte Vitale", "ordonnance"),
    arrival_point="Accueil B2",
    building="Bâtiment B",
    floor="2e étage",
    door="porte 12",
    map_url="https://example.org/plan",
    preadmission_url="https://example.org/dossier",
    arrive_minutes_before=15,
)
ORDINARY: dict[str, object] = {
    "sensitivity": "normal",
    "establishment": "Centre hospitalier Exemple",
    "short_name": "CH Exemple",
    "desk_phone": "0199001234",
    "starts": [paris("2026-10-14 09:30")],
    "zone": PARIS,
    "preparation": SHEET,
    "first_name": None,
    "relation": "",
    "told_starts": (paris("2026-10-12 11:00"),),
    "address": "1 rue du Test, 75001 Paris",
}
SEVERAL = [paris("2026-10-14 09:30"), paris("2026-10-14 11:15"), paris("2026-10-14 14:45")]
RENDERER = Renderer()
CASES: dict[str, dict[str, object]] = {
    "ordinary": {},
    "no sheet": {"preparation": None, "address": ""},
    "neutral": {"sensitivity": "neutral"},
    "shared number": {"first_name": "Léa"},
    "a minor": {"relation": "parent"},
    "a minor among several": {"relation": "parent", "first_name": "Élise"},
    "a protected adult": {"relation": "guardian"},
    "two appointments": {"starts": SEVERAL[:2]},
    "only the place changed": {"told_starts": (paris("2026-10-14 09:30"),)},
    "nothing told": {"told_starts": ()},
    "letters an SMS has not": {"first_name": "Zoë-Françoise", "short_name": "Hôpital d’Août"},
    "the longest": {
        "short_name": "Hôpital Sud-Aquitain",  # 20 characters, the most the configuration takes
        "starts": [paris("2026-09-23 10:45"), paris("2026-09-23 14:15")],
        "first_name": "Marie-Antoinette",
        "told_starts": (paris("2026-09-22 10:45"),),
    },
}


def variables(text: Shipped, case: str) -> dict[str, str]:
    given = ORDINARY | CASES[case] | {"language": text.language, "channel": text.channel}
    return build_variables(**given)  # type: ignore[arg-type]


def version(text: Shipped) -> Version:
    return Version(
        1, text.purpose, text.language, text.family, text.channel, text.body, text.subject,
        text.html,
    )  # fmt: skip


def name(text: Shipped) -> str:
    return f"{text.language}-{text.purpose}"


# What is written unasked; answers to patients' replies have tests of their own, and so do the
# texts of one family, which ask for an answer. What nobody reviewed is in test_languages.py.
REVIEWED = [t for t in shipped() if t.reviewed]
OURS = [t for t in REVIEWED if not t.purpose.startswith(("ack", "rebook")) and t.family == "any"]
SMS = [text for text in OURS if text.channel == "sms"]
MAILS = [text for text in OURS if text.channel == "email"]
every_sms = pytest.mark.parametrize("text", SMS, ids=name)
every_mail = pytest.mark.parametrize("text", MAILS, ids=name)


def test_every_purpose_has_an_sms_and_an_e_mail_in_both_languages() -> None:
    expected = {(purpose, language) for purpose in PURPOSES for language in ("fr", "en")}
    assert {(text.purpose, text.language) for text in SMS} == expected
    assert {(text.purpose, text.language) for text in MAILS} == expected


def test_every_shipped_text_has_its_own_hash() -> None:
    assert len({text.content_hash for text in shipped()}) == len(shipped())


@every_sms
def test_an_sms_is_one_segment_of_plain_letters_with_the_desk_phone(text: Shipped) -> None:
    for case in CASES:
        body = RENDERER.render(version(text), variables(text, case))
        found = measure(body)
        assert (found.encoding, found.segments) == ("gsm7", 1), f"{found.units}: {body}"
        assert "01 99 00 12 34" in body
        assert "\n" not in body
        assert not re.search(r"\s{2}|\s[,.]|\.\.|\( | \)|: \.", body), body
        assert body == body.strip()


@every_sms
def test_an_sms_asks_for_no_answer_links_nowhere_and_betrays_nothing(text: Shipped) -> None:
    for case in CASES:
        body = RENDERER.render(version(text), variables(text, case))
        assert not re.search(r"https?:|www\.|répond|reply|stop", body, re.IGNORECASE)
        assert not re.search(r"cardio|consult|examen|service|docteur|\bdr\b", body, re.IGNORECASE)


@every_sms
def test_a_neutral_service_is_not_told_apart(text: Shipped) -> None:
    """Who, when and whom to call: nothing of the sheet, no name."""
    neutral = {"first_name": "Léa", "relation": "parent", "sensitivity": "neutral"}
    given = ORDINARY | neutral | {"language": text.language, "channel": "sms"}
    body = RENDERER.render(version(text), build_variables(**given))  # type: ignore[arg-type]
    assert not re.search(r"Léa|enfant|child|Accueil|jeun", body)


class Page(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@every_mail
def test_an_e_mail_says_the_same_in_text_and_html(text: Shipped) -> None:
    for case in CASES:
        given = variables(text, case)
        subject, plain, html = RENDERER.render_email(version(text), given)
        page = Page(html)
        assert dict(page.tags)["html"] == {"lang": text.language}
        assert not {"img", "script", "iframe", "link", "form"} & {tag for tag, _ in page.tags}
        links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
        assert links <= {given.get("lien_itineraire"), given.get("lien_preadmission")}
        flat = " ".join(page.text.split())
        for line in plain.splitlines():
            for sentence in re.split(r" ?: |\s?:$", line):
                if not sentence.startswith("http"):
                    assert " ".join(sentence.split()) in flat, sentence
        assert "01 99 00 12 34" in plain
        assert "\n\n\n" not in plain
        assert "None" not in plain + html + subject


@every_mail
def test_a_subject_is_short_and_says_nothing_of_health(text: Shipped) -> None:
    for case in CASES:
        subject, _, _ = RENDERER.render_email(version(text), variables(text, case))
        assert len(subject) <= 60
        assert re.search(r"\d\d/\d\d", subject)
        assert not re.search(r"Léa|Accueil|Consult|jeun|Exemple", subject)


@pytest.mark.parametrize("text", OURS, ids=lambda t: f"{t.channel}-{name(t)}")
def test_every_shipped_text_passes_the_lint_without_a_remark(text: Shipped) -> None:
    for source, html in ((text.body, False), (text.subject, True), (text.html, True)):
        if source:
            assert lint(source, channel=text.channel, family="link", html=html) == []
            assert lint(source, channel=text.channel, family="any", html=html) == []


ASKING = [t for t in REVIEWED if t.family != "any" and not t.purpose.startswith("ack")]
LINK = "https://rdv.ch-exemple.fr/r/" + "7Kq2Zt9dAbCdEfGhIjKlMn"


def test_who_cannot_be_answered_gets_a_link_and_a_number_asks_for_a_word() -> None:
    found = {(text.purpose, text.language, text.family) for text in ASKING}
    assert found == {
        (purpose, language, family)
        for purpose, family in (("confirm", "link"), ("short", "link"), ("short", "reply"))
        for language in ("fr", "en")
    }


@pytest.mark.parametrize("text", ASKING, ids=lambda t: f"{t.family}-{name(t)}")
def test_a_text_that_asks_for_an_answer_is_one_segment_with_the_desk_phone(text: Shipped) -> None:
    given = variables(text, "ordinary")
    if text.family == "link":
        given["lien_confirmation"] = LINK
    body = RENDERER.render(version(text), given)
    assert (measure(body).encoding, measure(body).segments) == ("gsm7", 1), body
    assert "01 99 00 12 34" in body
    assert (LINK in body) == (text.family == "link")
    assert bool(re.search("OUI|YES", body)) == (text.family == "reply")
    assert lint(text.body, channel="sms", family=text.family) == []  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ASKING, ids=lambda t: f"{t.family}-{name(t)}")
def test_a_number_of_several_patients_is_asked_for_nothing_ambiguous(text: Shipped) -> None:
    """« OUI » from a number two patients share would be nobody's answer."""
    given = variables(text, "ordinary") | {"prenom": "Léa"}
    assert not re.search("OUI|YES", RENDERER.render(version(text), given))


def rendered(body: str, **given: str) -> str:
    base = {"telephone_secretariat": "01 99 00 12 34"}
    return RENDERER.render(Version(1, "short", "fr", "any", "sms", body), base | given)


def test_the_french_texts_read_well() -> None:
    """The words a patient gets, in full: a change of wording is a change of this list."""
    said = {
        text.purpose: RENDERER.render(version(text), variables(text, "ordinary"))
        for text in SMS
        if text.language == "fr"
    }
    assert said == {
        "booking": "Rendez-vous enregistré : mer. 14/10 à 9h30, CH Exemple. "
        "Pour annuler : 01 99 00 12 34",
        "preparation": "Rendez-vous le 14/10 à 9h30, CH Exemple. Venir à jeun. "
        "Pour annuler : 01 99 00 12 34",
        "confirm": "Rappel : rendez-vous le mer. 14/10 à 9h30, CH Exemple. Accueil B2. "
        "Pour annuler : 01 99 00 12 34",
        "short": "Rappel : rendez-vous le mer. 14/10 à 9h30, CH Exemple. Nous vous attendons. "
        "Pour annuler : 01 99 00 12 34",
        "correction": "Changement : rendez-vous le mer. 14/10 à 9h30, CH Exemple. "
        "Et non le 12/10 à 11h. Pour annuler : 01 99 00 12 34",
        "notice": "CH Exemple : le rendez-vous du 12/10 à 11h est annulé. "
        "Pour un autre rendez-vous : 01 99 00 12 34",
        "session_cancelled": "CH Exemple : le rendez-vous du 14/10 à 9h30 n'aura pas lieu. "
        "Pour un autre rendez-vous : 01 99 00 12 34",
        "session_moved": "CH Exemple : le rendez-vous du 14/10 à 9h30 est reporté. "
        "Ne venez pas, une autre date suivra. Tél. 01 99 00 12 34",
        "session_late": "CH Exemple : du retard est prévu pour le rendez-vous du 14/10 à 9h30. "
        "Merci de patienter. Tél. 01 99 00 12 34",
        "session_place": "CH Exemple : le lieu change pour le rendez-vous du 14/10 à 9h30. "
        "Adressez-vous à l'accueil. Tél. 01 99 00 12 34",
        "session_doubtful": "CH Exemple : le rendez-vous du 14/10 à 9h30 est incertain. "
        "Avant de venir, appelez le 01 99 00 12 34",
    }


def test_a_child_is_named_when_the_number_serves_several() -> None:
    text = next(one for one in SMS if one.purpose == "confirm" and one.language == "fr")
    said = {
        case: RENDERER.render(version(text), variables(text, case)).split(",")[0]
        for case in ("a minor", "a minor among several", "shared number", "two appointments")
    }
    assert said == {
        "a minor": "Rappel : rendez-vous pour votre enfant le mer. 14/10 à 9h30",
        "a minor among several": "Rappel : rendez-vous pour Élise le mer. 14/10 à 9h30",
        "shared number": "Rappel : rendez-vous pour Léa le mer. 14/10 à 9h30",
        "two appointments": "Rappel : rendez-vous le mer. 14/10 à 9h30 et 11h15",
    }


@pytest.mark.parametrize("value", ["", "  ", "\n", "None", "null", "undefined", "nan"])
def test_an_empty_value_is_refused_never_a_gap(value: str) -> None:
    with pytest.raises(TemplateError) as refused:
        rendered("Tel {{ telephone_secretariat }}, {{ etablissement_court }}",
                 etablissement_court=value)  # fmt: skip
    assert refused.value.code == "empty_variable"
    assert "etablissement_court" in refused.value.sentence


def test_a_missing_variable_is_refused() -> None:
    with pytest.raises(TemplateError) as refused:
        rendered("{{ etablissement_court }} {{ telephone_secretariat }}")
    assert refused.value.code == "empty_variable"


def test_a_guarded_variable_may_be_missing_and_leaves_no_trace() -> None:
    body = "RDV{% if prenom %} pour {{ prenom }}{% endif %} {{ telephone_secretariat }}"
    assert rendered(body) == "RDV 01 99 00 12 34"
    assert rendered(body, prenom="Léa") == "RDV pour Léa 01 99 00 12 34"


@pytest.mark.parametrize(
    "value", ["\u200b", "a\u202eb", "a\x00b", "a\x1bb", "\u00ad", "\u2028", "\u3164", "a\tb"]
)
def test_an_invisible_character_in_a_value_is_refused(value: str) -> None:
    with pytest.raises(TemplateError):
        rendered("{{ etablissement_court }}", etablissement_court=value)


@pytest.mark.parametrize("value", ["{{ prenom }}", "{% if prenom %}", "}}"])
def test_a_value_is_data_never_a_template(value: str) -> None:
    with pytest.raises(TemplateError) as refused:
        rendered("{{ etablissement_court }}", etablissement_court=value)
    assert refused.value.code == "leftover"


def test_a_value_is_escaped_in_html_and_not_in_text() -> None:
    text = next(one for one in MAILS if one.purpose == "confirm" and one.language == "fr")
    given = variables(text, "ordinary") | {"etablissement": "<b>A & B</b>"}
    _, plain, html = RENDERER.render_email(version(text), given)
    assert "<b>A & B</b>" in plain
    assert "&lt;b&gt;A &amp; B&lt;/b&gt;" in html


def test_a_subject_stays_on_one_line() -> None:
    text = next(one for one in MAILS if one.purpose == "confirm")
    for subject in ("Votre rendez-vous\n{{ date_rdv }}", "{{ consignes }}"):
        with pytest.raises(TemplateError):
            RENDERER.render_email(
                replace(version(text), subject=subject), variables(text, "ordinary")
            )


def test_two_drafts_with_one_number_are_two_texts() -> None:
    """A preview shows what is on the screen, not what was compiled before under the same id."""
    renderer = Renderer()
    base = {"telephone_secretariat": "01 99 00 12 34"}
    for word in ("un", "deux"):
        draft = Version(0, "short", "fr", "any", "sms", f"{word} {{{{ telephone_secretariat }}}}")
        assert renderer.render(draft, base) == f"{word} 01 99 00 12 34"


@given(st.text(max_size=40))
def test_whatever_a_first_name_holds_the_text_is_whole_or_refused(first_name: str) -> None:
    text = next(one for one in SMS if one.purpose == "confirm" and one.language == "fr")
    given = ORDINARY | {"first_name": first_name, "language": "fr", "channel": "sms"}
    try:
        body = RENDERER.render(version(text), build_variables(**given))  # type: ignore[arg-type]
    except TemplateError:
        return
    assert body.startswith("Rappel : rendez-vous ")
    assert body.endswith("Pour annuler : 01 99 00 12 34")


def test_a_start_is_told_in_the_sites_time() -> None:
    text = next(one for one in SMS if one.purpose == "confirm" and one.language == "en")
    late = ORDINARY | {
        "language": "en",
        "channel": "sms",
        "starts": [datetime.fromisoformat("2026-10-13T22:30:00+00:00")],
    }
    body = RENDERER.render(version(text), build_variables(**late))  # type: ignore[arg-type]
    assert "Wed 14/10 at 0:30" in body
