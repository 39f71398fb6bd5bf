"""From what was counted of a file to what is wrong with it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from reminders.domain.appointment import RowProblem
from reminders.domain.baseline_quality import (
    Change,
    Check,
    Finding,
    Part,
    worst_first,
)
from reminders.statistics.coding import shifts
from reminders.store.engine import Record
from reminders.store.types import instant

LINES_SHOWN = 5
WEEKS_SHOWN = 8
WORDS_SHOWN = 20
SHORTEST = 13  # weeks: three months
LONGEST = 366  # days


@dataclass(slots=True)
class Unread:
    """Lines nothing could be made of, by reason."""

    without_patient: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    lines: list[int] = field(default_factory=list)

    def note(self, problem: RowProblem) -> None:
        """The sentence names the remedy and quotes no cell."""
        column = f"{problem.column} : " if problem.column else ""
        self.reasons[f"{column}{problem.sentence}"] += 1
        if len(self.lines) < LINES_SHOWN:
            self.lines.append(problem.row)

    @property
    def number(self) -> int:
        return self.reasons.total()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was counted. Rows as store.baseline gives them; `since`: what is older is not kept."""

    whole: Record
    since: int
    services: Sequence[Record]
    weeks: Sequence[Record]
    examples: Mapping[str, Sequence[int]]
    unread: Unread
    words: Mapping[str, int]
    future: int
    launched: int
    mapped: frozenset[str]

    @property
    def lines(self) -> int:
        """Every line of the file."""
        read = int(self.whole.lines or 0) + self.unread.number + self.unread.without_patient
        return read + self.future + self.launched


def findings_of(facts: Facts) -> list[Finding]:
    """Every check, the ones that found nothing too; the worst first."""
    number = int(sum(row.number for row in facts.services))
    return worst_first(
        [
            _missing(facts),
            _coding(facts),
            _words(facts),
            _defect(facts, Check.DOUBLES, "doubles", "twin"),
            Finding(Check.MIXED, int(facts.whole.mixed or 0), int(facts.whole.appointments or 0)),
            _defect(facts, Check.NEGATIVE, "negative", "negative"),
            _defect(facts, Check.FAR, "far", "far"),
            _defect(facts, Check.NO_BOOKING, "no_booking"),
            _defect(facts, Check.NO_BIRTH, "no_birth"),
            _defect(facts, Check.UNDATED, "undated", whole="cancelled"),
            _defect(facts, Check.NO_HOUR, "all_day"),
            _unmapped(facts, number),
            Finding(Check.NO_UF, _without_uf(facts), number),
            Finding(Check.NO_PATIENT, facts.unread.without_patient, facts.lines),
            _unread(facts),
            Finding(Check.FUTURE, facts.future, facts.lines),
            Finding(Check.LAUNCHED, facts.launched, facts.lines),
            *_period(facts),
        ]
    )


def _defect(
    facts: Facts, check: Check, column: str, lines: str = "", *, whole: str = "number"
) -> Finding:
    parts = [
        Part(row.uf, int(getattr(row, column)), int(getattr(row, whole)))
        for row in facts.services
        if getattr(row, whole)
    ]
    return Finding(
        check,
        sum(part.number for part in parts),
        sum(part.whole for part in parts),
        _worst(parts),
        lines=tuple(facts.examples.get(lines, ())),
    )


def _worst(parts: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(
        sorted(
            (part for part in parts if part.number and part.name),
            key=lambda part: (-part.number, part.name),
        )
    )


def _missing(facts: Facts) -> Finding:
    found = _defect(facts, Check.MISSING, "unknown", whole="counted")
    numbers: Counter[int] = Counter()
    wholes: Counter[int] = Counter()
    for row in facts.weeks:
        numbers[row.monday] += int(row.unknown)
        wholes[row.monday] += int(row.number)
    weeks = [Part(_iso(monday), numbers[monday], wholes[monday]) for monday in wholes]
    worst = sorted((one for one in weeks if one.number), key=lambda one: (-one.share, one.name))
    return Finding(
        found.check, found.number, found.whole, found.services, tuple(worst[:WEEKS_SHOWN])
    )


def _coding(facts: Facts) -> Finding:
    mondays = sorted({row.monday for row in facts.weeks})
    every = list(range(mondays[0], mondays[-1] + 1, 7)) if mondays else []
    place = {monday: number for number, monday in enumerate(every)}
    series: dict[str, list[tuple[int, int]]] = {}
    for row in facts.weeks:
        weeks = series.setdefault(row.uf, [(0, 0)] * len(every))
        weeks[place[row.monday]] = (int(row.missed), int(row.late))
    names = [_iso(monday) for monday in every]
    changes = tuple(
        Change(one.name, names[one.week], one.before, one.after, one.p) for one in shifts(series)
    )
    return Finding(Check.CODING, len(changes), len(series), changes=changes)


def _words(facts: Facts) -> Finding:
    often = sorted(facts.words.items(), key=lambda item: (-item[1], item[0]))
    total = sum(facts.words.values())
    return Finding(Check.WORDS, total, facts.lines, words=tuple(often[:WORDS_SHOWN]))


def _unmapped(facts: Facts, number: int) -> Finding:
    parts = [
        Part(row.uf, int(row.number), int(row.number))
        for row in facts.services
        if row.uf and row.uf not in facts.mapped
    ]
    return Finding(Check.UNMAPPED, sum(part.number for part in parts), number, _worst(parts))


def _without_uf(facts: Facts) -> int:
    return sum(int(row.number) for row in facts.services if not row.uf)


def _unread(facts: Facts) -> Finding:
    unread = facts.unread
    reasons = tuple(unread.reasons.most_common(WORDS_SHOWN))
    return Finding(
        Check.UNREAD, unread.number, facts.lines, words=reasons, lines=tuple(unread.lines)
    )


def _period(facts: Facts) -> list[Finding]:
    """`number`: weeks for SHORT, days for LONG."""
    weeks = len({row.monday for row in facts.weeks})
    days = 0
    if facts.whole.first is not None and facts.whole.last is not None:
        days = (instant(facts.whole.last) - instant(facts.whole.first)).days
    return [
        Finding(Check.SHORT, weeks if weeks < SHORTEST else 0, SHORTEST),
        Finding(Check.LONG, days if days > LONGEST else 0, max(days, LONGEST)),
    ]


def _iso(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()
