"""What the past tells: rates by kind, where to start, how long a comparison takes."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from reminders.domain.baseline_count import Counted, Split
from reminders.domain.outcome import Outcome, Tally
from reminders.domain.savings import Component, UnitCost
from reminders.services.baseline_rates import (
    Starts,
    kept,
    needed,
    rates,
    slot_costs,
    starts,
)
from reminders.services.costs import add
from reminders.services.rules import rules_of
from reminders.store.engine import Store
from tests.support.clinic import MONDAY, paris, settings_with
from tests.support.past import (
    CAME,
    EARLY,
    HOSPITAL,
    LATE,
    MISSED,
    OPEN,
    Record,
    imported,
    was,
    year,
)

TODAY = date(2026, 10, 12)


def some(
    number: int, first: int, starts_at: str = "2026-06-09 09:30", **changes: object
) -> list[Record]:
    return [was(first + n, starts_at, **changes) for n in range(number)]


def test_a_rate_is_among_all_whose_outcome_is_known(store: Store) -> None:
    imported(
        store, *some(60, 0, **CAME), *some(20, 100, **MISSED), *some(10, 200, **LATE),
        *some(5, 300, **EARLY), *some(5, 400, **HOSPITAL), *some(25, 500, **OPEN),
    )  # fmt: skip
    [line] = rates(store, [Split.SERVICE])[Split.SERVICE]
    assert (line.counted.appointments, line.counted.missed, line.rate) == (100, 20, 0.20)
    assert line.expected_rate == 0.25
    assert line.bounds == (20 / 125, 45 / 125)
    assert line.interval is not None
    assert (round(line.interval.low, 4), round(line.interval.high, 4)) == (0.1334, 0.2888)


def test_rates_are_by_each_kind_in_the_order_one_reads_them(store: Store) -> None:
    records: list[Record] = []
    for place, (ahead, hour, born) in enumerate(
        [(0, "08:00", 2020), (10, "09:15", 1979), (70, "16:00", 1940), (None, "09:30", None)]
    ):
        start = paris(f"2026-06-0{place + 1} {hour}")
        booked = None if ahead is None else start - timedelta(days=ahead)
        records += [was(100 * place + n, start, booked_at=booked, born=born) for n in range(6)]
    imported(store, *records)
    found = rates(store, list(Split))

    def values(split: Split, name: str) -> list[str]:
        return [getattr(line.counted, name) for line in found[split]]

    assert values(Split.LEAD, "lead") == ["<1", "7-13", "56+", "?"]
    assert values(Split.HOUR, "hour") == ["08", "09", "16"]
    assert values(Split.WEEKDAY, "weekday") == ["1", "2", "3", "4"]
    assert values(Split.AGE, "age") == ["3-15", "45-64", "80+", "?"]
    assert values(Split.KNOWN, "known") == ["new"]
    assert len(found[Split.CELL]) == 4


def test_small_kinds_are_hidden_and_say_nothing(store: Store) -> None:
    imported(store, *some(20, 0), *some(4, 100, "2026-06-10 09:30", **MISSED),
             *some(8, 200, "2026-06-11 09:30"))  # fmt: skip
    tuesday, wednesday, thursday = rates(store, [Split.WEEKDAY])[Split.WEEKDAY]
    assert (tuesday.hidden, wednesday.hidden, thursday.hidden) == (False, True, True)
    assert (wednesday.rate, wednesday.interval, wednesday.bounds) == (None, None, None)


def test_one_patient_who_comes_often_is_a_small_kind(store: Store) -> None:
    often = [was(7, paris("2026-06-10 09:00") + timedelta(weeks=n)) for n in range(12)]
    imported(store, *some(20, 100), *often, *some(9, 300, "2026-06-11 09:30"))
    hidden = {
        one.counted.weekday: one.hidden for one in rates(store, [Split.WEEKDAY])[Split.WEEKDAY]
    }
    assert hidden == {"2": False, "3": True, "4": True}


def test_only_the_services_one_may_see(store: Store) -> None:
    imported(store, *year(), *year(uf="4230", first=1_000))
    seen = rates(store, [Split.SERVICE, Split.LEAD], ufs=frozenset({"4230", "9999"}))
    assert {line.counted.uf for lines in seen.values() for line in lines} == {"4230"}
    assert rates(store, [Split.SERVICE], ufs=frozenset())[Split.SERVICE] == []
    assert len(rates(store, [Split.SERVICE])[Split.SERVICE]) == 2


# --- where to start ------------------------------------------------------------------------------


def cost(uf: str, value: float) -> UnitCost:
    return UnitCost(Component.SLOT, value, value / 2, value * 2, "essai", TODAY, uf)


def begin(store: Store, cost_of: Callable[[str], UnitCost | None]) -> Starts:
    found = kept(store)
    assert found is not None
    return starts(store, found, cost_of)


def two_services(store: Store) -> None:
    """4220 has four times as many no-shows as 4230, over the same 26 weeks."""
    imported(store, *year(each=16), *year(uf="4230", first=1_000))


def test_services_are_ranked_by_what_could_be_avoided(store: Store) -> None:
    two_services(store)
    dear = {"4220": cost("4220", 10), "4230": cost("4230", 100)}
    found = begin(store, dear.get)
    assert found.by_cost
    assert [one.uf for one in found.ranked] == ["4230", "4220"]
    first = found.ranked[0]
    weeks = 25 + 1 / 7 + 1 / 24 / 7 * 0.75  # of the first to the last appointment
    assert first.missed_a_year == pytest.approx(26 * 52 / weeks, rel=0.01)
    assert first.avoidable is not None
    low, high = first.avoidable
    assert low == pytest.approx(first.missed_a_year * 50 * 0.10)
    assert high == pytest.approx(first.missed_a_year * 200 * 0.34)


def test_without_any_cost_they_are_ranked_by_no_shows_and_that_is_said(store: Store) -> None:
    two_services(store)
    found = begin(store, lambda _: None)
    assert not found.by_cost
    assert [one.uf for one in found.ranked] == ["4220", "4230"]
    assert [one.avoidable for one in found.ranked] == [None, None]


def test_costs_are_those_entered_else_the_services_own(store: Store) -> None:
    priced = {"uf": "4220", "site": "sud", "label": "Consultations", "slot_cost_eur": 50}
    rules = rules_of(settings_with(service=[priced, {**priced, "uf": "4230"}]))
    add(store, [cost("4230", 80)], actor="nadia", now=MONDAY)
    cost_of = slot_costs(store, rules, TODAY)
    found = [cost_of("4220"), cost_of("4230"), cost_of("9999")]
    assert [one.value if one else None for one in found] == [50, 80, None]


def test_same_day_bookings_are_no_place_to_start(store: Store) -> None:
    start = paris("2026-06-09 09:30")
    same = [was(900 + n, start, uf="4230", booked_at=start, **MISSED) for n in range(20)]
    imported(store, *year(), *same)
    assert [one.uf for one in begin(store, lambda _: None).ranked] == ["4220"]


def test_a_service_too_small_is_counted_and_not_told(store: Store) -> None:
    imported(store, *year(), *some(3, 900, uf="4230", **MISSED), *some(9, 950, uf="4240"))
    found = begin(store, lambda _: None)
    assert ([one.uf for one in found.ranked], found.small) == (["4220"], 2)


@pytest.mark.parametrize(
    ("rate", "sizes"),
    [
        (0.06, (14_900, 43_600, 176_000)),
        (0.11, (7_700, 22_600, 91_000)),
        (0.20, (3_900, 11_200, 45_000)),
    ],
)
def test_sizes_are_those_of_the_published_table(rate: float, sizes: tuple[int, ...]) -> None:
    """EVIDENCE 3: 10 % held out, 80 % power, design effect 1.3."""
    whole = Counted("4220", 900, Tally({Outcome.ATTENDED: 940, Outcome.NO_SHOW: 60}))
    found = needed(rate, whole, 52 / 12)
    assert [one.appointments for one in found] == pytest.approx(sizes, rel=0.03)
    assert found[0].months == pytest.approx(sizes[0] / 1_000, rel=0.03)


def test_too_few_no_shows_tell_no_size() -> None:
    whole = Counted("4220", 900, Tally({Outcome.ATTENDED: 900, Outcome.NO_SHOW: 9}))
    assert needed(0.01, whole, 10) == needed(None, whole, 10) == ()
