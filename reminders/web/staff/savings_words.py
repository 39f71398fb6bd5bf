"""The words of the savings: why nothing is measured, what a component and a driver are."""

from datetime import datetime, time

from reminders.services.effect import Verdict
from reminders.web.staff.visit import Visit
from reminders.web.staff.words import N_, month_of

VERDICTS = {
    Verdict.NO_HOLDOUT.value: N_(
        "Aucun groupe témoin n’a été approuvé : aucune économie ne peut être mesurée."
    ),
    Verdict.UNBALANCED.value: N_(
        "Les deux groupes n’ont pas la taille que donne le tirage : aucune économie n’est affichée."
    ),
    Verdict.UNKNOWN_DIFFERS.value: N_(
        "L’issue manque plus souvent dans un groupe que dans l’autre : aucune économie n’est "
        "affichée."
    ),
    Verdict.TOO_SMALL.value: N_(
        "Pas encore mesurable : un groupe a moins de 30 patients ou moins de 10 non-venues."
    ),
    Verdict.UNDERPOWERED.value: N_(
        "Pas encore mesurable : l’effet qu’on attend des rappels ne se verrait pas avec si peu de "
        "rendez-vous."
    ),
    Verdict.MEASURED.value: N_("L’effet est mesuré, mais un coût unitaire manque."),
}
DRIVERS = {
    "no-shows": N_("Non-venues"),
    "attended": N_("Patients venus"),
    "cancelled-early": N_("Annulés au moins 48 h avant"),
    "cancelled-late": N_("Annulés tard"),
    "refilled": N_("Créneaux rendus et repris"),
    "call": N_("Appels"),
}
QUANTITIES = {
    "slot": N_("créneaux perdus"),
    "segment": N_("parties de SMS"),
    "call": N_("appels"),
    "task": N_("tâches faites"),
    "known": N_("rendez-vous comptés"),
    "unknown": N_("issue inconnue"),
    "patients": N_("patients"),
    "entered": N_("rendez-vous entrés"),
    "written": N_("un message est parti"),
}
KINDS = {"capacity": N_("capacité"), "cash": N_("argent")}
ARMS = {"reminded": N_("avec rappels"), "held": N_("sans rappels")}
OUTCOMES = {
    "attended": N_("venu"),
    "no-show": N_("non venu"),
    "cancelled-early": N_("annulé au moins 48 h avant"),
    "cancelled-late": N_("annulé tard"),
    "cancelled-by-hospital": N_("annulé par l’hôpital"),
    "unknown": N_("issue non regardée ici"),
}


def month_name(visit: Visit, text: str) -> str:
    """« octobre 2026 » of 2026-10."""
    year, _, month = text.partition("-")
    first = datetime.combine(
        datetime(int(year), int(month), 1, tzinfo=visit.staff.zone).date(), time(12),
        visit.staff.zone,
    )  # fmt: skip
    said = month_of(first, visit.words)
    return said[:1].upper() + said[1:]
