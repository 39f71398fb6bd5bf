"""One version: what it changes, ten real renderings, the price; and the decision on it."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template_key import TemplateKey
from reminders.domain.template_life import MANY_PATIENTS, REASON_TEXT, SHOWN, may_approve
from reminders.services.template_approval import (
    Approval,
    approve,
    call_off,
    reject,
    roll_back,
    withdraw,
)
from reminders.services.template_preview import (
    coming,
    monthly_cost,
    on_invented,
    on_real,
    price_of,
    shown_ufs,
)
from reminders.services.template_review import review
from reminders.services.templates import Refused, situation
from reminders.web.staff.templates_shown import (
    LABELS,
    changed_parts,
    key_of_visit,
    named,
    remark,
    shown,
    volumes,
)
from reminders.web.staff.visit import Route, Visit

MANY = N_("Ce texte ira à %(patients)s patients : le confirmer d’abord.")
EVERYWHERE = N_(
    "Un texte sert tout l’établissement : il faut un rôle de valideur qui vaut partout."
)


def version(visit: Visit) -> Response:
    return _page(visit)


def _page(visit: Visit, refused: Refused | None = None) -> Response:
    key, number = key_of_visit(visit), min(int(visit.path["numero"]), 10**9)
    if key is None:
        return visit.missing()
    staff = visit.staff
    rules = staff.rules
    with staff.store.read() as connection:
        there = situation(connection, key, now=visit.now, number=number)
        found = there.asked
        if found is None:
            return visit.missing()
        ufs = shown_ufs(rules, visit.viewer.ufs(May.SEE_TEMPLATES))
        appointments = coming(connection, ufs, now=visit.now, limit=SHOWN)
    known = volumes(visit, key, fresh=refused is not None)
    seen = named(visit)
    if seen != frozenset() and appointments:
        visit.saw("template.seen", f"template:{key.slug}")
    live = there.live if there.live and there.live.id != found.id else None
    renderings = on_real(
        rules, key, found.text, appointments, named=seen, now=visit.now
    ) or on_invented(rules, key, found.text, now=visit.now)
    before = (
        on_real(rules, key, live.text, appointments, named=seen, now=visit.now)
        or on_invented(rules, key, live.text, now=visit.now)
        if live
        else []
    )
    price, volume = price_of(key, staff.routes), known.volume
    two_people = staff.settings.templates.two_people
    own = found.author == visit.viewer.login
    approver = visit.viewer.everywhere(May.APPROVE_TEMPLATES)
    waits = found.state == "proposed"
    remarks = review(rules, key, found.text, known.missing)
    served = found.state == "approved" and bool(
        found.effective_at and found.effective_at <= visit.now
    )
    return visit.page(
        "templates/version.html",
        422 if refused else 200,
        key=key,
        version=found,
        live=live,
        live_id=there.live.id if there.live else 0,
        changes=changed_parts(live, found),
        renderings=[
            (shown(one), before[place].text if place < len(before) else "")
            for place, one in enumerate(renderings)
        ],
        invented=not appointments,
        price=price,
        volume=volume,
        cost=monthly_cost(renderings, volume.messages, price),
        cost_before=monthly_cost(before, volume.messages, price),
        refusals=[remark(visit.words, one, found.text) for one in remarks.refused],
        warnings=[remark(visit.words, one) for one in remarks.warned],
        longest=remarks.longest,
        ticked=set(visit.values("vu")) if refused else set(),
        typed=visit.form if refused else {},
        problem=visit.words.gettext(refused.say, **refused.values) if refused else "",
        problem_code=refused.code if refused else "",
        many=volume.reach > MANY_PATIENTS,
        own=own,
        two_people=two_people,
        can_approve=waits and approver and may_approve(
            found.author, visit.viewer.login, two_people=two_people
        ),
        can_reject=waits and approver and not own,
        can_withdraw=waits and own,
        can_call_off=approver and found in there.to_come,
        can_go_back=approver and served and not found.live,
        labels=LABELS,
        most_reason=REASON_TEXT,
    )  # fmt: skip


def _address(visit: Visit) -> str:
    return f"/modeles/{visit.path['modele']}"


def _key(visit: Visit) -> tuple[TemplateKey | None, int]:
    return key_of_visit(visit), min(int(visit.path["numero"]), 10**9)


def yes(visit: Visit) -> Response:
    key, number = _key(visit)
    if key is None:
        return visit.missing()
    staff, words = visit.staff, visit.words
    form = visit.form
    try:
        since = moment_in(visit, form)
        said = Approval(
            by=visit.viewer.login,
            live=whole_in(form.get("en_service", "")),
            ticked=visit.values("vu"),
            confirmed=whole_in(form.get("patients", "")) or None,
            effective_at=since,
        )
        approve(
            staff.store, staff.rules, staff.routes, key, number, said,
            two_people=staff.settings.templates.two_people, now=visit.now,
        )  # fmt: skip
    except Refused as refused:
        return _page(visit, refused)
    staff.changed()
    if since is not None and since > visit.now:
        told = words.gettext("Version %(number)s approuvée : elle servira à partir du %(day)s.",
                             number=number, day=words.full_moment(since))  # fmt: skip
    else:
        told = words.gettext("Version %(number)s en service.", number=number)
    return visit.go(_address(visit), told)


def whole_in(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def moment_in(visit: Visit, form: Mapping[str, str]) -> datetime | None:
    """The day and hour asked for, in the hospital's zone; None: at once. Raises Refused."""
    day, hour = form.get("jour", ""), form.get("heure", "")
    if form.get("quand", "") != "plus-tard" and not day:
        return None
    try:
        at = datetime.fromisoformat(f"{day}T{hour or '00:00'}")
        found = datetime.combine(at.date(), time(at.hour, at.minute), visit.staff.zone)
    except ValueError:
        raise Refused("day", N_("Indiquer le jour de mise en service.")) from None
    if found <= visit.now:
        raise Refused("past", N_("Choisir un moment à venir, ou « tout de suite »."))
    return found


