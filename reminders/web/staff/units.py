"""Services: which UF sends nothing yet, how each is served, and what a change will do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from fastapi import Response

from reminders.config import ServiceTable
from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.services import units
from reminders.services.remembered import Measured
from reminders.services.rules import table_of
from reminders.services.story import REASONS
from reminders.services.units_forecast import Change, foresee
from reminders.services.units_form import DAYS, ServiceForm, blank, filled, read, typed
from reminders.services.units_save import NotSaved
from reminders.store.engine import Record
from reminders.web.staff.protocols import weekly
from reminders.web.staff.visit import Route, Visit

SENSITIVITIES = {
    "normal": N_("Ordinaire"),
    "neutral": N_("Discret"),
    "excluded": N_("Exclu"),
}
MEANS = {
    "normal": N_("Les messages disent le lieu, l’heure et les consignes."),
    "neutral": N_("Ni lieu, ni prénom, ni consigne : seulement la date, l’heure et le téléphone."),
    "excluded": N_("Aucun message n’est envoyé."),
}
A_MINUTE = timedelta(minutes=1)
TONES = {"normal": "done", "neutral": "held", "excluded": "neutral"}
WEEKDAYS = {
    1: N_("lundi"), 2: N_("mardi"), 3: N_("mercredi"), 4: N_("jeudi"), 5: N_("vendredi"),
    6: N_("samedi"), 7: N_("dimanche"),
}  # fmt: skip
FIELDS = {
    "label": N_("Nom lu par les patients"),
    "site": N_("Site"),
    "sensitivity": N_("Discrétion"),
    "protocol": N_("Protocole"),
    "sender": N_("Expéditeur"),
    "phone": N_("Téléphone du secrétariat"),
    "desk_opens": N_("Ouverture"),
    "desk_closes": N_("Fermeture"),
    "desk_days": N_("Jours"),
    "manager_email": N_("Courriel du responsable"),
    "escalation_desk": N_("Recours"),
    "slot_cost_eur": N_("Coût d’un créneau perdu"),
}


def services(visit: Visit) -> Response:
    staff = visit.staff
    ufs = visit.viewer.ufs(May.SEE_SERVICES)
    found = units.overview(
        staff.store, staff.rules, now=visit.now, ufs=ufs, counted=_counted(visit)
    )
    return visit.page(
        "units/list.html",
        found=found,
        edits=May.EDIT_SERVICES,
        names={site.id: site.short_name for site in staff.settings.site},
        sensitivities=SENSITIVITIES,
        tones=TONES,
        lost=any(one.lost for one in found.services),
        aged=visit.now - found.counted_at >= A_MINUTE,
    )


def _counted(visit: Visit) -> Measured[Sequence[Record]]:
    """What is to come, by service; at a large hospital as it was a moment ago."""
    staff = visit.staff
    return staff.coming.get("", lambda: units.coming(staff.store, now=visit.now), now=staff.now)


def one(visit: Visit) -> Response:
    return _one(visit, str(visit.path["uf"]))


def _one(
    visit: Visit,
    uf: str,
    status: int = 200,
    *,
    form: ServiceForm | None = None,
    errors: dict[str, str] | None = None,
    number: int | None = None,
    change: Change | None = None,
    costs: tuple[float, float] = (0.0, 0.0),
    theirs: bool = False,
) -> Response:
    staff, viewer = visit.staff, visit.viewer
    page = units.one(staff.store, staff.rules, uf, now=visit.now, counted=_counted(visit))
    if page is None or not viewer.may_in(May.SEE_SERVICES, uf):
        return visit.missing()
    known = page.service
    if form is None:
        told = page.unmapped.site if page.unmapped else ""
        form = filled(known.table) if known else blank(staff.settings, uf, told)
    return visit.page(
        "units/one.html",
        status,
        uf=uf,
        page=page,
        aged=visit.now - page.counted_at >= A_MINUTE,
        form=form,
        errors=errors or {},
        number=(known.number if known else 0) if number is None else number,
        change=change,
        costs=costs,
        theirs=_differences(known.table, form) if theirs and known else [],
        writable=viewer.may_in(May.EDIT_SERVICES, uf) and not (known and not known.owned),
        sites=staff.settings.site,
        protocols=sorted(staff.rules.book.protocols),
        senders=staff.settings.sms,
        recourses=sorted(one.label for key, one in staff.rules.offices.items() if key != uf),
        sensitivities=SENSITIVITIES,
        means=MEANS,
        tones=TONES,
        weekdays=WEEKDAYS,
        days=DAYS,
        reasons=REASONS,
        history=_history(page),
        labels=FIELDS,
    )


def change(visit: Visit) -> Response:
    """« apercu » says what the settings would do; « enregistrer » does it."""
    staff, form = visit.staff, visit.form
    uf = str(visit.path["uf"])
    asked = typed(uf, form, visit.values("desk_days"))
    if not _may_edit(visit, uf, asked.site):
        return visit.missing()
    number = int(form["number"]) if form.get("number", "").isdigit() else 0
    staff.rules.catch_up(staff.store)
    table, errors = read(asked, staff.settings, staff.rules.book)
    if table is None:
        return _one(visit, uf, 422, form=asked, errors=errors, number=number)
    if form.get("geste") != "enregistrer":
        would = foresee(
            staff.store, staff.rules, staff.secret, units.with_service(staff.rules, table), [uf],
            now=visit.now,
        )  # fmt: skip
        book = staff.rules.book
        known = book.services.get(uf)
        before = book.protocols.get(known.protocol) if known is not None else None
        costs = weekly(visit, would, before, book.protocols[table.protocol])
        return _one(visit, uf, form=asked, number=number, change=would, costs=costs)
    try:
        units.save(
            staff.store, staff.rules, table, number=number, actor=visit.viewer.login, now=visit.now
        )
    except NotSaved as refused:
        if refused.code != "changed":
            return _one(visit, uf, 409)
        return _one(visit, uf, 409, form=asked, theirs=True)
    staff.changed()
    said = visit.words.gettext("C’est enregistré : « %(label)s ».", label=table.label)
    return visit.go("/services", said)


def _may_edit(visit: Visit, uf: str, site: str) -> bool:
    """Here, and at the site it is moved to."""
    viewer = visit.viewer
    there = replace(viewer, sites={**viewer.sites, uf: site})
    return viewer.may_in(May.EDIT_SERVICES, uf) and (
        site not in visit.staff.settings.sites or there.may_in(May.EDIT_SERVICES, uf)
    )


def _differences(saved: ServiceTable, mine: ServiceForm) -> list[tuple[str, str, str]]:
    """(field, what was saved meanwhile, what one typed) where they differ."""
    other = filled(saved)
    return [
        (label, _shown(getattr(other, name)), _shown(getattr(mine, name)))
        for name, label in FIELDS.items()
        if getattr(other, name) != getattr(mine, name)
    ]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(value)
    return SENSITIVITIES.get(str(value), str(value))


def _history(page: units.Page) -> list[tuple[units.Revision, list[tuple[str, str, str]]]]:
    """Each version with what it changed of the one before."""
    told = []
    for place, version in enumerate(page.history):
        later = table_of(version.content, ServiceTable)
        earlier = (
            table_of(page.history[place + 1].content, ServiceTable)
            if place + 1 < len(page.history)
            else None
        )
        same = later is None or earlier is None
        told.append((version, [] if same else _differences(earlier, filled(later))))  # type: ignore[arg-type]
    return told


ROUTES = (
    Route("GET", "/services", May.SEE_SERVICES, services),
    Route("GET", "/services/uf/{uf:path}", May.SEE_SERVICES, one),
    Route("POST", "/services/uf/{uf:path}", May.EDIT_SERVICES, change),
)
