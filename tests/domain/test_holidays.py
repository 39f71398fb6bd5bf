"""French public holidays, compared with the `holidays` package from 2000 to 2040."""

from datetime import date
from typing import get_args

import pytest
from holidays.countries.france import France

from reminders.config.tables import REGION_OF_ZONE, Region
from reminders.domain.holidays import REGIONS, easter, is_holiday, name_of

YEARS = range(2000, 2041)
SUBDIVISIONS = {
    "metropole": None,
    "alsace-moselle": "6AE",
    "guadeloupe": "971",
    "martinique": "972",
    "guyane": "973",
    "reunion": "974",
    "mayotte": "976",
    "saint-pierre-et-miquelon": "PM",
    "saint-martin": "MF",
    "saint-barthelemy": "BL",
    "nouvelle-caledonie": "NC",
    "polynesie": "PF",
    "wallis-et-futuna": "WF",
}
# Where the table and the oracle differ on purpose: (region, our name or theirs, years).
NOT_HERE = {
    ("guadeloupe", "Mi-Carême"): YEARS,  # a custom, no text
    ("polynesie", "Fête de l'autonomie"): range(2000, 2025),  # before it moved; we plan ahead
}
HERE_TOO = {
    ("martinique", "Vendredi saint"): YEARS,
    ("saint-martin", "Abolition de l'esclavage"): YEARS,  # 27 or 28 May: both are kept free
    ("saint-martin", "Fête Victor Schœlcher"): range(2000, 2012),
    ("saint-barthelemy", "Abolition de l'esclavage"): range(2000, 2012),
    ("polynesie", "Matari'i"): range(2000, 2025),
    **{(region, "Lundi de Pentecôte"): range(2005, 2008) for region in SUBDIVISIONS},
}


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1).toordinal()
    return [date.fromordinal(first + n) for n in range(date(year, 12, 31).toordinal() - first + 1)]


@pytest.mark.parametrize("region", sorted(SUBDIVISIONS))
def test_every_day_of_forty_years_is_what_the_oracle_says(region: str) -> None:
    oracle = France(  # type: ignore[no-untyped-call]
        subdiv=SUBDIVISIONS[region], years=YEARS, language="fr"
    )
    for year in YEARS:
        for day in days_of(year):
            ours, theirs = name_of(day, region), oracle.get(day)
            if ours is None and theirs is not None:
                assert year in NOT_HERE.get((region, theirs), ()), (day, theirs)
            if ours is not None and theirs is None:
                assert year in HERE_TOO.get((region, ours), ()), (day, ours)
            assert is_holiday(day, region) == (ours is not None)


def test_every_region_is_compared() -> None:
    assert set(SUBDIVISIONS) == REGIONS


def test_the_configuration_offers_exactly_these_regions() -> None:
    assert set(get_args(Region)) == REGIONS
    assert set(REGION_OF_ZONE.values()) < REGIONS


@pytest.mark.parametrize(
    ("region", "day"),
    [
        ("alsace-moselle", date(2026, 4, 3)),  # Good Friday
        ("alsace-moselle", date(2026, 12, 26)),
        ("reunion", date(2026, 12, 20)),
        ("mayotte", date(2026, 4, 27)),
        ("martinique", date(2026, 5, 22)),
        ("guadeloupe", date(2026, 5, 27)),
        ("guyane", date(2026, 6, 10)),
        ("saint-barthelemy", date(2026, 10, 9)),
        ("nouvelle-caledonie", date(2026, 9, 24)),
    ],
)
def test_a_local_holiday_is_one_there_and_not_elsewhere(region: str, day: date) -> None:
    assert is_holiday(day, region)
    assert not is_holiday(day, "metropole")


def test_eleven_days_are_free_everywhere() -> None:
    for region in REGIONS:
        assert sum(is_holiday(day, region) for day in days_of(2026)) >= 11
    assert sum(is_holiday(day, "metropole") for day in days_of(2026)) == 11


def test_easter_moves_as_it_should() -> None:
    # 2008: 1 May and Ascension fall on the same day; 2000 and 2038 are the extremes near 25 April
    assert [easter(year) for year in (2000, 2008, 2026, 2038)] == [
        date(2000, 4, 23),
        date(2008, 3, 23),
        date(2026, 4, 5),
        date(2038, 4, 25),
    ]
    assert sum(is_holiday(day, "metropole") for day in days_of(2008)) == 10
