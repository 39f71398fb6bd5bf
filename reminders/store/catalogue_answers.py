"""The catalogue of what patients answer, and of what people do about it."""

from reminders.store import catalogue as of
from reminders.store.catalogue import described

ANSWERS = (
    described(
        "inbound",
        "Une réponse reçue par SMS.",
        """
        id           clé
        provider     opérateur
        provider_id  son numéro
        sender    !  numéro qui répond, E.164
        sender_key  !  empreinte de ce numéro, avec une clé propre au service
        recipient    numéro appelé
        body      !  texte de la réponse
        attempt_id   remise à laquelle elle répond
        received_at  reçue le
        exact        1 : l’opérateur nomme lui-même le message
        handled_at   lue par le service le
        intent       ce qui a été compris
        action       ce qui a été fait
        """,
        within=f"m.attempt_id IN ({of.ATTEMPTS})",
        own=f"m.attempt_id IN ({of.OWN_ATTEMPTS})",
    ),
    described(
        "answer",
        "Une réponse au sujet d’un rendez-vous ; la réponse en vigueur est sur le rendez-vous.",
        """
        id              clé
        appointment_id  rendez-vous
        cycle           version du rendez-vous
        kind            confirmed, cancelled, reschedule, question…
        channel         sms, page, email, api ou staff
        origin          d’où elle vient ; unique
        actor        ~  patient, proxy, un compte ou un système
        reason          raison choisie par le patient, code
        given_at        donnée le
        effective_at    ne peut plus être reprise à partir de
        settled_at      transmise le
        undone_at       reprise le
        superseded_at   remplacée le
        """,
        within=f"m.appointment_id IN ({of.APPOINTMENTS})",
        own=f"m.appointment_id IN ({of.OWN_APPOINTMENTS})",
    ),
    described(
        "link",
        "Un lien envoyé à un patient.",
        """
        id          clé
        token_hash  x  empreinte du jeton
        message_id  message
        purpose     answer ou objection
        created_at  créé le
        expires_at  cesse le
        tries       dates de naissance fausses
        """,
        within=f"m.message_id IN ({of.MESSAGES})",
        own=f"m.message_id IN ({of.OWN_MESSAGES})",
    ),
    described(
        "objection",
        "Quelqu’un ne veut plus de nos messages. L’adresse n’est gardée qu’en empreinte.",
        """
        id            clé
        address_key  !  empreinte de l’adresse, avec une clé propre au service
        patient_id    patient
        channel       all, sms ou email
        origin        par quelle voie
        recorded_at   notée le
        recorded_by  ~  par qui
        withdrawn_at  levée le
        scope         all, service:UF ou appointment:clé
        withdrawn_by  ~  par qui
        """,
        within=f"m.patient_id IN ({of.PATIENTS})",
        own="m.patient_id IN :people",
    ),
    described(
        "task",
        "Quelque chose que quelqu’un doit faire.",
        """
        id               clé
        kind             sorte
        subject          à propos de quoi
        subject_version  version de ce dont il s’agit
        sentence         quoi, en clair
        uf               code de l’unité fonctionnelle
        state            open, taken, done…
        created_at       ouverte le
        due_at           faisable à partir de
        priority         priorité, 1 la plus haute
        deadline_at      à faire avant
        appointment_id   rendez-vous
        assignee      ~  qui l’a prise
        taken_at         prise le
        escalated_at     signalée en retard le
        resolved_at      finie le
        resolved_by   ~  par qui
        resolution       issue, code
        """,
        within="m.uf IN :ufs",
        own=f"m.id IN ({of.OWN_TASKS})",
    ),
    described(
        "task_event",
        "Ce qui a été fait d’une tâche.",
        """
        id       clé
        task_id  tâche
        at       quand
        actor  ~  qui
        action   take, release, resolve, hand-over, reopen, escalate…
        detail  ~  codes et comptes
        """,
        within=f"m.task_id IN ({of.TASKS})",
        own=f"m.task_id IN ({of.OWN_TASKS})",
    ),
    described(
        "write_back",
        "Une réponse en route vers le DPI.",
        """
        id              clé
        answer_id       réponse
        appointment_id  rendez-vous
        state           due, done ou failed
        code            pourquoi
        tries           essais
        next_at         prochain essai
        done_at         écrite le
        """,
        within=f"m.appointment_id IN ({of.APPOINTMENTS})",
        own=f"m.appointment_id IN ({of.OWN_APPOINTMENTS})",
    ),
)
