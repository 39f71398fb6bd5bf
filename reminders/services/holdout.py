"""The hold-out's life: proposed, approved by a named person, stopped; and its protocol on a page.

Off until somebody approves it. Approving and stopping are written down with who did it, and
everybody's plan is looked at again in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_hex

from reminders.domain.holdout import (
    LARGEST_SHARE,
    PROPOSED_SHARE,
    Arm,
    Excluded,
    services_as_text,
    services_of_text,
)
from reminders.errors import Problem, RepairNeeded
from reminders.services.draw import MILLION
from reminders.services.rules import Rules
from reminders.statistics.design import Balance, power_units, sample_ratio
from reminders.store import facts, planning
from reminders.store import holdout as stored
from reminders.store.engine import Record, Store
from reminders.store.types import instant, instant_or_none, micros

A_YEAR = timedelta(days=365)
EXPECTED_RATIO = 0.66  # of the held-out arm's rate: reminders where there were none (EVIDENCE 0.1)
EXPECTED_BASE = 0.11  # a no-show rate to plan with while ours is not known
EXPECTED_DEFF = 1.3


class State(StrEnum):
    NONE = "none"
    PROPOSED = "proposed"
    APPROVED = "approved"
    ENDED = "ended"  # its final date is past: nobody enters any more
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the hold-out stands. Counts are of what has entered the comparison so far."""

    state: State
    id: int = 0
    share: float = 0.0
    ufs: frozenset[str] = frozenset()
    proposed_by: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None
    until: datetime | None = None
    stopped_by: str = ""
    stopped_at: datetime | None = None
    units: Mapping[Arm, int] | None = None
    patients: Mapping[Arm, int] | None = None
    written: Mapping[Arm, int] | None = None  # units a reminder or a staff text was sent about
    excluded: Mapping[Excluded, int] | None = None
    balance: Balance | None = None


def propose(
    store: Store,
    rules: Rules,
    *,
    share: float = PROPOSED_SHARE,
    ufs: frozenset[str] = frozenset(),
    until: datetime | None = None,
    kept: timedelta | None = None,
    salt: str = "",
    now: datetime,
    by: str,
) -> Standing:
    """Write a proposal, or replace the one nobody decided on. Nothing changes for patients.

    `kept`: for how long appointments are, before they are purged; what is compared must last as
    long. `salt` (hexadecimal) is for a simulation that must draw alike; else it is random.

    Raises RepairNeeded for a share outside ]0, 0.5] or below a millionth, an unknown UF, an end
    that is past or beyond what is kept, or while another hold-out runs.
    """
    if not share <= LARGEST_SHARE or round(share * MILLION) < 1:
        raise RepairNeeded(Problem("--share", "hors de 0 à 50 %", "écrire par exemple 10"))
    if unknown := sorted(ufs - set(rules.desks)):
        problem = Problem("--without", f"l'UF « {unknown[0]} » n'est pas réglée", "donner son code")
        raise RepairNeeded(problem)
    end = until or now + A_YEAR
    if end <= now:
        raise RepairNeeded(Problem("--until", "date déjà passée", "donner une date à venir"))
    if kept is not None and end - now > kept:
        what = f"les rendez-vous ne sont gardés que {kept.days} jours"
        remedy = "finir plus tôt, ou allonger appointments_days ([retention])"
        raise RepairNeeded(Problem("--until", what, remedy))
    with store.write() as connection:
        if stored.approved(connection) is not None:
            raise RepairNeeded(
                Problem(
                    "groupe témoin",
                    "il y en a déjà un",
                    "l'arrêter d'abord : reminders holdout stop",
                )
            )
        key = stored.propose(
            connection,
            share_millionths=round(share * MILLION),
            salt=salt or token_hex(32),
            excluded=services_as_text(ufs),
            ends_at=micros(end),
            at=micros(now),
            by=by,
        )
        facts.audit(
            connection, at=micros(now), actor=by, action="holdout.propose",
            subject=f"holdout:{key}", share=share, without=sorted(ufs), until=end.isoformat(),
        )  # fmt: skip
    return standing(store, now=now)


