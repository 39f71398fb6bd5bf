"""The words of a message's life, and the key that makes it unique (DESIGN 5)."""

from enum import StrEnum


class State(StrEnum):
    PLANNED = "PLANNED"
    LEASED = "LEASED"
    SENDING = "SENDING"  # the point of no return: intent committed, bytes may leave
    ACCEPTED = "ACCEPTED"
    DELIVERED = "DELIVERED"
    UNDELIVERED = "UNDELIVERED"
    REFUSED = "REFUSED"  # certainly not sent, and never will be
    UNKNOWN = "UNKNOWN"  # perhaps sent
    SUPPRESSED = "SUPPRESSED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    HELD = "HELD"
    QUARANTINED = "QUARANTINED"  # leased three times without a result: a person looks


# Nothing has left: the planner may decide afresh until the deadline.
UNSENT = frozenset({State.PLANNED, State.HELD, State.SUPPRESSED, State.CANCELLED, State.EXPIRED})
# A text may have left, or is about to: never planned again over the same channel.
LEFT = frozenset({State.LEASED, State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN})
# This channel is used up: the next one may open.
FAILED = frozenset({State.REFUSED, State.UNDELIVERED, State.QUARANTINED})

# A receipt moves a message only upwards; order and repetition of receipts change nothing.
RANK = {
    State.SENDING: 0,
    State.UNKNOWN: 1,
    State.ACCEPTED: 2,
    State.UNDELIVERED: 3,
    State.DELIVERED: 4,
}

LEASES_BEFORE_QUARANTINE = 3

REFERENCE_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
REFERENCE_LENGTH = 17  # 101 bits; fits OVH's tag (20) and SMPP's user reference schemes


def reference(entropy: int) -> str:
    """17 base62 characters of `entropy`, a uniform integer below 62**17."""
    characters = []
    for _ in range(REFERENCE_LENGTH):
        entropy, digit = divmod(entropy, 62)
        characters.append(REFERENCE_ALPHABET[digit])
    return "".join(characters)


REFERENCES = 62**REFERENCE_LENGTH


def dedupe_key(kind: str, *parts: object) -> str:
    """The one key of a message, whatever its kind: `reminder:…`, `correction:…`, `notice:…`,
    later `ack:{reply}`, `offer:{id}`, `staff:{request}`, `test:{uuid}`."""
    return ":".join([kind, *map(str, parts)])
