"""The configuration file: what it accepts, and how it says what it does not."""

import re
from pathlib import Path

import pytest

from reminders.bootstrap import configured
from reminders.config import Settings, load
from reminders.errors import ConfigurationError

# As the product's specification shows it, word for word.
SPECIFIED = """\
mode = "live"
[store]
url = "sqlite:///hospital.db"                 # or postgresql://…
[web]
public_url = "https://rdv.ch-exemple.fr"      # public listener: only /r/… and provider callbacks
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
timezone = "Europe/Paris"
phone = "01 99 00 12 34"
[[service]]
uf = "4220"
site = "sud"
label = "Consultations, accueil B2"           # what patients may read
sensitivity = "normal"                        # normal | neutral | excluded
protocol = "default"
slot_cost_eur = 50
[[dpi]]                                       # several sources may feed one hospital
id = "agenda"
kind = "csv"                                  # or fhir
path = "export/*.csv"
mode = "snapshot"                             # or delta
[[sms]]
id = "main"
kind = "twilio"
base_url = "https://api.twilio.com"
account_sid = "AC…"
auth_token_file = "twilio.token"
sender = "CHExemple"                          # name: no reply possible
replies = false                               # true for a number that patients can answer
max_per_second = 10
price_per_segment_eur = 0.06
[email]
kind = "smtp"
host = "smtp.ch-exemple.fr"
sender = "rdv@ch-exemple.fr"
"""
ACCOUNT = "AC" + "0" * 32
SITE = """\
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"
"""
BASE = SITE + '[[dpi]]\nid = "agenda"\nkind = "csv"\npath = "export/*.csv"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "twilio.token").write_text("s3cret\n", encoding="utf-8")
    return tmp_path


def loaded(folder: Path, text: str, **environment: str) -> Settings:
    (folder / "hospital.toml").write_text(text, encoding="utf-8")
    return load(folder / "hospital.toml", environment)


