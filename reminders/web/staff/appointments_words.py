"""What the pages of appointments say: statuses, answers, messages, and each moment of a story."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reminders.domain.calls import MOTIVES, Motive
from reminders.domain.marking import N_
from reminders.domain.template_key import PURPOSES
from reminders.services.appointments import Moment
from reminders.services.census import UNDERSTOOD
from reminders.services.story import REASONS, STATES
from reminders.store.engine import Record
from reminders.store.types import instant, instant_or_none
from reminders.web.staff.changes_words import Change, told
from reminders.web.staff.patients_words import OBJECTED, SUSPENDED
from reminders.web.staff.todo_words import ENDINGS
from reminders.web.staff.words import Words

Said = tuple[str, str]  # tone of a badge, and its words

STATUS: Mapping[str, Said] = {
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
ANSWER: Mapping[str, Said] = {
    "none": ("neutral", N_("pas de réponse")),
    "confirmed": ("done", N_("vient")),
    "cancelled": ("problem", N_("annule")),
    "reschedule": ("waiting", N_("veut une autre date")),
    "question": ("waiting", N_("pose une question")),
    "not-me": ("problem", N_("pas la bonne personne")),
    "read": ("done", N_("a lu les consignes")),
}
ATTENDED: Mapping[str, Said] = {
    "came": ("done", N_("venu")),
    "absent": ("problem", N_("absent")),
    "excused": ("neutral", N_("excusé")),
}
TOLD: Mapping[str, Said] = {
    "failed": ("problem", N_("non remis")),
    "held": ("held", N_("retenu")),
    "unknown": ("waiting", N_("peut-être parti")),
    "delivered": ("done", N_("remis")),
    "left": ("done", N_("parti")),
    "planned": ("waiting", N_("prévu")),
    "none": ("neutral", N_("aucun message")),
}
TONES: Mapping[str, str] = {
    "SENDING": "waiting",
    "ACCEPTED": "done",
    "DELIVERED": "done",
    "UNDELIVERED": "problem",
    "REFUSED": "problem",
    "UNKNOWN": "waiting",
    "NOT_SENT": "waiting",
    "REHEARSED": "neutral",
}
CHANNELS = {"sms": N_("SMS"), "email": N_("courriel")}
WAYS = {
    "sms": N_("par SMS"),
    "page": N_("sur sa page"),
    "email": N_("par courriel"),
    "api": N_("par un autre logiciel"),
    "staff": N_("par téléphone"),
}
STEPS = {
    "*": N_("Rendez-vous entier"),
    "correction": N_("Message de changement"),
    "notice": N_("Message d’annulation"),
    "rebook": N_("Invitation à reprendre rendez-vous"),
    "ack": N_("Accusé de la réponse"),
    "session": N_("Message à la séance"),
    "resend": N_("Renvoi demandé"),
    "staff": N_("Message du secrétariat"),
    "booking": N_("Accusé de réservation"),
}
# What can be done about a reason, said where it stands.
REMEDIES: Mapping[str, str] = {
    "no_contact": N_("Demander un mobile ou un courriel au patient, et le saisir dans le DPI."),
    "landline_only": N_("Demander un mobile au patient, et le saisir dans le DPI."),
    "invalid_number": N_("Corriger le numéro dans le DPI."),
    "unmapped": N_("Régler ce service (page Services)."),
    "no_template": N_("Approuver un modèle pour ce message (page Modèles)."),
    "empty_variable": N_("Compléter la fiche de consignes ou le modèle."),
    "hold": N_("Les envois reprennent quand la retenue est levée (page Accueil)."),
    "stopped": N_("« Reprendre les rappels » les fait repartir."),
    "objection": N_("Le patient ne veut plus de messages : l’appeler."),
    "no_hour": N_("Saisir l’heure dans le DPI."),
}
# Why a text is to leave, by its step; what is no step of these is one of the protocol.
BY_PROTOCOL = N_("Le protocole du service prévoit ce message à ce moment.")
PLANNED_BECAUSE = {
    "staff": N_("Quelqu’un du secrétariat l’a demandé."),
    "ack": N_("Le patient a répondu : ce message lui dit ce que nous avons compris."),
    "correction": N_(
        "Le rendez-vous a changé depuis notre dernier message : le patient l’apprend."
    ),
    "notice": N_("Le rendez-vous est annulé et le patient l’attend encore : il l’apprend."),
    "rebook": N_("Le patient n’est pas venu, ou a annulé : on lui propose de reprendre date."),
    "booking": N_("Le rendez-vous vient d’être pris : le patient en reçoit la confirmation."),
}
WHO = {
    "parent": N_("à son parent"),
    "guardian": N_("à son représentant"),
    "helper": N_("à un proche"),
    "": N_("au patient"),
}
RECEIPTS = {
    "delivered": ("done", N_("L’opérateur dit : remis")),
    "undelivered": ("problem", N_("L’opérateur dit : non remis")),
    "accepted": ("waiting", N_("L’opérateur dit : pris en charge")),
}
WRITTEN = {
    "due": ("waiting", N_("Réponse à écrire dans le DPI")),
    "done": ("done", N_("Réponse écrite dans le DPI")),
    "failed": ("problem", N_("Réponse non écrite dans le DPI")),
    "dropped": ("neutral", N_("Réponse non écrite : une autre l’a remplacée")),
}
ANSWERED = {
    "confirmed": N_("Le patient vient"),
    "cancelled": N_("Le patient annule"),
    "reschedule": N_("Le patient veut une autre date"),
    "question": N_("Le patient pose une question"),
    "not-me": N_("Ce n’est pas la bonne personne"),
    "read": N_("Le patient a lu les consignes"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a story as it is read."""

    at: datetime
    title: str
    badge: Said | None = None
    why: str = ""
    remedy: str = ""
    by: str = ""
    text: str = ""
    subject: str = ""
    segments: int = 0
    price_eur: float = 0.0
    details: list[tuple[str, str]] = field(default_factory=list)
    href: str = ""
    main: bool = False


