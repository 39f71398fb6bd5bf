"""The starting point: what became of appointments before the programme, and where to begin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fastapi import Response
from markupsafe import Markup

from reminders.domain.access import May
from reminders.domain.baseline_count import SMALLEST, Split
from reminders.domain.baseline_quality import Check, Finding, Part, Weight, worst_first
from reminders.services.baseline_rates import (
    SUPPOSED_HIGH,
    SUPPOSED_LOW,
    Kept,
    Line,
    Start,
    kept,
    rates,
    slot_costs,
    starts,
)
from reminders.services.baseline_words import MEANINGS, SPLITS, WEIGHTS, kinds
from reminders.web.charts import WHOLE_PERCENT, Bar, bars
from reminders.web.staff.asked import today
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import N_, Words

HOME = "/rapports/depart"
NAMED = 5  # services and weeks a finding names
DRAWN = 20  # services a picture holds
LOOKED_AT = (
    Split.SERVICE, Split.KNOWN, Split.LEAD, Split.WEEKDAY, Split.HOUR, Split.AGE, Split.KNOWN_LEAD
)  # fmt: skip
TONES = {
    Weight.SERIOUS: "problem",
    Weight.WARNING: "waiting",
    Weight.NOTE: "neutral",
    Weight.NOTHING: "done",
}
COLUMNS: Mapping[Split, str] = {
    Split.SERVICE: N_("Service"),
    Split.KNOWN: N_("Patient"),
    Split.LEAD: N_("Délai"),
    Split.WEEKDAY: N_("Jour"),
    Split.HOUR: N_("Heure"),
    Split.AGE: N_("Âge"),
    Split.KNOWN_LEAD: N_("Patient et délai"),
}
YEARS = 24  # months from which on they are told in years
NOBODY = N_("Ce service n’est pas parmi les vôtres, ou rien n’en a été repris.")


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding in words: how many, where, what it changes, what to do."""

    finding: Finding
    weight: str
    tone: str
    title: str
    amount: str
    where: Sequence[str]
    consequence: str
    remedy: str


def start(visit: Visit) -> Response:
    ufs = visit.viewer.ufs(May.SEE_REPORTS)
    found = kept(visit.staff.store, ufs=ufs)
    if found is None:
        return visit.page("baseline/none.html", tabs=report_tabs(visit))
    uf = visit.query.get("service", "")
    if uf and ufs is not None and uf not in ufs:
        return visit.missing(visit.words.gettext(NOBODY))
    store, words = visit.staff.store, visit.words
    splits = LOOKED_AT[1:] if uf else LOOKED_AT[:1]
    lines = rates(store, splits, ufs=ufs, uf=uf)
    if uf and not any(lines.values()):
        return visit.missing(words.gettext(NOBODY))
    names = {code: desk.label for code, desk in visit.staff.rules.desks.items()}
    begin, about = None, ""
    if uf:
        about = _about(words, uf, rates(store, LOOKED_AT[:1], ufs=ufs)[Split.SERVICE])
    else:
        begin = starts(store, found, slot_costs(store, visit.staff.rules, today(visit)), ufs=ufs)
    return visit.page(
        "baseline/start.html",
        kept=found,
        uf=uf,
        names=names,
        tabs=report_tabs(visit),
        findings=[_shown(words, names, one) for one in worst_first(found.findings)],
        begin=begin,
        about=about,
        needed=_needed,
        span=span,
        sections=[_section(words, names, split, lines[split]) for split in splits],
        whole=ufs is None,
        low=SUPPOSED_LOW,
        high=SUPPOSED_HIGH,
        fewest=SMALLEST,
        origin=_origin(words, found),
        Weight=Weight,
    )


def _origin(words: Words, found: Kept) -> str:
    if found.origin == "file":
        return words.gettext("d’un fichier")
    return words.gettext("de la source « %(source)s »", source=found.origin)


# --- the state of the data -----------------------------------------------------------------------


def _shown(words: Words, names: Mapping[str, str], one: Finding) -> Shown:
    meaning = MEANINGS[one.check]
    return Shown(
        one,
        words.gettext(WEIGHTS[one.weight]),
        TONES[one.weight],
        words.gettext(meaning.title),
        _amount(words, one),
        [*_where(words, names, one)],
        words.gettext(meaning.consequence),
        words.gettext(meaning.remedy),
    )


def _amount(words: Words, one: Finding) -> str:
    if not one.number:
        return ""
    if one.check is Check.SHORT:
        return words.ngettext("%(num)s semaine", "%(num)s semaines", one.number)
    if one.check is Check.LONG:
        return words.ngettext("%(num)s jour", "%(num)s jours", one.number)
    if one.check is Check.CODING:
        return words.ngettext("%(num)s changement", "%(num)s changements", one.number)
    return words.gettext(
        "%(number)s sur %(whole)s (%(share)s)",
        number=words.number(one.number),
        whole=words.number(one.whole),
        share=words.percent(one.share),
    )


