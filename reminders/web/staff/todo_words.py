"""What the pages of tasks and calls say: states, endings, deadlines, in words."""

from datetime import datetime, timedelta

from reminders.domain.answer import Priority
from reminders.domain.marking import N_
from reminders.domain.worklist import Ending
from reminders.services.worklist import Reopened
from reminders.store.engine import Record
from reminders.store.types import instant, instant_or_none
from reminders.web.staff.words import Words

TABS = {
    "miennes": N_("Mes tâches"),
    "services": N_("Mes services"),
    "retard": N_("En retard"),
    "faites": N_("Faites"),
}
EMPTY = {
    "miennes": N_("Vous n’avez pris aucune tâche. Celles de vos services sont à côté."),
    "services": N_("Rien à traiter : tout est fait."),
    "retard": N_("Rien n’est en retard."),
    "faites": N_("Aucune tâche terminée ces 30 derniers jours."),
}
PRIORITIES = {
    Priority.ALERT: N_("alerte médicale"),
    Priority.TODAY: N_("pour aujourd’hui"),
    Priority.CANCELLATION: N_("annulation"),
    Priority.REST: N_("à traiter"),
}
TONES = {
    Priority.ALERT: "problem",
    Priority.TODAY: "waiting",
    Priority.CANCELLATION: "held",
    Priority.REST: "neutral",
}
# "" is how tasks end that nobody needed to do.
ENDINGS = {
    Ending.CONFIRMED.value: N_("vient"),
    Ending.CANCELLED.value: N_("ne vient pas"),
    Ending.MOVED.value: N_("autre date donnée"),
    Ending.VOICEMAIL.value: N_("message laissé"),
    Ending.NO_ANSWER.value: N_("ne répond pas"),
    Ending.WRONG_NUMBER.value: N_("mauvais numéro"),
    Ending.OTHER.value: N_("fait, ou autre"),
    Ending.ENTERED.value: N_("enregistré dans le DPI"),
    "not-needed": N_("plus nécessaire"),
    "past": N_("rendez-vous passé sans appel"),
    "reached": N_("le patient a été joint, ou a répondu, depuis"),
    "changed-mind": N_("le patient a dit le contraire depuis"),
}
EFFECTS = {
    Ending.CONFIRMED.value: N_("sa réponse est enregistrée"),
    Ending.CANCELLED.value: N_("l’annulation est enregistrée, plus aucun rappel"),
    Ending.VOICEMAIL.value: N_("l’essai est noté, la tâche revient plus tard"),
    Ending.NO_ANSWER.value: N_("l’essai est noté, la tâche revient plus tard"),
    Ending.WRONG_NUMBER.value: N_("plus rien ne partira vers ce numéro"),
}
STATUSES = {
    "booked": N_("prévu"),
    "pending": N_("à confirmer"),
    "proposed": N_("proposé"),
    "waitlist": N_("liste d’attente"),
    "arrived": N_("arrivé"),
    "checked-in": N_("enregistré à l’accueil"),
    "fulfilled": N_("venu"),
    "cancelled": N_("annulé"),
    "noshow": N_("non venu"),
    "entered-in-error": N_("saisi par erreur"),
    "unknown": N_("statut inconnu"),
}
ANSWERS = {
    "none": N_("n’a rien répondu"),
    "confirmed": N_("a confirmé"),
    "cancelled": N_("a annulé"),
    "reschedule": N_("demande une autre date"),
    "question": N_("pose une question"),
    "not-me": N_("n’est pas la bonne personne"),
    "read": N_("a lu les consignes"),
}
BY = {
    "patient": N_("le patient"),
    "proxy": N_("un proche"),
    "reminders": N_("automatique"),
    "provider": N_("l’opérateur"),
}
CHANNELS = {
    "sms": N_("SMS"),
    "email": N_("courriel"),
    "page": N_("page web"),
    "api": N_("autre logiciel"),
    "staff": N_("secrétariat"),
    "all": N_("tout message"),
}
STATES = {
    "SENDING": N_("en train de partir"),
    "ACCEPTED": N_("parti"),
    "DELIVERED": N_("reçu"),
    "UNDELIVERED": N_("non remis"),
    "UNKNOWN": N_("peut-être parti"),
}
OBJECTIONS = {
    "reply": N_("dit par SMS"),
    "page": N_("dit sur la page"),
    "email": N_("dit par courriel"),
    "staff": N_("dit au secrétariat"),
    "provider": N_("bloqué chez l’opérateur"),
    "api": N_("dit par un autre logiciel"),
    "wrong-number": N_("mauvais numéro"),
    "deceased": N_("décès annoncé"),
}
REFUSES = {
    "all": N_("Ne veut plus aucun message"),
    "sms": N_("Ne veut plus de SMS"),
    "email": N_("Ne veut plus de courriel"),
}
ACTIONS = {
    "take": N_("a pris la tâche"),
    "release": N_("a rendu la tâche"),
    "resolve": N_("a terminé"),
    "try": N_("a appelé"),
    "hand-over": N_("a passé la tâche"),
    "reopen": N_("a rouvert la tâche"),
    "escalate": N_("en retard : le service de recours la voit aussi"),
}
GONE = N_("Cette tâche n’existe pas, a été effacée, ou appartient à un autre service.")
CHOOSE = N_("Choisir d’abord comment la tâche se termine.")
NOTED = N_("C’est noté : %(ending)s.")
TRIED = N_("C’est noté : %(ending)s. À rappeler dans trois heures, ou à la prochaine ouverture.")
TO_WHOM = N_("Dire à qui la passer : un service, une personne, ou les deux.")
NO_SERVICE = N_("Ce service n’existe pas.")
NO_RIGHT = N_("Cette personne ne traite pas les tâches de ce service.")
REOPENED = {
    Reopened.NOTHING: N_("La tâche est de nouveau à traiter."),
    Reopened.TAKEN_BACK: N_(
        "La tâche est de nouveau à traiter. Ce que sa fin avait enregistré est repris."
    ),
    Reopened.STANDS: N_(
        "La tâche est de nouveau à traiter. La réponse notée a déjà été transmise et reste en "
        "vigueur : la corriger dans le DPI, et ici par la nouvelle réponse du patient."
    ),
}
MOVED = N_("Ce rendez-vous a changé entre-temps : le relire au patient.")
REFUSED = {
    "held": N_(
        "%(name)s s’en occupe déjà. Rien n’a été changé ; votre choix est gardé ci-dessous."
    ),
    "done": N_("Déjà traitée par %(name)s. Rien n’a été changé."),
    "which": N_("Cette tâche concerne plusieurs rendez-vous : dire lequel."),
    "invalid": N_("Cette tâche ne peut pas se terminer ainsi : aucun rendez-vous n’y est lié."),
    "past": N_("Ce rendez-vous a déjà commencé : choisir une autre fin."),
    "cancelled": N_("Ce rendez-vous est annulé dans le DPI : choisir une autre fin."),
    "moved": MOVED,
    "unknown": GONE,
}


