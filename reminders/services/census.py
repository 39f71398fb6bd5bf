"""What one database amounts to: appointments, messages, receipts, replies and outcomes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reminders.domain.marking import N_
from reminders.services.outcomes import outcomes_by_service
from reminders.store import census as counted
from reminders.store import counts, holds
from reminders.store.engine import Record, Store
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
    """One reply: `understood` what it was taken for, `done` what came of it, in French; both are
    empty until it is read."""

    at: datetime
    sender: str
    text: str
    understood: str
    done: str


UNDERSTOOD = {
    "confirm": N_("il viendra"),
    "cancel": N_("il ne viendra pas"),
    "ambiguous": N_("sens incertain"),
    "negative-with-confirm": N_("viendra, malgré un « non »"),
    "question": N_("une question"),
    "reschedule": N_("veut une autre date"),
    "stop": N_("ne veut plus de messages"),
    "wrong-number": N_("mauvais numéro"),
    "late": N_("sera en retard"),
    "proxy-confirmation": N_("un proche dit qu'il viendra"),
    "proxy-cancel": N_("un proche dit qu'il ne viendra pas"),
    "thanks": N_("un remerciement"),
    "medical-alert": N_("parle de santé"),
    "transport": N_("une question de transport"),
    "already-cancelled": N_("déjà annulé, dit-il"),
    "complaint": N_("une réclamation"),
    "deceased": N_("annonce un décès"),
    "auto-reply": N_("une réponse automatique"),
    "start": N_("veut de nouveau nos messages"),
}
ANSWERED = {"confirmed": "rendez-vous confirmé", "cancelled": "annulation demandée"}
DONE = {"optout": "messages arrêtés", "optin": "messages repris"}


def latest_replies(store: Store, most: int) -> list[ReplyLine]:
    """What patients wrote, newest first."""
    with store.read() as connection:
        return [
            ReplyLine(
                instant(row.received_at), row.sender, row.body,
                UNDERSTOOD.get(row.intent, "à lire") if row.handled_at is not None else "",
                _done(row) if row.handled_at is not None else "",
            )
            for row in counted.latest_replies(connection, most)
        ]  # fmt: skip


def _done(row: Record) -> str:
    """What came of a reply: its answer, the message stop, what a person gets to do."""
    found = [
        ANSWERED.get(row.answered, ""),
        DONE.get(row.action.partition("+")[0], ""),
        f"à traiter : {row.task}" if row.task else "",
    ]
    return " ; ".join(one for one in found if one) or "rien à faire"
