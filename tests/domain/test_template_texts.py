"""Rules explained by examples that hold, costly characters at their place, differences, HTML."""

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.lint import (
    costly,
    lint,
    lint_cases,
    lint_longest,
    lint_same,
    lint_text,
    position,
    with_equivalents,
)
from reminders.domain.sms import measure
from reminders.domain.template import FILTERS, parse
from reminders.domain.template_diff import difference
from reminders.domain.template_key import TemplateText, key_from, key_of
from reminders.domain.template_life import agreed_to, may_approve
from reminders.domain.template_mail import html_of, shown_html, text_of
from reminders.domain.template_rules import RULES, Rule
from reminders.errors import TemplateError
from reminders.rendering import Renderer, Version

PHONE = "{{ telephone_secretariat }}"
WRITTEN = {
    code: rule
    for code, rule in RULES.items()
    if rule.wrong
    and code not in ("second_segment", "empty_case", "subject", "html_forbidden", "no_moment")
}


def found(rule: Rule, source: str) -> set[str]:
    return {one.code for one in lint(source, channel=rule.channel, family=rule.family)}  # type: ignore[arg-type]


@pytest.mark.parametrize("code", WRITTEN)
def test_the_examples_of_a_rule_hold(code: str) -> None:
    rule = RULES[code]
    assert code in found(rule, rule.wrong)
    assert found(rule, rule.right) == set()
    level = next(
        one.level
        for one in lint(rule.wrong, channel=rule.channel, family=rule.family)  # type: ignore[arg-type]
        if one.code == code
    )
    assert level == rule.level


def test_the_examples_of_what_only_a_rendered_text_shows_hold() -> None:
    second, empty = RULES["second_segment"], RULES["empty_case"]
    assert [one.code for one in lint_longest("a" * 161)] == ["second_segment"]
    assert lint_longest("a" * 160) == []
    assert measure(second.wrong).segments == 2
    values = {"telephone_secretariat": "01 99 00 12 34"}

    def without(source: str) -> str:
        return Renderer().render(Version(1, "short", "fr", "any", "sms", source), values)

    assert lint_cases("", {"point_accueil": without(empty.wrong)})
    assert lint_cases("", {"point_accueil": without(empty.right)}) == []


def test_every_refusal_of_the_language_is_explained() -> None:
    """Whatever the parser refuses, staff find the rule under its code."""
    refused = {
        one.code
        for source in (
            "{{ x }}", "{{ motif }}", "{{ consignes }}", "{{ 1 }}", "{% set a = 1 %}", "{# a #}",
            "{{ prenom", "{{ jour_rdv|upper }}", "a\u202eb", "a" * 4_001, "{{ a }}" * 401,
        )
        for one in lint(source, channel="sms", family="any")
        if one.level == "refused"
    }  # fmt: skip
    assert refused <= set(RULES)
    assert len(refused) >= 10


def test_an_announcement_says_when() -> None:
    rule, short = RULES["no_moment"], key_of("short", "fr", "link", "sms")

    def said(source: str) -> list[str]:
        return [one.sentence for one in lint_text(short, TemplateText(source))]

    assert said(rule.right) == []
    assert said(rule.wrong) == [
        "Ce texte ne dit pas le jour du rendez-vous.",
        "Ce texte ne dit pas l’heure du rendez-vous.",
    ]
    assert said(f"Demain à {{{{ heure_rdv }}}}. {PHONE}") == [said(rule.wrong)[0]]
    stopped = key_of("ack_stop", "fr", "link", "sms")
    assert lint_text(stopped, TemplateText(rule.wrong)) == []


def test_the_words_of_an_unreadable_text_do_not_wait() -> None:
    source = f"Cancérologie le {{{{ nir }}}}. Répondez STOP pour annuler. {PHONE}"
    codes = [one.code for one in lint(source, channel="sms", family="link")]
    assert codes == ["forbidden_variable", "mixed_family", "opt_out_word", "sensitive"]


def test_an_example_turns_no_page_around() -> None:
    rule = RULES["invisible_character"]
    assert rule.wrong_seen == f"Rendez-vous [U+202E]le 14. {PHONE}"
    assert RULES["unknown_filter"].wrong_seen == RULES["unknown_filter"].wrong


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_every_rule_says_what_and_why(rule: Rule) -> None:
    assert rule.title
    assert rule.why.endswith(".")


