"""The words of the staff's pages: gettext catalogues, and dates, numbers and plurals by Babel.

The source language is French: a msgid is the sentence itself (ADR 0013). One catalogue a subject,
`templates/locale/<language>/<subject>.po`; all are merged at the first use.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent
from babel.support import Translations

from reminders.domain.marking import N_ as N_  # pages' tables take it from here too
from reminders.domain.marking import Filled

LANGUAGES: Mapping[str, str] = {"fr": "Français", "en": "English"}
DEFAULT = "fr"
SPACE = "\u00a0"
STRAIGHT = re.compile(r"(?<=\w)'(?=\w)")
GLUED = re.compile(r"(?<=«) | (?=[:;?!»])| (?=%%?(?![\w(}%]))|(?<=\d) (?=(?:h|min|€)\b|€)")


@cache
def translations(language: str) -> Translations:
    """All catalogues of a language as one. A sentence without translation stays French."""
    merged = Translations()
    folder = files("templates") / "locale" / language
    for child in sorted(folder.iterdir(), key=lambda one: one.name):
        if not child.name.endswith(".po"):
            continue
        compiled = BytesIO()
        write_mo(compiled, read_po(BytesIO(child.read_bytes()), locale=language))
        compiled.seek(0)
        merged.add(Translations(fp=compiled))
    return merged


@lru_cache(maxsize=8_192)
def spaced(sentence: str) -> str:
    """French as one sets it: no line begins with a colon or a per cent, none ends with a «.

    Here alone, for every page; a message to a patient never passes here, and an SMS must not: the
    space that does not break is outside its alphabet, and costs a second message.
    """
    return STRAIGHT.sub("’", GLUED.sub(SPACE, sentence))


class Words:
    """One reader's language and the zone the hospital's clocks show."""

    def __init__(self, language: str, zone: ZoneInfo, now: datetime) -> None:
        self.language = language if language in LANGUAGES else DEFAULT
        self.zone = zone
        self.now = now.astimezone(zone)
        self._locale = Locale(self.language)
        self._catalogue = translations(self.language)
        self.colon = self._set(" :") if self.language == "fr" else ":"
        self.semicolon = self._set(" ;") if self.language == "fr" else ";"

    def gettext(self, sentence: str, /, **values: object) -> str:
        if isinstance(sentence, Filled):
            values = {name: self._value(one) for name, one in sentence.values.items()}
            sentence = sentence.form
        found = self._set(self._catalogue.gettext(sentence)) if sentence else ""
        return found % values if values else found

    def _value(self, value: object) -> object:
        return self.gettext(value) if isinstance(value, Filled) else value

    def ngettext(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The form for this number; `%(num)s` is the number as one writes it."""
        # French says 0 as 1, unless the form for one is about one alone: « la veille ».
        as_one = (
            self.language == "fr" and not number and ("%(num)s" in one or "%(num)s" not in many)
        )
        found = self._set(self._catalogue.ngettext(one, many, 1 if as_one else number))
        return found % {"num": self.number(number), **values}

    def _set(self, sentence: str) -> str:
        return spaced(sentence) if self.language == "fr" else sentence

    # --- moments: instants are shown in the hospital's zone, dates as they are ------------------

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self.zone)

    def day(self, at: datetime | date) -> str:
        """mardi 14 octobre; with the year when it is another."""
        day = self._day(at)
        pattern = {"fr": "EEEE d MMMM", "en": "EEEE d MMMM"}[self.language]
        return self._first(
            format_date(day, pattern + self._year(day), locale=self._locale), day, "MMMM"
        )

    def short_day(self, at: datetime | date) -> str:
        """mar. 14 oct."""
        day = self._day(at)
        return self._first(
            format_date(day, "EEE d MMM" + self._year(day), locale=self._locale), day, "MMM"
        )

    def short_date(self, at: datetime | date) -> str:
        """14/10/2026"""
        return format_date(self._day(at), "dd/MM/yyyy", locale=self._locale)

    def hour(self, at: datetime) -> str:
        """9 h 30, with spaces that do not break."""
        local = self.local(at)
        if self.language == "en":
            return f"{local.hour}:{local.minute:02d}"
        return f"{local.hour}{SPACE}h{SPACE}{local.minute:02d}"

    def moment(self, at: datetime) -> str:
        """9 h 30 today, else mar. 14 oct. à 9 h 30."""
        if self._day(at) == self.now.date():
            return self.hour(at)
        return self.gettext("%(day)s à %(hour)s", day=self.short_day(at), hour=self.hour(at))

    def full_moment(self, at: datetime) -> str:
        """mardi 14 octobre à 9 h 30"""
        return self.gettext("%(day)s à %(hour)s", day=self.day(at), hour=self.hour(at))

    def dated(self, at: datetime) -> str:
        """14/10/2026 à 9 h 30: on paper, where today and this year will be others."""
        return self.gettext("%(day)s à %(hour)s", day=self.short_date(at), hour=self.hour(at))

    def ago(self, at: datetime) -> str:
        """il y a 4 minutes, dans 2 heures: against now."""
        if abs(self.local(at) - self.now) < timedelta(seconds=1):
            return self.gettext("à l’instant")
        return format_timedelta(
            self.local(at) - self.now, add_direction=True, locale=self._locale, threshold=1.2
        )

    def lasting(self, seconds: float) -> str:
        """22 min, 3 h, 2 jours: the nearest unit."""
        unit = "short" if seconds < 1.2 * 86_400 else "long"
        return format_timedelta(seconds, format=unit, locale=self._locale, threshold=1.2)  # type: ignore[arg-type]

    def stamp(self, at: datetime) -> str:
        """For a `datetime` attribute: ISO 8601 with its offset."""
        return self.local(at).isoformat(timespec="minutes")

    def _day(self, at: datetime | date) -> date:
        return self.local(at).date() if isinstance(at, datetime) else at

    def _year(self, day: date) -> str:
        return "" if day.year == self.now.year else " yyyy"

    def _first(self, text: str, day: date, month: str) -> str:
        """French says the first, not the one, of a month."""
        if self.language != "fr" or day.day != 1:
            return text
        name = format_date(day, month, locale=self._locale)
        return text.replace(f"1 {name}", f"1er {name}")

    # --- numbers ------------------------------------------------------------------------------

    def number(self, value: float, decimals: int = 0) -> str:
        """1 250,5, and −3 with a minus sign: a hyphen breaks at the end of a line."""
        return _minus(format_decimal(value, format=_digits(decimals), locale=self._locale))

    def percent(self, share: float, decimals: int = 1) -> str:
        """A share in [0, 1]: 12,5 %; in English 12.5%."""
        sign = "%" if self.language == "en" else "\u00a0%"
        return _minus(format_percent(share, format=_digits(decimals) + sign, locale=self._locale))

    def euros(self, amount: float, decimals: int = 2) -> str:
        """52,50 €; in English €52.50."""
        digits = _digits(decimals)
        pattern = f"¤{digits}" if self.language == "en" else f"{digits}\u00a0¤"
        return _minus(
            format_currency(
                amount, "EUR", format=pattern, locale=self._locale, currency_digits=False
            )
        )

    @staticmethod
    def phone(e164: str) -> str:
        """06 39 98 00 00 for a French number, +32 … as it is for another."""
        if e164.startswith("+33") and len(e164) == 12:
            national = "0" + e164[3:]
            return SPACE.join(national[n : n + 2] for n in range(0, 10, 2))
        return e164


def _digits(decimals: int) -> str:
    """Babel's pattern of a number, its thousands apart."""
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")


def month_of(at: datetime, words: Words) -> str:
    return format_datetime(words.local(at), "MMMM yyyy", locale=Locale(words.language))
