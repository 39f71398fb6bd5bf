"""Writing a preparation sheet: what one types left, what patients read right.

Everything is one form, as for a text: each of its buttons keeps the draft first; with JavaScript
the right side follows the typing and the draft saves itself.
"""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from fastapi import Response

from reminders.config import PreparationTable
from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template_key import CHANNELS, LANGUAGES, PURPOSES
from reminders.services import accounts as account_services
from reminders.services import sheets, sheets_life
from reminders.services.sheets_cost import Volumes
from reminders.services.sheets_form import (
    LABELS,
    SheetForm,
    filled,
    read,
    typed,
)
from reminders.services.sheets_preview import Reading, on_page, preview, to_own_phone
from reminders.services.template_test import MOST, send_test
from reminders.services.templates import Refused
from reminders.services.units_save import NotSaved
from reminders.store.sheets import Concerned
from reminders.web.staff.templates_edit import told_of_test
from reminders.web.staff.templates_seen import number_in
from reminders.web.staff.visit import Route, Visit

NEW = "nouvelle"
WHY_NOT = {
    "own": N_("Une autre personne doit approuver ce que vous avez proposé."),
    "decided": N_("Quelqu’un a déjà décidé de cette proposition."),
    "changed": N_("Une autre version est entrée en service depuis : reprendre à partir d’elle."),
    "waiting": N_("La proposition de quelqu’un d’autre attend déjà une décision."),
    "warned": N_("Cocher d’abord chaque remarque lue."),
    "subject": sheets_life.TAKEN,
    "unknown": N_("Cette version ne peut pas être remise en service."),
    "file": N_("Le fichier de configuration définit cette fiche."),
    "draft": N_("Votre brouillon a été gardé dans une autre fenêtre entre-temps."),
    "many": N_("Plus de 500 patients liront cette fiche : le confirmer d’abord."),
}


def may_write(visit: Visit, what: May, table: PreparationTable | None) -> bool:
    """For a service's sheet, there; for a type of appointment, everywhere."""
    if table is None:
        return visit.viewer.may(what)
    if table.service is not None:
        return visit.viewer.may_in(what, table.service)
    return visit.viewer.everywhere(what)


# --- the page ------------------------------------------------------------------------------------


def write_new(visit: Visit) -> Response:
    visit.staff.rules.catch_up(visit.staff.store)
    uf = visit.query.get("uf", "")
    about = f"uf:{uf}" if uf in visit.staff.rules.book.services else ""
    return _form(visit, SheetForm("", about=about))


def write(visit: Visit) -> Response:
    page = _page(visit)
    if page is None:
        return visit.missing()
    form, base, revision = _start(page, visit.viewer.login)
    return _form(visit, form, base=base, revision=revision, page=page)


def _start(page: sheets.Page, login: str) -> tuple[SheetForm, int, int]:
    """(what is typed, the version in service it starts from, the draft's revision): one's draft,
    else one's own proposal that was refused, else the newest text."""
    live = page.live.number if page.live else 0
    if page.draft is not None:
        return page.draft.form, page.draft.base, page.draft.revision
    newest = (page.given_back(login), page.waiting, page.to_come)
    table = next((one.table for one in newest if one and one.table), None)
    table = table or page.table or next((v.table for v in page.versions if v.table), None)
    return (filled(table) if table else SheetForm(page.name)), live, 0


def _page(visit: Visit) -> sheets.Page | None:
    """The sheet, for somebody who may write it."""
    page = _known(visit, str(visit.path["name"]))
    if page is None or page.in_file or not may_write(visit, May.EDIT_TEMPLATES, page.table):
        return None
    return page


def _known(visit: Visit, name: str) -> sheets.Page | None:
    staff = visit.staff
    return sheets.page(
        staff.store, staff.rules, name, actor=visit.viewer.login, now=visit.now, whole=False
    )


def _form(
    visit: Visit,
    form: SheetForm,
    status: int = 200,
    *,
    base: int = 0,
    revision: int = 0,
    page: sheets.Page | None = None,
    errors: dict[str, str] | None = None,
    problem: str = "",
    other: sheets.Version | None = None,
    theirs: SheetForm | None = None,
) -> Response:
    """`page` None: a sheet nobody wrote yet. `theirs`: what somebody else, or one's other window,
    wrote meanwhile; `other` the version it is, if it is one."""
    staff = visit.staff
    book = staff.rules.book
    return visit.page(
        "sheets/form.html",
        status,
        form=form,
        base=base,
        revision=revision,
        new=page is None,
        page=page,
        errors=errors or {},
        problem=problem,
        other=other,
        back=page.given_back(visit.viewer.login) if page else None,
        differs=sheets.differences(theirs, form, book) if theirs is not None else [],
        services=sorted(book.services.values(), key=lambda one: one.label.casefold()),
        kinds=staff.kinds.get(
            "", lambda: sheets.kinds(staff.store, now=visit.now), now=staff.now
        ).value,
        **_seen(visit, form),
    )


