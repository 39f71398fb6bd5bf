"""Raw text to a phone number, or the reason it is none.

A DPI's phone field holds anything: two numbers, a comment, what Excel left. Numbers are
classified by what they are, never by the field's label. `phonenumbers` (Google's metadata)
parses; the rules on top are DOMAIN 3.6:

* overseas numbers typed nationally (0692 ...) are French ones of another country code, so they
  are remapped before parsing; 06 39 98 is Arcep's range for fiction and stays +33 6 39 98;
* a mobile that is possible but not allocated is accepted ("mobile probable"): allocation tables
  lag behind the operators;
* the countries that border France are allowed, every other one is refused;
* numbers people type to get past a mandatory field are refused, and so is a number of which
  a spreadsheet kept only the first digits: what is missing cannot be guessed.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from reminders.domain.marking import N_

LONGEST = 256  # a longer text is a letter, not a phone field
A_NUMBER = 6  # digits; fewer, beside a number or among words, are a comment's (18 h, poste 12)


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
NINE_DIGITS = frozenset({262, 590, 594, 596})  # numbered like the metropole: 6 and 7 are mobiles

ZONES = {
    33: "Europe/Paris", 590: "America/Guadeloupe", 594: "America/Cayenne",
    596: "America/Martinique", 508: "America/Miquelon", 687: "Pacific/Noumea",
    689: "Pacific/Tahiti", 681: "Pacific/Wallis", 262: "Indian/Reunion", 32: "Europe/Brussels",
    352: "Europe/Luxembourg", 49: "Europe/Berlin", 41: "Europe/Zurich", 39: "Europe/Rome",
    377: "Europe/Monaco", 34: "Europe/Madrid", 376: "Europe/Andorra",
}  # fmt: skip
MAYOTTE = ("269", "639")  # +262 is shared by La Réunion and Mayotte
PACIFIC_MOBILES = {687: "789", 689: "8", 681: "8"}  # by first digit
METROPOLE = 33

FILLERS = frozenset({"0102030405", "0123456789"})

_KINDS = {
    PhoneNumberType.MOBILE: Kind.MOBILE,
    PhoneNumberType.FIXED_LINE: Kind.LANDLINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: Kind.MOBILE,
    PhoneNumberType.VOIP: Kind.VOIP,
}
REASONS = {
    "empty": N_("aucun numéro"),
    "not_a_number": N_("ce n'est pas un numéro de téléphone"),
    "too_short": N_("numéro incomplet"),
    "too_long": N_("trop de chiffres"),
    "several": N_("plusieurs numéros : n'en donner qu'un"),
    "m2m": N_("numéro d'objet connecté (14 chiffres)"),
    "lost_digits": N_("chiffres perdus par le tableur"),
    "dummy": N_("numéro de remplissage"),
    "country_not_allowed": N_("pays non autorisé pour l'envoi"),
    "fixed": N_("ligne fixe : pas de SMS"),
    "voip": N_("numéro 09 ou de box : pas de SMS"),
    "special": N_("numéro spécial : pas de SMS"),
    "unallocated": N_("mobile probable : tranche non attribuée"),
    "impossible": N_("numéro impossible"),
}


@lru_cache(maxsize=65_536)
def classify(raw: str) -> Phone:
    """The one number of a text, comments aside; two of them are refused. Never raises."""
    found = numbers_in(raw)
    known = [phone for phone in found if phone.e164 is not None]
    if len(known) > 1:
        return _no(raw, "several")
    return replace(known[0] if known else found[0], raw=raw)


@lru_cache(maxsize=65_536)
def numbers_in(cell: str) -> tuple[Phone, ...]:
    """Every number of a phone field, in order, once each; at least one, if only a reason.

    What is too short to be a number is a comment ("après 18 h"), unless nothing else is there.
    Linear in the length of the cell. Never raises.
    """
    if not cell.strip():
        return (_no(cell, "empty"),)
    if len(cell) > LONGEST:
        return (_no(cell, "not_a_number"),)
    text = _readable(cell)
    runs = [run.strip() for run in _WORDS.split(text)]
    pieces = [piece for run in runs for piece in _numbers_of_run(run)]
    long_enough = [piece for piece in pieces if len(_digits(piece)) >= A_NUMBER]
    if not long_enough and any(character.isalpha() for character in text):
        return (_no(cell, "not_a_number"),)
    found: dict[str, Phone] = {}
    for piece in long_enough or pieces[:1] or [""]:
        phone = _classify_piece(piece)
        found.setdefault(phone.e164 or piece, phone)
    return tuple(found.values())


_BRACKETED_WORDS = re.compile(r"\([^()]*[^\W\d_][^()]*\)")
_WORDS = re.compile(r"[^\W\d_]+|[;|\n\r]")
_EXCEL = re.compile(r"(?<![\d.,])(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})(?!\d)")
_EXCEL_DECIMALS = re.compile(r"(?<![\d.,])(\d{9,15})[.,]0{1,2}(?!\d)")
LOST = "?"  # stands for the digits a spreadsheet dropped


def _readable(cell: str) -> str:
    """ASCII digits, no invisible character, no comment in brackets, Excel's forms undone."""
    text = "".join(
        str(unicodedata.digit(character, character))
        for character in unicodedata.normalize("NFKC", cell)
        if unicodedata.category(character) not in ("Cf", "Mn", "Me")
    )
    text = _EXCEL.sub(_all_digits, _EXCEL_DECIMALS.sub(r"\1", text))
    text = re.sub(r"\b[oO](?=[1-9]\d)", "0", text)  # the letter typed for the digit
    return _BRACKETED_WORDS.sub(" ; ", text)


