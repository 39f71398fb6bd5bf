"""The pages of the reports, side by side: a page shows the tabs of those its reader may open.

A template says `{{ parts.tabs(_("Rapports"), tabs) }}` of what `report_tabs(visit)` gives.
"""

from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import N_

TABS = (
    ("/rapports", N_("Non-venues")),
    ("/rapports/depart", N_("Point de départ")),
    ("/rapports/temoin", N_("Groupe témoin et effet")),
    ("/rapports/economies", N_("Économies estimées")),
    ("/rapports/couts", N_("Coûts unitaires")),
    ("/rapports/appels", N_("Appels")),
    ("/rapports/mois", N_("Mois clos")),
)


def report_tabs(visit: Visit) -> list[tuple[str, str, None, bool]]:
    """(address, label, no number, is it this one?) of the pages that exist for this person."""
    from reminders.web.staff.routes import ROUTES

    known = {route.path: route for route in ROUTES if route.method == "GET"}
    here = visit.request.url.path
    return [
        (address, visit.words.gettext(label), None, here == address)
        for address, label in TABS
        if address in known and _may(visit, known[address])
    ]


def _may(visit: Visit, route: Route) -> bool:
    viewer = visit.viewer
    if route.may is None or not viewer.may(route.may):
        return route.may is None
    return not route.everywhere or viewer.everywhere(route.may)
