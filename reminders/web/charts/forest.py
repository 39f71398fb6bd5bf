"""Differences with their intervals, one under the other, beside the line of no difference."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reminders.web.charts.svg import (
    Markup,
    Scale,
    both,
    element,
    line,
    path,
    picture,
    shortened,
    text,
    ticks,
)

BOTTOM = 30


@dataclass(frozen=True, slots=True)
class Layout:
    """`beside`: a row's value stands at the right of its name, else under it."""

    width: int
    side: int
    top: int
    row: int
    middle: int  # of what is drawn, in a row
    longest: int  # letters of a name
    beside: bool
    marks: int


WIDE = Layout(width=720, side=24, top=30, row=44, middle=30, longest=60, beside=True, marks=5)
NARROW = Layout(width=310, side=12, top=46, row=60, middle=46, longest=44, beside=False, marks=3)


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

    def drawn(narrow: bool) -> Markup:
        layout = NARROW if narrow else WIDE
        marks = ticks(min([*seen, -far / 4]), max([*seen, far / 4]), layout.marks, whole=whole)
        across = Scale(marks[0], marks[-1], layout.side, layout.width - layout.side)
        bottom = layout.top + layout.row * len(rows)
        parts = [
            *_uprights([across(mark) for mark in marks], len(rows), "grid", layout),
            *_uprights([across(0.0)], len(rows), "axis", layout),
            *_sides(better, worse, across(0.0), layout),
            *(
                text(across(mark), bottom + 18, show(mark), "tick", _anchor(mark, marks))
                for mark in marks
            ),
        ]
        for place, one in enumerate(rows):
            parts += _row(one, layout.top + layout.row * place, across, layout)
        size = (layout.width, bottom + BOTTOM)
        return picture(name, title, description, *size, parts, narrow=narrow)

    return both(drawn)


def _sides(better: str, worse: str, zero: float, layout: Layout) -> Iterator[Markup]:
    """What lies on either side of nothing."""
    if layout.beside:
        yield line(zero, layout.top - 24, zero, layout.top - 6, "axis")
        yield text(zero - 8, layout.top - 12, f"← {better}", "name soft", "end")
        yield text(zero + 8, layout.top - 12, f"{worse} →", "name soft")
    else:
        yield text(layout.side, 14, f"← {better}", "name soft")
        yield text(layout.width - layout.side, 32, f"{worse} →", "name soft", "end")


def _uprights(places: Sequence[float], rows: int, class_: str, layout: Layout) -> Iterator[Markup]:
    """Beside what is drawn only: a line through the words of a row would strike them out."""
    for row in range(rows):
        top = layout.top + layout.row * row
        for x in places:
            yield line(x, top + layout.middle - 10, x, top + layout.row, class_)


def _anchor(mark: float, marks: Sequence[float]) -> str:
    """A long number at either end stays inside the picture."""
    return "start" if mark == marks[0] else "end" if mark == marks[-1] else "middle"


def _row(one: Difference, y: float, across: Scale, layout: Layout) -> list[Markup]:
    middle = y + layout.middle
    value = (
        text(layout.width - layout.side, y + 14, one.said, "value", "end")
        if layout.beside
        else text(layout.side, y + 30, one.said, "value")
    )
    parts = [text(layout.side, y + 14, shortened(one.name, layout.longest), "label"), value]
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
        parts.append(_estimate(one.kind, across(one.estimate), middle))
    return parts


def _estimate(kind: str, x: float, middle: float) -> Markup:
    """A shape a kind, so that none is told by its colour alone."""
    if kind == "truth":
        corners = [(x, middle - 8), (x + 8, middle), (x, middle + 8), (x - 8, middle)]
        return path(corners, "truth", closed=True)
    if kind == "supposed":
        return element("circle", cx=x, cy=middle, r=6, class_="guess")
    return element("rect", x=x - 5, y=middle - 5, width=10, height=10, class_="square")
