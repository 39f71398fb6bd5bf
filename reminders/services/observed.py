"""The units of a comparison with what became of them, as arrays the estimators take."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from reminders.domain.appointment import CancelledBy, Status
from reminders.domain.baseline import Past, past_rates, rate_of
from reminders.domain.holdout import Arm, Holdout
from reminders.domain.outcome import EARLY, Attendance, Outcome, outcome_of
from reminders.statistics.clustered import Flags, Units, units
from reminders.store import effects as stored
from reminders.store.engine import Record, Store
from reminders.store.types import MICROSECOND, micros


@dataclass(frozen=True, slots=True)
class Observed:
    """Units with their outcomes, in one order. Pending ones are not among them."""

    sample: Units
    outcomes: Sequence[Outcome]
    pending: Mapping[Arm, int]

    @property
    def missed(self) -> Flags:
        return self._are(Outcome.NO_SHOW)

    @property
    def unknown(self) -> Flags:
        return self._are(Outcome.UNKNOWN)

    def _are(self, outcome: Outcome) -> Flags:
        return np.fromiter((one is outcome for one in self.outcomes), np.bool_, len(self.outcomes))


def observe(
    store: Store,
    holdout: Holdout,
    *,
    until: datetime,
    now: datetime,
    past: Mapping[str, Past],
    uf: str = "",
) -> Observed:
    """Every counted unit that first started before `until`, with what became of it; of one
    service or, for "", of all."""
    rates = past_rates(past)
    treated: list[bool] = []
    patients: list[int] = []
    prior: list[float] = []
    outcomes: list[Outcome] = []
    pending: Counter[Arm] = Counter()
    at = micros(now)
    end = micros(until)
    for page in stored.units(store, holdout.id, before=end, now=at, refills=False, uf=uf):
        for row in page:
            outcome = outcome_of_row(row, at)
            if outcome is None:
                pending[Arm(row.arm)] += 1
                continue
            treated.append(row.arm == Arm.REMINDED)
            patients.append(row.patient)
            prior.append(rate_of(row.cell, rates))
            outcomes.append(outcome)
    return Observed(units(treated, patients, prior), outcomes, pending)


def outcome_of_row(row: Record, now: int) -> Outcome | None:
    """Of a row that tells status, starts_at, cancelled_at, cancelled_by, attendance, asked_at;
    `now` in the columns' unit. None: still to come, or never was an appointment."""
    cancelled, asked = row.cancelled_at, row.asked_at
    return _outcome(
        row.status,
        row.cancelled_by or "unknown",
        row.attendance,
        None if cancelled is None else row.starts_at - cancelled >= _EARLY,
        None if asked is None else row.starts_at - asked >= _EARLY,
        asked is not None and cancelled is not None and asked > cancelled,
        row.starts_at <= now,
    )


_EARLY = EARLY // MICROSECOND
_START = datetime(2000, 1, 10, tzinfo=UTC)
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


@lru_cache(maxsize=4_096)
def _outcome(
    status: str,
    by: str,
    attendance: str,
    cancelled_early: bool | None,
    asked_early: bool | None,
    asked_later: bool,
    started: bool,
) -> Outcome | None:
    """Outcomes depend on nothing else: a made-up appointment that agrees has the same one."""

    def moment(early: bool | None, later: bool) -> datetime | None:
        if early is None:
            return None
        ahead = EARLY + _DAY if early else EARLY - _DAY
        return _START - ahead + (_MINUTE if later else timedelta(0))

    return outcome_of(
        Status(status),
        _START,
        moment(cancelled_early, later=False),
        CancelledBy(by),
        _START if started else _START - _MINUTE,
        asked_at=moment(asked_early, asked_later),
        marked=Attendance(attendance),
    )