# --- the two filters ---------------------------------------------------------------------------


def rendered(source: str, **values: str) -> str:
    return Renderer().render(Version(1, "short", "fr", "any", "sms", source), values)


def test_a_filter_changes_how_a_value_is_spelt() -> None:
    assert rendered("{{ jour_rdv | capitale }}", jour_rdv="mercredi 14") == "Mercredi 14"
    assert rendered("{{ jour_rdv|sans_accents }}", jour_rdv="août") == "aout"
    assert set(FILTERS) == {"capitale", "sans_accents"}


@pytest.mark.parametrize(
    "source",
    [
        "{{ jour_rdv | upper }}",
        "{{ jour_rdv | capitale('x') }}",
        "{{ jour_rdv | capitale(x=1) }}",
        "{{ jour_rdv | capitale | sans_accents }}",
        "{{ jour_rdv | attr('__class__') }}",
        "{{ 'a' | capitale }}",
        "{{ (1).__class__ | capitale }}",
        "{{ jour_rdv | capitale(*x) }}",
        "{% if jour_rdv | capitale %}a{% endif %}",
        "{% filter capitale %}a{% endfilter %}",
    ],
)
def test_a_filter_takes_one_variable_and_nothing_else(source: str) -> None:
    with pytest.raises(TemplateError):
        parse(source, "sms")


def test_a_missing_value_is_a_gap_through_a_filter_too() -> None:
    with pytest.raises(TemplateError):
        rendered("{{ jour_rdv | capitale }}")
    assert "unguarded" in {
        one.code for one in lint("{{ prenom | capitale }}" + PHONE, channel="sms", family="any")
    }


# --- unicode and size --------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["\u202e", "\u202a", "\x00", "\x1b", "\x85", "\ud800", "\ue000"])
def test_what_nobody_sees_is_refused_with_its_line(sign: str) -> None:
    with pytest.raises(TemplateError) as refused:
        parse(f"a\nb{sign}c")
    assert (refused.value.code, refused.value.line) == ("invisible_character", 2)
    assert sign not in refused.value.sentence


@pytest.mark.parametrize("sign", ["\u2066", "\u2069", "\u200f", "\u00a0", "\u202f", "\t"])
def test_what_arabic_and_french_need_is_permitted(sign: str) -> None:
    parse(f"a{sign}b")


@pytest.mark.parametrize(
    "source",
    ["\uff5b\uff5b prenom \uff5d\uff5d", "{ accolades }", "[[ lieu-dit ]]", "{1}"],
)
def test_braces_that_only_look_so_are_text(source: str) -> None:
    assert rendered(source) == source


@pytest.mark.parametrize("meant", ["{ date_rdv }", "{date_rdv}", "{ { prenom } }", "[[ prenom ]]"])
def test_a_variable_in_other_braces_is_refused_when_it_is_written(meant: str) -> None:
    """The patient would read « Rendez-vous le { date_rdv } »."""
    with pytest.raises(TemplateError) as refused:
        parse(f"a\n\n{meant}")
    assert (refused.value.code, refused.value.line) == ("syntax", 3)


@pytest.mark.parametrize("half", ["{\u200b{ prenom }}", "prenom }}", "{ % if prenom %}x"])
def test_half_a_tag_is_refused_when_it_is_written(half: str) -> None:
    """Not only when the text should leave, and cannot."""
    with pytest.raises(TemplateError) as refused:
        parse(f"a\n\n{half}")
    assert (refused.value.code, refused.value.line) == ("syntax", 3)


@pytest.mark.parametrize(
    "source",
    ["{{" * 200_000, "{% if prenom %}" * 100_000, "{{ a" + ".b" * 1_900, "(" * 3_900, "{" * 3_999,
     "{{ prenom }}" * 100_000, "é" * 1_000_000, "{{ " + "(" * 1_900 + "a" + ")" * 1_900 + " }}",
     "{% if " + "not " * 900 + "prenom %}{% endif %}"],
)  # fmt: skip
def test_huge_inputs_are_refused_or_read_quickly(source: str) -> None:
    before = time.process_time()
    lint(source, channel="sms", family="any")
    assert time.process_time() - before < 5


# --- costly characters -------------------------------------------------------------------------


