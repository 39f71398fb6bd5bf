"""The whole story of an appointment: every step, decision, reason, attempt, receipt."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from reminders.domain.marking import N_
from reminders.domain.mask import mask_address
from reminders.store import stories
from reminders.store.engine import Record, Store
from reminders.store.types import instant, instant_or_none

UTC_ZONE = ZoneInfo("UTC")

REASONS = {
    "past": N_("son moment est passé"),
    "not_booked": N_("le rendez-vous n'est plus prévu dans le DPI"),
    "unmapped": N_("l'UF n'a pas de réglage : aucun message sans réglage"),
    "excluded": N_("service sensible, exclu"),
    "no_hour": N_("rendez-vous sans heure"),
    "duplicate": N_("même rendez-vous déjà connu par une autre source"),
    "deceased": N_("patient décédé"),
    "identity": N_("identité bloquée (provisoire, cachée, fictive…)"),
    "confidential": N_("présence à ne pas divulguer"),
    "merged": N_("dossier fusionné avec un autre"),
    "inactive": N_("dossier patient inactif"),
    "answered": N_("le patient a déjà répondu"),
    "cancellation_asked": N_("le patient a demandé l'annulation"),
    "booked_late": N_("pris trop tard pour cette étape"),
    "holdout": N_("groupe témoin : rappel retenu pour mesurer ce que les rappels apportent"),
    "no_moment": N_("aucun moment permis avant le rendez-vous"),
    "no_moment_call": N_("plus de moment permis pour écrire : à appeler"),
    "same_day": N_("une autre étape de ce rendez-vous tombe ce jour-là"),
    "cap_day": N_("un autre rappel part déjà ce jour-là pour ce patient"),
    "cap_appointment": N_("trois rappels déjà prévus pour ce rendez-vous"),
    "already_told": N_("la correction vient de le dire"),
    "no_contact": N_("aucune adresse utilisable"),
    "landline_only": N_("seulement un numéro fixe"),
    "invalid_number": N_("numéro inutilisable"),
    "objection": N_("opposition du patient"),
    "dead_address": N_("l'opérateur dit que cette adresse ne fonctionne pas"),
    "operator_block": N_("l'opérateur bloque cette adresse après un STOP"),
    "channels_failed": N_("aucun canal n'a abouti : à appeler"),
    "cancelled_by_patient": N_("annulé par le patient lui-même"),
    "vanished_call": N_("disparu du fichier : à vérifier par téléphone"),
    "call_instead": N_("annulé à moins de 24 h : à appeler"),
    "first_sync": N_("déjà connu à la première lecture : pas d'accusé de réservation"),
    "no_booking_date": N_("pas de date de prise : pas d'accusé de réservation"),
    "moved": N_("remplacé : le rendez-vous a changé"),
    "withdrawn": N_("retiré : le plan a changé"),
    "overruled": N_("le réglage du service a changé : à redécider"),
    "stopped": N_("rappels arrêtés par le secrétariat pour ce rendez-vous"),
    "already_written": N_("un message de séance le dit déjà"),
    "recipient_changed": N_("les coordonnées ont changé depuis que le message est prévu"),
    "replaced": N_("remplacé par un autre message à la même séance"),
    "called_back": N_("retiré par le secrétariat avant l'envoi"),
    "no_patient": N_("pas de patient identifiable"),
    "not_reached": N_("aucun message n'a pu être remis"),
    "hold": N_("envois suspendus"),
    "held": N_("envois restés suspendus jusqu'à ce que son moment passe"),
    "discarded": N_("écarté par une personne pendant que les envois étaient suspendus"),
    "not_composed": N_("texte impossible à composer (erreur du programme)"),
    "rehearsal": N_("répétition : rien ne part"),
    "test_mode": N_("mode test : destinataire hors de la liste"),
    "repeated": N_("déjà parti deux fois en 24 heures pour cette adresse"),
    "empty_variable": N_("texte impossible à composer sans trou"),
    "no_template": N_("aucun modèle approuvé"),
    "no_result": N_("interrompu pendant l'envoi : peut-être parti"),
    "undecided": N_("aucun accusé : tenu pour peut-être parti"),
    "leases": N_("interrompu trois fois"),
    "purged": N_("données effacées à l'échéance"),
    "recipient": N_("le destinataire a changé"),
    "no_provider": N_("aucun opérateur configuré pour ce canal"),
    "subject_lines": N_("l'objet du courriel doit tenir sur une ligne"),
    "leftover": N_("le texte composé garde un trou ou une accolade"),
    "unguarded": N_("le modèle emploie une variable qui peut manquer"),
    "invisible_character": N_("une valeur porte un caractère invisible"),
    "long_value": N_("une valeur est trop longue pour le message"),
}

STATES = {
    "PLANNED": N_("prévu"),
    "LEASED": N_("en préparation"),
    "SENDING": N_("en cours d'envoi"),
    "ACCEPTED": N_("pris par l'opérateur"),
    "DELIVERED": N_("remis"),
    "UNDELIVERED": N_("non remis"),
    "REFUSED": N_("refusé"),
    "UNKNOWN": N_("peut-être parti"),
    "SUPPRESSED": N_("pas envoyé"),
    "CANCELLED": N_("annulé"),
    "EXPIRED": N_("trop tard"),
    "HELD": N_("retenu"),
    "QUARANTINED": N_("mis de côté"),
    "NOT_SENT": N_("pas parti, à refaire"),
    "REHEARSED": N_("répété, pas envoyé"),
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


_NAMED = {
    "*": "rendez-vous entier",
    "ack": "accusé de réponse",
    "staff": "message du secrétariat",
}


def _decision(row: Record, zone: ZoneInfo) -> Entry:
    step = _NAMED.get(str(row.step).partition(":")[0], f"étape {row.step}")
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
