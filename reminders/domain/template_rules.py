"""Every rule of the lint, said to whoever writes: what is wrong, why it matters, an example.

`say` is the sentence of one remark, its values between %( )s. `wrong` and `right` are examples a
test holds to their word.
"""

from dataclasses import dataclass
from typing import Literal

from reminders.domain.marking import N_


@dataclass(frozen=True, slots=True)
class Rule:
    level: Literal["refused", "warned"]
    title: str
    why: str
    wrong: str
    right: str
    family: str = "link"
    channel: str = "sms"

    @property
    def wrong_seen(self) -> str:
        """`wrong` on a page."""
        return legible(self.wrong)


def legible(text: str) -> str:
    """A text as a page may show it: a sign nobody sees is named, and turns nothing around."""
    return "".join(one if one.isprintable() else f"[U+{ord(one):04X}]" for one in text)


PHONE = " {{ telephone_secretariat }}"
REFUSED: Literal["refused"] = "refused"
WARNED: Literal["warned"] = "warned"

RULES: dict[str, Rule] = {
    "unknown_variable": Rule(
        REFUSED,
        N_("Variable inconnue"),
        N_("Le service ne sait pas quoi écrire à cette place : le message ne partirait pas."),
        "Rendez-vous le {{ date }}." + PHONE,
        "Rendez-vous le {{ date_rdv }}." + PHONE,
    ),
    "forbidden_variable": Rule(
        REFUSED,
        N_("Variable interdite"),
        N_(
            "Un SMS se lit sur un écran verrouillé, parfois par un proche : il ne dit ni "
            "spécialité, ni examen, ni motif, ni identité."
        ),
        "Rendez-vous de {{ specialite }} le {{ date_rdv }}." + PHONE,
        "Rendez-vous le {{ date_rdv }}." + PHONE,
    ),
    "wrong_channel": Rule(
        REFUSED,
        N_("Variable d’un autre canal"),
        N_("Les consignes complètes sont pour le courriel ; un SMS n’a que la consigne courte."),
        "{% if consignes %}{{ consignes }}{% endif %}" + PHONE,
        "{% if consignes_sms %}{{ consignes_sms }}{% endif %}" + PHONE,
    ),
    "unguarded": Rule(
        REFUSED,
        N_("Variable qui peut manquer"),
        N_(
            "Tous les rendez-vous n’ont pas cette information. Sans condition, le texte aurait un "
            "trou : il ne partirait pas."
        ),
        "Rendez-vous pour {{ prenom }}." + PHONE,
        "Rendez-vous{% if prenom %} pour {{ prenom }}{% endif %}." + PHONE,
    ),
    "mixed_family": Rule(
        REFUSED,
        N_("Demande à laquelle on ne peut pas répondre"),
        N_(
            "Un nom d’expéditeur ne reçoit pas de réponse : il porte un lien. Un numéro à réponse "
            "demande un mot et ne porte pas de lien, que les opérateurs bloquent."
        ),
        "Répondez OUI pour confirmer." + PHONE,
        "{% if lien_confirmation %}Confirmer : {{ lien_confirmation }}{% endif %}" + PHONE,
    ),
    "opt_out_word": Rule(
        REFUSED,
        N_("Mot qui arrête tous les messages"),
        N_(
            "STOP, CANCEL, END et QUIT sont compris par les opérateurs comme « plus aucun "
            "message » : un patient qui veut annuler ne recevrait plus rien."
        ),
        "Répondez STOP pour annuler." + PHONE,
        "Répondez NON pour annuler." + PHONE,
        family="reply",
    ),
    "no_phone": Rule(
        REFUSED,
        N_("Pas de téléphone"),
        N_("Qui n’a ni lien ni réponse doit toujours pouvoir appeler le secrétariat."),
        "Rendez-vous le {{ date_rdv }}.",
        "Rendez-vous le {{ date_rdv }}." + PHONE,
    ),
    "forbidden_tag": Rule(
        REFUSED,
        N_("Balise non permise"),
        N_("Un modèle est un texte, pas un programme : seules les conditions sont permises."),
        "{% for x in prenom %}x{% endfor %}" + PHONE,
        "{% if prenom %}x{% endif %}" + PHONE,
    ),
    "forbidden_expression": Rule(
        REFUSED,
        N_("Calcul entre accolades"),
        N_("Entre accolades, seulement le nom d’une variable, et au plus un filtre permis."),
        "{{ date_rdv + heure_rdv }}" + PHONE,
        "{{ date_rdv }} {{ heure_rdv }}" + PHONE,
    ),
    "unknown_filter": Rule(
        REFUSED,
        N_("Filtre non permis"),
        N_("Deux filtres existent : « capitale » et « sans_accents »."),
        "{{ jour_rdv | upper }}" + PHONE,
        "{{ jour_rdv | capitale }}" + PHONE,
    ),
    "comment": Rule(
        REFUSED,
        N_("Commentaire caché"),
        N_("Ce que le patient ne lit pas n’a pas sa place dans le texte."),
        "{# à revoir #}" + PHONE,
        "Rendez-vous." + PHONE,
    ),
    "syntax": Rule(
        REFUSED,
        N_("Accolades mal écrites"),
        N_("Une accolade de trop ou de moins, une condition sans fin : rien ne peut être composé."),
        "Rendez-vous le {{ date_rdv." + PHONE,
        "Rendez-vous le {{ date_rdv }}." + PHONE,
    ),
    "invisible_character": Rule(
        REFUSED,
        N_("Caractère invisible"),
        N_("Il vient souvent d’un copier-coller et peut retourner ou cacher une partie du texte."),
        "Rendez-vous \u202ele 14." + PHONE,
        "Rendez-vous le 14." + PHONE,
    ),
    "too_long": Rule(
        REFUSED,
        N_("Texte trop long"),
        N_("Un SMS de plus de 4 000 caractères, un courriel de plus de 20 000 ne se lit pas."),
        "a" * 4_001,
        "a" + PHONE,
    ),
    "too_many": Rule(
        REFUSED,
        N_("Trop de variables ou de conditions"),
        N_("Un texte si compliqué ne peut plus être relu par une personne."),
        "{% if prenom %}" * 9 + "x" + "{% endif %}" * 9 + PHONE,
        "{% if prenom %}x{% endif %}" + PHONE,
    ),
    "empty": Rule(
        REFUSED,
        N_("Texte vide"),
        N_("Il n’y aurait rien à envoyer."),
        "",
        "Rendez-vous." + PHONE,
    ),
    "subject": Rule(
        REFUSED,
        N_("Objet absent ou sur plusieurs lignes"),
        N_("L’objet d’un courriel tient sur une ligne ; sans lui, le courriel passe pour suspect."),
        "",
        "Votre rendez-vous du {{ date_rdv }}",
        channel="email",
    ),
    "html_forbidden": Rule(
        REFUSED,
        N_("Image, script ou formulaire"),
        N_(
            "Ni image de suivi, ni programme, ni formulaire dans un courriel : les messageries les "
            "bloquent et la loi ne permet pas de suivre qui lit."
        ),
        '<img src="https://example.org/pixel">',
        "<p>Rendez-vous</p>",
        channel="email",
    ),
    "no_moment": Rule(
        WARNED,
        N_("Ni jour ni heure"),
        N_(
            "Un rappel sans le jour et l’heure ne rappelle rien : le patient doit téléphoner pour "
            "les savoir."
        ),
        "Votre rendez-vous approche." + PHONE,
        "Rendez-vous le {{ date_rdv }} à {{ heure_rdv }}." + PHONE,
    ),
    "sensitive": Rule(
        WARNED,
        N_("Mot qui peut révéler des soins"),
        N_(
            "Spécialité, maladie, examen ou unité : lus par-dessus l’épaule, ils trahissent le "
            "secret. Dire « rendez-vous » et le lieu d’accueil suffit."
        ),
        "Votre scanner du {{ date_rdv }}." + PHONE,
        "Votre rendez-vous du {{ date_rdv }}." + PHONE,
    ),
    "costly": Rule(
        WARNED,
        N_("Caractère qui coûte cher"),
        N_(
            "Hors de l’alphabet des SMS, un seul caractère fait passer la place de 160 à 70 "
            "caractères : le message entier coûte souvent le double."
        ),
        "Rendez-vous à l’hôpital." + PHONE,
        "Rendez-vous à l'hopital." + PHONE,
    ),
    "second_segment": Rule(
        WARNED,
        N_("Plus d’un SMS"),
        N_("Dans le plus long cas, le texte ne tient plus dans un seul SMS : chacun est payé."),
        "Bonjour, " + "nous vous attendons, " * 8 + PHONE,
        "Nous vous attendons." + PHONE,
    ),
    "long_sentence": Rule(
        WARNED,
        N_("Phrase trop longue"),
        N_("Au-delà de trente mots, beaucoup de patients perdent le fil."),
        " ".join(["mot"] * 31) + "." + PHONE,
        "Une phrase courte." + PHONE,
    ),
    "empty_case": Rule(
        WARNED,
        N_("Texte boiteux quand une variable manque"),
        N_("Sans cette variable il reste une virgule, un deux-points ou une parenthèse de trop."),
        "Rendez-vous, {% if point_accueil %}{{ point_accueil }}{% endif %}." + PHONE,
        "Rendez-vous{% if point_accueil %}, {{ point_accueil }}{% endif %}." + PHONE,
    ),
    "missing_translation": Rule(
        WARNED,
        N_("Traduction manquante"),
        N_("Sans texte dans sa langue, le patient reçoit le français."),
        "",
        "",
    ),
    "html_differs": Rule(
        WARNED,
        N_("Deux versions du courriel"),
        N_("Selon sa messagerie, le patient lit le texte ou la mise en forme : ils doivent dire "
           "la même chose."),
        "",
        "",
        channel="email",
    ),
}  # fmt: skip

