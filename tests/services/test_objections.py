"""Somebody asks not to be written to: from that commit on nothing leaves, by any process."""

import threading
from datetime import timedelta

import pytest

from reminders.domain.appointment import ContactPoint, Holder
from reminders.errors import RepairNeeded
from reminders.services.object import object_address
from reminders.store import outbox
from reminders.store.engine import Store, open_engine, rows
from reminders.store.types import SECOND, micros
from tests.support.clinic import Clinic, someone, visit
from tests.support.stores import address

HOUR = timedelta(hours=1)
TOMORROW = "2026-10-13 15:00"


def due(store: Store, *numbers: int, **contacts: tuple[ContactPoint, ...]) -> Clinic:
    """Patients whose J-1 is open now."""
    clinic = Clinic(store)
    clinic.read(*(visit(n, TOMORROW, patient=someone(n, **contacts)) for n in numbers))
    clinic.plan()
    clinic.now += 2 * HOUR
    return clinic


def object_(clinic: Clinic, told: str) -> int:
    return object_address(clinic.store, clinic.secret, told, now=clinic.now, by="nadia").patients


@pytest.mark.parametrize("told", ["06 39 98 00 01", "+33639980001", "0033 6 39 98 00 01"])
def test_a_number_is_recognised_however_it_is_written(store: Store, told: str) -> None:
    clinic = due(store, 1, 2)
    assert object_(clinic, told) == 1
    assert clinic.leave() == 1


def test_an_objection_reaches_what_is_leased_already(store: Store) -> None:
    clinic = due(store, 1)
    at = micros(clinic.now)
    with store.write() as connection:
        token, leased = outbox.lease(connection, "sms", now=at, until=at + 60 * SECOND, limit=9)
    object_(clinic, "06 39 98 00 01")
    with store.write() as connection:
        assert outbox.permit(connection, token, [leased[0].id], now=at) == set()


def test_a_patient_who_objected_is_written_to_by_no_channel(store: Store) -> None:
    both = (
        ContactPoint("phone", "06 39 98 00 01"),
        ContactPoint("email", "lea.test@example.org"),
    )
    clinic = due(store, 1, contacts=both)
    object_(clinic, "06 39 98 00 01")
    clinic.plan()
    assert set(clinic.states()) == {"CANCELLED"}
    reasons = clinic.rows("SELECT DISTINCT reason FROM decision WHERE step = 'J-1'")
    assert [row.reason for row in reasons] == ["objection"]


def test_a_new_number_does_not_undo_the_patients_objection(store: Store) -> None:
    clinic = due(store, 1)
    object_(clinic, "06 39 98 00 01")
    moved = someone(1, contacts=(ContactPoint("phone", "06 39 98 77 77"),))
    clinic.read(visit(1, TOMORROW, patient=moved))
    clinic.plan()
    assert clinic.leave() == 0


def test_an_address_that_objected_is_not_written_to_for_anybody(store: Store) -> None:
    """Told before the patient who has it is known: the next feed does not bring it back."""
    clinic = due(store, 1)
    assert object_(clinic, "06 39 98 00 02") == 0
    clinic.read(visit(1, TOMORROW), visit(2, TOMORROW))
    clinic.plan()
    assert clinic.leave() == 1


def test_an_e_mail_address_is_one_however_it_is_spelt(store: Store) -> None:
    clinic = due(store, 1, contacts=(ContactPoint("email", "Lea.Test@example.org"),))
    assert object_(clinic, " lea.test@EXAMPLE.org ") == 1
    clinic.plan()
    assert set(clinic.states()) == {"CANCELLED"}
    clinic.read(
        visit(1, TOMORROW),
        visit(
            5,
            TOMORROW,
            patient=someone(5, contacts=(ContactPoint("email", "LEA.TEST@example.org"),)),
        ),
    )
    clinic.plan()
    objecting = clinic.rows(
        "SELECT reason FROM decision WHERE state = 'SUPPRESSED' AND step = 'J-1'"
    )
    assert {row.reason for row in objecting} == {"objection"}


