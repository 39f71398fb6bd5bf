"""The lists behind the counts of the no-show report: their addresses, and the page of one."""

from datetime import date
from urllib.parse import urlencode

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.outcome import Outcome
from reminders.domain.report import Asked, Dimension, Every, Month, Point
from reminders.domain.report_list import ISSUES, Behind, months_of
from reminders.services.no_show_report import label_of
from reminders.services.report_list import Listing, listed, opens, services_of
from reminders.store.report_lists import FIRST, LAST_KEY, Place
from reminders.web.staff.reports_asked import Wanted, scope_said, wanted
from reminders.web.staff.reports_figures import formula_of, name_of
from reminders.web.staff.reports_words import BECAME, line_name, month_name, period
from reminders.web.staff.visit import Route, Visit

LIST = "/rapports/liste"
OURS = ("issue", "quoi", "ligne", "semaine")  # beside what the report's address carries


class Opener:
    """(outcome, denominator or measure) -> the list behind that count of the report; "" for
    whoever does not see the patients of all its services."""

    def __init__(self, visit: Visit, sought: Wanted) -> None:
        self._visit, self._sought = visit, sought
        self.everything = self._opens("")

    @property
    def partly(self) -> bool:
        """Do some lists open, and not those of everything?"""
        return not self.everything and self._visit.viewer.may(May.SEE_PATIENTS)

    def __call__(self, name: str, **changes: str) -> str:
        """`changes`: what a line narrows the report to; `ligne` for a site, as its line does."""
        if not self._may(changes):
            return ""
        asked = changes | {"issue" if name in ISSUES else "quoi": name}
        kept = [(key, value) for key, value in self._sought.fields if key not in asked]
        if "service" in asked:
            kept = [(key, value) for key, value in kept if key != "site"]
        return f"{LIST}?{urlencode(kept + list(asked.items()))}"

    def point(self, every: Every, one: Point) -> str:
        """Behind the known outcomes of one point of the trend."""
        if every is Every.MONTH:
            month = str(Month(one.start.year, one.start.month))
            return self("known", du=month, au=month)
        first, last = months_of(one.start)
        return self("known", du=str(first), au=str(last), semaine=one.start.isoformat())

    def _may(self, changes: dict[str, str]) -> bool:
        if "service" in changes:
            return opens(self._visit.viewer, [changes["service"]])
        if "ligne" in changes:
            site = _site(changes["ligne"])
            return bool(site) and self._opens(site)
        return self.everything

    def _opens(self, site: str) -> bool:
        return _opens(self._visit, self._sought, site)


def of_month(visit: Visit, month: Month, uf: str = "") -> Opener:
    """The lists of one month's report, of one service or of all this person's."""
    ufs = (uf,) if uf else ()
    asked = Asked(month, month, ufs=frozenset(ufs))
    return Opener(visit, Wanted(asked, str(month), str(month), ufs=ufs))


def _opens(visit: Visit, sought: Wanted, site: str) -> bool:
    if sought.asked is None:
        return False
    held = visit.viewer.ufs(May.SEE_REPORTS)
    return opens(visit.viewer, services_of(visit.staff.rules, sought.asked, held, site))


def _site(text: str) -> str:
    """The site of « site:sud »; "" of anything else."""
    name, _, value = text.partition(":")
    return value if name == Dimension.SITE else ""


def listing(visit: Visit) -> Response:
    """The appointments behind a count, for whoever sees the patients of all its services."""
    sought = wanted(visit, visit.request.query_params.multi_items())
    line, after = visit.query.get("ligne", ""), _place(visit.query.get("apres", ""))
    site = _site(line)
    if sought.asked is None or sought.foreign or after is None or (line and not site):
        return visit.missing()
    if not _opens(visit, sought, site):
        return visit.missing()
    held = visit.viewer.ufs(May.SEE_REPORTS)
    ufs = services_of(visit.staff.rules, sought.asked, held, site)
    try:
        behind = _behind(visit, sought)
        found = listed(visit.staff.store, sought.asked, behind, ufs, after=after)
    except ValueError:
        return visit.missing()
    name = behind.what or behind.issue
    one = sought.ufs[0] if len(sought.ufs) == 1 else ""
    visit.saw("report.list", f"uf:{one}" if one else "", f"{name} {sought.only}".strip())
    return _page(visit, sought, behind, found, lone=bool(ufs) and len(ufs or ()) == 1)


def _behind(visit: Visit, sought: Wanted) -> Behind:
    week = visit.query.get("semaine", "")
    return Behind(
        visit.query.get("issue", Outcome.NO_SHOW.value),
        visit.query.get("quoi", ""),
        sought.asked.only if sought.asked else None,
        date.fromisoformat(week) if week else None,
    )


def _page(visit: Visit, sought: Wanted, behind: Behind, found: Listing, *, lone: bool) -> Response:
    assert sought.asked is not None
    words, name = visit.words, behind.what or behind.issue
    here = [*sought.fields, *((key, visit.query[key]) for key in OURS if visit.query.get(key))]
    rules = visit.staff.rules
    return visit.page(
        "reports/behind.html",
        found=found,
        name=name_of(words, name),
        formula=formula_of(words, name),
        line=_line(visit, sought, behind, found),
        period=period(words, sought.asked),
        scope=scope_said(visit, sought),
        lone=lone,
        counted=behind.counted(),
        varied=bool(behind.what) or len(ISSUES[behind.issue]) > 1,
        became=BECAME,
        label=lambda uf: label_of(rules, uf),
        purged=month_name(words, found.purged.first_day) if found.purged else "",
        back=f"/rapports?{urlencode(sought.fields)}",
        first=f"{LIST}?{urlencode(here)}" if visit.query.get("apres") else "",
        following=f"{LIST}?{urlencode([*here, ('apres', _told(found.after))])}"
        if found.after else "",
    )  # fmt: skip


def _line(visit: Visit, sought: Wanted, behind: Behind, found: Listing) -> str:
    """What the count is of, within the report: a value, a week, a site, a service."""
    words, rules = visit.words, visit.staff.rules
    if behind.only is not None:
        return line_name(words, behind.only.dimension, behind.only.value, found.text)
    if behind.week is not None:
        return words.gettext("semaine du %(day)s", day=words.short_date(behind.week))
    if site := _site(visit.query.get("ligne", "")):
        return next((d.establishment for d in rules.desks.values() if d.site_id == site), site)
    return label_of(rules, sought.ufs[0]) if len(sought.ufs) == 1 else ""


def _told(place: Place | None) -> str:
    return "" if place is None else ".".join(str(one) for one in place)


def _place(text: str) -> Place | None:
    """Of « 24321.4220.17 »; a service's code may have points of its own."""
    if not text:
        return FIRST
    month, _, rest = text.partition(".")
    uf, dot, key = rest.rpartition(".")
    numbers = [one for one in (month, key) if one.isascii() and one.isdigit() and len(one) < 20]
    if not dot or len(numbers) < 2 or max(map(int, numbers)) > LAST_KEY:
        return None
    return int(month), uf, int(key)


ROUTES = (Route("GET", LIST, May.SEE_PATIENTS, listing),)
