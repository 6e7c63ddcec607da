"""The validator's verdict on an annotation: validated or rejected, with findings and the model's score."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from assay_schemas.annotation import Annotation, Event, Label


class RuleAction(StrEnum):
    """What a rule does with an annotation that breaks it.

    reject: it leaves on `annotations.rejected`. flag: it passes and carries the finding, for people to look at.
    count: it passes and carries the finding, for statistics only.
    """

    REJECT = "reject"
    FLAG = "flag"
    COUNT = "count"


class Finding(Event):
    """One rule's objection to one annotation."""

    rule: str
    action: RuleAction
    message: str
    path: str


class ModelScore(Event):
    """What the consistency model thinks of the label.

    `label_probability` is the calibrated probability of the annotator's own label (0-1), `below_threshold` whether
    that is less than the threshold of its class.
    """

    label_probability: Annotated[float, Field(ge=0, le=1)]
    predicted: Label
    predicted_probability: Annotated[float, Field(ge=0, le=1)]
    below_threshold: bool


class ValidatedAnnotation(Event):
    """An annotation that may be used, with everything that was noticed about it.

    `score` is None where no model could speak: none in the contract, not loadable, nothing to score.
    """

    annotation: Annotation
    findings: list[Finding]
    score: ModelScore | None
    contract_version: int


class RejectedAnnotation(Event):
    """An annotation that breaks its contract: at least one finding rejects."""

    annotation: Annotation
    findings: list[Finding]
    score: ModelScore | None
    contract_version: int