def reason(words: Words, code: str) -> str:
    """Why, in words; what an operator said stays its code."""
    if not code:
        return ""
    return (
        words.gettext(REASONS[code])
        if code in REASONS
        else words.gettext("code « %(code)s »", code=code)
    )


def step_of(words: Words, row: Record) -> str:
    """What a message or a decision is for: « Rappel J-3 », « Message d’annulation »."""
    name = str(row.step)
    if name.startswith("ack:"):
        name = "ack"
    elif name.startswith("staff:"):
        name = row.writing_kind or "staff"
    known = STEPS.get(name)
    return words.gettext(known) if known else words.gettext("Rappel %(step)s", step=name)


def line_of(words: Words, moment: Moment) -> Line:
    """One moment of a story, said."""
    return _SAYS.get(moment.kind, _other)(words, moment)


def _other(words: Words, moment: Moment) -> Line:
    return Line(moment.at, words.gettext("Autre événement"))


def _read(words: Words, moment: Moment) -> Line:
    row = moment.row
    details = [(words.gettext("Numéro"), str(row.external_id))]
    if booked := instant_or_none(row.booked_at):
        details.append((words.gettext("Pris le"), words.full_moment(booked)))
    if row.first_starts_at != row.starts_at:
        first = words.full_moment(instant(row.first_starts_at))
        details.append((words.gettext("D’abord prévu"), first))
    title = words.gettext("Lu dans le DPI (source « %(source)s »)", source=row.source_id)
    return Line(moment.at, title, details=details)


def _changed(words: Words, moment: Moment) -> Line:
    title = words.gettext(
        "Heure, lieu ou patient changés, ou de nouveau prévu : version %(version)s",
        version=words.number(moment.row.version),
    )
    return Line(moment.at, title)


def _moved(words: Words, moment: Moment) -> Line:
    row = moment.row
    change = Change(
        instant(row.was_starts_at), bool(row.was_all_day), row.was_status, instant(row.starts_at),
        bool(row.all_day), row.was_uf != row.uf, bool(row.other_patient),
    )  # fmt: skip
    title, why = told(words, change)
    details = [(words.gettext("Version du rendez-vous"), words.number(row.version))]
    return Line(moment.at, title, why=why, details=details)


def _cancelled(words: Words, moment: Moment) -> Line:
    row = moment.row
    if row.cancelled_basis == "vanished":
        return Line(moment.at, words.gettext("Disparu du fichier du DPI"), ("waiting", ""))
    by = {"patient": N_("le patient"), "hospital": N_("l’hôpital")}.get(row.cancelled_by, "")
    return Line(moment.at, words.gettext("Annulé dans le DPI"), by=words.gettext(by))


def _attended(words: Words, moment: Moment) -> Line:
    row = moment.row
    said = ATTENDED.get(row.attendance)
    return Line(moment.at, words.gettext("Présence notée"), said, by=row.attended_by)


def _start(words: Words, moment: Moment) -> Line:
    return Line(moment.at, words.gettext("Rendez-vous"), main=True)


