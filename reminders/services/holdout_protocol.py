"""The hold-out's protocol on one page, for the data protection officer and the users' committee."""

from datetime import datetime
from textwrap import fill
from zoneinfo import ZoneInfo

from reminders.services.holdout import (
    EXPECTED_BASE,
    EXPECTED_RATIO,
    Standing,
    State,
    needed,
)
from reminders.services.rules import Rules
from reminders.statistics.design import MIN_CLUSTERS, MIN_EVENTS

WIDTH = 96
NBSP = "\u00a0"
STATES = {
    State.PROPOSED: "proposé, pas encore approuvé : rien n'est retenu",
    State.APPROVED: "en cours",
    State.ENDED: "terminé : la date finale est passée",
    State.STOPPED: "arrêté",
}


def protocol_text(standing: Standing, rules: Rules, zone: ZoneInfo) -> str:
    """Of a hold-out that was proposed at least. Plain text of at most 60 lines."""
    assert standing.until is not None
    names = sorted({desk.establishment for desk in rules.desks.values()})
    parts = [
        f"PROTOCOLE{NBSP}: GROUPE TÉMOIN DES RAPPELS DE RENDEZ-VOUS",
        "\n".join((_line(", ".join(names) or "Établissement"), _line(_state(standing, zone)))),
        *(f"{title}\n{_line(text)}" for title, text in _sections(standing, rules, zone)),
        typeset("Approuvé par : __________________  DPO : __________________  Usagers : _________"),
    ]
    return "\n\n".join(parts)


def _state(standing: Standing, zone: ZoneInfo) -> str:
    told = f"État : {STATES[standing.state]}."
    if standing.approved_at is not None:
        told += f" Approuvé par {standing.approved_by} le {day(standing.approved_at, zone)}."
    if standing.stopped_at is not None:
        told += f" Arrêté par {standing.stopped_by} le {day(standing.stopped_at, zone)}."
    return told


def _sections(standing: Standing, rules: Rules, zone: ZoneInfo) -> list[tuple[str, str]]:
    assert standing.until is not None
    share, until = percent(standing.share), day(standing.until, zone)
    return [
        (
            "1. La question",
            "Combien de non-venues les rappels évitent-ils ici ? Comparer avant et après ne le dit "
            "pas : les délais, les services et la saison changent aussi. Un tirage au sort le dit.",
        ),
        (
            "2. Le tirage",
            f"{share} des patients, tirés au sort par un calcul sur notre numéro interne et un "
            "secret, ne reçoivent pas de rappel. Un patient reste dans son groupe jusqu'au "
            "bout, que l'on ait ou non son numéro ; après une fusion de dossiers, dans celui du "
            "dossier gardé.",
        ),
        (
            "3. Ce qui est retenu, et ce qui ne l'est jamais",
            "Seuls les rappels sont retenus. Tout le monde reçoit les convocations habituelles de "
            "l'établissement, les consignes de préparation, l'accusé de réservation, les "
            "changements d'heure ou de lieu, les annulations et les réponses à ses questions. Un "
            "agent peut toujours écrire ou téléphoner à un patient : c'est noté et compté.",
        ),
        ("4. Exclus avant le tirage, toujours rappelés, pas comptés", _left_out(standing, rules)),
        (
            "5. La mesure",
            "On compare la part de non-venues de tous les rendez-vous pris, dès que leur premier "
            "rappel est dû, envoyé ou non (intention de traiter). L'incertitude est calculée par "
            "patient, en tenant compte du taux passé de rendez-vous semblables. Chaque mois, un "
            "intervalle valable quel que soit le nombre de regards ; le résultat final le "
            f"{until}, une fois. Rien n'est affiché sous {MIN_CLUSTERS} patients ou {MIN_EVENTS} "
            "non-venues par groupe, ni si la part d'issues inconnues diffère entre les groupes, ni "
            f"si le tirage paraît faussé. Pour voir une baisse de {percent(EXPECTED_BASE)} à "
            f"{percent(EXPECTED_BASE * EXPECTED_RATIO)}, il faut environ "
            f"{number(needed(standing.share))} rendez-vous.",
        ),
        (
            "6. L'arrêt",
            "À tout moment et sans motif : reminders holdout stop. Les rappels reprennent au "
            f"passage suivant. Après le {until}, plus aucun rendez-vous n'entre dans la "
            "comparaison.",
        ),
        (
            "7. Les données",
            "Pour chaque rendez-vous : notre numéro interne, le groupe, le service, le délai, le "
            "jour, la demi-journée et la tranche d'âge. Ni nom, ni téléphone, ni motif de soin. "
            "Effacées avec le rendez-vous. Le groupe d'un patient ne change rien à ses soins et "
            "n'est pas écrit dans le dossier. À qualifier par l'établissement (évaluation "
            "d'une pratique ; base légale ; information des patients).",
        ),
    ]


def _left_out(standing: Standing, rules: Rules) -> str:
    named = [
        rules.desks[uf].label if uf in rules.desks else f"UF {uf}" for uf in sorted(standing.ufs)
    ]
    services = f"les services {', '.join(named)} ; " if named else ""
    told = (
        f"{services}les services sensibles ou exclus ; les rendez-vous dont le rappel porte des "
        "consignes à suivre ; les majeurs protégés ; les patients dont le dossier dit une autre "
        "langue que le français ; les UF sans réglage."
    )
    return told[0].upper() + told[1:]


def _line(text: str) -> str:
    return fill(typeset(text), WIDTH)  # breaks at plain spaces only


def day(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d/%m/%Y}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}".rstrip("0").rstrip(".").replace(".", ",") + " %"


def number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def typeset(text: str) -> str:
    """French spaces that do not break, without changing the length of a line."""
    for mark in ":;?!%":
        text = text.replace(f" {mark}", f"{NBSP}{mark}")
    return text
