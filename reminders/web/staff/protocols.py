"""Protocols: when we write, drawn as a time line, and what that does next week."""

from dataclasses import dataclass
from datetime import time
from functools import partial

from fastapi import Response

from reminders.config import ProtocolTable
from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template_key import PURPOSES
from reminders.services import protocols
from reminders.services.protocols_form import (
    BOOKING,
    CHANNELS,
    FIELDS,
    MOST_STEPS,
    ProtocolForm,
    StepForm,
    filled,
    read,
    typed,
)
from reminders.services.story import REASONS
from reminders.services.units import names
from reminders.services.units_forecast import Change, foresee
from reminders.services.units_save import NotSaved
from reminders.web.staff.visit import Route, Visit

NEW = "nouveau"
# What a step may say: what answers somebody or is written to a session is no step's.
STEP_PURPOSES = ("booking", "preparation", "confirm", "short")
CHANNEL_WORDS = {
    "sms,email": N_("SMS, sinon courriel"),
    "email,sms": N_("courriel, sinon SMS"),
    "sms": N_("SMS seulement"),
    "email": N_("courriel seulement"),
}
CONDITION_WORDS = {
    "always": N_("toujours"),
    "unless_answered": N_("si le patient n’a pas encore répondu"),
}
WIDTH, LEFT, RIGHT = 900, 60, 840  # of the drawing


@dataclass(frozen=True, slots=True)
class Dot:
    x: int
    label: str
    goal: bool = False


def everything(visit: Visit) -> Response:
    staff = visit.staff
    found = protocols.overview(staff.store, staff.rules)
    return visit.page(
        "protocols/list.html",
        protocols=found,
        standard=protocols.standard,
        writable=visit.viewer.may(May.EDIT_SERVICES),
        labels={one.id: names(staff.rules.book, one.ufs) for one in found},
    )


def one(visit: Visit) -> Response:
    staff = visit.staff
    name = str(visit.path["name"])
    page = protocols.one(staff.store, staff.rules, name)
    if page is None:
        return visit.missing()
    table, seen = page.protocol.table, visit.viewer.ufs(May.SEE_SERVICES)
    ufs = [uf for uf in page.protocol.ufs if seen is None or uf in seen]
    week = protocols.week(staff.store, ufs, table, staff.routes, now=visit.now)
    return visit.page(
        "protocols/one.html",
        page=page,
        protocol=page.protocol,
        standard=protocols.standard(name),
        dots=dots(table),
        week=week,
        services=list(zip(ufs, names(staff.rules.book, ufs), strict=True)),
        some=len(ufs) < len(page.protocol.ufs),
        reasons=REASONS,
        purposes=PURPOSES,
        channels=CHANNEL_WORDS,
        hour=partial(shown_hour, visit.words.language),
        writable=(
            page.protocol.owned
            and visit.viewer.may(May.EDIT_SERVICES)
            and _may_edit(visit, page.protocol.ufs)
        ),
        copies=visit.viewer.may(May.EDIT_SERVICES),
    )


def dots(table: ProtocolTable) -> list[Dot]:
    """Where the steps stand between the first and the appointment, in proportion to the days."""
    days = sorted({step.day for step in table.step if step.day is not None}, reverse=True)
    booking = any(step.day is None for step in table.step)
    first = max([*days, 1]) * (1.25 if booking else 1.0)

    def at(day: float) -> int:
        return round(RIGHT - (RIGHT - LEFT) * (day / first))

    found = [Dot(LEFT, BOOKING)] if booking else []
    return [*found, *(Dot(at(day), f"J-{day}") for day in days if day), Dot(RIGHT, "J", goal=True)]


def shown_hour(language: str, hour: time) -> str:
    """10 h 00, of the site's civil time; no moment of a day is meant."""
    return f"{hour:%-H:%M}" if language == "en" else f"{hour:%-H\u00a0h\u00a0%M}"


def _may_edit(visit: Visit, ufs: tuple[str, ...]) -> bool:
    """Everywhere it serves; one that serves nobody yet, for whoever may edit anything."""
    return all(visit.viewer.may_in(May.EDIT_SERVICES, uf) for uf in ufs)


# --- writing -------------------------------------------------------------------------------------


def write_new(visit: Visit) -> Response:
    visit.staff.rules.catch_up(visit.staff.store)
    copied = visit.query.get("copie", "")
    table = visit.staff.rules.book.protocols.get(copied)
    form = filled(table, "") if table else ProtocolForm("", (StepForm(),))
    return _form(visit, form, number=0, new=True)


def write(visit: Visit) -> Response:
    staff = visit.staff
    page = protocols.one(staff.store, staff.rules, str(visit.path["name"]))
    if page is None or not page.protocol.owned or not _may_edit(visit, page.protocol.ufs):
        return visit.missing()
    return _form(visit, filled(page.protocol.table), number=page.protocol.number)


def change_new(visit: Visit) -> Response:
    visit.staff.rules.catch_up(visit.staff.store)
    return _change(visit, visit.form.get("name", ""), new=True)


