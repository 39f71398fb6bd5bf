"""How sentences, numbers and days are said: in French here, in a reader's language on pages."""

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

NBSP = "\u00a0"
LEAST = 0.001  # below it a p is told as less than it


class Voice(Protocol):
    """How a reader's language says sentences, numbers and days."""

    def gettext(self, sentence: str, /, **values: object) -> str: ...

    def whole(self, value: int) -> str: ...

    def share(self, value: float) -> str: ...

    def part(self, value: float) -> str:
        """A share that was chosen, with no more digits than it has."""
        ...

    def decimal(self, value: float) -> str: ...

    def chance(self, p: float) -> str: ...

    def date(self, moment: datetime) -> str: ...


class French:
    """The command line's voice. `zone`: whose civil days it says."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def gettext(self, sentence: str, /, **values: object) -> str:
        return typeset(sentence % values if values else sentence)

    def whole(self, value: int) -> str:
        return number(value).replace("-", "−")

    def share(self, value: float) -> str:
        return percent(value)

    def part(self, value: float) -> str:
        return percent(value)

    def decimal(self, value: float) -> str:
        return f"{value:.1f}".replace(".", ",").replace("-", "−")

    def chance(self, p: float) -> str:
        return "< 0,001" if p < LEAST else f"= {p:.3f}".replace(".", ",")

    def date(self, moment: datetime) -> str:
        return day(moment, self._zone)


def day(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d/%m/%Y}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}".rstrip("0").rstrip(".").replace(".", ",") + " %"


def number(value: int) -> str:
    return f"{value:,}".replace(",", "\u202f")


def euros(value: float) -> str:
    """38 070 €, −1 200 €: no cents."""
    return f"{number(round(value))} €".replace("-", "−")


def rare(p: float) -> str:
    """0,0004, and 0,00001 as « moins de 0,0001 »."""
    return "< 0,0001" if p < LEAST / 10 else f"= {p:.4f}".replace(".", ",")


def typeset(text: str) -> str:
    """French spaces that do not break, without changing the length of a line."""
    for mark in ":;?!%":
        text = text.replace(f" {mark}", f"{NBSP}{mark}")
    return text
