"""The no-show report of some months, put together from the counts alone (services/rollup.py).

Nothing is told of a line that is hidden, and no sum is told that would give one away: a report on
the whole hospital reads the counts of the whole, one on some services adds up what may be told
of each. How both together give nothing away: domain/hiding.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate

from reminders.domain.outcome import Denominator, Outcome, Tally
from reminders.domain.report import (
    HIDDEN_BELOW,
    Asked,
    Breakdown,
    Contacts,
    Count,
    Dimension,
    Every,
    Figures,
    Funnel,
    Handling,
    Hidden,
    Line,
    Month,
    NoShowReport,
    Point,
    Rate,
    Reach,
    Sent,
    Signal,
    Trend,
)
from reminders.domain.report_unit import AGE_BANDS, LEAD_BANDS, MOTIVES, minutes_of
from reminders.services.rollup_table import ALL, KNOWN
from reminders.services.rules import Rules
from reminders.statistics.control import design_effect, p_chart, wilson_of
from reminders.store import rollup_reading as stored
from reminders.store.engine import Record, Store
from reminders.store.types import micros

WEEKS_SINCE = 6  # months of weeks the trend shows, the last one asked for included
MONTHS_SINCE = 12
_COLUMN = {one: one.value.replace("-", "_") for one in Outcome}
_FINER = (
    Dimension.WEEKDAY, Dimension.HOUR, Dimension.LEAD, Dimension.KNOWN, Dimension.AGE,
    Dimension.CHANNEL, Dimension.LANGUAGE, Dimension.TEMPLATE,
)  # fmt: skip
_ORDER: Mapping[Dimension, Sequence[str]] = {
    Dimension.LEAD: LEAD_BANDS,
    Dimension.AGE: AGE_BANDS,
    Dimension.KNOWN: KNOWN,
}


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read for one report."""

    asked: Asked
    rules: Rules
    lines: Sequence[Record]
    sums: Record
    templates: Mapping[str, Record]

    def of(self, dim: str) -> list[Record]:
        return [row for row in self.lines if row.place == "of" and row.dim == dim]

    @property
    def effect(self) -> float:
        """Of a patient's several appointments on the variance of the primary rate."""
        whole = self.of("all")
        return _effect(tally_of(whole[0]), self.sums) if whole else 1.0


def _effect(tally: Tally, sums: Record) -> float:
    of_patients = float(sums.squares), float(sums.products), float(sums.missed_squares)
    return effect_of(tally, of_patients)


def effect_of(tally: Tally, of_patients: tuple[float, float, float]) -> float:
    """Of a patient's several appointments on the variance of the primary rate; `of_patients`:
    what `design_effect` takes, of the appointments of the tally."""
    return design_effect(tally[Outcome.NO_SHOW], tally.among(Denominator.ELIGIBLE), of_patients)


def no_show_report(
    store: Store,
    rules: Rules,
    asked: Asked,
    *,
    ufs: frozenset[str] | None,
    now: datetime,
    every: Every = Every.WEEK,
) -> NoShowReport:
    """The report of what is asked; `ufs`: the services its reader may see, None for all.

    Weeks and months are civil ones of each site's zone.
    """
    chosen = places(rules, asked, ufs)
    first, last = asked.first.number, asked.last.number
    since = min(first, last + 1 - (WEEKS_SINCE if every is Every.WEEK else MONTHS_SINCE))
    with store.read() as connection:
        sums = stored.sums(connection, first, last, chosen, micros(now))
        if asked.only is not None:
            since = min(first, last + 1 - MONTHS_SINCE)
            dim, value = asked.only.dimension.value, asked.only.value
            months = stored.one_value(connection, since, last, chosen, dim, value)
            whole = stored.one_value(connection, first, last, chosen, "all", "")
            return _narrowed(asked, months, whole, sums)
        lines = stored.lines(connection, first, last, since, chosen)
        numbers = [int(row.value) for row in lines if row.dim == Dimension.TEMPLATE and row.value]
        templates = stored.templates(connection, [one for one in numbers if one])
    return _report(_Read(asked, rules, lines, sums, templates), every)


