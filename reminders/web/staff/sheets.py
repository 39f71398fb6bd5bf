"""Preparation sheets: what patients must know and bring, from a draft to what they read."""

from itertools import groupby

from fastapi import Response

from reminders.config import PreparationTable
from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template_key import CHANNELS, LANGUAGES, PURPOSES
from reminders.services import sheets
from reminders.services.sheets_form import (
    WARNINGS,
    SheetForm,
    filled,
    read,
    typed,
    warnings,
)
from reminders.services.sheets_preview import look, on_page, preview
from reminders.services.units_save import NotSaved
from reminders.web.staff.visit import Route, Visit

NEW = "nouvelle"
STATES = {
    "proposed": N_("proposée"),
    "approved": N_("approuvée"),
    "refused": N_("refusée"),
    "withdrawn": N_("retirée"),
}
TONES = {"proposed": "waiting", "approved": "done", "refused": "problem", "withdrawn": "neutral"}
WHY_NOT = {
    "own": N_("Une autre personne doit approuver ce que vous avez proposé."),
    "decided": N_("Quelqu’un a déjà décidé de cette proposition."),
    "changed": N_("Une autre version est entrée en service depuis : reprendre à partir d’elle."),
    "waiting": N_("La proposition de quelqu’un d’autre attend déjà une décision."),
    "warned": N_("Cocher d’abord chaque remarque lue."),
    "subject": N_("Une autre fiche dit déjà ce qu’il faut pour ces rendez-vous."),
    "unknown": N_("Cette version ne peut pas être remise en service."),
    "file": N_("Le fichier de configuration définit cette fiche."),
}


def everything(visit: Visit) -> Response:
    staff = visit.staff
    found = sheets.overview(staff.store, staff.rules, actor=visit.viewer.login)
    return visit.page(
        "sheets/list.html",
        sheets=found,
        services=staff.rules.book.services,
        writable=visit.viewer.may(May.EDIT_TEMPLATES),
    )


def one(visit: Visit) -> Response:
    return _one(visit)


def _one(visit: Visit, status: int = 200, problem: str = "") -> Response:
    staff, viewer = visit.staff, visit.viewer
    page = sheets.page(
        staff.store, staff.rules, str(visit.path["name"]), actor=viewer.login, now=visit.now
    )
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
        problem=problem,
        uses=uses,
        purposes=PURPOSES,
        tongues=LANGUAGES,
        channels=CHANNELS,
        services=book.services,
        states=STATES,
        tones=TONES,
        public=bool(staff.rules.public_url),
        writable=not page.in_file and _may(visit, May.EDIT_TEMPLATES, page.table),
    )


def _may(visit: Visit, what: May, table: PreparationTable | None) -> bool:
    """For a service's sheet, there; for a type of appointment, everywhere."""
    if table is None:
        return visit.viewer.may(what)
    if table.service is not None:
        return visit.viewer.may_in(what, table.service)
    return visit.viewer.everywhere(what)


# --- writing -------------------------------------------------------------------------------------


def write_new(visit: Visit) -> Response:
    visit.staff.rules.catch_up(visit.staff.store)
    uf = visit.query.get("uf", "")
    about = f"uf:{uf}" if uf in visit.staff.rules.book.services else ""
    return _form(visit, SheetForm("", about=about), base=0, new=True)


def write(visit: Visit) -> Response:
    page = _page(visit)
    if page is None:
        return visit.missing()
    if page.draft is not None:
        return _form(visit, page.draft.form, base=page.draft.base, page=page)
    waiting = page.waiting.table if page.waiting else None
    table = waiting or page.table or next((v.table for v in page.versions if v.table), None)
    form = filled(table) if table else SheetForm(page.name)
    return _form(visit, form, base=page.live.number if page.live else 0, page=page)


def _page(visit: Visit) -> sheets.Page | None:
    """The sheet, for somebody who may write it."""
    staff = visit.staff
    page = sheets.page(
        staff.store, staff.rules, str(visit.path["name"]), actor=visit.viewer.login, now=visit.now
    )
    if page is None or page.in_file or not _may(visit, May.EDIT_TEMPLATES, page.table):
        return None
    return page


def change_new(visit: Visit) -> Response:
    return _change(visit, typed(visit.form.get("name", ""), visit.form), None)


