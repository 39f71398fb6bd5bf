"""The list behind a count: as many as it says, found by an index however many units there are."""

from collections.abc import Iterator, Sequence
from datetime import date

import pytest

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
from reminders.store import facts, report_lists
from reminders.store.engine import Store, insert_rows, run
from reminders.store.report_lists import FIRST
from reminders.store.rollups import COUNT_COLUMNS, SEALED, SUM_COLUMNS
from tests.services.test_no_show_report import OCTOBER, hospital, report
from tests.store.test_people import heard, plan_of
from tests.support.clinic import Clinic

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
}


# How many the first page has, and whether it is the last.
FOUND = dict.fromkeys(("all", "sent", "messages"), (50, False)) | {
    "rare": (3, True), "handled": (24, True), "week": (0, False),  # none of these units is of it
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
