"""The privacy file tells the truth: its durations, keys and measures are those of the program."""

import re
from pathlib import Path

import pytest

from reminders.config import PrivacyTable, RetentionTable, SmsTable
from reminders.domain.access import GIVES, May, Role
from reminders.services.notice import Notice

ROOT = Path(__file__).parents[1]
PRIVACY = ROOT / "docs" / "privacy"
REGISTER = (PRIVACY / "registre.md").read_text(encoding="utf-8")
PROCESSORS = (PRIVACY / "sous-traitants.md").read_text(encoding="utf-8")
ASSESSMENT = (PRIVACY / "analyse-impact.md").read_text(encoding="utf-8")
POINTERS = re.findall(r"`([\w/]+\.py)::(\w+)`", ASSESSMENT)


def test_every_duration_is_the_programs_default() -> None:
    stated = re.findall(r"\| `(\w+_days)` \| (\d+) jours \|", REGISTER)
    assert {key: int(days) for key, days in stated} == RetentionTable().model_dump()


@pytest.mark.parametrize("pointer", POINTERS, ids="::".join)
def test_every_measure_is_where_the_assessment_says(pointer: tuple[str, str]) -> None:
    path, name = pointer
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^(?:def |class |async def ){name}\b|^{name}\b", source, re.MULTILINE)


def test_the_assessment_follows_the_outline_of_the_cnil() -> None:
    heads = re.findall(r"^##+ [\d.]+ ?(.*)$", ASSESSMENT, re.MULTILINE)
    for part in ("Contexte", "Principes fondamentaux", "Risques", "Accès illégitime",
                 "Modification non désirée", "Disparition", "Validation"):  # fmt: skip
        assert part in heads
    assert len(POINTERS) >= 20


def test_every_key_of_the_notice_is_one_of_the_configuration() -> None:
    keys = set(PrivacyTable.model_fields)
    named = set(re.findall(r"`(\w+)`", REGISTER + PROCESSORS))
    assert keys - {"accessibility"} <= named
    assert {"company", "country", "transfer"} <= named & set(SmsTable.model_fields)
    assert keys <= set(Notice.__dataclass_fields__)


def test_an_administrator_sees_no_patient_as_the_assessment_claims() -> None:
    assert "l'administrateur ne voit aucun nom" in ASSESSMENT
    assert May.SEE_PATIENTS not in GIVES[Role.ADMINISTRATOR]


def test_every_provider_the_program_knows_is_in_the_list() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for kind in project["entry-points"]["reminders.sms"]:
        assert f"`{kind}`" in PROCESSORS


def test_what_the_processors_list_says_providers_keep_is_the_default() -> None:
    from adapters.sms.twilio import Options

    assert Options.model_fields["content_retention"].default == "retain"
    assert "le défaut du logiciel est `retain`" in PROCESSORS
