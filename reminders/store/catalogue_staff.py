"""The catalogue of what the hospital's people write, set and did."""

from reminders.store import catalogue as of
from reminders.store.catalogue import described

STAFF = (
    described(
        "audit",
        "Le journal : qui a vu et fait quoi. Il ne peut qu’être complété.",
        """
        id      clé
        at      quand
        actor  ~  qui : un compte, ou celui de la machine pour une commande
        action  quoi, code
        subject  à propos de quoi
        detail  ~  précisions, JSON : codes et comptes
        """,
        own=f"m.subject IN ({of.OWN_SUBJECTS})",
    ),
    described(
        "account",
        "Un compte du personnel.",
        """
        id                clé
        login             identifiant
        name              nom affiché
        phone          !  mobile de la personne, pour les messages d’essai
        language          langue des pages
        grants            rôles et lieux, JSON
        password       x  empreinte du mot de passe
        code_hash      x  empreinte du code à usage unique
        code_until     x  fin du code
        totp           x  secret du second facteur
        totp_confirmed    1 : second facteur en place
        totp_step      x  dernier pas utilisé
        failures          essais manqués de suite
        locked_until      bloqué jusqu’à
        created_at        créé le
        created_by        par qui
        signed_in_at      dernière connexion
        disabled_at       fermé le
        """,
    ),
    described(
        "service_version",
        "Le réglage d’une UF à partir d’un moment.",
        """
        id       clé
        uf       code de l’unité fonctionnelle
        number   numéro de version
        content  réglage, JSON : clés de la table [[service]]
        author   par qui
        at       à partir de
        """,
        within="m.uf IN :ufs",
    ),
    described(
        "protocol_version",
        "Un protocole à partir d’un moment.",
        """
        id        clé
        protocol  protocole
        number    numéro de version
        content   étapes, JSON : clés de la table [[protocol]]
        author    par qui
        at        à partir de
        """,
        within=of.EVERYBODY,
    ),
    described(
        "sheet_version",
        "Une fiche de consignes, telle que proposée.",
        """
        id          clé
        sheet       fiche
        number      numéro de version
        base        version dont elle part
        restores    version dont elle reprend le texte
        content     fiche, JSON : clés de la table [[preparation]]
        author      par qui
        at          proposée le
        state       proposed, scheduled, approved, refused ou withdrawn
        decided_by  décidé par
        decided_at  décidé le
        alone       1 : approuvée par son auteur
        remark      pourquoi refusée
        effective_at  lue par les patients à partir de
        """,
        within=of.EVERYBODY,
    ),
    described(
        "template_version",
        "Une version d’un modèle de message, livrée ou écrite par le personnel.",
        """
        id            clé
        purpose       but
        language      langue
        family        link, reply ou any
        channel       canal
        subject       objet du courriel
        body          texte
        html          texte mis en forme
        content_hash  empreinte du contenu
        state         proposed, approved, rejected, withdrawn ou replaced
        approved_by   approuvée par
        approved_at   approuvée le
        number        numéro de version
        author        par qui, ou « livré avec » une version du logiciel
        origin        shipped, page, import ou rollback
        note          ce que l’auteur dit à qui approuve
        base_id       version dont elle part
        proposed_at   proposée le
        effective_at  en service à partir de
        ticked        avertissements acceptés, JSON
        reach         patients concernés, comme annoncé à qui approuvait
        alone         1 : approuvée par son auteur
        decided_by    refusée ou retirée par
        decided_at    refusée ou retirée le
        reason        pourquoi, code
        reason_text   pourquoi, en clair
        """,
        within=of.EVERYBODY,
    ),
    described(
        "writing",
        "Un envoi décidé par quelqu’un : à une séance, ou un rappel de nouveau.",
        """
        id            clé
        request       numéro du formulaire
        kind          session ou resend
        purpose       but du message
        uf            code de l’unité fonctionnelle
        agenda        agenda
        late_minutes  retard que dit le texte, en minutes
        new_place     lieu que dit le texte
        starts_at     rendez-vous à partir de
        ends_at       et avant
        patients      patients à qui un texte a été prévu
        calls         patients à appeler à la place
        segments      SMS facturés
        price_eur     prix en euros
        created_at    décidé le
        created_by  ~  par qui
        withdrawn_at  rappelé le
        withdrawn_by  ~  par qui
        closed_at     plus rien n’en change depuis
        """,
        within="m.uf IN :ufs",
    ),
    described(
        "writing_line",
        "Un rendez-vous d’un tel envoi : le message qui le dit, ou pourquoi aucun.",
        """
        writing_id      envoi
        appointment_id  rendez-vous
        cycle           version du rendez-vous
        patient_id      patient
        decision_id     décision
        message_id      message ; 0 : aucun
        reason          pourquoi aucun
        task            appel fait à la place
        """,
        within=f"m.appointment_id IN ({of.APPOINTMENTS})",
        own="m.patient_id IN :people",
    ),
)
