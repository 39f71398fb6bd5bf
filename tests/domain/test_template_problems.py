"""A refused text tells all its mistakes, each where it was made."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.template import parse
from reminders.domain.template_problems import MOST, problems
from reminders.errors import TemplateError
from tests.domain.test_template import ATTACKS


def told(source: str) -> list[tuple[int | None, str]]:
    return [(one.line, one.sentence) for one in problems(source, "email")]


@pytest.mark.parametrize(
    ("source", "line", "says"),
    [
        ("a\n{% if prenom %}b\n\n\nc", 2, "« {% if prenom %} » commence ici"),
        ("{% if prenom %}\n{% if proche %}b{% endif %}\nc", 1, "« {% if prenom %} »"),
        ("{% if prenom %}b{% endif %}\n{% endif %}", 2, "{% endif %} termine une condition"),
        ("a\n{% else %}b", 2, "{% else %} n'est dans aucune condition"),
        ("{% if prenom %}\n{% else %}\n{% elif proche %}\n{% endif %}", 3, "{% elif proche %}"),
        ("a\n{{ prenom\nb\nc", 2, "« {{ prenom » n'est pas refermé. Ajouter « }} »"),
        ("a\n{{ prenom } b", 2, "« {{ prenom » n'est pas refermé. Ajouter « }} »"),
        ("a\n{% if prenom b\n{% endif %}", 2, "Ajouter « %} »"),
        ("a\n{% if prenom }}b{% endif %}", 2, "se referme par « %} », pas par « }} »"),
        ("a\nb }} c", 2, "« }} » ne referme rien"),
        ("a\n\n{{ date }}", 3, "Vouliez-vous dire « date_rdv » ?"),
        ("{{ prénom }}", 1, "Vouliez-vous dire « prenom » ?"),
        ("a\n{# b", 2, "« {# b » n'est pas refermé"),
    ],
)
def test_a_mistake_is_told_where_it_was_made(source: str, line: int, says: str) -> None:
    ((where, sentence),) = told(source)
    assert where == line
    assert says in sentence
    assert sentence.startswith(f"Ligne {line} : ")


def test_all_mistakes_are_told_at_once_in_their_order() -> None:
    source = "{% if prenom %}\n{{ date }} {{ motif }}\n{{ heure_rdv\n{prenom}\na\u202eb\n{{ 1 }}"
    assert [(one.line, one.code) for one in problems(source, "sms")] == [
        (1, "syntax"),
        (2, "unknown_variable"),
        (2, "forbidden_variable"),
        (3, "syntax"),
        (4, "syntax"),
        (5, "invisible_character"),
        (6, "forbidden_expression"),
    ]


def test_a_variable_of_another_channel_is_not_offered() -> None:
    (found,) = problems("{{ consigne }}", "sms")
    assert "consignes_sms" in found.sentence


def test_a_long_list_of_mistakes_is_cut() -> None:
    assert len(problems("{{ inconnue }}\n" * 60, "email")) == MOST


@given(st.sampled_from(ATTACKS), st.integers(0, 30), st.sampled_from(["sms", "email"]))
def test_every_refusal_is_told_at_its_exact_line(attack: str, lines: int, channel: str) -> None:
    source = "{% if prenom %}" + "\n" * lines + attack + "{% endif %}"
    found = problems(source, channel)  # type: ignore[arg-type]
    assert found
    # A lone {% if %} takes the end that follows it; the first one is then without.
    assert {one.line for one in found} <= {lines + 1, 1}


@given(
    st.lists(
        st.sampled_from(
            ["{{", "}}", "{%", "%}", "{#", "#}", "{", "}", " if ", " else ", " endif ", " elif ",
             "prenom", " not ", "{% if prenom %}", "{% endif %}", "{% else %}", "{{ prenom }}",
             "\n", "é", "\u202e", "|", "'", "-"]
        ),
        max_size=30,
    ).map("".join)
)  # fmt: skip
def test_what_is_allowed_has_no_problem_and_what_is_refused_has_one(source: str) -> None:
    try:
        parse(source, "email")
        allowed = True
    except TemplateError:
        allowed = False
    found = problems(source, "email")
    assert (found == []) == allowed
    for one in found:
        assert one.line is not None
        assert 1 <= one.line <= source.count("\n") + 1
        assert one.sentence.startswith(f"Ligne {one.line} : ")


@pytest.mark.parametrize(
    "source",
    ["{{ x }}\n" * 400, "{{ prenom" * 400, "{{\n" + "\u202e\n" * 9_000, "{% if prenom %}" * 400,
     "}}" * 9_000],
    ids=["unknown", "unclosed", "invisible", "conditions", "closings"],
)  # fmt: skip
def test_the_worst_text_is_answered_while_somebody_types(source: str) -> None:
    began = time.perf_counter()
    parts = [problems(source, "email") for _ in range(2)]
    took = (time.perf_counter() - began) / 2
    assert parts[0]
    plain = time.perf_counter()
    for _ in range(100):
        problems("Bonjour {{ x }}", "email")
    assert took < 50 * (time.perf_counter() - plain)  # as five thousand short ones, on any machine