# One remark in words; %( )s are its values.
SAY = {
    "no_phone": N_(
        "Le téléphone manque, toujours ou parfois : ajouter {{ telephone_secretariat }} "
        "hors de toute condition."
    ),
    "mixed_asks": N_("Ce message ne peut pas recevoir de réponse."),
    "mixed_link": N_("Un numéro à réponse n'envoie pas de lien."),
    "opt_out_word": N_(
        "STOP, CANCEL, END, QUIT arrêtent tous les messages : demander un autre mot."
    ),
    "unguarded": N_(
        "« %(name)s » peut manquer : l'écrire dans {%% if %(name)s %%}…{%% endif %%}."
    ),
    "empty": N_("Le texte est vide."),
    "subject": N_("L’objet tient sur une ligne, et il en faut un."),
    "html_forbidden": N_("« %(name)s » n’est pas permis dans un courriel."),
    "no_day": N_("Ce texte ne dit pas le jour du rendez-vous."),
    "no_hour": N_("Ce texte ne dit pas l’heure du rendez-vous."),
    "sensitive": N_("« %(name)s » peut révéler des soins."),
    "costly": N_(
        "« %(name)s » n’est pas de l’alphabet des SMS (70 caractères par SMS au lieu de 160) et "
        "n’y a pas d’équivalent."
    ),
    "costly_advice": N_(
        "« %(name)s » n’est pas de l’alphabet des SMS (70 caractères par SMS au lieu de 160) : "
        "écrire « %(other)s »."
    ),
    "costly_drop": N_(
        "Un caractère invisible (%(name)s) n’est pas de l’alphabet des SMS (70 caractères par SMS "
        "au lieu de 160) : le retirer."
    ),
    "costly_script": N_(
        "Ces lettres ne sont pas de l’alphabet des SMS (%(name)s…) : 70 caractères par SMS au "
        "lieu de 160."
    ),
    "long_sentence": N_("Une phrase dépasse trente mots."),
    "second_segment": N_(
        "Dans le plus long cas, le texte fait %(segments)s SMS (%(units)s caractères, %(most)s "
        "pour un seul)."
    ),
    "empty_case": N_("Sans « %(name)s », il reste « %(left)s » dans le texte."),
    "missing_translation": N_(
        "Rien en %(language)s : ces patients recevront le texte français."
    ),
    "html_differs": N_("La mise en forme ne dit pas « %(name)s », que dit le texte."),
}  # fmt: skip
