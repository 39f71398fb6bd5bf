"""What a patient's link can stop, and start again: the page of /r/<token>/stop and /u/<token>.

Reading changes nothing. What is stopped is in force for every intent committed after the deed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reminders.services.objections import BY_PATIENT, object_to, resume, told_to_stand
from reminders.services.rules import Rules
from reminders.store import links, objections, planning
from reminders.store.engine import Connection, Record, Store
from reminders.store.links import token_hash
from reminders.store.objections import WHOLE
from reminders.store.types import micros

Choice = Literal["appointment", "channel", "all", "resume"]
Stopped = Literal["", "appointment", "channel", "all"]


@dataclass(frozen=True, slots=True)
class Stop:
    """What one link stands for. `short_name` and `phone` are "" where no service is known.

    `stopped`: what the patient stopped, the widest of it. `stands`: staff, a provider or
    somebody at another address keep messages away too; that is not ended here.
    """

    message: int
    patient: int
    recipient: str
    channel: str
    language: str
    short_name: str
    phone: str
    appointments: tuple[int, ...]
    stopped: Stopped
    stands: bool


def look(
    store: Store, rules: Rules, secret: bytes, token: str, purpose: str, *, now: datetime
) -> Stop | None:
    """None: no such link for this purpose, or it has expired. Changes nothing."""
    with store.read() as connection:
        return _stop(connection, rules, secret, token, purpose, now)


def decide(
    store: Store,
    rules: Rules,
    secret: bytes,
    token: str,
    purpose: str,
    choice: Choice,
    *,
    origin: str,
    now: datetime,
) -> Stop | None:
    """Do what was tapped; the same tap twice is one. What is in force then, None as `look`."""
    with store.write() as connection:
        stop = _stop(connection, rules, secret, token, purpose, now)
        if stop is None:
            return None
        at = micros(now)
        if choice == "resume":
            resume(connection, secret, stop.recipient, origins=BY_PATIENT, at=at)
            told_to_stand(
                connection, secret, stop.recipient, stop.channel, [stop.patient],
                f"message:{stop.message}", at=at,
            )  # fmt: skip
        else:
            whole = choice != "appointment"
            object_to(
                connection, secret, stop.recipient,
                patients=[stop.patient],
                channel=stop.channel if choice == "channel" else WHOLE,
                scopes=[WHOLE] if whole else [f"appointment:{one}" for one in stop.appointments],
                origin=origin, by=origin, at=at,
            )  # fmt: skip
        return _stop(connection, rules, secret, token, purpose, now)


def _stop(
    connection: Connection, rules: Rules, secret: bytes, token: str, purpose: str, now: datetime
) -> Stop | None:
    found = links.find(connection, token_hash(token), now=micros(now), purpose=purpose)
    if found is None:
        return None
    visits = links.visits(connection, found.message_id)
    desk = next((rules.desks[row.uf] for row in visits if row.uf in rules.desks), None)
    key = planning.address_key(secret, found.recipient)
    here = list(objections.at_key(connection, key))
    theirs = [row for row in here if row.origin in BY_PATIENT]
    appointments = tuple(row.id for row in visits)
    own = {row.id for row in theirs}
    others = [*here, *objections.of_people(connection, [found.patient_id])]
    return Stop(
        message=found.message_id,
        patient=found.patient_id,
        recipient=found.recipient,
        channel=found.channel,
        language=found.spoken or found.language,
        short_name=desk.short_name if desk else "",
        phone=desk.phone if desk else "",
        appointments=appointments,
        stopped=_widest(theirs, found.channel, appointments),
        stands=any(
            row.scope == WHOLE and row.channel in (WHOLE, found.channel)
            for row in others
            if row.id not in own
        ),
    )


def _widest(rows: list[Record], channel: str, appointments: tuple[int, ...]) -> Stopped:
    whole = {row.channel for row in rows if row.scope == WHOLE}
    if WHOLE in whole:
        return "all"
    if channel in whole:
        return "channel"
    scoped = {row.scope for row in rows}
    each = {f"appointment:{one}" for one in appointments}
    return "appointment" if each and each <= scoped else ""