def change(visit: Visit) -> Response:
    page = _page(visit)
    return visit.missing() if page is None else _change(visit, typed(page.name, visit.form), page)


def _change(visit: Visit, form: SheetForm, page: sheets.Page | None) -> Response:
    staff, login = visit.staff, visit.viewer.login
    given = visit.form
    base = int(given["base"]) if given.get("base", "").isdigit() else 0
    deed = given.get("geste", "")
    if deed == "abandonner" and page is not None:
        sheets.drop_draft(staff.store, page.name, actor=login)
        return visit.go("/consignes", visit.words.gettext("Le brouillon est abandonné."))
    staff.rules.catch_up(staff.store)
    table, errors = read(form, staff.rules.book)
    if page is None and "name" not in errors and _taken(visit, form.name):
        errors = errors | {"name": N_("Ce nom est déjà pris : en choisir un autre.")}
    if "name" not in errors:
        sheets.save_draft(staff.store, form, base=base, actor=login, now=visit.now)
    if deed == "brouillon" and "name" not in errors:
        said = visit.words.gettext("Le brouillon est gardé.")
        return visit.go(f"/consignes/{form.name}/modifier", said)
    if table is not None and not _may(visit, May.EDIT_TEMPLATES, table):
        errors = {"about": N_("Vous n’écrivez pas les consignes de ce service.")}
    if table is None or errors:
        return _form(visit, form, 422, base=base, page=page, new=page is None, errors=errors)
    if deed != "proposer":
        return _form(visit, form, base=base, page=page, new=page is None, table=table)
    try:
        number = sheets.propose(
            staff.store, staff.rules, table, base=base, actor=login, now=visit.now
        )
    except NotSaved as refused:
        return _overtaken(visit, form, refused.code)
    said = visit.words.gettext("C’est proposé ; une autre personne peut l’approuver.")
    return visit.go(f"/consignes/{form.name}/versions/{number}", said)


def _taken(visit: Visit, name: str) -> bool:
    staff = visit.staff
    found = sheets.page(staff.store, staff.rules, name, actor=visit.viewer.login, now=visit.now)
    only_a_draft = found is not None and not found.in_file and not found.versions
    return name == NEW or (found is not None and not only_a_draft)


def _overtaken(visit: Visit, form: SheetForm, code: str) -> Response:
    """What somebody else put in service or proposed, beside what one typed: both are kept."""
    staff = visit.staff
    page = sheets.page(staff.store, staff.rules, form.name, actor=visit.viewer.login, now=visit.now)
    other = (page.waiting if code == "waiting" else page.live) if page else None
    base = page.live.number if page and page.live else 0
    return _form(visit, form, 409, base=base, page=page, problem=WHY_NOT[code], other=other)


def _form(
    visit: Visit,
    form: SheetForm,
    status: int = 200,
    *,
    base: int,
    page: sheets.Page | None = None,
    new: bool = False,
    errors: dict[str, str] | None = None,
    table: PreparationTable | None = None,
    problem: str = "",
    other: sheets.Version | None = None,
) -> Response:
    """`table`: what was typed is right; the page shows what patients would read."""
    staff = visit.staff
    book = staff.rules.book
    told = preview(staff.store, staff.rules, table, now=visit.now) if table is not None else ()
    mine, _ = read(form, book)
    return visit.page(
        "sheets/form.html",
        status,
        form=form,
        base=base,
        new=new,
        page=page,
        errors=errors or {},
        problem=problem,
        other=other,
        differs=sheets.changes(other.table, mine) if other is not None and mine is not None else [],
        table=table,
        told=told,
        shown=on_page(table) if table is not None else None,
        warnings=[WARNINGS[code] for code in warnings(table, book)] if table is not None else [],
        services=sorted(book.services.values(), key=lambda one: one.label.casefold()),
        kinds=staff.kinds.get(
            "", lambda: sheets.kinds(staff.store, now=visit.now), now=staff.now
        ).value,
        purposes=PURPOSES,
        channels=CHANNELS,
        public=bool(staff.rules.public_url),
    )


# --- one version ---------------------------------------------------------------------------------


def version(visit: Visit) -> Response:
    return _version(visit)