def is_late(row: Record, now: datetime) -> bool:
    until = instant_or_none(row.deadline_at)
    return row.state == "open" and until is not None and until <= now


def deadline(words: Words, row: Record) -> str:
    """« à traiter avant 11 h 30 », « en retard depuis 2 h », « terminée à 10 h 05 »."""
    if row.state == "done":
        if row.resolved_at is None:
            return words.gettext("terminée")
        at = words.moment(instant(row.resolved_at))
        return words.gettext("terminée : %(moment)s", moment=at)
    until = instant_or_none(row.deadline_at)
    if until is None:
        return words.gettext("délai en cours de calcul")
    if until <= words.now:
        lasts = words.lasting((words.now - until).total_seconds())
        return words.gettext("en retard depuis %(time)s", time=lasts)
    tomorrow = words.now.date() + timedelta(days=1)
    if words.local(until).date() == tomorrow:
        return words.gettext("à traiter avant demain %(hour)s", hour=words.hour(until))
    return words.gettext("à traiter avant %(moment)s", moment=_before(words, until))


def _before(words: Words, until: datetime) -> str:
    """11 h 30 today, else le mar. 14 oct. à 9 h 30."""
    if words.local(until).date() == words.now.date():
        return words.hour(until)
    return words.gettext("le %(moment)s", moment=words.moment(until))
