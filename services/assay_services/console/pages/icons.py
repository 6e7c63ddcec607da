"""The icons of the navigation: small drawings in the colour of the text, hidden from screen readers."""

from assay_services.console.pages.html import Html, tag


def _icon(*paths: str) -> Html:
    """Return an outline of 20 by 20 pixels; each path is an SVG path."""
    return tag(
        "svg",
        *(tag("path", d=path) for path in paths),
        viewBox="0 0 20 20",
        width=20,
        height=20,
        fill="none",
        stroke="currentColor",
        stroke_width="1.5",
        stroke_linecap="round",
        stroke_linejoin="round",
        aria_hidden="true",
    )


OVERVIEW = _icon("M3 3h6v6H3z", "M11 3h6v6h-6z", "M3 11h6v6H3z", "M11 11h6v6h-6z")
"""Four tiles."""
PROJECT = _icon("M3 3v14h14", "M6 13l3.5-4 3 2.5L17 6")
"""A chart with a line."""
ANNOTATORS = _icon(
    "M10.5 6.5a3 3 0 1 1-6 0a3 3 0 1 1 6 0z",
    "M2 17c0-3 2.4-5 5.5-5s5.5 2 5.5 5",
    "M13 3.8a3 3 0 0 1 0 5.4",
    "M15 12.6c1.9.8 3 2.4 3 4.4",
)
"""Two people."""
ITEMS = _icon("M7 5h10", "M7 10h10", "M7 15h10", "M3 5h.5", "M3 10h.5", "M3 15h.5")
"""A list."""
REVIEW = _icon("M16 10v5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2h6", "M7 9.5l3 3L17.5 4")
"""A ticked box."""
ALERTS = _icon("M5 13V9a5 5 0 0 1 10 0v4l1.5 2h-13z", "M8.5 17.5h3", "M10 2.5V4")
"""A bell."""
SUBSCRIPTIONS = _icon("M3 5h14v10.5H3z", "M3 5.5l7 5.5 7-5.5")
"""An envelope."""
SYSTEM = _icon("M3 3.5h14v5H3z", "M3 11.5h14v5H3z", "M6 6h.5", "M6 14h.5", "M10 6h4", "M10 14h4")
"""Two servers."""
