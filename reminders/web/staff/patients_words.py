"""What the pages of patients say: how a search was read, and each moment of a history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from reminders.domain.calls import MOTIVES, Motive
from reminders.domain.marking import N_
from reminders.domain.search import Asked
from reminders.services.patients import Line
from reminders.services.story import REASONS, STATES
from reminders.store.types import instant
from reminders.web.staff.changes_words import Change, told
from reminders.web.staff.todo_words import ENDINGS
from reminders.web.staff.words import Words

# --- search --------------------------------------------------------------------------------------

READ_AS = {
    "phone": N_("numéro de téléphone %(what)s"),
    "mail": N_("adresse de courriel %(what)s"),
    "name": N_("nom ou prénom « %(what)s »"),
    "birth": N_("date de naissance %(what)s"),
    "year": N_("année de naissance %(what)s"),
    "identifier": N_("numéro de patient (IPP)"),
}
PROBLEMS = {
    "empty": N_("Écrire un numéro, un nom, une date de naissance ou un IPP."),
    "too_long": N_("C’est trop long : écrire un numéro, un nom, une date de naissance ou un IPP."),
    "too_short": N_("Écrire au moins deux lettres du nom."),
    "year_alone": N_("Une année ne suffit pas : ajouter le nom, ou le jour et le mois."),
    "bad_mail": N_("Cette adresse de courriel n’en est pas une."),
    "landline": N_(
        "C’est un numéro fixe : nous ne gardons que les mobiles, les fixes sont dans le DPI. "
        "Chercher par nom ou par date de naissance."
    ),
    "bad_number": N_("Si c’est un numéro de téléphone, il lui manque des chiffres."),
}
WAYS = {
    "own": N_("son numéro"),
    "proxy": N_("le numéro de son représentant ou d’un proche"),
    "told": N_("donné par téléphone, plus utilisé"),
    "replaced": N_("dans le DPI, remplacé par téléphone"),
    "written": N_("nous y avons écrit à son sujet"),
}


def read_as(words: Words, asked: Asked) -> str:
    """« numéro de téléphone 06 39 98 00 01 » or « nom « dupont » et année de naissance 1956 »."""
    what = {
        "phone": words.phone(asked.phone),
        "mail": asked.mail,
        "name": " ".join(asked.names),
        "birth": words.gettext(" ou ").join(words.short_date(day) for day in asked.born),
        "year": str(asked.year or ""),
    }
    together = bool(asked.names) or not asked.identifiers
    said = [words.gettext(READ_AS[kind], what=what.get(kind, "")) for kind in asked.kinds]
    return (words.gettext(" et ") if together else words.gettext(" ou ")).join(said)


def born(words: Words, iso: str) -> str:
    """14/10/1956 (70 ans)"""
    if not iso:
        return words.gettext("date de naissance inconnue")
    day, today = date.fromisoformat(iso), words.now.date()
    age = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    years = words.ngettext("%(num)s an", "%(num)s ans", max(age, 0))
    return f"{words.short_date(day)} ({years})"


# --- one person ----------------------------------------------------------------------------------

KINDS = {  # in the address: what is asked of the store
    "": ("", N_("Tout")),
    "rendez-vous": ("visits", N_("Rendez-vous")),
    "messages": ("messages", N_("Messages")),
    "reponses": ("answers", N_("Réponses")),
    "taches": ("tasks", N_("Appels et tâches")),
    "oppositions": ("objections", N_("Oppositions")),
    "notes": ("notes", N_("Notes et destinataires")),
    "actes": ("acts", N_("Qui a consulté")),
}
SAYS = {
    "confirmed": (N_("Il vient"), N_("les rappels qui demandent une réponse ne partiront plus")),
    "cancelled": (N_("Il ne vient pas"), N_("plus aucun rappel de ce rendez-vous ne partira")),
    "reschedule": (N_("Il veut une autre date"), N_("une tâche pour le service")),
    "question": (N_("Autre chose, une question"), N_("une tâche pour le service, avec la note")),
}
STATUS = {
    "booked": ("neutral", N_("prévu")),
    "proposed": ("waiting", N_("proposé")),
    "pending": ("waiting", N_("en attente")),
    "waitlist": ("waiting", N_("liste d’attente")),
    "arrived": ("done", N_("arrivé")),
    "checked-in": ("done", N_("enregistré à l’accueil")),
    "fulfilled": ("done", N_("venu")),
    "noshow": ("problem", N_("absent")),
    "cancelled": ("neutral", N_("annulé")),
    "entered-in-error": ("neutral", N_("saisi par erreur")),
    "unknown": ("problem", N_("à vérifier dans le DPI")),
}
ANSWERS = {
    "none": ("neutral", N_("pas de réponse")),
    "confirmed": ("done", N_("vient")),
    "cancelled": ("problem", N_("annule")),
    "reschedule": ("waiting", N_("veut une autre date")),
    "question": ("waiting", N_("pose une question")),
    "not-me": ("problem", N_("pas la bonne personne")),
    "read": ("done", N_("a lu les consignes")),
}
ATTENDED = {
    "came": ("done", N_("venu")),
    "absent": ("problem", N_("absent")),
    "excused": ("neutral", N_("excusé")),
}
SENT = {
    "SENDING": "waiting",
    "ACCEPTED": "done",
    "DELIVERED": "done",
    "UNDELIVERED": "problem",
    "REFUSED": "problem",
    "UNKNOWN": "waiting",
    "NOT_SENT": "waiting",
    "REHEARSED": "neutral",
}
CHANNELS = {"sms": N_("SMS"), "email": N_("courriel"), "all": N_("tous les canaux")}
THROUGH = {
    "sms": N_("par SMS"),
    "page": N_("sur sa page"),
    "email": N_("par courriel"),
    "api": N_("par un autre logiciel"),
    "staff": N_("par téléphone"),
}
RELATIONS = {
    "patient": N_("le patient"),
    "parent": N_("un parent"),
    "guardian": N_("le tuteur"),
    "helper": N_("un proche"),
}
WRITTEN = {
    "due": N_("à écrire dans le DPI"),
    "done": N_("écrite dans le DPI"),
    "failed": N_("non écrite dans le DPI"),
    "dropped": N_("une autre réponse l’a remplacée"),
}
OBJECTED = {
    "reply": N_("dite par SMS"),
    "page": N_("dite sur la page du patient"),
    "email": N_("dite par le lien d’un courriel"),
    "staff": N_("notée par le secrétariat"),
    "api": N_("dite par un autre logiciel"),
    "provider": N_("relevée chez l’opérateur"),
}
SUSPENDED = N_("d’office : le numéro semble ne pas être celui du patient")
ENDED = {
    "withdrawn": N_("retiré"),
    "replaced": N_("remplacé par un autre"),
    "dpi": N_("le DPI a donné un contact plus récent"),
}
# Why a number is refused (domain/phone.py), for the catalogues.
PHONES = (
    N_("ce n'est pas un numéro de téléphone"),
    N_("numéro incomplet"),
    N_("trop de chiffres"),
    N_("plusieurs numéros : n'en donner qu'un"),
    N_("numéro d'objet connecté (14 chiffres)"),
    N_("chiffres perdus par le tableur"),
    N_("numéro de remplissage"),
    N_("pays non autorisé pour l'envoi"),
    N_("ligne fixe : pas de SMS"),
    N_("numéro 09 ou de box : pas de SMS"),
    N_("numéro spécial : pas de SMS"),
    N_("numéro impossible"),
)
ACTS = {
    "patient.view": N_("A consulté ce dossier"),
    "object": N_("A noté une opposition"),
    "withdraw objection": N_("A levé une opposition"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line as it is read. `text`: verbatim, a patient's or ours."""

    line: Line
    title: str
    tone: str = ""
    badge: str = ""
    why: str = ""
    text: str = ""
    by: str = ""
    href: str = ""


