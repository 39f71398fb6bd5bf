"""Writing to a session: choose, read who would get what, confirm with numbers, follow."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, time, timedelta
from secrets import token_urlsafe
from urllib.parse import urlencode

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.marking import N_
from reminders.domain.writing import (
    ASKS_A_NUMBER,
    CALLED_OFF,
    LATE,
    MOST,
    PLACE_LONGEST,
    SESSION,
    Details,
    Session,
)
from reminders.services import writing, writing_follow, writing_survey
from reminders.services.agendas import agendas_of, meant
from reminders.services.holding import Kept, kept_back
from reminders.services.writing import Order
from reminders.services.writing_survey import Recipient, Refused, Survey
from reminders.store.engine import Record
from reminders.store.types import instant
from reminders.store.writing import OUTCOMES
from reminders.web.staff.appointments import means, place, written
from reminders.web.staff.appointments_words import CHANNELS, reason
from reminders.web.staff.visit import Route, Visit

PAGE = 50
FIELDS = ("jour", "uf", "agenda", "de", "a", "message", "retard", "lieu")
OUTCOME = {
    "planned": ("waiting", N_("prévus")),
    "held": ("held", N_("retenus")),
    "left": ("done", N_("partis")),
    "delivered": ("done", N_("remis")),
    "failed": ("problem", N_("non remis")),
    "not_written": ("neutral", N_("sans message")),
    "called_back": ("neutral", N_("retirés")),
    "rehearsed": ("neutral", N_("répétés, rien n’est parti")),
}

OF_ONE = {  # the same, of one appointment
    "planned": N_("prévu"),
    "held": N_("retenu"),
    "left": N_("parti"),
    "delivered": N_("remis"),
    "failed": N_("non remis"),
    "not_written": N_("sans message"),
    "called_back": N_("retiré"),
    "rehearsed": N_("répété, rien n’est parti"),
}


def choose(visit: Visit) -> Response:
    """The form, and once a session is chosen, what it would send. Changes nothing."""
    given = {name: visit.query.get(name, "").strip() for name in FIELDS}
    if not given["message"]:
        return _form(visit, given, _agendas(visit, given))
    return _survey(visit, given)


def _survey(visit: Visit, given: dict[str, str]) -> Response:
    agendas: Sequence[tuple[str, int]] = ()
    try:
        seen = _seen(visit, given)
        if not seen.appointments and not seen.too_many:
            agendas = _agendas(visit, given)
            given = given | {"agenda": _meant(agendas, given["agenda"])}
            seen = _seen(visit, given)
    except Refused as refused:
        return _form(visit, given, agendas or _agendas(visit, given), 422, refused)
    visit.saw("look at session", f"day:{seen.session.day.isoformat()}")
    return _form(visit, given, agendas or _shown(seen), seen=seen)


def _seen(visit: Visit, given: dict[str, str]) -> Survey:
    return writing_survey.survey(
        visit.staff.store, means(visit), _session(given), given["message"], _ufs(visit),
        now=visit.now,
    )  # fmt: skip


def _meant(agendas: Sequence[tuple[str, int]], typed: str) -> str:
    """An agenda is one of the day's, however it is typed: a wrong one would be a session without
    anybody. Raises Refused."""
    found = meant(agendas, typed) if typed else ""
    if typed and not found:
        raise Refused("agenda", N_("Aucun rendez-vous à cet agenda ce jour-là : en choisir un."))
    return found


def _shown(seen: Survey) -> list[tuple[str, int]]:
    """The agendas of those a survey found."""
    visits = [visit for one in seen.recipients for visit in one.visits]
    visits += [one.visit for one in seen.missed]
    return sorted(Counter(visit.agenda for visit in visits if visit.agenda).items())


def _form(
    visit: Visit,
    given: dict[str, str],
    agendas: Sequence[tuple[str, int]],
    status: int = 200,
    refused: Refused | None = None,
    seen: Survey | None = None,
) -> Response:
    seen = seen or (refused.survey if refused else None)
    start = _number(visit.query.get("suite", ""))
    shown = seen.recipients[start : start + PAGE] if seen else ()
    return visit.page(
        "writing/choose.html",
        status,
        given=given | {"jour": given["jour"] or visit.words.now.date().isoformat()},
        problem=visit.words.gettext(refused.sentence) if refused else "",
        problem_field={
            "session": "uf",
            "agenda": "agenda",
            "purpose": "message",
            "number": "nombre",
            "retard": "retard",
            "lieu": "lieu",
        }.get(refused.code if refused else "", ""),
        seen=seen,
        shown=shown,
        samples=_samples(seen),
        kept=_kept_back(visit, seen),
        more=_address(given, start + PAGE) if seen and len(seen.recipients) > start + PAGE else "",
        first=_address(given, 0) if start else "",
        agendas=agendas,
        services=_services(visit),
        labels={uf: desk.label for uf, desk in visit.staff.rules.desks.items()},
        purposes=SESSION,
        called_off=CALLED_OFF,
        channels=CHANNELS,
        most=MOST,
        asked=ASKS_A_NUMBER,
        place_longest=PLACE_LONGEST,
        why=lambda code: reason(visit.words, code),
        request=visit.form.get("demande", "") or token_urlsafe(12),
        recent=_recent(visit) if seen is None else (),
        instant=instant,
    )


def _session(given: dict[str, str]) -> Session:
    try:
        day = date.fromisoformat(given["jour"])
        begins = time.fromisoformat(given["de"]) if given["de"] else None
        ends = time.fromisoformat(given["a"]) if given["a"] else None
    except ValueError:
        raise Refused("session", N_("Vérifier la date et les heures.")) from None
    if not 2000 <= day.year <= 2200:
        raise Refused("session", N_("Vérifier la date et les heures."))
    return Session(day, given["uf"], given["agenda"], begins, ends, _details(given))


def _details(given: dict[str, str]) -> Details:
    """What the form says of the lateness or the place, for the text that says it. Raises Refused
    for minutes that are none."""
    place = " ".join(given["lieu"].split())
    typed = given["retard"].strip().removesuffix("min").strip()
    minutes = int(typed[:6]) if typed.isascii() and typed.isdigit() else 0
    if given["message"] == LATE and typed and not minutes:
        raise Refused("retard", N_("Un retard se dit en minutes, de 1 à 600."))
    return Details(minutes, place).of(given["message"])


def _ufs(visit: Visit) -> frozenset[str] | None:
    return visit.viewer.ufs(May.WRITE_TO_SESSION)


def _services(visit: Visit) -> list[tuple[str, str]]:
    ufs = _ufs(visit)
    desks = visit.staff.rules.desks
    found = [(uf, desk.label) for uf, desk in desks.items() if ufs is None or uf in ufs]
    return sorted(found, key=lambda one: one[1].casefold())


def _samples(seen: Survey | None, most: int = 5) -> list[Recipient]:
    """One text of each sort: the channel, the language, whom it is about, one visit or several."""
    sorts: dict[tuple[object, ...], Recipient] = {}
    for one in seen.recipients if seen else ():
        sort = (one.address.channel, one.language[:2], one.address.relation, len(one.visits) > 1)
        sorts.setdefault(sort, one)
    return list(sorts.values())[:most]


def _kept_back(visit: Visit, seen: Survey | None) -> list[Kept]:
    visits = [one for told in seen.recipients for one in told.visits] if seen else []
    about = [one.appointment for one in visits if one.holds]
    return kept_back(visit.staff.store, about) if about else []


def _agendas(visit: Visit, given: dict[str, str]) -> list[tuple[str, int]]:
    """Those one may choose: of the day and service the form names."""
    try:
        day = date.fromisoformat(given["jour"] or visit.words.now.date().isoformat())
    except ValueError:
        return []
    staff = visit.staff
    return agendas_of(staff.store, staff.rules, day, staff.zone, _ufs(visit), uf=given["uf"])


def _recent(visit: Visit) -> Sequence[Record]:
    return writing_follow.recent(visit.staff.store, _ufs(visit))


def _address(given: dict[str, str], start: int) -> str:
    values = {name: value for name, value in given.items() if value}
    return f"/ecrire?{urlencode(values | ({'suite': str(start)} if start else {}))}"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def send(visit: Visit) -> Response:
    given = {name: visit.form.get(name, "") for name in FIELDS}
    order = Order(
        visit.form.get("demande", "") or token_urlsafe(12),
        visit.viewer.login,
        _number(visit.form.get("patients", "")),
        visit.form.get("nombre", "").replace("\u202f", "").replace("\u00a0", ""),
    )
    try:
        key = writing.send(
            visit.staff.store, means(visit), _session(given), given["message"], _ufs(visit), order,
            now=visit.now,
        )  # fmt: skip
    except Refused as refused:
        agendas = _agendas(visit, given)
        return _form(visit, given, agendas, 409 if refused.survey else 422, refused)
    visit.staff.changed()
    waits = kept_back(visit.staff.store, writing=key)
    said = (
        N_("C’est prévu, mais les envois sont retenus : rien ne part avant qu’ils soient libérés.")
        if waits
        else N_("C’est prévu. Cette page suit chaque message.")
    )
    return visit.go(f"/ecrire/{key}", visit.words.gettext(said))


# --- one writing ---------------------------------------------------------------------------------


def follow(visit: Visit) -> Response:
    key = int(visit.path["writing"])
    outcome = visit.query.get("etat", "")
    found = writing_follow.progress(
        visit.staff.store,
        key,
        outcome=outcome if outcome in OUTCOMES else "",
        after=place(visit.query.get("apres", "")) or (0, 0),
        ufs=_ufs(visit),
    )
    if found is None or not _may(visit, found.writing):
        return visit.missing()
    visit.saw("see writing", f"writing:{key}")
    kept = f"/ecrire/{key}" + (f"?etat={outcome}" if outcome in OUTCOMES else "")
    mark = "&" if "?" in kept else "?"
    return visit.page(
        "writing/follow.html",
        found=found,
        one=found.writing,
        kept=kept_back(visit.staff.store, writing=key) if found.waiting else [],
        outcome=outcome,
        outcomes=OUTCOME,
        of_one=OF_ONE,
        labels={uf: desk.label for uf, desk in visit.staff.rules.desks.items()},
        purposes=SESSION,
        called_off=CALLED_OFF,
        channels=CHANNELS,
        why=lambda code: reason(visit.words, code),
        instant=instant,
        whole_day=timedelta(hours=22),
        first=kept if visit.query.get("apres") else "",
        more=f"{kept}{mark}apres={written(found.after)}" if found.after else "",
    )


def _may(visit: Visit, row: Record) -> bool:
    """Of one's own service; what was written to an agenda of several, to whoever may for one."""
    ufs = _ufs(visit)
    return ufs is None or row.uf in ufs or (not row.uf and row.created_by == visit.viewer.login)


def call_back(visit: Visit) -> Response:
    key = int(visit.path["writing"])
    row = writing_follow.find(visit.staff.store, key)
    if row is None or not _may(visit, row):
        return visit.missing()
    number = writing.call_back(visit.staff.store, key, by=visit.viewer.login, now=visit.now)
    visit.staff.changed()
    said = visit.words.ngettext(
        "%(num)s rendez-vous ne recevra pas ce message.",
        "%(num)s rendez-vous ne recevront pas ce message.",
        number,
    )
    return visit.go(f"/ecrire/{key}", said)


ROUTES = (
    Route("GET", "/ecrire", May.WRITE_TO_SESSION, choose),
    Route("POST", "/ecrire", May.WRITE_TO_SESSION, send),
    Route("GET", "/ecrire/{writing:int}", May.WRITE_TO_SESSION, follow),
    Route("POST", "/ecrire/{writing:int}/retirer", May.WRITE_TO_SESSION, call_back),
)
