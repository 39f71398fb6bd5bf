"""Who writes or calls, and how often: a contact counts once, and one more about the same
appointment is a recontact unless we asked for it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest

from reminders.domain.worklist import Ending
from reminders.ports import InboundSms, Received
from reminders.services.answer import pass_on, take_replies
from reminders.services.receive import receive
from reminders.services.rollup import is_behind, recompute, refresh
from reminders.services.worklist import resolve, tend
from reminders.store import calls
from reminders.store.engine import Record, Store
from reminders.store.types import micros
from tests.support.clinic import paris, someone, visit
from tests.support.office import Office, office_on

START = paris("2026-10-05 08:00")
_number: Iterator[int] = count(1)


@pytest.fixture
def office(store: Store) -> Office:
    """One patient's appointment of the 20th, reminded of on the 13th and the 19th."""
    steps = [{"day": "J-7", "template": "confirm"}, {"day": "J-1", "template": "confirm"}]
    office = office_on(store, now=START, protocol=[{"id": "default", "step": steps}])
    office.read(visit(1, "2026-10-20 09:30"))
    office.release()
    return office


def until(office: Office, moment: str) -> None:
    """Day by day, as the service does."""
    wanted = paris(moment)
    while office.now < wanted:
        office.at(min(wanted, office.now + timedelta(days=1)))
        office.plan()
        office.deliver()


def writes(office: Office, text: str, moment: str) -> None:
    """The patient writes, and our acknowledgement leaves half a minute later."""
    until(office, moment)
    said = InboundSms(f"in{next(_number)}", office.sent[0].to, "", text)
    receive(office.store, office.secret, "main", Received(replies=(said,)), now=office.now)
    take_replies(office.store, office.rules, office.secret, now=office.now)
    pass_on(office.store, now=office.now)
    tend(office.store, office.rules, now=office.now)
    office.at(office.now + timedelta(seconds=30))
    office.deliver()


def calls_up(office: Office, moment: datetime) -> None:
    key = office.appointment(1).id
    with office.store.write() as connection:
        calls.add(connection, [
            {"file_id": 1, "line_key": f"{next(_number)}", "at": micros(moment),
             "day": f"{moment:%Y-%m-%d}", "uf": "4220", "motive": "other", "patient_id": 1,
             "appointment_id": key, "recorded_at": micros(office.now), "author": "nadia"}
        ])  # fmt: skip


def counted(office: Office) -> Record:
    """The month's sums, the same whether counted as it went or all anew."""
    refresh(office.store, office.rules, now=office.now)
    assert not is_behind(office.store, office.rules, now=office.now)
    sql = "SELECT * FROM rollup_sum WHERE uf = '*'"
    found = office.rows(sql)[0]
    recompute(office.store, office.rules, now=office.now)
    assert tuple(office.rows(sql)[0]) == tuple(found)
    return found


def kinds(office: Office) -> list[str]:
    found = office.rows(
        "SELECT m.kind FROM attempt a JOIN message m ON m.id = a.message_id ORDER BY a.id"
    )
    return [row.kind for row in found]


def test_who_writes_again_after_our_acknowledgement_is_counted(office: Office) -> None:
    writes(office, "OUI", "2026-10-13 12:00")
    writes(office, "Finalement je ne sais plus, a quelle heure ?", "2026-10-15 12:00")
    assert kinds(office)[:2] == ["reminder", "ack"]
    found = counted(office)
    assert (found.contacts, found.contacted, found.recontacts) == (2, 1, 1)


def test_who_answers_a_reminder_that_asks_again_is_not(office: Office) -> None:
    writes(office, "Je ne sais pas encore", "2026-10-13 12:00")
    writes(office, "OUI", "2026-10-19 18:00")
    assert kinds(office)[:3] == ["reminder", "ack", "reminder"]
    found = counted(office)
    assert (found.contacts, found.contacted, found.recontacts) == (2, 1, 0)


def test_who_calls_before_that_reminder_is(office: Office) -> None:
    writes(office, "Je ne sais pas encore", "2026-10-13 12:00")
    calls_up(office, paris("2026-10-14 15:00"))
    writes(office, "OUI", "2026-10-19 18:00")
    found = counted(office)
    assert (found.contacts, found.contacted, found.recontacts) == (3, 1, 1)


def test_what_we_asked_for_a_task_is_no_contact_of_the_patient(office: Office) -> None:
    writes(office, "Je ne sais pas encore", "2026-10-13 12:00")
    task = office.value("SELECT MAX(id) FROM task WHERE state = 'open'")
    office.at(office.now + timedelta(hours=2))
    resolve(office.store, office.secret, task, Ending.CONFIRMED, "nadia", now=office.now)
    assert office.value("SELECT channel FROM answer") == "staff"
    found = counted(office)
    assert (found.contacts, found.replied, found.recontacts) == (1, 1, 0)


def test_a_reply_to_a_text_about_two_appointments_is_one_contact(office: Office) -> None:
    both = [visit(1, "2026-10-20 09:30"), visit(2, "2026-10-20 11:30", patient=someone(1))]
    office.read(*both)
    writes(office, "OUI", "2026-10-13 12:00")
    assert office.value("SELECT COUNT(*) FROM told t WHERE t.attempt_id = 1") == 2
    found = counted(office)
    assert (found.patients, found.contacts, found.contacted, found.replied) == (1, 1, 2, 2)
    assert found.messages == len(kinds(office))


def test_what_older_definitions_counted_is_looked_at_again(office: Office) -> None:
    writes(office, "OUI", "2026-10-13 12:00")
    writes(office, "Finalement je ne sais plus, a quelle heure ?", "2026-10-15 12:00")
    before = counted(office)
    with office.store.write() as connection:
        connection.exec_driver_sql("UPDATE setting SET value = '2:x' WHERE key = 'rollup_rules'")
        connection.exec_driver_sql("UPDATE report_unit SET contacts = 9")
    assert is_behind(office.store, office.rules, now=office.now)
    assert tuple(counted(office)) == tuple(before)
