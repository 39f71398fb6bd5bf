"""How many messages there are is counted, and kept for a while once counting takes long."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from reminders.services.today import Census
from reminders.store.engine import Store
from tests.support.clinic import MONDAY, Clinic, visits


def planned(store: Store, numbers: range) -> None:
    clinic = Clinic(store)
    clinic.read(*visits(list(numbers)))
    clinic.release()
    clinic.plan()


def hours(*seconds: float) -> Iterator[datetime]:
    return iter([MONDAY + timedelta(seconds=one) for one in seconds])


def test_a_count_that_takes_no_time_is_made_each_time(store: Store) -> None:
    census = Census()
    assert census.of(store, lambda: MONDAY) == ({}, timedelta(0))
    planned(store, range(1, 4))
    counted, ago = census.of(store, lambda: MONDAY)
    assert sum(counted.values()) > 0
    assert ago == timedelta(0)


def test_a_count_that_took_a_second_serves_for_twenty_and_says_its_age(store: Store) -> None:
    census = Census()
    at = hours(0, 1, 1, 5, 6, 19.9, 19.9, 20, 20.1, 20.1)  # asked, counted, answered
    assert census.of(store, lambda: next(at)) == ({}, timedelta(seconds=1))
    planned(store, range(1, 4))
    assert census.of(store, lambda: next(at)) == ({}, timedelta(seconds=6))
    assert census.of(store, lambda: next(at)) == ({}, timedelta(seconds=19.9))
    counted, ago = census.of(store, lambda: next(at))
    assert sum(counted.values()) > 0
    assert ago == timedelta(seconds=0.1)