def test_each_costly_character_has_its_places_and_its_equivalent() -> None:
    source = "L’hôpital\nvous attend à l’hôpital. {{ prenom }}"
    marks = {one.character: one for one in costly(source)}
    assert list(marks) == ["’", "ô"]
    assert [position(source, place) for place in marks["ô"].places] == [(1, 4), (2, 18)]
    assert (marks["’"].equivalent, marks["ô"].equivalent) == ("'", "o")


@pytest.mark.parametrize(
    ("character", "other"),
    [("œ", "oe"), ("Œ", "OE"), ("’", "'"), ("ê", "e"), ("ç", "c"), ("\u00a0", " "),
     ("\u202f", " "), ("…", "..."), ("«", '"'), ("–", "-"), ("\u200b", "")],
)  # fmt: skip
def test_a_costly_character_is_replaced_by_what_says_the_same(character: str, other: str) -> None:
    assert with_equivalents(f"a{character}b", character) == f"a{other}b"


def test_only_the_one_asked_for_is_replaced() -> None:
    assert with_equivalents("ôôê", "ô") == "ooê"
    assert with_equivalents("ôôê", "ô", at=1) == "ôoê"
    assert with_equivalents("ع", "ع") == "ع"  # nothing says the same


def test_what_is_not_seen_is_named() -> None:
    assert [one.visible for one in costly("\u00a0\u200b")] == ["espace insécable", "U+200B"]


@given(st.text("aôœ’\u00a0é{}% prenom\n", max_size=80))
def test_a_text_with_its_equivalents_costs_as_little_as_it_can(source: str) -> None:
    written = with_equivalents(source, "ôœ’\u00a0")
    assert not {"ô", "œ", "’", "\u00a0"} & {one.character for one in costly(written)}


# --- differences -------------------------------------------------------------------------------


def test_a_difference_is_said_in_words() -> None:
    pieces = difference(
        "Rappel : venez le {{ date_rdv }}.", "Rappel : venez tôt le {{ jour_rdv }}."
    )
    assert [(one.kind, one.text) for one in pieces] == [
        ("same", "Rappel : venez "),
        ("new", "tôt "),
        ("same", "le "),
        ("gone", "{{ date_rdv }}"),
        ("new", "{{ jour_rdv }}"),
        ("same", "."),
    ]


@given(st.text("ab {%}\n.", max_size=60), st.text("ab {%}\n.", max_size=60))
def test_a_difference_holds_both_texts(old: str, new: str) -> None:
    pieces = difference(old, new)
    assert "".join(one.text for one in pieces if one.kind != "new") == old
    assert "".join(one.text for one in pieces if one.kind != "gone") == new


def test_long_texts_are_compared_quickly() -> None:
    before = time.process_time()
    difference("mot " * 5_000, "autre " * 5_000)
    difference("".join(f"m{n} " for n in range(4_000)), "".join(f"n{n} " for n in range(4_000)))
    assert time.process_time() - before < 10


# --- e-mails -----------------------------------------------------------------------------------

XSS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    '<a href="javascript:alert(1)">x</a>', "<iframe srcdoc='<script>1</script>'>",
    "<p style='background:url(//evil)'>x</p>", "<p onclick=alert(1)>x", "<b><script>x</b>",
    "</div></body><script>alert(1)</script>", "<!--><script>alert(1)</script>-->",
    "<style>*{display:none}</style>", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<math><mtext></p><script>x</script>", "<p/onmouseover=alert(1)>", "<\x00script>x",
)  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


@pytest.mark.parametrize("attack", XSS)
def test_nothing_of_an_e_mails_html_but_its_structure_reaches_a_page(attack: str) -> None:
    shown = Tags(shown_html(f"<p>Bonjour</p>{attack}<p>Merci</p>")).found
    assert all(attrs == [] for _, attrs in shown)
    allowed = {"p", "br", "strong", "b", "em", "i", "h3", "h4", "h5", "ul", "ol", "li", "div",
               "hr", "u"}  # fmt: skip
    assert {tag for tag, _ in shown} <= allowed


@given(st.text("<>/ =\"'&;abpdivscript\n", max_size=60))
def test_any_html_is_shown_balanced_and_without_attributes(source: str) -> None:
    shown = shown_html(source)
    opened = [tag for tag, attrs in Tags(shown).found if attrs == [] and tag not in ("br", "hr")]
    assert len(opened) == sum(shown.count(f"</{tag}>") for tag in set(opened))
    assert all(attrs == [] for _, attrs in Tags(shown).found)


