"""What changed from one text to another, word by word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

# A tag is one word; so is a run of letters, of blanks, or one sign.
_WORDS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\w+|[^\S\n]+|\n|[^\w\s]", re.DOTALL)
MOST_WORDS = 3_000  # beyond, lines are compared: words would take seconds


@dataclass(frozen=True, slots=True)
class Piece:
    kind: Literal["same", "gone", "new"]
    text: str


def difference(old: str, new: str) -> list[Piece]:
    """The pieces, in order, that turn `old` into `new`: those gone before those new.

    Leaving out what is new gives `old` back; leaving out what is gone gives `new`.
    """
    ours, theirs = _WORDS.findall(old), _WORDS.findall(new)
    if max(len(ours), len(theirs)) > MOST_WORDS:
        ours, theirs = old.splitlines(keepends=True), new.splitlines(keepends=True)
    return _joined(_pieces(ours, theirs))


def _pieces(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    found: list[Piece] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Piece("same", "".join(old[a:b])))
            continue
        found.append(Piece("gone", "".join(old[a:b])))
        found.append(Piece("new", "".join(new[c:d])))
    return [piece for piece in found if piece.text]


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """A lone blank between two changes belongs to them: three words changed are one change."""
    spread: list[Piece] = []
    for place, piece in enumerate(pieces):
        inside = 0 < place < len(pieces) - 1
        if piece.kind == "same" and piece.text == " " and inside:
            spread += [Piece("gone", " "), Piece("new", " ")]
        else:
            spread.append(piece)
    joined: list[Piece] = []
    for same, group in groupby(spread, key=lambda piece: piece.kind == "same"):
        run = list(group)
        kinds: tuple[Literal["same", "gone", "new"], ...] = ("same",) if same else ("gone", "new")
        for kind in kinds:
            text = "".join(piece.text for piece in run if piece.kind == kind)
            if text:
                joined.append(Piece(kind, text))
    return joined
