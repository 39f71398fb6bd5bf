"""A rate over time: what was counted, how sure one may be, and what chance alone explains."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reminders.web.charts.svg import (
    Markup,
    Scale,
    apart,
    both,
    element,
    line,
    path,
    picture,
    text,
    ticks,
)

HEIGHT, TOP, BOTTOM = 300, 18, 34
ROOM = 16


@dataclass(frozen=True, slots=True)
class Layout:
    """`aside`: what lines are is said to their right, else above their ends."""

    width: int
    left: int
    right: int
    names: int  # labels under the axis at most; more would touch
    aside: bool

    @property
    def end(self) -> int:
        return self.width - self.right


WIDE = Layout(width=720, left=58, right=150, names=12, aside=True)
NARROW = Layout(width=310, left=42, right=22, names=5, aside=False)


@dataclass(frozen=True, slots=True)
class Moment:
    """One place of the line. `value` None: nothing may be said of it, and the line is broken.

    `low`, `high`: the interval of the value. `lower`, `upper`: the control limits there. `out`:
    beyond them. `unfinished`: it is not over yet, or may still change.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    lower: float | None = None
    upper: float | None = None
    out: bool = False
    unfinished: bool = False


@dataclass(frozen=True, slots=True)
class TrendWords:
    """Labels beside the last place, instead of a legend."""

    value: str
    band: str
    centre: str
    upper: str
    lower: str


def trend(
    name: str,
    title: str,
    description: str,
    moments: Sequence[Moment],
    *,
    centre: float | None,
    show: Callable[[float], str],
    words: TrendWords,
    say: Callable[[float], str] | None = None,
    whole: float = 0.0,
) -> Markup:
    """A line from zero, its interval as a band, its control limits as dashes.

    A moment beyond its limits is a diamond with its value; one unfinished is hollow. `show` is
    for the axis, `whole` what it counts in (svg.ticks), `say` for values. Raises
    ValueError without a moment.
    """
    if not moments:
        raise ValueError("a line needs a moment")
    marks = ticks(0.0, max(_highest(moments, centre), 1e-6), whole=whole)
    up = Scale(marks[0], marks[-1], HEIGHT - BOTTOM, TOP)

    def drawn(narrow: bool) -> Markup:
        layout = NARROW if narrow else WIDE
        across = Scale(0, len(moments) - 1, layout.left, layout.end)
        if len(moments) == 1:
            across = Scale(0, 0, (layout.left + layout.end) / 2, 0)
        parts = [
            *_axes(moments, marks, across, up, show, layout),
            *_bands(moments, across, up),
            *_limits(moments, across, up, layout),
            *_centre(centre, up, layout),
            *_line(moments, across, up),
            *_points(moments, across, up, say or show),
            *_names(moments, centre, up, words, layout),
        ]
        return picture(name, title, description, layout.width, HEIGHT, parts, narrow=narrow)

    return both(drawn)


def _highest(moments: Sequence[Moment], centre: float | None) -> float:
    seen = [v for one in moments for v in (one.value, one.high, one.upper) if v is not None]
    return max([*seen, centre or 0.0], default=0.0)


