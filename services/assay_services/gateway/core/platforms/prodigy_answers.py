"""The label of an accepted Prodigy answer, by the interface (`_view_id`) in which it was given."""

from collections.abc import Iterator
from dataclasses import dataclass

from assay_services.gateway.core.decode_result import Settings
from assay_services.gateway.core.platforms.boxes import a_box, bounding_box, points_of
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    fields,
    identifier,
    listing,
    number,
    quoted,
    text_or_empty,
)
from assay_services.gateway.core.platforms.common_fields import shape_of, spans_of
from assay_services.gateway.core.unread_part import UnreadPart, outline

_MANUAL = {"ner_manual": "spans", "spans_manual": "spans", "image_manual": "boxes", "relations": "spans"}
_OF_SPANS = {*_MANUAL, "ner", "spans", "image", "dep", "pos"}
_MARKS = ("spans", "boxes")
_OUTLINES = ("polygon", "freehand")
_WORK_NOT_READ = ("audio_spans", "pages", "relations")


@dataclass(frozen=True, slots=True)
class AcceptedLabel:
    """The label of an accepted answer, what it is complete without, and choices that were made."""

    label: object
    unread: tuple[UnreadPart, ...] = ()
    notes: tuple[str, ...] = ()


def is_about_label(answer: JsonFields) -> bool:
    """Return whether the proposed label was judged; spans beside it are only what was highlighted."""
    return isinstance(answer.get("label"), str) and text_or_empty(answer.get("_view_id")) not in _OF_SPANS


def accepted(answer: JsonFields, settings: Settings, kind: str | None) -> AcceptedLabel | Malformed:
    """Return the label of an accepted answer: options, spans of text, shapes on an image, or the proposed label."""
    options, spans = answer.get("accept"), answer.get("spans")
    if isinstance(options, list) and not (kind in _MARKS and isinstance(spans, list)):
        return _options(answer, options)
    if is_about_label(answer) and kind not in _MARKS:
        return AcceptedLabel(answer["label"], tuple(_left_out(answer)))
    if isinstance(spans, list):
        return _marked(answer, spans, settings)
    if isinstance(answer.get("label"), str):
        return AcceptedLabel(answer["label"], tuple(_left_out(answer)))
    return _nothing_marked(answer, kind)


def _nothing_marked(answer: JsonFields, kind: str | None) -> AcceptedLabel | Malformed:
    """Return an empty label where marks were asked for: Prodigy leaves `spans` out where nothing was marked."""
    work = next((name for name in _WORK_NOT_READ if answer.get(name)), None)
    if work is not None:
        return Malformed(f"it holds only what is not read: {quoted(work)}")
    if _asks_for_marks(answer, kind):
        return AcceptedLabel([])
    return Malformed("it accepts no option, no span and no label")


def _asks_for_marks(answer: JsonFields, kind: str | None) -> bool:
    view = answer.get("_view_id")
    if isinstance(view, str):
        return view in _MANUAL or (view == "blocks" and kind in _MARKS)
    return kind in _MARKS or isinstance(answer.get("tokens"), list)


def _options(answer: JsonFields, options: list[object]) -> AcceptedLabel | Malformed:
    words = [identifier(one) for one in options]
    if None in words:
        return Malformed("an accepted option is neither text nor number")
    several = fields(answer.get("config")).get("choice_style") == "multiple"
    label: object = words if several or len(words) > 1 else next(iter(words), None)
    in_blocks = answer.get("_view_id") == "blocks"
    spans = [UnreadPart("spans", "a span beside the options") for _ in listing(answer.get("spans")) if in_blocks]
    return AcceptedLabel(label, (*spans, *_left_out(answer)))


def _marked(answer: JsonFields, spans: list[object], settings: Settings) -> AcceptedLabel | Malformed:
    """Read spans of text, or shapes on an image."""
    notes: list[str] = []
    if not spans and (work := next((name for name in _WORK_NOT_READ if answer.get(name)), None)):
        return Malformed(f"it holds only what is not read: {quoted(work)}")
    if "image" in answer:
        label = _shapes(spans)
    else:
        shown = answer.get(settings.text_field or "text")
        found = spans_of(spans, item_text=shown, notes=notes)
        label = Malformed("a span has no start, end or label") if found is None else found
    if isinstance(label, Malformed):
        return label
    return AcceptedLabel(label, tuple(_left_out(answer, spans)), tuple(notes))


def _left_out(answer: JsonFields, spans: list[object] | None = None) -> Iterator[UnreadPart]:
    """Yield what the label is complete without: relations, spans of sound, outlines of shapes, options."""
    for name in _WORK_NOT_READ:
        for _ in listing(answer.get(name)):
            yield UnreadPart(name, f"a part of {quoted(name)}")
    if spans is None:
        return
    for shape in map(shape_of, map(fields, spans)):
        if shape in _OUTLINES:
            yield outline(shape)
    for _ in listing(answer.get("accept")):
        yield UnreadPart("accept", "an option beside the spans")


def _shapes(spans: list[object]) -> list[JsonFields] | Malformed:
    boxes: list[JsonFields] = []
    for span in map(fields, spans):
        x, y, width, height = (number(span.get(name)) for name in ("x", "y", "width", "height"))
        points = points_of(span.get("points"))
        if not isinstance(span.get("label"), str):
            return Malformed("a shape has no label")
        if x is not None and y is not None and width is not None and height is not None:
            boxes.append({**a_box(x, y, width, height), "label": span["label"]})
        elif points is not None:
            boxes.append({**bounding_box(points), "label": span["label"]})
        else:
            return Malformed("a shape has no points")
    return boxes
