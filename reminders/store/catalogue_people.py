"""The catalogue of what is noted and told of patients by telephone."""

from reminders.store import catalogue as of
from reminders.store.catalogue import described

PEOPLE = (
    described(
        "note",
        "Ce qu’un service a noté d’un patient. Effacé avec l’identité.",
        """
        id              clé
        patient_id      patient
        uf              service qui l’a noté, et qui le voit
        appointment_id  rendez-vous dont il s’agit
        at              quand
        actor          ~  par qui
        origin          formulaire dont elle vient, unique
        body           !  la note
        """,
        within="m.uf IN :ufs",
        own="m.patient_id IN :people",
    ),
    described(
        "recipient",
        "Un numéro ou un courriel dit par téléphone, qui passe avant celui du DPI tant qu’il n’a "
        "pas pris fin. Effacé avec l’identité.",
        """
        id                 clé
        patient_id         patient
        relation           de qui : patient, parent, guardian ou helper
        phone             !  mobile dit, E.164
        phone_zone         fuseau de ce mobile
        email             !  courriel dit
        origin             formulaire dont il vient, unique
        told_at            quand
        told_by           ~  noté par qui
        ended_at           fin
        ended              pourquoi : withdrawn, replaced ou dpi
        ended_by          ~  par qui
        dpi_phone         !  mobile du DPI dont il prend la place
        dpi_zone           fuseau de ce mobile
        dpi_email         !  courriel du DPI
        dpi_proxy          représentant nommé par le DPI
        dpi_proxy_phone   !  mobile de ce représentant
        dpi_proxy_zone     fuseau de ce mobile
        dpi_proxy_email   !  courriel de ce représentant
        dpi_problem        pourquoi le DPI n’avait pas de mobile
        """,
        within=f"m.patient_id IN ({of.PATIENTS})",
        own="m.patient_id IN :people",
    ),
)