def unmapped(store: Store, rules: Rules, asked: Asked) -> dict[str, int]:
    """UF without settings -> its appointments of the period: nobody is reminded of them, and no
    figure here counts them. Nothing where services or sites were chosen."""
    if asked.ufs or asked.sites:
        return {}
    zone = rules.settings.site[0].zone
    (start, _), (_, end) = asked.first.between(zone), asked.last.between(zone)
    with store.read() as connection:
        found = stored.by_uf(connection, micros(start), micros(end))
    return {row.uf: int(row.number) for row in found if row.uf not in rules.units}


def places(rules: Rules, asked: Asked, ufs: frozenset[str] | None) -> list[str]:
    """The whole hospital, or the services chosen and allowed; one that is none for nothing."""
    sites = {desk.site_id for desk in rules.desks.values()}
    some = asked.ufs or (asked.sites and not asked.sites >= sites)
    if ufs is None and not some:
        return [ALL]
    chosen = asked.ufs or frozenset(rules.desks) | (ufs or frozenset())
    if asked.sites:
        chosen &= {uf for uf, desk in rules.desks.items() if desk.site_id in asked.sites}
    return sorted(chosen if ufs is None else chosen & ufs) or [""]


def tally_of(row: Record) -> Tally:
    return Tally({one: int(getattr(row, column)) for one, column in _COLUMN.items()})


def figures_of(rows: Sequence[Record], effect: float = 1.0) -> Figures:
    """Of lines added up."""
    tallies = [tally_of(row) for row in rows]
    tally = Tally({one: sum(each[one] for each in tallies) for one in Outcome})
    return Figures(
        tally,
        rate_of(tally, Denominator.ELIGIBLE, effect),
        rate_of(tally, Denominator.EXPECTED, effect),
        tally.bounds_of(Denominator.ELIGIBLE),
        sum(int(row.pending) for row in rows),
        effect,
    )


def rate_of(tally: Tally, denominator: Denominator, effect: float) -> Rate | None:
    """With what chance allows, on as many independent appointments as tell as much."""
    among, value = tally.among(denominator), tally.rate(denominator)
    if value is None:
        return None
    low, high = wilson_of(value, among / effect)
    return Rate(denominator, tally[Outcome.NO_SHOW], among, value, low, high)


# --- the whole report -----------------------------------------------------------------------------


def _report(read: _Read, every: Every) -> NoShowReport:
    whole = next((row for row in read.of("all") if row.shown), None)
    trend = _trend(read, every)
    silent, masked = _left_out(
        read.asked, [row for row in read.lines if row.place == "trend" and row.dim == "all"]
    )
    if whole is None:
        return NoShowReport(
            read.asked, None, trend, masked=masked, silent=silent,
            fresh=_fresh(read.sums),
        )  # fmt: skip
    sums = read.sums
    total = _units(whole)
    return NoShowReport(
        read.asked,
        figures_of([whole], read.effect),
        trend,
        _breakdowns(read, total),
        _counts(read.of("reach"), [one.value for one in Reach]),
        Funnel(sums.entered, sums.planned, sums.sent, sums.delivered, sums.answered, _came(read)),
        _counts(read.of("motive"), MOTIVES[1:]),
        _handling(read.of("handled")),
        Contacts(
            sums.contacts, sums.patients, sums.contacted, sums.recontacts, sums.replied, sums.alone
        ),
        Sent(sums.messages, sums.segments, sums.cost / 1_000_000),
        sums.freed,
        sums.refilled,
        masked=masked,
        silent=silent,
        fresh=_fresh(sums),
    )


def _came(read: _Read) -> int | None:
    """None where those without a message are hidden."""
    without = [row for row in read.of(Dimension.CHANNEL.value) if not row.value]
    return None if any(row.hidden for row in without) else int(read.sums.came)


