"""What the no-show report counts: which appointments enter, what becomes of them, how fresh."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reminders.config import RetentionTable
from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import AppointmentRecord, CancelledBy, Status
from reminders.domain.guard import Limits
from reminders.domain.hiding import Group, Hiding, Key
from reminders.domain.holdout import Arm
from reminders.domain.outcome import Attendance, Outcome
from reminders.domain.report import HIDDEN_BELOW, Month
from reminders.domain.report_unit import FATE, KIND, OUTCOMES
from reminders.services.answer import Given, give
from reminders.services.attendance import mark
from reminders.services.purge import purge
from reminders.services.rollup import is_behind, recompute, refresh
from reminders.services.rollup_month import count as count_month
from reminders.services.sync import SyncOptions, sync
from reminders.store import calls, rollups
from reminders.store.engine import Record, Store, run
from reminders.store.slots import MOVED_WITHIN
from reminders.store.types import DAY, micros
from tests.domain.test_hiding import follows
from tests.support.clinic import (
    PARIS,
    SETTINGS,
    Clinic,
    paris,
    settings_with,
    someone,
    visit,
    visits,
)
from tests.support.comparison import APPOINTMENT, CAME, CANCELLED, SINCE, Comparison
from tests.support.effort import effort
from tests.support.stores import PostgresDatabases, SqliteFiles

OCTOBER = Month(2026, 10).number
NAMES = ("attended", "no_show", "cancelled_early", "cancelled_late", "cancelled_by_hospital",
         "unknown", "pending")  # fmt: skip
LOOSE = Limits(least_share=0, most_share=99, vanished_at_least=999, moved_share=9)
START = paris("2026-10-05 09:00")  # before the first reminder of the 20th is due


@pytest.fixture
def clinic(store: Store) -> Clinic:
    return Clinic(store, now=START)


def refreshed(clinic: Clinic) -> None:
    refresh(clinic.store, clinic.rules, now=clinic.now)
    assert not is_behind(clinic.store, clinic.rules, now=clinic.now)


def tell(clinic: Clinic, *records: AppointmentRecord) -> None:
    """What changed, without what would make a person look first: all moved alike, none to come."""
    clinic.feed(*records, mode="delta")
    table = clinic.settings.dpi[0]
    found = sync(clinic.store, table, clinic.source, SyncOptions(LOOSE, live=False), now=clinic.now)
    assert found[-1].status == "accepted", found


def counted(
    clinic: Clinic, uf: str = "*", dim: str = "all", month: int = OCTOBER
) -> dict[str, dict[str, int]]:
    """Value -> outcomes that are not 0."""
    found = clinic.rows(
        "SELECT * FROM rollup WHERE month = :month AND uf = :uf AND dim = :dim ORDER BY value",
        month=month, uf=uf, dim=dim,
    )  # fmt: skip
    return {
        row.value: {name: getattr(row, name) for name in NAMES if getattr(row, name)}
        for row in found
    }


def whole(clinic: Clinic, **where: object) -> dict[str, int]:
    return counted(clinic, **where).get("", {})  # type: ignore[arg-type]


def sums(clinic: Clinic, uf: str = "*") -> Record:
    return clinic.rows("SELECT * FROM rollup_sum WHERE uf = :uf AND month = :month",
                       uf=uf, month=OCTOBER)[0]  # fmt: skip


def at(clinic: Clinic, moment: str) -> None:
    clinic.now = paris(moment)


def everything(clinic: Clinic) -> Mapping[str, Counter[tuple[object, ...]]]:
    return {
        table: Counter(tuple(row) for row in clinic.rows(f"SELECT * FROM {table}"))
        for table in ("rollup", "rollup_sum", "report_unit")
    }


# --- who enters, and when ------------------------------------------------------------------------


def test_an_appointment_enters_when_its_first_reminder_is_due(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 7)))
    refreshed(clinic)
    assert whole(clinic) == {}
    at(clinic, "2026-10-13 09:00")  # seven days before, as the permitted hours open
    refreshed(clinic)
    assert whole(clinic) == {"pending": 6}
    at(clinic, "2026-10-20 09:31")
    refreshed(clinic)
    assert whole(clinic) == {"unknown": 6}


def test_what_was_called_off_before_is_none_and_after_it_is_one(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 4)))
    tell(clinic, visit(1, status=Status.CANCELLED), *visits((2, 3)))
    at(clinic, "2026-10-14 09:00")
    tell(clinic, visit(1, status=Status.CANCELLED), visit(2, status=Status.CANCELLED), visit(3))
    refreshed(clinic)
    assert whole(clinic) == {"cancelled_early": 1, "pending": 1}


def test_who_cannot_be_written_to_is_one_all_the_same(clinic: Clinic) -> None:
    """The same in both arms, and whoever the patient is."""
    tell(clinic, *(replace(visit(n), patient=replace(patient, contacts=()))
                  for n in range(1, 6) if (patient := visit(n).patient)))  # fmt: skip
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    assert counted(clinic, dim="reach") == {"none": {"pending": 5}}


def test_what_it_was_when_it_entered_stays(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 6)))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    before = clinic.rows("SELECT appointment_id, kind, entered_at, uf FROM report_unit ORDER BY 1")
    tell(clinic, *(visit(n, uf="4230") for n in range(1, 6)))
    refreshed(clinic)
    recompute(clinic.store, clinic.rules, now=clinic.now)
    after = clinic.rows("SELECT appointment_id, kind, entered_at, uf FROM report_unit ORDER BY 1")
    assert before == after
    kind = before[0].kind
    assert (KIND["weekday"].of(kind), KIND["hour"].of(kind), KIND["day"].of(kind)) == (2, 9, 20)


def test_a_day_is_the_sites_whatever_the_season(clinic: Clinic) -> None:
    """Nine o'clock is nine o'clock on both sides of the change of clocks."""
    tell(clinic, visit(1, "2026-10-23 09:00"), visit(2, "2026-10-26 09:00"))
    at(clinic, "2026-10-27 09:00")
    refreshed(clinic)
    assert counted(clinic, dim="hour") == {"9": {"unknown": 2}}


# --- one unit, whatever it becomes ---------------------------------------------------------------


def test_a_month_begins_and_ends_at_midnight_of_its_site(store: Store) -> None:
    far = {"id": "run", "name": "CH Réunion", "short_name": "CHR", "timezone": "Indian/Reunion"}
    clinic = Clinic(
        store,
        now=paris("2026-09-01 09:00"),
        settings=settings_with(
            site=[*SETTINGS["site"], far | {"phone": "02 61 91 00 00"}],
            service=[*SETTINGS["service"], {"uf": "R1", "site": "run", "label": "Accueil"}],
        ),
    )
    september = OCTOBER - 1
    island = datetime(2026, 10, 1, tzinfo=ZoneInfo("Indian/Reunion")).astimezone(PARIS)
    moments = {
        "2026-09-30 23:59": ("4220", september),
        "2026-10-01 00:00": ("4220", OCTOBER),
        "2026-10-31 23:59": ("4220", OCTOBER),
        "2026-11-01 00:00": ("4220", OCTOBER + 1),
        f"{island:%Y-%m-%d %H:%M}": ("R1", OCTOBER),  # 30 September, 22:00 in Paris
        f"{island - timedelta(minutes=1):%Y-%m-%d %H:%M}": ("R1", september),
    }
    number = count(1)
    for moment, (uf, _) in moments.items():
        tell(clinic, *(visit(next(number), moment, uf=uf) for _ in range(HIDDEN_BELOW)))
    at(clinic, "2026-12-01 09:00")
    refreshed(clinic)
    found = {
        (uf, month): whole(clinic, uf=uf, month=month).get("unknown", 0) // HIDDEN_BELOW
        for uf in ("4220", "R1")
        for month in range(september, OCTOBER + 2)
    }
    assert found == {(uf, month): list(moments.values()).count((uf, month)) for uf, month in found}


def test_a_move_stays_with_its_origin(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 6)))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    moved = [visit(n, "2026-11-10 11:00") for n in range(1, 6)]
    tell(clinic, *moved)
    at(clinic, "2026-11-10 12:00")
    tell(clinic, *(replace(one, status=Status.NOSHOW) for one in moved))
    refreshed(clinic)
    assert whole(clinic) == {"no_show": 5}
    assert whole(clinic, month=OCTOBER + 1) == {}
    assert sums(clinic).freed == 5


def test_one_moved_before_it_enters_is_where_it_went(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 6)))
    refreshed(clinic)
    tell(clinic, *(visit(n, "2026-11-10 11:00") for n in range(1, 6)))
    at(clinic, "2026-11-10 12:00")
    refreshed(clinic)
    assert (whole(clinic), whole(clinic, month=OCTOBER + 1)) == ({}, {"unknown": 5})


def test_one_moved_twice_is_where_it_went_before_it_entered(clinic: Clinic) -> None:
    """The second move was after the first slot's entry, when nobody stood there any more."""
    tell(clinic, *visits(range(1, 6)))
    refreshed(clinic)
    tell(clinic, *(visit(n, "2026-11-10 11:00") for n in range(1, 6)))
    refreshed(clinic)
    at(clinic, "2026-10-16 09:00")
    tell(clinic, *(visit(n, "2026-11-12 11:00") for n in range(1, 6)))
    at(clinic, "2026-11-12 12:00")
    refreshed(clinic)
    assert (whole(clinic), whole(clinic, month=OCTOBER + 1)) == ({}, {"unknown": 5})


