"""The telephone calls of a day, by hour: to read, to print, to end with one key."""

from datetime import timedelta
from typing import Any, cast

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.worklist import SPOKEN, TRIES, Ending
from reminders.services import worklist
from reminders.services.tabs import of_viewer
from reminders.services.worklist import TaskRefused
from reminders.services.worklist_context import FIRST, MOST_CALLS, Call, calls
from reminders.web.staff import todo_words as say
from reminders.web.staff.asked import (
    address,
    cursor,
    day_of,
    dotted,
    service_of,
    services,
    today,
)
from reminders.web.staff.visit import Route, Visit

HOME = "/appels"
PAGE = 100
CHOICES = SPOKEN
SHORT = {
    Ending.CONFIRMED: N_("vient"),
    Ending.CANCELLED: N_("ne vient pas"),
    Ending.MOVED: N_("autre date"),
    Ending.VOICEMAIL: N_("message laissé"),
    Ending.NO_ANSWER: N_("ne répond pas"),
    Ending.WRONG_NUMBER: N_("mauvais n°"),
    Ending.OTHER: N_("autre"),
}


def day_calls(visit: Visit) -> Response:
    return _shown(visit)


def _shown(visit: Visit, status: int = 200, problem: str = "", about: int = 0) -> Response:
    staff, asked = visit.staff, _asked(visit)
    day, uf = day_of(visit, asked.get("jour", "")), _service(visit)
    after = cast("tuple[int, int, int]", cursor(asked.get("apres", ""), 3) or FIRST)
    page = MOST_CALLS if asked.get("tout") else PAGE
    ufs = visit.viewer.ufs(May.SEE_TASKS)
    found = calls(
        staff.store, staff.rules, day, uf=uf, ufs=ufs, after=after, limit=page + 1, now=visit.now
    )
    shown, more = found[:page], found[page:]
    number = shown[0].of if shown else 0
    visit.saw("calls.view", "", day.isoformat())

    def to(**changes: object) -> str:
        return address(HOME, **{"jour": _day(visit, day), "service": uf, **changes})

    return visit.page(
        "calls/list.html", status, day=day, today=today(visit), calls=shown, service=uf,
        services=services(visit, May.SEE_TASKS), label=_label(visit, uf),
        before=to(jour=_day(visit, day - timedelta(days=1))),
        after=to(jour=_day(visit, day + timedelta(days=1))), now_day=to(jour=""),
        first=to() if after != FIRST else "",
        following=to(apres=dotted(shown[-1].place)) if more else "",
        wrong=about if any(one.task == about for one in shown) else 0,
        number=number, whole=to(tout=1) if number > len(shown) and page == PAGE else "",
        cursor=dotted(after) if after != FIRST else "", choices=[(e, SHORT[e]) for e in CHOICES],
        spoken=_spoken(shown), problem=problem, endings=say.ENDINGS,
        done_before=_number(visit.query.get("fait", "")), can=visit.viewer.may(May.DO_TASKS),
        held_by_me=visit.viewer.login,
    )  # fmt: skip


def _spoken(found: list[Call]) -> list[tuple[str, str]]:
    """What to say, once for each reason and sheet, for paper: (reason, words)."""
    return list(dict.fromkeys((one.why, one.printed) for one in found if one.printed))


def _asked(visit: Visit) -> Any:
    return visit.form if visit.request.method == "POST" else visit.query


def _service(visit: Visit) -> str:
    return service_of(visit, May.SEE_TASKS, _asked(visit).get("service", ""))


def _label(visit: Visit, uf: str) -> str:
    office = visit.staff.rules.offices.get(uf)
    return office.label if office else uf


def _day(visit: Visit, day: Any) -> str:
    return "" if day == today(visit) else day.isoformat()


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def record(visit: Visit) -> Response:
    """End one call: the button says which and how, « 12:voicemail »."""
    key, _, code = visit.form.get("fin", "").partition(":")
    ending = next((one for one in CHOICES if one.value == code), None)
    staff, scope = visit.staff, visit.viewer.ufs(May.DO_TASKS)
    row = of_viewer(staff.store, staff.rules, _number(key), scope)
    if row is None or ending is None:
        return visit.missing(visit.words.gettext(say.GONE))
    try:
        worklist.resolve(
            staff.store, staff.secret, row.id, ending, visit.viewer.login,
            appointment=row.appointment_id,
            version=_number(visit.form.get(f"vu_{row.id}", "")), now=visit.now,
        )  # fmt: skip
    except TaskRefused as refused:
        who = row.doer if row.state == "done" else row.holder
        sentence = visit.words.gettext(REFUSED.get(refused.code, REFUSED["invalid"]))
        return _shown(visit, 409, sentence % {"name": who or "…"}, row.id)
    if ending in TRIES:  # when it comes back
        worklist.tend(staff.store, staff.rules, now=visit.now)
    staff.changed()
    visit.saw("task.end", f"task:{row.id}", ending.value)
    form = visit.form
    back = address(
        HOME, jour=form.get("jour", ""), service=_service(visit), apres=form.get("apres", ""),
        fait="" if ending in TRIES else row.id,
    )  # fmt: skip
    anchor = _number(form.get(f"suite_{row.id}", ""))
    noted = say.TRIED if ending in TRIES else say.NOTED
    said = visit.words.gettext(noted) % {"ending": visit.words.gettext(SHORT[ending])}
    return visit.go(f"{back}#appel-{anchor}" if anchor else back, said)


REFUSED = {
    "held": N_("%(name)s s’occupe déjà de cet appel. Rien n’a été changé."),
    "done": N_("Cet appel a déjà été noté par %(name)s. Rien n’a été changé."),
    "moved": say.MOVED,
    "invalid": N_("Cet appel ne peut pas se terminer ainsi."),
    "past": N_("Ce rendez-vous a déjà commencé : choisir une autre fin."),
    "cancelled": N_("Ce rendez-vous est annulé dans le DPI : choisir une autre fin."),
    "unknown": say.GONE,
}

ROUTES = (
    Route("GET", HOME, May.SEE_TASKS, day_calls),
    Route("POST", HOME, May.DO_TASKS, record),
)
