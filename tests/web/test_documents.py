"""What patients are told of their data: from the configuration, in two languages, not made up."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from reminders.config import RetentionTable, load
from reminders.errors import ConfigurationError
from reminders.services.notice import blanks, notice_of
from reminders.web.documents import documents_router
from tests.support.clinic import MONDAY, settings_with

FULL: dict[str, Any] = {
    "privacy": {
        "controller": "Centre hospitalier Exemple, 1 rue de l’Exemple, 00000 Exemple",
        "dpo": "dpo@example.org",
        "legal_basis": "public-task",
        "hosting": "l’établissement lui-même",
        "accessibility": "accueil@example.org",
    },
    "sms": [
        {"id": "main", "kind": "twilio", "company": "OPÉRATEUR EXEMPLE SAS", "country": "FR"},
        {
            "id": "second", "kind": "ovh", "replies": True, "company": "EXAMPLE INC.",
            "country": "US", "transfer": "clauses contractuelles types",
        },
    ],
    "web": {"public_url": "https://rdv.example.org"},
}  # fmt: skip
PAGES = ("/information", "/accessibilite")
INCOMPLETE = "à compléter"


def see(path: str, *, language: str = "", query: str = "", **changes: Any) -> str:
    app = FastAPI()
    app.include_router(documents_router(notice_of(settings_with(**changes)), lambda: MONDAY))
    headers = {"Accept-Language": language} if language else {}
    response = TestClient(app).get(path + query, headers=headers)
    assert response.status_code == 200
    return response.text


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ").split())


def test_the_notice_is_filled_in_from_the_configuration() -> None:
    told = words(see("/information", **FULL))
    for fact in (
        "Centre hospitalier Exemple, 1 rue de l’Exemple, 00000 Exemple",
        "dpo@example.org",
        "article 6.1.e",
        "article 9.2.h",
        "OPÉRATEUR EXEMPLE SAS, France",
        "EXAMPLE INC., États-Unis",
        "clauses contractuelles types",
        "l’établissement lui-même",
        "répondez STOP",
        "www.cnil.fr/fr/plaintes",
    ):
        assert fact in told, fact
    assert INCOMPLETE not in told


def test_durations_are_those_in_force() -> None:
    kept = {"bodies_days": 31, "identity_days": 32, "delivery_days": 33, "replies_days": 34,
            "appointments_days": 1035, "archive_days": 36, "audit_days": 37}  # fmt: skip
    told = words(see("/information", **FULL, retention=kept))
    for days in ("31", "32", "33", "34", "1 035", "36", "37"):
        assert f"{days} jours" in told, days
    assert "1 jour ;" in words(see("/information", **FULL, retention={"archive_days": 1}))


def test_no_duration_of_the_configuration_is_left_out() -> None:
    """`inputs_days` alone is none of a patient's: lines set aside keep no value."""
    shown = see("/information", **FULL, retention={
        name: 500 + number for number, name in enumerate(RetentionTable.model_fields)
    })  # fmt: skip
    missing = [
        name
        for number, name in enumerate(RetentionTable.model_fields)
        if f"{500 + number} jours" not in words(shown)
    ]
    assert missing == ["inputs_days"]


def test_what_the_configuration_does_not_say_is_asked_for_and_never_made_up() -> None:
    told = words(see("/information"))
    assert told.count(INCOMPLETE) == 5
    for blank in ("comment le joindre", "base légale", "nom de l’opérateur", "pays", "qui héberge"):
        assert f"[à compléter par l’établissement : {blank}" in told, blank
    for name in ("Twilio", "OVH", "CNIL, SAS", "France"):
        assert name not in told.replace("France", "", 0) or name == "France", name
    assert "[à compléter" in words(see("/accessibilite"))
    assert "[à compléter" not in words(see("/accessibilite", **FULL))


def test_a_country_outside_the_eea_needs_its_guarantee() -> None:
    abroad = {"sms": [{"id": "main", "kind": "twilio", "company": "EXAMPLE INC.", "country": "US"}]}
    told = words(see("/information", **(FULL | abroad)))
    assert "hors de l’Espace économique européen" in told
    assert "[à compléter par l’établissement : garanties du transfert" in told
    home = {"sms": [{"id": "main", "kind": "twilio", "company": "EXEMPLE", "country": "DE"}]}
    assert "hors de l’Espace" not in words(see("/information", **(FULL | home)))


