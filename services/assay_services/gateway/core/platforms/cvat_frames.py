"""Convert the shapes, tracks and tags of a CVAT job to one label per frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from assay_services.gateway.core.platforms.boxes import bounding_box, turned_box
from assay_services.gateway.core.platforms.coercion import JsonFields, fields, listing, number, text_or_empty, whole

_RECTANGLE_NUMBERS = 4
_READ = {"rectangle", "polygon"}
TAGS = "tags"


@dataclass(frozen=True, slots=True)
class FrameLabels:
    """The label of each frame. `spoilt` are frames with an unreadable shape: without it, the label would be wrong."""

    labels: Mapping[int, object]
    spoilt: frozenset[int] = frozenset()


def labels_by_frame(
    annotations: JsonFields, names: Mapping[int, str], control: str | None, problems: list[str]
) -> FrameLabels:
    """Return each frame's label: boxes if the job has shapes, else tags; the settings may name `tags` or `shapes`.

    Polygons become their bounding boxes. Of a track, only the keyframes set by a person count.
    """
    shapes = [*map(fields, listing(annotations.get("shapes"))), *_keyframes(annotations)]
    tags = [*map(fields, listing(annotations.get("tags")))]
    if control == TAGS or (control is None and not shapes):
        return _tags(tags, names, problems)
    if tags:
        problems.append("tags are not read beside shapes")
    return _boxes(shapes, names, problems)


def _keyframes(annotations: JsonFields) -> list[JsonFields]:
    tracks = map(fields, listing(annotations.get("tracks")))
    return [
        {**fields(shape), "label_id": track.get("label_id")}
        for track in tracks
        for shape in listing(track.get("shapes"))
        if fields(shape).get("outside") is not True
    ]


def _tags(tags: list[JsonFields], names: Mapping[int, str], problems: list[str]) -> FrameLabels:
    found: dict[int, dict[str, None]] = {}
    for tag in tags:
        frame, name = whole(tag.get("frame")), _name(tag, names)
        if frame is None or name is None:
            problems.append("a tag has no frame or no label that is known")
        else:
            found.setdefault(frame, {})[name] = None
    return FrameLabels({frame: min(words) if len(words) == 1 else sorted(words) for frame, words in found.items()})


def _boxes(shapes: list[JsonFields], names: Mapping[int, str], problems: list[str]) -> FrameLabels:
    found: dict[int, list[dict[str, object]]] = {}
    spoilt: set[int] = set()
    for shape in shapes:
        frame, name, box = whole(shape.get("frame")), _name(shape, names), _box(shape)
        if frame is None or text_or_empty(shape.get("type")) not in _READ:
            problems.append("a shape is no rectangle or polygon on a frame; it is not read")
        elif name is None or box is None:
            problems.append(f"frame {frame}: a shape has no points or no label that is known")
            spoilt.add(frame)
        else:
            found.setdefault(frame, []).append({**box, "label": name})
    return FrameLabels({frame: boxes for frame, boxes in found.items() if frame not in spoilt}, frozenset(spoilt))


def _name(part: JsonFields, names: Mapping[int, str]) -> str | None:
    label = whole(part.get("label_id"))
    return None if label is None else names.get(label)


def _box(shape: JsonFields) -> dict[str, object] | None:
    numbers = [found for one in listing(shape.get("points")) if (found := number(one)) is not None]
    if shape.get("type") == "rectangle" and len(numbers) == _RECTANGLE_NUMBERS:
        left, top, right, bottom = numbers
        degrees, centre = number(shape.get("rotation")) or 0, ((left + right) / 2, (top + bottom) / 2)
        return turned_box(left, top, right - left, bottom - top, degrees=degrees, about=centre)
    pairs = list(pairwise(numbers))[::2]
    return bounding_box(pairs) if shape.get("type") == "polygon" and pairs and len(numbers) % 2 == 0 else None
