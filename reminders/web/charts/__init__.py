"""Pictures of figures, drawn on the server: no script, no inline style, a table behind each."""

from reminders.web.charts.bars import Bar, Stage, bars, funnel
from reminders.web.charts.forest import Difference, forest
from reminders.web.charts.svg import WHOLE_PERCENT
from reminders.web.charts.trend import Moment, TrendWords, trend

__all__ = [
    "WHOLE_PERCENT",
    "Bar",
    "Difference",
    "Moment",
    "Stage",
    "TrendWords",
    "bars",
    "forest",
    "funnel",
    "trend",
]