def _planned(words: Words, moment: Moment) -> Line:
    row = moment.row
    title = words.gettext(
        "%(step)s : partira par %(channel)s %(who)s",
        step=step_of(words, row),
        channel=words.gettext(CHANNELS.get(row.channel or "", "")) or "SMS",
        who=words.gettext(WHO.get(row.relation or "", WHO[""])),
    )
    details = [
        (words.gettext("Version du rendez-vous"), words.number(row.cycle)),
        (words.gettext("Décidé"), words.moment(instant(row.decided_at))),
    ]
    if row.recipient:
        details.append((words.gettext("Destinataire"), address(words, row.recipient)))
    if row.closes_at:
        details.append((words.gettext("Au plus tard"), words.moment(instant(row.closes_at))))
    why = words.gettext(PLANNED_BECAUSE.get(str(row.step).partition(":")[0], BY_PROTOCOL))
    return Line(
        moment.at, title, ("waiting", words.gettext("prévu")), why, by=row.created_by or "",
        details=details, href=_writing(row),
    )  # fmt: skip


def _held(words: Words, moment: Moment) -> Line:
    line, remedy = _planned(words, moment), REMEDIES["hold"]
    return Line(
        line.at, words.gettext("%(step)s : retenu", step=step_of(words, moment.row)),
        ("held", words.gettext("retenu")), reason(words, "hold"),
        words.gettext(remedy), by=line.by, details=line.details, href=line.href,
    )  # fmt: skip


def _not_sent(words: Words, moment: Moment) -> Line:
    row = moment.row
    code = row.reason or row.message_reason or ""
    state = row.message_state if row.state == "PLANNED" and row.message_state else row.state
    details = [
        (words.gettext("Version du rendez-vous"), words.number(row.cycle)),
        (words.gettext("État"), words.gettext(STATES.get(state, state))),
    ]
    return Line(
        moment.at, words.gettext("%(step)s : pas de message", step=step_of(words, row)),
        ("neutral", words.gettext("pas envoyé")), reason(words, code),
        words.gettext(REMEDIES.get(code, "")), by=row.created_by or "", details=details,
        href=_writing(row),
    )  # fmt: skip


def _sent(words: Words, moment: Moment) -> Line:
    row, decision = moment.row, moment.decision
    step = step_of(words, decision) if decision is not None else words.gettext("Message")
    details = [
        (words.gettext("Destinataire"), address(words, row.address)),
        (words.gettext("Opérateur"), row.provider),
        (words.gettext("Notre référence"), row.reference),
    ]
    if row.provider_id:
        details.append((words.gettext("Référence de l’opérateur"), row.provider_id))
    details += _template(words, row)
    details.append((words.gettext("Annonçait"), words.full_moment(instant(row.told_start))))
    if finished := instant_or_none(row.finished_at):
        details.append((words.gettext("Réponse de l’opérateur"), words.moment(finished)))
    return Line(
        moment.at,
        words.gettext(
            "%(step)s : %(channel)s %(who)s",
            step=step,
            channel=words.gettext(CHANNELS.get(row.channel, "")),
            who=words.gettext(WHO.get(row.relation or "", WHO[""])),
        ),
        (TONES.get(row.state, "neutral"), words.gettext(STATES.get(row.state, row.state))),
        reason(words, row.code),
        words.gettext(REMEDIES.get(row.code, "")),
        by=(decision.created_by or "") if decision is not None else "",
        text=row.body or "",
        subject=row.subject,
        segments=row.segments,
        price_eur=row.price_eur,
        details=details,
        href=_writing(decision) if decision is not None else "",
    )


def _template(words: Words, row: Record) -> list[tuple[str, str]]:
    """Which text it was, as the page of templates names it."""
    if not row.template_number:  # of the release before, or erased
        return []
    purpose = words.gettext(PURPOSES.get(row.template_purpose, row.template_purpose))
    said = words.gettext(
        "%(purpose)s, version %(number)s", purpose=purpose, number=row.template_number
    )
    return [(words.gettext("Modèle"), said)]


def _writing(row: Record) -> str:
    return f"/ecrire/{row.writing_id}" if row.writing_kind == "session" else ""


def address(words: Words, value: str) -> str:
    if not value:
        return words.gettext("effacé à l’échéance")
    return value if "@" in value else words.phone(value)


def _receipt(words: Words, moment: Moment) -> Line:
    row = moment.row
    tone, said = RECEIPTS.get(row.code, ("neutral", N_("L’opérateur dit : état inconnu")))
    details = [(words.gettext("Opérateur"), row.actor)]
    return Line(
        moment.at, words.gettext(said), (tone, ""), reason(words, row.more), details=details
    )


def _reply(words: Words, moment: Moment) -> Line:
    return Line(
        moment.at, words.gettext("Le patient répond par SMS"), text=moment.row.more,
        details=[(words.gettext("Lu comme"), _understood(words, moment.row.code))],
    )  # fmt: skip


def _understood(words: Words, intent: str) -> str:
    return words.gettext(UNDERSTOOD.get(intent, N_("à lire"))) if intent else "—"


