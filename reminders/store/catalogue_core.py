"""The catalogue of what is read from the records system, planned, written and told."""

from reminders.store import catalogue as of
from reminders.store.catalogue import described

CORE = (
    described(
        "patient",
        "Une personne d’une autorité d’identification. Nom, adresses et jour de naissance sont "
        "effacés passé leur durée de conservation.",
        """
        id                clé
        authority         autorité d’identification
        identifier     !  numéro de patient (IPP)
        family         !  nom utilisé
        given          !  prénom
        birth_date     !  date de naissance, AAAA-MM-JJ ; 1er janvier une fois effacée
        sex               sexe, tel que le DPI le dit
        language          langue, telle que le DPI la dit
        deceased          1 : décédé
        blocked           pourquoi rien ne doit être écrit ; vide : rien ne l’interdit
        refuses_sms       1 : le DPI dit que le patient refuse les SMS
        stopped_by        source qui dit décédé, bloqué ou refusant
        phone          !  mobile, E.164
        phone_zone        fuseau du mobile
        email          !  courriel
        proxy             parent, guardian ou helper : qui reçoit à sa place ; vide : lui-même
        proxy_phone    !  mobile de cette personne, E.164
        proxy_zone        fuseau de ce mobile
        proxy_email    !  courriel de cette personne
        spoken            langue choisie par le patient
        contact_problem   pourquoi il n’y a pas d’adresse : landline, invalid, none, purged…
        protected         1 : majeur protégé
        told              de qui est l’adresse dite par téléphone qui est en place ; vide : aucune
        told_over      !  adresses du DPI dont elle a pris la place
        contact_source    source dont viennent les adresses
        fingerprint       empreinte de l’état lu dans le DPI
        dirty             1 : le plan doit être revu
        merged_into       clé du patient avec lequel celui-ci a été fusionné
        first_seen_at     première lecture
        updated_at        dernier changement
        """,
        within=f"m.id IN ({of.PATIENTS})",
        own="m.id IN :people",
    ),
    described(
        "appointment",
        "Un rendez-vous d’une source. La version grandit quand l’heure ou le lieu lus par le "
        "patient changent.",
        """
        id                  clé
        source_id           source (DPI)
        external_id      !  numéro du rendez-vous dans cette source
        patient_id          patient
        uf                  code de l’unité fonctionnelle
        site_id             site
        agenda              agenda
        kind                type de rendez-vous, code du DPI
        place               lieu, tel que le DPI le dit
        starts_at           début
        all_day             1 : jour sans heure
        duration_minutes    durée en minutes
        status              statut du DPI, mots de FHIR R4
        answer              réponse du patient : none, confirmed, cancelled, reschedule
        answered_at         moment de la réponse
        answered_cycle      version à laquelle elle répond
        version             version
        version_at          première vue de cette version
        fingerprint         empreinte de l’état lu dans le DPI
        booked_at           prise du rendez-vous, selon le DPI
        modified_at         dernière modification, selon le DPI
        first_seen_at       première lecture
        last_seen_at        dernière lecture où il différait ou manquait
        in_first_sync       1 : déjà là à la première lecture de la source
        cancelled_at        annulation
        cancelled_basis     told : dite ; vanished : disparu de la source
        cancelled_by        par qui, code
        attendance          noté par le service : came, absent, excused
        attended_at         moment de cette note
        attended_by      ~  par qui
        stopped_at          plus aucun message voulu pour cette version : depuis
        stopped_by       ~  par qui
        stopped_cycle       version arrêtée
        stopped_why         pourquoi, code
        arm                 bras de la comparaison tirée au sort ; vide : aucun
        first_starts_at     début à la première prise
        """,
        within="m.uf IN :ufs",
        own="m.patient_id IN :people",
    ),
    described(
        "appointment_change",
        "Ce qu’une nouvelle version d’un rendez-vous a remplacé.",
        """
        appointment_id  rendez-vous
        version         la nouvelle version
        at              moment où le changement a été lu
        was_starts_at   début d’avant
        was_all_day     1 : c’était un jour sans heure
        was_uf          UF d’avant
        was_status      statut d’avant, mots de FHIR R4
        starts_at       nouveau début
        all_day         1 : jour sans heure
        uf              nouvelle UF
        other_patient   1 : il est devenu celui d’un autre patient
        """,
        within=f"m.appointment_id IN ({of.APPOINTMENTS})",
        own=f"m.appointment_id IN ({of.OWN_APPOINTMENTS})",
    ),
    described(
        "decision",
        "Ce qui a été décidé pour une étape d’un rendez-vous, et pourquoi, même quand rien n’est "
        "envoyé.",
        """
        id              clé
        appointment_id  rendez-vous
        step            étape du protocole (J-3…)
        cycle           version du rendez-vous
        state           PLANNED ou SUPPRESSED
        reason          pourquoi rien n’est envoyé
        purpose         but du message
        opens_at        à partir de quand
        closes_at       jusqu’à quand
        decided_at      moment de la décision
        """,
        within=f"m.appointment_id IN ({of.APPOINTMENTS})",
        own=f"m.appointment_id IN ({of.OWN_APPOINTMENTS})",
    ),
    described(
        "message",
        "Un texte à un destinataire par un canal, et ce qu’il est devenu.",
        """
        id                clé
        dedupe_key        clé qui empêche un second envoi
        kind              reminder, booking, correction, notice, ack, staff, test…
        channel           sms ou email
        state             état : PLANNED, SENDING, ACCEPTED, DELIVERED, UNDELIVERED, UNKNOWN…
        reason            pourquoi cet état
        patient_id        patient
        recipient      !  adresse du destinataire
        recipient_key  !  empreinte de cette adresse, avec une clé propre au service
        relation          patient, parent ou guardian
        site_id           site
        purpose           but
        language          langue
        earliest_at       pas avant
        opens_at          à partir de quand
        closes_at         jusqu’à quand
        lease_token       jeton du processus qui l’a pris
        lease_until       jusqu’à quand il l’a
        leases            prises sans résultat
        retries           nouveaux essais
        settled_at        moment de l’état final
        created_at        prévu le
        updated_at        dernier changement
        """,
        within=f"m.id IN ({of.MESSAGES})",
        own="m.patient_id IN :people",
    ),
    described(
        "message_item",
        "Quelles décisions un message porte : les rendez-vous d’un même jour n’en font qu’un.",
        """
        decision_id  décision
        channel      canal
        message_id   message
        """,
        within=f"m.decision_id IN ({of.DECISIONS})",
        own=f"m.message_id IN ({of.OWN_MESSAGES})",
    ),
    described(
        "attempt",
        "Une remise à un opérateur, écrite avant le premier octet. Texte et adresse sont effacés "
        "passé leur durée.",
        """
        id                   clé
        message_id           message
        reference            notre référence chez l’opérateur
        provider             opérateur
        channel              canal
        address           !  adresse
        subject           !  objet du courriel
        body              !  texte parti
        template_version_id  version du modèle
        segments             nombre de SMS facturés
        price_eur            prix en euros
        state                NOT_SENT, ACCEPTED, REFUSED, UNKNOWN, UNDELIVERED, DELIVERED…
        code                 code de l’opérateur
        provider_id          numéro de l’opérateur
        started_at           début
        finished_at          fin
        """,
        within=f"m.message_id IN ({of.MESSAGES})",
        own=f"m.message_id IN ({of.OWN_MESSAGES})",
    ),
    described(
        "told",
        "Ce qu’une remise a dit d’un rendez-vous : l’heure et le lieu que le patient a pu lire.",
        """
        attempt_id      remise
        appointment_id  rendez-vous
        cycle           version
        starts_at       début dit
        place           lieu dit
        """,
        within=f"m.appointment_id IN ({of.APPOINTMENTS})",
        own=f"m.attempt_id IN ({of.OWN_ATTEMPTS})",
    ),
    described(
        "receipt",
        "Un accusé d’un opérateur.",
        """
        id             clé
        provider       opérateur
        event          événement, unique chez lui
        reference      notre référence
        provider_id    son numéro
        state          état dit
        code           code dit
        opted_out      1 : l’opérateur bloque ce numéro
        bad_recipient  1 : l’adresse ne fonctionne pas
        received_at    reçu le
        attempt_id     remise dont il parle
        """,
        within=f"m.attempt_id IN ({of.ATTEMPTS})",
        own=f"m.attempt_id IN ({of.OWN_ATTEMPTS})",
    ),
    described(
        "source",
        "Une source de rendez-vous (DPI).",
        """
        id              nom dans la configuration
        kind            sorte
        first_sync_at   première lecture
        last_as_of      état le plus récent lu
        last_full_at    dernière lecture entière
        layout          en-têtes ou forme constatés
        released_at     premier envoi réel autorisé le
        released_by  ~  par qui
        """,
    ),
    described(
        "feed",
        "Une lecture d’une source, appliquée ou non.",
        """
        id            clé
        source_id     source
        name          nom du fichier ou de la lecture
        as_of         état à ce moment
        mode          snapshot ou delta
        content_hash  empreinte du contenu
        started_at    lue le
        status        accepted, refused ou held
        code          pourquoi
        sentence      pourquoi, en clair
        rows          lignes
        problems      lignes mises de côté
        expected      rendez-vous prévus dans la période comparée
        created       nouveaux
        changed       changés
        vanished      disparus
        """,
    ),
    described(
        "feed_problem",
        "Une ligne mise de côté ; aucune de ses valeurs n’est gardée.",
        """
        id           clé
        feed_id      lecture
        row          numéro de ligne
        column_name  colonne
        code         pourquoi
        sentence     pourquoi, en clair
        """,
    ),
    described(
        "hold",
        "Un envoi retenu, et qui l’a libéré.",
        """
        id              clé
        source_id       source ; vide : tout
        code            pourquoi
        feed_hash       empreinte de la lecture en cause
        sentence        pourquoi, en clair
        placed_at       retenu le
        placed_by    ~  par qui
        released_at     libéré le
        released_by  ~  par qui
        evidence        ce qui l’a fait retenir, JSON, comptes et codes
        ended           comment il a fini : code
        """,
    ),
    described(
        "run",
        "Un passage du service.",
        """
        id           clé
        started_at   début
        finished_at  fin
        mode         rehearsal, test ou live
        exit_code    code de fin
        summary      compte rendu, JSON, comptes seulement
        """,
    ),
)
