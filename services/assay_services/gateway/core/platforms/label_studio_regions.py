"""The regions of a Label Studio result: spans of text, and shapes on an image as the boxes around them."""

from collections.abc import Sequence
from dataclasses import dataclass

from assay_services.gateway.core.platforms.boxes import bounding_box, points_of, turned_box
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    fields,
    listing,
    number,
    quoted,
    whole,
)
from assay_services.gateway.core.platforms.label_studio_types import type_of
from assay_services.gateway.core.platforms.span_texts import located
from assay_services.gateway.core.unread_part import UnreadPart, outline


@dataclass(frozen=True, slots=True)
class RegionsLabel:
    """Spans or boxes. `notes`: spans that were found elsewhere. `unread`: outlines of which only the box is kept."""

    label: Sequence[JsonFields]
    notes: tuple[str, ...] = ()
    unread: tuple[UnreadPart, ...] = ()


def regions_label(own: Sequence[JsonFields], text: str | None) -> RegionsLabel | Malformed:
    """Read spans or boxes. One unreadable region makes the label unreadable: without it, it would be wrong."""
    found: list[JsonFields] = []
    notes: list[str] = []
    for place, one in enumerate(own):
        name = f"region {place + 1} of {quoted(one.get('from_name'))}"
        part, words = _region(one, text), _region_texts(one)
        if isinstance(part, Malformed) or isinstance(words, Malformed):
            wrong = part if isinstance(part, Malformed) else words
            return Malformed(f"{name}: {wrong.reason if isinstance(wrong, Malformed) else ''}")
        if "note" in part:
            notes.append(f"{name}: {part['note']}")
        bare = {key: value for key, value in part.items() if key != "note"}
        found += [{**bare, "label": word} for word in words]
    if len({"start" in part for part in found}) > 1:
        return Malformed("the label holds both spans and boxes")
    outlines = [outline("polygon") for one in own if "points" in fields(one.get("value"))]
    return RegionsLabel(found, tuple(notes), tuple(outlines))


def _region_texts(region: JsonFields) -> Sequence[str] | Malformed:
    value = fields(region.get("value"))
    words = listing(value.get(type_of(region), value.get("labels")))
    named = [word for word in words if isinstance(word, str)]
    return named if named and len(named) == len(words) else Malformed("it has no label")


def _region(region: JsonFields, text: str | None) -> JsonFields | Malformed:
    """Read one region; `note` is in it if its offsets were not those of its text."""
    value = fields(region.get("value"))
    if "points" in value or "width" in value:
        return _box(region, value)
    start, end = whole(value.get("start")), whole(value.get("end"))
    if start is None or end is None or "channel" in value or "original_length" in region:
        return Malformed("only spans of plain text, rectangles and polygons are read")
    place = located(text, start, end, value.get("text"), in_utf16=True)
    if isinstance(place, Malformed):
        return place
    note = {} if place.note is None else {"note": place.note}
    return {"start": place.start, "end": place.end, **note}


def _box(region: JsonFields, value: JsonFields) -> JsonFields | Malformed:
    wide, high = number(region.get("original_width")) or 0, number(region.get("original_height")) or 0
    if wide <= 0 or high <= 0:
        return Malformed("the image's size (original_width, original_height) is missing")
    if "points" in value:
        points = points_of(value["points"])
        if points is None:
            return Malformed("its points are no list of [x, y]")
        return bounding_box([(x * wide / 100, y * high / 100) for x, y in points])
    x, y, width, height = (number(value.get(name)) for name in ("x", "y", "width", "height"))
    if x is None or y is None or width is None or height is None:
        return Malformed("x, y, width and height are no numbers")
    left, top, degrees = x * wide / 100, y * high / 100, number(value.get("rotation")) or 0
    return turned_box(left, top, width * wide / 100, height * high / 100, degrees=degrees, about=(left, top))
