"""Calls of patients: how many, of what, from where; the list of each count; and one noted on an
appointment's page."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.calls import MOTIVES, Motive, Which
from reminders.domain.report import Month
from reminders.services import appointments, call_list
from reminders.services.calls import note
from reminders.services.report_list import opens
from reminders.store.call_lists import NEWEST, Sought, files
from reminders.store.lists import Ufs
from reminders.store.types import instant
from reminders.web.staff.asked import address, cursor, dotted, service_of, services, today
from reminders.web.staff.reports_tabs import report_tabs
from reminders.web.staff.savings_words import month_name
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import N_

HOME = "/rapports/appels"
LIST = f"{HOME}/liste"
SINCE = timedelta(days=396)
UNKNOWN = "unknown"  # the motive nobody said, in an address
SAID = {
    Which.ALL: N_("Appels"),
    Which.ONCE: N_("Appels, chacun une fois"),
    Which.LINKED: N_("Appels rattachés à un rendez-vous"),
    Which.UNLINKED: N_("Appels sans rendez-vous connu"),
    Which.NOTED: N_("Appels notés au secrétariat"),
}


def show(visit: Visit) -> Response:
    uf, ufs = _whose(visit)
    first = (today(visit) - SINCE).replace(day=1)
    since = Month(first.year, first.month)
    counted = visit.staff.calls.get(
        (ufs, since), lambda: call_list.months(visit.staff.store, ufs, since=since),
        now=visit.staff.now,
    )  # fmt: skip
    with visit.staff.store.read() as connection:
        read = files(connection) if ufs is None else []
    return visit.page(
        "phonecalls/list.html",
        tabs=report_tabs(visit),
        months=[(month_name(visit, str(one.month)), one, one.told()) for one in counted.value],
        at=counted.at,
        motives=MOTIVES,
        unknown=UNKNOWN,
        files=read,
        instant=instant,
        whole=visit.viewer.ufs(May.SEE_REPORTS) is None,
        uf=uf,
        label=_label(visit),
        services=services(visit, May.SEE_REPORTS),
        behind=_opener(visit, uf, ufs),
    )


def _whose(visit: Visit) -> tuple[str, Ufs]:
    """The service that is asked for, and those counted; None: the whole hospital."""
    uf = service_of(visit, May.SEE_REPORTS, visit.query.get("service", ""))
    return uf, frozenset({uf}) if uf else visit.viewer.ufs(May.SEE_REPORTS)


def _opener(visit: Visit, uf: str, ufs: Ufs) -> Callable[..., str]:
    """(what a count is of) -> its list; "" for whoever does not see all those patients."""
    sees = opens(visit.viewer, None if ufs is None else sorted(ufs))

    def place(**asked: object) -> str:
        return address(LIST, service=uf, **asked) if sees else ""

    return place


def _label(visit: Visit) -> Callable[[str], str]:
    desks = visit.staff.rules.desks
    return lambda uf: desks[uf].label if uf in desks else uf


def listing(visit: Visit) -> Response:
    """The calls behind a count, the newest first."""
    uf, ufs = _whose(visit)
    asked = {name: visit.query.get(name, "") for name in ("mois", "fichier", "quoi", "motif")}
    sought = _sought(visit, asked, ufs)
    before = cursor(visit.query["apres"], 2) if visit.query.get("apres") else NEWEST
    sees = opens(visit.viewer, None if ufs is None else sorted(ufs))
    if sought is None or before is None or not sees or uf != visit.query.get("service", ""):
        return visit.missing()
    found = call_list.listed(
        visit.staff.store, sought, visit.staff.zone, before=(before[0], before[1])
    )
    here = asked | {"service": uf}
    visit.saw("calls.list", f"uf:{uf}" if uf else "", asked["motif"] or sought.which.value)
    return visit.page(
        "phonecalls/behind.html",
        found=found,
        name=SAID[sought.which],
        once=sought.which is Which.ONCE,
        motives=MOTIVES,
        motive=sought.motive,
        month="" if sought.file else month_name(visit, sought.first[:7]),
        uf=uf,
        label=_label(visit),
        everything=ufs is None,
        back=address(HOME, service=uf),
        first=address(LIST, **here) if before != NEWEST else "",
        following=address(LIST, **here, apres=dotted(found.after)) if found.after else "",
    )


def _sought(visit: Visit, asked: Mapping[str, str], ufs: Ufs) -> Sought | None:
    """What an address asks for, of this month unless it says; None: nothing that is counted. A
    file is of every service."""
    motive, file = asked["motif"], cursor(asked["fichier"] or "0", 1)
    try:
        which = Which(asked["quoi"] or Which.ALL)
        said = Motive("" if motive == UNKNOWN else motive) if motive else None
        month = Month.parse(asked["mois"] or today(visit).isoformat()[:7])
    except ValueError:
        return None
    if file is None or (file[0] and (ufs is not None or which is Which.ONCE)):
        return None
    if file[0]:
        return Sought(which, ufs, file=file[0], motive=said)
    return call_list.of_month(month, ufs, visit.staff.zone, which, said)


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
    Route("GET", LIST, May.SEE_PATIENTS, listing),
    Route("POST", "/rendez-vous/{appointment:int}/appel", May.ACT_FOR_PATIENTS, record),
)
