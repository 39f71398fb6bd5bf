"""Dates, hours and lists as patients read them: French, English, Arabic, easy French (FALC).

`plain` spells without the letters that would turn an SMS into Unicode (août -> aout). Arabic
keeps Latin digits, and writes a telephone without blanks: between blanks a reader from right to
left would see its groups in the other order.
"""

from collections.abc import Sequence
from datetime import date, datetime, time

DAYS = {
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "ar": ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"),
}
SHORT_DAYS = {
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "ar": DAYS["ar"],
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
    "ar": (
        "يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر",
        "أكتوبر", "نوفمبر", "ديسمبر",
    ),
}  # fmt: skip
AND = {"fr": " et ", "en": " and ", "ar": " و"}
COMMA = {"ar": "، "}
EASY = "falc"  # French too: days and months in full, hours in words


def spoken(language: str) -> str:
    """The language texts exist in: `fr` for any other. `ar-MA` and `ARA` are `ar`."""
    code = language.strip().lower()
    short = code[:2]
    return EASY if code == EASY else short if short in DAYS else "fr"


def _words(language: str) -> str:
    """Whose days, months and conjunctions a language uses."""
    found = spoken(language)
    return "fr" if found == EASY else found


def day_and_month(day: date) -> str:
    """14/10, day first in every language: no French desk reads it the other way."""
    return f"{day:%d/%m}"


def short_date(day: date, language: str) -> str:
    """mer. 14/10; in easy French the whole date."""
    if spoken(language) == EASY:
        return long_date(day, language)
    return f"{SHORT_DAYS[_words(language)][day.weekday()]} {day:%d/%m}"


def long_date(day: date, language: str, *, plain: bool = False) -> str:
    """mercredi 14 octobre; le premier du mois is 1er."""
    words = _words(language)
    number = "1er" if words == "fr" and day.day == 1 else str(day.day)
    text = f"{DAYS[words][day.weekday()]} {number} {MONTHS[words][day.month - 1]}"
    return text.replace("û", "u") if plain else text


def hour(at: time | datetime, language: str) -> str:
    """9h30, 14h in French; 9:30, 14:00 in English and Arabic; 9 heures 30 in easy French."""
    words = spoken(language)
    if words == EASY:
        name = "heure" if at.hour < 2 else "heures"
        return f"{at.hour} {name} {at.minute:02d}" if at.minute else f"{at.hour} {name}"
    if words == "fr":
        return f"{at.hour}h{at.minute:02d}" if at.minute else f"{at.hour}h"
    return f"{at.hour}:{at.minute:02d}"


def lasting(minutes: int, language: str) -> str:
    """30 min, 1h30; in easy French 30 minutes, 1 heure 30; in Arabic 30 دقيقة, 10 دقائق."""
    words, (hours, rest) = spoken(language), divmod(minutes, 60)
    if words == "ar":
        return f"{minutes} {'دقائق' if 3 <= minutes % 100 <= 10 else 'دقيقة'}"
    if words == EASY:
        name = "heure" if hours < 2 else "heures"
        few = "minute" if rest == 1 else "minutes"
        return f"{hours} {name} {rest:02d}".removesuffix(" 00") if hours else f"{rest} {few}"
    return f"{hours}h{rest:02d}".removesuffix("00") if hours else f"{rest} min"


def joined(words: Sequence[str], language: str) -> str:
    """9h30, 11h et 14h"""
    if len(words) < 2:
        return "".join(words)
    spelt = _words(language)
    return AND[spelt].join((COMMA.get(spelt, ", ").join(words[:-1]), words[-1]))


def written_phone(number: str, language: str) -> str:
    """The desk's telephone as this language's readers see it in the right order."""
    grouped = grouped_phone(number)
    return grouped.replace(" ", "") if spoken(language) == "ar" else grouped


def grouped_phone(number: str) -> str:
    """+33199001234 and 0199001234 -> 01 99 00 12 34; anything else as it is."""
    digits = number.replace(" ", "").replace(".", "")
    if digits.startswith("+33"):
        digits = "0" + digits[3:]
    if len(digits) == 10 and digits.isascii() and digits.isdigit():
        return " ".join(digits[place : place + 2] for place in range(0, 10, 2))
    return number
