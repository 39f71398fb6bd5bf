"""Pictures are read without script, without colour and without sight."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markupsafe import Markup

from reminders.web.charts import (
    Bar,
    Difference,
    Moment,
    Stage,
    TrendWords,
    bars,
    forest,
    funnel,
    trend,
)
from reminders.web.charts.svg import WHOLE_PERCENT, apart, ticks

WORDS = TrendWords("ici", "intervalle", "moyenne", "haut", "bas")
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>x</script>\"'&"
shares = st.floats(0, 1, allow_nan=False)


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def drawn(moments: list[Moment], **more: object) -> ElementTree.Element:
    told: Markup = trend("t", "Titre", "Sens", moments, centre=0.1, show=percent, words=WORDS)
    return wide(told)


def wide(told: Markup) -> ElementTree.Element:
    """The picture of the office's page; the second one is for a telephone."""
    return ElementTree.fromstring(told)[0]


def texts(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


PICTURES = (
    trend("a", HOSTILE, HOSTILE, [Moment(HOSTILE, 0.1)], centre=None, show=percent, words=WORDS),
    bars("b", HOSTILE, HOSTILE, [Bar(HOSTILE, 0.2, HOSTILE, 0.1, 0.3)], show=percent),
    funnel("c", HOSTILE, HOSTILE, [Stage(HOSTILE, 3, HOSTILE), Stage("x", 1, "1")]),
    forest("d", HOSTILE, HOSTILE, [Difference(HOSTILE, HOSTILE, -0.1, -0.2, 0.0)], show=percent,
           better=HOSTILE, worse=HOSTILE),
)  # fmt: skip


@pytest.mark.parametrize("picture", PICTURES, ids=["trend", "bars", "funnel", "forest"])
def test_a_picture_has_a_name_a_sense_and_nothing_the_policy_refuses(picture: Markup) -> None:
    names = []
    for root in ElementTree.fromstring(picture):
        assert root.get("role") == "img"
        named = (root.get("aria-labelledby") or "").split()
        names += named
        found = {one.get("id"): one.text for one in root if one.get("id")}
        assert [found[one] for one in named] == [HOSTILE, HOSTILE]
        assert {one.tag for one in root.iter()} <= {
            f"{SVG}{tag}"
            for tag in ("svg", "title", "desc", "text", "line", "path", "rect", "circle")
        }
    assert len(set(names)) == 4  # two drawings, each with its name and its sense
    assert " style=" not in picture
    assert "<script" not in picture


ROW = "Consultations de chirurgie orthopédique"
SAID = "−16,1 points (−25,1 à −7,0)"
LONG = (
    trend("a", "", "", [Moment("16 mars", 0.1, lower=0.0, upper=0.2)] * 9, centre=0.1,
          show=percent, words=TrendWords("16 mars : 15,7 %", "", "moyenne", "haute", "basse")),
    bars("b", "", "", [Bar(ROW, 0.2, SAID, 0.1, 0.3)], show=percent, reference=(0.29, "ensemble")),
    funnel("c", "", "", [Stage(ROW, 3, SAID), Stage(ROW, 1, SAID)]),
    forest("d", "", "", [Difference(ROW, SAID, -0.1, -0.2, 0.0)], show=percent, better="moins",
           worse="plus de non-venues"),
)  # fmt: skip


@pytest.mark.parametrize("picture", LONG, ids=["trend", "bars", "funnel", "forest"])
def test_on_a_telephone_nothing_is_beyond_the_edge(picture: Markup) -> None:
    """Half of each picture, its values among it, was to be scrolled to at 360 pixels."""
    root = ElementTree.fromstring(picture)[1]
    edge = float((root.get("viewBox") or "").split()[2])
    assert edge <= 310
    for one in root.iter(f"{SVG}text"):
        x, wide = float(one.get("x") or 0), 6.5 * len(one.text or "")
        start = x - {"end": wide, "middle": wide / 2}.get(one.get("text-anchor") or "", 0)
        assert start >= -1, one.text
        assert start + wide <= edge + 1, one.text


def test_what_may_not_be_told_breaks_the_line_and_is_never_drawn_as_zero() -> None:
    root = drawn([Moment("a", 0.1), Moment("b", 0.1), Moment("c", None), Moment("d", 0.2)])
    lines = [one for one in root.iter(f"{SVG}path") if one.get("class") == "line"]
    assert len(lines) == 1
    assert (lines[0].get("d") or "").count("L") == 1
    assert len(list(root.iter(f"{SVG}circle"))) == 3


def test_beyond_its_limits_a_month_has_another_shape_and_its_value() -> None:
    root = drawn([Moment("a", 0.1), Moment("b", 0.3, out=True), Moment("c", 0.1)])
    assert [one.get("class") for one in root.iter(f"{SVG}path")].count("out") == 1
    assert "30.0" in texts(root)


def test_the_axis_begins_at_zero_and_covers_what_is_drawn() -> None:
    root = drawn([Moment("a", 0.31, 0.28, 0.37), Moment("b", 0.3, 0.2, 0.33)])
    marks = [float(one) for one in texts(root) if re.fullmatch(r"[\d.]+", one)]
    assert min(marks) == 0
    assert max(marks) >= 37


def test_a_hidden_bar_says_so_and_has_none() -> None:
    told = bars("b", "t", "d", [Bar("A", None, "masqué (< 5)"), Bar("B", 0.1, "10 %")],
                show=percent)  # fmt: skip
    root = wide(told)
    assert "masqué (< 5)" in texts(root)
    assert len(list(root.iter(f"{SVG}rect"))) == 1


def test_no_upright_of_a_forest_strikes_the_words_of_its_rows() -> None:
    rows = [Difference("A" * 60, "−16,1 points (−25,1 à −7,0)", -0.16, -0.25, -0.07)] * 3
    told = forest("f", "t", "d", rows, show=percent, better="moins", worse="plus")
    root = wide(told)
    words = [float(one.get("y") or 0) for one in root.iter(f"{SVG}text")]
    for one in root.iter(f"{SVG}line"):
        if one.get("class") in ("grid", "axis") and one.get("x1") == one.get("x2"):
            top, bottom = float(one.get("y1") or 0), float(one.get("y2") or 0)
            struck = [y for y in words[2:] if top < y and y - 10 < bottom]
            assert struck == [], (top, bottom)


def test_long_names_are_cut_in_the_picture_only() -> None:
    told = bars("b", "t", "d", [Bar("x" * 300, 0.1, "10 %")], show=percent)
    assert "x" * 90 not in told
    assert "…" in told


@given(shares, shares)
def test_ticks_are_round_cover_the_range_and_hold_zero(one: float, other: float) -> None:
    low, high = -one, other
    marks = ticks(low, high)
    assert marks[0] <= low + 1e-9
    assert marks[-1] >= high - 1e-9
    assert 0 in marks
    assert len(marks) <= 12
    assert marks == sorted(set(marks))


@example(0.0, 0.12)  # a fifth of it is 2.4 %
@given(shares, shares)
def test_no_label_of_an_axis_in_whole_per_cents_is_rounded(one: float, other: float) -> None:
    """0, 2.5 and 5 % were written 0 %, 2 % and 5 %."""
    marks = ticks(-one, other, whole=WHOLE_PERCENT)
    assert [round(100 * mark) / 100 for mark in marks] == pytest.approx(marks)
    assert marks[0] <= -one + 1e-9
    assert marks[-1] >= other - 1e-9
    assert len(marks) <= 12


@given(st.lists(st.floats(0, 300), min_size=1, max_size=8))
def test_labels_do_not_touch_and_keep_their_order(places: list[float]) -> None:
    moved = apart(places, 16, 0, 300)
    pairs = sorted(moved)
    assert all(b - a >= 16 - 1e-6 for a, b in pairwise(pairs))
    assert pairs[0] >= -1e-6
    assert pairs[-1] <= 300 + 1e-6


@given(st.lists(st.one_of(st.none(), shares), min_size=1, max_size=40))
def test_any_months_can_be_drawn(values: list[float | None]) -> None:
    moments = [Moment(str(n), v, v, v, v, v) for n, v in enumerate(values)]
    root = drawn(moments)
    for one in root.iter():
        for name, value in one.attrib.items():
            assert "nan" not in value, (one.tag, name)
            assert "inf" not in value, (one.tag, name)