def no(visit: Visit) -> Response:
    form = visit.form
    return _decided(
        visit,
        N_("Proposition refusée. Son auteur en voit la raison."),
        lambda key, number: reject(
            visit.staff.store, key, number, by=visit.viewer.login, now=visit.now,
            reason=form.get("raison", ""), text=form.get("precision", ""),
        ),
    )  # fmt: skip


def back(visit: Visit) -> Response:
    return _decided(
        visit,
        N_("Proposition retirée."),
        lambda key, number: withdraw(
            visit.staff.store, key, number, by=visit.viewer.login, now=visit.now
        ),
    )


def off(visit: Visit) -> Response:
    return _decided(
        visit,
        N_("Ce texte n’entrera pas en service."),
        lambda key, number: call_off(
            visit.staff.store, key, number, by=visit.viewer.login, now=visit.now
        ),
    )


def return_to(visit: Visit) -> Response:
    """One person's act; where it would reach many, they are told how many first."""
    key, _ = _key(visit)
    reach = volumes(visit, key, fresh=True).volume.reach if key is not None else 0
    if reach > MANY_PATIENTS and whole_in(visit.form.get("patients", "")) != reach:
        return _page(visit, Refused("many", MANY, patients=visit.words.number(reach)))
    return _decided(
        visit,
        N_("Le texte est de nouveau en service."),
        lambda key, number: roll_back(
            visit.staff.store, visit.staff.rules, key, number, by=visit.viewer.login,
            now=visit.now,
        ),
        changes=True,
    )  # fmt: skip


def _decided(visit: Visit, said: str, decide: Any, *, changes: bool = False) -> Response:
    key, number = _key(visit)
    if key is None:
        return visit.missing()
    try:
        decide(key, number)
    except Refused as refused:
        return _page(visit, refused)
    if changes:
        visit.staff.changed()
    return visit.go(_address(visit), visit.words.gettext(said))


_ONE = "/modeles/{modele}/version/{numero:int}"
ROUTES = (
    Route("GET", _ONE, May.SEE_TEMPLATES, version),
    Route("POST", f"{_ONE}/approuver", May.APPROVE_TEMPLATES, yes, EVERYWHERE),
    Route("POST", f"{_ONE}/refuser", May.APPROVE_TEMPLATES, no, EVERYWHERE),
    Route("POST", f"{_ONE}/retirer", May.EDIT_TEMPLATES, back),
    Route("POST", f"{_ONE}/annuler", May.APPROVE_TEMPLATES, off, EVERYWHERE),
    Route("POST", f"{_ONE}/revenir", May.APPROVE_TEMPLATES, return_to, EVERYWHERE),
)
