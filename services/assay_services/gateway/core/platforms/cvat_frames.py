"""Convert the shapes, tracks and tags of a CVAT job to one label per frame."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from assay_services.gateway.core.platforms.boxes import bounding_box, turned_box
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    fields,
    listing,
    number,
    quoted,
    text_or_empty,
    whole,
)
from assay_services.gateway.core.platforms.common_fields import shape_of
from assay_services.gateway.core.unread_part import UnreadPart, outline

_RECTANGLE_NUMBERS = 4
_READ = {"rectangle", "polygon"}
TAGS = "tags"
_OF_TAGS = ("categorical", "multilabel", "ordinal")
_OF_SHAPES = ("boxes",)


@dataclass(frozen=True, slots=True)
class FrameLabels:
    """The label of each frame. `spoilt` are frames with an unreadable shape: without it, the label would be wrong.

    `unread` are the parts of each frame that its label is complete without.
    """

    labels: Mapping[int, object]
    spoilt: frozenset[int] = frozenset()
    unread: Mapping[int, Sequence[UnreadPart]] = field(default_factory=dict)


def labels_by_frame(
    annotations: JsonFields,
    names: Mapping[int, str],
    control: str | None,
    problems: list[str],
    *,
    kind: str | None = None,
) -> FrameLabels:
    """Return each frame's label: boxes if the job has shapes, else tags; the settings may name `tags` or `shapes`.

    The contract's kind decides where the settings do not. Polygons become their bounding boxes. Of a track, only the
    keyframes set by a person count.
    """
    shapes = [*map(fields, listing(annotations.get("shapes"))), *_keyframes(annotations)]
    tags = [*map(fields, listing(annotations.get("tags")))]
    if listing(annotations.get("intervals")):
        problems.append("intervals are not read")
    if control == TAGS or (control is None and (kind in _OF_TAGS or (kind not in _OF_SHAPES and not shapes))):
        return _beside(_tags(tags, names, problems), shapes, problems)
    found = _boxes(shapes, names, problems)
    passed = _passed_by_tracks(annotations, found.labels.keys())
    problems += [f"frame {frame}: a track crosses it between its keyframes; set a keyframe there" for frame in passed]
    kept = {frame: label for frame, label in found.labels.items() if frame not in passed}
    if tags:
        problems.append("tags are not read beside shapes")
    return _beside(FrameLabels(kept, found.spoilt | passed, found.unread), tags, [])


def _beside(found: FrameLabels, others: Sequence[JsonFields], problems: list[str]) -> FrameLabels:
    """Return the labels with what stands beside each; a frame with nothing else than that is named in a problem."""
    unread = {frame: list(parts) for frame, parts in found.unread.items()}
    for one in others:
        frame, what = whole(one.get("frame")), shape_of(one) or "tag"
        if frame is not None and frame in found.labels:
            unread.setdefault(frame, []).append(UnreadPart(what, f"a {what} beside the label", quiet=True))
        elif frame is not None:
            problems.append(f"frame {frame}: it holds only what is not read: {quoted(what)}")
    return FrameLabels(found.labels, found.spoilt, unread)


def _passed_by_tracks(annotations: JsonFields, frames: Iterable[int]) -> frozenset[int]:
    """Return the frames on which a track is shown without a keyframe: what lies there is only interpolated."""
    labelled, passed = sorted(frames), set[int]()
    for track in map(fields, listing(annotations.get("tracks"))):
        shapes = {frame: one for one in map(fields, listing(track.get("shapes"))) if (frame := whole(one.get("frame")))
                  is not None}  # fmt: skip
        keys = sorted(shapes)
        for frame in labelled:
            before = bisect_left(keys, frame) - 1
            if frame not in shapes and before >= 0 and shapes[keys[before]].get("outside") is not True:
                passed.add(frame)
    return frozenset(passed)


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
    unread: dict[int, list[UnreadPart]] = {}
    for shape in shapes:
        frame, name, box = whole(shape.get("frame")), _name(shape, names), _box(shape)
        kind = text_or_empty(shape.get("type"))
        if frame is None:
            problems.append("a shape is on no frame; it is not read")
        elif kind not in _READ:
            problems.append(f"frame {frame}: {quoted(kind or 'no type')} is not read; the frame stays as it was")
            spoilt.add(frame)
        elif name is None or box is None:
            problems.append(f"frame {frame}: a shape has no points or no label that is known")
            spoilt.add(frame)
        else:
            found.setdefault(frame, []).append({**box, "label": name})
            unread.setdefault(frame, []).extend(_of_shape(shape, kind))
    return FrameLabels(
        {frame: boxes for frame, boxes in found.items() if frame not in spoilt}, frozenset(spoilt), unread
    )


def _of_shape(shape: JsonFields, kind: str) -> Iterable[UnreadPart]:
    """Return what is left out of a shape: the outline of a polygon, and its attributes."""
    if kind == "polygon":
        yield outline(kind)
    for _ in listing(shape.get("attributes")):
        yield UnreadPart("attribute", "an attribute of a shape", quiet=True)


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
