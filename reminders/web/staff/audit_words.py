"""What was done, in words, and what stands beside it. A code without words is shown as it is; a
test names it."""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime

from reminders.domain.calls import MOTIVES, Motive
from reminders.domain.marking import N_
from reminders.domain.template_key import CHANNELS as OF_TEMPLATES
from reminders.domain.template_key import LANGUAGES, PURPOSES, key_from
from reminders.domain.template_life import REASONS
from reminders.domain.template_rules import RULES
from reminders.errors import TemplateError
from reminders.services.audit import Line
from reminders.services.costs import COMPONENTS
from reminders.web.staff import todo_words
from reminders.web.staff.accounts import ROLES
from reminders.web.staff.objections_words import CHANNELS, SCOPES
from reminders.web.staff.patients_words import ANSWERS, ATTENDED, RELATIONS
from reminders.web.staff.phonecalls import SAID as CALLS
from reminders.web.staff.phonecalls import UNKNOWN as UNTOLD_MOTIVE
from reminders.web.staff.reports_words import OUTCOMES
from reminders.web.staff.savings_words import DRIVERS, QUANTITIES
from reminders.web.staff.units import SENSITIVITIES
from reminders.web.staff.words import Words, month_of

ACTIONS: Mapping[str, str] = {
    "account.create": N_("a créé un compte"),
    "account.disable": N_("a fermé un compte"),
    "account.enable": N_("a rouvert un compte"),
    "account.grants": N_("a changé les rôles d’un compte"),
    "account.password": N_("a changé son mot de passe"),
    "account.profile": N_("a changé son profil"),
    "account.reset": N_("a remis un compte à zéro"),
    "account.unlock": N_("a débloqué un compte"),
    "answer cancelled": N_("a noté par téléphone que le patient ne vient pas"),
    "answer confirmed": N_("a noté par téléphone que le patient vient"),
    "attendance.mark": N_("a noté une venue"),
    "attendance.view": N_("a ouvert la feuille des présences"),
    "audit.export": N_("a exporté le journal"),
    "audit.see": N_("a consulté le journal"),
    "baseline.import": N_("a repris les rendez-vous passés"),
    "baseline.remove": N_("a effacé les rendez-vous passés repris"),
    "call back": N_("a rappelé un envoi à une séance"),
    "call.note": N_("a noté un appel"),
    "calls.import": N_("a importé des appels"),
    "calls.list": N_("a ouvert la liste des appels derrière un chiffre"),
    "calls.view": N_("a ouvert les appels du jour"),
    "cost.set": N_("a saisi un coût"),
    "cost.withdraw": N_("a retiré un coût"),
    "discard": N_("a abandonné ce qui était retenu"),
    "discard-feed": N_("a écarté un fichier retenu"),
    "discard-messages": N_("a abandonné des messages retenus"),
    "export": N_("a exporté les données"),
    "export.patient": N_("a exporté les données d’un patient"),
    "hold": N_("a suspendu les envois"),
    "holdout.approve": N_("a approuvé le groupe témoin"),
    "holdout.propose": N_("a proposé un groupe témoin"),
    "holdout.stop": N_("a arrêté le groupe témoin"),
    "list appointments": N_("a ouvert les rendez-vous d’un jour"),
    "look at session": N_("a préparé un envoi à une séance"),
    "month.close": N_("a clos un mois"),
    "month.revise": N_("a révisé un mois clos"),
    "note": N_("a écrit une note"),
    "object": N_("a enregistré une opposition"),
    "objections.check": N_("a cherché si une adresse s’oppose"),
    "report.list": N_("a ouvert la liste derrière un chiffre du rapport"),
    "report.export": N_("a exporté un rapport"),
    "objections.export": N_("a exporté les oppositions"),
    "objections.view": N_("a consulté les oppositions"),
    "patient.search": N_("a cherché un patient"),
    "patient.view": N_("a consulté un patient"),
    "protocol.save": N_("a changé un protocole"),
    "release": N_("a libéré les envois"),
    "resend": N_("a renvoyé un message"),
    "resume reminders": N_("a repris les rappels d’un rendez-vous"),
    "savings.list": N_("a ouvert la liste derrière les économies"),
    "say": N_("a noté ce que dit un patient au téléphone"),
    "search appointments": N_("a cherché des rendez-vous"),
    "see appointment": N_("a consulté un rendez-vous"),
    "see writing": N_("a consulté un envoi à une séance"),
    "see-hold": N_("a regardé un envoi retenu"),
    "service.save": N_("a changé le réglage d’une UF"),
    "sheet.approve": N_("a approuvé des consignes"),
    "sheet.call-off": N_("a annulé la mise en service de consignes"),
    "sheet.propose": N_("a proposé des consignes"),
    "sheet.refuse": N_("a refusé des consignes"),
    "sheet.restore": N_("a rétabli des consignes"),
    "sheet.seen": N_("a consulté des consignes, avec des rendez-vous"),
    "sheet.withdraw": N_("a retiré des consignes proposées"),
    "sign-in": N_("s’est connecté"),
    "sign-in.first": N_("s’est connecté pour la première fois"),
    "sign-in.refused": N_("n’a pas pu se connecter"),
    "sign-out": N_("s’est déconnecté"),
    "stop reminders": N_("a arrêté les rappels d’un rendez-vous"),
    "task.end": N_("a terminé une tâche"),
    "task.view": N_("a ouvert une tâche"),
    "tell recipient": N_("a changé le destinataire d’un patient"),
    "template.approve": N_("a approuvé un modèle"),
    "template.call-off": N_("a annulé la mise en service d’un modèle"),
    "template.propose": N_("a proposé un modèle"),
    "template.reject": N_("a refusé un modèle"),
    "template.rollback": N_("est revenu à un modèle approuvé"),
    "template.seen": N_("a consulté un modèle"),
    "template.test": N_("s’est envoyé un essai"),
    "template.withdraw": N_("a retiré un modèle proposé"),
    "withdraw objection": N_("a levé une opposition"),
    "withdraw recipient": N_("a rendu au DPI le destinataire d’un patient"),
    "write": N_("a écrit à une séance"),
}

