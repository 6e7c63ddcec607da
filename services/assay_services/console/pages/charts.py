"""Charts: one style for all, colours that colour-blind people can distinguish, and never colour alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nicegui import ui

from assay_services.console.pages.html import Html, plain, tag

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A500", "#7F7F7F")
"""The colours of Okabe and Ito, with yellow darkened for white backgrounds and black replaced by grey for dark ones."""
VIRIDIS = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
_MARKS = ("circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect", "emptyCircle")
_MOST_UPRIGHT, _MOST_LARGE, _MOST_BANDS, _MOST_MARKS = 5, 8, 3, 40
_LINES = ("solid", "dashed", "dotted", [8, 3, 2, 3], [2, 2], [12, 3], [4, 8], "solid")


@dataclass(frozen=True, slots=True)
class ChartColours:
    """The colours of light or dark mode."""

    is_dark: bool

    @property
    def ink(self) -> str:
        """Return the colour of text."""
        return "#d5d9e2" if self.is_dark else "#333a47"

    @property
    def line(self) -> str:
        """Return the colour of axes and grid lines."""
        return "#343a46" if self.is_dark else "#dde1e8"


@dataclass(frozen=True, slots=True)
class Point:
    """The value at one time, None where undefined, with its interval if it has one."""

    at: datetime
    value: float | None
    low: float | None = None
    high: float | None = None


def show(options: Mapping[str, Any], *, label: str, height: str = "260px") -> ui.echart:
    """Show a chart; `label` describes it for screen readers."""
    chart = ui.echart(dict(options), renderer="canvas").props(f'role="img" aria-label="{_quoted(label)}"')
    return chart.style(f"height:{height};width:100%")


def _quoted(label: str) -> str:
    return plain(label).replace("\\", "").replace('"', "'")


def single_reading(series: Mapping[str, Sequence[Point]], zone: ZoneInfo) -> Html | None:
    """Return a sentence to show instead of a line chart with fewer than two readings; None if a line can be drawn.

    Readings at the same time count as one: a time axis needs two different times.
    """
    readings = [(name, point.at, point.value) for name, points in series.items() for point in points]
    known = [(name, at, value) for name, at, value in readings if value is not None]
    if len({at for _, at, _ in known}) > 1:
        return None
    if not known:
        return tag("p", "No reading is defined yet.", class_="soft", role="status")
    values = ", ".join(
        f"{plain(name)[:40]} {value:.2f}" if len(known) > 1 else f"{value:.2f}" for name, _, value in known
    )
    at = f"{known[0][1].astimezone(zone):%H:%M %Z on %d %b}"
    text = f"One reading so far: {values} at {at}; a line appears with the second."
    return tag("p", text, class_="soft", role="status")


def base(look: ChartColours) -> dict[str, Any]:
    """Return the options that all charts share. Tooltips are drawn, not HTML, because they contain data."""
    return {
        "animation": False,
        "textStyle": {"color": look.ink, "fontFamily": "system-ui, sans-serif"},
        "color": list(OKABE_ITO),
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True},
        "grid": {"left": 44, "right": 12, "top": 34, "bottom": 26},
        "legend": {"top": 0, "left": 0, "textStyle": {"color": look.ink}, "type": "scroll", "itemWidth": 28},
    }


def axis(look: ChartColours, kind: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # ECharts' options
    """Return the options of an axis."""
    return {
        "type": kind,
        "axisLabel": {"color": look.ink, "hideOverlap": True},
        "splitLine": {"show": kind == "value", "lineStyle": {"color": look.line}},
        "axisLine": {"lineStyle": {"color": look.line}},
        **more,
    }


def lines(
    look: ChartColours, series: Mapping[str, Sequence[Point]], *, low: float | None = 0, high: float | None = None
) -> dict[str, Any]:
    """Return a line chart of values over time, with a band around each series that has intervals."""
    drawn: list[dict[str, Any]] = []
    for number, (name, points) in enumerate(series.items()):
        colour, mark = OKABE_ITO[number % len(OKABE_ITO)], _MARKS[number % len(_MARKS)]
        dash = _LINES[number % len(_LINES)]
        drawn.append(
            {
                "name": plain(name)[:40], "type": "line", "data": [[_ms(one.at), one.value] for one in points],
                "symbol": mark, "symbolSize": 6, "showSymbol": len(points) < _MOST_MARKS,
                "lineStyle": {"type": dash, "width": 2}, "itemStyle": {"color": colour}, "connectNulls": False,
            }
        )  # fmt: skip
        if len(series) <= _MOST_BANDS and any(one.low is not None for one in points):
            drawn += _band(f"band {number}", points, colour)
    extent = {"min": low, "max": high, "scale": low is None}
    return base(look) | {
        "xAxis": axis(look, "time"),
        "yAxis": axis(look, "value", **{name: value for name, value in extent.items() if value is not None}),
        "series": drawn,
        "legend": {**base(look)["legend"], "data": [plain(name)[:40] for name in series]},
    }


def _band(stack: str, points: Sequence[Point], colour: str) -> list[dict[str, Any]]:
    """Return two stacked series that fill the space between low and high."""
    quiet = {
        "type": "line",
        "stack": stack,
        "symbol": "none",
        "silent": True,
        "lineStyle": {"opacity": 0},
        "stackStrategy": "all",
        "tooltip": {"show": False},
    }
    lows = [[_ms(one.at), one.low] for one in points if one.low is not None and one.high is not None]
    spans = [[_ms(one.at), one.high - one.low] for one in points if one.low is not None and one.high is not None]
    return [
        {**quiet, "data": lows},
        {**quiet, "data": spans, "areaStyle": {"color": colour, "opacity": 0.18}},
    ]


def heat(
    look: ChartColours,
    *,
    across: Sequence[str],
    down: Sequence[str],
    cells: Sequence[tuple[int, int, float | None, str]],
    low: float,
    high: float,
) -> dict[str, Any]:
    """Return a heat map. A cell is (column, row, value, text): the text repeats the value, so colour is not alone."""
    data = [{"value": [x, y, value], "text": text} for x, y, value, text in cells if value is not None]
    names = {"color": look.ink, "interval": 0}
    slanted = {**names, "rotate": 40 if len(across) > _MOST_UPRIGHT else 0}
    cell_label = (
        f"{{show: true, fontSize: {11 if len(across) <= _MOST_LARGE else 9}, color: '#fff', textBorderColor: '#000',"
        " textBorderWidth: 2, formatter: p => p.data.text}"
    )
    return base(look) | {
        "tooltip": {"show": False},
        "legend": {"show": False},
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 52, "containLabel": True},
        "xAxis": axis(look, "category", data=[plain(one)[:18] for one in across], position="top", axisLabel=slanted),
        "yAxis": axis(look, "category", data=[plain(one)[:18] for one in down], inverse=True, axisLabel=names),
        "visualMap": {
            "min": low,
            "max": high,
            "calculable": False,
            "orient": "horizontal",
            "left": 8,
            "bottom": 0,
            "inRange": {"color": list(VIRIDIS)},
            "textStyle": {"color": look.ink},
            "precision": 2,
            "itemHeight": 120,
        },
        "series": [{"type": "heatmap", "data": data, ":label": cell_label}],
    }


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)
