"""Bytes to text: which encoding a CSV export is in, judged on the whole file.

One pass reads every byte once: it fingerprints the content, proves or disproves UTF-8, and
counts the bytes above 127, so that a first accent on line 500,000 counts like one on line 1.
"""

import codecs
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO

from reminders.errors import FeedRefused

CHUNK = 1 << 20
ASCII = bytes(range(128))

# Candidates for a file that is not UTF-8, the likeliest first: ties go to the first.
CANDIDATES = ("cp1252", "iso8859-15", "cp850", "mac_roman")
# How much a character speaks for the encoding that shows it: roughly its frequency in French.
WEIGHTS = {
    **dict.fromkeys("é", 10.0),
    **dict.fromkeys("èàÉ", 5.0),
    **dict.fromkeys("êçôîÈ’°", 3.0),
    **dict.fromkeys("âûùïëœÇÀÊËÔÎÏ€«»Œ–", 1.0),
    **dict.fromkeys("üöäÜÖÄÂÛÙñÑáíóú…“”‘—º\xa0", 0.2),
}
UNLIKELY = -6.0


@dataclass(slots=True)
class Scan:
    """What one reading of all bytes told."""

    content_hash: str = ""
    size: int = 0
    head: bytes = b""
    zeros: bool = False  # a byte no text has, but UTF-16
    utf8: bool = True
    sequences: int = 0  # valid UTF-8 sequences of several bytes
    high: Counter[int] = field(default_factory=Counter)


def scan(file: BinaryIO) -> Scan:
    found, digest = Scan(), sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        found.size += len(chunk)
        if len(found.head) < CHUNK:
            found.head += chunk[: CHUNK - len(found.head)]
        found.zeros = found.zeros or b"\x00" in chunk
        found.high.update(chunk.translate(None, ASCII))
        if found.utf8:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                found.utf8 = False
    if found.utf8:
        found.utf8 = not decoder.getstate()[0]  # a character cut at the end of the file
    found.content_hash = digest.hexdigest()
    return found


def encoding_of(found: Scan, wanted: str, name: str) -> str:
    """The encoding of a scanned file. Raises FeedRefused for what is no text at all."""
    if wanted:
        return wanted
    head = found.head
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if found.zeros:
        return _without_mark(head, name)
    if found.utf8 or _nearly_utf8(found):
        return "utf-8"
    return max(CANDIDATES, key=lambda one: (_plausible(found.high, one), -CANDIDATES.index(one)))


def _without_mark(head: bytes, name: str) -> str:
    """UTF-16 whose byte order mark was lost: every other byte of French text is zero."""
    sample = head[:4096]
    half = max(1, len(sample) // 2)
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = sample[start::2].count(0)
        if zeros > 0.8 * half and sample.count(0) == zeros:
            return encoding
    raise FeedRefused(
        "encoding",
        f"{name} contient des octets nuls : ce n'est pas un fichier CSV. Vérifier l'export.",
    )


def _nearly_utf8(found: Scan) -> bool:
    """UTF-8 in which a few characters were cut, as exports of fixed width do: the bytes that
    start a sequence are about as many as French needs, and hardly one stands alone."""
    leading = sum(count for byte, count in found.high.items() if 0xC2 <= byte <= 0xC5)
    following = sum(count for byte, count in found.high.items() if byte < 0xC0)
    three = sum(count for byte, count in found.high.items() if byte in (0xE2, 0xEF))
    total = sum(found.high.values())
    expected = leading + 2 * three
    return total > 20 and leading + three > 0 and (
        abs(following - expected) <= 0.02 * total
        and leading + three + following >= 0.98 * total
    )  # fmt: skip


def _plausible(high: Counter[int], encoding: str) -> float:
    score = 0.0
    for byte, count in high.items():
        character = bytes((byte,)).decode(encoding, errors="replace")
        score += WEIGHTS.get(character, UNLIKELY) * count
    return score
