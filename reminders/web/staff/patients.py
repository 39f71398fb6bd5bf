"""Who calls, what happened to them, and what they say: search, one person's page, and its verbs.

What is typed to find somebody is never part of an address: the search is sent and answered.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.answer import AnswerKind
from reminders.domain.marking import N_
from reminders.services import notes, patients, recipients
from reminders.services import object as objecting
from reminders.services.notes import NotNoted
from reminders.services.patients import LAST, SAYS, NotSaid, Said
from reminders.services.recipients import NotTold, Told
from reminders.store.engine import Record
from reminders.store.patients import EVERYTHING
from reminders.store.types import instant
from reminders.web.staff import patients_words as say
from reminders.web.staff.asked import address, cursor, dotted
from reminders.web.staff.visit import Route, Visit

HOME = "/patients"
REQUEST = re.compile(r"[A-Za-z0-9_-]{8,40}")
NOBODY = N_("Ce patient n’est pas connu ici, ou aucun de ses rendez-vous n’est dans vos services.")


# --- search --------------------------------------------------------------------------------------


def blank(visit: Visit) -> Response:
    return visit.page("patients/search.html", findings=None, typed="", read_as="", problem="")


def search(visit: Visit) -> Response:
    typed = visit.form.get("qui", "")
    staff, words = visit.staff, visit.words
    ufs = visit.viewer.ufs(May.SEE_PATIENTS)
    found = patients.search(staff.store, staff.secret, typed, ufs, now=visit.now)
    visit.saw("patient.search", detail=",".join(found.asked.kinds))
    read_as = say.read_as(words, found.asked)
    if len(found.found) == 1 and not found.more:
        said = words.gettext("Cherché comme %(what)s : une seule personne.", what=read_as)
        return visit.go(f"{HOME}/{found.found[0].row.id}", said)
    problem = words.gettext(say.PROBLEMS[found.asked.problem]) if found.asked.problem else ""
    return visit.page(
        "patients/search.html", 422 if not found.asked.kinds else 200, findings=found,
        typed=typed, read_as=read_as, problem=problem, say=say, narrowed=ufs is not None,
        kept=staff.settings.retention.identity_days,
    )  # fmt: skip


# --- one person ----------------------------------------------------------------------------------


def one(visit: Visit) -> Response:
    return _one(visit)


def _one(
    visit: Visit, status: int = 200, problem: str = "", typed: Mapping[str, str] | None = None
) -> Response:
    staff, patient = visit.staff, int(visit.path["patient"])
    chosen = visit.query.get("voir", "")
    chosen = chosen if chosen in say.KINDS else ""
    kind = say.KINDS[chosen][0]
    found = patients.person(
        staff.store, staff.secret, patient, visit.viewer.ufs(May.SEE_PATIENTS),
        kinds=(kind,) if kind else EVERYTHING, before=_place(visit.query.get("avant", "")),
        now=visit.now,
    )  # fmt: skip
    if found is None:
        return visit.missing(visit.words.gettext(NOBODY))
    if found.own.merged_into is not None:
        return visit.go(f"{HOME}/{found.own.merged_into}")
    visit.saw("patient.view", f"patient:{patient}")
    words, path = visit.words, f"{HOME}/{patient}"
    older, office = dotted(found.older), _office(visit)
    tabs = [
        (address(path, voir=name), words.gettext(said), None, name == chosen)
        for name, (_, said) in say.KINDS.items()
    ]
    return visit.page(
        "patients/one.html", status, one=found, own=found.own, path=path, tabs=tabs,
        past=[say.entry(words, line, office) for line in found.past],
        ahead=[say.entry(words, line, office) for line in found.ahead],
        older=address(path, voir=chosen, avant=older) if older else "",
        later=visit.query.get("avant", ""), say=say, says=SAYS, instant=instant,
        can=_acts(visit, found.own, found.visits), services=_services(visit, found),
        office=office, typed=_typed(typed), problem=problem, request=_request(),
    )  # fmt: skip


def _place(text: str) -> tuple[int, int, int]:
    found = cursor(text, 3)
    return LAST if found is None else (found[0], found[1], found[2])


def _typed(form: Mapping[str, str] | None) -> Mapping[str, str]:
    """What was typed, kept where something was wrong; "" for every field it lacks."""
    return defaultdict(str, form or {})


def _request() -> str:
    """What makes a form sent twice one form."""
    return secrets.token_urlsafe(12)


def _requested(visit: Visit) -> str:
    found = visit.form.get("demande", "")
    return found if REQUEST.fullmatch(found) else _request()


def _acts(visit: Visit, own: Record, visits: Sequence[Record]) -> bool:
    """May this person write something down about this patient?"""
    held = visit.viewer.ufs(May.ACT_FOR_PATIENTS)
    return own.contact_problem != "purged" and (held is None or bool(held))


def _services(visit: Visit, found: patients.Person) -> list[tuple[str, str]]:
    """(UF, label) of the services a note may belong to: the patient's that this person works in,
    the next appointment's first."""
    lines = [one.uf for one in found.visits] + [line.uf for line in reversed(found.past)]
    held = visit.viewer.ufs(May.ACT_FOR_PATIENTS)
    ufs = [uf for uf in dict.fromkeys(lines) if uf and (held is None or uf in held)]
    office = _office(visit)
    return [(uf, office(uf)) for uf in ufs] or _own_services(visit)


