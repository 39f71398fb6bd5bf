"""Putting a text in service: another person's yes, with the numbers said first; and going back.

Each decision is one conditional UPDATE: of two people who decide at once, one is told.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from reminders.domain.marking import N_
from reminders.domain.template_key import TemplateKey
from reminders.domain.template_life import (
    REASON_TEXT,
    REASONS,
    agreed_to,
    may_approve,
    unticked,
)
from reminders.services.compose import Route
from reminders.services.rules import Rules
from reminders.services.template_review import review
from reminders.services.templates import (
    Refused,
    Situation,
    Stored,
    figures,
    refuse_unfit,
    situation,
)
from reminders.store import facts, templates
from reminders.store.engine import Connection, Store
from reminders.store.types import micros

NO_LONGER = N_("Cette proposition n’attend plus : quelqu’un vient d’en décider.")


@dataclass(frozen=True, slots=True)
class Approval:
    """What an approver says with their yes.

    `live`: id of the version in service they compared with, 0 for none. `confirmed`: the number
    of patients they were told and agreed to.
    """

    by: str
    live: int
    ticked: Collection[str] = ()
    confirmed: int | None = None
    effective_at: datetime | None = None  # None: now


def approve(
    store: Store,
    rules: Rules,
    routes: Sequence[Route],
    key: TemplateKey,
    number: int,
    said: Approval,
    *,
    two_people: bool,
    now: datetime,
) -> Stored:
    """Put a proposal in service, at once or on its day; the senders of every process follow.

    Raises Refused: `own` to its author where two people are needed, `lint`, `tick` with the
    warnings not yet accepted, `many` (value `reach`) before more than 500 patients, `moved` if
    another version serves than the one that was compared with, `gone` if it no longer waits.
    """
    with store.write() as connection:
        templates.lock(connection)
        there = situation(connection, key, now=now, number=number)
        version = _waiting(there)
        if not may_approve(version.author, said.by, two_people=two_people):
            raise Refused(
                "own", N_("On n’approuve pas son propre texte : une autre personne le relit.")
            )
        if (there.live.id if there.live else 0) != said.live:
            raise Refused("moved", N_("Le texte en service a changé : relire la comparaison."))
        known = figures(connection, rules, key, routes, now=now)
        found = review(rules, key, version.text, known.missing)
        refuse_unfit(found)
        if left := unticked(found.findings, said.ticked):
            raise Refused("tick", N_("Cocher chaque avertissement, ou refuser le texte."), left)
        if not agreed_to(known.volume.reach, said.confirmed):
            raise Refused(
                "many", N_("Ce texte ira à %(reach)s patients : le confirmer d’abord."),
                reach=known.volume.reach,
            )  # fmt: skip
        since = max(said.effective_at or now, now)
        marks = [one.mark for one in found.warned]
        done = templates.approve(
            connection,
            version.id,
            by=said.by,
            at=micros(now),
            effective_at=micros(since),
            ticked=json.dumps(marks, ensure_ascii=False) if marks else "",
            reach=known.volume.reach,
            alone=not two_people,
        )
        if not done:
            raise Refused("gone", NO_LONGER)
        templates.fill_gaps(connection, key.purpose, micros(now))
        alone = version.author == said.by
        _note(
            connection, said.by, "template.approve", version, now, reach=known.volume.reach,
            warnings=[one.code for one in found.warned], effective=since.isoformat(),
            **({"alone": True} if alone else {}),
        )  # fmt: skip
    return version


def reject(
    store: Store, key: TemplateKey, number: int, *, by: str, reason: str, text: str, now: datetime
) -> None:
    """Turn a proposal down with a reason its author reads. Raises Refused."""
    if reason not in REASONS:
        raise Refused("reason", N_("Choisir la raison du refus."))
    if reason == "other" and not text.strip():
        raise Refused("reason", N_("Dire la raison en quelques mots."))
    _end(store, key, number, "rejected", by=by, now=now, reason=reason, text=text)


def withdraw(store: Store, key: TemplateKey, number: int, *, by: str, now: datetime) -> None:
    """Take one's own proposal back. Raises Refused."""
    with store.read() as connection:
        version = _waiting(situation(connection, key, now=now, number=number))
    if version.author != by:
        raise Refused("others", N_("Seule la personne qui a proposé ce texte peut le retirer."))
    _end(store, key, number, "withdrawn", by=by, now=now)


def call_off(store: Store, key: TemplateKey, number: int, *, by: str, now: datetime) -> None:
    """Give up a text approved for a day that has not come. Raises Refused."""
    _end(store, key, number, "withdrawn", by=by, now=now, to_come=True)


def _end(
    store: Store,
    key: TemplateKey,
    number: int,
    state: str,
    *,
    by: str,
    now: datetime,
    reason: str = "",
    text: str = "",
    to_come: bool = False,
) -> None:
    with store.write() as connection:
        there = situation(connection, key, now=now, number=number)
        if to_come and there.asked not in there.to_come:
            raise Refused("gone", N_("Ce texte est déjà en service, ou n’attend plus."))
        version = there.asked if to_come and there.asked else _waiting(there)
        done = templates.end(
            connection, version.id, state, by=by, at=micros(now), reason=reason,
            text=text.strip()[:REASON_TEXT],
        )  # fmt: skip
        if not done:
            raise Refused("gone", NO_LONGER)
        codes = {"reason": reason} if reason else {}
        action = "reject" if state == "rejected" else "call-off" if to_come else "withdraw"
        _note(connection, by, f"template.{action}", version, now, **codes)


def _waiting(there: Situation) -> Stored:
    if there.asked is None or there.asked.state != "proposed":
        raise Refused("gone", NO_LONGER)
    return there.asked


def roll_back(
    store: Store, rules: Rules, key: TemplateKey, number: int, *, by: str, now: datetime
) -> int:
    """One person puts a text that has served back in service, as a new version: its number.

    Raises Refused if it never served, serves already, or is refused by today's lint.
    """
    with store.write() as connection:
        templates.lock(connection)
        there = situation(connection, key, now=now, number=number)
        old = there.asked
        served = (
            old is not None and old.state == "approved" and old.effective_at is not None
            and old.effective_at <= now
        )  # fmt: skip
        if old is None or not served:
            raise Refused("never", N_("On ne revient qu’à un texte qui a été en service."))
        if old.live:
            raise Refused("live", N_("Ce texte est déjà en service."))
        refuse_unfit(review(rules, key, old.text))
        _, fresh = templates.add(
            connection,
            key.values,
            {"subject": old.text.subject, "body": old.text.body, "html": old.text.html},
            author=by,
            origin="rollback",
            base=old.id,
            at=micros(now),
            approved_by=by,
        )
        templates.fill_gaps(connection, key.purpose, micros(now))
        facts.audit(
            connection, at=micros(now), actor=by, action="template.rollback",
            subject=f"template:{key.slug}", template=key.slug, number=fresh, to=number,
        )  # fmt: skip
    return fresh


def _note(
    connection: Connection, by: str, action: str, version: Stored, now: datetime, **detail: object
) -> None:
    facts.audit(
        connection, at=micros(now), actor=by, action=action, subject=f"template:{version.key.slug}",
        template=version.key.slug, number=version.number, **detail,
    )  # fmt: skip
