"""doccano: decode polled or exported rows, because it has no webhooks."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from assay_schemas.annotation import AnnotatorKind
from assay_services.gateway.core.decode_result import (
    Annotations,
    DecodeContext,
    DecodeResult,
    PlatformDelivery,
    Rejected,
    Settings,
)
from assay_services.gateway.core.platforms.annotation_facts import Fact, settle_all
from assay_services.gateway.core.platforms.boxes import a_box
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
    parse_rows,
    quoted,
    text,
)
from assay_services.gateway.core.platforms.common_fields import spans_of
from assay_services.gateway.core.unread_part import UnreadPart

NAME = "doccano"
_PARTS = ("categories", "spans", "texts", "bboxes")
_PART_OF_KIND = {
    "spans": "spans", "boxes": "bboxes", "categorical": "categories", "multilabel": "categories",
    "ordinal": "categories",
}  # fmt: skip
_LABELS = ("label", "entities", "cats")
_EXPORTED_OF_KIND = {"spans": ("entities", "label"), "categorical": ("label", "cats"), "multilabel": ("label", "cats")}


def decode(delivery: PlatformDelivery, asked: DecodeContext) -> DecodeResult:
    """Decode rows: a JSON list, one object, or JSON Lines.

    A polled row is an example with its `categories`, `spans`, `texts` or `bboxes`, or one of these alone with its
    `example`; each has a `user`. An exported row has `label` or `entities` and no user.
    """
    rows = parse_rows(delivery.raw)
    if isinstance(rows, Malformed):
        return Rejected(rows.reason)
    facts = [(name, fact) for name, row in _examples(rows) for fact in _facts(row, asked)]
    return settle_all(facts, asked).result(otherwise="no row has an annotation")


def decode_example(example: JsonFields, asked: DecodeContext) -> Annotations:
    """Decode one example of the API with its `categories`, `spans`, `texts` or `bboxes`, labels by name."""
    name = f"example {identifier(example.get('id'))}"
    return settle_all([(name, fact) for fact in _facts(example, asked)], asked).outcome()


def _examples(rows: Sequence[object]) -> list[tuple[str, object]]:
    """Return the rows as examples; parts of one example are merged first."""
    whole: list[tuple[str, object]] = []
    parts: dict[str, dict[str, list[object]]] = {}
    for place, row in enumerate(rows, 1):
        example = identifier(fields(row).get("example"))
        if example is None:
            whole.append((f"row {place}", row))
        else:
            parts.setdefault(example, {}).setdefault(_kind(fields(row)), []).append(row)
    return whole + [(f"example {example}", {"id": example, **held}) for example, held in parts.items()]


def _kind(part: JsonFields) -> str:
    if "start_offset" in part:
        return "spans"
    if "width" in part:
        return "bboxes"
    return "categories" if "label" in part else "texts"


def _facts(row: object, asked: DecodeContext) -> Iterator[Fact | Malformed]:
    if isinstance(row, Malformed) or not isinstance(row, dict):
        yield row if isinstance(row, Malformed) else Malformed(f"it is {kind_of(row)}; an object is wanted")
        return
    project = identifier(row.get("project")) or asked.platform_project or NAME
    settings = asked.settings_of(project)
    item = _item(row, settings)
    if isinstance(item, Malformed):
        yield item
    elif any(isinstance(row.get(name), list) for name in _PARTS):
        yield from _polled(row, item, project, asked.label_kind)
    elif any(row.get(name) for name in _LABELS):  # an empty list: no annotation
        yield from _exported(row, item, project, asked)
    elif not any(name in row for name in _LABELS):
        yield Malformed("it has no label; it is no row of doccano")


def _item(row: JsonFields, settings: Settings) -> JsonFields | Malformed:
    meta, own = fields(row.get("meta")), settings.item_field
    item_id = identifier(row.get("id")) if own is None else identifier(meta.get(own, row.get(own)))
    if item_id is None:
        return Malformed(f"it has no {quoted(own or 'id')} that could be the item's id")
    return {
        "id": item_id,
        "text": text(row.get(settings.text_field or "text")) or text(row.get("data")),
        "media": media(row.get("filename")),
        "attributes": attributes(meta, chosen=settings.attributes, used=(own,)),
    }


def _polled(row: JsonFields, item: JsonFields, project: str, kind: str | None) -> Iterator[Fact | Malformed]:
    """Merge the labels of each user; a machine's proposal (`manual` is false) is attributed to a model."""
    by_user: dict[tuple[str | None, bool], list[tuple[str, JsonFields]]] = {}
    for name in _PARTS:
        for part in map(fields, listing(row.get(name))):
            key = (identifier(part.get("user")), part.get("manual") is False)
            by_user.setdefault(key, []).append((name, part))
    for (user, by_machine), every in by_user.items():
        parts = [one for one in every if one[0] == _PART_OF_KIND.get(kind or "")] or every
        notes: list[str] = []
        label = _label(parts, item, notes)
        times = [one for one in (moment(part.get("updated_at")) for _, part in parts) if one is not None]
        if isinstance(label, Malformed):
            yield label
            continue
        yield Fact(
            platform=NAME,
            annotation=f"{identifier(row.get('id')) or item['id']}/{user}",  # unique per example
            project=project,
            item=item,
            annotator=user,
            kind=AnnotatorKind.MODEL if by_machine else AnnotatorKind.HUMAN,
            label=label,
            occurred_at=max(times, default=None),
            unread=[UnreadPart(name) for name, _ in every if name not in {part for part, _ in parts}],
            notes=notes,
        )


