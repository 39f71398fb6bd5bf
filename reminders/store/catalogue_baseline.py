"""The catalogue of an export: the tables of baseline."""

from reminders.store.catalogue import Table, described

BASELINE: tuple[Table, ...] = (
    described(
        "baseline",
        "Une reprise des rendez-vous passés : ce qui a été compté, et l’état des données.",
        """
        id            clé
        imported_at   repris le
        imported_by  ~  par qui
        origin        file, ou la source interrogée
        content_hash  empreinte du fichier
        first_at      premier rendez-vous compté
        last_at       dernier rendez-vous compté
        weeks         semaines où il y en a
        appointments  rendez-vous comptés
        quality       état des données, JSON
        """,
    ),
    described(
        "baseline_count",
        "Ce que devenaient les rendez-vous d’une sorte avant le programme : des nombres.",
        """
        baseline_id            reprise
        split                  selon quoi l’on compte
        uf                     code de l’unité fonctionnelle
        known                  known : déjà venu dans le service ; new : nouveau
        lead                   délai en jours
        weekday                jour, 1 = lundi
        hour                   heure
        age                    âge
        patients               patients différents
        attended               venus
        no_show                non venus
        cancelled_early        annulés 48 heures avant ou plus
        cancelled_late         annulés plus tard
        cancelled_by_hospital  annulés par l’hôpital
        unknown                issue inconnue
        """,
        within="m.uf IN :ufs",
    ),
)
