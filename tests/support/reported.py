"""An office whose October is over: what the no-show report is read from."""

from dataclasses import replace

from reminders.domain.appointment import Status
from reminders.services.rollup import refresh
from reminders.store.engine import Store
from tests.services.test_rollup import tell
from tests.support.clinic import paris, visits
from tests.support.office import Office, office_on


def reported(store: Store) -> Office:
    """November: of October's appointments in two services, 72 and 38 have begun."""
    office = office_on(store, now=paris("2026-10-05 09:00"))
    records = [
        *visits(range(60), status=Status.FULFILLED),
        *visits(range(100, 112), status=Status.NOSHOW),
        *visits(range(200, 230), uf="4230", status=Status.FULFILLED),
        *visits(range(300, 308), uf="4230", status=Status.NOSHOW),
    ]
    office.read(*(replace(one, status=Status.BOOKED) for one in records))
    office.release()
    office.plan()
    office.at(paris("2026-10-20 12:00"))
    tell(office, *records)
    office.at(paris("2026-11-10 09:00"))
    refresh(store, office.rules, now=office.now)
    return office