def mistakes(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        loaded(folder, text, **environment)
    return [str(problem) for problem in refusal.value.problems]


def mistake(folder: Path, text: str, **environment: str) -> str:
    (one,) = mistakes(folder, text, **environment)
    return one


def test_the_specified_example_loads_as_it_is(folder: Path) -> None:
    settings = loaded(folder, SPECIFIED)
    assert (settings.mode, settings.store.url) == ("live", "sqlite:///hospital.db")
    assert settings.web.public_url == "https://rdv.ch-exemple.fr"
    assert settings.site[0].phone == "01 99 00 12 34"
    assert settings.service[0].slot_cost_eur == 50
    assert settings.dpi[0].options == {"path": "export/*.csv", "mode": "snapshot"}
    assert settings.sms[0].options["auth_token"] == "s3cret"
    assert settings.sms[0].family == "link"
    assert settings.email is not None
    assert settings.email.options["host"] == "smtp.ch-exemple.fr"


def test_with_its_account_written_out_the_example_is_whole(folder: Path) -> None:
    (folder / "hospital.toml").write_text(SPECIFIED.replace("AC…", ACCOUNT), encoding="utf-8")
    assert configured(folder / "hospital.toml").mode == "live"


def test_without_a_mode_nothing_leaves(folder: Path) -> None:
    assert loaded(folder, BASE).mode == "rehearsal"


def test_every_mistake_is_named_at_once_with_its_line_those_of_adapters_too(folder: Path) -> None:
    text = (
        SPECIFIED.replace('mode = "live"', 'mode = "vif"')
        .replace("twilio.token", "absent.token")
        .replace('site = "sud"\nlabel', 'site = "nord"\nlabel')
        .replace("slot_cost_eur = 50", "slot_cost = 50")
        .replace("max_per_second = 10", 'max_per_second = "dix"')
    )
    (folder / "hospital.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refusal:
        configured(folder / "hospital.toml")
    told = [str(problem) for problem in refusal.value.problems]
    lines = text.splitlines()
    for start, key in (
        ("mode (ligne", 'mode = "vif"'),
        ("sms « main » › auth_token_file", "auth_token_file"),
        ("service « 4220 » › slot_cost (ligne", "slot_cost"),
        ("sms « main » › max_per_second", "max_per_second"),
    ):
        (found,) = [one for one in told if one.startswith(start)]
        number = next(n for n, line in enumerate(lines, 1) if line.startswith(key))
        assert f"(ligne {number})" in found
    assert any("vouliez-vous écrire « slot_cost_eur » ?" in one for one in told)


def test_an_adapter_s_mistake_has_its_line_when_the_rest_is_right(folder: Path) -> None:
    from reminders.bootstrap import check_adapters

    problems = check_adapters(loaded(folder, SPECIFIED))
    assert [problem.where for problem in problems] == ["sms « main » › account_sid (ligne 28)"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mode = live", "hospital.toml (ligne 1, colonne 8) : valeur illisible"),
        ('mode = "live', "guillemet fermant absent"),
        ("[site", "« ] » attendu"),
        ("mode", "« = » attendu après le nom de la clé"),
        ('mode = "live"\nmode = "test"', "clé ou table déjà écrite plus haut"),
        ("[web]\n[web]", "déjà écrite plus haut"),
    ],
)
def test_what_is_not_toml_names_its_line_in_french(folder: Path, text: str, told: str) -> None:
    found = mistake(folder, text)
    assert told in found
    assert "→ corriger à cet endroit" in found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('[sms]\nid = "main"\nkind = "twilio"', "écrire [[sms]]"),
        ('[[email]]\nhost = "x"', "écrire [email]"),
        ("[web]\ninternal_port = 70000", "trop grand → au plus 65535"),
        ('[web]\npublic_url = "rdv.example.org"', "adresse attendue sous la forme « https://… »"),
        ('[web]\npublic_url = "https://r.example.org"\npublic_port = 8000', "le même port"),
        ("[delivery]\nlease_seconds = 5", "lease_seconds doit dépasser"),
        ('[logs]\nlevel = "verbose"', "choisir parmi debug, info, warning, error"),
        ('[[service]]\nuf = "1"\nsite = "nord"\nlabel = "B2"', "site inconnu"),
        ('[[service]]\nuf = "1"\nsite = "sud"\nlabel = "B"\nprotocol = "p"', "protocole inconnu"),
        ('[[preparation]]\nid = "a"', "service (UF) ou type est nécessaire"),
        ('[[preparation]]\nid = "a"\nservice = "1"', "UF inconnue"),
        ('[[protocol]]\nid = "p"\n[[protocol.step]]\nday = "3"\ntemplate = "short"', "« J-3 »"),
        (
            '[[protocol]]\nid = "p"\n[[protocol.step]]\nday = "J-1"\nhour = "25:00"\n'
            'template = "short"',
            "« 10:00 »",
        ),
        ("[tarifs]\nprix = 3", "clé inconnue"),
    ],
)
def test_a_mistake_says_what_to_write(folder: Path, change: str, told: str) -> None:
    found = mistakes(folder, BASE + change)
    assert any(told in one for one in found), found
    assert all(re.search(r"\(ligne \d+\)", one) for one in found), found


def test_a_sender_that_is_a_name_cannot_take_replies(folder: Path) -> None:
    text = SPECIFIED.replace("replies = false", "replies = true")
    assert "ne peut pas recevoir de réponse" in mistake(folder, text)


def test_test_mode_needs_its_list_and_refuses_what_could_never_match(folder: Path) -> None:
    text = SPECIFIED.replace('"live"', '"test"')
    assert "vide en mode test" in mistake(folder, text)
    wrong = text.replace("[store]", 'only_to = ["06 39 98 00 12"]\n[store]', 1)
    assert "+33639980012" in mistake(folder, wrong)
    right = text.replace("[store]", 'only_to = ["+33639980012", "a@example.org"]\n[store]', 1)
    assert loaded(folder, right).only_to == ("+33639980012", "a@example.org")


def test_a_hospital_without_a_site_or_a_source_is_told_so(folder: Path) -> None:
    found = mistakes(folder, "")
    assert [one.split(" :")[0] for one in found] == ["[[site]]", "[[dpi]]"]


# --- secrets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("REMINDERS_SMS_MAIN_AUTH_TOKEN", "from-environment", "from-environment"),
        ("REMINDERS_SMS_MAIN_AUTH_TOKEN_FILE", "other.token", "other"),
    ],
)
def test_the_environment_wins_over_the_file(folder: Path, name: str, value: str, read: str) -> None:
    (folder / "other.token").write_text("\ufeffother\n", encoding="utf-8")  # as Notepad saves it
    settings = loaded(folder, SPECIFIED, **{name: value})
    assert settings.sms[0].options["auth_token"] == read


