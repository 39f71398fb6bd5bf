"""What a process makes sure of before it works, and that doing it again changes nothing."""

import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reminders.rendering import shipped
from reminders.services.rules import rules_of
from reminders.services.startup import prepare, rules_fingerprint, secret_of
from reminders.services.today import today_of
from reminders.store import facts, templates
from reminders.store.engine import Store, open_engine, rows
from reminders.store.types import micros
from tests.support.clinic import PARIS, SETTINGS, Clinic, settings_with, visit
from tests.support.stores import address


def content(store: Store) -> dict[str, list[object]]:
    """Every row, but the counters of keys: a gap in them means nothing."""
    names = ("setting", "template_version", "pacer", "hold", "patient", "message", "audit")
    with store.read() as connection:
        return {
            name: [tuple(row) for row in rows(connection, f"SELECT * FROM {name} ORDER BY 1")]
            for name in names
        }


def test_shipped_texts_enter_once_and_are_approved(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    with store.read() as connection:
        approved = templates.versions(connection, micros(clinic.now))
    keys = {(row.purpose, row.language, row.family, row.channel) for row in approved}
    assert keys == {
        (one.purpose, one.language, one.family, one.channel) for one in shipped() if one.reviewed
    }
    assert len(approved) == len(keys)
    assert set(clinic.rows("SELECT DISTINCT approved_by FROM template_version")[0]) == {
        "livré avec 1.0"
    }


def test_a_later_releases_text_is_a_proposal(store: Store) -> None:
    """A hospital's texts do not change because the service was upgraded."""
    clinic = Clinic(store)
    clinic.open()
    one = next(text for text in shipped() if text.reviewed)
    other = asdict(replace(one, body="Autre texte", content_hash="another"))

    def add() -> int:
        with store.write() as connection:
            templates.add_shipped(connection, [other], release="2.0", at=1)
        count: int = clinic.value(
            "SELECT COUNT(*) FROM template_version WHERE body = 'Autre texte'"
        )
        return count

    with store.read() as connection:
        before = templates.versions(connection, micros(clinic.now))
    assert add() == 1
    assert add() == 1
    state = clinic.value("SELECT state FROM template_version WHERE content_hash = 'another'")
    assert state == "proposed"
    with store.read() as connection:
        assert templates.versions(connection, micros(clinic.now)) == before


def test_a_text_nobody_reviewed_waits_as_a_proposal(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    waiting = clinic.rows(
        "SELECT DISTINCT language FROM template_version WHERE state = 'proposed' ORDER BY language"
    )
    assert [row.language for row in waiting] == ["ar", "falc"]


def test_a_release_that_says_a_text_was_reviewed_approves_it(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    unread = next(one for one in shipped() if not one.reviewed)

    def state(reviewed: bool) -> str:
        with store.write() as connection:
            read = asdict(replace(unread, reviewed=reviewed))
            templates.add_shipped(connection, [read], release="2.0", at=2)
        found: str = clinic.value(
            "SELECT state FROM template_version WHERE content_hash = :hash",
            hash=unread.content_hash,
        )
        return found

    assert state(reviewed=False) == "proposed"
    assert state(reviewed=True) == "approved"
    assert state(reviewed=False) == "approved"


def test_starting_again_changes_nothing(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(visit(1))
    clinic.plan()
    before = content(store)
    clinic.now += timedelta(hours=1)
    clinic.open()
    assert content(store) == before


def test_a_provider_without_its_pacer_gets_one_that_is_then_kept(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE pacer SET next_slot = 77")
    prepare(store, clinic.rules, ["main", "second"], "1.0", now=clinic.now)
    assert [tuple(row) for row in clinic.rows("SELECT * FROM pacer ORDER BY provider")] == [
        ("main", 77), ("second", 0),
    ]  # fmt: skip


def test_other_rules_make_everybody_with_an_appointment_be_planned_again(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(visit(1), visit(2, "2026-10-12 11:00"))
    clinic.plan()
    clinic.now += timedelta(hours=5)  # the second's appointment is past
    later = [*SETTINGS["service"][:1], SETTINGS["service"][1] | {"label": "Imagerie, accueil D"}]
    clinic.settings = settings_with(service=later)
    clinic.open()
    assert (clinic.patient(1).dirty, clinic.patient(2).dirty) == (1, 0)
    clinic.plan()
    clinic.open()
    assert clinic.patient(1).dirty == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"service": [SETTINGS["service"][0] | {"label": "Accueil Z"}]},
        {"service": [SETTINGS["service"][0] | {"sensitivity": "excluded"}]},
        {"site": [SETTINGS["site"][0] | {"latest": "18:00"}]},
        {"site": [SETTINGS["site"][0] | {"region": "alsace-moselle"}]},
        {"protocol": [{"id": "default", "step": [{"day": "J-2", "template": "short"}]}]},
    ],
)
def test_whatever_changes_a_plan_changes_the_fingerprint(changes: dict[str, Any]) -> None:
    before = rules_fingerprint(rules_of(settings_with()))
    assert rules_fingerprint(rules_of(settings_with(**changes))) != before


FINGERPRINT = """
from reminders.services.rules import rules_of
from reminders.services.startup import rules_fingerprint
from tests.support.clinic import settings_with
print(rules_fingerprint(rules_of(settings_with())))
"""


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    """Else every run would plan everybody again."""
    root = Path(__file__).parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_a_secret_is_made_once_whoever_asks_first(store: Store) -> None:
    found: set[bytes] = set()

    def ask() -> None:
        mine = Store(open_engine(address(store)))
        found.add(secret_of(mine, "callback:main"))
        mine.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert len(found.pop()) == 32
    assert secret_of(store, "another") != secret_of(store, "callback:main")


def test_a_fact_says_whether_it_was_another(store: Store) -> None:
    with store.write() as connection:
        assert facts.read(connection, "mode") == ""
        assert facts.replace(connection, "mode", "test")
        assert not facts.replace(connection, "mode", "test")
        facts.add(connection, "mode", "live")
        assert facts.read(connection, "mode") == "test"


# --- the page of the day ----------------------------------------------------------------------


def test_the_days_page_counts_its_messages_tasks_and_holds(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, "2026-10-13 15:00"), visit(2, "2026-10-13 16:00"), visit(3, "2026-11-13 16:00"),
        visit(4, uf="9999"),
    )  # fmt: skip
    clinic.plan()
    clinic.now += timedelta(hours=2)
    with store.write() as connection:
        connection.exec_driver_sql(
            "UPDATE message SET state = 'DELIVERED' WHERE id = (SELECT MIN(id) FROM message)"
        )
    page = today_of(store, PARIS, now=clinic.now)
    assert (page.planned, page.sent, page.delivered, page.held) == (2, 1, 1, 0)
    assert page.states == {"prévu": 1, "remis": 1}
    assert page.overdue == 1
    assert (page.tasks_open, page.tasks[0].subject, page.tasks[0].number) == (1, "unmapped_uf", 1)
    assert page.sources[0].id == "agenda"
    clinic.now += timedelta(days=40)
    clinic.sync()
    page = today_of(store, PARIS, now=clinic.now)
    assert [one.code for one in page.holds] == ["stale"]
    assert page.planned == 0
