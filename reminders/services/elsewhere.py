"""Answers given through another system (a voice server, a portal), under the rules of an SMS.

A request is signed with a secret of its system, at most five minutes old, and answered once: the
same key and body get the same answer again, the same key with another body is refused.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from reminders.domain.answer import History as NothingBefore
from reminders.domain.answer import Subject, Verdict, decide_reply
from reminders.domain.marking import N_, filled
from reminders.domain.reply import Action, Intent, Reading
from reminders.services.answer import Given, give
from reminders.services.objections import object_to
from reminders.services.rules import Rules
from reminders.services.tasks import SENTENCES
from reminders.services.worklist import telephone
from reminders.services.worklist_context import when, zone_of
from reminders.store import planning, requests, subjects, worklist
from reminders.store.engine import Connection, Record, Store, reserve
from reminders.store.types import instant, instant_or_none, micros

OLDEST = timedelta(minutes=5)
WHY = "donnée par un autre système"

READINGS = {
    "confirmed": Reading(Intent.CONFIRM, Action.CONFIRM, WHY),
    "cancelled": Reading(Intent.CANCEL, Action.CANCEL, WHY),
    "reschedule": Reading(Intent.RESCHEDULE, Action.HUMAN, WHY),
    "question": Reading(Intent.QUESTION, Action.HUMAN, WHY),
    "stop": Reading(Intent.STOP, Action.OPT_OUT, WHY),
}


class About(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1, max_length=40)
    number: str = Field(min_length=1, max_length=200)


class AnswerRequest(BaseModel):
    """What a system tells. `starts_at`: the start the patient was told, where it is known;
    `given_at`: when the patient said it, where that was before now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern=r"^[A-Za-z0-9._:-]{8,100}$")
    appointment: About
    kind: Literal["confirmed", "cancelled", "reschedule", "question", "stop"]
    by: Literal["patient", "proxy"] = "patient"
    given_at: AwareDatetime | None = None
    starts_at: AwareDatetime | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP status and a body; the sentence is for people, `result` for programs."""

    status: int
    body: Mapping[str, Any]
    changed: bool = False  # something was recorded: plan again

    @property
    def text(self) -> str:
        return json.dumps(self.body, ensure_ascii=False)


# Results whose sentence is read to the patient.
FOR_PATIENTS = frozenset({"recorded", "human", "moved", "cancelled"})


def refusal(status: int, result: str, sentence: str) -> Response:
    return Response(status, {"result": result, "sentence": sentence})


# --- the signature -------------------------------------------------------------------------------


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over « timestamp.body », in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


def is_signed(
    secrets: Sequence[str], timestamp: str, given: str, body: bytes, *, now: datetime
) -> bool:
    """By any of the secrets in use, at most five minutes ago or ahead. In constant time."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    right = [
        hmac.compare_digest(signature(one, timestamp, body).encode(), given.encode())
        for one in secrets
    ]
    age = abs(now.timestamp() - int(timestamp))
    return any(right) and age <= OLDEST.total_seconds()


# --- the answer ----------------------------------------------------------------------------------


def take_answer(
    store: Store, rules: Rules, secret: bytes, system: str, raw: bytes, *, now: datetime
) -> Response:
    """Record one answer, exactly once; durable when this returns.

    What cannot be kept as given (moved, cancelled) is said truthfully; what is not certain
    (after the start) becomes a task. An appointment nobody knows is not remembered: it may come
    with the next reading of the DPI.
    """
    try:
        asked = AnswerRequest.model_validate_json(raw)
    except ValidationError as error:
        return _unreadable(error)
    if asked.given_at is not None and asked.given_at > now + OLDEST:
        return refusal(422, "invalid", N_("given_at est dans l'avenir."))
    key, body_hash = f"{system}:{asked.key}", sha256(raw).digest()
    with store.write() as connection:
        known = requests.claim_request(connection, key, body_hash, at=micros(now))
        if known is not None:
            return _again(known, body_hash)
        response = _decide(connection, rules, secret, system, asked, now)
        if response.status == 404:
            requests.forget_request(connection, key)
        else:
            requests.answer_request(connection, key, response.status, response.text)
    return response


def _unreadable(error: ValidationError) -> Response:
    """Names our own fields, never a value."""
    ours = {*AnswerRequest.model_fields, *About.model_fields}
    places = [".".join(str(part) for part in one["loc"]) for one in error.errors()]
    known = sorted({one for one in places if one and set(one.split(".")) <= ours})
    if known:
        return refusal(
            422, "invalid", filled(N_("À corriger : %(names)s."), names=", ".join(known))
        )
    unknown = any(one["type"] == "extra_forbidden" for one in error.errors())
    told = N_("Clé inconnue.") if unknown else N_("Corps JSON illisible.")
    return refusal(422, "invalid", told)