def change(visit: Visit) -> Response:
    staff = visit.staff
    page = protocols.one(staff.store, staff.rules, str(visit.path["name"]))
    if page is None or not page.protocol.owned or not _may_edit(visit, page.protocol.ufs):
        return visit.missing()
    return _change(visit, page.protocol.id, new=False)


def _change(visit: Visit, name: str, *, new: bool) -> Response:
    staff, form = visit.staff, visit.form
    deed = form.get("geste", "")
    columns = {one: visit.values(f"step_{one}") for one in FIELDS}
    asked = typed(name, columns, after_no_show=form.get("after_no_show") == "1")
    number = int(form["number"]) if form.get("number", "").isdigit() else 0
    if deed == "ajouter":
        return _form(visit, asked.with_step(), number=number, new=new)
    if deed.startswith("retirer-") and deed[8:].isdigit():
        return _form(visit, asked.without(int(deed[8:])), number=number, new=new)
    table, errors = read(asked, _purposes(visit))
    if table is not None and new:
        errors = _name_taken(visit, name)
    if table is None or errors:
        return _form(visit, asked, 422, number=number, new=new, errors=errors)
    if deed != "enregistrer":
        return _form(visit, asked, number=number, new=new, table=table)
    try:
        protocols.save(
            staff.store, staff.rules, table, number=number, actor=visit.viewer.login, now=visit.now
        )
    except NotSaved:
        return _overtaken(visit, asked, new=new)
    staff.changed()
    said = visit.words.gettext("C’est enregistré : protocole « %(name)s ».", name=name)
    return visit.go(f"/protocoles/{name}", said)


def _name_taken(visit: Visit, name: str) -> dict[str, str]:
    if name == NEW or name in visit.staff.rules.book.protocols:
        return {"name": N_("Ce nom est déjà pris : en choisir un autre.")}
    return {}


def _overtaken(visit: Visit, mine: ProtocolForm, *, new: bool) -> Response:
    """Both are shown; what one typed is in the form, over the version saved meanwhile."""
    staff = visit.staff
    page = protocols.one(staff.store, staff.rules, mine.name)
    if page is None or not page.protocol.owned:
        return _form(visit, mine, 409, number=0, new=new, errors=_name_taken(visit, mine.name))
    return _form(visit, mine, 409, number=page.protocol.number, new=False, theirs=page)


def _purposes(visit: Visit) -> list[str]:
    """The steps' own, and what the file's protocols use besides."""
    tables = visit.staff.rules.book.protocols.values()
    more = {step.template for one in tables for step in one.step} - set(STEP_PURPOSES)
    return [*STEP_PURPOSES, *sorted(more)]


def _form(
    visit: Visit,
    form: ProtocolForm,
    status: int = 200,
    *,
    number: int,
    new: bool = False,
    errors: dict[str, str] | None = None,
    table: ProtocolTable | None = None,
    theirs: protocols.Page | None = None,
) -> Response:
    """`table`: what was typed is right; the page says what it would do."""
    staff = visit.staff
    ufs = sorted(uf for uf, one in staff.rules.book.services.items() if one.protocol == form.name)
    would: Change | None = None
    costs = (0.0, 0.0)
    if table is not None and ufs:
        book = protocols.with_protocol(staff.rules, table)
        would = foresee(staff.store, staff.rules, staff.secret, book, ufs, now=visit.now)
        costs = weekly(visit, would, staff.rules.book.protocols.get(form.name), table)
    return visit.page(
        "protocols/form.html",
        status,
        form=form,
        number=number,
        new=new,
        errors=errors or {},
        change=would,
        costs=costs,
        agreed=table is not None,
        dots=dots(table) if table is not None else [],
        theirs=theirs,
        services=names(staff.rules.book, ufs),
        most=MOST_STEPS,
        fields=FIELDS,
        booking=BOOKING,
        hour=partial(shown_hour, visit.words.language),
        channels={one: CHANNEL_WORDS[one] for one in CHANNELS},
        conditions=CONDITION_WORDS,
        purposes={one: PURPOSES.get(one, one) for one in _purposes(visit)},
        reasons=REASONS,
    )


def weekly(
    visit: Visit, change: Change, before: ProtocolTable | None, after: ProtocolTable
) -> tuple[float, float]:
    """Euros of SMS in the coming seven days, at present and afterwards."""
    staff, known = visit.staff, [one for one in (before, after) if one is not None]
    prices = protocols.prices_now(staff.store, staff.routes, known, now=visit.now)
    return (
        protocols.cost_of(change.before.steps, before, prices) if before is not None else 0.0,
        protocols.cost_of(change.after.steps, after, prices),
    )


ROUTES = (
    Route("GET", "/protocoles", May.SEE_SERVICES, everything),
    Route("GET", "/protocoles/nouveau", May.EDIT_SERVICES, write_new),
    Route("POST", "/protocoles/nouveau", May.EDIT_SERVICES, change_new),
    Route("GET", "/protocoles/{name}", May.SEE_SERVICES, one),
    Route("GET", "/protocoles/{name}/modifier", May.EDIT_SERVICES, write),
    Route("POST", "/protocoles/{name}/modifier", May.EDIT_SERVICES, change),
)
