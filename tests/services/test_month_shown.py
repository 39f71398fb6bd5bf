"""A month as the page of savings tells it: the no-show report's own figures and no others."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from reminders.domain.appointment import Status
from reminders.domain.report import Asked, Month
from reminders.services.money import Shown, describe, shown
from reminders.services.no_show_report import no_show_report
from reminders.services.rollup import refresh
from reminders.store import calls
from reminders.store.engine import Store
from reminders.store.types import micros
from tests.services.test_rollup import tell
from tests.support.clinic import paris, visit
from tests.support.office import Office, office_on

OCTOBER = Month(2026, 10)
SERVICES = [{"uf": uf, "site": "sud", "label": uf} for uf in ("4220", "4230", "4240")]
CALLS = {"4220": 6, "4230": 3, "4240": 1}


def lived(store: Store) -> Office:
    """Thirty patients in one service, twelve in another, three in the last; their reminders left
    on the 30th of September, the appointments were on the 7th of October."""
    office = office_on(store, now=paris("2026-09-21 08:00"), service=SERVICES)
    sizes = {"4220": range(1, 31), "4230": range(31, 43), "4240": range(43, 46)}
    records = [visit(n, "2026-10-07 09:30", uf=uf) for uf, some in sizes.items() for n in some]
    office.read(*records)
    office.release()
    for moment in ("2026-09-30 10:05", "2026-10-04 10:05", "2026-10-06 10:05"):
        office.at(paris(moment))
        office.plan()
        office.deliver()
    with store.write() as connection:
        calls.add(connection, [
            {"file_id": 1, "line_key": f"{uf}-{n}", "at": micros(office.now + timedelta(hours=n)),
             "day": "2026-10-06", "uf": uf, "motive": "cancel", "patient_id": 0,
             "appointment_id": 0, "recorded_at": micros(office.now), "author": "nadia"}
            for uf, number in CALLS.items() for n in range(number)
        ])  # fmt: skip
    office.at(paris("2026-10-08 09:00"))
    tell(office, *(replace(one, status=Status.FULFILLED) for one in records))
    refresh(store, office.rules, now=office.now)
    return office


def call(office: Office, key: str, uf: str, *, file: int, day: str = "2026-10-05") -> None:
    entry = {
        "file_id": file, "line_key": key, "at": micros(office.now), "day": day, "uf": uf,
        "motive": "cancel", "patient_id": 0, "appointment_id": 0,
        "recorded_at": micros(office.now), "author": "nadia",
    }  # fmt: skip
    with office.store.write() as connection:
        calls.add(connection, [entry])


def test_a_call_noted_and_in_the_telephones_file_is_one(store: Store) -> None:
    office = lived(store)
    before, alone = of(office, None).calls, of(office, None, "4220").calls
    for n in range(3):
        call(office, f"file-{n}", "4220", file=7)
    for n in range(2):
        call(office, f"noted-{n}", "4220", file=0)
    call(office, "noted-alone", "4220", file=0, day="2026-10-02")  # no file tells of that day
    assert of(office, None).calls == before + 4
    assert of(office, None, "4220").calls == alone + 4
    start, end = OCTOBER.between(ZoneInfo("Europe/Paris"))
    told = describe(store, None, start, end, start.date(), end.date(), now=office.now)
    assert told.calls == before + 4


def of(office: Office, ufs: frozenset[str] | None, uf: str = "") -> Shown:
    zone = ZoneInfo("Europe/Paris")
    return shown(office.store, office.rules, OCTOBER, uf, ufs, zone, now=office.now)


def test_messages_are_those_the_report_counts(store: Store) -> None:
    office = lived(store)
    told = no_show_report(
        store, office.rules, Asked(OCTOBER, OCTOBER), ufs=None, now=office.now
    ).sent
    found = of(office, None)
    assert told is not None
    assert (found.messages, found.price) == (told.messages, told.cost)
    september = office.value("SELECT COUNT(*) FROM attempt WHERE started_at < :october",
                             october=micros(paris("2026-10-01 00:00")))  # fmt: skip
    assert (found.messages, september) == (office.value("SELECT COUNT(*) FROM attempt"), 45)


def test_nothing_is_told_of_services_that_are_hidden(store: Store) -> None:
    """The smallest hides the next one; a reader of all three is shown one, and its calls alone."""
    office = lived(store)
    whole, mine = of(office, None), of(office, frozenset(CALLS))
    assert (whole.known, whole.calls) == (45, 10)
    assert (mine.known, mine.calls) == (30, CALLS["4220"])
    assert mine.messages == of(office, frozenset(CALLS), "4220").messages < whole.messages