def _label(parts: Sequence[tuple[str, JsonFields]], item: JsonFields, notes: list[str]) -> object:
    kinds = {name for name, _ in parts}
    if len(kinds) > 1:
        return Malformed(f"one user gave labels of several kinds ({', '.join(sorted(kinds))})")
    kind, rows = next(iter(kinds)), [part for _, part in parts]
    if kind == "spans":
        found = spans_of(rows, start="start_offset", end="end_offset", item_text=item["text"], notes=notes)
        return Malformed("a span has no start_offset, end_offset or label that is a text") if found is None else found
    if kind == "bboxes":
        return _boxes(rows)
    words = [identifier(part.get("label")) if kind == "categories" else part.get("text") for part in rows]
    if not all(isinstance(word, str) for word in words):
        return Malformed("a label is neither a text nor a number")
    return words[0] if len(words) == 1 else words


def _boxes(rows: Sequence[JsonFields]) -> object:
    boxes: list[JsonFields] = []
    for row in rows:
        x, y, width, height = (number(row.get(name)) for name in ("x", "y", "width", "height"))
        if x is None or y is None or width is None or height is None or not isinstance(row.get("label"), str):
            return Malformed("a box has no x, y, width, height or label that is a text")
        boxes.append({**a_box(x, y, width, height), "label": row["label"]})
    return boxes


def _exported(row: JsonFields, item: JsonFields, project: str, asked: DecodeContext) -> Iterator[Fact | Malformed]:
    settings, notes = asked.settings_of(project), list[str]()
    order = (*settings.controls, *_EXPORTED_OF_KIND.get(asked.label_kind or "", ()), "entities", "label", "cats")
    chosen = next(name for name in order if row.get(name) and name in _LABELS)
    label = _exported_label(row[chosen], item, notes)
    user = identifier(row.get("user")) or identifier(row.get("username")) or settings.annotator
    if isinstance(label, Malformed):
        yield label
        return
    if user is None:
        yield Malformed(f"an exported row says no user; it is taken as of '{NAME}': name the annotator in the settings")
    yield Fact(
        platform=NAME,
        annotation=f"{item['id']}/{user or NAME}",
        project=project,
        item=item,
        annotator=user or NAME,
        label=label,
        occurred_at=_time(row),
        unread=list(_beside(row, chosen)),
        notes=notes,
    )


def _beside(row: JsonFields, chosen: str) -> Iterator[UnreadPart]:
    """Yield what an exported row holds beside its label: relations, another sort of label, comments."""
    for _ in listing(row.get("relations")):
        yield UnreadPart("relation", "a relation")
    for name in _LABELS:
        if name != chosen and row.get(name):
            yield UnreadPart(name, quoted(name))
    for _ in listing(row.get("Comments", row.get("comments"))):
        yield UnreadPart("comment", "a comment", quiet=True)


def _time(row: JsonFields) -> datetime | None:
    return moment(row.get("updated_at")) or moment(row.get("created_at"))


def _exported_label(entities: object, item: JsonFields, notes: list[str]) -> object:
    parts = listing(entities)
    if isinstance(entities, str):
        return entities
    if not isinstance(entities, list):
        return Malformed("its label is neither a text nor a list")
    if all(isinstance(part, str) for part in parts):
        return parts[0] if len(parts) == 1 else list(parts)
    triples = [dict(zip(("start", "end", "label"), part, strict=False)) for part in parts if isinstance(part, list)]
    if len(triples) == len(parts):
        found = spans_of(triples)
    else:
        where = {"start": "start_offset", "end": "end_offset"}
        found = spans_of(list(parts), **where, item_text=item["text"], notes=notes)
    return Malformed("its label holds neither texts nor spans") if found is None else found