def _where(words: Words, names: Mapping[str, str], one: Finding) -> list[str]:
    said = []
    if one.services:
        parts = _parts(words, [(names.get(p.name, p.name), p) for p in one.services])
        said.append(words.gettext("Services : %(names)s", names=parts))
    if one.weeks:
        parts = _parts(words, [(_day(words, p.name), p) for p in one.weeks])
        said.append(words.gettext("Semaines du : %(names)s", names=parts))
    said += [
        words.gettext(
            "%(service)s, semaine du %(day)s : « annulé tard » passe de %(before)s à %(after)s de "
            "ceux qui ne sont pas venus",
            service=names.get(change.uf, change.uf),
            day=_day(words, change.monday),
            before=words.percent(change.before, 0),
            after=words.percent(change.after, 0),
        )
        for change in one.changes[:NAMED]
    ]
    return said


def _day(words: Words, iso: str) -> str:
    return words.short_date(date.fromisoformat(iso))


def _parts(words: Words, parts: Sequence[tuple[str, Part]]) -> str:
    named = [_part(words, name, part) for name, part in parts[:NAMED]]
    if (more := len(parts) - len(named)) > 0:
        named.append(words.ngettext("et %(num)s autre", "et %(num)s autres", more))
    return ", ".join(named)


def _part(words: Words, name: str, part: Part) -> str:
    if part.whole < SMALLEST:
        return words.gettext("%(name)s (moins de %(few)s)", name=name, few=SMALLEST)
    return words.gettext(
        "%(name)s (%(number)s sur %(whole)s)",
        name=name,
        number=words.number(part.number),
        whole=words.number(part.whole),
    )


# --- rates ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    split: Split
    title: str
    column: str
    rows: Sequence[tuple[str, Line]]
    drawn: Markup | None
    hides: bool


def _section(
    words: Words, names: Mapping[str, str], split: Split, lines: Sequence[Line]
) -> Section:
    rows = [(_name(words, names, split, line), line) for line in lines]
    title = words.gettext(SPLITS[split])
    told = [(name, line) for name, line in rows if line.rate is not None]
    if split is Split.SERVICE:
        told.sort(key=lambda row: -row[1].counted.missed)
    drawn = None
    if len(told) > 1 and split is not Split.KNOWN_LEAD:  # one bar compares nothing
        drawn = bars(
            f"depart-{split}",
            words.gettext("Taux de non-venue avant le programme"),
            words.gettext("Le tableau qui suit donne tout."),
            [_bar(words, name, line) for name, line in told[:DRAWN]],
            show=lambda value: words.percent(value, 0),
            whole=WHOLE_PERCENT,
        )
    column = words.gettext(COLUMNS[split])
    return Section(split, title, column, rows, drawn, any(line.hidden for line in lines))


def _about(words: Words, uf: str, lines: Sequence[Line]) -> str:
    """A service's past in a sentence; "" where the list of services may not tell it either."""
    line = next((one for one in lines if one.counted.uf == uf), None)
    if line is None or line.hidden or line.rate is None or line.interval is None:
        return ""
    return words.gettext(
        "Avant le programme, %(rate)s des rendez-vous de ce service ont été manqués sans "
        "prévenir : %(missed)s sur %(among)s dont l’issue est connue (intervalle à 95 %% : "
        "%(between)s).",
        rate=words.percent(line.rate),
        missed=words.number(line.counted.missed),
        among=words.number(line.counted.appointments),
        between=span(words, line.interval.low, line.interval.high),
    )


def span(words: Words, low: float, high: float) -> str:
    """17,5 à 34,3 %"""
    return words.gettext(
        "%(low)s à %(high)s", low=words.number(100 * low, 1), high=words.percent(high)
    )


def _name(words: Words, names: Mapping[str, str], split: Split, line: Line) -> str:
    if split is Split.SERVICE:
        return names.get(line.counted.uf, line.counted.uf)
    said = kinds(words.gettext, line.counted, split)
    return said[:1].upper() + said[1:]


def _bar(words: Words, name: str, line: Line) -> Bar:
    rate, interval = line.rate, line.interval
    assert rate is not None
    assert interval is not None
    said = f"{words.percent(rate)} ({span(words, interval.low, interval.high)})"
    return Bar(name, rate, said, interval.low, interval.high)


def _needed(words: Words, one: Start) -> list[str]:
    """How many appointments a comparison there would need, for the larger effects first."""
    return [
        words.gettext(
            "%(number)s rendez-vous pour voir %(fall)s de non-venues en moins (%(time)s)",
            number=words.number(each.appointments),
            fall=words.percent(1 - each.ratio, 0),
            time=_lasting(words, each.months),
        )
        for each in one.needed
    ]


def _lasting(words: Words, months: float) -> str:
    """467 months say less than 39 years."""
    if months < YEARS:
        return words.ngettext("%(num)s mois", "%(num)s mois", max(1, round(months)))
    return words.ngettext("environ %(num)s an", "environ %(num)s ans", round(months / 12))


ROUTES = (Route("GET", HOME, May.SEE_REPORTS, start),)
