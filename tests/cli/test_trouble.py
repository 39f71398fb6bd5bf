"""What goes wrong on a hospital's machine: one French line, the right code, never a traceback."""

import os
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.support.desk import CSV, SITE, Answer, Desk, visit

COMMANDS = [
    ("run",),
    ("run", "--dry-run"),
    ("serve",),
    ("why", "R1"),
    ("check",),
    ("migrate",),
    ("hold",),
    ("release", "--yes"),
    ("object", "06 39 98 00 12"),
    ("purge",),
    ("report", "--month", "2026-10"),
]
USE_THE_DATABASE = [one for one in COMMANDS if one != ("check",)]


def names(words: tuple[str, ...]) -> str:
    return " ".join(words)


def one_line(told: Answer, code: int) -> str:
    assert told.code == code, told
    (line,) = [line for line in told.err.splitlines() if line.startswith("•")]
    assert " → " in line
    assert "Traceback" not in told.err
    assert "Erreur inattendue" not in told.err
    return line


@pytest.mark.parametrize("words", COMMANDS, ids=names)
def test_a_wrong_configuration_stops_every_command_with_2(
    desk: Desk, words: tuple[str, ...]
) -> None:
    (desk.folder / "autre.toml").write_text('mode = "vif"\n' + SITE + CSV, encoding="utf-8")
    told = desk.run(*words, "--config", "autre.toml")
    assert "mode (ligne 1) : valeur inconnue" in one_line(told, 2)
    assert not desk.database.exists()


@pytest.mark.parametrize("words", COMMANDS, ids=names)
def test_an_absent_configuration_stops_every_command_with_2(
    desk: Desk, words: tuple[str, ...]
) -> None:
    assert "hospital.toml : fichier introuvable → l'écrire (docs/configuration.md)" in one_line(
        desk.run(*words), 2
    )


def test_an_adapter_nobody_installed_is_a_mistake_of_the_configuration(desk: Desk) -> None:
    desk.configure(mode="rehearsal", tables=SITE + CSV.replace('"csv"', '"hl7"'))
    for words in (("run",), ("run", "--dry-run"), ("check",), ("release", "--yes"), ("purge",)):
        line = one_line(desk.run(*words), 2)
        assert "dpi « agenda » › kind (ligne " in line
        assert "choisir parmi : csv, fhir" in line
    assert not desk.database.exists()


@pytest.mark.parametrize("words", USE_THE_DATABASE, ids=names)
def test_a_file_that_is_no_database_is_named_with_1(desk: Desk, words: tuple[str, ...]) -> None:
    desk.configure(mode="rehearsal")
    desk.database.write_text("ceci n'est pas une base, mais un texte assez long " * 40)
    assert "base de données" in one_line(desk.run(*words), 1)


@pytest.mark.parametrize("words", USE_THE_DATABASE, ids=names)
def test_a_folder_that_is_not_there_is_named_with_1(desk: Desk, words: tuple[str, ...]) -> None:
    desk.configure('[store]\nurl = "sqlite:///absent/hospital.db"', mode="rehearsal")
    assert "base de données" in one_line(desk.run(*words), 1)


@pytest.mark.parametrize("words", USE_THE_DATABASE, ids=names)
def test_postgresql_that_is_down_is_named_with_1(desk: Desk, words: tuple[str, ...]) -> None:
    desk.configure(
        '[store]\nurl = "postgresql://u:hunter2@127.0.0.1:1/reminders"', mode="rehearsal"
    )
    told = desk.run(*words)
    assert "base de données : inaccessible" in one_line(told, 1)
    assert "hunter2" not in told.out + told.err


@pytest.mark.parametrize("words", [("run",), ("run", "--dry-run")], ids=names)
def test_a_database_cut_in_the_middle_is_named_with_1(desk: Desk, words: tuple[str, ...]) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(1)])
    assert desk.run_at("run").code == 0
    content = desk.database.read_bytes()
    for journal in desk.folder.glob("hospital.db-*"):
        journal.unlink()
    desk.database.write_bytes(content[:4096] + os.urandom(len(content) - 4096))
    assert "base de données" in one_line(desk.run_at(*words), 1)


def test_a_database_that_cannot_be_written_is_named_with_1(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    assert desk.run("migrate").code == 0
    with sqlite3.connect(desk.database) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON hold "
            "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
        )
    connection.close()
    told = desk.run("hold")
    assert told.code == 1
    assert "Traceback" not in told.err


def test_a_bad_address_of_the_database_is_a_mistake_of_the_configuration(desk: Desk) -> None:
    for url in ("mysql://127.0.0.1/x", "sqlite://", "n'importe quoi"):
        desk.configure(f'[store]\nurl = "{url}"', mode="rehearsal")
        assert "store › url" in one_line(desk.run("run"), 2)


@pytest.mark.parametrize("key", ["internal_port", "public_port"])
def test_a_port_that_is_taken_is_named_with_1(desk: Desk, key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = {"internal_port": 0, "public_port": 0} | {key: taken}
        text = "\n".join(f"{name} = {port}" for name, port in ports.items())
        desk.configure(f'[web]\npublic_url = "https://r.example.org"\n{text}', mode="rehearsal")
        line = one_line(desk.run("serve"), 1)
    assert f"web › {key} (ligne " in line
    assert f"127.0.0.1:{taken} n'est pas libre" in line


def test_a_wrong_month_and_a_wrong_instant_are_explained(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    assert "2026-10" in one_line(desk.run("report", "--month", "octobre"), 2)
    assert "2026-10-13T10:00" in one_line(desk.run("run", "--at", "demain"), 2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("envoyer",), "commande inconnue « envoyer »"),
        (("run", "--sec"), "option inconnue « --sec »"),
        (("run", "tout"), "de trop : tout"),
        (("report",), "il manque --month"),
        (("why",), "il manque RENDEZ-VOUS"),
        (("run", "--config"), "--config attend une valeur"),
        (("demo", "--days", "beaucoup"), "valeur refusée pour --days"),
    ],
)
def test_what_is_typed_wrong_is_one_french_line(
    desk: Desk, words: tuple[str, ...], told: str
) -> None:
    line = one_line(desk.run(*words), 2)
    assert told in line
    assert "--help" in line


def test_an_error_nobody_foresaw_is_named_by_class_and_place_only(
    desk: Desk, tmp_path: Path
) -> None:
    """A hospital's own adapter with a bug: the patient it was reading is not told."""
    package = tmp_path / "plugin"
    info = package / "broken_dpi-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-dpi\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reminders.dpi]\nbroken = broken_dpi:create\n")
    (package / "broken_dpi.py").write_text(
        "def create(options, wiring):\n    raise KeyError('EXEMPLE Léa 0639980012')\n"
    )
    desk.configure(mode="rehearsal", tables=SITE + '[[dpi]]\nid = "a"\nkind = "broken"\n')
    desk.environment["PYTHONPATH"] = str(package)
    process = desk.start("run")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Erreur inattendue : KeyError" in err
    assert "EXEMPLE" not in out + err
    assert "Traceback" not in err
