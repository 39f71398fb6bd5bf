"""Preparation sheets: what patients must know and bring, from a draft to what they read."""

from collections.abc import Callable
from functools import partial
from itertools import groupby

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template_key import CHANNELS, LANGUAGES, PURPOSES
from reminders.domain.template_life import MANY_PATIENTS
from reminders.services import sheets, sheets_life
from reminders.services.remembered import at_once
from reminders.services.sheets_preview import look, on_page
from reminders.services.templates import Refused
from reminders.services.units_save import NotSaved
from reminders.store.engine import Store
from reminders.web.staff import sheets_edit
from reminders.web.staff.sheets_edit import WHY_NOT, counted, may_write, reached
from reminders.web.staff.templates_decide import moment_in, whole_in
from reminders.web.staff.templates_shown import LABELS
from reminders.web.staff.visit import Route, Visit

STATES = {
    "proposed": N_("proposée"),
    "scheduled": N_("en service plus tard"),
    "approved": N_("approuvée"),
    "refused": N_("refusée"),
    "withdrawn": N_("retirée"),
}
TONES = {
    "proposed": "waiting", "scheduled": "held", "approved": "done", "refused": "problem",
    "withdrawn": "neutral",
}  # fmt: skip


def everything(visit: Visit) -> Response:
    staff = visit.staff
    found = sheets.overview(staff.store, staff.rules, actor=visit.viewer.login)
    return visit.page(
        "sheets/list.html",
        sheets=found,
        services=staff.rules.book.services,
        back=[
            (line, line.refused)
            for line in found
            if line.refused and line.refused.author == visit.viewer.login and not line.draft
        ],
        writable=visit.viewer.may(May.EDIT_TEMPLATES),
    )


def one(visit: Visit) -> Response:
    return _one(visit)


def _one(visit: Visit, status: int = 200, problem: str = "") -> Response:
    staff, viewer = visit.staff, visit.viewer
    page = sheets.page(
        staff.store, staff.rules, str(visit.path["name"]), actor=viewer.login, now=visit.now,
        reached=partial(reached, visit),
    )  # fmt: skip
    if page is None:
        return visit.missing()
    book = staff.rules.book
    steps = {
        step.purpose for uf, unit in book.units.items() if uf in page.ufs for step in unit.steps
    }
    uses = [one for one in page.uses if one.purpose in steps]
    return visit.page(
        "sheets/one.html",
        status,
        page=page,
        groups=[
            (key, list(those))
            for key, those in groupby(
                sorted(uses, key=lambda one: (one.purpose, one.channel != "sms")),
                key=lambda one: (one.purpose, one.channel),
            )
        ],
        shown=on_page(page.table) if page.table else None,
        untranslated=[
            sentence
            for code, sentence in sheets_life.remarks(page.table, book, 0, page.foreign).items()
            if code.startswith("untranslated")
        ]
        if page.table
        else [],
        problem=problem,
        uses=uses,
        purposes=PURPOSES,
        tongues=LANGUAGES,
        channels=CHANNELS,
        services=book.services,
        states=STATES,
        tones=TONES,
        public=bool(staff.rules.public_url),
        writable=not page.in_file and may_write(visit, May.EDIT_TEMPLATES, page.table),
    )


# --- one version ---------------------------------------------------------------------------------


def version(visit: Visit) -> Response:
    return _version(visit)


def _version(visit: Visit, status: int = 200, problem: str = "") -> Response:
    staff, viewer = visit.staff, visit.viewer
    name, number = str(visit.path["name"]), int(visit.path["number"])
    named = viewer.ufs(May.SEE_PATIENTS)
    found = look(
        staff.store, staff.rules, staff.routes, name, number, named=named, now=visit.now,
        counted=partial(counted, visit),
        # who is refused reads what the refusal counted, and agrees to that
        reached=at_once if problem else partial(reached, visit),
    )  # fmt: skip
    if found is None or found.version.table is None:
        return visit.missing()
    if named != frozenset():  # its examples are real appointments
        visit.saw("sheet.seen", f"sheet:{name}")
    own = found.version.author == viewer.login
    decides = may_write(visit, May.APPROVE_TEMPLATES, found.version.table)
    return visit.page(
        "sheets/version.html",
        status,
        name=name,
        look=found,
        version=found.version,
        problem=problem,
        warnings=sheets_life.remarks(
            found.version.table, staff.rules.book, found.patients, found.foreign
        ),
        states=STATES,
        tones=TONES,
        purposes=PURPOSES,
        channels=CHANNELS,
        tongues=LANGUAGES,
        services=staff.rules.book.services,
        public=bool(staff.rules.public_url),
        own=own,
        decides=decides,
        approves=decides
        and sheets_life.may_approve(found.version.author, viewer.login, staff.settings),
        ticked=visit.values("lu"),
        typed=visit.form,
        many=found.patients > MANY_PATIENTS,
        labels=LABELS,
    )


