"""The no-show report: what it tells of a small hospital, and what it keeps to itself."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import Status
from reminders.domain.outcome import Denominator, Outcome
from reminders.domain.report import (
    Asked,
    Dimension,
    Every,
    Hidden,
    Line,
    Month,
    NoShowReport,
    NotMeasured,
    Only,
    Signal,
)
from reminders.services.answer import Given, give
from reminders.services.holdout import approve, propose
from reminders.services.no_show_report import no_show_report, trend_of
from reminders.services.rollup import refresh
from reminders.statistics.proportion import wilson_interval
from reminders.store import rollup_reading
from reminders.store.engine import Record, Store
from tests.services.test_rollup import at, tell
from tests.support.clinic import SETTINGS, Clinic, paris, settings_with, someone, visit
from tests.support.mailroom import LIVE, Mailroom

OCTOBER = Month(2026, 10)
STATUSES = [Status.FULFILLED] * 14 + [Status.NOSHOW] * 4 + [Status.BOOKED] * 2


@pytest.fixture
def clinic(store: Store) -> Clinic:
    """Twenty appointments in one service: 14 came, 4 did not, of 2 nobody knows."""
    clinic = Clinic(store, now=paris("2026-10-05 09:00"))
    tell(clinic, *(visit(n, status=status) for n, status in enumerate(STATUSES, 1)))
    at(clinic, "2026-11-05 09:00")
    return clinic


def report(clinic: Clinic, asked: Asked | None = None, **more: object) -> NoShowReport:
    refresh(clinic.store, clinic.rules, now=clinic.now)
    return no_show_report(
        clinic.store,
        clinic.rules,
        asked or Asked(OCTOBER, OCTOBER),
        now=clinic.now,
        **({"ufs": None} | more),  # type: ignore[arg-type]
    )


def lines(found: NoShowReport, dimension: Dimension) -> dict[str, int | None]:
    """Value -> appointments, None where hidden."""
    told = found.breakdown(dimension)
    assert told is not None
    return {
        one.value: one.figures.tally.total if isinstance(one, Line) else None for one in told.lines
    }


# --- rates ---------------------------------------------------------------------------------------


def test_the_rate_names_its_denominator_and_has_an_interval_and_bounds(clinic: Clinic) -> None:
    found = report(clinic).figures
    assert found is not None
    assert found.primary is not None
    assert (found.primary.denominator, found.primary.missed, found.primary.among) == (
        Denominator.ELIGIBLE, 4, 18,
    )  # fmt: skip
    wilson = wilson_interval(4, 18)
    assert (found.primary.low, found.primary.high) == pytest.approx((wilson.low, wilson.high))
    assert found.bounds == (4 / 20, 6 / 20)
    assert found.tally[Outcome.UNKNOWN] == 2


def test_cancelled_ones_are_in_the_primary_rate_and_not_in_the_national_one(
    clinic: Clinic,
) -> None:
    off = [visit(30 + n, status=Status.BOOKED) for n in range(6)]
    clinic.now = paris("2026-10-14 09:00")
    tell(clinic, *off)
    at(clinic, "2026-10-19 12:00")
    tell(clinic, *(replace(one, status=Status.CANCELLED) for one in off))
    at(clinic, "2026-11-05 09:00")
    found = report(clinic).figures
    assert found is not None
    assert found.primary is not None
    assert found.national is not None
    assert (found.primary.among, found.national.among) == (24, 18)
    assert found.tally[Outcome.CANCELLED_LATE] == 6


def test_patients_who_come_often_widen_the_interval(store: Store) -> None:
    clinic = Clinic(store, now=paris("2026-10-05 09:00"))
    number = count(1)
    tell(clinic, *(
        visit(next(number), f"2026-10-{20 + day} 09:{10 + patient}", patient=someone(patient),
              status=Status.NOSHOW if patient <= 3 else Status.FULFILLED)
        for patient in range(1, 13) for day in range(5)
    ))  # fmt: skip
    at(clinic, "2026-11-05 09:00")
    found = report(clinic).figures
    assert found is not None
    assert found.primary is not None
    assert found.design_effect == pytest.approx(5.0)
    assert found.primary.low < wilson_interval(15, 60).low
    assert found.primary.high > wilson_interval(15, 60).high


def test_nothing_counted_tells_nothing(store: Store) -> None:
    clinic = Clinic(store)
    found = report(clinic)
    assert (found.figures, found.trend.centre, found.breakdowns) == (None, None, ())
    assert found.fresh


def test_what_is_not_counted_yet_is_said(clinic: Clinic) -> None:
    found = no_show_report(
        clinic.store, clinic.rules, Asked(OCTOBER, OCTOBER), ufs=None, now=clinic.now
    )
    assert not found.fresh
    assert report(clinic).fresh


# --- lines ---------------------------------------------------------------------------------------


def hospital(store: Store, sizes: dict[str, int]) -> Clinic:
    services = [
        {"uf": uf, "site": "nord" if uf.startswith("5") else "sud", "label": f"Accueil {uf}"}
        for uf in sizes
    ]
    site = SETTINGS["site"][0]
    two = [site, site | {"id": "nord", "name": "Site nord"}]
    clinic = Clinic(store, now=paris("2026-10-05 09:00"),
                    settings=settings_with(service=services, site=two))  # fmt: skip
    number, draw = count(1), Random(3)
    tell(clinic, *(
        visit(next(number), f"2026-10-{draw.choice([20, 21, 22])} {draw.choice([9, 10, 14]):02}:30",
              uf=uf, status=draw.choice(STATUSES))
        for uf, size in sizes.items() for _ in range(size)
    ))  # fmt: skip
    at(clinic, "2026-11-05 09:00")
    return clinic


def test_every_service_and_site_has_its_line(store: Store) -> None:
    found = report(hospital(store, {"4220": 40, "4230": 30, "5000": 25}))
    assert lines(found, Dimension.SERVICE) == {"4220": 40, "4230": 30, "5000": 25}
    assert lines(found, Dimension.SITE) == {"nord": 25, "sud": 70}
    days = found.breakdown(Dimension.WEEKDAY)
    assert days is not None
    told = sum(size or 0 for size in lines(found, Dimension.WEEKDAY).values())
    assert told + days.masked == 95
    assert lines(found, Dimension.LEAD) == {"56+": 95}
    service = found.breakdown(Dimension.SERVICE)
    assert service is not None
    assert service.lines[0].label == "Accueil 4220"


@pytest.mark.parametrize("turn", [list, reversed])
def test_services_come_by_code_in_whatever_order_they_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, turn: Callable[[Sequence[Record]], Any]
) -> None:
    """A database groups as it likes: PostgreSQL by a hash of them."""
    clinic = hospital(store, {"4230": 30, "5000": 25, "4220": 40})
    read = rollup_reading.lines
    monkeypatch.setattr(rollup_reading, "lines", lambda *given: list(turn(read(*given))))
    assert list(lines(report(clinic), Dimension.SERVICE)) == ["4220", "4230", "5000"]


def test_a_service_of_few_patients_is_hidden_and_cannot_be_subtracted(store: Store) -> None:
    clinic = hospital(store, {"4220": 40, "4230": 30, "4240": 3, "5000": 25})
    whole = report(clinic)
    assert whole.figures is not None
    assert whole.figures.tally.total == 98
    told = lines(whole, Dimension.SERVICE)
    assert told == {"4220": 40, "4230": 30, "4240": None, "5000": None}
    assert any(isinstance(one, Hidden) for one in whole.breakdowns[1].lines)
    # Neither alone nor beside others is it in a sum that another one lacks.
    alone = report(clinic, Asked(OCTOBER, OCTOBER, ufs=frozenset({"4240"})))
    assert (alone.figures, alone.breakdowns, alone.silent) == (None, (), (OCTOBER,))
    with_it = report(clinic, Asked(OCTOBER, OCTOBER, ufs=frozenset({"4220", "4240"})))
    without = report(clinic, Asked(OCTOBER, OCTOBER, ufs=frozenset({"4220"})))
    assert with_it.figures == without.figures
    assert with_it.sent == without.sent
    site = report(clinic, Asked(OCTOBER, OCTOBER, sites=frozenset({"sud"})))
    assert site.figures is not None
    assert site.figures.tally.total == 70


def test_patients_still_to_come_make_no_line_of_four(store: Store) -> None:
    """Four of a service came; thirty more are expected: who the four are is not told."""
    clinic = hospital(store, {"4220": 40, "4230": 30, "5000": 25})
    tell(clinic, *(visit(n, "2026-11-09 09:00", uf="4230", status=Status.BOOKED)
                   for n in range(200, 234)),
         *(visit(n, "2026-11-09 09:00", uf=uf, status=Status.BOOKED)
           for uf, numbers in (("4220", range(300, 340)), ("5000", range(400, 440)))
           for n in numbers))  # fmt: skip
    at(clinic, "2026-11-08 09:00")
    november = Asked(Month(2026, 11), Month(2026, 11))
    assert lines(report(clinic, november), Dimension.SERVICE) == {
        "4220": 0, "4230": 0, "5000": 0
    }  # who is expected  # fmt: skip
    at(clinic, "2026-11-10 09:00")
    came = {"4230": range(200, 204), "4220": range(300, 340), "5000": range(400, 440)}
    tell(clinic, *(visit(n, "2026-11-09 09:00", uf=uf, status=Status.FULFILLED)
                   for uf, numbers in came.items() for n in numbers))  # fmt: skip
    at(clinic, "2026-11-10 10:00")
    told = lines(report(clinic, november), Dimension.SERVICE)
    assert told["4230"] is None
    only = report(clinic, Asked(november.first, november.last, ufs=frozenset({"4230"})))
    assert only.figures is None
    for one in (Only(Dimension.WEEKDAY, "1"), Only(Dimension.HOUR, "9")):
        alone = Asked(november.first, november.last, ufs=frozenset({"4230"}), only=one)
        assert report(clinic, alone).figures is None


def test_a_longer_period_tells_no_month_that_is_hidden(store: Store) -> None:
    clinic = hospital(store, {"4220": 40, "4230": 30})
    clinic.now = paris("2026-11-02 09:00")
    tell(clinic, *(visit(n, "2026-11-16 09:00", uf="4230", status=Status.FULFILLED)
                   for n in range(200, 203)),
         *(visit(n, "2026-11-16 09:00", status=Status.FULFILLED) for n in range(210, 250)),
         )  # fmt: skip
    at(clinic, "2026-12-05 09:00")
    both = Asked(OCTOBER, Month(2026, 11), ufs=frozenset({"4230"}))
    found = report(clinic, both)
    assert found.figures is not None
    assert found.figures.tally.total == 30  # October's alone
    assert (found.silent, found.masked) == ((Month(2026, 11),), 0)
    line = found.breakdowns[1].lines[0]
    assert isinstance(line, Line)
    assert line.partial


def test_nobody_sees_services_that_are_not_theirs(store: Store) -> None:
    clinic = hospital(store, {"4220": 40, "4230": 30, "5000": 25})
    mine = frozenset({"4220"})
    found = report(clinic, ufs=mine)
    assert lines(found, Dimension.SERVICE) == {"4220": 40}
    other = report(clinic, Asked(OCTOBER, OCTOBER, ufs=frozenset({"4230"})), ufs=mine)
    assert (other.figures, other.breakdowns) == (None, ())
    assert report(clinic, ufs=frozenset()).figures is None


def test_one_finer_filter_tells_the_rate_of_its_value(store: Store) -> None:
    clinic = hospital(store, {"4220": 60, "4230": 60})
    by_day = lines(report(clinic), Dimension.WEEKDAY)
    found = report(clinic, Asked(OCTOBER, OCTOBER, only=Only(Dimension.WEEKDAY, "3")))
    assert found.figures is not None
    assert found.figures.tally.total == by_day["3"]
    assert found.breakdowns == ()
    assert [point.start for point in found.trend.points] == [OCTOBER.first_day]
    none = report(clinic, Asked(OCTOBER, OCTOBER, only=Only(Dimension.WEEKDAY, "7")))
    assert (none.figures, none.silent, none.freed) == (None, (), None)


def test_a_finer_filter_keeps_the_design_effect(store: Store) -> None:
    """Every patient comes five times, all kept or all missed: its interval is no narrower than
    the same line's in the whole report."""
    clinic = Clinic(store, now=paris("2026-10-05 09:00"))
    number = count(1)
    tell(clinic, *(
        visit(next(number), f"2026-10-{20 + day} 09:{10 + patient}", patient=someone(patient),
              status=Status.NOSHOW if patient <= 3 else Status.FULFILLED)
        for patient in range(1, 13) for day in range(5)
    ))  # fmt: skip
    at(clinic, "2026-11-05 09:00")
    hours = report(clinic).breakdown(Dimension.HOUR)
    assert hours is not None
    (line,) = hours.lines
    assert isinstance(line, Line)
    found = report(clinic, Asked(OCTOBER, OCTOBER, only=Only(Dimension.HOUR, "9"))).figures
    assert found is not None
    assert found.design_effect == pytest.approx(5.0)
    assert found.primary == line.figures.primary


