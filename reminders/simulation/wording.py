"""Dates and names as the demo shows them, in French."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

DAYS = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
LONG_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
SHORT_MONTHS = (
    *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
    *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
)
MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
NARROW = "\u202f"  # holds the thousands of a number together


def hour(moment: datetime, zone: ZoneInfo) -> str:
    """« 9 h 30 »."""
    local = moment.astimezone(zone)
    return f"{local.hour} h {local.minute:02}".replace(" ", "\u00a0")


def short_day(moment: datetime, zone: ZoneInfo) -> str:
    """« mar. 14 oct. »."""
    local = moment.astimezone(zone)
    first = "1er" if local.day == 1 else str(local.day)
    return f"{DAYS[local.weekday()]} {first} {SHORT_MONTHS[local.month - 1]}"


def day_and_hour(moment: datetime, zone: ZoneInfo) -> str:
    return f"{short_day(moment, zone)} à {hour(moment, zone)}"


def long_day(moment: datetime, zone: ZoneInfo) -> str:
    """« mardi 14 octobre »."""
    local = moment.astimezone(zone)
    first = "1er" if local.day == 1 else str(local.day)
    return f"{LONG_DAYS[local.weekday()]} {first} {MONTHS[local.month - 1]}"


def number(value: int) -> str:
    """« 1 234 »."""
    return f"{value:,}".replace(",", NARROW)


def phone(e164: str) -> str:
    """« 06 39 98 12 34 » for a French number; another is left as it is."""
    if not re.fullmatch(r"\+33\d{9}", e164):
        return e164
    digits = "0" + e164[3:]
    return "\u00a0".join(digits[place : place + 2] for place in range(0, 10, 2))


def names_day(text: str, day: date) -> bool:
    """Does a text name this civil day, in figures or in words, in French or in English?"""
    months = "|".join(
        re.escape(names[day.month - 1]) for names in (MONTHS, SHORT_MONTHS, ENGLISH_MONTHS)
    )
    first = rf"(?<!\d)0?{day.day}(?:er|st|nd|rd|th)?"
    forms = (
        rf"(?<!\d)0?{day.day}/0?{day.month}(?!\d)",
        rf"{first}\s(?:{months})",
        rf"(?:{months})\s0?{day.day}(?!\d)",
        rf"(?<!\d){day:%Y-%m-%d}(?!\d)",
    )
    return any(re.search(form, text, re.IGNORECASE) for form in forms)
