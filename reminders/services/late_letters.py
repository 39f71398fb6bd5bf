"""What each service's manager reads once a day: how many tasks are late, of which kinds.

No name, number or text of a patient: an e-mail lies in many places.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from reminders.domain.outbox import REFERENCES, reference
from reminders.domain.wording import long_date
from reminders.domain.worklist import is_open
from reminders.services.rules import Office, Rules
from reminders.store import tending
from reminders.store.engine import Record, Store


@dataclass(frozen=True, slots=True)
class Letter:
    """One service's e-mail of one civil day. `reference` is the same however often it is made."""

    uf: str
    to: str
    day: str  # ISO 8601
    reference: str
    subject: str
    text: str

    @property
    def key(self) -> str:
        return f"letter:{self.uf}"


def letters_due(store: Store, rules: Rules, *, now: datetime) -> list[Letter]:
    """Of the services whose desk is open and that have late tasks. Nothing in a rehearsal, and
    in test mode only to addresses of `only_to`."""
    managed = [
        office
        for office in rules.offices.values()
        if office.manager_email and is_open(now, office.hours) and _may_write(rules, office)
    ]
    if not managed:
        return []
    with store.read() as connection:
        late = tending.late_by_kind(connection)
    return [
        _letter(office, found, now)
        for office in managed
        if (found := [row for row in late if row.uf == office.uf])
    ]


def _may_write(rules: Rules, office: Office) -> bool:
    return rules.mode == "live" or (rules.mode == "test" and office.manager_email in rules.only_to)


def _letter(office: Office, late: Sequence[Record], now: datetime) -> Letter:
    day = now.astimezone(office.hours.zone).date()
    number = sum(row.number for row in late)
    what = "tâche en retard" if number == 1 else "tâches en retard"
    lines = "\n".join(f"{row.number:>4}  {row.sentence}" for row in late)
    desk = f" ({office.escalation})" if office.escalation else ""
    digest = blake2b(f"letter:{office.uf}:{day}".encode(), digest_size=16).digest()
    return Letter(
        uf=office.uf,
        to=office.manager_email,
        day=day.isoformat(),
        reference=reference(int.from_bytes(digest, "big") % REFERENCES),
        subject=f"Rappels : {number} {what}",
        text=(
            "Bonjour,\n\n"
            f"Ce {long_date(day, 'fr')}, {office.label} (UF {office.uf}) a {number} {what}, "
            f"visibles aussi du secrétariat de recours{desk} :\n\n"
            f"{lines}\n\n"
            "Elles sont dans la liste « à traiter ». Ce message part une fois par jour ouvré, "
            "tant qu'il reste du retard ; il ne contient aucune donnée de patient.\n"
        ),
    )


def claim_letter(store: Store, letter: Letter) -> bool:
    """True for one process alone: the day is taken before a byte leaves."""
    with store.write() as connection:
        return tending.claim_day(connection, letter.key, letter.day)


def give_back_letter(store: Store, letter: Letter) -> None:
    """It certainly did not leave: the next bell tries again."""
    with store.write() as connection:
        tending.give_back_day(connection, letter.key, letter.day)