def test_stop_is_offered_only_where_somebody_reads_it() -> None:
    mute = {"sms": [{"id": "main", "kind": "twilio", "company": "EXEMPLE", "country": "FR"}]}
    assert "répondez STOP" not in words(see("/information", **(FULL | mute)))


def test_a_private_hospital_has_its_own_basis() -> None:
    private = {"privacy": FULL["privacy"] | {"legal_basis": "legitimate-interest"}}
    told = words(see("/information", **(FULL | private)))
    assert "article 6.1.f" in told
    assert "6.1.e" not in told


@pytest.mark.parametrize("path", PAGES)
def test_both_pages_are_whole_in_english(path: str) -> None:
    page = see(path, query="?lang=en", **FULL)
    assert '<html lang="en">' in page
    told = words(page).replace("Français", "").replace("l’établissement lui-même", "")
    known = (FULL["privacy"]["controller"], "clauses contractuelles types", "Défenseur des droits")
    for value in known:
        told = told.replace(value, "")
    french = re.findall(r"\b(?:les|des|vous|pour|une|est|votre|données|rendez-vous)\b", told)
    assert french == []


def test_the_browsers_language_is_heard_and_the_pages_choice_comes_first() -> None:
    assert '<html lang="en">' in see("/information", language="de, en;q=0.8, fr;q=0.5")
    assert '<html lang="fr">' in see("/information", language="en", query="?lang=fr")
    assert '<html lang="fr">' in see("/information", language="ar")
    assert '<html lang="fr">' in see("/information", query="?lang=falc")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_a_telephone_loads_it_at_once(path: str, language: str) -> None:
    page = see(path, query=f"?lang={language}", **FULL)
    assert len(page.encode()) < 15_000
    assert "<script" not in page
    assert "style=" not in page


def test_the_statement_claims_nothing_that_was_not_done() -> None:
    told = words(see("/accessibilite", **FULL))
    assert "non conformes" in told
    assert "aucun audit n’a été fait" in told
    assert "partiellement" not in told
    assert "Défenseur des droits" in told
    assert "accueil@example.org" in told


def test_what_a_hospital_writes_of_itself_is_shown_as_text() -> None:
    told = {"privacy": FULL["privacy"] | {"dpo": '<script>alert("x")</script>'}}
    assert "<script" not in see("/information", **(FULL | told))


def test_what_is_missing_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "hospital.toml"
    file.write_text(TOML, encoding="utf-8")
    found = [(one.place, one.example) for one in blanks(load(file, {}))]
    assert found == [
        ("sms « main » › company (ligne 12)", "OPÉRATEUR EXEMPLE SAS"),
        ("sms « main » › transfer (ligne 12)", "décision d’adéquation"),
        ("privacy › dpo (ligne 1)", "dpo@ch-exemple.fr"),
        ("privacy › accessibility (ligne 1)", "accueil@ch-exemple.fr"),
    ]


TOML = """\
[privacy]
legal_basis = "public-task"
hosting = "l'établissement"
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"
[[dpi]]
id = "agenda"
kind = "csv"
[[sms]]
id = "main"
kind = "twilio"
country = "US"
"""


@pytest.mark.parametrize(
    ("table", "wrong", "said"),
    [
        ("privacy", {"legal_basis": "consent"}, "choisir parmi public-task, legitimate-interest"),
        ("privacy", {"dpd": "x"}, "vouliez-vous écrire « dpo »"),
        ("retention", {"audit_days": 4_000}, "au plus 1096"),
    ],
)
def test_a_mistake_in_what_is_said_is_named(
    table: str, wrong: dict[str, object], said: str, tmp_path: Path
) -> None:
    ((key, value),) = wrong.items()
    file = tmp_path / "hospital.toml"
    written = value if isinstance(value, int) else f'"{value}"'
    file.write_text(f"[{table}]\n{key} = {written}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        load(file, {})
    assert said in str([str(one) for one in error.value.problems])


def test_a_country_is_two_letters(tmp_path: Path) -> None:
    file = tmp_path / "hospital.toml"
    file.write_text(TOML.replace('"US"', '"France"'), encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        load(file, {})
    assert "deux lettres" in str([str(one) for one in error.value.problems])
