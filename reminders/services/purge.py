"""Personal data leaves on schedule (DOMAIN 4); counts and keys stay for the reports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reminders.config import RetentionTable
from reminders.ports import AppointmentSource
from reminders.services.signing_in import forget_sessions
from reminders.store import purging
from reminders.store.engine import Store
from reminders.store.types import micros

SESSION_DAYS = 30  # an ended session is kept so long to be looked into


@dataclass(frozen=True, slots=True)
class PurgeSummary:
    bodies: int = 0
    identities: int = 0
    replies: int = 0
    messages: int = 0
    appointments: int = 0
    inputs: int = 0
    journal: int = 0
    archives: int = 0

    @property
    def total(self) -> int:
        return (
            self.bodies
            + self.identities
            + self.replies
            + self.messages
            + self.appointments
            + self.inputs
            + self.journal
            + self.archives
        )


def purge(
    store: Store,
    retention: RetentionTable,
    sources: Sequence[AppointmentSource] = (),
    *,
    now: datetime,
) -> PurgeSummary:
    """Erase what is past its duration, in batches short enough not to make a sender wait.

    `sources` put their inputs away somewhere: those files name patients too.
    """
    archived = now - timedelta(days=retention.archive_days)

    def before(days: int) -> int:
        return micros(now - timedelta(days=days))

    summary = PurgeSummary(
        bodies=purging.erase_bodies(store, before(retention.bodies_days)),
        identities=purging.erase_identities(store, before(retention.identity_days)),
        replies=purging.delete_replies(store, before(retention.replies_days)),
        messages=purging.delete_messages(store, before(retention.delivery_days)),
        appointments=purging.delete_appointments(store, before(retention.appointments_days)),
        inputs=purging.delete_inputs(store, before(retention.inputs_days)),
        journal=purging.delete_journal(store, before(retention.appointments_days))
        + purging.delete_audit(store, before(retention.audit_days))
        + forget_sessions(store, before(SESSION_DAYS)),
    )
    if summary.total:
        purging.compact(store)
    return replace(summary, archives=sum(source.forget(before=archived) for source in sources))