def test_one_declined_before_it_enters_and_then_moved_is_where_it_went(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 6)))
    with clinic.store.write() as connection:
        for n in range(1, 6):
            said = Given(AnswerKind.CANCELLED, ((clinic.appointment(n).id, 1),), "staff", f"s:{n}")
            give(connection, said, now=clinic.now)
    at(clinic, "2026-10-16 09:00")
    refreshed(clinic)
    tell(clinic, *(visit(n, "2026-11-12 11:00") for n in range(1, 6)))
    at(clinic, "2026-11-12 12:00")
    refreshed(clinic)
    assert (whole(clinic), whole(clinic, month=OCTOBER + 1)) == ({}, {"unknown": 5})


def test_a_cancellation_taken_anew_is_a_move(clinic: Clinic) -> None:
    tell(clinic, visit(1), visit(3))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    again = replace(visit(2, "2026-11-10 11:00"), patient=visit(1).patient, booked_at=clinic.now)
    tell(clinic, visit(1, status=Status.CANCELLED), again, visit(3))
    at(clinic, "2026-11-10 12:00")
    tell(
        clinic, visit(1, status=Status.CANCELLED), replace(again, status=Status.FULFILLED), visit(3)
    )
    refreshed(clinic)
    assert whole(clinic) == {"attended": 1, "unknown": 1}
    assert whole(clinic, month=OCTOBER + 1) == {}


