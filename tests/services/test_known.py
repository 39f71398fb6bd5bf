"""Known in the service, or new: one definition for the report, the comparison and the past."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from random import Random

from reminders.domain.appointment import AppointmentRecord, Status
from reminders.domain.baseline import Cell
from reminders.domain.report_unit import KIND
from reminders.services import baseline
from reminders.services.holdout import approve, propose
from reminders.services.rollup import refresh
from reminders.store.engine import Store
from tests.services.test_rollup import tell
from tests.support.clinic import paris, settings_with, someone, visit
from tests.support.mailroom import LIVE, Mailroom
from tests.support.past import imported

BEGINS, OVER = paris("2026-09-01 07:00"), paris("2026-12-15 07:00")


def hospital(seed: int) -> list[AppointmentRecord]:
    """Visits as records systems hold them: some booked all at once, some when the last one ended,
    some without a date of booking; with what was called off or entered in error before."""
    draw, numbers = Random(seed), count(1)
    return [one for n in range(1, 41) for one in _of_patient(n, draw, numbers)]


def _of_patient(n: int, draw: Random, numbers: Iterator[int]) -> Iterator[AppointmentRecord]:
    uf = draw.choice(("4220", "4230"))
    past = draw.choice((None, None, Status.CANCELLED, Status.ENTERED_IN_ERROR))
    if past is not None:
        yield visit(
            next(numbers), "2026-07-21 09:30", patient=someone(n), uf=uf, status=past,
            booked_at=paris("2026-06-02 10:00"), modified_at=paris("2026-06-12 10:00"),
        )  # fmt: skip
    way = draw.choice(("at once", "one by one", "untold"))
    starts = paris("2026-09-21 09:00") + timedelta(days=draw.randrange(14), minutes=n)
    booked: datetime | None = paris("2026-08-20 11:00") if way != "untold" else None
    for _ in range(draw.choice((1, 2, 2, 3))):
        yield visit(next(numbers), starts_at=starts, patient=someone(n), uf=uf, booked_at=booked)
        if way == "one by one":
            booked = starts + timedelta(minutes=20)
        starts += timedelta(days=draw.choice((3, 21)) if way != "one by one" else 21)


def lived_through(room: Mailroom, records: list[AppointmentRecord]) -> None:
    """Each appointment comes in once it is booked; its reminders are planned day by day."""
    waiting = list(records)
    while room.now < OVER:
        come = [one for one in waiting if one.booked_at is None or one.booked_at <= room.now]
        if come:
            tell(room, *come)
            waiting = [one for one in waiting if one not in come]
        room.plan()
        refresh(room.store, room.rules, now=room.now)
        room.pass_days(1)


def test_report_comparison_and_past_call_the_same_patients_known(store: Store) -> None:
    records = hospital(7)
    ended = [replace(one, status=Status.FULFILLED) if one.status is Status.BOOKED else one
             for one in records]  # fmt: skip
    imported(store, *ended, now=OVER)
    past = Counter({key: one.appointments for key, one in baseline.past(store).items()})
    room = Mailroom(store, now=BEGINS, settings=settings_with(**LIVE))
    propose(room.store, room.rules, share=0.5, now=room.now, by="nadia")
    approve(room.store, now=room.now, by="Dr Claire Exemple")
    lived_through(room, records)
    cells = Counter(row.cell for row in room.rows("SELECT cell FROM unit_entry"))
    assert cells == past
    by_service = Counter[tuple[str, str]]()
    for key, number in past.items():
        cell = Cell(*key.split("|"))
        by_service[cell.uf, cell.known] += number
    assert min(by_service.values()) > 5, "both kinds in both services"
    told = room.rows("SELECT uf, kind FROM report_unit")
    assert by_service == Counter(
        (row.uf, "known" if KIND["known"].of(row.kind) else "new") for row in told
    )
