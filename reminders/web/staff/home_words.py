"""What the first page says: numbers, figures with what they are of, and what to repair."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from markupsafe import Markup

from reminders.domain.access import May
from reminders.domain.marking import N_, Filled
from reminders.domain.template_key import PURPOSES
from reminders.services.feed_words import parts_of
from reminders.services.gaps import Gap
from reminders.services.home import (
    FEWEST,
    Home,
    Measures,
    Rate,
    UnitMeasures,
    Work,
    confirmations,
    early_cancellations,
    no_shows,
)
from reminders.services.rules import Rules
from reminders.services.story import REASONS
from reminders.store.home import MANY
from reminders.web.staff.words import Words

# Each number of the day: its place in an address, its words, its tone where it is not 0.
NUMBERS: Mapping[str, tuple[str, str, str]] = {
    "planned": ("prevus", N_("prévus"), ""),
    "left": ("partis", N_("partis"), ""),
    "delivered": ("remis", N_("remis"), "done"),
    "failed": ("non-remis", N_("non remis ou refusés"), "problem"),
    "perhaps": ("peut-etre", N_("peut-être partis"), "waiting"),
    "held": ("retenus", N_("retenus"), "held"),
    "coming": ("a-venir", N_("encore à partir"), ""),
    "not-sent": ("non-envoyes", N_("non envoyés"), ""),
}
OFTEN_NONE = ("perhaps",)  # shown only where there are some
EXPLAINED: Mapping[str, str] = {
    "planned": N_("Tout ce qui devait ou doit partir ce jour-là."),
    "left": N_("Remis à l’opérateur, ou peut-être : l’accusé dira s’ils sont arrivés."),
    "delivered": N_("Le téléphone ou la boîte du patient l’a reçu, dit l’opérateur."),
    "failed": N_("L’opérateur l’a refusé ou n’a pas pu le remettre."),
    "perhaps": N_("Sans réponse de l’opérateur : il n’est pas renvoyé, pour ne pas écrire deux "
                  "fois."),
    "held": N_("Ils attendent qu’une personne libère les envois."),
    "coming": N_("Leur heure n’est pas venue, ou ils sont en train de partir."),
    "not-sent": N_("Ce qu’il a été décidé de ne pas écrire, et pourquoi."),
}  # fmt: skip

# What made a source wait, in a few words; its sentence says the rest.
HOLDS: Mapping[str, str] = {
    "manual": N_("suspendu à la main"),
    "brake": N_("trop de messages en une heure"),
    "first_run": N_("premier envoi réel"),
    "stale": N_("données trop anciennes"),
    "empty": N_("fichier vide"),
    "vanished": N_("rendez-vous disparus"),
    "moved": N_("rendez-vous décalés"),
    "volume": N_("nombre inhabituel"),
    "header_changed": N_("en-tête changé"),
    "future": N_("fichier daté du futur"),
    "older": N_("fichier plus ancien"),
}
THEIRS = Markup('<span lang="fr">{}</span>')  # an adapter's sentence, or a person's
MODES: Mapping[str, str] = {
    "live": N_("envois réels"),
    "test": N_("mode test"),
    "rehearsal": N_("répétition"),
}


def why(words: Words, code: str) -> str:
    """Why a message is where it is; what an operator says stays its code."""
    if not code:
        return ""
    if code in REASONS:
        return words.gettext(REASONS[code])
    return words.gettext("code « %(code)s »", code=code)


def heard(words: Words, kept: str) -> Markup:
    """What is kept of a feed or a hold: ours in the reader's language, the rest as it was said."""
    return Markup(" ").join(
        words.gettext(one) if isinstance(one, Filled) else THEIRS.format(one)
        for one in parts_of(kept)
    )


# --- figures -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure: its value, what it is of, and where that is shown."""

    title: str
    value: str
    notes: tuple[str, ...]
    to: str
    tone: str = ""


BEHIND = {"non-venues": "no-show", "confirmes": "confirmed", "annules": "cancelled-early"}


def behind(found: Measures, place: str, uf: str = "") -> str:
    """The appointments a figure counts, in one service or in all one may see."""
    asked = {"du": found.first, "au": found.last, "uf": uf, "issue": BEHIND[place]}
    return "/rendez-vous/recherche?" + urlencode({k: v for k, v in asked.items() if v})


def tiles(words: Words, found: Home, *, tasks: bool, lists: bool) -> list[Tile]:
    """`tasks`, `lists`: whoever looks may open the list of tasks, and of the appointments."""
    figures = (
        _no_shows(words, found.ours),
        _rate(words, N_("Confirmés"), confirmations(found.ours), "confirmes", _CONFIRMED),
        _rate(words, N_("Annulés 48 h avant"), early_cancellations(found.ours), "annules", _EARLY),
    )
    measures = found.measures.value
    return [
        *(
            replace(one, to=behind(measures, one.to.partition("#")[2])) if lists else one
            for one in figures
        ),
        _answers(words, found.work),
        _late(words, found.work, tasks),
        _unreached(words, found.work),
    ]


