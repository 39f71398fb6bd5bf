"""The list behind a count: as many as it says, found by an index however many units there are."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import count

import pytest

from reminders.domain.appointment import Status
from reminders.domain.outcome import Denominator, Outcome
from reminders.domain.report import (
    Asked,
    Dimension,
    Figures,
    Line,
    Month,
    NoShowReport,
    Only,
)
from reminders.domain.report_list import Behind, Counted
from reminders.domain.report_unit import FATE, KIND, packed
from reminders.services.report_list import Listed, listed, services_of
from reminders.services.rollup import refresh
from reminders.store import facts, report_lists
from reminders.store.engine import Store, insert_rows, run
from reminders.store.report_lists import FIRST
from reminders.store.rollups import COUNT_COLUMNS, SEALED, SUM_COLUMNS
from tests.services.test_no_show_report import OCTOBER, hospital, report
from tests.services.test_rollup import at, tell
from tests.store.test_people import heard, plan_of
from tests.support.clinic import Clinic, paris, someone, visit

ASKED = Asked(OCTOBER, OCTOBER)
SIZES = {"4210": 30, "4220": 60, "4230": 3, "4240": 9, "5110": 40, "5120": 4}


@pytest.fixture
def clinic(store: Store) -> Clinic:
    return hospital(store, SIZES)


def everything(
    clinic: Clinic, asked: Asked, behind: Behind, ufs: Sequence[str] | None
) -> list[Listed]:
    """All pages of a list, whose number is what the list says it is."""
    found: list[Listed] = []
    page = listed(clinic.store, asked, behind, ufs)
    while True:
        found += page.units
        if page.after is None:
            break
        page = listed(clinic.store, asked, behind, ufs, after=page.after)
    assert len({one.appointment for one in found}) == len(found) == page.number
    return found


def counts(figures: Figures) -> Iterator[tuple[str, int]]:
    for outcome in Outcome:
        yield outcome.value, figures.tally[outcome]
    yield "known", figures.tally.among(Denominator.ELIGIBLE)
    yield "expected", figures.tally.among(Denominator.EXPECTED)
    yield "pending", figures.pending


def told(found: NoShowReport) -> Iterator[tuple[str, Only | None, Line | None, Figures]]:
    """The whole, and every line that is told."""
    assert found.figures is not None
    yield "", None, None, found.figures
    for breakdown in found.breakdowns:
        for line in breakdown.lines:
            if not isinstance(line, Line):
                continue
            finer = breakdown.dimension not in (Dimension.SITE, Dimension.SERVICE)
            only = Only(breakdown.dimension, line.value) if finer else None
            yield breakdown.dimension, only, line, line.figures


@pytest.mark.parametrize("ufs", [None, frozenset({"4220", "4230", "5110", "5120"})])
def test_every_count_of_every_line_is_its_list(clinic: Clinic, ufs: frozenset[str] | None) -> None:
    found = report(clinic, ufs=ufs)
    lines = 0
    for dimension, only, line, figures in told(found):
        asked = ASKED
        site = line.value if line is not None and dimension == Dimension.SITE else ""
        if line is not None and dimension == Dimension.SERVICE:
            asked = Asked(OCTOBER, OCTOBER, ufs=frozenset({line.value}))
        services = services_of(clinic.rules, asked, ufs, site)
        for issue, number in counts(figures):
            rows = everything(clinic, asked, Behind(issue, only=only), services)
            assert len(rows) == number, (dimension, line, issue)
            assert {one.uf for one in rows} <= set(SIZES if ufs is None else ufs)
        lines += 1
    assert lines > 8


def test_the_whole_is_of_every_service_and_a_choice_of_what_may_be_told(clinic: Clinic) -> None:
    report(clinic)
    known = Behind("known")
    assert {one.uf for one in everything(clinic, ASKED, known, None)} == set(SIZES)
    chosen = {one.uf for one in everything(clinic, ASKED, known, sorted(SIZES))}
    assert chosen == set(SIZES) - {"4230", "5120"}  # too small to be lines of their own


@pytest.mark.parametrize(
    "behind",
    [
        Behind("late"),
        Behind(what="nothing"),
        Behind(what="reach:pigeon"),
        Behind(what="motive:"),
        Behind(what="sent", only=Only(Dimension.WEEKDAY, "1")),
        Behind("known", only=Only(Dimension.AGE, "7-8")),
        Behind("known", only=Only(Dimension.HOUR, "x")),
        Behind("known", only=Only(Dimension.LANGUAGE, "1")),
        Behind("known", week=date(2026, 10, 20)),  # a Tuesday
    ],
)
def test_what_the_report_does_not_count_has_no_list(clinic: Clinic, behind: Behind) -> None:
    with pytest.raises(ValueError, match=r"no such|counted|not in tuple"):
        listed(clinic.store, ASKED, behind, None)


# --- ten million of them --------------------------------------------------------------------------

FIRST_MONTH = Month(2024, 11).number
MONTHS, SERVICES, EACH = 24, 30, 40
WEEK = date(2026, 3, 30)


@pytest.fixture
def long(store: Store) -> Store:
    """Two years of thirty services, forty appointments a month each; one in a thousand is rare."""
    units, lines, sums = [], [], []
    for month in range(FIRST_MONTH, FIRST_MONTH + MONTHS):
        for service in range(SERVICES):
            uf, base = f"U{service:02}", ((month - FIRST_MONTH) * SERVICES + service) * EACH
            rare = service == 7 and month % 8 == 0
            for n in range(EACH):
                template = 77 if rare and n == 4 else 5
                kind = packed(KIND, weekday=n % 5 + 1, hour=9, day=5)
                handled = int(service == 7 and n == 4)
                fate = packed(FATE, outcome=n % 4, sent=1, template=template, handled=handled)
                units.append((base + n + 1, base + n + 1, uf, month, base + n, 0, 1, kind, fate,
                              1, 1, 0, 0))  # fmt: skip
            zeros = [0] * 6
            lines.append((month, uf, "all", "", 0, EACH, EACH, *zeros))
            lines.append((month, uf, "template", "5", 0, EACH, EACH, *zeros))
            if rare:
                lines.append((month, uf, "template", "77", 0, 1, 1, *zeros))
            if service == 7:
                lines.append((month, uf, "handled", "1", 0, 1, 1, *zeros))
            lines.append((month, uf, "week", WEEK.isoformat(), 0, EACH, EACH, *zeros))
            sums.append((month, uf, 0, EACH, *[EACH] * (len(SUM_COLUMNS) - 4)))
        for dim, value in (("template", "5"), ("template", "77"), ("week", WEEK.isoformat())):
            lines.append((month, "*", dim, value, 0, EACH, EACH, *[0] * 6))
        lines.append((month, "*", "all", "", 0, EACH, EACH, *[0] * 6))
        sums.append((month, "*", 0, EACH, *[EACH] * (len(SUM_COLUMNS) - 4)))
    columns = ("appointment_id", "patient_id", "uf", "month", "starts_at", "entered_at",
               "counted", "kind", "fate", "messages", "segments", "cost", "contacts")  # fmt: skip
    with store.write() as connection:
        insert_rows(connection, "report_unit", columns, units)
        insert_rows(connection, "rollup", COUNT_COLUMNS, lines)
        insert_rows(connection, "rollup_sum", SUM_COLUMNS, sums)
        for table in ("report_unit", "rollup", "rollup_sum"):
            connection.exec_driver_sql(f"ANALYZE {table}")
    return store


WALKED: dict[str, Counted] = {
    "all": Behind("known").counted(),
    "rare": Behind("attended", only=Only(Dimension.TEMPLATE, "77")).counted(),
    "sent": Behind(what="sent").counted(),
    "messages": Behind(what="messages").counted(),
    "handled": Behind(what="handled").counted(),
    "week": Behind("known", week=WEEK).counted(),
    "in-care": Behind(what="in-care").counted(),
}


# How many the first page has, and whether it is the last.
FOUND = dict.fromkeys(("all", "sent", "messages", "in-care"), (50, False)) | {
    "rare": (3, True), "handled": (24, True),
    "week": (0, False),  # none of these units is of it
}  # fmt: skip


@pytest.mark.parametrize("ufs", [None, ["U07"], [f"U{n:02}" for n in range(25)]])
@pytest.mark.parametrize("name", WALKED)
def test_a_page_walks_the_index_of_months_and_reads_no_period(
    long: Store, name: str, ufs: list[str] | None
) -> None:
    last = FIRST_MONTH + MONTHS - 1
    with long.read() as connection:
        with heard(connection) as said:
            found, more = report_lists.page(
                connection, WALKED[name], ufs, FIRST_MONTH, last, after=FIRST, limit=50
            )
        plans = [plan_of(long, connection, sql, values) for sql, values in said]
    assert (len(found), more is None) == FOUND[name]
    for plan in plans:
        assert "ix_report_unit_month" in plan, plan
        for whole in ("SCAN u\n", "SCAN u'", "Seq Scan on report_unit"):
            assert whole not in plan, plan


# --- what a unit counts for more or less than once ------------------------------------------------


def times(clinic: Clinic, asked: Asked, what: str, ufs: Sequence[str] | None = None) -> list[int]:
    """How often each row of a measure's list counts; together as often as the report says."""
    found: list[Listed] = []
    page = listed(clinic.store, asked, Behind(what=what), ufs)
    while True:
        found += page.units
        if page.after is None:
            break
        page = listed(clinic.store, asked, Behind(what=what), ufs, after=page.after)
    assert len({one.appointment for one in found}) == len(found)
    assert sum(one.times for one in found) == page.number
    return sorted(one.times for one in found)