def _all_digits(written: re.Match[str]) -> str:
    """6,39980012E+08 -> 639980012; 6,4E+08 is a number no more."""
    digits = written[1] + (written[2] or "")
    length = int(written[3]) + 1
    return digits if len(digits) == length else digits.ljust(A_NUMBER, LOST) + LOST


def _digits(text: str) -> str:
    """The digits of a text and what stands for lost ones, with the + of another country."""
    digits = "".join(character for character in text if character.isdigit() or character == LOST)
    return "+" + digits if re.match(r"\W*?\+", text) else digits


# Ten digits after ten digits, the prefix of France written or not.
_SEVERAL = re.compile(r"(?:(?:\+33|0033)0?[1-9]\d{8}|0[1-9]\d{8}){2,}")
_ONE_OF_SEVERAL = re.compile(r"(?:\+33|0033)0?[1-9]\d{8}|0[1-9]\d{8}")
_SEPARATORS = re.compile(r"\s*[/,:&\t\u2013\u2014]\s*|\s+-+\s+|\s{2,}|(?<=\d)\s*(?=\(?\+)")


def _numbers_of_run(run: str) -> Iterator[str]:
    """What stands between two words: one number however it is punctuated, or several."""
    if not any(character.isdigit() for character in run):
        return
    compact = re.sub(r"[^\d+]", "", run.replace("(0)", ""))
    if _SEVERAL.fullmatch(compact):
        yield from _ONE_OF_SEVERAL.findall(compact)
        return
    if _classify_piece(run).e164 is not None:
        yield run
        return
    parts = [part for part in _SEPARATORS.split(run) if any(c.isdigit() for c in part)]
    if len(parts) > 1:
        for part in parts:
            yield from _numbers_of_run(part)
        return
    words = run.split()
    whole = len(words) > 1 and all(len(_digits(word)) >= 9 for word in words)
    yield from words if whole else [run]