def counted(visit: Visit, about: Hashable, count: Callable[[], Volumes]) -> Volumes:
    """How much is sent that says a sheet, counted at most every few minutes: it reads a month."""
    return visit.staff.sheet_volumes.get(about, count, now=visit.now).value


def reached(visit: Visit, about: Hashable, count: Callable[[], Concerned]) -> Concerned:
    """Whom a sheet is about; of a large hospital as it was some seconds ago."""
    return visit.staff.sheet_reach.get(about, count, now=visit.staff.now).value


def _seen(visit: Visit, form: SheetForm) -> dict[str, Any]:
    """The right side: the messages and the page with this sheet, their price, what to look at."""
    staff = visit.staff
    book = staff.rules.book
    table, found = read(form, book)
    reading = Reading()
    if table is not None:
        reading = preview(
            staff.store, staff.rules, staff.routes, table, now=visit.now,
            counted=partial(counted, visit), reached=partial(reached, visit),
        )  # fmt: skip
    return {
        "table": table,
        "wrong": found,
        "reading": reading,
        "told": reading.told,
        "cost": reading.cost,
        "shown": on_page(table) if table is not None else None,
        "warnings": list(
            sheets_life.remarks(table, book, reading.patients, reading.foreign).values()
        )
        if table is not None
        else [],
        "purposes": PURPOSES,
        "channels": CHANNELS,
        "tongues": LANGUAGES,
        "fields": LABELS,
        "public": bool(staff.rules.public_url),
    }


# --- what the program of the page asks for -------------------------------------------------------


def look(visit: Visit) -> Response:
    """A piece of the page, for what is being typed: nothing is saved."""
    page = _page(visit)
    if page is None:
        return visit.missing()
    return visit.page("sheets/_preview.html", **_seen(visit, typed(page.name, visit.form)))


def look_new(visit: Visit) -> Response:
    name = visit.form.get("name", "")
    return visit.page("sheets/_preview.html", **_seen(visit, typed(name, visit.form)))


def keep(visit: Visit) -> Response:
    """The draft saves itself: a line that says so, with the new revision."""
    page = _page(visit)
    return visit.missing() if page is None else _kept(visit, typed(page.name, visit.form))


def keep_new(visit: Visit) -> Response:
    """A first draft, once the sheet has a name that is free."""
    form = typed(visit.form.get("name", ""), visit.form)
    problem = _unfit(visit, form)
    if problem:
        return visit.page(
            "templates/_saved.html", 422, revision=0, moved="", refused=visit.words.gettext(problem)
        )
    return _kept(visit, form, here=f"/consignes/{form.name}")


def _kept(visit: Visit, form: SheetForm, here: str = "") -> Response:
    try:
        revision = _save(visit, form)
    except NotSaved:
        return visit.page("templates/_saved.html", 409, revision=0, moved="", refused="")
    return visit.page(
        "templates/_saved.html", revision=revision, at=visit.now, moved=here, refused=""
    )


def _save(visit: Visit, form: SheetForm) -> int:
    given = visit.form
    return sheets_life.save_draft(
        visit.staff.store, form, base=number_in(given, "base"),
        revision=number_in(given, "revision"), actor=visit.viewer.login, now=visit.now,
    )  # fmt: skip


def _unfit(visit: Visit, form: SheetForm) -> str:
    """What is wrong with a new sheet's name; "" for nothing."""
    _, errors = read(form, visit.staff.rules.book)
    if "name" in errors:
        return errors["name"]
    found = _known(visit, form.name)
    mine = found is not None and not found.in_file and not found.versions
    if form.name == NEW or (found is not None and not mine):
        return N_("Ce nom est déjà pris : en choisir un autre.")
    return ""


# --- what the buttons do -------------------------------------------------------------------------


def change_new(visit: Visit) -> Response:
    visit.staff.rules.catch_up(visit.staff.store)
    form = typed(visit.form.get("name", ""), visit.form)
    problem = _unfit(visit, form)
    if problem:
        _, errors = read(form, visit.staff.rules.book)
        return _form(visit, form, 422, errors=errors | {"name": problem})
    return _change(visit, form)


