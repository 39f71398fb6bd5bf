"""The patients' notice and the accessibility statement as the hospital reads them: the same words,
and what is still to be filled in."""

from fastapi import Response

from reminders.domain.access import May
from reminders.services.notice import notice_of
from reminders.web.documents import about
from reminders.web.staff.visit import Route, Visit


def index(visit: Visit) -> Response:
    return visit.page("documents/list.html", **_about(visit))


def information(visit: Visit) -> Response:
    return visit.page("documents/information.html", **_about(visit))


def accessibility(visit: Visit) -> Response:
    return visit.page("documents/accessibility.html", **_about(visit))


def _about(visit: Visit) -> dict[str, object]:
    return about(notice_of(visit.staff.settings), visit.words, links_out=False)


ROUTES = (
    Route("GET", "/documents", May.SEE_HOME, index),
    Route("GET", "/documents/information", May.SEE_HOME, information),
    Route("GET", "/documents/accessibilite", May.SEE_HOME, accessibility),
)