def test_a_refill_is_credited_to_the_slot_and_is_no_unit(clinic: Clinic) -> None:
    tell(clinic, visit(1, agenda="A"), visit(3, "2026-10-20 10:00", agenda="A"))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    off = visit(1, agenda="A", status=Status.CANCELLED)
    tell(clinic, off, visit(3, "2026-10-20 10:00", agenda="A"))
    refreshed(clinic)
    at(clinic, "2026-10-14 15:00")
    filler = visit(2, agenda="A", booked_at=clinic.now)
    tell(clinic, off, filler, visit(3, "2026-10-20 10:00", agenda="A"))
    at(clinic, "2026-10-20 12:00")
    tell(clinic, off, replace(filler, status=Status.FULFILLED),
                visit(3, "2026-10-20 10:00", agenda="A"))  # fmt: skip
    refreshed(clinic)
    assert whole(clinic) == {"cancelled_early": 1, "unknown": 1}
    assert (sums(clinic).freed, sums(clinic).refilled) == (1, 1)


@pytest.mark.parametrize("before", [True, False])
def test_a_slot_left_by_a_move_may_be_taken_before_the_move_is_called_off(
    before: bool, clinic: Clinic
) -> None:
    """It was free from the move on, though a cancellation is what is told last."""
    tell(clinic, visit(1, agenda="A"), visit(3, "2026-10-20 10:00", agenda="A"))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    tell(clinic, visit(1, "2026-10-22 09:30", agenda="A"))
    refreshed(clinic)
    at(clinic, "2026-10-15 09:00" if before else "2026-10-17 09:00")
    filler = visit(2, agenda="A", booked_at=clinic.now)
    if before:
        tell(clinic, filler)
        refreshed(clinic)
    at(clinic, "2026-10-16 09:00")
    tell(clinic, visit(1, "2026-10-22 09:30", agenda="A", status=Status.CANCELLED))
    refreshed(clinic)
    tell(clinic, filler)
    at(clinic, "2026-10-23 12:00")
    refreshed(clinic)
    assert whole(clinic) == {"cancelled_early": 1, "unknown": 1}
    assert (sums(clinic).freed, sums(clinic).refilled) == (2, 1)


