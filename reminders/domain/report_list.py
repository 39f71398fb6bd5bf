"""What a count of the no-show report counts: which units the list that it opens is of.

A list adds up what its count does and nothing else: the counts of every month and service (of
`*`, for the whole hospital) that may be told, never one that is hidden (domain/hiding.py). So the
lengths of two lists tell no more than the two counts that opened them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from reminders.domain.outcome import AMONG, Denominator, Outcome
from reminders.domain.report import Dimension, Month, Only
from reminders.domain.report_unit import (
    AGE_BANDS,
    CHANNELS,
    FATE,
    LEAD_BANDS,
    MOTIVES,
    OUTCOMES,
    PENDING,
    REACHES,
    language_number,
)

KNOWN = ("new", "known")  # as packed
ANY = "*"  # in the place of a value: every one but "0"


@dataclass(frozen=True, slots=True)
class Counted:
    """One count of the report.

    `fields`: which values of the packed fields its units have. `line`: the dimension and value of
    `rollup` it is told in, adding up the columns `sums`; None: it is the one column of
    `rollup_sum`. `each`: the column of a unit that says how often it counts; "": once. `slots`:
    the packed field that says whether its slot counts, and with `_again` the one it moved to.
    `people`: it counts patients, each month's: of each, the first unit stands for all. `week`: the
    Monday of its week.
    """

    fields: Mapping[str, Sequence[int]]
    sums: tuple[str, ...]
    line: tuple[str, str] | None = None
    each: str = ""
    slots: str = ""
    people: bool = False
    week: date | None = None

    @property
    def varies(self) -> bool:
        """May one unit count several times?"""
        return bool(self.each or self.slots)


_PLACE = {one: OUTCOMES.index(one) for one in Outcome} | {None: PENDING}
_COLUMN = {one: one.value.replace("-", "_") for one in Outcome} | {None: "pending"}
_EVERY: tuple[Outcome | None, ...] = (*Outcome, None)  # None: still to come
_DUE = {"outcome": tuple(_PLACE[one] for one in Outcome)}

ISSUES: Mapping[str, tuple[Outcome | None, ...]] = {
    **{one.value: (one,) for one in Outcome},
    "known": tuple(one for one in Outcome if one in AMONG[Denominator.ELIGIBLE]),
    "expected": tuple(one for one in Outcome if one in AMONG[Denominator.EXPECTED]),
    "pending": (None,),
}
MEASURES: Mapping[str, Counted] = {
    "entered": Counted(_DUE, ("entered",)),
    "planned": Counted(_DUE | {"planned": (1,)}, ("planned",)),
    "sent": Counted(_DUE | {"sent": (1,)}, ("sent",)),
    "delivered": Counted(_DUE | {"delivered": (1,)}, ("delivered",)),
    "answered": Counted(_DUE | {"answered": (1,), "sent": (1,)}, ("answered",)),
    "came": Counted({"outcome": (_PLACE[Outcome.ATTENDED],), "sent": (1,)}, ("came",)),
    "freed": Counted(_DUE, ("freed",), slots="freed"),
    "refilled": Counted(_DUE, ("refilled",), slots="refilled"),
    "replied": Counted({"answered": (1,)}, ("replied",)),
    "alone": Counted({"alone": (1,)}, ("alone",)),
    "contacted": Counted({"contacted": (1,)}, ("contacted",)),
    "recontacts": Counted({"recontact": (1,)}, ("recontacts",)),
    "contacts": Counted({}, ("contacts",), each="contacts"),
    "messages": Counted({}, ("messages",), each="messages"),
    "in-care": Counted({}, ("patients",), people=True),
    "handled": Counted(
        {"handled": range(1, FATE["handled"].mask + 1)},
        tuple(_COLUMN[one] for one in _EVERY),
        line=("handled", ANY),
    ),
}
_NAMES: Mapping[str, Sequence[str]] = {
    Dimension.LEAD: LEAD_BANDS,
    Dimension.KNOWN: KNOWN,
    Dimension.AGE: AGE_BANDS,
    Dimension.CHANNEL: CHANNELS,
    "reach": tuple(one.value for one in REACHES),
    "motive": MOTIVES,
}


@dataclass(frozen=True, slots=True)
class Behind:
    """Which count somebody opens: an outcome or a denominator (`issue`), among one value or in
    one week; or a measure (`what`), or a value of the reach or motive table (`what` with a colon).
    """

    issue: str = Outcome.NO_SHOW.value
    what: str = ""
    only: Only | None = None
    week: date | None = field(default=None)

    def counted(self) -> Counted:
        """Raises ValueError for a count the report does not tell."""
        if self.what:
            return self._measure()
        if self.issue not in ISSUES:
            raise ValueError(f"no such outcome: {self.issue}")
        return _of_line(ISSUES[self.issue], self._line(), self.week)

    def _measure(self) -> Counted:
        if self.only is not None or self.week is not None:
            raise ValueError("of one value or week nothing but outcomes is counted")
        name, colon, value = self.what.partition(":")
        if not colon and name in MEASURES:
            return MEASURES[name]
        if name not in ("reach", "motive") or value == "":
            raise ValueError(f"no such measure: {self.what}")
        return _of_line(_EVERY, (name, value), None)

    def _line(self) -> tuple[str, str]:
        if self.week is None:
            only = self.only
            return (only.dimension.value, only.value) if only is not None else ("all", "")
        if self.only is not None or self.week.isoweekday() != 1:
            raise ValueError("of weeks everything is counted, from a Monday on")
        return "week", self.week.isoformat()


def _of_line(
    outcomes: Sequence[Outcome | None], line: tuple[str, str], week: date | None
) -> Counted:
    dimension, value = line
    fields = {"outcome": tuple(_PLACE[one] for one in outcomes)}
    if dimension not in ("all", "week"):
        fields[dimension] = (_packed(dimension, value),)
    return Counted(fields, tuple(_COLUMN[one] for one in outcomes), line, week=week)


def _packed(dimension: str, value: str) -> int:
    """The number a value is packed as. Raises ValueError for none."""
    if dimension in _NAMES:
        return _NAMES[dimension].index(value)
    if dimension == Dimension.LANGUAGE:
        number = language_number(value)
        if value and not number:
            raise ValueError(f"no such language: {value}")
        return number
    if not (value.isascii() and value.isdecimal() and len(value) <= 10):
        raise ValueError(f"no such {dimension}: {value}")
    return int(value)


def months_of(week: date) -> tuple[Month, Month]:
    """The first and last month of which it has a day."""
    sunday = week + timedelta(days=6)
    return Month(week.year, week.month), Month(sunday.year, sunday.month)
