"""Unit costs: what holds, what nobody entered yet, a form, and the history."""

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.costs import OF_SENDERS, OF_SERVICE
from reminders.domain.savings import MONTHLY, Component, UnitCost
from reminders.services import costs
from reminders.services.costs import COMPONENTS, LONGEST_SOURCE, CostForm
from reminders.web.staff.asked import cursor, services, today
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import N_

HOME = "/rapports/couts"
SOURCES = {
    OF_SERVICE: N_("réglage du service"),
    OF_SENDERS: N_("prix des opérateurs, dans la configuration"),
}


def show(visit: Visit) -> Response:
    return _show(visit)


def _show(
    visit: Visit, status: int = 200, form: CostForm | None = None,
    errors: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    staff, words, day = visit.staff, visit.words, today(visit)
    before = cursor(visit.query.get("avant", ""), 1)
    found = costs.page(staff.store, staff.rules, today=day, before=before[0] if before else None)
    errors = errors or {}
    names = {uf: desk.label for uf, desk in staff.rules.desks.items()}
    return visit.page(
        "costs/list.html", status, found=found, names=names, components=COMPONENTS,
        sources=SOURCES, monthly=MONTHLY, form=form or CostForm(valid_from=day.isoformat()),
        errors={name: words.gettext(said) for name, said in errors.items()},
        services=services(visit, May.MANAGE_REPORTS), everywhere=_everywhere(visit),
        writable=visit.viewer.may(May.MANAGE_REPORTS), longest=LONGEST_SOURCE,
        price=lambda n: words.euros(n, 2 if n == round(n, 2) else 4),
        tabs=report_tabs(visit), first=HOME if before else "",
        following=f"{HOME}?avant={found.before}" if found.before else "",
    )  # fmt: skip


def _everywhere(visit: Visit) -> bool:
    return visit.viewer.everywhere(May.MANAGE_REPORTS)


def enter(visit: Visit) -> Response:
    staff, form = visit.staff, costs.typed(visit.form)
    if not _may(visit, form.uf):
        sentence = "Choisir un de vos services : ce coût vaudrait pour ceux des autres."
        return _show(visit, 403, form, {"uf": visit.words.gettext(sentence)})
    cost, errors = costs.read(form, staff.rules, today=today(visit))
    if cost is None:
        return _show(visit, 422, form, errors)
    costs.add(staff.store, [cost], actor=visit.viewer.login, now=visit.now)
    return visit.go(HOME, _said(visit, cost))


def _may(visit: Visit, uf: str) -> bool:
    return visit.viewer.may_in(May.MANAGE_REPORTS, uf) if uf else _everywhere(visit)


def _said(visit: Visit, cost: UnitCost) -> str:
    words = visit.words
    return words.gettext(
        "C’est enregistré : %(what)s, %(price)s à partir du %(day)s.",
        what=words.gettext(COMPONENTS[Component(cost.component)]),
        price=words.euros(cost.value), day=words.short_date(cost.valid_from),
    )  # fmt: skip


ROUTES = (
    Route("GET", HOME, May.SEE_REPORTS, show),
    Route("POST", HOME, May.MANAGE_REPORTS, enter),
)