_ABSENT = N_("%(events)s absents sur %(among)s issues connues, annulations comprises")
_CONFIRMED = N_("%(events)s sur %(among)s rendez-vous dont le patient a été prévenu")
_EARLY = N_("%(events)s sur %(among)s rendez-vous, sauf ceux que l’hôpital a annulés")


def _rate(words: Words, title: str, found: Rate | None, place: str, told: str) -> Tile:
    to = f"/mesures#{place}"
    if found is None:
        return Tile(words.gettext(title), words.gettext("pas encore de mesure"), (), to)
    among = words.number(found.among)
    note = words.gettext(told, events=words.number(found.events), among=among)
    return Tile(words.gettext(title), words.percent(found.share), (note,), to)


def _no_shows(words: Words, ours: UnitMeasures) -> Tile:
    found = no_shows(ours)
    plain = _rate(words, N_("Non-venues"), found, "non-venues", _ABSENT)
    notes = list(plain.notes)
    if found is not None and found.interval is not None:
        low, high = found.interval
        told = N_("entre %(low)s et %(high)s (intervalle à 95 %%)")
        notes.insert(0, words.gettext(told, low=words.percent(low), high=words.percent(high)))
    if (national := ours.tally.no_show_rate) is not None and found is not None:
        told = N_("taux « national », venus ou absents seulement : %(share)s")
        notes.append(words.gettext(told, share=words.percent(national)))
    unknown = ours.tally.unknown_share
    if unknown is not None:
        share = words.percent(unknown, 0)
        notes.append(words.gettext("issue inconnue pour %(share)s des rendez-vous", share=share))
    return Tile(plain.title, plain.value, tuple(notes), plain.to)


def _answers(words: Words, work: Work) -> Tile:
    title, to = words.gettext("Réponse traitée en"), "/mesures#delai"
    if work.answers < FEWEST:
        return Tile(title, words.gettext("pas encore de mesure"), (), to)
    of = words.ngettext(
        "médiane, %(num)s réponse confiée à une personne",
        "médiane, %(num)s réponses confiées à une personne",
        work.answers,
    )
    if work.half is None:
        of = words.ngettext(
            "%(num)s réponse confiée à une personne",
            "%(num)s réponses confiées à une personne",
            work.answers,
        )
    notes = [of]
    if work.waiting:
        notes.append(
            words.ngettext("%(num)s attend encore", "%(num)s attendent encore", work.waiting)
        )
    if work.half is None:
        return Tile(
            words.gettext("Réponses"),
            words.gettext("plus de la moitié attendent encore"),
            tuple(notes),
            to,
            "waiting",
        )
    return Tile(title, words.lasting(work.half.total_seconds()), tuple(notes), to)


def _late(words: Words, work: Work, opens: bool) -> Tile:
    of = words.ngettext("sur %(num)s tâche ouverte", "sur %(num)s tâches ouvertes", work.open)
    if not work.open:
        of = words.gettext("aucune n’est ouverte")
    return Tile(
        words.gettext("Tâches en retard"),
        words.number(work.late),
        (of,),
        "/a-traiter?onglet=retard" if opens else "/mesures#retard",
        "problem" if work.late else "",
    )


def _unreached(words: Words, work: Work) -> Tile:
    return Tile(
        words.gettext("Patients injoignables"),
        words.number(work.unreached),
        (
            words.ngettext(
                "%(num)s rendez-vous à venir, aucun message ne les atteint",
                "%(num)s rendez-vous à venir, aucun message ne les atteint",
                work.visits,
            ),
        ),
        "/injoignables",
        "waiting" if work.unreached else "",
    )


# --- what to repair ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing to repair: what it is, what follows from it, what to do, and where."""

    what: str
    effect: str
    remedy: str
    to: str = ""  # "": in the configuration file
    tone: str = "waiting"


# (where it is repaired, what that asks for, what is said to whoever may not)
WHOSE = (
    ("/services/uf/", May.EDIT_SERVICES, N_("À signaler à un responsable du service.")),
    ("/services", May.EDIT_SERVICES, N_("À signaler à un responsable du service.")),
    ("/modeles", May.EDIT_TEMPLATES, N_("À signaler à qui écrit les modèles.")),
    ("/a-traiter", May.SEE_TASKS, N_("Une tâche le dit aux agents du service.")),
)


def repair(words: Words, gap: Gap, rules: Rules) -> Repair:
    make = _REPAIRS.get(gap.code)
    if make is not None:
        return make(words, gap, rules)
    what, effect, remedy, to = _PLAIN[gap.code]
    tell = words.gettext
    return Repair(
        tell(what, name=gap.subject, number=words.number(gap.number)),
        tell(effect),
        tell(remedy),
        to,
    )


