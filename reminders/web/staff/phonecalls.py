"""Calls of patients: how many, of what, from where; and one noted on an appointment's page."""

from collections import defaultdict
from datetime import timedelta

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.calls import MOTIVES, Motive
from reminders.services import appointments
from reminders.services.calls import note
from reminders.store import calls as stored
from reminders.store.types import instant
from reminders.web.staff.asked import today
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.savings_words import month_name
from reminders.web.staff.visit import Route, Visit

HOME = "/rapports/appels"
SINCE = timedelta(days=396)
FEWEST = 5  # below it a count is not told, nor the smallest other one of its month


def show(visit: Visit) -> Response:
    ufs = visit.viewer.ufs(May.SEE_REPORTS)
    since = (today(visit) - SINCE).replace(day=1).isoformat()
    with visit.staff.store.read() as connection:
        counted = stored.by_month(connection, ufs, since=since)
        files = stored.files(connection) if ufs is None else []
    months: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in counted:
        month = months[row.month]
        month["all"] += int(row.number)
        month["linked"] += int(row.linked)
        month["noted"] += int(row.number) * row.noted
        month[f"motive:{row.motive}"] += int(row.number)
    return visit.page(
        "phonecalls/list.html", tabs=report_tabs(visit), instant=instant, files=files,
        months=[(month_name(visit, name), one, _motives(one)) for name, one in months.items()],
        motives=MOTIVES, whole=ufs is None,
    )  # fmt: skip


def _motives(month: dict[str, int]) -> list[tuple[Motive, int | None]]:
    """Counts by motive; None where one may not be told, nor worked out from the total."""
    found = [(one, month.get(f"motive:{one.value}", 0)) for one in Motive]
    present = sorted((one for one in found if one[1]), key=lambda one: one[1])
    hidden = {one for one, number in present if number < FEWEST}
    if len(hidden) == 1 and len(present) > 1:
        hidden.add(present[1][0])
    return [(one, None if one in hidden else number) for one, number in found if number]


def record(visit: Visit) -> Response:
    """Somebody took a call about this appointment."""
    key = int(visit.path["appointment"])
    life = appointments.life_of(visit.staff.store, key, now=visit.now)
    if life is None or not visit.viewer.may_in(May.ACT_FOR_PATIENTS, life.appointment.uf):
        return visit.missing()
    motive = next((one for one in Motive if one.value == visit.form.get("motif", "")), None)
    if motive is None:
        return visit.missing()
    note(
        visit.staff.store, key, life.appointment.patient_id, life.appointment.uf, motive,
        visit.staff.zone, actor=visit.viewer.login, now=visit.now,
    )  # fmt: skip
    visit.saw("call.note", f"appointment:{key}", motive.value)
    return visit.go(f"/rendez-vous/{key}", visit.words.gettext("L’appel est noté."))


ROUTES = (
    Route("GET", HOME, May.SEE_REPORTS, show),
    Route("POST", "/rendez-vous/{appointment:int}/appel", May.ACT_FOR_PATIENTS, record),
)
