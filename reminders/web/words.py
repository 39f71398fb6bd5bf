"""The words of the patient's page, one file a language, and its dates."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

DEFAULT = "fr"


@dataclass(frozen=True, slots=True)
class Words:
    """`code` names the file; `lang` is what a browser is told (FALC is French too)."""

    code: str
    texts: Mapping[str, Any]

    @property
    def lang(self) -> str:
        return str(self.texts["lang"])

    def __getitem__(self, key: str) -> Any:
        return self.texts[key]

    def date(self, moment: datetime) -> str:
        """mercredi 14 octobre, in the language's own words and order."""
        day = self.texts["first_day"] if moment.day == 1 else str(moment.day)
        found: str = self.texts["date"].format(
            weekday=self.texts["days"][moment.weekday()],
            day=day,
            month=self.texts["months"][moment.month - 1],
        )
        return found

    def time(self, moment: datetime) -> str:
        pattern: str = self.texts["time" if moment.minute else "full_hour"]
        return pattern.format(hour=moment.hour, minute=f"{moment.minute:02d}")


@lru_cache(maxsize=1)
def catalogues() -> Mapping[str, Words]:
    """Every language there is a file for, French first. Raises KeyError for a missing text."""
    folder = files("templates") / "pages" / "patient" / "words"
    found: dict[str, Words] = {}
    for child in sorted(folder.iterdir(), key=lambda one: one.name):
        if child.name.endswith(".toml"):
            code = child.name.removesuffix(".toml")
            found[code] = Words(code, tomllib.loads(child.read_text(encoding="utf-8")))
    keys = set(found[DEFAULT].texts)
    for words in found.values():
        if missing := keys - set(words.texts):
            raise KeyError(f"{words.code}: {', '.join(sorted(missing))}")
    return {DEFAULT: found[DEFAULT]} | found


def choose(*wishes: str, header: str = "") -> Words:
    """The first language wished for that exists: the page's own choice, the record's, then the
    browser's (Accept-Language); French if none does."""
    known = catalogues()
    for wish in (*wishes, *accepted(header)):
        for code in (wish.lower(), wish.lower().partition("-")[0]):
            if code in known:
                return known[code]
    return known[DEFAULT]


def accepted(header: str) -> Sequence[str]:
    """Languages of an Accept-Language header, the preferred first (RFC 9110 §12.5.4)."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:200].split(",")):
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if name and quality > 0:
            ranked.append((-quality, place, name))
    return [name for _, _, name in sorted(ranked)]