def _unmapped(words: Words, gap: Gap, _rules: Rules) -> Repair:
    number = words.ngettext(
        "%(num)s rendez-vous à venir", "%(num)s rendez-vous à venir", gap.number
    )
    if gap.number >= MANY:
        number = words.gettext("%(num)s rendez-vous à venir ou plus", num=words.number(MANY))
    return Repair(
        words.gettext("UF %(uf)s sans réglage : %(number)s", uf=gap.subject, number=number),
        words.gettext("Aucun message n’est envoyé pour elle."),
        words.gettext("Régler ce service"),
        f"/services/uf/{quote(gap.subject)}",
        "problem",
    )


def _no_text(words: Words, gap: Gap, _rules: Rules) -> Repair:
    purpose, _, channel = gap.subject.partition(" ")
    named = words.gettext(PURPOSES.get(purpose, purpose))
    by = words.gettext({"sms": N_("SMS"), "email": N_("courriel")}[channel])
    return Repair(
        words.gettext("Aucun modèle approuvé : « %(name)s » par %(by)s", name=named, by=by),
        words.gettext("Ce message ne part pas par ce canal."),
        words.gettext("Écrire et faire approuver"),
        "/modeles",
        "problem",
    )


def _trouble(words: Words, gap: Gap, _rules: Rules) -> Repair:
    """The sentence of its tasks says what follows."""
    named = {
        "no_template": N_("Messages sans modèle approuvé : %(number)s"),
        "empty_variable": N_("Messages qui garderaient un trou : %(number)s"),
        "not_composed": N_("Messages impossibles à composer : %(number)s"),
        "provider_misconfigured": N_("Un opérateur refuse nos identifiants"),
    }[gap.code]
    return Repair(
        words.gettext(named, number=words.number(gap.number)),
        words.gettext(gap.subject),
        words.gettext("Voir les tâches"),
        "/a-traiter",
        "problem",
    )


def _sensitive(words: Words, gap: Gap, rules: Rules) -> Repair:
    desk = rules.desks.get(gap.subject)
    return Repair(
        words.gettext("UF %(uf)s exclue d’office", uf=gap.subject)
        + (f" ({desk.label})" if desk else ""),
        words.gettext("Son nom évoque un soin sensible : aucun message ne part pour elle."),
        words.gettext("Choisir sa discrétion"),
        f"/services/uf/{quote(gap.subject)}",
        "held",
    )


def _test_list(words: Words, gap: Gap, _rules: Rules) -> Repair:
    if not gap.number:
        return Repair(
            words.gettext("Mode test, sans aucune adresse"),
            words.gettext("Aucun message ne part."),
            words.gettext("Donner les téléphones de l’équipe dans « only_to »."),
            tone="held",
        )
    return Repair(
        words.ngettext(
            "Mode test : %(num)s adresse reçoit les messages",
            "Mode test : %(num)s adresses reçoivent les messages",
            gap.number,
        ),
        gap.subject,
        words.gettext("Pour les envois réels : « mode » dans la configuration."),
        tone="held",
    )


_REPAIRS = {
    "unmapped": _unmapped,
    "no_text": _no_text,
    "no_template": _trouble,
    "empty_variable": _trouble,
    "not_composed": _trouble,
    "provider_misconfigured": _trouble,
    "sensitive": _sensitive,
    "test_list": _test_list,
}
_PLAIN: Mapping[str, tuple[str, str, str, str]] = {
    "lost": (
        N_("UF %(name)s : son site ou son protocole n’existe plus"),
        N_("Aucun message n’est envoyé pour elle."),
        N_("Corriger ce service"),
        "/services",
    ),
    "no_source": (
        N_("Aucune source de rendez-vous"),
        N_("Le service ne connaît aucun rendez-vous."),
        N_("Ajouter une table [[dpi]] à la configuration."),
        "",
    ),
    "never_read": (
        N_("Source « %(name)s » jamais lue"),
        N_("Aucun de ses rendez-vous n’est connu."),
        N_("Vérifier l’export du DPI et le journal du service."),
        "",
    ),
    "no_sender": (
        N_("Aucun opérateur SMS ni courriel"),
        N_("Aucun message ne peut partir."),
        N_("Ajouter une table [[sms]] ou [email] à la configuration."),
        "",
    ),
    "sender_unserved": (
        N_("Expéditeur « %(name)s » : aucun modèle de sa famille"),
        N_("Rien ne part par lui."),
        N_("Approuver des modèles pour cette famille"),
        "/modeles",
    ),
    "no_public_url": (
        N_("Pas d’adresse publique pour les pages des patients"),
        N_("Les messages ne portent pas de lien : les patients répondent par SMS ou téléphonent."),
        N_("Donner « public_url » dans la table [web] de la configuration."),
        "",
    ),
}