def reason(words: Words, code: str) -> str:
    if not code:
        return ""
    known = REASONS.get(code)
    return words.gettext(known) if known else words.gettext("code « %(code)s »", code=code)


Office = Callable[[str], str]  # the name of a service, for its UF


def entry(words: Words, line: Line, office: Office = str) -> Entry:
    if line.kind in _OBJECTIONS:
        return _OBJECTIONS[line.kind](words, line, office)
    return _ENTRIES[line.kind](words, line)


def _taken(words: Words, line: Line) -> Entry:
    title = words.gettext("Rendez-vous pris pour le %(when)s", when=_when(words, line))
    return Entry(line, title, href=_visit(line))


def _when(words: Words, line: Line) -> str:
    assert line.starts_at is not None
    if line.kind in ("taken", "visit") and line.n:  # the whole day
        return words.day(line.starts_at)
    return words.full_moment(line.starts_at)


def _visit(line: Line) -> str:
    return f"/rendez-vous/{line.about}" if line.about else ""


def _start(words: Words, line: Line) -> Entry:
    tone, said = ATTENDED.get(line.c) or STATUS.get(line.a, STATUS["unknown"])
    answer = "" if line.b == "none" else words.gettext(ANSWERS[line.b][1])
    return Entry(
        line, words.gettext("Rendez-vous"), tone, words.gettext(said),
        why=words.gettext("Réponse : %(answer)s", answer=answer) if answer else "",
        href=_visit(line),
    )  # fmt: skip


