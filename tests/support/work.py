"""An office with work on its desk: replies to read, calls to make, a day to fill in."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from reminders.domain.appointment import AppointmentRecord
from reminders.services.compose import Route
from reminders.services.tasks import SENTENCES
from reminders.store.engine import Store, insert_rows, reserve, rows
from reminders.store.types import micros
from tests.support.clinic import paris, settings_with, someone, visit
from tests.support.mailroom import LIVE
from tests.support.office import Office
from tests.support.worklist import DESKS, reply

LONG = "SAINT-PROTOTYPE DE DÉMONSTRATION-FICTIVE-ÉCHANTILLON"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>&quot;'\""
DAY = date(2026, 10, 13)


def office_at_work(store: Store, number: int = 4, **changes: object) -> Office:
    """`number` patients of B2 tomorrow, one of imaging; all were written to this morning."""
    office = Office(
        store,
        settings=settings_with(**(dict(LIVE) | {"service": DESKS} | changes)),
        routes=(Route("main", "sms", "reply"),),
    )
    office.read(*_records(number))
    office.release()
    office.plan()
    office.at(paris("2026-10-12 10:05"))
    office.deliver()
    return office


def _records(number: int) -> list[AppointmentRecord]:
    return [
        *(visit(n, _hour(n), agenda=("Dr A", "Dr B")[n % 2]) for n in range(1, number + 1)),
        visit(90, "2026-10-13 09:30", uf="4230", patient=someone(90, family="AILLEURS")),
        *(visit(n, "2026-11-20 09:30") for n in (98, 99)),  # no export is without days to come
    ]


def the_dpi_says(office: Office, number: int = 4, **changes: Any) -> None:
    """Another reading of an office of `number`, in which appointment 1 differs so."""
    first, *others = _records(number)
    assert office.read(replace(first, **changes), *others).status == "accepted"


def _hour(number: int) -> str:
    minutes = 8 * 60 + number * 10 if number < 60 else 18 * 60 + number
    return f"2026-10-13 {minutes // 60:02d}:{minutes % 60:02d}"


def hidden(page: str, name: str) -> str:
    """What a form of a page says by itself."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def writes(office: Office, text: str, number: int = 1) -> int:
    """A patient of the office answers; the task that follows."""
    return reply(office, text, f"+336399800{number:02d}")


def calls_to_make(
    office: Office, numbers: Sequence[int], kind: str = "call_no_contact", uf: str = "4220"
) -> list[int]:
    """A call about each of these appointments; the tasks."""
    at = micros(office.now)
    found = {f"R{number}": number for number in numbers}
    with office.store.write() as connection:
        known = [
            row
            for row in rows(
                connection, "SELECT id, external_id FROM appointment ORDER BY starts_at"
            )
            if row.external_id in found
        ]
        first = reserve(connection, "task", len(known))
        insert_rows(
            connection,
            "task",
            ("id", "kind", "subject", "sentence", "uf", "state", "priority", "created_at",
             "due_at", "deadline_at", "appointment_id"),
            [
                (first + n, kind, f"appointment:{row.id}", SENTENCES[kind], uf, "open", 3, at, at,
                 micros(office.now + timedelta(hours=5)), row.id)
                for n, row in enumerate(known)
            ],
        )  # fmt: skip
    return [first + n for n in range(len(known))]