def test_a_finer_filter_says_which_months_it_does_not_tell(store: Store) -> None:
    clinic = hospital(store, {"4220": 60, "4230": 60})
    tell(clinic, *(visit(n, "2026-11-18 09:30", status=Status.BOOKED) for n in range(300, 303)),
         *(visit(n, f"2026-11-{16 + n % 2} 10:30", status=Status.BOOKED)
           for n in range(310, 350)))  # fmt: skip
    at(clinic, "2026-11-17 09:00")
    tell(clinic, *(visit(n, "2026-11-18 09:30", status=Status.NOSHOW) for n in range(300, 303)),
         *(visit(n, f"2026-11-{16 + n % 2} 10:30", status=Status.FULFILLED)
           for n in range(310, 350)))  # fmt: skip
    at(clinic, "2026-12-05 09:00")
    wednesdays = Only(Dimension.WEEKDAY, "3")
    found = report(clinic, Asked(OCTOBER, Month(2026, 11), only=wednesdays))
    assert found.figures is not None
    assert (found.silent, found.masked) == ((Month(2026, 11),), 0)


# --- trend ---------------------------------------------------------------------------------------


def test_the_trend_has_weeks_or_months_with_limits(store: Store) -> None:
    clinic = Clinic(store, now=paris("2026-08-01 09:00"))
    number = count(1)
    days = [f"2026-{month}-{day:02}" for month in ("08", "09", "10") for day in (12, 19, 26)]
    tell(clinic, *(
        visit(next(number), f"{day} 09:{n:02}",
              status=Status.NOSHOW if n < (40 if day == "2026-09-19" else 4) else Status.FULFILLED)
        for day in days for n in range(50)
    ))  # fmt: skip
    at(clinic, "2026-11-05 09:00")
    weeks = report(clinic).trend
    assert (weeks.every, len(weeks.points)) == (Every.WEEK, 9)
    assert all(point.start.isoweekday() == 1 for point in weeks.points)
    worst = max(weeks.points, key=lambda point: point.rate or 0)
    assert (worst.rate, worst.signal) == (0.8, Signal.ABOVE)
    months = report(clinic, every=Every.MONTH).trend
    assert [point.start.month for point in months.points] == [8, 9, 10]
    assert sum(point.among for point in months.points) == 450


