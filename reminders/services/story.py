"""The whole story of an appointment: every step, decision, reason, attempt, receipt."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from reminders.domain.mask import mask_address
from reminders.store import stories
from reminders.store.engine import Record, Store
from reminders.store.types import instant, instant_or_none

UTC_ZONE = ZoneInfo("UTC")

REASONS = {
    "past": "son moment est passé",
    "not_booked": "le rendez-vous n'est plus prévu dans le DPI",
    "unmapped": "l'UF n'a pas de réglage : aucun message sans réglage",
    "excluded": "service sensible, exclu",
    "no_hour": "rendez-vous sans heure",
    "duplicate": "même rendez-vous déjà connu par une autre source",
    "deceased": "patient décédé",
    "identity": "identité bloquée (provisoire, cachée, fictive…)",
    "confidential": "présence à ne pas divulguer",
    "merged": "dossier fusionné avec un autre",
    "inactive": "dossier patient inactif",
    "answered": "le patient a déjà répondu",
    "cancellation_asked": "le patient a demandé l'annulation",
    "booked_late": "pris trop tard pour cette étape",
    "holdout": "groupe témoin : rappel retenu pour mesurer ce que les rappels apportent",
    "no_moment": "aucun moment permis avant le rendez-vous",
    "no_moment_call": "plus de moment permis pour écrire : à appeler",
    "same_day": "une autre étape de ce rendez-vous tombe ce jour-là",
    "cap_day": "un autre rappel part déjà ce jour-là pour ce patient",
    "cap_appointment": "trois rappels déjà prévus pour ce rendez-vous",
    "already_told": "la correction vient de le dire",
    "no_contact": "aucune adresse utilisable",
    "landline_only": "seulement un numéro fixe",
    "invalid_number": "numéro inutilisable",
    "objection": "opposition du patient",
    "channels_failed": "aucun canal n'a abouti : à appeler",
    "cancelled_by_patient": "annulé par le patient lui-même",
    "vanished_call": "disparu du fichier : à vérifier par téléphone",
    "call_instead": "annulé à moins de 24 h : à appeler",
    "first_sync": "déjà connu à la première lecture : pas d'accusé de réservation",
    "no_booking_date": "pas de date de prise : pas d'accusé de réservation",
    "moved": "remplacé : le rendez-vous a changé",
    "withdrawn": "retiré : le plan a changé",
    "overruled": "le réglage du service a changé : à redécider",
    "stopped": "rappels arrêtés par le secrétariat pour ce rendez-vous",
    "already_written": "un message de séance le dit déjà",
    "recipient_changed": "les coordonnées ont changé depuis que le message est prévu",
    "called_back": "retiré par le secrétariat avant l'envoi",
    "no_patient": "pas de patient identifiable",
    "not_reached": "aucun message n'a pu être remis",
    "hold": "envois suspendus",
    "held": "envois restés suspendus jusqu'à ce que son moment passe",
    "discarded": "écarté par une personne pendant que les envois étaient suspendus",
    "not_composed": "texte impossible à composer (erreur du programme)",
    "rehearsal": "répétition : rien ne part",
    "test_mode": "mode test : destinataire hors de la liste",
    "empty_variable": "texte impossible à composer sans trou",
    "no_template": "aucun modèle approuvé",
    "no_result": "interrompu pendant l'envoi : peut-être parti",
    "undecided": "aucun accusé : tenu pour peut-être parti",
    "leases": "interrompu trois fois",
    "purged": "données effacées à l'échéance",
    "no_provider": "aucun opérateur configuré pour ce canal",
    "subject_lines": "l'objet du courriel doit tenir sur une ligne",
    "leftover": "le texte composé garde un trou ou une accolade",
    "unguarded": "le modèle emploie une variable qui peut manquer",
    "invisible_character": "une valeur porte un caractère invisible",
    "long_value": "une valeur est trop longue pour le message",
}

STATES = {
    "PLANNED": "prévu",
    "LEASED": "en préparation",
    "SENDING": "en cours d'envoi",
    "ACCEPTED": "pris par l'opérateur",
    "DELIVERED": "remis",
    "UNDELIVERED": "non remis",
    "REFUSED": "refusé",
    "UNKNOWN": "peut-être parti",
    "SUPPRESSED": "pas envoyé",
    "CANCELLED": "annulé",
    "EXPIRED": "trop tard",
    "HELD": "retenu",
    "QUARANTINED": "mis de côté",
    "NOT_SENT": "pas parti, à refaire",
    "REHEARSED": "répété, pas envoyé",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One moment of a story, oldest first. `at` None: no moment (a step not yet decided)."""

    at: datetime | None
    what: str
    why: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    source: str
    external_id: str
    status: str
    answer: str
    starts_at: datetime
    uf: str
    version: int
    entries: tuple[Entry, ...]


def stories_of(store: Store, number: str, zone: ZoneInfo = UTC_ZONE) -> list[Story]:
    """The story of each appointment with this number (several sources may use the same).

    `zone`: whose civil time the sentences say.
    """
    with store.read() as connection:
        return [
            Story(
                source=row.source_id,
                external_id=row.external_id,
                status=row.status,
                answer=row.answer,
                starts_at=instant(row.starts_at),
                uf=row.uf,
                version=row.version,
                entries=_entries(stories.Told(connection, row.id), row, zone),
            )
            for row in stories.find(connection, number)
        ]


