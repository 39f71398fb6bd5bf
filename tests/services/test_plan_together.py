"""Two appointments of one day share a message; what befalls one must not silence the other."""

from reminders.domain.appointment import AppointmentRecord, CancelledBy, Status
from reminders.store.engine import Store
from tests.support.clinic import Clinic, paris, someone, visit

MORNING, AFTERNOON = "2026-10-20 09:30", "2026-10-20 14:30"


def booked(number: int, starts: str, **changes: object) -> AppointmentRecord:
    return visit(number, starts, patient=someone(1), **changes)


def test_a_cancelled_appointment_leaves_the_message_of_its_companion(store: Store) -> None:
    clinic = Clinic(store)
    clinic.open()
    clinic.read(booked(1, MORNING), booked(2, AFTERNOON))
    clinic.release()
    clinic.plan()
    together = clinic.value(
        "SELECT COUNT(*) FROM message_item WHERE message_id IN "
        "(SELECT message_id FROM message_item GROUP BY message_id HAVING COUNT(*) = 2)"
    )
    assert together > 0
    cancelled = booked(2, AFTERNOON, status=Status.CANCELLED, cancelled_by=CancelledBy.PATIENT)
    clinic.read(cancelled, mode="delta")
    clinic.plan()
    clinic.now = paris("2026-10-17 12:00")  # the confirm step is open
    clinic.plan()
    assert clinic.leave() == 1