SUBJECTS: Mapping[str, str] = {
    "patient": N_("patient"),
    "appointment": N_("rendez-vous"),
    "task": N_("tâche"),
    "message": N_("message"),
    "account": N_("compte"),
    "writing": N_("envoi"),
    "hold": N_("envoi retenu"),
    "holdout": N_("groupe témoin"),
    "baseline": N_("état de départ"),
    "uf": N_("UF"),
    "template": N_("modèle"),
    "sheet": N_("consignes"),
    "protocol": N_("protocole"),
    "day": N_("jour"),
}

DETAILS: Mapping[str, str] = {
    "ended": N_("levées"),
    "back": N_("messages repris"),
    "late": N_("dont trop tard"),
    "patients": N_("patients"),
    "login": N_("identifiant"),
    "roles": N_("rôles"),
    "ufs": N_("UF"),
    "reach": N_("patients concernés"),
    "restores": N_("version reprise"),
    "note": "",
    "version": N_("version"),
    "number": N_("version"),
    "steps": N_("étapes"),
    "was": N_("avant"),
    "now": N_("maintenant"),
    "to": N_("version reprise"),
    "channel": N_("canal"),
    "scope": N_("portée"),
    "appointments": N_("rendez-vous"),
    "protocol": N_("protocole"),
    "until": N_("jusqu’à"),
    "sensitivity": N_("sensibilité"),
    "template": N_("modèle"),
    "origin": N_("par quelle voie"),
    "calls": N_("appels"),
    "without": N_("UF laissées de côté"),
    "messages": N_("messages"),
    "reason": N_("raison"),
    "purpose": N_("but"),
    "by": N_("par"),
    "effective": N_("en service"),
    "share": N_("part"),
    "warnings": N_("avertissements acceptés"),
    "answer": N_("réponse"),
    "relation": N_("pour"),
    "typed_by": N_("saisi par"),
    "component": N_("composante"),
    "since": N_("à partir du"),
    "lines": N_("lignes"),
    "kept": N_("gardés"),
    "refused": N_("refusées"),
    "month": N_("mois"),
    "revision": N_("révision"),
    "motive": N_("motif"),
}

# --- what stands beside a line -------------------------------------------------------------------

