"""What is wrong with the data of the past, and how much that matters.

Every defect that is looked for is told, the absent ones too: silence would not say that anybody
looked. Numbers only: words and lines of a file are shown while it is read and not kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Check(StrEnum):
    MISSING = "missing-outcomes"
    CODING = "coding-changes"
    WORDS = "unknown-words"
    DOUBLES = "duplicates"
    MIXED = "several-patients"
    NEGATIVE = "negative-lead"
    FAR = "lead-over-two-years"
    NO_BOOKING = "no-booking-date"
    NO_BIRTH = "no-birth-date"
    UNDATED = "cancellation-without-date"
    NO_HOUR = "no-hour"
    UNMAPPED = "unmapped-uf"
    NO_UF = "no-uf"
    NO_PATIENT = "no-patient"
    UNREAD = "unreadable-lines"
    FUTURE = "not-past"
    LAUNCHED = "after-launch"
    SHORT = "under-three-months"
    LONG = "over-twelve-months"


class Weight(StrEnum):
    """How much a finding matters. SERIOUS: the rates are not to be trusted as they are."""

    NOTHING = "nothing"
    NOTE = "note"
    WARNING = "warning"
    SERIOUS = "serious"


# Shares of what was looked at from which a defect is a warning, and from which it is serious.
# House rules, to be discussed: no published threshold was found. Above 1: never.
NEVER = 2.0
THRESHOLDS: Mapping[Check, tuple[float, float]] = {
    Check.MISSING: (0.05, 0.20),
    Check.CODING: (0.0, 0.0),
    Check.WORDS: (0.0, 0.05),
    Check.DOUBLES: (0.01, 0.10),
    Check.MIXED: (0.01, 0.05),
    Check.NEGATIVE: (0.01, 0.10),
    Check.FAR: (0.01, 0.10),
    Check.NO_BOOKING: (0.05, 0.50),
    Check.NO_BIRTH: (0.05, NEVER),
    Check.UNDATED: (0.20, NEVER),
    Check.NO_HOUR: (0.05, NEVER),
    Check.UNMAPPED: (0.0, NEVER),
    Check.NO_UF: (0.0, 0.20),
    Check.NO_PATIENT: (0.01, 0.20),
    Check.UNREAD: (0.01, 0.10),
    Check.FUTURE: (NEVER, NEVER),
    Check.LAUNCHED: (0.0, NEVER),
    Check.SHORT: (0.0, NEVER),
    Check.LONG: (NEVER, NEVER),
}
ORDER = tuple(Weight)


def weigh(check: Check, number: int, whole: int) -> Weight:
    if not number:
        return Weight.NOTHING
    warning, serious = THRESHOLDS[check]
    share = number / whole if whole else 1.0
    if share > serious:
        return Weight.SERIOUS
    return Weight.WARNING if share > warning else Weight.NOTE


@dataclass(frozen=True, slots=True)
class Part:
    """Of a service, or of the week that begins on a Monday (2026-10-12)."""

    name: str
    number: int
    whole: int

    @property
    def share(self) -> float:
        return self.number / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A service's coding of absences changed in the week of this Monday."""

    uf: str
    monday: str
    before: float  # share of late cancellations among those who did not come
    after: float
    p: float


@dataclass(frozen=True, slots=True)
class Finding:
    """`number` of `whole` have the defect. `services` and `weeks`: those that have it most."""

    check: Check
    number: int
    whole: int
    services: tuple[Part, ...] = ()
    weeks: tuple[Part, ...] = ()
    changes: tuple[Change, ...] = ()
    words: tuple[tuple[str, int], ...] = ()  # not kept
    lines: tuple[int, ...] = ()  # not kept

    @property
    def weight(self) -> Weight:
        return weigh(self.check, self.number, self.whole)

    @property
    def share(self) -> float:
        return self.number / self.whole if self.whole else 0.0


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(
        findings, key=lambda one: (-ORDER.index(one.weight), list(Check).index(one.check))
    )


def as_kept(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """As JSON, without what a file's cells say."""
    return [as_told(one) | {"words": [], "lines": []} for one in findings]


def as_told(one: Finding) -> dict[str, Any]:
    return {"check": one.check.value, "weight": one.weight.value} | {
        name: value for name, value in asdict(one).items() if name != "check"
    }


def of_kept(told: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What a release before wrote and this one does not look for is passed over."""
    return [
        Finding(
            Check(one["check"]),
            one["number"],
            one["whole"],
            tuple(Part(**part) for part in one["services"]),
            tuple(Part(**part) for part in one["weeks"]),
            tuple(Change(**change) for change in one["changes"]),
        )
        for one in told
        if one["check"] in set(Check)
    ]


def within(one: Finding, ufs: frozenset[str]) -> Finding:
    """What of a finding is about these services. Weeks are the whole hospital's."""
    services = tuple(part for part in one.services if part.name in ufs)
    changes = tuple(change for change in one.changes if change.uf in ufs)
    return Finding(
        one.check,
        len(changes) if one.check is Check.CODING else sum(part.number for part in services),
        sum(part.whole for part in services),
        services,
        (),
        changes,
    )
