"""The list behind a number of the day: which messages, about whom, and why."""

from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template_key import CHANNELS, PURPOSES
from reminders.services.lists import NOT_SENT, DayRun, messages_of, run_of
from reminders.store.lists import FIRST, Place, Ufs
from reminders.web.staff.asked import address, cursor, day_of, dotted, today
from reminders.web.staff.home_words import EXPLAINED, NUMBERS, why
from reminders.web.staff.visit import Route, Visit

HOME = "/messages"
PLACES = {place: name for name, (place, _, _) in NUMBERS.items()}
STATES: Mapping[str, tuple[str, str]] = {
    "PLANNED": ("neutral", N_("prévu")),
    "LEASED": ("waiting", N_("en préparation")),
    "SENDING": ("waiting", N_("en cours d’envoi")),
    "ACCEPTED": ("done", N_("pris par l’opérateur")),
    "DELIVERED": ("done", N_("remis")),
    "UNDELIVERED": ("problem", N_("non remis")),
    "REFUSED": ("problem", N_("refusé")),
    "UNKNOWN": ("waiting", N_("peut-être parti")),
    "SUPPRESSED": ("neutral", N_("non envoyé")),
    "CANCELLED": ("neutral", N_("écarté")),
    "HELD": ("held", N_("retenu")),
    "QUARANTINED": ("problem", N_("mis de côté")),
}


def messages(visit: Visit) -> Response:
    """The lists of one day: a tab each, a page of fifty lines."""
    staff, viewer, asked = visit.staff, visit.viewer, visit.query
    seen = viewer.ufs(May.SEE_HOME)
    day = day_of(visit, asked.get("jour", ""))
    name = PLACES.get(asked.get("etat", ""), "planned")
    run = staff.figures.runs.get(
        (seen, day), lambda: run_of(staff.store, seen, day, staff.zone), now=visit.now
    ).value
    reason = asked.get("raison", "") if name == NOT_SENT else ""
    after = cursor(asked.get("apres", ""), 3)
    found = messages_of(
        staff.store, name, seen, _named(visit), day, staff.zone,
        reason=reason, after=cast(Place, after) if after else FIRST,
    )  # fmt: skip
    place = NUMBERS[name][0]
    told = {"etat": place, "jour": day.isoformat() if day != today(visit) else ""}
    return visit.page(
        "messages/list.html",
        found=found,
        day=day,
        today=today(visit),
        before=address(HOME, etat=place, jour=(day - timedelta(days=1)).isoformat()),
        following_day=address(HOME, etat=place, jour=(day + timedelta(days=1)).isoformat()),
        tabs=_tabs(run, name, told["jour"], visit),
        number=run[name] if not reason else dict(run.reasons).get(reason, 0),
        label=NUMBERS[name][1],
        explained=EXPLAINED[name],
        reasons=[(code, why(visit.words, code), n) for code, n in run.reasons]
        if name == NOT_SENT
        else [],
        reason=reason,
        told=told,
        why=lambda code: why(visit.words, code),
        states=STATES,
        purposes=PURPOSES,
        channels=CHANNELS,
        desks=staff.rules.desks,
        opens=lambda uf: viewer.may_in(May.SEE_PATIENTS, uf),
        first=address(HOME, **told, raison=reason) if after else "",
        following=address(HOME, **told, raison=reason, apres=dotted(found.after))
        if found.after
        else "",
    )


def _named(visit: Visit) -> Ufs:
    """The services whose patients' names may be shown."""
    return visit.viewer.ufs(May.SEE_PATIENTS)


def _tabs(run: DayRun, chosen: str, day: str, visit: Visit) -> list[tuple[str, str, str, bool]]:
    words = visit.words
    return [
        (address(HOME, etat=place, jour=day), words.gettext(label), words.number(run[name]),
         name == chosen)
        for name, (place, label, _) in NUMBERS.items()
    ]  # fmt: skip


ROUTES = (Route("GET", HOME, May.SEE_HOME, messages),)