def _own_services(visit: Visit) -> list[tuple[str, str]]:
    held = visit.viewer.ufs(May.ACT_FOR_PATIENTS)
    offices = visit.staff.rules.offices
    return sorted((uf, one.label) for uf, one in offices.items() if held is None or uf in held)


def _office(visit: Visit) -> Any:
    offices = visit.staff.rules.offices

    def label(uf: str) -> str:
        return offices[uf].label if uf in offices else uf

    return label


def _files(visit: Visit) -> Sequence[Record]:
    """The person of this address, for whoever may act for them; else empty."""
    ufs = visit.viewer.ufs(May.ACT_FOR_PATIENTS)
    return patients.seen_by(visit.staff.store, int(visit.path["patient"]), ufs)


# --- what is said by telephone -------------------------------------------------------------------

CONSEQUENCES = {
    AnswerKind.CONFIRMED: N_(
        "C’est noté : il vient. Les rappels qui demandent une réponse ne partiront plus."
    ),
    AnswerKind.CANCELLED: N_(
        "L’annulation est notée. Plus aucun rappel de ce rendez-vous ne partira."
    ),
    AnswerKind.RESCHEDULE: N_(
        "C’est noté : il veut une autre date. Une tâche attend le service dans « À traiter »."
    ),
    AnswerKind.QUESTION: N_(
        "La question est notée. Une tâche attend le service dans « À traiter »."
    ),
}
TO_THE_DPI = {
    True: N_("Le DPI en est averti."),
    False: N_("Reste à l’enregistrer dans le DPI : une ligne est dans « À traiter »."),
}
AGAIN = N_("C’était déjà noté : rien n’a été enregistré deux fois.")


def told(visit: Visit) -> Response:
    """What the patient says of an appointment to come."""
    staff, form = visit.staff, visit.form
    if not _files(visit):
        return visit.missing(visit.words.gettext(NOBODY))
    appointment, _, version = form.get("rdv", "").partition(":")
    kind = form.get("dit", "")
    known = _visit(visit, appointment)
    if known is None or not version.isdigit():
        return _one(visit, 422, visit.words.gettext("Choisir de quel rendez-vous il s’agit."), form)
    if kind not in SAYS:
        return _one(visit, 422, visit.words.gettext("Choisir ce que dit le patient."), form)
    try:
        said = patients.say(
            staff.store, known, int(version), kind, request=_requested(visit),
            by=visit.viewer.login, words=form.get("mots", ""), now=visit.now,
        )  # fmt: skip
    except (NotSaid, NotNoted) as refused:
        return _one(visit, 409, visit.words.gettext(refused.sentence), form)
    staff.changed()
    return visit.go(f"{HOME}/{visit.path['patient']}", _consequence(visit, said))


