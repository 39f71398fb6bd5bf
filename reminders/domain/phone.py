"""Raw text to a phone number, or the reason it is none.

A DPI's phone field holds anything: two numbers, a comment, what Excel left. Numbers are
classified by what they are, never by the field's label. `phonenumbers` (Google's metadata)
parses; the rules on top are DOMAIN 3.6:

* overseas numbers typed nationally (0692 ...) are French ones of another country code, so they
  are remapped before parsing; 06 39 98 is Arcep's range for fiction and stays +33 6 39 98;
* a mobile that is possible but not allocated is accepted ("mobile probable"): allocation tables
  lag behind the operators;
* a few border countries are allowed, every other country is refused;
* numbers people type to get past a mandatory field are refused.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

LONGEST = 64  # a longer text is a note, not a number


class Kind(StrEnum):
    MOBILE = "mobile"
    LANDLINE = "landline"
    VOIP = "voip"
    OTHER = "other"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Phone:
    """`zone`: IANA time zone of the number; `reason`: French, "" when nothing is to be said."""

    raw: str
    e164: str | None
    kind: Kind
    zone: str | None
    code: str
    reason: str

    @property
    def textable(self) -> bool:
        return self.kind is Kind.MOBILE and self.e164 is not None


# national prefix typed in France -> the country code it belongs to
OVERSEAS = {
    "0262": "262", "0263": "262", "0692": "262", "0693": "262", "0269": "262", "0639": "262",
    "0590": "590", "0690": "590", "0691": "590", "0594": "594", "0694": "594", "0596": "596",
    "0696": "596", "0697": "596", "0508": "508",
}  # fmt: skip
FICTION = "063998"  # Arcep: reserved for fiction, stays metropolitan

ZONES = {
    33: "Europe/Paris", 590: "America/Guadeloupe", 594: "America/Cayenne",
    596: "America/Martinique", 508: "America/Miquelon", 687: "Pacific/Noumea",
    689: "Pacific/Tahiti", 681: "Pacific/Wallis", 32: "Europe/Brussels",
    352: "Europe/Luxembourg", 41: "Europe/Zurich", 49: "Europe/Berlin", 39: "Europe/Rome",
    34: "Europe/Madrid", 377: "Europe/Monaco", 376: "Europe/Andorra", 44: "Europe/London",
    31: "Europe/Amsterdam", 351: "Europe/Lisbon",
}  # fmt: skip
FRENCH = frozenset({33, 262, 590, 594, 596, 508, 687, 689, 681})
MAYOTTE = ("269", "639")  # +262 is shared by La Réunion and Mayotte

FILLERS = frozenset({"0102030405", "0123456789"})

_KINDS = {
    PhoneNumberType.MOBILE: Kind.MOBILE,
    PhoneNumberType.FIXED_LINE: Kind.LANDLINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: Kind.MOBILE,
    PhoneNumberType.VOIP: Kind.VOIP,
}
REASONS = {
    "empty": "aucun numéro",
    "not_a_number": "ce n'est pas un numéro de téléphone",
    "too_short": "numéro incomplet",
    "too_long": "trop de chiffres",
    "m2m": "numéro d'objet connecté (14 chiffres)",
    "dummy": "numéro de remplissage",
    "country_not_allowed": "pays non autorisé pour l'envoi",
    "fixed": "ligne fixe : pas de SMS",
    "voip": "numéro 09 ou de box : pas de SMS",
    "special": "numéro spécial : pas de SMS",
    "unallocated": "mobile probable : tranche non attribuée",
    "impossible": "numéro impossible",
}


@lru_cache(maxsize=65_536)
def classify(raw: str) -> Phone:
    """One number. Never raises; linear in the length of its input."""
    if len(raw) > LONGEST:
        return _no(raw[:LONGEST], "too_long" if any(c.isdigit() for c in raw) else "not_a_number")
    text = _plain(raw)
    if not text:
        return _no(raw, "empty" if not raw.strip() else "not_a_number")
    national = _national(text)
    if national is None:
        return _parse(raw, text, None)
    if problem := _national_problem(national):
        return _no(raw, problem)
    if national.startswith(FICTION):
        return _parse(raw, "+33" + national[1:], None)
    code = OVERSEAS.get(national[:4])
    if code == "508":
        return _parse(
            raw, f"+508{national[4:]}", None
        )  # six digits there: 0508 is the dialling prefix
    return _parse(raw, f"+{code}{national[1:]}" if code else national, "FR")


def _plain(raw: str) -> str:
    """ASCII digits with an optional leading +; "" if nothing of a number is left."""
    text = unicodedata.normalize("NFKC", raw).strip()
    if excel := re.fullmatch(r"(\d)[.,](\d+)[eE]\+?(\d{1,2})", text):
        digits = excel[1] + excel[2]
        exponent = int(excel[3]) + 1
        text = digits.ljust(exponent, "0") if len(digits) <= exponent else ""
    text = re.sub(r"^(\d+)[.,]0+$", r"\1", text)
    text = re.sub(r"\([^()0-9]*\)", " ", text)
    text = text.replace("(0)", "")
    if re.search(r"[^\W\d_]{2,}", re.sub(r"(?i)\b(?:tel|tél|port|gsm|mob|fixe)\b\.?:?", "", text)):
        return ""
    digits = "".join(
        str(unicodedata.digit(c)) for c in text if unicodedata.digit(c, None) is not None
    )
    return "+" + digits if text.lstrip("( ").startswith("+") else digits


def _national(text: str) -> str | None:
    """The ten (or so) digits a Frenchman would dial; None if it is another country's number."""
    for prefix in ("+33", "0033", "033"):
        if text.startswith(prefix) and len(text) - len(prefix) >= 9:
            rest = text.removeprefix(prefix)
            return rest if rest.startswith("0") else "0" + rest
    if text.startswith(("+", "00")):
        return None
    if text.startswith("33") and len(text) == 11:
        return "0" + text[2:]
    if len(text) == 9 and text[0] in "12345679":
        return "0" + text  # Excel ate the leading zero
    return text


