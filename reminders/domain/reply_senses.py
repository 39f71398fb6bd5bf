"""The meanings a phrase of a reply can have."""

from dataclasses import dataclass
from enum import StrEnum


class Sense(StrEnum):
    YES = "yes"
    CONFIRM = "confirm"  # says so itself: « je viens »
    NOT_CANCEL = "not-cancel"  # a negation that keeps the appointment
    NO = "no"
    CANCEL = "cancel"
    CANNOT = "cannot"  # « je ne peux pas » and nothing else
    TO_CANCEL = "to-cancel"  # « pour annuler »: an echo of the instruction, or a wish
    TO_CONFIRM = "to-confirm"
    RESCHEDULE = "reschedule"
    QUESTION = "question"
    STOP = "stop"
    START = "start"
    WRONG = "wrong"
    LATE = "late"
    MEDICAL = "medical"
    DECEASED = "deceased"
    TRANSPORT = "transport"
    TROUBLE = "trouble"  # of a transport: missing, broken, not booked
    PROXY = "proxy"  # somebody writes for the patient
    ALREADY = "already"
    THANKS = "thanks"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    REASSIGNED = "reassigned"  # the number changed hands
    UNSURE = "unsure"
    BUT = "but"
    SEVERAL = "several"
    REASON = "reason"  # why not: good beside a no, odd beside a yes
    GOD_WILLING = "god-willing"
    SAD = "sad"
    WHEN = "when"
    TOMORROW = "tomorrow"  # the day our last reminder speaks of
    FILLER = "filler"
    PAUSE = "pause"
    ASKED = "asked"  # a question mark
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Piece:
    sense: Sense
    words: str
