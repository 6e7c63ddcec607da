"""SageMaker Ground Truth: lines of an output manifest, also inside an SNS notification."""

import hashlib
from collections.abc import Iterator

from assay_schemas.annotation import AnnotatorKind
from assay_services.gateway.core.decode_result import (
    DecodeContext,
    DecodeResult,
    Nothing,
    PlatformDelivery,
    Rejected,
    Settings,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.boxes import a_box
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    at,
    attributes,
    fields,
    identifier,
    kind_of,
    listing,
    media,
    moment,
    number,
    parse_rows,
    quoted,
    text,
    text_or_empty,
    whole,
)
from assay_services.gateway.core.platforms.common_fields import spans_of

NAME = "ground-truth"
_METADATA = "-metadata"
_SOURCES = ("source", "source-ref")


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode a manifest's lines; each label attribute of a line is an annotation of its job."""
    rows: object = parse_rows(delivery.raw)
    notice = fields(rows[0]) if isinstance(rows, list) and len(rows) == 1 else {}
    if text_or_empty(notice.get("Type")).endswith("Confirmation"):
        return Nothing("SNS asks to confirm the subscription; a person has to do that")
    if notice.get("Type") == "Notification":
        rows = parse_rows(text_or_empty(notice.get("Message")).encode(errors="replace"))
    if isinstance(rows, Malformed):
        return Rejected(rows.reason)
    facts = [(f"line {place}", fact) for place, row in enumerate(listing(rows), 1) for fact in _facts(row, asked)]
    return settle_all(facts, asked).result(otherwise="no line has a label")


def _facts(row: object, asked: DecodeContext) -> Iterator[Fact | Malformed]:
    if isinstance(row, Malformed) or not isinstance(row, dict):
        yield row if isinstance(row, Malformed) else Malformed(f"it is {kind_of(row)}; an object is wanted")
        return
    if not any(name in row for name in _SOURCES):
        yield Malformed("it has neither 'source' nor 'source-ref'; it is no line of a manifest")
        return
    names = [name for name in row if f"{name}{_METADATA}" in row]
    for name in names:
        metadata = fields(row[f"{name}{_METADATA}"])
        job = (identifier(metadata.get("job-name")) or name).rpartition("/")[2] or name
        settings = asked.settings_of(job)
        if settings.controls and name not in settings.controls:
            continue
        yield _fact(row, name, metadata, job, settings)


def _fact(row: JsonFields, name: str, metadata: JsonFields, job: str, settings: Settings) -> Fact | Malformed:
    label = _refused(name, row[name], metadata) or _label(row[name], metadata)
    item = _item(row, name, settings)
    if isinstance(label, Malformed) or isinstance(item, Malformed):
        return Malformed(f"{quoted(name)}: {label.reason if isinstance(label, Malformed) else 'its source has no id'}")
    by_people = metadata.get("human-annotated") != "no"
    return Fact(
        platform=NAME,
        annotation=f"{item['id']}/{name}"[:256],
        project=job,
        item=item,
        annotator=settings.annotator or job,
        kind=AnnotatorKind.HUMAN if by_people else AnnotatorKind.MODEL,
        label=label,
        occurred_at=moment(metadata.get("creation-date")),
    )


def _item(row: JsonFields, name: str, settings: Settings) -> JsonFields | Malformed:
    """Return the item: its id is the source's address, or a digest of a text or of an address that is too long."""
    source = text_or_empty(row.get("source-ref")) or text_or_empty(row.get("source"))
    is_address = "source-ref" in row
    digest = hashlib.sha256(source.encode(errors="replace")).hexdigest()[:32]
    own = row.get(settings.item_field) if settings.item_field else (identifier(source) if is_address else digest)
    item_id = identifier(own) or (digest if settings.item_field is None else None)
    if item_id is None or not source:
        return Malformed("no id")
    size = fields(next(iter(listing(at(row.get(name), "image_size"))), None))
    described = {key: value for key, value in row.items() if f"{key}{_METADATA}" not in row}
    return {
        "id": item_id,
        "text": None if is_address else text(source),
        "media": media(source, width=size.get("width"), height=size.get("height")) if is_address else None,
        "attributes": attributes(described, chosen=settings.attributes, used=(*_SOURCES, settings.item_field)),
    }


def _refused(name: str, value: object, metadata: JsonFields) -> Malformed | None:
    """Return why an attribute is no label: the job failed, or the label is in a file that is not read."""
    if metadata.get("failure-reason") is not None:
        return Malformed(f"the job failed on this item: {quoted(metadata['failure-reason'])}")
    if isinstance(value, str) and (name.endswith("-ref") or value.startswith("s3://")):
        kind = text_or_empty(metadata.get("type")).rpartition("/")[2] or "unknown type"
        return Malformed(f"it is the address of a file that is not read ({quoted(kind)})")
    return None


def _label(value: object, metadata: JsonFields) -> object:
    """Read a class, classes, boxes or spans: `class-map` names the classes of a list, `class-name` a single one."""
    names, one = fields(metadata.get("class-map")), metadata.get("class-name")
    if isinstance(one, str):
        return one
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        words = [names.get(str(whole(part))) for part in value]
        return words if all(isinstance(each, str) for each in words) else Malformed("a class has no name in class-map")
    parts = at(value, "annotations")
    if isinstance(parts, list):
        return _boxes(parts, names)
    return (
        _spans(parts) if isinstance(parts, dict) else Malformed(f"its label is {kind_of(value)} without a class-name")
    )


def _spans(parts: JsonFields) -> object:
    if not isinstance(parts.get("entities"), list):
        return Malformed("its annotations hold no list 'entities'")
    spans = spans_of(parts["entities"], start="startOffset", end="endOffset")
    return Malformed("an entity has no startOffset, endOffset or label") if spans is None else spans


def _boxes(parts: list[object], names: JsonFields) -> object:
    boxes: list[JsonFields] = []
    for part in map(fields, parts):
        name = names.get(str(whole(part.get("class_id"))))
        left, top, width, height = (number(part.get(each)) for each in ("left", "top", "width", "height"))
        if left is None or top is None or width is None or height is None or not isinstance(name, str):
            return Malformed("a box has no left, top, width, height or a class that class-map names")
        boxes.append({**a_box(left, top, width, height), "label": name})
    return boxes