DAY = re.compile(r"\d{4}-\d\d-\d\d")
MONTH = re.compile(r"\d{4}-\d\d")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
# Yes or no: the sentence says which.
FLAGS: Mapping[str, tuple[str, str]] = {
    "names": (N_("sans les noms"), N_("avec les noms")),
    "alone": ("", N_("sans seconde personne")),
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "purpose": PURPOSES,
    "channel": CHANNELS,
    "scope": SCOPES,
    "sensitivity": SENSITIVITIES,
    "relation": RELATIONS,
    "roles": {str(role): label for role, label in ROLES.items()},
    "answer": {code: words for code, (_, words) in ANSWERS.items()},
    "component": {str(one): words for one, words in COMPONENTS.items()},
    "reason": REASONS,
    "warnings": {code: rule.title for code, rule in RULES.items()},
    "origin": {
        "page": N_("écrit sur la page"),
        "import": N_("importé"),
        "rollback": N_("version reprise"),
        "shipped": N_("livré avec le programme"),
    },
    "was": {"proposed": N_("proposé"), "approved": N_("en cours")},
}
# What one word beside a line means depends on what was done.
NOTES: Mapping[str, Mapping[str, str]] = {
    "attendance.mark": {code: words for code, (_, words) in ATTENDED.items()},
    "call.note": {str(one): words for one, words in MOTIVES.items()},
    "calls.list": {
        **{one.value: words for one, words in CALLS.items()},
        **{one.value: words for one, words in MOTIVES.items()},
        UNTOLD_MOTIVE: MOTIVES[Motive.UNKNOWN],
    },
    "patient.search": {
        "phone": N_("téléphone"), "mail": N_("courriel"), "name": N_("nom"),
        "birth": N_("date de naissance"), "year": N_("année de naissance"), "identifier": N_("IPP"),
    },
    "report.list": {str(one): words for one, words in OUTCOMES.items()},
    "savings.list": {**DRIVERS, **QUANTITIES},
    "task.end": todo_words.ENDINGS,
}  # fmt: skip


def done(line: Line, words: Words) -> str:
    return words.gettext(ACTIONS[line.action]) if line.action in ACTIONS else line.action


def details(line: Line, words: Words) -> str:
    """Counts and codes beside a line, in words."""
    parts = []
    for name, value in line.details.items():
        known = f"{name}:{value}" == line.subject or value == line.login
        if not value or known:  # the subject says it
            continue
        if name in FLAGS:
            parts.append(words.gettext(FLAGS[name][value in ("1", "True")]))
            continue
        codes = NOTES.get(line.action, {}) if name == "note" else VALUES.get(name, {})
        label, value = words.gettext(DETAILS.get(name, name)), _value(name, value, codes, words)
        parts.append(f"{label}{words.colon} {value}" if label else value)
    return ", ".join(one for one in parts if one)


def _value(name: str, value: str, codes: Mapping[str, str], words: Words) -> str:
    """Codes in words where they have some; a list of them keeps its commas. A moment and a share
    as their reader writes them. A scope may name its service."""
    if name == "template":
        return template_named(value, words)
    if name == "scope" and ":" in value:
        kind, _, of = value.partition(":")
        said = words.gettext(codes.get(kind, kind))
        return f"{said} ({of})" if kind == "service" else said
    if codes:
        return ", ".join(words.gettext(codes.get(one, one)) for one in re.split(", ?", value))
    return _figure(name, value, words)


def _figure(name: str, value: str, words: Words) -> str:
    with suppress(ValueError):  # a person's note may look like a day that there is not
        if name == "share":
            return words.percent(float(value))
        if MOMENT.fullmatch(value):
            return words.full_moment(datetime.fromisoformat(value))
        if DAY.fullmatch(value):
            return words.short_date(date.fromisoformat(value))
        if name == "month" and MONTH.fullmatch(value):
            year, _, month = value.partition("-")
            return month_of(datetime(int(year), int(month), 15, tzinfo=words.zone), words)
    return value


# --- what a line is about ------------------------------------------------------------------------


def about(line: Line, words: Words) -> tuple[str, str]:
    """(kind, name) of a subject, as its reader calls it."""
    code, _, name = line.subject.partition(":")
    kind = words.gettext(SUBJECTS[code]) if code in SUBJECTS else code
    if code == "account" and line.login:
        return kind, f"{line.person} ({line.login})" if line.person else line.login
    if code == "template":
        return kind, template_named(name, words)
    if code == "day" and DAY.fullmatch(name):
        return kind, words.short_date(date.fromisoformat(name))
    if code == "uf" and not name:
        return words.gettext("tout l’établissement"), ""
    return kind, "" if code in ("baseline", "holdout") else name  # there is one at a time


def template_named(slug: str, words: Words) -> str:
    """« Demande de confirmation, français, SMS » of confirm.fr.any.sms; another text as it is."""
    try:
        key = key_from(slug)
    except TemplateError:
        return slug
    said = (
        PURPOSES.get(key.purpose, key.purpose),
        LANGUAGES[key.language],
        OF_TEMPLATES[key.channel],
    )
    return ", ".join(words.gettext(one) for one in said)


def subject_code(line: Line) -> str:
    """The subject as a code that names it: account:nadia, not account:12."""
    return f"account:{line.login}" if line.login else line.subject
