"""What the page of objections says."""

from reminders.domain.marking import N_

ORIGINS = {
    "patient": N_("dites par le patient"),
    "staff": N_("notées par le secrétariat"),
    "provider": N_("relevées chez l’opérateur"),
    "number": N_("d’office, numéro douteux"),
}
CHANNELS = {"all": N_("tous les canaux"), "sms": N_("SMS"), "email": N_("courriel")}
SCOPES = {
    "all": N_("tout"),
    "service": N_("un service"),
    "appointment": N_("un rendez-vous"),
}
STATES = {"active": N_("en vigueur"), "ended": N_("levées")}
NO_MAIL = N_("Donner un numéro de téléphone ou une adresse de courriel.")
LIFTED = N_("L’opposition est levée : les messages reprennent.")
STANDS = N_("Levée pour cette adresse ; une autre opposition du patient reste en vigueur.")
ENDED_ALREADY = N_("Elle était déjà levée.")
GONE = N_("Cette opposition n’est pas connue, ou pas dans vos services.")
HEADS = (
    N_("Notée le"), N_("Comment"), N_("Par"), N_("Canal"), N_("Portée"), N_("IPP"), N_("Nom"),
    N_("Prénom"), N_("Levée le"), N_("Levée par"),
)  # fmt: skip
