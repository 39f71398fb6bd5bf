"""What each count of the reports is called, and the formula behind it, in words.

One table: a report shows the formulas below its figures, and a list says the one it is behind.
"""

from collections.abc import Mapping

from reminders.domain.outcome import Outcome
from reminders.domain.report import RECONTACT_DAYS
from reminders.web.staff.reports_words import DEFINED, MOTIVES, OUTCOMES, REACH
from reminders.web.staff.words import N_, Words

NAMES: Mapping[str, str] = {
    "known": N_("Issues connues"),
    "expected": N_("Venus ou attendus en vain"),
    "pending": N_("Encore à venir"),
    "entered": N_("Rendez-vous suivis, heure passée"),
    "planned": N_("Un rappel était prévu"),
    "sent": N_("Un rappel est parti"),
    "delivered": N_("Un rappel a été remis"),
    "answered": N_("Le patient a répondu"),
    "came": N_("Le patient, rappelé, est venu"),
    "freed": N_("Créneaux rendus"),
    "refilled": N_("Créneaux redonnés"),
    "handled": N_("Réponses confiées à une personne"),
    "replied": N_("Rendez-vous avec une réponse"),
    "alone": N_("Closes sans personne"),
    "contacted": N_("Rendez-vous avec un contact"),
    "recontacts": N_("Relances sous %(days)s jours"),
    "contacts": N_("Contacts"),
    "in-care": N_("Patients suivis"),
    "messages": N_("Messages partis au sujet de ces rendez-vous"),
}
FORMULAS: Mapping[str, str] = {
    "known": N_("Venus, non venus et annulés, par qui que ce soit. C’est le dénominateur du taux."),
    "expected": N_("Venus et non venus, sans les annulés. C’est le dénominateur du taux "
                   "« national »."),
    "pending": N_("Le premier rappel était dû, l’heure du rendez-vous n’est pas passée. Dans aucun "
                  "taux."),
    "entered": N_("Le premier rappel était dû, et l’heure du rendez-vous est passée, quelle que "
                  "soit l’issue."),
    "planned": N_("Des suivis, ceux pour lesquels un rappel a été préparé. Part : prévus / "
                  "suivis."),
    "sent": N_("Des suivis, ceux pour lesquels un rappel au moins est parti. Part : partis / "
               "prévus."),
    "delivered": N_("Des suivis, ceux dont l’opérateur dit qu’un rappel a été remis. Part : "
                    "remis / partis."),
    "answered": N_("Des partis, ceux dont le patient a répondu, par SMS, sur la page ou au "
                   "téléphone. Part : répondus / remis."),
    "came": N_("Des partis, ceux dont le patient est venu, qu’il ait répondu ou non. Part : "
               "venus / partis."),
    "freed": N_("Rendus avant l’heure, par une annulation ou un déplacement."),
    "refilled": N_("Des créneaux rendus, ceux qu’un autre rendez-vous a repris. Qui a déplacé puis "
                   "annulé son rendez-vous en a rendu deux."),
    "handled": N_("Une réponse a fait une tâche qu’une personne a terminée : la première compte. "
                  "Le temps va de la tâche à sa fin ; la médiane en est le milieu."),
    "replied": N_("Le patient a répondu, par SMS, sur la page ou au téléphone, que l’heure soit "
                  "passée ou non."),
    "alone": N_("Aucune de ses réponses n’a demandé une personne. Part : closes sans personne / "
                "rendez-vous avec une réponse."),
    "contacted": N_("Une réponse par SMS, une réponse sur la page ou un appel noté, au moins."),
    "recontacts": N_("Le patient a écrit ou appelé de nouveau en %(days)s jours, sans message de "
                     "notre part entre les deux. Part : relances / rendez-vous avec un contact."),
    "contacts": N_("Les réponses par SMS, les réponses sur la page et les appels notés : un "
                   "rendez-vous peut en avoir plusieurs. Par patient : contacts / patients suivis "
                   "dans le mois, chaque mois ajouté."),
    "in-care": N_("Ceux d’au moins un rendez-vous suivi du mois, passé ou à venir. La liste montre "
                  "chacun une fois par mois, par un de ses rendez-vous."),
    "messages": N_("Les messages partis à propos de ces rendez-vous, rappels ou autres ; un "
                   "message pour plusieurs rendez-vous compte au premier."),
}  # fmt: skip
RATES: Mapping[str, str] = {
    "rate": N_("Taux = non venus / issues connues."),
    "national": N_("Taux « national » = non venus / (venus + non venus)."),
}
OF_REACH = N_("Ce que le dossier disait du patient quand son premier rappel était dû.")
OF_MOTIVE = N_("La dernière réponse du patient à propos de ce rendez-vous.")


