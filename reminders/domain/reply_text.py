"""From what a telephone sent to plain words: what a patient typed, without its ornaments.

Quoted text, signatures and reactions are taken apart; case, accents, invisible characters,
doubled letters and SMS spelling disappear, so that the rules of `reply_words` are written once,
in plain words. Every pattern is linear in the input's length.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from reminders.domain.reply_spelling import spelled
from reminders.domain.sms import GSM7_PART, GSM7_SINGLE, UCS2_PART, UCS2_SINGLE, measure

FULL_PARTS = {"gsm7": {GSM7_PART, GSM7_SINGLE}, "ucs2": {UCS2_PART, UCS2_SINGLE}}
CONTINUES_WITHIN = timedelta(seconds=20)  # from one part of a long SMS to the next
LONGEST = 1_600  # characters of the longest SMS a provider hands over; more is not an answer

Reaction = Literal["", "liked", "other"]

# Between two letters they hide a word from filters and from us; elsewhere they are noise.
INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200d\u200e\u200f" + (
    "\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3164\ufeff"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
_HIDDEN = re.compile(rf"(?<=[^\W\d_])[{INVISIBLE}]+(?=[^\W\d_])")
_JOINED_SCRIPTS = re.compile("[\u0600-\u06ff\u0900-\u0dff]")  # joiners are letters there
_LINK = re.compile(r"https?:|www\.|\w\.(?:com|fr|net|org|test|io|xyz|info)\b|<[a-z/!]", re.I)

# What iOS and Android send for a tapped reaction: the verb, then the whole message in quotes.
_REACTION = re.compile(
    r"^\s*(?P<emoji>\W{0,4})\s*(?P<verb>a (?:bien )?aimé|a adoré|aime|j'aime|liked|loved|a réagi|"
    r"reacted|a ri (?:de|à)|laughed at|(?:n')?a pas aimé|disliked|a mis l'accent sur|emphasized|"
    r"a remis en question|questioned|a mis en évidence|le gustó|a retiré|removed)"
    r"\b(?P<rest>.{0,80}?)\s*[«“\"‘'](?P<quote>.*)$",
    re.I | re.S,
)
_LIKED = re.compile(r"(?:a (?:bien )?aimé|a adoré|aime|j'aime|liked|loved|le gustó)", re.I)
_THUMB = "👍"

_QUOTED = re.compile(r"(?m)^\s*(?:>.*|.{0,80} a écrit\s*:.*|on .{0,80} wrote:.*)$", re.I)
_SENT_FROM = re.compile(
    r"(?is)[\s,.\-–—]*(?:envoy[ée]e?s? (?:de|depuis|à partir de|par|(?:à partir )?d['’])\s*"
    r"(?:mon|ma|l['’]|un|outlook|"
    r"yahoo|gmail|orange|free|sfr|samsung|iphone)|sent from (?:my|outlook|yahoo|samsung)|"
    r"enviado desde|enviado do|gesendet von|inviato da|obtenir outlook|get outlook|"
    r"télécharge[zr]? ).{0,60}$"
)
_BELOW_DASHES = re.compile(r"(?s)\n\s*(?:--+|__+|—+)\s*\n.{0,120}$")
# What follows is read: only a name may be ignored, not « cordialement, si je peux ».
_REGARDS = re.compile(
    r"(?i)\b(?:bien )?(?:cordialement|cdlt|cdt|sinc[èe]res salutations|"
    r"salutations(?: distingu[ée]es)?|bien à vous|best regards|kind regards|regards|amicalement|"
    r"respectueusement)\b"
)
SIGNED = "signature"  # the word that stands for them


def may_continue(text: str) -> bool:
    """Exactly as long as one full part: its end may be on the way.

    Some providers hand over the parts of a long SMS one by one: « NON… » and « je n'annule pas »
    must be read together. A part of a UCS-2 text may hold no character that needs it.
    """
    found = measure(text)
    in_ucs2 = len(text.encode("utf-16-le")) // 2
    return found.units in FULL_PARTS[found.encoding] or in_ucs2 in FULL_PARTS["ucs2"]


@dataclass(frozen=True, slots=True)
class Plain:
    """`words`: the text in plain words, " . " and " , " where the writer paused, "?" kept.

    `hidden`: invisible characters stood inside a word. `link`: an address or a mark-up tag is
    in it. `reaction`: the text is a tapped reaction to our own message.
    """

    words: str
    hidden: bool = False
    link: bool = False
    reaction: Reaction = ""


def plain(text: str) -> Plain:
    """The words of a reply. Never raises, whatever the characters."""
    kept = unicodedata.normalize("NFKC", text)
    hidden = bool(_HIDDEN.search(kept)) and not _JOINED_SCRIPTS.search(kept)
    kept = _INVISIBLE.sub("", kept).replace("\ufe0f", "").replace("\ufe0e", "")
    if reaction := _reaction(kept):
        return Plain("", hidden, False, reaction)
    kept = _BELOW_DASHES.sub("", kept)
    kept = _REGARDS.sub(f". {SIGNED} ", _SENT_FROM.sub("", _QUOTED.sub(" ", kept)))
    return Plain(_words(kept), hidden, bool(_LINK.search(kept)))


def _reaction(text: str) -> Reaction:
    match = _REACTION.match(text)
    if match is None:
        return ""
    verb, rest = match["verb"], match["rest"]
    if "réagi" in verb or "react" in verb:
        return "liked" if _THUMB in rest or "❤" in rest else "other"
    return "liked" if _LIKED.fullmatch(verb) else "other"


_TURKISH = str.maketrans({"ı": "i", "ş": "s", "ğ": "g", "ß": "s", "ø": "o", "ł": "l"})
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": ""})
_PAUSES = re.compile(r"\s*[.;:!…\n\r]+\s*")
_KEPT = re.compile(r"[^\w?,. ]|_")


_DOTTED = re.compile(r"(?<!\w)(?:\w\.){2,}\w?(?!\w)")  # « O.K. », « R.D.V. »


def bare(text: str) -> str:
    """Lower-case text without accents and the like; also how phrases are written."""
    plain_letters = text.translate(_TURKISH).translate(_ARABIC)
    kept = "".join(
        one
        for one in unicodedata.normalize("NFKD", plain_letters)
        if not unicodedata.combining(one)
    )
    return kept.replace("œ", "oe").replace("æ", "ae")


def _words(text: str) -> str:
    lowered = re.sub(r"\bs[íì]\b", "yes", text.lower())  # with its accent it is no French « si »
    kept = bare(_DOTTED.sub(lambda one: one[0].replace(".", ""), lowered))
    kept = re.sub(r"(\d{1,2})\s*[:h]\s*(\d{2})\b", r"\1h\2", kept)
    kept = re.sub(r"\b(\d{1,2})[/.](\d{1,2})(?:[/.]\d{2,4})?\b", r"\1-\2", kept).replace("-", " ")
    kept = _SMILES.sub(" smile ", kept)
    for emoji, word in EMOJI.items():
        kept = kept.replace(emoji, f" {word} ")
    kept = _PAUSES.sub(" . ", kept)
    kept = kept.replace("?", " ? ").replace(",", " , ")
    kept = _KEPT.sub(lambda one: _other(one[0]), kept)
    words = " ".join(spelled(token) for token in kept.split())
    return words.replace("c est est", "c est").replace("rendez vous", "rdv")


def _other(character: str) -> str:
    """An unknown pictogram is a word nobody knows; punctuation is a blank."""
    return " pictogram " if unicodedata.category(character) in ("So", "Cn", "Co") else " "


_SMILES = re.compile(r"[:;]-?\)|\^\^|:-?d\b")
EMOJI = (
    dict.fromkeys("👍👌✅✔☑🆗💯🤝", "emojiyes")
    | {"🛑": "stop"}
    | dict.fromkeys("👎❌🚫✖🙅", "emojino")
    | dict.fromkeys("🙏", "merci")
    | dict.fromkeys("😊🙂☺😀😃😄😁😉🤗😇😎❤💕💖💐🌹🌸🌺🌞☀👋🥰😍🎉✨💪😘", "smile")
    | dict.fromkeys("😢😭😞😔😕🙁☹😟😥😩😅", "sadface")
    | dict.fromkeys("🏻🏼🏽🏾🏿♂♀", "")
)
