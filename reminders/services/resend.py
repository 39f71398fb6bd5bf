"""Sending a reminder again, because somebody asks for it on the telephone.

The recipient is chosen afresh and everything that forbids a reminder forbids this one; only the
caps and the protocol's hours are left aside. Refused with the reason where it makes no sense.
"""

from collections.abc import Sequence
from datetime import datetime

from reminders.domain.marking import N_, filled
from reminders.domain.writing import RESENDABLE, Session
from reminders.services.appointments import Refused, still_open
from reminders.services.compose import Templates
from reminders.services.story import REASONS
from reminders.services.writing import one_at_a_time, plan_texts
from reminders.services.writing_survey import Means, Survey, addressed, composed
from reminders.store import appointments, facts, planning, templates
from reminders.store import writing as written
from reminders.store.engine import Record, Store, reserve
from reminders.store.types import micros


def purpose_of(decisions: Sequence[Record]) -> str:
    """What was last said, or was to be, that may be said again; "" for nothing."""
    may = [one for one in decisions if one.purpose in RESENDABLE]
    said = [one for one in may if one.message_id is not None and one.message_state != "PLANNED"]
    chosen = said or may
    return str(max(chosen, key=lambda one: one.opens_at or 0).purpose) if chosen else ""


def resend(
    store: Store, means: Means, appointment: int, *, request: str, by: str, now: datetime
) -> int:
    """Plan the text for now, or the next permitted hours: the key of the writing that holds it.

    The same form twice is one. Raises Refused, with the reason for a person.
    """
    at = micros(now)
    with store.write() as connection:
        one_at_a_time(connection, request)
        if (known := written.find_request(connection, request)) is not None:
            return int(known.id)
        row = still_open(connection, appointment, now)
        purpose = purpose_of(appointments.decisions(connection, appointment))
        if not purpose:
            raise Refused("nothing", N_("Aucun rappel n’existe pour ce rendez-vous."))
        if written.in_hand(connection, appointment):
            raise Refused("in_hand", N_("Un envoi demandé par le secrétariat est déjà en cours."))
        means.rules.follow(connection)
        planning.mark_dirty(connection, [row.patient_id] if row.patient_id else [])
        found = [written.one(connection, appointment)]
        chosen, missed = addressed(connection, means, found, now)
        approved = Templates.of(templates.versions(connection, now=at))
        recipients, unsaid = composed(means, approved, purpose, chosen, found, now)
        if not recipients:
            raise _refused([*missed, *unsaid][0].reason)
        seen = Survey(Session(now.date(), row.uf), purpose, tuple(recipients))
        key = reserve(connection, "writing", 1)
        written.add(
            connection,
            {
                "id": key, "request": request, "kind": "resend", "purpose": purpose, "uf": row.uf,
                "agenda": row.agenda, "starts_at": row.starts_at, "ends_at": row.starts_at,
                "patients": 1, "calls": 0, "segments": seen.segments, "price_eur": seen.price_eur,
                "created_at": at, "created_by": by,
            },
        )  # fmt: skip
        plan_texts(connection, means, key, request, purpose, seen, now)
        facts.audit(
            connection, at=at, actor=by, action="resend", subject=f"appointment:{appointment}",
            purpose=purpose,
        )  # fmt: skip
    return key


def _refused(reason: str) -> Refused:
    """A reason of the plan, said where somebody asked."""
    known = reason in REASONS
    why = filled(REASONS[reason]) if known else filled(N_("code « %(code)s »"), code=reason)
    return Refused(reason, filled(N_("Rien n’est renvoyé : %(reason)s."), reason=why))