def _moved(words: Words, line: Line) -> Entry:
    assert line.starts_at is not None
    if not line.a:
        title = words.gettext("Changé dans le DPI : prévu le %(when)s", when=_when(words, line))
        return Entry(line, title, href=_visit(line))
    change = Change(
        instant(int(line.a)), line.n >= 2, line.b, line.starts_at, bool(line.n % 2),
        line.c != line.uf, bool(line.d),
    )  # fmt: skip
    title, why = told(words, change)
    return Entry(line, title, why=why, href=_visit(line))


def _cancelled(words: Words, line: Line) -> Entry:
    vanished = line.a == "vanished"
    title = N_("Disparu du fichier du DPI") if vanished else N_("Annulé dans le DPI")
    said = words.gettext("Le rendez-vous du %(when)s", when=_when(words, line))
    return Entry(line, words.gettext(title), "waiting", why=said, href=_visit(line))


def _attended(words: Words, line: Line) -> Entry:
    tone, said = ATTENDED.get(line.a, ("neutral", line.a))
    return Entry(
        line, words.gettext("Présence notée"), tone, words.gettext(said), by=line.who,
        href=_visit(line),
    )  # fmt: skip


def _step(words: Words, name: str) -> str:
    if name.startswith("ack:"):
        return words.gettext("Accusé de la réponse")
    if name.startswith("staff:"):
        return words.gettext("Message du secrétariat")
    known = {
        "*": N_("Rendez-vous entier"),
        "correction": N_("Message de changement"),
        "notice": N_("Message d’annulation"),
        "rebook": N_("Invitation à reprendre rendez-vous"),
    }
    if name in known:
        return words.gettext(known[name])
    return words.gettext("Rappel %(step)s", step=name)


def _planned(words: Words, line: Line) -> Entry:
    held = line.b == "HELD"
    title = words.gettext(
        "%(step)s par %(channel)s", step=_step(words, line.a),
        channel=words.gettext(CHANNELS.get(line.d, "")),
    )  # fmt: skip
    return Entry(
        line, title, "held" if held else "waiting",
        words.gettext("retenu") if held else words.gettext("prévu"),
        reason(words, "hold") if held else "", href=_visit(line),
    )  # fmt: skip


def _unsent(words: Words, line: Line) -> Entry:
    why = reason(words, line.c or line.b)
    state = words.gettext(STATES.get(line.b, "pas envoyé"))
    return Entry(line, _step(words, line.a), "neutral", state, why, href=_visit(line))


def _sent(words: Words, line: Line) -> Entry:
    said = {"ack": N_("Accusé de la réponse"), "staff": N_("Message du secrétariat")}
    title = words.gettext(
        "%(what)s par %(channel)s",
        what=words.gettext(said.get(line.d, N_("Message"))),
        channel=words.gettext(CHANNELS.get(line.b, "")),
    )
    to = line.who if "@" in line.who else words.phone(line.who)
    return Entry(
        line, words.gettext("%(title)s à %(to)s", title=title, to=to) if to else title,
        SENT.get(line.a, "neutral"), words.gettext(STATES.get(line.a, line.a)),
        reason(words, line.c), line.body or words.gettext("(texte effacé à l’échéance)"),
        href=_visit(line),
    )  # fmt: skip


def _reply(words: Words, line: Line) -> Entry:
    title = words.gettext("Répond par SMS, du %(number)s", number=words.phone(line.who))
    return Entry(line, title, text=line.body, href=_visit(line))


def _answer(words: Words, line: Line) -> Entry:
    tone, said = ANSWERS.get(line.a, ("neutral", line.a))
    way = words.gettext(THROUGH.get(line.b, ""))
    state = {1: N_("remplacée depuis"), 2: N_("reprise depuis")}.get(line.n, "")
    why = [words.gettext(state)] if state else []
    why += [words.gettext(WRITTEN[line.c])] if line.c in WRITTEN else []
    by = "" if line.who in ("patient", "proxy") else line.who
    return Entry(
        line, words.gettext("Réponse %(way)s", way=way), "neutral" if state else tone,
        words.gettext(said), ", ".join(why), by=by, href=_visit(line),
    )  # fmt: skip


def _task(words: Words, line: Line) -> Entry:
    tone, said = ("waiting", N_("à faire")) if line.b == "open" else ("done", N_("fait"))
    return Entry(
        line, words.gettext("À traiter : %(sentence)s", sentence=words.gettext(line.body)), tone,
        words.gettext(said), by=line.who if line.b == "open" else "", href=f"/a-traiter/{line.id}",
    )  # fmt: skip