def test_who_moved_and_then_cancelled_gave_two_slots_back(store: Store) -> None:
    clinic = Clinic(store, now=paris("2026-10-05 09:00"))
    number = count(1)
    others = [visit(next(number), "2026-10-20 10:00", agenda="A") for _ in range(8)]
    one, two = visit(90, agenda="B"), visit(91, "2026-10-20 11:00", agenda="B")
    tell(clinic, one, two, *others)
    at(clinic, "2026-10-14 09:00")
    refresh(store, clinic.rules, now=clinic.now)
    moved = replace(one, starts_at=paris("2026-10-22 09:30"))
    tell(clinic, moved, replace(two, status=Status.CANCELLED), *others)
    at(clinic, "2026-10-16 09:00")
    tell(clinic, replace(moved, status=Status.CANCELLED), *others)
    at(clinic, "2026-10-16 15:00")
    filler = visit(92, "2026-10-22 09:30", agenda="B", booked_at=clinic.now)
    tell(clinic, filler, *others)
    at(clinic, "2026-10-23 12:00")
    tell(clinic, *(replace(one, status=Status.FULFILLED) for one in others))
    refresh(store, clinic.rules, now=clinic.now)
    assert times(clinic, ASKED, "freed") == [1, 2]
    assert times(clinic, ASKED, "refilled") == [1]