Deed = Callable[[Store, str, int, str], object]


def approve(visit: Visit) -> Response:
    words = visit.words
    try:
        since = moment_in(visit, visit.form)
    except Refused as refused:
        return _version(visit, 422, refused.say)
    said = words.gettext("La fiche est en service.")
    if since is not None:
        said = words.gettext(
            "La fiche est approuvée : les patients la liront à partir du %(day)s.",
            day=words.full_moment(since),
        )
    return _decided(
        visit,
        May.APPROVE_TEMPLATES,
        said,
        lambda store, name, number, login: sheets_life.approve(
            store, visit.staff.rules, name, number, actor=login, ticked=visit.values("lu"),
            effective_at=since, now=visit.now,
        ),
    )  # fmt: skip


def refuse(visit: Visit) -> Response:
    return _decided(
        visit,
        May.APPROVE_TEMPLATES,
        N_("La proposition est refusée ; elle revient à son auteur."),
        lambda store, name, number, login: sheets_life.refuse(
            store, name, number, actor=login, remark=visit.form.get("mot", ""), now=visit.now
        ),
    )


def withdraw(visit: Visit) -> Response:
    return _decided(
        visit,
        May.EDIT_TEMPLATES,
        N_("La proposition est retirée."),
        lambda store, name, number, login: sheets_life.withdraw(
            store, name, number, actor=login, now=visit.now
        ),
    )


def call_off(visit: Visit) -> Response:
    return _decided(
        visit,
        May.APPROVE_TEMPLATES,
        N_("Cette version n’entrera pas en service."),
        lambda store, name, number, login: sheets_life.call_off(
            store, name, number, actor=login, now=visit.now
        ),
    )


def restore(visit: Visit) -> Response:
    return _decided(
        visit,
        May.APPROVE_TEMPLATES,
        N_("Cette version est de nouveau lue."),
        lambda store, name, number, login: sheets_life.restore(
            store, visit.staff.rules, name, number, actor=login, now=visit.now,
            confirmed=whole_in(visit.form.get("patients", "")) or None,
        ),
    )  # fmt: skip


def _decided(visit: Visit, may: May, said: str, deed: Deed) -> Response:
    staff, login = visit.staff, visit.viewer.login
    name, number = str(visit.path["name"]), int(visit.path["number"])
    page = sheets.page(staff.store, staff.rules, name, actor=login, now=visit.now, whole=False)
    known = page.version(number) if page else None
    if page is None or known is None or not may_write(visit, may, known.table):
        return visit.missing()
    try:
        deed(staff.store, name, number, login)
    except NotSaved as refused:
        return _version(visit, 409, WHY_NOT[refused.code])
    staff.changed()
    return visit.go(f"/consignes/{name}", visit.words.gettext(said))


ROUTES = (
    Route("GET", "/consignes", May.SEE_TEMPLATES, everything),
    *sheets_edit.ROUTES,
    Route("GET", "/consignes/{name}", May.SEE_TEMPLATES, one),
    Route("GET", "/consignes/{name}/versions/{number:int}", May.SEE_TEMPLATES, version),
    Route(
        "POST", "/consignes/{name}/versions/{number:int}/approuver", May.APPROVE_TEMPLATES, approve
    ),
    Route("POST", "/consignes/{name}/versions/{number:int}/refuser", May.APPROVE_TEMPLATES, refuse),
    Route("POST", "/consignes/{name}/versions/{number:int}/retirer", May.EDIT_TEMPLATES, withdraw),
    Route(
        "POST", "/consignes/{name}/versions/{number:int}/annuler", May.APPROVE_TEMPLATES, call_off
    ),
    Route(
        "POST", "/consignes/{name}/versions/{number:int}/revenir", May.APPROVE_TEMPLATES, restore
    ),
)