def _visit(visit: Visit, text: str) -> int | None:
    """The key of one of this person's appointments, in a service where one may act."""
    if not text.isascii() or not text.isdigit():
        return None
    found = patients.person(
        visit.staff.store, visit.staff.secret, int(visit.path["patient"]),
        visit.viewer.ufs(May.ACT_FOR_PATIENTS), kinds=("acts",), now=visit.now,
    )  # fmt: skip
    keys = {one.id for one in found.visits} if found else set()
    return int(text) if int(text) in keys else None


def _consequence(visit: Visit, said: Said) -> str:
    words = visit.words
    if not said.new:
        return words.gettext(AGAIN)
    sentence = words.gettext(CONSEQUENCES[said.kind])
    if said.kind is AnswerKind.CANCELLED:
        written = any(one.id == said.source and one.write_back for one in visit.staff.settings.dpi)
        follows = TO_THE_DPI[written and visit.staff.mode == "live"]
        sentence += " " + words.gettext(follows)
    return sentence


def note(visit: Visit) -> Response:
    form = visit.form
    if not (files := _files(visit)):
        return visit.missing(visit.words.gettext(NOBODY))
    uf = form.get("service", "")
    if not visit.viewer.may_in(May.ACT_FOR_PATIENTS, uf):
        return _one(visit, 422, visit.words.gettext("Choisir le service qui note."), form)
    try:
        notes.add(
            visit.staff.store, files[0].id, form.get("note", ""), uf=uf,
            origin=f"note:{_requested(visit)}", by=visit.viewer.login, now=visit.now,
        )  # fmt: skip
    except NotNoted as refused:
        return _one(visit, 422, visit.words.gettext(refused.sentence), form)
    return visit.go(f"{HOME}/{files[0].id}", visit.words.gettext("La note est gardée."))


# --- who is written to ---------------------------------------------------------------------------


def recipient(visit: Visit) -> Response:
    files = _files(visit)
    if not files:
        return visit.missing(visit.words.gettext(NOBODY))
    visit.saw("patient.view", f"patient:{files[0].id}")
    return _recipient(visit, files)


def _recipient(
    visit: Visit, files: Sequence[Record], status: int = 200, problem: NotTold | None = None
) -> Response:
    typed = _typed(visit.form if status != 200 else None)
    return visit.page(
        "patients/recipient.html", status, own=files[0], say=say, typed=typed,
        problem=problem, request=_request(), path=f"{HOME}/{files[0].id}",
        instant=instant,
    )  # fmt: skip


def tell(visit: Visit) -> Response:
    """First what it would change, then, confirmed, the change."""
    files, form, staff = _files(visit), visit.form, visit.staff
    if not files:
        return visit.missing(visit.words.gettext(NOBODY))
    spoken = Told(form.get("qui", ""), form.get("telephone", ""), form.get("courriel", ""))
    patient, words = files[0].id, visit.words
    try:
        if form.get("confirme") != "oui":
            change = recipients.look(staff.store, staff.secret, patient, spoken, now=visit.now)
            return visit.page(
                "patients/recipient_confirm.html", own=files[0], change=change, told=spoken,
                say=say, request=_requested(visit), path=f"{HOME}/{patient}",
            )  # fmt: skip
        recipients.tell(
            staff.store, staff.secret, patient, spoken, origin=_requested(visit),
            by=visit.viewer.login, now=visit.now,
        )  # fmt: skip
    except NotTold as refused:
        return _recipient(visit, files, 422, refused)
    staff.changed()
    said = words.gettext("C’est noté. Les messages qui ne sont pas partis iront à cette adresse.")
    return visit.go(f"{HOME}/{patient}", said)