def _national_problem(national: str) -> str:
    """Why these digits are no number, before any library is asked; "" if they may be one."""
    if national in FILLERS or len(set(national[2:])) == 1 or _is_pattern(national):
        return "dummy"
    if len(national) == 14 and national.startswith(("0700", "0639")):
        return "m2m"
    if len(national) < 10:
        return "too_short"
    return "too_long" if len(national) > 10 else ""


def _is_pattern(national: str) -> bool:
    """06 06 06 06 06, 01 01 01 01 01: one pair typed five times."""
    return len(national) == 10 and national == national[:2] * 5


def _parse(raw: str, text: str, region: str | None) -> Phone:
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return _no(raw, "not_a_number" if len(text) > 5 else "too_short")
    code = number.country_code or 0
    if code not in ZONES and code != 262:
        return Phone(
            raw, None, Kind.OTHER, None, "country_not_allowed", REASONS["country_not_allowed"]
        )
    if not phonenumbers.is_possible_number(number):
        return _no(raw, "impossible")
    return _classified(raw, number, code)


def _classified(raw: str, number: phonenumbers.PhoneNumber, code: int) -> Phone:
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = str(number.national_number)
    zone = ZONES.get(code)
    if code == 262:
        zone = "Indian/Mayotte" if national.startswith(MAYOTTE) else "Indian/Reunion"
    kind = _KINDS.get(phonenumbers.number_type(number))
    if kind is Kind.MOBILE:
        return Phone(raw, e164, kind, zone, "ok", "")
    if kind is None and code in FRENCH and national[0] in "67":
        # A valid foreign-looking 0700 M2M range is longer and was refused before.
        return Phone(raw, e164, Kind.MOBILE, zone, "unallocated", REASONS["unallocated"])
    if kind is None and code == 33 and national[0] in "12345":
        kind = Kind.LANDLINE
    if kind is Kind.LANDLINE:
        return Phone(raw, e164, kind, zone, "fixed", REASONS["fixed"])
    if kind is Kind.VOIP or (code == 33 and national[0] == "9"):
        return Phone(raw, e164, Kind.VOIP, zone, "voip", REASONS["voip"])
    if kind is None and not phonenumbers.is_valid_number(number) and code != 33:
        return _no(raw, "impossible")
    return Phone(raw, e164, Kind.OTHER, zone, "special", REASONS["special"])


def _no(raw: str, code: str) -> Phone:
    return Phone(raw, None, Kind.INVALID, None, code, REASONS[code])


_SEPARATORS = re.compile(r"\s*(?:[/;|\n\r]|,(?!\d+[eE])|\bou\b|\bet\b)\s*")


@lru_cache(maxsize=65_536)
def numbers_in(cell: str) -> tuple[Phone, ...]:
    """Every number of a cell, in order, without repetitions; unusable pieces included.

    A piece that is only a comment is left out, unless the cell holds nothing else.
    """
    text = cell[: LONGEST * 4]
    whole = classify(text.strip())
    if whole.e164 is not None:
        return (whole,)
    found: dict[str, Phone] = {}
    for piece in _SEPARATORS.split(text):
        cleaned = _without_comment(piece)
        if not cleaned:
            continue
        phone = classify(cleaned)
        if phone.code != "empty":
            found.setdefault(phone.e164 or cleaned, phone)
    return tuple(found.values())


def _without_comment(piece: str) -> str:
    """The piece without what is in brackets or in words: "0612345678 (fils)" -> the digits."""
    bare = re.sub(r"\([^()]*[^()\d\s][^()]*\)", " ", piece).strip()
    match = re.search(r"\+?[\d(][\d\s().,\-\u00a0eE+]{5,}", unicodedata.normalize("NFKC", bare))
    return match[0].strip() if match else ""
