"""The audit: who saw and did what. It is read and exported here, and changed nowhere."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from urllib.parse import urlencode

from fastapi import Response

from reminders.domain.access import May
from reminders.domain.cells import sheet
from reminders.domain.marking import N_
from reminders.services import audit
from reminders.services.audit import NAMED, NUMBERED, SUBJECT, Line, Sought
from reminders.web.staff.audit_words import (
    ACTIONS,
    SUBJECTS,
    about,
    details,
    done,
    subject_code,
)
from reminders.web.staff.visit import Route, Visit
from reminders.web.staff.words import Words

PAGE = 50
FIELDS = ("compte", "action", "sujet", "du", "au")  # of the address: ids, codes and dates only
HEADS = (
    N_("Date et heure"),
    N_("Identifiant"),
    N_("Nom"),
    N_("Ce qui a été fait"),
    N_("Code"),
    N_("Objet"),
    N_("Précisions"),
)
# Where a subject is shown, for those who may see it.
PLACES: Mapping[str, tuple[str, May]] = {
    "account": ("/comptes/", May.MANAGE_ACCOUNTS),
    "appointment": ("/rendez-vous/", May.SEE_PATIENTS),
    "hold": ("/retenus/", May.RELEASE_HOLDS),
    "patient": ("/patients/", May.SEE_PATIENTS),
    "protocol": ("/protocoles/", May.SEE_SERVICES),
    "sheet": ("/consignes/", May.SEE_TEMPLATES),
    "task": ("/a-traiter/", May.SEE_TASKS),
    "template": ("/modeles/", May.SEE_TEMPLATES),
    "uf": ("/services/uf/", May.SEE_SERVICES),
    "writing": ("/ecrire/", May.WRITE_TO_SESSION),
}


def look(visit: Visit) -> Response:
    return _page(visit, visit.query)


def _page(
    visit: Visit, asked: Mapping[str, str], problem: tuple[str, str] | None = None
) -> Response:
    staff = visit.staff
    sought = _sought(asked)
    lines, more = audit.look(
        staff.store, sought, staff.zone, after=asked.get("apres", ""), limit=PAGE
    )
    visit.saw("audit.see")
    kind, _, number = asked.get("sujet", "").partition(":")
    number = audit.login_of(staff.store, f"{kind}:{number}") or number
    return visit.page(
        "audit/list.html",
        422 if problem else 200,
        lines=[_shown(visit, line) for line in lines],
        people=audit.actors(staff.store),
        actions=sorted(ACTIONS, key=lambda code: visit.words.gettext(ACTIONS[code])),
        action_words=ACTIONS,
        subjects={one: SUBJECTS[one] for one in (*NUMBERED, *NAMED)},
        asked={name: asked.get(name, "") for name in FIELDS},
        kind=kind,
        number=number if not problem else visit.form.get("numero", ""),
        problems=[problem] if problem else [],
        filtered=sought != Sought(),
        first=_address(asked) if asked.get("apres") else "",
        following=_address(asked, more) if more else "",
    )


def search(visit: Visit) -> Response:
    """What is typed travels by POST; only what is an id or a code goes on into the address."""
    form = visit.form
    asked = {name: form.get(name, "") for name in FIELDS}
    kind, number = form.get("objet", ""), form.get("numero", "")
    asked["sujet"] = f"{kind}:{number}" if number else ""
    if kind == "account" and number:  # its person's login, or its number in an older address
        asked["sujet"] = audit.account_of(visit.staff.store, number) or asked["sujet"]
    if number and not SUBJECT.fullmatch(asked["sujet"]):
        del asked["sujet"]
        return _page(visit, asked, ("numero", visit.words.gettext(NO_SUBJECT)))
    if (asked["du"] and not _day(asked["du"])) or (asked["au"] and not _day(asked["au"])):
        kept = asked | {name: asked[name] if _day(asked[name]) else "" for name in ("du", "au")}
        return _page(visit, kept, ("du", visit.words.gettext(NO_DAY)))
    return visit.go(_address(asked))


# A line tells no service: who administers one site cannot be shown only its lines.
WHOLE = N_("Le journal couvre tout l’établissement : il faut un rôle qui vaut partout.")
NO_SUBJECT = N_(
    "Un objet se désigne par son numéro dans ce service, celui de l’adresse de sa page : 12. "
    "Ni nom ni téléphone ici."
)
NO_DAY = N_("Date attendue sous la forme 2026-10-14.")


def export(visit: Visit) -> Response:
    staff, words = visit.staff, visit.words
    visit.saw("audit.export")
    lines = audit.everything(staff.store, _sought(visit.form), staff.zone)
    heads = [words.gettext(one) for one in HEADS]
    name = f"journal-{visit.now.astimezone(staff.zone):%Y-%m-%d}.csv"
    return visit.download(sheet(heads, _cells(lines, words)), name, "text/csv; charset=utf-8")


def _cells(lines: Iterable[Line], words: Words) -> Iterator[list[str]]:
    for line in lines:
        yield [
            words.local(line.at).isoformat(timespec="seconds"),
            line.actor,
            line.name,
            done(line, words),
            line.action,
            subject_code(line),
            details(line, words),
        ]


def _shown(visit: Visit, line: Line) -> dict[str, object]:
    code, _, name = subject_code(line).partition(":")
    place, may = PLACES.get(code, ("", None))
    kind, called = about(line, visit.words)
    return {
        "line": line,
        "who": line.name or visit.who(line.actor),
        "done": done(line, visit.words),
        "kind": kind,
        "name": called,
        "address": f"{place}{name}" if name and may is not None and visit.viewer.may(may) else "",
        "details": details(line, visit.words),
    }


def _sought(asked: Mapping[str, str]) -> Sought:
    subject = asked.get("sujet", "")
    return Sought(
        actor=asked.get("compte", ""),
        action=asked.get("action", ""),
        subject=subject if SUBJECT.fullmatch(subject) else "",
        first=_day(asked.get("du", "")),
        last=_day(asked.get("au", "")),
    )


def _day(text: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text)
    return None


def _address(asked: Mapping[str, str], after: str = "") -> str:
    said = {name: asked[name] for name in FIELDS if asked.get(name)}
    query = urlencode(said | ({"apres": after} if after else {}), safe=":")
    return f"/journal?{query}" if query else "/journal"


ROUTES = (
    Route("GET", "/journal", May.SEE_AUDIT, look, WHOLE),
    Route("POST", "/journal", May.SEE_AUDIT, search, WHOLE),
    Route("POST", "/journal/export", May.SEE_AUDIT, export, WHOLE),
)
