"""What the no-show report keeps of one appointment, packed into two whole numbers.

`Kind` is what it was when it entered and never changes; `Fate` is what became of it. Ten million
of them are read and counted in seconds because each is one number: `FIELDS` says which bits are
what, and nothing else does.
"""

from dataclasses import dataclass
from itertools import accumulate
from math import log

from reminders.domain.answer import AnswerKind
from reminders.domain.baseline import AGES, LEADS, UNKNOWN, Cell, band
from reminders.domain.outcome import Outcome
from reminders.domain.report import Reach

OUTCOMES = tuple(Outcome)
PENDING = len(OUTCOMES)  # entered, still to come
CHANNELS = ("", "sms", "email")
REACHES = tuple(Reach)
REASONS = ("health", "work", "transport", "forgot", "better", "other")  # as the page offers them
MOTIVES = ("", *(kind.value for kind in AnswerKind), *REASONS)
GROWTH = 1.2  # of one bucket of waiting time to the next: half of it is less than a tenth


def bands(ends: tuple[int, ...]) -> tuple[str, ...]:
    """All bands in order, then the unknown one."""
    return (*(band(low, ends) for low in (ends[0] - 1, *ends)), UNKNOWN)


LEAD_BANDS = bands(LEADS)
AGE_BANDS = bands(AGES)


@dataclass(frozen=True, slots=True)
class Field:
    """`bits` of the number, from `shift` on."""

    shift: int
    bits: int

    @property
    def mask(self) -> int:
        return (1 << self.bits) - 1

    def of(self, packed: int) -> int:
        return packed >> self.shift & self.mask

    def put(self, value: int) -> int:
        if value < 0 or value >> self.bits:
            raise ValueError(f"{value} does not fit into {self.bits} bits")
        return value << self.shift


def _laid_out(**bits: int) -> dict[str, Field]:
    shifts = accumulate(bits.values(), initial=0)
    fields = {name: Field(at, size) for (name, size), at in zip(bits.items(), shifts, strict=False)}
    if sum(bits.values()) > 63:  # what a column of whole numbers holds
        raise ValueError("too many bits")
    return fields


KIND = _laid_out(weekday=3, hour=5, day=5, lead=3, known=1, age=3, reach=3, language=15)
# `freed_again`: the slot it had moved to was given back too.
FATE = _laid_out(
    outcome=3, channel=2, planned=1, sent=1, delivered=1, answered=1, freed=1, refilled=1,
    contacted=1, recontact=1, alone=1, motive=4, handled=6, template=31,
    freed_again=1, refilled_again=1,
)  # fmt: skip


def packed(fields: dict[str, Field], **values: int) -> int:
    """Raises ValueError for a value that does not fit."""
    number = 0
    for name, value in values.items():
        number |= fields[name].put(value)
    return number


def kind_of(cell: Cell, day: int, hour: int, reach: Reach, language: str) -> int:
    """`cell`: of the appointment as it entered; `day`, `hour`: of its start, in the site's zone."""
    return packed(
        KIND,
        weekday=int(cell.weekday),
        hour=hour,
        day=day,
        lead=LEAD_BANDS.index(cell.lead),
        known=int(cell.known == "known"),
        age=AGE_BANDS.index(cell.age),
        reach=REACHES.index(reach),
        language=language_number(language),
    )


def language_number(code: str) -> int:
    """Of « fr » or « ful », whatever follows a hyphen; 0: unknown, or no code of letters."""
    letters = code.partition("-")[0].lower()
    if not (2 <= len(letters) <= 3 and letters.isascii() and letters.isalpha()):
        return 0
    number = 0
    for letter in letters:
        number = number << 5 | ord(letter) - ord("a") + 1
    return number


def language_of(number: int) -> str:
    letters = [number >> shift & 31 for shift in (10, 5, 0)]
    return "".join(chr(ord("a") + one - 1) for one in letters if one)


def bucket_of(minutes: float) -> int:
    """The bucket of a waiting time, from 1 on; 0 is kept for none."""
    last = FATE["handled"].mask
    return min(last, 1 + int(log(1 + max(0.0, minutes)) / log(GROWTH)))


def minutes_of(bucket: int) -> float:
    """The middle of a bucket."""
    return float(GROWTH ** (bucket - 0.5) - 1)