def _axes(
    moments: Sequence[Moment],
    marks: Sequence[float],
    across: Scale,
    up: Scale,
    show: Callable[[float], str],
    layout: Layout,
) -> Iterator[Markup]:
    for mark in marks:
        kind = "axis" if mark == 0 else "grid"
        yield line(layout.left, up(mark), layout.end, up(mark), kind)
        yield text(layout.left - 8, up(mark) + 4, show(mark), "tick", "end")
    every = -(-len(moments) // layout.names)
    for place, one in enumerate(moments):
        if (len(moments) - 1 - place) % every == 0:  # the last one always has its name
            last = not layout.aside and place and place == len(moments) - 1
            x = layout.width - 2 if last else across(place)
            anchor = "end" if last else "middle"
            yield text(x, HEIGHT - BOTTOM + 18, one.name, "tick", anchor)


Told = tuple[int, float, float]


def _runs(found: Sequence[tuple[int, float | None, float | None]]) -> Iterator[list[Told]]:
    """Neighbours that both have something to show."""
    for known, run in groupby(found, key=lambda one: one[1] is not None and one[2] is not None):
        if known:
            yield [(place, low or 0.0, high or 0.0) for place, low, high in run]


def _bands(moments: Sequence[Moment], across: Scale, up: Scale) -> Iterator[Markup]:
    for run in _runs([(place, one.low, one.high) for place, one in enumerate(moments)]):
        if len(run) == 1:  # a lone month: an upright bar
            place, low, high = run[0]
            yield line(across(place), up(low), across(place), up(high), "whisker")
            continue
        top = [(across(place), up(high)) for place, _, high in run]
        below = [(across(place), up(low)) for place, low, _ in reversed(run)]
        yield path([*top, *below], "band", closed=True)


def _limits(
    moments: Sequence[Moment], across: Scale, up: Scale, layout: Layout
) -> Iterator[Markup]:
    """Steps: each month has limits of its own, by how many appointments it had."""
    half = (across(1) - across(0)) / 2 if len(moments) > 1 else 24
    for run in _runs([(place, one.lower, one.upper) for place, one in enumerate(moments)]):
        for side in (1, 2):
            steps: list[tuple[float, float]] = []
            for told in run:
                x, y = across(told[0]), up(told[side])
                steps += [(max(layout.left, x - half), y), (min(layout.end, x + half), y)]
            yield path(steps, "limit")


def _centre(centre: float | None, up: Scale, layout: Layout) -> Iterator[Markup]:
    if centre is not None:
        yield line(layout.left, up(centre), layout.end, up(centre), "centre")


def _line(moments: Sequence[Moment], across: Scale, up: Scale) -> Iterator[Markup]:
    for run in _runs([(place, one.value, one.value) for place, one in enumerate(moments)]):
        if len(run) > 1:
            yield path([(across(place), up(value)) for place, value, _ in run], "line")


def _points(
    moments: Sequence[Moment], across: Scale, up: Scale, show: Callable[[float], str]
) -> Iterator[Markup]:
    last = len(moments) - 1
    for place, one in enumerate(moments):
        if one.value is None:
            continue
        x, y = across(place), up(one.value)
        if one.out:
            yield path([(x, y - 7), (x + 7, y), (x, y + 7), (x - 7, y)], "out", closed=True)
        else:
            kind = "point unfinished" if one.unfinished else "point"
            yield element("circle", cx=x, cy=y, r=4, class_=kind)
        if one.out and place != last:
            yield text(x, y - 12, show(one.value), "value", "middle")


def _names(
    moments: Sequence[Moment],
    centre: float | None,
    up: Scale,
    words: TrendWords,
    layout: Layout,
) -> Iterator[Markup]:
    """Labels at the right end, at the height of what they name, kept apart."""
    last = next((one for one in reversed(moments) if one.value is not None), moments[-1])
    found: list[tuple[float, str, str]] = []
    if last.value is not None:
        found.append((last.value, words.value, "name value"))
    if last.high is not None and last.low is not None:
        found.append((last.high, words.band, "name soft"))
    if centre is not None:
        found.append((centre, words.centre, "name soft"))
    if last.upper is not None and last.lower is not None:
        found.append((last.upper, words.upper, "name limits"))
        found.append((last.lower, words.lower, "name limits"))
    lower = 4 if layout.aside else -6
    places = apart([up(value) + lower for value, _, _ in found], ROOM, TOP, HEIGHT - BOTTOM)
    for y, (_, told, kind) in zip(places, found, strict=True):
        if layout.aside:
            yield text(layout.end + 10, y, told, kind)
        else:
            yield text(layout.end + 14, y, told, kind, "end")