def _left_out(asked: Asked, months: Sequence[Record]) -> tuple[tuple[Month, ...], int]:
    """Months of the period in which every line is hidden; how many lines are in the others."""
    inside = [one for one in months if asked.first.number <= one.month <= asked.last.number]
    silent = sorted(one.month for one in inside if one.hidden and not one.shown)
    others = sum(int(one.hidden) for one in inside if one.shown)
    return tuple(Month.of_number(one) for one in silent), others


def _fresh(sums: Record) -> bool:
    return not sums.behind


def _units(row: Record) -> int:
    return tally_of(row).total + int(row.pending)


def _breakdowns(read: _Read, total: int) -> tuple[Breakdown, ...]:
    services = sorted(
        (row for row in read.lines if row.place == "each"), key=lambda row: str(row.value)
    )
    found = [
        _breakdown(Dimension.SITE, _by_site(read, services), total),
        _breakdown(Dimension.SERVICE, [_service(read, row) for row in services], total),
    ]
    for dimension in _FINER:
        rows = sorted(read.of(dimension.value), key=lambda row: _place(dimension, row.value))
        lines = [_line(row, _label(read, dimension, row.value), read.effect) for row in rows]
        found.append(_breakdown(dimension, lines, total))
    return tuple(found)


def _breakdown(dimension: Dimension, lines: Sequence[Line | Hidden], total: int) -> Breakdown:
    told = [one.figures for one in lines if isinstance(one, Line)]
    shown = sum(one.tally.total + one.pending for one in told)
    return Breakdown(dimension, tuple(lines), total - shown)


def _line(row: Record, label: str, effect: float) -> Line | Hidden:
    if not row.shown:
        return Hidden(row.value, label)
    return Line(row.value, label, figures_of([row], effect), partial=row.hidden > 0)


def _service(read: _Read, row: Record) -> Line | Hidden:
    return _line(row, label_of(read.rules, row.value), read.effect)


def label_of(rules: Rules, uf: str) -> str:
    desk = rules.desks.get(uf)
    return desk.label if desk else (f"UF {uf}" if uf else "")


def _by_site(read: _Read, services: Sequence[Record]) -> list[Line | Hidden]:
    """What may be told of each site's services."""
    members: dict[str, list[Record]] = {}
    for row in services:
        desk = read.rules.desks.get(row.value)
        members.setdefault(desk.site_id if desk else "", []).append(row)
    return [_site(read, site, rows) for site, rows in sorted(members.items())]


def _site(read: _Read, site: str, rows: Sequence[Record]) -> Line | Hidden:
    desks = read.rules.desks.values()
    label = next((desk.establishment for desk in desks if desk.site_id == site), "")
    told = [row for row in rows if row.shown]
    if not told:
        return Hidden(site, label)
    figures = figures_of(told, read.effect)
    return Line(site, label, figures, partial=any(row.hidden for row in rows))


def _place(dimension: Dimension, value: str) -> tuple[int, str]:
    order = _ORDER.get(dimension)
    if order is not None and value in order:
        return order.index(value), value
    return (int(value), value) if value.isdecimal() else (0, value)


def _label(read: _Read, dimension: Dimension, value: str) -> str:
    found = read.templates.get(value) if dimension is Dimension.TEMPLATE else None
    return "" if found is None else text_label(found)


def text_label(row: Record) -> str:
    """The key of a text and its number; the reader's language names it."""
    return " · ".join((row.purpose, row.channel, row.family, row.language, str(row.number)))


def _counts(found: Sequence[Record], codes: Sequence[str]) -> tuple[Count, ...]:
    """Those that there are, in order."""
    known = {row.value: row for row in found}
    return tuple(
        Count(code, _units(known[code]) if known[code].shown else None)
        for code in codes
        if code in known
    )


