"""Bars that lie: one line each, its whole name above it, its value beside it, from zero."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reminders.web.charts.svg import (
    Markup,
    Scale,
    both,
    element,
    line,
    picture,
    shortened,
    text,
    ticks,
)

LEFT, TOP, BOTTOM = 8, 8, 26
THICK = 14


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a row. `beside`: the value stands behind its bar, else under the name."""

    width: int
    right: int
    row: int
    bar: int
    longest: int  # letters of a name
    beside: bool
    marks: int

    @property
    def end(self) -> int:
        return self.width - self.right


WIDE = Layout(width=720, right=210, row=40, bar=20, longest=80, beside=True, marks=5)
NARROW = Layout(width=310, right=20, row=56, bar=35, longest=42, beside=False, marks=4)


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
    head = TOP + (18 if reference else 0)

    def drawn(narrow: bool) -> Markup:
        layout = NARROW if narrow else WIDE
        marks = ticks(0.0, max(top, 1e-6), layout.marks, whole=whole)
        across = Scale(0.0, marks[-1], LEFT, layout.end)
        bottom = head + layout.row * len(rows)
        parts = [
            *_axis(marks, across, head, bottom, show),
            *(_reference(reference, across, layout, head, len(rows)) if reference else ()),
        ]
        for place, one in enumerate(rows):
            parts += _row(one, head + layout.row * place, across, layout)
        size = (layout.width, bottom + BOTTOM)
        return picture(name, title, description, *size, parts, narrow=narrow)

    return both(drawn)


def _axis(
    marks: Sequence[float],
    across: Scale,
    head: float,
    bottom: float,
    show: Callable[[float], str],
) -> Iterator[Markup]:
    for mark in marks:
        x = across(mark)
        yield line(x, head, x, bottom, "axis" if mark == 0 else "grid")
        anchor = "start" if mark == 0 else "middle"
        yield text(x, bottom + 18, show(mark), "tick", anchor)


def _reference(
    told: tuple[float, str], across: Scale, layout: Layout, head: float, rows: int
) -> Iterator[Markup]:
    """Beside the bars only, so that it strikes no name."""
    x = across(told[0])
    for row in range(rows):
        top = head + layout.row * row
        yield line(x, top + layout.bar - 2, x, top + layout.row, "centre")
    late = not layout.beside and x > layout.width / 2
    yield text(x + (-4 if late else 4), TOP + 10, told[1], "name soft", "end" if late else None)


def _row(one: Bar, y: float, across: Scale, layout: Layout) -> Iterator[Markup]:
    yield text(LEFT + 4, y + 14, shortened(one.name, layout.longest), "label")
    top, end = y + layout.bar, across(0)
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
    if layout.beside:
        yield text(max(end, LEFT) + 8, top + 12, one.said, kind)
    else:
        yield text(LEFT + 4, y + 30, one.said, kind)


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

    def drawn(narrow: bool) -> Markup:
        layout = NARROW if narrow else WIDE
        across = Scale(0, whole, LEFT, layout.end)
        parts: list[Markup] = []
        for place, one in enumerate(stages):
            y = TOP + layout.row * place
            following = stages[place + 1] if place + 1 < len(stages) else None
            if one.number is not None and following is not None and following.number is not None:
                parts.append(_slope(across(one.number), across(following.number), y, layout))
            value = None if one.number is None else float(one.number)
            parts += _row(Bar(one.name, value, one.said), y, across, layout)
        bottom = TOP + layout.row * len(stages)
        parts.append(line(LEFT, TOP, LEFT, bottom, "axis"))
        return picture(name, title, description, layout.width, bottom + 8, parts, narrow=narrow)

    return both(drawn)


def _slope(start: float, end: float, y: float, layout: Layout) -> Markup:
    """What is lost between two stages, as a pale edge."""
    top, bottom = y + layout.bar + THICK, y + layout.bar + layout.row
    return element(
        "path",
        d=f"M{LEFT} {top} L{start:.1f} {top} L{end:.1f} {bottom} L{LEFT} {bottom}Z",
        class_="slope",
    )
