"""The catalogue of an export: the tables of costs."""

from reminders.store import catalogue as of
from reminders.store.catalogue import described

COSTS = (
    described(
        "unit_cost",
        "Ce que coûte une chose à partir d’un jour, et qui le dit.",
        """
        id              clé
        component       slot, segment, call, task, fee ou hosting
        uf              code de l’unité fonctionnelle ; vide : toutes
        value_micros    valeur, en millionièmes d’euro
        low_micros      au plus bas
        high_micros     au plus haut
        source          d’où vient la valeur
        valid_from      valable à partir du
        withdrawn       1 : plus de valeur propre à partir de ce jour
        at              noté le
        author       ~  par qui
        """,
        within="m.uf IN :ufs OR m.uf = ''",
    ),
    described(
        "call_file",
        "Un fichier d’appels téléphoniques importé.",
        """
        id        clé
        digest    empreinte du fichier
        at        importé le
        author ~  par qui
        lines     lignes lues
        kept      appels gardés
        repeated  lignes déjà connues d’un autre fichier
        unlinked  appels gardés sans patient ni rendez-vous connu
        refused   lignes refusées
        """,
    ),
    described(
        "call_entry",
        "Un appel d’un patient, venu d’un fichier ou noté au secrétariat.",
        """
        id              clé
        file_id         fichier ; 0 : noté par une personne
        line_key        empreinte de la ligne, à clé
        at              quand (midi si l’heure n’est pas connue)
        day             jour
        uf              code de l’unité fonctionnelle
        motive          motif
        patient_id      patient ; 0 : inconnu
        appointment_id  rendez-vous ; 0 : inconnu
        recorded_at     noté le
        author       ~  par qui
        """,
        within=f"m.uf IN :ufs OR m.appointment_id IN ({of.APPOINTMENTS})",
        own=f"m.patient_id IN :people OR m.appointment_id IN ({of.OWN_APPOINTMENTS})",
    ),
    described(
        "month_closing",
        "Un mois clos, ou clos de nouveau : ses chiffres tels qu’ils étaient.",
        """
        id            clé
        month         mois
        revision      numéro, à partir de 1
        closed_at     clos le
        closed_by  ~  par qui ; vide : par le service
        code_version  version du programme
        content       entrées, coûts unitaires et chiffres, JSON
        digest        empreinte du contenu
        changes       ce qui a changé depuis la révision d’avant, JSON
        """,
    ),
)