def test_html_made_from_a_text_says_the_same_and_escapes_it() -> None:
    body = "Bonjour <b> & {% if prenom %}{{ prenom }}{% endif %}\n{{ lien_itineraire }}" + PHONE
    html = html_of(body, "fr")
    assert "&lt;b&gt; &amp; {% if prenom %}{{ prenom }}{% endif %}" in html
    assert '<a href="{{ lien_itineraire }}">{{ lien_itineraire }}</a>' in html
    parse(html, "email")
    assert 'dir="rtl"' in html_of(body, "ar")


def test_two_parts_of_an_e_mail_that_differ_are_noticed() -> None:
    assert lint_same("Bonjour, venez lundi", text_of("<p>Bonjour,</p><p>venez lundi</p>")) == []
    assert [one.values["name"] for one in lint_same("venez mardi", text_of("<p>venez</p>"))] == [
        "mardi"
    ]


def test_every_part_of_an_e_mail_is_looked_at() -> None:
    key = key_from("short.fr.any.email")
    codes = {
        (one.part, one.code)
        for one in lint_text(key, TemplateText("Bonjour {{ x }}", "a\nb", "<script>"))
    }
    assert codes == {
        ("body", "unknown_variable"), ("subject", "subject"), ("html", "html_forbidden"),
        ("html", "no_phone"),
    }  # fmt: skip


# --- keys and decisions ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "slug",
    ["", "short", "short.fr.any", "short.xx.any.sms", "short.fr.any.fax", "short.fr.link.email",
     "../etc.fr.any.sms", "Short.fr.any.sms", "short.fr.any.sms.x", "a" * 60 + ".fr.any.sms"],
)  # fmt: skip
def test_a_template_that_cannot_be_has_no_key(slug: str) -> None:
    with pytest.raises(TemplateError):
        key_from(slug)


def test_a_key_is_its_slug() -> None:
    key = key_of("short", "fr", "link", "sms")
    assert key.slug == "short.fr.link.sms"
    assert key_from(key.slug) == key


def test_who_may_approve_and_what_an_agreement_covers() -> None:
    assert may_approve("awa", "bea", two_people=True)
    assert not may_approve("awa", "awa", two_people=True)
    assert may_approve("awa", "awa", two_people=False)
    assert agreed_to(500, None)
    assert not agreed_to(501, None)
    assert agreed_to(540, 501)
    assert not agreed_to(600, 501)


# --- what is accepted can leave ----------------------------------------------------------------

FRAGMENTS = (
    "Venez ", "{{ date_rdv }}", "{{ heure_rdv | capitale }}", "{% if prenom %}", "{{ prenom }}",
    "{% else %}", "{% elif proche %}", "{{ proche }}", "{% endif %}", "{% if not prenom %}", "}}",
    "{", "}", "%", "#", "\n", " ", "{{", "%}", "à", "’",
)  # fmt: skip
VALUES = {
    "date_rdv": "14/10", "heure_rdv": "9h30", "telephone_secretariat": "01 99 00 12 34",
    "prenom": "Léa", "proche": "enfant",
}  # fmt: skip


@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=14),
    st.sets(st.sampled_from(["prenom", "proche"])),
)
def test_a_text_the_lint_accepts_is_never_refused_when_it_should_leave(
    fragments: list[str], missing: set[str]
) -> None:
    source = "".join(fragments) + PHONE
    if any(one.level == "refused" for one in lint(source, channel="sms", family="any")):
        return
    values = {name: value for name, value in VALUES.items() if name not in missing}
    assert rendered(source, **values).endswith("01 99 00 12 34")


@pytest.mark.parametrize(
    "said",
    [
        "Ne répondez pas à ce message",
        "Merci de ne pas y répondre",
        "Please do not reply",
        "Don't reply",
    ],
)
def test_saying_that_nobody_reads_answers_is_not_asking_for_one(said: str) -> None:
    codes = {one.code for one in lint(f"{said}. {PHONE}", channel="sms", family="any")}
    assert codes == set()


@pytest.mark.parametrize("said", ["N'hésitez pas à répondre", "Répondez, ou ne venez pas"])
def test_a_negation_of_something_else_still_asks(said: str) -> None:
    codes = {one.code for one in lint(f"{said}. {PHONE}", channel="sms", family="any")}
    assert codes == {"mixed_family"}
