"""Estimated savings: measured where randomisation says so, described or supposed elsewhere."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from fastapi import Response
from markupsafe import Markup

from reminders.domain.access import May
from reminders.domain.calls import Which
from reminders.domain.holdout import Excluded
from reminders.domain.report import Month
from reminders.domain.savings import Supposed
from reminders.services import behind as lists
from reminders.services import money
from reminders.services.costs import COMPONENTS
from reminders.services.effect_said import method_said
from reminders.services.projection import NAMES, projected
from reminders.web.charts import Difference, forest
from reminders.web.staff.asked import address, cursor, services, today
from reminders.web.staff.costs import SOURCES
from reminders.web.staff.phonecalls import LIST as CALLS
from reminders.web.staff.reports_asked import NO_MONTH
from reminders.web.staff.reports_holdout import LEFT_OUT, ReadersVoice
from reminders.web.staff.reports_list import of_month
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.savings_words import (
    ARMS,
    DRIVERS,
    KINDS,
    OUTCOMES,
    QUANTITIES,
    VERDICTS,
    month_name,
)
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import N_

HOME = "/rapports/economies"
PARTS = {
    "capacity": N_("Capacité : créneaux et temps qui servent de nouveau"),
    "cash": N_("Argent : messages, abonnement, hébergement"),
    "total": N_("En tout"),
}
LIST = f"{HOME}/liste"
FAR_MONTH = N_("Mois hors de portée : de %(first)s à %(last)s.")


def show(visit: Visit) -> Response:
    held = visit.viewer.ufs(May.SEE_REPORTS)
    uf = visit.query.get("service", "")
    known = services(visit, May.SEE_REPORTS)
    if uf and held is not None and uf not in held:
        return visit.missing()
    if not uf and held is not None:
        if len(known) != 1:
            return _choose(visit, known)
        uf = known[0][0]
    kept = money.kept(visit.staff.store, uf)
    month, wrong_month = _month(visit)
    described = visit.staff.described.get(
        (uf, held, month),
        lambda: money.shown(
            visit.staff.store, visit.staff.rules, month, uf, held, visit.staff.zone, now=visit.now
        ),
        now=visit.staff.now,
    ).value
    counted = {} if described.hidden else {
        Supposed.NO_SHOWS: float(described.missed), Supposed.CALLS: float(described.calls),
    }  # fmt: skip
    return visit.page(
        "savings/savings.html", found=kept.value, at=kept.at, stale=kept.stale, uf=uf,
        label=_label(visit, uf), services=known, whole=held is None, described=described,
        month=month, wrong_month=wrong_month,
        month_name=_inside(visit, month_name(visit, str(month))),
        components=_components(), sources=SOURCES,
        verdicts=VERDICTS, drivers=DRIVERS, quantities=QUANTITIES, kinds=KINDS, arms=ARMS,
        projection=projected(visit.query, counted), names=NAMES, tabs=report_tabs(visit),
        instant=_instant, sees=_sees(visit, uf), unit_of=_unit_name(visit),
        may_compute=visit.viewer.may(May.MANAGE_REPORTS),
        behind=lambda what, arm: address(LIST, quoi=what, bras=arm, service=uf),
        counted_in=of_month(visit, month, uf),
        called=address(CALLS, mois=month, quoi=Which.ONCE, service=uf) if _sees(visit, uf) else "",
        method=lambda text: method_said(text, ReadersVoice(visit.words)),
        drawn=_drawn(visit, kept.value),
        price=lambda n: visit.words.euros(n, 2 if n == round(n, 2) else 4),
    )  # fmt: skip


def _sees(visit: Visit, uf: str) -> bool:
    """Whose patients the figures are of: all of them, or none of their lists."""
    viewer = visit.viewer
    return viewer.may_in(May.SEE_PATIENTS, uf) if uf else viewer.everywhere(May.SEE_PATIENTS)


def _drawn(visit: Visit, value: Mapping[str, Any] | None) -> Markup | None:
    """Capacity, cash and their sum with their intervals, beside no saving at all."""
    if not value or "total" not in value:
        return None
    words = visit.words
    rows = []
    for name, label in PARTS.items():
        one = value[name]
        said = words.gettext(
            "%(sum)s (%(low)s à %(high)s)", sum=words.euros(one["central"], 0),
            low=words.euros(one["low"], 0), high=words.euros(one["high"], 0),
        )  # fmt: skip
        rows.append(Difference(words.gettext(label), said, one["central"], one["low"], one["high"]))
    return forest(
        "economies",
        words.gettext("Économie estimée en euros, avec son intervalle à 95 %"),
        "; ".join(f"{one.name}: {one.said}" for one in rows),
        rows,
        show=lambda euros: words.number(round(euros)),
        whole=1.0,
        better=words.gettext("les rappels coûtent"),
        worse=words.gettext("les rappels font économiser"),
    )


def _inside(visit: Visit, name: str) -> str:
    """« octobre 2026 » inside a French sentence; English months keep their capital."""
    return name[:1].lower() + name[1:] if visit.words.language == "fr" else name


def _components() -> Mapping[str, str]:
    return {one.value: name for one, name in COMPONENTS.items()}


def _unit_name(visit: Visit) -> Any:
    desks = visit.staff.rules.desks
    return lambda uf: desks[uf].label if uf in desks else uf


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _label(visit: Visit, uf: str) -> str:
    return str(_unit_name(visit)(uf))


def _choose(visit: Visit, known: list[tuple[str, str]]) -> Response:
    return visit.page("savings/choose.html", services=known, tabs=report_tabs(visit))


def _month(visit: Visit) -> tuple[Month, str]:
    """The month of the descriptions, asked for or the last that is over; and what is wrong with
    the one that was asked for."""
    last: date = today(visit).replace(day=1) - timedelta(days=1)
    newest, typed = Month(last.year, last.month), visit.query.get("mois", "").strip()
    if not typed:
        return newest, ""
    try:
        asked = Month.parse(typed)
    except ValueError:
        return newest, visit.words.gettext(NO_MONTH)
    first, end = Month.of_number(newest.number - 24), Month.of_number(newest.number + 1)
    if first.number <= asked.number <= end.number:
        return asked, ""
    return newest, visit.words.gettext(FAR_MONTH, first=first, last=end)


def compute(visit: Visit) -> Response:
    """Now, rather than at the next morning's."""
    uf = visit.form.get("service", "")
    mine = visit.viewer.ufs(May.MANAGE_REPORTS)
    if mine is not None and uf not in mine:
        return visit.missing()
    if uf and uf not in visit.staff.rules.desks:
        return visit.missing()
    money.compute(visit.staff.store, visit.staff.rules, now=visit.now, uf=uf)
    visit.staff.figures.estimates.forget()
    return visit.go(address(HOME, service=uf), visit.words.gettext("C’est calculé."))


