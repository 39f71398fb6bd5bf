"""What reminders change, measured by the hold-out: by intention to treat, or not at all.

`effect` says either why nothing can be said, or a difference with an interval. Every condition is
looked at before the difference, so that no figure is shown because it pleases. Nothing here
writes; `take_look` does, once a month when the month is closed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from reminders.domain.baseline import Past
from reminders.domain.holdout import Arm, Holdout
from reminders.domain.outcome import Denominator, Outcome, Tally
from reminders.domain.report import HIDDEN_BELOW
from reminders.services.baseline import past as imported
from reminders.services.draw import holdout_of
from reminders.services.holdout import EXPECTED_BASE, EXPECTED_RATIO, Standing, standing
from reminders.services.observed import Observed, observe
from reminders.statistics.clustered import (
    PLAIN,
    Effect,
    Units,
    adjusted,
    design_effect,
)
from reminders.statistics.design import (
    IMBALANCE,
    Balance,
    smallest_effect,
    too_small,
)
from reminders.statistics.normal import Z
from reminders.statistics.permutation import permutation_p
from reminders.statistics.proportion import Interval, wilson_interval
from reminders.statistics.sequential import always_valid, running
from reminders.store import effects as stored
from reminders.store import holdout as holdouts
from reminders.store.engine import Connection, Record, Store
from reminders.store.types import instant, instant_or_none, micros

FINAL = "final"
# How the interval is to be read; kept with it (services/effect_said has the words).
FINAL_LOOK = "intervalle à 95 %, regard final"
EVERY_LOOK = "intervalle à 95 % valable à chaque regard"
LIKELY_DEFF = 1.3
NEARLY_ALL = 0.9  # a rate without reminders that reminders hardly leave room for


class Verdict(StrEnum):
    """What may be said. Only the last gives an effect."""

    NO_HOLDOUT = "no-holdout"  # none was approved: descriptions and hypotheses only
    UNBALANCED = "unbalanced"  # the arms are not what the draw gives
    UNKNOWN_DIFFERS = "unknown-differs"  # outcomes are missing more in one arm
    TOO_SMALL = "too-small"  # an arm has fewer than 30 patients or 10 no-shows
    UNDERPOWERED = "underpowered"  # even the effect expected would not be seen
    MEASURED = "measured"


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """One arm. `interval` is of its rate, `tally` by outcome; `pending` are still to come.
    `unsorted`: outcomes are known of so many, which must not be told apart; the tally is empty."""

    units: int
    patients: int
    tally: Tally
    pending: int
    unsorted: int | None = None

    @property
    def known(self) -> int:
        return self.tally.among(Denominator.ELIGIBLE) if self.unsorted is None else self.unsorted

    @property
    def missed(self) -> int:
        return self.tally[Outcome.NO_SHOW]

    @property
    def rate(self) -> float | None:
        return self.tally.rate(Denominator.ELIGIBLE)

    @property
    def interval(self) -> Interval | None:
        """Descriptive, of appointments taken as independent."""
        return wilson_interval(self.missed, self.known) if self.known else None


@dataclass(frozen=True, slots=True)
class Measured:
    """Differences are the reminded arm's no-show rate less the held-out arm's, as fractions:
    negative where reminders bring people in. Estimates are None unless `verdict` is MEASURED.
    """

    verdict: Verdict
    since: datetime | None = None
    until: datetime | None = None
    arms: Mapping[Arm, ArmFigures] = field(default_factory=dict)
    balance: Balance | None = None
    unknown_p: float | None = None  # of equal shares of unknown outcomes
    smallest: float | None = None  # the smallest difference these arms would show 4 times in 5
    expected: float | None = None  # the one reminders are expected to make
    design_effect: float | None = None
    final: bool = False  # the interval is the final look's; else valid at every look
    adjusted: bool = False  # on the rates before the launch
    estimate: float | None = None
    error: float | None = None  # standard error of the estimate
    low: float | None = None
    high: float | None = None
    p: float | None = None
    method: str = ""
    taken_at: datetime | None = None  # when the final look was; what came later does not change it
    taken_known: int = 0  # reminded units of known outcome then

    @property
    def units(self) -> int:
        return sum(arm.units for arm in self.arms.values())

    @property
    def hidden(self) -> bool:
        """Outcomes of the arms are about too few patients to be told."""
        return any(arm.unsorted is not None for arm in self.arms.values())

    @property
    def avoided(self) -> tuple[float, float, float] | None:
        """(estimate, low, high) of the no-shows avoided among the reminded units whose outcome
        is known; never cut at 0."""
        if self.estimate is None or self.low is None or self.high is None:
            return None
        known = self.taken_known or self.arms[Arm.REMINDED].known
        return -self.estimate * known, -self.high * known, -self.low * known


def effect(
    store: Store,
    *,
    now: datetime,
    until: datetime | None = None,
    past: Mapping[str, Past] | None = None,
    uf: str = "",
    look: str = "",
    which: int = 0,
) -> Measured:
    """The effect so far, of units that first started before `until` (now, or the hold-out's end),
    of one service or, for "", of all. The draw is judged on the whole hospital, whatever `uf`.

    `past`: what happened in each cell before the launch (domain.baseline), to adjust on; None:
    what was imported of it (services/baseline), and the plain difference where nothing was. The
    final look is that at or after the hold-out's end, of everything before it, whether it was
    stopped since or not. One that was stopped early counts until then: everybody is reminded
    afterwards. `look`: a month whose look this is; p is then never above those of earlier months.
    `which`: an earlier hold-out; 0 for the last one approved by then. Unless it is measured,
    nothing computed from the arms' rates is told of one service: with the hospital's it would
    tell those of another one.

    Once the final look was taken, it is what is said: its interval holds for one look, not for
    one more each time an outcome is corrected. The arms are as they are now.
    """
    moment = until or now
    with store.read() as connection:
        row = holdouts.counting(connection, until, which)
        if row is None:
            return Measured(Verdict.NO_HOLDOUT)
        holdout = holdout_of(row)
        earlier = None if uf else _smallest_p(connection, holdout, now, look)
        taken = None if uf else stored.look(connection, holdout.id, FINAL, until=micros(now))
    where = standing(store, now=now, holdout=row.id, until=moment)
    end = min(moment, holdout.until, where.stopped_at or now)
    known = imported(store) if past is None else past
    observed = observe(store, holdout, until=end, now=now, past=known, uf=uf)
    found = _judge(observed, holdout, where, end, final=end == holdout.until, earlier=earlier)
    if uf and found.verdict is not Verdict.MEASURED:
        return replace(found, smallest=None, expected=None, design_effect=None)
    return _as_taken(found, taken) if found.final and taken is not None else found


def _as_taken(found: Measured, taken: Record) -> Measured:
    """The final look as it was written down, whatever was corrected since."""
    margin = Z * taken.variance**0.5
    return replace(
        found,
        verdict=Verdict.MEASURED,
        estimate=taken.estimate,
        error=taken.variance**0.5,
        low=taken.estimate - margin,
        high=taken.estimate + margin,
        p=taken.p,
        method=taken.method,
        adjusted=not taken.method.startswith(PLAIN),
        taken_at=instant(taken.at),
        taken_known=taken.treated,
    )


def _smallest_p(
    connection: Connection, holdout: Holdout, now: datetime, name: str = ""
) -> float | None:
    """Of the looks taken so far; `name`: of those of earlier months, so that a month looked at
    again says what it said."""
    taken = stored.looks(connection, holdout.id, before=micros(now))
    return min(
        (one.p for one in taken if one.name != FINAL and (not name or one.name < name)),
        default=None,
    )


def _judge(
    observed: Observed,
    holdout: Holdout,
    where: Standing,
    end: datetime,
    *,
    final: bool,
    earlier: float | None,
) -> Measured:
    """Every condition in turn; the difference is computed only after all of them hold."""
    arms = {arm: _figures(observed, arm) for arm in Arm}
    if few := any(_few(observed, arm) for arm in Arm):
        arms = {arm: replace(one, tally=Tally({}), unsorted=one.known) for arm, one in arms.items()}
    found = Measured(Verdict.UNBALANCED, holdout.since, end, arms, where.balance, final=final)
    if where.balance is not None and where.balance.alarming:
        return found
    known = ~observed.unknown
    sample, missed = observed.sample.only(known), observed.missed[known].astype(np.float64)
    if few:
        return replace(found, verdict=Verdict.TOO_SMALL)
    if _too_small(sample, arms):
        return _with_power(replace(found, verdict=Verdict.TOO_SMALL), LIKELY_DEFF)
    found = replace(found, unknown_p=permutation_p(observed.unknown, observed.sample))
    if found.unknown_p is not None and found.unknown_p < IMBALANCE:
        return replace(found, verdict=Verdict.UNKNOWN_DIFFERS)
    deff = max(1.0, design_effect(missed, sample))
    found = _with_power(replace(found, design_effect=deff), deff)
    if found.smallest is None or found.expected is None or found.smallest > found.expected:
        return replace(found, verdict=Verdict.UNDERPOWERED)
    return _with_effect(found, adjusted(missed, sample), earlier)


def _with_effect(found: Measured, one: Effect, earlier: float | None) -> Measured:
    """The final look's interval, once; before it one that holds at every look."""
    said = replace(
        found,
        verdict=Verdict.MEASURED,
        adjusted=one.method != PLAIN,
        estimate=one.estimate,
        error=one.error,
    )
    if found.final:
        method = f"{one.method} ; {FINAL_LOOK}"
        return replace(said, low=one.low, high=one.high, p=one.p, method=method)
    look = always_valid(one.estimate, one.variance)
    method = f"{one.method} ; {EVERY_LOOK}"
    return replace(said, low=look.low, high=look.high, p=running(look.p, earlier), method=method)


def _figures(observed: Observed, arm: Arm) -> ArmFigures:
    mine = observed.sample.treated if arm is Arm.REMINDED else ~observed.sample.treated
    counts = Counter(one for one, own in zip(observed.outcomes, mine, strict=True) if own)
    patients = len(np.unique(observed.sample.cluster[mine]))
    return ArmFigures(int(mine.sum()), patients, Tally(counts), observed.pending.get(arm, 0))


def _few(observed: Observed, arm: Arm) -> bool:
    """Is who missed or who did not, or the arm, fewer than HIDDEN_BELOW patients? Then both arms
    hide their outcomes: the hospital's are told elsewhere, and one arm's would tell the other's."""
    mine = observed.sample.treated if arm is Arm.REMINDED else ~observed.sample.treated
    known = mine & ~observed.unknown
    groups = (known, known & observed.missed, known & ~observed.missed)
    return any(0 < len(set(observed.sample.cluster[one])) < HIDDEN_BELOW for one in groups)


def _too_small(sample: Units, arms: Mapping[Arm, ArmFigures]) -> bool:
    return too_small(sample.arm_clusters(), (arms[Arm.REMINDED].missed, arms[Arm.HELD].missed))


def _with_power(found: Measured, deff: float) -> Measured:
    """With the smallest effect these arms would show, and the one reminders should make.

    The rate without reminders is taken from both arms together, as if those did what is expected.
    That of the held-out arm is a part of the difference: an effect would be shown when chance had
    made it large.
    """
    treated, held = found.arms[Arm.REMINDED].known, found.arms[Arm.HELD].known
    base = _rate_without(found.arms) or EXPECTED_BASE
    expected = base * (1 - EXPECTED_RATIO)
    if not treated or not held or base >= 1:
        return replace(found, expected=expected)
    smallest = smallest_effect(base, treated, held, deff=deff)
    return replace(found, expected=expected, smallest=smallest)


def _rate_without(arms: Mapping[Arm, ArmFigures]) -> float:
    """No-shows were nobody reminded; 0 where there is none. Where so many miss that it would be
    nearly everybody, as many as do."""
    known = sum(one.known for one in arms.values())
    if not known:
        return 0.0
    missed = sum(one.missed for one in arms.values())
    without = missed / (known - arms[Arm.REMINDED].known * (1 - EXPECTED_RATIO))
    return without if without < NEARLY_ALL else missed / known


def take_look(
    store: Store,
    name: str,
    *,
    now: datetime,
    until: datetime | None = None,
    past: Mapping[str, Past] | None = None,
    which: int = 0,
) -> Measured:
    """The effect, written down as the look of that name (a month, 2026-10): p-values of later
    looks never grow above it. A look that gives no effect is not written."""
    found = effect(store, now=now, until=until, past=past, look=name, which=which)
    if found.verdict is not Verdict.MEASURED:
        return found
    assert found.error is not None
    with store.write() as connection:
        key = which
        if not key:
            row = holdouts.latest(connection, begun=True, until=until)
            assert row is not None
            key = row.id
        stored.remember(
            connection, key, FINAL if found.final else name, at=micros(now),
            estimate=found.estimate, variance=found.error**2, p=found.p,
            treated=found.arms[Arm.REMINDED].known, held=found.arms[Arm.HELD].known,
            method=found.method,
        )  # fmt: skip
    return found


# --- earlier hold-outs ---------------------------------------------------------------------------


def take_final_looks(store: Store, *, since: datetime, until: datetime, now: datetime) -> None:
    """Of every hold-out that ended in [since, until), unless it was taken: another one may have
    begun since, and nobody would look at this one any more."""
    with store.read() as connection:
        ended = [row for row in holdouts.begun(connection) if _awaits(row, since, until)]
    for row in ended:
        take_look(store, FINAL, now=now, until=until, which=row.id)


def _awaits(row: Record, since: datetime, until: datetime) -> bool:
    return row.estimate is None and _ends_in(row, since, until)


def _ends_in(row: Record, since: datetime, until: datetime) -> bool:
    """On its date: one that was stopped before has no final look."""
    early = row.stopped_at is not None and row.stopped_at < row.ends_at
    return not early and since <= instant(row.ends_at) < until


def ended_in(store: Store, since: datetime, until: datetime) -> int:
    """The last hold-out that ended on its date in [since, until); 0: none did."""
    with store.read() as connection:
        found = holdouts.begun(connection)
    return next((row.id for row in found if _ends_in(row, since, until)), 0)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A hold-out that another one followed. `measured` None: no final look gave an effect."""

    since: datetime
    until: datetime
    early: bool  # stopped before its date
    measured: Measured | None


def earlier_ones(store: Store) -> list[Earlier]:
    """Those before the last one approved, the newest first."""
    with store.read() as connection:
        found = holdouts.begun(connection)[1:]
    return [_earlier(row) for row in found]


def _earlier(row: Record) -> Earlier:
    since, until = instant(row.approved_at), instant(row.ends_at)
    stopped = instant_or_none(row.stopped_at) or until
    measured = None
    if row.estimate is not None:
        margin = Z * row.variance**0.5
        measured = Measured(
            Verdict.MEASURED, since, until, final=True, estimate=row.estimate,
            low=row.estimate - margin, high=row.estimate + margin, method=row.method,
        )  # fmt: skip
    return Earlier(since, min(until, stopped), stopped < until, measured)