def _handling(found: Sequence[Record]) -> Handling:
    buckets = sorted((int(row.value), _units(row)) for row in found if row.value != "0")
    number = sum(size for _, size in buckets)
    if sum(row.patients for row in found if row.value != "0") < HIDDEN_BELOW:
        return Handling(number, None, None)
    return Handling(number, _percentile(buckets, 0.5), _percentile(buckets, 0.9))


def _percentile(buckets: Sequence[tuple[int, int]], share: float) -> float:
    """The middle of the bucket in which so many have been handled."""
    wanted = share * sum(size for _, size in buckets)
    reached = accumulate(size for _, size in buckets)
    return next(
        minutes_of(bucket)
        for (bucket, _), seen in zip(buckets, reached, strict=True)
        if seen >= wanted
    )


# --- the trend ------------------------------------------------------------------------------------


def _trend(read: _Read, every: Every) -> Trend:
    rows = [row for row in read.lines if row.place == "trend"]
    if every is Every.MONTH:
        return trend_of(every, [(Month.of_number(r.month).first_day, r) for r in rows
                                if r.dim == "all"])  # fmt: skip
    months = [row.month for row in rows if row.dim == "all"]
    if not months:
        return trend_of(every, [])
    since = Month.of_number(min(months)).first_day
    until = Month.of_number(read.asked.last.number + 1).first_day
    weeks = [(date.fromisoformat(row.value), row) for row in rows if row.dim == "week"]
    return trend_of(every, [(day, row) for day, row in weeks if since <= day < until])


def trend_of(every: Every, rows: Sequence[tuple[date, Record]]) -> Trend:
    """Limits are of what may be told; a point in which anything is hidden tells nothing, one with
    fewer than HIDDEN_BELOW known outcomes has no rate: a week that has only begun would draw one
    or two appointments as if they were a change."""
    rows = sorted(rows, key=lambda one: one[0])
    tallies = [tally_of(row) for _, row in rows]
    told = [
        not row.hidden and tally.among(Denominator.ELIGIBLE) >= HIDDEN_BELOW
        for (_, row), tally in zip(rows, tallies, strict=True)
    ]
    missed = [t[Outcome.NO_SHOW] if ok else 0 for t, ok in zip(tallies, told, strict=True)]
    among = [
        t.among(Denominator.ELIGIBLE) if ok else 0 for t, ok in zip(tallies, told, strict=True)
    ]
    limits = p_chart(missed, among)
    points = tuple(
        _point(day, few, number, limits.low[n], limits.high[n], hidden=bool(row.hidden))
        for n, ((day, row), few, number) in enumerate(zip(rows, missed, among, strict=True))
    )
    return Trend(every, points, limits.centre, limits.sigma_z)


def _point(
    day: date, missed: int, among: int, low: float | None, high: float | None, *, hidden: bool
) -> Point:
    if not among or low is None or high is None:
        return Point(day, None, among, None, None, hidden=hidden)
    rate = missed / among
    signal = Signal.ABOVE if rate > high else Signal.BELOW if rate < low else Signal.WITHIN
    return Point(day, rate, among, low, high, signal)


# --- one finer filter -----------------------------------------------------------------------------


def _narrowed(
    asked: Asked, months: Sequence[Record], whole: Sequence[Record], sums: Record
) -> NoShowReport:
    """Rates of one value alone: of anything else about it nothing is counted. How alike a
    patient's appointments are is taken from those of all values, as for the lines of a table."""
    trend = trend_of(Every.MONTH, [(Month.of_number(row.month).first_day, row) for row in months])
    inside = [row for row in months if asked.first.number <= row.month <= asked.last.number]
    told = [row for row in inside if row.shown]
    silent, masked = _left_out(asked, inside)
    figures = None
    if told:
        every = figures_of([row for row in whole if row.shown]).tally
        figures = figures_of(told, _effect(every, sums))
    return NoShowReport(asked, figures, trend, masked=masked, silent=silent, fresh=_fresh(sums))
