"""`reminders templates`: out as files, back in as proposals."""

import json
from pathlib import Path

import pytest

from reminders.cli import execute

CONFIG = """
[[site]]
id = "sud"
name = "Centre hospitalier Exemple"
short_name = "CH Exemple"
phone = "01 99 00 12 34"

[[service]]
uf = "4220"
site = "sud"
label = "Consultations, accueil B2"

[[dpi]]
id = "agenda"
kind = "csv"
path = "export/*.csv"
"""


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hospital.toml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "export").mkdir()
    monkeypatch.chdir(tmp_path)
    assert execute(["run"]) in (0, 1, 3)
    return tmp_path


def test_texts_go_out_and_come_back_as_proposals(
    hospital: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["templates", "export", "modeles"]) == 0
    assert "modeles" in capsys.readouterr().out
    file = hospital / "modeles/fr/short.any.sms/v0001.txt"
    file.write_text("Autre texte. {{ telephone_secretariat }}", encoding="utf-8")
    assert execute(["templates", "import", "modeles", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "short.fr.any.sms : version 2 proposée" in told
    assert "À blanc, rien n'est écrit : 1 texte proposé" in told
    assert execute(["templates", "import", "modeles", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["proposed"], found["dry_run"]) == (1, False)
    assert execute(["templates", "import", "modeles"]) == 0
    assert capsys.readouterr().out.startswith("0 texte proposé")


def test_a_mistake_is_one_line_with_its_file(
    hospital: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["templates", "export", "modeles"]) == 0
    file = hospital / "modeles/fr/short.any.sms/v0001.txt"
    file.write_text("Bonjour\n{{ motif }} {{ telephone_secretariat }}", encoding="utf-8")
    assert execute(["templates", "import", "modeles"]) == 2
    assert "fr/short.any.sms/v0001.txt, ligne 2" in capsys.readouterr().err


def test_a_folder_of_something_else_is_said(
    hospital: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["templates", "import", "export"]) == 2
    assert "manifest.json" in capsys.readouterr().err
