"""Each defect of a file is found, counted, and said with what it changes and what to do."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from reminders.domain.appointment import AppointmentRecord, RowProblem, Status
from reminders.domain.baseline_quality import Check, Finding, Weight
from reminders.services.baseline_rates import kept
from reminders.services.baseline_words import MEANINGS
from reminders.store.engine import Store
from tests.support.clinic import MONDAY, paris
from tests.support.comparison import Comparison
from tests.support.past import CAME, LATE, MISSED, OPEN, Record, imported, read, was, year


def findings(store: Store, *records: Record, **feed: Any) -> dict[Check, Finding]:
    with read(store, *records, **feed) as found:
        told = {one.check: one for one in found.findings}
    assert set(told) == set(Check)
    return told


def told(one: Finding) -> tuple[int, int, Weight]:
    return one.number, one.whole, one.weight


CLEAN = 26 * 4  # appointments of `year`


def test_clean_data_has_nothing_and_says_what_was_looked_at(store: Store) -> None:
    assert {one.weight for one in findings(store, *year()).values()} == {Weight.NOTHING}


def test_missing_outcomes_by_service_and_by_week(store: Store) -> None:
    open_ = [was(900 + n, "2026-06-09 09:30", uf="4230", **OPEN) for n in range(30)]
    one = findings(store, *year(), *open_)[Check.MISSING]
    assert told(one) == (30, CLEAN + 30, Weight.SERIOUS)
    assert [(part.name, part.number, part.whole) for part in one.services] == [("4230", 30, 30)]
    assert (one.weeks[0].name, one.weeks[0].number, one.weeks[0].whole) == ("2026-06-08", 30, 34)


def test_a_change_of_coding_is_told_with_its_week(store: Store) -> None:
    first = paris("2026-01-06 09:00")
    records = []
    for week in range(36):
        for place in range(20):
            how = LATE if place % 10 < (2 if week < 18 else 8) else MISSED
            moment = first + timedelta(weeks=week, minutes=10 * place)
            records.append(was(week * 20 + place, moment, **how))
    one = findings(store, *records)[Check.CODING]
    assert one.weight is Weight.SERIOUS
    [change] = one.changes
    assert (change.uf, change.monday) == ("4220", "2026-05-11")
    assert (round(change.before, 1), round(change.after, 1)) == (0.2, 0.8)


def again(one: Record, **changes: Any) -> AppointmentRecord:
    assert isinstance(one, AppointmentRecord)
    return replace(one, external_id=f"{one.external_id}bis", row=one.row + 10_000, **changes)


def test_doubles_are_counted_once_and_their_lines_told(store: Store) -> None:
    records = year()
    doubles = [again(records[0], status=Status.BOOKED), again(records[8])]
    with read(store, *records, *doubles) as found:
        one = next(f for f in found.findings if f.check is Check.DOUBLES)
        assert found.appointments == CLEAN
    assert told(one) == (2, CLEAN + 2, Weight.WARNING)
    assert sorted(one.lines) == sorted(double.row for double in doubles)


def defective(count: int, **changes: Any) -> list[Record]:
    return [
        was(700 + n, paris("2026-06-10 09:00") + timedelta(minutes=10 * n), **changes)
        for n in range(count)
    ]


def cancelled(count: int, moment: datetime | None) -> list[Record]:
    return [
        replace(one, status=Status.CANCELLED, modified_at=moment)
        for one in defective(count)
        if isinstance(one, AppointmentRecord)
    ]


@pytest.mark.parametrize(
    ("check", "records", "weight"),
    [
        (Check.NEGATIVE, defective(3, booked_at=paris("2026-06-20 09:00")), Weight.WARNING),
        (Check.FAR, defective(3, booked_at=paris("2024-01-20 09:00")), Weight.WARNING),
        (Check.NO_BOOKING, defective(3, booked_at=None), Weight.NOTE),
        (Check.NO_BIRTH, defective(3, born=None), Weight.NOTE),
        (Check.NO_BIRTH, defective(3, born=1890), Weight.NOTE),
        (Check.NO_HOUR, defective(3, all_day=True), Weight.NOTE),
        (Check.UNMAPPED, defective(3, uf="9999"), Weight.WARNING),
        (Check.NO_UF, defective(3, uf=""), Weight.WARNING),
        (Check.UNDATED, cancelled(3, None), Weight.NOTE),
        (Check.FUTURE, defective(3, starts_at=MONDAY + timedelta(days=1)), Weight.NOTE),
    ],
    ids=lambda one: one.value if isinstance(one, Check | Weight) else None,
)
def test_each_defect_is_counted(
    store: Store, check: Check, records: list[Record], weight: Weight
) -> None:
    found = findings(store, *year(), *records)
    assert (found[check].number, found[check].weight) == (3, weight)
    assert [c for c, one in found.items() if one.number and c is not check] == []


def test_lines_without_patient_or_that_cannot_be_read(store: Store) -> None:
    lost = [replace(was(1), patient=None)] * 2
    unread = [RowProblem(7, "DATE_RDV", "bad_date", "date illisible", ""),
              RowProblem(9, "DATE_RDV", "bad_date", "date illisible", "")]  # fmt: skip
    found = findings(store, *year(), *lost, *unread)
    assert told(found[Check.NO_PATIENT]) == (2, CLEAN + 4, Weight.WARNING)
    assert told(found[Check.UNREAD]) == (2, CLEAN + 4, Weight.WARNING)
    assert found[Check.UNREAD].words == (("DATE_RDV : date illisible", 2),)
    assert found[Check.UNREAD].lines == (7, 9)


def test_unknown_words_are_shown_and_not_kept(store: Store) -> None:
    found = imported(store, *year(), unknown_words={"Bof": 7, "Vu": 9})
    one = next(f for f in found.findings if f.check is Check.WORDS)
    assert told(one) == (16, CLEAN, Weight.SERIOUS)
    assert one.words == (("Vu", 9), ("Bof", 7))
    kept_ = kept(store)
    assert kept_ is not None
    again_ = next(f for f in kept_.findings if f.check is Check.WORDS)
    assert (again_.number, again_.words) == (16, ())


def test_a_number_two_patients_share_is_nobodys(store: Store) -> None:
    shared = [was(800, external_id="N"), was(801, external_id="N")]
    with read(store, *year(), *shared) as found:
        one = next(f for f in found.findings if f.check is Check.MIXED)
        assert (one.number, found.appointments) == (1, CLEAN)


def test_periods_too_short_and_too_long_are_said(store: Store) -> None:
    short = findings(store, *year(weeks=8))
    assert (short[Check.SHORT].number, short[Check.SHORT].weight) == (8, Weight.WARNING)
    long = findings(store, *year(), *[was(n, "2025-01-14 09:00") for n in range(20)])
    assert (long[Check.LONG].weight, long[Check.SHORT].weight) == (Weight.NOTE, Weight.NOTHING)


def test_what_came_after_the_launch_is_said(store: Store) -> None:
    Comparison(store)
    found = findings(store, *[was(n, "2026-01-13 09:30") for n in range(40)],
                     *[was(n, "2026-04-14 09:30", **CAME) for n in range(40, 43)])  # fmt: skip
    assert (found[Check.LAUNCHED].number, found[Check.LAUNCHED].weight) == (3, Weight.WARNING)


def test_every_defect_has_its_words() -> None:
    assert set(MEANINGS) == set(Check)
    for one in MEANINGS.values():
        assert all(len(text) > 5 for text in (one.title, one.consequence, one.remedy))


def test_findings_are_limited_to_the_services_one_may_see(store: Store) -> None:
    imported(
        store, *year(), *defective(8, uf="4230", booked_at=None), *defective(4, booked_at=None)
    )
    theirs = kept(store, ufs=frozenset({"4230"}))
    assert theirs is not None
    one = next(f for f in theirs.findings if f.check is Check.NO_BOOKING)
    assert (one.number, [part.name for part in one.services]) == (8, ["4230"])