def _answer(words: Words, moment: Moment) -> Line:
    row = moment.row
    said = words.gettext(ANSWERED.get(row.code, "Le patient répond"))
    way = words.gettext(WAYS.get(row.more, ""))
    by = row.actor if row.actor not in ("patient", "proxy") else ""
    return Line(moment.at, f"{said} ({way})" if way else said, ANSWER.get(row.code), by=by)


def _undone(words: Words, moment: Moment) -> Line:
    return Line(moment.at, words.gettext("Le patient a repris sa réponse"))


def _written_back(words: Words, moment: Moment) -> Line:
    row = moment.row
    tone, said = WRITTEN.get(row.code, ("neutral", N_("Réponse non écrite dans le DPI")))
    return Line(moment.at, words.gettext(said), (tone, ""), reason(words, row.more))


def _reach(words: Words, row: Record) -> str:
    kind, _, subject = str(row.code).partition(":")
    if kind == "service":
        return words.gettext("pour l’UF %(uf)s", uf=subject)
    if kind == "appointment":
        return words.gettext("pour ce rendez-vous")
    return words.gettext("pour tous les messages")


def _objection(words: Words, moment: Moment) -> Line:
    row = moment.row
    how = words.gettext(OBJECTED.get(row.more, SUSPENDED))
    if row.more not in OBJECTED:
        return Line(moment.at, words.gettext("Numéro mis de côté"), ("problem", ""), how)
    title = words.gettext("Opposition du patient, %(reach)s", reach=_reach(words, row))
    by = row.actor if row.more == "staff" else ""
    return Line(moment.at, title, ("problem", ""), how, by=by)


def _objection_ended(words: Words, moment: Moment) -> Line:
    row = moment.row
    if row.more not in OBJECTED:
        return Line(moment.at, words.gettext("Numéro de nouveau utilisé"), by=row.actor)
    title = words.gettext("Fin de l’opposition, %(reach)s", reach=_reach(words, row))
    return Line(moment.at, title, by=row.actor)


def _task(words: Words, moment: Moment) -> Line:
    row = moment.row
    return Line(
        moment.at, words.gettext("À traiter : %(sentence)s", sentence=words.gettext(row.more)),
        ("waiting", ""), href=f"/a-traiter/{row.number}",
    )  # fmt: skip


def _resolved(words: Words, moment: Moment) -> Line:
    row = moment.row
    ending = words.gettext(ENDINGS.get(row.more, row.more))
    title = words.gettext("Tâche terminée : %(ending)s", ending=ending)
    return Line(moment.at, title, ("done", ""), by=row.actor, href=f"/a-traiter/{row.number}")


def _tried(words: Words, moment: Moment) -> Line:
    row = moment.row
    ending = words.gettext(ENDINGS.get(row.more, row.more))
    title = words.gettext("Appel sans suite, à refaire : %(ending)s", ending=ending)
    return Line(moment.at, title, ("waiting", ""), by=row.actor, href=f"/a-traiter/{row.number}")


def _reopened(words: Words, moment: Moment) -> Line:
    row = moment.row
    return Line(
        moment.at, words.gettext("Tâche rouverte"), ("waiting", ""), by=row.actor,
        href=f"/a-traiter/{row.number}",
    )  # fmt: skip


def _call(words: Words, moment: Moment) -> Line:
    motive = words.gettext(MOTIVES[Motive(moment.row.code)])
    title = words.gettext("Le patient a téléphoné : %(motive)s", motive=motive)
    return Line(moment.at, title, by=moment.row.actor)


def _handed(words: Words, moment: Moment) -> Line:
    return Line(moment.at, words.gettext("Tâche transmise"), by=moment.row.actor)


def _escalated(words: Words, moment: Moment) -> Line:
    return Line(moment.at, words.gettext("Tâche en retard, passée au recours"), ("problem", ""))


def _staff(words: Words, moment: Moment) -> Line:
    row = moment.row
    said = {
        "stop reminders": N_("Rappels arrêtés pour ce rendez-vous"),
        "resume reminders": N_("Rappels repris"),
    }
    return Line(moment.at, words.gettext(said.get(row.code, "")), by=row.actor)


_SAYS: Mapping[str, Callable[[Words, Moment], Line]] = {
    "read": _read,
    "changed": _changed,
    "moved": _moved,
    "cancelled": _cancelled,
    "attended": _attended,
    "start": _start,
    "planned": _planned,
    "held": _held,
    "not_sent": _not_sent,
    "sent": _sent,
    "receipt": _receipt,
    "reply": _reply,
    "answer": _answer,
    "answer_undone": _undone,
    "written_back": _written_back,
    "objection": _objection,
    "objection_ended": _objection_ended,
    "task": _task,
    "task_resolve": _resolved,
    "task_reopen": _reopened,
    "task_try": _tried,
    "call": _call,
    "task_hand-over": _handed,
    "task_escalate": _escalated,
    "staff": _staff,
}
