"""What an answer does: the same rules for an SMS, the patient's page and other systems.

`decide_reply` looks at one reply, at what the message it answers told, and at how those
appointments stand now. It says which answers are recorded, which task a person gets, what is
answered back and which objection follows. It decides nothing it is not sure of: several
patients behind one number, an appointment that began, moved or was cancelled meanwhile, two
appointments and one cancellation go to a person. Source: DESIGN 5-7, DOMAIN 2.7, 6 and 9.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from reminders.domain.reply import Action, Intent, Reading

UNDO = timedelta(minutes=15)  # a cancellation on the page may be taken back this long
SLIP = timedelta(minutes=2)  # what staff note by mistake: one wrong key is no cancellation yet
SAME_INTENT = timedelta(hours=24)  # the same intent again is not acknowledged a second time
ACKNOWLEDGED_A_DAY = 5  # automatic answers to one number in a day, robots included


class AnswerKind(StrEnum):
    """What a patient said of one appointment. The last one counts; all are kept."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"  # asked for; the appointment is cancelled once the DPI says so
    RESCHEDULE = "reschedule"
    QUESTION = "question"
    NOT_ME = "not-me"
    READ = "read"  # « J'ai lu les consignes »


class Priority(IntEnum):
    """Which task comes first; smaller is sooner."""

    ALERT = 0
    TODAY = 1
    CANCELLATION = 2
    REST = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """One appointment a message told, as it was told and as it stands now. Instants are UTC."""

    appointment: int
    patient: int
    uf: str
    told_cycle: int
    cycle: int
    status: str  # FHIR words
    starts_at: datetime
    answer: str = "none"  # the current one
    settled: bool = False  # that answer was already passed on: it cannot be taken back here
    message: int = 0  # which message told it

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None:
            raise ValueError("naive datetime refused: an instant needs its zone")

    @property
    def moved(self) -> bool:
        return self.told_cycle != self.cycle


@dataclass(frozen=True, slots=True)
class History:
    """What was exchanged with this number before: what keeps two robots from talking for ever."""

    last_intent: str = ""
    last_intent_at: datetime | None = None
    acknowledged_today: int = 0
    reachable: bool = True  # a subscriber's number; never a short code or a sender's name


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from one reply.

    `answers`: (appointment, cycle, kind). `task`: its kind, "" for none. `acknowledgement`: the
    purpose of the text sent back, "" for none. `objects` / `resumes`: the number, from now on.
    `suspends`: nothing is sent to this number until a person looked.
    """

    answers: tuple[tuple[int, int, AnswerKind], ...] = ()
    task: str = ""
    priority: Priority = Priority.REST
    acknowledgement: str = ""
    objects: bool = False
    resumes: bool = False
    suspends: bool = False
    why: str = ""


def decide_reply(
    reading: Reading, subjects: Sequence[Subject], history: History, *, now: datetime
) -> Verdict:
    """The verdict on one reply. `subjects` are the appointments of the message it answers, and
    of every other message the same number may be answering."""
    verdict = _of_the_number(reading) or _of_appointments(reading, subjects, now)
    if verdict.acknowledgement and not _may_acknowledge(reading, history, now):
        verdict = replace(verdict, acknowledgement="")
    if verdict.task and verdict.priority is Priority.REST and _is_today(subjects, now):
        verdict = replace(verdict, priority=Priority.TODAY)
    return verdict


def _is_today(subjects: Sequence[Subject], now: datetime) -> bool:
    return any(timedelta(0) <= one.starts_at - now < timedelta(hours=24) for one in subjects)


def _may_acknowledge(reading: Reading, history: History, now: datetime) -> bool:
    """New intents only, a few a day, and nothing to what is no subscriber's number."""
    if not history.reachable or history.acknowledged_today >= ACKNOWLEDGED_A_DAY:
        return False
    again = (
        history.last_intent == reading.intent.value
        and history.last_intent_at is not None
        and now - history.last_intent_at < SAME_INTENT
    )
    return not again


def _of_the_number(reading: Reading) -> Verdict | None:
    """What concerns the number or the person, whatever the appointment."""
    match reading.action:
        case Action.OPT_OUT:
            return Verdict(objects=True, acknowledgement="ack_stop", why=reading.why)
        case Action.OPT_OUT_AND_HUMAN:
            return Verdict(
                objects=True, task="reply_stop", acknowledgement="ack_stop", why=reading.why
            )
        case Action.OPT_IN:
            return Verdict(resumes=True, acknowledgement="ack_start", why=reading.why)
        case Action.URGENT:
            return Verdict(
                task="reply_alert",
                priority=Priority.ALERT,
                acknowledgement="ack_alert",
                why=reading.why,
            )
        case Action.SUPPRESS_AND_HUMAN:
            # Nothing is answered: whoever holds this number must learn nothing from us.
            kind = {
                Intent.DECEASED: "reply_deceased",
                Intent.AUTO_REPLY: "reply_new_holder",
            }.get(reading.intent, "reply_wrong_number")
            first = Priority.ALERT if reading.intent is Intent.DECEASED else Priority.TODAY
            return Verdict(suspends=True, task=kind, priority=first, why=reading.why)
        case Action.NONE:
            return Verdict(why=reading.why)
    return None


