"""What is kept of the past: counts, by kinds of appointments. And which of them may be shown.

A small count betrays people; so does the difference of a sum and its other parts. What is hidden
is therefore never alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from reminders.domain.outcome import Denominator, Outcome, Tally

SMALLEST = 5  # patients, and appointments: fewer are not shown


class Split(StrEnum):
    """By what a service's past is counted."""

    SERVICE = "service"
    KNOWN = "known"
    LEAD = "lead"
    WEEKDAY = "weekday"
    HOUR = "hour"
    AGE = "age"
    KNOWN_LEAD = "known+lead"
    CELL = "cell"  # by all of them together


FIELDS = ("known", "lead", "weekday", "hour", "age")
PARTS: dict[Split, tuple[str, ...]] = {
    Split.SERVICE: (),
    Split.KNOWN: ("known",),
    Split.LEAD: ("lead",),
    Split.WEEKDAY: ("weekday",),
    Split.HOUR: ("hour",),
    Split.AGE: ("age",),
    Split.KNOWN_LEAD: ("known", "lead"),
    Split.CELL: FIELDS,
}


@dataclass(frozen=True, slots=True)
class Counted:
    """Appointments of one kind that were booked when their first reminder would have left; ""
    where the count is not split by that."""

    uf: str
    patients: int
    tally: Tally
    known: str = ""
    lead: str = ""
    weekday: str = ""
    hour: str = ""
    age: str = ""

    @property
    def appointments(self) -> int:
        """With a known outcome: what a rate is told among."""
        return self.tally.among(Denominator.ELIGIBLE)

    @property
    def missed(self) -> int:
        return self.tally[Outcome.NO_SHOW]

    @property
    def small(self) -> bool:
        return min(self.patients, self.appointments) < SMALLEST


Margin = tuple[str, ...]  # the fields of a table whose sums are shown too; () = its whole


def margins_of(split: Split) -> tuple[Margin, ...]:
    """The sums that are shown of a service beside a table split like this."""
    parts = set(PARTS[split])
    return tuple(one for one in PARTS.values() if set(one) < parts)


def hidden(counts: Sequence[Counted], margins: Sequence[Margin] = ((),)) -> frozenset[int]:
    """The places of those not to be shown, in a table of which these sums are shown.

    Those below five patients or five appointments; and in every sum that holds one of them, the
    smallest others, until what it hides is two parts at least and surely of five patients: of one
    part alone, as the parts' patients may be the same.
    """
    small = {place for place, one in enumerate(counts) if one.small}
    groups = [group for margin in margins for group in _groups(counts, margin)]
    grown = True
    while grown:
        grown = False
        for group in groups:
            while (one := _lacking(counts, group, small)) is not None:
                small.add(one)
                grown = True
    return frozenset(small)


def _groups(counts: Sequence[Counted], margin: Margin) -> list[list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for place, one in enumerate(counts):
        key = tuple(getattr(one, name) for name in margin)
        found.setdefault(key, []).append(place)
    return list(found.values())


def _lacking(counts: Sequence[Counted], group: Sequence[int], small: set[int]) -> int | None:
    """The next one of a sum to hide; None: what it hides cannot be worked out, or all is."""
    those = [counts[place] for place in group if place in small]
    rest = [place for place in group if place not in small]
    if not those or not rest or _covered(those):
        return None
    return min(rest, key=lambda place: (counts[place].patients, place))


def _covered(those: Sequence[Counted]) -> bool:
    """Two parts at least, of five patients and appointments together. Only counts are kept, and
    one patient may be in each part: as many as the largest has are sure, and no more."""
    patients = max(one.patients for one in those)
    appointments = sum(one.appointments for one in those)
    return len(those) > 1 and min(patients, appointments) >= SMALLEST
