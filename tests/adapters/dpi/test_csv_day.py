"""A day of CSV files through the whole process: built, read, planned, rehearsed, put away."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reminders.bootstrap import Application, build
from reminders.clock import SimulatedClock
from reminders.config import Settings
from reminders.engine.tasks import Pass
from reminders.services.hold import release_holds
from reminders.services.sync import FeedSummary
from reminders.store.engine import rows
from tests.adapters.dpi.csv_export import Cells, Folder, cells, export

MONDAY = datetime(2026, 10, 12, 7, 0, tzinfo=UTC)  # 9:00 in Paris


class Day:
    """A hospital whose DPI drops files, on SQLite, in rehearsal."""

    def __init__(self, base: Path) -> None:
        self.folder = Folder(base)
        self.folder.path.mkdir()
        self.clock = SimulatedClock(MONDAY)
        self.dpi: dict[str, object] = {"id": "agenda", "kind": "csv", "path": "export/*.csv"}
        self.base = base

    def settings(self) -> Settings:
        site = {
            "id": "sud",
            "name": "Centre hospitalier Exemple",
            "short_name": "CH Exemple",
            "phone": "01 99 00 12 34",
        }
        service = {"uf": "4220", "site": "sud", "label": "Consultations, accueil B2"}
        return Settings.model_validate(
            {
                "store": {"url": f"sqlite:///{self.base / 'hospital.db'}"},
                "site": [site],
                "service": [service],
                "dpi": [self.dpi],
                "base_dir": self.base,
            }
        )

    def drop(self, content: str, name: str) -> None:
        self.folder.drop(content, name)

    def drop_now(self, content: str) -> None:
        self.drop(content, f"agenda_{self.clock.now():%Y%m%dT%H%M%SZ}.csv")

    def lives(self, *, keep_inputs: bool = False) -> Pass:
        async def one() -> Pass:
            application = build(self.settings(), self.clock, keep_inputs=keep_inputs)
            try:
                return await application.tasks.one_pass()
            finally:
                await application.aclose()

        return asyncio.run(one())

    def reads(self) -> FeedSummary:
        (feed,) = self.lives().feeds
        return feed

    def asks(self, query: str) -> list[tuple[object, ...]]:
        application: Application = build(self.settings(), self.clock)
        try:
            with application.store.read() as connection:
                return [tuple(row) for row in rows(connection, query)]
        finally:
            asyncio.run(application.aclose())

    def statuses(self) -> dict[object, object]:
        return dict(self.asks("SELECT external_id, status FROM appointment"))  # type: ignore[arg-type]

    def release(self) -> None:
        application = build(self.settings(), self.clock)
        try:
            release_holds(application.store, now=self.clock.now(), by="essai")
        finally:
            asyncio.run(application.aclose())


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path)


def people(count: int, **changes: str) -> list[Cells]:
    return [
        cells(
            NUM_RDV=f"R{n}",
            IPP=f"{n:07}",
            DATE_RDV=f"{20 + n % 5}/10/2026",
            TEL_PORTABLE=f"06 39 98 00 {n:02}",
            **changes,
        )
        for n in range(count)
    ]


def test_a_file_becomes_appointments_and_planned_messages(day: Day) -> None:
    day.drop_now(export(*people(8), cells(NUM_RDV="R99", HEURE_RDV="25h")))
    done = day.lives()
    (feed,) = done.feeds
    assert (feed.status, feed.rows, feed.created, feed.problem_count) == ("accepted", 8, 8, 1)
    assert done.plan.planned > 0
    assert done.held == []
    assert day.statuses() == {f"R{n}": "booked" for n in range(8)}
    assert ("06", "4220") in {
        ("06" if str(phone).startswith("+3363998") else phone, uf)
        for phone, uf in day.asks(
            "SELECT p.phone, a.uf FROM appointment a JOIN patient p ON p.id = a.patient_id"
        )
    }
    assert any(name.startswith("archive/2026-10-12/") for name in day.folder.files())


def test_the_same_file_again_is_known_and_changes_nothing(day: Day) -> None:
    content = export(*people(8))
    day.drop_now(content)
    assert day.reads().status == "accepted"
    assert day.lives().feeds == []
    day.drop_now(content)
    again = day.reads()
    assert (again.status, again.changed) == ("known", 0)
    assert [name for name in day.folder.files() if name.startswith("agenda")] == []


def test_the_same_content_in_another_order_changes_nothing(day: Day) -> None:
    both = [cells(CODE_AGENDA="AG1"), cells(CODE_AGENDA="SALLE", HEURE_RDV="9h45")]
    for rows_ in (both + people(8), people(8) + both[::-1], [both[1], *people(8), both[0]]):
        day.drop_now(export(*rows_))
        feed = day.reads()
        day.clock.jump_to(day.clock.now() + timedelta(minutes=5))
        assert feed.status == "accepted"
    assert (feed.created, feed.changed, feed.vanished) == (0, 0, 0)
    assert len(day.statuses()) == 9


def test_a_cut_file_holds_and_cancels_nothing(day: Day) -> None:
    whole = export(*people(8))
    day.drop_now(whole)
    day.lives()
    day.clock.jump_to(MONDAY + timedelta(hours=1))
    day.drop_now(whole[: len(whole) // 2])
    done = day.lives()
    assert (done.feeds[0].status, done.feeds[0].code) == ("refused", "truncated")
    assert [one.code for one in done.held] == ["truncated"]
    assert set(day.statuses().values()) == {"booked"}
    reports = [name for name in day.folder.files() if name.endswith(".rapport.txt")]
    assert len(reports) == 1
    assert reports[0].startswith("quarantaine/2026-10-12/")


def test_a_file_that_lost_most_lines_is_held_where_it_is(day: Day) -> None:
    day.drop_now(export(*people(40)))
    day.lives()
    day.clock.jump_to(MONDAY + timedelta(hours=1))
    day.drop_now(export(*people(10)))
    feed = day.reads()
    assert feed.status == "held"
    assert set(day.statuses().values()) == {"booked"}
    assert len([name for name in day.folder.files() if name.startswith("agenda")]) == 1
    day.release()
    assert day.reads().status == "accepted"  # a person looked: they really are gone
    assert list(day.statuses().values()).count("cancelled") == 30


def test_yesterdays_file_is_refused(day: Day) -> None:
    day.drop_now(export(*people(8)))
    day.lives()
    day.drop(export(*people(8, STATUT="Annulé")), "agenda_20261011_0530.csv")
    feed = day.reads()
    assert (feed.status, feed.code) == ("refused", "older")
    assert set(day.statuses().values()) == {"booked"}


def test_a_first_file_from_last_week_is_refused_and_holds(day: Day) -> None:
    day.drop(export(*people(8)), "agenda_20261005_0530.csv")
    done = day.lives()
    assert (done.feeds[0].status, done.feeds[0].code) == ("refused", "stale")
    assert [one.code for one in done.held] == ["stale"]
    assert day.statuses() == {}


def test_a_changed_header_waits_for_a_person(day: Day) -> None:
    day.drop_now(export(*people(8)))
    day.lives()
    day.clock.jump_to(MONDAY + timedelta(hours=1))
    day.drop_now(export(*(row | {"NOUVEAU": ""} for row in people(9))))
    assert day.reads().code == "header_changed"
    assert len(day.statuses()) == 8
    day.release()
    assert day.reads().status == "accepted"
    assert len(day.statuses()) == 9


@pytest.mark.parametrize("bad", ["x;y\r\n", '"R1234";"Confirmé"\r\n', None])
def test_while_a_line_may_be_anybodys_nobody_has_vanished(day: Day, bad: str | None) -> None:
    day.drop_now(export(*people(8)))
    day.lives()
    day.clock.jump_to(MONDAY + timedelta(hours=1))
    lines = export(*people(8)).splitlines(keepends=True)
    lines[3] = bad or lines[3].replace('"R2"', '""')
    day.drop_now("".join(lines))
    feed = day.reads()
    assert (feed.status, feed.problem_count, feed.vanished) == ("accepted", 1, 0)
    assert "absents de l'export : 1." in " ".join(feed.notes)
    assert set(day.statuses().values()) == {"booked"}


def test_an_unreadable_line_keeps_its_appointment(day: Day) -> None:
    day.drop_now(export(*people(8)))
    day.lives()
    day.clock.jump_to(MONDAY + timedelta(hours=1))
    lines = export(*people(8)).splitlines(keepends=True)
    lines[3] = lines[3].replace("9h30", "25h")
    del lines[4]
    day.drop_now("".join(lines))
    feed = day.reads()
    assert (feed.vanished, feed.problem_count) == (1, 1)
    assert day.statuses() == {f"R{n}": "cancelled" if n == 3 else "booked" for n in range(8)}


def test_deltas_are_applied_in_order_and_tell_only_changes(day: Day) -> None:
    day.dpi["mode"] = "delta"
    day.drop(export(*people(8)), "maj_20261012_0600.csv")
    day.drop(export(*people(2, STATUT="Annulé")), "maj_20261012_0700.csv")
    day.drop(export(*people(1)), "maj_20261012_0800.csv")
    assert [feed.status for feed in day.lives().feeds] == ["accepted"] * 3
    assert day.statuses() == {f"R{n}": "cancelled" if n == 1 else "booked" for n in range(8)}


def test_an_export_that_did_not_change_over_a_weekend_holds_nothing(day: Day) -> None:
    for hours in range(0, 73, 24):
        day.clock.jump_to(MONDAY + timedelta(hours=hours))
        day.drop_now(export(*people(8)))
        done = day.lives()
        assert [(feed.status, feed.changed) for feed in done.feeds] == [("accepted", 0)]
        assert list(done.held) == []


def test_an_hour_without_changes_is_news_of_its_own(day: Day) -> None:
    day.dpi["mode"] = "delta"
    day.drop_now(export(*people(8)))
    day.lives()
    for _ in range(3):
        day.clock.jump_to(day.clock.now() + timedelta(hours=10))
        day.drop_now(export())
        done = day.lives()
        assert [feed.status for feed in done.feeds] == ["accepted"]
        assert list(done.held) == []


def test_a_dry_run_moves_nothing(day: Day) -> None:
    day.drop_now(export(*people(8), cells(HEURE_RDV="25h")))
    day.drop(export(*people(8))[:-60], "agenda_20261011_0530.csv")
    before = day.folder.files()
    done = day.lives(keep_inputs=True)
    assert done.feeds[0].status == "accepted"
    assert day.folder.files() == before


def test_archived_files_leave_with_the_purge(day: Day) -> None:
    day.drop_now(export(*people(8)))
    day.lives()
    assert len(day.folder.files()) == 1
    day.clock.jump_to(MONDAY + timedelta(days=32))
    day.lives()
    assert day.folder.files() == []


def test_an_export_without_numbers_says_what_that_costs(day: Day) -> None:
    rows_ = people(8)
    for row in rows_:
        del row["NUM_RDV"]
    day.drop_now(export(*rows_))
    feed = day.reads()
    assert feed.created == 8
    assert "supprimé puis recréé" in " ".join(feed.notes)
    day.clock.jump_to(MONDAY + timedelta(hours=1))
    rows_[0]["HEURE_RDV"] = "11h"
    day.drop_now(export(*rows_))
    moved = day.reads()
    assert (moved.created, moved.vanished) == (1, 1)
    number = str(next(iter(day.statuses())))
    assert "0000" not in number


def test_a_folder_that_is_gone_is_told_and_holds_nothing_yet(day: Day) -> None:
    day.folder.path.rmdir()
    feed = day.reads()
    assert (feed.status, feed.code) == ("unavailable", "folder")
