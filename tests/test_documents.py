"""The documents tell the truth: links lead somewhere, examples load, every key is explained."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from adapters.dpi.csv_options import CsvOptions
from adapters.dpi.fhir import FhirOptions
from adapters.email.smtp import Options as SmtpOptions
from adapters.sms.ovh import Options as OvhOptions
from adapters.sms.twilio import Options as TwilioOptions
from reminders import config
from reminders.cli import execute

ROOT = Path(__file__).parent.parent
CONFIGURATION = ROOT / "docs" / "configuration.md"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def tables(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A configuration table and all those inside it."""
    yield model
    for field in model.model_fields.values():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from tables(part)


def keys() -> set[str]:
    found = {key for table in tables(config.Settings) for key in table.model_fields}
    inner = {key for key in config.Settings.model_fields if key not in ("mode", "only_to")}
    return found - inner - {"step"}


def toml_blocks(document: Path) -> list[str]:
    return re.findall(r"```toml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)


def test_every_relative_link_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {target}"
        for path in DOCUMENTS
        for target in re.findall(
            r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text(encoding="utf-8")
        )
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_every_key_of_the_configuration_is_explained() -> None:
    explained = set(re.findall(r"`([a-z_]+)`", CONFIGURATION.read_text(encoding="utf-8")))
    assert keys() - explained == set()


@pytest.mark.parametrize(
    "options",
    [TwilioOptions, OvhOptions, SmtpOptions, FhirOptions, CsvOptions],
    ids=lambda options: options.__module__,
)
def test_every_key_of_every_adapter_is_explained(options: type[BaseModel]) -> None:
    explained = set(re.findall(r"`([a-z_]+)`", CONFIGURATION.read_text(encoding="utf-8")))
    assert set(options.model_fields) - explained == set()


def test_every_command_is_named_where_people_look_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert execute(["--help"]) == 0
    told = capsys.readouterr().out
    commands = set(re.findall(r"^  ([a-z]+)  ", told.split("Commands:")[1], re.MULTILINE))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert commands >= {"run", "serve", "why", "check", "migrate", "hold", "release", "object"}
    assert {one for one in commands if not re.search(rf"`{one}[ `]", readme)} == set()


def test_every_event_that_is_logged_is_explained() -> None:
    events = {
        event
        for path in (ROOT / "reminders").rglob("*.py")
        if "web/staff" not in path.as_posix()  # `tell` is gettext there, and nothing is logged
        for event in re.findall(
            r'\b(?:log\.\w+|tell|asking_failed)\(\s*"([^"]+)"', path.read_text(encoding="utf-8")
        )
    }
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert "feed read" in events
    assert {one for one in events if f"`{one}`" not in operations} == set()


def test_every_metric_is_explained() -> None:
    source = (ROOT / "reminders" / "web" / "internal.py").read_text(encoding="utf-8")
    metrics = set(re.findall(r'"(reminders_\w+)"', source))
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert metrics
    assert {one for one in metrics if one not in operations} == set()


def test_every_key_that_the_configuration_page_explains_with_a_default_has_that_default() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    delivery = dict(re.findall(r"^\| `(\w+)` \| `([\d.]+)` \|", text, re.MULTILINE))
    settings = config.Settings()
    actual = {
        **settings.delivery.model_dump(),
        **settings.gate.model_dump(),
        **settings.retention.model_dump(),
    }
    stated = {key: float(value) for key, value in delivery.items() if key in actual}
    assert stated
    assert stated == {key: float(actual[key]) for key in stated}


@pytest.mark.parametrize(
    "document", [ROOT / "README.md", CONFIGURATION], ids=lambda path: path.name
)
def test_the_first_example_of_a_document_is_a_valid_configuration(
    document: Path, tmp_path: Path
) -> None:
    (tmp_path / "hospital.toml").write_text(toml_blocks(document)[0], encoding="utf-8")
    (tmp_path / "twilio.token").write_text("secret", encoding="utf-8")
    settings = config.load(tmp_path / "hospital.toml", {})
    assert [site.id for site in settings.site] == ["sud"]
    assert [sender.id for sender in settings.sms] == ["main"]


def test_every_decision_is_listed() -> None:
    pages = {path.name for path in (ROOT / "docs" / "adr").glob("0*.md")}
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert pages == set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", index))
