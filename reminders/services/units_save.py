"""One way to change the rules on a page: whole, once, and for every process at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from reminders.errors import ReminderError
from reminders.services.rules import Book, Rules, book_of, stored
from reminders.services.startup import fingerprint_of
from reminders.store import facts, planning, units
from reminders.store.engine import Connection, Store
from reminders.store.types import micros


class NotSaved(ReminderError):
    """Nothing was written. `code`: file (the configuration file owns it), changed (somebody else
    saved since), decided, unknown, own (its author), subject (another sheet has it)."""

    def __init__(self, code: str, line: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.line = line  # of the configuration file, where it says so


@contextmanager
def changing(store: Store, rules: Rules, *, now: datetime) -> Iterator[Connection]:
    """The transaction of a change. What raises inside leaves everything as it was.

    Planners and senders at work are waited for, those that come later see the new rules; who has
    an appointment to come in a service that plans otherwise now is planned again.
    """
    at = micros(now)
    with store.write() as connection:
        units.raise_revision(connection)
        before = book_of(rules.settings, stored(connection))
        yield connection
        after = book_of(rules.settings, stored(connection))
        units.mark(connection, planned_otherwise(before, after), at)
        planning.mark_gaps(connection, at)
        if facts.read(connection, "rules") == fingerprint_of(before):  # else: at the next start
            facts.replace(connection, "rules", fingerprint_of(after))
    with store.read() as connection:
        rules.follow(connection)


def planned_otherwise(before: Book, after: Book) -> list[str]:
    """The UF for which planning would now decide something else."""
    return sorted(
        uf
        for uf in before.units.keys() | after.units.keys()
        if before.units.get(uf) != after.units.get(uf)
    )