@pytest.mark.parametrize("anew", [True, False])
def test_whoever_takes_the_second_slot_is_credited_to_it_and_is_no_unit(
    anew: bool, clinic: Clinic
) -> None:
    first, second = "2026-10-20 09:30", "2026-10-28 10:00"
    tell(clinic, visit(1, first, agenda="A"), visit(3, "2026-10-21 09:30", agenda="A"))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    moved = replace(visit(1, second, agenda="A"), booked_at=clinic.now)
    if anew:
        tell(clinic, visit(1, first, agenda="A", status=Status.CANCELLED))
        moved = replace(visit(5, second, agenda="A", booked_at=clinic.now), patient=moved.patient)
    tell(clinic, moved)
    refreshed(clinic)
    at(clinic, "2026-10-15 09:00")
    tell(clinic, replace(moved, status=Status.CANCELLED))
    refreshed(clinic)
    at(clinic, "2026-10-16 09:00")
    filler = visit(2, second, agenda="A", booked_at=clinic.now)
    tell(clinic, filler)
    at(clinic, "2026-10-28 12:00")
    tell(clinic, replace(filler, status=Status.FULFILLED))
    refreshed(clinic)
    assert whole(clinic) == {"cancelled_early": 1, "unknown": 1}
    assert (sums(clinic).freed, sums(clinic).refilled) == (2, 1)
    tell(clinic, replace(moved, status=Status.NOSHOW))  # nothing was given back there, then
    refreshed(clinic)
    assert whole(clinic) == {"attended": 1, "no_show": 1, "unknown": 1}
    assert (sums(clinic).freed, sums(clinic).refilled) == (1, 0)


def test_told_by_two_sources_it_is_one(clinic: Clinic) -> None:
    at(clinic, "2026-10-14 09:00")
    tell(clinic, visit(1), visit(2, "2026-10-21 09:00"))
    clinic.read(visit(1), source="other")
    refreshed(clinic)
    assert whole(clinic) == {"pending": 2}


# --- every outcome -------------------------------------------------------------------------------


def test_each_outcome_is_counted_as_what_it_is(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 9)))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    tell(
        clinic,
        *visits((1, 2, 3, 4, 7, 8)),
        visit(5, status=Status.CANCELLED),
        visit(6, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL),
    )
    at(clinic, "2026-10-19 09:00")
    with clinic.store.write() as connection:
        about = ((clinic.appointment(4).id, 1),)
        give(connection, Given(AnswerKind.CANCELLED, about, "staff", "staff:1"), now=clinic.now)
    at(clinic, "2026-10-20 18:00")
    tell(clinic,
        visit(1, status=Status.FULFILLED), visit(2, status=Status.NOSHOW), visit(3), visit(4),
        visit(5, status=Status.CANCELLED), visit(7), visit(8, status=Status.ENTERED_IN_ERROR),
        visit(6, status=Status.CANCELLED, cancelled_by=CancelledBy.HOSPITAL),
    )  # fmt: skip
    mark(clinic.store, "agenda", "R3", Attendance.ABSENT, by="nadia", now=clinic.now)
    refreshed(clinic)
    assert whole(clinic) == {
        "attended": 1, "no_show": 2, "cancelled_late": 1, "cancelled_early": 1,
        "cancelled_by_hospital": 1, "unknown": 1,
    }  # fmt: skip


def test_outcomes_are_named_in_the_order_they_are_packed() -> None:
    assert [one.value.replace("-", "_") for one in OUTCOMES] == list(NAMES[:-1])
    assert FATE["outcome"].mask >= len(Outcome)


# --- hiding --------------------------------------------------------------------------------------


def test_services_of_four_patients_are_hidden_with_the_smallest_other(clinic: Clinic) -> None:
    tell(clinic,
        *visits(range(1, 5)), *(visit(n, uf="4230") for n in range(5, 25)),
    )  # fmt: skip
    at(clinic, "2026-10-21 09:00")
    refreshed(clinic)
    found = clinic.rows("SELECT uf, hidden FROM rollup WHERE dim = 'all' ORDER BY uf")
    assert [(row.uf, row.hidden) for row in found] == [("*", 0), ("4220", 1), ("4230", 1)]


def test_a_month_of_four_patients_is_hidden_whole(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 5)))
    at(clinic, "2026-10-21 09:00")
    refreshed(clinic)
    assert {row.hidden for row in clinic.rows("SELECT hidden FROM rollup")} == {1}
    assert {row.hidden for row in clinic.rows("SELECT hidden FROM rollup_sum")} == {1}


