"""Any other tool: read its JSON by a mapping of JMESPath expressions."""

from datetime import datetime

import jmespath

from assay_schemas.annotation import Action
from assay_services.gateway.core.decode_result import (
    DecodeContext,
    DecodeResult,
    PlatformDelivery,
    Rejected,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    attributes,
    fields,
    identifier,
    listing,
    media,
    moment,
    moment_of_seconds,
    number,
    parse,
    quoted,
    text,
    text_or_empty,
)
from assay_services.gateway.core.platforms.common_fields import plain_label, shape_of, spans_of
from assay_services.gateway.core.platforms.field_mapping import FieldMapping

NAME = "generic"
_MILLISECONDS = 1_000
_NO_BOXES = {
    "ellipse",
    "circle",
    "polygon",
    "polyline",
    "line",
    "mask",
    "brush",
    "point",
    "points",
    "keypoint",
    "cuboid",
}
# JMESPath functions raise these on unsupported values; some are Python's own exceptions.
_EVALUATION_ERRORS = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError, RecursionError)


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a delivery by the connection's mapping."""
    mapping = asked.default.mapping
    if mapping is None:
        return Rejected("the connection has no mapping; give it one in YAML")
    body = parse(delivery.raw)
    if isinstance(body, Malformed):
        return Rejected(body.reason)
    events = _found(mapping.events, body)
    if isinstance(events, Malformed):
        return Rejected(f"events: {events.reason}")
    several = events if isinstance(events, list) else [] if events is None else [events]
    facts: list[tuple[str, Fact | Malformed]] = []
    for place, event in enumerate(several):
        counts = True if mapping.only_when is None else _found(mapping.only_when, event)
        if isinstance(counts, Malformed):
            facts.append((f"events[{place}]", Malformed(f"only_when: {counts.reason}")))
        elif counts not in (None, False, "", [], {}):
            facts.append((f"events[{place}]", _fact(event, mapping, asked)))
    return settle_all(facts, asked).result(otherwise="no event in it counts by the mapping")


def _found(expression: str | None, event: object) -> object:
    """Return the value of an expression in an event, or None."""
    try:
        return None if expression is None else jmespath.search(expression, event)
    except _EVALUATION_ERRORS:
        return Malformed("the expression does not fit what was sent")


_NAMES = ("project", "annotation", "annotator", "label", "prelabel", "occurred_at", "created_at", "lead_time_seconds")
_ITEM_NAMES = ("id", "text", "media", "gold")


def _fact(event: object, mapping: FieldMapping, asked: DecodeContext) -> Fact | Malformed:
    values = {name: _found(getattr(mapping, name), event) for name in _NAMES}
    values |= {f"item.{name}": _found(getattr(mapping.item, name), event) for name in _ITEM_NAMES}
    action, item = _action(event, mapping), _item(event, values, mapping)
    if isinstance(action, Malformed):
        return action
    if isinstance(item, Malformed):
        return item
    values["label"] = _label(values["label"]) if action in (Action.CREATED, Action.UPDATED) else None
    occurred_at = _moment(values["occurred_at"], mapping)
    if occurred_at is None and values["occurred_at"] is not None:
        values["occurred_at"] = Malformed("what is found there is no time; numbers need a 'time_unit' in the mapping")
    wrong = [Malformed(f"{name}: {one.reason}") for name, one in values.items() if isinstance(one, Malformed)]
    if wrong:
        return wrong[0]
    return Fact(
        platform=NAME,
        annotation=identifier(values["annotation"]),
        project=identifier(values["project"]) or asked.platform_project,
        item=item,
        annotator=identifier(values["annotator"]),
        action=action,
        label=values["label"],
        prelabel=_label(values["prelabel"]),
        gold=_label(values["item.gold"]),
        occurred_at=occurred_at,
        created_at=_moment(values["created_at"], mapping),
        lead_time_seconds=values["lead_time_seconds"],
    )


def _item(event: object, values: JsonFields, mapping: FieldMapping) -> JsonFields | Malformed:
    item_id = identifier(values["item.id"])
    if item_id is None:
        return Malformed("item.id: nothing is found there that could be an id")
    described = {name: _found(one, event) for name, one in mapping.item.attributes.items()}
    return {
        "id": item_id,
        "text": text(values["item.text"]),
        "media": media(values["item.media"]),
        "attributes": attributes(described, chosen=None),
    }


def _action(event: object, mapping: FieldMapping) -> Action | Malformed:
    """Return the action; created if the mapping has no expression for it."""
    said = _found(mapping.action, event)
    if mapping.action is None or isinstance(said, Malformed):
        return Malformed(f"action: {said.reason}") if isinstance(said, Malformed) else Action.CREATED
    known = {one.value: one for one in Action} | dict(mapping.actions)
    found = known.get(text_or_empty(said))
    return Malformed(f"action: the mapping has no action for {quoted(said)}") if found is None else found


def _label(value: object) -> object:
    """Read a plain label, or objects with the fields of spans or boxes."""
    parts = listing(value)
    if isinstance(value, Malformed):
        return value
    if not parts or not all(isinstance(part, dict) for part in parts):
        return plain_label(value)
    if "start" in fields(parts[0]):
        return spans_of(list(parts)) or Malformed("a span has no start, end or label")
    strange = next((shape for part in map(fields, parts) if (shape := shape_of(part)) in _NO_BOXES), None)
    if strange is not None:
        return Malformed(f"its parts are of the shape {quoted(strange)}; boxes and spans are read")
    boxes = [{name: fields(part).get(name) for name in ("x", "y", "width", "height", "label")} for part in parts]
    if all(number(box[name]) is not None for box in boxes for name in ("x", "y", "width", "height")):
        return boxes
    return Malformed("its parts are neither spans nor boxes")


def _moment(value: object, mapping: FieldMapping) -> datetime | None:
    """Read a time: a text, or a number in the mapping's unit."""
    found = number(value)
    if found is None or mapping.time_unit is None:
        return moment(value)
    return moment_of_seconds(found / _MILLISECONDS if mapping.time_unit == "milliseconds" else found)
