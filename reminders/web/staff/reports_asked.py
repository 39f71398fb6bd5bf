"""What the address of the report asks for: a link anybody with the right can follow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from urllib.parse import urlencode

from reminders.domain.access import May
from reminders.domain.baseline import AGES, LEADS, UNKNOWN
from reminders.domain.report import FINER, LONGEST, Asked, Dimension, Month, Only
from reminders.web.staff.asked import services, today
from reminders.web.staff.reports_words import COLUMNS, line_name, month_name
from reminders.web.staff.visit import Visit
from reminders.web.staff.words import N_, Words

MONTHS = 36  # that the form offers
USUAL = 3  # months, this one included

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`asked` None: `problems` says what is wrong with what was typed. `foreign`: services that
    are not this person's."""

    asked: Asked | None
    first: str
    last: str
    sites: tuple[str, ...] = ()
    ufs: tuple[str, ...] = ()
    only: str = ""
    problems: tuple[tuple[str, str], ...] = ()
    foreign: frozenset[str] = frozenset()

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What an address or a form carries."""
        found = [("du", self.first), ("au", self.last)]
        found += [("site", one) for one in self.sites] + [("service", one) for one in self.ufs]
        return [*found, ("parmi", self.only)] if self.only else found


def wanted(visit: Visit, fields: Fields) -> Wanted:
    """Of an address or of a form. Nothing asked: this month and the two before."""
    told: dict[str, list[str]] = {}
    for name, value in fields:
        if value.strip():
            told.setdefault(name, []).append(value.strip())
    this = Month(today(visit).year, today(visit).month)
    first = told.get("du", [""])[0]
    last = told.get("au", [""])[0]
    if not first and not last:
        first, last = str(Month.of_number(this.number - USUAL + 1)), str(this)
    first, last = first or last, last or first
    sites, ufs = tuple(told.get("site", ())), tuple(told.get("service", ()))
    only = told.get("parmi", [""])[0]
    held = visit.viewer.ufs(May.SEE_REPORTS)
    foreign = frozenset(ufs) - held if held is not None else frozenset()
    asked, problem = _asked(first, last, sites, ufs, only)
    problems = ((problem[0], visit.words.gettext(problem[1])),) if problem else ()
    return Wanted(asked, first, last, sites, ufs, only, problems, foreign)


NO_MONTH = N_("Mois illisible : l’écrire comme 2026-10.")
TURNED = N_("La période finit avant de commencer.")
TOO_LONG = N_("Cinq ans au plus en un rapport.")
NO_FILTER = N_("Ce filtre n’existe pas. Choisir dans la liste.")


def _asked(
    first: str, last: str, sites: Sequence[str], ufs: Sequence[str], only: str
) -> tuple[Asked | None, tuple[str, str] | None]:
    months = []
    for name, text in (("du", first), ("au", last)):
        try:
            months.append(Month.parse(text))
        except ValueError:
            return None, (name, NO_MONTH)
    if months[1] < months[0]:
        return None, ("au", TURNED)
    if months[1].number - months[0].number >= LONGEST:
        return None, ("du", TOO_LONG)
    try:
        narrowed = _only(only)
    except ValueError:
        return None, ("parmi", NO_FILTER)
    return Asked(months[0], months[1], frozenset(sites), frozenset(ufs), narrowed), None


def _only(text: str) -> Only | None:
    if not text:
        return None
    name, _, value = text.partition(":")
    dimension = Dimension(name)
    if dimension in CLOSED and value not in CLOSED[dimension]:
        raise ValueError(f"no such value: {value}")
    return Only(dimension, value)


# Dimensions whose values are known beforehand; an address with another one asks for nothing.
CLOSED: Mapping[Dimension, frozenset[str]] = {
    Dimension.WEEKDAY: frozenset(str(day) for day in range(1, 8)),
    Dimension.HOUR: frozenset(str(hour) for hour in range(24)),
    Dimension.KNOWN: frozenset({"known", "new"}),
}


def address(found: Wanted, **changes: str) -> str:
    """The same report with other filters; "" takes one away. A new `service` or `site` replaces
    those asked for."""
    kept = [(name, value) for name, value in found.fields if name not in changes]
    return f"/rapports?{urlencode(kept + [(n, v) for n, v in changes.items() if v])}"


# --- the form ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choices:
    months: Sequence[tuple[str, str]]
    sites: Sequence[tuple[str, str]]
    services: Sequence[tuple[str, str]]
    only: Sequence[tuple[str, Sequence[tuple[str, str]]]]  # (group, [(value, name)])
    chosen: Mapping[str, str] = field(default_factory=dict)


def choices(visit: Visit, found: Wanted) -> Choices:
    held = visit.viewer.ufs(May.SEE_REPORTS)
    sites = visit.staff.sites
    ours = {site for uf, site in sites.items() if held is None or uf in held}
    groups = [*_groups(visit)]
    if found.asked is not None and (only := found.asked.only) is not None:
        named = line_name(visit.words, only.dimension, only.value, "")
        if all(found.only != value for _, those in groups for value, _ in those):
            column = visit.words.gettext(COLUMNS[only.dimension])
            groups.append((column, [(found.only, named)]))
    return Choices(
        months=_months(visit, found),
        sites=[(one.id, one.name) for one in visit.staff.settings.site if one.id in ours],
        services=services(visit, May.SEE_REPORTS),
        only=groups,
    )


def _months(visit: Visit, found: Wanted) -> list[tuple[str, str]]:
    now: date = today(visit)
    this = Month(now.year, now.month).number
    listed = {str(Month.of_number(this - back)) for back in range(MONTHS)}
    if found.asked is not None:
        listed |= {str(found.asked.first), str(found.asked.last)}
    return [
        (one, month_name(visit.words, Month.parse(one).first_day))
        for one in sorted(listed, reverse=True)
    ]


VALUES: Mapping[Dimension, Sequence[str]] = {
    Dimension.KNOWN: ("known", "new"),
    Dimension.WEEKDAY: tuple(str(day) for day in range(1, 8)),
    Dimension.HOUR: tuple(str(hour) for hour in range(7, 20)),
    Dimension.LEAD: (),
    Dimension.AGE: (),
    Dimension.CHANNEL: ("sms", "email", ""),
}
ENDS = {Dimension.LEAD: LEADS, Dimension.AGE: AGES}


def _groups(visit: Visit) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    for dimension, values in VALUES.items():
        assert dimension in FINER
        told = values or bands(ENDS[dimension])
        yield (
            visit.words.gettext(COLUMNS[dimension]),
            [(f"{dimension}:{one}", line_name(visit.words, dimension, one, "")) for one in told],
        )


def bands(ends: Sequence[int]) -> list[str]:
    """Every band of a whole number, as domain.baseline.band names them."""
    between = [f"{low}-{high - 1}" for low, high in pairwise(ends)]
    return [f"<{ends[0]}", *between, f"{ends[-1]}+", UNKNOWN]


# --- in words ------------------------------------------------------------------------------------


def scope_said(visit: Visit, sought: Wanted) -> str:
    """Which sites, services and appointments the report is of, in words."""
    words, form = visit.words, choices(visit, sought)
    parts = [*_places(visit, sought, form)]
    parts += _only_said(words, sought, form)
    return words.gettext("%(scope)s.", scope=f"{words.semicolon} ".join(parts))


def narrowed(visit: Visit, sought: Wanted) -> str:
    """What the report leaves out all others for, in a few words; "" where it is of everything."""
    words, form = visit.words, choices(visit, sought)
    sites, units = dict(form.sites), dict(form.services)
    parts = [", ".join(sites.get(one, one) for one in sought.sites)]
    if sought.ufs:
        parts.append(few(words, [units.get(uf, uf) for uf in sought.ufs]))
    elif visit.viewer.ufs(May.SEE_REPORTS) is not None:
        parts.append(few(words, list(units.values())))
    parts += _only_said(words, sought, form)
    return f"{words.semicolon} ".join(one for one in parts if one)


NAMED = 3  # services a sentence names


def few(words: Words, names: Sequence[str]) -> str:
    """The names, or how many there are."""
    if len(names) <= NAMED:
        return ", ".join(names)
    return words.ngettext("%(num)s service", "%(num)s services", len(names))


def _only_said(words: Words, sought: Wanted, form: Choices) -> Iterator[str]:
    """« jour : mardi »: « inconnu » alone would not say of what."""
    for group, those in form.only:
        for value, name in those:
            if value == sought.only:
                inside = name[:1].lower() + name[1:] if words.language == "fr" else name
                yield f"{group.lower()}{words.colon} {inside}"


def _places(visit: Visit, sought: Wanted, form: Choices) -> Iterator[str]:
    words, held = visit.words, visit.viewer.ufs(May.SEE_REPORTS)
    sites, units = dict(form.sites), dict(form.services)
    if sought.sites:
        yield words.gettext(
            "Sites : %(names)s", names=", ".join(sites.get(s, s) for s in sought.sites)
        )
    if sought.ufs:
        nobody = words.gettext("UF %(uf)s, sans réglage")
        names = ", ".join(units.get(uf, nobody % {"uf": uf}) for uf in sought.ufs)
        yield words.gettext("Services : %(names)s", names=names)
    elif held is not None:
        names = ", ".join(name for _, name in form.services)
        yield words.gettext("Vos services : %(names)s", names=names)
    elif not sought.sites:
        yield words.gettext("Tous les services")