@lru_cache(maxsize=65_536)
def _classify_piece(raw: str) -> Phone:
    """One number, whatever stands between its digits."""
    digits = _digits(raw.replace("(0)", ""))
    if not digits.strip("+"):
        return _no(raw, "not_a_number")
    if LOST in digits:
        return _no(raw, "lost_digits")
    national = _national(digits)
    if national is None:
        return _parse(raw, digits, None)
    if problem := _national_problem(national):
        return _no(raw, problem)
    if national.startswith(FICTION):
        return _parse(raw, "+33" + national[1:], None)
    code = OVERSEAS.get(national[:4])
    if code == "508":  # six digits there: 0508 is the dialling prefix
        return _parse(raw, f"+508{national[4:]}", None)
    return _parse(raw, f"+{code}{national[1:]}" if code else national, "FR")


def _national(text: str) -> str | None:
    """The ten (or so) digits a Frenchman would dial; None if it is another country's number."""
    for prefix in ("+33", "0033", "033"):
        if text.startswith(prefix) and len(text) - len(prefix) >= 9:
            rest = text.removeprefix(prefix)
            return rest if rest.startswith("0") else "0" + rest
    if re.fullmatch(r"\+0[1-9]\d{8}|0{9,}", text):  # no country code begins with 0
        return text.removeprefix("+")
    if text.startswith(("+", "00")):
        return None
    if re.fullmatch(r"330?[1-9]\d{8}", text):
        return "0" + text[2:].removeprefix("0")
    if len(text) == 12 and OVERSEAS.get("0" + text[3:6]) == text[:3]:
        return "0" + text[3:]
    if len(text) == 9 and text[0] in "12345679":
        return "0" + text  # Excel ate the leading zero
    return text


def _national_problem(national: str) -> str:
    """Why these digits are no number, before any library is asked; "" if they may be one."""
    if len(national) == 14 and national.startswith("0700"):
        return "m2m"
    if len(national) < 10:
        return "too_short"
    if len(national) > 10:
        return "too_long"
    pair_repeated = national == national[:2] * 5  # 06 06 06 06 06
    digit_repeated = len(set(national[2:])) == 1  # 06 00 00 00 00, 06 99 99 99 99
    return "dummy" if national in FILLERS or pair_repeated or digit_repeated else ""


def _parse(raw: str, text: str, region: str | None) -> Phone:
    if text.startswith("00"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return _no(raw, "not_a_number" if len(text) > A_NUMBER else "too_short")
    code = number.country_code or 0
    if code not in ZONES:
        return Phone(
            raw, None, Kind.OTHER, None, "country_not_allowed", REASONS["country_not_allowed"]
        )
    if not phonenumbers.is_possible_number(number):
        return _no(raw, "impossible")
    return _classified(raw, number, code)


def _classified(raw: str, number: phonenumbers.PhoneNumber, code: int) -> Phone:
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    national = str(number.national_number)
    zone = ZONES[code]
    if code == 262 and national.startswith(MAYOTTE):
        zone = "Indian/Mayotte"
    allocated = _KINDS.get(phonenumbers.number_type(number))
    kind = allocated or _kind_by_prefix(code, national)
    if kind is None:
        if phonenumbers.is_valid_number(number):
            return Phone(raw, e164, Kind.OTHER, zone, "special", REASONS["special"])
        return _no(raw, "impossible")
    if kind is Kind.MOBILE:
        told = "ok" if allocated else "unallocated"
        return Phone(raw, e164, kind, zone, told, REASONS.get(told, ""))
    told = {Kind.LANDLINE: "fixed", Kind.VOIP: "voip"}.get(kind, "special")
    return Phone(raw, e164, kind, zone, told, REASONS[told])


def _kind_by_prefix(code: int, national: str) -> Kind | None:
    """What the French numbering plan says of a range no operator has been given yet."""
    if code in PACIFIC_MOBILES:
        return Kind.MOBILE if national[0] in PACIFIC_MOBILES[code] else Kind.LANDLINE
    if code not in NINE_DIGITS | {METROPOLE}:
        return None
    if national[0] in "67":
        return Kind.MOBILE
    if national[0] == "9":
        return Kind.VOIP
    return Kind.LANDLINE if national[0] in "12345" else Kind.OTHER


def _no(raw: str, code: str) -> Phone:
    return Phone(raw, None, Kind.INVALID, None, code, REASONS[code])
