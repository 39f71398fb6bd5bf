"""The SMS alphabet: what a text costs in segments, and which characters make it dearer.

GSM 7-bit default alphabet and its extension table: 3GPP TS 23.038 section 6.2.1 (formerly
GSM 03.38). A text that fits it holds 160 septets in one segment, 153 in each of several; an
extension character takes two and never straddles two segments. Any other character turns the
whole text into UCS-2: 70 UTF-16 units, 67 in each of several, surrogate pairs kept whole.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
GSM7 = BASIC | EXTENSION
GSM7_SINGLE, GSM7_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67

REPLACEMENTS = {
    "œ": "oe", "Œ": "OE", "Æ": "AE", "’": "'", "‘": "'", "‚": "'", "ʼ": "'", "´": "'", "`": "'",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-", "‐": "-",
    "−": "-", "…": "...", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\t": " ",
    "•": "-", "·": ".", "°": "o", "º": "o", "ª": "a", "²": "2", "³": "3", "×": "x", "ç": "c",
    "\u200b": "", "\ufeff": "", "\u00ad": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """What one text costs. `units`: septets (an extension character counts two) or UTF-16 units.

    `costly`: the distinct characters, in order of appearance, that force UCS-2. An empty text
    is billed as one segment of no unit.
    """

    encoding: Literal["gsm7", "ucs2"]
    units: int
    segments: int
    costly: tuple[str, ...]


@lru_cache(maxsize=4_096)
def measure(text: str) -> Measure:
    costly = tuple(dict.fromkeys(character for character in text if character not in GSM7))
    sizes = _sizes(text, ucs2=bool(costly))
    units = sum(sizes)
    if costly:
        return Measure("ucs2", units, _count(sizes, units, UCS2_SINGLE, UCS2_PART), costly)
    return Measure("gsm7", units, _count(sizes, units, GSM7_SINGLE, GSM7_PART), ())


def _sizes(text: str, *, ucs2: bool) -> list[int]:
    if ucs2:
        return [2 if ord(character) > 0xFFFF else 1 for character in text]
    return [2 if character in EXTENSION else 1 for character in text]


def _count(sizes: list[int], units: int, single: int, part: int) -> int:
    if units <= single:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > part:
            segments, used = segments + 1, 0
        used += size
    return segments


def parts(text: str) -> tuple[str, ...]:
    """The text as it is cut into segments, in order."""
    found = measure(text)
    if found.segments == 1:
        return (text,)
    ucs2 = found.encoding == "ucs2"
    most = UCS2_PART if ucs2 else GSM7_PART
    cut: list[str] = []
    current, used = "", 0
    for character, size in zip(text, _sizes(text, ucs2=ucs2), strict=True):
        if used + size > most:
            cut.append(current)
            current, used = "", 0
        current, used = current + character, used + size
    return (*cut, current)


def replacement(character: str) -> str | None:
    """What says the same in GSM-7: ê→e, œ→oe, ’→'; None if nothing does."""
    if character in GSM7:
        return character
    if character in REPLACEMENTS:
        return REPLACEMENTS[character]
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one)
    )
    return plain if plain and all(one in GSM7 for one in plain) else None


def transliterate(text: str) -> str:
    """Every costly character that has an equivalent replaced; the others are left as they are."""
    return "".join(
        character if (found := replacement(character)) is None else found
        for character in unicodedata.normalize("NFC", text)
    )
