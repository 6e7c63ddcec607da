"""From the bytes on `items.judged` to single annotations, each with what the others say."""

from collections.abc import Iterator

from pydantic import ValidationError

from schemas.conduct import JudgedAnnotation
from schemas.judged import JudgedItem


def decode(value: bytes | None) -> JudgedItem | None:
    """Read one judged item; None for bytes that the consensus would not have written."""
    try:
        return JudgedItem.model_validate_json(value or b"")
    except ValidationError:
        return None


def fresh(item: JudgedItem) -> Iterator[JudgedAnnotation]:
    """Yield the annotations that are told for the first time, or anew."""
    said = {one.annotator: one.label for one in item.annotations}
    for one in item.annotations:
        if one.fresh:
            yield JudgedAnnotation.model_construct(
                project=item.project,
                item=item.item,
                annotator=one.annotator,
                annotation=one.annotation,
                label=one.label,
                occurred_at=one.occurred_at,
                lead_time_seconds=one.lead_time_seconds,
                text_length=item.text_length or None,
                consensus=one.consensus,
                consensus_probability=one.consensus_probability,
                gold=item.gold,
                model_label=item.model_label,
                prelabel=one.prelabel,
                attributes=item.attributes,
                others={who: label for who, label in said.items() if who != one.annotator},
            )
