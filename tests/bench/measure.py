"""Measuring honestly: interleaved pairs, the first dropped, medians and quartiles.

Machines differ and neighbours are noisy, so no figure here stands alone: ours and the baseline
take turns in one run, and what is judged is their ratio (its lower quartile, not its best).
"""

import json
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Literal

import structlog

Size = Literal["tiny", "quick", "full"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report. `met` compares the cautious end of `ratio` with `goal`."""

    name: str
    ours: float
    baseline: float
    ratio: float
    unit: str
    goal: float
    met: bool
    detail: dict[str, object] = field(default_factory=dict)

    def line(self) -> str:
        shown = {
            "name": self.name,
            "ours": short(self.ours),
            "baseline": short(self.baseline),
            "ratio": short(self.ratio),
            "unit": self.unit,
            "goal": self.goal,
            "met": self.met,
        }
        neighbours = {"load_average": short(os.getloadavg()[0])}
        return json.dumps(shown | self.detail | neighbours, ensure_ascii=False)


def short(value: float) -> float:
    return float(f"{value:.4g}")


@dataclass(slots=True)
class Taken:
    """What a piece of work took: seconds on the wall, and of this machine's cores."""

    seconds: float = 0.0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """What ours and the baseline took, in turns."""

    ours: Sequence[Taken]
    baseline: Sequence[Taken]

    @property
    def ratios(self) -> list[float]:
        """How fast ours is beside the baseline, pair by pair: 1 is as fast, 0.5 half as fast."""
        both = zip(self.ours, self.baseline, strict=True)
        return [base.seconds / mine.seconds for mine, base in both]

    @property
    def cpu_ratio(self) -> float:
        """The same in time of the cores alone: what busy neighbours disturb least."""
        both = zip(self.ours, self.baseline, strict=True)
        return statistics.median(base.cpu / mine.cpu for mine, base in both)


def take_turns(ours: Callable[[], Taken], baseline: Callable[[], Taken], pairs: int) -> Pairs:
    """Run both in turns, `pairs` times and once more before, which does not count (a single
    pair is no measurement: it has no warm-up).

    Each returns what the part that is measured took, after it has checked its own result.
    """
    warm_up = min(1, pairs - 1)
    found = [(ours(), baseline()) for _ in range(pairs + warm_up)][warm_up:]
    return Pairs([mine for mine, _ in found], [base for _, base in found])


def compare(name: str, found: Pairs, work: int, unit: str, goal: float, **detail: object) -> Figure:
    """The figure of `work` pieces done by both in each turn."""
    low, middle, high = quartiles(found.ratios)
    return Figure(
        name=name,
        ours=work / statistics.median(one.seconds for one in found.ours),
        baseline=work / statistics.median(one.seconds for one in found.baseline),
        ratio=middle,
        unit=unit,
        goal=goal,
        met=low >= goal,
        detail={
            "quartiles": [short(low), short(high)],
            "pairs": [short(ratio) for ratio in found.ratios],
            "cpu_ratio": short(found.cpu_ratio),
            **detail,
        },
    )


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


@contextmanager
def stopwatch() -> Iterator[Taken]:
    """Filled in once the block has ended; the processes it started and ended count."""
    taken = Taken()
    started, used = time.perf_counter(), _cpu()
    yield taken
    taken.seconds, taken.cpu = time.perf_counter() - started, _cpu() - used


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usages)


def quiet() -> None:
    """What the services log is no part of a report."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


def syncs_per_second(folder: Path, writes: int = 50) -> float:
    """What the disk under `folder` does: durable commits are bounded by it."""
    path = folder / "sync"
    with path.open("wb", buffering=0) as file, stopwatch() as taken:
        for _ in range(writes):
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
    path.unlink()
    return writes / taken.seconds


def slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """How time grows with size, as an exponent: 0 not at all, 1 in proportion (least squares)."""
    return statistics.linear_regression(
        [log(size) for size in sizes], [log(second) for second in seconds]
    ).slope