def withdraw(visit: Visit) -> Response:
    files, staff = _files(visit), visit.staff
    if not files:
        return visit.missing(visit.words.gettext(NOBODY))
    recipients.withdraw(
        staff.store, staff.secret, files[0].id, by=visit.viewer.login, now=visit.now
    )
    staff.changed()
    said = visit.words.gettext("Les messages iront de nouveau à l’adresse du DPI.")
    return visit.go(f"{HOME}/{files[0].id}", said)


# --- objections ----------------------------------------------------------------------------------


def objection(visit: Visit) -> Response:
    return _objection(visit)


def _objection(visit: Visit, status: int = 200, problem: str = "") -> Response:
    found = patients.person(
        visit.staff.store, visit.staff.secret, int(visit.path["patient"]),
        visit.viewer.ufs(May.ACT_FOR_PATIENTS), kinds=("acts",), now=visit.now,
    )  # fmt: skip
    if found is None:
        return visit.missing(visit.words.gettext(NOBODY))
    visit.saw("patient.view", f"patient:{found.root}")
    return visit.page(
        "patients/objection.html", status, one=found, own=found.own, say=say, instant=instant,
        services=_services(visit, found), addresses=_addresses(found.own), problem=problem,
        typed=_typed(visit.form if status != 200 else None), path=f"{HOME}/{found.root}",
    )  # fmt: skip


def _addresses(own: Record) -> list[str]:
    known = (own.phone, own.proxy_phone, own.email, own.proxy_email)
    return [one for one in dict.fromkeys(known) if one]


def object_to(visit: Visit) -> Response:
    files, form, staff, words = _files(visit), visit.form, visit.staff, visit.words
    if not files:
        return visit.missing(words.gettext(NOBODY))
    channel, wanted = form.get("canal", ""), form.get("adresse", "")
    scope = _scope(visit, form.get("portee", ""))
    if channel not in ("all", "sms", "email") or not scope:
        return _objection(visit, 422, words.gettext("Choisir le canal, et ce qu’il refuse."))
    if wanted and wanted not in _addresses(files[0]):
        return _objection(visit, 422, words.gettext("Cette adresse n’est pas celle du patient."))
    objecting.object_person(
        staff.store, staff.secret, [one.id for one in files], now=visit.now,
        by=visit.viewer.login, address=wanted, channel=channel, scope=scope,
    )  # fmt: skip
    staff.changed()
    said = words.gettext("L’opposition est en vigueur : plus aucun message de ce genre ne part.")
    return visit.go(f"{HOME}/{files[0].id}", said)


def _scope(visit: Visit, text: str) -> str:
    """What may be refused by somebody who may act there; "" for anything else."""
    kind, _, subject = text.partition(":")
    if kind == "service" and visit.viewer.may_in(May.ACT_FOR_PATIENTS, subject) and subject:
        return text
    if kind == "appointment":
        return text if _visit(visit, subject) is not None else ""
    return "all" if text == "all" else ""


_ONE = "/patients/{patient:int}"
ROUTES = (
    Route("GET", HOME, May.SEE_PATIENTS, blank),
    Route("POST", HOME, May.SEE_PATIENTS, search),
    Route("GET", _ONE, May.SEE_PATIENTS, one),
    Route("POST", f"{_ONE}/dire", May.ACT_FOR_PATIENTS, told),
    Route("POST", f"{_ONE}/notes", May.ACT_FOR_PATIENTS, note),
    Route("GET", f"{_ONE}/destinataire", May.ACT_FOR_PATIENTS, recipient),
    Route("POST", f"{_ONE}/destinataire", May.ACT_FOR_PATIENTS, tell),
    Route("POST", f"{_ONE}/destinataire/retirer", May.ACT_FOR_PATIENTS, withdraw),
    Route("GET", f"{_ONE}/opposition", May.ACT_FOR_PATIENTS, objection),
    Route("POST", f"{_ONE}/opposition", May.ACT_FOR_PATIENTS, object_to),
)
