"""What one database amounts to: appointments, messages, receipts, replies and outcomes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reminders.services.report import outcomes_by_service
from reminders.store import census as counted
from reminders.store import counts, holds
from reminders.store.engine import Store
from reminders.store.types import instant


@dataclass(frozen=True, slots=True)
class Census:
    """`messages`: (channel, state) -> how many. `outcomes`: of appointments that start in the
    period asked for, in the words of `domain.outcome`. `not_sent`: reason -> decisions.
    `receipts`: those that tell a message's fate, each once."""

    appointments: int
    messages: Mapping[tuple[str, str], int]
    not_sent: Mapping[str, int]
    receipts: int
    replies: int
    outcomes: Mapping[str, int]
    tasks: int
    holds: int


def census(store: Store, since: datetime, until: datetime, *, now: datetime) -> Census:
    """Count everything; outcomes for appointments that start in [since, until)."""
    outcomes: Counter[str] = Counter()
    for found in outcomes_by_service(store, since, until, now=now).values():
        for outcome, number in found.items():
            outcomes[outcome.value] += number
    with store.read() as connection:
        return Census(
            appointments=counted.appointments(connection),
            messages={(row.channel, row.state): row.number for row in counted.messages(connection)},
            not_sent={row.reason: row.number for row in counted.not_sent(connection)},
            receipts=counted.final_receipts(connection),
            replies=counted.replies(connection),
            outcomes=dict(outcomes),
            tasks=counts.open_tasks(connection),
            holds=len(holds.active(connection)),
        )


@dataclass(frozen=True, slots=True)
class ReplyLine:
    at: datetime
    sender: str
    text: str


def latest_replies(store: Store, most: int) -> list[ReplyLine]:
    """What patients wrote, newest first."""
    with store.read() as connection:
        return [
            ReplyLine(instant(row.received_at), row.sender, row.body)
            for row in counted.latest_replies(connection, most)
        ]
