"""What staff may write in a template, and what is refused with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.lint import Finding, lint
from reminders.domain.template import (
    FORBIDDEN,
    GUARDED,
    VARIABLES,
    Channel,
    Family,
    always_printed,
    parse,
    unguarded,
    variables_used,
)
from reminders.errors import TemplateError

PHONE = "{{ telephone_secretariat }}"


def refusal(source: str, channel: Channel = "email") -> TemplateError:
    with pytest.raises(TemplateError) as refused:
        parse(source, channel)
    return refused.value


@pytest.mark.parametrize(
    "source",
    [
        "Bonjour",
        "",
        "{{ prenom }}",
        "{{prenom}}",
        "{{- prenom -}}",
        "{% if prenom %}{{ prenom }}{% endif %}",
        "{%- if not prenom -%}Bonjour{%- else -%}{{ prenom }}{%- endif -%}",
        "{% if prenom %}a{% elif proche %}b{% elif consignes %}c{% else %}d{% endif %}",
        "{% if prenom %}{% if proche %}{{ prenom }}{% endif %}{% endif %}",
        "5 % de réduction, { accolades } et # dièse",
    ],
)
def test_text_variables_and_conditions_are_permitted(source: str) -> None:
    assert (parse(source).body != []) is (source != "")


ATTACKS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ prenom.__class__ }}",
    "{{ prenom['__class__'] }}",
    "{{ prenom|attr('__class__') }}",
    "{{ prenom() }}",
    "{{ prenom.format(1) }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum.__globals__ }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__ }}",
    "{{ joiner }}",
    "{{ namespace() }}",
    "{{ range(10**9) }}",
    "{{ 7*7 }}",
    "{{ 'a' }}",
    "{{ 1 }}",
    "{{ [prenom] }}",
    "{{ {'a': prenom} }}",
    "{{ (prenom, proche) }}",
    "{{ prenom ~ proche }}",
    "{{ prenom + proche }}",
    "{{ -prenom }}",
    "{{ not prenom }}",
    "{{ prenom if proche else consignes }}",
    "{{ prenom is defined }}",
    "{{ prenom|upper }}",
    "{{ prenom|default('x') }}",
    "{{ prenom[0] }}",
    "{{ prenom[:3] }}",
    "{{ prenom, }}",
    "{% for x in prenom %}{{ x }}{% endfor %}",
    "{% for x in range(9999999999) %}x{% endfor %}",
    "{% set prenom = 1 %}",
    "{% set prenom %}x{% endset %}",
    "{% include '/etc/passwd' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block x %}{% endblock %}",
    "{% macro x() %}{% endmacro %}",
    "{% call prenom() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with x = 1 %}{% endwith %}",
    "{% autoescape false %}{{ prenom }}{% endautoescape %}",
    "{% raw %}{{ prenom }}{% endraw %}",
    "{%- raw -%}x{%- endraw -%}",
    "{% do prenom %}",
    "{% trans %}x{% endtrans %}",
    "{% debug %}",
    "{% if prenom == 'x' %}{% endif %}",
    "{% if prenom and proche %}{% endif %}",
    "{% if prenom or proche %}{% endif %}",
    "{% if not not prenom %}{% endif %}",
    "{% if prenom is string %}{% endif %}",
    "{% if true %}{% endif %}",
    "{% if 1 %}{% endif %}",
    "{% if prenom() %}{% endif %}",
    "{% if prenom %}{% elif prenom.x %}{% endif %}",
    "{% if prenom %}{% else %}{{ prenom|e }}{% endif %}",
    "{# commentaire #}",
    "{{ prenom",
    "{{ }}",
    "{% if prenom %}",
    "{% endif %}",
    "{% if %}{% endif %}",
    "{{ prenom }} {{ prénom }}",
    "{{ inconnue }}",
    "{{ Prenom }}",
    "{{ loop }}",
    "{{ caller }}",
    "{{ __builtins__ }}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_everything_else_is_refused_with_its_line(attack: str) -> None:
    refused = refusal(f"Bonjour,\n\n{attack}\nAu revoir")
    assert refused.line in (3, 4)  # an unclosed brace is noticed where the text ends
    assert refused.sentence.startswith(f"Ligne {refused.line} : ")


@given(st.sampled_from(ATTACKS), st.integers(0, 30))
def test_an_attack_is_found_wherever_it_hides(attack: str, lines: int) -> None:
    hidden = "{% if prenom %}" + "\n" * lines + attack + "{% endif %}"
    assert refusal(hidden).line in range(lines + 1, lines + 3)


@given(st.text(st.sampled_from("{}%#- ifelsendprom\n'\"|.()[]_"), max_size=60))
def test_any_text_is_parsed_or_refused_in_french(source: str) -> None:
    found = lint(source, channel="email", family="any")
    assert all(finding.sentence.endswith(".") for finding in found)
    if not any(finding.level == "refused" for finding in found):
        parse(source)


def test_health_words_are_forbidden_variables() -> None:
    for name in FORBIDDEN:
        assert refusal(f"{{{{ {name} }}}}").code == "forbidden_variable"
        assert refusal(f"{{{{ {name} }}}}", "sms").code == "forbidden_variable"
    for name in GUARDED:
        assert refusal(f"{{{{ {name} }}}}", "sms").code == "forbidden_variable"
    assert not (FORBIDDEN | GUARDED) & set(VARIABLES)


def test_a_variable_of_e_mails_is_refused_in_an_sms() -> None:
    assert refusal("{{ consignes }}", "sms").code == "wrong_channel"
    assert refusal("{{ consignes_sms }}", "email").code == "wrong_channel"


def test_a_text_too_long_too_full_or_too_deep_is_refused() -> None:
    assert refusal("a" * 4_001, "sms").code == "too_long"
    assert refusal("{{ prenom }}" * 401, "email").code == "too_many"
    assert refusal("{% if prenom %}" * 150 + "{% endif %}" * 150).code == "too_many"
    parse("{% if prenom %}" * 8 + "x" + "{% endif %}" * 8)


def test_the_variables_of_a_text_are_told() -> None:
    source = "{% if prenom %}{{ heure_rdv }}{% else %}{{ date_rdv }}{% endif %}"
    assert variables_used(source) == {"prenom", "heure_rdv", "date_rdv"}


@pytest.mark.parametrize(
    ("source", "gaps"),
    [
        ("{{ prenom }}", {"prenom": 1}),
        ("{{ heure_rdv }}", {}),
        ("{% if prenom %}{{ prenom }}{% endif %}", {}),
        ("{% if prenom %}x{% else %}\n{{ prenom }}{% endif %}", {"prenom": 2}),
        ("{% if not prenom %}x{% else %}{{ prenom }}{% endif %}", {}),
        ("{% if not prenom %}{{ prenom }}{% endif %}", {"prenom": 1}),
        ("{% if proche %}{{ prenom }}{% endif %}", {"prenom": 1}),
        ("{% if prenom %}a{% elif proche %}{{ proche }}{% else %}{{ proche }}{% endif %}",
         {"proche": 1}),
        ("{% if ancienne_date %}{{ ancien_jour }} {{ ancienne_heure }}{% endif %}", {}),
    ],
)  # fmt: skip
def test_an_optional_variable_without_its_condition_is_a_gap(
    source: str, gaps: dict[str, int]
) -> None:
    assert unguarded(source) == gaps


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        (f"a {PHONE}", True),
        (f"{{% if prenom %}}{PHONE}{{% endif %}}", False),
        (f"{{% if prenom %}}{PHONE}{{% else %}}ou {PHONE}{{% endif %}}", True),
        (f"{{% if prenom %}}{PHONE}{{% elif proche %}}{PHONE}{{% endif %}}", False),
        ("{% if telephone_secretariat %}appelez-nous{% endif %}", False),
    ],
)
def test_what_always_stands_in_a_text_is_known(source: str, printed: bool) -> None:
    assert ("telephone_secretariat" in always_printed(source)) == printed
    codes = {finding.code for finding in lint(source, channel="sms", family="any")}
    assert ("no_phone" in codes) != printed


def codes(source: str, family: Family = "link", channel: Channel = "sms") -> list[str]:
    return [f.code for f in lint(f"{source} {PHONE}", channel=channel, family=family)]


@pytest.mark.parametrize(
    "asked",
    [
        "Répondez OUI pour confirmer",
        "repondez oui",
        "Merci de répondre à ce message",
        "Reply YES to confirm",
        "Envoyez OUI au 38000",
        "Tapez 1 pour confirmer",
        "Text YES to confirm",
        "Écrivez OUI",
        "Merci d'envoyer le mot OUI",
        "Renvoyez-nous OUI",
        "Retournez OUI à ce numéro",
        "OUI pour confirmer",
        "Respond YES",
    ],
)
def test_a_sender_that_cannot_hear_must_not_ask(asked: str) -> None:
    assert codes(asked, "link") == codes(asked, "any") == ["mixed_family"]
    assert codes(asked, "reply") == []


@pytest.mark.parametrize("said", ["Inutile de répondre", "Confirmez sans répondre à ce SMS"])
def test_who_is_told_not_to_reply_is_not_asked_to(said: str) -> None:
    assert codes(said, "link") == []


@pytest.mark.parametrize(
    "link", ["rdv.exemple.fr", "https://rdv.exemple.fr/x", "exemple.gouv.fr", "bit.ly/abc"]
)
def test_a_typed_link_is_one_where_replies_may_come(link: str) -> None:
    assert codes(f"Voir {link}", "reply") == codes(f"Voir {link}", "any") == ["mixed_family"]
    assert codes(f"Voir {link}", "link") == []


def test_an_e_mail_address_is_no_link() -> None:
    assert codes("Écrire à accueil@ch-exemple.fr", "reply") == []


def test_a_number_with_replies_carries_no_link() -> None:
    link = "{% if lien_confirmation %}{{ lien_confirmation }}{% endif %}"
    assert codes(link, "reply") == codes(link, "any") == ["mixed_family"]
    assert codes(link, "link") == []
    assert codes("https://rdv.example.org/r", "reply") == ["mixed_family"]
    assert codes("Plan : www.example.org", "reply") == ["mixed_family"]


@pytest.mark.parametrize(
    "asked",
    [
        "Répondez STOP pour annuler",
        "Répondez OUI pour confirmer ou STOP pour annuler",
        "répondez stop",
        'Répondez "stop" pour annuler',
        "Reply CANCEL to cancel",
        "Reply YES to confirm or CANCEL to cancel",
        "Text END to cancel",
        "Envoyez ARRET",
        "Reply QUIT",
        "STOP pour annuler",
        "Écrivez STOP",
        "Merci de répondre STOP",
        "Envoyer STOP pour annuler",
    ],
)
def test_a_word_that_means_objection_is_never_an_answer(asked: str) -> None:
    assert codes(asked, "reply") == ["opt_out_word"]


@pytest.mark.parametrize(
    "asked",
    [
        "Répondez NON pour annuler",
        "Reply NO to cancel",
        "Reply YES to confirm, NO to cancel",
        "Pour annuler",
        "To cancel",
    ],
)
def test_saying_what_a_word_does_is_not_asking_for_it(asked: str) -> None:
    assert codes(asked, "reply") == []


def test_a_finding_names_its_line() -> None:
    found = lint(f"Bonjour\nRépondez OUI\n{PHONE}", channel="sms", family="link")
    assert found == [
        Finding("refused", "mixed_family", "Ce message ne peut pas recevoir de réponse.", 2)
    ]
    assert lint("a\n{{ x }}", channel="sms", family="link")[0].line == 2
    assert lint(f"a\n\n{{{{ prenom }}}} {PHONE}", channel="sms", family="link")[0].line == 3


def test_what_costs_reveals_or_tires_is_a_warning() -> None:
    assert codes("Rendez-vous à l'hôpital") == ["costly"]
    assert codes("Votre scanner") == ["sensitive"]
    assert codes("Consultation de cardiologie") == ["sensitive"]
    assert codes(" ".join(["mot"] * 31)) == ["long_sentence"]
    assert codes("Rendez-vous à l'hôpital", channel="email") == []
    found = lint(f"l'hôpital {PHONE}", channel="sms", family="any")
    assert (found[0].level, found[0].sentence) == (
        "warned",
        "« ô » n’est pas de l’alphabet des SMS (70 caractères par SMS au lieu de 160) : "
        "écrire « o ».",
    )


def test_a_text_in_another_script_is_one_remark() -> None:
    """Not one to tick for each of its letters; in an English text an emoji is still one."""
    (arabic,) = lint(f"موعدكم يوم {{{{ jour_rdv }}}}’ {PHONE}", channel="sms", family="any")
    assert (arabic.code, arabic.line, arabic.column) == ("costly", 1, 1)
    assert arabic.sentence.startswith("Ces lettres ne sont pas de l’alphabet des SMS (م و ع")
    assert arabic.mark == "costly:body:م و ع د ك"
    assert codes("À l’hôpital 🙂") == ["costly"] * 4


def test_every_variable_is_explained_to_staff() -> None:
    for name, variable in VARIABLES.items():
        assert name.isascii()
        assert variable.description
        assert variable.example
        assert variable.channels
