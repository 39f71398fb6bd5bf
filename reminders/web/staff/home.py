"""The first page: the run of the day."""

from fastapi import Response

from reminders.domain.access import May
from reminders.services.today import today_of
from reminders.web.staff.visit import Route, Visit


def home(visit: Visit) -> Response:
    staff = visit.staff
    today = today_of(staff.store, staff.zone, now=visit.now)
    return visit.page("home/home.html", today=today, resting=staff.resting())


ROUTES = (Route("GET", "/", May.SEE_HOME, home),)
