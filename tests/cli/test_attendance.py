"""The desk's commands: the day's answers, who came, and a CSV a spreadsheet cannot run."""

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.cli.cells import MARK, STARTS, harmless, write_csv
from reminders.domain.answer import AnswerKind
from reminders.services.answer import Given, give
from reminders.store.engine import Store, open_engine, rows
from tests.support.clinic import paris
from tests.support.desk import MORNING, Desk, visit

DAY = ("--day", "2026-10-13")
AT_NIGHT = ("--at", "2026-10-13T20:00")


@pytest.fixture
def hospital(desk: Desk) -> Desk:
    """Three appointments of today, read in a rehearsal; the second is called off at noon."""
    desk.configure(mode="rehearsal")
    desk.export([visit(number, date="13/10/2026", hour="15h00") for number in (1, 2, 3)])
    assert desk.run("run", "--at", MORNING).code in (0, 3)
    says(desk, "R2", AnswerKind.CANCELLED)
    return desk


def says(desk: Desk, number: str, kind: AnswerKind) -> None:
    store = Store(open_engine(f"sqlite:///{desk.database}"))
    with store.write() as connection:
        (one,) = rows(
            connection, "SELECT id, version FROM appointment WHERE external_id = :n", n=number
        )
        about = ((one.id, one.version),)
        give(connection, Given(kind, about, "sms", f"test:{number}"), now=paris("2026-10-13 12:00"))
    store.close()


def told(desk: Desk, *arguments: str) -> Any:
    answer = desk.run(*arguments, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def test_the_days_answers_are_listed_with_what_is_left_to_enter(hospital: Desk) -> None:
    shown = hospital.run("answers", "list", *DAY, *AT_NIGHT)
    assert shown.code == 0
    (line,) = [line for line in shown.lines if "R2" in line]
    for word in ("agenda", "15:00", "4220", "annule", "12:00", "SMS", "NON TRAITÉE"):
        assert word in line
    assert "1 réponse à enregistrer dans le DPI" in shown.out
    assert "EXEMPLE" not in shown.out

    (one,) = told(hospital, "answers", "list", *DAY, *AT_NIGHT)["answers"]
    assert one["appointment"] == "R2"
    assert one["dpi"] == "no"
    assert datetime.fromisoformat(one["given_at"]) == paris("2026-10-13 12:00")


def test_what_is_not_treated_is_listed_whatever_its_day(hospital: Desk) -> None:
    later = ("--at", "2026-11-20T09:00")
    assert told(hospital, "answers", "list", *later)["answers"] == []
    (one,) = told(hospital, "answers", "list", "--untreated", *later)["answers"]
    assert one["appointment"] == "R2"


def test_the_csv_opens_in_a_french_spreadsheet(hospital: Desk) -> None:
    shown = hospital.run("answers", "list", *DAY, "--csv", *AT_NIGHT)
    assert shown.out.startswith(MARK)
    heads, *lines = csv.reader(io.StringIO(shown.out.removeprefix(MARK)), delimiter=";")
    assert heads[:3] == ["Source", "Numéro", "Rendez-vous"]
    assert [line[:3] for line in lines] == [["agenda", "R2", "13/10/2026 15:00"]]


def test_the_day_is_marked_by_a_person_and_shown(hospital: Desk) -> None:
    shown = hospital.run("attendance", "list", *DAY, *AT_NIGHT)
    assert shown.code == 0
    assert "2 arrivées non notées" in shown.out
    assert shown.out.count("À VALIDER") == 2
    assert "annulé par le patient, NON TRAITÉ" in shown.out

    assert hospital.run("attendance", "mark", "agenda", "R1", "absent", *AT_NIGHT).code == 0
    found = told(hospital, "attendance", "list", *DAY, *AT_NIGHT)["appointments"]
    assert {one["appointment"]: one["state"] for one in found} == {
        "R1": "absent",
        "R2": "cancellation-asked",
        "R3": "to-validate",
    }
    report = hospital.run("report", "--month", "2026-10", "--json", *AT_NIGHT)
    assert json.loads(report.out)["figures"] is None  # of three patients nothing is told

    assert hospital.run("attendance", "mark", "agenda", "R1", "none", *AT_NIGHT).code == 0
    again = told(hospital, "attendance", "list", *DAY, *AT_NIGHT)["appointments"]
    assert [one["state"] for one in again].count("to-validate") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("mark", "agenda", "R9", "came"), 1, "inconnu"),
        (("mark", "agenda", "R1", "peut-être"), 2, "choisir parmi"),
        (("list", "--day", "13/10"), 2, "2026-10-14"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(
    hospital: Desk, arguments: tuple[str, ...], code: int, words: str
) -> None:
    shown = hospital.run("attendance", *arguments, *AT_NIGHT)
    assert shown.code == code
    assert words in shown.err


def test_write_back_is_refused_on_a_source_that_cannot_be_written_to(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    text = desk.config.read_text(encoding="utf-8")
    desk.config.write_text(
        text.replace('kind = "csv"', 'kind = "csv"\nwrite_back = true'), encoding="utf-8"
    )
    shown = desk.run("check")
    assert shown.code == 2
    assert "write_back" in shown.err
    assert "reminders answers list" in shown.err


# --- no cell is a formula ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+33639980012", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠x",
     "  =1", "\u00a0=1", "\u200b=1", "\ufeff=1"],
)  # fmt: skip
def test_what_could_be_run_is_shown_instead(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "R1", "mar. 13/10 15:00", "3140", "a=b", "l'accueil"])
def test_ordinary_cells_are_left_as_they_are(cell: str) -> None:
    assert harmless(cell) == cell


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_no_line_a_spreadsheet_reads_begins_a_formula(cells: list[str]) -> None:
    stream = io.StringIO()
    write_csv(stream, ["x"] * len(cells), [cells])
    _, line = csv.reader(
        io.StringIO(stream.getvalue().removeprefix(MARK), newline=""), delimiter=";"
    )
    assert len(line) == len(cells)
    for before, after in zip(cells, line, strict=True):
        assert after in (before, f"'{before}")
        assert not after.lstrip().startswith(STARTS)