# --- what was sent, and came back ----------------------------------------------------------------


def test_the_funnel_narrows_and_counts_what_left(store: Store) -> None:
    room = Mailroom(store, now=paris("2026-10-05 09:00"), settings=settings_with(**LIVE))
    tell(room, *(visit(n) for n in range(1, 11)),
         *(visit(n, patient=replace(someone(n), contacts=())) for n in range(11, 17)))  # fmt: skip
    room.release()
    room.plan()
    for day in ("2026-10-13 10:30", "2026-10-17 10:30", "2026-10-19 10:30"):
        room.at(paris(day))
        room.plan()
        room.deliver()
    with store.write() as connection:
        for n in range(1, 7):
            about = ((room.appointment(n).id, 1),)
            kind = AnswerKind.CONFIRMED if n > 1 else AnswerKind.QUESTION
            give(connection, Given(kind, about, "page", f"page:{n}"), now=room.now)
    room.at(paris("2026-10-20 18:00"))
    tell(room, *(visit(n, status=Status.FULFILLED) for n in range(1, 9)))
    found = report(room)
    assert found.funnel is not None
    assert (found.funnel.entered, found.funnel.planned, found.funnel.sent) == (16, 10, 10)
    assert (found.funnel.answered, found.funnel.came) == (6, 8)
    assert {one.code: one.number for one in found.reach} == {"mobile": 10, "none": 6}
    assert lines(found, Dimension.CHANNEL) == {"": 6, "sms": 10}
    assert found.sent is not None
    assert found.sent.messages >= 10
    assert found.contacts is not None
    assert (found.contacts.contacts, found.contacts.in_care, found.contacts.answered) == (6, 16, 6)
    assert {one.code: one.number for one in found.motives} == {"confirmed": None, "question": None}