def test_a_secret_of_the_environment_needs_no_file(folder: Path) -> None:
    (folder / "twilio.token").unlink()
    settings = loaded(folder, SPECIFIED, REMINDERS_SMS_MAIN_AUTH_TOKEN="t")
    assert settings.sms[0].options["auth_token"] == "t"


def test_any_key_of_any_table_comes_from_the_environment(folder: Path) -> None:
    settings = loaded(
        folder,
        BASE,
        REMINDERS_MODE="test",
        REMINDERS_ONLY_TO="+33639980012, a@example.org",
        REMINDERS_STORE_URL="postgresql://db.example.org/reminders",
        REMINDERS_WEB_INTERNAL_PORT="9000",
        REMINDERS_NETWORK_PROXY="http://proxy.example.org:3128",
        REMINDERS_EMAIL_HOST="smtp.example.org",
        REMINDERS_DPI_AGENDA_PATH="ailleurs/*.csv",
        REMINDERS_SITE_SUD_PHONE="01 99 00 00 01",
    )
    assert settings.only_to == ("+33639980012", "a@example.org")
    assert settings.store.url.startswith("postgresql://")
    assert settings.web.internal_port == 9000
    assert settings.network.proxy == "http://proxy.example.org:3128"
    assert settings.email is not None
    assert settings.dpi[0].options["path"] == "ailleurs/*.csv"
    assert settings.site[0].phone == "01 99 00 00 01"


def test_a_variable_belongs_to_the_table_with_the_longest_name(folder: Path) -> None:
    second = SPECIFIED[SPECIFIED.index("[[sms]]") : SPECIFIED.index("[email]")]
    text = SPECIFIED + second.replace('"main"', '"main-2"')
    settings = loaded(folder, text, REMINDERS_SMS_MAIN_2_AUTH_TOKEN="second")
    assert [one.options["auth_token"] for one in settings.sms] == ["s3cret", "second"]


def test_a_database_password_comes_from_a_file(folder: Path) -> None:
    (folder / "db.url").write_text("postgresql://u:p@db.example.org/r\n", encoding="utf-8")
    assert loaded(folder, BASE + '[store]\nurl_file = "db.url"').store.url.endswith("/r")


def test_a_missing_secret_file_is_one_mistake_with_its_remedy(folder: Path) -> None:
    (folder / "twilio.token").unlink()
    found = mistake(folder, SPECIFIED)
    assert found.startswith("sms « main » › auth_token_file (ligne 29)")
    assert "chmod 600" in found


def test_no_value_is_quoted_since_it_may_be_a_secret(folder: Path) -> None:
    text = SPECIFIED.replace('sender = "rdv@ch-exemple.fr"', 'sender = "rdv@ch"').replace(
        "max_per_second = 10", 'max_per_second = "hunter2"'
    )
    (folder / "hospital.toml").write_text(text + 'password = "hunter2"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError) as refusal:
        configured(folder / "hospital.toml")
    assert "hunter2" not in str(refusal.value)


# --- the file itself -------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_mistake(folder: Path) -> None:
    assert loaded(folder, "\ufeff" + BASE).site[0].id == "sud"


@pytest.mark.parametrize(
    ("name", "told"), [("absent.toml", "fichier introuvable"), (".", "c'est un dossier")]
)
def test_a_file_that_is_not_there_is_named(folder: Path, name: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load(folder / name)


def test_a_file_in_another_encoding_is_said(folder: Path) -> None:
    (folder / "hospital.toml").write_bytes('name = "Hôpital"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load(folder / "hospital.toml")


def test_a_service_whose_label_names_sensitive_care_is_excluded_unless_said(folder: Path) -> None:
    service = '[[service]]\nuf = "{}"\nsite = "sud"\nlabel = "Consultation d\'addictologie"\n{}\n'
    settings = loaded(
        folder, BASE + service.format("1", "") + service.format("2", 'sensitivity = "neutral"')
    )
    assert [one.effective_sensitivity for one in settings.service] == ["excluded", "neutral"]
