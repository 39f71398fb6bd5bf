"""What a person must do when a message cannot: kinds, words, deadlines."""

from collections.abc import Sequence

from reminders.domain.marking import N_
from reminders.domain.protocol import CORRECTION, NOTICE, Decision
from reminders.store import planning, syncing
from reminders.store.engine import Connection, Record, reserve
from reminders.store.types import micros_or_none

# reason of a decision -> kind of task. Kinds starting with "call_" form the call list.
CALLS = {
    "call_instead": "call_cancelled",
    "vanished_call": "call_vanished",
    "no_moment_call": "call_moved",
    "no_contact": "call_no_contact",
    "landline_only": "call_no_contact",
    "invalid_number": "call_no_contact",
    "duplicate": "duplicate",
    "no_hour": "no_hour",
    "unmapped": "unmapped_uf",
}

# What was to be told at once, could not be, and no longer can.
TOO_LATE = {CORRECTION: "call_moved", NOTICE: "call_cancelled"}
NOT_BY_MESSAGE = {CORRECTION: "call_moved_stop", NOTICE: "call_cancelled_stop"}

SENTENCES = {
    "call_cancelled": N_("Rendez-vous annulé à moins de 24 h : prévenir par téléphone."),
    "call_vanished": N_("Rendez-vous disparu du fichier après un message : vérifier, prévenir."),
    "call_moved": N_("Rendez-vous déplacé, plus de moment permis pour écrire : appeler."),
    "call_moved_stop": N_("Rendez-vous déplacé, et ne veut plus de messages : appeler."),
    "call_cancelled_stop": N_("Rendez-vous annulé, et ne veut plus de messages : appeler."),
    "call_no_contact": N_("Ni mobile ni courriel utilisable : appeler ou compléter le dossier."),
    "call_preparation": N_("Consignes non lues à J-2 : appeler pour la préparation."),
    "call_not_reached": N_("Aucun message n'a pu être remis : appeler."),
    "call_session_cancelled": N_("Séance annulée, et aucun message ne peut le dire : appeler."),
    "call_session_moved": N_("Séance reportée, et aucun message ne peut le dire : appeler."),
    "call_session_late": N_("Retard prévu, et aucun message ne peut le dire : appeler."),
    "call_session_place": N_("Le lieu change, et aucun message ne peut le dire : appeler."),
    "call_session_doubtful": N_("Séance incertaine, et aucun message ne peut le dire : appeler."),
    "duplicate": N_("Le même rendez-vous vient de deux sources : un seul message est envoyé."),
    "no_hour": N_("Rendez-vous sans heure : aucun message n'est envoyé."),
    "unmapped_uf": N_("UF sans réglage : aucun message n'est envoyé pour elle."),
    "empty_variable": N_("Texte impossible à composer sans trou : compléter fiche ou modèle."),
    "no_template": N_("Aucun modèle approuvé pour ce message."),
    "not_composed": N_("Texte impossible à composer : prévenir l'administrateur."),
    "repeated": N_("Déjà parti deux fois en 24 h pour cette adresse : vérifier avant d'écrire."),
    "quarantined": N_("Envoi interrompu trois fois : vérifier avec le journal."),
    "receipt_after_refusal": N_("Accusé reçu pour un message refusé : vérifier chez l'opérateur."),
    "provider_misconfigured": N_(
        "L'opérateur refuse nos identifiants : corriger la configuration."
    ),
    "bad_recipient": N_("L'adresse ne fonctionne pas : la vérifier avec le patient."),
    "status_unknown": N_("Statut inconnu dans le DPI : à vérifier."),
    "answer_cancelled": N_("Le patient annule : l'enregistrer dans le DPI, le créneau est libre."),
    "write_back_failed": N_("Réponse du patient que le DPI n'a pas acceptée : l'y enregistrer."),
    "write_back_changed": N_(
        "Réponse non écrite : le rendez-vous a changé dans le DPI. Le vérifier."
    ),
    "reply_alert": N_("Réponse qui parle de santé : la lire et rappeler tout de suite."),
    "reply_deceased": N_("Réponse qui annonce un décès : vérifier, corriger le DPI."),
    "reply_wrong_number": N_("Ce numéro n'est pas celui du patient : le vérifier."),
    "reply_new_holder": N_("Ce numéro semble avoir changé de titulaire : le vérifier."),
    "reply_stop": N_("Ne veut plus de messages, et dit autre chose : lire la réponse."),
    "provider_stop": N_(
        "Numéro bloqué chez l'opérateur ; le patient voulait peut-être annuler : l'appeler."
    ),
    "start_stands": N_(
        "Veut de nouveau nos SMS, mais une opposition du secrétariat ou de l'opérateur "
        "reste : voir avec le patient."
    ),
    "reply_proxy_cancel": N_("Un proche annule : vérifier avec le patient."),
    "reply_which": N_("Réponse qui peut viser plusieurs rendez-vous : demander lequel."),
    "reply_unbound": N_("Réponse d'un numéro sans message récent : trouver le patient."),
    "reply_after": N_("Réponse arrivée après l'heure du rendez-vous : la lire."),
    "reply_cancelled": N_("Réponse à un rendez-vous déjà annulé : rappeler si besoin."),
    "reply_moved": N_("Réponse à un horaire qui a changé : demander ce qu'il en est."),
    "reply_changed_mind": N_("Confirme après avoir annulé : dire si la place est encore là."),
    "reply_reschedule": N_("Demande une autre date."),
    "reply_question": N_("Pose une question."),
    "reply_late": N_("Annonce un retard : prévenir l'accueil."),
    "reply_transport": N_("Question de transport."),
    "reply_already": N_("Dit que c'est déjà fait : vérifier dans le DPI."),
    "reply_complaint": N_("Réclamation."),
    "reply_unclear": N_("Réponse à lire : son sens n'est pas sûr."),
    "reply_other": N_("Confirme, et dit autre chose : lire la réponse."),
    "no_patient": N_("Rendez-vous sans patient identifiable : à vérifier dans le DPI."),
}


