"""Differences with their intervals, one under the other, beside the line of no difference."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reminders.web.charts.svg import (
    Markup,
    Scale,
    element,
    line,
    path,
    picture,
    shortened,
    text,
    ticks,
)

WIDTH = 720
LEFT, RIGHT, TOP, BOTTOM = 24, 24, 30, 30
ROW = 44
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind`: measured | truth | supposed | range. A range without an estimate is drawn as a bar
    of what could not be told apart from nothing."""

    name: str
    said: str
    estimate: float | None
    low: float | None = None
    high: float | None = None
    kind: str = "measured"


def forest(
    name: str,
    title: str,
    description: str,
    rows: Sequence[Difference],
    *,
    show: Callable[[float], str],
    better: str,
    worse: str,
    whole: float = 0.0,
) -> Markup:
    """`better`, `worse`: what lies below zero and above it, in words. `whole`: what `show` counts
    in (svg.ticks). Raises ValueError without a row."""
    if not rows:
        raise ValueError("nothing to compare")
    seen = [v for one in rows for v in (one.estimate, one.low, one.high) if v is not None]
    far = max([abs(v) for v in seen] + [1e-6])
    marks = ticks(min([*seen, -far / 4]), max([*seen, far / 4]), whole=whole)
    across = Scale(marks[0], marks[-1], LEFT, WIDTH - RIGHT)
    bottom = TOP + ROW * len(rows)
    zero = across(0.0)
    parts = [
        *_uprights([across(mark) for mark in marks], len(rows), "grid"),
        line(zero, TOP - 24, zero, TOP - 6, "axis"),
        *_uprights([zero], len(rows), "axis"),
        text(zero - 8, TOP - 12, f"← {better}", "name soft", "end"),
        text(zero + 8, TOP - 12, f"{worse} →", "name soft"),
        *(
            text(across(mark), bottom + 18, show(mark), "tick", _anchor(mark, marks))
            for mark in marks
        ),
    ]
    for place, one in enumerate(rows):
        parts += _row(one, TOP + ROW * place, across)
    return picture(name, title, description, WIDTH, bottom + BOTTOM, parts)


def _uprights(places: Sequence[float], rows: int, class_: str) -> Iterator[Markup]:
    """Beside what is drawn only: a line through the words of a row would strike them out."""
    for row in range(rows):
        top = TOP + ROW * row
        for x in places:
            yield line(x, top + 20, x, top + ROW, class_)


def _anchor(mark: float, marks: Sequence[float]) -> str:
    """A long number at either end stays inside the picture."""
    return "start" if mark == marks[0] else "end" if mark == marks[-1] else "middle"


def _row(one: Difference, y: float, across: Scale) -> list[Markup]:
    middle = y + 30
    parts = [
        text(LEFT, y + 14, shortened(one.name, LONGEST), "label"),
        text(WIDTH - RIGHT, y + 14, one.said, "value", "end"),
    ]
    if one.low is not None and one.high is not None:
        low, high = across(one.low), across(one.high)
        if one.kind == "range":
            parts.append(
                element("rect", x=low, y=middle - 6, width=high - low, height=12, class_="blur")
            )
        else:
            parts.append(line(low, middle, high, middle, "whisker"))
            parts += [line(x, middle - 5, x, middle + 5, "whisker") for x in (low, high)]
    if one.estimate is not None:
        x = across(one.estimate)
        if one.kind == "truth":
            corners = [(x, middle - 8), (x + 8, middle), (x, middle + 8), (x - 8, middle)]
            parts.append(path(corners, "truth", closed=True))
        elif one.kind == "supposed":
            parts.append(element("circle", cx=x, cy=middle, r=6, class_="guess"))
        else:
            parts.append(
                element("rect", x=x - 5, y=middle - 5, width=10, height=10, class_="square")
            )
    return parts
