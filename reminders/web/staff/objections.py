"""Objections: who wants nothing more, since when; a number to check; how one ends.

Addresses are kept as hashes: the list cannot show them. Whoever has one typed it, and is told.
"""

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.cells import sheet
from reminders.services import object as objecting
from reminders.services import objection_list
from reminders.services.objection_list import FIRST, Filters
from reminders.store.engine import Record
from reminders.store.types import instant, instant_or_none
from reminders.web.staff import objections_words as say
from reminders.web.staff import patients_words
from reminders.web.staff.asked import address, cursor
from reminders.web.staff.visit import Route, Visit

HOME = "/oppositions"
NAMES = {"origine": "origin", "canal": "channel", "portee": "scope", "etat": "state"}


def everybody(visit: Visit) -> Response:
    return _list(visit)


def _list(visit: Visit, status: int = 200, **more: object) -> Response:
    asked, place = _asked(visit), cursor(visit.query.get("apres", ""), 1)
    found = objection_list.listing(
        visit.staff.store, _filters(visit),
        visit.viewer.ufs(May.SEE_PATIENTS), before=place[0] if place else FIRST,
    )  # fmt: skip
    visit.saw("objections.view")
    after = address(HOME, **asked, apres=found.after) if found.after else ""
    offices = visit.staff.rules.offices
    return visit.page(
        "objections/list.html", status, found=found, asked=asked, say=say, told=patients_words,
        first=address(HOME, **asked) if place else "", after=after, instant=instant,
        office=lambda uf: offices[uf].label if uf in offices else uf,
        export=address(f"{HOME}/export", **asked) if visit.viewer.may(May.EXPORT) else "",
        can=visit.viewer.may(May.ACT_FOR_PATIENTS),
        **{"checked": None, "typed": "", "problem": "", **more},
    )  # fmt: skip


def _asked(visit: Visit) -> dict[str, str]:
    """What the address narrows the list to: known words only."""
    known = {"origine": say.ORIGINS, "canal": say.CHANNELS, "portee": say.SCOPES,
             "etat": say.STATES}  # fmt: skip
    return {
        name: value if (value := visit.query.get(name, "")) in known[name] else "" for name in NAMES
    }


def check(visit: Visit) -> Response:
    typed = visit.form.get("numero", "")
    found = objection_list.check(
        visit.staff.store, visit.staff.secret, typed, visit.viewer.ufs(May.SEE_PATIENTS)
    )
    visit.saw("objections.check")
    if not found.address:
        problem = visit.words.gettext(found.why or say.NO_MAIL)
        return _list(visit, 422, typed=typed, problem=problem[:1].upper() + problem[1:])
    return _list(visit, checked=found, typed=typed)


def lift(visit: Visit) -> Response:
    """End everything at a number: its holder wants messages again."""
    staff = visit.staff
    found = objection_list.check(
        staff.store, staff.secret, visit.form.get("numero", ""),
        visit.viewer.ufs(May.ACT_FOR_PATIENTS),
    )  # fmt: skip
    if not found.address:
        return _list(visit, 422, problem=visit.words.gettext(say.NO_MAIL))
    ended = objecting.withdraw_at(
        staff.store, staff.secret, found.address, now=visit.now, by=visit.viewer.login
    )
    staff.changed()
    return visit.go(HOME, visit.words.gettext(say.STANDS if ended.stands else say.LIFTED))


def one(visit: Visit) -> Response:
    found = objection_list.one(
        visit.staff.store, int(visit.path["objection"]), visit.viewer.ufs(May.ACT_FOR_PATIENTS)
    )
    if found is None:
        return visit.missing(visit.words.gettext(say.GONE))
    row, files = found
    visit.saw("patient.view", f"patient:{files[0].id}")
    offices = visit.staff.rules.offices
    return visit.page(
        "objections/one.html", row=row, own=files[0], told=patients_words, instant=instant,
        office=lambda uf: offices[uf].label if uf in offices else uf,
        others=objection_list.others(visit.staff.store, row),
    )  # fmt: skip


def lift_one(visit: Visit) -> Response:
    staff = visit.staff
    found = objection_list.one(
        staff.store, int(visit.path["objection"]), visit.viewer.ufs(May.ACT_FOR_PATIENTS)
    )
    if found is None:
        return visit.missing(visit.words.gettext(say.GONE))
    row, files = found
    known = [(one.phone, one.email, one.proxy_phone, one.proxy_email) for one in files]
    addresses = [address for those in known for address in those if address]
    ended = objecting.withdraw_one(
        staff.store, staff.secret, row.id, addresses, now=visit.now, by=visit.viewer.login
    )
    staff.changed()
    said = visit.words.gettext(say.LIFTED if ended else say.ENDED_ALREADY)
    return visit.go(f"/patients/{row.patient_id}", said)


# --- the export ----------------------------------------------------------------------------------


def export(visit: Visit) -> Response:
    """What the list shows, of the patients one may see: no address, and no formula."""
    visit.saw("objections.export")
    filters, ufs = _filters(visit), visit.viewer.ufs(May.SEE_PATIENTS)
    lines = (
        _cells(visit, row) for row in objection_list.everything(visit.staff.store, filters, ufs)
    )
    heads = [visit.words.gettext(head) for head in say.HEADS]
    return visit.download(sheet(heads, lines), "oppositions.csv", "text/csv; charset=utf-8")


def _filters(visit: Visit) -> Filters:
    return Filters(**{NAMES[name]: value for name, value in _asked(visit).items()})


def _cells(visit: Visit, row: Record) -> list[str]:
    words = visit.words
    ended = instant_or_none(row.withdrawn_at)
    return [
        words.stamp(instant(row.recorded_at)),
        words.gettext(patients_words.OBJECTED.get(row.origin, patients_words.SUSPENDED)),
        patients_words.told_by(row.origin, row.recorded_by),
        words.gettext(patients_words.CHANNELS[row.channel]),
        row.scope,
        row.identifier,
        row.family,
        row.given,
        words.stamp(ended) if ended else "",
        row.withdrawn_by,
    ]


ROUTES = (
    Route("GET", HOME, May.SEE_PATIENTS, everybody),
    Route("POST", f"{HOME}/verifier", May.SEE_PATIENTS, check),
    Route("POST", f"{HOME}/lever", May.ACT_FOR_PATIENTS, lift),
    Route("GET", f"{HOME}/export", May.EXPORT, export),
    Route("GET", f"{HOME}/{{objection:int}}", May.ACT_FOR_PATIENTS, one),
    Route("POST", f"{HOME}/{{objection:int}}/lever", May.ACT_FOR_PATIENTS, lift_one),
)
