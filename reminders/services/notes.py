"""What somebody of a service wants the next one to know of a patient."""

from datetime import datetime

from reminders.domain.marking import N_
from reminders.store import facts, notes, patients
from reminders.store.engine import Connection, Store
from reminders.store.types import micros

LONGEST = 500  # characters


class NotNoted(Exception):
    """The sentence is for people."""

    def __init__(self, sentence: str) -> None:
        super().__init__("note")
        self.sentence = sentence


def plain(text: str) -> str:
    """What was typed, without control characters; lines stay lines. Raises NotNoted."""
    kept = "".join(one for one in text.replace("\r\n", "\n") if one == "\n" or one.isprintable())
    kept = kept.strip()
    if not kept:
        raise NotNoted(N_("Écrire la note."))
    if len(kept) > LONGEST:
        raise NotNoted(N_("La note est trop longue : 500 caractères au plus."))
    return kept


def add(
    store: Store, patient: int, text: str, *, uf: str, origin: str, by: str, now: datetime
) -> bool:
    """False: this form was taken before, or nobody is left to note it about. Raises NotNoted."""
    body = plain(text)
    with store.write() as connection:
        if not patients.named(connection, patient):
            raise NotNoted(N_("L’identité de ce patient est effacée : plus rien ne s’y note."))
        return write(connection, patient, body, uf=uf, origin=origin, by=by, now=now)


def write(
    connection: Connection,
    patient: int,
    body: str,
    *,
    uf: str,
    origin: str,
    by: str,
    now: datetime,
    appointment: int | None = None,
) -> bool:
    """In the caller's transaction."""
    new = notes.add(
        connection, patient=patient, uf=uf, appointment=appointment, body=body, origin=origin,
        actor=by, at=micros(now),
    )  # fmt: skip
    if new:
        facts.audit(
            connection, at=micros(now), actor=by, action="note", subject=f"patient:{patient}"
        )
    return new
