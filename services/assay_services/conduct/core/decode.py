"""From the bytes on `items.judged` to single annotations, each with what the others say."""

from collections.abc import Iterator

from pydantic import ValidationError

from assay_models.conduct.judged_annotation import JudgedAnnotation
from assay_schemas.annotation import microseconds
from assay_schemas.judged_item import JudgedItem


def decode(value: bytes | None) -> JudgedItem | None:
    """Read one judged item; None for bytes that the consensus would not have written."""
    try:
        return JudgedItem.model_validate_json(value or b"")
    except ValidationError:
        return None


def fresh(item: JudgedItem) -> Iterator[JudgedAnnotation]:
    """Yield the annotations that are told for the first time, or anew."""
    said = {one.annotator: one.label for one in item.annotations}
    length = item.text_length or None
    for one in item.annotations:
        if one.fresh:
            yield JudgedAnnotation(
                item.project, item.item, one.annotator, one.annotation, one.label, microseconds(one.occurred_at),
                one.lead_time_seconds, length, one.consensus, one.consensus_probability, item.gold, item.model_label,
                one.prelabel, item.attributes, said,
            )  # fmt: skip
