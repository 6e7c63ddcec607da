"""Judged items: annotations with the consensus of the other annotators, the input of conduct detection."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from assay_schemas.annotation import AnnotationId, AnnotatorId, Event, ItemId, Label, ProjectId

_Share = Annotated[float, Field(ge=0, le=1)]


class JudgedVote(Event):
    """One live annotation of a judged item.

    `consensus` is the item's label by all other votes, and `consensus_probability` how probable that is; None where
    fewer than two others are there. `fresh`: it is told for the first time, or anew because the right label became
    known; the others are there for comparison.
    """

    annotator: AnnotatorId
    annotation: AnnotationId
    label: Label
    occurred_at: AwareDatetime
    lead_time_seconds: float | None
    prelabel: Label | None
    consensus: Label | None
    consensus_probability: _Share | None
    fresh: bool


class JudgedItem(Event):
    """An item that has its annotations, or more of them than before.

    `text_length` counts the characters of its text, 0 where it has none. `gold` is the label that is known to be right:
    by the platform, or by an adjudicator. `model_label` is the consistency model's.
    """

    project: ProjectId
    item: ItemId
    text_length: int
    gold: Label | None
    model_label: Label | None
    attributes: dict[str, str]
    annotations: list[JudgedVote]
    as_of: AwareDatetime
