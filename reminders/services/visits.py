"""What somebody looked at or did on a page, written down once the page is made."""

from collections.abc import Sequence
from datetime import datetime

from reminders.store import accounts, facts
from reminders.store.engine import Store
from reminders.store.types import micros


def remember(
    store: Store,
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
    with store.write() as connection:
        if session is not None:
            accounts.seen(connection, session, at=at)
        for action, subject, detail in notes:
            values = {"note": detail} if detail else {}
            facts.audit(connection, at=at, actor=actor, action=action, subject=subject, **values)
