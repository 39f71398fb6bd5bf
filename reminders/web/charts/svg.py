"""SVG as it is written into a page: escaped, named for who cannot see it, without inline style.

Colours, weights and dashes are classes of assets/reports.css, so that a picture follows the dark
mode, the printer and the content security policy. Geometry is attributes, in user units that are
pixels at the natural size. No library: the page's policy refuses inline style and scripts, which
those that were looked at emit (DEPENDENCIES, charts).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import floor, log10

from markupsafe import Markup, escape

TEXT = 13  # height of a letter's line, in user units
STEPS = (1, 2, 2.5, 5, 10)
LEAST = 1e-9  # a smaller range is drawn as none
WHOLE_PERCENT = 0.01  # an axis of shares whose labels have no decimal


def element(tag: str, *inside: str | Markup, **attributes: object) -> Markup:
    """`class_` is class, `stroke_width` stroke-width; None leaves an attribute out. Text is
    escaped unless it is Markup."""
    told = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), _short(value))
        for name, value in attributes.items()
        if value is not None
    )
    content = Markup("").join(inside)
    if not content:
        return Markup("<{}{}/>").format(tag, told)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, told, content)


def _short(value: object) -> str:
    """Two decimals are a hundredth of a pixel."""
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
    return str(value)


def picture(
    name: str,
    title: str,
    description: str,
    width: float,
    height: float,
    parts: Iterable[Markup],
    *,
    narrow: bool = False,
) -> Markup:
    """One image with its name and its sense in words. `name` is unique on the page."""
    name = f"{name}-etroit" if narrow else name
    return element(
        "svg",
        element("title", title, id=f"{name}-titre"),
        element("desc", description, id=f"{name}-sens"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_labelledby=f"{name}-titre {name}-sens",
        viewBox=f"0 0 {_short(float(width))} {_short(float(height))}",
        class_="chart narrow" if narrow else "chart",
    )


def both(drawn: Callable[[bool], Markup]) -> Markup:
    """The picture for a page of the office, then for a telephone: the style sheet shows one."""
    return element("div", drawn(False), drawn(True), class_="drawings")


def text(x: float, y: float, words: str, class_: str = "", anchor: str | None = None) -> Markup:
    return element("text", words, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str, *, closed: bool = False) -> Markup:
    drawn = " L".join(f"{_short(float(x))} {_short(float(y))}" for x, y in points)
    return element("path", d=f"M{drawn}{'Z' if closed else ''}", class_=class_)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values to places on the page, in proportion."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return self.start
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5, *, whole: float = 0.0) -> list[float]:
    """Round values that cover [low, high]; 0 is one of them wherever it lies inside.

    `whole`: what the labels count in, so that none is rounded: 0.01 for whole per cents, where
    2.5 % would read 2 %. Raises ValueError where low > high.
    """
    if low > high:
        raise ValueError("an axis goes up")
    if high - low < LEAST:
        high = low + 1
    step = _step(max((high - low) / max(1, about), whole), whole)
    first, last = floor(low / step + 1e-9), -floor(-high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def _step(least: float, whole: float) -> float:
    unit: float = 10.0 ** floor(log10(least))
    large = (unit * one for one in STEPS if unit * one >= least * (1 - 1e-9))
    return next(one for one in large if not whole or abs(one / whole - round(one / whole)) < LEAST)


def apart(places: Sequence[float], room: float, low: float, high: float) -> list[float]:
    """The same places, in the same order, moved so that labels there do not touch.

    `room`: between two of them. They stay within [low, high] where there is room enough.
    """
    order = sorted(range(len(places)), key=lambda one: places[one])
    moved = list(places)
    floor_at = low
    for one in order:
        moved[one] = max(moved[one], floor_at)
        floor_at = moved[one] + room
    ceiling = high
    for one in reversed(order):
        moved[one] = min(moved[one], ceiling)
        ceiling = moved[one] - room
    return moved


def shortened(words: str, most: int) -> str:
    """At most so many letters; the table beside the picture has the whole name."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


__all__ = [
    "TEXT",
    "WHOLE_PERCENT",
    "Markup",
    "Scale",
    "apart",
    "both",
    "element",
    "escape",
    "line",
    "path",
    "picture",
    "shortened",
    "text",
    "ticks",
]
