"""Consensus events: labels of items, corrections of annotations, review requests and annotators' reliability."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from assay_schemas.annotation import AnnotationId, AnnotatorId, Event, ItemId, Label, ProjectId

_Share = Annotated[float, Field(ge=0, le=1)]


class Status(StrEnum):
    """How far an item has come.

    open: more annotations are to come, or all agree and the label is not yet as sure as the contract wants.
    accepted: complete, and as sure as the contract wants. disputed: complete, not as sure, and the annotators differ.
    gold: its label was known. adjudicated: a person with the last word has settled it. empty: all its annotations were
    withdrawn.
    """

    OPEN = "open"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    GOLD = "gold"
    ADJUDICATED = "adjudicated"
    EMPTY = "empty"


class Consensus(Event):
    """The most probable label of an item.

    `label` and `probability` are None where nothing can be said. `probabilities` has the labels with a probability of
    0.001 or more; it is empty for kinds of label that cannot be listed. `votes` counts the live annotations.
    """

    project: ProjectId
    item: ItemId
    label: Label | None
    probability: _Share | None
    probabilities: dict[str, float]
    votes: int
    status: Status
    contract_version: int
    as_of: AwareDatetime


class Correction(Event):
    """An annotation that is very probably wrong, or (`retracts`) the word that it is not.

    `was` is what the annotator said, `label` what it should be, `probability` that the annotation is wrong.
    `retracts` is the id of the correction that is taken back by this one, else None.
    """

    id: str
    project: ProjectId
    item: ItemId
    annotator: AnnotatorId
    annotation: AnnotationId
    was: Label
    label: Label | None
    probability: _Share | None
    retracts: str | None
    reason: str
    contract_version: int
    as_of: AwareDatetime


class ReviewRequest(Event):
    """An item that a person should look at.

    `priority` is the expected gain in the probability of being right, from one more annotation (0-1).
    """

    project: ProjectId
    item: ItemId
    reason: str
    priority: _Share
    label: Label | None
    probability: _Share | None
    votes: int
    as_of: AwareDatetime


class Reliability(Event):
    """How often an annotator is right, merged over all partitions.

    `accuracy` lies with 95 % probability between `accuracy_low` and `accuracy_high`. `votes` is how many annotations
    it rests on. `confusion` has for each true label how often (expected counts) which label was given; it is
    empty for kinds of label without a vocabulary.
    """

    project: ProjectId
    annotator: AnnotatorId
    accuracy: _Share
    accuracy_low: _Share
    accuracy_high: _Share
    votes: int
    confusion: dict[str, dict[str, float]]
    as_of: AwareDatetime


class AnnotatorCounts(Event):
    """What one partition has counted of one annotator. Partitions read each other's, so that all know the whole pool.

    `annotator` is empty for what is known of all together. `learned` is the truth model's own.
    """

    project: ProjectId
    annotator: AnnotatorId
    partition: int
    learned: dict[str, Any]
    as_of: AwareDatetime
