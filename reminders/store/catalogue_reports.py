"""The catalogue of the randomised comparison, which the reports are computed from."""

from reminders.store import catalogue as of
from reminders.store.catalogue import described

REPORTS = (
    described(
        "holdout",
        "Un groupe témoin proposé, et qui l’a approuvé.",
        """
        id                clé
        state             proposed, approved ou stopped
        share_millionths  part des patients, en millionièmes
        salt           x  clé du tirage
        excluded          UF jamais comparées, JSON
        proposed_at       proposé le
        proposed_by       par qui
        approved_at       approuvé le
        approved_by       par qui
        ends_at           date du dernier regard, fixée avant le premier
        stopped_at        arrêté le
        stopped_by        par qui
        """,
    ),
    described(
        "unit_entry",
        "Un rendez-vous à son entrée dans la comparaison : son bras, sa sorte.",
        """
        appointment_id  rendez-vous
        holdout_id      groupe témoin
        patient_id      patient
        arm             reminded ou held
        excluded        pourquoi il ne compte pas ; vide : il compte
        uf              code de l’unité fonctionnelle
        cell            case de référence
        starts_at       début à son entrée
        entered_at      entré le
        recorded_at     noté le
        """,
        within="m.uf IN :ufs",
        own="m.patient_id IN :people",
    ),
    described(
        "effect_look",
        "Ce qu’un regard sur l’effet a trouvé.",
        """
        id          clé
        holdout_id  groupe témoin
        name        un mois, ou final
        at          quand
        estimate    effet estimé
        variance    variance
        p           p de ce seul regard
        treated     unités rappelées à l’issue connue
        held        unités témoins à l’issue connue
        method      méthode
        """,
    ),
    described(
        "hold_sample",
        "Ce qu’un envoi retenu avait vu d’étrange : quelques rendez-vous.",
        """
        hold_id         envoi retenu
        appointment_id  rendez-vous
        fate            ce qu’il en devenait
        starts_at       début qu’aurait eu le rendez-vous
        """,
        within=f"m.appointment_id IN ({of.APPOINTMENTS})",
        own=f"m.appointment_id IN ({of.OWN_APPOINTMENTS})",
    ),
)
