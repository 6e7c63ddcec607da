"""COCO: boxes on images, in one object with `images`, `annotations` and `categories`."""

from collections import defaultdict
from collections.abc import Iterator

from assay_services.gateway.core.platforms.annotation_facts import Fact, settle
from assay_services.gateway.core.platforms.boxes import a_box
from assay_services.gateway.core.platforms.coercion import (
    JsonFields,
    Malformed,
    fields,
    identifier,
    listing,
    media,
    number,
)
from assay_services.ingest.platform_exports.export_context import ExportContext, Found

NAME = "COCO"
_CORNER_AND_SIZE = 4


def is_coco(value: JsonFields) -> bool:
    """Return whether a value is a COCO dataset."""
    return all(isinstance(value.get(name), list) for name in ("images", "annotations", "categories"))


def read_coco(value: JsonFields, context: ExportContext) -> Iterator[Found]:
    """Yield an annotation for each image that has boxes. One without any may never have been looked at."""
    annotator, names = context.annotator("COCO"), _names(value)
    by_image: defaultdict[object, list[JsonFields]] = defaultdict(list)
    for part in map(fields, listing(value.get("annotations"))):
        by_image[part.get("image_id") if isinstance(part.get("image_id"), int | str) else None].append(part)
    for number_, image in enumerate(map(fields, listing(value.get("images")))):
        key = image.get("id")
        parts = by_image.pop(key, []) if isinstance(key, int | str) else []
        if not parts:
            context.notes["images without a box, which are no votes"] += 1
            continue
        yield _annotation(image, _boxes(parts, names), annotator, context, number_)
    for missing in by_image:
        yield Malformed(f"there are boxes on an image {missing} that is not among the images")


def _names(value: JsonFields) -> dict[object, str]:
    names: dict[object, str] = {}
    for one in map(fields, listing(value.get("categories"))):
        key, name = one.get("id"), one.get("name")
        if isinstance(key, int | str) and isinstance(name, str):
            names[key] = name
    return names


def _boxes(parts: list[JsonFields], names: dict[object, str]) -> object:
    boxes: list[JsonFields] = []
    for part in parts:
        numbers = [found for one in listing(part.get("bbox")) if (found := number(one)) is not None]
        category = part.get("category_id")
        name = names.get(category) if isinstance(category, int | str) else None
        if len(numbers) != _CORNER_AND_SIZE or name is None:
            return Malformed(
                f"annotation {identifier(part.get('id'))} has no bbox of four numbers or no known category"
            )
        boxes.append({**a_box(*numbers), "label": name})
    return boxes


def _annotation(image: JsonFields, label: object, annotator: str, context: ExportContext, place: int) -> Found:
    name = identifier(image.get("file_name")) or identifier(image.get("id"))
    if isinstance(label, Malformed) or name is None:
        return Malformed(f"image {name}: {label.reason if isinstance(label, Malformed) else 'it has no file_name'}")
    fact = Fact(
        platform="coco",
        annotation=f"{name}/{annotator}"[:256],
        project=context.path.stem,
        item={"id": name, "media": media(name, width=image.get("width"), height=image.get("height"))},
        annotator=annotator,
        label=label,
        occurred_at=None,
    )
    return settle(fact, context.asked(place))
