"""The objects and classifications of a Labelbox label."""

from assay_services.gateway.core.platforms.boxes import a_box, bounding_box
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


def parts_of(objects: object) -> list[JsonFields] | Malformed:
    """Read boxes, polygons (as their bounding boxes) and spans of text."""
    found: list[JsonFields] = []
    for place, part in enumerate(map(fields, listing(objects))):
        name = part.get("name", part.get("title", part.get("value")))
        read = _span(part) or _box(part)
        if read is None or not isinstance(name, str):
            return Malformed(f"objects[{place}] is no box, polygon or stretch of text with a name")
        found.append({**read, "label": name})
    if len({"start" in part for part in found}) > 1:
        return Malformed("the label holds both spans and boxes")
    return found


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
    corners = [(number(one.get("x")), number(one.get("y"))) for one in map(fields, listing(part.get("polygon")))]
    points = [(x, y) for x, y in corners if x is not None and y is not None]
    return bounding_box(points) if points and len(points) == len(corners) else None


def answers_of(classifications: object) -> dict[str, object] | Malformed:
    """Read the answers by question name: one value, several, or a text."""
    found: dict[str, object] = {}
    for place, one in enumerate(map(fields, listing(classifications))):
        name = one.get("name", one.get("title", one.get("value")))
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
