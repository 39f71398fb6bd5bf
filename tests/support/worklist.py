"""A hospital whose patients answer, and whose tasks are looked at as the bell does."""

from typing import Any

from reminders.ports import InboundSms, Received
from reminders.services.answer import take_replies
from reminders.services.compose import Route
from reminders.services.receive import receive
from reminders.services.worklist import tend
from reminders.store.engine import Store
from tests.support.clinic import SETTINGS, paris, settings_with, visit
from tests.support.mailroom import LIVE, Mailroom

NUMBER = "+33639980001"
DESKS = [
    SETTINGS["service"][0] | {"escalation_desk": "cadre-nord", "manager_email": "c@example.org"},
    SETTINGS["service"][1],
]


def hospital(store: Store, *records: Any, **changes: Any) -> Mailroom:
    """Its J-1 texts left on Monday at 10:05."""
    settings = settings_with(**(dict(LIVE) | {"service": DESKS} | changes))
    room = Mailroom(store, settings=settings, routes=(Route("main", "sms", "reply"),))
    room.read(*(records or (visit(1, starts="2026-10-13 09:30"),)))
    room.release()
    room.plan()
    room.at(paris("2026-10-12 10:05"))
    room.deliver()
    return room


def reply(room: Mailroom, text: str, number: str = NUMBER) -> int:
    """The patient writes; the key of the task that follows, looked at as the bell does."""
    said = InboundSms(f"in-{text}", number, "+33639989999", text)
    receive(room.store, room.secret, "main", Received(replies=(said,)), now=room.now)
    take_replies(room.store, room.rules, room.secret, now=room.now)
    tend(room.store, room.rules, now=room.now)
    found: int = room.value("SELECT MAX(id) FROM task")
    return found
