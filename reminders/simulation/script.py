"""What the demo makes happen in its first minutes, so that nobody waits for chance."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from reminders.simulation.life import Life, Visit

SOON, LATER = timedelta(hours=27), timedelta(days=6)
HALF_AN_HOUR = timedelta(minutes=30)


def open_demo(life: Life, at: datetime) -> None:
    """Script the minutes after `at`: a move at once, then what a morning brings."""

    def after(seconds: float, happening: Callable[[Life], None]) -> None:
        life.at(at + timedelta(seconds=seconds), lambda: happening(life))

    after(2, move_by_half_an_hour)
    after(25, somebody_answers)
    after(50, somebody_calls)
    after(80, cancel_one)
    after(130, somebody_answers)
    after(170, move_by_half_an_hour)


def move_by_half_an_hour(life: Life) -> None:
    """The hospital moves an appointment whose patient was already reminded by SMS."""
    if (visit := next(reminded(life), None)) is not None:
        life.change(visit, visit.starts_at + HALF_AN_HOUR)


def cancel_one(life: Life) -> None:
    if (visit := next(reminded(life), None)) is not None:
        life.change(visit, None)


def somebody_calls(life: Life) -> None:
    if (visit := next(reminded(life), None)) is not None:
        life.call_off(visit)


def somebody_answers(life: Life) -> None:
    """A patient answers the last message of a telephone, and the hospital's number gets it."""
    for visit in reminded(life):
        box = next(
            (
                box
                for line in visit.booking.person.lines
                if (box := life.boxes.at(line.value)).answerable is not None
            ),
            None,
        )
        if box is not None and not visit.replied and (message := box.answerable) is not None:
            visit.replied = True
            life.at(life.now, lambda: life.reply(message, "Oui, je serai là. Merci"))
            return


def reminded(life: Life) -> Iterator[Visit]:
    """Appointments of the coming days whose patients read a message; not moved yet first."""
    found = [
        visit
        for visit in life.visits.values()
        if visit.status == "booked"
        and any(one.answerable and not one.stranger for one in visit.told)
        and SOON < visit.starts_at - life.now < LATER
        and visit.booking.unit.mapped
        and not visit.planned_call
        and not visit.replied
        and visit.starts_at == visit.booking.starts_at
    ]
    yield from sorted(found, key=lambda visit: (visit.starts_at, visit.booking.id))