def listing(visit: Visit) -> Response:
    """The appointments behind a figure of the comparison."""
    what, arm = visit.query.get("quoi", "no-shows"), visit.query.get("bras", "held")
    uf, why = visit.query.get("service", ""), visit.query.get("pourquoi", "")
    if arm not in ARMS or why not in (*Excluded, ""):
        return visit.missing()
    after = (cursor(visit.query.get("apres", "0"), 1) or (0,))[0]
    if why or what in lists.ENTERED:
        found = lists.entered(
            visit.staff.store, what, arm, why, visit.viewer.ufs(May.SEE_PATIENTS), now=visit.now,
            after=after,
        )  # fmt: skip
    else:
        found = _counted(visit, what, arm, uf, after)
    if found is None:
        return visit.missing()
    visit.saw("savings.list", f"uf:{uf}" if uf else "", why or what)
    here = {"quoi": what, "bras": arm, "service": uf, "pourquoi": why}
    whole = bool(why) or what in lists.ENTERED
    return visit.page(
        "savings/behind.html", found=found, arm="" if why else ARMS[arm],
        what=LEFT_OUT[Excluded(why)] if why else QUANTITIES.get(what) or DRIVERS.get(what) or "",
        outcomes=OUTCOMES, uf=uf, label=_label(visit, uf), unit_of=_unit_name(visit),
        back="/rapports/temoin" if whole else address(HOME, service=uf), called=what == "call",
        entered=whole, people=what == "patients" and not why,
        first=address(LIST, **here) if after else "",
        following=address(LIST, **here, apres=found.after) if found.after else "",
    )  # fmt: skip


def _counted(visit: Visit, what: str, arm: str, uf: str, after: int) -> lists.Behind | None:
    """Of what the effect and the savings count; None: of nothing they do."""
    if what not in lists.WHAT and what != "call":
        return None
    kept = money.kept(visit.staff.store, uf)
    until = visit.now
    if kept.value and isinstance(kept.value.get("until"), str):
        until = min(until, _instant(str(kept.value["until"])))
    return lists.behind(
        visit.staff.store, what, arm, visit.viewer.ufs(May.SEE_PATIENTS), uf=uf, until=until,
        now=visit.now, after=after,
    )  # fmt: skip


ROUTES = (
    Route("GET", HOME, May.SEE_REPORTS, show),
    Route("POST", HOME, May.MANAGE_REPORTS, compute),
    Route("GET", LIST, May.SEE_PATIENTS, listing),
)