def _version(visit: Visit, status: int = 200, problem: str = "") -> Response:
    staff, viewer = visit.staff, visit.viewer
    name, number = str(visit.path["name"]), int(visit.path["number"])
    named = viewer.ufs(May.SEE_PATIENTS)
    found = look(staff.store, staff.rules, name, number, named=named, now=visit.now)
    if found is None or found.version.table is None:
        return visit.missing()
    if named != frozenset():  # its examples are real appointments
        visit.saw("sheet.seen", f"sheet:{name}")
    own = found.version.author == viewer.login
    decides = _may(visit, May.APPROVE_TEMPLATES, found.version.table)
    return visit.page(
        "sheets/version.html",
        status,
        name=name,
        look=found,
        version=found.version,
        problem=problem,
        warnings={
            code: WARNINGS[code]
            for code in sheets.remarks(found.version.table, staff.rules.book, found.patients)
        },
        states=STATES,
        tones=TONES,
        purposes=PURPOSES,
        channels=CHANNELS,
        services=staff.rules.book.services,
        public=bool(staff.rules.public_url),
        own=own,
        decides=decides,
        approves=decides and sheets.may_approve(found.version.author, viewer.login, staff.settings),
        ticked=visit.values("lu"),
    )


def approve(visit: Visit) -> Response:
    return _decided(visit, May.APPROVE_TEMPLATES, N_("La fiche est en service."), "approve")


def refuse(visit: Visit) -> Response:
    return _decided(visit, May.APPROVE_TEMPLATES, N_("La proposition est refusée."), "refuse")


def withdraw(visit: Visit) -> Response:
    return _decided(visit, May.EDIT_TEMPLATES, N_("La proposition est retirée."), "withdraw")


def restore(visit: Visit) -> Response:
    return _decided(
        visit, May.APPROVE_TEMPLATES, N_("Cette version est de nouveau lue."), "restore"
    )


def _decided(visit: Visit, may: May, said: str, deed: str) -> Response:
    staff, login = visit.staff, visit.viewer.login
    name, number = str(visit.path["name"]), int(visit.path["number"])
    page = sheets.page(staff.store, staff.rules, name, actor=login, now=visit.now)
    known = page.version(number) if page else None
    if page is None or known is None or not _may(visit, may, known.table):
        return visit.missing()
    try:
        if deed == "approve":
            sheets.approve(
                staff.store, staff.rules, name, number, actor=login, ticked=visit.values("lu"),
                now=visit.now,
            )  # fmt: skip
        elif deed == "refuse":
            remark = visit.form.get("mot", "")
            sheets.refuse(staff.store, name, number, actor=login, remark=remark, now=visit.now)
        elif deed == "withdraw":
            sheets.withdraw(staff.store, name, number, actor=login, now=visit.now)
        else:
            sheets.restore(staff.store, staff.rules, name, number, actor=login, now=visit.now)
    except NotSaved as refused:
        return _version(visit, 409, WHY_NOT[refused.code])
    staff.changed()
    return visit.go(f"/consignes/{name}", visit.words.gettext(said))


ROUTES = (
    Route("GET", "/consignes", May.SEE_TEMPLATES, everything),
    Route("GET", "/consignes/nouvelle", May.EDIT_TEMPLATES, write_new),
    Route("POST", "/consignes/nouvelle", May.EDIT_TEMPLATES, change_new),
    Route("GET", "/consignes/{name}", May.SEE_TEMPLATES, one),
    Route("GET", "/consignes/{name}/modifier", May.EDIT_TEMPLATES, write),
    Route("POST", "/consignes/{name}/modifier", May.EDIT_TEMPLATES, change),
    Route("GET", "/consignes/{name}/versions/{number:int}", May.SEE_TEMPLATES, version),
    Route(
        "POST", "/consignes/{name}/versions/{number:int}/approuver", May.APPROVE_TEMPLATES, approve
    ),
    Route("POST", "/consignes/{name}/versions/{number:int}/refuser", May.APPROVE_TEMPLATES, refuse),
    Route("POST", "/consignes/{name}/versions/{number:int}/retirer", May.EDIT_TEMPLATES, withdraw),
    Route(
        "POST", "/consignes/{name}/versions/{number:int}/revenir", May.APPROVE_TEMPLATES, restore
    ),
)
