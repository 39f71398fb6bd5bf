"""Savings as pages, exports and closed months tell them: measured, or why not.

The value is plain JSON (domain/canonical): what is shown today, kept for a page or frozen with a
month is the same thing. Nothing here comes from a hypothesis; projections are elsewhere
(services/projection) and never enter this value.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.canonical import Plain, canonical, plain
from reminders.domain.costs import Entered, Spent, spent
from reminders.domain.holdout import Arm
from reminders.domain.outcome import Denominator, Outcome, Tally
from reminders.domain.report import Asked, Dimension, Hidden, Month, NoShowReport, Sent
from reminders.domain.savings import MONTHLY, VALUE_OF, Component
from reminders.services import costs as priced
from reminders.services.effect import FINAL, Measured, Verdict
from reminders.services.effect_kept import effect_of, effect_told
from reminders.services.no_show_report import no_show_report
from reminders.services.outcomes import outcomes_by_service
from reminders.services.rules import Rules
from reminders.services.savings import Calls, Line, Savings, savings
from reminders.statistics.design import MIN_EVENTS
from reminders.store import calls as called
from reminders.store import effects
from reminders.store import holdout as holdouts
from reminders.store import money as stored
from reminders.store.engine import Record, Store
from reminders.store.lists import Ufs
from reminders.store.types import instant, micros

Told = dict[str, Plain]


@dataclass(frozen=True, slots=True)
class Known:
    """Calls of a comparison: `linked` by arm, of files and persons. Measured with enough in both;
    then `calls` an appointment, of which `tasks` are its tasks done by telephone."""

    linked: Mapping[Arm, int]
    calls: Calls | None = None
    tasks: Calls | None = None


def money(
    store: Store,
    rules: Rules,
    *,
    now: datetime,
    until: datetime | None = None,
    uf: str = "",
    look: str = "",
    which: int = 0,
) -> Told:
    """What reminders saved up to a moment (now), of the hospital or of one service; `look`: the
    month that is closed, if one is; `which`: as `effect`'s. Prices are those of the period's last
    civil day, at the hospital's first site."""
    period = period_of(store, until, now, which)
    if period is None:
        return {"verdict": Verdict.NO_HOLDOUT.value, "uf": uf}
    row, since, end = period.row, period.since, period.end
    zone = rules.settings.site[0].zone
    first, last = since.astimezone(zone).date(), end.astimezone(zone).date()
    day = (end - timedelta.resolution).astimezone(zone).date()
    entered = priced.entered(store)
    costs = [one for one in priced.resolved(entered, rules, day) if one.component not in MONTHLY]
    fees = {} if uf else fees_of(entered, first, last)
    known = calls_known(store, row.id, uf, before=end)
    found = savings(
        store, costs, now=now, day=day, until=until, fees=fees, calls=known.calls,
        called=known.tasks, uf=uf, look=look, which=which,
    )  # fmt: skip
    return told(found, fees, known, uf) | {"holdout": [row.id, row.state]}


@dataclass(frozen=True, slots=True)
class Period:
    row: Record  # the hold-out
    since: datetime
    end: datetime


def period_of(store: Store, until: datetime | None, now: datetime, which: int = 0) -> Period | None:
    """The hold-out that counts then, or `which`, and the moments between which; None: none was
    approved."""
    with store.read() as connection:
        row = holdouts.counting(connection, until, which)
    if row is None:
        return None
    ends = [until or now, instant(row.ends_at)]
    if row.stopped_at is not None:
        ends.append(instant(row.stopped_at))
    since = instant(row.approved_at)
    return Period(row, since, max(since, min(ends)))


def purged(rules: Rules, start: datetime, now: datetime) -> bool:
    """May appointments that started then be gone by now?"""
    return start < now - timedelta(days=rules.settings.retention.appointments_days)


def fees_of(entered: list[Entered], first: date, last: date) -> dict[Component, Spent]:
    """What the service itself costs over [first, last)."""
    return {one: spent(entered, one, first, last) for one in sorted(MONTHLY)}


def calls_known(store: Store, holdout: int, uf: str, *, before: datetime) -> Known:
    at = micros(before)
    with store.read() as connection:
        found = called.linked(connection, holdout, uf, before=at)
    linked = dict.fromkeys(Arm, 0) | {Arm(row.arm): int(row.number) for row in found}
    if min(linked.values()) < MIN_EVENTS:
        return Known(linked)
    calls: dict[int, float] = {}
    tasks: dict[int, float] = {}
    for page in called.of_units(store, holdout, before=at):
        for row in page:
            calls[row.appointment_id] = float(row.calls)
            tasks[row.appointment_id] = float(row.tasks)
    return Known(linked, calls, tasks)