def change(visit: Visit) -> Response:
    page = _page(visit)
    if page is None:
        return visit.missing()
    if visit.form.get("geste", "") == "abandonner":
        sheets_life.drop_draft(visit.staff.store, page.name, actor=visit.viewer.login)
        return visit.go("/consignes", visit.words.gettext("Le brouillon est abandonné."))
    visit.staff.rules.catch_up(visit.staff.store)
    return _change(visit, typed(page.name, visit.form))


def _change(visit: Visit, form: SheetForm) -> Response:
    """Keep what is typed, then do what the button says."""
    deed, base = visit.form.get("geste", ""), number_in(visit.form, "base")
    try:
        revision = _save(visit, form)
    except NotSaved as refused:
        return _overtaken(visit, form, refused.code)
    if deed == "brouillon":
        said = visit.words.gettext("Le brouillon est gardé.")
        return visit.go(f"/consignes/{form.name}/modifier", said)
    table, errors = read(form, visit.staff.rules.book)
    if table is not None and not may_write(visit, May.EDIT_TEMPLATES, table):
        errors = {"about": N_("Vous n’écrivez pas les consignes de ce service.")}
    if table is None or errors:
        return _form(
            visit, form, 422, base=base, revision=revision, page=_known(visit, form.name),
            errors=errors,
        )  # fmt: skip
    try:
        return _do(visit, form, table, deed)
    except NotSaved as refused:
        return _overtaken(visit, form, refused.code)
    except Refused as refused:
        said = visit.words.gettext(refused.say, **{"most": MOST} | refused.values)
        return _form(
            visit, form, 422, base=base, revision=revision, page=_known(visit, form.name),
            errors={"sms": said},
        )  # fmt: skip


def _do(visit: Visit, form: SheetForm, table: PreparationTable, deed: str) -> Response:
    staff, words = visit.staff, visit.words
    here = f"/consignes/{form.name}/modifier#apercu"
    if deed == "essai":
        return visit.go(here, _test(visit, table))
    if deed != "proposer":
        return visit.go(here)
    number = sheets_life.propose(
        staff.store, staff.rules, table, base=number_in(visit.form, "base"),
        actor=visit.viewer.login, now=visit.now,
    )  # fmt: skip
    said = words.gettext("C’est proposé ; une autre personne peut l’approuver.")
    return visit.go(f"/consignes/{form.name}/versions/{number}", said)


def _test(visit: Visit, table: PreparationTable) -> str:
    """The SMS that says most of the sheet, to one's own phone."""
    staff, login = visit.staff, visit.viewer.login
    found = to_own_phone(staff.store, staff.rules, staff.routes, table, now=visit.now)
    if found is None:
        raise Refused("no_text", N_("Aucun SMS en service ne reprend cette fiche."))
    key, text, sheet = found
    account = account_services.account(staff.store, login, now=visit.now)
    asked = send_test(
        staff.store, staff.rules, staff.routes, staff.secret, key, text, account=login,
        phone=account.phone if account else "", now=visit.now, sheet=sheet,
    )  # fmt: skip
    staff.changed()
    return told_of_test(visit, asked)


def _overtaken(visit: Visit, form: SheetForm, code: str) -> Response:
    """What somebody else put in service or proposed, or one's other window kept, beside what one
    typed: both are there."""
    page = _known(visit, form.name)
    draft = page.draft if page else None
    base = page.live.number if page and page.live else 0
    other = None if page is None else page.waiting if code == "waiting" else page.live
    theirs = filled(other.table) if other is not None and other.table is not None else None
    if code == "draft":
        other, theirs = None, draft.form if draft else None
    return _form(
        visit, form, 409, base=base, revision=draft.revision if draft else 0, page=page,
        problem=WHY_NOT[code], other=other, theirs=theirs,
    )  # fmt: skip


TYPED = {one: LABELS[one] for one in LABELS if one not in ("subject", "acknowledge")}
ROUTES = (
    Route("GET", "/consignes/nouvelle", May.EDIT_TEMPLATES, write_new),
    Route("POST", "/consignes/nouvelle", May.EDIT_TEMPLATES, change_new, typed=TYPED),
    Route("POST", "/consignes/nouvelle/apercu", May.EDIT_TEMPLATES, look_new),
    Route("POST", "/consignes/nouvelle/brouillon", May.EDIT_TEMPLATES, keep_new),
    Route("GET", "/consignes/{name}/modifier", May.EDIT_TEMPLATES, write),
    Route("POST", "/consignes/{name}/modifier", May.EDIT_TEMPLATES, change, typed=TYPED),
    Route("POST", "/consignes/{name}/apercu", May.EDIT_TEMPLATES, look),
    Route("POST", "/consignes/{name}/brouillon", May.EDIT_TEMPLATES, keep),
)
