"""The values of a French CSV export: dates, hours, durations, booleans, words.

Parsers are memoised: an export repeats the same few thousand values. Never month-first. What
cannot be read raises ValueError with a French sentence that quotes nothing of the cell.
"""

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from functools import lru_cache

EXCEL_EPOCH = date(1899, 12, 30)  # day 0 of Excel's 1900 system, its leap-year bug included
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv jan", "fevrier fevr fev", "mars", "avril avr", "mai", "juin",
            "juillet juil", "aout", "septembre sept sep", "octobre oct", "novembre nov",
            "decembre dec",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS = "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lun|mar|mer|jeu|ven|sam|dim"
FIRST_YEAR, LAST_YEAR = 1880, 2100

TRUE = frozenset({"o", "oui", "1", "x", "vrai", "true", "y", "yes", "accord", "accepte", "v"})
FALSE = frozenset({"n", "non", "0", "faux", "false", "no", "aucun", "aucune", "sans", "f"})


@lru_cache(maxsize=8_192)
def plain(text: str) -> str:
    """Lower case, no accents, one blank between words, straight apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    bare = "".join(one for one in decomposed if not unicodedata.combining(one))
    return " ".join(bare.casefold().split()).strip(" .")


@lru_cache(maxsize=1_024)
def boolean(word: str) -> bool | None:
    """None for an empty or unknown word."""
    known = plain(word)
    return True if known in TRUE else False if known in FALSE else None


# --- dates -----------------------------------------------------------------------------------

_NUMERIC = (
    (re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)"), (1, 3, 4)),
    (re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?!\d)"), (4, 3, 1)),
    (re.compile(r"((?:18|19|20)\d{2})(\d{2})(\d{2})(?!\d\d?$)"), (1, 2, 3)),
)
_WORDS = re.compile(r"(\d{1,2})(?:er)?[ -]+([a-z]+)\.?[ -]+(\d{4}|\d{2}(?!\d))")
_WEEKDAY = re.compile(rf"(?:le +)?(?:{WEEKDAYS})\.?,? +(?=\d)", re.IGNORECASE)
_SERIAL = re.compile(r"(\d{4,5})(?:[.,](\d{1,15}))?")
_OFFSET = re.compile(r"(Z|[+-]\d{2}:?\d{2})$")


@lru_cache(maxsize=65_536)
def date_and_rest(text: str) -> tuple[date, str]:
    """The date a cell begins with, and what follows it (an hour, or nothing).

    `14/10/2026`, `14/10/26`, `2026-10-14`, `20261014`, `14-10-2026`, `mercredi 14 octobre 2026`,
    Excel's 46309 or 46309,395. Two digits are a year of this century: `birth_date` differs.
    """
    known = text.strip()
    if serial := _SERIAL.fullmatch(known):
        return _from_excel(int(serial[1]), serial[2] or "")
    for pattern, (year, month, day) in _NUMERIC:
        if match := pattern.match(known):
            found = _day(int(match[year]), int(match[month]), int(match[day]), match[year])
            return found, known[match.end() :]
    if match := _WEEKDAY.match(known):
        return date_and_rest(known[match.end() :])
    spelled = plain(known)
    if (match := _WORDS.match(spelled)) and match[2] in MONTHS:
        found = _day(int(match[3]), MONTHS[match[2]], int(match[1]), match[3])
        return found, spelled[match.end() :]
    raise ValueError("date illisible : écrire 14/10/2026")


class MonthFirst(ValueError):
    """A date that only exists if its month comes first, as in the United States."""


def _day(year: int, month: int, day: int, written: str) -> date:
    if len(written) == 2:
        year += 2000
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError("année impossible : à corriger dans le DPI")
    try:
        return date(year, month, day)
    except ValueError:
        kind = MonthFirst if 12 < month <= 31 and 1 <= day <= 12 else ValueError
        raise kind("date qui n'existe pas, lue jour/mois/année : à corriger dans le DPI") from None


def _from_excel(serial: int, fraction: str) -> tuple[date, str]:
    moment = datetime.combine(EXCEL_EPOCH, time()) + timedelta(days=serial)
    if fraction:  # Excel keeps 15 digits: a minute is safe, a second is not
        moment += timedelta(minutes=round(float(f"0.{fraction}") * 24 * 60))
    if moment.year < FIRST_YEAR or moment.year > LAST_YEAR:
        raise ValueError("année impossible : à corriger dans le DPI")
    return moment.date(), f" {moment:%H:%M}" if fraction else ""


def offset_of(text: str) -> tuple[str, timedelta | None]:
    """What stands before an offset (`Z`, `+02:00`), and the offset; None if there is none.

    Raises ValueError for one no place on Earth has.
    """
    match = _OFFSET.search(text)
    if match is None:
        return text, None
    if match[1] == "Z":
        return text[: match.start()], timedelta(0)
    sign = -1 if match[1][0] == "-" else 1
    digits = match[1][1:].replace(":", "")
    if int(digits[:2]) > 14 or int(digits[2:]) > 59:
        raise ValueError("décalage horaire impossible : à corriger dans l'export")
    return text[: match.start()], sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


@lru_cache(maxsize=65_536)
def birth_date(text: str, this_year: int) -> date | None:
    """None: empty, or only partly known (`00/00/1979`, `1979`, `03/1979`). Raises ValueError.

    Two digits: this century unless that is still to come, since a hundred years is rarer than a
    birth in the last twenty-five.
    """
    known = text.strip()
    if not known or re.fullmatch(
        r"(?:0{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}[-/.]0{1,2}[-/.]\d{2,4}"
        r"|\d{4}[-/.]\d{1,2}[-/.]0{1,2}|\d{4}[-/.]0{1,2}[-/.]\d{1,2}"
        r"|\d{4}0000|\d{6}00|(?:0?\d|1[0-2])[-/.]\d{4}|(?:18|19|20)\d{2})",
        known,
    ):
        return None
    found, rest = date_and_rest(known)
    hour_of(rest.strip(BETWEEN))  # a midnight may follow, nothing else
    if found.year > this_year and re.search(r"(?<!\d)\d{1,2}([-/. ])\d{1,2}\1\d{2}(?!\d)", known):
        found = _day(found.year - 100, found.month, found.day, "1900")
    if found.year > this_year:
        raise ValueError("date de naissance à venir")
    return found


# --- hours -----------------------------------------------------------------------------------

_HOURS = (
    re.compile(
        r"(\d{1,2})\s*(?:h|:|\.)\s*(\d{2})\s*(?:(?:m|mn|min|:|\.)?\s*(?:\d{2})(?:[.,]\d+)?\s*s?"
        r"|m|mn|min)?",
        re.IGNORECASE,
    ),
    re.compile(r"(\d{1,2})\s*(?:h|heures?)\s*(\d{2})?", re.IGNORECASE),
    re.compile(r"(\d{2})(\d{2})(?:\d{2})?"),
    re.compile(r"(\d{1,2})"),
)  # fmt: skip
# What Access and Excel write before a bare hour: the first day of their calendars.
_NO_DATE = re.compile(r"(?:30/12/1899|0?1/0?1/1900|0?0/0?1/1900|1899-12-30|1900-01-0[01])[T ]+")
BETWEEN = " \t,;-–Tàa"  # what may stand between a date and its hour


@lru_cache(maxsize=65_536)
def hour_of(text: str) -> time | None:
    """`9h30`, `09:30`, `0930`, `930`, `9 h 30`, `9h`, `09:30:00`, Excel's 0,395833. None: empty."""
    known = _NO_DATE.sub("", text.strip()).strip()
    if not known:
        return None
    if fraction := re.fullmatch(r"0?[.,](\d{1,17})", known):
        minutes = round(float(f"0.{fraction[1]}") * 24 * 60)
        return time(minutes // 60 % 24, minutes % 60)
    if known.isdecimal() and len(known) in (3, 5):
        known = "0" + known  # Excel ate the leading zero
    for pattern in _HOURS:
        if match := pattern.fullmatch(known):
            hour, minute = int(match[1]), int(match[2] or 0) if pattern.groups > 1 else 0
            if hour < 24 and minute < 60:
                return time(hour, minute)
    raise ValueError("heure illisible : écrire 9h30 ou 09:30")


@lru_cache(maxsize=1_024)
def minutes_of(text: str) -> int | None:
    """`20`, `20,0`, `20 min`, `0h20`, `1h`, `00:20`. None: empty or unreadable, never an error:
    a duration decides nothing."""
    known = plain(text)
    if match := re.fullmatch(r"(\d{1,4})(?:[.,]\d+)?\s*(?:min(?:utes?)?|mn|m|')?", known):
        return int(match[1]) or None
    if match := re.fullmatch(r"(\d{1,2})\s*[h:]\s*(\d{2})?(?::\d{2})?(?:\s*(?:min|mn))?", known):
        return int(match[1]) * 60 + int(match[2] or 0) or None
    return None


# --- numbers ---------------------------------------------------------------------------------

_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)


def identifier(text: str, width: int = 0) -> str:
    """A number of the hospital as it writes it. Raises ValueError for what Excel rounded.

    `width`: what Excel ate of the leading zeros is given back to a number made of digits.
    """
    known = text.strip()
    if not known.isalnum():
        if _SCIENTIFIC.fullmatch(known):
            raise ValueError("nombre arrondi par Excel : exporter la colonne en texte")
        known = re.sub(r"^(\d+)[.,]0+$", r"\1", known.strip("\"'= \t"))
    return known.zfill(width) if width and known.isdecimal() else known
