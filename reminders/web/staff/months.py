"""Closed months: the list with its revisions, and one month's frozen figures."""

from datetime import timedelta
from typing import Any

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.calls import Which
from reminders.domain.outcome import Denominator
from reminders.domain.report import Month, Rate
from reminders.errors import RepairNeeded
from reminders.services import months
from reminders.services.costs import COMPONENTS
from reminders.services.months import Closed, Why
from reminders.web.staff.asked import address, today
from reminders.web.staff.costs import SOURCES
from reminders.web.staff.phonecalls import LIST as CALLS
from reminders.web.staff.reports_asked import NO_MONTH
from reminders.web.staff.reports_list import of_month
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.reports_words import between, missed
from reminders.web.staff.savings_words import VERDICTS, month_name
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import N_, Words

HOME = "/rapports/mois"
SHOWN = 24
CHANGES = 60
WHOLE = N_(
    "Un mois clos porte sur tout l’établissement, et votre rôle sur une partie. Les économies de "
    "vos services sont à la page Économies estimées."
)
PLACES = {
    "inputs.known": N_("rendez-vous à l’issue connue"),
    "inputs.missed": N_("non venus"),
    "inputs.unknown": N_("issue inconnue"),
    "inputs.messages": N_("messages partis"),
    "inputs.segments": N_("parties de SMS"),
    "inputs.price": N_("prix des messages"),
    "inputs.calls": N_("appels enregistrés"),
    "savings.total.central": N_("économie"),
    "savings.total.low": N_("économie, borne basse"),
    "savings.total.conservative": N_("économie, cas prudent"),
    "savings.total.favourable": N_("économie, cas favorable"),
    "savings.per_appointment.reminded": N_("coût d’un rendez-vous avec rappels"),
    "savings.per_appointment.held": N_("coût d’un rendez-vous sans rappels"),
    "savings.total.high": N_("économie, borne haute"),
    "savings.estimate": N_("effet mesuré"),
    "savings.verdict": N_("ce qui peut être dit de l’effet"),
    "report.figures.primary.value": N_("taux de non-venues"),
    "report.figures.primary.missed": N_("non venus, au rapport"),
    "report.figures.primary.among": N_("rendez-vous comptés au rapport"),
}


REASONS = {
    Why.DATA: N_("des données arrivées depuis"),
    Why.PROGRAM: N_("une autre version du programme"),
    Why.BOTH: N_("des données et une autre version du programme"),
}
SAID = {
    Why.DATA: N_("Pourquoi cette révision : des données arrivées depuis, comptées de même."),
    Why.PROGRAM: N_(
        "Pourquoi cette révision : ni les rendez-vous ni les coûts n’ont changé. Le programme est "
        "passé de la version %(before)s à la version %(after)s, qui compte autrement."
    ),
    Why.BOTH: N_(
        "Pourquoi cette révision : des données arrivées depuis, et le programme est passé de la "
        "version %(before)s à la version %(after)s, qui peut compter autrement."
    ),
}


def listing(visit: Visit) -> Response:
    return _listing(visit)


def _listing(visit: Visit, status: int = 200, *, typed: str = "", problem: str = "") -> Response:
    """`problem`: why what was typed closes no month, said beside it."""
    before = visit.query.get("avant", "")
    known = _month(before)
    found = months.listed(
        visit.staff.store, before=str(known) if known else "9999-99", limit=SHOWN + 1
    )
    settings = visit.staff.settings.reports
    return visit.page(
        "months/list.html", status, problem=problem, found=found[:SHOWN],
        name=lambda text: month_name(visit, text),
        day=settings.closes_on_day, writable=visit.viewer.may(May.MANAGE_REPORTS),
        last=typed or str(_last_over(visit)), tabs=report_tabs(visit), first=HOME if known else "",
        following=f"{HOME}?avant={found[SHOWN - 1][0].month}" if len(found) > SHOWN else "",
        reasons=REASONS,
    )  # fmt: skip


def _last_over(visit: Visit) -> Month:
    day = today(visit).replace(day=1) - timedelta(days=1)
    return Month(day.year, day.month)


def _month(text: str) -> Month | None:
    try:
        return Month.parse(text)
    except ValueError:
        return None