# --- the value -----------------------------------------------------------------------------------


def told(found: Savings, fees: Mapping[Component, Spent], known: Known, uf: str) -> Told:
    """Everything a reader may be shown; without a measured effect, why."""
    base = effect_told(found.effect) | {
        "uf": uf,
        "calls": {
            "measured": known.calls is not None,
            "linked": {arm.value: number for arm, number in known.linked.items()},
            "needed": MIN_EVENTS,
        },
        "missing": [[component.value, place] for component, place in found.missing],
    }
    if found.total is None:
        return base
    one = {
        "units": found.units,
        "per_appointment": {
            "reminded": found.reminded, "held": found.held, "saved": found.per_unit,
        },
        "total": found.total,
        "capacity": found.capacity,
        "cash": found.cash,
        "fees": {one.value: cost.value for one, cost in fees.items()},
        "fee_ranges": {one.value: [cost.low, cost.high] for one, cost in fees.items()},
        "lines": [
            {
                "component": line.cost.component, "uf": line.cost.uf, "value": line.cost.value,
                "low": line.cost.low, "high": line.cost.high, "source": line.cost.source,
                "valid_from": "" if line.cost.configured else line.cost.valid_from,
                "configured": line.cost.configured, "kind": VALUE_OF[line.cost.component],
                "reminded": line.reminded, "held": line.held, "difference": line.difference,
                "euros": line.euros,
            }
            for line in sorted(found.lines, key=_place)
        ],
        "drivers": found.drivers,
    }  # fmt: skip
    made = plain(one)
    assert isinstance(made, dict)
    return base | made


def _place(line: Line) -> tuple[int, str]:
    return list(Component).index(line.cost.component), line.cost.uf


# --- kept for the page ---------------------------------------------------------------------------


SERVES = timedelta(days=2)  # nobody computes it any more: whoever looks does


@dataclass(frozen=True, slots=True)
class Kept:
    """`stale`: a unit cost was entered since. `value` None: never computed."""

    value: Told | None
    at: datetime | None = None
    stale: bool = False


def kept(store: Store, uf: str = "") -> Kept:
    with store.read() as connection:
        row = stored.estimate(connection, uf)
    if row is None:
        return Kept(None)
    return Kept(json.loads(row.content), instant(row.at), row.newest > row.at)


@dataclass(frozen=True, slots=True)
class Seen:
    at: datetime
    effect: Measured


def seen(store: Store, *, now: datetime) -> Seen | None:
    """The effect of which the savings and the first page tell, as it was last computed; None:
    of this hold-out, as it stands, it was not."""
    last = kept(store)
    if last.value is None or last.at is None:
        return None
    with store.read() as connection:
        row = holdouts.latest(connection, begun=True)
    if row is None or not _is_of(last.value, row):
        return None
    found = effect_of(last.value)
    over = row.state == "stopped"  # nothing is compared any more: it stays as it was last computed
    if found is None or (now - last.at > SERVES and found.taken_at is None and not over):
        return None
    return Seen(last.at, found)


def compute(store: Store, rules: Rules, *, now: datetime, uf: str = "") -> Told:
    """Anew, and kept for the page; what is kept stays where it `lasts`."""
    last = kept(store, uf)
    if last.value is not None and _lasts(store, rules, last, now):
        return last.value
    value = money(store, rules, now=now, uf=uf)
    with store.write() as connection:
        stored.keep(connection, uf, at=micros(now), content=canonical(value))
    return value


def _lasts(store: Store, rules: Rules, last: Kept, now: datetime) -> bool:
    """Appointments of the comparison may have been purged since: what is left of them is no
    measure of it. Once more it is computed as its final look is taken."""
    period = period_of(store, None, now)
    if period is None or last.value is None or last.at is None:
        return False
    if not purged(rules, period.since, now) or not _is_of(last.value, period.row):
        return False
    with store.read() as connection:
        final = effects.look(connection, period.row.id, FINAL, until=micros(now))
    return final is None or micros(last.at) >= final.at


