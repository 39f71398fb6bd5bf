"""Every remark on a text: as it is written, at its longest, and where something is missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import combinations

from reminders.domain.lint import (
    Finding,
    lint_cases,
    lint_languages,
    lint_longest,
    lint_same,
    lint_text,
)
from reminders.domain.preparation import Preparation, in_language
from reminders.domain.sms import measure
from reminders.domain.template import TOGETHER, optional_used
from reminders.domain.template_key import TemplateKey, TemplateText
from reminders.domain.template_mail import text_of
from reminders.domain.wording import long_date
from reminders.rendering import Renderer
from reminders.services.rules import Desk, Rules
from reminders.services.template_preview import (
    INVENTED_DESK,
    INVENTED_SHEET,
    linked,
    rendered,
    values_of,
    version_of,
)

MOST_CASES = 7  # variables that may miss, all combinations of them; beyond, the telling ones


@dataclass(frozen=True, slots=True)
class Review:
    """Every remark on a text, and its longest case if it can be composed."""

    findings: tuple[Finding, ...]
    longest: str = ""

    @property
    def refused(self) -> list[Finding]:
        return [one for one in self.findings if one.level == "refused"]

    @property
    def warned(self) -> list[Finding]:
        return [one for one in self.findings if one.level == "warned"]


def review(
    rules: Rules,
    key: TemplateKey,
    text: TemplateText,
    missing: Sequence[str] = (),
) -> Review:
    """Every remark on a text: as it is written and, if it can be composed, as it is read.

    `missing`: languages of this message's patients that have no text in service.
    """
    found = lint_text(key, text)
    if any(one.level == "refused" for one in found):
        return Review((*found, *lint_languages(missing)))
    renderer, version = Renderer(), version_of(key, text)
    values = longest_values(rules, key)
    whole = rendered(renderer, version, "", None, values)
    without = {
        name: one.text
        for name in sorted(optional_used(text.body, key.channel))
        if (one := rendered(renderer, version, "", None, _but(values, {name}))).text
    }
    texts = [rendered(renderer, version, "", None, one).text for one in _cases(key, text, values)]
    longest = max(texts, key=lambda one: (measure(one).segments, measure(one).units))
    if key.channel == "sms":
        found += lint_longest(longest)
    elif text.html:
        found += lint_same(whole.text, text_of(whole.html))
    found += lint_cases(whole.text, without)
    return Review((*found, *lint_languages(missing)), longest)


def longest_values(rules: Rules, key: TemplateKey) -> dict[str, str]:
    """The longest value each variable may have in this hospital, all of them there."""
    desks = [one for one in rules.desks.values() if one.sensitivity != "excluded"]
    desks = desks or [INVENTED_DESK]
    desk = Desk(
        "",
        max((one.establishment for one in desks), key=len),
        max((one.short_name for one in desks), key=len),
        max((one.phone for one in desks), key=len),
        desks[0].zone,
        "",
        max((one.address for one in desks), key=len),
        "normal",
    )
    day = _longest_day(key.language)
    starts = [
        datetime(day.year, day.month, day.day, hour, minute, tzinfo=desk.zone).astimezone(UTC)
        for hour, minute in ((10, 45), (14, 15))
    ]
    values = values_of(
        key,
        desk,
        starts,
        _longest_sheet(rules, key.language),
        first_name="Marie-Antoinette",
        relation="parent",
    )
    return linked(rules, key, values)


def _longest_sheet(rules: Rules, language: str) -> Preparation:
    """The longest of each field as a text of this language says it, « in French » and all."""
    book = rules.book
    known = [*book.preparations_by_service.values(), *book.preparations_by_type.values()]
    known = known or [INVENTED_SHEET, replace(INVENTED_SHEET, translations=())]
    told = [in_language(one, language) for one in known]
    sheets = [one for one in told if one is not None]

    def longest(values: Iterator[str]) -> str:
        return max(values, key=len, default="")

    return Preparation(
        "longest",
        instructions=longest(one.instructions or one.sms for one in sheets),
        sms=longest(one.sms for one in sheets),
        documents=max((one.documents for one in sheets), key=lambda papers: len(" ".join(papers))),
        arrival_point=longest(one.arrival_point for one in sheets),
        building=longest(one.building for one in sheets),
        floor=longest(one.floor for one in sheets),
        door=longest(one.door for one in sheets),
        address=longest(one.address for one in sheets),
        map_url=longest(one.map_url for one in sheets),
        preadmission_url=longest(one.preadmission_url for one in sheets),
        arrive_minutes_before=max(one.arrive_minutes_before for one in sheets),
    )


@lru_cache(maxsize=16)
def _longest_day(language: str) -> date:
    days = (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    return max(days, key=lambda day: (len(long_date(day, language)), day))


def _but(values: Mapping[str, str], names: set[str]) -> dict[str, str]:
    """Without these variables, and without those that are never there alone."""
    gone = set(names)
    for group in TOGETHER:
        if gone & group:
            gone |= group
    left = {name: value for name, value in values.items() if name not in gone}
    if "nb_rdv" in gone and "heure_rdv" in left:  # one appointment has one hour
        left["heure_rdv"] = left["heure_rdv"].split(" ")[0]
    return left


def _cases(
    key: TemplateKey, text: TemplateText, values: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """The values with every combination of what may miss; of many, those that matter most."""
    names = sorted(optional_used(text.body, key.channel))
    several = range(len(names) + 1) if len(names) <= MOST_CASES else (0, 1, len(names) - 1)
    yield dict(values)
    for count in several:
        for gone in combinations(names, count):
            yield _but(values, set(gone))