# --- freshness -----------------------------------------------------------------------------------


def test_nothing_changed_costs_nothing_and_is_known(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 6)))
    assert is_behind(clinic.store, clinic.rules, now=clinic.now)
    refreshed(clinic)
    assert refresh(clinic.store, clinic.rules, now=clinic.now + timedelta(hours=1)) == 0


def test_another_protocol_moves_the_entry_of_what_has_not_entered(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 6)))
    refreshed(clinic)
    before = clinic.value("SELECT MIN(entered_at) FROM report_unit")
    step = {"day": "J-3", "template": "confirm"}
    clinic.settings = settings_with(protocol=[{"id": "default", "step": [step]}])
    assert is_behind(clinic.store, clinic.rules, now=clinic.now)
    refreshed(clinic)
    assert clinic.value("SELECT MIN(entered_at) FROM report_unit") > before


def test_a_database_older_than_the_counts_is_counted_all_the_same(clinic: Clinic) -> None:
    records: list[AppointmentRecord] = [visit(n, status=Status.FULFILLED) for n in range(1, 8)]
    at(clinic, "2026-10-21 09:00")
    tell(clinic, *records)
    with clinic.store.write() as connection:
        connection.exec_driver_sql("DELETE FROM rollup_dirty")
    refreshed(clinic)
    assert whole(clinic) == {"attended": 7}


def test_what_was_counted_by_an_older_rule_is_counted_anew(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 9)))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    tell(clinic, *(visit(n, "2026-10-22 09:30") for n in range(1, 9)))
    refreshed(clinic)
    before = everything(clinic)
    with clinic.store.write() as connection:
        connection.exec_driver_sql("UPDATE setting SET value = 'old' WHERE key = 'rollup_rules'")
        connection.exec_driver_sql("UPDATE rollup SET hidden = 1")
        connection.exec_driver_sql("UPDATE report_unit SET fate = 0")
    assert is_behind(clinic.store, clinic.rules, now=clinic.now)
    refreshed(clinic)
    assert everything(clinic) == before


def test_what_is_purged_stays_counted_and_leaves_no_key(clinic: Clinic) -> None:
    tell(clinic, *(visit(n, status=Status.NOSHOW) for n in range(1, 8)))
    tell(clinic, *(visit(n, "2026-10-22 09:00", status=Status.FULFILLED) for n in range(11, 18)))
    at(clinic, "2026-11-05 09:00")
    refreshed(clinic)
    before = everything(clinic)
    at(clinic, "2027-11-21 12:00")  # 396 days after the 20th of October, and a little
    purge(clinic.store, RetentionTable(), now=clinic.now)
    refreshed(clinic)
    recompute(clinic.store, clinic.rules, now=clinic.now)
    after = everything(clinic)
    assert len(before["report_unit"]) == 14
    assert len(after["report_unit"]) == 7
    assert (after["rollup"], after["rollup_sum"]) == (before["rollup"], before["rollup_sum"])


def test_two_files_of_one_person_are_one_patient_once_merged(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 7)))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    with clinic.store.write() as connection:
        first, second = clinic.patient(1).id, clinic.patient(2).id
        connection.exec_driver_sql(f"UPDATE patient SET merged_into = {first} WHERE id = {second}")
    refreshed(clinic)
    assert sums(clinic).patients == 5


def test_messages_purged_before_appointments_stay_counted(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 7)))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    sent = FATE["sent"].put(1) | FATE["planned"].put(1) | FATE["channel"].put(1)
    with clinic.store.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE report_unit SET fate = fate | {sent}, messages = 1, segments = 2"
        )
    at(clinic, "2026-10-20 12:00")
    tell(clinic, *(visit(n, status=Status.FULFILLED) for n in range(1, 7)))
    refreshed(clinic)
    assert (sums(clinic).sent, sums(clinic).came, sums(clinic).segments) == (6, 6, 12)


