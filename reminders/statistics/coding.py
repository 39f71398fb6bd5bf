"""Did a service change how it writes down what happened? Told by the week it changed in.

Who called off late and who simply did not come are often told apart by one person's habit. When
that habit changes, no-shows seem to fall though nobody came more often (EVIDENCE 3, trap 9).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from reminders.statistics.normal import two_sided

BEFORE = 8  # weeks a change is judged against
AFTER = 4  # weeks it must last
LEAST_BEFORE = 4
LEAST_EXPECTED = 5.0  # of each of the four counts: below, chi-square is not to be trusted
ALPHA = 0.01  # for all weeks of all services together
LEAST_CHANGE = 0.10  # of the share: less may be chance of another kind, and changes little

Week = tuple[int, int]  # (no-shows, late cancellations)


@dataclass(frozen=True, slots=True)
class Shift:
    """From week `week` on (an index) the share of late cancellations among those who did not come
    is another. `p` is corrected for all the weeks looked at."""

    name: str
    week: int
    before: float
    after: float
    p: float


def shifts(series: Mapping[str, Sequence[Week]]) -> list[Shift]:
    """The changes that are neither chance nor small, one for each run of weeks that show it.

    Each week that can be is compared with those before it: chi-square of two by two counts, one
    degree of freedom, p multiplied by the number of comparisons made (Bonferroni).
    """
    found = {name: _looks(weeks) for name, weeks in series.items()}
    number = sum(len(looks) for looks in found.values())
    told = []
    for name, looks in found.items():
        flagged = [
            Shift(name, week, before, after, min(1.0, p * number))
            for week, before, after, p in looks
            if p * number < ALPHA and abs(after - before) >= LEAST_CHANGE
        ]
        told += _one_of_each_run(flagged)
    return sorted(told, key=lambda one: (one.p, one.name, one.week))


def _looks(weeks: Sequence[Week]) -> list[tuple[int, float, float, float]]:
    looks = []
    for week in range(LEAST_BEFORE, len(weeks)):
        before = _sum(weeks[max(0, week - BEFORE) : week])
        after = _sum(weeks[week : week + AFTER])
        if (look := _compared(before, after)) is not None:
            looks.append((week, *look))
    return looks


def _compared(before: Week, after: Week) -> tuple[float, float, float] | None:
    """(share before, share after, p); None where there is too little to compare."""
    sizes = sum(before), sum(after)
    whole = sum(sizes)
    late = before[1] + after[1]
    if not whole or min(sizes) * min(late, whole - late) / whole < LEAST_EXPECTED:
        return None
    shares = before[1] / sizes[0], after[1] / sizes[1]
    pooled = late / whole
    spread = sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1]))
    return *shares, two_sided((shares[1] - shares[0]) / spread)


def _sum(weeks: Sequence[Week]) -> Week:
    return sum(one[0] for one in weeks), sum(one[1] for one in weeks)


def _one_of_each_run(flagged: Sequence[Shift]) -> list[Shift]:
    """Weeks side by side show the same change: the clearest of them says when."""
    told: list[Shift] = []
    last = -AFTER
    for one in flagged:
        if told and one.week - last <= AFTER:
            if one.p < told[-1].p:
                told[-1] = one
        else:
            told.append(one)
        last = one.week
    return told
