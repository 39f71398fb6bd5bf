"""The no-show report as a page shows it: pictures, and the lines of the tables behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from markupsafe import Markup

from reminders.domain.report import (
    FINER,
    Breakdown,
    Dimension,
    Every,
    Funnel,
    Hidden,
    Line,
    Month,
    NoShowReport,
    Point,
    Signal,
    Trend,
)
from reminders.web.charts import (
    WHOLE_PERCENT,
    Bar,
    Moment,
    Stage,
    TrendWords,
    bars,
    funnel,
    trend,
)
from reminders.web.staff.reports_words import (
    COLUMNS,
    DIMENSIONS,
    interval,
    line_name,
    month_name,
    point_name,
)
from reminders.web.staff.words import N_, Words

MOST_BARS = 25  # more than that is read in the table
HIDDEN = N_("masqué (< 5)")
IN_ORDER = frozenset(Dimension) - {Dimension.SITE, Dimension.SERVICE, Dimension.TEMPLATE}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `line` None: it may not be told. `more`: the value of a filter; `at`:
    what it adds to the address of the list behind one of its counts."""

    name: str
    line: Line | None
    more: str = ""
    at: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """One breakdown. `drawn`: of the lines that may be told, where two or more are; one bar
    compares nothing. `left`: how many of them the picture leaves to the table."""

    dimension: Dimension
    title: str
    column: str
    drawn: Markup | None
    rows: tuple[Row, ...]
    masked: int
    left: int = 0

    @property
    def hides(self) -> bool:
        return any(one.line is None for one in self.rows)

    @property
    def partial(self) -> bool:
        return any(one.line is not None and one.line.partial for one in self.rows)


def section(words: Words, found: NoShowReport, one: Breakdown) -> Section:
    rows = tuple(_row(words, one.dimension, line) for line in _ordered(one))
    title = words.gettext(DIMENSIONS[one.dimension])
    told = [row for row in rows if row.line is not None]
    shown = told[:MOST_BARS]
    whole = found.figures.primary if found.figures else None
    drawn = None
    if len(shown) > 1:
        drawn = bars(
            f"par-{one.dimension}",
            words.gettext("Taux de non-venue %(by)s", by=title[:1].lower() + title[1:]),
            _told(words, shown),
            [_bar(words, row) for row in shown],
            show=lambda value: words.percent(value, 0),
            whole=WHOLE_PERCENT,
            reference=None if whole is None else (
                whole.value, words.gettext("ensemble %(rate)s", rate=words.percent(whole.value))
            ),
        )  # fmt: skip
    return Section(
        one.dimension, title, words.gettext(COLUMNS[one.dimension]), drawn, rows, one.masked,
        len(told) - len(shown),
    )  # fmt: skip


def _ordered(one: Breakdown) -> Sequence[Line | Hidden]:
    """Days and ages keep their order; services begin with the most no-shows."""
    if one.dimension in IN_ORDER:
        return one.lines
    return sorted(one.lines, key=lambda line: (isinstance(line, Hidden), -_missed(line)))


def _missed(line: Line | Hidden) -> int:
    if isinstance(line, Hidden) or line.figures.primary is None:
        return 0
    return line.figures.primary.missed


def _row(words: Words, dimension: Dimension, line: Line | Hidden) -> Row:
    name = line_name(words, dimension, line.value, line.label)
    finer = dimension in FINER
    more = f"{dimension}:{line.value}" if finer else line.value
    narrows = {Dimension.SITE: "ligne", Dimension.SERVICE: "service"}.get(dimension, "parmi")
    at = {narrows: f"{dimension}:{line.value}" if narrows == "ligne" else more}
    return Row(name, None if isinstance(line, Hidden) else line, more, at)


def _bar(words: Words, row: Row) -> Bar:
    rate = row.line.figures.primary if row.line else None
    if rate is None:
        return Bar(row.name, None, words.gettext("aucune issue connue"))
    said = f"{words.percent(rate.value)} ({interval(words, rate)})"
    return Bar(row.name, rate.value, said, rate.low, rate.high)


def _told(words: Words, rows: Sequence[Row]) -> str:
    """The picture in words: its ends. The table has everything."""
    known = [
        (row.line.figures.primary.value, row.name)
        for row in rows
        if row.line is not None and row.line.figures.primary is not None
    ]
    if not known:
        return words.gettext("Aucune ligne ne peut être montrée.")
    (low, least), (high, most) = min(known), max(known)
    return words.gettext(
        "De %(low)s (%(least)s) à %(high)s (%(most)s). Le tableau qui suit donne tout.",
        low=words.percent(low),
        least=least,
        high=words.percent(high),
        most=most,
    )


