"""What each defect of the past's data means, in words: how many, what it changes, what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reminders.domain.baseline_count import PARTS, Counted, Split
from reminders.domain.baseline_quality import Check, Weight
from reminders.domain.marking import N_


@dataclass(frozen=True, slots=True)
class Meaning:
    title: str
    consequence: str
    remedy: str


MEANINGS: Mapping[Check, Meaning] = {
    Check.MISSING: Meaning(
        N_("Rendez-vous dont on ne sait pas ce qu’ils sont devenus"),
        N_(
            "Ils ne comptent dans aucun taux. S’ils manquent surtout pour des absents, le taux "
            "affiché est trop bas."
        ),
        N_("Faire noter les venues et les absences, ou exporter le statut final."),
    ),
    Check.CODING: Meaning(
        N_("Changements dans la façon de noter les absences"),
        N_(
            "Une absence notée « annulée tard », ou l’inverse, fait bouger le taux sans que "
            "personne ne vienne plus ou moins souvent."
        ),
        N_(
            "Demander au service ce qui a changé cette semaine-là ; au besoin, ne reprendre que "
            "les mois d’après."
        ),
    ),
    Check.WORDS: Meaning(
        N_("Lignes au statut inconnu"),
        N_("Leur issue est comptée comme inconnue."),
        N_("Traduire ces mots par l’option statuses de la source, puis relancer."),
    ),
    Check.DOUBLES: Meaning(
        N_("Doublons : même patient, même heure, même UF"),
        N_("Un seul est compté, celui dont on sait le plus."),
        N_("Vérifier l’export : deux sources, ou un rendez-vous saisi deux fois."),
    ),
    Check.MIXED: Meaning(
        N_("Numéros de rendez-vous partagés par plusieurs patients"),
        N_("Aucun n’est compté : on ne sait pas de qui est le rendez-vous."),
        N_("Vérifier la colonne NUM_RDV de l’export."),
    ),
    Check.NEGATIVE: Meaning(
        N_("Délai impossible : pris après avoir eu lieu"),
        N_("Leur délai est compté comme inconnu ; le reste compte."),
        N_("Vérifier DATE_CREATION : c’est peut-être une date de saisie ou de modification."),
    ),
    Check.FAR: Meaning(
        N_("Délai impossible : pris plus de deux ans à l’avance"),
        N_("Leur délai est compté comme inconnu ; le reste compte."),
        N_("Vérifier l’année de DATE_CREATION."),
    ),
    Check.NO_BOOKING: Meaning(
        N_("Sans date de prise de rendez-vous"),
        N_(
            "Leur délai est inconnu : on ne peut dire s’ils étaient pris longtemps à l’avance ou "
            "le jour même."
        ),
        N_("Ajouter la date de création (DATE_CREATION) à l’export."),
    ),
    Check.NO_BIRTH: Meaning(
        N_("Sans date de naissance, ou avec une date impossible"),
        N_("Leur âge est compté comme inconnu."),
        N_("Ajouter DATE_NAISSANCE à l’export, ou la corriger dans le DPI."),
    ),
    Check.UNDATED: Meaning(
        N_("Annulations sans date"),
        N_("Elles comptent comme tardives : rien ne dit que le créneau a été libéré à temps."),
        N_("Ajouter la date de l’annulation (DATE_MODIF) à l’export."),
    ),
    Check.NO_HOUR: Meaning(
        N_("Sans heure"),
        N_("Ils sont à part dans le taux par heure."),
        N_("Ajouter HEURE_RDV à l’export."),
    ),
    Check.UNMAPPED: Meaning(
        N_("D’une UF sans réglage"),
        N_("Leurs taux sont comptés sous le code de l’UF, sans nom."),
        N_("Régler ces UF sur la page Services."),
    ),
    Check.NO_UF: Meaning(
        N_("Sans UF"),
        N_("Ils ne sont pas comptés."),
        N_("Ajouter CODE_UF à l’export."),
    ),
    Check.NO_PATIENT: Meaning(
        N_("Sans numéro de patient"),
        N_("Ils ne sont pas comptés : on ne reconnaît ni doublon, ni patient déjà venu."),
        N_("Ajouter l’IPP à l’export."),
    ),
    Check.UNREAD: Meaning(
        N_("Lignes illisibles"),
        N_("Elles ne sont pas comptées."),
        N_("Corriger l’export aux lignes citées."),
    ),
    Check.FUTURE: Meaning(
        N_("Rendez-vous à venir"),
        N_("Ils ne sont pas repris : rien n’est planifié ni envoyé."),
        N_("Rien à faire."),
    ),
    Check.LAUNCHED: Meaning(
        N_("Rendez-vous d’après le début de la comparaison"),
        N_("Ils ne sont pas repris : ils ont pu recevoir des rappels."),
        N_("Rien à faire."),
    ),
    Check.SHORT: Meaning(
        N_("Moins de trois mois de rendez-vous"),
        N_("Les taux sont ceux d’une saison et de peu de semaines : à lire avec prudence."),
        N_("Exporter de trois à douze mois."),
    ),
    Check.LONG: Meaning(
        N_("Plus de douze mois de rendez-vous"),
        N_(
            "Seuls les douze derniers mois comptent ; ce qui précède sert à reconnaître qui était "
            "déjà venu."
        ),
        N_("Rien à faire."),
    ),
}
WEIGHTS: Mapping[Weight, str] = {
    Weight.SERIOUS: N_("grave"),
    Weight.WARNING: N_("à vérifier"),
    Weight.NOTE: N_("pour information"),
    Weight.NOTHING: N_("rien à signaler"),
}
KNOWN: Mapping[str, str] = {"known": N_("déjà venu"), "new": N_("nouveau")}
UNTOLD = N_("inconnu")
WEEKDAYS: Mapping[str, str] = {
    "1": N_("lundi"), "2": N_("mardi"), "3": N_("mercredi"), "4": N_("jeudi"), "5": N_("vendredi"),
    "6": N_("samedi"), "7": N_("dimanche"),
}  # fmt: skip
SAME_DAY = N_("le jour même")
BANDS: Mapping[str, tuple[str, str, str]] = {  # below, from … to, and more
    "lead": (
        N_("moins de %(high)s jours"),
        N_("%(low)s à %(high)s jours"),
        N_("%(low)s jours et plus"),
    ),
    "age": (N_("moins de %(high)s ans"), N_("%(low)s à %(high)s ans"), N_("%(low)s ans et plus")),
}
HOUR = N_("%(hour)s h")
SPLITS: Mapping[Split, str] = {
    Split.SERVICE: N_("Par service"),
    Split.KNOWN: N_("Nouveau ou déjà venu dans le service"),
    Split.LEAD: N_("Délai entre la prise et le rendez-vous"),
    Split.WEEKDAY: N_("Jour de la semaine"),
    Split.HOUR: N_("Heure"),
    Split.AGE: N_("Âge"),
    Split.KNOWN_LEAD: N_("Nouveau ou déjà venu, et délai"),
    Split.CELL: N_("Toutes les sortes"),
}
Say = Callable[..., str]  # gettext: a marked sentence, and its values by name


def french(sentence: str, /, **values: object) -> str:
    """What the command line says."""
    return sentence % values if values else sentence


def kind(say: Say, name: str, value: str) -> str:
    """A value of domain.baseline in words: « 7 à 13 jours », « nouveau », « lundi »."""
    if name == "known":
        return say(KNOWN.get(value, UNTOLD))
    if name == "weekday":
        return say(WEEKDAYS.get(value, UNTOLD))
    if name == "hour":
        return say(HOUR, hour=int(value)) if value.isdecimal() else say(UNTOLD)
    if value == "<1" and name == "lead":
        return say(SAME_DAY)
    below, between, above = BANDS[name]
    if value.startswith("<"):
        return say(below, high=value[1:])
    if value.endswith("+"):
        return say(above, low=value[:-1])
    low, dash, high = value.partition("-")
    return say(between, low=low, high=high) if dash else say(UNTOLD)


def kinds(say: Say, one: Counted, split: Split) -> str:
    """All that a line is split by."""
    return ", ".join(kind(say, name, getattr(one, name)) for name in PARTS[split])