def test_who_came_of_those_reminded_does_not_tell_of_the_few_who_were_not(store: Store) -> None:
    """All who came less those who were reminded: the three whom nobody could reach."""
    room = Mailroom(store, now=paris("2026-10-05 09:00"), settings=settings_with(**LIVE))
    unreachable = [visit(n, patient=replace(someone(n), contacts=())) for n in range(11, 14)]
    tell(room, *(visit(n) for n in range(1, 11)), *unreachable)
    room.release()
    room.plan()
    room.at(paris("2026-10-13 10:30"))
    room.plan()
    room.deliver()
    room.at(paris("2026-10-20 18:00"))
    tell(room, *(visit(n, status=Status.FULFILLED) for n in range(1, 11)),
         *(replace(one, status=Status.NOSHOW) for one in unreachable))  # fmt: skip
    found = report(room)
    assert lines(found, Dimension.CHANNEL) == {"": None, "sms": None}
    assert set(lines(found, Dimension.TEMPLATE).values()) == {None}
    assert found.funnel is not None
    assert (found.funnel.entered, found.funnel.came) == (13, None)


def test_what_only_telephony_knows_is_named(clinic: Clinic) -> None:
    assert set(report(clinic).not_measured) == set(NotMeasured)


def test_both_arms_of_a_hold_out_enter_alike(store: Store) -> None:
    room = Mailroom(store, now=paris("2026-10-05 09:00"), settings=settings_with(**LIVE))
    propose(store, room.rules, share=0.5, now=room.now, by="nadia")
    approve(store, now=room.now, by="Dr Claire Exemple")
    tell(room, *(visit(n) for n in range(1, 41)))
    room.release()
    room.plan()
    for day in ("2026-10-13 10:30", "2026-10-17 10:30", "2026-10-20 18:00"):
        room.at(paris(day))
        room.plan()
        room.deliver()
    held = room.value("SELECT COUNT(*) FROM unit_entry WHERE arm = 'held'")
    found = report(room).funnel
    assert found is not None
    assert 5 < held < 35
    assert (found.entered, found.planned, found.sent) == (40, 40 - held, 40 - held)
    entered = room.rows(
        "SELECT u.entered_at - r.entered_at AS apart, u.starts_at - r.starts_at AS elsewhere "
        "FROM unit_entry u JOIN report_unit r ON r.appointment_id = u.appointment_id"
    )
    assert {(row.apart, row.elsewhere) for row in entered} == {(0, 0)}


def test_a_week_with_fewer_than_five_known_outcomes_has_no_rate() -> None:
    def week(attended: int, missed: int) -> Any:
        none = {one.value.replace("-", "_"): 0 for one in Outcome}
        return SimpleNamespace(hidden=0, **(none | {"attended": attended, "no_show": missed}))

    weeks = [(date(2026, 9, 28), week(90, 10)), (date(2026, 10, 5), week(80, 20)),
             (date(2026, 10, 12), week(0, 4)), (date(2026, 10, 19), week(4, 1))]  # fmt: skip
    found = trend_of(Every.WEEK, weeks)
    assert [point.rate for point in found.points] == [0.1, 0.2, None, 0.2]
    assert found.centre == pytest.approx(31 / 205)  # what has no rate moves no limit either