# --- the trend -----------------------------------------------------------------------------------


def trend_drawn(words: Words, found: Trend) -> Markup | None:
    """None: there is nothing to draw."""
    known = [one for one in found.points if one.rate is not None]
    if not known:
        return None
    out = [one for one in found.points if one.signal is not Signal.WITHIN]
    last = known[-1]
    return trend(
        "tendance",
        words.gettext(TITLES[found.every]),
        _trend_told(words, found, out),
        [_moment(words, found.every, place, one) for place, one in enumerate(found.points)],
        centre=found.centre,
        show=lambda value: words.percent(value, 0),
        whole=WHOLE_PERCENT,
        say=words.percent,
        words=TrendWords(
            value=f"{point_name(words, found.every, last.start)}{words.colon} "
            f"{words.percent(last.rate or 0)}",
            band="",
            centre=words.gettext("moyenne %(rate)s", rate=words.percent(found.centre or 0)),
            upper=words.gettext("limite haute"),
            lower=words.gettext("limite basse"),
        ),
    )


TITLES = {
    Every.WEEK: N_("Taux de non-venue par semaine"),
    Every.MONTH: N_("Taux de non-venue par mois"),
}


def _moment(words: Words, every: Every, place: int, one: Point) -> Moment:
    dated = place == 0 or one.start.month == 1
    return Moment(
        point_name(words, every, one.start, dated=dated), one.rate, lower=one.low, upper=one.high,
        out=one.signal is not Signal.WITHIN, unfinished=_end(every, one) > words.now.date(),
    )  # fmt: skip


def _end(every: Every, one: Point) -> date:
    """The first day after it."""
    if every is Every.WEEK:
        return one.start + timedelta(days=7)
    return Month.of_number(Month(one.start.year, one.start.month).number + 1).first_day


def _trend_told(words: Words, found: Trend, out: Sequence[Point]) -> str:
    if not out:
        return words.gettext("Tous les points sont dans les limites : le hasard y suffit.")
    names = ", ".join(full_point(words, found.every, one) for one in out)
    return words.gettext("Hors des limites : %(names)s.", names=names)


def full_point(words: Words, every: Every, one: Point) -> str:
    if every is Every.WEEK:
        return words.gettext("semaine du %(day)s", day=words.short_date(one.start))
    return month_name(words, one.start)


# --- the funnel ----------------------------------------------------------------------------------

STAGES = (
    ("entered", N_("Rendez-vous suivis, heure passée"), ""),
    ("planned", N_("un rappel était prévu"), N_("des suivis")),
    ("sent", N_("un rappel est parti"), N_("des prévus")),
    ("delivered", N_("un rappel a été remis"), N_("des partis")),
    ("answered", N_("le patient a répondu"), N_("des remis")),
    ("came", N_("le patient est venu"), N_("des partis")),
)
OF = {"planned": "entered", "sent": "planned", "delivered": "sent", "answered": "delivered",
      "came": "sent"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """`share`: of the stage named `of`; None: of nothing, or nothing to divide by."""

    code: str
    name: str
    number: int
    share: float | None
    of: str


def steps(words: Words, found: Funnel) -> list[Step]:
    told = []
    for code, name, of in STAGES if found.came is not None else STAGES[:-1]:
        number = int(getattr(found, code))
        whole = int(getattr(found, OF[code])) if code in OF else 0
        share = number / whole if whole else None
        told.append(Step(code, words.gettext(name), number, share, words.gettext(of) if of else ""))
    return told


def funnel_drawn(words: Words, found: Sequence[Step]) -> Markup:
    stages = [
        Stage(
            one.name[:1].upper() + one.name[1:],
            one.number,
            words.number(one.number)
            + (f" · {words.percent(one.share, 0)} {one.of}" if one.share is not None else ""),
        )
        for one in found
    ]
    first, last = found[0], found[-1]
    if len(found) < len(STAGES):
        told = words.gettext(
            "De %(first)s rendez-vous suivis à %(last)s dont le patient a répondu. Le tableau qui "
            "suit donne tout.",
            first=words.number(first.number),
            last=words.number(last.number),
        )
        return funnel("entonnoir", words.gettext("Du rappel prévu à la réponse"), told, stages)
    return funnel(
        "entonnoir",
        words.gettext("Du rappel prévu à la venue"),
        words.gettext(
            "De %(first)s rendez-vous suivis à %(last)s dont le patient, rappelé, est venu. Le "
            "tableau qui suit donne tout.",
            first=words.number(first.number),
            last=words.number(last.number),
        ),
        stages,
    )