def test_a_parents_number_stands_for_the_children_it_serves(store: Store) -> None:
    parent = (ContactPoint("phone", "06 39 98 55 55", holder=Holder.PARENT),)
    clinic = Clinic(store)
    clinic.read(
        *(visit(n, TOMORROW, patient=someone(n, contacts=parent)) for n in (1, 2)),
        visit(3, TOMORROW),
    )
    assert object_(clinic, "06 39 98 55 55") == 2


def test_only_a_keyed_hash_of_the_address_is_kept(store: Store) -> None:
    clinic = due(store, 1)
    object_(clinic, "06 39 98 00 01")
    kept = repr(clinic.rows("SELECT * FROM objection")) + repr(clinic.rows("SELECT * FROM audit"))
    assert "639980001" not in kept
    other = Clinic(store)
    other.secret = b"another"
    object_(other, "06 39 98 00 01")
    keys = {bytes(row.address_key) for row in clinic.rows("SELECT address_key FROM objection")}
    assert len(keys) == 2


def test_who_recorded_it_is_remembered(store: Store) -> None:
    clinic = due(store, 1)
    object_(clinic, "06 39 98 00 01")
    row = clinic.rows("SELECT recorded_by, origin, channel, recorded_at FROM objection")[0]
    assert tuple(row) == ("nadia", "staff", "all", micros(clinic.now))
    assert clinic.value("SELECT actor FROM audit WHERE action = 'object'") == "nadia"


@pytest.mark.parametrize("told", ["", "  ", "bonjour", "12", "foo@", "@example.org", "a b@c.fr"])
def test_what_is_no_address_is_refused_and_records_nothing(store: Store, told: str) -> None:
    clinic = due(store, 1)
    with pytest.raises(RepairNeeded):
        object_(clinic, told)
    assert clinic.rows("SELECT * FROM objection") == []


def test_no_intent_is_committed_after_an_objection(store: Store) -> None:
    """Two processes race: whichever commits first is seen by the other (R4)."""
    clinic = due(store, *range(1, 41))
    at = micros(clinic.now)
    with store.write() as connection:
        token, leased = outbox.lease(connection, "sms", now=at, until=at + 60 * SECOND, limit=99)
    numbers = [row.id for row in leased]
    late: list[str] = []
    start = threading.Barrier(2, timeout=60)

    def objecting() -> None:
        mine = Store(open_engine(address(store)))
        start.wait()
        for n in range(1, 41):
            told = f"06 39 98 00 {n:02}"
            object_address(mine, clinic.secret, told, now=clinic.now, by="nadia")
            with mine.read() as connection:  # what had left when the objection was acknowledged
                left = rows(
                    connection,
                    "SELECT COUNT(*) AS n FROM message WHERE recipient = :to AND state = 'SENDING'",
                    to=f"+3363998{n:04}",
                )[0].n
            seen[n] = left
        mine.close()

    seen: dict[int, int] = {}
    thread = threading.Thread(target=objecting)
    thread.start()
    start.wait()
    for chunk in range(0, 40, 4):
        with store.write() as connection:
            mine = numbers[chunk : chunk + 4]
            patients = {
                row.id: row.patient_id
                for row in rows(connection, "SELECT id, patient_id FROM message")
            }
            quiet = outbox.quiet_patients(connection, [patients[number] for number in mine])
            allowed = [number for number in mine if patients[number] in quiet]
            outbox.permit(connection, token, allowed, now=at)
    thread.join()
    for n in range(1, 41):
        left = clinic.value(
            "SELECT COUNT(*) FROM message WHERE recipient = :to AND state = 'SENDING'",
            to=f"+3363998{n:04}",
        )
        if left != seen[n]:
            late.append(f"patient {n}")
    assert late == []