def call_reason(decision: Decision) -> str | None:
    """The kind of task a decision asks for; None if it asks for nobody."""
    if decision.exhausted:
        return "call_not_reached"
    if decision.reason == "past":  # nobody was told: a person still can be
        return TOO_LATE.get(decision.step)
    if decision.reason == "objection":  # to refuse messages is not to refuse to know
        return NOT_BY_MESSAGE.get(decision.step)
    return CALLS.get(decision.reason)


def task_of(kind: str, decision: Decision, at: int) -> tuple[object, ...]:
    """(kind, subject, version, sentence, uf, created, due) of one decision's task; due: from when
    it can be done, the moment the message would have left.

    An unmapped UF is one task however many appointments it has.
    """
    booking = decision.booking
    if kind == "unmapped_uf":
        subject, version = f"uf:{booking.uf}", 1
    else:
        subject, version = f"appointment:{booking.id}", booking.cycle
    due = micros_or_none(decision.opens_at)
    return kind, subject, version, SENTENCES[kind], booking.uf, at, due


DOUBTS = ("no_patient", "status_unknown")


def tell_doubts(connection: Connection, found: Sequence[Record], at: int) -> None:
    """Open a task for each appointment the DPI leaves in doubt; close those it cleared up."""
    doubtful = [row for row in found if row.doubt]
    syncing.close_tasks(
        connection, [f"appointment:{row.id}" for row in found if not row.doubt], DOUBTS
    )
    if doubtful:
        first = reserve(connection, "task", len(doubtful))
        planning.open_tasks(
            connection,
            [
                (first + n, row.doubt, f"appointment:{row.id}", row.version, SENTENCES[row.doubt],
                 row.uf, at, at)
                for n, row in enumerate(doubtful)
            ],
        )  # fmt: skip
