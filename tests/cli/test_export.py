"""`reminders export`: files of its owner's alone, whole or not there, and never over others."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.support.desk import MORNING, Desk, visit


@pytest.fixture
def hospital(desk: Desk) -> Desk:
    desk.configure(mode="rehearsal")
    desk.export([visit(number, date="13/10/2026", hour="15h00") for number in (1, 2, 3)])
    assert desk.run("run", "--at", MORNING).code in (0, 3)
    return desk


def test_a_folder_holds_every_table_with_its_description(hospital: Desk) -> None:
    told = hospital.run("export", "sortie", "--at", MORNING)
    assert told.code == 0, told.err
    assert "Exporté" in told.out
    folder = hospital.folder / "sortie"
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    patients = next(one for one in package["resources"] if one["name"] == "patient")
    assert patients["rows"] == 3
    assert (folder / "data" / "patient.jsonl").read_bytes().count(b"\n") == 3
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in hospital.folder.glob("*.en-cours")} == set()


def test_a_zip_is_one_file_of_the_same(hospital: Desk) -> None:
    assert hospital.run("export", "sortie.zip", "--at", MORNING).code == 0
    path = hospital.folder / "sortie.zip"
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {"LISEZ-MOI.md", "datapackage.json", "data/patient.csv"} <= set(archive.namelist())


def test_nothing_is_written_over(hospital: Desk) -> None:
    (hospital.folder / "sortie").mkdir()
    told = hospital.run("export", "sortie")
    assert told.code == 1
    assert "existe déjà" in told.err
    assert list((hospital.folder / "sortie").iterdir()) == []


def test_what_an_interrupted_export_left_is_named(hospital: Desk) -> None:
    (hospital.folder / "sortie.zip.en-cours").touch()
    told = hospital.run("export", "sortie.zip")
    assert told.code == 1
    assert "interrompu" in told.err
    assert not (hospital.folder / "sortie.zip").exists()


def test_one_persons_data_and_nobody_elses(hospital: Desk) -> None:
    assert hospital.run("export", "une", "--patient", "1").code == 0
    lines = (hospital.folder / "une" / "data" / "patient.jsonl").read_text(encoding="utf-8")
    assert lines.count("\n") == 1
    assert not (hospital.folder / "une" / "data" / "account.csv").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [(("--patient", "999"), "patient inconnu"), (("--patient", "1", "--no-names"), "sans autre")],
)
def test_what_cannot_be_is_said_and_leaves_nothing(
    hospital: Desk, options: tuple[str, ...], said: str
) -> None:
    told = hospital.run("export", "sortie", *options)
    assert told.code == 1
    assert said in told.err
    assert list(hospital.folder.glob("sortie*")) == []


def test_without_names_and_for_one_service(hospital: Desk) -> None:
    assert hospital.run("export", "nus", "--no-names", "--service", "4220").code == 0
    text = (hospital.folder / "nus" / "data" / "patient.csv").read_text(encoding="utf-8")
    assert "EXEMPLE" not in text
    assert text.count("\n") == 4
    assert not (hospital.folder / "nus" / "data" / "audit.csv").exists()


def test_without_a_database_there_is_nothing_to_export(desk: Desk, tmp_path: Path) -> None:
    desk.configure(mode="rehearsal")
    told = desk.run("export", "sortie")
    assert told.code == 1
    assert "n'existe pas encore" in told.err
    assert not (desk.folder / "sortie").exists()