def compute_daily(store: Store, rules: Rules, *, now: datetime) -> int:
    """What was not computed on this civil day yet: the hospital's, and that of each service
    somebody asked about. How many."""
    zone = rules.settings.site[0].zone
    today = now.astimezone(zone).date()
    with store.read() as connection:
        if holdouts.latest(connection, begun=True) is None:
            return 0
        known = {row.uf: instant(row.at) for row in stored.estimated(connection)}
    due = [
        uf
        for uf, at in known.items()
        if at.astimezone(zone).date() < today and not _is_final(store, uf)
    ]
    if "" not in known:
        due.insert(0, "")
    for uf in due:
        compute(store, rules, now=now, uf=uf)
    return len(due)


def _is_final(store: Store, uf: str) -> bool:
    """Was it computed once its final look was taken, at today's prices? Then it stays: one more
    look a day would be one more chance to be wrong."""
    last = kept(store, uf)
    if last.value is None or last.stale or not last.value.get("taken_at"):
        return False
    with store.read() as connection:
        row = holdouts.latest(connection, begun=True)
    return row is not None and _is_of(last.value, row)


def _is_of(value: Told, holdout: Record) -> bool:
    """Is it of this hold-out as it stands?"""
    return value.get("holdout") == [holdout.id, holdout.state]


# --- without any comparison ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Described:
    """What was counted in a civil month: no effect of anything."""

    known: int  # appointments whose outcome is known
    missed: int
    unknown: int
    messages: int
    segments: int
    price: float  # euros
    calls: int


def describe(
    store: Store, ufs: Ufs, start: datetime, end: datetime, first: date, last: date, *,
    now: datetime,
) -> Described:  # fmt: skip
    counts: dict[Outcome, int] = {}
    for uf, outcomes in outcomes_by_service(store, start, end, now=now).items():
        if ufs is None or uf in ufs:
            for outcome, number in outcomes.items():
                counts[outcome] = counts.get(outcome, 0) + number
    row = _done(store, ufs, start, end, first, last)
    tally = Tally(counts)
    return Described(
        tally.among(Denominator.ELIGIBLE), tally[Outcome.NO_SHOW], tally[Outcome.UNKNOWN],
        row.messages, row.segments, row.price, row.calls,
    )  # fmt: skip


def _done(
    store: Store, ufs: Ufs, start: datetime, end: datetime, first: date, last: date
) -> Record:
    with store.read() as connection:
        return stored.described(
            connection, ufs, micros(start), micros(end), first.isoformat(), last.isoformat()
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A civil month as readers may see it, as the no-show report counts and hides it: outcomes,
    and the messages about those very appointments, whenever they left. Calls are those of the
    month's days and of the services that are told. `hidden`: it may not be told, the rest is 0."""

    hidden: bool = False
    known: int = 0
    missed: int = 0
    messages: int = 0
    price: float = 0.0  # euros
    calls: int = 0


def shown(
    store: Store, rules: Rules, month: Month, uf: str, ufs: Ufs, zone: ZoneInfo, *, now: datetime
) -> Shown:
    """Of one service, or of all of `ufs` for "". What is done about a line is told with it, and
    nothing of a line that is hidden."""
    asked = Asked(month, month, ufs=frozenset({uf}) if uf else frozenset())
    report = no_show_report(store, rules, asked, ufs=ufs, now=now)
    if report.figures is None and report.silent:
        return Shown(hidden=True)
    start, end = month.between(zone)
    with store.read() as connection:
        calls = called.between(
            connection, _told_services(report, uf, ufs), start.date().isoformat(),
            end.date().isoformat(),
        )  # fmt: skip
    tally = Tally({}) if report.figures is None else report.figures.tally
    sent = report.sent or Sent(0, 0, 0.0)
    return Shown(
        False, tally.among(Denominator.ELIGIBLE), tally[Outcome.NO_SHOW], sent.messages, sent.cost,
        calls,
    )  # fmt: skip


def _told_services(report: NoShowReport, uf: str, ufs: Ufs) -> Ufs:
    """Those of which the report adds up anything; None: the whole hospital, hidden ones in it."""
    if uf or ufs is None:
        return frozenset({uf}) if uf else None
    lines = (
        line for one in report.breakdowns if one.dimension is Dimension.SERVICE
        for line in one.lines
    )  # fmt: skip
    hidden = frozenset(line.value for line in lines if isinstance(line, Hidden))
    return ufs - hidden