def _entries(told: "stories.Told", row: Record, zone: ZoneInfo) -> tuple[Entry, ...]:
    entries = [Entry(instant(row.first_seen_at), f"lu de la source « {row.source_id} »")]
    if row.version > 1:
        entries.append(
            Entry(
                instant(row.version_at),
                f"heure, lieu ou patient changés, ou de nouveau prévu (version {row.version})",
            )
        )
    if row.cancelled_at is not None:
        basis = "disparu du fichier" if row.cancelled_basis == "vanished" else "annulé dans le DPI"
        entries.append(Entry(instant(row.cancelled_at), basis))
    entries += [_decision(one, zone) for one in told.decisions]
    entries += [_attempt(one) for one in told.attempts]
    entries += [_receipt(one) for one in told.receipts]
    entries += [
        Entry(instant(one.created_at), f"tâche : {one.sentence}", code=one.kind)
        for one in told.tasks
    ]
    entries += [Entry(instant(one.received_at), "réponse du patient reçue") for one in told.replies]
    for one in told.answers:
        entries += _answer(one)
    if row.attended_at is not None:
        seen = ATTENDED.get(row.attendance, row.attendance)
        entries.append(Entry(instant(row.attended_at), f"noté {seen} par {row.attended_by}"))
    for one in told.objections:
        entries.append(Entry(instant(one.recorded_at), f"opposition {_objection(one)}"))
        if (ended := instant_or_none(one.withdrawn_at)) is not None:
            entries.append(Entry(ended, f"fin de l'opposition {_objection(one)}"))
    return tuple(sorted(entries, key=lambda entry: (entry.at is None, entry.at or entries[0].at)))


def _decision(row: Record, zone: ZoneInfo) -> Entry:
    step = "rendez-vous entier" if row.step == "*" else f"étape {row.step}"
    state = row.message_state if row.state == "PLANNED" and row.message_state else row.state
    reason = row.reason or (row.message_reason or "")
    opens = instant_or_none(row.opens_at)
    when = ""
    if opens and state in ("PLANNED", "HELD"):
        when = f" (à partir du {opens.astimezone(zone):%d/%m/%Y à %H:%M})"
    channel = f" par {CHANNELS.get(row.channel, row.channel)}" if row.channel else ""
    return Entry(
        instant(row.decided_at),
        f"{step}, version {row.cycle} : {STATES.get(state, state)}{channel}{when}",
        _words(reason),
        reason,
    )


def _words(code: str) -> str:
    """A reason in French; what an operator or a library said stays its code."""
    return REASONS.get(code) or (f"code « {code} »" if code else "")


CHANNELS = {"sms": "SMS", "email": "courriel"}


def _attempt(row: Record) -> Entry:
    to = mask_address(row.address) if row.address else "adresse effacée"
    return Entry(
        instant(row.started_at),
        f"envoi {row.reference} par « {row.provider} » à {to} : {STATES.get(row.state, row.state)}",
        _words(row.code),
        row.code,
    )


ANSWERS = {
    "confirmed": "vient",
    "cancelled": "annule",
    "reschedule": "demande une autre date",
    "question": "pose une question",
    "not-me": "n'est pas la bonne personne",
    "read": "a lu les consignes",
}
BY = {
    "sms": "par SMS", "page": "sur la page", "email": "par courriel",
    "api": "par un autre logiciel", "staff": "au secrétariat",
}  # fmt: skip
ATTENDED = {"came": "venu", "absent": "absent", "excused": "excusé"}
WRITTEN = {
    "due": "réponse à écrire dans le DPI",
    "done": "réponse écrite dans le DPI",
    "failed": "réponse non écrite dans le DPI",
    "dropped": "réponse non écrite dans le DPI : une autre l'a remplacée",
}
WRITING = {
    "already": "il le disait déjà",
    "changed": "le rendez-vous y a changé",
    "closed": "le rendez-vous y est annulé, terminé ou absent",
    "sending": "écriture commencée",
    "not_sent": "le DPI n'a pas répondu, nouvel essai prévu",
    "unknown": "elle y est peut-être : il sera relu avant tout nouvel essai",
    "done": "",
}


def _answer(row: Record) -> list[Entry]:
    """What was said, taken back, and what the DPI was told of it."""
    said = f"le patient {ANSWERS.get(row.kind, row.kind)} ({BY.get(row.channel, row.channel)})"
    found = [Entry(instant(row.given_at), said, code=row.kind)]
    if row.undone_at is not None:
        found.append(Entry(instant(row.undone_at), "réponse reprise par le patient"))
    if row.state:
        why = WRITING.get(row.code, f"code « {row.code} »" if row.code else "")
        written = WRITTEN.get(row.state, row.state)
        found.append(Entry(instant_or_none(row.done_at), written, why, row.code))
    return found


WAYS = {
    "reply": "reçue par SMS",
    "page": "reçue sur la page du patient",
    "email": "reçue par le lien d'un courriel",
    "staff": "notée par le secrétariat",
    "provider": "relevée chez l'opérateur",
}


def _objection(row: Record) -> str:
    """Its way, its channels, its reach; a suspension's way is what the reply said."""
    way = WAYS.get(row.origin, "d'office : le numéro semble ne pas être celui du patient")
    channel = "tous les canaux" if row.channel == "all" else CHANNELS.get(row.channel, row.channel)
    kind, _, subject = row.scope.partition(":")
    reach = {"service": f", pour l'UF {subject}", "appointment": ", pour ce rendez-vous"}
    return f"{way} ({channel}{reach.get(kind, '')})"


def _receipt(row: Record) -> Entry:
    words = {"delivered": "remis", "undelivered": "non remis", "accepted": "pris en charge"}
    return Entry(
        instant(row.received_at),
        f"accusé de « {row.provider} » : {words.get(row.state, 'état inconnu')}",
        _words(row.code),
        row.code,
    )
