"""`reminders calls list`: on paper, in a spreadsheet, for a program."""

import csv
import json
import sqlite3
from contextlib import closing
from io import StringIO

import pytest

from reminders.store.types import micros
from tests.support.clinic import paris
from tests.support.desk import Desk, visit

TUESDAY = "2026-10-13"
HOSTILE = "=HYPERLINK(1)"


@pytest.fixture
def called(hospital: Desk) -> Desk:
    """Two patients of tomorrow that no text can reach, after a pass; nothing is held."""
    hospital.export(
        [
            visit(1, mobile="", hour="14h"),
            visit(2, mobile="01 99 00 00 12", hour="9h30", family=HOSTILE),
            visit(3),
        ]
    )
    hospital.run_at("run")
    hospital.run_at("release", "--yes")
    assert hospital.run_at("run").code == 0
    return hospital


def test_the_calls_of_a_day_are_printed_by_hour(called: Desk) -> None:
    answer = called.run_at("calls", "list", "--day", TUESDAY)

    assert answer.code == 0
    assert answer.lines[0] == "Appels du 13/10/2026 : 2 appels"
    first, second = answer.out.index("à 9h30"), answer.out.index("à 14h")
    assert first < second
    assert "    EXEMPLE Léa, né(e) le 28/03/1979, IPP 0000001" in answer.lines
    assert "Téléphone dans le DPI (le patient)" in answer.out
    assert "« Bonjour, ici Centre hospitalier Exemple." in answer.out


def test_no_cell_of_the_csv_is_a_formula(called: Desk) -> None:
    answer = called.run_at("calls", "list", "--csv")
    lines = list(csv.reader(StringIO(answer.out.removeprefix("\ufeff")), delimiter=";"))

    assert [line[lines[0].index("Nom")] for line in lines[1:]] == [f"'{HOSTILE}", "EXEMPLE"]
    assert all(not cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


def test_the_json_is_the_same_list(called: Desk) -> None:
    told = json.loads(called.run_at("calls", "list", "--json", "--uf", "4220").out)

    assert told["day"] == TUESDAY
    assert [one["hour"] for one in told["calls"]] == ["9h30", "14h"]
    assert json.loads(called.run_at("calls", "list", "--json", "--uf", "1").out)["calls"] == []


def test_a_day_without_calls_says_so_and_a_wrong_day_is_named(called: Desk) -> None:
    assert "aucun" in called.run_at("calls", "list", "--day", "2026-10-20").out
    wrong = called.run_at("calls", "list", "--day", "demain")
    assert wrong.code == 2
    assert "jour illisible" in wrong.err


def test_a_try_in_vain_is_told_beside_the_reason(called: Desk) -> None:
    """Tried at 10:05 on Monday, by the API."""
    with closing(sqlite3.connect(called.database)) as base, base:
        base.execute(
            "INSERT INTO task_event (id, task_id, at, actor, action, detail) "
            "SELECT 9000, MIN(id), ?, 'nadia', 'try', 'no-answer' FROM task",
            (micros(paris("2026-10-12 10:05")),),
        )
    printed = called.run_at("calls", "list", "--day", TUESDAY).out
    assert printed.count("Essayé 1 fois, dernière fois le 12/10/2026 à 10:05.") == 1
    told = json.loads(called.run_at("calls", "list", "--day", TUESDAY, "--json").out)["calls"]
    assert sorted(one["tries"] for one in told) == [0, 1]
