"""Scale AI: one callback for each finished task."""

from collections.abc import Iterator

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    DecodeContext,
    DecodeResult,
    Nothing,
    PlatformDelivery,
    Rejected,
    Settings,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.boxes import a_box, vertices_box
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    attributes,
    fields,
    identifier,
    kind_of,
    listing,
    media,
    moment,
    number,
    parse_object,
    quoted,
    text,
    text_or_empty,
)
from assay_services.gateway.core.platforms.common_fields import chosen_answer, plain_label, shape_of, spans_of
from assay_services.gateway.core.unread_part import UnreadPart, outline

NAME = "scale"
_WORKFORCE = "scale"
"""The annotator of all callbacks: Scale does not show who annotated."""
_ACTIONS = {"completed": Action.CREATED, "canceled": Action.SKIPPED, "cancelled": Action.SKIPPED}
_OF_NO_CONCERN = {"pending", "error"}
_SHAPES = {None, "box", "boundingbox", "rectangle", "polygon"}
"""The shapes that are read; others have corners, too, and are no boxes."""


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a callback."""
    body = parse_object(delivery.raw)
    if isinstance(body, Malformed):
        return Rejected(body.reason)
    task = fields(body.get("task"))
    if identifier(body.get("task_id")) is None and identifier(task.get("task_id")) is None:
        return Rejected("the body has no 'task_id'; it is no callback of Scale")
    status = text_or_empty(task.get("status", "completed"))
    if status in _OF_NO_CONCERN:
        return Nothing(f"the task is {status}")
    if status not in _ACTIONS:
        return Rejected(f"a task of Scale has no status {quoted(status)}")
    response = fields(body.get("response", task.get("response")))
    fact = _fact({"task_id": body.get("task_id"), **task}, response, asked, _ACTIONS[status])
    return settle_all([("task", fact)], asked).result(otherwise="the task has no annotation")


def _fact(task: JsonFields, response: JsonFields, asked: DecodeContext, action: Action) -> Fact | Malformed:
    project = identifier(task.get("project")) or identifier(task.get("type"))
    settings = asked.settings_of(project)
    item, notes = _item(task, settings), list[str]()
    if isinstance(item, Malformed):
        return item
    label = _label(response, settings, item, notes) if action is Action.CREATED else None
    if isinstance(label, Malformed):
        return label
    completed = moment(task.get("completed_at"))
    return Fact(
        platform=NAME,
        annotation=identifier(task.get("task_id")),
        project=project,
        item=item,
        annotator=settings.annotator or _WORKFORCE,
        action=action,
        label=label,
        occurred_at=completed or moment(task.get("updated_at")),
        created_at=completed,
        unread=list(_left_out(response)) if action is Action.CREATED else (),
        notes=notes,
    )


def _left_out(response: JsonFields) -> Iterator[UnreadPart]:
    """Yield what the label is complete without: outlines, attributes, and annotations beside a category."""
    if "category" in response:
        for part in map(fields, listing(response.get("annotations"))):
            yield UnreadPart(shape_of(part) or "annotation", f"{_shown(part)} beside the category")
        return
    for part in map(fields, listing(response.get("annotations"))):
        if "vertices" in part and "left" not in part:
            yield outline("polygon")
        for _ in fields(part.get("attributes")):
            yield UnreadPart("attribute", "an attribute of a shape", quiet=True)
    for _ in fields(response.get("global_attributes")):
        yield UnreadPart("global attribute", "an attribute of the task", quiet=True)
    for _ in listing(response.get("links")):
        yield UnreadPart("link", "a link between shapes")


def _item(task: JsonFields, settings: Settings) -> JsonFields | Malformed:
    metadata, params = fields(task.get("metadata")), fields(task.get("params"))
    own = [task.get("unique_id"), task.get("task_id")]
    if settings.item_field is not None:
        own = [metadata.get(settings.item_field), task.get(settings.item_field)]
    item_id = next((found for one in own if (found := identifier(one)) is not None), None)
    if item_id is None:
        return Malformed(f"the task has no {quoted(settings.item_field or 'task_id')} that could be the item's id")
    attachment = params.get("attachment")
    is_text = params.get("attachment_type") == "text"
    return {
        "id": item_id,
        "text": text(attachment) if is_text else text(params.get(settings.text_field or "text")),
        "media": None if is_text else media(attachment),
        "attributes": attributes(metadata, chosen=settings.attributes, used=(settings.item_field,)),
    }


def _label(response: JsonFields, settings: Settings, item: JsonFields, notes: list[str]) -> object:
    """Read a category, shapes or spans, or the chosen field (`annotations.<field>.response`)."""
    parts = response.get("annotations")
    if "category" in response:
        return plain_label(response["category"])
    if isinstance(parts, list):
        return _parts(parts, item, notes)
    if set(fields(parts)) == {"url"}:
        return Malformed("its annotations are the address of a file that is not read")
    answers = {name: _field(value) for name, value in fields(parts).items()} if "annotations" in response else response
    chosen = chosen_answer(answers, settings)
    return chosen if isinstance(chosen, Malformed) else plain_label(answers.get(chosen or ""))


def _field(value: object) -> object:
    """Return a field's answer, unwrapped from lists of one element."""
    found = fields(value).get("response", value)
    while isinstance(found, list) and len(found) == 1:
        found = found[0]
    return found


def _parts(parts: list[object], item: JsonFields, notes: list[str]) -> object:
    if parts and all("start" in fields(part) for part in parts):
        spans = spans_of(parts, item_text=item["text"], notes=notes)
        return spans or Malformed("a span has no start, end or label")
    boxes: list[JsonFields] = []
    for place, part in enumerate(parts):
        box, label = _box(fields(part)), fields(part).get("label")
        if box is None or not isinstance(label, str):
            return Malformed(f"annotations[{place}] is {_shown(part)}; boxes, polygons and spans are read")
        boxes.append({**box, "label": label})
    return boxes


def _shown(part: object) -> str:
    kind = fields(part).get("type")
    return f"of the type {quoted(kind)}" if isinstance(kind, str) else kind_of(part)


def _box(part: JsonFields) -> JsonFields | None:
    if shape_of(part) not in _SHAPES:
        return None
    left, top, width, height = (number(part.get(name)) for name in ("left", "top", "width", "height"))
    if left is not None and top is not None and width is not None and height is not None:
        return a_box(left, top, width, height)
    return vertices_box([*map(fields, listing(part.get("vertices")))])
