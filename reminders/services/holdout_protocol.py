"""The hold-out's protocol on one page, for the data protection officer and the users' committee."""

from textwrap import fill

from reminders.domain.marking import N_
from reminders.services.holdout import (
    EXPECTED_BASE,
    EXPECTED_RATIO,
    Standing,
    State,
    needed,
)
from reminders.services.rules import Rules
from reminders.services.voices import Voice
from reminders.statistics.design import MIN_CLUSTERS, MIN_EVENTS

WIDTH = 96
STATES = {
    State.PROPOSED: N_("État : proposé, pas encore approuvé : rien n'est retenu."),
    State.APPROVED: N_("État : en cours."),
    State.ENDED: N_("État : terminé : la date finale est passée."),
    State.STOPPED: N_("État : arrêté."),
}
SECTIONS = (
    (
        N_("1. La question"),
        N_(
            "Combien de non-venues les rappels évitent-ils ici ? Comparer avant et après ne le dit "
            "pas : les délais, les services et la saison changent aussi. Un tirage au sort le dit."
        ),
    ),
    (
        N_("2. Le tirage"),
        N_(
            "%(share)s des patients, tirés au sort par un calcul sur notre numéro interne et un "
            "secret, ne reçoivent pas de rappel. Un patient reste dans son groupe jusqu'au "
            "bout, que l'on ait ou non son numéro ; après une fusion de dossiers, dans celui du "
            "dossier gardé."
        ),
    ),
    (
        N_("3. Ce qui est retenu, et ce qui ne l'est jamais"),
        N_(
            "Seuls les rappels sont retenus. Tout le monde reçoit les convocations habituelles de "
            "l'établissement, les consignes de préparation, l'accusé de réservation, les "
            "changements d'heure ou de lieu, les annulations et les réponses à ses questions. Un "
            "agent peut toujours écrire ou téléphoner à un patient : c'est noté et compté."
        ),
    ),
    (
        N_("4. Exclus avant le tirage, toujours rappelés, pas comptés"),
        N_(
            "Les services sensibles ou exclus ; les rendez-vous dont le rappel porte des "
            "consignes à suivre ; les majeurs protégés ; les patients dont le dossier dit une "
            "autre langue que le français ; les UF sans réglage."
        ),
    ),
    (
        N_("5. La mesure"),
        N_(
            "On compare la part de non-venues de tous les rendez-vous pris, dès que leur premier "
            "rappel est dû, envoyé ou non (intention de traiter). L'incertitude est calculée par "
            "patient, en tenant compte du taux passé de rendez-vous semblables. Chaque mois, un "
            "intervalle valable quel que soit le nombre de regards ; le résultat final le "
            "%(until)s, une fois. Rien n'est affiché sous %(patients)s patients ou %(events)s "
            "non-venues par groupe, ni si la part d'issues inconnues diffère entre les groupes, ni "
            "si le tirage paraît faussé. Pour voir une baisse de %(base)s à %(lower)s, il faut "
            "environ %(needed)s rendez-vous."
        ),
    ),
    (
        N_("6. L'arrêt"),
        N_(
            "À tout moment et sans motif : reminders holdout stop. Les rappels reprennent au "
            "passage suivant. Après le %(until)s, plus aucun rendez-vous n'entre dans la "
            "comparaison."
        ),
    ),
    (
        N_("7. Les données"),
        N_(
            "Pour chaque rendez-vous : notre numéro interne, le groupe, le service, le délai, le "
            "jour, la demi-journée et la tranche d'âge. Ni nom, ni téléphone, ni motif de soin. "
            "Effacées avec le rendez-vous. Le groupe d'un patient ne change rien à ses soins et "
            "n'est pas écrit dans le dossier. À qualifier par l'établissement (évaluation "
            "d'une pratique ; base légale ; information des patients)."
        ),
    ),
)
LEFT_OUT = 3  # which section names the services that are left out
WITH_SERVICES = N_(
    "Les services %(names)s ; les services sensibles ou exclus ; les rendez-vous dont le rappel "
    "porte des consignes à suivre ; les majeurs protégés ; les patients dont le dossier dit une "
    "autre langue que le français ; les UF sans réglage."
)


def protocol_text(standing: Standing, rules: Rules, voice: Voice) -> str:
    """Of a hold-out that was proposed at least, in the voice's language. Plain text of at most 60
    lines."""
    tell = voice.gettext
    names = sorted({desk.establishment for desk in rules.desks.values()})
    parts = [
        tell(N_("PROTOCOLE : GROUPE TÉMOIN DES RAPPELS DE RENDEZ-VOUS")),
        f"{_line(', '.join(names) or tell(N_('Établissement')))}\n{_line(_state(standing, voice))}",
        *(f"{title}\n{_line(text)}" for title, text in _sections(standing, rules, voice)),
        tell(
            N_("Approuvé par : __________________  DPO : __________________  Usagers : _________")
        ),
    ]
    return "\n\n".join(parts)


def _state(standing: Standing, voice: Voice) -> str:
    told = [voice.gettext(STATES[standing.state])]
    if standing.approved_at is not None:
        who, when = standing.approved_by, voice.date(standing.approved_at)
        told.append(voice.gettext(N_("Approuvé par %(who)s le %(when)s."), who=who, when=when))
    if standing.stopped_at is not None:
        who, when = standing.stopped_by, voice.date(standing.stopped_at)
        told.append(voice.gettext(N_("Arrêté par %(who)s le %(when)s."), who=who, when=when))
    return " ".join(told)


def _sections(standing: Standing, rules: Rules, voice: Voice) -> list[tuple[str, str]]:
    assert standing.until is not None
    names = [
        rules.desks[uf].label if uf in rules.desks else f"UF {uf}" for uf in sorted(standing.ufs)
    ]
    values = {
        "share": voice.part(standing.share),
        "until": voice.date(standing.until),
        "patients": MIN_CLUSTERS,
        "events": MIN_EVENTS,
        "base": voice.part(EXPECTED_BASE),
        "lower": voice.part(EXPECTED_BASE * EXPECTED_RATIO),
        "needed": voice.whole(needed(standing.share)),
        "names": ", ".join(names),
    }
    return [
        (
            voice.gettext(title),
            voice.gettext(WITH_SERVICES if names and at == LEFT_OUT else text, **values),
        )
        for at, (title, text) in enumerate(SECTIONS)
    ]


def _line(text: str) -> str:
    return fill(text, WIDTH)  # breaks at plain spaces only