def _done(words: Words, line: Line) -> Entry:
    ending = words.gettext(ENDINGS.get(line.c, line.c))
    return Entry(
        line, words.gettext("Tâche terminée : %(ending)s", ending=ending), "done",
        why=words.gettext(line.body), by=line.who, href=f"/a-traiter/{line.b}",
    )  # fmt: skip


def _tried(words: Words, line: Line) -> Entry:
    ending = words.gettext(ENDINGS.get(line.c, line.c))
    return Entry(
        line, words.gettext("Appel sans suite, à refaire : %(ending)s", ending=ending), "waiting",
        why=words.gettext(line.body), by=line.who, href=f"/a-traiter/{line.b}",
    )  # fmt: skip


def _again(words: Words, line: Line) -> Entry:
    return Entry(
        line, words.gettext("Tâche rouverte"), "waiting", why=words.gettext(line.body),
        by=line.who, href=f"/a-traiter/{line.b}",
    )  # fmt: skip


def _call(words: Words, line: Line) -> Entry:
    motive = words.gettext(MOTIVES[Motive(line.a)])
    title = words.gettext("Le patient a téléphoné : %(motive)s", motive=motive)
    return Entry(line, title, by=line.who, href=_visit(line))


def reach(words: Words, scope: str, office: Office = str) -> str:
    kind, _, subject = scope.partition(":")
    if kind == "service":
        return words.gettext("pour le service %(uf)s", uf=office(subject))
    return words.gettext("pour un rendez-vous") if kind == "appointment" else ""


def objected(words: Words, channel: str, scope: str, office: Office = str) -> str:
    """tous les canaux, pour le service Imagerie"""
    parts = [words.gettext(CHANNELS.get(channel, channel)), reach(words, scope, office)]
    return ", ".join(part for part in parts if part)


def told_by(origin: str, who: str) -> str:
    """Who recorded an objection, where that was a person."""
    return who if origin == "staff" else ""


def _objection(words: Words, line: Line, office: Office) -> Entry:
    what = objected(words, line.a, line.b, office)
    title = words.gettext("Ne veut plus de messages : %(what)s", what=what)
    return Entry(
        line, title, "problem", words.gettext("opposition"),
        words.gettext(OBJECTED.get(line.c, SUSPENDED)), by=told_by(line.c, line.who),
    )  # fmt: skip


def _withdrawn(words: Words, line: Line, office: Office) -> Entry:
    title = words.gettext(
        "Fin de l’opposition : %(what)s", what=objected(words, line.a, line.b, office)
    )
    return Entry(line, title, "done", words.gettext("levée"), by=line.who)


def _note(words: Words, line: Line) -> Entry:
    return Entry(line, words.gettext("Note"), text=line.body, by=line.who, href=_visit(line))


def _recipient(words: Words, line: Line) -> Entry:
    title = words.gettext("Écrire à %(whom)s : %(address)s", **_whom(words, line))
    return Entry(line, title, "waiting", words.gettext("dit par téléphone"), by=line.who)


def _ended(words: Words, line: Line) -> Entry:
    title = words.gettext("Ne plus écrire à %(whom)s : %(address)s", **_whom(words, line))
    return Entry(line, title, "neutral", why=words.gettext(ENDED.get(line.d, line.d)), by=line.who)


def _whom(words: Words, line: Line) -> Mapping[str, str]:
    addresses = [words.phone(line.b) if line.b else "", line.c]
    return {
        "whom": words.gettext(RELATIONS.get(line.a, line.a)),
        "address": ", ".join(one for one in addresses if one),
    }


def _act(words: Words, line: Line) -> Entry:
    said = ACTS.get(line.a)
    return Entry(line, words.gettext(said) if said else line.a, by=line.who)


_ENTRIES: Mapping[str, Callable[[Words, Line], Entry]] = {
    "taken": _taken,
    "visit": _start,
    "moved": _moved,
    "cancelled": _cancelled,
    "attended": _attended,
    "planned": _planned,
    "unsent": _unsent,
    "stopped": _unsent,
    "sent": _sent,
    "reply": _reply,
    "answer": _answer,
    "task": _task,
    "done": _done,
    "again": _again,
    "tried": _tried,
    "call": _call,
    "note": _note,
    "recipient": _recipient,
    "ended": _ended,
    "act": _act,
}
_OBJECTIONS = {"objection": _objection, "withdrawn": _withdrawn}
