"""Appointments: the day, a search, one appointment's story, and what is done for a patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from secrets import token_urlsafe
from urllib.parse import urlencode

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.answer import AnswerKind
from reminders.domain.appointment import Status
from reminders.domain.calls import MOTIVES
from reminders.domain.marking import N_
from reminders.domain.outcome import OPEN, Attendance, why_closed
from reminders.services import appointments, coming
from reminders.services.appointments import Life, Refused, Search
from reminders.services.day_list import Wish, mark_day
from reminders.services.holding import Kept, kept_back
from reminders.services.resend import purpose_of, resend
from reminders.services.story import REASONS
from reminders.services.writing_survey import Means
from reminders.store.appointments import COUNTED, Place
from reminders.store.engine import Record
from reminders.store.types import instant
from reminders.web.staff.appointments_words import (
    ANSWER,
    ATTENDED,
    CHANNELS,
    STATUS,
    TOLD,
    line_of,
    reason,
    step_of,
)
from reminders.web.staff.attendance import FATES
from reminders.web.staff.visit import Route, Visit

HOURS = range(7, 20)  # one may go straight to one of these
SEARCHED = 28  # days a search covers unless told otherwise
REASONS_ASKED = (
    "no_contact", "landline_only", "invalid_number", "objection", "unmapped", "excluded", "no_hour",
    "duplicate", "deceased", "identity", "confidential", "answered", "cancellation_asked",
    "booked_late", "no_moment", "cap_day", "cap_appointment", "stopped", "channels_failed",
    "no_template", "empty_variable",
)  # fmt: skip
BECAME = {  # as the first page's figures count
    "no-show": N_("non-venu"),
    "confirmed": N_("confirmé, après un message"),
    "cancelled-early": N_("annulé 48 h avant ou plus"),
}
DONE = {
    "confirmed": N_("C’est noté : le patient vient. Le DPI garde l’heure telle qu’elle est."),
    "cancelled": N_(
        "C’est noté : le patient annule. Les rappels s’arrêtent ; le DPI reste à mettre à jour."
    ),
}


# --- the day and the search ----------------------------------------------------------------------


def day(visit: Visit) -> Response:
    today = visit.words.now.date()
    chosen = _date(visit, "jour", today)
    hour = _whole(visit.query.get("heure", ""), 0, 23)
    search = Search(
        chosen, chosen, _ufs(visit), visit.query.get("agenda", "").strip(), hour=hour or 0
    )
    listing = _look(visit, search, counted=True)
    visit.saw("list appointments", f"day:{chosen.isoformat()}")
    kept = _kept(visit, ("site", "uf", "agenda"))
    return visit.page(
        "appointments/day.html",
        listing=listing,
        counted=COUNTED,
        hours=_by_hour(visit, listing.rows),
        day=chosen,
        today=today,
        before=_address("/rendez-vous", kept, jour=chosen - timedelta(days=1)),
        after=_address("/rendez-vous", kept, jour=chosen + timedelta(days=1)),
        first=_address("/rendez-vous", kept, jour=chosen) if visit.query.get("apres") else "",
        more=_address(
            "/rendez-vous", kept, jour=chosen, heure=hour, apres=written(listing.after)
        ) if listing.after else "",
        straight=[(one, _address("/rendez-vous", kept, jour=chosen, heure=one)) for one in HOURS],
        hour=hour,
        whole=_address("/rendez-vous", kept, jour=chosen),
        writes=visit.viewer.may(May.WRITE_TO_SESSION),
        session=_address("/ecrire", _kept(visit, ("uf", "agenda")), jour=chosen),
        **_places(visit),
        **_tables(visit),
    )  # fmt: skip


def search(visit: Visit) -> Response:
    today = visit.words.now.date()
    first = _date(visit, "du", today)
    wished = _date(visit, "au", first + timedelta(days=SEARCHED))
    last = min(max(first, wished), first + timedelta(days=appointments.LONGEST))
    asked = Search(
        first,
        last,
        _ufs(visit),
        visit.query.get("agenda", "").strip(),
        _one_of(visit, "statut", STATUS),
        _one_of(visit, "reponse", ANSWER),
        _one_of(visit, "motif", REASONS),
        outcome=_one_of(visit, "issue", BECAME),
    )
    listing = _look(visit, asked)
    visit.saw("search appointments", f"day:{first.isoformat()}")
    kept = _kept(visit, ("du", "au", "site", "uf", "agenda", "statut", "reponse", "motif", "issue"))
    return visit.page(
        "appointments/search.html",
        listing=listing,
        days=_by_day(visit, listing.rows),
        asked=asked,
        became=BECAME,
        backwards=wished < first,
        too_long=wished > last,
        reasons=[(code, reason(visit.words, code)) for code in REASONS_ASKED],
        until=instant(listing.after[0]) if listing.partly and listing.after else None,
        first=_address("/rendez-vous/recherche", kept) if visit.query.get("apres") else "",
        more=_address("/rendez-vous/recherche", kept, apres=written(listing.after))
        if listing.after
        else "",
        **_places(visit),
        **_tables(visit),
    )


def _look(visit: Visit, search: Search, *, counted: bool = False) -> appointments.Listing:
    return appointments.look(
        visit.staff.store,
        search,
        visit.viewer.ufs(May.SEE_PATIENTS),
        visit.staff.zone,
        after=place(visit.query.get("apres", "")),
        counted=counted,
        now=visit.now,
    )


def _tables(visit: Visit) -> dict[str, object]:
    return {
        "status": STATUS,
        "answers": ANSWER,
        "told": TOLD,
        "attended": ATTENDED,
        "at_of": lambda row: instant(row.starts_at),
        "why": lambda code: reason(visit.words, code),
    }


@dataclass(frozen=True, slots=True)
class Part:
    """The appointments of one hour, or of one day."""

    at: datetime
    rows: list[Record]


def _by_hour(visit: Visit, rows: Sequence[Record]) -> list[Part]:
    return _parts(visit, rows, {"minute": 0, "second": 0, "microsecond": 0})


def _by_day(visit: Visit, rows: Sequence[Record]) -> list[Part]:
    return _parts(visit, rows, {"hour": 0, "minute": 0, "second": 0, "microsecond": 0})


def _parts(visit: Visit, rows: Sequence[Record], begin: Mapping[str, int]) -> list[Part]:
    parts: list[Part] = []
    for row in rows:
        at = visit.words.local(instant(row.starts_at)).replace(**begin)  # type: ignore[arg-type]
        if not parts or parts[-1].at != at:
            parts.append(Part(at, []))
        parts[-1].rows.append(row)
    return parts


# --- what is asked for, in the address ------------------------------------------------------------


def _date(visit: Visit, name: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(visit.query.get(name, ""))
    except ValueError:
        return otherwise
    return found if 1990 <= found.year <= 2200 else otherwise


def _whole(text: str, least: int, most: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and least <= int(text) <= most else None


def _one_of(visit: Visit, name: str, known: Mapping[str, object]) -> str:
    found = visit.query.get(name, "")
    return found if found in known else ""


def _ufs(visit: Visit) -> frozenset[str]:
    """The service chosen, else those of the site chosen; nothing for all that may be seen."""
    if uf := visit.query.get("uf", "").strip():
        return frozenset({uf})
    if site := visit.query.get("site", ""):
        return frozenset(appointments.ufs_of_site(visit.staff.sites, site)) or frozenset({"?"})
    return frozenset()


def _places(visit: Visit) -> dict[str, object]:
    """The sites and services one may choose from, and what is chosen."""
    desks = visit.staff.rules.desks
    seen = visit.viewer.ufs(May.SEE_PATIENTS)
    services = sorted(
        ((uf, desk.label) for uf, desk in desks.items() if seen is None or uf in seen),
        key=lambda one: one[1].casefold(),
    )
    sites = sorted({desks[uf].site_id: desks[uf].establishment for uf, _ in services}.items())
    return {
        "services": services,
        "sites": sites,
        "labels": {uf: desk.label for uf, desk in desks.items()},
        "uf": visit.query.get("uf", "").strip(),
        "site": visit.query.get("site", ""),
        "agenda": visit.query.get("agenda", "").strip(),
    }


def _kept(visit: Visit, names: tuple[str, ...]) -> dict[str, str]:
    return {name: visit.query[name] for name in names if visit.query.get(name)}


def _address(path: str, kept: dict[str, str], **added: object) -> str:
    values = kept | {name: str(value) for name, value in added.items() if value not in (None, "")}
    return f"{path}?{urlencode(values)}" if values else path


def written(place: Place | None) -> str:
    return f"{place[0]}.{place[1]}" if place else ""


def place(text: str) -> Place | None:
    start, _, key = text.partition(".")
    if not (start.isascii() and start.isdigit() and key.isascii() and key.isdigit()):
        return None
    found = int(start), int(key)
    return found if max(found) < 2**63 else None


# --- one appointment ------------------------------------------------------------------------------


def one(visit: Visit) -> Response:
    return _one(visit)


def _one(visit: Visit, status: int = 200, problem: str = "") -> Response:
    key = int(visit.path["appointment"])
    life = appointments.life_of(visit.staff.store, key, now=visit.now)
    if life is None or not visit.viewer.may_in(May.SEE_PATIENTS, life.appointment.uf):
        return visit.missing()
    visit.saw("see appointment", f"appointment:{key}")
    uf = life.appointment.uf
    desk = visit.staff.rules.desks.get(uf)
    return visit.page(
        "appointments/one.html",
        status,
        one=life.appointment,
        starts_at=life.starts_at,
        past=[line_of(visit.words, moment) for moment in life.past],
        coming=[line_of(visit.words, moment) for moment in life.coming],
        planned=any(moment.kind in ("planned", "held") for moment in life.coming),
        motives=MOTIVES,
        desk=desk,
        problem=problem,
        request=token_urlsafe(12),
        act=visit.viewer.may_in(May.ACT_FOR_PATIENTS, uf),
        attend=visit.viewer.may_in(May.MARK_ATTENDANCE, uf),
        open=life.appointment.status == "booked" and life.starts_at > visit.now,
        begun=life.starts_at <= visit.now,
        markable=Status(life.appointment.status) in OPEN,
        stopped=life.appointment.stopped_cycle == life.appointment.version,
        resendable=_resendable(visit, life),
        kept=_kept_back(life.appointment),
        **_tables(visit),
    )


def _kept_back(row: Record) -> list[Kept]:
    if row.hold_id is None:
        return []
    return [Kept(row.hold_id, row.hold_source, instant(row.held_at), row.held_by)]


def _resendable(visit: Visit, life: Life) -> tuple[bool, str]:
    """(may a reminder be sent again, what it would say or why not), as far as the page knows;
    everything is asked again when it is."""
    row = life.appointment
    if why := why_closed(Status(row.status), life.starts_at, visit.now):
        return False, visit.words.gettext(appointments.CLOSED[why])
    if row.deceased or row.blocked:
        return False, reason(visit.words, "deceased" if row.deceased else row.blocked)
    if not any((row.phone, row.email, row.proxy_phone, row.proxy_email)):
        return False, reason(visit.words, "no_contact")
    purpose = purpose_of(life.decisions)
    if not purpose:
        return False, visit.words.gettext("Aucun rappel n’existe pour ce rendez-vous.")
    steps = [step_of(visit.words, one) for one in life.decisions if one.purpose == purpose]
    return True, steps[-1]


def texts(visit: Visit) -> Response:
    """The messages still to leave, word for word."""
    key = int(visit.path["appointment"])
    found = coming.texts_of(visit.staff.store, means(visit), key, now=visit.now)
    if found is None or not visit.viewer.may_in(May.SEE_PATIENTS, found.uf):
        return visit.missing()
    visit.saw("see appointment", f"appointment:{key}")
    return visit.page("appointments/texts.html", found=found, channels=CHANNELS, reasons=REASONS)


def means(visit: Visit) -> Means:
    staff = visit.staff
    return Means(staff.rules, staff.composer, staff.routes, staff.secret, staff.zone)


# --- deeds ---------------------------------------------------------------------------------------


def _here(visit: Visit, may: May) -> int | None:
    """The appointment of the address, if it is of a service one may do this for."""
    key = int(visit.path["appointment"])
    uf = appointments.uf_of(visit.staff.store, key)
    return key if uf is not None and visit.viewer.may_in(may, uf) else None


def answer(visit: Visit) -> Response:
    key = _here(visit, May.ACT_FOR_PATIENTS)
    if key is None:
        return visit.missing()
    said = visit.form.get("reponse", "")
    if said not in DONE:
        return _one(visit, 422, visit.words.gettext("Choisir une réponse."))
    shown = visit.form.get("version", "")
    try:
        appointments.answer_by_phone(
            visit.staff.store, key, AnswerKind(said),
            version=int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 10 else 0,
            request=visit.form.get("demande", "") or token_urlsafe(12),
            by=visit.viewer.login, now=visit.now,
        )  # fmt: skip
    except Refused as refused:
        return _one(visit, 409, visit.words.gettext(refused.sentence))
    visit.staff.changed()
    return visit.go(f"/rendez-vous/{key}", visit.words.gettext(DONE[said]))


def send_again(visit: Visit) -> Response:
    key = _here(visit, May.ACT_FOR_PATIENTS)
    if key is None:
        return visit.missing()
    request = visit.form.get("demande", "") or token_urlsafe(12)
    try:
        resend(
            visit.staff.store, means(visit), key,
            request=request, by=visit.viewer.login, now=visit.now,
        )  # fmt: skip
    except Refused as refused:
        return _one(visit, 409, visit.words.gettext(refused.sentence))
    visit.staff.changed()
    said = (
        N_("Le message est prévu, mais les envois sont retenus : il part s’ils sont libérés.")
        if kept_back(visit.staff.store, [key])
        else N_("Le message est prévu ; il part aux heures permises.")
    )
    return visit.go(f"/rendez-vous/{key}", visit.words.gettext(said))


def reminders(visit: Visit) -> Response:
    key = _here(visit, May.ACT_FOR_PATIENTS)
    if key is None:
        return visit.missing()
    stop = visit.form.get("rappels", "") == "arreter"
    act = appointments.stop_reminders if stop else appointments.resume_reminders
    try:
        act(visit.staff.store, key, by=visit.viewer.login, now=visit.now)
    except Refused as refused:
        return _one(visit, 409, visit.words.gettext(refused.sentence))
    visit.staff.changed()
    said = N_("Plus de rappel pour ce rendez-vous.") if stop else N_("Les rappels reprennent.")
    return visit.go(f"/rendez-vous/{key}", visit.words.gettext(said))


def presence(visit: Visit) -> Response:
    key = _here(visit, May.MARK_ATTENDANCE)
    if key is None:
        return visit.missing()
    word = visit.form.get("presence", "")
    if word not in ("", *ATTENDED):
        return _one(visit, 422, visit.words.gettext("Choisir une présence."))
    staff, seen = visit.staff, visit.form.get("vu", "")
    wish = Wish(Attendance(word), Attendance(seen) if seen in ATTENDED else Attendance.UNMARKED)
    fates, _ = mark_day(
        staff.store, staff.rules, {key: wish}, staff.zone, None, by=visit.viewer.login,
        now=visit.now,
    )  # fmt: skip
    if (fate := fates[key]) in FATES:
        return _one(visit, 409, visit.words.gettext(FATES[fate]))
    visit.saw("attendance.mark", f"appointment:{key}", word)
    return visit.go(f"/rendez-vous/{key}", visit.words.gettext("La présence est notée."))


ROUTES = (
    Route("GET", "/rendez-vous", May.SEE_PATIENTS, day),
    Route("GET", "/rendez-vous/recherche", May.SEE_PATIENTS, search),
    Route("GET", "/rendez-vous/{appointment:int}", May.SEE_PATIENTS, one),
    Route("GET", "/rendez-vous/{appointment:int}/a-venir", May.SEE_PATIENTS, texts),
    Route("POST", "/rendez-vous/{appointment:int}/reponse", May.ACT_FOR_PATIENTS, answer),
    Route("POST", "/rendez-vous/{appointment:int}/renvoyer", May.ACT_FOR_PATIENTS, send_again),
    Route("POST", "/rendez-vous/{appointment:int}/rappels", May.ACT_FOR_PATIENTS, reminders),
    Route("POST", "/rendez-vous/{appointment:int}/presence", May.MARK_ATTENDANCE, presence),
)