def test_a_call_is_a_contact_and_a_second_one_a_recontact(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 7)))
    at(clinic, "2026-10-14 09:00")
    refreshed(clinic)
    keys = [clinic.appointment(n).id for n in (1, 2, 3)]
    moments = [(keys[0], 0), (keys[0], 26), (keys[1], 1), (keys[2], 2), (keys[2], 24 * 9)]
    with clinic.store.write() as connection:
        calls.add(connection, [
            {"file_id": 1, "line_key": f"{n}", "at": micros(clinic.now + timedelta(hours=hours)),
             "day": "2026-10-14", "uf": "4220", "motive": "other", "patient_id": 1,
             "appointment_id": key, "recorded_at": micros(clinic.now), "author": "nadia"}
            for n, (key, hours) in enumerate(moments)
        ])  # fmt: skip
    refreshed(clinic)
    found = sums(clinic)
    assert (found.contacts, found.contacted, found.recontacts, found.replied) == (5, 3, 1, 0)


def test_two_processes_count_what_a_third_one_changes(clinic: Clinic) -> None:
    tell(clinic, *visits(range(1, 21)))
    at(clinic, "2026-10-20 18:00")
    rules, over = clinic.rules, Event()

    def count_all_the_time() -> None:
        while not over.is_set():
            refresh(clinic.store, rules, now=clinic.now)

    with ThreadPoolExecutor() as threads:
        others = [threads.submit(count_all_the_time) for _ in range(2)]
        try:
            for n in range(1, 21):
                word = Attendance.CAME if n % 3 else Attendance.ABSENT
                mark(clinic.store, "agenda", f"R{n}", word, by="nadia", now=clinic.now)
        finally:
            over.set()
        for one in others:
            one.result()
    refreshed(clinic)
    assert whole(clinic) == {"attended": 14, "no_show": 6}


def test_nothing_hidden_follows_from_what_the_counts_tell(clinic: Clinic) -> None:
    """Of a hospital as it is: services of all sizes, rare languages, quiet hours."""
    draw = Random(11)
    sizes = {"4220": 60, "4230": 9, "4240": 3, "4250": 25}
    services = [{"uf": uf, "site": "sud", "label": uf} for uf in sizes]
    clinic.settings = settings_with(service=services)
    number = count(1)
    tell(clinic, *(
        visit((n := next(number)), f"2026-10-{draw.choice((20, 21, 22))} "
              f"{draw.choice((8, 9, 9, 9, 14)):02}:30", uf=uf,
              patient=someone(n, language=draw.choice(["fr", "fr", "fr", "ar", "en", "tr"])))
        for uf, size in sizes.items() for _ in range(size)
    ))  # fmt: skip
    at(clinic, "2026-10-27 09:00")
    refreshed(clinic)
    rows_out = frozenset(
        row.uf for row in clinic.rows("SELECT uf FROM rollup WHERE dim = 'all' AND hidden = 1")
    )
    assert rows_out == {"4230", "4240"}
    for dim in ("language", "hour", "weekday", "week", "age", "lead"):
        found = clinic.rows("SELECT * FROM rollup WHERE dim = :dim", dim=dim)
        cells: dict[Key, Group] = {
            (row.uf, row.value): Group(row.patients) for row in found if row.uf != "*"
        }
        hiding = Hiding(
            frozenset((row.uf, row.value) for row in found if row.uf != "*" and row.hidden),
            frozenset(row.value for row in found if row.uf == "*" and row.hidden),
        )
        small = {key for key, group in cells.items() if group.patients < HIDDEN_BELOW}
        assert small <= hiding.cells
        assert not small & follows(cells, rows_out, hiding), dim


def test_of_one_slot_only_those_that_matter_to_each_other_are_looked_at_again(
    clinic: Clinic,
) -> None:
    """Ten thousand appointments of one hour were each looked at whenever one of them changed:
    the first pass of a hospital whose export has one hour for all would not have ended."""
    hour = "2026-10-20 09:30"
    clinic.read(*(visit(n, hour) for n in range(1, 31)))
    clinic.release()
    clinic.now = paris("2026-10-16 12:00")
    refreshed(clinic)
    one, other = clinic.appointment(1).id, clinic.appointment(2).id
    with clinic.store.read() as connection:
        assert rollups.around(connection, [one]) == [one]
    tell(clinic, visit(1, hour, status=Status.CANCELLED))
    with clinic.store.read() as connection:  # whoever was there may be who took its place
        assert len(rollups.around(connection, [one])) == 30
    refreshed(clinic)
    with clinic.store.read() as connection:  # who changes may be who took it
        assert rollups.around(connection, [other]) == [one, other]
    tell(clinic, visit(1, hour))
    with clinic.store.read() as connection:  # nobody took it any more
        assert len(rollups.around(connection, [one])) == 30


