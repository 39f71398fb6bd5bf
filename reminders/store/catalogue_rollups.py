"""The catalogue of an export: what the no-show report counts from."""

from reminders.store.catalogue import Table, described

ROLLUPS: tuple[Table, ...] = (
    described(
        "report_unit",
        "Un rendez-vous tel qu’il a d’abord été pris, compté dans le rapport d’absentéisme.",
        """
        appointment_id  rendez-vous
        patient_id      patient
        uf              code de l’unité fonctionnelle, à son entrée
        month           mois de son début à son entrée : année × 12 + mois − 1
        starts_at       début à son entrée
        entered_at      entré le
        turns_at        change de lui-même le
        counted         1 : il compte ; 0 : pas encore, ou déplacement, remplacement, erreur
        kind            ce qu’il était à son entrée, en chiffres (docs/reports.md)
        fate            ce qu’il est devenu, en chiffres (docs/reports.md)
        messages        messages à son sujet
        segments        segments de SMS
        cost            ce qu’ils coûtent, en millionièmes d’euro
        contacts        fois où le patient a écrit ou appelé
        """,
        within="m.uf IN :ufs",
        own="m.patient_id IN :people",
    ),
    described(
        "rollup",
        "Rendez-vous d’un mois et d’un service comptés selon une seule chose.",
        """
        month                  mois : année × 12 + mois − 1
        uf                     code de l’unité fonctionnelle ; * : toutes
        dim                    selon quoi
        value                  laquelle de ses valeurs
        hidden                 1 : n’est pas montré, trop peu de patients
        patients               patients
        attended               venus
        no_show                absents
        cancelled_early        annulés tôt
        cancelled_late         annulés tard
        cancelled_by_hospital  annulés par l’hôpital
        unknown                issue inconnue
        pending                à venir
        """,
    ),
    described(
        "rollup_sum",
        "Ce que les rendez-vous d’un mois et d’un service font en tout.",
        """
        month           mois : année × 12 + mois − 1
        uf              code de l’unité fonctionnelle ; * : toutes
        hidden          1 : n’est pas montré, trop peu de patients
        patients        patients
        entered         entrés, dont l’issue est due
        planned         rappel prévu
        sent            rappel parti
        delivered       rappel remis
        answered        patient a répondu à un rappel
        came            venus, de ceux dont un rappel est parti
        freed           créneaux rendus
        refilled        créneaux repris
        replied         patient a répondu
        alone           réponses closes sans personne
        contacted       patient a écrit ou appelé
        recontacts      et de nouveau dans les sept jours
        contacts        fois
        messages        messages
        segments        segments de SMS
        cost            millionièmes d’euro
        squares         pour l’effet de grappe : carrés des rendez-vous par patient
        products        produits des rendez-vous et des absences par patient
        missed_squares  carrés des absences par patient
        """,
    ),
)
