"""The types of a Label Studio result: which are read, and which mark the same sort of thing."""

from assay_services.gateway.core.platforms.coercion import JsonFields, fields

WORDS = ("choices", "taxonomy", "textarea", "datetime")
_NUMBERS = ("rating", "number")
REGIONS = ("labels", "hypertextlabels", "rectanglelabels", "polygonlabels")
READ = {*WORDS, *_NUMBERS, *REGIONS, "pairwise"}
REMARKS = ("textarea", "datetime")

_SHAPES = {
    "rectangle", "polygon", "ellipse", "brush", "bitmask", "vector", "magicwand",
    "rectanglelabels", "polygonlabels", "ellipselabels", "brushlabels", "bitmasklabels", "vectorlabels",
    "videorectangle",
}  # fmt: skip
_STRETCHES = {"hypertextlabels", "paragraphlabels", "paragraphs"}
SHAPE, STRETCH = "shape", "stretch"


def type_of(region: JsonFields) -> str:
    """Return the type of a result in lower case, or '' if it has none."""
    found = region.get("type")
    return found.lower() if isinstance(found, str) else ""


def family_of(region: JsonFields) -> str | None:
    """Return what a result marks: a shape on an image, a stretch of text, or None for anything else."""
    kind, value = type_of(region), fields(region.get("value"))
    if kind in _SHAPES or (kind == "labels" and not {"x", "points", "rle"}.isdisjoint(value)):
        return SHAPE
    is_time = "channel" in value or "original_length" in region
    return STRETCH if kind in _STRETCHES or (kind == "labels" and not is_time) else None


def family_of_tag(tag: str) -> str | None:
    """Return what a control marks by its tag; None where that depends on what it shows."""
    return SHAPE if tag in _SHAPES else STRETCH if tag in _STRETCHES else None


def is_geometry(region: JsonFields) -> bool:
    """Return whether a result is a bare shape: its label comes in another result with the same region id."""
    return type_of(region) in _SHAPES and not type_of(region).endswith("labels")
