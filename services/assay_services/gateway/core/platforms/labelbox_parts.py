"""The objects and classifications of a Labelbox label."""

from collections.abc import Iterator

from assay_services.gateway.core.platforms.boxes import a_box, vertices_box
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    at,
    fields,
    listing,
    number,
    quoted,
    whole,
)
from assay_services.gateway.core.unread_part import UnreadPart, outline

_SHAPES = ("mask", "point", "line", "polyline", "segment", "ellipse", "cuboid")


def parts_of(objects: object) -> list[JsonFields] | Malformed:
    """Read boxes, polygons (as their bounding boxes) and spans of text."""
    found: list[JsonFields] = []
    for place, part in enumerate(map(fields, listing(objects))):
        name = name_of(part)
        read = _span(part) or _box(part)
        if read is None or not isinstance(name, str):
            shape = next((one for one in _SHAPES if one in part), None)
            is_shape = "" if shape is None else f": {quoted(shape)} is not read"
            return Malformed(f"objects[{place}] is no box, polygon or stretch of text with a name{is_shape}")
        found.append({**read, "label": name})
    pages = {str(page) for part in map(fields, listing(objects)) if (page := _page(part)) is not None}
    if len(pages) > 1 or not pages <= {"0", "1"}:
        return Malformed(
            f"its objects lie on pages {', '.join(sorted(pages))} of a document; a label is about one image"
        )
    if len({"start" in part for part in found}) > 1:
        return Malformed("the label holds both spans and boxes")
    return found


def _page(part: JsonFields) -> int | None:
    return whole(part.get("page_number", part.get("page", fields(part.get("location")).get("page"))))


def _span(part: JsonFields) -> JsonFields | None:
    """Read a span of text. Labelbox includes the last character; our `end` is exclusive."""
    place = fields(part.get("location") or at(part, "data.location"))
    start, end = whole(place.get("start")), whole(place.get("end"))
    return None if start is None or end is None else {"start": start, "end": end + 1}


def _box(part: JsonFields) -> JsonFields | None:
    box = fields(part.get("bounding_box") or part.get("bbox"))
    left, top, width, height = (number(box.get(name)) for name in ("left", "top", "width", "height"))
    if left is not None and top is not None and width is not None and height is not None:
        return a_box(left, top, width, height)
    return vertices_box([*map(fields, listing(part.get("polygon")))])


def left_out(content: JsonFields, *, is_of_objects: bool) -> Iterator[UnreadPart]:
    """Yield what the label is complete without: nested answers, relationships, and what stands beside the label."""
    for part in map(fields, listing(content.get("objects"))):
        if is_of_objects and "polygon" in part:
            yield outline("polygon")
        if not is_of_objects:
            yield UnreadPart("object", "an object beside the answer")
        yield from (_nested(one) for one in listing(part.get("classifications")))
    for one in map(fields, listing(content.get("classifications"))):
        if is_of_objects:
            yield UnreadPart("classification", f"the answer to {quoted(name_of(one))} beside the objects")
        yield from nested_answers(one)
    for _ in listing(content.get("relationships")):
        yield UnreadPart("relationship", "a relationship")


def nested_answers(classification: JsonFields) -> Iterator[UnreadPart]:
    """Yield the answers inside an answer, at any depth that a person reaches."""
    several = classification.get("checklist_answers", classification.get("answers"))
    single = classification.get("radio_answer", classification.get("answer"))
    for answer in map(fields, [single, *listing(several)]):
        for one in map(fields, listing(answer.get("classifications"))):
            yield _nested(one)
            yield from nested_answers(one)


def _nested(one: object) -> UnreadPart:
    return UnreadPart("nested answer", f"the nested answer {quoted(name_of(fields(one)))}")


def name_of(part: JsonFields) -> object:
    """Return the name of an object or a question."""
    return part.get("name", part.get("title", part.get("value")))


def answers_of(classifications: object) -> dict[str, object] | Malformed:
    """Read the answers by question name: one value, several, or a text."""
    found: dict[str, object] = {}
    for place, one in enumerate(map(fields, listing(classifications))):
        name = name_of(one)
        answer = _answer(one)
        if not isinstance(name, str) or answer is None:
            return Malformed(f"classifications[{place}] has no name or no answer that is read")
        if isinstance(answer, Malformed):
            return Malformed(f"the answer to {quoted(name)} {answer.reason}")
        found[name] = answer
    return found


def _answer(one: JsonFields) -> object:
    single = one.get("radio_answer", one.get("answer"))
    several = one.get("checklist_answers", one.get("answers"))
    if isinstance(several, list):
        words = [_name(each) for each in several]
        return words if None not in words else Malformed("has a choice without a name")
    return _name(single) or at(one, "text_answer.content")


def _name(answer: object) -> str | None:
    if isinstance(answer, str):
        return answer
    name = fields(answer).get("name", fields(answer).get("value"))
    return name if isinstance(name, str) else None
