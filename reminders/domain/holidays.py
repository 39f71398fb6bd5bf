"""French public holidays by region, of any year.

The eleven national days: Code du travail L3133-1. Alsace-Moselle: L3134-13 (Good Friday,
26 December). Abolition of slavery overseas: loi 83-550 and décret 83-1003 as amended
(Guadeloupe 27 May, Martinique 22 May, Guyane 10 June, La Réunion 20 December, Mayotte 27 April,
Saint-Barthélemy 9 October; for Saint-Martin sources give 27 or 28 May, so both are kept free).
New Caledonia, Polynesia, Wallis-et-Futuna: their own labour codes, as of 2025.

A day too many moves a reminder by a day; a day too few disturbs people on a holiday. Customary
days that no text makes a holiday (Mi-Carême) are not here. `holidays` is the tests' oracle.
"""

from datetime import date, timedelta
from functools import lru_cache

NATIONAL = {
    (1, 1): "Jour de l'an",
    (5, 1): "Fête du travail",
    (5, 8): "Victoire de 1945",
    (7, 14): "Fête nationale",
    (8, 15): "Assomption",
    (11, 1): "Toussaint",
    (11, 11): "Armistice de 1918",
    (12, 25): "Noël",
}
ABOLITION = "Abolition de l'esclavage"
LOCAL: dict[str, dict[tuple[int, int], str]] = {
    "metropole": {},
    "alsace-moselle": {(12, 26): "Saint-Étienne"},
    "guadeloupe": {(5, 27): ABOLITION, (7, 21): "Fête Victor Schœlcher"},
    "martinique": {(5, 22): ABOLITION, (7, 21): "Fête Victor Schœlcher"},
    "guyane": {(6, 10): ABOLITION},
    "reunion": {(12, 20): ABOLITION},
    "mayotte": {(4, 27): ABOLITION},
    "saint-pierre-et-miquelon": {},
    "saint-martin": {
        (5, 27): ABOLITION, (5, 28): ABOLITION, (7, 21): "Fête Victor Schœlcher",
    },
    "saint-barthelemy": {(10, 9): ABOLITION},
    "nouvelle-caledonie": {(9, 24): "Fête de la citoyenneté"},
    "polynesie": {(3, 5): "Arrivée de l'Évangile", (11, 20): "Matari'i"},
    "wallis-et-futuna": {
        (4, 28): "Saint-Pierre Chanel", (6, 29): "Saints Pierre et Paul",
        (7, 29): "Fête du territoire",
    },
}  # fmt: skip
REGIONS = frozenset(LOCAL)
GOOD_FRIDAY = frozenset({"alsace-moselle", "guadeloupe", "martinique", "polynesie"})


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * el) // 451
    month, day = divmod(h + el - 7 * m + 114, 31)
    return date(year, month, day + 1)


@lru_cache(maxsize=2_048)
def _year(year: int, region: str) -> dict[date, str]:
    if region not in LOCAL:
        raise ValueError(f"unknown region: {region}")
    fixed = NATIONAL | LOCAL[region]
    days = {date(year, month, day): name for (month, day), name in fixed.items()}
    sunday = easter(year)
    days[sunday + timedelta(days=1)] = "Lundi de Pâques"
    days[sunday + timedelta(days=39)] = "Ascension"
    days[sunday + timedelta(days=50)] = "Lundi de Pentecôte"
    if region in GOOD_FRIDAY:
        days[sunday - timedelta(days=2)] = "Vendredi saint"
    return days


def is_holiday(day: date, region: str) -> bool:
    """Raises ValueError for a region this table does not know."""
    return day in _year(day.year, region)


def name_of(day: date, region: str) -> str | None:
    return _year(day.year, region).get(day)
