"""The month's figures: what the DPI said, nothing inferred, nothing counted twice."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.outcome import Outcome
from reminders.services.report import Line, MonthReport, month_report
from reminders.statistics.proportion import wilson_interval
from reminders.store.engine import Store
from tests.support.clinic import PARIS, SETTINGS, Clinic, paris, settings_with, visit

NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)


def report(
    clinic: Clinic, year: int = 2026, month: int = 10, *, now: datetime = NOVEMBER
) -> MonthReport:
    return month_report(clinic.store, clinic.rules, year, month, PARIS, now=now)


def line(found: MonthReport, uf: str = "4220") -> Line:
    return next(line for line in found.lines if line.uf == uf)


def outcomes(line: Line) -> dict[str, int]:
    return {outcome.value: number for outcome, number in line.tally.counts.items()}


def test_each_service_has_its_line_and_all_have_one(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, status=Status.FULFILLED),
        visit(2, status=Status.NOSHOW),
        visit(3, status=Status.FULFILLED, uf="4230"),
        visit(4, status=Status.ARRIVED, uf="9999"),
        visit(5, "2026-12-01 09:00"),
    )
    found = report(clinic)
    assert [(one.uf, one.label) for one in found.lines] == [
        ("4220", "Consultations, accueil B2"),
        ("4230", "Imagerie, accueil C1"),
        ("9999", "UF 9999 sans réglage"),
    ]
    assert outcomes(line(found)) == {"attended": 1, "no-show": 1}
    assert outcomes(found.total) == {"attended": 3, "no-show": 1}


def test_the_rate_is_of_those_expected_and_known_with_wilsons_interval(store: Store) -> None:
    clinic = Clinic(store)
    came = [visit(n, status=Status.FULFILLED) for n in range(1, 19)]
    missed = [visit(n, status=Status.NOSHOW) for n in (21, 22)]
    silent = [visit(n) for n in range(31, 36)]
    off = [visit(n, status=Status.CANCELLED) for n in (41, 42)]
    clinic.read(*came, *missed, *silent, *off)
    found = line(report(clinic))
    assert found.tally.known == 20
    assert found.tally.no_show_rate == pytest.approx(0.10)
    assert found.interval == wilson_interval(2, 20)
    assert found.tally[Outcome.UNKNOWN] == 5
    assert found.tally.bounds == pytest.approx((2 / 25, 7 / 25))


def test_a_month_in_which_nothing_is_known_has_no_rate(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2))
    found = line(report(clinic))
    assert outcomes(found) == {"unknown": 2}
    assert found.tally.no_show_rate is None
    assert found.interval is None


def test_silence_never_becomes_a_no_show(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2, status=Status.PENDING), visit(3, status=Status.UNKNOWN))
    assert outcomes(line(report(clinic))) == {"unknown": 3}


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
    assert outcomes(line(report(clinic))) == {
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
    assert report(clinic).lines == ()


def test_the_month_begins_and_ends_at_the_sites_midnight(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(
        visit(1, "2026-09-30 23:59", status=Status.FULFILLED),
        visit(2, "2026-10-01 00:00", status=Status.FULFILLED),
        visit(3, "2026-10-31 23:59", status=Status.FULFILLED),
        visit(4, "2026-11-01 00:00", status=Status.FULFILLED),
        visit(5, "2026-12-20 09:00"),
    )
    assert report(clinic).total.tally.total == 2
    assert report(clinic, 2026, 9).total.tally.total == 1
    december = report(clinic, 2026, 12, now=datetime(2027, 2, 1, tzinfo=UTC))
    assert outcomes(december.total) == {"unknown": 1}


def test_each_site_has_its_own_midnight(store: Store) -> None:
    far = {"id": "run", "name": "CH Réunion", "short_name": "CHR", "timezone": "Indian/Reunion"}
    clinic = Clinic(
        store,
        settings=settings_with(
            site=[*SETTINGS["site"], far | {"phone": "02 61 91 00 00"}],
            service=[*SETTINGS["service"], {"uf": "R1", "site": "run", "label": "Accueil"}],
        ),
    )
    first = datetime(2026, 10, 1, 0, 0, tzinfo=ZoneInfo("Indian/Reunion"))
    clinic.read(
        visit(9),
        visit(2, first.astimezone(PARIS).strftime("%Y-%m-%d %H:%M"), uf="R1"),
        visit(3, first.astimezone(PARIS).strftime("%Y-%m-%d %H:%M")),
    )
    october = report(clinic)
    assert line(october, "R1").tally.total == 1  # 30 September, 22:00 in Paris
    assert line(october, "4220").tally.total == 1
    assert line(report(clinic, month=9), "4220").tally.total == 1


def test_the_coming_days_of_this_month_are_not_unknown(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1, "2026-10-13 09:00"), visit(2, "2026-10-20 09:00"))
    assert report(clinic, now=paris("2026-10-15 08:00")).total.tally.total == 1
    assert report(clinic, now=paris("2026-10-01 08:00")).lines == ()


def test_one_appointment_told_by_two_sources_counts_once(store: Store) -> None:
    clinic = Clinic(store)
    clinic.read(visit(1), visit(2, status=Status.FULFILLED), visit(3))
    clinic.read(visit(1, status=Status.NOSHOW), visit(2), visit(8), source="imagerie")
    assert outcomes(report(clinic).total) == {"no-show": 1, "attended": 1, "unknown": 2}
