"""Outcomes by service: what the DPI said, nothing inferred, nothing counted twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import Attendance, Outcome, Tally, outcome_of
from reminders.services.answer import Given, give
from reminders.services.attendance import mark
from reminders.services.outcomes import outcomes_by_service
from reminders.store.engine import Record, Store
from reminders.store.types import instant, instant_or_none
from tests.support.clinic import PARIS, Clinic, paris, visit

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)


def october(clinic: Clinic, *, now: datetime = NOVEMBER) -> dict[str, Counter[Outcome]]:
    """By service; what is still to come is left out."""
    end = min(paris("2026-11-01 00:00"), now)
    return outcomes_by_service(clinic.store, paris("2026-10-01 00:00"), end, now=now)


def outcomes(found: dict[str, Counter[Outcome]], uf: str = "4220") -> dict[str, int]:
    return {outcome.value: number for outcome, number in found[uf].items()}


def test_each_service_has_its_outcomes(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, status=Status.FULFILLED),
        visit(2, status=Status.NOSHOW),
        visit(3, status=Status.FULFILLED, uf="4230"),
        visit(4, status=Status.ARRIVED, uf="9999"),
        visit(5, "2026-12-01 09:00"),
    )
    found = october(clinic)
    assert sorted(found) == ["4220", "4230", "9999"]
    assert outcomes(found) == {"attended": 1, "no-show": 1}
    assert outcomes(found, "4230") == outcomes(found, "9999") == {"attended": 1}


def test_the_rate_is_of_those_expected_and_known(store: Store) -> None:
    clinic = Clinic(store)
    came = [visit(n, status=Status.FULFILLED) for n in range(1, 19)]
    missed = [visit(n, status=Status.NOSHOW) for n in (21, 22)]
    silent = [visit(n) for n in range(31, 36)]
    off = [visit(n, status=Status.CANCELLED) for n in (41, 42)]
    clinic.read(*came, *missed, *silent, *off)
    tally = Tally(dict(october(clinic)["4220"]))
    assert tally.known == 20
    assert tally.no_show_rate == pytest.approx(0.10)
    assert tally[Outcome.UNKNOWN] == 5
    assert tally.bounds == pytest.approx((2 / 25, 7 / 25))


def test_a_month_in_which_nothing_is_known_has_no_rate(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2))
    found = october(clinic)
    assert outcomes(found) == {"unknown": 2}
    assert Tally(dict(found["4220"])).no_show_rate is None


def test_silence_never_becomes_a_no_show(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2, status=Status.PENDING), visit(3, status=Status.UNKNOWN))
    assert outcomes(october(clinic)) == {"unknown": 3}


def test_cancellations_are_told_apart_by_who_and_when(store: Store) -> None:
    clinic = Clinic(store)
    start = "2026-10-20 09:30"

    def off(number: int, when: str, who: CancelledBy = CancelledBy.PATIENT) -> Any:
        return visit(
            number, start, status=Status.CANCELLED, cancelled_by=who, modified_at=paris(when)
        )

    clinic.read(
        off(1, "2026-10-18 09:30"),  # 48 hours to the minute
        off(2, "2026-10-18 09:31"),
        off(3, "2026-10-20 11:00"),  # entered after the start
        off(4, "2026-10-01 09:00", CancelledBy.HOSPITAL),
        off(5, "2026-10-20 09:00", CancelledBy.HOSPITAL),
        off(6, "2026-10-02 09:00", CancelledBy.UNKNOWN),
        visit(7, "2026-12-20 09:00"),
    )
    assert outcomes(october(clinic)) == {
        "cancelled-early": 2,
        "cancelled-late": 2,
        "cancelled-by-hospital": 2,
    }


def test_what_never_was_an_appointment_is_in_no_count(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, status=Status.ENTERED_IN_ERROR),
        visit(2, status=Status.PROPOSED),
        visit(3, status=Status.WAITLIST),
        visit(4, "2026-12-20 09:00"),
    )
    assert october(clinic) == {}


def test_the_coming_days_of_this_month_are_not_unknown(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 09:00"), visit(2, "2026-10-20 09:00"))
    assert outcomes(october(clinic, now=paris("2026-10-15 08:00"))) == {"unknown": 1}
    assert october(clinic, now=paris("2026-10-01 08:00")) == {}


def test_one_appointment_told_by_two_sources_counts_once(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2, status=Status.FULFILLED), visit(3))
    clinic.read(visit(1, status=Status.NOSHOW), visit(2), visit(8), source="imagerie")
    assert outcomes(october(clinic)) == {"no-show": 1, "attended": 1, "unknown": 2}


# --- what patients and staff said --------------------------------------------------------------


def asked(clinic: Clinic, number: int, when: str) -> None:
    """The patient of an appointment tells us that they will not come."""
    one = clinic.appointment(number)
    given = Given(AnswerKind.CANCELLED, ((one.id, one.version),), "sms", f"test:{number}")
    with clinic.store.write() as connection:
        give(connection, given, now=paris(when))


def test_a_cancellation_nobody_entered_is_not_a_no_show(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2), visit(3), visit(4))
    asked(clinic, 1, "2026-10-15 10:00")
    asked(clinic, 2, "2026-10-20 08:00")
    missed = {"status": Status.NOSHOW}
    clinic.read(visit(1, **missed), visit(2, **missed), visit(3, **missed), visit(4))
    assert outcomes(october(clinic)) == {
        "cancelled-early": 1,
        "cancelled-late": 1,
        "no-show": 1,
        "unknown": 1,
    }


def test_a_word_about_an_hour_that_moved_since_is_past(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1))
    asked(clinic, 1, "2026-10-15 10:00")
    others = [visit(number, "2026-12-01 09:30") for number in range(2, 9)]
    clinic.read(visit(1, "2026-10-22 09:30"), *others)
    clinic.read(visit(1, "2026-10-22 09:30", status=Status.NOSHOW), *others)
    assert outcomes(october(clinic)) == {"no-show": 1}


def test_marks_of_the_day_count_until_the_dpi_speaks(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2), visit(3), visit(4))
    for number, word in ((1, "came"), (2, "absent"), (3, "excused"), (4, "came")):
        mark(store, "agenda", f"R{number}", Attendance(word), by="test", now=NOVEMBER)
    expected = {"attended": 2, "no-show": 1, "cancelled-late": 1}
    assert outcomes(october(clinic)) == expected

    clinic.read(visit(1), visit(2), visit(3), visit(4, status=Status.NOSHOW))
    assert outcomes(october(clinic)) == expected | {"attended": 1, "no-show": 2}


def test_counting_in_groups_changes_no_outcome(store: Store) -> None:
    """Against each appointment judged by itself, whatever was said of it and in what order."""
    clinic = Clinic(store)
    draw = Random(7)
    numbers = range(1, 161)
    clinic.read(*(visit(number, f"2026-10-{15 + number % 7} 09:30") for number in numbers))
    clinic.now = paris("2026-10-13 09:00")
    for number in numbers:
        if draw.random() < 0.5:
            start = clinic.appointment(number).starts_at
            when = instant(start) - timedelta(hours=draw.choice([-1, 1, 47, 48, 49, 60]))
            asked(clinic, number, when.astimezone(PARIS).strftime("%Y-%m-%d %H:%M"))
        if draw.random() < 0.5:
            word = draw.choice([Attendance.CAME, Attendance.ABSENT, Attendance.EXCUSED])
            mark(store, "agenda", f"R{number}", word, by="test", now=NOVEMBER)
    clinic.read(
        *(
            visit(
                number,
                f"2026-10-{15 + number % 7} 09:30",
                status=draw.choice(list(Status)),
                cancelled_by=draw.choice(list(CancelledBy)),
                modified_at=paris(f"2026-10-{15 + number % 7} 09:30")
                - timedelta(hours=draw.choice([0, 47, 48, 50])),
            )
            for number in numbers
        )
    )
    assert october(clinic)["4220"] == Counter(
        outcome
        for row in clinic.rows("SELECT * FROM appointment")
        if (outcome := alone(row)) is not None
    )


def alone(row: Record) -> Outcome | None:
    counts = row.answer == "cancelled" and row.answered_cycle == row.version
    return outcome_of(
        Status(row.status),
        instant(row.starts_at),
        instant_or_none(row.cancelled_at),
        CancelledBy(row.cancelled_by or "unknown"),
        NOVEMBER,
        asked_at=instant(row.answered_at) if counts else None,
        marked=Attendance(row.attendance),
    )
