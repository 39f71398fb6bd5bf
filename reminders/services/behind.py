"""The appointments behind a figure of the savings, for those who may see patients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reminders.domain.outcome import Outcome
from reminders.services.holdout import Standing, State, standing
from reminders.services.observed import outcome_of_row
from reminders.services.savings import wasted_by
from reminders.store import calls, effects
from reminders.store import holdout as holdouts
from reminders.store.engine import Record, Store
from reminders.store.lists import Ufs
from reminders.store.types import instant, micros

PAGE = 50
ALL_CAME = timedelta(days=31)  # after the final date: whoever has entered by then came since
LOOKED_AT = 5_000  # units a page goes through; the next one goes on from there


ENTERED: Mapping[str, holdouts.Of] = {  # counts of an arm, whatever became of it
    "patients": "patients",
    "entered": "entered",
    "written": "written",
}


@dataclass(frozen=True, slots=True)
class Unit:
    appointment: int
    uf: str
    arm: str
    starts_at: datetime
    outcome: Outcome
    segments: float
    tasks: float


@dataclass(frozen=True, slots=True)
class Behind:
    units: tuple[Unit, ...]
    after: int  # where the next page begins; 0: nowhere


def _wasted(row: Record, outcome: Outcome) -> bool:
    return bool(wasted_by(row, outcome))


WHAT: dict[str, Callable[[Record, Outcome], bool]] = {
    "known": lambda row, outcome: outcome is not Outcome.UNKNOWN,
    "unknown": lambda row, outcome: outcome is Outcome.UNKNOWN,
    "slot": _wasted,
    "segment": lambda row, outcome: outcome is not Outcome.UNKNOWN and row.segments > 0,
    "task": lambda row, outcome: outcome is not Outcome.UNKNOWN and row.tasks > 0,
    "no-shows": lambda row, outcome: outcome is Outcome.NO_SHOW,
    "attended": lambda row, outcome: outcome is Outcome.ATTENDED,
    "cancelled-early": lambda row, outcome: outcome is Outcome.CANCELLED_EARLY,
    "cancelled-late": lambda row, outcome: outcome is Outcome.CANCELLED_LATE,
    "refilled": lambda row, outcome: (
        outcome is not Outcome.UNKNOWN and bool(row.refilled or row.refilled_again)
    ),
}


def behind(
    store: Store, what: str, arm: str, ufs: Ufs, *, uf: str, until: datetime, now: datetime,
    after: int = 0,
) -> Behind:  # fmt: skip
    """The next units of an arm that a figure counts, in these services. Raises KeyError for a
    figure nobody tells."""
    if what != "call":
        return _behind(store, WHAT[what], arm, ufs, uf, until, now, after)
    return _called(store, arm, ufs, uf, until, after)


def _behind(
    store: Store, keep: Callable[[Record, Outcome], bool], arm: str, ufs: Ufs, uf: str,
    until: datetime, now: datetime, after: int,
) -> Behind:  # fmt: skip
    with store.read() as connection:
        row = holdouts.latest(connection, begun=True)
    if row is None:
        return Behind((), 0)
    found: list[Unit] = []
    at, looked = micros(now), 0
    ends = (row.ends_at, row.stopped_at)  # as services/effect looks
    until = min([until, *(instant(one) for one in ends if one is not None)])
    for page in effects.units(
        store, row.id, before=micros(until), now=at, uf=uf, after=after, size=1_000
    ):
        for one in page:
            after, looked = one.appointment_id, looked + 1
            outcome = outcome_of_row(one, at)
            seen = one.arm == arm and (ufs is None or one.uf in ufs)
            if seen and outcome is not None and keep(one, outcome):
                found.append(_unit(one, outcome))
            if len(found) == PAGE:
                return Behind(tuple(found), after)
        if looked >= LOOKED_AT:
            return Behind(tuple(found), after)
    return Behind(tuple(found), 0)


def _unit(row: Record, outcome: Outcome) -> Unit:
    return Unit(
        row.appointment_id, row.uf, row.arm, instant(row.starts_at), outcome,
        float(row.segments), float(row.tasks),
    )  # fmt: skip


def entered(
    store: Store, what: str, arm: str, excluded: str, ufs: Ufs, *, now: datetime, after: int = 0
) -> Behind | None:
    """The next units that entered an arm, or of those the ones written to, or the first of each
    patient; or what was left out before the draw, for `excluded`. None: who is in an arm is not
    listed while they may still come, since whoever reads it could call them."""
    where = standing(store, now=now)
    if where.state is State.NONE or not (excluded or arms_open(where, now)):
        return None
    with store.read() as connection:
        found = holdouts.entered(
            connection, where.id, ufs, arm=arm, excluded=excluded, of=ENTERED.get(what, "entered"),
            now=micros(now), after=after, limit=PAGE + 1,
        )  # fmt: skip
    shown = found[:PAGE]
    units = tuple(
        Unit(one.appointment_id, one.uf, arm, instant(one.starts_at), Outcome.UNKNOWN, 0.0, 0.0)
        for one in shown
    )
    return Behind(units, shown[-1].appointment_id if len(found) > PAGE else 0)


def arms_open(where: Standing, now: datetime) -> bool:
    """Has everybody come who was in an arm, or does everybody get reminders again?"""
    if where.state is State.STOPPED:
        return where.approved_at is not None
    return where.state is State.ENDED and where.until is not None and now >= where.until + ALL_CAME


def _called(store: Store, arm: str, ufs: Ufs, uf: str, until: datetime, after: int) -> Behind:
    with store.read() as connection:
        row = holdouts.latest(connection, begun=True)
        if row is None:
            return Behind((), 0)
        found = calls.units_called(
            connection, row.id, arm, ufs, uf, before=micros(until), after=after, limit=PAGE
        )
    units = tuple(
        Unit(one.appointment_id, one.uf, arm, instant(one.starts_at), Outcome.UNKNOWN, 0.0, 0.0)
        for one in found
    )
    return Behind(units, found[-1].appointment_id if len(found) == PAGE else 0)