def test_a_patient_is_in_care_once_a_month_wherever_they_come(store: Store) -> None:
    """Of chosen services once in each of them; two files of one person are one."""
    clinic = hospital(store, {"4220": 9, "4230": 9})
    number = count(100)
    at(clinic, "2026-10-05 09:00")
    tell(clinic, *(
        visit(next(number), f"{day} 09:30", uf=uf, patient=someone(n))
        for n in range(1, 5) for uf in ("4220", "4230")
        for day in ("2026-10-20", "2026-10-21", "2026-11-17")
    ))  # fmt: skip
    with store.write() as connection:
        run(connection, "UPDATE patient SET merged_into = (SELECT MIN(id) FROM patient) "
                        "WHERE id = (SELECT MAX(id) FROM patient)")  # fmt: skip
    at(clinic, "2026-12-01 09:00")
    refresh(store, clinic.rules, now=clinic.now)
    both = Asked(OCTOBER, Month(2026, 11))
    # Eighteen, of whom two are one; of the first four each has six appointments more.
    for asked, ufs in itertools.product(
        (ASKED, both), (None, ["4220"], ["4230"], ["4220", "4230"])
    ):
        assert set(times(clinic, asked, "in-care", ufs)) == {1}
    assert len(times(clinic, ASKED, "in-care")) == 17
    assert len(times(clinic, ASKED, "in-care", ["4220", "4230"])) > 17


def test_units_purged_since_leave_a_list_that_goes_on(clinic: Clinic) -> None:
    """What was counted stays counted; what is left is listed, on pages that are not empty."""
    report(clinic)
    with clinic.store.write() as connection:
        run(connection, "DELETE FROM report_unit WHERE uf = '4210'")
        run(connection, "DELETE FROM report_unit WHERE uf = '4220' AND appointment_id % 2 = 0")
        facts.replace(connection, SEALED, str(OCTOBER.number))
    page, seen = listed(clinic.store, ASKED, Behind("known"), None), list[str]()
    assert page.purged == OCTOBER
    assert page.number > len(page.units)
    while True:
        assert page.units
        seen += [one.uf for one in page.units]
        if page.after is None:
            break
        page = listed(clinic.store, ASKED, Behind("known"), None, after=page.after)
    assert set(seen) == set(SIZES) - {"4210"}
