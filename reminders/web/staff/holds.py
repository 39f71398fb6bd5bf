"""What is held, and why; looking at it, releasing it, discarding it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.template_key import CHANNELS
from reminders.services.hold import (
    HoldRefused,
    discard_feed,
    discard_messages,
    hold_everything,
    release_hold,
)
from reminders.services.holding import Held, held_of, holds_of
from reminders.store.lists import Ufs
from reminders.web.staff.asked import cursor, dotted
from reminders.web.staff.home_words import HOLDS, heard, why
from reminders.web.staff.visit import Route, Visit

HOME = "/retenus"
LONGEST = 200  # characters of a reason


def everything(visit: Visit) -> Response:
    return _everything(visit)


def _everything(visit: Visit, status: int = 200, problem: str = "") -> Response:
    after = cursor(visit.query.get("apres", ""), 2)
    found = holds_of(visit.staff.store, after=(after[0], after[1]) if after else None)
    return visit.page(
        "holds/list.html",
        status,
        found=found,
        hold_words=HOLDS,
        heard=partial(heard, visit.words),
        may_stop=_decides(visit) is None,
        problem=problem,
        typed=visit.form if problem else {},
        longest=LONGEST,
        first=HOME if after else "",
        following=f"{HOME}?apres={dotted(found.after)}" if found.after else "",
    )


def one(visit: Visit) -> Response:
    return _one(visit)


def _one(visit: Visit, status: int = 200, problem: str = "") -> Response:
    """A hold as it is now, whatever was done meanwhile."""
    found = _held(visit)
    if found is None:
        return visit.missing(visit.words.gettext("Cette retenue n’existe pas, ou a été effacée."))
    viewer = visit.viewer
    if found.texts or any(line.name for line in found.appointments):
        visit.saw("see-hold", f"hold:{found.id}")
    return visit.page(
        "holds/one.html",
        status,
        held=found,
        problem=problem,
        hold_words=HOLDS,
        heard=partial(heard, visit.words),
        why=lambda code: why(visit.words, code),
        channels=CHANNELS,
        desks=visit.staff.rules.desks,
        decides=viewer.may(May.RELEASE_HOLDS) and not found.elsewhere,
        may_release=viewer.may(May.RELEASE_HOLDS),
        opens=lambda uf: viewer.may_in(May.SEE_PATIENTS, uf),
        sees=_sees(visit) != frozenset(),
        mode_live=visit.staff.mode == "live",
    )


def _held(visit: Visit) -> Held | None:
    staff = visit.staff
    return held_of(
        staff.store, staff.composer, staff.routes, int(visit.path["hold"]),
        ufs=_sees(visit), named=visit.viewer.ufs(May.SEE_PATIENTS), decides=_decides(visit),
        zone=staff.zone, now=visit.now,
    )  # fmt: skip


def _decides(visit: Visit) -> Ufs:
    return visit.viewer.ufs(May.RELEASE_HOLDS)


def _sees(visit: Visit) -> Ufs:
    """Whose texts are shown: those one decides about, names left out, and one's patients'."""
    both = (_decides(visit), visit.viewer.ufs(May.SEE_PATIENTS))
    if None in both:
        return None
    return frozenset().union(*(one for one in both if one is not None))


# --- deciding ------------------------------------------------------------------------------------


def release(visit: Visit) -> Response:
    def act(hold: int, seen: list[int], **who: Any) -> str:
        back, late = release_hold(visit.staff.store, hold, seen, **who)
        return _said(visit, back, late)

    return _decided(visit, act)


def discard_file(visit: Visit) -> Response:
    def act(hold: int, seen: list[int], **who: Any) -> str:
        back, late = discard_feed(visit.staff.store, hold, seen, **who)
        said = visit.words.gettext("Le fichier est écarté : il ne sera pas appliqué.")
        return f"{said} {_said(visit, back, late)}"

    return _decided(visit, act)


def discard_waiting(visit: Visit) -> Response:
    def act(hold: int, seen: list[int], **who: Any) -> str:
        most = int(visit.form.get("nombre", "0"))
        number = discard_messages(visit.staff.store, hold, seen, most, **who)
        return visit.words.ngettext(
            "%(num)s message écarté : il ne partira pas. La retenue demeure.",
            "%(num)s messages écartés : ils ne partiront pas. La retenue demeure.",
            number,
        )

    return _decided(visit, act)


def _decided(visit: Visit, act: Callable[..., str]) -> Response:
    """Do it, or show the hold as it is now with why it was not done."""
    words, hold = visit.words, int(visit.path["hold"])
    found = _held(visit)
    if found is None:
        return visit.missing(words.gettext("Cette retenue n’existe pas, ou a été effacée."))
    if found.elsewhere:
        return visit.refuse(
            words.gettext(
                "Cette retenue concerne aussi des services qui ne sont pas les vôtres : seul qui "
                "a le droit pour tout l’établissement peut décider."
            )
        )
    if visit.form.get("vu") != "oui":
        return _one(visit, 422, words.gettext("Cocher d’abord ce que vous avez vérifié."))
    seen = [int(one) for one in visit.values("motif") if one.isascii() and one.isdigit()]
    try:
        said = act(hold, seen, now=visit.now, by=visit.viewer.login)
    except HoldRefused as refused:
        return _one(visit, 409, _why_not(visit, refused))
    visit.staff.figures.forget()
    return visit.go(f"{HOME}/{hold}", said)


def _why_not(visit: Visit, refused: HoldRefused) -> str:
    """With the name of whoever decided before: a service knows its accounts by login alone."""
    if refused.by:
        return visit.words.gettext(
            "%(who)s a déjà décidé de cette retenue.", who=visit.who(refused.by)
        )
    return visit.words.gettext(refused.sentence)


def _said(visit: Visit, back: int, late: int) -> str:
    words = visit.words
    told = words.ngettext(
        "%(num)s message repart dans la minute.", "%(num)s messages repartent dans la minute.", back
    )
    if not back:
        told = words.gettext("Aucun message n’attendait.")
    if late:
        told += " " + words.ngettext(
            "%(num)s dont le moment est passé ne partira pas.",
            "%(num)s dont le moment est passé ne partiront pas.",
            late,
        )
    return told


def stop(visit: Visit) -> Response:
    """Hold everything, at once."""
    words, reason = visit.words, visit.form.get("motif", "")
    if _decides(visit) is not None:
        return visit.refuse(words.gettext("Suspendre tous les envois demande un droit général."))
    if not 3 <= len(reason) <= LONGEST:
        return _everything(visit, 422, words.gettext("Dire pourquoi, en quelques mots."))
    new = hold_everything(visit.staff.store, reason, now=visit.now, by=visit.viewer.login)
    visit.staff.figures.forget()
    said = (
        N_("Tous les envois sont suspendus.") if new else N_("Les envois étaient déjà suspendus.")
    )
    return visit.go(HOME, words.gettext(said))


_ONE = "/retenus/{hold:int}"
ROUTES = (
    Route("GET", HOME, May.SEE_HOME, everything),
    Route("POST", f"{HOME}/suspendre", May.RELEASE_HOLDS, stop),
    Route("GET", _ONE, May.SEE_HOME, one),
    Route("POST", f"{_ONE}/liberer", May.RELEASE_HOLDS, release),
    Route("POST", f"{_ONE}/ecarter-fichier", May.RELEASE_HOLDS, discard_file),
    Route("POST", f"{_ONE}/ecarter-messages", May.RELEASE_HOLDS, discard_waiting),
)