def one(visit: Visit) -> Response:
    month = _month(str(visit.path["month"]))
    asked = visit.query.get("revision", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else None
    found = months.find(visit.staff.store, month, number) if month else None
    if month is None or found is None:
        problem = visit.words.gettext("Ce mois n’est pas clos.")
        return _listing(visit, 404, typed=str(month or ""), problem=problem)
    words = visit.words
    return visit.page(
        "months/one.html", month=found, name=month_name(visit, found.month),
        content=found.content, why=_why(visit, found), answer=answer(words, found),
        newest=_newest(visit, month, found),
        changes=[_change(visit, one) for one in found.changes[:CHANGES]],
        more=max(0, len(found.changes) - CHANGES), components=COMPONENTS,
        told={visit.words.gettext(one) for one in PLACES.values()},
        sources=SOURCES, verdicts=VERDICTS,
        names={uf: desk.label for uf, desk in visit.staff.rules.desks.items()},
        price=lambda n: words.euros(n, 2 if n == round(n, 2) else 4),
        writable=visit.viewer.may(May.MANAGE_REPORTS), tabs=report_tabs(visit),
        behind=of_month(visit, month), called=_called(visit, month),
        by_day=address("/messages", etat="partis", jour=month.first_day),
    )  # fmt: skip


def _called(visit: Visit, month: Month) -> str:
    """The list of its calls; "" for whoever does not see every patient."""
    return (
        address(CALLS, mois=month, quoi=Which.ONCE)
        if visit.viewer.everywhere(May.SEE_PATIENTS)
        else ""
    )


def answer(words: Words, found: Closed) -> str:
    """The sentence of the report as it was frozen; "" where no rate may be told."""
    report: Any = found.content.get("report") or {}
    rate = (report.get("figures") or {}).get("primary")
    if not rate:
        return ""
    month = Month.parse(found.month)
    told = Rate(
        Denominator.ELIGIBLE,
        **{name: rate[name] for name in ("missed", "among", "value", "low", "high")},
    )
    return missed(words, between(words, month, month), told)


def _newest(visit: Visit, month: Month | None, found: Closed) -> int:
    """The number of the last revision, if this is another one; else 0."""
    last = months.find(visit.staff.store, month) if month else None
    return last.revision if last is not None and last.revision != found.revision else 0


def _why(visit: Visit, found: Closed) -> str:
    if found.why is Why.FIRST:
        return ""
    told = SAID[found.why]
    return visit.words.gettext(told, before=found.version_before, after=found.version)


def _change(visit: Visit, change: tuple[str, Any, Any]) -> tuple[str, str, str]:
    place, before, after = change
    known = PLACES.get(place)
    return (
        visit.words.gettext(known) if known else place,
        shown(visit.words, place, before),
        shown(visit.words, place, after),
    )


EUROS = ("savings.total.", "savings.per_appointment.", "inputs.price")


def shown(words: Words, place: str, value: Any) -> str:
    """With its unit, and as many decimals as a change needs to be seen."""
    if value is None:
        return "—"
    if place == "savings.verdict":
        return words.gettext(VERDICTS.get(value, str(value)))
    if isinstance(value, bool | str | dict | list):
        return str(value)[:80]
    if place.startswith(EUROS) and place in PLACES:
        whole = place.startswith("savings.total.")
        return words.euros(value, 0 if whole else 2 if value == round(value, 2) else 4)
    if place == "savings.estimate":
        return words.gettext("%(number)s points", number=words.number(100 * value, 2))
    if place == "report.figures.primary.value":
        return words.percent(value, 2)
    return words.number(value, 0 if isinstance(value, int) or abs(value) >= 100 else 4)


def act(visit: Visit) -> Response:
    """Close a month that is over, or look at a closed one again."""
    typed = visit.form.get("mois", "")
    month = _month(typed)
    if month is None:
        return _listing(visit, 422, typed=typed, problem=visit.words.gettext(NO_MONTH))
    staff, by, words = visit.staff, visit.viewer.login, visit.words
    try:
        if visit.form.get("geste") == "reviser":
            again = months.revise(staff.store, staff.rules, month, by=by, now=visit.now)
            return visit.go(f"{HOME}/{month}", _revised(visit, again))
        _, mine = months.close(staff.store, staff.rules, month, by=by, now=visit.now)
    except RepairNeeded as error:
        told = (words.gettext(error.problem.what), words.gettext(error.problem.remedy))
        said = " ".join(f"{one[:1].upper()}{one[1:]}." for one in told)
        return _listing(visit, 409, typed=typed, problem=said)
    said = N_("Le mois est clos : ses chiffres ne changeront plus.") if mine else N_(
        "Ce mois était déjà clos : rien n’a changé."
    )  # fmt: skip
    return visit.go(f"{HOME}/{month}", words.gettext(said))


def _revised(visit: Visit, again: Closed | None) -> str:
    if again is None:
        return visit.words.gettext("Rien n’a changé depuis la dernière révision.")
    return visit.words.gettext("Révision %(number)s enregistrée.", number=again.revision)


ROUTES = (
    Route("GET", HOME, May.SEE_REPORTS, listing, WHOLE),
    Route("GET", f"{HOME}/{{month}}", May.SEE_REPORTS, one, WHOLE),
    Route("POST", HOME, May.MANAGE_REPORTS, act, WHOLE),
)
