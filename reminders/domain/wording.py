"""Dates, hours and lists as patients read them, in French and English.

`plain` spells without the letters that would turn an SMS into Unicode (août -> aout).
"""

from collections.abc import Sequence
from datetime import date, datetime, time

DAYS = {
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
SHORT_DAYS = {
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
MONTHS = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
        "octobre", "novembre", "décembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
}  # fmt: skip
AND = {"fr": "et", "en": "and"}


def spoken(language: str) -> str:
    """The language texts exist in: `fr` for whatever is neither."""
    short = language[:2].lower()
    return short if short in DAYS else "fr"


def day_and_month(day: date) -> str:
    """14/10, day first in both languages: no French desk reads it the other way."""
    return f"{day:%d/%m}"


def short_date(day: date, language: str) -> str:
    """mer. 14/10"""
    return f"{SHORT_DAYS[spoken(language)][day.weekday()]} {day:%d/%m}"


def long_date(day: date, language: str, *, plain: bool = False) -> str:
    """mercredi 14 octobre; le premier du mois is 1er."""
    words = spoken(language)
    number = "1er" if words == "fr" and day.day == 1 else str(day.day)
    text = f"{DAYS[words][day.weekday()]} {number} {MONTHS[words][day.month - 1]}"
    return text.replace("û", "u") if plain else text


def hour(at: time | datetime, language: str) -> str:
    """9h30, 14h in French; 9:30, 14:00 in English."""
    if spoken(language) == "fr":
        return f"{at.hour}h{at.minute:02d}" if at.minute else f"{at.hour}h"
    return f"{at.hour}:{at.minute:02d}"


def joined(words: Sequence[str], language: str) -> str:
    """9h30, 11h et 14h"""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {AND[spoken(language)]} {words[-1]}"


def grouped_phone(number: str) -> str:
    """+33199001234 and 0199001234 -> 01 99 00 12 34; anything else as it is."""
    digits = number.replace(" ", "").replace(".", "")
    if digits.startswith("+33"):
        digits = "0" + digits[3:]
    if len(digits) == 10 and digits.isascii() and digits.isdigit():
        return " ".join(digits[place : place + 2] for place in range(0, 10, 2))
    return number
