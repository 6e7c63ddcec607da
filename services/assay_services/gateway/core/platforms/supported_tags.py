"""The register of tags and shapes: what is read of each platform, what is kept of the rest, and what is refused.

The table in this folder's README is generated from it, and a test decodes an example of each row.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class TagOutcome(StrEnum):
    """What becomes of an annotation with such a tag or shape.

    `read`: it is the label. `kept`: the label is kept without it, or only in part, and the outcome says so in `unread`.
    `refused`: the annotation is rejected with the reason (of CVAT: the frame stays as it was).
    """

    READ = "read"
    KEPT = "kept"
    REFUSED = "refused"


class SupportedTag(NamedTuple):
    """One row: what becomes of a tag or shape, what of it is in the label, and why."""

    platform: str
    tag: str
    outcome: TagOutcome
    what: str
    why: str = ""


READ, KEPT, REFUSED = TagOutcome.READ, TagOutcome.KEPT, TagOutcome.REFUSED
_NO_POINTS = "the schema has upright boxes, no outlines"
_NO_MASK = "not supported yet: the schema has no masks"
_NO_TIME = "not supported yet: the schema has no stretches of time"
_NO_LINKS = "not supported yet: the schema has no links between parts"
_NO_ORDER = "not supported yet: the schema has no orders"

TAGS: Sequence[SupportedTag] = (
    SupportedTag("label-studio", "choices", READ, "a text, or a list of texts"),
    SupportedTag("label-studio", "taxonomy", READ, "paths as texts"),
    SupportedTag("label-studio", "rating", READ, "the number"),
    SupportedTag("label-studio", "number", READ, "the number"),
    SupportedTag("label-studio", "datetime", READ, "a text, where nothing else is a label"),
    SupportedTag("label-studio", "textarea", READ, "a text, where nothing else is a label"),
    SupportedTag("label-studio", "textarea beside a label", KEPT, "the label", "it is a comment"),
    SupportedTag("label-studio", "pairwise", READ, "`left` or `right`"),
    SupportedTag("label-studio", "labels", READ, "spans in code points"),
    SupportedTag("label-studio", "rectanglelabels", READ, "boxes in pixels; a turned one as the upright box around it"),
    SupportedTag("label-studio", "polygonlabels", KEPT, "the boxes around them", _NO_POINTS),
    SupportedTag("label-studio", "keypointlabels", KEPT, "the label beside them", "a point is no part of a box"),
    SupportedTag("label-studio", "relation", KEPT, "the label beside it", _NO_LINKS),
    SupportedTag("label-studio", "an answer about a region", KEPT, "the label beside it", "it is not about the item"),
    SupportedTag("label-studio", "ranker beside choices", KEPT, "the choices", _NO_ORDER),
    SupportedTag("label-studio", "ellipselabels", REFUSED, "nothing", _NO_POINTS),
    SupportedTag("label-studio", "brushlabels", REFUSED, "nothing", _NO_MASK),
    SupportedTag("label-studio", "bitmasklabels", REFUSED, "nothing", _NO_MASK),
    SupportedTag("label-studio", "vectorlabels", REFUSED, "nothing", _NO_POINTS),
    SupportedTag("label-studio", "videorectangle", REFUSED, "nothing", "not supported yet: an item has no frames"),
    SupportedTag("label-studio", "timeserieslabels", REFUSED, "nothing", _NO_TIME),
    SupportedTag("label-studio", "timelinelabels", REFUSED, "nothing", _NO_TIME),
    SupportedTag("label-studio", "labels on audio", REFUSED, "nothing", _NO_TIME),
    SupportedTag("label-studio", "paragraphlabels", REFUSED, "nothing", "its offsets are not those of one text"),
    SupportedTag(
        "label-studio", "hypertextlabels by XPath", REFUSED, "nothing", "its offsets are not those of one text"
    ),
    SupportedTag("label-studio", "ranker", REFUSED, "nothing", _NO_ORDER),
    SupportedTag("label-studio", "item_index (pages)", REFUSED, "nothing", "a label is about one image or text"),
    SupportedTag("cvat", "rectangle", READ, "boxes; a turned one as the upright box around it"),
    SupportedTag("cvat", "polygon", KEPT, "the boxes around them", _NO_POINTS),
    SupportedTag("cvat", "tag", READ, "a text, or a list of texts, where there are no shapes"),
    SupportedTag("cvat", "tag beside shapes", KEPT, "the shapes", "name `tags` as the control, or set a contract"),
    SupportedTag("cvat", "attribute", KEPT, "the shape", "the schema has no attributes of parts"),
    SupportedTag("cvat", "track", READ, "boxes on the keyframes that a person set"),
    SupportedTag(
        "cvat", "track between its keyframes", REFUSED, "nothing of a frame with other shapes", "interpolated"
    ),
    SupportedTag("cvat", "ellipse", REFUSED, "nothing of the frame", _NO_POINTS),
    SupportedTag("cvat", "mask", REFUSED, "nothing of the frame", _NO_MASK),
    SupportedTag("cvat", "polyline", REFUSED, "nothing of the frame", _NO_POINTS),
    SupportedTag("cvat", "points", REFUSED, "nothing of the frame", _NO_POINTS),
    SupportedTag("cvat", "cuboid", REFUSED, "nothing of the frame", _NO_POINTS),
    SupportedTag("cvat", "skeleton", REFUSED, "nothing of the frame", _NO_POINTS),
    SupportedTag("labelbox", "radio", READ, "a text"),
    SupportedTag("labelbox", "checklist", READ, "a list of texts"),
    SupportedTag("labelbox", "text", READ, "a text"),
    SupportedTag("labelbox", "nested answer", KEPT, "the answer around it", "a label is one answer"),
    SupportedTag("labelbox", "bounding_box", READ, "boxes"),
    SupportedTag("labelbox", "polygon", KEPT, "the boxes around them", _NO_POINTS),
    SupportedTag("labelbox", "span", READ, "spans; the last character is included there"),
    SupportedTag("labelbox", "relationship", KEPT, "the objects", _NO_LINKS),
    SupportedTag(
        "labelbox", "classification", KEPT, "the objects beside it", "name it as the control, or set a contract"
    ),
    SupportedTag("labelbox", "mask", REFUSED, "nothing", _NO_MASK),
    SupportedTag("labelbox", "point", REFUSED, "nothing", _NO_POINTS),
    SupportedTag("labelbox", "line", REFUSED, "nothing", _NO_POINTS),
    SupportedTag("labelbox", "frames", REFUSED, "nothing", "not supported yet: an item has no frames"),
    SupportedTag("labelbox", "page_number (pages)", REFUSED, "nothing", "a label is about one page"),
    SupportedTag("ground-truth", "class-name", READ, "a text"),
    SupportedTag("ground-truth", "class-map", READ, "a list of texts"),
    SupportedTag("ground-truth", "object detection", READ, "boxes"),
    SupportedTag("ground-truth", "named entities", READ, "spans"),
    SupportedTag("ground-truth", "-ref", REFUSED, "nothing", "the label is in a file that is not fetched"),
    SupportedTag("ground-truth", "failure-reason", REFUSED, "nothing", "the job failed on the item"),
    SupportedTag("prodigy", "choice", READ, "a text, or a list of texts"),
    SupportedTag("prodigy", "classification", READ, "the label, or `not` and the label; spans are only highlighted"),
    SupportedTag("prodigy", "ner_manual", READ, "spans; none of them is `[]`"),
    SupportedTag("prodigy", "spans_manual", READ, "spans; none of them is `[]`"),
    SupportedTag("prodigy", "image_manual", READ, "boxes; none of them is `[]`"),
    SupportedTag("prodigy", "polygon", KEPT, "the boxes around them", _NO_POINTS),
    SupportedTag("prodigy", "freehand", KEPT, "the boxes around them", _NO_POINTS),
    SupportedTag("prodigy", "relations", KEPT, "the spans", _NO_LINKS),
    SupportedTag("prodigy", "audio_spans", REFUSED, "nothing", _NO_TIME),
    SupportedTag("prodigy", "pages", REFUSED, "nothing", "a label is about one page"),
    SupportedTag("doccano", "label", READ, "a text, a list of texts, or spans"),
    SupportedTag("doccano", "entities", READ, "spans"),
    SupportedTag("doccano", "cats", READ, "a text, or a list of texts, where there is no other label"),
    SupportedTag("doccano", "bboxes", READ, "boxes"),
    SupportedTag("doccano", "relation", KEPT, "the entities", _NO_LINKS),
    SupportedTag("doccano", "cats beside entities", KEPT, "the entities", "a contract of texts takes the cats"),
    SupportedTag("argilla", "label_selection", READ, "a text"),
    SupportedTag("argilla", "multi_label_selection", READ, "a list of texts"),
    SupportedTag("argilla", "rating", READ, "the number"),
    SupportedTag("argilla", "span", READ, "spans"),
    SupportedTag("argilla", "text", READ, "a text, where nothing else is a label"),
    SupportedTag("argilla", "ranking", REFUSED, "nothing", _NO_ORDER),
    SupportedTag("argilla", "ranking beside a label", KEPT, "the label", _NO_ORDER),
    SupportedTag("toloka", "text", READ, "a text"),
    SupportedTag("toloka", "shapes", REFUSED, "nothing", "not supported yet: their sizes are shares of the image"),
    SupportedTag("appen", "text", READ, "a text"),
    SupportedTag("appen", "shapes", REFUSED, "nothing", "not supported yet: they are JSON in a text"),
    SupportedTag("scale", "category", READ, "a text, or a list of texts"),
    SupportedTag("scale", "box", READ, "boxes"),
    SupportedTag("scale", "span", READ, "spans"),
    SupportedTag("scale", "polygon", KEPT, "the boxes around them", _NO_POINTS),
    SupportedTag("scale", "link", KEPT, "the shapes", _NO_LINKS),
    SupportedTag("scale", "line", REFUSED, "nothing", _NO_POINTS),
    SupportedTag("scale", "ellipse", REFUSED, "nothing", _NO_POINTS),
    SupportedTag("scale", "cuboid", REFUSED, "nothing", _NO_POINTS),
    SupportedTag("scale", "url", REFUSED, "nothing", "the label is in a file that is not fetched"),
)
"""All rows, by platform."""

_KNOWN = {row.tag for row in TAGS} | {
    "no type", "object", "freehand", "comment", "global attribute", "accept", "spans", "categories", "texts", "bboxes",
    "annotation",
}  # fmt: skip
_OTHER = "other"


def tag_of(what: str) -> str:
    """Return what was left out as the label of a metric: a known tag or shape, or `other`."""
    return what if what in _KNOWN else _OTHER


def as_table() -> str:
    """Return the register as a table of the README."""
    head = ["| platform | tag or shape | outcome | in the label | why |", "|---|---|---|---|---|"]
    rows = [f"| {one.platform} | {one.tag} | {one.outcome} | {one.what} | {one.why} |" for one in TAGS]
    return "\n".join([*head, *rows])