TASKS = {
    Intent.RESCHEDULE: "reply_reschedule",
    Intent.QUESTION: "reply_question",
    Intent.LATE: "reply_late",
    Intent.TRANSPORT: "reply_transport",
    Intent.ALREADY_CANCELLED: "reply_already",
    Intent.COMPLAINT: "reply_complaint",
}


def _of_appointments(reading: Reading, subjects: Sequence[Subject], now: datetime) -> Verdict:
    if not subjects:
        return _to_a_person("reply_unbound", "aucun rendez-vous n'est lié à ce numéro")
    if len({one.patient for one in subjects}) > 1:
        return _to_a_person("reply_which", "ce numéro sert à plusieurs patients")
    if len(_told(subjects)) > 1:
        return _to_a_person("reply_which", "deux messages récents : lequel reçoit la réponse ?")
    once = {one.appointment: one for one in subjects}.values()
    coming = [one for one in once if one.starts_at > now]
    if not coming:
        return _to_a_person("reply_after", "le rendez-vous a déjà commencé")
    standing = [one for one in coming if one.status == "booked"]
    if not standing:
        return Verdict(
            task="reply_cancelled", acknowledgement="ack_cancelled_already",
            why="le rendez-vous était déjà annulé",
        )  # fmt: skip
    if any(one.moved for one in standing) and reading.action is not Action.HUMAN:
        return Verdict(
            task="" if reading.action is Action.CONFIRM else "reply_moved",
            acknowledgement="ack_moved",
            why="la réponse porte sur un horaire changé depuis",
        )
    match reading.action:
        case Action.CONFIRM | Action.CONFIRM_AND_HUMAN:
            return _confirmed(reading, standing)
        case Action.CANCEL | Action.CANCEL_AND_HUMAN:
            return _cancelled(reading, standing)
    return _asked(reading, standing)


def _told(subjects: Sequence[Subject]) -> set[frozenset[tuple[int, int]]]:
    """What the messages a reply may answer told: two reminders of the same say one thing."""
    by_message: dict[int, set[tuple[int, int]]] = {}
    for one in subjects:
        by_message.setdefault(one.message, set()).add((one.appointment, one.told_cycle))
    return {frozenset(told) for told in by_message.values()}


def _to_a_person(task: str, why: str) -> Verdict:
    return Verdict(task=task, acknowledgement="ack_human", why=why)


def _answers(
    subjects: Sequence[Subject], kind: AnswerKind
) -> tuple[tuple[int, int, AnswerKind], ...]:
    return tuple((one.appointment, one.cycle, kind) for one in subjects)


def _confirmed(reading: Reading, standing: Sequence[Subject]) -> Verdict:
    """A message of one day told them together: one yes is for all of them."""
    if any(one.answer == AnswerKind.CANCELLED and one.settled for one in standing):
        # The place may be somebody else's already: only a person can give it back.
        return _to_a_person("reply_changed_mind", "confirme après une annulation transmise")
    human = reading.action is Action.CONFIRM_AND_HUMAN
    return Verdict(
        answers=_answers(standing, AnswerKind.CONFIRMED),
        task=TASKS.get(reading.intent, "reply_other") if human else "",
        acknowledgement="ack_human" if human else "ack_confirmed",
        why=reading.why,
    )


def _cancelled(reading: Reading, standing: Sequence[Subject]) -> Verdict:
    if len(standing) > 1:
        return _to_a_person("reply_which", "plusieurs rendez-vous : lequel annuler ?")
    human = reading.action is Action.CANCEL_AND_HUMAN
    return Verdict(
        answers=_answers(standing, AnswerKind.CANCELLED),
        task="reply_proxy_cancel" if human else "",
        priority=Priority.CANCELLATION if human else Priority.REST,
        acknowledgement="ack_cancelled",
        why=reading.why,
    )


def _asked(reading: Reading, standing: Sequence[Subject]) -> Verdict:
    kind = {
        Intent.RESCHEDULE: AnswerKind.RESCHEDULE,
        Intent.QUESTION: AnswerKind.QUESTION,
        Intent.TRANSPORT: AnswerKind.QUESTION,
    }.get(reading.intent)
    return Verdict(
        answers=_answers(standing, kind) if kind is not None and len(standing) == 1 else (),
        task=TASKS.get(reading.intent, "reply_unclear"),
        priority=Priority.TODAY if reading.intent is Intent.LATE else Priority.REST,
        acknowledgement="ack_human",
        why=reading.why,
    )


def effective_at(kind: AnswerKind, channel: str, given_at: datetime) -> datetime:
    """From when an answer is passed on (write-back, freed slot, the desk's list).

    A cancellation on the page can be taken back for a quarter of an hour, what staff note for two
    minutes; by SMS it counts at once, and its acknowledgement says how to call it off by telephone.
    """
    if channel == "staff" and kind in (AnswerKind.CANCELLED, AnswerKind.CONFIRMED):
        return given_at + SLIP
    undoable = kind is AnswerKind.CANCELLED and channel == "page"
    return given_at + UNDO if undoable else given_at
