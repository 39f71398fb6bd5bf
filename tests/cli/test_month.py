"""Months from the command line and by the daily run: closed once, shown, revised."""

import json
import sqlite3

from reminders.services.voices import euros, rare
from tests.support.desk import Desk, visit

LATER = "2026-11-10T07:00"


def lived(desk: Desk) -> None:
    desk.configure(mode="rehearsal")
    desk.export([visit(n) for n in range(1, 6)])
    desk.run_at("run")


def test_a_month_is_closed_shown_and_left_alone(desk: Desk) -> None:
    lived(desk)
    assert "Aucun mois clos" in desk.run("month", "list").out
    assert desk.run("month", "show", "2026-10").code == 1
    assert desk.run_at("month", "close", "2026-10").code == 1  # not over
    wrong = desk.run_at("month", "close", "octobre")
    assert wrong.code == 2
    assert wrong.err.startswith("Commande refusée : 1 point à corriger.\n• MOIS : mois illisible")
    assert desk.run("report", "--month", "oct").err.startswith("Commande refusée : 1 point")
    assert desk.run_at("month", "close", "9999-12").code == 2
    done = desk.run("month", "close", "2026-10", "--at", LATER)
    assert done.code == 0, done.err
    assert "2026-10, révision 1" in done.out
    assert "déjà clos" in desk.run("month", "close", "2026-10", "--at", LATER).out
    shown = json.loads(desk.run("month", "show", "2026-10", "--json").out)
    assert (shown["revision"], shown["intact"]) == (1, True)
    assert shown["content"]["savings"]["verdict"] == "no-holdout"
    told = _spaced(desk.run("month", "show", "2026-10").out)
    assert "non mesurée. Aucun groupe témoin n’a été approuvé" in told
    assert "gelé le 10/11/2026 à 7 h 00" in told
    assert "10/11/2026 à 7 h 00" in _spaced(desk.run("month", "list").out)
    assert "Rien n'a changé" in desk.run("month", "revise", "2026-10", "--at", LATER).out


def test_one_change_without_a_name_is_one(desk: Desk) -> None:
    lived(desk)
    desk.run("month", "close", "2026-10", "--at", LATER)
    with sqlite3.connect(desk.database) as database:
        database.execute(
            "INSERT INTO month_closing SELECT id + 1, month, 2, closed_at, closed_by, "
            "code_version, content, digest, :changes FROM month_closing",
            {"changes": json.dumps([["costs.0.value", 1, 2]])},
        )
    told = _spaced(desk.run("month", "show", "2026-10").out)
    assert "… et 1 autre chiffre : --json donne tout." in told


def test_amounts_and_chances_are_written_as_the_french_do() -> None:
    assert [_spaced(euros(one)) for one in (38_070.4, -1_200.0, 0.0)] == [
        "38 070 €",
        "−1 200 €",
        "0 €",
    ]
    assert [rare(one) for one in (0.0004, 1e-9)] == ["= 0,0004", "< 0,0001"]


def test_a_month_frozen_in_the_night_says_the_hospitals_day(desk: Desk) -> None:
    """As midnight strikes there it is still the day before at Greenwich."""
    lived(desk)
    done = desk.run("month", "close", "2026-10", "--at", "2026-11-10T00:30")
    assert "gelé le 10/11/2026" in done.out
    assert "gelé le 10/11/2026" in desk.run("month", "show", "2026-10").out
    assert "10/11/2026 à 0 h 30" in _spaced(desk.run("month", "list").out)


def test_a_report_of_a_closed_month_says_that_it_counts_what_came_since(desk: Desk) -> None:
    lived(desk)
    words = ("report", "--month", "2026-10", "--at", "2026-11-12T08:00")
    assert "Provisoire au 12/11/2026 à 8 h 00" in _spaced(desk.run(*words).out)
    found = json.loads(desk.run(*words, "--json").out)
    assert (found["provisional"], found["closed"]) == (True, [])
    desk.run("month", "close", "2026-10", "--at", LATER)
    said = "Mois clos, révision 1, arrêté le 10/11/2026 : ces chiffres, comptés le 12/11/2026"
    assert said in _spaced(desk.run(*words).out)
    assert said in _spaced(desk.run(*words, "--format", "csv").out)
    found = json.loads(desk.run(*words, "--json").out)
    assert found["provisional"] is False
    assert found["counted_at"].startswith("2026-11-12T")
    assert [(one["month"], one["revision"]) for one in found["closed"]] == [("2026-10", 1)]


def test_a_report_of_one_service_says_so_in_its_sentence(desk: Desk) -> None:
    lived(desk)
    words = ("report", "--month", "2026-10", "--at", "2026-11-12T08:00")
    assert "accueil B2)" not in desk.run(*words).out.splitlines()[0]
    assert desk.run(*words, "--format", "csv", "--output", "nulle/part.csv").err.strip() == (
        "• nulle/part.csv : son dossier n'existe pas → choisir un autre --output"
    )
    said = _spaced(desk.run(*words, "--service", "4220").out)
    assert said.startswith("En octobre 2026 (Consultations, accueil B2)")


def _spaced(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_daily_run_closes_the_month_on_its_day(desk: Desk) -> None:
    lived(desk)
    assert desk.run("run", "--at", "2026-11-09T09:00").code in (0, 3)
    assert "Aucun mois clos" in desk.run("month", "list").out
    desk.run("run", "--at", "2026-11-10T09:00")
    listed = json.loads(desk.run("month", "list", "--json").out)["months"]
    assert [(one["month"], one["revision"], one["closed_by"]) for one in listed] == [
        ("2026-10", 1, "")
    ]


def test_an_engine_and_a_command_that_close_at_once_close_once(desk: Desk) -> None:
    lived(desk)
    running = [
        desk.start("run", "--at", "2026-11-10T09:00"),
        desk.start("month", "close", "2026-10", "--at", LATER),
    ]
    for process in running:
        process.communicate(timeout=100)
    listed = json.loads(desk.run("month", "list", "--json").out)["months"]
    assert [(one["month"], one["revision"]) for one in listed] == [("2026-10", 1)]
