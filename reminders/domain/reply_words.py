"""A reply's plain words cut into phrases, each with its meaning.

At each word the longest phrase wins, so that « je ne veux pas annuler » is never read as
« annuler ». Words of no phrase have no meaning here, and a text with one of them is left to a
person. French first; other languages know the few words that matter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from reminders.domain.reply_foreign import FOREIGN
from reminders.domain.reply_french import PHRASES
from reminders.domain.reply_senses import Piece, Sense
from reminders.domain.reply_spelling import collapse, spelled
from reminders.domain.reply_text import bare


def _phrases() -> Iterator[tuple[Sense, str]]:
    for table in (PHRASES, FOREIGN):
        for sense, source in table.items():
            joined = "".join(line.strip() for line in source.splitlines())
            for phrase in _alternatives(collapse(bare(joined))):
                yield sense, phrase


def _alternatives(source: str) -> Iterator[str]:
    """The phrases of a table: cut at each bar that stands in no group."""
    depth = start = 0
    for place, character in enumerate(source):
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            yield source[start:place].strip()
            start = place + 1
    yield source[start:].strip()


# A tie is decided by the order in which the senses stand here: the safer one first.
_TIES = {
    sense: place
    for place, sense in enumerate(
        (
            Sense.DECEASED, Sense.MEDICAL, Sense.WRONG, Sense.STOP, Sense.START, Sense.ALREADY,
            Sense.AUTOMATIC, Sense.REASSIGNED, Sense.NOT_CANCEL, Sense.PAUSE, Sense.ASKED,
            Sense.UNSURE, Sense.SEVERAL, Sense.TROUBLE, Sense.LATE, Sense.TO_CANCEL,
            Sense.TO_CONFIRM, Sense.CANCEL, Sense.CANNOT, Sense.CONFIRM, Sense.RESCHEDULE,
            Sense.COMPLAINT, Sense.BUT, Sense.YES, Sense.NO, Sense.TRANSPORT, Sense.THANKS,
            Sense.SAD, Sense.GOD_WILLING, Sense.REASON, Sense.WHEN, Sense.TOMORROW,
            Sense.QUESTION, Sense.PROXY, Sense.FILLER, Sense.UNKNOWN,
        )
    )
}  # fmt: skip
_LITERAL = re.compile(r"[^\W_]+(?: [^\W_]+)*")


@dataclass(frozen=True, slots=True)
class _Index:
    """Plain phrases are looked up; the others are one pattern each, so that the longest can
    win: an alternation would take the first."""

    plain: Mapping[str, Sense]
    longest: int  # words of the longest plain phrase
    patterns: Sequence[tuple[Sense, re.Pattern[str]]]


@cache
def _index() -> _Index:
    """Compiled when the first reply is read: a thousand patterns cost a quarter of a second."""
    plain: dict[str, Sense] = {}
    patterns: list[tuple[Sense, re.Pattern[str]]] = []
    for sense, phrase in sorted(_phrases(), key=lambda one: _TIES[one[0]]):
        if _LITERAL.fullmatch(phrase):
            plain.setdefault(phrase, sense)
            plain.setdefault(" ".join(spelled(word) for word in phrase.split()), sense)
        else:
            patterns.append((sense, re.compile(f"(?:{phrase})(?= |$)")))
    return _Index(plain, max(phrase.count(" ") for phrase in plain) + 1, patterns)


@lru_cache(maxsize=4_096)
def pieces(words: str) -> tuple[Piece, ...]:
    """The plain words cut into phrases, left to right, the longest at each place."""
    found: list[Piece] = []
    place = 0
    while place < len(words):
        sense, end = _longest(words, place)
        found.append(Piece(sense, words[place:end]))
        place = end + 1
    return tuple(found)


def _longest(words: str, place: int) -> tuple[Sense, int]:
    index = _index()
    best, end = _longest_plain(index, words, place)
    for sense, pattern in index.patterns:
        match = pattern.match(words, place)
        if match is None or match.end() < end or match.end() == place:
            continue
        if match.end() > end or _TIES[sense] < _TIES[best]:
            best, end = sense, match.end()
    if end == place:
        end = words.find(" ", place)
        end = len(words) if end < 0 else end
    return best, end


def _longest_plain(index: _Index, words: str, place: int) -> tuple[Sense, int]:
    best, end, stop = Sense.UNKNOWN, place, place
    for _ in range(index.longest):
        stop = words.find(" ", stop)
        stop = len(words) if stop < 0 else stop
        if (sense := index.plain.get(words[place:stop])) is not None:
            best, end = sense, stop
        if stop == len(words):
            break
        stop += 1
    return best, end