def approve(store: Store, *, now: datetime, by: str, typed_by: str = "") -> Standing:
    """The hold-out begins. `by` is the person who answers for it, by name; `typed_by` who was at
    the keyboard, where that is known.

    Raises RepairNeeded without a name, without a proposal, or after its end.
    """
    name = " ".join(by.split())
    if not name:
        problem = Problem("--by", "une personne doit approuver", "écrire son nom")
        raise RepairNeeded(problem)
    at = micros(now)
    with store.write() as connection:
        row = stored.latest(connection)
        if row is None or not stored.approve(connection, row.id, at=at, by=name):
            raise RepairNeeded(_cannot_approve(row, at))
        facts.audit(
            connection, at=at, actor=name, action="holdout.approve", subject=f"holdout:{row.id}",
            typed_by=typed_by,
        )  # fmt: skip
        planning.mark_all_dirty(connection, at)
    return standing(store, now=now)


def _cannot_approve(row: Record | None, at: int) -> Problem:
    if row is not None and row.state == "approved":
        return Problem("groupe témoin", "il est déjà approuvé", "reminders holdout status")
    if row is not None and row.state == "proposed" and row.ends_at <= at:
        return Problem("groupe témoin", "sa date de fin est passée", "le proposer de nouveau")
    return Problem(
        "groupe témoin", "aucun n'est proposé", "lancer d'abord : reminders holdout propose"
    )


def stop(store: Store, *, now: datetime, by: str) -> bool:
    """Everybody is reminded again, from the next pass on. False: there was none."""
    at = micros(now)
    with store.write() as connection:
        ended = stored.stop(connection, at=at, by=by)
        for row in ended:
            facts.audit(
                connection, at=at, actor=by, action="holdout.stop", subject=f"holdout:{row.id}",
                was=row.state,
            )  # fmt: skip
        if any(row.state == "approved" for row in ended):
            planning.mark_all_dirty(connection, at)
    return bool(ended)


def standing(
    store: Store,
    *,
    now: datetime,
    begun: bool = False,
    holdout: int = 0,
    until: datetime | None = None,
) -> Standing:
    """Of the last hold-out proposed; `begun`: of the last one that was approved; `holdout`: of
    this one. `until`: with what had entered by then, whatever has since."""
    at = micros(now)
    entered = at if until is None else min(at, micros(until))
    with store.read() as connection:
        row = stored.one(connection, holdout) if holdout else stored.latest(connection, begun=begun)
        if row is None:
            return Standing(State.NONE)
        sizes = stored.arm_sizes(connection, row.id, now=entered)
        left_out = stored.excluded_units(connection, row.id, now=entered)
    state = State(row.state)
    if state is State.APPROVED and row.ends_at <= at:
        state = State.ENDED
    share = row.share_millionths / MILLION
    patients = _by_arm(sizes, "patients")
    return Standing(
        state,
        row.id,
        share,
        services_of_text(row.excluded),
        row.proposed_by,
        row.approved_by,
        instant_or_none(row.approved_at),
        instant(row.ends_at),
        row.stopped_by,
        instant_or_none(row.stopped_at),
        _by_arm(sizes, "units"),
        patients,
        _by_arm(sizes, "written"),
        {Excluded(why): number for why, number in left_out.items()},
        sample_ratio(patients[Arm.HELD], patients[Arm.REMINDED], share),
    )


def _by_arm(sizes: Sequence[Record], name: str) -> dict[Arm, int]:
    counts = dict.fromkeys(Arm, 0)
    for row in sizes:
        counts[Arm(row.arm)] = int(getattr(row, name))
    return counts


def needed(share: float, base: float = EXPECTED_BASE) -> int:
    """Appointments after which the effect expected of reminders would be seen 4 times in 5."""
    return round(EXPECTED_DEFF * power_units(base, base * EXPECTED_RATIO, share))
