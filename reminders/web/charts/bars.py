"""Bars that lie: one line each, its whole name above it, its value beside it, from zero."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reminders.web.charts.svg import (
    Markup,
    Scale,
    element,
    line,
    picture,
    shortened,
    text,
    ticks,
)

WIDTH = 720
LEFT, RIGHT, TOP, BOTTOM = 8, 210, 8, 26
ROW, THICK = 40, 14
LONGEST = 80  # letters of a name


@dataclass(frozen=True, slots=True)
class Bar:
    """`value` None: `said` tells why nothing is drawn. `low`, `high`: its interval."""

    name: str
    value: float | None
    said: str
    low: float | None = None
    high: float | None = None


def bars(
    name: str,
    title: str,
    description: str,
    rows: Sequence[Bar],
    *,
    show: Callable[[float], str],
    reference: tuple[float, str] | None = None,
    most: float | None = None,
    whole: float = 0.0,
) -> Markup:
    """`whole`: what `show` counts in (svg.ticks). `reference`: a value drawn through all of them,
    with its words. `most`: where the axis ends at least. Raises ValueError without a row."""
    if not rows:
        raise ValueError("a bar chart needs a row")
    seen = [v for one in rows for v in (one.value, one.high) if v is not None]
    top = max([*seen, reference[0] if reference else 0.0, most or 0.0], default=0.0)
    marks = ticks(0.0, max(top, 1e-6), whole=whole)
    head = 18 if reference else 0
    bottom = TOP + head + ROW * len(rows)
    across = Scale(0.0, marks[-1], LEFT, WIDTH - RIGHT)
    parts: list[Markup] = []
    for mark in marks:
        x = across(mark)
        parts.append(line(x, TOP + head, x, bottom, "axis" if mark == 0 else "grid"))
        anchor = "start" if mark == 0 else "middle"
        parts.append(text(x, bottom + 18, show(mark), "tick", anchor))
    if reference is not None:
        x = across(reference[0])
        parts.append(line(x, TOP + head, x, bottom, "centre"))
        parts.append(text(x + 4, TOP + 10, reference[1], "name soft"))
    for place, one in enumerate(rows):
        parts += _row(one, TOP + head + ROW * place, across)
    return picture(name, title, description, WIDTH, bottom + BOTTOM, parts)


def _row(one: Bar, y: float, across: Scale) -> Iterator[Markup]:
    yield text(LEFT + 4, y + 14, shortened(one.name, LONGEST), "label")
    top, end = y + 20, across(0)
    if one.value is not None:
        end = across(one.value)
        wide = max(1.0, end - LEFT)
        yield element("rect", x=LEFT, y=top, width=wide, height=THICK, class_="bar")
    if one.low is not None and one.high is not None:
        middle, end = top + THICK / 2, across(one.high)
        yield line(across(one.low), middle, end, middle, "whisker")
        for x in (across(one.low), end):
            yield line(x, middle - 4, x, middle + 4, "whisker")
    kind = "value" if one.value is not None else "value soft"
    yield text(max(end, LEFT) + 8, top + 12, one.said, kind)


# --- one step after another ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stage:
    """So many of the first stage's reached this one; None: `said` tells why it is not shown."""

    name: str
    number: int | None
    said: str


def funnel(name: str, title: str, description: str, stages: Sequence[Stage]) -> Markup:
    """Bars from the same zero, each as long as what is left. Raises ValueError without one."""
    if not stages:
        raise ValueError("a funnel needs a stage")
    whole = max([one.number or 0 for one in stages] + [1])
    across = Scale(0, whole, LEFT, WIDTH - RIGHT)
    parts: list[Markup] = []
    for place, one in enumerate(stages):
        y = TOP + ROW * place
        following = stages[place + 1] if place + 1 < len(stages) else None
        if one.number is not None and following is not None and following.number is not None:
            parts.append(_slope(across(one.number), across(following.number), y))
        parts += _row(
            Bar(one.name, None if one.number is None else float(one.number), one.said), y, across
        )
    bottom = TOP + ROW * len(stages)
    parts.append(line(LEFT, TOP, LEFT, bottom, "axis"))
    return picture(name, title, description, WIDTH, bottom + 8, parts)


def _slope(start: float, end: float, y: float) -> Markup:
    """What is lost between two stages, as a pale edge."""
    top, bottom = y + 20 + THICK, y + 20 + ROW
    return element(
        "path",
        d=f"M{LEFT} {top} L{start:.1f} {top} L{end:.1f} {bottom} L{LEFT} {bottom}Z",
        class_="slope",
    )