def _again(known: Record, body_hash: bytes) -> Response:
    if not hmac.compare_digest(bytes(known.body_hash), body_hash):
        return refusal(409, "key-used", N_("Cette clé a déjà servi pour une autre demande."))
    return Response(known.status, json.loads(known.response))


def _decide(
    connection: Connection,
    rules: Rules,
    secret: bytes,
    system: str,
    asked: AnswerRequest,
    now: datetime,
) -> Response:
    row = subjects.appointment_of(connection, asked.appointment.source, asked.appointment.number)
    if row is None or row.patient_id is None:
        return refusal(404, "unknown", N_("Ce rendez-vous n'est pas connu ici."))
    later = instant_or_none(row.answered_at)
    if asked.given_at is not None and asked.kind != "stop" and row.answer != "none" and (
        later is not None and asked.given_at < later
    ):  # fmt: skip
        return refusal(409, "superseded", N_("Le patient a répondu autrement depuis."))
    verdict = decide_reply(_reading(asked), [_subject(row, asked)], NothingBefore(), now=now)
    _record(connection, secret, system, asked, row, verdict, now)
    return _said(rules, row, asked, verdict)


def _reading(asked: AnswerRequest) -> Reading:
    """A cancellation by somebody else is recorded and checked, as by SMS."""
    if asked.by == "proxy" and asked.kind == "cancelled":
        return Reading(Intent.PROXY_CANCEL, Action.CANCEL_AND_HUMAN, WHY)
    return READINGS[asked.kind]


def _subject(row: Record, asked: AnswerRequest) -> Subject:
    """Told another start, or told before the present one was known: it has moved since."""
    moved = asked.starts_at is not None and asked.starts_at != instant(row.starts_at)
    if asked.given_at is not None and row.version > 1:
        moved = moved or asked.given_at < instant(row.version_at)
    return Subject(
        appointment=row.id,
        patient=row.patient_id,
        uf=row.uf,
        told_cycle=row.version - 1 if moved else row.version,
        cycle=row.version,
        status=row.status,
        starts_at=instant(row.starts_at),
        answer=row.answer,
        settled=bool(row.settled),
    )


def _record(
    connection: Connection,
    secret: bytes,
    system: str,
    asked: AnswerRequest,
    row: Record,
    verdict: Verdict,
    now: datetime,
) -> None:
    at, origin = micros(now), f"api:{system}:{asked.key}"
    for appointment, cycle, kind in verdict.answers:
        actor = asked.by if asked.by == "proxy" else "patient"
        give(connection, Given(kind, ((appointment, cycle),), "api", origin, actor), now=now)
    if verdict.task:
        subject = f"answer:{origin}"
        planning.open_tasks(
            connection,
            [
                (reserve(connection, "task", 1), verdict.task, subject, 1,
                 SENTENCES[verdict.task], row.uf, at, at)
            ],
            priority=int(verdict.priority),
        )  # fmt: skip
        worklist.bind(connection, verdict.task, subject, row.id)
    if verdict.objects:
        address = telephone(row)[0] or row.email or f"patient:{row.patient_id}"
        object_to(
            connection, secret, address, patients=[row.patient_id], channel="all",
            origin="api", by=system, at=at,
        )  # fmt: skip


SAID = {
    "confirmed": "La venue du patient est notée.",
    "cancelled": "L'annulation est notée. Pour y revenir, le patient appelle le secrétariat.",
    "reschedule": "La demande d'une autre date est transmise au secrétariat.",
    "question": "Le secrétariat rappellera le patient.",
    "stop": "Le patient ne recevra plus de messages.",
}


def _said(rules: Rules, row: Record, asked: AnswerRequest, verdict: Verdict) -> Response:
    """The truth about what became of it; never a name, a place or a text."""
    desk = rules.desks.get(row.uf)
    facts: dict[str, Any] = {"starts_at": instant(row.starts_at).isoformat()}
    if desk is not None:
        facts["telephone"] = desk.phone
    changed = bool(verdict.answers or verdict.task or verdict.objects)
    match verdict.acknowledgement:
        case "ack_moved":
            sentence = f"L'horaire a changé : {when(row.starts_at, zone_of(rules, row.uf))}."
            return Response(409, {"result": "moved", "sentence": sentence, **facts}, changed)
        case "ack_cancelled_already":
            sentence = "Ce rendez-vous est déjà annulé."
            return Response(409, {"result": "cancelled", "sentence": sentence, **facts}, changed)
    if verdict.answers or verdict.objects:
        told = {"result": "recorded", "kind": asked.kind, "sentence": SAID[asked.kind], **facts}
        return Response(200, told, changed)
    sentence = f"Transmis au secrétariat : {verdict.why}."
    return Response(200, {"result": "human", "sentence": sentence, **facts}, changed)
