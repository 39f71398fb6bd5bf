"""What somebody looked at or did on a page, written down once the page is made."""

from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from reminders.store import accounts, facts
from reminders.store.engine import Connection, Store, reserve
from reminders.store.types import micros

BLOCK = 50  # keys of audit lines taken at once


class Notebook:
    """The keys of this process's next audit lines: most pages then cost one statement less.

    One writer at a time, until it has committed: keys of a transaction that failed are forgotten
    with it, before anybody else uses one.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self._next = self._end = 0

    def keys(self, connection: Connection, count: int) -> int:
        """The first of `count` keys. The lock is held."""
        if self._end - self._next < count:
            self._next = reserve(connection, "audit", count + BLOCK)
            self._end = self._next + count + BLOCK
        first, self._next = self._next, self._next + count
        return first

    def forget(self) -> None:
        self._next = self._end = 0


def remember(
    store: Store,
    notebook: Notebook,
    notes: Sequence[tuple[str, str, str]],
    *,
    actor: str,
    session: int | None,
    now: datetime,
) -> None:
    """Append (action, subject, detail) to the audit; `session`: it was used just now."""
    if not notes and session is None:
        return
    at = micros(now)
    with notebook.lock:
        try:
            with store.write() as connection:
                if session is not None:
                    accounts.seen(connection, session, at=at)
                if notes:
                    first = notebook.keys(connection, len(notes))
                    facts.note_many(connection, first, notes, at=at, actor=actor)
        except BaseException:
            notebook.forget()
            raise
