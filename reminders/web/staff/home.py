"""The first page: the run of the day first, then what needs somebody, then how the month goes."""

from dataclasses import replace
from functools import partial

from fastapi import Response

from reminders.domain.access import May
from reminders.services.gaps import Gap, gaps_of
from reminders.services.home import (
    FEWEST,
    Home,
    Rate,
    UnitMeasures,
    confirmations,
    early_cancellations,
    home_of,
    no_shows,
)
from reminders.services.lists import unreached_of
from reminders.store.lists import Ufs
from reminders.web.staff.asked import cursor, dotted
from reminders.web.staff.home_estimates import estimates
from reminders.web.staff.home_words import (
    HOLDS,
    MODES,
    NUMBERS,
    OFTEN_NONE,
    WHOSE,
    Repair,
    behind,
    heard,
    repair,
    tiles,
    why,
)
from reminders.web.staff.visit import Route, Visit

REASONS = 4  # told on the page itself


def home(visit: Visit) -> Response:
    staff, seen = visit.staff, visit.viewer.ufs(May.SEE_HOME)
    if visit.query.get("frais"):
        staff.figures.forget()
    found = _found(visit, seen)
    run = found.run.value
    gaps = gaps_of(staff.settings, staff.rules, staff.routes, found.machine, seen)
    return visit.page(
        "home/home.html",
        home=found,
        numbers=[
            (place, label, run[name], tone if run[name] else "")
            for name, (place, label, tone) in NUMBERS.items()
            if run[name] or name not in OFTEN_NONE
        ],
        reasons=[(code, why(visit.words, code), number) for code, number in run.reasons[:REASONS]],
        more=len(run.reasons) > REASONS,
        repairs=[_repair(visit, gap) for gap in gaps],
        hold_words=HOLDS,
        heard=partial(heard, visit.words),
        mode_words=MODES,
        tiles=tiles(visit.words, found, tasks=visit.viewer.may(May.SEE_TASKS), lists=_lists(visit)),
        estimates=estimates(visit),
        resting=sorted(staff.resting().items()),
        ours=_services(visit, seen),
        may=May,
    )


def _lists(visit: Visit) -> bool:
    """Are the patients of all services whose figures one sees one's own?"""
    viewer = visit.viewer
    mine = viewer.ufs(May.SEE_PATIENTS)
    return viewer.may(May.SEE_PATIENTS) and mine in (None, viewer.ufs(May.SEE_HOME))


def _repair(visit: Visit, gap: Gap) -> Repair:
    """What to repair; whoever may not is told whose it is, and led nowhere."""
    one = repair(visit.words, gap, visit.staff.rules)
    for address, needs, whose in WHOSE:
        if one.to.startswith(address):
            uf = gap.subject if address == "/services/uf/" else ""
            may = visit.viewer.may_in(needs, uf) if uf else visit.viewer.may(needs)
            return one if may else replace(one, to="", remedy=visit.words.gettext(whose))
    return one


def _found(visit: Visit, seen: Ufs) -> Home:
    staff = visit.staff
    limits = {table.id: table.oldest_minutes for table in staff.settings.dpi}
    return home_of(staff.store, staff.rules, staff.figures, seen, staff.zone, limits, now=visit.now)


def _services(visit: Visit, seen: Ufs) -> list[str]:
    """The labels of the services the figures are of; none: of all."""
    if seen is None:
        return []
    desks = visit.staff.rules.desks
    return sorted(desks[uf].label if uf in desks else uf for uf in seen)


def measures(visit: Visit) -> Response:
    """What each figure counts, and the same figures by service."""
    staff, seen = visit.staff, visit.viewer.ufs(May.SEE_HOME)
    found = _found(visit, seen)
    desks = staff.rules.desks
    units = {
        uf: one for uf, one in found.measures.value.units.items() if seen is None or uf in seen
    }
    lines = sorted(
        (
            (desks[uf].label if uf in desks else visit.words.gettext("Sans réglage"), uf, one)
            for uf, one in units.items()
        ),
        key=lambda line: line[:2],
    )
    hidden = found.measures.value.hidden
    return visit.page(
        "home/measures.html",
        home=found,
        lines=[
            (label, uf, None if uf in hidden else figures(one), one) for label, uf, one in lines
        ],
        whole=found.ours,
        figures=figures(found.ours),
        behind=partial(_behind, visit, found),
        fewest=FEWEST,
        estimates=visit.viewer.everywhere(May.SEE_REPORTS),
    )


def _behind(visit: Visit, found: Home, place: str, uf: str = "") -> str:
    """The list a figure opens; "" for whoever sees none of its patients."""
    may = visit.viewer.may_in(May.SEE_PATIENTS, uf) if uf else _lists(visit)
    return behind(found.measures.value, place, uf) if may else ""


def figures(of: UnitMeasures) -> tuple[Rate | None, Rate | None, Rate | None]:
    return no_shows(of), confirmations(of), early_cancellations(of)


def unreached(visit: Visit) -> Response:
    viewer = visit.viewer
    after = cursor(visit.query.get("apres", ""), 2)
    found = unreached_of(
        visit.staff.store,
        viewer.ufs(May.SEE_HOME),
        viewer.ufs(May.SEE_PATIENTS) if viewer.may(May.SEE_PATIENTS) else frozenset(),
        after=(after[0], after[1]) if after else (0, 0),
        now=visit.now,
    )
    return visit.page(
        "home/unreached.html",
        found=found,
        first="/injoignables" if after else "",
        following=f"/injoignables?apres={dotted(found.after)}" if found.after else "",
        desks=visit.staff.rules.desks,
        opens=viewer.may(May.SEE_PATIENTS),
        may=May,
    )


ROUTES = (
    Route("GET", "/", May.SEE_HOME, home),
    Route("GET", "/mesures", May.SEE_HOME, measures),
    Route("GET", "/injoignables", May.SEE_HOME, unreached),
)