# What the hold-out's page counts of each arm; and, said where the effect is, what it is.
ARMS_SAID: tuple[tuple[str, str], ...] = (
    (N_("Rendez-vous entrés"),
     N_("Leur premier rappel était dû, qu’il parte ou non. Les laissés de côté n’y sont pas. "
        "Patients : ceux de ces rendez-vous, chacun une fois.")),
    (N_("Un message est parti"),
     N_("Des entrés, ceux pour lesquels un rappel, ou un message écrit par une personne, est "
        "parti.")),
    (N_("Issues connues"),
     N_("Des entrés dont l’heure est passée avant la fin de la comparaison : venus, non venus et "
        "annulés, par qui que ce soit. Un rendez-vous qui en déplace un autre n’en est pas un de "
        "plus.")),
    (N_("Taux"), N_("Taux = non venus / issues connues, dans chaque groupe.")),
    (N_("Issue inconnue"),
     N_("Part = sans issue connue / tous ceux dont l’heure est passée. Dans aucun taux.")),
)  # fmt: skip
EFFECT_SAID: tuple[tuple[str, str], ...] = (
    (N_("Écart des taux"),
     N_("Écart = taux avec rappels − taux sans rappels, en points ; sous zéro, moins de "
        "non-venues avec rappels. Il peut être ajusté sur l’état de départ : la méthode le dit.")),
    (N_("Non-venues évitées"),
     N_("Non-venues évitées = (taux sans rappels − taux avec rappels) × issues connues avec "
        "rappels.")),
)  # fmt: skip


def name_of(words: Words, code: str) -> str:
    """Of an outcome, a denominator, a measure, or a value of the reach or motive table."""
    table, _, value = code.partition(":")
    if table in _VALUES:
        return words.gettext(_VALUES[table].get(value, value))
    if code in _OUTCOMES:
        return words.gettext(OUTCOMES[_OUTCOMES[code]])
    return words.gettext(NAMES[code]) % _NUMBERS


def formula_of(words: Words, code: str) -> str:
    """What a count of this name counts."""
    table = code.partition(":")[0]
    if table in _TABLES:
        return words.gettext(_TABLES[table])
    if code in _OUTCOMES:
        return words.gettext(DEFINED[_OUTCOMES[code]])
    return words.gettext(FORMULAS[code]) % _NUMBERS


def formulas(words: Words) -> list[tuple[str, str]]:
    """Those of everything that no table of outcomes tells."""
    named = [(name_of(words, code), formula_of(words, code)) for code in FORMULAS]
    return [
        *named,
        (words.gettext("Comment les patients pouvaient être joints"), words.gettext(OF_REACH)),
        (words.gettext("Ce que disent les réponses"), words.gettext(OF_MOTIVE)),
    ]


_OUTCOMES = {one.value: one for one in Outcome}
_VALUES: Mapping[str, Mapping[str, str]] = {
    "reach": {one.value: name for one, name in REACH.items()},
    "motive": MOTIVES,
}
_TABLES = {"reach": OF_REACH, "motive": OF_MOTIVE}
_NUMBERS = {"days": RECONTACT_DAYS}
