"""Axis-aligned rectangles, as in the schema, and the conversion of other shapes to them."""

import math
from collections.abc import Sequence

from assay_services.gateway.core.platforms.coercion import JsonFields, listing, number

_DIGITS = 6
_X_AND_Y = 2


def bounding_box(points: Sequence[tuple[float, float]]) -> dict[str, object]:
    """Return the bounding box of some points, rounded to a millionth of a pixel."""
    left, top = min(x for x, _ in points), min(y for _, y in points)
    right, bottom = max(x for x, _ in points), max(y for _, y in points)
    return a_box(left, top, right - left, bottom - top)


def a_box(x: float, y: float, width: float, height: float) -> dict[str, object]:
    """Return a rectangle in the schema's form, without its label. Negative sizes are kept: rules report them."""
    return {
        "x": round(x, _DIGITS),
        "y": round(y, _DIGITS),
        "width": round(width, _DIGITS),
        "height": round(height, _DIGITS),
    }


def turned_box(
    x: float, y: float, width: float, height: float, *, degrees: float, about: tuple[float, float]
) -> dict[str, object]:
    """Return the bounding box of a rectangle that is rotated clockwise about a point."""
    if degrees == 0:
        return a_box(x, y, width, height)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(x, y), (x + width, y), (x, y + height), (x + width, y + height)]
    away = [(corner_x - about[0], corner_y - about[1]) for corner_x, corner_y in corners]
    return bounding_box([(about[0] + dx * cos - dy * sin, about[1] + dx * sin + dy * cos) for dx, dy in away])


def vertices_box(corners: Sequence[JsonFields]) -> dict[str, object] | None:
    """Return the bounding box of corners given as {x, y}, or None if one is malformed."""
    pairs = [(number(one.get("x")), number(one.get("y"))) for one in corners]
    points = [(x, y) for x, y in pairs if x is not None and y is not None]
    return bounding_box(points) if points and len(points) == len(pairs) else None


def points_of(value: object) -> list[tuple[float, float]] | None:
    """Return a list of [x, y], or None if it is malformed."""
    points: list[tuple[float, float]] = []
    for pair in map(listing, listing(value)):
        x, y = (number(one) for one in pair) if len(pair) == _X_AND_Y else (None, None)
        if x is None or y is None:
            return None
        points.append((x, y))
    return points or None