def settling(store: Store, units: int, slots: int) -> int:
    """The work of judging so many units of so many hours, half of them given back."""
    keys = Comparison(store).patients(Arm.REMINDED, [[CANCELLED], [CAME]] * (units // 2))
    slot = micros(SINCE) + 40 * DAY
    with store.write() as connection:
        run(
            connection,
            "UPDATE appointment SET starts_at = :at + id % :slots, booked_at = :at - 8 * :day "
            "+ id % 5, cancelled_at = CASE WHEN cancelled_at > 0 THEN :at - 5 * :day END",
            at=slot, slots=slots, day=DAY,
        )  # fmt: skip
        run(
            connection,
            "INSERT INTO report_unit (appointment_id, patient_id, uf, month, starts_at, "
            "entered_at, counted, kind, fate, messages, segments, cost, contacts) "
            "SELECT id, patient_id, uf, 0, starts_at, :entered, 1, 0, 0, 0, 0, 0, 0 "
            "FROM appointment",
            entered=slot - 9 * DAY,
        )
        # A hospital around them: of tables of a few pages PostgreSQL reads all, each time.
        run(
            connection,
            f"INSERT INTO appointment ({', '.join(APPOINTMENT)}) "
            "SELECT n * 10000 + id, source_id, 'R' || (n * 10000 + id), NULL, 'other', agenda, "
            "starts_at + n * 60000000, status, version_at, booked_at, first_seen_at, last_seen_at, "
            "first_starts_at, cancelled_at, cancelled_basis "
            "FROM appointment CROSS JOIN (SELECT id AS n FROM appointment WHERE id <= :times) more",
            times=20_000 // units,
        )
    return effort(store, lambda connection: rollups.standing(connection, keys, MOVED_WITHIN))


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_units_are_judged_in_proportion_whether_in_one_slot_or_each_in_its_own(
    kind: str,
    alone: bool,
    sqlite_files: SqliteFiles,
    postgres_databases: PostgresDatabases,
    tmp_path: Path,
) -> None:
    """Each appointment of one hour was compared with all that had been given back there."""
    work = []
    for units in (1_000, 4_000):
        folder = tmp_path / str(units)
        folder.mkdir()
        opened = (
            sqlite_files.migrated(folder) if kind == "sqlite" else postgres_databases.migrated()
        )
        with opened as store:
            work.append(settling(store, units, units if alone else 1))
    assert work[1] < 6 * work[0]  # four times as many: 16 times the work, before


def test_a_month_is_counted_alike_whatever_keys_its_patients_have() -> None:
    """Small ones are sorted as they are, with the rest of what is counted in the same number."""
    draw = Random(3)
    patients = [draw.randrange(1, 60) for _ in range(300)]
    kinds = [KIND["weekday"].put(1 + n % 5) | KIND["lead"].put(n % 7) for n in range(300)]
    fates = [FATE["outcome"].put(draw.choice((0, 0, 1, 3, 5, 6))) for _ in range(300)]

    def counts(shift: int) -> tuple[Sequence[Any], Sequence[Any]]:
        def told(name: str, part: slice) -> Any:
            lists = {"patients": [one + shift for one in patients[part]],
                     "kinds": kinds[part], "fates": fates[part]}  # fmt: skip
            joined = {key: ",".join(map(str, those)) for key, those in lists.items()}
            size = len(lists["kinds"])
            return SimpleNamespace(uf=name, number=size, contacts=1, messages=2, segments=3,
                                   cost=4, **joined)  # fmt: skip

        return count_month(OCTOBER, [told("4220", slice(0, 280)), told("4230", slice(280, 300))])

    assert counts(2**61) == counts(0)
    rows, (south, imaging, whole) = counts(0)[0], counts(0)[1]
    assert len(rows) > 20
    for part, found in ((slice(0, 280), south), (slice(280, 300), imaging), (slice(300), whole)):
        mine: dict[int, Counter[bool]] = {}
        for patient, fate in zip(patients[part], fates[part], strict=True):
            if FATE["outcome"].of(fate) not in (5, 6):
                mine.setdefault(patient, Counter())[FATE["outcome"].of(fate) == 1] += 1
        sizes = [(one.total(), one[True]) for one in mine.values()]
        squares = [sum(n * n for n, _ in sizes), sum(n * m for n, m in sizes),
                   sum(m * m for _, m in sizes)]  # fmt: skip
        assert list(found)[-3:] == squares
        assert found[3] == len(set(patients[part]))
